"""A proxy on loopback that holds every HTTP request back, as a network would, and counts them.

    python -m benchmarks.query.delay 127.0.0.1:PORT --seconds 0.03

Prints its own address. ``GET /-/counts`` answers with the requests and bytes since the last time, and is not one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json

_BODYLESS = {b"204", b"304"}


class Delay:
    """Requests are held back side by side, as they would be on a long way."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._host, self._port, self._seconds = host, port, seconds
        self._counts = {"requests": 0, "bytes": 0}

    async def serve(self) -> None:
        """Until the process is ended."""
        server = await asyncio.start_server(self._client, "127.0.0.1", 0, limit=1 << 20)
        print(json.dumps({"address": f"127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
        await server.serve_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        answers: asyncio.StreamReader | None = None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET /-/counts "):
                    body = json.dumps(self._counts).encode()
                    self._counts = {"requests": 0, "bytes": 0}
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    await writer.drain()
                    continue
                self._counts["requests"] += 1
                await asyncio.sleep(self._seconds)
                if upstream is None or answers is None:
                    answers, upstream = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
                # The whole request before any of its answer: none of those who ask wait for "100 Continue" long.
                upstream.write(head + await _body(reader, head))
                await upstream.drain()
                answered = await answers.readuntil(b"\r\n\r\n")
                while answered.split(b" ", 2)[1] == b"100":
                    answered = await answers.readuntil(b"\r\n\r\n")
                nothing = head.startswith(b"HEAD ") or answered.split(b" ", 2)[1] in _BODYLESS
                body = b"" if nothing else await _body(answers, answered)
                self._counts["bytes"] += len(body)
                writer.write(answered + body)
                await writer.drain()
        for each in (writer, upstream):
            if each is not None:
                each.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lines = head.lower().split(b"\r\n")
    for line in lines:
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    if not any(line.startswith(b"transfer-encoding:") and b"chunked" in line for line in lines):
        return b""
    parts = []
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
        parts += [size, chunk]
        if len(chunk) == 2:
            return b"".join(parts)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--seconds", type=float, default=0.03)
    arguments = parser.parse_args()
    host, _, port = arguments.target.partition(":")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Delay(host, int(port), arguments.seconds).serve())


if __name__ == "__main__":
    main()
