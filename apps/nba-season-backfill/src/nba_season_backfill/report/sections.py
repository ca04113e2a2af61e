"""The upper parts of the page: the numbers, the calendar, the last run and what it asked. Pure."""

from __future__ import annotations

from nba_season_backfill.report.charts import busiest_hour, refusal_times, run_chart, run_table
from nba_season_backfill.report.facts import AuditFacts, ReportFacts
from nba_season_backfill.report.frames import folded, lasted_seconds, section
from nba_season_backfill.report.heatmap import coverage_table, heatmap, legend
from nba_season_backfill.report.markup import Child, Element, shortened, tag
from nba_season_backfill.report.wording import (
    OUTCOMES,
    VERDICTS,
    day_text,
    duration,
    moment_text,
    number,
    sentence,
    share,
)

__all__ = ["coverage", "header", "requests", "run"]

# Days, all datasets together, that say their numbers on hover: the page must stay small.
_MOST_TOLD = 2_500

_MOST_GROUPS = 60


def header(facts: ReportFacts) -> Element:
    """Season, state, and the handful of numbers that most people came for."""
    tone, state = _state(facts)
    done = facts.run
    figures = [
        _figure(
            share(facts.games_complete, facts.games_final),
            f"{number(facts.games_complete)} of {number(facts.games_final)} final games complete",
        ),
        _figure(number(facts.failures_in_all), "answers missing or doubtful", "bad" if facts.failures_in_all else ""),
        _figure(*_findings(facts.audit)),
        _figure(facts.newest_final.strftime("%-d %b %Y") if facts.newest_final else "–", "newest final game"),
        _figure(
            number(done.requests) if done else "–",
            f"requests in the last run, {duration(lasted_seconds(done))}" if done else "no flight record of a run",
        ),
    ]
    notice = None
    if facts.simulated:
        notice = tag(
            "p",
            tag("strong", "Simulated data."),
            " This lake was filled from the sample season: players and teams exist, the numbers are made up.",
            class_="notice",
        )
    return tag(
        "header",
        tag("p", "NBA season backfill", class_="kicker"),
        tag("h1", "Season ", tag("span", facts.season, class_="keep"), " ", tag("span", state, class_=f"badge {tone}")),
        tag(
            "p", tag("span", shortened(facts.lake), class_="lake"), f" as of {moment_text(facts.made_at)}", class_="sub"
        ),
        notice,
        tag("dl", *figures, class_="figures"),
    )


def _state(facts: ReportFacts) -> tuple[str, str]:
    if not facts.games_final:
        return "plain", "No final game known"
    if facts.games_complete == facts.games_final and not facts.failures_in_all:
        return ("warn", "Complete, with findings") if facts.audit.groups else ("good", "Complete")
    return ("bad", "Incomplete, with failures") if facts.failures_in_all else ("warn", "Incomplete")


def _findings(audit: AuditFacts) -> tuple[str, str, str]:
    if not audit.done:
        return "–", "not audited", ""
    count = sum(group.count for group in audit.groups)
    return number(count), "audit findings" if count != 1 else "audit finding", "bad" if count else ""


def _figure(value: str, meaning: str, tone: str = "") -> Element:
    return tag("div", tag("dt", meaning), tag("dd", value, class_=tone or None))


def coverage(facts: ReportFacts) -> Element:
    """A calendar for each dataset."""
    days = [day for dataset in facts.coverage for day in dataset.days]
    if not days:
        return section(
            "coverage", "Coverage", tag("p", "Nothing was asked for yet, or no game is final.", class_="calm")
        )
    first, last = min(days), max(days)
    maps = []
    for dataset in facts.coverage:
        total = dataset.total
        told = f"{number(total.stored)} of {number(total.games)} games"
        rest = [(total.absent, "absent"), (total.failed, "failed"), (total.open, "not fetched yet")]
        told += "".join(f", {number(count)} {what}" for count, what in rest if count)
        maps.append(
            tag(
                "figure",
                tag(
                    "figcaption",
                    tag("h3", dataset.name),
                    tag("span", share(total.stored + total.absent, total.games), class_="share"),
                    tag("span", told, class_="told"),
                ),
                heatmap(dataset, first, last, brief=len(days) > _MOST_TOLD),
            )
        )
    lead = (
        f"{', '.join(facts.season_types)}: {number(facts.games_final)} final games on {number(len(set(days)))} days, "
        f"{day_text(first)} to {day_text(last)}, US Eastern dates."
    )
    others = {state: count for state, count in facts.games_by_state.items() if state != "final" and count}
    if others:
        lead += (
            " Not final: " + ", ".join(f"{number(n)} {state.replace('_', ' ')}" for state, n in others.items()) + "."
        )
    return section(
        "coverage",
        "Coverage",
        tag("p", lead, class_="lead"),
        legend(),
        tag("div", *maps, class_="maps"),
        folded("Every day in numbers", coverage_table(facts.coverage)),
    )


def run(facts: ReportFacts) -> Element:
    """The last run: how it ended, and how it went over time."""
    done = facts.run
    if done is None:
        return section(
            "run", "The last run", tag("p", "The lake has no flight record of a run over this season.", class_="calm")
        )
    tone, outcome = OUTCOMES.get(done.outcome, ("plain", done.outcome.replace("_", " ")))
    ending = f", exit code {done.exit_code}" if done.exit_code is not None else ""
    when = f"{moment_text(done.started_at)}, {duration(lasted_seconds(done))}"
    lead = tag(
        "p",
        tag("span", outcome, class_=f"badge {tone}"),
        f" {done.command} from {done.source}{ending}, {when}. ",
        tag("code", done.run_id),
        class_="lead",
    )
    parts: list[Child] = [lead]
    if done.message:
        parts.append(tag("p", tag("strong", sentence(done.message)), " ", sentence(done.hint), class_="notice bad"))
    chart = run_chart(done)
    if chart is None:
        parts.append(tag("p", "It was too short, or was killed too early, to be drawn.", class_="calm"))
    else:
        parts.append(tag("div", chart, class_="chart-frame"))
        if refusal_times(done):
            parts.append(
                tag(
                    "p",
                    "Triangle: throttled. Square: blocked or silent. Ring: passing fault. Cross: contract broken.",
                    class_="calm",
                )
            )
        parts.append(folded("The run in numbers", run_table(done)))
    if done.marks:
        items = [tag("li", tag("span", duration(at), class_="when"), " ", shortened(what)) for at, what in done.marks]
        parts.append(tag("h3", "What it said"))
        parts.append(tag("ul", *items, class_="marks"))
    if done.warnings:
        parts.append(tag("h3", "Warnings"))
        parts.append(tag("ul", *(tag("li", shortened(text)) for text in done.warnings[:_MOST_GROUPS])))
    return section("run", "The last run", *parts)


def requests(facts: ReportFacts) -> Element:
    """What the run asked, what it got, and how that compares to its budget."""
    done = facts.run
    if done is None:
        return section("requests", "Requests", tag("p", "Not known: there is no flight record.", class_="calm"))
    most = max([*done.requests_by_verdict.values(), 1])
    rows = []
    for verdict, words in VERDICTS.items():
        count = done.requests_by_verdict.get(verdict, 0)
        if count or verdict in ("ok", "throttled", "blocked"):
            rows.append(
                tag(
                    "tr",
                    tag("th", words, scope="row"),
                    tag("td", number(count)),
                    tag("td", _bar(count / most, verdict), aria_hidden="true", class_="bar-cell"),
                )
            )
    table = tag(
        "table",
        tag("caption", "Answers of the last run by verdict"),
        tag(
            "thead",
            tag(
                "tr",
                tag("th", "Verdict", scope="col"),
                tag("th", "Answers", scope="col"),
                tag("td", "", class_="bar-cell"),
            ),
        ),
        tag("tbody", *rows),
        class_="numbers verdicts",
    )
    hour = busiest_hour(done)
    if done.request_budget:
        used = f"{number(hour)} of {number(done.request_budget)} requests ({share(hour, done.request_budget)})"
        over = hour > done.request_budget
        budget: Child = tag(
            "div",
            tag("p", tag("strong", used), " in the busiest hour."),
            tag(
                "meter",
                used,
                min=0,
                max=done.request_budget,
                value=min(hour, done.request_budget),
                aria_label="Share of the hourly budget used in the busiest hour",
            ),
            tag("p", "More than the budget: requests shared with another run may count here.", class_="calm")
            if over
            else None,
            class_="budget",
        )
    else:
        why = "nothing was asked of the NBA" if done.source != "nba" else "it was lifted"
        budget = tag(
            "p", f"No hourly budget applied: {why}. The busiest hour had {number(hour)} requests.", class_="calm"
        )
    pace = tag(
        "p",
        f"Interval asked for: {done.interval_seconds:g} s. " if done.interval_seconds else "No pace was kept. ",
        f"Its workers waited {duration(done.waited_seconds)} for their turns, all together.",
    )
    return section("requests", "Requests and budget", tag("div", table, tag("div", budget, pace), class_="two"))


def _bar(part: float, name: str) -> Element:
    return tag(
        "svg",
        tag("rect", x=0, y=0, width=f"{part * 100:.1f}", height=8, class_=f"fill {name}"),
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )
