"""What game logs measure, kind by kind: the upstream's own names, types, meanings and plausible bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from nba_season_backfill.season import Season

__all__ = ["KINDS", "Kind", "LogMeasure"]

_INT, _REAL = pa.int32(), pa.float64()
_ADVANCED_ERA = Season(1996)


@dataclass(frozen=True, slots=True)
class LogMeasure:
    """One measure of a line. ``of_players``: teams' lines lack it. ``optional``: some answers lack it."""

    source: str
    type: pa.DataType
    doc: str
    low: float = -math.inf
    high: float = math.inf
    team_high: float = math.inf
    of_players: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of measure: the upstream's ``MeasureType``, its name in keys, and the first season it exists for."""

    name: str
    slug: str
    measures: Sequence[LogMeasure]
    first_season: Season = _ADVANCED_ERA
    of_players: bool = True
    of_teams: bool = True


def _count(source: str, doc: str, most: float, most_of_team: float) -> LogMeasure:
    return LogMeasure(source, _INT, doc, 0, most, most_of_team)


def _share(source: str, doc: str, most: float = 1.0) -> LogMeasure:
    return LogMeasure(source, _REAL, f"{doc}, 0 to 1." if most == 1.0 else f"{doc}.", 0.0, most, most)


def _real(
    source: str, doc: str, low: float = -math.inf, high: float = math.inf, *, optional: bool = False
) -> LogMeasure:
    return LogMeasure(source, _REAL, doc, low, high, high, optional=optional)


def _of_players(source: str, kind: pa.DataType, doc: str, *, optional: bool = False) -> LogMeasure:
    return LogMeasure(source, kind, doc, of_players=True, optional=optional)


_BASE = (
    _count("FGM", "Field goals made.", 40, 80),
    _count("FGA", "Field goals attempted.", 70, 160),
    _share("FG_PCT", "Field goals made of attempted"),
    _count("FG3M", "Three-pointers made.", 20, 45),
    _count("FG3A", "Three-pointers attempted.", 35, 90),
    _share("FG3_PCT", "Three-pointers made of attempted"),
    _count("FTM", "Free throws made.", 35, 70),
    _count("FTA", "Free throws attempted.", 45, 90),
    _share("FT_PCT", "Free throws made of attempted"),
    _count("OREB", "Offensive rebounds.", 25, 60),
    _count("DREB", "Defensive rebounds.", 50, 90),
    _count("REB", "Rebounds.", 60, 115),
    _count("AST", "Assists.", 35, 65),
    LogMeasure("TOV", _REAL, "Turnovers.", 0.0, 20.0, 50.0),
    _count("STL", "Steals.", 15, 35),
    _count("BLK", "Blocks.", 20, 35),
    _count("BLKA", "Own shots that were blocked.", 20, 35),
    _count("PF", "Personal fouls.", 9, 70),
    _count("PFD", "Personal fouls drawn.", 40, 80),
    _count("PTS", "Points.", 120, 200),
    LogMeasure("PLUS_MINUS", _REAL, "Points scored minus points allowed.", -80.0, 80.0, 80.0),
    _of_players("NBA_FANTASY_PTS", _REAL, "Fantasy points by the NBA's rule."),
    _of_players("DD2", _INT, "1 for a double-double."),
    _of_players("TD3", _INT, "1 for a triple-double."),
    _of_players("WNBA_FANTASY_PTS", _REAL, "Fantasy points by the WNBA's rule.", optional=True),
)
_ADVANCED = (
    _real("E_OFF_RATING", "Offensive rating, estimated.", 0.0),
    _real("OFF_RATING", "Points scored per 100 possessions.", 0.0, 400.0),
    _real("sp_work_OFF_RATING", "The upstream's working copy of the rating.", optional=True),
    _real("E_DEF_RATING", "Defensive rating, estimated.", 0.0),
    _real("DEF_RATING", "Points allowed per 100 possessions.", 0.0, 400.0),
    _real("sp_work_DEF_RATING", "The upstream's working copy of the rating.", optional=True),
    _real("E_NET_RATING", "Net rating, estimated."),
    _real("NET_RATING", "Offensive minus defensive rating.", -400.0, 400.0),
    _real("sp_work_NET_RATING", "The upstream's working copy of the rating.", optional=True),
    _share("AST_PCT", "Share of team-mates' field goals assisted"),
    _real("AST_TO", "Assists per turnover.", 0.0),
    _real("AST_RATIO", "Assists per 100 possessions used.", 0.0),
    _share("OREB_PCT", "Share of available offensive rebounds"),
    _share("DREB_PCT", "Share of available defensive rebounds"),
    _share("REB_PCT", "Share of available rebounds"),
    _real("TM_TOV_PCT", "Turnovers per 100 possessions used.", 0.0),
    LogMeasure("E_TOV_PCT", _REAL, "Turnovers, estimated.", of_players=True, optional=True),
    _share("EFG_PCT", "Field goal share with threes counted one and a half times", 1.5),
    _share("TS_PCT", "Points per two shooting chances, free throws included", 1.5),
    LogMeasure("USG_PCT", _REAL, "Share of the team's possessions used, 0 to 1.", 0.0, 1.0, of_players=True),
    LogMeasure("E_USG_PCT", _REAL, "Usage, estimated.", of_players=True, optional=True),
    _real("E_PACE", "Pace, estimated.", 0.0),
    _real("PACE", "Possessions per 48 minutes.", 0.0),
    _real("PACE_PER40", "Possessions per 40 minutes.", 0.0, optional=True),
    _real("sp_work_PACE", "The upstream's working copy of the pace.", optional=True),
    _real("PIE", "Player impact estimate: share of the game's events.", -5.0, 5.0),
    _real("POSS", "Possessions.", 0.0),
    LogMeasure("FGM", _INT, "Field goals made.", 0, 40, 80, optional=True),
    LogMeasure("FGA", _INT, "Field goals attempted.", 0, 70, 160, optional=True),
    _real("FGM_PG", "Field goals made a game.", 0.0, optional=True),
    _real("FGA_PG", "Field goals attempted a game.", 0.0, optional=True),
    LogMeasure("FG_PCT", _REAL, "Field goals made of attempted, 0 to 1.", 0.0, 1.0, 1.0, optional=True),
)
_MISC = (
    _count("PTS_OFF_TOV", "Points off turnovers.", 60, 80),
    _count("PTS_2ND_CHANCE", "Second-chance points.", 60, 80),
    _count("PTS_FB", "Fast-break points.", 60, 80),
    _count("PTS_PAINT", "Points in the paint.", 100, 140),
    _count("OPP_PTS_OFF_TOV", "The opponent's points off turnovers.", 80, 80),
    _count("OPP_PTS_2ND_CHANCE", "The opponent's second-chance points.", 80, 80),
    _count("OPP_PTS_FB", "The opponent's fast-break points.", 80, 80),
    _count("OPP_PTS_PAINT", "The opponent's points in the paint.", 140, 140),
    LogMeasure("BLK", _INT, "Blocks.", 0, 20, 35, optional=True),
    LogMeasure("BLKA", _INT, "Own shots that were blocked.", 0, 20, 35, optional=True),
    LogMeasure("PF", _INT, "Personal fouls.", 0, 9, 70, optional=True),
    LogMeasure("PFD", _INT, "Personal fouls drawn.", 0, 40, 80, optional=True),
    _of_players("NBA_FANTASY_PTS", _REAL, "Fantasy points by the NBA's rule.", optional=True),
)
_FOUR_FACTORS = (
    _share("EFG_PCT", "Field goal share with threes counted one and a half times", 1.5),
    _real("FTA_RATE", "Free throws attempted per field goal attempted.", 0.0),
    _share("TM_TOV_PCT", "The team's turnovers per possession"),
    _share("OREB_PCT", "Share of available offensive rebounds"),
    _share("OPP_EFG_PCT", "The opponent's effective field goal share", 1.5),
    _real("OPP_FTA_RATE", "The opponent's free throws attempted per field goal attempted.", 0.0),
    _share("OPP_TOV_PCT", "The opponent's turnovers per possession"),
    _share("OPP_OREB_PCT", "The opponent's share of available offensive rebounds"),
)
_SCORING = (
    _share("PCT_FGA_2PT", "Share of field goal attempts that were two-pointers"),
    _share("PCT_FGA_3PT", "Share of field goal attempts that were three-pointers"),
    _share("PCT_PTS_2PT", "Share of points from two-pointers"),
    _share("PCT_PTS_2PT_MR", "Share of points from mid-range two-pointers"),
    _share("PCT_PTS_3PT", "Share of points from three-pointers"),
    _share("PCT_PTS_FB", "Share of points from fast breaks"),
    _share("PCT_PTS_FT", "Share of points from free throws"),
    _share("PCT_PTS_OFF_TOV", "Share of points off turnovers"),
    _share("PCT_PTS_PAINT", "Share of points in the paint"),
    _share("PCT_AST_2PM", "Share of made two-pointers that were assisted"),
    _share("PCT_UAST_2PM", "Share of made two-pointers that were not assisted"),
    _share("PCT_AST_3PM", "Share of made three-pointers that were assisted"),
    _share("PCT_UAST_3PM", "Share of made three-pointers that were not assisted"),
    _share("PCT_AST_FGM", "Share of made field goals that were assisted"),
    _share("PCT_UAST_FGM", "Share of made field goals that were not assisted"),
    LogMeasure("FGM", _INT, "Field goals made.", 0, 40, 80, optional=True),
    LogMeasure("FGA", _INT, "Field goals attempted.", 0, 70, 160, optional=True),
    LogMeasure("FG_PCT", _REAL, "Field goals made of attempted, 0 to 1.", 0.0, 1.0, 1.0, optional=True),
)
_USAGE = (
    _share("USG_PCT", "Share of the team's possessions used"),
    *(
        _share(source, f"Share of the team's {what} while on the court")
        for source, what in (
            ("PCT_FGM", "field goals made"),
            ("PCT_FGA", "field goals attempted"),
            ("PCT_FG3M", "three-pointers made"),
            ("PCT_FG3A", "three-pointers attempted"),
            ("PCT_FTM", "free throws made"),
            ("PCT_FTA", "free throws attempted"),
            ("PCT_OREB", "offensive rebounds"),
            ("PCT_DREB", "defensive rebounds"),
            ("PCT_REB", "rebounds"),
            ("PCT_AST", "assists"),
            ("PCT_TOV", "turnovers"),
            ("PCT_STL", "steals"),
            ("PCT_BLK", "blocks"),
            ("PCT_BLKA", "shots that were blocked"),
            ("PCT_PF", "personal fouls"),
            ("PCT_PFD", "personal fouls drawn"),
            ("PCT_PTS", "points"),
        )
    ),
    LogMeasure("FGM", _INT, "Field goals made.", 0, 40, 80, optional=True),
    LogMeasure("FGA", _INT, "Field goals attempted.", 0, 70, 160, optional=True),
    LogMeasure("FG_PCT", _REAL, "Field goals made of attempted, 0 to 1.", 0.0, 1.0, 1.0, optional=True),
)

KINDS = (
    Kind("Base", "base", _BASE, Season(1946)),
    Kind("Advanced", "advanced", _ADVANCED),
    Kind("Misc", "misc", _MISC),
    # The upstream has them of players in box scores only.
    Kind("Four Factors", "four-factors", _FOUR_FACTORS, of_players=False),
    Kind("Scoring", "scoring", _SCORING),
    # A team uses all of its own possessions: its shares would be 1 throughout.
    Kind("Usage", "usage", _USAGE, of_teams=False),
)
"""Every kind of measure, in the order in which they are asked for."""
