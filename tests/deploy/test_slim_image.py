"""What docker/slim.py leaves of an installation still does all that a job does."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

Job = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def slim(root: Path) -> ModuleType:
    """The module docker/slim.py."""
    specification = importlib.util.spec_from_file_location("slim", root / "docker" / "slim.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["slim"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def slimmed(tmp_path_factory: pytest.TempPathFactory, lock: Callable[[str], dict[str, Any]], slim: ModuleType) -> Path:
    """The runtime set as installed here, made of links, and slimmed as the image is."""
    folder = tmp_path_factory.mktemp("slimmed")
    for pin in lock("requirements-runtime.lock").values():
        try:
            distribution = importlib.metadata.distribution(pin.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or another Python
        for file in distribution.files or ():
            source = Path(str(distribution.locate_file(file)))
            if ".." in file.parts or not source.is_file():
                continue
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                # A hard link, not a symbolic one: libraries look for each other beside where they really are.
                try:
                    os.link(source, target)
                except OSError:
                    target.write_bytes(source.read_bytes())
    saved = sum(bytes_saved for _rule, bytes_saved in slim.slim(folder, slim.PACKAGES))
    assert saved > 50e6
    return folder


@pytest.fixture(scope="module")
def job(slimmed: Path, root: Path) -> Job:
    """Runs Python with nothing but the standard library, what was slimmed, and our own sources."""
    ours = sorted(str(path) for path in root.glob("*/*/src"))
    path = os.pathsep.join([str(slimmed), *ours])

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            # -S: no site-packages. What the environment of the tests has besides must not help.
            [sys.executable, "-S", *arguments],
            env={"PATH": os.defpath, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nowhere", **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_the_slimmed_packages_run_a_job_from_end_to_end(job: Job, tmp_path: Path) -> None:
    """Fetch, status, deep verification and rebuilding work with nothing but what the image has."""
    lake = ["--output", str(tmp_path / "lake"), "--season", "2024-25"]
    for command in (
        ["--source", "sample", "--limit", "3", *lake],
        ["status", *lake],
        ["verify", "--deep", *lake],
        ["rebuild", *lake],
        ["--dry-run"],
    ):
        result = job("-m", "nba_season_backfill", *command)
        assert result.returncode == 0, f"{command}: {result.stdout[-2000:]}{result.stderr[-2000:]}"


def test_the_slimmed_packages_hold_no_pandas(job: Job) -> None:
    """The test above would prove nothing if the job could see what is installed here besides."""
    result = job("-c", "import pandas")
    assert result.returncode != 0
    assert "No module named 'pandas'" in result.stderr


def test_the_slimmed_packages_reach_s3_with_any_kind_of_credentials(job: Job) -> None:
    """The descriptions of S3 and of the services that credentials come from are there, the others are gone."""
    script = """
import json, boto3, botocore.exceptions
session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
made = [session.client(name).meta.service_model.service_name for name in ("s3", "sts", "sso", "sso-oidc")]
try:
    session.client("ec2")
except botocore.exceptions.UnknownServiceError:
    made.append("no ec2")
print(json.dumps(made))
"""
    result = job("-c", script)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == ["s3", "sts", "sso", "sso-oidc", "no ec2"]


def test_the_slimmed_packages_fill_a_bucket(job: Job) -> None:
    """A run into S3 works with what is left of boto3 and botocore."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _host, port = server.get_host_and_port()
        url = f"http://127.0.0.1:{port}"
        credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        make = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1]).create_bucket(Bucket='lake')"
        made = job("-c", make, url, AWS_DEFAULT_REGION="us-east-1", **credentials)
        assert made.returncode == 0, made.stderr
        command = ["--source", "sample", "--limit", "2", "--s3-bucket", "lake", "--s3-endpoint-url", url]
        result = job("-m", "nba_season_backfill", *command, **credentials)
        assert result.returncode == 0, f"{result.stdout[-2000:]}{result.stderr[-2000:]}"
    finally:
        server.stop()


def test_the_slimmed_packages_show_errors_in_colour(job: Job) -> None:
    """Rich still highlights Python, which is all that it is asked to highlight."""
    result = job("-c", "from rich.syntax import Syntax; print(Syntax('x = 1', 'python').lexer.name)")
    assert result.stdout.strip() == "Python", result.stderr


def test_a_rule_that_finds_nothing_is_an_error(slim: ModuleType, tmp_path: Path) -> None:
    """A package that moved its files must not let the image grow unnoticed."""
    rule = slim.Rule("what is no longer there", ("gone/*.so",))
    with pytest.raises(LookupError, match=r"gone/\*\.so"):
        list(slim.slim(tmp_path, (rule,)))


def test_a_rule_spares_what_it_keeps_and_follows_no_link(slim: ModuleType, tmp_path: Path) -> None:
    """Removing stays below the folder it was given."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    root = tmp_path / "root"
    for name in ("data/s3", "data/ec2"):
        (root / name).mkdir(parents=True)
        (root / name / "service.json").write_text("12345")
    (root / "data" / "link").symlink_to(outside)
    rule = slim.Rule("the others", ("data/*",), keep=("data/s3",))
    [(_rule, saved)] = slim.slim(root, (rule,))
    assert saved >= 5
    assert (root / "data/s3/service.json").is_file()
    assert not (root / "data/ec2").exists()
    assert not (root / "data/link").is_symlink()
    assert (outside / "precious").read_text() == "kept"


def test_the_command_line_says_what_each_rule_saved(slim: ModuleType, root: Path, tmp_path: Path) -> None:
    """A build's log tells megabytes and reasons; a wrong call explains itself and exits with 2."""
    script = str(root / "docker" / "slim.py")
    wrong = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "slim.py packages DIR" in wrong.stderr
    for pattern in ("usr/local/lib/python3.13/ensurepip", "usr/bin/apt"):
        (tmp_path / pattern).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / pattern).write_bytes(b"x" * 2_000_000)
    right = subprocess.run(
        [sys.executable, script, "system", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "2.0 MB  installers of Python packages" in right.stdout
    assert "4.0 MB  saved" in right.stdout
    assert len(right.stdout.splitlines()) == len(slim.SYSTEM) + 1
