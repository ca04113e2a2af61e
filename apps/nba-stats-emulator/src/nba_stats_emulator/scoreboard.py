"""Body of scoreboardv3: the games of one day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nba_stats_emulator.actions import PlayByPlay
from nba_stats_emulator.almanac import Record, State, game_subtype, series_text
from nba_stats_emulator.bodies import meta
from nba_stats_emulator.eastern import eastern, stamp
from nba_stats_emulator.facts import Game
from nba_stats_emulator.rosters import Rosters
from nba_stats_emulator.sheet import GameSheet, Side
from nba_stats_emulator.summary import line_score
from nba_stats_emulator.teams import Team

__all__ = ["Entry", "scoreboard_body"]

_LISTS = (
    "nationalBroadcasters", "nationalRadioBroadcasters", "nationalOttBroadcasters", "homeTvBroadcasters",
    "homeRadioBroadcasters", "homeOttBroadcasters", "awayTvBroadcasters", "awayRadioBroadcasters",
    "awayOttBroadcasters",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A game of the day; `sheet` and `plays` are given once it is final and has content."""

    game: Game
    state: State
    record: Record
    sheet: GameSheet | None
    plays: PlayByPlay | None
    if_necessary: bool = False


def _leader(team: Team, side: Side | None) -> dict[str, Any]:
    if side is None:
        return {
            "personId": 0, "name": "", "playerSlug": None, "jerseyNum": "", "position": "",
            "teamTricode": team.tricode, "points": 0, "rebounds": 0, "assists": 0,
        }  # fmt: skip
    best = max(range(len(side.lines)), key=lambda place: (side.lines[place].points, -place))
    player, line = side.players[best], side.lines[best]
    return {
        "personId": player.player_id,
        "name": player.full_name,
        "playerSlug": player.slug,
        "jerseyNum": "",
        "position": side.positions[best] or "G",
        "teamTricode": team.tricode,
        "points": line.points,
        "rebounds": line.reb,
        "assists": line.ast,
    }


def _season_leader(team: Team, rosters: Rosters) -> dict[str, Any]:
    members = [
        (rosters.averages[player_id], player_id)
        for player_id, spell in rosters.spells(team).items()
        if spell.last - spell.first >= 10
    ]
    leader = _leader(team, None) | {"points": 0.0, "rebounds": 0.0, "assists": 0.0}
    if members:
        known, player_id = max(members, key=lambda entry: (entry[0].per_game(entry[0].points), -entry[1]))
        player = rosters.player(player_id)
        leader |= {
            "personId": player_id,
            "name": player.full_name,
            "playerSlug": player.slug,
            "points": known.per_game(known.points),
            "rebounds": known.per_game(known.rebounds),
            "assists": known.per_game(known.assists),
        }
    return leader


def _team(team: Team, score: int, wins: int, losses: int, periods: list[dict[str, Any]]) -> dict[str, Any]:
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
        "inBonus": None,
        "timeoutsRemaining": 1 if periods else 0,
        "periods": periods,
    }


def _game(entry: Entry, rosters: Rosters) -> dict[str, Any]:
    game, state, record, sheet = entry.game, entry.state, entry.record, entry.sheet
    home_side, away_side, home_column = (sheet.home, sheet.away, 0) if sheet else (None, None, 0)
    if sheet is not None and sheet.home.team is not game.home:  # the scoreboard follows the schedule
        home_side, away_side, home_column = sheet.away, sheet.home, 1
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS}
    lists["homeTvBroadcasters"].append(
        {
            "broadcasterId": 101,
            "broadcastDisplay": f"STV {game.home.tricode}",
            "broadcasterTeamId": game.home.team_id,
            "broadcasterDescription": "",
        }
    )
    return {
        "gameId": game.game_id,
        "gameCode": game.code,
        "gameStatus": state.status,
        "gameStatusText": state.text,
        "period": sheet.periods if sheet else 4 if state.final else 0,
        "gameClock": "",
        "gameTimeUTC": stamp(game.tipoff),
        "gameEt": stamp(eastern(game.tipoff)),
        "regulationPeriods": 4,
        "seriesGameNumber": game.sub_label if game.kind == 4 else "",
        "gameLabel": game.label,
        "gameSubLabel": game.sub_label,
        "seriesText": series_text(game, record, state),
        "ifNecessary": entry.if_necessary,
        "seriesConference": game.label.split()[0] if game.kind == 4 and game.label != "NBA Finals" else "",
        "poRoundDesc": game.label if game.kind == 4 else "",
        "gameSubtype": game_subtype(game),
        "isNeutral": game.neutral,
        "gameLeaders": {
            "homeLeaders": _leader(game.home, home_side),
            "awayLeaders": _leader(game.away, away_side),
        },
        "teamLeaders": {
            "homeLeaders": _season_leader(game.home, rosters),
            "awayLeaders": _season_leader(game.away, rosters),
            "seasonLeadersFlag": 0,
        },
        "broadcasters": lists,
        "homeTeam": _team(
            game.home, state.home_score, record.home_wins, record.home_losses, line_score(entry.plays, home_column)
        ),
        "awayTeam": _team(
            game.away, state.away_score, record.away_wins, record.away_losses, line_score(entry.plays, 1 - home_column)
        ),
    }


def scoreboard_body(
    league_id: str, day: date, entries: Sequence[Entry], rosters: Rosters | None, moment: datetime
) -> dict[str, Any]:
    """The body for a day; without games, the same shape with an empty list."""
    return {
        "meta": meta(
            f"http://nba.cloud/league/{league_id}/{day:%Y/%m/%d}/scoreboard?Format=json",
            moment,
            "period scores, broadcasters, season leaders, and leaders of games other than the regular season's",
        ),
        "scoreboard": {
            "gameDate": day.isoformat(),
            "leagueId": league_id,
            "leagueName": "National Basketball Association",
            "games": [_game(entry, rosters) for entry in entries] if rosters else [],
        },
    }
