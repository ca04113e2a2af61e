"""The server: a thread per connection, a record of what arrived, and every fault on the raw socket."""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nba_stats_emulator.behaviour import Behaviour, Close, CutGzip, Drip, Fate, Fortune, Reset, Tarpit, Truncate
from nba_stats_emulator.faults import altered
from nba_stats_emulator.wire import Reply, Request, RequestReader, head_of

__all__ = ["Arrival", "Server"]

_KEPT_ARRIVALS = 50_000
_CACHE_HEADERS = (
    ("x-datasource", "S3"),
    ("x-full-ttl", "1800.000"),
    ("x-ttl", "1799.000"),
    ("x-hits", "1"),
    ("x-status", "hit"),
    ("x-cache-ability", "cacheable"),
)
_COOKIES = (
    ("Set-Cookie", "ak_bmsc=SIMULATED~0~simulated; Domain=.nba.com; Path=/; HttpOnly"),
    ("Set-Cookie", "bm_sv=SIMULATED~simulated; Domain=.nba.com; Path=/; Secure"),
)


@dataclass(slots=True)
class Arrival:
    """A request under /stats as the server saw it, in monotonic seconds.

    `outcome` is the status sent (`200`), `fault:<kind>`, `refused:<kind>`, or `pending` while it waits. `status` and
    `answered_at_seconds`, when the answer began to leave, stay None for requests that are never answered.
    """

    number: int
    at_seconds: float
    connection: int
    method: str
    path: str
    endpoint: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    outcome: str = "pending"
    status: int | None = None
    answered_at_seconds: float | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The query as a mapping."""
        return dict(self.query)

    @property
    def game_id(self) -> str:
        """The GameID asked for, or empty."""
        return next((value for name, value in self.query if name.lower() == "gameid"), "")


class Gone(Exception):
    """The connection is over: closed on purpose, by the client, or by the server stopping."""


class Server:
    """Listens on 127.0.0.1 and answers. `answer` gives the reply to a request under /stats, `control` to any other."""

    def __init__(
        self,
        answer: Callable[[Request], Reply],
        control: Callable[[Request], Reply],
        *,
        host: str,
        port: int,
        simulated: str,
        monotonic: Callable[[], float] = time.monotonic,
        arrived: Callable[[Arrival], None] | None = None,
    ) -> None:
        self._answer = answer
        self._control = control
        self._simulated = simulated
        self._monotonic = monotonic
        self._arrived = arrived
        self._fortune = Fortune(Behaviour(), monotonic())
        self._arrivals: deque[Arrival] = deque(maxlen=_KEPT_ARRIVALS)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._connections: dict[int, socket.socket] = {}
        self._accepted = 0
        self._count = 0
        self.outcomes: Counter[str] = Counter()
        self._listener = socket.create_server((host, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="emulator-accept", daemon=True)

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close the listener and every connection; nothing is answered any more."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections.values())
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    @property
    def arrivals(self) -> list[Arrival]:
        """What arrived so far, oldest first (the last 50,000)."""
        with self._lock:
            return list(self._arrivals)

    @property
    def fortune(self) -> Fortune:
        """The behaviour in force."""
        return self._fortune

    def behave(self, behaviour: Behaviour) -> None:
        """Change the behaviour; counts, chances and limits begin anew."""
        self._fortune = Fortune(behaviour, self._monotonic())

    def forget(self) -> None:
        """Empty the record of what arrived."""
        with self._lock:
            self._arrivals.clear()

    # --- connections ------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._accepted += 1
                number = self._accepted
                self._connections[number] = connection
            threading.Thread(target=self._serve, args=(number, connection), daemon=True).start()

    def _serve(self, number: int, connection: socket.socket) -> None:
        reader = RequestReader(connection)
        first = True
        try:
            while not self._stopping.is_set():
                request = reader.read()
                if request is None:
                    return
                if request.path.startswith("/stats/"):
                    self._stats(number, connection, request, first=first)
                else:
                    self._send(connection, request, self._control(request), first=False)
                first = False
                if not request.stays:
                    return
        except (Gone, OSError):
            return
        finally:
            with self._lock:
                self._connections.pop(number, None)
            connection.close()

    def _stats(self, number: int, connection: socket.socket, request: Request, *, first: bool) -> None:
        now = self._monotonic()
        with self._lock:
            self._count += 1
            arrival = Arrival(
                self._count, now, number, request.method, request.path, request.endpoint, request.query,
                request.headers,
            )  # fmt: skip
            self._arrivals.append(arrival)
        fate = self._fortune.tell(request, now)
        fault = fate.fault
        if fault is not None:
            arrival.outcome = f"{'refused' if fate.refused else 'fault'}:{fault.kind}"
        self._wait(fate.latency_seconds)
        if isinstance(fault, Tarpit):
            self._note(arrival)
            self._hold(connection, fault.seconds)
        if isinstance(fault, Close) or (isinstance(fault, Reset) and not fault.fraction):
            self._note(arrival)
            if isinstance(fault, Reset):
                self._reset(connection)
            raise Gone
        reply = altered(fate, request, self._answer(request))
        if fault is None:
            arrival.outcome = str(reply.status)
        arrival.status = reply.status
        arrival.answered_at_seconds = self._monotonic()
        self._note(arrival)
        self._send(connection, request, reply, first=first, fate=fate)

    def _note(self, arrival: Arrival) -> None:
        """Count and log an outcome: before the client can know of it, so that it never finds less than it saw."""
        with self._lock:
            self.outcomes[arrival.outcome] += 1
        if self._arrived is not None:
            self._arrived(arrival)

    # --- sending ----------------------------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._stopping.wait(seconds):
            raise Gone

    def _hold(self, connection: socket.socket, seconds: float | None) -> None:
        """Keep silent until the client goes away, the time is up or the server stops."""
        connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            while connection.recv(4096):
                pass
        raise Gone

    def _reset(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone  # closing a socket that lingers for no time sends RST instead of FIN

    def _headers(self, reply: Reply, *, packed: bool, first: bool, stays: bool) -> list[tuple[str, str]]:
        headers = [("Content-Type", reply.content_type)]
        if packed:
            headers.append(("Content-Encoding", "gzip"))
        if reply.status == 200 and reply.content_type.startswith("application/json"):
            headers += _CACHE_HEADERS
        headers += [("Vary", "Accept-Encoding"), ("x-simulated", self._simulated)]
        headers += reply.headers.items()
        if first:
            headers += _COOKIES
        headers.append(("Connection", "keep-alive" if stays else "close"))
        return headers

    def _send(
        self, connection: socket.socket, request: Request, reply: Reply, *, first: bool, fate: Fate | None = None
    ) -> None:
        fault = fate.fault if fate else None
        packed = (request.takes_gzip or isinstance(fault, CutGzip)) and not reply.document.empty
        body = reply.document.packed if packed else reply.document.plain()
        if isinstance(fault, CutGzip):
            body = body[: int(len(body) * fault.fraction)]
        head = head_of(reply.status, len(body), self._headers(reply, packed=packed, first=first, stays=request.stays))
        if isinstance(fault, (Truncate, Reset)):
            connection.sendall(head + body[: int(len(body) * fault.fraction)])
            if isinstance(fault, Reset):
                self._reset(connection)
            raise Gone
        if isinstance(fault, Drip):
            connection.sendall(head)
            size = max(1, math.ceil(len(body) / fault.pieces))
            for start in range(0, len(body), size):
                self._wait(fault.seconds / fault.pieces)
                connection.sendall(body[start : start + size])
            return
        connection.sendall(head if request.method == "HEAD" else head + body)
