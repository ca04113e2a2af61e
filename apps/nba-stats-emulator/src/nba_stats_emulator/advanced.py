"""Advanced figures from box scores, by the formulas the league publishes.

Possessions are estimated as FGA + 0.44 x FTA - OREB + TOV. What a formula needs of the time a player was on the
floor (his possessions, the points then) is estimated from his share of the minutes and his plus-minus: simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nba_stats_emulator.bodies import ratio
from nba_stats_emulator.facts import Line

__all__ = ["TeamFigures", "player_figures", "team_figures", "usage_percentage"]


@dataclass(frozen=True, slots=True)
class TeamFigures:
    """A team's advanced statistics as the service lists them, and what players' figures are computed from."""

    fields: dict[str, Any]
    possessions: int
    opponent_possessions: int
    seconds: int
    defensive_rating: float


def possessions(line: Line) -> int:
    """A team's possessions, estimated from its line."""
    return max(1, round(line.fga + 0.44 * line.fta - line.oreb + line.tov))


def impact(line: Line) -> float:
    """What the player impact estimate counts: PIE is one line's share of this in both teams' lines."""
    return (
        line.points + line.fgm + line.ftm - line.fga - line.fta + line.dreb + 0.5 * line.oreb
        + line.ast + line.stl + 0.5 * line.blk - line.pf - line.tov
    )  # fmt: skip


def _plays(line: Line) -> float:
    """Ways a player's touches end; what assist and turnover ratios are shares of."""
    return line.fga + 0.44 * line.fta + line.ast + line.tov


def team_figures(own: Line, opponents: Line, seconds: int) -> TeamFigures:
    """Figures of a team from its summed line and the opponent's; `seconds` are those of all players together."""
    mine, theirs = possessions(own), possessions(opponents)
    offensive = round(100 * own.points / mine, 1)
    defensive = round(100 * opponents.points / theirs, 1)
    minutes = seconds / 300
    pace = round(48 * (mine + theirs) / 2 / minutes, 2)
    net = round(offensive - defensive, 1)
    turnover_share = round(100 * own.tov / mine, 3)
    fields = {
        # The service's own team estimates are off by a factor of five, up and down. So are these.
        "estimatedOffensiveRating": round(5 * offensive, 1),
        "offensiveRating": offensive,
        "estimatedDefensiveRating": round(5 * defensive, 1),
        "defensiveRating": defensive,
        "estimatedNetRating": round(5 * net, 1),
        "netRating": net,
        "assistPercentage": ratio(own.ast, own.fgm),
        "assistToTurnover": ratio(own.ast, own.tov, 2),
        "assistRatio": ratio(100 * own.ast, _plays(own), 1),
        "offensiveReboundPercentage": ratio(own.oreb, own.oreb + opponents.dreb),
        "defensiveReboundPercentage": ratio(own.dreb, own.dreb + opponents.oreb),
        "reboundPercentage": ratio(own.reb, own.reb + opponents.reb),
        "estimatedTeamTurnoverPercentage": turnover_share,
        "turnoverRatio": round(turnover_share, 1),
        "effectiveFieldGoalPercentage": ratio(own.fgm + 0.5 * own.fg3m, own.fga),
        "trueShootingPercentage": ratio(own.points, 2 * (own.fga + 0.44 * own.fta)),
        "usagePercentage": 1.0,
        "estimatedUsagePercentage": ratio(own.fga + 0.44 * own.fta + own.tov - own.oreb * 0.2, mine + own.oreb),
        "estimatedPace": round(pace / 5, 2),
        "pace": pace,
        "pacePer40": round(pace * 40 / 48, 2),
        "possessions": float(mine),
        "PIE": ratio(impact(own), impact(own) + impact(opponents)),
    }
    return TeamFigures(fields, mine, theirs, seconds, defensive)


def usage_percentage(line: Line, own: Line, share: float) -> float:
    """What part of his team's plays a player used while he was on the floor, for his `share` of the game."""
    used = line.fga + 0.44 * line.fta + line.tov
    return ratio(used, max(used, share * (own.fga + 0.44 * own.fta + own.tov)))


def player_figures(line: Line, seconds: int, own: Line, opponents: Line, team: TeamFigures) -> dict[str, Any]:
    """Figures of one player from his line, his seconds and both teams' summed lines."""
    share = seconds / (team.seconds / 5)  # of the game, 0 to 1
    attack = max(1, round(team.possessions * share)) if seconds else 0
    defence = max(1, round(team.opponent_possessions * share)) if seconds else 0
    # Points while he was on the floor: the opponent's usual share, ours by his plus-minus from there.
    against = max(0, round(defence * team.defensive_rating / 100), -line.plus_minus) if seconds else 0
    offensive = ratio(100 * (against + line.plus_minus), attack, 1)
    defensive = ratio(100 * against, defence, 1)
    net = round(offensive - defensive, 1)
    usage = usage_percentage(line, own, share)
    pace = ratio(48 * 60 * (attack + defence) / 2, seconds, 2)
    return {
        "estimatedOffensiveRating": offensive,
        "offensiveRating": offensive,
        "estimatedDefensiveRating": defensive,
        "defensiveRating": defensive,
        "estimatedNetRating": net,
        "netRating": net,
        "assistPercentage": max(0.0, ratio(line.ast, max(line.ast, share * own.fgm - line.fgm))),
        "assistToTurnover": ratio(line.ast, line.tov, 2),
        "assistRatio": ratio(100 * line.ast, _plays(line), 1),
        "offensiveReboundPercentage": ratio(line.oreb, max(line.oreb, share * (own.oreb + opponents.dreb))),
        "defensiveReboundPercentage": ratio(line.dreb, max(line.dreb, share * (own.dreb + opponents.oreb))),
        "reboundPercentage": ratio(line.reb, max(line.reb, share * (own.reb + opponents.reb))),
        "turnoverRatio": ratio(100 * line.tov, _plays(line), 1),
        "effectiveFieldGoalPercentage": ratio(line.fgm + 0.5 * line.fg3m, line.fga),
        "trueShootingPercentage": ratio(line.points, 2 * (line.fga + 0.44 * line.fta)),
        "usagePercentage": usage,
        "estimatedUsagePercentage": usage,
        "estimatedPace": pace,
        "pace": pace,
        "pacePer40": round(pace * 40 / 48, 2),
        "possessions": float(attack),
        "PIE": ratio(impact(line), impact(own) + impact(opponents)),
    }
