"""``nba-backfill runs``: which runs there were, and what one of them did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import click

from hoopstat_config import GroupedCommand, GroupedGroup, click_options
from nba_season_backfill.settings import BackfillSettings

__all__ = ["runs"]

_LAKE = ("output", "s3_bucket", "s3_prefix", "s3_endpoint_url", "aws_region", "league")
_TOLD = ("log_format", "log_level", "log_file", "output_format")

_config_file = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    envvar="NBA_BACKFILL_CONFIG",
    help="Read settings from a file (toml, yaml or json)  [env: NBA_BACKFILL_CONFIG]",
)


@click.group(cls=GroupedGroup, invoke_without_command=True)
@click_options(BackfillSettings, only=("season", *_LAKE, *_TOLD))
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many runs.")
@_config_file
@click.pass_context
def runs(ctx: click.Context, /, config_file: str | None, last: int, **_options: Any) -> None:
    """List the latest runs in the lake, of every season unless one is named; `runs show RUN_ID` shows one."""
    if ctx.invoked_subcommand is not None:
        return
    from nba_season_backfill.backfill.looking import latest_runs
    from nba_season_backfill.cli.entry import load_settings
    from nba_season_backfill.cli.running import quiet, seasons_of

    settings = load_settings(ctx, config_file)
    quiet(settings)
    named = settings.origin("season").explicit
    seasons = tuple(str(season) for season in seasons_of(settings)) if named else None
    found = latest_runs(settings, most=last, seasons=seasons)
    if settings.output_format == "json":
        click.echo(json.dumps(found))
    elif not found:
        click.echo("no run is recorded in this lake" + (f" for season {settings.season}" if named else ""))
    else:
        _table([_line(run) for run in found])


@runs.command(cls=GroupedCommand)
@click.argument("run_id")
@click_options(BackfillSettings, only=(*_LAKE, *_TOLD))
@_config_file
@click.pass_context
def show(ctx: click.Context, /, run_id: str, config_file: str | None, **_options: Any) -> None:
    """Show a run's flight record: what it was to do, what it did, what went wrong. A part of its id may be enough."""
    from nba_season_backfill.backfill.looking import flight_record
    from nba_season_backfill.cli.entry import load_settings
    from nba_season_backfill.cli.running import quiet

    settings = load_settings(ctx, config_file)
    quiet(settings)
    record = flight_record(settings, run_id)
    click.echo(json.dumps(record) if settings.output_format == "json" else record_text(record))


# A run's id begins with its start, in UTC.
_HEADINGS = ("RUN", "COMMAND", "SEASON", "TOOK", "OUTCOME", "EXIT", "GAMES", "REQUESTS", "MESSAGE")
_OUTCOME = _HEADINGS.index("OUTCOME")
_COLOURS = {"complete": "green", "nothing_to_do": "green", "running": "cyan", "skipped": "yellow"}
_WIDE = 200


def _line(run: Mapping[str, Any]) -> tuple[str, ...]:
    from nba_season_backfill.rendering import human_seconds

    return (
        run["run_id"],
        run["command"],
        run["season"],
        human_seconds(run["duration_in_seconds"]),
        run["outcome"],
        "" if run["exit_code"] is None else str(run["exit_code"]),
        "" if run["games_done"] is None else str(run["games_done"]),
        "" if run["requests"] is None else str(run["requests"]),
        " ".join((run["message"] or "").split()),
    )


def _table(lines: Sequence[tuple[str, ...]]) -> None:
    """Columns; a message that does not fit beside them stands below."""
    rows = [_HEADINGS, *lines]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS) - 1)]
    room = shutil.get_terminal_size((_WIDE, 24)).columns - sum(widths) - 2 * len(widths)
    for row in rows:
        *cells, message = row
        shown = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if row is not _HEADINGS:
            # Colours are left out where nobody sees them.
            shown[_OUTCOME] = click.style(shown[_OUTCOME], fg=_COLOURS.get(cells[_OUTCOME], "red"))
        beside = len(message) <= room
        click.echo("  ".join([*shown, message] if beside else shown).rstrip())
        if not beside and row is not _HEADINGS:
            click.echo(f"    {message}")


def record_text(record: Mapping[str, Any]) -> str:
    """A flight record for people: the facts, what was said and when, errors with their traces, and every setting."""
    outcome = record.get("outcome") or record["state"]
    code = "" if record.get("exit_code") is None else f" (exit {record['exit_code']})"
    process, versions = record.get("process") or {}, record.get("versions") or {}
    rows = [
        ("run", f"{record['run_id']}  ({record['state']})"),
        ("command", f"{record['command']} of {record['season']} from {record['source']}"),
        ("outcome", f"{outcome}{code}"),
        ("message", record.get("message") or ""),
        ("started", record["started_at"]),
        ("ended", record.get("ended_at") or f"not yet; last heard of {record['updated_at']}"),
        ("closed by", record.get("closed_by") or ""),
        ("plan", _pairs(record.get("plan"))),
        ("did", _pairs(record.get("summary") or record.get("progress"))),
        ("where", f"{process.get('host')} pid {process.get('pid')}"),
        ("versions", _pairs(versions)),
        ("settings", _pairs(record.get("config"))),
    ]
    timeline = record.get("timeline") or {}
    rows += [(f"at {mark['seconds']:g} s", mark["what"]) for mark in timeline.get("marks", ())]
    lines = [f"{name:10}  {value}" for name, value in rows if value]
    for error in record.get("errors") or ():
        lines += ["", f"{error['type']}: {error['message']}", *([error["hint"]] if error["hint"] else [])]
        lines.append(error["traceback"].rstrip())
    return "\n".join(lines)


def _pairs(document: Mapping[str, Any] | None) -> str:
    """``name=value`` of what is there and is not empty."""
    found = []
    for name, value in (document or {}).items():
        if value in (None, "", 0, False) or value in ([], {}):
            continue
        shown = _pairs(value) if isinstance(value, dict) else value
        found.append(f"{name}=({shown})" if isinstance(value, dict) else f"{name}={shown}")
    return ", ".join(found)
