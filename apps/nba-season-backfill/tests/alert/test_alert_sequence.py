"""Runs one after the other: the receiver gets exactly the alerts it should, each verifying; no run is ever delayed."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable

import pyarrow.parquet as pq
import pytest
from alert.receiving import HMAC_SECRET, SECRET, Receiver, verify

from nba_season_backfill.backfill import telling
from nba_season_backfill.backfill.errands import Errand, Patience
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Failed, Summary
from nba_season_backfill.cli.running import carry_out
from nba_season_backfill.errors import (
    BackfillError,
    Busy,
    ConfigurationError,
    ContractViolated,
    Fenced,
    Incomplete,
    Interrupted,
    SourceBlocked,
    SourceUnavailable,
    StoreUnusable,
    Throttled,
)

from .conftest import (
    Misbehaviour,
    Runs,
    drip,
    hang,
    nonsense,
    summary_of_run,
)


def test_a_sequence_of_runs_tells_exactly_what_it_should(runs: Runs, receiver: Receiver) -> None:
    """Each failure is told, with how many there were in a row; recovery once; what goes well stays silent."""
    broken = Failed("0022400061", "play-by-play", "contract_violation", "points is a text")
    drift = {"play-by-play": ["game.actions[].newField"]}
    more_drift = {"play-by-play": ["game.actions[].newField", "game.other"]}
    runs.succeeds()
    assert runs.fails(Incomplete("2 answers are missing")) == 75
    assert runs.fails(SourceBlocked("silence", hint="wait an hour")) == 69
    assert runs.fails(ValueError("a bug")) == 1
    assert runs.fails(Busy("season-2024-25 is held by vm pid 7")) == 75
    runs.succeeds("skipped")
    runs.succeeds("nothing_to_do")
    runs.succeeds()
    assert runs.fails(ContractViolated("points is a text"), failures=[broken]) == 65
    runs.succeeds(drift=drift)
    runs.succeeds(drift=drift)
    runs.succeeds(drift=more_drift)
    assert runs.fails(StoreUnusable("no bucket")) == 78
    runs.succeeds(command="repair", source="archive")
    runs.succeeds()
    messages = [verify(got) for got in receiver.alerts]
    assert [(each["event"], each["events"], each["failed_runs_in_a_row"]) for each in messages] == [
        ("incomplete", ["incomplete"], 1),
        ("blocked", ["blocked", "failure"], 2),
        ("failure", ["failure"], 3),
        ("incomplete", ["incomplete"], 4),
        ("recovery", ["recovery"], 4),
        ("validation", ["validation", "failure"], 1),
        ("recovery", ["recovery", "validation"], 1),
        ("validation", ["validation"], 0),
        ("failure", ["failure"], 1),
        ("recovery", ["recovery"], 1),
    ]
    assert len({each["delivery_id"] for each in messages}) == len(messages)
    assert messages[5]["failures"] == [
        {
            "game_id": "0022400061",
            "dataset": "play-by-play",
            "verdict": "contract_violation",
            "reason": "points is a text",
        }
    ]
    assert messages[7]["new_fields"] == ["play-by-play:game.other"]
    for each in messages:
        assert each["record"]
        record = json.loads((runs.lake / each["record"]).read_text())
        assert (record["run_id"], record["state"]) == (each["run_id"], "ended")
    # Every success that asked somebody, and nothing else, was a beat.
    assert len(receiver.beats) == 7
    [partition] = (runs.lake / "pipeline-audit").rglob("*.parquet")
    assert pq.ParquetFile(partition).read().num_rows == 15


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (Incomplete("x"), "incomplete"),
        (Throttled("x"), "incomplete"),
        (Busy("x"), "incomplete"),
        (SourceBlocked("x"), "blocked"),
        (SourceUnavailable("x"), "failure"),
        (ContractViolated("x"), "validation"),
        (Fenced("x"), "failure"),
        (ConfigurationError("x"), "failure"),
        (Interrupted(15), "failure"),
        (RuntimeError("x"), "failure"),
        (RecursionError("x"), "failure"),
    ],
)
def test_whatever_went_wrong_is_told(runs: Runs, receiver: Receiver, error: Exception, event: str) -> None:
    """Every kind of failure reaches the receiver, and none the heartbeat."""
    code = runs.fails(error)
    [message] = [verify(got) for got in receiver.alerts]
    assert (message["event"], message["exit_code"]) == (event, code)
    assert receiver.beats == []


@pytest.mark.parametrize(
    ("wanted", "events"),
    [
        ("failure", ["failure"]),
        ("incomplete,recovery", ["incomplete", "recovery"]),
        ("blocked", ["blocked"]),
        ("validation", []),
    ],
)
def test_only_what_was_asked_for_is_told(runs: Runs, receiver: Receiver, wanted: str, events: list[str]) -> None:
    """--alert-on names the events; a block is also a failure to whoever asks for failures only."""
    runs.environ["INGEST_ALERT_ON"] = wanted
    runs.fails(Incomplete("x"))
    runs.fails(SourceBlocked("x"))
    runs.succeeds()
    assert [got.message["event"] for got in receiver.alerts] == events


def test_without_a_webhook_nobody_is_told(runs: Runs, receiver: Receiver) -> None:
    """Neither variable nor option: not a single request."""
    runs.environ.clear()
    runs.fails(Incomplete("x"))
    runs.succeeds()
    assert receiver.received == []


def test_secrets_are_nowhere(
    runs: Runs, receiver: Receiver, misbehaving: Callable[[Misbehaviour], str], capfd: pytest.CaptureFixture[str]
) -> None:
    """No log line (at DEBUG), no output, no record and no message has a secret, or the token in an address."""
    runs.environ["LOG_LEVEL"] = "DEBUG"
    runs.environ["INGEST_ALERT_RETRIES"] = "1"
    receiver.answers = [500, 500]
    runs.fails(ValueError(f"talked to {receiver.url} with {SECRET}"))
    runs.environ["INGEST_ALERT_WEBHOOK"] = misbehaving(nonsense)
    runs.environ["NBA_BACKFILL_HEARTBEAT_URL"] = misbehaving(nonsense)
    runs.fails(Incomplete(f"{HMAC_SECRET} was refused"))
    runs.succeeds()
    out, err = capfd.readouterr()
    kept = [path.read_bytes().decode("utf-8", "replace") for path in runs.lake.rglob("*") if path.is_file()]
    assert "was not delivered (2 tries)" in out
    for text in (out, err, *kept, *(got.body.decode() for got in receiver.received)):
        for secret in (SECRET, HMAC_SECRET, "token-in-the-path", "0a1b2c3d-heart"):
            assert secret not in text


@pytest.mark.parametrize("misbehave", [hang, drip])
def test_a_receiver_delays_a_run_no_longer_than_the_bound(
    runs: Runs,
    misbehaving: Callable[[Misbehaviour], str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    misbehave: Misbehaviour,
) -> None:
    """Silence, or a header a byte at a time: after the bound the run goes its way, with its own exit code."""
    monkeypatch.setattr(telling, "MOST_SECONDS", 0.5)
    runs.environ["INGEST_ALERT_WEBHOOK"] = misbehaving(misbehave)
    runs.environ["NBA_BACKFILL_HEARTBEAT_URL"] = misbehaving(misbehave)
    began = time.monotonic()
    assert runs.fails(Incomplete("x")) == 75
    assert runs.succeeds() == 0
    assert time.monotonic() - began < 3
    lines = capfd.readouterr().out.splitlines()
    assert sum("its receiver takes too long" in line for line in lines) >= 3
    # What was given up says nothing more: programs read the last line.
    assert json.loads(lines[-1])["event"] == "run_finished"


def test_a_dead_receiver_is_said_once_and_changes_nothing(
    runs: Runs, closed_port: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The exit code is the job's; the summary has a warning."""
    runs.environ["INGEST_ALERT_WEBHOOK"] = closed_port
    del runs.environ["NBA_BACKFILL_HEARTBEAT_URL"]
    assert runs.fails(Incomplete("x")) == 75
    last = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert last["summary"]["warnings"] == ["the alert was not delivered (4 tries): it cannot be reached"]


def test_after_a_signal_there_is_less_time(
    runs: Runs, misbehaving: Callable[[Misbehaviour], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked for an end gets it, also when the signal comes while the alert is under way."""
    monkeypatch.setattr(telling, "MOST_SECONDS_AFTER_A_SIGNAL", 0.2)
    monkeypatch.setattr(telling, "MOST_SECONDS", 30.0)
    runs.environ["INGEST_ALERT_WEBHOOK"] = misbehaving(hang)

    def job(run_id: str, _observer: object, _stop: Stop) -> Summary:
        threading.Timer(0.3, signal.raise_signal, [signal.SIGTERM]).start()
        error = Incomplete("x")
        error.summary = summary_of_run(run_id, "incomplete", exit_code=75)
        raise error

    began = time.monotonic()
    assert carry_out(runs.settings(), job) == 75
    assert time.monotonic() - began < 5


def test_an_error_in_telling_is_told_and_no_more(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A bug in the sender is a warning of the run, not its end."""

    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("in the sender")

    monkeypatch.setattr(telling, "send", explode)
    monkeypatch.setattr(telling, "beat", explode)
    assert runs.fails(Incomplete("x")) == 75
    assert runs.succeeds() == 0
    out = capfd.readouterr().out
    assert out.count("the alert was not delivered: ZeroDivisionError: in the sender") >= 1
    assert out.count("the heartbeat was not delivered: ZeroDivisionError: in the sender") >= 1


def test_a_bad_end_without_a_summary_is_told(runs: Runs, receiver: Receiver) -> None:
    """A job that failed before it had anything to sum up."""

    def job(*_: object) -> Summary:
        raise BackfillError("nothing was ready")

    assert carry_out(runs.settings(), job) == 1
    [message] = [verify(got) for got in receiver.alerts]
    assert (message["event"], message["message"], message["counts"]) == ("failure", "nothing was ready", {})


def test_patience_shrinks_with_a_hurry_and_never_grows() -> None:
    """Two waits share one patience; a hurry shortens what is left of it, once."""
    now = [0.0]
    hurry = threading.Event()
    patience = Patience(10.0, hurry, 3.0, monotonic=lambda: now[0])
    now[0] = 4.0
    assert patience.left_seconds() == 6.0
    hurry.set()
    assert patience.left_seconds() == 3.0
    now[0] = 6.0
    assert patience.left_seconds() == 1.0
    now[0] = 8.0
    assert patience.left_seconds() == 0.0
    assert not patience.wait_for(threading.Event())


def test_an_errand_that_is_given_up_learns_of_it() -> None:
    """It is told that it is too late, so that it does nothing more."""
    learned = threading.Event()

    def work(too_late: threading.Event) -> None:
        if too_late.wait(5):
            learned.set()

    assert not Errand("test", work).finished(Patience(0.0, threading.Event(), 0.0))
    assert learned.wait(5)
