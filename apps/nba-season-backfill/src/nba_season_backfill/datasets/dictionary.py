"""The data dictionary: every table and column, from the declared schemas."""

from __future__ import annotations

from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS, TABLES
from nba_season_backfill.datasets.base import Dataset, SeasonDataset

__all__ = ["data_dictionary"]

_INTRODUCTION = """# Data dictionary

Written from the declared schemas; a test fails when it lags behind them.

A lake has one folder a table, one object a month: `TABLE/season=2024-25/month=10/part-0.parquet` (tables of a whole
season have one a season). `season` and `month` (of the US Eastern game date) stand in the path and are read as columns
by every Hive reader; duckdb takes months for text as soon as one has a leading zero, unless it is told
`hive_types = {'month': int}`. The file's metadata has `hoopstat.raw`: for each game the SHA-256 of the archived body
its rows were made from.

Columns are the API's own fields in snake_case; *source* is the field's path in the answer (`homeTeam` stands for
`awayTeam` too), or *derived* where it is of our making. Null means that the upstream left it empty, unless said
otherwise. *Range* is what is plausible: a value beyond is stored as it came, and counted as an outlier in the run's
summary.
"""

_OF_OURS = {
    "games": "`leaguegamelog` and `scheduleleaguev2`, reconciled",
    "stat-corrections": "two archived bodies of a game, the one before a correction and the one after",
}


def data_dictionary() -> str:
    """The whole dictionary as Markdown."""
    parts = [_INTRODUCTION]
    of_table: dict[str, Dataset | SeasonDataset] = {}
    for dataset in DATASETS.values():
        of_table |= {table.name: dataset for table in dataset.tables}
    for whole in SEASON_DATASETS.values():
        of_table |= {table.name: whole for table in whole.tables}
    for name, table in TABLES.items():
        origin = of_table.get(name)
        where = _OF_OURS.get(name, "")
        if origin is not None:
            root = f", below `{origin.root}`" if origin.root else ""
            where = f"`{origin.endpoint}`{root}; asked for from season {origin.first_season} on"
        key = ", ".join(f"`{column}`" for column in (("game_id",) if table.per_game else ()) + table.key)
        kept = "" if table.per_game else " One object a season."
        parts.append(f"## {name}\n\nFrom {where}. Unique and sorted by {key}.{kept}\n")
        parts.append("| column | type | source | range | meaning |\n|---|---|---|---|---|")
        for field in table.schema:
            source = field.metadata[b"source"].decode()
            shown = source if source == "derived" else f"`{source}`"
            kind = "struct" if str(field.type).startswith("struct") else str(field.type)
            required = "" if field.nullable else ", never null"
            plausible = field.metadata.get(b"range", b"").decode()
            meaning = field.metadata[b"doc"].decode()
            parts.append(f"| `{field.name}` | {kind}{required} | {shown} | {plausible} | {meaning} |")
        parts.append("")
    return "\n".join(parts)
