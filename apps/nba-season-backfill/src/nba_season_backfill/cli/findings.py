"""What ``audit``, ``explain`` and ``quarantine`` do with their settings, and how it is printed."""

from __future__ import annotations

import json

import click

from nba_season_backfill.audit import Finding
from nba_season_backfill.backfill.auditing import Audit, audit_season
from nba_season_backfill.backfill.deciding import accept_body, list_quarantine, retry_bodies, show_bodies
from nba_season_backfill.backfill.explaining import explain_game, explain_text
from nba_season_backfill.backfill.restoring import repair_season
from nba_season_backfill.cli.running import carry_out, quiet, season_of, seasons_of
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.errors import AuditFailed, UsageError
from nba_season_backfill.season import GameId
from nba_season_backfill.settings import BackfillSettings

__all__ = [
    "accept_command",
    "audit_command",
    "explain_command",
    "list_command",
    "repair_command",
    "retry_command",
    "show_command",
]

_SHOWN = 50


def audit_command(settings: BackfillSettings, *, deep: bool) -> int:
    """Print every finding of every season that is named; 65 if there is one that nobody accepted."""
    quiet(settings)
    failed: list[Audit] = []
    for season in seasons_of(settings):
        found = audit_season(settings, season, deep=deep)
        if settings.output_format == "json":
            click.echo(json.dumps(found.to_document(), default=str))
        else:
            _print_audit(found)
        if not found.exists:
            raise AuditFailed(
                f"{found.lake}: no checkpoint of season {season}: nothing of it is stored",
                hint="`nba-backfill` fills it",
            )
        if found.open_findings:
            failed.append(found)
    if failed:
        number = sum(len(found.open_findings) for found in failed)
        raise AuditFailed(
            f"{failed[0].lake}: {number} findings in season {', '.join(found.season for found in failed)}",
            hint="`nba-backfill audit --repair` mends them, `nba-backfill explain GAME_ID` says more of a game",
        )
    return 0


def _print_audit(found: Audit) -> None:
    for finding in found.findings[:_SHOWN]:
        click.echo(_line(finding))
    if len(found.findings) > _SHOWN:
        click.echo(f"... and {len(found.findings) - _SHOWN} more (--output-format json lists them)")
    for note in found.notes:
        click.echo(f"not checked: {note}")
    simulated = " (simulated data: the sample season)" if found.simulated else ""
    looked = "every value compared with its archived body" if found.deep else "--deep compares every value too"
    click.echo(
        f"season {found.season}{simulated}: {found.games} games, {found.final_games} final; {found.units} answers, "
        f"{found.partitions} partitions, {found.rows} rows, {found.bodies} bodies in "
        f"{found.duration_in_seconds:.1f} s; {looked}"
    )
    accepted = len(found.findings) - len(found.open_findings)
    also = f", {accepted} accepted" if accepted else ""
    click.echo(f"{found.lake}: {len(found.open_findings) or 'no'} findings{also}")


def _line(finding: Finding) -> str:
    where = " ".join(part for part in (finding.game_id, finding.table or finding.dataset) if part)
    cell = " ".join(part for part in (finding.column, f"({finding.row})" if finding.row else "") if part)
    values = f": expected {finding.expected or 'none'}, found {finding.found or 'none'}"
    accepted = f"  [accepted: {finding.accepted}]" if finding.accepted else ""
    key = f"  [{finding.key}]" if finding.key else ""
    said = values if finding.expected or finding.found else ""
    words = " ".join(part for part in (where, cell, finding.detail) if part)
    return f"{finding.kind:21} {words}{said}{key}{accepted}"


def repair_command(settings: BackfillSettings, *, deep: bool) -> int:
    """Mend what an audit finds; 65 if something is left."""
    season = season_of(settings)
    return carry_out(
        settings,
        lambda run_id, observer, stop: repair_season(
            settings, season, run_id=run_id, deep=deep, observer=observer, stop=stop
        ),
        command="audit",
    )


def explain_command(settings: BackfillSettings, game_id: GameId) -> None:
    """Print everything known of a game."""
    quiet(settings)
    document = explain_game(settings, game_id)
    click.echo(json.dumps(document) if settings.output_format == "json" else explain_text(document))


def list_command(settings: BackfillSettings) -> None:
    """Print what was refused in a season."""
    quiet(settings)
    document = list_quarantine(settings, season_of(settings))
    if settings.output_format == "json":
        click.echo(json.dumps(document))
        return
    for entry in document["bodies"]:
        reason = f"accepted: {entry['accepted']}" if entry["accepted"] else entry["reason"]
        unit = f"{entry['game_id']} {entry['dataset']:24} {entry['state']:24}"
        click.echo(f"{unit} {entry['sha256'][:12]} {entry['fetched_at']} {reason}")
    for key in document["objects"]:
        click.echo(f"set aside by a repair: {key}")
    click.echo(
        f"{document['lake']}: {len(document['bodies'])} refused bodies in season {document['season']}, "
        f"{document['open']} open; {len(document['objects'])} objects set aside"
    )


def show_command(settings: BackfillSettings, game_id: GameId, dataset: str | None, *, body: bool) -> None:
    """Print what was refused of a game."""
    quiet(settings)
    _must_be_known(dataset)
    for entry in show_bodies(settings, game_id, dataset):
        if not body:
            del entry["body"]
        if settings.output_format == "json":
            click.echo(json.dumps(entry))
            continue
        for name, value in entry.items():
            shown = json.dumps(value, indent=1) if name == "body" else value
            if value not in (None, [], {}):
                click.echo(f"{name.replace('_', ' '):16} {'; '.join(shown) if isinstance(shown, list) else shown}")
        click.echo("")


def _must_be_known(dataset: str | None) -> None:
    if dataset is not None and dataset not in DATASETS:
        raise UsageError(f"no dataset {dataset!r}", hint=f"one of {', '.join(DATASETS)}")


def retry_command(settings: BackfillSettings, game_id: GameId, dataset: str | None, *, at_once: bool) -> int:
    """Forget what was refused; ask at once, or leave it to the next run."""
    _must_be_known(dataset)
    return carry_out(
        settings,
        lambda run_id, observer, stop: retry_bodies(
            settings, game_id, dataset, at_once=at_once, run_id=run_id, observer=observer, stop=stop
        ),
        command="quarantine retry",
    )


def accept_command(
    settings: BackfillSettings, game_id: GameId, dataset: str, *, reason: str, sha256: str | None
) -> int:
    """Store a refused body as it is."""
    _must_be_known(dataset)
    return carry_out(
        settings,
        lambda run_id, observer, stop: accept_body(
            settings, game_id, dataset, reason=reason, sha256=sha256, run_id=run_id, observer=observer, stop=stop
        ),
        command="quarantine accept",
    )
