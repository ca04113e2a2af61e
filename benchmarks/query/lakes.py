"""The lakes that are asked: the simulated season, and nine more that are the same one under other names."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.bronze import PROVENANCE_KEY, _encode
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.state import StateFile

__all__ = ["SEASON", "build"]

SEASON = "2024-25"
_TABLES = (
    "games",
    "players",
    "box-scores-traditional",
    "box-scores-traditional-teams",
    "box-scores-advanced",
    "box-scores-advanced-teams",
    "play-by-play",
)


def build(cache: Path, seasons: int) -> Path:
    """A lake of that many seasons up to 2024-25; built where it is not there yet."""
    lake = cache / f"lake-of-{seasons}"
    if (lake / "built.json").is_file():
        return lake
    seed = _seed(cache)
    for number in range(seasons):
        _relabel(seed, lake, number)
    (lake / "built.json").write_text(json.dumps({"seasons": seasons}))
    return lake


def _seed(cache: Path) -> Path:
    """The sample season, as the job writes it."""
    folder = cache / "seed"
    if (folder / "_state" / "filled").is_file():
        return folder
    print(f"filling {folder} with the sample season (a minute or two, once)", file=sys.stderr)
    environment = {name: value for name, value in os.environ.items() if name != "NBA_API_REQUIRE_PROXY"}
    command = [sys.executable, "-m", "nba_season_backfill", "--source", "sample", "--season", SEASON]
    command += ["--output", str(folder), "--log-level", "ERROR"]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    (folder / "_state" / "filled").touch()
    return folder


def _relabel(seed: Path, lake: Path, years: int) -> None:
    """The seed's season, that many years earlier: ids, dates, checkpoint and all."""
    start = int(SEASON[:4]) - years
    season = f"{start}-{(start + 1) % 100:02d}"
    print(f"writing {lake}, season {season}", file=sys.stderr)
    source, target = LocalStore(seed), LocalStore(lake, sync=lambda _descriptor: None)
    for name in _TABLES:
        for info in source.list(f"{name}/season={SEASON}/"):
            table = pq.ParquetFile(pa.BufferReader(source.get(info.key).body)).read()
            provenance = json.loads((table.schema.metadata or {}).get(PROVENANCE_KEY, b"{}"))
            renamed = {_id(game, start): sha for game, sha in provenance.items()}
            # As the job writes it, row groups, footers and all.
            body, _ = _encode(TABLES[name], [_moved(table, start, years, TABLES[name].schema)], renamed)
            target.put(info.key.replace(f"season={SEASON}/", f"season={season}/"), body)
    state = StateFile(
        source, layout.checkpoint_key(SEASON), generations_prefix=layout.generations_prefix(SEASON)
    ).load()
    assert state is not None
    content = dict(state.content)
    content["season"] = season
    content["games"] = {
        _id(game, start): {**entry, "game_date": str(_date(dt.date.fromisoformat(entry["game_date"]), years))}
        for game, entry in content["games"].items()
    }
    file = StateFile(target, layout.checkpoint_key(season), generations_prefix=layout.generations_prefix(season))
    if file.load() is None:
        file.commit(content, token=1, run_id="benchmark")


def _id(game_id: str, start: int) -> str:
    return f"{game_id[:3]}{start % 100:02d}{game_id[5:]}"


def _date(date: dt.date, years: int) -> dt.date:
    return date.replace(year=date.year - years)


def _moved(table: pa.Table, start: int, years: int, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.chunked_array([pa.nulls(table.num_rows, field.type)]))
            continue
        column = table.column(field.name)
        if field.name == "game_id":
            column = pa.chunked_array([[_id(game, start) for game in column.to_pylist()]], pa.string())
        elif field.name == "game_date":
            column = pa.chunked_array([[_date(date, years) for date in column.to_pylist()]], pa.date32())
        columns.append(column.cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)
