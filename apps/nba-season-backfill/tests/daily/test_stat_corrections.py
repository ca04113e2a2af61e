"""What changed between two answers for the same game, value by value."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from nba_season_backfill.datasets.base import Table
from nba_season_backfill.datasets.stat_corrections import (
    STAT_CORRECTIONS,
    Change,
    changes_between,
    corrections_table,
)

LINES = Table(
    "lines",
    pa.schema(
        [
            pa.field("game_id", pa.string(), nullable=False),
            pa.field("team_id", pa.int64(), nullable=False),
            pa.field("player_order", pa.int32(), nullable=False),
            pa.field("person_id", pa.int64(), nullable=False),
            pa.field("assists", pa.int32()),
            pa.field("share", pa.float64()),
            pa.field("starter", pa.bool_()),
            pa.field("bench", pa.struct([("points", pa.int32())])),
        ]
    ),
    ("team_id", "player_order"),
)
ACTIONS = Table(
    "actions",
    pa.schema([pa.field("game_id", pa.string()), pa.field("action_id", pa.int32()), pa.field("what", pa.string())]),
    ("action_id",),
)


def row(order: int, person: int, **more: object) -> dict[str, object]:
    base = {"game_id": "g", "team_id": 1, "player_order": order, "person_id": person, "assists": 2, "share": 0.5}
    return {**base, "starter": True, "bench": {"points": 3}, **more}


def lines(*rows: dict[str, object]) -> dict[str, pa.Table]:
    return {"lines": pa.Table.from_pylist(list(rows), schema=LINES.schema)}


def actions(*words: str) -> dict[str, pa.Table]:
    rows = [{"game_id": "g", "action_id": number, "what": word} for number, word in enumerate(words)]
    return {"actions": pa.Table.from_pylist(rows, schema=ACTIONS.schema)}


def changed(old: dict[str, pa.Table], new: dict[str, pa.Table]) -> list[Change]:
    return list(changes_between(old, new, [LINES, ACTIONS]))


def test_equal_rows_have_no_changes() -> None:
    """Nor has a table that one of the two answers does not have."""
    assert changed(lines(row(0, 7)), lines(row(0, 7))) == []
    assert changed({}, lines(row(0, 7))) == []


def test_every_value_that_changed_is_told_as_text() -> None:
    """Whole numbers, shares, truth, structs, and null on either side."""
    new = row(0, 7, assists=3, share=None, starter=False, bench={"points": 4})
    found = changed(lines(row(0, 7)), lines(new))
    assert [(each.field, each.old, each.new) for each in found] == [
        ("assists", "2", "3"),
        ("share", "0.5", None),
        ("starter", "true", "false"),
        ("bench", '{"points":3}', '{"points":4}'),
    ]
    assert {(each.team_id, each.person_id, each.row_key) for each in found} == {(1, 7, "team_id=1,person_id=7")}


def test_a_player_is_known_by_who_he_is_not_by_his_place() -> None:
    """Somebody new at the top of the list does not make everybody else another's line."""
    found = changed(lines(row(0, 7), row(1, 8)), lines(row(0, 9), row(1, 7), row(2, 8)))
    assert [(each.person_id, each.field, each.old, each.new) for each in found] == [
        (7, "player_order", "0", "1"),
        (8, "player_order", "1", "2"),
        (9, "row", None, "present"),
    ]
    gone = changed(lines(row(0, 7), row(1, 8)), lines(row(0, 7)))
    assert [(each.person_id, each.field, each.old, each.new) for each in gone] == [(8, "row", "present", None)]


def test_actions_are_compared_one_by_one_as_long_as_there_are_as_many() -> None:
    """A list of another length is one change: which action is which cannot be said."""
    found = changed(actions("jump ball", "miss"), actions("jump ball", "block"))
    assert [(each.row_key, each.field, each.old, each.new) for each in found] == [
        ("action_id=1", "what", "miss", "block")
    ]
    longer = changed(actions("jump ball", "miss"), actions("jump ball", "turnover", "miss"))
    assert [(each.row_key, each.field, each.old, each.new) for each in longer] == [("", "rows", "2", "3")]


def test_the_table_numbers_changes_by_dataset() -> None:
    """(game, dataset, revision, change) names a row, in the declared schema."""
    at = dt.datetime(2024, 10, 25, 19, tzinfo=dt.UTC)
    found = changed(
        {**lines(row(0, 7)), **actions("miss", "foul")},
        {**lines(row(0, 7, assists=3, share=0.4)), **actions("block", "foul")},
    )
    table = corrections_table("g", found, revision=2, detected_at=at, run_id="run", raw_before="aa", raw_after="bb")
    assert table.schema.equals(STAT_CORRECTIONS.schema)
    assert [(each["dataset"], each["change"], each["field"]) for each in table.to_pylist()] == [
        ("lines", 0, "assists"),
        ("lines", 1, "share"),
        ("actions", 0, "what"),
    ]
    assert set(table.column("detected_at").to_pylist()) == {at}
