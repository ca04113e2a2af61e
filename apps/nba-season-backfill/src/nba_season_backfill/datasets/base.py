"""What a dataset is: an endpoint, its parameters, the tables its answers become, and the checks they must pass.

Pure. Bytes come in parsed (``payload``), Arrow tables go out; nothing here reads a clock, a file or a socket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pyarrow as pa

from nba_season_backfill.datasets.columns import ContractBroken, Outliers
from nba_season_backfill.season import GameKind, Season, SeasonType

__all__ = [
    "Assessment",
    "Dataset",
    "Expectation",
    "Quality",
    "SchemaContract",
    "SeasonDataset",
    "SeasonRequest",
    "Table",
    "broken_contract",
    "part_of_season",
    "quality_of",
    "violation",
]

Payload = Mapping[str, Any]
SchemaContract = Literal["evolve", "freeze"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known about a game before its answer arrives, for the checks. None = not known."""

    game_id: str
    season: Season
    final: bool = True
    home_team_id: int | None = None
    away_team_id: int | None = None
    home_score: int | None = None
    away_score: int | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """What the checks over an answer's rows counted.

    ``rows``: rows that passed. ``missing``: fields absent, or null where a value is required. ``type_errors``: fields
    of another type. ``outliers``: values beyond what is plausible, kept; ``examples`` name the first few.
    ``filtered_out_count``: rows of a refused answer, of which none is stored.
    """

    rows: int = 0
    missing: int = 0
    type_errors: int = 0
    outliers: int = 0
    filtered_out_count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a payload is worth.

    ``ok``: every check passed, ``tables`` holds one Arrow table for each table of the dataset, by name.
    ``absent``: a well-formed answer without content (never played, not offered for that season).
    ``contract_violation``: the answer is not what the dataset declares; ``problems`` names field and reason. Where only
    a check over its rows failed, ``tables`` holds them: nobody stores them unless a person accepts that very body.
    ``unknown_fields`` are paths that the schema does not know: kept in the raw archive and reported as drift.
    """

    kind: Literal["ok", "absent", "contract_violation"]
    problems: tuple[str, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    unknown_fields: tuple[str, ...] = ()
    quality: Quality = Quality()  # frozen


def violation(*problems: str, tables: Mapping[str, pa.Table] | None = None) -> Assessment:
    """An assessment that says which contract was broken, and where.

    Args:
        tables: what the answer would be, where only a check over its rows failed: for a person who takes it as it is.
    """
    return Assessment("contract_violation", problems=problems, tables=tables or {})


def broken_contract(broken: ContractBroken) -> Assessment:
    """The same from a field that is missing or of another type, with how many there are."""
    quality = Quality(missing=broken.missing, type_errors=broken.type_errors)
    return Assessment("contract_violation", problems=(str(broken),), quality=quality)


def quality_of(tables: Mapping[str, pa.Table], outliers: Outliers) -> Quality:
    """What the checks over rows that passed counted."""
    return Quality(
        rows=sum(table.num_rows for table in tables.values()),
        outliers=outliers.count,
        examples=tuple(outliers.examples),
    )


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the lake: its name, declared schema (each field's metadata has ``doc`` and ``source``) and order.

    Rows are unique by ``("game_id", *key)`` and sorted so. Tables without games (``players``) have ``per_game=False``
    and are unique by ``key`` alone.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    per_game: bool = True


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: one request per game (or per season), one or more tables.

    ``root`` is the payload's key under which the content stands (``boxScoreTraditional``); None for resultSets bodies.
    ``first_season`` is the first for which the upstream has it at all; ``first_kinds`` are the kinds of game that it
    covers in that season (None = all of them).
    ``parameters`` gives the query of a game's request, in the upstream's spelling.
    ``assess`` judges a parsed payload and turns it into tables; ``contract`` says how it takes fields that are not
    declared (see ``under_contract``).
    """

    name: str
    endpoint: str
    root: str | None
    first_season: Season
    tables: Sequence[Table]
    parameters: Callable[[str], Mapping[str, str]]
    # Under another contract it is still the same dataset.
    assess: Callable[[Payload, Expectation], Assessment] = field(compare=False)
    first_kinds: frozenset[GameKind] | None = None
    contract: SchemaContract = field(default="evolve", compare=False)

    def offers(self, season: Season, kind: GameKind) -> bool:
        """Whether the upstream ever had this of a game of that season and kind: no request is made for what it had
        not."""
        if season == self.first_season and self.first_kinds is not None:
            return kind in self.first_kinds
        return season >= self.first_season


@dataclass(frozen=True, slots=True)
class SeasonRequest:
    """One request for a season-level dataset.

    ``parameters`` is the query in the upstream's spelling, all text. ``subject`` names it in the archive, unique within
    (endpoint, season): ``regular-season``, ``playoffs-advanced``, a team's id. ``table`` is the table its rows go to
    (the dataset's first, where the answer has rows of several).
    """

    endpoint: str
    parameters: Mapping[str, str]
    subject: str
    table: str


def part_of_season(season_type: SeasonType) -> str:
    """The season type as it stands in keys: ``regular-season``, ``play-in``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|\s+", "-", season_type.value).lower()


@dataclass(frozen=True, slots=True)
class SeasonDataset:
    """A dataset of a whole season: a few requests, each answer part of one or more tables.

    ``requests(season, season_types, league, team_ids)`` names what to ask for, nothing that never existed.
    ``assess(payload, request, season)`` judges one answer; its tables are that answer's share.
    ``combined(assessments)`` puts the shares together: whole tables, in order, by name. A table of which no answer had
    a row stands there without rows.
    """

    name: str
    endpoint: str
    first_season: Season
    tables: Sequence[Table]
    requests: Callable[[Season, Sequence[SeasonType], str, Sequence[int]], Sequence[SeasonRequest]]
    assess: Callable[[Payload, SeasonRequest, Season], Assessment] = field(compare=False)
    root: str | None = None
    contract: SchemaContract = field(default="evolve", compare=False)

    def only(self, table: str) -> SeasonDataset:
        """The same dataset, one of its tables alone: nothing else is asked for, or stored."""

        def requests(
            season: Season, season_types: Sequence[SeasonType], league: str, team_ids: Sequence[int]
        ) -> list[SeasonRequest]:
            every = self.requests(season, season_types, league, team_ids)
            return [request for request in every if request.table == table]

        return replace(self, tables=tuple(each for each in self.tables if each.name == table), requests=requests)

    def combined(self, assessments: Iterable[Assessment]) -> Mapping[str, pa.Table]:
        """The season's whole tables from the answers' shares.

        Raises:
            ValueError: two answers have the same row.
        """
        shares = [assessment.tables for assessment in assessments if assessment.kind == "ok"]
        whole = {}
        for table in self.tables:
            parts = [share[table.name] for share in shares if table.name in share]
            rows = pa.concat_tables([table.schema.empty_table(), *parts]).combine_chunks()
            keys = rows.select(list(table.key))
            if keys.group_by(list(table.key)).aggregate([]).num_rows != rows.num_rows:
                raise ValueError(f"{table.name}: two answers have the same {', '.join(table.key)}")
            whole[table.name] = rows.sort_by([(column, "ascending") for column in table.key])
        return whole
