"""Every way to misbehave, seen from the client's side of the socket."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from nba_stats_emulator import (
    Behaviour,
    Blocked,
    Close,
    Constant,
    CutGzip,
    Drift,
    Drip,
    EmptyBody,
    EmptyObject,
    Emulator,
    HtmlPage,
    InvalidJson,
    Lognormal,
    NullRoot,
    PenaltyBox,
    Reset,
    Rule,
    ServerError,
    SlidingWindow,
    Tarpit,
    TokenBucket,
    TooManyRequests,
    Truncate,
    Unable,
    Uniform,
    WrongGame,
)
from nba_stats_emulator.behaviour import Fault, Fortune
from nba_stats_emulator.wire import Request

Get = Callable[..., Any]
GAME = {"GameID": "0022400061"}
PLAYS = "/stats/playbyplayv3"
BOX = "/stats/boxscoretraditionalv3"


class FakeTime:
    """A monotonic clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def always(fault: Fault) -> Behaviour:
    return Behaviour(rules=(Rule(fault),))


def asking(path: str, *, game_id: str = "") -> Request:
    query = (("GameID", game_id),) if game_id else ()
    return Request("GET", f"/stats/{path}", path.lower(), query, {})


@pytest.mark.parametrize(
    ("fault", "status", "start", "content_type"),
    [
        (HtmlPage(), 200, b"<!DOCTYPE html>", "text/html; charset=utf-8"),
        (Blocked(), 403, b"<HTML><HEAD>\n<TITLE>Access Denied</TITLE>", "text/html"),
        (TooManyRequests(), 429, b"", "text/html"),
        (ServerError(), 500, b'{"Message":"An error has occurred."}', "application/json; charset=utf-8"),
        (ServerError(502), 502, b"<html>", "text/html"),
        (ServerError(503), 503, b"<html>", "text/html"),
        (ServerError(504), 504, b"<html>", "text/html"),
        (EmptyObject(), 200, b"{}", "application/json; charset=utf-8"),
        (EmptyBody(), 200, b"", "application/json; charset=utf-8"),
        (Unable(), 200, b"We are unable to process your request at the moment", "text/plain"),
    ],
)
def test_wrong_answers(
    emulator: Emulator, get: Get, fault: Fault, status: int, start: bytes, content_type: str
) -> None:
    """Each wrong answer has its status, its content type and the beginning clients know it by."""
    emulator.set_behaviour(always(fault))
    answer = get(emulator.base_url, PLAYS, **GAME)
    assert (answer.status, answer.headers["content-type"]) == (status, content_type)
    assert answer.body.startswith(start)
    assert bool(answer.body) == bool(start)
    assert "retry-after" not in answer.headers
    (arrival,) = emulator.requests
    assert (arrival.outcome, arrival.status) == (f"fault:{fault.kind}", status)


def test_retry_after_comes_in_seconds_or_as_a_date(emulator: Emulator, get: Get) -> None:
    """429 can name a wait in whole seconds or as an HTTP date in the future, and 503 in seconds."""
    emulator.set_behaviour(always(TooManyRequests(30.2)))
    assert get(emulator.base_url, PLAYS, **GAME).headers["retry-after"] == "31"
    emulator.set_behaviour(always(TooManyRequests(90.0, form="date")))
    answer = get(emulator.base_url, PLAYS, **GAME)
    wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(answer.headers["date"])
    assert 89 <= wait.total_seconds() <= 92
    emulator.set_behaviour(always(ServerError(503, retry_after_seconds=5.0)))
    assert get(emulator.base_url, PLAYS, **GAME).headers["retry-after"] == "5"


def test_a_null_root(emulator: Emulator, get: Get) -> None:
    """The root key is there and null, for bodies of both kinds."""
    emulator.set_behaviour(always(NullRoot()))
    assert get(emulator.base_url, PLAYS, **GAME).json["game"] is None
    assert get(emulator.base_url, "/stats/playerindex", LeagueID="00", Season="2024-25").json["resultSets"] is None


def test_the_wrong_game(emulator: Emulator, get: Get) -> None:
    """The body carries another game's id, zeros or the one named."""
    emulator.set_behaviour(Behaviour(rules=(Rule(WrongGame(), times=1), Rule(WrongGame("0022400062"), at=(1, 2)))))
    assert get(emulator.base_url, PLAYS, **GAME).json["game"]["gameId"] == "0000000000"
    assert get(emulator.base_url, PLAYS, **GAME).json["game"]["gameId"] == "0022400062"


def test_invalid_json(emulator: Emulator, get: Get) -> None:
    """The JSON ends in the middle while lengths are right."""
    emulator.set_behaviour(always(InvalidJson()))
    answer = get(emulator.base_url, PLAYS, **GAME)
    assert answer.body.startswith(b'{"meta"')
    with pytest.raises(json.JSONDecodeError):
        answer.json  # noqa: B018 - reading it is what fails


def test_schema_drift_in_new_bodies(emulator: Emulator, get: Get) -> None:
    """Fields come, go and change type where a path says, in every entry of a list, and nowhere else."""
    drift = Drift(
        add=("homeTeam.players.*.statistics.clutch",),
        remove=("awayTeam.statistics.points",),
        retype=("homeTeam.teamId", "homeTeam.teamName", "homeTeam.players.*.comment"),
    )
    true = get(emulator.base_url, BOX, **GAME).json["boxScoreTraditional"]
    emulator.set_behaviour(always(drift))
    drifted = get(emulator.base_url, BOX, **GAME).json["boxScoreTraditional"]
    assert all(player["statistics"].pop("clutch") == "new" for player in drifted["homeTeam"]["players"])
    assert drifted["homeTeam"]["teamId"] == str(true["homeTeam"]["teamId"])
    assert drifted["homeTeam"]["teamName"] == 0
    assert "points" not in drifted["awayTeam"]["statistics"]
    assert drifted["awayTeam"]["players"] == true["awayTeam"]["players"]


def test_schema_drift_in_tables(emulator: Emulator, get: Get) -> None:
    """Columns of a table come, go and change type too."""
    emulator.set_behaviour(always(Drift(add=("NEW",), remove=("COLLEGE",), retype=("PTS",))))
    table = get(emulator.base_url, "/stats/playerindex", LeagueID="00", Season="2024-25").json["resultSets"][0]
    assert table["headers"][-1] == "NEW"
    assert "COLLEGE" not in table["headers"]
    column = table["headers"].index("PTS")
    assert all(isinstance(row[column], str) and len(row) == len(table["headers"]) for row in table["rowSet"])


def test_a_truncated_body(emulator: Emulator, get: Get) -> None:
    """Fewer bytes come than were announced."""
    emulator.set_behaviour(always(Truncate(0.5)))
    with pytest.raises(http.client.IncompleteRead):
        get(emulator.base_url, PLAYS, **GAME)


def test_a_cut_gzip_stream(emulator: Emulator, get: Get) -> None:
    """All announced bytes come and the gzip stream in them does not end."""
    emulator.set_behaviour(always(CutGzip(0.5)))
    with pytest.raises(EOFError):
        get(emulator.base_url, PLAYS, **GAME)


def test_a_dripping_body(emulator: Emulator, get: Get) -> None:
    """The whole body comes in the end, in pieces."""
    plain = get(emulator.base_url, PLAYS, **GAME).body
    emulator.set_behaviour(always(Drip(seconds=0.02, pieces=4)))
    assert get(emulator.base_url, PLAYS, **GAME).body == plain


@pytest.mark.parametrize("fault", [Reset(), Reset(0.3), Close()])
def test_a_broken_connection(emulator: Emulator, get: Get, fault: Fault) -> None:
    """The connection breaks: reset at once, reset in the middle, or closed without a word."""
    emulator.set_behaviour(always(fault))
    error = http.client.RemoteDisconnected if isinstance(fault, Close) else ConnectionResetError
    with pytest.raises(error):
        get(emulator.base_url, PLAYS, **GAME)
    emulator.set_behaviour(None)
    assert get(emulator.base_url, PLAYS, **GAME).status == 200


def test_a_tarpit_never_answers(emulator: Emulator) -> None:
    """A tarpit takes the request and says nothing until the client gives up; the server serves others meanwhile."""
    emulator.set_behaviour(Behaviour(rules=(Rule(Tarpit(), times=1),)))
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=0.1) as stuck:
        stuck.sendall(b"GET /stats/playbyplayv3?GameID=0022400061 HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            stuck.recv(1)
        other = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
        other.request("GET", "/stats/playbyplayv3?GameID=0022400061")
        assert other.getresponse().status == 200
        other.close()
    assert [arrival.outcome for arrival in emulator.requests] == ["fault:tarpit", "200"]


def test_stopping_ends_tarpits_and_waits(get: Get) -> None:
    """`stop` does not wait for clients held in tarpits or latencies."""
    failed: list[type[BaseException]] = []
    for behaviour in (always(Tarpit()), Behaviour(latency=Constant(60.0))):
        emulator = Emulator(behaviour=behaviour).start()

        def ask(base_url: str = emulator.base_url) -> None:
            try:
                get(base_url, PLAYS, **GAME)
            except (OSError, http.client.HTTPException) as error:
                failed.append(type(error))

        client = threading.Thread(target=ask)
        client.start()
        while not emulator.requests:
            client.join(0.005)
        emulator.stop()
        client.join(timeout=5)
        assert not client.is_alive()
    assert len(failed) == 2


def test_the_kth_request_fails_and_no_other(emulator: Emulator, get: Get) -> None:
    """`at` names requests by their number."""
    emulator.set_behaviour(Behaviour(rules=(Rule(ServerError(502), at=(2, 4)),)))
    assert [get(emulator.base_url, PLAYS, **GAME).status for _ in range(5)] == [200, 502, 200, 502, 200]


def test_a_game_fails_so_many_times_and_then_is_fine(emulator: Emulator, get: Get) -> None:
    """A rule for a game and endpoint leaves others alone and ends after `times`."""
    rule = Rule(ServerError(), endpoint="PlayByPlayV3", game_id="0022400061", times=2)
    emulator.set_behaviour(Behaviour(rules=(rule,)))
    assert get(emulator.base_url, PLAYS, GameID="0022400062").status == 200
    assert get(emulator.base_url, BOX, **GAME).status == 200
    assert [get(emulator.base_url, PLAYS, **GAME).status for _ in range(3)] == [500, 500, 200]


def test_rules_count_skip_repeat_and_expire() -> None:
    """`skip`, `every`, `times` and a span of seconds say together when a rule applies; the first rule wins."""
    rules = (Rule(Close(), skip=1, every=3, times=2), Rule(Tarpit(), from_second=100.0, until_second=101.0))
    fortune = Fortune(Behaviour(rules=rules), now=0.0)
    fates = [fortune.tell(asking("playbyplayv3"), float(second)).fault for second in range(10)]
    assert [number for number, fault in enumerate(fates) if fault == Close()] == [1, 4]
    assert fortune.tell(asking("playbyplayv3"), 100.5).fault == Tarpit()
    assert fortune.tell(asking("playbyplayv3"), 101.0).fault is None


def test_chance_is_the_same_for_the_same_seed() -> None:
    """Probabilities and latencies repeat exactly for a seed and differ for another."""

    def fates(seed: int) -> list[tuple[float, bool]]:
        behaviour = Behaviour(
            latency=Lognormal(0.2), latency_by_endpoint={"playerindex": Uniform(1.0, 2.0)},
            rules=(Rule(Close(), probability=0.5),), seed=seed,
        )  # fmt: skip
        fortune = Fortune(behaviour, 0.0)
        told = [fortune.tell(asking(("playbyplayv3", "playerindex")[n % 2]), float(n)) for n in range(40)]
        assert all(1 <= fate.latency_seconds <= 2 for fate in told[1::2])
        return [(fate.latency_seconds, fate.fault is None) for fate in told]

    assert fates(1) == fates(1) != fates(2)
    assert {fine for _, fine in fates(1)} == {True, False}


def test_latencies_have_the_shape_they_claim() -> None:
    """A lognormal's median is its median, its tail is cut where asked; a constant is constant."""
    fortune = Fortune(Behaviour(latency=Lognormal(0.4, 0.5, most_seconds=2.0)), 0.0)
    drawn = sorted(fortune.tell(asking("playbyplayv3"), 0.0).latency_seconds for _ in range(2001))
    assert drawn[1000] == pytest.approx(0.4, rel=0.05)
    assert drawn[-1] <= 2.0
    assert Fortune(Behaviour(latency=Constant(0.3)), 0.0).tell(asking("x"), 0.0).latency_seconds == 0.3


def test_latency_is_waited_before_answering(emulator: Emulator, get: Get) -> None:
    """An answer takes at least its latency, by the server's own record."""
    emulator.set_behaviour(Behaviour(latency=Constant(0.03)))
    get(emulator.base_url, PLAYS, **GAME)
    (arrival,) = emulator.requests
    assert arrival.answered_at_seconds is not None
    assert arrival.answered_at_seconds - arrival.at_seconds >= 0.029


def test_a_limit_refuses_and_says_for_how_long(get: Get) -> None:
    """Requests over a limit are refused at once, with the limiter's wait when asked for, and recorded as refused."""
    time = FakeTime()
    behaviour = Behaviour(
        latency=Constant(0.0), limit=TokenBucket(0.1, burst=2), refusal=TooManyRequests(retry_after="limit")
    )
    with Emulator(behaviour=behaviour, monotonic=time) as emulator:
        statuses = [get(emulator.base_url, PLAYS, **GAME).status for _ in range(2)]
        refused = get(emulator.base_url, PLAYS, **GAME)
        assert (statuses, refused.status, refused.headers["retry-after"]) == ([200, 200], 429, "10")
        time.now += 10
        assert get(emulator.base_url, PLAYS, **GAME).status == 200
        assert [arrival.outcome for arrival in emulator.requests] == ["200", "200", "refused:too_many_requests", "200"]
        assert [arrival.at_seconds for arrival in emulator.requests] == [1000.0, 1000.0, 1000.0, 1010.0]
        assert get(emulator.base_url, "/_emulator").status == 200  # the control endpoints are never limited


def test_a_behaviour_can_be_used_again(get: Get) -> None:
    """Setting a behaviour starts its limits and counts anew; the value itself is never used up."""
    time = FakeTime()
    behaviour = Behaviour(limit=PenaltyBox(SlidingWindow(1, 60.0), 300.0), refusal=Blocked())
    with Emulator(monotonic=time) as emulator:
        for _ in range(2):
            emulator.set_behaviour(behaviour)
            assert [get(emulator.base_url, PLAYS, **GAME).status for _ in range(2)] == [200, 403]
        time.now += 299
        assert get(emulator.base_url, PLAYS, **GAME).status == 403  # and so begins the penalty anew
        time.now += 299
        assert get(emulator.base_url, PLAYS, **GAME).status == 403
        time.now += 301
        assert get(emulator.base_url, PLAYS, **GAME).status == 200


def test_nonsense_on_the_socket_ends_the_connection(emulator: Emulator) -> None:
    """Bytes that are no request close the connection; the server lives on."""
    for nonsense in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET /\r\n\r\n", b"X" * 70_000):
        with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
            connection.sendall(nonsense)
            with contextlib.suppress(ConnectionResetError):  # as a socket does that is closed with bytes unread
                assert connection.recv(1) == b""
    assert emulator.requests == []
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(b"GET /stats/playbyplayv3?GameID=0022400061 HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert json.loads(gzip.decompress(answer.read()))["game"]["gameId"] == "0022400061"
