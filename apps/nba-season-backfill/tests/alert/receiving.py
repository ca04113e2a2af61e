"""A receiver on loopback that keeps what it gets, and every check that a receiver should make of it."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

__all__ = ["HMAC_SECRET", "SECRET", "Received", "Receiver", "receiver", "verify"]

HMAC_SECRET = "a signing key"
SECRET = "a shared word"


@dataclass(frozen=True)
class Received:
    """A request that came in; ``at`` is when, in Unix seconds."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def message(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(orjson.loads(self.body))


@dataclass
class Receiver:
    """Keeps what it gets; answers with ``answers`` in turn, then with 204."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    location: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/token-in-the-path"

    @property
    def heartbeat_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/beat/0a1b2c3d-heart"

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a run that tells this receiver."""
        return {
            "INGEST_ALERT_WEBHOOK": self.url,
            "INGEST_ALERT_HMAC_SECRET": HMAC_SECRET,
            "INGEST_ALERT_SECRET": SECRET,
            "INGEST_ALERT_BACKOFF": "0.001",
            "NBA_BACKFILL_HEARTBEAT_URL": self.heartbeat_url,
        }

    @property
    def alerts(self) -> list[Received]:
        return [each for each in self.received if each.method == "POST"]

    @property
    def beats(self) -> list[Received]:
        return [each for each in self.received if each.method == "GET"]


def verify(got: Received) -> dict[str, Any]:
    """The message, after every check that a receiver should make."""
    wanted = f"sha256={hmac.new(HMAC_SECRET.encode(), got.body, hashlib.sha256).hexdigest()}"
    assert hmac.compare_digest(got.headers["x-ingest-signature"], wanted)
    assert hmac.compare_digest(got.headers["x-ingest-secret"], SECRET)
    message = got.message
    # By the receiver's own clock, whatever day the run is of.
    assert abs(got.at - message["timestamp"]) < 60
    assert got.headers["x-ingest-timestamp"] == str(message["timestamp"])
    assert got.headers["x-ingest-delivery"] == message["delivery_id"]
    assert got.headers["x-ingest-event"] == message["event"] == message["events"][0]
    return message


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver for one test."""
    kept = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.received.append(Received(self.command, self.path, headers, self.rfile.read(length), time.time()))
            self.send_response(kept.answers.pop(0) if kept.answers else 204)
            if kept.location:
                self.send_header("Location", kept.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer  # noqa: N815  # the standard library's names

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()
