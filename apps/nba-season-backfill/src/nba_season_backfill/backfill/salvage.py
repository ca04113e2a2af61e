"""What the archive already holds: bodies whose rows or checkpoint lines a crash, or a repair, still has to derive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nba_season_backfill.backfill.accepting import Acceptances
from nba_season_backfill.backfill.choosing import find_archived
from nba_season_backfill.backfill.engine import question_of
from nba_season_backfill.backfill.exchange import Reply
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.lake.raw import RawArchive, RawRef
from nba_season_backfill.plan import Unit
from nba_season_backfill.source.base import Answer
from nba_season_backfill.source.verdict import judge

__all__ = ["archived_bodies", "archived_replies"]


def archived_bodies(archive: RawArchive, units: Sequence[Unit]) -> Mapping[tuple[str, str], RawRef]:
    """(game id, dataset) -> its newest archived body, for the units that have one. One listing an endpoint."""
    if not units:
        return {}
    season = str(units[0].game.season)
    newest = {endpoint: archive.newest(endpoint, season) for endpoint in {unit.dataset.endpoint for unit in units}}
    found = {}
    for unit in units:
        ref = newest[unit.dataset.endpoint].get(unit.game.game_id.text)
        if ref is not None:
            found[unit.game.game_id.text, unit.dataset.name] = ref
    return found


def archived_replies(
    archive: RawArchive, checkpoint: Checkpoint, units: Sequence[Unit], accepted: Acceptances | None = None
) -> Iterator[tuple[Unit, Reply]]:
    """Replies for units whose bodies are archived but were never judged: what a crash left between the two."""
    bodies = archived_bodies(archive, units)
    for unit in units:
        ref = bodies.get((unit.game.game_id.text, unit.dataset.name))
        if ref is None:
            continue
        record = checkpoint.unit(unit.game.game_id.text, unit.dataset.name)
        judged = record is not None and record.status is not UnitStatus.ARCHIVED
        if judged and record is not None and record.raw in (ref.sha256, None):
            # Judged before, and found wanting: only a new answer helps.
            continue
        question = question_of(unit)
        found = find_archived(archive, question.request)
        if found is None:
            continue
        body, fetched_at, url = found
        answer = Answer(question.request, url=url, fetched_at=fetched_at, latency_seconds=0.0, status=200, body=body)
        verdict = judge(answer, question.root, question.assess)
        if accepted is not None:
            verdict = accepted.heed(question.request, body, verdict)
        yield unit, Reply(question, verdict, fetched_at, raw_sha256=ref.sha256)
