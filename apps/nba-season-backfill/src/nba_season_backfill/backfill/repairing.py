"""Mending a season from its own archive: the checkpoint from a good generation or anew, rows from their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nba_season_backfill.backfill.job import Manner, run_season
from nba_season_backfill.backfill.observer import Observer
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.backfill.verifying import PARTITION_DAMAGED, Finding, verify_season
from nba_season_backfill.lake.store import StoreError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["Diagnosis", "examine", "mending", "rebuild", "repair"]

_CHECKPOINT = "checkpoint_damaged"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What disagrees in a season of a lake. ``exists`` is False where there is no checkpoint at all."""

    lake: str
    exists: bool
    findings: tuple[Finding, ...]


def examine(settings: BackfillSettings, season: Season, *, deep: bool) -> Diagnosis:
    """Compare checkpoint, archive and tables; nothing is written.

    Raises:
        CheckpointUnusable: of another season, lake or format.
        StoreUnusable: the lake cannot be read.
    """
    store = open_lake(settings)
    try:
        identity = lake_identity(store, season.league, create=False)
        opened = load_checkpoint(settings, store, season, season.league, identity, recover=True)
        findings: list[Finding] = []
        if opened.recovered_from is not None:
            detail = f"its generation {opened.recovered_from} is good"
            findings.append(Finding(_CHECKPOINT, opened.where, detail))
        elif opened.damage:
            findings.append(Finding(_CHECKPOINT, opened.where, opened.damage))
        if opened.checkpoint is not None:
            findings += verify_season(store, opened.checkpoint, deep=deep)
        exists = opened.checkpoint is not None or bool(opened.damage)
        return Diagnosis(store.url, exists, tuple(findings))
    except StoreError as error:
        raise store_error(error) from error
    finally:
        store.close()


def repair(
    settings: BackfillSettings,
    season: Season,
    findings: Sequence[Finding],
    *,
    run_id: str,
    observer: Observer,
    stop: Stop,
) -> Summary:
    """Derive again, from the archive and without a request, whatever the findings name.

    Args:
        settings: with ``source`` ``archive``.
        findings: what ``examine`` found. A body that is gone or damaged cannot be derived from: its unit is left for
            the next run, which fetches it.
    """
    return run_season(settings, season, run_id=run_id, observer=observer, stop=stop, manner=mending(findings))


def mending(findings: Sequence[Finding]) -> Manner:
    """The manner of a run that mends these: what they name is not believed, what cannot be read is set aside."""
    return Manner(recover=True, doubtful=_units(findings), set_aside=_unreadable(findings))


def rebuild(
    settings: BackfillSettings,
    season: Season,
    datasets: tuple[str, ...],
    *,
    run_id: str,
    observer: Observer,
    stop: Stop,
) -> Summary:
    """Derive every row of these datasets again from the archive, without a request.

    A partition of theirs that cannot be read is set aside first; what it held of other games is derived, too.
    """
    damaged = [
        finding
        for finding in examine(settings, season, deep=False).findings
        if finding.kind == PARTITION_DAMAGED and finding.dataset in datasets
    ]
    manner = Manner(again=datasets, doubtful=_units(damaged), set_aside=_unreadable(damaged))
    return run_season(settings, season, run_id=run_id, observer=observer, stop=stop, manner=manner)


def _units(findings: Sequence[Finding]) -> frozenset[tuple[str, str]]:
    return frozenset((finding.subject, finding.dataset) for finding in findings if finding.dataset)


def _unreadable(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(sorted({finding.key for finding in findings if finding.kind == PARTITION_DAMAGED}))
