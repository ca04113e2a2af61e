"""Calls that hang are left behind when there is no time left, and only then."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_proxy import Hang, Refusal, S3Proxy, from_then_on, only_then, s3_proxy

from nba_season_backfill.backfill.stopping import STORE_SECONDS, Stop
from nba_season_backfill.lake import open_store
from nba_season_backfill.lake.bounded import LeftBehind, within
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.lake.store import ObjectMissing, StoreError

from .conftest import client


def test_with_time_left_a_call_gives_what_it_gives() -> None:
    """Its result, or the very error it raised."""
    error = KeyError("x")

    def fail() -> None:
        raise error

    for seconds_left in (lambda: None, lambda: 5.0):
        assert within(seconds_left, lambda: 7) == 7
        with pytest.raises(KeyError) as caught:
            within(seconds_left, fail)
        assert caught.value is error


def test_without_time_left_no_call_is_made() -> None:
    """What is not begun cannot happen later."""
    made: list[int] = []
    with pytest.raises(LeftBehind):
        within(lambda: 0.0, lambda: made.append(1))
    assert made == []


def test_a_call_that_hangs_is_left_behind_when_the_time_is_over() -> None:
    """However long it had been waited for before; its thread does not keep the process alive."""
    clock, hanging, end = [100.0], threading.Event(), threading.Event()
    stop = Stop(monotonic=lambda: clock[0])

    def hang() -> None:
        hanging.set()
        end.wait(30)

    outcomes: list[BaseException] = []

    def call() -> None:
        try:
            within(stop.seconds_left, hang)
        except LeftBehind as error:
            outcomes.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert hanging.wait(5)
    assert stop.seconds_left() is None
    stop.request(15)
    assert stop.seconds_left() == STORE_SECONDS
    clock[0] += STORE_SECONDS
    thread.join(5)
    assert not thread.is_alive()
    assert len(outcomes) == 1
    assert stop.seconds_left() == 0
    end.set()


def test_a_folder_that_a_paused_process_has_locked_is_left_behind(tmp_path: Path) -> None:
    """Another process's lock is waited for only as long as there is time."""
    clock = [0.0]
    stop = Stop(monotonic=lambda: clock[0])
    store = open_store(folder=tmp_path, seconds_left=stop.seconds_left)
    store.put("k", b"body")
    with (tmp_path / ".k.lock").open("rb") as paused:
        fcntl.flock(paused, fcntl.LOCK_EX)
        stop.request(15)
        clock[0] += STORE_SECONDS
        with pytest.raises(StoreError, match="no time was left") as caught:
            store.put("k", b"other")
    assert caught.value.kind == "left_behind"
    assert store.get("k").body == b"body"


@pytest.fixture
def proxy(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """moto behind a proxy, with a bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    client(moto_url).create_bucket(Bucket="bounded")  # type: ignore[attr-defined]  # boto3 is untyped
    with s3_proxy(moto_url) as made:
        yield made


@pytest.mark.parametrize("operation", ["get", "put", "list", "delete", "now"])
def test_an_s3_call_that_hangs_is_left_behind(proxy: S3Proxy, operation: str) -> None:
    """A StoreError that says so, at once when the time is over; and no call is made after that."""
    clock = [0.0]
    stop = Stop(monotonic=lambda: clock[0])
    store = open_store(bucket="bounded", endpoint_url=proxy.url, region="us-east-1", seconds_left=stop.seconds_left)
    store.put("k", b"body")
    assert store.get("k").body == b"body"
    proxy.fail(lambda _asked: Hang())

    def signalled() -> None:
        proxy.failed.wait(10)
        stop.request(15)
        clock[0] += STORE_SECONDS

    threading.Thread(target=signalled, daemon=True).start()
    began = time.monotonic()
    fresh = open_store(bucket="bounded", endpoint_url=proxy.url, region="us-east-1", seconds_left=stop.seconds_left)
    calls = {
        "get": lambda: fresh.get("k"),
        "put": lambda: fresh.put("k", b"other"),
        "list": lambda: list(fresh.list()),
        "delete": lambda: fresh.delete("k"),
        "now": fresh.now,
    }
    with pytest.raises(StoreError, match="in the time that was left") as caught:
        calls[operation]()
    assert caught.value.kind == "left_behind"
    assert time.monotonic() - began < 5
    proxy.let_through()
    asked = len(proxy.asked)
    with pytest.raises(StoreError, match="in the time that was left"):
        store.put("late", b"")
    assert len(proxy.asked) == asked


def test_a_throttled_request_is_sent_again_and_counted(proxy: S3Proxy) -> None:
    """First by boto3, then after longer pauses; each such answer is counted."""
    pauses: list[float] = []
    slow_down = Refusal(503, "SlowDown", "Please reduce your request rate.")

    def made() -> S3Store:
        return S3Store("bounded", "p", endpoint_url=proxy.url, region="us-east-1", sleep=pauses.append)

    store = made()
    proxy.fail(only_then("PUT", "/k", slow_down, times=2))
    store.put("k", b"body")
    assert (store.throttled, pauses) == (2, [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
        proxy.fail(only_then("PUT", "/k", slow_down, times=10))
        store.put("k", b"other")
        assert (store.throttled, len(pauses)) == (12, 2)
        assert 1 <= pauses[0] <= 2 <= pauses[1] <= 4
        assert store.get("k").body == b"other"
        proxy.fail(from_then_on("GET", "/k", slow_down))
        with pytest.raises(StoreError, match="SlowDown") as caught:
            store.get("k")
        assert caught.value.kind == "throttled"
        proxy.let_through()
        with pytest.raises(ObjectMissing):
            store.get("nothing")
