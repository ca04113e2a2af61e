"""Seasons, season types and game ids."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nba_season_backfill.season import GameId, GameKind, League, Season, SeasonType, parse_seasons, season_of_date


@given(st.integers(1946, 2098))
def test_a_season_is_written_as_it_is_read(year: int) -> None:
    """Season.parse and str are each other's inverse for every season there can be."""
    assert Season.parse(str(Season(year))) == Season(year)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-26", "did you mean 2024-25?"),
        ("2024", "did you mean 2024-25?"),
        ("2024-2025", "did you mean 2024-25?"),
        ("2024/25", "did you mean 2024-25?"),
        ("24-25", "did you mean 2024-25?"),
        ("98-99", "did you mean 1998-99?"),
        ("1999-01", "did you mean 1999-00?"),
        ("soon", "for instance 2024-25"),
        ("1901-02", "the first one is 1946-47"),
        ("", "for instance 2024-25"),
    ],
)
def test_a_wrong_season_is_refused_with_the_right_spelling(text: str, expected: str) -> None:
    """What looks like a season but is none is refused, with the season that was most likely meant."""
    with pytest.raises(ValueError, match="not a season") as caught:
        Season.parse(text)
    assert expected in str(caught.value)


@given(st.text(max_size=12))
def test_any_text_is_a_season_or_a_value_error(text: str) -> None:
    """No text makes the parser fail in any other way."""
    try:
        season = Season.parse(text)
    except ValueError:
        return
    assert str(season) == text.strip()


@pytest.mark.parametrize(
    ("text", "kind", "season"),
    [
        ("0022400061", GameKind.REGULAR, "2024-25"),
        ("0012400001", GameKind.PRESEASON, "2024-25"),
        ("0032400001", GameKind.ALL_STAR, "2024-25"),
        ("0042400407", GameKind.PLAYOFFS, "2024-25"),
        ("0052400101", GameKind.PLAY_IN, "2024-25"),
        ("0062400001", GameKind.CUP_FINAL, "2024-25"),
        ("0024600001", GameKind.REGULAR, "1946-47"),
        ("0029900001", GameKind.REGULAR, "1999-00"),
    ],
)
def test_a_game_id_tells_kind_and_season(text: str, kind: GameKind, season: str) -> None:
    """The digits of a game id say what kind of game it is and in which season."""
    game_id = GameId(text)
    assert (game_id.kind, str(game_id.season), game_id.league) == (kind, season, "00")


@pytest.mark.parametrize("text", ["22400061", "002240006", "00224000611", "0072400001", "0092400001", "002240006x", ""])
def test_a_wrong_game_id_is_refused(text: str) -> None:
    """Lost leading zeros and unknown kinds are refused, with an example."""
    with pytest.raises(ValueError, match="not a game id"):
        GameId(text)


def test_the_season_turns_in_october() -> None:
    """30 September belongs to the season that ended in June, 1 October to the new one."""
    assert str(season_of_date(dt.date(2024, 9, 30))) == "2023-24"
    assert str(season_of_date(dt.date(2024, 10, 1))) == "2024-25"
    assert str(season_of_date(dt.date(2025, 6, 22))) == "2024-25"


def test_what_never_existed_is_not_asked_for() -> None:
    """The Cup final began in 2023-24, the play-in in 2019-20."""
    assert not Season(2022).has(SeasonType.IST)
    assert Season(2023).has(SeasonType.IST)
    assert not Season(2018).has(SeasonType.PLAY_IN)
    assert Season(1946).has(SeasonType.REGULAR_SEASON)


@pytest.mark.parametrize(
    ("league", "year", "text", "game_id"),
    [
        (League.NBA, 2024, "2024-25", "0022400061"),
        (League.WNBA, 2024, "2024", "1022400061"),
        (League.G_LEAGUE, 2024, "2024-25", "2022400061"),
    ],
)
def test_each_league_writes_its_seasons_its_own_way(league: League, year: int, text: str, game_id: str) -> None:
    """A season of a league reads back as that league's, and game ids know theirs."""
    season = Season(year, league)
    assert (str(season), Season.parse(text, league), GameId(game_id).season) == (text, season, season)
    assert League.labelled(league.label) is league
    assert season.has(SeasonType.PLAY_IN) is (league is League.NBA)
    with pytest.raises(ValueError, match="the first one is"):
        Season(league.first_year - 1, league)


@given(st.sampled_from(list(League)), st.integers(2001, 2098), st.integers(0, 97))
def test_a_range_names_every_season_once(league: League, first: int, length: int) -> None:
    """From its first to its last, both included; the same seasons named one by one are the same."""
    begin, end = Season(first, league), Season(min(first + length, 2098), league)
    found = parse_seasons(f"{begin}:{end}", league, latest=end)
    assert (found[0], found[-1], len(found)) == (begin, end, end.start_year - begin.start_year + 1)
    assert parse_seasons(",".join(map(str, reversed(found))), league, latest=end) == found
    assert parse_seasons("all", league, latest=end)[-1] == end
