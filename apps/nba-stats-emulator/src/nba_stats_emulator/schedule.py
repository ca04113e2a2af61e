"""Body of scheduleleaguev2: every game of the season in one document.

Most of an entry never changes. It is written once, as JSON with gaps, and a document is these with the gaps filled:
a whole schedule in some thirty milliseconds, wherever the clock stands.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from nba_stats_emulator.agenda import Listing
from nba_stats_emulator.almanac import Record, State, game_subtype, series_text, week_of, weeks
from nba_stats_emulator.bodies import meta, stamp_millis
from nba_stats_emulator.eastern import eastern, local, stamp
from nba_stats_emulator.facts import Game, Line, Player
from nba_stats_emulator.teams import Team, arena_place

__all__ = ["ScheduleWriter", "empty_schedule"]

_SIMULATED = (
    "broadcasters, points leaders of games other than the regular season's, and when what became known; "
    "the rest are facts"
)
_BROADCASTERS = (
    "nationalTvBroadcasters", "nationalRadioBroadcasters", "nationalOttBroadcasters", "homeTvBroadcasters",
    "homeRadioBroadcasters", "homeOttBroadcasters", "awayTvBroadcasters", "awayRadioBroadcasters",
    "awayOttBroadcasters", "intlRadioBroadcasters", "intlTvBroadcasters", "intlOttBroadcasters",
)  # fmt: skip
_NO_TIME = "0001-01-01T00:00:00Z"
# What stands in a gap of an entry until it is filled, in the order of the gaps.
_GAPS = (
    "status", "status_text", "sequence", "series_text", "home_wins", "home_losses", "home_score", "away_wins",
    "away_losses", "away_score", "leaders",
)  # fmt: skip


def _gap(name: str) -> str:
    return f"<gap {name}>"


def _side(team: Team | None, side: str) -> dict[str, Any]:
    return {
        "teamId": team.team_id if team else 0,
        "teamName": team.name if team else None,
        "teamCity": team.city if team else None,
        "teamTricode": team.tricode if team else None,
        "teamSlug": team.slug if team else None,
        "wins": _gap(f"{side}_wins"),
        "losses": _gap(f"{side}_losses"),
        "score": _gap(f"{side}_score"),
        "seed": 0,
    }


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


def _broadcasters(game: Game, *, known: bool) -> dict[str, list[dict[str, Any]]]:
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _BROADCASTERS}
    if not known:
        return lists
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


class ScheduleWriter:
    """Writes the schedule of one season, again and again. Not safe for several threads at once."""

    def __init__(
        self,
        season: str,
        league_id: str,
        games: Sequence[Game],
        lines_of: Callable[[Game], tuple[Sequence[Line], Sequence[Line]] | None],
        name: Callable[[int], Player],
        made_up: str = "",
    ) -> None:
        self._season = season
        self._made_up = made_up
        self._league_id = league_id
        self._lines_of = lines_of
        self._name = name
        self._first_day, self._weeks = weeks(games)
        self._entries: dict[Listing, bytes] = {}
        self._leaders: dict[str, bytes] = {}

    def write(
        self,
        listings: Sequence[Listing],
        states: Mapping[str, State],
        standing: Mapping[str, Record],
        final_at: datetime | None,
    ) -> bytes:
        """The whole document: listings in order, with state and records by game id; `final_at` is of the last game."""
        dates = []
        for day, of_day in itertools.groupby(listings, key=lambda listing: listing.game.game_date):
            entries = [
                self._entry(listing, states[listing.game.game_id], standing.get(listing.game.game_id), sequence)
                for sequence, listing in enumerate(of_day, start=1)
            ]
            dates.append(b'{"gameDate":"%b 00:00:00","games":[%b]}' % (f"{day:%m/%d/%Y}".encode(), b",".join(entries)))
        body = empty_schedule(self._season, self._league_id)
        if self._made_up:
            body["meta"]["simulated"] = self._made_up
        body["meta"]["time"] = stamp_millis((final_at or _summer(self._season)) + timedelta(minutes=5))
        body["leagueSchedule"] |= {
            "gameDates": _gap("dates"),
            "weeks": [
                {"weekNumber": number, "weekName": f"Week {number}", "startDate": stamp(start), "endDate": stamp(end)}
                for number, start, end in self._weeks
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
        before, after = orjson.dumps(body).split(orjson.dumps(_gap("dates")))
        return b"".join((before, b"[", b",".join(dates), b"]", after))

    def _entry(self, listing: Listing, state: State, record: Record | None, sequence: int) -> bytes:
        template = self._entries.get(listing)
        if template is None:
            template = self._entries[listing] = self._template(listing)
        game = listing.game
        leaders = b"[]"
        if state.final:
            if game.game_id not in self._leaders:
                lines = self._lines_of(game)
                self._leaders[game.game_id] = orjson.dumps(points_leaders(game, lines, self._name))
            leaders = self._leaders[game.game_id]
        if listing.undecided:
            record, text = None, "Date subject to change" if "Cup" in game.label else ""
        else:
            text = series_text(game, record, state) if record else ""
        wins = (record.home_wins, record.home_losses, record.away_wins, record.away_losses) if record else (0, 0, 0, 0)
        return template % (
            state.status, state.text.encode(), sequence, text.encode(),
            wins[0], wins[1], state.home_score, wins[2], wins[3], state.away_score, leaders,
        )  # fmt: skip

    def _template(self, listing: Listing) -> bytes:
        game = listing.game
        day, known = game.game_date, not listing.undecided
        number, week = week_of(game, self._first_day)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        at_five = midnight + timedelta(hours=5)
        utc_midnight = midnight + (at_five - eastern(at_five))
        tipoff = game.tipoff if listing.hour_is_known else utc_midnight
        wall = eastern(tipoff)
        _, city, place = arena_place(game.arena)
        entry = {
            "gameId": game.game_id,
            "gameCode": game.code if known else "",
            "gameStatus": _gap("status"),
            "gameStatusText": _gap("status_text"),
            "gameSequence": _gap("sequence"),
            "gameDateEst": stamp(midnight),
            "gameTimeEst": f"1900-01-01T{wall:%H:%M:%S}Z" if listing.hour_is_known else _NO_TIME,
            "gameDateTimeEst": stamp(wall),
            "gameDateUTC": stamp(utc_midnight),
            "gameTimeUTC": f"1900-01-01T{tipoff:%H:%M:%S}Z",
            "gameDateTimeUTC": stamp(tipoff),
            "awayTeamTime": stamp(local(tipoff, game.away)) if listing.hour_is_known else _NO_TIME,
            "homeTeamTime": stamp(local(tipoff, game.home)) if listing.hour_is_known else _NO_TIME,
            "day": f"{day:%a}",
            "monthNum": day.month,
            "weekNumber": number,
            "weekName": week,
            "ifNecessary": listing.if_necessary,
            "seriesGameNumber": game.sub_label if game.kind == 4 else "",
            "gameLabel": game.label,
            "gameSubLabel": game.sub_label,
            "seriesText": _gap("series_text"),
            "arenaName": game.arena if known else "",
            "arenaState": place if known else "",
            "arenaCity": city if known else "",
            "postponedStatus": "Y" if listing.postponed else "N",
            "branchLink": "",
            "gameSubtype": game_subtype(game),
            "isNeutral": game.neutral and known,
            "broadcasters": _broadcasters(game, known=known),
            "homeTeam": _side(game.home if known else None, "home"),
            "awayTeam": _side(game.away if known else None, "away"),
            "pointsLeaders": _gap("leaders"),
        }
        template = orjson.dumps(entry).replace(b"%", b"%%")
        for name in _GAPS:
            text = name.endswith("_text")
            template = template.replace(
                orjson.dumps(_gap(name)), b'"%b"' if text else b"%b" if name == "leaders" else b"%d"
            )
        return template


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
