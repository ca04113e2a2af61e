"""The page as text: strict HTML that says what the facts say, and nothing that could run or load."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from importlib import resources
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.report import ReportFacts, render
from nba_season_backfill.report.charts import busiest_hour, refusal_times
from nba_season_backfill.report.facts import AuditFacts, DatasetCoverage, DayCoverage
from nba_season_backfill.report.heatmap import level_of
from nba_season_backfill.report.wording import VERDICTS, age_text, sentence, share, what_to_do

MakeFacts = Callable[..., ReportFacts]
Read = Callable[[str], ElementTree.Element]

HOSTILE = (
    "</title></style></script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onload="alert(1)" style="background:url(http://evil.example/x)',
    "'><svg onload=alert(1)><a href='javascript:alert(1)'>x</a>",
    "--><!--<iframe src=//evil.example></iframe>",
    "]]><![CDATA[<b>&amp;&lt;&#60;script&#62;",
    "\x00\x07\u202etxet desrever\ud800\ufffe",
)


def skeleton(root: ElementTree.Element) -> list[tuple[str, tuple[str, ...]]]:
    """Every element and the names of its attributes: what a page is made of, whatever it says."""
    return [(str(each.tag), tuple(sorted(map(str, each.attrib)))) for each in root.iter()]


def text_of(root: ElementTree.Element) -> str:
    """All text, without the style sheet."""
    for head in root.iter("head"):
        for style in head.findall("style"):
            head.remove(style)
    return " ".join("".join(root.itertext()).split())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str, facts: MakeFacts, read: Read) -> None:
    """A name, reason or message full of markup changes no element and no attribute of the page."""
    root = read(render(facts(text)))
    assert skeleton(root) == skeleton(read(render(facts("plain"))))
    assert not [each for each in root.iter() if each.tag in ("script", "img", "iframe", "object", "embed", "form")]
    assert not [name for each in root.iter() for name in each.attrib if str(name).startswith("on") or name == "style"]


@given(text=st.text(max_size=60))
@settings(max_examples=25, deadline=None)
def test_any_text_stays_text(text: str, facts: MakeFacts, read: Read) -> None:
    """The page for any text has the elements of the page for plain text, if the text has a visible character at all."""
    first, second = (facts(each, datasets=1, days=2, points=3) for each in (f"x{text}", "plain"))
    assert skeleton(read(render(first))) == skeleton(read(render(second)))


def test_what_hurts_is_still_shown(facts: MakeFacts, read: Read) -> None:
    """Escaping loses nothing: a reason is there to be read as it was."""
    reason = "<html><title>503</title> & \"quotes\" 'too'"
    assert reason in text_of(read(render(facts(reason))))


def test_nothing_is_loaded_and_nothing_runs(facts: MakeFacts, read: Read) -> None:
    """No address but those within the page; the policy allows the one style sheet that is there, by its hash."""
    page = render(facts())
    root = read(page)
    for each in root.iter():
        for name in ("href", "src", "srcset", "action", "data", "poster"):
            value = each.get(name)
            assert value is None or value.startswith("#") or value == "data:,"
    [style] = root.iter("style")
    assert style.text is not None
    assert not re.search(r"@import|url\(|expression", style.text)
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    [policy] = [each.get("content") for each in root.iter("meta") if each.get("http-equiv")]
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy


def test_links_lead_to_parts_of_the_page(facts: MakeFacts, read: Read) -> None:
    """Every link names an id that is there, and ids are unique."""
    root = read(render(facts()))
    ids = [value for each in root.iter() if (value := each.get("id"))]
    assert len(set(ids)) == len(ids)
    links = [each.get("href") or "" for each in root.iter("a")]
    assert len(links) > 5
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_the_page_can_be_heard(facts: MakeFacts, read: Read) -> None:
    """Language, landmarks, headings in order, named sections and drawings, headers in tables."""
    root = read(render(facts()))
    assert root.get("lang") == "en"
    for landmark in ("header", "nav", "main", "footer", "h1", "title"):
        assert len(list(root.iter(landmark))) == 1, landmark
    levels = [int(str(each.tag)[1]) for each in root.iter() if re.fullmatch("h[1-6]", str(each.tag))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = {each.get("id"): each for each in root.iter()}
    for section in root.iter("section"):
        assert ids[section.get("aria-labelledby")].tag == "h2"
    for each in root.iter():
        if str(each.tag).endswith("svg"):
            assert each.get("aria-hidden") == "true" or (each.get("role") == "img" and each.get("aria-label")), (
                each.attrib
            )
    for table in root.iter("table"):
        assert all(head.get("scope") in ("col", "row") for head in table.iter("th"))
        assert list(table.iter("th"))
    for scrolled in (each for each in root.iter("div") if each.get("class") == "scroll"):
        assert scrolled.get("tabindex") == "0"
        assert scrolled.get("aria-label")


def test_simulated_data_is_called_so(facts: MakeFacts, read: Read) -> None:
    """Title and head say it of the sample, and of real data nothing is said."""
    simulated, real = read(render(facts())), read(render(facts(simulated=False)))
    assert "Simulated data." in text_of(simulated)
    assert "imulated" not in text_of(real)
    [title] = simulated.iter("title")
    assert title.text == "NBA 2024-25 backfill report (simulated)"


def test_every_day_is_in_the_table(facts: MakeFacts, read: Read) -> None:
    """The calendar's alternative has each day and dataset with the numbers of the facts."""
    made = facts(datasets=2, days=9)
    root = read(render(made))
    [table] = [each for each in root.iter("table") if "by US Eastern date" in (each.findtext("caption") or "")]
    body = table.find("tbody")
    assert body is not None
    rows = [["".join(cell.itertext()) for cell in row] for row in body]
    assert len(rows) == 9
    for row, (day, found) in zip(rows, made.coverage[0].days.items(), strict=True):
        assert row[0] == day.isoformat()
        assert row[1] == str(found.games)
        assert re.match(r"\d+", row[2])[0] == str(found.stored)  # type: ignore[index]  # numbers come first
        assert ("failed" in row[2]) == bool(found.failed)


@pytest.mark.parametrize(
    ("day", "level"),
    [
        (DayCoverage(4, 4), "full"),
        (DayCoverage(4, 3, absent=1), "full"),
        (DayCoverage(4, 0, absent=4), "absent"),
        (DayCoverage(4, 2), "most"),
        (DayCoverage(4, 1), "some"),
        (DayCoverage(4, 0), "none"),
        (DayCoverage(4, 3, failed=1), "failed"),
        (DayCoverage(400, 399), "most"),
    ],
)
def test_a_square_never_flatters(day: DayCoverage, level: str) -> None:
    """Full means that nothing is open; one failure shows whatever else is there."""
    assert level_of(day) == level


def test_states_differ_by_more_than_colour(facts: MakeFacts, read: Read) -> None:
    """A failed day has a cross, an absent one a dot, an empty one an outline."""
    days = {
        dt.date(2024, 10, 22): DayCoverage(1, failed=1),
        dt.date(2024, 10, 23): DayCoverage(1, absent=1),
        dt.date(2024, 10, 24): DayCoverage(1),
    }
    page = render(facts(coverage=[DatasetCoverage("plays", days)]))
    drawing = page[page.index('class="heatmap"') :]
    drawing = drawing[: drawing.index("</svg>")]
    assert drawing.count('class="cross"') == drawing.count('class="dot"') == drawing.count('class="none"') == 1
    style = resources.files("nba_season_backfill.report").joinpath("style.css").read_text()
    assert re.search(r"\.none \{[^}]*stroke:", style)


def _palette(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_enough_in_light_dark_and_print() -> None:
    """Text has at least 4.5 to 1 on every ground it stands on, marks and outlines 3 to 1."""
    style = resources.files("nba_season_backfill.report").joinpath("style.css").read_text()
    palettes = [_palette(block) for block in re.findall(r":root \{([^}]*)\}", style)]
    assert len(palettes) == 3
    for palette in palettes:
        for text, ground in [
            *[(text, ground) for text in ("ink", "soft", "accent", "good", "bad") for ground in ("page", "card")],
            *[(tone, f"{tone}-back") for tone in ("good", "warn", "bad")],
            ("ink", "plain-back"),
            ("ink", "absent"),
        ]:
            assert _contrast(palette[text], palette[ground]) >= 4.5, (text, ground, palette)
        for mark, ground in [("full", "card"), ("none-edge", "card"), ("failed", "card"), ("failed-ink", "failed")]:
            assert _contrast(palette[mark], palette[ground]) >= 3.0, (mark, ground, palette)
        # Full and failed differ in lightness or hue for every kind of eye: blue against orange.
        assert int(palette["full"][5:7], 16) > int(palette["full"][1:3], 16)
        assert int(palette["failed"][1:3], 16) > int(palette["failed"][5:7], 16)


@pytest.mark.parametrize("datasets", [10, 20])
def test_a_full_season_stays_small(datasets: int, facts: MakeFacts) -> None:
    """Ten datasets or twenty, 244 days, 480 points, 200 failures: below 500 KB."""
    made = facts("Golden State Warriors " * 4, datasets=datasets)
    assert made.run is not None
    longest = [(float(n), 5.0, n * 4.0, n, n * 10, n, n, n, n, n) for n in range(480)]
    made = dataclasses.replace(
        made, run=dataclasses.replace(made.run, points=longest), failures=[*made.failures] * 33 + [*made.failures[:2]]
    )
    assert len(render(made).encode()) < 500_000


def test_an_empty_lake_has_a_page_too(facts: MakeFacts, read: Read) -> None:
    """Without a run, an answer, a failure or an audit every part says so."""
    root = read(
        render(
            facts(
                run=None,
                coverage=[],
                failures=[],
                failures_in_all=0,
                history=[],
                freshness=[],
                games_final=0,
                games_complete=0,
                newest_final=None,
                lists_written_at=None,
                committed_at=None,
                audit=AuditFacts(False, "The audit was left out."),
            )
        )
    )
    said = text_of(root)
    for part in ("no flight record", "Nothing was asked for yet", "Nothing failed", "The audit was left out"):
        assert part in said
    assert "No final game known" in said


def test_a_run_too_short_to_draw_is_said(facts: MakeFacts, read: Read) -> None:
    """One point makes no line: words stand in its place."""
    run = facts().run
    assert run is not None
    said = text_of(read(render(facts(run=dataclasses.replace(run, points=run.points[:1])))))
    assert "too short" in said


def test_failures_say_what_to_do(facts: MakeFacts, read: Read) -> None:
    """Every verdict has its advice, every failure its game and tries; what was left out is counted."""
    said = text_of(read(render(facts())))
    for failure in facts().failures:
        assert what_to_do(failure.verdict) in said
    assert "0022400061" in said
    assert "And 300 more" in said
    assert len({what_to_do(verdict) for verdict in VERDICTS if verdict != "ok"}) == len(VERDICTS) - 1


def test_the_budget_is_compared_with_the_busiest_hour(facts: MakeFacts, read: Read) -> None:
    """An answer every five seconds is 720 an hour, whichever hour is looked at; more than the budget is said."""
    run = facts().run
    assert run is not None
    # 48 stretches of 75 s with 15 good answers each, and some refused ones that fell into them.
    assert 720 <= busiest_hour(run) <= 745
    assert "of 720 requests" in text_of(read(render(facts())))
    burst = dataclasses.replace(run, points=[(0.0, *[0.0] * 9), (10.0, 0, 0, 0, 900, 0, 0, 0, 0, 0)])
    assert busiest_hour(burst) == 900
    assert "More than the budget" in text_of(read(render(facts(run=burst))))
    lifted = dataclasses.replace(run, request_budget=0)
    assert "it was lifted" in text_of(read(render(facts(run=lifted))))


def test_each_refusal_is_drawn_once(facts: MakeFacts) -> None:
    """Refusals are found where the running totals grow, with their number."""
    run = facts().run
    assert run is not None
    found = refusal_times(run)
    totals = dict.fromkeys(("throttled", "blocked", "transient", "contract_violation"), 0)
    for _at, name, count in found:
        totals[name] += count
    last = dict(zip(run.columns, run.points[-1], strict=True))
    assert totals == {name: last[name] for name in totals}
    assert [at for at, _name, _count in found] == sorted(at for at, _name, _count in found)


def test_shares_are_never_rounded_to_what_is_not_true() -> None:
    """100 % means all, 0 % means none."""
    assert share(1321, 1321) == "100 %"
    assert share(1320, 1321) == "99.9 %"
    assert share(99_999, 100_000) == "99.9 %"
    assert share(1, 100_000) == "0.1 %"
    assert share(0, 5) == "0 %"
    assert share(0, 0) == "–"


def test_ages_and_sentences_read_well() -> None:
    """Days, hours and full stops are where a reader expects them."""
    now = dt.datetime(2025, 6, 24, 9, 30, tzinfo=dt.UTC)
    assert age_text(now - dt.timedelta(days=5, hours=1), now) == "5 days before"
    assert age_text(now - dt.timedelta(minutes=125), now) == "2 h 05 min before"
    assert age_text(dt.date(2025, 6, 23), now) == "1 day before"
    assert age_text(None, now) == "–"
    assert sentence("interrupted by  SIGTERM;\nsaved") == "Interrupted by SIGTERM; saved."
    assert sentence("") == ""
