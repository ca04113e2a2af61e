"""What is given back: tables, with what it cost to get them."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Answer", "BoxScore", "Explanation", "FileRead", "PlayerContext", "PlayerSummary"]


@dataclass(frozen=True, slots=True)
class FileRead:
    """One partition that a question touched.

    ``how``: ``whole`` (one request), ``parts`` (footer, then the row groups and columns needed), ``remembered`` (known
    from before: no request). Needed were ``row_groups`` of ``row_groups_in_file``, ``columns`` of ``columns_in_file``.
    """

    key: str
    how: str
    bytes_read: int
    rows: int
    row_groups: int
    row_groups_in_file: int
    columns: tuple[str, ...]
    columns_in_file: int


@dataclass(slots=True)
class Explanation:
    """What a question cost: requests by operation, bytes, partitions read and passed over, seconds.

    ``again``: how often something was read anew because it changed under the question. ``plan``: the SQL engine's.
    """

    store: str
    requests: Counter[str] = field(default_factory=Counter)
    bytes_read: int = 0
    files: list[FileRead] = field(default_factory=list)
    partitions_passed_over: int = 0
    again: int = 0
    plan: str = ""
    seconds: float = 0.0
    _started: float = field(default_factory=time.perf_counter, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def request(self, operation: str, size: int) -> None:
        """Count a request and the bytes it brought."""
        with self._lock:
            self.requests[operation] += 1
            self.bytes_read += size

    def file(self, read: FileRead) -> None:
        """Note a partition that was read."""
        with self._lock:
            self.files.append(read)

    def passed_over(self, partitions: int) -> None:
        """Note partitions that need not be read."""
        with self._lock:
            self.partitions_passed_over += partitions

    def changed(self) -> None:
        """Note that something is read anew."""
        with self._lock:
            self.again += 1

    def ended(self) -> Explanation:
        """Stop the clock."""
        self.seconds = time.perf_counter() - self._started
        self.files.sort(key=lambda read: read.key)
        return self

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "store": self.store,
            "requests": sum(self.requests.values()),
            "requests_by_operation": dict(sorted(self.requests.items())),
            "bytes_read": self.bytes_read,
            "partitions_read": len(self.files),
            "partitions_passed_over": self.partitions_passed_over,
            "read_again": self.again,
            "seconds": round(self.seconds, 4),
            "files": [
                {
                    "key": read.key,
                    "how": read.how,
                    "bytes_read": read.bytes_read,
                    "rows": read.rows,
                    "row_groups": read.row_groups,
                    "row_groups_in_file": read.row_groups_in_file,
                    "columns": list(read.columns),
                    "columns_in_file": read.columns_in_file,
                }
                for read in self.files
            ],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """A table, and what it cost. Rows stand in the order that the question promises."""

    table: pa.Table
    explanation: Explanation = field(repr=False)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a pandas frame; pandas is imported only here."""
        return self.table.to_pandas()

    def to_pylist(self) -> list[dict[str, Any]]:
        """A dict a row."""
        return list(self.table.to_pylist())


@dataclass(frozen=True, slots=True)
class BoxScore:
    """A game: its line in the schedule (empty where that is not in the lake), the teams' lines and the players'.

    Traditional and advanced statistics stand side by side in a row; those that the lake does not have are left out.
    """

    game_id: str
    game: Mapping[str, Any]
    teams: pa.Table
    players: pa.Table
    simulated: bool
    explanation: Explanation = field(repr=False)

    @property
    def table(self) -> pa.Table:
        """The players' lines."""
        return self.players

    def to_pandas(self) -> pd.DataFrame:
        """The players' lines as a pandas frame."""
        return self.players.to_pandas()


@dataclass(frozen=True, slots=True)
class PlayerSummary:
    """How a player did lately, in one statistic.

    ``recent_games``: the last games played, newest first. ``season_average``: over ``games`` games played of the season
    type asked for, the regular season; None without any. ``fetched_at``: when the newest of the recent games was
    fetched (UTC); None where no checkpoint says it. ``simulated``: the sample season's data.
    """

    player: str
    person_id: int
    team: str
    league: str
    season: str
    stat: str
    recent_text: str
    recent_values: Sequence[float]
    recent_games: pa.Table = field(repr=False)
    games: int
    season_average: float | None
    fetched_at: dt.datetime | None
    simulated: bool
    explanation: Explanation = field(repr=False)

    @property
    def table(self) -> pa.Table:
        """One row: everything but the games themselves."""
        import pyarrow as pa

        return pa.table(
            {
                "player": [self.player],
                "person_id": pa.array([self.person_id], pa.int64()),
                "team": [self.team],
                "league": [self.league],
                "season": [self.season],
                "stat": [self.stat],
                "recent_text": [self.recent_text],
                "recent_values": pa.array([list(self.recent_values)], pa.list_(pa.float64())),
                "games": pa.array([self.games], pa.int32()),
                "season_average": pa.array([self.season_average], pa.float64()),
                "fetched_at": pa.array([self.fetched_at], pa.timestamp("us", tz="UTC")),
                "simulated": [self.simulated],
            }
        )

    def to_pandas(self) -> pd.DataFrame:
        """The recent games as a pandas frame, newest first."""
        return self.recent_games.to_pandas()


@dataclass(frozen=True, slots=True)
class PlayerContext:
    """What one wants to know of a player before the next game.

    ``player``: the player's line of the season's list. ``table``: a row a statistic: season average, the last 5 and 10
    games, at home and away, highest, and how many games each is of. ``next_game``: the next one of the player's team
    that the schedule in the lake knows of, or empty. ``rest_days``: between the last game played and the next one.
    """

    player: Mapping[str, Any]
    season: str
    league: str
    table: pa.Table
    recent_games: pa.Table
    last_game_date: dt.date | None
    next_game: Mapping[str, Any]
    rest_days: int | None
    fetched_at: dt.datetime | None
    simulated: bool
    explanation: Explanation = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """The statistics as a pandas frame."""
        return self.table.to_pandas()
