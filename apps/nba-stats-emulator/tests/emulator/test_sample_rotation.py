"""Who is on the floor: five at a time, each for exactly his minutes."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_stats_emulator.matching import give_out
from nba_stats_emulator.rotation import Rotation, overtimes_of, rotate
from nba_stats_emulator.sample import SampleSeason


def check_floor(rotation: Rotation, length: int) -> None:
    played = [0] * len(rotation.seconds)
    cuts = sorted({moment for _, start, end in rotation.stints for moment in (start, end)})
    assert (cuts[0], cuts[-1]) == (0, length)
    for start, end in pairwise(cuts):
        on = [player for player, since, until in rotation.stints if since <= start and end <= until]
        assert len(on) == len(set(on)) == 5
        for player in on:
            played[player] += end - start
    assert tuple(played) == rotation.seconds


@given(st.lists(st.integers(4, 40), min_size=8, max_size=13), st.integers(0, 2), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_five_players_are_on_the_floor_at_every_moment(weights: list[int], overtimes: int, seed: int) -> None:
    """For any minutes that sum to a game, stints cover it with five different players and add up to the seconds."""
    total = 240 + 25 * overtimes
    minutes = [max(1, min(46, round(weight * total / sum(weights)))) for weight in weights]
    while sum(minutes) != total:
        step = 1 if sum(minutes) < total else -1
        place = max(range(len(minutes)), key=lambda place: -step * minutes[place])
        minutes[place] += step
    rotation = rotate(minutes, range(len(minutes)), overtimes, Random(seed))
    check_floor(rotation, 2880 + 300 * overtimes)
    assert all(abs(own - 60 * whole) <= 30 for own, whole in zip(rotation.seconds, minutes, strict=True))
    assert overtimes_of(minutes) == overtimes


def test_minutes_that_cannot_make_a_game_are_refused() -> None:
    """Minutes far from a game's sum raise ValueError with the minutes in it."""
    with pytest.raises(ValueError, match=r"minutes \[40, 40"):
        rotate([40] * 5, range(5), 0, Random(1))


def test_substitutions_are_as_many_as_in_real_games(season: SampleSeason) -> None:
    """A game has about forty substitutions, and starters are those on the floor at the tip-off."""
    for game in [game for game in season.games.values() if game.kind == 2][::100]:
        bodies = season.game_bodies(game.game_id, season.over_at)
        actions = bodies["playbyplayv3"]["game"]["actions"]
        assert 20 <= sum(row["actionType"] == "Substitution" for row in actions) <= 70


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_as_many_things_are_given_out_as_possible(data: st.DataObject) -> None:
    """`give_out` leaves a token out only when no arrangement could place it, as networks of people know it."""
    players, places = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 7))
    may_take = data.draw(st.lists(st.integers(0, 2**places - 1), min_size=players, max_size=players))
    tokens = data.draw(st.lists(st.integers(0, players - 1), max_size=8))
    owner = give_out(tokens, may_take, places)
    placed = [player for player in owner if player >= 0]
    for place, player in enumerate(owner):
        assert player < 0 or may_take[player] >> place & 1
    assert all(placed.count(player) <= tokens.count(player) for player in placed)
    # Hall's bound: for any set of places left open to some players, no more can be placed than there are.
    best = min(
        sum(token not in chosen for token in tokens) + _union(may_take, chosen).bit_count()
        for chosen in ({player for player in range(players) if mask >> player & 1} for mask in range(2**players))
    )
    assert len(placed) == min(best, len(tokens))


def _union(may_take: list[int], chosen: set[int]) -> int:
    together = 0
    for player in chosen:
        together |= may_take[player]
    return together
