"""Where lake and audit meet: what is archived and stored is read, the pure core judges it. No request is made."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from nba_season_backfill.audit import Finding, FindingKind, Lists, Partition, SeasonAudit, columns_needed, read_totals
from nba_season_backfill.audit.season import dataset_of_table
from nba_season_backfill.backfill.choosing import find_archived, selection_of, utc_now, wanted_datasets
from nba_season_backfill.backfill.deriving import derive_all
from nba_season_backfill.backfill.discovery import discover, season_list_requests
from nba_season_backfill.backfill.exchange import Exchange, Question, Reply
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.provenance import is_simulated
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitStatus
from nba_season_backfill.datasets import DATASETS, GAMES_TABLE, TABLES
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.excerpt import Excerpt, read_excerpt
from nba_season_backfill.lake.quarantine import Quarantine
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, StoreError
from nba_season_backfill.pace import PaceConfig, Pacer
from nba_season_backfill.plan import make_plan
from nba_season_backfill.schedule import read_game_log, read_schedule
from nba_season_backfill.season import EASTERN, Season, SeasonType
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.archive import ArchiveSource
from nba_season_backfill.source.base import Answer, StatsRequest
from nba_season_backfill.source.verdict import Verdict

__all__ = [
    "Audit",
    "accepted_units",
    "audit_season",
    "audit_store",
    "look_at_partitions",
    "read_lists",
]

_GAME_LOG = "leaguegamelog"


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found, and over what. ``notes``: what could not be checked. ``exists``: there is a checkpoint."""

    lake: str
    season: str
    findings: tuple[Finding, ...]
    exists: bool = True
    games: int = 0
    final_games: int = 0
    units: int = 0
    partitions: int = 0
    rows: int = 0
    bodies: int = 0
    deep: bool = False
    notes: tuple[str, ...] = ()
    simulated: bool = False
    duration_in_seconds: float = 0.0

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """Those that nobody has accepted: what makes the audit fail."""
        return tuple(finding for finding in self.findings if not finding.accepted)

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        document = {name: getattr(self, name) for name in self.__slots__}
        document["findings"] = [finding.to_document() for finding in self.findings]
        return {**document, "clean": not self.open_findings}


class _Listening(Exchange):
    """An exchange with the archive that remembers what the lists said."""

    def __init__(self, archived: Mapping[tuple[str, str], tuple[bytes, dt.datetime, str]]) -> None:
        source = ArchiveSource(lambda request: archived.get((request.endpoint, request.subject)))
        super().__init__(source, Pacer(PaceConfig.off()), None, threading.Event(), run_id="", offline=True)
        self.heard: list[tuple[StatsRequest, Any]] = []

    def _log(self, answer: Answer, verdict: Verdict) -> None:
        """Nobody was asked anything: there is nothing to tell."""

    def settled(self, question: Question, *, tries: int, keep_payload: bool = True) -> Reply:
        """As it is, remembered."""
        reply = super().settled(question, tries=tries, keep_payload=keep_payload)
        if reply.payload is not None:
            self.heard.append((question.request, reply.payload))
        return reply


def read_lists(
    archive: RawArchive, season: Season, season_types: Sequence[SeasonType], today: dt.date
) -> tuple[Lists, list[str]]:
    """What the archived lists of a season say, and what could not be compared because there is no schedule."""
    archived: dict[tuple[str, str], tuple[bytes, dt.datetime, str]] = {}
    missing, notes = [], []
    for request in season_list_requests(season, season_types):
        found = find_archived(archive, request)
        if found is not None:
            archived[request.endpoint, request.subject] = found
        elif request.endpoint == _GAME_LOG:
            key = layout.raw_prefix(request.endpoint, str(season), request.subject)
            missing.append((f"{request.endpoint} {request.subject}", "there is no good body of it in the archive", key))
        else:
            notes.append("the schedule is not in the archive: the game log alone says which games there are")
    there = [
        season_type
        for season_type in season_types
        if not any(
            request.endpoint == _GAME_LOG and (request.endpoint, request.subject) not in archived
            for request in season_list_requests(season, [season_type])
        )
    ]
    listening = _Listening(archived)
    found_games = discover(listening, season, there, tries=1)
    logs = [payload for request, payload in listening.heard if request.endpoint == _GAME_LOG]
    schedules = [payload for request, payload in listening.heard if request.endpoint != _GAME_LOG]
    scheduled = next((read_schedule(payload, season) for payload in schedules if "leagueSchedule" in payload), None)
    lists = Lists(
        season,
        found_games.games,
        tuple(season_types),
        today,
        lines=[line for payload in logs for line in read_game_log(payload)],
        scheduled=scheduled,
        totals=read_totals(logs),
        missing=tuple(missing),
    )
    return lists, notes


def audit_season(settings: BackfillSettings, season: Season, *, deep: bool = False) -> Audit:
    """Audit what the settings ask for; nothing is requested, nothing is written.

    Raises:
        CheckpointUnusable: damaged, or of another season, lake or format.
        StoreUnusable: the lake cannot be read.
    """
    store = open_lake(settings)
    try:
        return audit_store(settings, season, store, deep=deep)
    except StoreError as error:
        raise store_error(error) from error
    finally:
        store.close()


def audit_store(
    settings: BackfillSettings,
    season: Season,
    store: ObjectStore,
    *,
    deep: bool = False,
    now: dt.datetime | None = None,
) -> Audit:
    """The same over an open store."""
    started, now = time.monotonic(), now or utc_now()
    identity = lake_identity(store, season.league, create=False)
    checkpoint = load_checkpoint(settings, store, season, season.league, identity).checkpoint
    if checkpoint is None:
        return Audit(store.url, str(season), (), exists=False)
    archive = RawArchive(store)
    lists, notes = read_lists(archive, season, settings.season_type, now.astimezone(EASTERN).date())
    plan = make_plan(
        lists.games, wanted_datasets(settings), None, selection_of(settings), season=season, now=now, season_requests=0
    )
    audit = SeasonAudit(
        lists,
        checkpoint,
        key_of=lambda table, month: layout.partition_key(table, str(season), month),
        now=now,
        wanted=plan.units,
        accepted=accepted_units(store, checkpoint),
    )
    there = _listed(store, season, audit)
    for table, month in sorted(audit.partitions_named() - there, key=str):
        audit.absent(table, month)
    rows = look_at_partitions(store, audit, season, there)
    if any(note.startswith("the schedule") for note in notes):
        _schedule_was_there(store, audit, season)
    bodies = _bodies(store, archive, audit, checkpoint, lists)
    if deep:
        audit.add(*derive_all(store, archive, checkpoint))
    return Audit(
        store.url,
        str(season),
        tuple(audit.findings()),
        games=len(lists.games),
        final_games=sum(game.state == "final" for game in lists.games),
        units=len(audit.units),
        partitions=len(there),
        rows=rows,
        bodies=bodies,
        deep=deep,
        notes=tuple(notes),
        simulated=is_simulated(store, checkpoint),
        duration_in_seconds=round(time.monotonic() - started, 3),
    )


def accepted_units(store: ObjectStore, checkpoint: Checkpoint) -> dict[tuple[str, str], str]:
    """(game id, dataset) -> why its stored body was taken as it is."""
    reasons = Quarantine(store).acceptances(str(checkpoint.season))
    if not reasons:
        return {}
    return {
        (subject, dataset): reasons[DATASETS[dataset].endpoint, subject, record.raw]
        for subject, dataset, record in checkpoint.units()
        if dataset in DATASETS and record.raw and (DATASETS[dataset].endpoint, subject, record.raw) in reasons
    }


def _key_of(season: Season, table: str, month: int | None) -> str:
    """The key of a partition."""
    return layout.partition_key(table, str(season), month)


def _listed(store: ObjectStore, season: Season, audit: SeasonAudit) -> set[tuple[str, int | None]]:
    """Every partition that is there; what else lies among them is a finding."""
    there: set[tuple[str, int | None]] = set()
    for name, shape in TABLES.items():
        expected = {
            _key_of(season, name, month): month for month in ((*range(1, 13), None) if shape.per_game else (None,))
        }
        if shape.per_game:
            del expected[_key_of(season, name, None)]
        for info in store.list(f"{name}/season={season}/"):
            if info.key in expected:
                there.add((name, expected[info.key]))
            else:
                audit.stray(info.key, name, "no partition of this table has that key")
    return there


def look_at_partitions(
    store: ObjectStore, audit: SeasonAudit, season: Season, partitions: Iterable[tuple[str, int | None]]
) -> int:
    """Let the audit look at each of these (table, month), or tell it which are missing or damaged; gives the rows.

    While it looks at one, the next is read.
    """
    rows = 0
    wanted = sorted(partitions, key=str)
    with ThreadPoolExecutor(1, thread_name_prefix="audit-read") as reader:
        reading: deque[Future[Excerpt]] = deque()
        for number, (table, month) in enumerate(wanted):
            for following, month_of_it in wanted[number + len(reading) : number + 2]:
                key = _key_of(season, following, month_of_it)
                reading.append(reader.submit(read_excerpt, store, key, columns_needed(TABLES[following])))
            try:
                excerpt = reading.popleft().result()
            except ObjectMissing:
                audit.absent(table, month)
                continue
            except StoreError as error:
                if error.kind != "corrupt":
                    raise
                audit.damaged(table, month, str(error))
                continue
            about = (TABLES[table], dataset_of_table(table), _key_of(season, table, month), month)
            audit.look_at(Partition(*about, excerpt.rows, excerpt.schema, provenance=excerpt.provenance))
            rows += int(excerpt.rows.num_rows)
    return rows


def _schedule_was_there(store: ObjectStore, audit: SeasonAudit, season: Season) -> None:
    """Without a schedule there are no arenas: if the games table has some, the archived schedule was lost."""
    for month in sorted({game.month for game in audit.lists.games}):
        try:
            rows = read_excerpt(store, _key_of(season, GAMES_TABLE.name, month), ["arena_name"]).rows
        except StoreError:
            continue
        if "arena_name" in rows.column_names and rows.column("arena_name").null_count < rows.num_rows:
            key = layout.raw_prefix("scheduleleaguev2", str(season), SEASON_LEVEL)
            missing = ("scheduleleaguev2 season", "the games table has what only a schedule says", key)
            audit.lists = replace(audit.lists, missing=(*audit.lists.missing, missing))
            return


def _bodies(store: ObjectStore, archive: RawArchive, audit: SeasonAudit, checkpoint: Checkpoint, lists: Lists) -> int:
    """Compare the archive with the checkpoint; gives how many bodies there are."""
    season, total = str(checkpoint.season), 0
    named: dict[tuple[str, str], set[str]] = {}
    for subject, dataset, record in audit.units:
        if dataset in DATASETS:
            names = named.setdefault((DATASETS[dataset].endpoint, subject), set())
            names |= {sha for sha in (record.raw, record.raw_before) if sha}
    for entry in Quarantine(store).entries(season):
        named.setdefault((entry.endpoint, entry.subject), set()).add(entry.sha256)
    for endpoint in sorted({dataset.endpoint for dataset in DATASETS.values()}):
        hashes: dict[str, dict[str, str]] = {}
        for ref in archive.list_all(endpoint, season):
            hashes.setdefault(ref.subject, {})[ref.sha256] = ref.key
            total += 1
        audit.add(*_missing_bodies(audit, endpoint, hashes))
        for subject, keys in hashes.items():
            audit.add(*_unnamed(archive, lists, endpoint, subject, keys, named.get((endpoint, subject), set())))
    return total


def _missing_bodies(audit: SeasonAudit, endpoint: str, hashes: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    season = str(audit.lists.season)
    for subject, dataset, record in audit.units:
        if dataset not in DATASETS or DATASETS[dataset].endpoint != endpoint or not record.raw:
            continue
        if record.status is UnitStatus.OK and record.raw not in hashes.get(subject, {}):
            yield Finding(
                FindingKind.BODY_MISSING,
                season,
                "the checkpoint names a body that the archive has not",
                game_id="" if subject == SEASON_LEVEL else subject,
                dataset=dataset,
                key=layout.raw_key(endpoint, season, subject, record.raw),
            )


def _unnamed(
    archive: RawArchive, lists: Lists, endpoint: str, subject: str, keys: Mapping[str, str], named: set[str]
) -> Iterator[Finding]:
    """Bodies of a game that no list knows, and bodies newer than the one that the rows were made from."""
    season = str(lists.season)
    dataset = next(each.name for each in DATASETS.values() if each.endpoint == endpoint)
    about = Finding(FindingKind.BODY_UNNAMED, season, "", dataset=dataset)
    if subject.isdigit() and subject not in lists.by_id and not lists.missing:
        for key in keys.values():
            yield replace(about, detail="a body of a game that no list knows", game_id=subject, key=key)
        return
    if not named or (len(keys) == 1 and named >= keys.keys()):
        # Never judged: a run takes it from here. Its unit is missing, which is said by itself.
        return
    for ref in archive.find(endpoint, season, subject):
        if ref.sha256 in named:
            # What is older was superseded.
            return
        game_id = subject if subject.isdigit() else ""
        yield replace(about, detail="newer than the body its rows were made from", game_id=game_id, key=ref.key)
