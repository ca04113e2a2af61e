"""What is printed at the end: one object, as text for people or as JSON for programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.plan import Plan
from nba_season_backfill.season import Season

__all__ = ["human_bytes", "human_seconds", "plan_document", "plan_text", "seasons_text", "summary_text"]


def human_seconds(seconds: float) -> str:
    """``5 h 07 min``, ``12 min 30 s``, ``4.2 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def human_bytes(size: float) -> str:
    """Bytes in powers of 1,000: ``83.1 MB``."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _lines(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)


def summary_text(summary: Summary) -> str:
    """The run in a dozen lines: done, skipped, failed, requested, written, and where."""
    simulated = "  (simulated data)" if summary.simulated else ""
    not_final = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in summary.games_not_final.items())
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(summary.requests_by_verdict.items()))
    written = (
        f"{human_bytes(summary.archived_bytes)} raw, {human_bytes(summary.table_bytes)} Parquet, "
        f"{summary.commits} commits"
        + (f"; {summary.store_throttled} times asked for fewer requests" if summary.store_throttled else "")
    )
    rows = [
        ("season", f"{summary.season}{simulated}"),
        ("outcome", f"{summary.outcome.replace('_', ' ')} (exit {summary.exit_code})"),
        (
            "games",
            f"{summary.games_done} done, {summary.games_already_complete} complete before, {summary.games_left} left"
            + (f"; not final: {not_final}" if not_final else ""),
        ),
        (
            "answers",
            f"{summary.units_stored} stored, {summary.units_absent} absent, {summary.units_failed} failed"
            + (f"; {summary.units_from_archive} of them from the archive" if summary.units_from_archive else ""),
        ),
        ("requests", f"{summary.requests}" + (f" ({verdicts})" if verdicts else "")),
        ("written", written),
        (
            "time",
            f"{human_seconds(summary.duration_in_seconds)}, {human_seconds(summary.waited_seconds)} of it waiting",
        ),
        ("lake", summary.lake),
        ("checkpoint", summary.checkpoint),
    ]
    rows += _since_the_last_time(summary)
    rows += [("warning", text) for text in summary.warnings]
    rows += _validation(summary)
    for dataset, fields in summary.drift.items():
        rows.append(("new fields", f"{dataset}: {', '.join(fields[:8])}{' ...' if len(fields) > 8 else ''}"))
    for failure in summary.failures[:10]:
        rows.append(("failed", f"{failure.game_id} {failure.dataset}: {failure.reason}"))
    if len(summary.failures) > 10:
        rows.append(("failed", f"... and {len(summary.failures) - 10} more (status lists them)"))
    if summary.quarantined:
        rows.append(("quarantine", f"{summary.quarantined} refused answers (`nba-backfill quarantine list` says why)"))
    if summary.findings_mended:
        rows.append(("mended", f"{summary.findings_mended} audit findings"))
    for finding in summary.findings[:10]:
        where = " ".join(str(finding[name]) for name in ("game_id", "table", "column") if finding.get(name))
        rows.append(("finding", f"{finding['kind']} {where}: {finding['detail']}"))
    if summary.findings_in_all > 10:
        rows.append(("finding", f"... and {summary.findings_in_all - 10} more (`nba-backfill audit` lists them)"))
    return _lines(rows)


def seasons_text(ended: Sequence[tuple[Season, int]], asked_for: int) -> str:
    """How each of several seasons ended: a line each, and how many were not begun."""
    rows = [(str(season), "complete" if code == 0 else f"ended with exit code {code}") for season, code in ended]
    if len(ended) < asked_for:
        rows.append(("", f"{asked_for - len(ended)} more were not begun"))
    return _lines(rows)


def _validation(summary: Summary) -> list[tuple[str, str]]:
    """What the checks over the rows found; nothing where there is nothing to say."""
    counts = {
        "missing": summary.missing,
        "type errors": summary.type_errors,
        "outliers": summary.outliers,
        "rows refused": summary.filtered_out_count,
    }
    if not any(counts.values()):
        return []
    checked = sum(each.rows for each in summary.validation.values())
    rows = [("validation", ", ".join([f"{checked} rows passed", *(f"{n} {what}" for what, n in counts.items() if n)]))]
    for dataset, each in summary.validation.items():
        rows += [("outlier", f"{dataset}: {example}") for example in each.examples[:2]]
    return rows


def _since_the_last_time(summary: Summary) -> list[tuple[str, str]]:
    """How far the season is complete, what was corrected, which games moved."""
    rows = []
    if summary.watermark is not None:
        rows.append(("complete", f"every game up to {summary.watermark} (US Eastern)"))
    if summary.since is not None:
        rows.append(("looked at", f"games since {summary.since}"))
    if summary.corrections:
        rows.append(("corrected", f"{summary.corrections} values: see the table stat-corrections"))
    if summary.games_moved:
        rows.append(("moved", f"{summary.games_moved} games to another date"))
    return rows


def plan_document(plan: Plan, interval_seconds: float, requests_per_hour: int) -> dict[str, object]:
    """The plan as JSON."""
    return {
        "season": str(plan.season),
        "games_selected": plan.selected_games,
        "games_to_do": plan.games_to_do,
        "games_not_final": dict(plan.not_final),
        "requests": plan.requests,
        "season_requests": plan.season_requests,
        "units_committed": plan.committed_units,
        "units_absent": plan.absent_units,
        "units_never_existed": plan.never_existed,
        "interval_seconds": interval_seconds,
        "requests_per_hour": requests_per_hour,
        "seconds": round(plan.seconds(interval_seconds, requests_per_hour), 1),
        "bytes": plan.bytes_foreseen,
        "missing_ids": list(plan.missing_ids),
        "exact": not plan.assumptions,
        "assumptions": list(plan.assumptions),
    }


def plan_text(plan: Plan, interval_seconds: float, requests_per_hour: int, *, lake: str, dry_run: bool) -> str:
    """The plan in a few lines: games, requests, time at the pace, bytes, and what was assumed."""
    seconds = plan.seconds(interval_seconds, requests_per_hour)
    if interval_seconds == 0 and not requests_per_hour:
        pace = "no pace (loopback): as fast as it answers"
    else:
        pace = f"{human_seconds(seconds)} at a request every {interval_seconds:g} s"
        if requests_per_hour and 3600 / requests_per_hour > interval_seconds:
            pace += f", bound by the budget of {requests_per_hour} an hour (--request-budget 0 lifts it)"
    games = plan.games_to_do if not plan.assumptions else plan.selected_games
    not_final = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in plan.not_final.items())
    rows = [
        ("season", str(plan.season)),
        ("games", f"{games} to do of {plan.selected_games}" + (f"; not final: {not_final}" if not_final else "")),
        ("requests", f"{plan.requests} ({plan.season_requests} for the season's lists)"),
        ("stored before", f"{plan.committed_units} answers, {plan.absent_units} known to be absent"),
        ("time", pace),
        ("bytes", f"about {human_bytes(plan.bytes_foreseen)}"),
        ("lake", lake),
    ]
    rows += [("unknown game", game_id) for game_id in plan.missing_ids]
    rows += [("assumed", text) for text in plan.assumptions]
    if dry_run:
        rows.append(("dry run", "configuration valid; nothing was fetched, nothing was written"))
    return _lines(rows)


def utc_text(moment: dt.datetime) -> str:
    """``2025-04-13 21:30 UTC``."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
