"""For every test of the workspace: nothing but loopback is reachable, and recorded responses are found or skipped."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_connect = socket.socket.connect
_getaddrinfo = socket.getaddrinfo
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1", "", None}


def _refuse(where: object) -> None:
    raise PermissionError(f"a test tried to reach {where!r}: tests talk to loopback only")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if isinstance(address, tuple) and not str(address[0]).startswith("127.") and address[0] not in _LOOPBACK_NAMES:
        _refuse(address)
    _connect(self, address)


def _guarded_getaddrinfo(host: Any, *arguments: Any, **keywords: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in _LOOPBACK_NAMES and not str(name).startswith("127."):
        raise socket.gaierror(socket.EAI_NONAME, f"a test tried to look up {name!r}: tests talk to loopback only")
    return _getaddrinfo(host, *arguments, **keywords)


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """No test, and no process that a test starts, can reach the NBA."""
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", _guarded_connect)
    patch.setattr(socket, "getaddrinfo", _guarded_getaddrinfo)
    patch.setenv("NBA_BACKFILL_LOOPBACK_ONLY", "1")
    patch.setenv("NBA_API_REQUIRE_PROXY", "1")
    # A machine's own settings must not decide how a test ends.
    for name in list(os.environ):
        if name.startswith(("AWS_", "NBA_TARGET", "NBA_RATE", "STATE_FILE", "DRY_RUN", "RESUME_", "LOG_")):
            patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of recorded responses; a test that needs it is skipped where it is absent."""
    folder = Path(os.environ.get("HOOPSTAT_CORPUS") or Path(__file__).parent.parent / "shared" / "corpus")
    if not (folder / "INDEX.tsv").is_file():
        pytest.skip("the recorded responses are not here (HOOPSTAT_CORPUS names their folder)")
    return folder
