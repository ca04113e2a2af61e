"""HTTP/1.1 by hand: requests as they arrive, answers as the service sends them.

By hand because faults need the raw socket, and because a standard library handler costs more than a body does.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote

import orjson
from isal import isal_zlib

__all__ = ["Chunk", "Document", "Reply", "Request", "RequestReader", "head_of", "http_date", "parse_json"]

_REASONS = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip
_MAX_HEAD_BYTES = 65_536
_MAX_BODY_BYTES = 4_194_304
_ENDPOINT = re.compile(r"/stats/([A-Za-z0-9]+)/?")
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03"  # deflate, no time, fastest
_LEVEL = 1  # of ISA-L, which takes a quarter of the time of zlib at the same level
_DEFLATE_END = b"\x03\x00"  # an empty last block
JSON_TYPE = "application/json; charset=utf-8"


class Chunk:
    """A piece of a body with its compressed form, so that a body of many known pieces need not be compressed anew."""

    __slots__ = ("packed", "plain")

    def __init__(self, plain: bytes) -> None:
        packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
        self.plain = plain
        # Flushed to a byte's end and without a last block: pieces can be laid end to end.
        self.packed = packer.compress(plain) + packer.flush(isal_zlib.Z_FULL_FLUSH)


class Document:
    """A body, kept compressed: most clients take it that way and many are kept."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    @classmethod
    def of(cls, content: object) -> Document:
        """Of bytes, of text, or of anything that orjson writes."""
        if isinstance(content, str):
            content = content.encode()
        plain = content if isinstance(content, bytes) else orjson.dumps(content)
        packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, 31)  # 31: a gzip header, without a time stamp in it
        return cls(packer.compress(plain) + packer.flush())

    @classmethod
    def joined(cls, chunks: Iterable[Chunk]) -> Document:
        """Of pieces, as one gzip member."""
        packed = [_GZIP_HEADER]
        checksum = length = 0
        for chunk in chunks:
            packed.append(chunk.packed)
            checksum = isal_zlib.crc32(chunk.plain, checksum)
            length += len(chunk.plain)
        packed.append(_DEFLATE_END + struct.pack("<II", checksum, length & 0xFFFFFFFF))
        return cls(b"".join(packed))

    @property
    def empty(self) -> bool:
        """True for a body of no bytes: gzip makes 20 of them."""
        return len(self.packed) <= 20

    def plain(self) -> bytes:
        """The body itself."""
        return isal_zlib.decompress(self.packed, 47)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is to be sent: status, body, and headers beside the usual ones."""

    document: Document
    status: int = 200
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived. `endpoint` is lower case and empty outside /stats; header names are lower case."""

    method: str
    path: str
    endpoint: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def game_id(self) -> str:
        """The GameID asked for, or empty."""
        return next((value for name, value in self.query if name.lower() == "gameid"), "")

    @property
    def takes_gzip(self) -> bool:
        """True when the client offers gzip."""
        return "gzip" in self.headers.get("accept-encoding", "")

    @property
    def stays(self) -> bool:
        """False when the client wants the connection closed after the answer."""
        return self.headers.get("connection", "").lower() != "close"


class RequestReader:
    """Reads requests off a connection, one after another."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self._last_head: tuple[bytes, dict[str, str]] = (b"", {})

    def read(self) -> Request | None:
        """The next request; None when the client is gone or does not speak HTTP."""
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > _MAX_HEAD_BYTES or not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        words = line.decode("latin-1").split(" ")
        if len(words) != 3:
            return None
        headers = self._headers(rest)
        length = headers.get("content-length", "0")
        wanted = int(length) if length.isdigit() else 0
        if wanted > _MAX_BODY_BYTES:
            return None
        while len(self._buffer) < wanted:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
        path, _, query = words[1].partition("?")
        path = unquote(path)
        found = _ENDPOINT.fullmatch(path)
        pairs = tuple(parse_qsl(query, keep_blank_values=True))
        return Request(words[0], path, found[1].lower() if found else "", pairs, headers, body)

    def _headers(self, lines: bytes) -> dict[str, str]:
        if lines != self._last_head[0]:  # a client on one connection says the same every time
            headers = {}
            for line in lines.decode("latin-1").split("\r\n"):
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            self._last_head = (lines, headers)
        return self._last_head[1]

    def _more(self) -> bool:
        try:
            received = self._connection.recv(65_536)
        except OSError:
            return False
        self._buffer += received
        return bool(received)


_date: tuple[int, str] = (0, "")


def http_date(seconds: float | None = None) -> str:
    """An HTTP date; of now when no time is given."""
    global _date
    if seconds is not None:
        return formatdate(seconds, usegmt=True)
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True))
    return _date[1]


def head_of(status: int, length: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """The head of an answer with a body of `length` bytes."""
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}",
        f"Date: {http_date()}",
        f"Content-Length: {length}",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def parse_json(text: bytes) -> object:
    """JSON of a control request; ValueError when it is none."""
    return json.loads(text or b"{}")
