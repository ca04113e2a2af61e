"""What the checkpoint says, for people and for probes. Nothing is written, nobody is asked."""

from __future__ import annotations

from typing import Any

from nba_season_backfill.backfill.opening import LEAGUE, lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.checkpoint import UnitStatus
from nba_season_backfill.lake.store import StoreError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["status_document", "status_text"]


def status_document(settings: BackfillSettings, season: Season) -> dict[str, Any]:
    """The season's state as JSON: counts by dataset and status, what failed and why, the last run's statistics.

    Raises:
        CheckpointUnusable, StoreUnusable: as a run would.
    """
    store = open_lake(settings)
    try:
        opened = load_checkpoint(settings, store, season, LEAGUE, lake_identity(store, LEAGUE, create=False))
    except StoreError as error:
        raise store_error(error) from error
    finally:
        store.close()
    checkpoint = opened.checkpoint
    document: dict[str, Any] = {
        "season": str(season),
        "lake": store.url,
        "checkpoint": opened.where,
        "exists": checkpoint is not None,
    }
    if checkpoint is None:
        return document
    open_units = [
        {"game_id": subject, "dataset": dataset, "status": record.status.value, "attempts": record.attempts}
        | ({"error": record.error} if record.error else {})
        | ({"believed_until": record.believed_until} if record.believed_until else {})
        for subject, dataset, record in checkpoint.units()
        if record.status is UnitStatus.FAILED or record.suspicious
    ]
    return document | {
        "created_at": checkpoint.created_at,
        "recovered_from_generation": opened.recovered_from,
        "games": len(checkpoint.dates),
        "datasets": {name: dict(counts) for name, counts in sorted(checkpoint.counts().items())},
        "open": open_units,
        "last_run": checkpoint.statistics,
    }


def status_text(document: dict[str, Any]) -> str:
    """The same in lines."""
    lines = [f"season      {document['season']}", f"lake        {document['lake']}"]
    if not document["exists"]:
        return "\n".join([*lines, "checkpoint  none yet: nothing has been fetched for this season"])
    lines.append(f"checkpoint  {document['checkpoint']}")
    lines.append(f"games       {document['games']} with at least one answer")
    for name, counts in document["datasets"].items():
        lines.append(
            f"{'':10}  {name}: " + ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        )
    last = document["last_run"]
    if last:
        lines.append(
            f"last run    {last.get('run_id')}, committed {last.get('updated_at')}: {last.get('units_stored')} answers "
            f"stored, {last.get('units_left')} left"
        )
    lines += [
        f"open        {unit['game_id']} {unit['dataset']}: {unit['status']} {unit.get('error', '')}".rstrip()
        for unit in document["open"][:20]
    ]
    if len(document["open"]) > 20:
        lines.append(f"open        ... and {len(document['open']) - 20} more (--output-format json lists them)")
    return "\n".join(lines)
