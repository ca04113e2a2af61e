"""What the actions of a game come to: the last score of each team, and the periods that were played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["PLAY_COLUMNS", "Played", "played"]

PLAY_COLUMNS = ("game_id", "action_id", "period", "team_id", "location", "score_home", "score_away")
"""The columns that it takes."""


@dataclass(frozen=True, slots=True)
class Played:
    """A game as its actions tell it.

    ``scores``: team id -> its last running score; the sides are named by the actions themselves, because at neutral
    sites they may be swapped. Empty where no action has a score.
    """

    scores: Mapping[int, int]
    periods: int
    periods_seen: int
    teams: frozenset[int]


def played(rows: pa.Table) -> dict[str, Played]:
    """Each game's end. Rows stand in order of game and action."""
    if not rows.num_rows:
        return {}
    last = _last_scores(rows)
    sides, teams = _sides(rows)
    grouped = rows.group_by("game_id").aggregate([("period", "max"), ("period", "count_distinct")])
    found = {}
    for row in grouped.to_pylist():
        game_id = row["game_id"]
        scores = {
            team: score
            for side, score in zip(("h", "v"), last.get(game_id, ()), strict=False)
            if (team := sides.get((game_id, side))) is not None
        }
        found[game_id] = Played(
            scores, row["period_max"] or 0, row["period_count_distinct"], frozenset(teams.get(game_id, ()))
        )
    return found


def _last_scores(rows: pa.Table) -> dict[str, tuple[int, int]]:
    """Game id -> (home, away) of its last action that has a score."""
    there = pc.and_(pc.is_valid(rows.column("score_home")), pc.is_valid(rows.column("score_away")))
    scored = rows.select(["game_id", "score_home", "score_away"]).filter(there)
    if not scored.num_rows:
        return {}
    games = scored.column("game_id").combine_chunks()
    codes = np.asarray(games.dictionary_encode().indices)
    ends = np.append(np.flatnonzero(codes[1:] != codes[:-1]), len(codes) - 1)
    kept = scored.take(pa.array(ends))
    return {row["game_id"]: (row["score_home"], row["score_away"]) for row in kept.to_pylist()}


def _sides(rows: pa.Table) -> tuple[dict[tuple[str, str], int], dict[str, set[int]]]:
    """(game id, side) -> its team, and game id -> every team that acts."""
    acting = rows.select(["game_id", "location", "team_id"]).filter(pc.greater(rows.column("team_id"), 0))
    sides: dict[tuple[str, str], tuple[int, int]] = {}
    teams: dict[str, set[int]] = {}
    counted = acting.group_by(["game_id", "location", "team_id"]).aggregate([([], "count_all")])
    for row in counted.to_pylist():
        side = (row["game_id"], row["location"])
        # One stray action does not make a side.
        sides[side] = max(sides.get(side, (0, 0)), (row["count_all"], row["team_id"]))
        teams.setdefault(row["game_id"], set()).add(row["team_id"])
    return {side: team for side, (_count, team) in sides.items()}, teams
