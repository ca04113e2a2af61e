"""A reverse proxy on loopback, in front of an S3 server, that fails when it is told to."""

from __future__ import annotations

import http.client
import http.server
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Asked", "Delay", "Fault", "Hang", "Refusal", "S3Proxy", "from_then_on", "only_then", "s3_proxy"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its method, and its path within the server (bucket and key, no query)."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer as S3 gives it, in place of the server's."""

    status: int
    code: str
    message: str = "no reason"


@dataclass(frozen=True, slots=True)
class Delay:
    """The request reaches the server so much later; or, with ``answer``, its answer the client."""

    seconds: float
    answer: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer, until the proxy lets through again or is closed; the request never reaches the server."""


Fault = Refusal | Delay | Hang
Rule = Callable[[Asked], Fault | None]


def from_then_on(method: str, part: str, fault: Fault, *, nth: int = 1) -> Rule:
    """The fault from the nth request with that method and that part of a path on, for every request whatsoever."""
    lock, count = threading.Lock(), 0

    def rule(asked: Asked) -> Fault | None:
        nonlocal count
        with lock:
            if asked.method == method and part in asked.path:
                count += 1
            return fault if count >= nth else None

    return rule


def only_then(method: str, part: str, fault: Fault, *, nth: int = 1, times: int = 1) -> Rule:
    """The fault for the nth such request and the ones that follow, ``times`` in all."""
    lock, count = threading.Lock(), 0

    def rule(asked: Asked) -> Fault | None:
        nonlocal count
        with lock:
            if asked.method != method or part not in asked.path:
                return None
            count += 1
            return fault if nth <= count < nth + times else None

    return rule


class S3Proxy:
    """Lets everything through, unless a rule says otherwise. ``failed`` is set as soon as one did."""

    def __init__(self, upstream: str) -> None:
        parts = urllib.parse.urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._rule: Rule | None = None
        self._released = threading.Event()
        self._lock = threading.Lock()
        self.failed = threading.Event()
        self.asked: list[Asked] = []
        self.faults = 0
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # A body in two packets must not wait for an acknowledgement.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                proxy._handle(self)

            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815  # as the server wants them

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, rule: Rule) -> None:
        """From now on as the rule says; what was asked is counted anew."""
        with self._lock:
            self._rule, self._released, self.faults = rule, threading.Event(), 0
            self.asked.clear()
            self.failed.clear()

    def let_through(self) -> None:
        """Nothing fails any more; what hangs ends without an answer."""
        with self._lock:
            self._rule = None
            self._released.set()

    def close(self) -> None:
        self.let_through()
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(handler.command, urllib.parse.unquote(urllib.parse.urlsplit(handler.path).path))
        with self._lock:
            self.asked.append(asked)
            fault = self._rule(asked) if self._rule is not None else None
            released = self._released
            self.faults += fault is not None
        if fault is not None:
            self.failed.set()
        match fault:
            case Refusal():
                self._refuse(handler, fault)
            case Hang():
                released.wait()
                handler.close_connection = True
            case Delay(seconds, answer):
                if not answer:
                    released.wait(seconds)
                self._forward(handler, body, released, seconds if answer else 0.0)
            case None:
                self._forward(handler, body, released, 0.0)

    def _refuse(self, handler: http.server.BaseHTTPRequestHandler, refusal: Refusal) -> None:
        text = f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>".encode()
        handler.send_response(refusal.status)
        handler.send_header("Content-Type", "application/xml")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(text)

    def _forward(
        self, handler: http.server.BaseHTTPRequestHandler, body: bytes, released: threading.Event, late_seconds: float
    ) -> None:
        connection = http.client.HTTPConnection(*self._upstream, timeout=60)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() != "expect"}
            # The Host header stays the proxy's: it is part of what was signed.
            connection.request(handler.command, handler.path, body, headers)
            response = connection.getresponse()
            answer = response.read()
            if late_seconds:
                released.wait(late_seconds)
            handler.send_response_only(response.status, response.reason)
            for name, value in response.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    handler.send_header(name, value)
            length = response.getheader("Content-Length") if handler.command == "HEAD" else None
            handler.send_header("Content-Length", length or str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer)
        except (BrokenPipeError, ConnectionResetError):
            # The client did not wait for the answer.
            handler.close_connection = True
        finally:
            connection.close()


@contextmanager
def s3_proxy(upstream: str) -> Iterator[S3Proxy]:
    """A proxy in front of that server."""
    proxy = S3Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
