"""Bodies of boxscorematchupsv3 and boxscoredefensivev2: who guarded whom, and what came of it.

Simulated, and it adds up: each team has the ball for a fixed share of every stretch, in which each of its five is
guarded by the five of the other team, mostly by his counterpart; so the seconds of a player over those who guard him
are that share of his seconds, and so are those of a defender over whom he guards. Every shot, free throw, assist and
turnover of a player belongs to one of his matchups; blocks and shooting fouls to that with the blocker or fouler.
"""

from __future__ import annotations

from random import Random
from typing import Any

from nba_stats_emulator.bodies import clock_text, person, ratio
from nba_stats_emulator.played import Played, box_body
from nba_stats_emulator.plays import FOUL, FREE_THROWS, NOBODY, SHOT, TURNOVER, Play, Segment

__all__ = ["defensive_body", "matchups_body"]

_WITH_THE_BALL = 0.42  # of a stretch, each team
_ON_HIS_OWN_MAN = 0.6
_COUNTS = ("points", "team", "ast", "tov", "blk", "fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "fouls")
_POINTS, _TEAM, _AST, _TOV, _BLK, _FGM, _FGA, _FG3M, _FG3A, _FTM, _FTA, _FOULS = range(len(_COUNTS))
_SIMULATED = "who guards whom"


class _Matchups:
    """Seconds and counts of each pair (who has the ball, who guards him); players as the plays number them."""

    def __init__(self, played: Played) -> None:
        sheet = played.sheet
        self.first_away = len(sheet.home.players)
        self.seconds: dict[tuple[int, int], float] = {}
        self.together: dict[tuple[int, int], int] = {}
        self.counts: dict[tuple[int, int], list[int]] = {}
        self._random = Random(sheet.seed + 5).random
        for segment in played.plays.segments:
            home, away = sorted(segment.floor[0]), sorted(segment.floor[1])
            length = segment.end - segment.start
            self._spend(home, away, length)
            self._spend(away, home, length)
            for play in segment.plays:
                self._tell(play, segment)

    def _spend(self, attack: list[int], defence: list[int], length: int) -> None:
        own = length * _WITH_THE_BALL * _ON_HIS_OWN_MAN
        others = length * _WITH_THE_BALL * (1 - _ON_HIS_OWN_MAN) / (len(defence) - 1)
        seconds, together = self.seconds, self.together
        for place, player in enumerate(attack):
            for spot, defender in enumerate(defence):
                pair = (player, defender)
                seconds[pair] = seconds.get(pair, 0.0) + (own if place == spot else others)
                together[pair] = together.get(pair, 0) + length

    def _of(self, player: int, defender: int) -> list[int]:
        pair = (player, defender)
        found = self.counts.get(pair)
        if found is None:
            found = self.counts[pair] = [0] * len(_COUNTS)
            self.seconds.setdefault(pair, 0.0)  # a shot of one whom the substitutions have on the bench
            self.together.setdefault(pair, 0)
        return found

    def _guard(self, player: int, segment: Segment, chance: float) -> int:
        away = int(player >= self.first_away)
        defence = sorted(segment.floor[1 - away])
        attack = sorted(segment.floor[away])
        if player in attack and chance < _ON_HIS_OWN_MAN:
            return defence[attack.index(player)]
        return defence[int((chance * 997) % 1 * len(defence))]

    def _tell(self, play: Play, segment: Segment) -> None:
        if play.kind == FOUL:
            return
        guard, helped = self._random(), self._random()
        player = play.player
        defender = self._guard(player, segment, guard)
        if play.helper != NOBODY and not play.made:
            defender = play.helper
        elif play.fouler != NOBODY and play.kind != TURNOVER:
            defender = play.fouler
        counts = self._of(player, defender)
        points = play.points + sum(play.makes)
        counts[_POINTS] += points
        if play.kind == SHOT:
            counts[_FGA] += 1
            counts[_FGM] += play.made
            counts[_FG3A] += play.three
            counts[_FG3M] += play.three and play.made
            counts[_BLK] += play.helper != NOBODY and not play.made
            if play.helper != NOBODY and play.made:
                self._of(play.helper, self._guard(play.helper, segment, helped))[_AST] += 1
        counts[_TOV] += play.kind == TURNOVER
        counts[_FTM] += sum(play.makes)
        counts[_FTA] += len(play.makes)
        counts[_FOULS] += play.fouler != NOBODY and (play.kind == FREE_THROWS or bool(play.makes))
        if points:
            attack, defence = sorted(segment.floor[play.away]), sorted(segment.floor[1 - play.away])
            for one, other in zip(attack, defence, strict=True):
                self._of(one, other)[_TEAM] += points


def _of_game(played: Played) -> _Matchups:
    """The matchups of a game, made once for both of its endpoints."""
    found: _Matchups | None = played.kept.get("matchups")
    if found is None:
        found = played.kept["matchups"] = _Matchups(played)
    return found


def _half_up(value: float) -> float:
    return int(value * 10 + 0.5) / 10


def matchups_body(played: Played) -> dict[str, Any]:
    """The boxscorematchupsv3 body of a game: for each player with the ball, who guarded him."""
    matchups = _of_game(played)
    people = [player for side in played.sides for player in side.players]
    possessions = [_possessions(played, away) for away in (0, 1)]
    whole = [0.0, 0.0]
    attacking: dict[int, float] = {}
    defending: dict[int, float] = {}
    for (player, defender), seconds in matchups.seconds.items():
        whole[int(player >= matchups.first_away)] += seconds
        attacking[player] = attacking.get(player, 0.0) + seconds
        defending[defender] = defending.get(defender, 0.0) + seconds

    def entry(pair: tuple[int, int], away: int) -> dict[str, Any]:
        player, defender = pair
        seconds = matchups.seconds[pair]
        counts = matchups.counts.get(pair) or [0] * len(_COUNTS)
        who = people[defender]
        return {
            "personId": who.player_id,
            "firstName": who.first_name,
            "familyName": who.family_name,
            "nameI": who.name_i,
            "playerSlug": who.slug,
            "jerseyNum": "",
            "statistics": {
                "matchupMinutes": clock_text(int(seconds)),
                "matchupMinutesSort": _half_up(seconds),
                "partialPossessions": _half_up(possessions[away] * 5 * seconds / whole[away]),
                "percentageDefenderTotalTime": ratio(seconds, defending[defender]),
                "percentageOffensiveTotalTime": ratio(seconds, attacking[player]),
                "percentageTotalTimeBothOn": ratio(seconds, matchups.together[pair] * _WITH_THE_BALL),
                "switchesOn": 0,
                "playerPoints": counts[_POINTS],
                "teamPoints": counts[_TEAM],
                "matchupAssists": counts[_AST],
                "matchupPotentialAssists": 0,
                "matchupTurnovers": counts[_TOV],
                "matchupBlocks": counts[_BLK],
                "matchupFieldGoalsMade": counts[_FGM],
                "matchupFieldGoalsAttempted": counts[_FGA],
                "matchupFieldGoalsPercentage": ratio(counts[_FGM], counts[_FGA]),
                "matchupThreePointersMade": counts[_FG3M],
                "matchupThreePointersAttempted": counts[_FG3A],
                "matchupThreePointersPercentage": ratio(counts[_FG3M], counts[_FG3A]),
                "helpBlocks": 0,
                "helpFieldGoalsMade": 0,
                "helpFieldGoalsAttempted": 0,
                "helpFieldGoalsPercentage": 0.0,
                "matchupFreeThrowsMade": counts[_FTM],
                "matchupFreeThrowsAttempted": counts[_FTA],
                "shootingFouls": counts[_FOULS],
            },
        }

    by_player: dict[int, list[tuple[int, int]]] = {}
    for pair in sorted(matchups.seconds):
        by_player.setdefault(pair[0], []).append(pair)

    def side(game: Played, away: int) -> dict[str, Any]:
        own = game.sides[away]
        players = []
        for place, (player, position) in enumerate(zip(own.players, own.positions, strict=True)):
            row = person(player, position, "", {})
            del row["statistics"]
            row["matchups"] = [entry(pair, away) for pair in by_player.get(game.number(away, place), ())]
            players.append(row)
        return {"players": players}

    return box_body("boxscorematchupsv3", played, side, _SIMULATED)


def _possessions(played: Played, away: int) -> float:
    side = played.sides[away]
    return side.total("fga") + 0.44 * side.total("fta") - side.total("oreb") + side.total("tov")


def defensive_body(played: Played) -> dict[str, Any]:
    """The boxscoredefensivev2 body of a game: what the players whom each one guarded did; only those who played."""
    matchups = _of_game(played)
    seconds: dict[int, float] = {}
    counts: dict[int, list[int]] = {}
    for (player, defender), spent in matchups.seconds.items():
        seconds[defender] = seconds.get(defender, 0.0) + spent
        own = matchups.counts.get((player, defender))
        if own:
            counts[defender] = [a + b for a, b in zip(counts.get(defender, [0] * len(_COUNTS)), own, strict=True)]

    def side(game: Played, away: int) -> dict[str, Any]:
        own = game.sides[away]
        all_seconds = sum(seconds.get(game.number(away, place), 0.0) for place in range(len(own.players)))
        players = []
        for place, (player, position, line) in enumerate(zip(own.players, own.positions, own.lines, strict=True)):
            number = game.number(away, place)
            spent, done = seconds.get(number, 0.0), counts.get(number, [0] * len(_COUNTS))
            statistics = {
                "matchupMinutes": clock_text(int(spent)),
                "partialPossessions": _half_up(_possessions(game, 1 - away) * 5 * spent / all_seconds),
                "switchesOn": 0,
                "playerPoints": done[_POINTS],
                "defensiveRebounds": line.dreb,
                "matchupAssists": done[_AST],
                "matchupTurnovers": done[_TOV],
                "steals": line.stl,
                "blocks": line.blk,
                "matchupFieldGoalsMade": done[_FGM],
                "matchupFieldGoalsAttempted": done[_FGA],
                "matchupFieldGoalPercentage": ratio(done[_FGM], done[_FGA]),
                "matchupThreePointersMade": done[_FG3M],
                "matchupThreePointersAttempted": done[_FG3A],
                "matchupThreePointerPercentage": ratio(done[_FG3M], done[_FG3A]),
            }
            players.append(person(player, position, "", statistics))
        return {"players": players, "statistics": {"minutes": None}}

    return box_body("boxscoredefensivev2", played, side, _SIMULATED)
