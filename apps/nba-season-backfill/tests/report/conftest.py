"""Facts to draw, a strict reader of what was drawn, and a real browser."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from nba_season_backfill.report import ReportFacts
from nba_season_backfill.report.facts import (
    AuditFacts,
    DatasetCoverage,
    DayCoverage,
    Failure,
    FindingGroup,
    Freshness,
    PastRun,
    RunFacts,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MakeFacts = Callable[..., ReportFacts]
Read = Callable[[str], ElementTree.Element]

NOW = dt.datetime(2025, 6, 24, 9, 30, tzinfo=dt.UTC)
FIRST = dt.date(2024, 10, 22)
COLUMNS = (
    *("seconds", "interval_seconds", "waited_seconds", "games_done"),
    *("ok", "absent", "throttled", "blocked", "transient", "contract_violation"),
)


def _points() -> list[tuple[float, ...]]:
    """Five hours, a point every 75 seconds, an answer every five; refusals of each kind in between."""
    return [
        (n * 75.0, 5.0 if n < 120 else 7.5, n * 70.0, n * 5, n * 15, 1, n // 60, n // 100, n // 50, n // 200)
        for n in range(241)
    ]


def _make(text: str = "plain", datasets: int = 3, days: int = 244, points: int = 241, **more: Any) -> ReportFacts:
    """Facts with something in every part; ``text`` stands wherever the lake could put text."""
    made: dict[str, Any] = {
        "season": "2024-25",
        "lake": f"s3://{text}/nba",
        "lake_id": text,
        "generation": 1234,
        "made_at": NOW,
        "simulated": True,
        "season_types": ("Regular Season", text),
        "games_known": 1400,
        "games_final": 1321,
        "games_complete": 1300,
        "games_by_state": {"final": 1321, text: 79},
        "newest_final": dt.date(2025, 6, 22),
        "lists_written_at": NOW - dt.timedelta(hours=3),
        "committed_at": NOW - dt.timedelta(hours=2),
        "coverage": [
            DatasetCoverage(
                f"{text}-{number}",
                {
                    FIRST + dt.timedelta(days=day): DayCoverage(
                        6, 6 - day % 4, day % 2 if day % 4 else 0, int(day % 4 == 3)
                    )
                    for day in range(days)
                },
            )
            for number in range(datasets)
        ],
        "freshness": [Freshness(text, dt.date(2025, 6, 22), NOW - dt.timedelta(days=3), 12_345)],
        "failures": [
            Failure("0022400061", FIRST, f"{text} at {text}", text, verdict, text, 4)
            for verdict in ("throttled", "blocked", "transient", "contract_violation", "absent", "")
        ],
        "failures_in_all": 306,
        "run": RunFacts(
            run_id=text,
            command=text,
            source="nba",
            state="ended",
            outcome="incomplete",
            exit_code=75,
            message=text,
            hint=text,
            started_at=NOW - dt.timedelta(hours=7),
            ended_at=NOW - dt.timedelta(hours=2),
            columns=COLUMNS,
            points=_points()[:points],
            marks=[(12.0, text), (3600.0, "circuit open")],
            requests=3700,
            requests_by_verdict={"ok": 3600, "absent": 1, "throttled": 4, "blocked": 2, "transient": 4},
            waited_seconds=16_800.0,
            games_done=1200,
            games_to_do=1321,
            request_budget=720,
            interval_seconds=5.0,
            warnings=[text],
            versions={text: text},
            config={"season": text, "season_type": [text, text], "proxy": None},
        ),
        "history": [PastRun(text, text, NOW - dt.timedelta(days=n), 18_000.0, text, 0, 5, 20) for n in range(12)],
        "audit": AuditFacts(True, "", [FindingGroup(text, text, text, 3, [text, text])], 2, text, [text]),
    }
    return ReportFacts(**(made | more))


@pytest.fixture(scope="session")
def facts() -> MakeFacts:
    """``facts(text, **fields)``: facts with something in every part of the page, as much of it as wanted."""
    return _make


@pytest.fixture(scope="session")
def read() -> Read:
    """A strict HTML reader: whatever the standard calls a parse error is an error here."""
    import html5lib

    def parse(page: str) -> ElementTree.Element:
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        found: ElementTree.Element = parser.parse(page)
        return found

    return parse


# Of a module, not longer: while it lives, playwright's event loop runs in this thread, where others want their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine; the tests that need one are skipped where there is none."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        # The page is our own, and containers give no user namespaces.
        launched = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()
