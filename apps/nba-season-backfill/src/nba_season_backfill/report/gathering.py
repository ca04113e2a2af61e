"""What a report needs, read from the lake: checkpoint, games, flight record, history, audit. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from nba_season_backfill.backfill.opening import OpenState, lake_identity, load_checkpoint
from nba_season_backfill.backfill.provenance import is_simulated
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitStatus
from nba_season_backfill.datasets import DATASETS, GAMES_TABLE
from nba_season_backfill.errors import UsageError
from nba_season_backfill.lake.bronze import read_partition
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore
from nba_season_backfill.report.auditing import audit_facts
from nba_season_backfill.report.facts import DatasetCoverage, DayCoverage, Failure, Freshness, ReportFacts
from nba_season_backfill.report.flights import history_of, last_run
from nba_season_backfill.schedule import GameState
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.verdict import RULES, VerdictKind

__all__ = ["gather"]

_MOST_FAILURES = 200
# What the table lets through is judged by the dataset's own checks.
_KIND_OF_RULE = {rule.name: rule.kind.value for rule in RULES} | {
    "dataset_checks": VerdictKind.CONTRACT_VIOLATION.value
}
_Game = Mapping[str, Any]


def gather(
    settings: BackfillSettings,
    store: ObjectStore,
    season: Season,
    *,
    now: dt.datetime,
    run_id: str | None = None,
    with_audit: bool = True,
) -> ReportFacts:
    """Read everything that the report of a season shows.

    Args:
        run_id: the run to show; the season's last one, when not given.
        with_audit: also audit the season, which reads its tables.

    Raises:
        UsageError: the lake has no such season.
        CheckpointUnusable, StoreError: the lake cannot be read.
    """
    opened = load_checkpoint(settings, store, season, season.league, lake_identity(store, season.league, create=False))
    checkpoint = opened.checkpoint
    if checkpoint is None:
        raise UsageError(f"{store.url} holds nothing of season {season}", hint="fill it first: nba-backfill run")
    infos = list(store.list(f"{GAMES_TABLE.name}/season={season}/"))
    games = _games(store, infos)
    types = tuple(checkpoint.config.get("season_type") or SeasonType)
    wanted = {game: row for game, row in games.items() if row["season_type"] in types}
    final = {game: row for game, row in wanted.items() if row["state"] == GameState.FINAL.value}
    run = last_run(store, str(season), run_id)
    failures = sorted(_failures(checkpoint, games), key=_order)
    coverage = _coverage(checkpoint, final, season)
    return ReportFacts(
        season=str(season),
        lake=store.url,
        lake_id=checkpoint.lake_id,
        generation=opened.generation,
        made_at=now,
        simulated=is_simulated(store, checkpoint),
        season_types=types,
        games_known=len(wanted),
        games_final=len(final),
        games_complete=_complete(checkpoint, final, [each.name for each in coverage], now),
        games_by_state=dict(Counter(str(row["state"]) for row in wanted.values())),
        newest_final=max((row["game_date"] for row in final.values()), default=None),
        lists_written_at=max((info.last_modified for info in infos), default=None),
        committed_at=_committed_at(opened),
        coverage=coverage,
        freshness=_freshness(checkpoint, games),
        failures=failures[:_MOST_FAILURES],
        failures_in_all=len(failures),
        run=run,
        history=history_of(store, str(season)),
        audit=audit_facts(settings, season, store, wanted=with_audit),
    )


def _games(store: ObjectStore, infos: Iterable[ObjectInfo]) -> dict[str, _Game]:
    """The games table's rows by id."""
    names = ["game_id", "season_type", "game_date", "state", "home_tricode", "away_tricode", "home_score", "away_score"]
    found: dict[str, _Game] = {}
    for info in infos:
        if info.key.endswith(".parquet"):
            found |= {row["game_id"]: row for row in read_partition(store, info.key).select(names).to_pylist()}
    return found


def _coverage(checkpoint: Checkpoint, final: Mapping[str, _Game], season: Season) -> list[DatasetCoverage]:
    """Each dataset that was ever asked for, in the registry's order, day by day."""
    asked = {dataset for subject, dataset, _record in checkpoint.units() if subject != SEASON_LEVEL}
    order = [*(name for name in DATASETS if name in asked), *sorted(asked - DATASETS.keys())]
    found = []
    for name in order:
        if name in DATASETS and season < DATASETS[name].first_season:
            continue
        days: dict[dt.date, DayCoverage] = defaultdict(DayCoverage)
        for game, row in final.items():
            record = checkpoint.unit(game, name)
            status = record.status if record is not None else None
            days[row["game_date"]] += DayCoverage(
                games=1,
                stored=status in (UnitStatus.OK, UnitStatus.ARCHIVED),
                absent=status is UnitStatus.ABSENT,
                failed=status is UnitStatus.FAILED,
            )
        found.append(DatasetCoverage(name, dict(sorted(days.items()))))
    return found


def _complete(checkpoint: Checkpoint, final: Iterable[str], datasets: list[str], now: dt.datetime) -> int:
    """Final games of which nothing needs to be asked, and nothing is doubtful."""

    def settled(game: str, dataset: str) -> bool:
        record = checkpoint.unit(game, dataset)
        return record is not None and record.holds(now) and not record.suspicious

    return sum(1 for game in final if datasets and all(settled(game, name) for name in datasets))


def _failures(checkpoint: Checkpoint, games: Mapping[str, _Game]) -> Iterable[Failure]:
    for subject, dataset, record in checkpoint.units():
        if record.status is not UnitStatus.FAILED and not record.suspicious:
            continue
        row = games.get(subject)
        reason = record.error or "a final game, and the answer had no content"
        verdict = "absent" if record.suspicious else _KIND_OF_RULE.get(reason.split(":", 1)[0], "")
        yield Failure(
            game_id=subject,
            game_date=row["game_date"] if row is not None else None,
            game=f"{row['away_tricode'] or '?'} at {row['home_tricode'] or '?'}" if row is not None else "",
            dataset=dataset,
            verdict=verdict,
            reason=reason,
            attempts=record.attempts,
        )


def _order(failure: Failure) -> tuple[str, str, str]:
    return (str(failure.game_date or ""), failure.game_id, failure.dataset)


def _freshness(checkpoint: Checkpoint, games: Mapping[str, _Game]) -> list[Freshness]:
    newest: dict[str, dt.date] = {}
    fetched: dict[str, str] = {}
    rows: Counter[str] = Counter()
    for subject, dataset, record in checkpoint.units():
        if record.status is not UnitStatus.OK:
            continue
        rows[dataset] += sum(record.rows.values())
        fetched[dataset] = max(fetched.get(dataset, ""), record.judged_at)
        if subject in games:
            day = games[subject]["game_date"]
            newest[dataset] = max(newest.get(dataset, day), day)
    order = [*(name for name in DATASETS if name in fetched), *sorted(fetched.keys() - DATASETS.keys())]
    return [
        Freshness(name, newest.get(name), dt.datetime.fromisoformat(fetched[name]).astimezone(dt.UTC), rows[name])
        for name in order
    ]


def _committed_at(opened: OpenState) -> dt.datetime | None:
    text = opened.checkpoint.statistics.get("updated_at") if opened.checkpoint is not None else None
    return dt.datetime.fromisoformat(text) if isinstance(text, str) else None
