"""What the upstream corrected after a game was stored: every value that changed, with the one before and the one after.

Made from two archived bodies of the same unit, so it can be made again from the archive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from nba_season_backfill.datasets.base import Table
from nba_season_backfill.datasets.columns import Column, schema_of

__all__ = ["STAT_CORRECTIONS", "Change", "changes_between", "corrections_table"]

_INT, _LONG, _TEXT = pa.int32(), pa.int64(), pa.string()

_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", required=True),
    Column("dataset", _TEXT, "The table in which the value stands.", required=True),
    Column("revision", _INT, "The revision of the game's rows that the change led to: 2 is the first.", required=True),
    Column("change", _INT, "Number of the change within its revision, from 0.", required=True),
    Column("team_id", _LONG, "The team; null where the row has none."),
    Column("person_id", _LONG, "The player; null for a team's line."),
    Column("row_key", _TEXT, "The row within the game, for instance action_id=12.", required=True),
    Column("field", _TEXT, "The column that changed; `row` for one that came or went; `rows` for many.", required=True),
    Column("old_value", _TEXT, "The value before, as text; null where there was none."),
    Column("new_value", _TEXT, "The value after, as text; null where there is none."),
    Column("detected_at", pa.timestamp("us", tz="UTC"), "When the new answer was fetched.", required=True),
    Column("run_id", _TEXT, "The run that wrote it.", required=True),
    Column("raw_before", _TEXT, "SHA-256 of the archived body before.", required=True),
    Column("raw_after", _TEXT, "SHA-256 of the archived body after.", required=True),
)
STAT_CORRECTIONS = Table("stat-corrections", schema_of(_COLUMNS), ("dataset", "revision", "change"))


@dataclass(frozen=True, slots=True)
class Change:
    """One value that changed; ``field`` is ``row`` for a row that came or went, ``rows`` where too many did."""

    dataset: str
    team_id: int | None
    person_id: int | None
    row_key: str
    field: str
    old: str | None
    new: str | None


def changes_between(
    old: Mapping[str, pa.Table], new: Mapping[str, pa.Table], tables: Sequence[Table]
) -> Iterator[Change]:
    """Every value in which a game's rows differ, table by table, row by row; nothing where they are equal.

    Rows are matched by player and team where the table has players' lines, else by its key. Where the key is only a
    place in a list and the list has another length, that is one change: which row is which cannot be said.
    """
    for table in tables:
        before, after = old.get(table.name), new.get(table.name)
        if before is None or after is None or before.equals(after):
            continue
        key = _identity(table)
        if len(key) == 1 and "team_id" not in key and before.num_rows != after.num_rows:
            yield Change(table.name, None, None, "", "rows", str(before.num_rows), str(after.num_rows))
            continue
        yield from _of_table(table.name, key, _by_key(before, key), _by_key(after, key))


def _identity(table: Table) -> tuple[str, ...]:
    """What says which row is which: a player's place in the list may change without the line being another's."""
    if "player_order" in table.key:
        return tuple("person_id" if column == "player_order" else column for column in table.key)
    return table.key


_Rows = Mapping[tuple[Any, ...], Mapping[str, Any]]


def _by_key(table: pa.Table, key: tuple[str, ...]) -> _Rows:
    return {tuple(row[column] for column in key): row for row in table.to_pylist()}


def _of_table(name: str, key: tuple[str, ...], before: _Rows, after: _Rows) -> Iterator[Change]:
    for who in [*before, *(each for each in after if each not in before)]:
        old, new = before.get(who), after.get(who)
        row = new if new is not None else old
        assert row is not None
        label = ",".join(f"{column}={value}" for column, value in zip(key, who, strict=True))
        team, person = row.get("team_id") or None, row.get("person_id") or None
        if old is None or new is None:
            there = ("present", None) if new is None else (None, "present")
            yield Change(name, team, person, label, "row", *there)
            continue
        for column, value in new.items():
            if value != old[column]:
                yield Change(name, team, person, label, column, _text(old[column]), _text(value))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, default=str).decode()
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)


def corrections_table(
    game_id: str,
    changes: Sequence[Change],
    *,
    revision: int,
    detected_at: dt.datetime,
    run_id: str,
    raw_before: str,
    raw_after: str,
) -> pa.Table:
    """The rows of one refetched unit's changes."""
    # As exact as the archive remembers it.
    detected_at = detected_at.replace(microsecond=detected_at.microsecond // 1000 * 1000)
    numbers: dict[str, int] = {}
    rows = []
    for change in changes:
        number = numbers[change.dataset] = numbers.get(change.dataset, -1) + 1
        rows.append(
            {
                "game_id": game_id,
                "dataset": change.dataset,
                "revision": revision,
                "change": number,
                "team_id": change.team_id,
                "person_id": change.person_id,
                "row_key": change.row_key,
                "field": change.field,
                "old_value": change.old,
                "new_value": change.new,
                "detected_at": detected_at,
                "run_id": run_id,
                "raw_before": raw_before,
                "raw_after": raw_after,
            }
        )
    return pa.Table.from_pylist(rows, schema=STAT_CORRECTIONS.schema)
