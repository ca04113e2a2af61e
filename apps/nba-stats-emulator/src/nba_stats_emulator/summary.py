"""Body of boxscoresummaryv3: a game's circumstances, line scores, inactives, earlier meetings and charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from nba_stats_emulator.actions import PlayByPlay
from nba_stats_emulator.almanac import Record, State, game_subtype, series_text
from nba_stats_emulator.bodies import game_meta, ratio, team_names
from nba_stats_emulator.eastern import eastern, stamp
from nba_stats_emulator.facts import Game, Player
from nba_stats_emulator.figures import misc
from nba_stats_emulator.played import Played
from nba_stats_emulator.rosters import Rosters
from nba_stats_emulator.sheet import Side
from nba_stats_emulator.teams import Team, arena_place

__all__ = ["line_score", "summary_body"]

_BROADCASTER_LISTS = (
    "internationalBroadcasters", "internationalRadioBroadcasters", "internationalOttBroadcasters",
    "nationalBroadcasters", "nationalRadioBroadcasters", "nationalOttBroadcasters", "homeTvBroadcasters",
    "homeRadioBroadcasters", "homeOttBroadcasters", "awayTvBroadcasters", "awayRadioBroadcasters",
    "awayOttBroadcasters",
)  # fmt: skip
_OFFICIALS = (("Sam", "Umpire", "1"), ("Sam", "Referee", "2"), ("Sam", "Whistle", "3"))
_LEADERS = (("Pts", "points"), ("Reb", "reb"), ("Ast", "ast"), ("Blk", "blk"))


def line_score(plays: PlayByPlay | None, column: int) -> list[dict[str, Any]]:
    """Points by period of one team (0 home, 1 away); empty for a game without play-by-play."""
    if plays is None:
        return []
    return [
        {"period": number, "periodType": "REGULAR" if number <= 4 else "OVERTIME", "score": scores[column]}
        for number, scores in enumerate(plays.period_scores, start=1)
    ]


def _team(
    team: Team, score: int, wins: int, losses: int, side: Side | None, periods: list[dict[str, Any]]
) -> dict[str, Any]:
    dressed = [*side.players, *(player for player, comment in side.idle if comment.startswith("DNP"))] if side else []
    absent = [player for player, comment in side.idle if not comment.startswith("DNP")] if side else []
    names = team_names(team)
    return {
        "teamId": names["teamId"],
        "teamName": names["teamName"],
        "teamCity": names["teamCity"],
        "teamTricode": names["teamTricode"],
        "teamSlug": names["teamSlug"],
        "teamWins": wins,
        "teamLosses": losses,
        "score": score,
        "inBonus": "",
        "timeoutsRemaining": 1 if side else 0,
        "seed": 0,
        "statistics": {"dummyKey": "dummyValue"},
        "periods": periods,
        "players": [
            {
                "personId": player.player_id,
                "name": player.full_name,
                "nameI": player.name_i,
                "firstName": player.first_name,
                "familyName": player.family_name,
                "jerseyNum": "",
            }
            for player in sorted(dressed, key=lambda player: player.player_id)
        ],
        "inactives": [
            {
                "personId": player.player_id,
                "firstName": player.first_name,
                "familyName": player.family_name,
                "jerseyNum": "",
            }
            for player in absent
        ],
    }


def _meeting(order: int, game: Game, record: Record) -> dict[str, Any]:
    return {
        "recencyOrder": order,
        "gameId": game.game_id,
        "gameTimeUTC": stamp(game.tipoff),
        "gameEt": stamp(eastern(game.tipoff)),
        "gameStatus": 3,
        "gameStatusText": "Final",
        "gameClock": "PT00M00.00S",
        "broadcasterVideoLink": "",
        "awayTeam": {
            **team_names(game.away), "score": game.away_score,
            "wins": record.away_wins, "losses": record.away_losses,
        },
        "homeTeam": {
            **team_names(game.home), "score": game.home_score,
            "wins": record.home_wins, "losses": record.home_losses,
        },
    }  # fmt: skip


def _leader(prefix: str, player: Player | None, value: float) -> dict[str, Any]:
    short = prefix
    return {
        f"player{short}LeaderFirstName": player.first_name if player else "",
        f"player{short}LeaderFamilyName": player.family_name if player else "",
        f"player{short}LeaderId": player.player_id if player else 0,
        f"player{short}Leader{short}": value,
    }


def _chart_team(team: Team, statistics: dict[str, Any]) -> dict[str, Any]:
    names = team_names(team)
    del names["teamSlug"]
    return names | {"statistics": statistics}


def _pregame(team: Team, rosters: Rosters, templates: Sequence[Side]) -> dict[str, Any]:
    """Season averages of a team; simulated from the game at hand, leaders from the season's facts."""
    side = templates[0] if templates else None
    values = {
        key: float(side.total(column)) if side else 0.0
        for key, column in (
            ("points", "points"), ("reboundsTotal", "reb"), ("assists", "ast"), ("steals", "stl"),
            ("blocks", "blk"), ("turnovers", "tov"),
        )
    }  # fmt: skip
    statistics: dict[str, Any] = values | {
        "fieldGoalsPercentage": ratio(side.total("fgm"), side.total("fga")) if side else 0.0,
        "threePointersPercentage": ratio(side.total("fg3m"), side.total("fg3a")) if side else 0.0,
        "freeThrowsPercentage": ratio(side.total("ftm"), side.total("fta")) if side else 0.0,
        "pointsInThePaint": round(values["points"] * 0.42, 1),
        "pointsSecondChance": round(values["points"] * 0.12, 1),
        "pointsFastBreak": round(values["points"] * 0.14, 1),
    }
    members = [
        (player_id, rosters.averages[player_id])
        for player_id, spell in rosters.spells(team).items()
        if spell.last - spell.first >= 10
    ]
    for prefix, column in (("Pts", "points"), ("Reb", "rebounds"), ("Ast", "assists"), ("Blk", "blocks")):
        best = max(members, key=lambda entry: (entry[1].per_game(getattr(entry[1], column)), -entry[0]), default=None)
        value = best[1].per_game(getattr(best[1], column)) if best else 0.0
        statistics |= _leader(prefix, rosters.player(best[0]) if best else None, value)
    return _chart_team(team, statistics)


def _leads(plays: PlayByPlay, column: int) -> dict[str, float]:
    """Biggest lead, lead changes, ties and longest run of one team, read off the play-by-play."""
    biggest = changes = ties = run = longest = 0
    leader = 0
    before = (0, 0)
    for action in plays.actions:
        if not action["scoreHome"] or action["actionType"] == "period":
            continue
        score = (int(action["scoreHome"]), int(action["scoreAway"]))
        ours, theirs = score[column] - before[column], score[1 - column] - before[1 - column]
        run = 0 if theirs else run + ours
        longest = max(longest, run)
        lead = score[column] - score[1 - column]
        biggest = max(biggest, lead)
        if lead == 0:
            ties += 1
        elif leader and (lead > 0) != (leader > 0):
            changes += 1
        leader = lead or leader
        before = score
    return {
        "biggestLead": float(biggest),
        "leadChanges": float(changes),
        "timesTied": float(ties),
        "biggestScoringRun": float(longest),
    }


def _postgame(played: Played, column: int) -> dict[str, Any]:
    side, plays, tally = played.sides[column], played.plays, played.tally
    location = "hv"[column]
    team_rebounds = sum(
        action["location"] == location and action["actionType"] == "Rebound" and not action["teamId"]
        for action in plays.actions
    )
    off_turnovers, second_chance, fast_break, paint = misc(tally, column)[:4]
    points = side.total("points")
    statistics: dict[str, Any] = {
        "points": float(points),
        "reboundsTotal": float(side.total("reb")),
        "assists": float(side.total("ast")),
        "steals": float(side.total("stl")),
        "blocks": float(side.total("blk")),
        "turnovers": float(side.total("tov")),
        "fieldGoalsPercentage": ratio(side.total("fgm"), side.total("fga")),
        "threePointersPercentage": ratio(side.total("fg3m"), side.total("fg3a")),
        "freeThrowsPercentage": ratio(side.total("ftm"), side.total("fta")),
        "pointsInThePaint": float(paint),
        "pointsSecondChance": float(second_chance),
        "pointsFastBreak": float(fast_break),
        **_leads(plays, column),
        "turnoversTeam": 0.0,
        "turnoversTotal": float(side.total("tov")),
        "reboundsTeam": float(team_rebounds),
        "pointsFromTurnovers": float(off_turnovers),
        "benchPoints": float(sum(line.points for line in side.lines[5:])),
    }
    for prefix, column_name in _LEADERS:
        values = [getattr(line, column_name) for line in side.lines]
        best = max(range(len(values)), key=lambda place: (values[place], -place))
        statistics |= _leader(prefix, side.players[best], float(values[best]))
    return _chart_team(side.team, statistics)


def summary_body(
    game: Game,
    state: State,
    record: Record,
    meetings: Sequence[tuple[Game, Record]],
    played: Played | None,
    rosters: Rosters,
    moment: datetime,
) -> dict[str, Any]:
    """The body of a game at a moment; `played` is given once it is final and has content."""
    sheet, plays = (played.sheet, played.plays) if played else (None, None)
    rng = Random(int(game.game_id) * 31 + 5)
    number, city, place = arena_place(game.arena)
    home_first = (game.home, state.home_score, record.home_wins, record.home_losses)
    away_first = (game.away, state.away_score, record.away_wins, record.away_losses)
    if sheet is not None and sheet.home.team is not game.home:
        home_first, away_first = away_first, home_first
    home = _team(*home_first, sheet.home if sheet else None, line_score(plays, 0))
    away = _team(*away_first, sheet.away if sheet else None, line_score(plays, 1))
    attendance = rng.randint(15200, 19900) if state.final else 0
    duration = f"2:{rng.randint(3, 34):02d}" if state.final else ""
    officials = _OFFICIALS if state.final else ()
    post: dict[str, Any] = {"homeTeam": _chart_team(home_first[0], {}), "awayTeam": _chart_team(away_first[0], {})}
    if played is not None:
        post = {"homeTeam": _postgame(played, 0), "awayTeam": _postgame(played, 1)}
    simulated = sheet.simulated if sheet else "broadcasters and averages"
    return {
        "meta": game_meta("boxscoresummaryv3", game.game_id, moment, f"{simulated}; attendance, duration and charts"),
        "boxScoreSummary": {
            "gameId": game.game_id,
            "gameCode": game.code,
            "gameStatus": state.status,
            "gameStatusText": state.text,
            "period": sheet.periods if sheet else 4 if state.final else 0,
            "gameClock": "PT00M00.00S" if state.final else "",
            "gameTimeUTC": stamp(game.tipoff),
            "gameEt": stamp(eastern(game.tipoff)),
            "awayTeamId": away["teamId"],
            "homeTeamId": home["teamId"],
            "duration": duration,
            "attendance": attendance,
            "sellout": int(attendance > 18500),
            "seriesGameNumber": game.sub_label if game.kind == 4 else "",
            "gameLabel": game.label,
            "gameSubLabel": game.sub_label,
            "seriesText": series_text(game, record, state),
            "ifNecessary": False,
            "isNeutral": game.neutral,
            "arena": {
                "arenaId": number,
                "arenaName": game.arena,
                "arenaCity": city,
                "arenaState": place,
                "arenaCountry": "US",
                "arenaTimezone": "",
                "arenaStreetAddress": "",
                "arenaPostalCode": "",
            },
            "officials": [
                {
                    "personId": 900 + place,
                    "name": f"{first} {family}",
                    "nameI": f"{first[0]}. {family}",
                    "firstName": first,
                    "familyName": family,
                    "jerseyNum": f"{jersey}  ",
                    "assignment": "",
                }
                for place, (first, family, jersey) in enumerate(officials)
            ],
            "broadcasters": _broadcasters(game),
            "homeTeam": home,
            "awayTeam": away,
            "lastFiveMeetings": {
                "meetings": [_meeting(order, *meeting) for order, meeting in enumerate(meetings, start=1)]
            },
            "pregameCharts": {
                "homeTeam": _pregame(home_first[0], rosters, [sheet.home] if sheet else []),
                "awayTeam": _pregame(away_first[0], rosters, [sheet.away] if sheet else []),
            },
            "postgameCharts": post,
            "videoAvailableFlag": int(state.final),
            "ptAvailable": int(state.final),
            "ptXYZAvailable": 0,
            "whStatus": 1,
            "hustleStatus": int(state.final),
            "historicalStatus": 0,
            "gameSubtype": game_subtype(game),
        },
    }


def _broadcasters(game: Game) -> dict[str, list[dict[str, Any]]]:
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _BROADCASTER_LISTS}
    lists["awayTvBroadcasters"].append(
        {
            "broadcasterId": 101,
            "broadcastDisplay": f"STV {game.away.tricode}",
            "broadcasterDisplay": f"Sample TV {game.away.tricode}",
            "broadcasterVideoLink": "",
            "broadcasterDescription": "",
            "broadcasterTeamId": game.away.team_id,
            "regionId": 1,
        }
    )
    return lists
