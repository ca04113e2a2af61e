"""Arithmetic: players add up to teams, teams to the final score, minutes to 240 and 25 an overtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.audit.findings import FindingKind
from nba_season_backfill.audit.lists import Lists
from nba_season_backfill.audit.partitions import Partition
from nba_season_backfill.schedule import GameState

__all__ = ["COUNTS", "Mismatch", "arithmetic", "differing", "final_scores", "sums_of_players"]

_K = FindingKind

COUNTS = (
    "points", "field_goals_made", "field_goals_attempted", "three_pointers_made", "three_pointers_attempted",
    "free_throws_made", "free_throws_attempted", "rebounds_offensive", "rebounds_defensive", "rebounds_total",
    "assists", "steals", "blocks", "turnovers", "fouls_personal",
)  # fmt: skip
"""What players have and a team has the sum of."""

# (column, made, attempted): to three places, as the upstream rounds.
_SHARES = (
    ("field_goals_percentage", "field_goals_made", "field_goals_attempted"),
    ("three_pointers_percentage", "three_pointers_made", "three_pointers_attempted"),
    ("free_throws_percentage", "free_throws_made", "free_throws_attempted"),
)
_ROUNDING = 0.00051
# Ratings are given to one place each.
_RATING_ROUNDING = 0.16

Mismatch = tuple[str, int, str, str, str]
"""(game id, team id, column, expected, found)."""


def sums_of_players(rows: pa.Table) -> pa.Table:
    """One row a game and team: the sum of each count, players who played, and their seconds."""
    columns = [name for name in (*COUNTS, "minutes_seconds") if name in rows.column_names]
    played = pc.greater(pc.fill_null(rows.column("minutes_seconds"), 0), 0).cast(pa.int64())
    parts = rows.select(["game_id", "team_id", *columns]).append_column("played", played)
    # Whole minutes, as the oldest seasons have them, are off by up to half a minute each.
    odd = pc.not_equal(pc.subtract(rows.column("minutes_seconds"), _whole_minutes(rows)), 0)
    parts = parts.append_column("odd_seconds", pc.fill_null(odd, False).cast(pa.int64()))
    every = [*columns, "played", "odd_seconds"]
    summed = parts.group_by(["game_id", "team_id"]).aggregate([(name, "sum") for name in every])
    return summed.rename_columns([name.removesuffix("_sum") for name in summed.column_names])


def _whole_minutes(rows: pa.Table) -> pa.ChunkedArray:
    return pc.multiply(pc.divide(rows.column("minutes_seconds"), 60), 60)


def differing(
    expected: pa.Table, found: pa.Table, columns: Sequence[str], *, tolerance: float = 0.0
) -> Iterator[Mismatch]:
    """Where two tables with one row a (game, team) have different values; what either lacks is not compared."""
    on = ["game_id", "team_id"]
    names = [name for name in columns if name in expected.column_names and name in found.column_names]
    joined = expected.select([*on, *names]).join(
        found.select([*on, *names]), keys=on, join_type="inner", left_suffix="_want", right_suffix="_got"
    )
    for name in names:
        want, got = joined.column(f"{name}_want"), joined.column(f"{name}_got")
        if tolerance:
            mask = pc.greater(pc.abs(pc.subtract(want, got)), tolerance)
        else:
            mask = pc.not_equal(want, got)
        for row in joined.filter(pc.fill_null(mask, False)).select([*on, f"{name}_want", f"{name}_got"]).to_pylist():
            yield row["game_id"], row["team_id"], name, str(row[f"{name}_want"]), str(row[f"{name}_got"])


def arithmetic(partition: Partition) -> Iterator[tuple[str, str, str, str, str]]:
    """Rows that contradict themselves: (game id, row, column, expected, found)."""
    rows = partition.rows
    names = frozenset(rows.column_names)
    checks: list[tuple[str, pa.ChunkedArray, float]] = []
    if {"points", "field_goals_made", "three_pointers_made", "free_throws_made"} <= names:
        twos = pc.multiply(rows.column("field_goals_made"), 2)
        expected = pc.add(pc.add(twos, rows.column("three_pointers_made")), rows.column("free_throws_made"))
        checks.append(("points", expected, 0.0))
    if {"rebounds_offensive", "rebounds_defensive", "rebounds_total"} <= names:
        both = pc.add(rows.column("rebounds_offensive"), rows.column("rebounds_defensive"))
        checks.append(("rebounds_total", both, 0.0))
    for column, made, attempted in _SHARES:
        if {column, made, attempted} <= names:
            of = rows.column(attempted).cast(pa.float64())
            share = pc.divide(rows.column(made).cast(pa.float64()), pc.if_else(pc.equal(of, 0.0), 1.0, of))
            checks.append((column, share, _ROUNDING))
    if {"offensive_rating", "defensive_rating", "net_rating"} <= names:
        net = pc.subtract(rows.column("offensive_rating"), rows.column("defensive_rating"))
        checks.append(("net_rating", net, _RATING_ROUNDING))
    for column, expected, tolerance in checks:
        found = rows.column(column)
        wrong = pc.greater(pc.abs(pc.subtract(found, expected)), tolerance)
        places = pc.indices_nonzero(pc.fill_null(wrong, False)).to_pylist()
        for place in places[:50]:
            row = ", ".join(
                f"{name}={rows.column(name)[place].as_py()}"
                for name in ("team_id", "person_id")
                if name in names and rows.column(name)[place].as_py() is not None
            )
            want = expected[place].as_py()
            yield (
                rows.column("game_id")[place].as_py(), row, column,
                f"{want:.3f}" if isinstance(want, float) else str(want), str(found[place].as_py()),
            )  # fmt: skip


def final_scores(lists: Lists) -> pa.Table:
    """One row a team of each final game, with its score by the lists."""
    rows = [
        (game.game_id.text, team, score)
        for game in lists.games
        if game.state is GameState.FINAL
        for team, score in ((game.home_team_id, game.home_score), (game.away_team_id, game.away_score))
        if team is not None and score is not None
    ]
    games, teams, scores = zip(*rows, strict=True) if rows else ((), (), ())
    arrays = [pa.array(games, pa.string()), pa.array(teams, pa.int64()), pa.array(scores, pa.int64())]
    return pa.Table.from_arrays(arrays, names=["game_id", "team_id", "points"])
