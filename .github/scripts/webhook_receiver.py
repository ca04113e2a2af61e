"""A receiver of alerts for the daily smoke run: keeps what is signed rightly, refuses the rest.

    python webhook_receiver.py PORT_FILE MESSAGES_FILE

Listens on loopback only, on a free port that it writes to PORT_FILE; appends a line of JSON a message to MESSAGES_FILE.
The secret comes from INGEST_ALERT_HMAC_SECRET.
"""

import hashlib
import hmac
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

LONGEST_BYTES = 65536


class Receiver(BaseHTTPRequestHandler):
    """Takes POSTs whose X-Ingest-Signature is the body's."""

    secret = b""
    messages = Path()

    def do_POST(self) -> None:
        """204 for a message that was kept, 401 for a wrong signature, 413 for one that is too long."""
        length = int(self.headers.get("Content-Length", "0"))
        if length > LONGEST_BYTES:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        expected = "sha256=" + hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, self.headers.get("X-Ingest-Signature", "")):
            self.send_error(401)
            return
        with self.messages.open("ab") as file:
            file.write(body + b"\n")
        self.send_response(204)
        self.end_headers()


def main() -> None:
    """Serve until ended."""
    port_file, messages = map(Path, sys.argv[1:3])
    Receiver.secret = os.environ["INGEST_ALERT_HMAC_SECRET"].encode()
    Receiver.messages = messages
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    partial = port_file.with_suffix(".part")
    partial.write_text(f"{server.server_port}\n")
    partial.rename(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
