"""Every way in which the real service fails, through the real nba_api client over HTTP, and the verdict on it."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
import pytest

from nba_season_backfill.datasets.base import Assessment, violation
from nba_season_backfill.season import Season
from nba_season_backfill.source.base import Answer, FailureKind, StatsRequest
from nba_season_backfill.source.stats_api import StatsApiSource, is_loopback
from nba_season_backfill.source.verdict import CONSEQUENCES, RULES, Verdict, VerdictKind, judge

REQUEST = StatsRequest("boxscoretraditionalv3", {"GameID": "0022400061", "EndPeriod": "0"}, Season(2024), "0022400061")
GOOD = orjson.dumps({"meta": {}, "boxScoreTraditional": {"gameId": "0022400061"}})

Behave = Callable[[socket.socket, bytes], None]


@contextmanager
def server(*behaviours: Behave) -> Iterator[tuple[str, list[bytes]]]:
    """A loopback server that treats its n-th request as the n-th behaviour says (the last one from then on)."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    requests: list[bytes] = []
    done = threading.Event()

    def serve_connection(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    try:
                        piece = connection.recv(65536)
                    except TimeoutError:  # a connection that is kept and not used any more
                        return
                    if not piece:
                        return
                    head += piece
                requests.append(head)
                try:
                    behaviours[min(len(requests), len(behaviours)) - 1](connection, head)
                except _Hangup:
                    return

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve_connection, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        done.set()
        listener.close()


class _Hangup(Exception):
    """The behaviour is done with the connection."""


def reply(
    status: int = 200,
    body: bytes = GOOD,
    content_type: str = "application/json; charset=utf-8",
    length: int | None = None,
    **headers: str,
) -> Behave:
    def behave(connection: socket.socket, _head: bytes) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}", f"Content-Length: {length or len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        if length is not None:
            raise _Hangup

    return behave


def silent(connection: socket.socket, _head: bytes) -> None:
    """Accept, read, never answer."""
    connection.recv(1)
    raise _Hangup


def reset(connection: socket.socket, _head: bytes) -> None:
    """Cut the connection the hard way (RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise _Hangup


def hang_up(_connection: socket.socket, _head: bytes) -> None:
    """Close without a response."""
    raise _Hangup


def stall_in_body(connection: socket.socket, _head: bytes) -> None:
    """Send half a body, then nothing."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{")
    connection.recv(1)
    raise _Hangup


def assess_good(payload: object) -> Assessment:
    return Assessment("ok") if payload == orjson.loads(GOOD) else violation("not the body that was sent")


def ask(base_url: str, times: int = 1, read_timeout_seconds: float = 5.0) -> tuple[Answer, Verdict]:
    source = StatsApiSource(base_url, connect_timeout_seconds=2.0, read_timeout_seconds=read_timeout_seconds)
    try:
        for _ in range(times):
            answer = source.fetch(REQUEST)
        return answer, judge(answer, "boxScoreTraditional", assess_good)
    finally:
        source.close()


HTML = b"<HTML><HEAD>\n<TITLE>Access Denied</TITLE></HEAD><BODY>no</BODY></HTML>"
UNABLE = b"We are unable to process your request at the moment"

CASES: dict[str, tuple[Behave, VerdictKind, str]] = {
    "a good answer": (reply(), VerdictKind.OK, "dataset_checks"),
    "silence": (silent, VerdictKind.BLOCKED, "silence"),
    "silence in the middle of a body": (stall_in_body, VerdictKind.BLOCKED, "silence"),
    "reset": (reset, VerdictKind.BLOCKED, "reset"),
    "remote end closed without response": (hang_up, VerdictKind.BLOCKED, "reset"),
    "truncated body": (reply(length=len(GOOD) + 100), VerdictKind.TRANSIENT, "truncated"),
    "truncated gzip": (
        reply(body=gzip.compress(GOOD)[:-12], Content_Encoding="gzip"),
        VerdictKind.TRANSIENT,
        "not_whole_json",
    ),
    "garbage called gzip": (reply(body=b"not gzip", Content_Encoding="gzip"), VerdictKind.TRANSIENT, "truncated"),
    "403 Akamai": (reply(403, HTML, "text/html"), VerdictKind.BLOCKED, "forbidden"),
    "200 with a web page": (reply(200, HTML, "text/html"), VerdictKind.BLOCKED, "not_json_200"),
    "200 with a web page that says it is JSON": (reply(200, b" \n" + HTML), VerdictKind.BLOCKED, "not_json_200"),
    "headers refused": (reply(200, UNABLE, "text/plain"), VerdictKind.BLOCKED, "headers_refused"),
    "headers refused with 500": (reply(500, UNABLE, "text/plain"), VerdictKind.BLOCKED, "headers_refused"),
    "500 with a message": (
        reply(500, b'{"Message":"An error has occurred."}'),
        VerdictKind.TRANSIENT,
        "server_fault",
    ),
    "400": (reply(400, b"The GameID is required."), VerdictKind.CONTRACT_VIOLATION, "refused_request"),
    "404": (reply(404, b"{}"), VerdictKind.CONTRACT_VIOLATION, "refused_request"),
    "429": (reply(429, b""), VerdictKind.THROTTLED, "too_many_requests"),
    "429 with seconds": (reply(429, b"{}", Retry_After="120"), VerdictKind.THROTTLED, "too_many_requests"),
    "502": (reply(502, HTML, "text/html"), VerdictKind.TRANSIENT, "server_fault"),
    "503": (reply(503, HTML, "text/html"), VerdictKind.TRANSIENT, "server_fault"),
    "503 that asks for a pause": (reply(503, b"", Retry_After="60"), VerdictKind.THROTTLED, "overloaded"),
    "504": (reply(504, b""), VerdictKind.TRANSIENT, "server_fault"),
    "200 with nothing": (reply(200, b"", length=None), VerdictKind.TRANSIENT, "empty_body"),
    "200 with half a JSON": (reply(200, GOOD[:-5]), VerdictKind.TRANSIENT, "not_whole_json"),
    "200 with {}": (reply(200, b"{}"), VerdictKind.TRANSIENT, "no_root"),
    "200 with null": (reply(200, b"null"), VerdictKind.TRANSIENT, "not_whole_json"),
    "200 with a list": (reply(200, b"[1]"), VerdictKind.TRANSIENT, "no_root"),
    "200 with a null root": (reply(200, b'{"boxScoreTraditional":null}'), VerdictKind.TRANSIENT, "no_root"),
    "200 with another root": (reply(200, b'{"game":{}}'), VerdictKind.TRANSIENT, "no_root"),
    "200 with content that fails its checks": (
        reply(200, b'{"boxScoreTraditional":{"gameId":"0022499999"}}'),
        VerdictKind.CONTRACT_VIOLATION,
        "dataset_checks",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_way_of_failing_has_its_verdict(case: str) -> None:
    """What the corpus documents, seen through nba_api's HTTP class, gets the verdict that the table promises."""
    behaviour, kind, rule = CASES[case]
    with server(behaviour) as (base_url, _):
        _answer, verdict = ask(base_url, read_timeout_seconds=0.3 if behaviour in (silent, stall_in_body) else 5.0)
    assert (verdict.kind, verdict.rule) == (kind, rule), verdict.explanation
    assert verdict.explanation


def test_a_port_that_refuses_is_unreachable() -> None:
    """Nobody listens: said as unreachable, with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer, verdict = ask(f"http://127.0.0.1:{port}")
    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.CONNECTION_REFUSED
    assert (verdict.kind, verdict.rule) == (VerdictKind.BLOCKED, "unreachable")


def test_a_stale_connection_is_not_held_against_the_host() -> None:
    """A reset on a connection that answered before is a passing fault, and the next request has a new one."""
    with server(reply(), reset, reply()) as (base_url, requests):
        source = StatsApiSource(base_url)
        assert source.fetch(REQUEST).failure is None
        answer = source.fetch(REQUEST)
        assert judge(answer, "boxScoreTraditional", assess_good).rule == "stale_connection"
        assert source.fetch(REQUEST).status == 200
        source.close()
    assert len(requests) == 3


def test_retry_after_reaches_the_verdict() -> None:
    """Both forms of Retry-After are handed on as they came."""
    when = "Wed, 21 Oct 2026 07:28:00 GMT"
    with server(reply(429, b"", Retry_After=when)) as (base_url, _):
        _answer, verdict = ask(base_url)
    assert verdict.retry_after == when


def test_the_body_is_verbatim_and_the_headers_are_a_browsers() -> None:
    """Bytes as sent (after content decoding), nba_api's headers, no Host of the NBA and no encoding we cannot read."""
    body = b'{"boxScoreTraditional":{"name":"Joki\xc4\x87","n":1.50}}'
    packed = gzip.compress(body)
    with server(reply(body=packed, Content_Encoding="gzip")) as (base_url, requests):
        answer, _ = ask(base_url)
    assert answer.body == body
    assert answer.url.startswith(f"{base_url}/stats/boxscoretraditionalv3?")
    head = requests[0].decode().lower()
    assert "referer: https://www.nba.com/" in head
    assert "host: stats.nba.com" not in head
    assert "accept-encoding: gzip, deflate\r\n" in head or "br" in head
    assert head.startswith("get /stats/boxscoretraditionalv3?endperiod=0&gameid=0022400061 ")


def test_a_new_session_generation_means_a_new_connection() -> None:
    """After a throttle the session is renewed: the next request comes from another port."""
    peers: list[int] = []

    def note(connection: socket.socket, head: bytes) -> None:
        peers.append(connection.getpeername()[1])
        reply()(connection, head)

    with server(note) as (base_url, _):
        source = StatsApiSource(base_url)
        for generation in (0, 0, 1):
            source.fetch(REQUEST, session_generation=generation)
        source.close()
    assert peers[0] == peers[1] != peers[2]


def test_credentials_of_a_proxy_stay_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that refuses is named without its password, and the verdict is unreachable."""
    monkeypatch.delenv("NBA_BACKFILL_LOOPBACK_ONLY")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    source = StatsApiSource("http://stats.invalid", proxy=f"http://someone:s3cr3tpw@127.0.0.1:{port}")
    answer = source.fetch(REQUEST)
    verdict = judge(answer, None, assess_good)
    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.PROXY
    assert "s3cr3tpw" not in f"{answer} {verdict}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://127.9.9.9", True),
        ("https://stats.nba.com", False),
        ("http://127.0.0.1.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_told_from_everything_else(url: str, expected: bool) -> None:
    """Only addresses of this machine get the courtesy-free pace."""
    assert is_loopback(url) is expected


def test_no_test_can_reach_the_nba() -> None:
    """The tripwire: with NBA_BACKFILL_LOOPBACK_ONLY set, a source for another host is refused before any socket."""
    with pytest.raises(Exception, match="NBA_BACKFILL_LOOPBACK_ONLY"):
        StatsApiSource("https://stats.nba.com")


def test_the_table_is_whole() -> None:
    """Every kind of verdict has its consequences, every rule has a name of its own and says what was seen."""
    assert set(CONSEQUENCES) == set(VerdictKind)
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(rule.explanation for rule in RULES)


def test_what_follows_from_each_verdict() -> None:
    """Silence costs no game an attempt, only what is worth keeping is archived, and absence expires."""
    assert not CONSEQUENCES[VerdictKind.BLOCKED].charges_attempt
    assert not CONSEQUENCES[VerdictKind.THROTTLED].charges_attempt
    assert CONSEQUENCES[VerdictKind.TRANSIENT].charges_attempt
    assert not CONSEQUENCES[VerdictKind.CONTRACT_VIOLATION].retry
    assert [kind for kind in VerdictKind if CONSEQUENCES[kind].archived] == [
        VerdictKind.OK,
        VerdictKind.ABSENT,
        VerdictKind.CONTRACT_VIOLATION,
    ]
    assert CONSEQUENCES[VerdictKind.OK].believed_for is None
    assert CONSEQUENCES[VerdictKind.ABSENT].believed_for is not None
