"""The page: one file, no script, no request to anywhere. Pure."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from nba_season_backfill import __version__
from nba_season_backfill.report import findings, sections
from nba_season_backfill.report.facts import ReportFacts
from nba_season_backfill.report.markup import document, tag
from nba_season_backfill.report.wording import moment_text

__all__ = ["render"]

_SECTIONS = (
    ("coverage", "Coverage"),
    ("run", "The last run"),
    ("requests", "Requests"),
    ("failures", "Failures"),
    ("audit", "Audit"),
    ("freshness", "Freshness"),
    ("history", "Runs"),
    ("details", "Details"),
)


def render(facts: ReportFacts) -> str:
    """The report as HTML: self-contained, valid in any browser of this decade, and harmless whatever the facts say."""
    style = _style()
    # No script can run and nothing can be loaded, even if something slipped through: the style is known by its hash.
    policy = f"default-src 'none'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    simulated = " (simulated)" if facts.simulated else ""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"nba-backfill {__version__}"),
        tag("title", f"NBA {facts.season} backfill report{simulated}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", style),
    )
    parts = {
        "coverage": sections.coverage(facts),
        "run": sections.run(facts),
        "requests": sections.requests(facts),
        "failures": findings.failures(facts),
        "audit": findings.audit(facts),
        "freshness": findings.freshness(facts),
        "history": findings.history(facts),
        "details": findings.details(facts),
    }
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title in _SECTIONS if parts[name] is not None]
    body = tag(
        "body",
        tag("a", "Skip to the coverage", href="#coverage", class_="skip"),
        sections.header(facts),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", *parts.values()),
        tag("footer", tag("p", f"Made by nba-backfill {__version__} on {moment_text(facts.made_at)}.")),
    )
    return document(tag("html", head, body, lang="en"))


@cache
def _style() -> str:
    return resources.files("nba_season_backfill.report").joinpath("style.css").read_text(encoding="utf-8")


def _hash(style: str) -> str:
    digest = hashlib.sha256(style.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
