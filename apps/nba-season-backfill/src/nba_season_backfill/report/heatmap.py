"""Coverage as a calendar: a column a week, a row a weekday, a square a day. Told by lightness and by shape. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from nba_season_backfill.report.facts import DatasetCoverage, DayCoverage
from nba_season_backfill.report.markup import Element, tag
from nba_season_backfill.report.wording import number

__all__ = ["LEVELS", "coverage_table", "heatmap", "legend", "level_of"]

# A square is 11 wide (style.css), and 2 lie between two of them.
_PITCH = 13
_LEFT, _TOP = 30, 18

LEVELS = (
    ("full", "every game stored"),
    ("most", "half or more"),
    ("some", "less than half"),
    ("none", "none yet"),
    ("absent", "offered by nobody"),
    ("failed", "a game failed"),
)
"""Class of a square and what it means."""


def level_of(day: DayCoverage) -> str:
    """Which square a day gets: a failure outweighs everything, an absence counts as settled."""
    if day.failed:
        return "failed"
    settled = day.stored + day.absent
    if settled >= day.games:
        return "full" if day.stored else "absent"
    if settled * 2 >= day.games:
        return "most"
    return "some" if settled else "none"


def heatmap(dataset: DatasetCoverage, first: dt.date, last: dt.date, *, brief: bool = False) -> Element:
    """One dataset between two days, as an SVG that scales; each day says its numbers on hover.

    Args:
        brief: only days with failures do: for a page of many datasets.
    """
    start = first - dt.timedelta(days=first.weekday())
    weeks = (last - start).days // 7 + 1
    width, height = _LEFT + weeks * _PITCH, _TOP + 7 * _PITCH
    total = dataset.total
    spoken = (
        f"{dataset.name}: {number(total.stored)} of {number(total.games)} games stored, {number(total.failed)} failed, "
        f"{number(total.absent)} absent, {number(total.open)} not fetched yet. The table below has every day."
    )
    drawing = tag(
        "svg",
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=spoken,
        class_="heatmap",
        width=width,
        height=height,
    )
    drawing.extend(_months(start, weeks))
    for row, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun")):
        drawing.append(tag("text", name, x=0, y=_TOP + row * _PITCH + 9, class_="axis"))
    # One path for all marks of a kind, and for all days without a game: there can be many.
    idle, crosses, dots = [], [], []
    silent: dict[str, list[str]] = {}
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        week, weekday = divmod((day - start).days, 7)
        x, y = _LEFT + week * _PITCH, _TOP + weekday * _PITCH
        found = dataset.days.get(day)
        if found is None:
            idle.append(f"M{x + 4} {y + 5.5}h3")
            continue
        level = level_of(found)
        if brief and level != "failed":
            silent.setdefault(level, []).append(f"M{x} {y}h11v11h-11z")
        else:
            drawing.append(tag("rect", tag("title", _told(day, found)), x=x, y=y, class_=level))
        if level == "failed":
            crosses.append(_cross(x, y))
        elif level == "absent":
            dots.append(_dot(x, y))
    for marks, name in (
        *((each, level) for level, each in silent.items()),
        (idle, "idle"),
        (crosses, "cross"),
        (dots, "dot"),
    ):
        if marks:
            drawing.append(tag("path", d="".join(marks), class_=name))
    return drawing


def _cross(x: int, y: int) -> str:
    return f"M{x + 3} {y + 3}l5 5m0-5l-5 5"


def _dot(x: int, y: int) -> str:
    return f"M{x + 5.5} {y + 5.5}h0"


def _months(start: dt.date, weeks: int) -> list[Element]:
    """The month's name above the week in which its first day lies."""
    labels = []
    for week in range(weeks):
        days = [start + dt.timedelta(days=week * 7 + weekday) for weekday in range(7)]
        begins = next((day for day in days if day.day == 1), days[0] if week == 0 else None)
        if begins is not None and not (week == 0 and days[-1].day + 14 > 28 and weeks > 3):
            labels.append(tag("text", f"{begins:%b}", x=_LEFT + week * _PITCH, y=11, class_="axis"))
    return labels


def _told(day: dt.date, found: DayCoverage) -> str:
    parts = [f"{found.stored} of {found.games}"]
    parts += [f"{count} {what}" for count, what in ((found.failed, "failed"), (found.absent, "absent")) if count]
    return f"{day:%a} {day.day} {day:%b}: {', '.join(parts)}"


def legend() -> Element:
    """What the squares mean."""
    items = []
    for level, meaning in LEVELS:
        picture = tag("svg", tag("rect", x=0, y=0, class_=level), viewBox="0 0 11 11", width=11, height=11)
        picture.set("aria-hidden", "true")
        picture.set("class", "square")
        # Not by colour alone.
        mark = {"failed": _cross(0, 0), "absent": _dot(0, 0)}.get(level)
        if mark:
            picture.append(tag("path", d=mark, class_="cross" if level == "failed" else "dot"))
        items.append(tag("li", picture, " ", meaning))
    return tag("ul", *items, class_="legend", aria_label="What the squares mean")


def coverage_table(coverage: Sequence[DatasetCoverage]) -> Element:
    """The same in numbers: a row a day, a column a dataset."""
    days = sorted({day for dataset in coverage for day in dataset.days})
    head = tag("tr", tag("th", "Day", scope="col"), tag("th", "Games", scope="col"))
    head.extend(tag("th", dataset.name, scope="col") for dataset in coverage)
    rows = []
    for day in days:
        found = [dataset.days.get(day, DayCoverage()) for dataset in coverage]
        row = tag("tr", tag("th", day.isoformat(), scope="row"), tag("td", max(each.games for each in found)))
        row.extend(tag("td", _cell(each)) for each in found)
        rows.append(row)
    caption = tag("caption", "Games stored, by US Eastern date and dataset")
    return tag("table", caption, tag("thead", head), tag("tbody", *rows), class_="numbers")


def _cell(day: DayCoverage) -> str:
    more = [f"{count} {what}" for count, what in ((day.failed, "failed"), (day.absent, "absent")) if count]
    return ", ".join([str(day.stored), *more])
