"""Questions about the lake itself: what is there of what there should be, and how the last run ended."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.query.answers import Answer
from nba_season_backfill.query.errors import NotInLake
from nba_season_backfill.query.reader import Reader, SeasonState, in_playing_order
from nba_season_backfill.season import Season

__all__ = ["coverage", "status"]

_GAMES = "games"
_COVERAGE = pa.schema(
    [
        ("season", pa.string()),
        ("month", pa.int32()),
        ("dataset", pa.string()),
        *((name, pa.int32()) for name in ("final_games", "stored", "absent", "failed", "missing")),
        ("complete", pa.bool_()),
        ("rows", pa.int64()),
    ]
)
_STATUS = pa.schema(
    [
        ("season", pa.string()),
        ("games_in_schedule", pa.int32()),
        ("games_final", pa.int32()),
        ("games_with_answers", pa.int32()),
        *((name, pa.int32()) for name in ("answers_stored", "answers_absent", "answers_failed", "answers_left")),
        ("last_run_id", pa.string()),
        ("committed_at", pa.timestamp("us", tz="UTC")),
        ("generation", pa.int64()),
        ("simulated", pa.bool_()),
        ("problem", pa.string()),
    ]
)


def coverage(reader: Reader, season: str | None) -> Answer:
    """See ``Lake.coverage``."""
    rows: list[dict[str, object]] = []
    for each, state, finals, _ in _seasons(reader, season):
        wanted = _asked_for(state)
        for month, final in finals.items():
            for dataset in wanted:
                statuses: Counter[str] = Counter()
                stored_rows = 0
                for game_id in final:
                    unit = state.unit(game_id, dataset) or {}
                    statuses[str(unit.get("status", "missing"))] += 1
                    stored_rows += int(dict(unit.get("rows") or {}).get(dataset, 0))
                held = statuses["ok"] + statuses["absent"]
                rows.append(
                    {
                        "season": each,
                        "month": month,
                        "dataset": dataset,
                        "final_games": len(final),
                        "stored": statuses["ok"],
                        "absent": statuses["absent"],
                        "failed": statuses["failed"],
                        "missing": len(final) - held - statuses["failed"],
                        "complete": held == len(final),
                        "rows": stored_rows,
                    }
                )
    return Answer(pa.Table.from_pylist(rows, schema=_COVERAGE), reader.explanation.ended())


def _asked_for(state: SeasonState) -> list[str]:
    """The datasets that were asked for in a season; without a checkpoint, every one that there can be."""
    if not state.exists:
        season = Season(int(state.season[:4]))
        return [name for name, dataset in DATASETS.items() if _per_game(name) and season >= dataset.first_season]
    asked = {name for game in state.games.values() for name in game.get("datasets", {})}
    return [name for name in DATASETS if name in asked]


def _per_game(name: str) -> bool:
    return any(table.per_game for table in DATASETS[name].tables)


def status(reader: Reader) -> Answer:
    """See ``Lake.status``."""
    rows = []
    for season, state, finals, scheduled in _seasons(reader, None):
        counted: Counter[str] = Counter()
        for game in state.games.values():
            counted.update(str(unit.get("status")) for unit in game.get("datasets", {}).values())
        statistics = state.content.get("statistics") or {}
        written_at = dt.datetime.fromisoformat(state.written_at) if state.written_at else None
        rows.append(
            {
                "season": season,
                "games_in_schedule": scheduled,
                "games_final": sum(map(len, finals.values())),
                "games_with_answers": len(state.games),
                "answers_stored": counted["ok"],
                "answers_absent": counted["absent"],
                "answers_failed": counted["failed"],
                "answers_left": statistics.get("units_left"),
                "last_run_id": state.run_id or None,
                "committed_at": written_at,
                "generation": state.generation or None,
                "simulated": reader.simulated(state),
                "problem": state.problem or None,
            }
        )
    return Answer(pa.Table.from_pylist(rows, schema=_STATUS), reader.explanation.ended())


def _seasons(reader: Reader, season: str | None) -> list[tuple[str, SeasonState, dict[int, list[str]], int]]:
    """Each season with its checkpoint, its final games by month in playing order, and how many games it has.

    Counted are games of the season types that the last run was told to fetch.
    """
    partitions = reader.partitions(_GAMES, season)
    seasons: Sequence[str] = sorted({partition.season for partition in partitions})
    if not seasons:
        where = f"{reader.store.url}, season {season}" if season else reader.store.url
        raise NotInLake(f"no games in {where}", hint="`nba-backfill run` fetches a season; is this the right lake?")
    of_season = {each: in_playing_order([p for p in partitions if p.season == each]) for each in seasons}
    ordered = [partition for each in seasons for partition in of_season[each]]
    works: list[Callable[[], Any]] = [partial(reader.state, each) for each in seasons]
    works += [partial(reader.read, each, ["game_id", "season_type", "state"]) for each in ordered]
    answers = reader.together(*works)
    states, tables = answers[: len(seasons)], answers[len(seasons) :]
    at = dict(zip([partition.key for partition in ordered], tables, strict=True))
    found = []
    for each, state in zip(seasons, states, strict=True):
        wanted = state.content.get("config", {}).get("season_type")
        finals: dict[int, list[str]] = {}
        scheduled = 0
        for partition in of_season[each]:
            columns = (at[partition.key].column(name).to_pylist() for name in ("game_id", "season_type", "state"))
            games = [game for game in zip(*columns, strict=True) if wanted is None or game[1] in wanted]
            scheduled += len(games)
            final = [game_id for game_id, _, game_state in games if game_state == "final"]
            if final:
                finals[partition.month or 0] = final
        found.append((each, state, finals, scheduled))
    return found
