"""A season's audit: partitions go in one after the other, findings come out at the end.

Of each partition only sums are kept, a row or two for a game, so a season needs no more memory than its largest month.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from nba_season_backfill.audit.bulk import LOG_COLUMNS, LOG_TABLES, GameLogs
from nba_season_backfill.audit.crossing import Kept, check_boxes, check_plays
from nba_season_backfill.audit.findings import Finding, FindingKind
from nba_season_backfill.audit.lists import Lists, check_games_table, check_lists
from nba_season_backfill.audit.partitions import Partition, check_keys, check_schema, games_in, of_games
from nba_season_backfill.audit.plays import PLAY_COLUMNS
from nba_season_backfill.audit.sums import arithmetic
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.datasets import DATASETS, GAMES_TABLE, SEASON_DATASETS, TABLES
from nba_season_backfill.datasets.base import Table
from nba_season_backfill.plan import Unit

__all__ = ["SeasonAudit", "columns_needed", "dataset_of_table"]

_K = FindingKind
_WHOLE = frozenset(
    {
        "box-scores-traditional",
        "box-scores-traditional-teams",
        "box-scores-advanced",
        "box-scores-advanced-teams",
        GAMES_TABLE.name,
    }
)


def columns_needed(table: Table) -> list[str]:
    """The columns that an audit of this table reads."""
    if table.name in _WHOLE:
        return [column.name for column in table.schema if not pa.types.is_struct(column.type)]
    wanted = {*table.key, "game_id", "team_id", *(PLAY_COLUMNS if table.name == "play-by-play" else ())}
    wanted |= {*(LOG_COLUMNS if table.name in LOG_TABLES else ())}
    return [column.name for column in table.schema if column.name in wanted or not column.nullable]


def dataset_of_table(name: str) -> str:
    """The dataset that fills a table; ``games`` for the games table."""
    tables = {each.name: each.tables for each in DATASETS.values()} | {
        each.name: each.tables for each in SEASON_DATASETS.values()
    }
    return next((dataset for dataset, own in tables.items() if any(table.name == name for table in own)), name)


def _nullable(rows: pa.Table) -> pa.Table:
    """The same columns; a file of another tool's making may call them nullable, and then it is hard to add up both."""
    return rows.cast(pa.schema([field.with_nullable(True) for field in rows.schema]))


@dataclass(frozen=True, slots=True)
class _Held:
    rows: int
    key: str
    raw: str | None


@dataclass(slots=True)
class SeasonAudit:
    """One season's audit.

    Args:
        lists: what the season's lists say.
        checkpoint: what the season's checkpoint says; None where there is none.
        key_of: (table, month) -> the key of that partition.
        wanted: every unit that must be stored.
        accepted: (game id, dataset) -> why a person took its body as it is.
        now: for absences that are believed for a while.
    """

    lists: Lists
    checkpoint: Checkpoint | None
    key_of: Callable[[str, int | None], str]
    now: dt.datetime
    wanted: Sequence[Unit] = ()
    accepted: Mapping[tuple[str, str], str] = field(default_factory=dict)
    units: Sequence[tuple[str, str, UnitRecord]] = field(init=False, repr=False)
    _found: list[Finding] = field(default_factory=list, repr=False)
    _held: dict[str, dict[str, _Held]] = field(default_factory=lambda: defaultdict(dict), repr=False)
    _read: set[tuple[str, int | None]] = field(default_factory=set, repr=False)
    _unreadable: set[tuple[str, int | None]] = field(default_factory=set, repr=False)
    _games_tables: dict[int, tuple[str, pa.Table]] = field(default_factory=dict, repr=False)
    _kept: Kept = field(default_factory=Kept, repr=False)
    _logs: GameLogs = field(default_factory=GameLogs, repr=False)

    def __post_init__(self) -> None:
        # Each line is made anew whenever it is asked for: once is enough.
        self.units = () if self.checkpoint is None else tuple(self.checkpoint.units())

    @property
    def _season(self) -> str:
        return str(self.lists.season)

    def partitions_named(self) -> set[tuple[str, int | None]]:
        """(table, month) of every partition that must be there."""
        named: set[tuple[str, int | None]] = {(GAMES_TABLE.name, game.month) for game in self.lists.games}
        for subject, _dataset, record in self._stored():
            named |= {(table, self._month(subject)) for table, count in record.rows.items() if count}
        return named

    def _stored(self) -> Iterator[tuple[str, str, UnitRecord]]:
        yield from (unit for unit in self.units if unit[2].status is UnitStatus.OK)

    def _month(self, subject: str) -> int | None:
        """The month in which a game's rows belong: by the lists, and by the checkpoint where no list knows it."""
        if subject == SEASON_LEVEL:
            return None
        game = self.lists.by_id.get(subject)
        if game is not None:
            return game.month
        date = self.checkpoint.dates.get(subject) if self.checkpoint is not None else None
        return int(date[5:7]) if date else None

    def damaged(self, table: str, month: int | None, detail: str) -> None:
        """A partition is there, but cannot be read."""
        self._unreadable.add((table, month))
        self._found.append(self._about(_K.PARTITION_DAMAGED, table, month, detail))

    def absent(self, table: str, month: int | None) -> None:
        """A partition that must be there is not."""
        self._unreadable.add((table, month))
        games = sum(self._month(subject) == month for subject, _name, record in self._stored() if table in record.rows)
        detail = f"the checkpoint names rows of {games} games in it" if games else "the lists name games in it"
        self._found.append(replace(self._about(_K.PARTITION_MISSING, table, month, detail), count=max(1, games)))

    def _about(self, kind: FindingKind, table: str, month: int | None, detail: str) -> Finding:
        key = self.key_of(table, month)
        return Finding(kind, self._season, detail, dataset=dataset_of_table(table), table=table, key=key)

    def stray(self, key: str, table: str, detail: str) -> None:
        """An object lies among a table's partitions that is none of them."""
        self._found.append(
            Finding(
                _K.PARTITION_UNKNOWN, self._season, detail, dataset=dataset_of_table(table), table=table, key=key
            )
        )  # fmt: skip

    def add(self, *findings: Finding) -> None:
        """What was found elsewhere."""
        self._found += findings

    def look_at(self, partition: Partition) -> None:
        """Examine a partition; what others need of it is kept, the rows are not."""
        season, name = self._season, partition.table.name
        partition = replace(partition, rows=_nullable(partition.rows))
        place = (name, partition.month)
        wrong = list(check_schema(partition, season))
        if wrong:
            self._found += wrong
            self._unreadable.add(place)
            return
        self._read.add(place)
        self._found += check_keys(partition, season)
        if name == GAMES_TABLE.name:
            self._games_tables[partition.month or 0] = (partition.key, partition.rows)
            return
        if not partition.table.per_game:
            self._held[name][SEASON_LEVEL] = _Held(partition.rows.num_rows, partition.key, None)
            if name in LOG_TABLES:
                self._logs.keep(name, partition.key, partition.rows)
            return
        own = self._own_games(partition)
        if own is None:
            return
        rows = partition.rows if len(own) == len(games_in(partition)) else of_games(partition.rows, own)
        for game_id, row, column, expected, found in arithmetic(replace(partition, rows=rows)):
            self._found.append(
                partition.finding(
                    _K.ARITHMETIC, season, f"{column} contradicts the rest of its row", game_id=game_id, row=row,
                    column=column, expected=expected, found=found,
                )
            )  # fmt: skip
        self._kept.keep(name, rows)

    def _own_games(self, partition: Partition) -> list[str] | None:
        """The games whose rows belong in this partition; None where none of them does."""
        season, name = self._season, partition.table.name
        counted = games_in(partition)
        strangers: dict[str, str] = {}
        for game_id in counted:
            month = self._month(game_id)
            if game_id not in self.lists.by_id and not (self.lists.missing and month is not None):
                strangers[game_id] = "no list knows the game"
            elif month != partition.month:
                strangers[game_id] = f"the game belongs to month {month:02d}" if month else "no month is known of it"
        own = [game_id for game_id in counted if game_id not in strangers]
        if counted and not own:
            games = f"{len(strangers)} games, for instance {next(iter(strangers))}: {next(iter(strangers.values()))}"
            self.stray(partition.key, name, f"none of its rows belongs here ({games})")
            self._unreadable.add((name, partition.month))
            return None
        for game_id, why in strangers.items():
            known = game_id in self.lists.by_id
            kind = _K.ROWS_MISPLACED if known else _K.ROWS_UNACCOUNTED
            self._found.append(partition.finding(kind, season, why, game_id=game_id, count=counted[game_id]))
        for game_id in own:
            self._held[name][game_id] = _Held(counted[game_id], partition.key, partition.provenance.get(game_id))
        return own

    def findings(self) -> list[Finding]:
        """Everything that was found, each thing once, in order of season, game, dataset and kind."""
        found = [
            *check_lists(self.lists),
            *self._found,
            *self._games_table(),
            *self._units(),
            *check_boxes(self.lists, self._kept),
            *check_plays(self.lists, self._kept),
            *self._logs.check(self.lists),
        ]
        marked = [self._marked(finding) for finding in dict.fromkeys(found)]
        return sorted(
            marked, key=lambda each: (each.game_id, each.dataset, each.table, each.kind, each.column, each.row)
        )

    def _marked(self, finding: Finding) -> Finding:
        reason = self.accepted.get((finding.game_id, finding.dataset)) or self.accepted.get(
            (finding.game_id, finding.beside)
        )
        return replace(finding, accepted=reason) if reason else finding

    def _games_table(self) -> Iterator[Finding]:
        if self._games_tables and not self.lists.missing:
            unreadable = {month for table, month in self._unreadable if table == GAMES_TABLE.name}
            for finding in check_games_table(self.lists, self._games_tables):
                known = self.lists.by_id.get(finding.game_id)
                if known is None or known.month not in unreadable:
                    yield finding

    def _units(self) -> Iterator[Finding]:
        season = self._season
        accounted: set[tuple[str, str]] = set()
        for subject, dataset, record in self.units:
            if record.status in (UnitStatus.OK, UnitStatus.ARCHIVED):
                accounted |= {(table, subject) for table in record.rows}
            if subject != SEASON_LEVEL and subject not in self.lists.by_id and not self.lists.missing:
                detail = "the checkpoint names a game that no list knows"
                yield Finding(_K.UNIT_UNKNOWN, season, detail, game_id=subject, dataset=dataset)
            elif record.status is UnitStatus.OK:
                yield from self._rows_of(subject, dataset, record)
        of_datasets = {table.name for dataset in DATASETS.values() for table in dataset.tables}
        for table, games in self._held.items():
            for game_id, held in games.items():
                if table in of_datasets and (table, game_id) not in accounted and game_id != SEASON_LEVEL:
                    yield Finding(
                        _K.ROWS_UNACCOUNTED, season, "the checkpoint does not name these rows", game_id=game_id,
                        dataset=dataset_of_table(table), table=table, key=held.key, count=held.rows,
                    )  # fmt: skip
        for unit in self.wanted:
            yield from self._missing(unit)

    def _rows_of(self, subject: str, dataset: str, record: UnitRecord) -> Iterator[Finding]:
        month = self._month(subject)
        for table, expected in record.rows.items():
            if (table, month) not in self._read or table not in TABLES:
                continue
            held = self._held[table].get(subject)
            rows = held.rows if held is not None else 0
            about = Finding(
                _K.ROWS_MISSING,
                self._season,
                f"the checkpoint says {expected} rows, there are {rows}",
                game_id="" if subject == SEASON_LEVEL else subject,
                dataset=dataset,
                table=table,
                expected=str(expected),
                found=str(rows),
                key=self.key_of(table, month),
            )
            if expected and not rows:
                yield about
            elif expected != rows:
                yield replace(about, kind=_K.ROWS_DIFFER)
            elif held is not None and held.raw is not None and held.raw != record.raw:
                detail = "the rows were made from another body than the checkpoint says"
                yield replace(
                    about, kind=_K.ROWS_OF_ANOTHER_BODY, detail=detail, expected=record.raw or "", found=held.raw
                )

    def _missing(self, unit: Unit) -> Iterator[Finding]:
        game_id, dataset = unit.game.game_id.text, unit.dataset.name
        record = self.checkpoint.unit(game_id, dataset) if self.checkpoint is not None else None
        if record is not None and record.holds(self.now) and not record.suspicious:
            return
        found = "never asked for" if record is None else record.status.value
        why = f": {record.error}" if record is not None and record.error else ""
        yield Finding(
            _K.DATASET_MISSING, self._season, f"a final game without {dataset}{why}", game_id=game_id, dataset=dataset,
            expected="ok", found=found,
        )  # fmt: skip
