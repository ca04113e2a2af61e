"""Body of scheduleleaguev2: every game of the season in one document."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nba_stats_emulator.almanac import Record, State, game_subtype, records, series_text, week_of, weeks
from nba_stats_emulator.bodies import final_at, meta, stamp_millis
from nba_stats_emulator.eastern import eastern, local, stamp
from nba_stats_emulator.facts import Game, Line, Player
from nba_stats_emulator.teams import Team, arena_place

__all__ = ["empty_schedule", "schedule_body"]

_SIMULATED = "broadcasters, and points leaders of games other than the regular season's; the rest are facts"
_BROADCASTERS = (
    "nationalTvBroadcasters", "nationalRadioBroadcasters", "nationalOttBroadcasters", "homeTvBroadcasters",
    "homeRadioBroadcasters", "homeOttBroadcasters", "awayTvBroadcasters", "awayRadioBroadcasters",
    "awayOttBroadcasters", "intlRadioBroadcasters", "intlTvBroadcasters", "intlOttBroadcasters",
)  # fmt: skip


def _sides(game: Game, state: State, record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    def side(team: Team, wins: int, losses: int, score: int) -> dict[str, Any]:
        return {
            "teamId": team.team_id,
            "teamName": team.name,
            "teamCity": team.city,
            "teamTricode": team.tricode,
            "teamSlug": team.slug,
            "wins": wins,
            "losses": losses,
            "score": score,
            "seed": 0,
        }

    return (
        side(game.home, record.home_wins, record.home_losses, state.home_score),
        side(game.away, record.away_wins, record.away_losses, state.away_score),
    )


def _broadcaster(scope: str, medium: str, number: int, name: str, team_id: int) -> dict[str, Any]:
    return {
        "broadcasterScope": scope,
        "broadcasterMedia": medium,
        "broadcasterId": number,
        "broadcasterDisplay": name,
        "broadcasterAbbreviation": name.upper(),
        "broadcasterDescription": "",
        "tapeDelayComments": "",
        "broadcasterVideoLink": "",
        "regionId": 1,
        "broadcasterTeamId": team_id,
        "broadcasterRanking": None,
    }


def _broadcasters(game: Game) -> dict[str, list[dict[str, Any]]]:
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _BROADCASTERS}
    home, away = game.home, game.away
    if int(game.game_id) % 4 == 0 or game.kind != 2:
        national = _broadcaster("natl", "tv", 1, "Sample TV", -1)
        lists["nationalTvBroadcasters"].append(national | {"localizationRegion": ""})
    lists["homeRadioBroadcasters"].append(
        _broadcaster("home", "radio", 100, f"Sample Radio {home.tricode}", home.team_id)
    )
    lists["awayTvBroadcasters"].append(_broadcaster("away", "tv", 101, f"Sample TV {away.tricode}", away.team_id))
    return lists


def points_leaders(
    game: Game, lines: tuple[Sequence[Line], Sequence[Line]] | None, name: Callable[[int], Player]
) -> list[dict[str, Any]]:
    """The game's top scorer as a list of one; empty without lines."""
    if lines is None:
        return []
    team, line = max(
        ((team, line) for team, side in zip((game.home, game.away), lines, strict=True) for line in side),
        key=lambda entry: (entry[1].points, -entry[1].player_id),
    )
    player = name(line.player_id)
    return [
        {
            "personId": player.player_id,
            "firstName": player.first_name,
            "lastName": player.family_name,
            "teamId": team.team_id,
            "teamCity": team.city,
            "teamName": team.name,
            "teamTricode": team.tricode,
            "points": float(line.points),
        }
    ]


def schedule_body(
    season: str,
    league_id: str,
    games: Sequence[Game],
    now: datetime,
    state_of: Callable[[Game, datetime], State],
    lines_of: Callable[[Game], tuple[Sequence[Line], Sequence[Line]] | None],
    name: Callable[[int], Player],
) -> dict[str, Any]:
    """The whole schedule as it stands at `now`."""
    first_day, all_weeks = weeks(games)
    standing = records(games, now)
    dates = []
    for day, of_day in itertools.groupby(games, key=lambda game: game.game_date):
        entries = []
        for sequence, game in enumerate(of_day, start=1):
            state = state_of(game, now)
            record = standing[game.game_id]
            home, away = _sides(game, state, record)
            number, week = week_of(game, first_day)
            wall = eastern(game.tipoff)
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            at_five = midnight + timedelta(hours=5)
            utc_midnight = midnight + (at_five - eastern(at_five))
            _, city, place = arena_place(game.arena)
            entries.append(
                {
                    "gameId": game.game_id,
                    "gameCode": game.code,
                    "gameStatus": state.status,
                    "gameStatusText": state.text,
                    "gameSequence": sequence,
                    "gameDateEst": stamp(midnight),
                    "gameTimeEst": f"1900-01-01T{wall:%H:%M:%S}Z",
                    "gameDateTimeEst": stamp(wall),
                    "gameDateUTC": stamp(utc_midnight),
                    "gameTimeUTC": f"1900-01-01T{game.tipoff:%H:%M:%S}Z",
                    "gameDateTimeUTC": stamp(game.tipoff),
                    "awayTeamTime": stamp(local(game.tipoff, game.away)),
                    "homeTeamTime": stamp(local(game.tipoff, game.home)),
                    "day": f"{day:%a}",
                    "monthNum": day.month,
                    "weekNumber": number,
                    "weekName": week,
                    "ifNecessary": False,
                    "seriesGameNumber": game.sub_label if game.kind == 4 else "",
                    "gameLabel": game.label,
                    "gameSubLabel": game.sub_label,
                    "seriesText": series_text(game, record, state),
                    "arenaName": game.arena,
                    "arenaState": place,
                    "arenaCity": city,
                    "postponedStatus": "N",
                    "branchLink": "",
                    "gameSubtype": game_subtype(game),
                    "isNeutral": game.neutral,
                    "broadcasters": _broadcasters(game),
                    "homeTeam": home,
                    "awayTeam": away,
                    "pointsLeaders": points_leaders(game, lines_of(game), name) if state.final else [],
                }
            )
        dates.append({"gameDate": f"{day:%m/%d/%Y} 00:00:00", "games": entries})
    finals = [final_at(game) for game in games if final_at(game) <= now]
    body = empty_schedule(season, league_id)
    body["meta"]["time"] = stamp_millis(max(finals, default=_summer(season)) + timedelta(minutes=5))
    body["leagueSchedule"] |= {
        "gameDates": dates,
        "weeks": [
            {"weekNumber": number, "weekName": f"Week {number}", "startDate": stamp(start), "endDate": stamp(end)}
            for number, start, end in all_weeks
        ],
        "broadcasterList": [
            {
                "broadcasterId": 1,
                "broadcasterDisplay": "Sample TV",
                "broadcasterAbbreviation": "SAMPLE TV",
                "broadcasterDescription": "",
                "regionId": 1,
            }
        ],
    }
    return body


def empty_schedule(season: str, league_id: str) -> dict[str, Any]:
    """The body of a season or league of which nothing is known."""
    request = f"http://nba.cloud/league/{league_id}/{season}/scheduleleaguev2?Format=json"
    return {
        "meta": meta(request, _summer(season), _SIMULATED),
        "leagueSchedule": {
            "seasonYear": season,
            "leagueId": league_id,
            "gameDates": [],
            "weeks": [],
            "broadcasterList": [],
        },
    }


def _summer(season: str) -> datetime:
    return datetime(int(season[:4]), 8, 15, tzinfo=UTC)
