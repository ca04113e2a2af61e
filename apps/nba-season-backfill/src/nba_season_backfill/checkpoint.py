"""What the checkpoint says: per game and dataset what is stored, what is absent, what failed and how often. Pure.

The checkpoint is the commit: a unit (game x dataset) is ``ok`` here only after its raw body and its rows are stored.
How the document is kept (compare-and-swap, generations, checksum) is ``lake.state``'s work.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

import orjson

from nba_season_backfill.errors import CheckpointUnusable
from nba_season_backfill.season import League, Season

__all__ = ["CHECKPOINT_FORMAT", "SEASON_LEVEL", "Checkpoint", "UnitRecord", "UnitStatus"]

CHECKPOINT_FORMAT = 1


class UnitStatus(StrEnum):
    """What is known of a unit (game x dataset) that was asked for at least once."""

    OK = "ok"
    # Passed its checks and its body is archived; its rows are not in their partition yet.
    ARCHIVED = "archived"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One unit's line in the checkpoint.

    ``raw``: sha256 of the body it was judged by; ``raws``: of each body, by ``endpoint/subject``, where a whole season
    took several. ``rows``: rows in each of its tables. ``revision`` counts the
    different contents that were stored, ``raw_before`` is the body of the one before. ``attempts`` counts the requests
    charged to the game. ``judged_at`` is UTC.
    ``believed_until`` is given for absences only: later than that it is asked again. ``suspicious`` marks an absence
    that should not be: a final game, in a season for which the dataset exists.
    """

    status: UnitStatus
    judged_at: str
    raw: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    revision: int = 1
    attempts: int = 1
    believed_until: str | None = None
    suspicious: bool = False
    error: str | None = None
    raw_before: str | None = None
    raws: Mapping[str, str] = field(default_factory=dict)

    def holds(self, now: dt.datetime) -> bool:
        """Whether nothing needs to be asked: stored, or absent and still believed."""
        if self.status is UnitStatus.OK:
            return True
        if self.status is UnitStatus.ABSENT:
            return self.believed_until is None or dt.datetime.fromisoformat(self.believed_until) > now
        return False

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> UnitRecord:
        """From the checkpoint's JSON."""
        return cls(**{**document, "status": UnitStatus(document["status"])})


_FIELDS = tuple(each.name for each in fields(UnitRecord))

SEASON_LEVEL = "season"
"""Under this name, beside the games, stand the datasets that one request a season answers."""


@dataclass(slots=True)
class Checkpoint:
    """A season's checkpoint in memory.

    ``lake_id`` is the identity of the lake it belongs to (not its path: a lake may be moved or copied). ``watermark``
    is how far the season is complete, ``totals`` what a daily run remembers of the game logs (``daily`` reads both).
    """

    season: Season
    league: str
    lake_id: str
    created_at: str
    config: Mapping[str, Any] = field(default_factory=dict)
    config_fingerprint: str = ""
    statistics: dict[str, Any] = field(default_factory=dict)
    pace: Mapping[str, Any] | None = None
    dates: dict[str, str] = field(default_factory=dict)
    watermark: Mapping[str, Any] | None = None
    totals: dict[str, list[Any]] = field(default_factory=dict)
    _units: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    # subject -> (its date, its part of the document): most games are as they were at the last commit.
    _written: dict[str, tuple[str | None, orjson.Fragment]] = field(default_factory=dict, repr=False, compare=False)

    def record(self, subject: str, dataset: str, record: UnitRecord, *, game_date: dt.date | None = None) -> None:
        """Put a unit's line, replacing the one before."""
        document = {name: getattr(record, name) for name in _FIELDS}
        document["status"] = record.status.value
        self._units.setdefault(subject, {})[dataset] = {key: value for key, value in document.items() if value}
        self._written.pop(subject, None)
        if game_date is not None:
            self.dates[subject] = game_date.isoformat()

    def unit(self, subject: str, dataset: str) -> UnitRecord | None:
        """A unit's line, or None if it was never judged."""
        document = self._units.get(subject, {}).get(dataset)
        return UnitRecord.read(document) if document is not None else None

    def forget(self, units: Collection[tuple[str, str]]) -> None:
        """Take units as never judged: what is said of them is not believed any more."""
        for subject, dataset in units:
            lines = self._units.get(subject, {})
            self._written.pop(subject, None)
            if lines.pop(dataset, None) is not None and not lines:
                del self._units[subject]
                self.dates.pop(subject, None)

    def units(self) -> Iterator[tuple[str, str, UnitRecord]]:
        """Every line: (game id or ``season``, dataset, record)."""
        for subject, datasets in self._units.items():
            for dataset, document in datasets.items():
                yield subject, dataset, UnitRecord.read(document)

    def holds(self, subject: str, dataset: str, now: dt.datetime) -> bool:
        """Whether nothing needs to be asked for that unit."""
        record = self.unit(subject, dataset)
        return record is not None and record.holds(now)

    def counts(self) -> dict[str, Counter[str]]:
        """dataset -> how many units have each status."""
        counted: dict[str, Counter[str]] = {}
        for _subject, dataset, record in self.units():
            counted.setdefault(dataset, Counter())[record.status.value] += 1
        return counted

    def dates_with(self, status: UnitStatus) -> list[dt.date]:
        """The dates of games of which a unit has that status."""
        return [
            dt.date.fromisoformat(self.dates[subject])
            for subject, datasets in self._units.items()
            if subject in self.dates and any(document["status"] == status for document in datasets.values())
        ]

    def tables_of(self, subject: str) -> set[str]:
        """The tables in which a game, or the season, has rows."""
        return {table for document in self._units.get(subject, {}).values() for table in document.get("rows", ())}

    def revision_of(self, subject: str) -> int:
        """How many different contents were stored of a game, at most of any of its datasets; 1 when never corrected."""
        return max((document.get("revision", 1) for document in self._units.get(subject, {}).values()), default=1)

    def facts(self) -> dict[str, Any]:
        """What two runs over the same upstream must agree on, whatever interrupted them."""
        return {
            f"{subject}/{dataset}": (
                record.status.value,
                record.raw or dict(record.raws) or None,
                dict(record.rows),
                record.revision,
            )
            for subject, dataset, record in sorted(self.units(), key=lambda unit: unit[:2])
        }

    def to_content(self) -> dict[str, Any]:
        """As JSON. Games stand in order of their ids."""
        games = sorted(subject for subject in self._units if subject != SEASON_LEVEL)
        return self._document({subject: self._game(subject) for subject in games})

    def to_json(self) -> bytes:
        """The bytes of the same. Only what changed since the last time is written anew."""
        games = {}
        for subject in sorted(self._units):
            if subject == SEASON_LEVEL:
                continue
            date, fragment = self._written.get(subject, ("", None))
            if fragment is None or date != self.dates.get(subject):
                fragment = orjson.Fragment(orjson.dumps(self._game(subject)))
                self._written[subject] = self.dates.get(subject), fragment
            games[subject] = fragment
        return orjson.dumps(self._document(games))

    def _game(self, subject: str) -> dict[str, Any]:
        return {"game_date": self.dates.get(subject), "datasets": self._units[subject]}

    def _document(self, games: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "season": str(self.season),
            "league": self.league,
            "lake_id": self.lake_id,
            "created_at": self.created_at,
            "config_fingerprint": self.config_fingerprint,
            "config": dict(self.config),
            "statistics": self.statistics,
            "pace": self.pace,
            "watermark": self.watermark,
            "totals": self.totals,
            "season_datasets": self._units.get(SEASON_LEVEL, {}),
            "games": games,
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any], where: str) -> Checkpoint:
        """Read a document whose checksum and format were found good.

        Raises:
            CheckpointUnusable: a part of it is not what this version writes; names it.
        """
        try:
            games = content["games"]
            units = {subject: dict(game["datasets"]) for subject, game in games.items()}
            if content["season_datasets"]:
                units[SEASON_LEVEL] = dict(content["season_datasets"])
            checkpoint = cls(
                season=Season.parse(content["season"], League(content["league"])),
                league=content["league"],
                lake_id=content["lake_id"],
                created_at=content["created_at"],
                config=content["config"],
                config_fingerprint=content["config_fingerprint"],
                statistics=dict(content["statistics"]),
                pace=content["pace"],
                dates={subject: game["game_date"] for subject, game in games.items() if game["game_date"]},
                watermark=content.get("watermark"),
                totals=dict(content.get("totals") or {}),
                _units=units,
            )
            for _unit in checkpoint.units():
                pass
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointUnusable(
                f"checkpoint {where}: not readable ({type(error).__name__}: {error})",
                hint="restore it from its generations, or move it away to start over",
            ) from None
        return checkpoint

    def must_be_of(self, season: Season, league: str, lake_id: str, where: str) -> None:
        """Refuse a checkpoint of another season, league or lake.

        Raises:
            CheckpointUnusable: says what it belongs to and what was asked for.
        """
        if self.season != season or self.league != league:
            raise CheckpointUnusable(
                f"checkpoint {where} is of season {self.season} (league {self.league}), not of {season} ({league})",
                hint="name another --state-file-path, or the season it belongs to",
            )
        if self.lake_id != lake_id:
            raise CheckpointUnusable(
                f"checkpoint {where} belongs to another lake ({self.lake_id}, this one is {lake_id})",
                hint="name the bucket and prefix (or --output) it was written for, or another --state-file-path",
            )
