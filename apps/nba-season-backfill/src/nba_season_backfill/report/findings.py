"""The lower parts of the page: what failed, what the audit found, how fresh all is, the runs before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nba_season_backfill.report.facts import Failure, ReportFacts
from nba_season_backfill.report.frames import folded, scrolling, section
from nba_season_backfill.report.markup import Child, Element, shortened, tag
from nba_season_backfill.report.wording import (
    OUTCOMES,
    VERDICTS,
    age_text,
    duration,
    moment_text,
    number,
    what_to_do,
)

__all__ = ["audit", "details", "failures", "freshness", "history"]

_MOST_GROUPS = 60


def failures(facts: ReportFacts) -> Element:
    """What is missing and should not be, and what helps."""
    if not facts.failures:
        return section(
            "failures", "Failures", tag("p", "Nothing failed: no answer is missing or doubtful.", class_="calm good")
        )
    by_verdict: dict[str, list[Failure]] = {}
    for failure in facts.failures:
        by_verdict.setdefault(failure.verdict, []).append(failure)
    parts: list[Child] = []
    for verdict, found in by_verdict.items():
        words = VERDICTS.get(verdict, "other reasons")
        parts.append(tag("h3", f"{words[0].upper()}{words[1:]}: {number(len(found))}"))
        parts.append(tag("p", tag("strong", "What to do: "), what_to_do(verdict)))
        parts.append(scrolling(f"Failures: {words}", _failure_table(found)))
    if facts.failures_in_all > len(facts.failures):
        rest = facts.failures_in_all - len(facts.failures)
        parts.append(
            tag("p", f"And {number(rest)} more: nba-backfill status --output-format json lists them.", class_="calm")
        )
    return section("failures", "Failures and what to do", *parts)


def _failure_table(found: Iterable[Failure]) -> Element:
    titles = ("Date", "Game", "Dataset", "Tries", "Why")
    rows = [
        tag(
            "tr",
            tag("td", failure.game_date.isoformat() if failure.game_date else "–"),
            tag("th", tag("code", failure.game_id), " ", shortened(failure.game, 60), scope="row"),
            tag("td", failure.dataset),
            tag("td", failure.attempts),
            tag("td", shortened(failure.reason), class_="why"),
        )
        for failure in found
    ]
    return tag(
        "table",
        tag("thead", tag("tr", *(tag("th", title, scope="col") for title in titles))),
        tag("tbody", *rows),
        class_="plain",
    )


def audit(facts: ReportFacts) -> Element:
    """What the audit found, by kind."""
    found = facts.audit
    if not found.done:
        return section("audit", "Audit", tag("p", found.why_not or "Not audited.", class_="calm"))
    parts: list[Child] = [tag("p", f"Compared: {found.checked}.", class_="lead")]
    if not found.groups:
        parts.append(
            tag(
                "p",
                "No findings: what is stored agrees with checkpoint, archive and the season's lists.",
                class_="calm good",
            )
        )
    for group in found.groups[:_MOST_GROUPS]:
        parts.append(tag("h3", tag("code", group.kind), f" {number(group.count)}"))
        parts.append(
            tag(
                "p",
                f"{group.meaning[:1].upper()}{group.meaning[1:]}. ",
                tag("strong", "What to do: "),
                group.what_to_do,
            )
        )
        parts.append(tag("ul", *(tag("li", shortened(example)) for example in group.examples)))
    if found.accepted:
        parts.append(tag("p", f"{number(found.accepted)} more were accepted by a person.", class_="calm"))
    parts += [tag("p", shortened(note), class_="calm") for note in found.notes]
    return section("audit", "Audit", *parts)


def freshness(facts: ReportFacts) -> Element:
    """How new everything is, at the time of the report."""
    now = facts.made_at
    rows = [
        tag(
            "tr",
            tag("th", each.dataset, scope="row"),
            tag("td", each.newest_game.isoformat() if each.newest_game else "–"),
            tag("td", moment_text(each.fetched_at)),
            tag("td", age_text(each.fetched_at, now)),
            tag("td", number(each.rows)),
        )
        for each in facts.freshness
    ]
    rows.append(
        tag(
            "tr",
            tag("th", "games (the season's lists)", scope="row"),
            tag("td", facts.newest_final.isoformat() if facts.newest_final else "–"),
            tag("td", moment_text(facts.lists_written_at)),
            tag("td", age_text(facts.lists_written_at, now)),
            tag("td", number(facts.games_known)),
        )
    )
    titles = ("Dataset", "Newest game", "Last fetched or changed", "Age", "Rows")
    table = tag(
        "table",
        tag("caption", "Newest game and newest answer of each dataset"),
        tag("thead", tag("tr", *(tag("th", title, scope="col") for title in titles))),
        tag("tbody", *rows),
        class_="numbers",
    )
    lead = f"Last commit: {moment_text(facts.committed_at)}, {age_text(facts.committed_at, now)} this report."
    return section("freshness", "Freshness", tag("p", lead, class_="lead"), scrolling("Freshness", table))


def history(facts: ReportFacts) -> Element | None:
    """The runs before."""
    if not facts.history:
        return None
    rows = []
    for past in facts.history:
        tone, words = OUTCOMES.get(past.outcome, ("plain", past.outcome.replace("_", " ")))
        rows.append(
            tag(
                "tr",
                tag("th", moment_text(past.started_at), scope="row"),
                tag("td", past.command),
                tag("td", tag("span", words, class_=f"badge {tone}")),
                tag("td", duration(past.seconds)),
                tag("td", number(past.games_done)),
                tag("td", number(past.requests)),
            )
        )
    titles = ("Start", "Command", "Outcome", "Duration", "Games", "Requests")
    table = tag(
        "table",
        tag("caption", "The last runs over this season, newest first"),
        tag("thead", tag("tr", *(tag("th", title, scope="col") for title in titles))),
        tag("tbody", *rows),
        class_="numbers",
    )
    return section("history", "Runs", scrolling("Runs", table))


def details(facts: ReportFacts) -> Element:
    """Where all this stands, and with which settings and versions it came about."""
    done = facts.run
    rows: list[tuple[str, str]] = [
        ("lake id", facts.lake_id),
        ("checkpoint generation", number(facts.generation)),
    ]
    if done is not None:
        rows += sorted((f"version of {name}", version) for name, version in done.versions.items())
        rows += [(f"setting {name}", _value(value)) for name, value in done.config.items() if value not in (None, [])]
    table = _pairs(rows)
    return section("details", "Details", folded("Settings and versions of the last run", table))


def _pairs(rows: Sequence[tuple[str, str]]) -> Element:
    return tag(
        "table",
        tag(
            "tbody",
            *(
                tag("tr", tag("th", name, scope="row"), tag("td", shortened(value), class_="why"))
                for name, value in rows
            ),
        ),
        class_="plain",
    )


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
