"""What the season's lists say, and whether they agree with each other, with the calendar and with the games table."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from nba_season_backfill.audit.calendar import (
    expected_games,
    games_of_each_team,
    playoff_series,
    season_is_over,
    wins_of_a_series,
)
from nba_season_backfill.audit.findings import Finding, FindingKind
from nba_season_backfill.datasets import GAMES_TABLE, games_table
from nba_season_backfill.schedule import Game, GameState, LogLine
from nba_season_backfill.season import Season, SeasonType

__all__ = ["TOTALS", "TOTALS_BY_SOURCE", "Lists", "check_games_table", "check_lists", "read_totals"]

_K = FindingKind
# The lists are filled in during the night after a game: younger disagreements settle by themselves.
_SETTLED_AFTER = dt.timedelta(days=2)
_OPEN = frozenset({GameState.SCHEDULED, GameState.LIVE, GameState.UNDECIDED, GameState.UNKNOWN, GameState.POSTPONED})
_COUNTED = frozenset({SeasonType.REGULAR_SEASON, SeasonType.PLAYOFFS, SeasonType.PLAY_IN, SeasonType.IST})
# Which list says so depends on the lists asked for last, and revisions on the runs; what was played does not.
_NOT_COMPARED = frozenset({"state_reason", "revision"})

TOTALS_BY_SOURCE = {
    "PTS": "points", "FGM": "field_goals_made", "FGA": "field_goals_attempted", "FG3M": "three_pointers_made",
    "FG3A": "three_pointers_attempted", "FTM": "free_throws_made", "FTA": "free_throws_attempted",
    "OREB": "rebounds_offensive", "DREB": "rebounds_defensive", "REB": "rebounds_total", "AST": "assists",
    "STL": "steals", "BLK": "blocks", "PF": "fouls_personal",
}  # fmt: skip
"""The game log's columns -> those of the traditional box score; turnovers are not among them: the log counts the team's
own too."""
TOTALS = tuple(TOTALS_BY_SOURCE.values())
"""Those of the box score."""
_TOTALS_SCHEMA = pa.schema(
    [("game_id", pa.string()), ("team_id", pa.int64()), *((name, pa.int64()) for name in TOTALS)]
)


@dataclass(frozen=True, slots=True)
class Lists:
    """What the season's lists say.

    Args:
        games: game log and schedule, reconciled.
        lines: the game log's lines, for the season types asked for; None when they are not at hand.
        scheduled: the schedule's games; None when there is no schedule.
        totals: ``read_totals`` of the game logs; None when they are not at hand.
        missing: (name, what is wrong, key) of each list that should be there and is not.
        season_types: those that are wanted: a game of another type is known, but nothing is demanded of it.
        today: the US Eastern date.
    """

    season: Season
    games: Sequence[Game]
    season_types: Sequence[SeasonType]
    today: dt.date
    lines: Sequence[LogLine] | None = None
    scheduled: Sequence[Game] | None = None
    totals: pa.Table | None = None
    missing: Sequence[tuple[str, str, str]] = ()
    by_id: Mapping[str, Game] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {game.game_id.text: game for game in self.games})

    @property
    def over(self) -> bool:
        """Whether nothing of the season can still come, by the calendar."""
        return season_is_over(self.season, self.today)


def read_totals(payloads: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The teams' totals of ``leaguegamelog`` answers: one row a team and game; null where the log has none."""
    columns: dict[str, list[Any]] = {name: [] for name in _TOTALS_SCHEMA.names}
    for payload in payloads:
        for result in payload.get("resultSets") or ():
            headers: Sequence[str] = result["headers"]
            if "GAME_ID" not in headers:
                continue
            places = {name: headers.index(source) for source, name in TOTALS_BY_SOURCE.items() if source in headers}
            places |= {"game_id": headers.index("GAME_ID"), "team_id": headers.index("TEAM_ID")}
            for name, values in columns.items():
                place = places.get(name)
                values += [None if place is None else row[place] for row in result["rowSet"]]
    arrays = [pa.array(values, kind) for values, kind in zip(columns.values(), _TOTALS_SCHEMA.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_TOTALS_SCHEMA)


def check_lists(lists: Lists) -> Iterator[Finding]:
    """Are the lists there, do they agree, and do they hold a whole season?"""
    season = str(lists.season)
    for name, detail, key in lists.missing:
        yield Finding(_K.LIST_MISSING, season, f"{name}: {detail}", key=key)
    if lists.missing:
        # What a missing list would have said cannot be held against the others.
        return
    yield from _counts(lists)
    yield from _series(lists)
    yield from _unresolved(lists)
    if lists.lines is not None and lists.scheduled is not None:
        yield from _agreement(lists, lists.lines, lists.scheduled)


def _over(lists: Lists, season_type: SeasonType) -> bool:
    """Whether nothing of that part of the season can still come: by the calendar, or because what follows began."""
    if lists.over:
        return True
    if season_type is SeasonType.REGULAR_SEASON:
        return any(game.season_type is SeasonType.PLAYOFFS and game.state is GameState.FINAL for game in lists.games)
    return False


def _finals(lists: Lists, season_type: SeasonType) -> list[Game]:
    return [game for game in lists.games if game.season_type is season_type and game.state is GameState.FINAL]


def _counts(lists: Lists) -> Iterator[Finding]:
    season = str(lists.season)
    for season_type in lists.season_types:
        if not lists.season.has(season_type) or not _over(lists, season_type):
            continue
        finals = _finals(lists, season_type)
        each: Counter[str] = Counter()
        for game in finals:
            each[game.home_tricode or str(game.home_team_id)] += 1
            each[game.away_tricode or str(game.away_team_id)] += 1
        expected = expected_games(lists.season, season_type, teams=len(each))
        if expected is not None and len(finals) != expected:
            yield Finding(
                _K.GAME_COUNT,
                season,
                f"{season_type}: {len(finals)} final games, a whole one has {expected}",
                row=f"season_type={season_type}",
                expected=str(expected),
                found=str(len(finals)),
                count=abs(expected - len(finals)),
            )
        whole = games_of_each_team(lists.season)
        if season_type is SeasonType.REGULAR_SEASON and whole is not None:
            for team, number in sorted(each.items()):
                if number != whole:
                    detail = f"{team}: {number} regular-season games, every team has {whole}"
                    yield Finding(
                        _K.TEAM_GAMES, season, detail, row=f"team={team}", expected=str(whole), found=str(number)
                    )


def _series(lists: Lists) -> Iterator[Finding]:
    season = str(lists.season)
    wins, expected = wins_of_a_series(lists.season), playoff_series(lists.season)
    if SeasonType.PLAYOFFS not in lists.season_types or wins is None or not _over(lists, SeasonType.PLAYOFFS):
        return
    won: dict[str, Counter[int]] = defaultdict(Counter)
    for game in _finals(lists, SeasonType.PLAYOFFS):
        if None in (game.home_team_id, game.away_team_id, game.home_score, game.away_score):
            continue
        home = (game.home_score or 0) > (game.away_score or 0)
        # The seventh and eighth digits of a playoff game's id name the round, the ninth the series in it.
        won[game.game_id.text[7:9]][(game.home_team_id if home else game.away_team_id) or 0] += 1
    if len(won) != expected:
        detail = f"{len(won)} playoff series have games, there are {expected}"
        yield Finding(_K.SERIES_INCOMPLETE, season, detail, expected=str(expected), found=str(len(won)))
    for series, counted in sorted(won.items()):
        most = max(counted.values())
        if most != wins or list(counted.values()).count(most) != 1:
            detail = f"playoff series {series}: its winner has {most} wins, not {wins}"
            yield Finding(
                _K.SERIES_INCOMPLETE, season, detail, row=f"series={series}", expected=str(wins), found=str(most)
            )


def _unresolved(lists: Lists) -> Iterator[Finding]:
    for game in lists.games:
        if game.season_type not in lists.season_types or game.season_type not in _COUNTED or game.state not in _OPEN:
            continue
        if game.state is GameState.POSTPONED and not lists.over:
            continue
        if game.game_date + _SETTLED_AFTER > lists.today:
            continue
        yield Finding(
            _K.GAME_UNRESOLVED,
            str(lists.season),
            f"{game.state.value} since {game.game_date} ({game.reason})",
            game_id=game.game_id.text,
            column="state",
            expected="final, cancelled or if_necessary_not_played",
            found=game.state.value,
        )


def _agreement(lists: Lists, lines: Sequence[LogLine], scheduled: Sequence[Game]) -> Iterator[Finding]:
    season = str(lists.season)
    logged: dict[str, dict[int, LogLine]] = defaultdict(dict)
    for line in lines:
        logged[line.game_id.text][line.team_id] = line
    asked = {season_type for season_type in lists.season_types if lists.season.has(season_type)}
    for game in scheduled:
        if game.season_type not in asked or game.game_date + _SETTLED_AFTER > lists.today:
            continue
        pair = logged.get(game.game_id.text)
        if pair is None:
            if game.state is GameState.FINAL:
                yield _disagreement(
                    season, game, "", "the schedule says final, the game log has it not", "two lines", ""
                )
            continue
        first = next(iter(pair.values()))
        if game.game_date != first.game_date:
            detail = "the day differs between schedule and game log"
            yield _disagreement(season, game, "game_date", detail, str(game.game_date), str(first.game_date))
        teams = {game.home_team_id, game.away_team_id}
        if None not in teams and teams != set(pair):
            detail = "the teams differ between schedule and game log"
            yield _disagreement(season, game, "team_id", detail, _ids(teams), _ids(set(pair)))
            continue
        if game.state is not GameState.FINAL:
            continue
        for team, score, column in (
            (game.home_team_id, game.home_score, "home_score"),
            (game.away_team_id, game.away_score, "away_score"),
        ):
            points = pair[team].points if team in pair else None
            if points is not None and points != score:
                detail = f"team {team}: the score differs between schedule and game log"
                yield _disagreement(season, game, column, detail, str(score), str(points))


def _ids(teams: set[int | None] | set[int]) -> str:
    return ", ".join(sorted(str(team) for team in teams))


def _disagreement(season: str, game: Game, column: str, detail: str, expected: str, found: str) -> Finding:
    return Finding(
        _K.LISTS_DISAGREE, season, detail, game_id=game.game_id.text, column=column, expected=expected, found=found
    )


def check_games_table(lists: Lists, stored: Mapping[int, tuple[str, pa.Table]]) -> Iterator[Finding]:
    """Is the games table what the lists give, value by value?

    Args:
        stored: month -> (key, rows) of those partitions of the games table that were read.
    """
    season, name = str(lists.season), GAMES_TABLE.name
    columns = [column for column in GAMES_TABLE.schema.names if column not in _NOT_COMPARED]
    expected = games_table(lists.games)
    for month, (key, table) in sorted(stored.items()):
        found = {row["game_id"]: row for row in table.to_pylist()}
        wanted = {row["game_id"]: row for row in expected[month].to_pylist()} if month in expected else {}
        for game_id in sorted(wanted.keys() - found.keys()):
            detail = f"not among the games of month {month:02d}"
            yield Finding(_K.GAME_MISSING, season, detail, game_id=game_id, table=name, key=key, dataset=name)
        for game_id in sorted(found.keys() - wanted.keys()):
            known = lists.by_id.get(game_id)
            if known is None:
                yield Finding(
                    _K.GAME_UNKNOWN, season, "no list knows the game", game_id=game_id, table=name, key=key,
                    dataset=name,
                )  # fmt: skip
            else:
                detail = f"a game of {known.game_date} lies in month {month:02d}"
                yield Finding(
                    _K.GAME_DIFFERS, season, detail, game_id=game_id, table=name, column="game_date", dataset=name,
                    expected=str(known.game_date), found=f"month {month:02d}", key=key,
                )  # fmt: skip
        for game_id in sorted(wanted.keys() & found.keys()):
            for column in columns:
                want, got = wanted[game_id][column], found[game_id].get(column)
                if want != got:
                    yield Finding(
                        _K.GAME_DIFFERS, season, "not what the lists say", game_id=game_id, table=name, column=column,
                        expected=str(want), found=str(got), key=key, dataset=name,
                    )  # fmt: skip
