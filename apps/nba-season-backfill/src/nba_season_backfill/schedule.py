"""Which games a season has and what state each is in: the game log and the schedule, reconciled. Pure.

``leaguegamelog`` knows what was played; ``scheduleleaguev2`` knows what was planned. Each is incomplete in its own way
(the log has no venues and no future, the schedule is missing for some seasons), so a game counts as final when the log
has both teams' lines, or the schedule says status 3 with two scores; where they disagree the reason says so.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from nba_season_backfill.season import GameId, GameKind, Season, SeasonType

__all__ = ["Game", "GameState", "LogLine", "log_rows", "read_game_log", "read_schedule", "read_scoreboard", "reconcile"]


class GameState(StrEnum):
    """What became of a game."""

    FINAL = "final"
    SCHEDULED = "scheduled"
    LIVE = "live"
    POSTPONED = "postponed"
    CANCELLED = "cancelled"
    IF_NECESSARY_NOT_PLAYED = "if_necessary_not_played"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Game:
    """One game: what is known of it from the season's lists. ``game_date`` is US Eastern; scores are None until final.

    ``neutral_site`` and venue are None when only the game log knows the game. ``reason`` says why the state is what
    it is.
    """

    game_id: GameId
    season: Season
    season_type: SeasonType
    game_date: dt.date
    state: GameState
    reason: str
    tipoff_utc: dt.datetime | None = None
    home_team_id: int | None = None
    home_tricode: str | None = None
    home_team_name: str | None = None
    home_score: int | None = None
    away_team_id: int | None = None
    away_tricode: str | None = None
    away_team_name: str | None = None
    away_score: int | None = None
    neutral_site: bool | None = None
    label: str | None = None
    sub_label: str | None = None
    series_text: str | None = None
    series_game_number: str | None = None
    game_subtype: str | None = None
    status_text: str | None = None
    if_necessary: bool | None = None
    arena_name: str | None = None
    arena_city: str | None = None
    arena_state: str | None = None

    @property
    def month(self) -> int:
        """The month of the US Eastern game date: the partition."""
        return self.game_date.month


@dataclass(frozen=True, slots=True)
class LogLine:
    """One team's line of a game in ``leaguegamelog``."""

    game_id: GameId
    game_date: dt.date
    team_id: int
    tricode: str
    team_name: str
    matchup: str
    won: bool | None
    points: int | None

    @property
    def at_home(self) -> bool:
        """``BKN vs. PHX`` is a home game, ``PHX @ BKN`` an away game (seen from the line's own team)."""
        return f"{self.tricode} vs." in self.matchup or (" vs. " in self.matchup and "@" not in self.matchup)


_TYPE_OF_KIND = {season_type.kind: season_type for season_type in SeasonType}


def read_game_log(payload: Mapping[str, Any]) -> list[LogLine]:
    """The lines of a ``leaguegamelog`` answer for teams.

    Raises:
        ValueError: a column is missing or a value is not what it should be; names it.
    """
    lines = []
    for row in log_rows(payload):
        try:
            points = row["PTS"]
            if points is not None and (not isinstance(points, int) or isinstance(points, bool)):
                raise ValueError(f"PTS is {points!r}, not a whole number")
            lines.append(
                LogLine(
                    game_id=GameId(row["GAME_ID"]),
                    game_date=dt.date.fromisoformat(str(row["GAME_DATE"])[:10]),
                    team_id=int(row["TEAM_ID"]),
                    tricode=str(row["TEAM_ABBREVIATION"]),
                    team_name=str(row["TEAM_NAME"]),
                    matchup=str(row["MATCHUP"]),
                    won={"W": True, "L": False}.get(row["WL"]),
                    points=points,
                )
            )
        except KeyError as error:
            raise ValueError(f"leaguegamelog: column {error} is missing") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"leaguegamelog: game {row.get('GAME_ID')!r}: {error}") from None
    return lines


def log_rows(payload: Mapping[str, Any], name: str = "LeagueGameLog") -> Iterable[dict[str, Any]]:
    """The rows of a ``leaguegamelog`` answer, for teams or for players, by column.

    Raises:
        ValueError: the answer has no such table, or a row does not fit its headers.
    """
    sets = payload.get("resultSets")
    for result in sets if isinstance(sets, list) else []:
        if isinstance(result, dict) and result.get("name") == name:
            headers, rows = result.get("headers"), result.get("rowSet")
            if not isinstance(headers, list) or not isinstance(rows, list):
                break
            for row in rows:
                if not isinstance(row, list) or len(row) != len(headers):
                    raise ValueError(f"{name}: a row has {len(row)} values for {len(headers)} columns")
                yield dict(zip(headers, row, strict=True))
            return
    raise ValueError(f"the answer has no result set {name}")


def read_schedule(payload: Mapping[str, Any], season: Season) -> list[Game]:
    """The games of a ``scheduleleaguev2`` answer, of every kind, each with its state.

    Raises:
        ValueError: a game cannot be read; names it and what is wrong.
    """
    schedule = payload.get("leagueSchedule")
    dates = schedule.get("gameDates") if isinstance(schedule, dict) else None
    if not isinstance(dates, list):
        raise ValueError("scheduleleaguev2: the answer has no list of dates (leagueSchedule.gameDates)")
    games: dict[GameId, Game] = {}
    for day in dates:
        for entry in day.get("games") or []:
            try:
                game = _scheduled_game(entry, str(day.get("gameDate")), season)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"scheduleleaguev2: game {entry.get('gameId')!r}: {error!r}") from None
            games[game.game_id] = game
    return list(games.values())


def read_scoreboard(payload: Mapping[str, Any], season: Season) -> list[Game]:
    """The games of a ``scoreboardv3`` answer: one day's, in the terms of the schedule.

    Raises:
        ValueError: a game cannot be read; names it and what is wrong.
    """
    scoreboard = payload.get("scoreboard")
    entries = scoreboard.get("games") if isinstance(scoreboard, dict) else None
    if not isinstance(scoreboard, dict) or not isinstance(entries, list):
        raise ValueError("scoreboardv3: the answer has no list of games (scoreboard.games)")
    day = str(scoreboard.get("gameDate"))
    games = []
    for entry in entries:
        try:
            told = {**entry, "gameDateEst": day, "gameDateTimeUTC": entry.get("gameTimeUTC")}
            game = _scheduled_game(told, day, season)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            name = entry.get("gameId") if isinstance(entry, dict) else entry
            raise ValueError(f"scoreboardv3: {day}, game {name!r}: {error!r}") from None
        games.append(replace(game, reason=game.reason.replace("schedule:", "scoreboard:", 1)))
    return games


def _scheduled_game(entry: Mapping[str, Any], day: str, season: Season) -> Game:
    home, away = entry["homeTeam"], entry["awayTeam"]
    game_id = GameId(entry["gameId"])
    tipoff = _utc(entry.get("gameDateTimeUTC"))
    text = str(entry.get("gameStatusText") or "").strip()
    if text == "TBD":
        # The hour that stands beside "TBD" is a placeholder.
        tipoff = None
    state, reason = _state(entry, text)
    final = state is GameState.FINAL
    return Game(
        game_id=game_id,
        season=season,
        season_type=_TYPE_OF_KIND[game_id.kind],
        game_date=_eastern_date(entry, day),
        state=state,
        reason=reason,
        tipoff_utc=tipoff,
        home_team_id=home["teamId"] or None,
        home_tricode=home.get("teamTricode") or None,
        home_team_name=_team_name(home),
        home_score=home.get("score") if final else None,
        away_team_id=away["teamId"] or None,
        away_tricode=away.get("teamTricode") or None,
        away_team_name=_team_name(away),
        away_score=away.get("score") if final else None,
        neutral_site=_truth(entry.get("isNeutral")),
        label=entry.get("gameLabel") or None,
        sub_label=entry.get("gameSubLabel") or None,
        series_text=entry.get("seriesText") or None,
        series_game_number=str(entry.get("seriesGameNumber") or "") or None,
        game_subtype=entry.get("gameSubtype") or None,
        status_text=text or None,
        if_necessary=_truth(entry.get("ifNecessary")),
        arena_name=entry.get("arenaName") or None,
        arena_city=entry.get("arenaCity") or None,
        arena_state=entry.get("arenaState") or None,
    )


def _team_name(team: Mapping[str, Any]) -> str | None:
    return " ".join(part for part in (team.get("teamCity"), team.get("teamName")) if part) or None


def _truth(value: object) -> bool | None:
    """Booleans come as true/false, and in newer documents as the words "true"/"false"."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def _utc(value: object) -> dt.datetime | None:
    """A UTC time; the placeholders of years 1 and 1900 mean that it is not known."""
    if not isinstance(value, str) or value[:4] in ("0001", "1900", ""):
        return None
    return dt.datetime.fromisoformat(value).astimezone(dt.UTC)


def _eastern_date(entry: Mapping[str, Any], day: str) -> dt.date:
    text = entry.get("gameDateEst")
    if isinstance(text, str) and text[:4] not in ("0001", "1900"):
        return dt.date.fromisoformat(text[:10])
    month, date, year = day.split(" ", maxsplit=1)[0].split("/")
    return dt.date(int(year), int(month), int(date))


def _state(entry: Mapping[str, Any], text: str) -> tuple[GameState, str]:
    status, lowered = entry.get("gameStatus"), text.lower()
    postponed = str(entry.get("postponedStatus") or "N").upper()
    scores = [team.get("score") or 0 for team in (entry["homeTeam"], entry["awayTeam"])]
    if "cancel" in lowered or postponed == "C":
        return GameState.CANCELLED, f"schedule: {text or postponed}"
    if status == 3:
        if all(score > 0 for score in scores):
            return GameState.FINAL, "schedule: final"
        if _truth(entry.get("ifNecessary")):
            return GameState.IF_NECESSARY_NOT_PLAYED, "schedule: final without a score, if necessary"
        return GameState.UNKNOWN, "schedule: final, but without both scores"
    if postponed in ("Y", "P") or "postpone" in lowered or lowered == "ppd":
        return GameState.POSTPONED, f"schedule: {text or 'postponed'}"
    if not entry["homeTeam"]["teamId"] or not entry["awayTeam"]["teamId"]:
        return GameState.UNDECIDED, "schedule: teams not decided"
    if status == 2:
        return GameState.LIVE, f"schedule: {text or 'live'}"
    if status == 1:
        if "if necessary" in lowered or _truth(entry.get("ifNecessary")):
            return GameState.SCHEDULED, "schedule: if necessary"
        return GameState.SCHEDULED, f"schedule: {text or 'scheduled'}"
    return GameState.UNKNOWN, f"schedule: status {status!r}"


def reconcile(lines: Sequence[LogLine], scheduled: Sequence[Game], season: Season) -> list[Game]:
    """One list of games from both sources, in order of date and id.

    The log decides whether a game was played and with what score; the schedule knows the rest.
    """
    by_game: dict[GameId, list[LogLine]] = defaultdict(list)
    for line in lines:
        by_game[line.game_id].append(line)
    games = {game.game_id: game for game in scheduled}
    for game_id, pair in by_game.items():
        games[game_id] = _with_log(games.get(game_id), game_id, pair, season)
    return sorted(games.values(), key=lambda game: (game.game_date, game.game_id))


def _with_log(game: Game | None, game_id: GameId, pair: list[LogLine], season: Season) -> Game:
    if len({line.team_id for line in pair}) != 2:
        teams = ", ".join(sorted({line.tricode for line in pair}))
        reason = f"game log: a line for {teams} only"
        if game is not None:
            return replace(game, reason=f"{game.reason}; {reason}")
        line = pair[0]
        return Game(game_id, season, _TYPE_OF_KIND[game_id.kind], line.game_date, GameState.UNKNOWN, reason)
    by_team = {line.team_id: line for line in pair}
    if game is not None and {game.home_team_id, game.away_team_id} == set(by_team):
        # Neutral-site games can swap home and away between the lists: join on the team, keep the schedule's sides.
        home, away = by_team[game.home_team_id or 0], by_team[game.away_team_id or 0]
    else:
        first, second = sorted(pair, key=lambda line: (not line.at_home, line.team_id))
        home, away = first, second
    complete = all(line.points is not None and line.won is not None for line in pair)
    if game is None:
        state = GameState.FINAL if complete else GameState.LIVE
        game = Game(game_id, season, _TYPE_OF_KIND[game_id.kind], home.game_date, state, "game log only")
    elif complete:
        reason = "schedule and game log: final"
        if game.state is not GameState.FINAL:
            reason = f"game log: final ({game.reason})"
        elif {(game.home_team_id, game.home_score), (game.away_team_id, game.away_score)} != {
            (line.team_id, line.points) for line in pair
        }:
            reason = f"game log: final; the schedule says {game.home_score}-{game.away_score}"
        game = replace(game, state=GameState.FINAL, reason=reason)
    return replace(
        game,
        home_team_id=home.team_id,
        home_tricode=home.tricode,
        home_team_name=game.home_team_name or home.team_name,
        home_score=home.points if complete else game.home_score,
        away_team_id=away.team_id,
        away_tricode=away.tricode,
        away_team_name=game.away_team_name or away.team_name,
        away_score=away.points if complete else game.away_score,
    )


def counted_kinds(season_types: Iterable[SeasonType]) -> frozenset[GameKind]:
    """The kinds of game that these season types hold."""
    return frozenset(season_type.kind for season_type in season_types)
