"""What the checkpoint says, and which ones it refuses to be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.errors import CheckpointUnusable
from nba_season_backfill.season import Season

NOW = "2025-07-01T00:00:00+00:00"
SEASON = Season(2024)

records = st.builds(
    UnitRecord,
    status=st.sampled_from(UnitStatus),
    judged_at=st.just(NOW),
    raw=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    rows=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 600)),
    revision=st.integers(1, 5),
    attempts=st.integers(1, 9),
    believed_until=st.none() | st.just(NOW),
    suspicious=st.booleans(),
    error=st.none() | st.text(min_size=1),
)
subjects = st.sampled_from([SEASON_LEVEL, "0022400001", "0022400002", "0042400101"])


@given(st.lists(st.tuples(subjects, st.sampled_from(["x", "y"]), records)))
def test_what_is_written_is_read(lines: list[tuple[str, str, UnitRecord]]) -> None:
    """Through JSON and back nothing changes, and the last line put for a unit is the one that stands."""
    checkpoint = Checkpoint(SEASON, "00", "lake", NOW)
    for subject, dataset, record in lines:
        checkpoint.record(subject, dataset, record)
    read = Checkpoint.from_content(orjson.loads(orjson.dumps(checkpoint.to_content())), "here")
    expected = {(subject, dataset): record for subject, dataset, record in lines}
    assert {(subject, dataset): record for subject, dataset, record in read.units()} == expected
    assert read.facts() == checkpoint.facts()


dates = st.sampled_from([dt.date(2024, 11, 12), dt.date(2024, 12, 1)])
steps = st.one_of(
    st.tuples(st.just("record"), subjects, st.sampled_from(["x", "y"]), records, st.none() | dates),
    st.tuples(st.just("forget"), subjects, st.sampled_from(["x", "y"])),
    st.tuples(st.just("move"), subjects, dates),
)


@given(st.lists(steps))
def test_what_is_written_piece_by_piece_is_what_would_be_written_at_once(done: list[tuple[Any, ...]]) -> None:
    """After any change, the bytes made of what changed are those made of everything."""
    checkpoint = Checkpoint(SEASON, "00", "lake", NOW)
    for step in done:
        match step:
            case ("record", subject, dataset, record, date):
                checkpoint.record(subject, dataset, record, game_date=date)
            case ("forget", subject, dataset):
                checkpoint.forget([(subject, dataset)])
            case (_, subject, date):
                checkpoint.dates[subject] = date.isoformat()
        assert checkpoint.to_json() == orjson.dumps(checkpoint.to_content())


def test_a_game_keeps_its_date() -> None:
    """The checkpoint knows in which partition a game lies."""
    checkpoint = Checkpoint(SEASON, "00", "lake", NOW)
    checkpoint.record("0022400001", "x", UnitRecord(UnitStatus.OK, NOW), game_date=dt.date(2024, 11, 12))
    assert checkpoint.to_content()["games"]["0022400001"]["game_date"] == "2024-11-12"


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.pop("games"),
        lambda content: content.update(season="2024"),
        lambda content: content.update(games=[]),
        lambda content: content["games"]["0022400001"]["datasets"]["x"].update(status="perfect"),
        lambda content: content["games"]["0022400001"]["datasets"]["x"].update(unheard_of=1),
    ],
)
def test_a_document_of_another_shape_is_refused(damage: object) -> None:
    """What this version would not write is refused by name, never half-read."""
    checkpoint = Checkpoint(SEASON, "00", "lake", NOW)
    checkpoint.record("0022400001", "x", UnitRecord(UnitStatus.OK, NOW))
    content = orjson.loads(orjson.dumps(checkpoint.to_content()))
    assert callable(damage)
    damage(content)
    with pytest.raises(CheckpointUnusable, match="checkpoint here: not readable"):
        Checkpoint.from_content(content, "here")


@pytest.mark.parametrize(
    ("season", "league", "lake", "expected"),
    [
        (Season(2023), "00", "lake", "is of season 2024-25"),
        (SEASON, "10", "lake", "league 00"),
        (SEASON, "00", "other", "belongs to another lake"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(season: Season, league: str, lake: str, expected: str) -> None:
    """Another season's, league's or lake's checkpoint is refused, with what it belongs to; exit code 78."""
    checkpoint = Checkpoint(SEASON, "00", "lake", NOW)
    with pytest.raises(CheckpointUnusable, match=expected) as caught:
        checkpoint.must_be_of(season, league, lake, "here")
    assert caught.value.exit_code == 78
