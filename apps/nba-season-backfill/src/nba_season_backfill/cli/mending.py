"""``doctor``, ``verify``, ``repair`` and ``rebuild``: what they do with their settings, and how it is printed."""

from __future__ import annotations

import json

import click

from nba_season_backfill.backfill.doctor import Health, diagnose, exit_code_of
from nba_season_backfill.backfill.repairing import Diagnosis, examine, rebuild, repair
from nba_season_backfill.cli.running import carry_out, quiet, season_of
from nba_season_backfill.errors import AuditFailed
from nba_season_backfill.settings import BackfillSettings

__all__ = ["doctor_command", "rebuild_command", "repair_command", "verify_command"]

_SIGNS = {Health.OK: "ok", Health.WARNING: "warning", Health.FAILED: "FAILED", Health.SKIPPED: "skipped"}
_SHOWN = 50


def doctor_command(settings: BackfillSettings) -> int:
    """Print each check as soon as it is known; the exit code is what a run would end with."""
    quiet(settings)
    checks = []
    for check in diagnose(settings, season_of(settings)):
        checks.append(check)
        if settings.output_format == "text":
            click.echo(f"{_SIGNS[check.health]:8} {check.name:9} {check.detail} ({check.seconds:.2f} s)")
            if check.hint:
                click.echo(f"{'':18} {check.hint}")
    code = exit_code_of(checks)
    if settings.output_format == "json":
        click.echo(json.dumps({"exit_code": code, "checks": [check.to_document() for check in checks]}))
    return code


def verify_command(settings: BackfillSettings, *, deep: bool) -> int:
    """Print every disagreement; 65 if there is one."""
    quiet(settings)
    found = examine(settings, season_of(settings), deep=deep)
    _print_findings(settings, found, dry_run=False)
    if found.findings:
        raise AuditFailed(
            f"{found.lake}: {len(found.findings)} disagreements between checkpoint, archive and tables",
            hint=f"`nba-backfill repair{' --deep' * deep}` derives what it can from the archive",
        )
    return 0


def repair_command(settings: BackfillSettings, *, deep: bool) -> int:
    """Show what disagrees, then mend it from the archive (not with --dry-run)."""
    if settings.dry_run:
        quiet(settings)
        _print_findings(settings, examine(settings, season_of(settings), deep=deep), dry_run=True)
        return 0
    return carry_out(
        settings,
        lambda run_id, observer, stop: repair(
            settings,
            season_of(settings),
            examine(settings, season_of(settings), deep=deep).findings,
            run_id=run_id,
            observer=observer,
            stop=stop,
        ),
        command="repair",
    )


def rebuild_command(settings: BackfillSettings, datasets: tuple[str, ...]) -> int:
    """Derive these datasets' rows again from the archive."""
    return carry_out(
        settings,
        lambda run_id, observer, stop: rebuild(
            settings, season_of(settings), datasets, run_id=run_id, observer=observer, stop=stop
        ),
        command="rebuild",
    )


def _print_findings(settings: BackfillSettings, found: Diagnosis, *, dry_run: bool) -> None:
    if settings.output_format == "json":
        document = {"lake": found.lake, "exists": found.exists, "dry_run": dry_run}
        click.echo(json.dumps(document | {"findings": [finding.to_document() for finding in found.findings]}))
        return
    for finding in found.findings[:_SHOWN]:
        unit = f"{finding.subject} {finding.dataset}".strip()
        click.echo(f"{finding.kind:22} {unit:34} {finding.detail}  [{finding.key}]")
    if len(found.findings) > _SHOWN:
        click.echo(f"... and {len(found.findings) - _SHOWN} more (--output-format json lists them)")
    if not found.exists:
        click.echo(f"{found.lake}: no checkpoint of season {settings.season}: nothing to compare")
    elif not found.findings:
        click.echo(f"{found.lake}: checkpoint, archive and tables of season {settings.season} agree")
    elif dry_run:
        click.echo(
            f"dry run: {len(found.findings)} disagreements would be mended from the archive; nothing was written"
        )
