"""A page of facts and tables, written for people (rich, Markdown) or for programs (JSON, CSV, Parquet)."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import io
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from nba_season_backfill.errors import UsageError
from nba_season_backfill.query import Explanation
from nba_season_backfill.rendering import human_bytes

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Page", "Sheet", "write"]

_SIMULATED = "simulated data: the sample season"
_MANY = 2000
_SHORT = {
    "season_type": "type",
    "team_tricode": "team",
    "opponent_tricode": "opp",
    "home_tricode": "home",
    "away_tricode": "away",
    "home_score": "pts",
    "away_score": "pts",
    "is_home": "at",
    "won": "w/l",
    "team_points": "for",
    "opponent_points": "against",
    "minutes_played": "min",
    "minutes": "min",
    "points": "pts",
    "rebounds_total": "reb",
    "assists": "ast",
    "steals": "stl",
    "blocks": "blk",
    "turnovers": "to",
    "field_goals_made": "fgm",
    "field_goals_attempted": "fga",
    "three_pointers_made": "3pm",
    "free_throws_made": "ftm",
    "plus_minus_points": "+/-",
    "offensive_rating": "ortg",
    "defensive_rating": "drtg",
    "usage_percentage": "usage",
    "true_shooting_percentage": "ts%",
    "clock_seconds_left": "left",
    "score_home": "home",
    "score_away": "away",
}
_SHARES = ("percentage", "pie", "ratio")
# Never cut short: what one goes on with.
_WHOLE = frozenset({"game_id", "game_date", "minutes", "name_i", "stat", "team_tricode", "opponent_tricode"})
_SHORT_VALUES = {
    "Regular Season": "regular",
    "Playoffs": "playoffs",
    "Pre Season": "preseason",
    "PlayIn": "play-in",
    "IST": "cup final",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a page. ``shown``: the columns that people get, unless they ask for all."""

    name: str
    table: pa.Table
    shown: tuple[str, ...] = ()

    def columns(self, *, wide: bool) -> list[str]:
        """The columns for people: of the shown ones those in which anything stands."""
        names = list(self.table.column_names)
        if wide or not self.shown:
            return names
        return [name for name in self.shown if name in names and any(self.table.column(name).to_pylist()[:_MANY])]


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: its title, facts and tables. The first table is what CSV and Parquet have.

    ``shown``: the facts that people get, unless they ask for all.
    """

    title: str
    sheets: Sequence[Sheet]
    explanations: Sequence[Explanation]
    facts: Mapping[str, Any] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    simulated: bool = False


def write(page: Page, format_: str | None, *, wide: bool, explain: bool) -> None:
    """Write a page to standard output; what it cost, and that it is simulated, to standard error.

    Raises:
        UsageError: Parquet to a terminal.
    """
    chosen = format_ or ("table" if sys.stdout.isatty() else "json")
    match chosen:
        case "json":
            click.echo(json.dumps(_document(page), default=_jsonable, ensure_ascii=False))
        case "csv":
            click.echo(_csv(page.sheets[0].table), nl=False)
        case "parquet":
            if sys.stdout.isatty():
                raise UsageError("Parquet is nothing for a terminal", hint="redirect it: --format parquet > FILE")
            sys.stdout.buffer.write(_parquet(page.sheets[0].table, simulated=page.simulated))
        case "markdown":
            click.echo(_markdown(page, wide=wide))
        case _:
            _print(page, wide=wide)
    if page.simulated and chosen != "json":
        click.echo(_SIMULATED, err=True)
    if explain:
        for explanation in page.explanations:
            click.echo(_explained(explanation), err=True)


def _document(page: Page) -> Any:
    """Facts and tables by name; a page that is one table and nothing else is a list of its rows."""
    if not page.facts and len(page.sheets) == 1:
        return _numbers(page.sheets[0].table.to_pylist())
    return {**page.facts, **{sheet.name: _numbers(sheet.table.to_pylist()) for sheet in page.sheets}}


def _numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """JSON knows no NaN and no infinity: null."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                row[name] = None
    return rows


def _jsonable(value: object) -> object:
    if isinstance(value, decimal.Decimal):
        # What SQL sums whole numbers to.
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _csv(table: pa.Table) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        writer.writerow([_csv_cell(value) for value in row])
    return sink.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=_jsonable, ensure_ascii=False)
    return _jsonable(value) if isinstance(value, dt.date | dt.time) else value


def _parquet(table: pa.Table, *, simulated: bool) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    known = dict(table.schema.metadata or {})
    marked = table.replace_schema_metadata({**known, b"hoopstat.simulated": b"true" if simulated else b"false"})
    try:
        pq.write_table(marked, sink, compression="zstd")
    except pa.ArrowNotImplementedError as error:
        # Which column it is Arrow does not say; each alone tells.
        for column in table.schema:
            if not _fits_parquet(column):
                raise UsageError(
                    f"Parquet has no type for column {column.name!r} ({column.type})",
                    hint="cast it, or ask for another format: --format json",
                ) from None
        raise UsageError(f"not possible in Parquet: {error}", hint="ask for another format: --format json") from None
    return bytes(sink.getvalue())


def _fits_parquet(column: pa.Field) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(pa.schema([column]).empty_table(), pa.BufferOutputStream())
    except pa.ArrowNotImplementedError:
        return False
    return True


def _cell(name: str, value: object) -> str:
    """A value for people."""
    if value is None:
        return ""
    if isinstance(value, bool):
        words = {"is_home": ("home", "away"), "won": ("W", "L")}.get(name, ("yes", "no"))
        return words[0] if value else words[1]
    if isinstance(value, float):
        if name == "plus_minus_points":
            return f"{value:+g}"
        return f"{value:.3f}" if name.endswith(_SHARES) else f"{value:.1f}"
    if isinstance(value, dict | list):
        return json.dumps(value, default=_jsonable, ensure_ascii=False)
    if isinstance(value, dt.date | dt.time):
        return str(_jsonable(value))
    return _SHORT_VALUES.get(str(value), str(value)) if name == "season_type" else str(value)


def _heading(name: str) -> str:
    return _SHORT.get(name) or name.replace("_", " ")


def _told(page: Page, *, wide: bool) -> list[tuple[str, str]]:
    """The facts for people."""
    names = [name for name in page.facts if wide or not page.shown or name in page.shown]
    told = [(name, page.facts[name]) for name in names]
    return [(name.replace("_", " "), _cell(name, value)) for name, value in told if value not in (None, {}, [], "")]


def _rows(sheet: Sheet, names: Sequence[str]) -> list[list[str]]:
    columns = [sheet.table.column(name).slice(0, _MANY).to_pylist() for name in names]
    return [[_cell(name, value) for name, value in zip(names, row, strict=True)] for row in zip(*columns, strict=True)]


def _rest(sheet: Sheet) -> str:
    more = sheet.table.num_rows - _MANY
    return f"... and {more} more rows (--format csv has all)" if more > 0 else ""


def _print(page: Page, *, wide: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, soft_wrap=False)
    console.print(Text(page.title, style="bold"))
    facts = _told(page, wide=wide)
    if facts:
        grid = Table.grid(padding=(0, 2))
        for name, text in facts:
            grid.add_row(Text(name, style="dim"), Text(text))
        console.print(grid)
    for sheet in page.sheets:
        names = sheet.columns(wide=wide)
        title = sheet.name.replace("_", " ") if len(page.sheets) > 1 else None
        made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        for name in names:
            made.add_column(
                _heading(name), justify="right" if _is_number(sheet.table, name) else "left", no_wrap=name in _WHOLE
            )
        rows = _rows(sheet, names)
        for number, name in enumerate(names):
            if name in _WHOLE:
                made.columns[number].min_width = max((len(row[number]) for row in rows), default=0)
        for row in rows:
            made.add_row(*(Text(text) for text in row))
        console.print(made)
        if rest := _rest(sheet):
            console.print(rest)


def _is_number(table: pa.Table, name: str) -> bool:
    import pyarrow as pa

    kind = table.schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _markdown(page: Page, *, wide: bool) -> str:
    parts = [f"## {page.title}"]
    facts = [f"- {name}: {_escaped(text)}" for name, text in _told(page, wide=wide)]
    parts += ["\n".join(facts)] if facts else []
    for sheet in page.sheets:
        names = sheet.columns(wide=wide)
        lines = ["| " + " | ".join(map(_heading, names)) + " |"]
        lines.append("|" + "|".join("---:" if _is_number(sheet.table, name) else "---" for name in names) + "|")
        lines += ["| " + " | ".join(map(_escaped, row)) + " |" for row in _rows(sheet, names)]
        if len(page.sheets) > 1:
            parts.append(f"### {sheet.name.replace('_', ' ')}")
        parts.append("\n".join(lines))
        parts += [rest] if (rest := _rest(sheet)) else []
    if page.simulated:
        parts.append(f"*{_SIMULATED}*")
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _explained(explanation: Explanation) -> str:
    """What it cost, in lines."""
    requests = ", ".join(f"{number} {name}" for name, number in sorted(explanation.requests.items())) or "none"
    total = sum(explanation.requests.values())
    read_again = f", {explanation.again} read again because they changed" if explanation.again else ""
    cost = f"{human_bytes(explanation.bytes_read)}, {explanation.seconds * 1000:.0f} ms, from {explanation.store}"
    passed = f"{explanation.partitions_passed_over} passed over{read_again}"
    lines = [f"requests  {total} ({requests}), {cost}", f"files     {len(explanation.files)} read, {passed}"]
    for read in explanation.files:
        groups = f", {read.row_groups} of {read.row_groups_in_file} row groups" if read.row_groups_in_file else ""
        width = f" of {read.columns_in_file}" if read.columns_in_file else ""
        columns = f", {len(read.columns)}{width} columns" if read.columns else ""
        lines.append(f"  {read.key}: {read.how}, {human_bytes(read.bytes_read)}{groups}{columns}")
    columns_read = list(dict.fromkeys(name for read in explanation.files for name in read.columns))
    if columns_read:
        lines.append(f"columns   {', '.join(columns_read)}")
    return "\n".join(lines + ([explanation.plan] if explanation.plan else []))
