"""Coverage as a calendar: a column a week, a row a weekday, a square a day. Told by lightness and by shape. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from nba_season_backfill.report.facts import DatasetCoverage, DayCoverage
from nba_season_backfill.report.markup import Element, tag
from nba_season_backfill.report.wording import day_text, number

__all__ = ["LEVELS", "coverage_table", "heatmap", "legend", "level_of"]

_CELL, _PITCH = 11, 13
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


def heatmap(dataset: DatasetCoverage, first: dt.date, last: dt.date) -> Element:
    """One dataset between two days, as an SVG that scales; each day says its numbers on hover."""
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
    # One path for all days without a game: they say nothing, and there are many.
    idle = []
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        week, weekday = divmod((day - start).days, 7)
        x, y = _LEFT + week * _PITCH, _TOP + weekday * _PITCH
        found = dataset.days.get(day)
        if found is None:
            idle.append(f"M{x + 4} {y + 5.5}h3")
        else:
            drawing.append(_square(day, found, x, y))
    drawing.append(tag("path", d="".join(idle), class_="idle"))
    return drawing


def _months(start: dt.date, weeks: int) -> list[Element]:
    """The month's name above the week in which its first day lies."""
    labels = []
    for week in range(weeks):
        days = [start + dt.timedelta(days=week * 7 + weekday) for weekday in range(7)]
        begins = next((day for day in days if day.day == 1), days[0] if week == 0 else None)
        if begins is not None and not (week == 0 and days[-1].day + 14 > 28 and weeks > 3):
            labels.append(tag("text", f"{begins:%b}", x=_LEFT + week * _PITCH, y=11, class_="axis"))
    return labels


def _square(day: dt.date, found: DayCoverage, x: int, y: int) -> Element:
    level = level_of(found)
    parts = [f"{found.stored} of {found.games} stored"]
    parts += [f"{count} {what}" for count, what in ((found.failed, "failed"), (found.absent, "absent")) if count]
    told = tag("title", f"{day_text(day)}: {', '.join(parts)}")
    rect = tag("rect", x=x, y=y, width=_CELL, height=_CELL, rx=2, class_=level)
    if level not in ("failed", "absent"):
        rect.append(told)
        return rect
    # Not by colour alone: a cross, a dot.
    if level == "failed":
        mark = tag("path", d=f"M{x + 3} {y + 3}l5 5m0 -5l-5 5", class_="cross")
    else:
        mark = tag("circle", cx=x + 5.5, cy=y + 5.5, r=1.8, class_="dot")
    return tag("g", told, rect, mark)


def legend() -> Element:
    """What the squares mean."""
    items = []
    for place, (level, meaning) in enumerate(LEVELS):
        square = _square(dt.date(2000, 1, 1), _example(level), 0, 0)
        for title in [*square.findall("title")]:
            square.remove(title)
        picture = tag("svg", square, viewBox="0 0 11 11", width=11, height=11, aria_hidden="true")
        items.append(tag("li", picture, " ", meaning, class_=f"level-{place}"))
    return tag("ul", *items, class_="legend", aria_label="What the squares mean")


def _example(level: str) -> DayCoverage:
    return {
        "full": DayCoverage(2, 2),
        "most": DayCoverage(2, 1),
        "some": DayCoverage(3, 1),
        "none": DayCoverage(2),
        "absent": DayCoverage(2, absent=2),
        "failed": DayCoverage(2, failed=1),
    }[level]


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
