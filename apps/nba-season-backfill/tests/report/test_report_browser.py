"""The page in a real, headless Chromium: renders, in silence, in light, dark, print and on a phone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nba_season_backfill.report import ReportFacts, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MakeFacts = Callable[..., ReportFacts]


@pytest.fixture
def opened(browser: Browser, facts: MakeFacts, tmp_path: Path) -> Callable[..., Page]:
    """``opened(facts, **context)``: the page in a tab, in which every message and request is an entry in ``noise``."""

    def open_page(made: ReportFacts | None = None, **context: Any) -> Page:
        file = tmp_path / "report.html"
        file.write_text(render(made or facts()), encoding="utf-8")
        tab = browser.new_context(**context).new_page()
        noise: list[str] = []
        tab.on("console", lambda message: noise.append(f"console: {message.text}"))
        tab.on("pageerror", lambda error: noise.append(f"error: {error}"))
        tab.on("dialog", lambda dialog: noise.append(f"dialog: {dialog.message}"))
        tab.on("request", lambda request: noise.append(f"request: {request.url}"))
        tab.goto(file.as_uri())
        tab.wait_for_load_state("networkidle")
        assert noise == [f"request: {file.as_uri()}"]
        return tab

    return open_page


def pixel(png: bytes, x: int, y: int) -> tuple[int, int, int]:
    """A pixel of a true-colour PNG whose rows up to there are unfiltered or filtered in any way."""
    width, _height, _depth, kind = struct.unpack(">IIBB", png[16:26])
    size = {2: 3, 6: 4}[kind]
    data, place = b"", 8
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        if name == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += 12 + length
    raw, before = zlib.decompress(data), bytearray(width * size)
    for row in range(y + 1):
        start = row * (width * size + 1)
        line = bytearray(raw[start + 1 : start + 1 + width * size])
        for i, value in enumerate(line):
            left, up = (line[i - size] if i >= size else 0), before[i]
            corner = before[i - size] if i >= size else 0
            nearest = min((left, up, corner), key=lambda each: abs(left + up - corner - each))
            line[i] = (value + {0: 0, 1: left, 2: up, 3: (left + up) // 2, 4: nearest}[raw[start]]) & 255
        before = line
    red, green, blue = before[x * size : x * size + 3]
    return red, green, blue


def test_light_and_dark_follow_the_reader(opened: Callable[..., Page]) -> None:
    """The same file is light or dark as the reader's system is; it asks for nothing and complains of nothing."""
    for scheme, bright in (("light", True), ("dark", False)):
        tab = opened(color_scheme=scheme)
        red, green, blue = pixel(tab.screenshot(), 2, 2)
        assert (red + green + blue > 600) is bright
        assert tab.locator("h1").inner_text().startswith("Season 2024-25")
        assert tab.locator("svg.heatmap").count() == 3
        box = tab.locator("svg.chart").bounding_box()
        assert box is not None
        assert box["width"] > 600
        assert box["height"] > 300


def test_hostile_text_runs_nowhere(opened: Callable[..., Page], facts: MakeFacts) -> None:
    """Markup in names and messages is shown as text by a real browser, too: no dialog, no request, no message."""
    text = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    tab = opened(facts(text))
    assert tab.locator("img, script").count() == 0
    assert text in tab.locator("#failures").inner_text()


def test_no_script_could_run_if_there_were_one(opened: Callable[..., Page]) -> None:
    """The policy holds in the browser: a script and an image put into the page are refused."""
    tab = opened()
    refused: list[str] = []
    tab.on("console", lambda message: refused.append(message.text))
    tab.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'document.title = "taken over"';
            document.body.append(script);
            const image = document.createElement('img');
            image.src = 'http://127.0.0.1:9/x.png';
            document.body.append(image);
        }"""
    )
    tab.wait_for_timeout(50)
    assert tab.title().startswith("NBA 2024-25")
    assert len([text for text in refused if "Content Security Policy" in text]) == 2


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_accessibility_rules_hold(scheme: str, opened: Callable[..., Page], facts: MakeFacts) -> None:
    """axe-core finds nothing in light and dark: names, roles, contrast, order, tables."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    tab = opened(facts(datasets=1, days=9, points=9), color_scheme=scheme)
    tab.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    found = axe.Axe().run(tab)
    told = [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found.response["violations"]]
    assert told == []


def test_the_keyboard_reaches_everything(opened: Callable[..., Page]) -> None:
    """The first stop skips to the coverage; what is folded opens with Enter."""
    tab = opened()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the coverage"
    stops = set()
    for _ in range(40):
        tab.keyboard.press("Tab")
        stops.add(tab.evaluate("document.activeElement.tagName + ' ' + document.activeElement.className"))
    assert {"A ", "SUMMARY ", "DIV scroll"} <= stops
    tab.locator("#coverage summary").focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#coverage table").is_visible()


def test_a_phone_scrolls_in_one_direction(opened: Callable[..., Page]) -> None:
    """At 360 pixels the page itself is no wider than the screen; wide tables scroll by themselves."""
    tab = opened(viewport={"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_it_prints_on_paper(opened: Callable[..., Page]) -> None:
    """A reader with a dark screen gets dark ink on white paper, without navigation, on a handful of pages."""
    tab = opened(color_scheme="dark")
    pdf = tab.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert 2 <= pdf.count(b"/Type /Page\n") <= 12
    tab.emulate_media(media="print")
    assert not tab.locator("nav").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(17, 17, 17)"
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
