"""What a lake holds: its tables, how they are partitioned, its seasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.export.ddl import TablePlace
from nba_season_backfill.lake.store import ObjectStore
from nba_season_backfill.season import League, Season

__all__ = ["LakeContents", "declared_places", "look", "season_range", "seasons_in_lake"]

_PARTITION = re.compile(r"season=([^/]+)/(?:month=\d{2}/)?part-0\.parquet")
_CHECKPOINT = re.compile(r"_state/season=([^/]+)/checkpoint\.json")


@dataclass(frozen=True, slots=True)
class LakeContents:
    """The declared tables as they lie, and the seasons of any of them, in order."""

    places: tuple[TablePlace, ...]
    seasons: tuple[Season, ...]


def declared_places() -> tuple[TablePlace, ...]:
    """Every table as it would lie, without looking: tables of games have months, the others have not."""
    return tuple(TablePlace(table, table.per_game) for table in TABLES.values())


def look(store: ObjectStore, league: League = League.NBA) -> LakeContents:
    """Which tables and seasons of a league's lake are there.

    Raises:
        StoreError: the store cannot be listed.
    """
    places, seasons = [], set()
    for table in TABLES.values():
        keys = [info.key.removeprefix(f"{table.name}/") for info in store.list(f"{table.name}/")]
        found = [key for key in keys if _PARTITION.fullmatch(key)]
        monthly = any("/month=" in key for key in found) if found else table.per_game
        places.append(TablePlace(table, monthly, present=bool(found)))
        seasons |= {Season.parse(key.split("/")[0].removeprefix("season="), league) for key in found}
    return LakeContents(tuple(places), tuple(sorted(seasons)))


def seasons_in_lake(store: ObjectStore, league: League = League.NBA) -> tuple[Season, ...]:
    """The seasons that have a checkpoint in the lake, in order.

    Raises:
        StoreError: the store cannot be listed.
    """
    found = (_CHECKPOINT.fullmatch(info.key) for info in store.list("_state/season="))
    return tuple(sorted(Season.parse(match[1], league) for match in found if match is not None))


def season_range(first: Season, last: Season) -> Sequence[str]:
    """Every season from the first to the last, as written in paths."""
    return [str(Season(year, first.league)) for year in range(first.start_year, last.start_year + 1)]
