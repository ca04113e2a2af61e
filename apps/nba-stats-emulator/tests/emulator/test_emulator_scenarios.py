"""Behaviours as JSON and by name: what is written reads back, and mistakes are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import nba_stats_emulator
from nba_stats_emulator import Behaviour, Emulator, HtmlPage, PenaltyBox, Rule, Tarpit, TokenBucket, scenarios
from nba_stats_emulator.scenarios import SCENARIOS, from_json, load, to_json


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_is_written_and_read_back_the_same(name: str) -> None:
    """Each named scenario survives JSON, and can be set by name."""
    written = json.loads(json.dumps(to_json(SCENARIOS[name])))
    assert from_json(written) == SCENARIOS[name]
    with Emulator(behaviour=name):
        pass


def test_a_file_is_read_as_it_is_documented(tmp_path: Path) -> None:
    """The example of the documentation gives the behaviour it describes."""
    text = (nba_stats_emulator.scenarios.__doc__ or "").split("with its `kind`:")[1]
    path = tmp_path / "scenario.json"
    path.write_text(text, encoding="utf-8")
    behaviour = load(str(path))
    assert behaviour.seed == 7
    assert behaviour.limit == PenaltyBox(TokenBucket(1, burst=5), 300)
    assert behaviour.refusal == Tarpit()
    assert behaviour.rules == (Rule(HtmlPage(), endpoint="playbyplayv3", times=2),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"speed": 1}, "behaviour: 'speed' is not known here; there are latency"),
        ({"latency": {"kind": "guess"}}, "latency: no latency of kind 'guess'; there are constant"),
        ({"rules": [{"fault": {"kind": "tarpit", "depth": 2}}]}, r"rules\[0\].fault: 'depth' is not known here"),
        ({"rules": [{}]}, r"rules\[0\].fault must be an object"),
        ({"rules": {}}, "rules must be a list"),
        ({"limit": {"kind": "token_bucket"}}, "limit: .*rate_per_second"),
        ({"limit": {"kind": "token_bucket", "rate_per_second": 0}}, "rate_per_second must be greater than 0"),
        ([], "behaviour must be an object, not list"),
        ("unheard-of", "no scenario 'unheard-of'; there are blocked"),
    ],
)
def test_mistakes_are_named_with_their_place(data: object, message: str) -> None:
    """What is not understood raises ValueError that says where it stands and what would be right."""
    with pytest.raises(ValueError, match=message):
        from_json(data)


def test_a_file_with_a_mistake_is_named(tmp_path: Path) -> None:
    """Errors of a file carry its name; a name that is nothing lists the scenarios."""
    path = tmp_path / "broken.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.json: "):
        load(str(path))
    with pytest.raises(ValueError, match="is neither a scenario"):
        load("no-such-thing")


def test_behaving_is_the_default() -> None:
    """The polite scenario is the empty object."""
    assert to_json(Behaviour()) == {}
    assert from_json({}) == Behaviour() == SCENARIOS["polite"]


def test_the_public_surface_is_sorted_and_importable() -> None:
    """`__all__` is sorted and everything in it is there."""
    assert nba_stats_emulator.__all__ == sorted(nba_stats_emulator.__all__)
    assert all(hasattr(nba_stats_emulator, name) for name in nba_stats_emulator.__all__)


def test_the_readme_shows_behaviours_that_work() -> None:
    """The README's example is read, and its tables name every kind of latency, limit and fault."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    start = readme.index('    {\n      "seed": 7')
    example = json.loads(readme[start : readme.index("\n\n", start)])
    assert len(from_json(example).rules) == 3
    for family in scenarios.KINDS.values():
        for kind in family:
            assert kind == "unlimited" or f"`{kind}`" in readme
    assert all(f"`{name}`" in readme for name in SCENARIOS)
