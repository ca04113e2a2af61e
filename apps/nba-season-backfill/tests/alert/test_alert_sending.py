"""Sending: the signature, the tries and their pauses, and receivers of every kind."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from alert.receiving import Receiver

from nba_season_backfill.alert import Alert, Event, Persistence, beat, send, signature
from nba_season_backfill.alert import sending as module

from .conftest import Misbehaviour, endless_body, hang, nonsense
from .test_alert_message import RUN

ALERT = Alert((Event.BLOCKED, Event.FAILURE), RUN, "0b6cfe58-9f0e-4a5b-a4c5-3a3a4f8a9d11", 1735806605)


def patient(pauses: list[float], **more: float) -> Persistence:
    """Persistence whose pauses take no time and are kept."""
    return Persistence(sleep=pauses.append, **more)  # type: ignore[arg-type]  # retries is a number too


def test_a_delivery_is_signed_and_stamped(receiver: Receiver) -> None:
    """One POST of JSON: signature of the very bytes, secret, timestamp and delivery id in headers and body."""
    delivery = send(ALERT, receiver.url, hmac_secret="key", secret="word")
    assert (delivery.delivered, delivery.attempts) == (True, 1)
    [got] = receiver.received
    assert (got.method, got.path) == ("POST", "/services/T0/token-in-the-path")
    wanted = hmac.new(b"key", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-ingest-signature"] == f"sha256={wanted}" == signature(got.body, "key")
    assert got.headers["x-ingest-secret"] == "word"
    assert got.headers["x-ingest-event"] == "blocked"
    assert got.headers["x-ingest-delivery"] == got.message["delivery_id"] == ALERT.delivery_id
    assert int(got.headers["x-ingest-timestamp"]) == got.message["timestamp"] == ALERT.timestamp
    assert got.headers["content-type"] == "application/json"


def test_without_secrets_there_are_no_headers_for_them(receiver: Receiver) -> None:
    """A plain chat webhook gets plain JSON."""
    assert send(ALERT, receiver.url).delivered
    assert not {"x-ingest-signature", "x-ingest-secret", "authorization"} & receiver.received[0].headers.keys()


def test_every_try_is_the_same_delivery(receiver: Receiver) -> None:
    """A receiver that answered too late can tell a repetition by its delivery id."""
    receiver.answers = [500, 503, 429]
    pauses: list[float] = []
    delivery = send(ALERT, receiver.url, hmac_secret="key", persistence=patient(pauses))
    assert (delivery.delivered, delivery.attempts) == (True, 4)
    assert len({(got.body, got.headers["x-ingest-signature"]) for got in receiver.received}) == 1
    assert pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (3, 4)])
def test_there_are_as_many_tries_as_were_asked_for(receiver: Receiver, retries: int, tries: int) -> None:
    """INGEST_ALERT_RETRIES counts the tries after the first."""
    receiver.answers = [500] * 9
    delivery = send(ALERT, receiver.url, persistence=patient([], retries=retries))
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, tries, "it answered 500")
    assert len(receiver.received) == tries


def test_no_try_begins_after_the_time_is_up(receiver: Receiver) -> None:
    """Twenty retries end with the bound, not after a quarter of an hour of pauses."""
    receiver.answers = [500] * 30
    pauses: list[float] = []
    delivery = send(ALERT, receiver.url, persistence=patient(pauses, retries=20, seconds=15.0))
    assert not delivery.delivered
    assert delivery.attempts < 8
    assert max(pauses) < 15


def test_what_was_given_up_is_not_tried_again(receiver: Receiver) -> None:
    """Whoever waited has gone on: the pause before the next try ends at once, and there is none."""
    receiver.answers = [500] * 9
    given_up = threading.Event()
    threading.Timer(0.1, given_up.set).start()
    delivery = send(ALERT, receiver.url, persistence=Persistence(backoff_seconds=30, seconds=600, given_up=given_up))
    assert (delivery.delivered, delivery.reason) == (False, "given up")
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_not_repeated(receiver: Receiver, status: int) -> None:
    """A wrong address or secret does not become right."""
    receiver.answers = [status]
    delivery = send(ALERT, receiver.url, persistence=patient([]))
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, 1, f"it answered {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    """The secrets go to the address that was named, and to no other."""
    receiver.answers = [status]
    receiver.location = f"http://127.0.0.1:{receiver.port}/elsewhere"
    delivery = send(ALERT, receiver.url, secret="word", persistence=patient([]))
    assert not delivery.delivered
    assert "redirects are not followed" in delivery.reason
    assert [got.path for got in receiver.received] == ["/services/T0/token-in-the-path"]


def test_a_closed_port_is_tried_again_then_given_up(closed_port: str) -> None:
    """Nobody listens: all tries, then one plain reason."""
    pauses: list[float] = []
    delivery = send(ALERT, closed_port, persistence=patient(pauses))
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, 4, "it cannot be reached")
    assert pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("misbehave", "reason"), [(hang, "no answer within 0.05 s"), (nonsense, "it cannot be reached")]
)
def test_a_receiver_that_says_nothing_is_given_up(
    misbehaving: Callable[[Misbehaviour], str], monkeypatch: pytest.MonkeyPatch, misbehave: Misbehaviour, reason: str
) -> None:
    """Silence and nonsense are tried again, for as long as asked."""
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.05)
    delivery = send(ALERT, misbehaving(misbehave), persistence=patient([], retries=1))
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, 2, reason)


def test_an_endless_answer_is_not_read(misbehaving: Callable[[Misbehaviour], str]) -> None:
    """The status is all that counts."""
    began = time.monotonic()
    assert send(ALERT, misbehaving(endless_body)).delivered
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/secret-token", "http://127.0.0.1:99999/secret-token", "http:///x"])
def test_no_part_of_the_address_is_in_the_reason(url: str) -> None:
    """What libraries say of a failure has the whole address in it; what we say has none."""
    delivery = send(ALERT, url, persistence=patient([], retries=0))
    assert not delivery.delivered
    assert "secret" not in delivery.reason
    assert "127" not in delivery.reason


def test_a_name_and_password_in_the_address_are_sent(receiver: Receiver, tmp_path: Path) -> None:
    """Basic authentication comes from the address; nothing comes from ~/.netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password from-netrc\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETRC", str(netrc))
        assert send(ALERT, receiver.url).delivered
        assert send(ALERT, receiver.url.replace("//", "//user:pass@")).delivered
    assert "authorization" not in receiver.received[0].headers
    assert receiver.received[1].headers["authorization"] == "Basic dXNlcjpwYXNz"


def test_a_heartbeat_is_a_get_without_anything(receiver: Receiver) -> None:
    """The address alone; tried again like an alert."""
    receiver.answers = [500]
    delivery = beat(receiver.heartbeat_url, persistence=patient([]))
    assert (delivery.delivered, delivery.attempts) == (True, 2)
    assert [(got.method, got.path, got.body) for got in receiver.received] == [("GET", "/beat/0a1b2c3d-heart", b"")] * 2


def test_nothing_is_logged_by_the_sender(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """It gives its result to whoever sent it: an alert that was given up never writes into a log that is closed."""
    receiver.answers = [500]
    with caplog.at_level(logging.INFO):
        send(ALERT, receiver.url, persistence=patient([]))
    assert caplog.records == []
