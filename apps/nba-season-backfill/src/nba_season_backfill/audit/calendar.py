"""How many games a season of the NBA must have, and when it is over. Pure: facts of the league, no upstream asked."""

from __future__ import annotations

import datetime as dt

from nba_season_backfill.season import League, Season, SeasonType

__all__ = ["expected_games", "games_of_each_team", "playoff_series", "season_is_over", "wins_of_a_series"]

# Regular seasons that were cut short, or counted otherwise than teams x games / 2: strikes and lockouts (1998-99,
# 2011-12), a game cancelled for the Boston bombing (2012-13), the pandemic (2019-20 and 72 games each in 2020-21).
_SPECIAL = {1998: 725, 2011: 990, 2012: 1229, 2019: 1059, 2020: 1080}
# Before 82 games a team became the rule. 1954-55 is left out: a team folded and its games were struck from the books.
_EARLY = {
    1946: 331, 1947: 192, 1948: 360, 1949: 561, 1950: 354, 1951: 330, 1952: 351, 1953: 324, 1955: 288, 1956: 288,
    1957: 288, 1958: 288, 1959: 300, 1960: 316, 1961: 360, 1962: 360, 1963: 360, 1964: 360, 1965: 360, 1966: 405,
}  # fmt: skip
# First season (start year) with so many teams; each then plays 82 games.
_TEAMS = ((1967, 12), (1968, 14), (1970, 17), (1974, 18), (1976, 22), (1980, 23), (1988, 25), (1989, 27), (1995, 29))
_TEAMS_NOW = (2004, 30)
# Expansion is decided from time to time: beyond this season the lists say how many teams there are.
_LAST_KNOWN = 2026
_GAMES_EACH = 82
_LATE_ENDS = {2019: dt.date(2020, 10, 20), 2020: dt.date(2021, 7, 31)}


def expected_games(season: Season, season_type: SeasonType, teams: int | None = None) -> int | None:
    """The games that a season's part has once it is over; None where no fixed number is known.

    Args:
        teams: teams in the season's lists, for seasons of which this version does not know how many there are.
    """
    year = season.start_year
    if season.league is not League.NBA:
        return None
    if season_type is SeasonType.PLAY_IN:
        return None if year < 2019 else 1 if year == 2019 else 6
    if season_type is SeasonType.IST:
        return 1 if year >= 2023 else None
    if season_type is not SeasonType.REGULAR_SEASON:
        return None
    if year in _SPECIAL:
        return _SPECIAL[year]
    if year < 1967:
        return _EARLY.get(year)
    if year > _LAST_KNOWN:
        return teams * _GAMES_EACH // 2 if teams else None
    number = next(count for first, count in reversed((*_TEAMS, _TEAMS_NOW)) if year >= first)
    return number * _GAMES_EACH // 2


def games_of_each_team(season: Season) -> int | None:
    """The regular-season games that every team has; None where that differs from team to team or is not known."""
    year = season.start_year
    if season.league is not League.NBA or year in (2012, 2019) or year < 1967:
        return None
    return {1998: 50, 2011: 66, 2020: 72}.get(year, _GAMES_EACH)


def playoff_series(season: Season) -> int | None:
    """How many playoff series there are, where ids tell the series (since 2003-04)."""
    return 15 if season.league is League.NBA and season.start_year >= 2003 else None


def wins_of_a_series(season: Season) -> int | None:
    """The games that the winner of any series wins, since all series are best of seven (2002-03); else None."""
    return 4 if season.league is League.NBA and season.start_year >= 2003 else None


def season_is_over(season: Season, today: dt.date) -> bool:
    """Whether the last game of that season must have been played by that day."""
    year = season.start_year
    if season.league is not League.NBA:
        return today >= dt.date(year if season.league.one_year else year + 1, 11, 15)
    return today >= _LATE_ENDS.get(year, dt.date(year + 1, 7, 10))
