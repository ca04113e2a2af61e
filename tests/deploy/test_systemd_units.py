"""The systemd units verify, are hardened, and are installed by a script that may be run again and again."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nba_season_backfill.settings import BackfillSettings

UNITS = ("nba-backfill.service", "nba-backfill-season@.service", "nba-backfill.timer")
SERVICES = UNITS[:2]
MOST_EXPOSURE = 15  # tenths; systemd's own verdict on an ordinary service is 96, "UNSAFE"

Analyze = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def analyze() -> Analyze:
    """systemd-analyze; the test is skipped where there is none."""
    path = shutil.which("systemd-analyze")
    if path is None:
        pytest.skip("systemd-analyze is not here")

    def run(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(path), *map(str, arguments)],
            env=os.environ | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def units(root: Path, tmp_path: Path) -> Path:
    """The units with a program that exists here."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    folder = tmp_path / "units"
    folder.mkdir()
    for name in UNITS:
        text = (root / "deploy/systemd" / name).read_text()
        (folder / name).write_text(text.replace("/opt/nba-backfill/bin/nba-backfill", str(program)))
    return folder


def _verify(analyze: Analyze, folder: Path) -> subprocess.CompletedProcess[str]:
    names = [name.replace("@", "@2024-25") for name in UNITS]
    # The trailing colon adds the folders that systemd looks in by itself.
    return analyze("verify", "--man=no", *(folder / name for name in names), SYSTEMD_UNIT_PATH=f"{folder}:")


def test_the_units_verify(analyze: Analyze, units: Path) -> None:
    """systemd knows every line of them."""
    result = _verify(analyze, units)
    ours = [line for line in result.stderr.splitlines() if "nba-backfill" in line]
    assert ours == []
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("ProtectSystem=strict", "ProtectSytem=strict"),
        ("Type=oneshot", "Type=twoshot"),
        ("TimeoutStopSec=30", "TimeoutStopSec=soon"),
    ],
)
def test_a_mistake_in_a_unit_is_found(was: str, becomes: str, analyze: Analyze, units: Path) -> None:
    """The test above can fail."""
    service = units / "nba-backfill.service"
    assert was in service.read_text()
    service.write_text(service.read_text().replace(was, becomes))
    assert "nba-backfill" in _verify(analyze, units).stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardened(name: str, analyze: Analyze, root: Path) -> None:
    """systemd's own measure of exposure stays low."""
    result = analyze(
        "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSURE}", root / "deploy/systemd" / name
    )
    assert result.returncode == 0, result.stdout[-300:]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_tell_its_machine(name: str, root: Path) -> None:
    """The lease of a lake in a folder reads /proc/sys: hiding it would make a dead holder's lease run out slowly."""
    assert "ProcSubset=pid" not in (root / "deploy/systemd" / name).read_text()


def test_the_services_differ_in_what_they_run(root: Path) -> None:
    """Hardening and limits of the two services are the same."""
    texts = []
    for name in SERVICES:
        lines = (root / "deploy/systemd" / name).read_text().splitlines()
        texts.append([line for line in lines if not re.match(r"(ExecStart|Description|TimeoutStartSec)=", line)])
    assert texts[0] == texts[1]


def test_the_timer_names_a_moment_that_exists(analyze: Analyze, root: Path) -> None:
    """The calendar line is understood, time zone included."""
    [line] = re.findall(r"^OnCalendar=(.*)$", (root / "deploy/systemd/nba-backfill.timer").read_text(), re.MULTILINE)
    result = analyze("calendar", line)
    assert result.returncode == 0, result.stderr
    assert "America/New_York" in line


def test_the_template_of_settings_is_read_and_holds_no_secret(root: Path) -> None:
    """Every variable of the template, commented out ones too, is one that the job reads or AWS does."""
    text = (root / "deploy/systemd/environment.template").read_text()
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    offered = dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert list(BackfillSettings.load({}, environ=given).notices) == []
    reference = (root / "docs/configuration.md").read_text()
    for name in given | offered:
        assert f"`{name}`" in reference or name.startswith("AWS_"), f"{name} is read by nothing"
    for name in ("AWS_SECRET_ACCESS_KEY", "INGEST_ALERT_HMAC_SECRET", "NBA_API_PROXY"):
        assert offered[name] == ""


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """What the installer reads, copied: others may be at work in the real one."""
    folder = tmp_path / "checkout"
    for name in ("deploy/systemd", "libs/hoopstat-config/src"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "apps/none/src").mkdir(parents=True)
    for name in ("requirements-runtime.lock", "requirements-build.lock"):
        (folder / name).write_text("")
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter whose virtual environments take no time and whose pip installs a program of one line."""
    script = tmp_path / "python"
    script.write_text(
        """#!/bin/sh
[ "$1" = -c ] && exit 0
target=$3
mkdir -p "$target/bin"
cat >"$target/bin/python" <<'EOF'
#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/../pip.log"
printf '#!%s/python\\nprint()\\n' "$(cd "$here" && pwd)" >"$here/nba-backfill"
EOF
chmod +x "$target/bin/python"
"""
    )
    script.chmod(0o755)
    return script


Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def install(checkout: Path, python: Path, tmp_path: Path) -> Install:
    """Runs the installer below a folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(checkout / "deploy/systemd/install.sh"), "--root", str(tmp_path / "machine"), *arguments],
            env=os.environ | {"PYTHON": str(python)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def test_installing_twice_is_installing_once(install: Install, tmp_path: Path) -> None:
    """The second call finds everything current, and changes nothing."""
    first = install()
    assert first.returncode == 0, first.stderr
    machine = tmp_path / "machine"
    before = {path: path.stat().st_mtime_ns for path in machine.rglob("*")}
    second = install()
    assert second.returncode == 0, second.stderr
    assert "is current" in second.stdout
    assert "written" not in second.stdout
    assert {path: path.stat().st_mtime_ns for path in machine.rglob("*")} == before


def test_settings_are_secret_and_never_overwritten(install: Install, tmp_path: Path) -> None:
    """The settings file is made readable by its owner alone, and what stands in it stays."""
    install()
    settings = tmp_path / "machine/etc/nba-backfill/environment"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    settings.write_text("AWS_S3_BUCKET=mine\n")
    settings.chmod(0o644)
    install()
    assert settings.read_text() == "AWS_S3_BUCKET=mine\n"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600


def test_a_new_version_replaces_the_program_and_its_units(install: Install, checkout: Path, tmp_path: Path) -> None:
    """Changed sources, locks or units are installed by the next call."""
    install()
    (checkout / "requirements-runtime.lock").write_text("# newer\n")
    timer = checkout / "deploy/systemd/nba-backfill.timer"
    timer.write_text(timer.read_text().replace("06:30", "07:30"))
    again = install()
    assert "/opt/nba-backfill made" in again.stdout
    assert "nba-backfill.timer written" in again.stdout
    assert "nba-backfill.service written" not in again.stdout
    assert "07:30" in (tmp_path / "machine/etc/systemd/system/nba-backfill.timer").read_text()


def test_the_program_works_from_where_it_is_put(install: Install, tmp_path: Path) -> None:
    """Scripts name the interpreter at its final place; what was installed was checked against its hash."""
    install()
    home = tmp_path / "machine/opt/nba-backfill"
    assert (home / "bin/nba-backfill").read_text().startswith("#!/opt/nba-backfill/bin/python\n")
    calls = (home / "pip.log").read_text().splitlines()
    assert sum("--require-hashes" in call for call in calls) == 2
    assert all("--require-hashes" in call or "--no-index" in call for call in calls if " install " in call)
    assert [path.name for path in (tmp_path / "machine/opt").iterdir()] == ["nba-backfill"]


def test_removing_leaves_settings_and_lake(install: Install, tmp_path: Path) -> None:
    """--remove takes the program and the units, nothing else; it can be repeated."""
    install()
    machine = tmp_path / "machine"
    for _ in range(2):
        removed = install("--remove")
        assert removed.returncode == 0, removed.stderr
    assert not (machine / "opt/nba-backfill").exists()
    assert list((machine / "etc/systemd/system").iterdir()) == []
    assert (machine / "etc/nba-backfill/environment").is_file()


def test_an_unknown_option_is_refused(install: Install) -> None:
    """A slip of the pen installs nothing."""
    result = install("--purge")
    assert result.returncode == 2
    assert "--purge" in result.stderr
