"""Bodies of boxscorefourfactorsv3, boxscoremiscv3, boxscorescoringv3 and boxscoreusagev3, from the tally of a game.

Shares and rates of a player are of what his team did while he was on the floor, as the service has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nba_stats_emulator.advanced import usage_percentage
from nba_stats_emulator.bodies import clock_text, ratio
from nba_stats_emulator.played import Played, box_body, with_everyone
from nba_stats_emulator.tally import COUNTS, Tally

__all__ = [
    "FOUR_FACTORS",
    "MISC",
    "SCORING",
    "USAGE",
    "four_factors",
    "four_factors_body",
    "misc",
    "misc_body",
    "scoring",
    "scoring_body",
    "shares",
    "usage_body",
]

FOUR_FACTORS = (
    "effectiveFieldGoalPercentage", "freeThrowAttemptRate", "teamTurnoverPercentage", "offensiveReboundPercentage",
    "oppEffectiveFieldGoalPercentage", "oppFreeThrowAttemptRate", "oppTeamTurnoverPercentage",
    "oppOffensiveReboundPercentage",
)  # fmt: skip
MISC = (
    "pointsOffTurnovers", "pointsSecondChance", "pointsFastBreak", "pointsPaint", "oppPointsOffTurnovers",
    "oppPointsSecondChance", "oppPointsFastBreak", "oppPointsPaint", "blocks", "blocksAgainst", "foulsPersonal",
    "foulsDrawn",
)  # fmt: skip
SCORING = (
    "percentageFieldGoalsAttempted2pt", "percentageFieldGoalsAttempted3pt", "percentagePoints2pt",
    "percentagePointsMidrange2pt", "percentagePoints3pt", "percentagePointsFastBreak", "percentagePointsFreeThrow",
    "percentagePointsOffTurnovers", "percentagePointsPaint", "percentageAssisted2pt", "percentageUnassisted2pt",
    "percentageAssisted3pt", "percentageUnassisted3pt", "percentageAssistedFGM", "percentageUnassistedFGM",
)  # fmt: skip
USAGE = (
    "usagePercentage", "percentageFieldGoalsMade", "percentageFieldGoalsAttempted", "percentageThreePointersMade",
    "percentageThreePointersAttempted", "percentageFreeThrowsMade", "percentageFreeThrowsAttempted",
    "percentageReboundsOffensive", "percentageReboundsDefensive", "percentageReboundsTotal", "percentageAssists",
    "percentageTurnovers", "percentageSteals", "percentageBlocks", "percentageBlocksAllowed",
    "percentagePersonalFouls", "percentagePersonalFoulsDrawn", "percentagePoints",
)  # fmt: skip
_C = {name: place for place, name in enumerate(COUNTS)}
_SHARED_SHOTS = [_C[name] for name in ("fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "oreb", "dreb")]


def _factors(own: list[int], other: list[int]) -> list[float]:
    fga, fta, tov, oreb = own[_C["fga"]], own[_C["fta"]], own[_C["tov"]], own[_C["oreb"]]
    possessions = fga + 0.44 * fta - oreb + tov
    return [
        ratio(own[_C["fgm"]] + 0.5 * own[_C["fg3m"]], fga),
        ratio(fta, fga),
        ratio(tov, max(possessions, tov)),
        ratio(oreb, oreb + other[_C["dreb"]]),
    ]


def four_factors(tally: Tally, away: int, number: int | None = None) -> list[float]:
    """In the order of `FOUR_FACTORS`: of a team, or while a player was on the floor."""
    own, other = tally.teams[away], tally.teams[1 - away]
    if number is not None:
        own, other = tally.with_him[number], tally.against_him[number]
    return _factors(own, other) + _factors(other, own)


def misc(tally: Tally, away: int, number: int | None = None) -> list[int]:
    """In the order of `MISC`: of a team; or of a player, with what the other team did while he was on the floor."""
    own, other = tally.teams[away], tally.teams[1 - away]
    blocked = other[_C["blk"]]
    if number is not None:
        own, other = tally.own[number], tally.against_him[number]
        blocked = tally.blocked[number]
    kinds = slice(_C["off_turnovers"], _C["off_turnovers"] + 4)
    return [*own[kinds], *other[kinds], own[_C["blk"]], blocked, own[_C["pf"]], own[_C["pfd"]]]


def scoring(tally: Tally, away: int, number: int | None = None) -> list[float]:
    """In the order of `SCORING`: where a team's or a player's points and shots come from."""
    if number is None:
        own = tally.teams[away]
        of_team = slice(tally.first_away, None) if away else slice(tally.first_away)
        helped, helped_threes = sum(tally.assisted[of_team]), sum(tally.assisted_threes[of_team])
    else:
        own = tally.own[number]
        helped, helped_threes = tally.assisted[number], tally.assisted_threes[number]
    fgm, fg3m, fga, fg3a, points = (own[_C[name]] for name in ("fgm", "fg3m", "fga", "fg3a", "points"))
    twos, paint = fgm - fg3m, own[_C["paint"]]
    return [
        ratio(fga - fg3a, fga),
        ratio(fg3a, fga),
        ratio(2 * twos, points),
        ratio(2 * twos - paint, points),
        ratio(3 * fg3m, points),
        ratio(own[_C["fast_break"]], points),
        ratio(own[_C["ftm"]], points),
        ratio(own[_C["off_turnovers"]], points),
        ratio(paint, points),
        ratio(helped - helped_threes, twos),
        ratio(twos - helped + helped_threes, twos),
        ratio(helped_threes, fg3m),
        ratio(fg3m - helped_threes, fg3m),
        ratio(helped, fgm),
        ratio(fgm - helped, fgm),
    ]


def shares(tally: Tally, number: int) -> list[float]:
    """In the order of `USAGE` but for the first: a player's part of what his team did while he was on the floor."""
    own, team, other = tally.own[number], tally.with_him[number], tally.against_him[number]
    counted = [(own[place], team[place]) for place in _SHARED_SHOTS]
    counted.append((own[_C["oreb"]] + own[_C["dreb"]], team[_C["oreb"]] + team[_C["dreb"]]))
    counted += [(own[_C[name]], team[_C[name]]) for name in ("ast", "tov", "stl", "blk")]
    counted.append((tally.blocked[number], other[_C["blk"]]))
    counted += [(own[_C[name]], team[_C[name]]) for name in ("pf", "pfd", "points")]
    # About one action in a thousand is by a player on the bench; no share is more than the whole.
    return [ratio(part, max(part, whole)) for part, whole in counted]


# --- bodies -------------------------------------------------------------------------------------------------------


def four_factors_body(played: Played) -> dict[str, Any]:
    """The boxscorefourfactorsv3 body of a game."""
    return box_body("boxscorefourfactorsv3", played, lambda game, away: _side(game, away, FOUR_FACTORS, four_factors))


def misc_body(played: Played) -> dict[str, Any]:
    """The boxscoremiscv3 body of a game."""
    return box_body("boxscoremiscv3", played, lambda game, away: _side(game, away, MISC, misc, 0))


def scoring_body(played: Played) -> dict[str, Any]:
    """The boxscorescoringv3 body of a game."""
    return box_body("boxscorescoringv3", played, lambda game, away: _side(game, away, SCORING, scoring))


def usage_body(played: Played) -> dict[str, Any]:
    """The boxscoreusagev3 body of a game; the first figure is the one of boxscoreadvancedv3."""
    totals = played.totals

    def values(tally: Tally, away: int, number: int | None = None) -> list[float]:
        if number is None:
            return [1.0] * len(USAGE)
        side = played.sides[away]
        place = number - played.number(away, 0)
        share = side.seconds[place] / (sum(side.seconds) / 5)
        return [usage_percentage(side.lines[place], totals[away], share), *shares(tally, number)]

    return box_body("boxscoreusagev3", played, lambda game, away: _side(game, away, USAGE, values))


def _side(
    game: Played, away: int, names: tuple[str, ...], values: Callable[..., Sequence[float]], nothing: float = 0.0
) -> dict[str, Any]:
    """Players and statistics of a team by `names`; `values(tally, away, number)` has them in order."""
    tally = game.tally
    idle = dict.fromkeys(names, nothing)
    return {
        "players": with_everyone(
            game, away, lambda number: dict(zip(names, values(tally, away, number), strict=True)), idle
        ),
        "statistics": {
            "minutes": clock_text(sum(game.sides[away].seconds)),
            **dict(zip(names, values(tally, away), strict=True)),
        },
    }
