"""One question's way to the lake: listings, checkpoints and rows, side by side where they do not need each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.datasets import DATASETS, TABLES
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.state import StateCorrupt, StateFile, StateFormatUnknown
from nba_season_backfill.lake.store import ObjectMissing
from nba_season_backfill.query.answers import Explanation
from nba_season_backfill.query.errors import NotInLake
from nba_season_backfill.query.memory import Memory
from nba_season_backfill.query.partitions import Partition, PartitionReader, parse_partition
from nba_season_backfill.query.readonly import ReadOnlyStore

__all__ = ["Reader", "SeasonState", "ends_in_autumn", "in_playing_order"]


@dataclass(frozen=True, slots=True)
class SeasonState:
    """What a season's checkpoint says, as far as questions go. ``problem``: why there is none that can be read."""

    season: str
    generation: int = 0
    run_id: str = ""
    written_at: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return bool(self.content)

    @property
    def games(self) -> Mapping[str, Any]:
        """game id -> its date and datasets."""
        found: Mapping[str, Any] = self.content.get("games", {})
        return found

    def date_of(self, game_id: str) -> dt.date | None:
        """A game's US Eastern date; None for a game that was never asked for."""
        text = self.games.get(game_id, {}).get("game_date")
        return dt.date.fromisoformat(text) if text else None

    def unit(self, game_id: str, dataset: str) -> Mapping[str, Any] | None:
        """What is known of a game's dataset."""
        found: Mapping[str, Any] | None = self.games.get(game_id, {}).get("datasets", {}).get(dataset)
        return found

    def fetched_at(self, game_ids: Collection[str], dataset: str) -> dt.datetime | None:
        """When the newest of these was fetched, in UTC."""
        units = (self.unit(game_id, dataset) for game_id in game_ids)
        judged = [unit["judged_at"] for unit in units if unit is not None and unit.get("status") == "ok"]
        return max(dt.datetime.fromisoformat(text).astimezone(dt.UTC) for text in judged) if judged else None


class Reader:
    """What one question reads. Not shared between questions: it counts.

    Args:
        side_by_side: runs a question's reads at once; ``ranges`` the requests of one partition.
    """

    def __init__(
        self,
        store: ReadOnlyStore,
        memory: Memory,
        explanation: Explanation,
        side_by_side: Executor,
        ranges: Executor,
    ) -> None:
        self.explanation = explanation
        self.store = store.telling(explanation.request)
        self.memory = memory
        self._executor = side_by_side
        self._partitions = PartitionReader(self.store, memory, explanation, ranges)

    def together(self, *works: Callable[[], Any]) -> list[Any]:
        """Do these at once; what the first failing one raises is raised, when all have ended."""
        if len(works) == 1:
            return [works[0]()]
        running = [self._executor.submit(work) for work in works]
        errors = [error for error in (each.exception() for each in running) if error is not None]
        if errors:
            raise errors[0]
        return [each.result() for each in running]

    def partitions(self, table: str, season: str | None = None) -> tuple[Partition, ...]:
        """Every partition of a table, or of one of its seasons, in order of their keys: one listing."""
        prefix = f"{table}/" if season is None else f"{table}/season={season}/"
        found: tuple[Partition, ...] | None = self.memory.believed(("list", prefix))
        if found is None and season is not None:
            # The listing of the whole table tells it too.
            every: tuple[Partition, ...] | None = self.memory.believed(("list", f"{table}/"))
            found = tuple(each for each in every if each.season == season) if every is not None else None
        if found is None:
            listed = (parse_partition(info.key, info.size, info.etag) for info in self.store.list(prefix))
            found = tuple(partition for partition in listed if partition is not None)
            self.memory.believe(("list", prefix), found)
        return found

    def of_season(self, table: str, season: str | None) -> tuple[str, tuple[Partition, ...]]:
        """A season (the newest that the table has, where none is named) and the table's partitions in it.

        Raises:
            NotInLake: there are none.
        """
        found = self.partitions(table, season)
        if not found:
            where = self.store.url if season is None else f"{self.store.url}, season {season}"
            hint = "`nba-backfill run` fetches a season; is this the right lake?"
            if season is not None and len(season) == 4:
                hint = f"of the NBA it is written {season}-{(int(season) + 1) % 100:02d}"
            raise NotInLake(f"no {table} in {where}", hint=hint)
        newest = max(partition.season for partition in found)
        return newest, tuple(partition for partition in found if partition.season == newest)

    def at(self, table: str, season: str, month: int | None) -> Partition:
        """A partition by its place, without a listing; it may not exist."""
        return Partition(layout.partition_key(table, season, month), table, season, month)

    def read(self, partition: Partition, columns: Sequence[str], games: Collection[str] | None = None) -> pa.Table:
        """These columns of a partition, of one version of it; with ``games`` only their rows."""
        return self._partitions.read(partition, TABLES[partition.table].schema, columns, games)

    def scan(
        self, partitions: Sequence[Partition], columns: Sequence[str], games: Collection[str] | None = None
    ) -> list[pa.Table]:
        """The same of several partitions at once, in their order. A game that stands in two counts in one.

        (While a game whose date was moved goes from one month to another, it is in both for a moment.)
        """
        works = [partial(self.read, each, columns, games) for each in partitions]
        tables: list[pa.Table] = self.together(*works) if works else []
        if len(tables) < 2 or "game_id" not in columns:
            return tables
        seen: set[str] = set()
        kept = []
        for table in tables:
            here = set(table.column("game_id").unique().to_pylist())
            twice = here & seen
            seen |= here
            kept.append(_without(table, twice) if twice else table)
        return kept

    def state(self, season: str) -> SeasonState:
        """A season's checkpoint; where it is damaged, the newest of its generations that is not."""
        name = ("state", season)
        known: SeasonState | None = self.memory.believed(name)
        if known is not None:
            return known
        file = StateFile(
            self.store, layout.checkpoint_key(season), generations_prefix=layout.generations_prefix(season)
        )
        try:
            loaded = file.load()
        except (StateCorrupt, StateFormatUnknown) as error:
            state = SeasonState(season, problem=str(error))
        else:
            state = SeasonState(season, problem="there is none in the lake")
            if loaded is not None:
                problem = f"damaged; this is its generation {loaded.recovered_from}" if loaded.recovered_from else ""
                state = SeasonState(
                    season, loaded.generation, loaded.run_id, loaded.written_at, loaded.content, problem
                )
        self.memory.believe(name, state)
        return state

    def simulated(self, state: SeasonState) -> bool:
        """Whether a season's data is the sample's, or came from a server on this machine.

        The checkpoint knows the source of its last run. Where that was the archive, one of its bodies knows.
        """
        config = state.content.get("config", {})
        if config.get("source") != "archive":
            return config.get("source") == "sample" or _on_this_machine(str(config.get("base_url", "")))
        for game_id, game in state.games.items():
            for dataset, unit in game.get("datasets", {}).items():
                if unit.get("status") == "ok" and unit.get("raw") and dataset in DATASETS:
                    key = layout.raw_key(DATASETS[dataset].endpoint, state.season, game_id, unit["raw"])
                    try:
                        return _on_this_machine(self.store.head(key).metadata.get("url", ""))
                    except ObjectMissing:
                        return False
        return False

    def dates_of(self, season: str, state: SeasonState, game_ids: Collection[str]) -> dict[str, dt.date | None]:
        """The US Eastern dates of games: the checkpoint knows, else the schedule does."""
        dates = {game_id: state.date_of(game_id) for game_id in game_ids}
        if None in dates.values():
            for table in self.scan(self.partitions("games", season), ["game_id", "game_date"]):
                known = dict(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
                dates |= {game_id: known[game_id] for game_id in dates.keys() & known.keys()}
        return dates

    def month_of(self, game_id: str, season: str) -> int:
        """The month in whose partitions a game stands: the checkpoint knows, else the schedule does.

        Raises:
            NotInLake: neither does.
        """
        date = self.state(season).date_of(game_id)
        if date is not None:
            return date.month
        partitions = self.partitions("games", season)
        for partition, table in zip(partitions, self.scan(partitions, ["game_id"]), strict=True):
            if game_id in table.column("game_id").to_pylist():
                assert partition.month is not None
                return partition.month
        raise NotInLake(
            f"game {game_id} is not in {self.store.url}",
            hint=f"`nba-backfill run --season {season} --game-id {game_id}` fetches it, if there is such a game",
        )


def _on_this_machine(url: str) -> bool:
    if not url or ".nba.com/" in f"{url}/":
        return False
    # Settings take longer to import than most questions take.
    from nba_season_backfill.settings.values import is_loopback

    return is_loopback(url)


def in_playing_order(partitions: Sequence[Partition]) -> list[Partition]:
    """A season's months as they are played."""
    return sorted(partitions, key=lambda partition: partition.first_day)


def ends_in_autumn(partitions: Sequence[Partition]) -> bool:
    """Whether a season went on into August or later, as 2019-20 did: its October may be two different ones."""
    return any(len(partition.season) > 4 and partition.month in (8, 9) for partition in partitions)


def _without(table: pa.Table, games: Collection[str]) -> pa.Table:
    inside = pc.is_in(table.column("game_id"), value_set=pa.array(sorted(games), pa.string()))
    return table.filter(pc.invert(inside))
