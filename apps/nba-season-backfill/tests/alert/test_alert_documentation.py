"""docs/alerts.md: its receiver works as it stands, and its tables say what is sent."""

from __future__ import annotations

import re
import threading
import time
import types
from collections.abc import Iterator
from dataclasses import replace
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from alert.receiving import HMAC_SECRET, SECRET

from nba_season_backfill.alert import FIELDS, Alert, Delivery, Event, Persistence, send, signature
from nba_season_backfill.backfill.telling import MOST_SECONDS, MOST_SECONDS_AFTER_A_SIGNAL

from .test_alert_message import RUN

PAGE = (Path(__file__).parents[4] / "docs" / "alerts.md").read_text(encoding="utf-8")


class Documented:
    """The receiver of the page, serving."""

    def __init__(self, module: types.ModuleType, url: str, acted_on: list[dict[str, Any]]) -> None:
        self.module = module
        self.url = url
        self.acted_on = acted_on

    def post(self, body: bytes, **headers: str) -> int:
        return requests.post(
            self.url,
            data=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            timeout=10,
        ).status_code


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[Documented]:
    """The code block of the page, executed; what it acts on is kept."""
    monkeypatch.setenv("INGEST_ALERT_HMAC_SECRET", HMAC_SECRET)
    monkeypatch.setenv("INGEST_ALERT_SECRET", SECRET)
    code = PAGE.partition("```python\n")[2].partition("```")[0]
    module = types.ModuleType("documented_receiver")
    exec(compile(code, "docs/alerts.md", "exec"), module.__dict__)
    acted_on: list[dict[str, Any]] = []
    module.act_on = acted_on.append  # type: ignore[attr-defined]  # a function of the page
    server = HTTPServer(("127.0.0.1", 0), module.Receiver)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield Documented(module, f"http://127.0.0.1:{server.server_address[1]}/", acted_on)
    server.shutdown()
    server.server_close()


def alert(**more: Any) -> Alert:
    made = Alert((Event.BLOCKED,), RUN, "0b6cfe58-9f0e-4a5b-a4c5-3a3a4f8a9d11", int(time.time()))
    return replace(made, **more)


def told(documented: Documented, made: Alert, hmac_secret: str = HMAC_SECRET, secret: str = SECRET) -> Delivery:
    return send(made, documented.url, hmac_secret=hmac_secret, secret=secret, persistence=Persistence(retries=0))


def test_the_documented_receiver_believes_what_we_send(documented: Documented) -> None:
    """A real send over loopback is verified and acted upon."""
    assert told(documented, alert()).delivered
    [message] = documented.acted_on
    assert (message["event"], message["run_id"]) == ("blocked", RUN.run_id)


def test_a_delivery_that_comes_again_is_answered_and_not_acted_upon(documented: Documented) -> None:
    """Whether our answer was lost or somebody replays it: once is once."""
    made = alert()
    for _ in range(3):
        assert told(documented, made).delivered
    assert len(documented.acted_on) == 1


def test_the_documented_receiver_refuses_what_is_not_ours(documented: Documented) -> None:
    """Another key, another word, none, an altered body, an old one, one whose headers lie: 401, and nothing is done."""
    made = alert()
    for delivery in (
        told(documented, made, hmac_secret="another key"),
        told(documented, made, secret="another word"),
        told(documented, alert(timestamp=int(time.time()) - 301)),
        told(documented, alert(timestamp=int(time.time()) + 400)),
        send(made, documented.url),
    ):
        assert (delivery.delivered, delivery.reason) == (False, "it answered 401")
    body = made.body()
    signed = {"X_Ingest_Signature": signature(body, HMAC_SECRET), "X_Ingest_Secret": SECRET}
    assert documented.post(body.replace(b"blocked", b"allgood"), **signed) == 401
    old = alert(timestamp=int(time.time()) - 3600).body()
    fresh = str(int(time.time()))
    lying = {**signed, "X_Ingest_Signature": signature(old, HMAC_SECRET), "X_Ingest_Timestamp": fresh}
    assert documented.post(old, **lying) == 401
    assert documented.post(body, **{**signed, "X_Ingest_Signature": "sha256=\xff\xfe"}) == 401
    assert documented.post(b"", **signed) == 401
    assert documented.acted_on == []


def test_the_documented_receiver_compares_in_constant_time() -> None:
    """No comparison of a secret by ==."""
    code = PAGE.partition("```python\n")[2].partition("```")[0]
    assert code.count("hmac.compare_digest(") == 2
    assert not re.search(r"(signed|known|wanted|SECRET)\s*(==|!=)", code)


def test_the_documented_fields_are_those_of_a_message() -> None:
    """Each field has its line, in order, and no other."""
    table = PAGE.partition("| Field | Type | Meaning |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", " ".join(cells))) == FIELDS


def test_the_documented_events_and_bounds_hold() -> None:
    """Every event is described; the seconds are those of the code."""
    for event in Event:
        assert f"| `{event.value}` |" in PAGE
    assert f"**{MOST_SECONDS:g} seconds**" in PAGE
    assert f"**{MOST_SECONDS_AFTER_A_SIGNAL:g} seconds**" in PAGE
