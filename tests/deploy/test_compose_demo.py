"""The demonstration is wired to things that exist: files, settings, metrics, commands. CI runs it for real."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.server import ThreadedMotoServer

from nba_season_backfill.backfill.metrics import METRICS
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.verdict import VerdictKind

# What a service may have, of those keys that the Compose specification knows and this file uses.
KNOWN = {
    "build", "cap_drop", "command", "depends_on", "entrypoint", "environment", "healthcheck", "image", "mem_limit",
    "network_mode", "pids_limit", "ports", "read_only", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    """The demonstration's folder."""
    return root / "deploy/compose"


@pytest.fixture(scope="module")
def services(folder: Path) -> dict[str, dict[str, Any]]:
    """Its services."""
    document = yaml.safe_load((folder / "compose.yaml").read_text())
    assert {key for key in document if not key.startswith("x-")} == {"name", "services", "volumes"}
    return dict(document["services"])


def test_every_service_is_one_that_compose_understands(services: dict[str, dict[str, Any]]) -> None:
    """Keys are known, dependencies exist, and conditions are ones that Compose has."""
    for name, service in services.items():
        assert set(service) <= KNOWN, name
        wanted = service.get("depends_on", {})
        assert set(wanted) <= set(services), name
        if isinstance(wanted, dict):
            assert {condition["condition"] for condition in wanted.values()} <= CONDITIONS
            for other, condition in wanted.items():
                assert condition["condition"] != "service_healthy" or "healthcheck" in services[other]
        mode = service.get("network_mode", "")
        assert not mode or (mode.startswith("service:") and mode[8:] in services)


def test_images_of_others_name_their_version(services: dict[str, dict[str, Any]]) -> None:
    """No image floats."""
    for name, service in services.items():
        if "build" not in service:
            assert re.fullmatch(r"[a-z/]+:v?\d+(\.\d+)+", service["image"]), name


def test_nothing_is_offered_to_the_network(services: dict[str, dict[str, Any]]) -> None:
    """Published ports are on loopback: credentials of a demonstration are no secret."""
    for service in services.values():
        for port in service.get("ports", ()):
            assert ipaddress.ip_address(port.split(":")[0]).is_loopback


def test_our_containers_are_as_locked_as_a_cluster_would_have_them(services: dict[str, dict[str, Any]]) -> None:
    """Read-only, without capabilities, with a limit on memory."""
    ours = {name: service for name, service in services.items() if "build" in service}
    assert set(ours) == {"bucket", "emulator", "job"}
    for service in ours.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["mem_limit"] == "512m"


def test_every_file_that_is_mounted_exists(folder: Path, services: dict[str, dict[str, Any]]) -> None:
    """A missing file would be mounted as an empty folder."""
    mounted = 0
    for service in services.values():
        for volume in service.get("volumes", ()):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                mounted += 1
                assert (folder / source).exists(), source
                assert mode == ["ro"]
                assert target.startswith("/")
    assert mounted >= 5
    job = services["job"]["build"]
    assert (folder / job["context"] / job["dockerfile"]).resolve().is_file()


def test_the_job_takes_its_settings(services: dict[str, dict[str, Any]]) -> None:
    """Every variable is read, every option exists, and the values are valid."""
    job = services["job"]
    environ = {name: str(value) for name, value in job["environment"].items()}
    assert all(isinstance(value, str) for value in job["environment"].values()), "YAML turned a value into a number"
    settings = BackfillSettings.load({}, environ=environ)
    assert list(settings.notices) == []
    assert settings.s3_bucket == "lake"
    command, *options = job["command"]
    assert command == "run"
    result = subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", "config", *options],
        env={"PATH": os.defpath, **environ},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def test_the_emulator_listens_where_the_job_looks(services: dict[str, dict[str, Any]]) -> None:
    """Both share a network, and name the same port and season."""
    emulator, job = services["emulator"], services["job"]
    options = dict(zip(emulator["command"][::2], emulator["command"][1::2], strict=True))
    assert job["network_mode"] == "service:emulator"
    assert job["environment"]["NBA_BACKFILL_BASE_URL"] == f"http://127.0.0.1:{options['--port']}"
    assert job["environment"]["NBA_TARGET_SEASON"] == options["--season"]
    result = subprocess.run(
        [sys.executable, "-m", "nba_stats_emulator", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert all(option in result.stdout for option in options)


def test_the_bucket_is_made_once_and_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script that makes the bucket succeeds on an empty store and on one that has it already."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "y",
            "AWS_REGION": "us-east-1",
            "AWS_S3_BUCKET": "lake",
            "NBA_BACKFILL_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }.items():
            monkeypatch.setenv(name, value)
        for _ in range(2):
            with pytest.raises(SystemExit) as ended:
                runpy.run_path(str(folder / "make_bucket.py"), run_name="__main__")
            assert ended.value.code == 0
    finally:
        server.stop()


def _metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"hoopstat_\w+", expression))


def _expressions(folder: Path) -> list[str]:
    dashboard = json.loads((folder / "grafana/nba-backfill.json").read_text())
    rules = yaml.safe_load((folder / "prometheus/alerts.yml").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = [variable["query"] for variable in dashboard["templating"]["list"]]
    alerting = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return [*shown, *asked, *alerting]


def test_the_dashboard_and_the_alerts_ask_for_metrics_that_exist(folder: Path) -> None:
    """Every metric that is asked for is declared, and every declared one is shown."""
    declared = {metric.name for metric in METRICS}
    named = set().union(*map(_metrics_in, _expressions(folder)))
    assert named == declared


def test_the_dashboard_and_the_alerts_ask_for_labels_that_exist(folder: Path) -> None:
    """Labels are those of the metric, or the season that runs are grouped by."""
    labels = {metric.name: {*metric.labels, "season"} for metric in METRICS}
    for expression in _expressions(folder):
        for metric, selector in re.findall(r"(hoopstat_\w+)\{([^}]*)\}", expression):
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            assert used <= labels[metric], expression
        for verdict in re.findall(r'verdict="(\w+)"', expression):
            assert verdict in set(VerdictKind), expression
        for grouping in re.findall(r"by \(([^)]*)\)", expression):
            [metric] = _metrics_in(expression)
            assert set(re.split(r",\s*", grouping)) <= labels[metric], expression


def test_the_dashboard_is_laid_out(folder: Path) -> None:
    """Panels have names of their own, do not overlap, and read from the source that is provisioned."""
    dashboard = json.loads((folder / "grafana/nba-backfill.json").read_text())
    source = yaml.safe_load((folder / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    [uid] = [entry["uid"] for entry in source["datasources"]]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["datasource"]["uid"] == uid
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
