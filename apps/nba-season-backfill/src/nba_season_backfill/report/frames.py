"""What the parts of the page are made of: a section with its heading, what folds away, what scrolls. Pure."""

from __future__ import annotations

from nba_season_backfill.report.facts import RunFacts
from nba_season_backfill.report.markup import Child, Element, tag

__all__ = ["folded", "lasted_seconds", "scrolling", "section"]


def section(name: str, title: str, *children: Child) -> Element:
    return tag("section", tag("h2", title, id=f"{name}-title"), *children, id=name, aria_labelledby=f"{name}-title")


def folded(summary: str, *children: Child) -> Element:
    return tag(
        "details",
        tag("summary", summary),
        tag("div", *children, class_="scroll", tabindex="0", role="group", aria_label=summary),
    )


def scrolling(label: str, *children: Child) -> Element:
    return tag("div", *children, class_="scroll", tabindex="0", role="group", aria_label=label)


def lasted_seconds(run: RunFacts | None) -> float | None:
    if run is None or run.ended_at is None:
        return None
    return (run.ended_at - run.started_at).total_seconds()
