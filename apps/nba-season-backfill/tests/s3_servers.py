"""S3 servers for tests, started once a session, on loopback."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import botocore.config
import pytest

__all__ = ["client", "lying_url", "ministack_url", "moto_url", "seaweed_url"]


def client(endpoint_url: str, secret: str = "testtest") -> object:
    """boto3's client for a server; the only user is ``test``."""
    config = botocore.config.Config(
        s3={"addressing_style": "path"},
        connect_timeout=2,
        retries={"total_max_attempts": 4, "mode": "standard"},
        request_checksum_calculation="when_required",
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key=secret,
        config=config,
    )


def _free_port() -> int:
    """A free port whose neighbour 10,000 above is free too: SeaweedFS takes that one for gRPC, and it must exist."""
    while True:
        port = random.randrange(20_000, 32_000)
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 10_000)):
                return port
        except OSError:
            continue


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(f"{name} is not installed here: no such S3 server to test against")
    return found


def _wait(port: int, process: subprocess.Popen[bytes], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended with {process.returncode} before it listened")
        try:
            client(f"http://127.0.0.1:{port}").list_buckets()  # type: ignore[attr-defined]  # boto3 is untyped
        except Exception:  # noqa: BLE001  # whatever a server that is still starting may do
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the server did not answer within {seconds:.0f} s")


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """moto's server: honours conditional writes."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def seaweed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SeaweedFS: a real S3 server, checks signatures."""
    folder, port = tmp_path_factory.mktemp("seaweed"), _free_port()
    credentials = [{"accessKey": "test", "secretKey": "testtest"}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = {"identities": [{"name": "t", "credentials": credentials, "actions": actions}]}
    (folder / "s3.json").write_text(json.dumps(identities))
    (folder / "data").mkdir()
    ports = [f"-{name}.port={_free_port()}" for name in ("master", "volume", "filer")]
    # These have ports of their own too; left alone, two servers at once would want the same ones.
    ports += [f"-s3.port.{name}={_free_port()}" for name in ("iceberg", "lance")]
    yield from _served(
        [
            _program("weed"),
            "server",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-dir={folder / 'data'}",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=8",
            "-filer",
            "-s3",
            f"-s3.port={port}",
            f"-s3.config={folder / 's3.json'}",
            *ports,
        ],
        port,
        cwd=folder,
    )


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """ministack: honours conditional writes and checksums."""
    port = _free_port()
    environ = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SERVICES": "s3"}
    yield from _served([_program("ministack")], port, cwd=tmp_path_factory.mktemp("ministack"), environ=environ)


@pytest.fixture(scope="session")
def lying_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """rclone's server: takes conditions and ignores them."""
    folder, port = tmp_path_factory.mktemp("rclone"), _free_port()
    (folder / "lake").mkdir()
    arguments = ["serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--auth-key", "test,testtest"]
    yield from _served([_program("rclone"), *arguments], port, cwd=folder)


def _served(command: list[str], port: int, *, cwd: Path, environ: dict[str, str] | None = None) -> Iterator[str]:
    with (cwd / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=cwd, env=environ or dict(os.environ)
        )
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
