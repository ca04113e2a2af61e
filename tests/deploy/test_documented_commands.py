"""Every command that README and documentation show is run, by a shell, in a folder with a small lake.

What is shown is run as it is shown. The world it runs in is arranged by the environment alone: variables send requests
to an emulator instead of the NBA, S3 to a server on loopback, and keep runs to two games. The few things that must be
put in place of others (ports, ids of runs, addresses of receivers), and the few commands that cannot be run here, are
listed below, each with its reason.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from nba_stats_emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*/*/README.md")),
    *sorted(ROOT.glob("deploy/**/README.md")),
)
PROGRAMS = (
    "nba-backfill", "nba-stats-emulator", "bin/", ".venv/bin/", "python", "kubectl", "docker", "podman", "sh ", "sudo",
    "systemctl", "journalctl", "curl", "aws", "git",
)  # fmt: skip
SHELLS = {"sh", "console", "shell", "bash"}

# (what a command begins with or contains, why it is not run here)
EXEMPT = (
    (r"^bin/(test|setup|tools|lock)\b", "runs these very tests, or installs from a package index"),
    (r"^\.venv/bin/pre-commit\b", "fetches its hooks"),
    (r"^\.venv/bin/pip-audit\b", "asks a database of vulnerabilities on the internet"),
    (r"^(docker|podman) ", "needs a container engine: docker/smoke.sh and CI run these"),
    (r"^sh docker/smoke\.sh", "needs a container engine: CI runs it"),
    (r"^(sudo|systemctl|journalctl) ", "changes the machine: test_systemd_units.py runs the installer below a folder"),
    (r"^kubectl (?!kustomize [^|]+$|kustomize [^|]+\| (python|kubectl neat))", "needs a cluster"),
    (r"kubectl apply", "needs a cluster; test_kubernetes_manifests.py renders and checks what is applied"),
    (r"^aws ", "needs Amazon's client and account: test_aws_policies.py sends the same documents"),
    (r"^git clone", "needs the repository's host"),
    (r"\|.*\|", "a list of commands, each of which is shown by itself elsewhere"),
)
# (pattern, what stands in its place here, why)
SUBSTITUTIONS = (
    (r"127\.0\.0\.1:40353", "{emulator_address}", "the page's example port"),
    (r"https://[\w.-]*example\.(org|com)", "{sink}", "receivers of messages: one on loopback"),
    (r"\b20\d{6}T\d{6}Z\b", "{run_id}", "the page's example of a run's id"),
    (r"^(nba-backfill export training .*)$", r"\1 --min-games 1", "nobody has played ten games in a lake of four days"),
)
# Exit codes other than 0 that are the very point of what is shown: a few games are no season.
OTHER_CODES = (
    (r"^nba-backfill audit\b(?!.*--repair)", {0, 65}),
    (r"^nba-backfill status\b.*--stale-after", {0, 75}),
)
# More than a minute on a slow machine.
SLOW = re.compile(r"--datasets all\b")
SERVES = re.compile(r"^(nba-stats-emulator|python -m nba_stats_emulator)\b")


@dataclass(frozen=True, slots=True)
class Shown:
    """A command, and the first place that shows it."""

    command: str
    page: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """The lines of code of a page, numbered: fenced blocks of a shell, and indented ones."""
    fence: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*```(\w*)", line)
        if mark:
            fence = None if fence is not None else mark[1]
        elif fence in SHELLS or (fence is None and line.startswith("    ")):
            yield number, line.strip()


def _incomplete(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return True
    return command.endswith("\\")


def shown_in(page: Path) -> Iterator[Shown]:
    """The commands that a page shows, with continuation lines, without prompts and explanations beside them."""
    begun, first = "", 0
    for number, line in _blocks(page.read_text()):
        text = line.removeprefix("$ ")
        if begun:
            begun += "\n" + text
        elif text.startswith(PROGRAMS) or re.match(r"([A-Z_]+=\S+ )+(nba-backfill|bin/)", text):
            begun, first = text, number
        if begun and not _incomplete(begun):
            # An explanation stands behind three blanks, or behind a hash.
            command = re.split(r"\s{3,}(?=\S)|\s+#\s", begun, maxsplit=1)[0] if "\n" not in begun else begun
            yield Shown(command.strip(), str(page.relative_to(ROOT)), first)
            begun = ""


def _all() -> list[Shown]:
    first: dict[str, Shown] = {}
    for page in PAGES:
        if page.is_file():
            for shown in shown_in(page):
                first.setdefault(shown.command, shown)
    return list(first.values())


COMMANDS = _all()
RUN = [shown for shown in COMMANDS if not any(re.search(pattern, shown.command) for pattern, _ in EXEMPT)]

# A process that has loaded everything forks for every command: loading would take most of the time.
SERVER = """
import json, os, socket, sys
import nba_season_backfill.cli.entry, nba_season_backfill.cli.running, nba_season_backfill.query, boto3
from nba_season_backfill.cli import main
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    message, files, _flags, _address = socket.recv_fds(connection, 1 << 20, 3)
    asked = json.loads(message)
    child = os.fork()
    if child == 0:
        listener.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["environ"])
        sys.argv = ["nba-backfill", *asked["arguments"]]
        code = 1
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    for file in files:
        os.close(file)
    _pid, status = os.waitpid(child, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    connection.close()
"""
# The first two lines are the shell's: an interpreter's path with a space in it cannot stand behind #!.
SHIM = """#!/bin/sh
"exec" "{python}" "-SE" "$0" "$@"
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({path!r})
asked = dict(arguments=sys.argv[1:], cwd=os.getcwd(), environ=dict(os.environ))
socket.send_fds(server, [json.dumps(asked).encode()], [0, 1, 2])
sys.exit(int(server.recv(16)))
"""


class _Sink(http.server.BaseHTTPRequestHandler):
    def _taken(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(204)
        self.end_headers()

    do_GET = do_POST = _taken  # noqa: N815  # the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server names it
        """Say nothing."""


class _Corrupting(http.server.BaseHTTPRequestHandler):
    """The emulator, but one game's play-by-play ends with a point too many."""

    upstream = ""

    def do_GET(self) -> None:
        with urllib.request.urlopen(f"{self.upstream}{self.path}") as answer:
            body = answer.read()
        if "playbyplayv3" in self.path and "0022400061" in self.path:
            document = json.loads(body)
            for action in document["game"]["actions"]:
                if action.get("scoreHome"):
                    action["scoreHome"] = str(int(action["scoreHome"]) + 1)
            body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server names it
        """Say nothing."""


def _serving(handler: type[http.server.BaseHTTPRequestHandler]) -> tuple[http.server.ThreadingHTTPServer, str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


@dataclass(frozen=True, slots=True)
class World:
    """Where commands are run: a folder with a lake in it, the environment, and what stands for examples."""

    folder: Path
    environ: dict[str, str]
    facts: dict[str, str]

    def run(self, command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """The command in a shell, in that folder."""
        return subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={**self.environ, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An emulator, an S3 server with the bucket of the pages, a sink for messages, and a lake with a refused answer."""
    folder = tmp_path_factory.mktemp("documented")
    programs = folder / "programs"
    programs.mkdir()
    socket_path = folder / "socket"
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(socket_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    shim = programs / "nba-backfill"
    shim.write_text(SHIM.format(python=sys.executable, path=str(socket_path)))
    shim.chmod(0o755)
    emulated = programs / "nba-stats-emulator"
    emulated.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m nba_stats_emulator "$@"\n')
    emulated.chmod(0o755)
    (programs / "python").symlink_to(sys.executable)

    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    _host, port = store.get_host_and_port()
    s3 = f"http://127.0.0.1:{port}"
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    boto3.client(
        "s3", endpoint_url=s3, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    ).create_bucket(Bucket="my-lake")
    sink, sink_url = _serving(_Sink)
    with Emulator() as emulator:
        _Corrupting.upstream = emulator.base_url
        corrupting, corrupting_url = _serving(_Corrupting)
        environ = {
            "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(folder),
            "NBA_BACKFILL_LOOPBACK_ONLY": "1",
            "NBA_BACKFILL_BASE_URL": emulator.base_url,
            "NBA_RATE_LIMIT_SECONDS": "0.01",
            "NBA_BACKFILL_JITTER_SECONDS": "0",
            "NBA_BACKFILL_REQUEST_BUDGET": "0",
            "NBA_BACKFILL_LIMIT": "2",
            "NBA_TARGET_SEASON": "2024-25",
            "NBA_BACKFILL_S3_ENDPOINT_URL": s3,
            "AWS_EC2_METADATA_DISABLED": "true",
            **credentials,
        }
        made = World(folder, environ, {})
        lake = folder / "lake"
        lake.mkdir()
        # Four days of games: enough for means over days before, and for the player that a page asks for.
        filled = made.run("nba-backfill", lake, NBA_BACKFILL_LIMIT="18")
        assert filled.returncode == 0, filled.stderr
        # One answer that is refused, for the pages about the quarantine.
        made.run(
            "nba-backfill run --no-resume --game-id 0022400061 --no-box-scores --max-retries 0",
            lake,
            NBA_BACKFILL_BASE_URL=corrupting_url,
        )
        assert list((lake / "bronze/_quarantine").rglob("*.json.gz"))
        # And a run after it that has nothing to do: the pages are about a lake that is well.
        assert made.run("nba-backfill", lake, NBA_BACKFILL_LIMIT="18").returncode == 0
        [*_, latest] = sorted((lake / "bronze/_runs").rglob("*.json"))
        bucket = made.run("nba-backfill --s3-bucket my-lake --s3-prefix nba", lake)
        assert bucket.returncode == 0, bucket.stderr
        facts = {
            "emulator_address": emulator.base_url.removeprefix("http://"),
            "sink": sink_url,
            "run_id": latest.stem,
        }
        yield World(folder, environ, facts)
        corrupting.shutdown()
    sink.shutdown()
    store.stop()
    server.terminate()
    server.wait()


def _here(command: str, facts: dict[str, str]) -> str:
    for pattern, replacement, _why in SUBSTITUTIONS:
        command = re.sub(pattern, replacement.format(**facts), command)
    return command.replace("bin/backfill", "nba-backfill")


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(
            shown,
            id=f"{shown}: {shown.command[:60]}",
            marks=[pytest.mark.slow] if SLOW.search(shown.command) else [],
        )
        for shown in RUN
    ],
)
def test_a_shown_command_works(shown: Shown, world: World, tmp_path: Path) -> None:
    """What a page shows can be copied into a shell, and works."""
    folder = tmp_path / "here"
    shutil.copytree(world.folder / "lake", folder)
    for name in ("deploy", "docs", "docker", ".github", "mkdocs.yml", "CONTRIBUTING.md", "CHANGELOG.md", "README.md"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    command = _here(shown.command, world.facts)
    if SERVES.match(command):
        _serves(command, folder, world)
        return
    result = world.run(command, folder)
    codes = next((codes for pattern, codes in OTHER_CODES if re.search(pattern, shown.command)), {0})
    assert result.returncode in codes, f"{shown}: {command}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}"
    if command.startswith("curl"):
        assert "error" not in json.loads(result.stdout or "{}"), result.stdout


def _serves(command: str, folder: Path, world: World) -> None:
    """A server says where it listens, and ends when it is told to."""
    process = subprocess.Popen(
        ["sh", "-c", f"exec {command}"], cwd=folder, env=world.environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["base_url"].startswith("http://127.0.0.1:")
        process.terminate()
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_pages_show_commands() -> None:
    """The search for commands finds them: the quick start, the operations page, the emulator's."""
    commands = {shown.command for shown in COMMANDS}
    assert "bin/backfill --source sample --season 2024-25 --limit 20" in commands
    assert "nba-backfill verify --season 2024-25 --deep" in commands
    assert len(RUN) > 30


@pytest.mark.parametrize(("pattern", "why"), EXEMPT)
def test_an_exemption_is_needed(pattern: str, why: str) -> None:
    """Each exemption has a reason, and a command that needs it: the list does not outlive its use."""
    assert len(why) > 10
    assert any(re.search(pattern, shown.command) for shown in COMMANDS), f"nothing needs the exemption {pattern}"


def test_few_commands_are_exempt() -> None:
    """Most of what is shown is run."""
    ours = [shown for shown in COMMANDS if re.match(r"(nba-|bin/backfill)", shown.command)]
    assert len([shown for shown in ours if shown not in RUN]) <= 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("    nba-backfill status      says how it is\n", ["nba-backfill status"]),
        ("```sh\nbin/backfill --limit 2   # two\n```\n", ["bin/backfill --limit 2"]),
        ("```console\n$ nba-backfill runs\nRUN  ...\n```\n", ["nba-backfill runs"]),
        ("```python\nnba-backfill runs\n```\n", []),
        ("Use nba-backfill as you like.\n", []),
        ("    $ curl -d '{\n        \"a\": 1}' http://x\n", ["curl -d '{\n\"a\": 1}' http://x"]),
        ("```sh\nnba-backfill run \\\n    --limit 2\n```\n", ["nba-backfill run \\\n--limit 2"]),
    ],
)
def test_commands_are_read_as_a_person_reads_them(
    text: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompts, explanations and continuation lines are understood; prose and other languages are not commands."""
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(text)
    assert [shown.command for shown in shown_in(page)] == found
