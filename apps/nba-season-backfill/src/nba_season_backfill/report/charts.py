"""The run over time: small charts that share one axis. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from nba_season_backfill.report.facts import RunFacts
from nba_season_backfill.report.markup import Element, tag
from nba_season_backfill.report.wording import duration, number

__all__ = ["busiest_hour", "refusal_times", "run_chart", "run_table"]

_WIDTH, _LEFT, _RIGHT = 1000.0, 64.0, 12.0
_BAND, _GAP = 84.0, 30.0
_HOUR = 3600.0
_MOST_BARS = 120
_MOST_MARKS = 80
_TABLE_ROWS = 24
_REFUSALS = ("throttled", "blocked", "transient", "contract_violation")

Points = Sequence[tuple[float, float]]


def run_chart(run: RunFacts) -> Element | None:
    """Answers a minute, the interval, time spent waiting, and what was refused; None where too little is known."""
    if len(run.points) < 2 or run.points[-1][0] <= run.points[0][0]:
        return None
    end = run.points[-1][0]

    def across(seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(seconds / end, 0.0), 1.0)

    answers = [
        (at, sum(run.points[place][run.columns.index(name)] for name in _answers(run)))
        for place, at in enumerate(point[0] for point in run.points)
    ]
    bands = [("Answers a minute", _bars(_rates(answers, end), across, "answers"))]
    # Without a pace there is nothing to see here.
    if any(value for _at, value in run.series("interval_seconds")):
        waited = [(at, seconds / 60) for at, seconds in run.series("waited_seconds")]
        bands += [
            ("Seconds between requests", _steps(run.series("interval_seconds"), across, end, "interval")),
            ("Minutes waited so far, all workers together", _line(waited, across, "waits")),
        ]
    bands.append(("Games settled", _line(run.series("games_done"), across, "games")))
    refused = refusal_times(run)
    height = len(bands) * (_BAND + _GAP) + (46 if refused else 0) + 24
    spoken = (
        f"The run over {duration(end)}: {number(run.requests)} answers, {number(run.games_done)} games settled, "
        f"{duration(run.waited_seconds)} of waiting by its workers, {number(len(refused))} moments with refusals. "
        "The table below has the numbers."
    )
    drawing = tag("svg", viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}", role="img", aria_label=spoken, class_="chart")
    y = 0.0
    for title, (top, marks) in bands:
        drawing.append(tag("text", title, x=_LEFT, y=y + 14, class_="band"))
        drawing.append(tag("text", top, x=_LEFT - 8, y=y + 28, class_="axis end"))
        drawing.append(tag("text", "0", x=_LEFT - 8, y=y + _BAND + _GAP - 6, class_="axis end"))
        group = tag("g", transform=f"translate(0 {y + 22:.0f})")
        group.append(tag("path", d=f"M{_LEFT} {_BAND}H{_WIDTH - _RIGHT}", class_="base"))
        group.extend(marks)
        drawing.append(group)
        y += _BAND + _GAP
    if refused:
        drawing.append(tag("text", "Refused or faulty", x=_LEFT, y=y + 14, class_="band"))
        drawing.extend(_refusals(refused, across, y + 30))
        y += 46
    drawing.extend(_clock(end, across, y + 14))
    return drawing


def _answers(run: RunFacts) -> list[str]:
    return [name for name in ("ok", "absent", *_REFUSALS) if name in run.columns]


def _rates(totals: Points, end: float) -> list[tuple[float, float, float]]:
    """Equal stretches of time as (begin, end, answers a minute)."""
    stretches = min(_MOST_BARS, max(1, len(totals) - 1))
    edges = [end * place / stretches for place in range(stretches + 1)]
    counts = [_total_at(totals, edge) for edge in edges]
    return [
        (begin, until, (after - before) * 60 / (until - begin))
        for (begin, until), (before, after) in zip(pairwise(edges), pairwise(counts), strict=True)
    ]


def _total_at(totals: Points, seconds: float) -> float:
    """A running total between two points, as if it grew evenly."""
    before = (0.0, 0.0)
    for point in totals:
        if point[0] >= seconds:
            span = point[0] - before[0]
            part = (seconds - before[0]) / span if span > 0 else 1.0
            return before[1] + (point[1] - before[1]) * part
        before = point
    return before[1]


def _bars(
    rates: Sequence[tuple[float, float, float]], across: Callable[[float], float], name: str
) -> tuple[str, list[Element]]:
    top = max((rate for _begin, _until, rate in rates), default=0.0) or 1.0
    parts = []
    for begin, until, rate in rates:
        left, right, height = across(begin), across(until), _BAND * rate / top
        if height >= 0.05:
            parts.append(f"M{left:.1f} {_BAND}V{_BAND - height:.1f}H{max(right - 0.8, left + 0.4):.1f}V{_BAND}z")
    return _top(top), [tag("path", d="".join(parts), class_=f"fill {name}")]


def _line(points: Points, across: Callable[[float], float], name: str) -> tuple[str, list[Element]]:
    highest = max((value for _at, value in points), default=0.0) or 1.0
    path = " ".join(f"{across(at):.1f},{_BAND - _BAND * value / highest:.1f}" for at, value in points)
    return _top(highest), [tag("polyline", points=path, class_=f"line {name}")]


def _steps(points: Points, across: Callable[[float], float], end: float, name: str) -> tuple[str, list[Element]]:
    highest = max((value for _at, value in points), default=0.0) or 1.0
    parts: list[str] = []
    for at, value in points:
        height = _BAND - _BAND * value / highest
        parts.append(f"M{across(at):.1f} {height:.1f}" if not parts else f"H{across(at):.1f}V{height:.1f}")
    parts.append(f"H{across(end):.1f}")
    return _top(highest), [tag("path", d="".join(parts), class_=f"line {name}")]


def _top(value: float) -> str:
    return number(value) if value >= 10 else f"{value:.1f}".removesuffix(".0")


def refusal_times(run: RunFacts) -> list[tuple[float, str, int]]:
    """(seconds, verdict, how many) for each stretch of time in which answers were refused or faulty."""
    stretch = max(run.points[-1][0] / _MOST_MARKS, 0.1) if run.points else 1.0
    found: dict[tuple[int, str], tuple[float, int]] = {}
    for name in _REFUSALS:
        for (_begin, before), (until, after) in pairwise(run.series(name)):
            if after > before:
                place = (int(until / stretch), name)
                at, count = found.get(place, (until, 0))
                found[place] = (at, count + round(after - before))
    return sorted((at, name, count) for (_place, name), (at, count) in found.items())


def _refusals(refused: Sequence[tuple[float, str, int]], across: Callable[[float], float], y: float) -> list[Element]:
    """A shape for each kind: throttled a triangle, blocked a square, transient a ring, contract a cross."""
    drawn = []
    for at, name, count in refused:
        x = across(at)
        told = tag("title", f"{duration(at)}: {count} {name.replace('_', ' ')}")
        path = {
            "throttled": f"M{x:.1f} {y - 5:.1f}l5 9h-10z",
            "blocked": f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z",
            "transient": f"M{x - 4:.1f} {y:.1f}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
            "contract_violation": f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8",
        }[name]
        drawn.append(tag("path", told, d=path, class_=f"mark {name}"))
    return drawn


def _clock(end: float, across: Callable[[float], float], y: float) -> list[Element]:
    """Times since the start, at round intervals."""
    choices = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
    step = next((each for each in choices if end / each <= 8), 86_400 * 7)
    texts = []
    for at in range(0, int(end) + 1, step):
        side = "start" if at == 0 else "middle"
        texts.append(tag("text", _since_start(at), x=across(at), y=y, class_=f"axis {side}"))
    return texts


def _since_start(seconds: int) -> str:
    if seconds == 0:
        return "start"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    return " ".join(part for part in parts if part)


def busiest_hour(run: RunFacts) -> int:
    """The most answers within any 3,600 seconds, as far as the points tell."""
    names = _answers(run)
    totals = [(point[0], sum(point[run.columns.index(name)] for name in names)) for point in run.points]
    most, first = 0.0, 0
    for at, total in totals:
        while totals[first][0] < at - _HOUR:
            first += 1
        before = totals[first - 1][1] if first else 0.0
        most = max(most, total - before)
    return round(most) if totals else run.requests


def run_table(run: RunFacts) -> Element:
    """Some of the points in numbers."""
    names = _answers(run)
    step = max(1, len(run.points) // _TABLE_ROWS)
    chosen = [*run.points[::step]]
    if run.points and chosen[-1] != run.points[-1]:
        chosen.append(run.points[-1])
    titles = ("Since the start", "Answers", "Games settled", "Interval, s", "Waited", "Refused or faulty")
    rows = []
    for point in chosen:
        told = dict(zip(run.columns, point, strict=False))
        cells = (
            number(sum(told[name] for name in names)),
            number(told.get("games_done", 0)),
            f"{told.get('interval_seconds', 0):.2f}",
            duration(told.get("waited_seconds", 0)),
            number(sum(told.get(name, 0) for name in _REFUSALS)),
        )
        row = tag("tr", tag("th", duration(told.get("seconds", 0)), scope="row"))
        row.extend(tag("td", cell) for cell in cells)
        rows.append(row)
    head = tag("tr", *(tag("th", title, scope="col") for title in titles))
    caption = tag("caption", "The run over time; numbers are totals since the start")
    return tag("table", caption, tag("thead", head), tag("tbody", *rows), class_="numbers")
