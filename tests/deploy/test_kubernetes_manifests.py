"""The Kubernetes manifests render, are valid where a schema looks and where none does, and run what exists."""

from __future__ import annotations

import copy
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from nba_season_backfill import errors
from nba_season_backfill.settings import BackfillSettings

Tool = Callable[..., subprocess.CompletedProcess[str]]
Documents = list[dict[str, Any]]
Render = Callable[[str], Documents]

OVERLAYS = ("season", "daily", "seasons", "eks", "sample")
# Neither decided by a rule nor forgotten: these count against the limit, and are tried again.
COUNTED = {1, 69, 75}


@pytest.fixture(scope="module")
def render(tool: Callable[[str], Tool]) -> Render:
    """Renders an overlay; each one once."""
    rendered: dict[str, Documents] = {}

    def documents(overlay: str) -> Documents:
        if overlay not in rendered:
            result = tool("kubectl")("kustomize", f"deploy/kubernetes/overlays/{overlay}")
            assert result.returncode == 0, result.stderr
            assert "deprecated" not in result.stderr.lower()
            rendered[overlay] = list(yaml.safe_load_all(result.stdout))
        return copy.deepcopy(rendered[overlay])

    return documents


@pytest.fixture(scope="module")
def check(root: Path) -> ModuleType:
    """The module deploy/kubernetes/check.py."""
    specification = importlib.util.spec_from_file_location("manifest_check", root / "deploy/kubernetes/check.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _of(documents: Documents, *kinds: str) -> dict[str, Any]:
    [document] = [document for document in documents if document["kind"] in kinds]
    return document


def _job(documents: Documents) -> dict[str, Any]:
    workload = _of(documents, "Job", "CronJob")
    job: dict[str, Any] = workload["spec"] if workload["kind"] == "Job" else workload["spec"]["jobTemplate"]["spec"]
    return job


def _container(documents: Documents) -> dict[str, Any]:
    [container] = _job(documents)["template"]["spec"]["containers"]
    return dict(container)


def test_every_overlay_is_tested(root: Path) -> None:
    """No overlay is shipped that these tests do not know."""
    assert {path.parent.name for path in root.glob("deploy/kubernetes/overlays/*/kustomization.yaml")} == set(OVERLAYS)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_and_nothing_is_wrong_with_it(overlay: str, render: Render, check: ModuleType) -> None:
    """Each overlay renders offline, and our own checks find nothing in it."""
    assert check.problems(render(overlay)) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_schema_accepts_an_overlay(overlay: str, render: Render) -> None:
    """kubernetes-validate, strict, knows every field of every manifest."""
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="bin/tools installs it")
    for document in render(overlay):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_schema_refuses_what_it_does_not_know(render: Render) -> None:
    """The test above can fail: a field that does not exist is refused."""
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="bin/tools installs it")
    document = _of(render("daily"), "CronJob")
    document["spec"]["timezone"] = "America/New_York"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def _spoil(documents: Documents, path: str, value: object) -> None:
    """Set what stands at a path of keys and indexes in the job's manifest, or in that of a kind before a colon."""
    kind, colon, rest = path.rpartition(":")
    node: Any = _of(documents, kind) if colon else _of(documents, "Job", "CronJob")
    *way, last = [int(part) if part.isdigit() else part for part in rest.split(".")]
    for part in way:
        node = node[part]
    node[last] = value


POD = "spec.jobTemplate.spec.template.spec"
CONTAINER = f"{POD}.containers.0"
RULES = "spec.jobTemplate.spec.podFailurePolicy.rules"

# path, what is put there, what must be said about it
MISTAKES: tuple[tuple[str, object, str], ...] = (
    ("spec.concurrencyPolicy", "Forbidden", "'Forbidden' is none of"),
    ("spec.timeZone", "America/New_Yorck", "'America/New_Yorck' is no time zone"),
    ("spec.timeZone", None, "timeZone: missing"),
    ("spec.schedule", "30 6 * *", "has 4 fields"),
    ("spec.schedule", "61 6 * * *", "lies outside 0 to 59"),
    ("spec.schedule", "30 6 0 * *", "lies outside 1 to 31"),
    ("spec.schedule", "30 6 * okt *", "is neither a number"),
    ("spec.schedule", "30 6 * * sat-mon", "ends before it begins"),
    ("spec.schedule", "*/0 6 * * *", "a step that is no number above 0"),
    ("spec.schedule", "TZ=UTC 30 6 * * *", "belongs into timeZone"),
    ("spec.startingDeadlineSeconds", 5, "below 10"),
    ("metadata.name", "NBA_daily", "not a DNS label"),
    ("metadata.name", "n" * 53, "at most 52"),
    ("metadata.labels", {"app.kubernetes.io/name": "no spaces"}, "no value of a label"),
    ("metadata.labels", {"-bad": "x"}, "no key of a label"),
    (f"{POD}.restartPolicy", "Always", "takes Never or OnFailure"),
    (f"{POD}.restartPolicy", "OnFailure", "needs restartPolicy Never"),
    (f"{POD}.serviceAccountName", "nba-backfil", "'nba-backfil' is not among"),
    (f"{POD}.terminationGracePeriodSeconds", 5, "ten seconds to save"),
    (f"{POD}.securityContext.runAsNonRoot", False, "runAsNonRoot: must be true"),
    (f"{POD}.securityContext.runAsUser", 0, "above 0"),
    (f"{POD}.securityContext.seccompProfile.type", "Unconfined", "must be RuntimeDefault"),
    (f"{POD}.hostNetwork", True, "hostNetwork: must not be set"),
    (f"{POD}.volumes", [{"name": "tmp", "hostPath": {"path": "/"}}], "hostPath is refused"),
    (f"{POD}.volumes.0.emptyDir.sizeLimit", "64MiB", "'64MiB' is no quantity"),
    (f"{CONTAINER}.imagePullPolicy", "Sometimes", "'Sometimes' is none of"),
    (f"{CONTAINER}.image", "ghcr.io/hoopstat/nba-backfill", "names no version"),
    (f"{CONTAINER}.image", "localhost:5000/nba-backfill:latest", "names no version"),
    (f"{CONTAINER}.terminationMessagePolicy", "FallbackToLogs", "is none of"),
    (f"{CONTAINER}.resources.limits.memory", "512MB", "'512MB' is no quantity"),
    (f"{CONTAINER}.resources.limits.memory", "512m", "a unit missing"),
    (f"{CONTAINER}.resources.limits.memory", "256Mi", "requests more than its limit"),
    (f"{CONTAINER}.resources.limits.gpu", 1, "no resource that is known"),
    (f"{CONTAINER}.securityContext.readOnlyRootFilesystem", False, "must be true"),
    (f"{CONTAINER}.securityContext.allowPrivilegeEscalation", True, "must be false"),
    (f"{CONTAINER}.securityContext.capabilities", {"drop": ["NET_RAW"]}, "must drop ALL"),
    (f"{CONTAINER}.volumeMounts.0.name", "temp", "there is no volume 'temp'"),
    (f"{CONTAINER}.envFrom.0.configMapRef.name", "nba-backfill", "ConfigMap 'nba-backfill' is not among"),
    (f"{CONTAINER}.env", [{"name": "A B", "value": "x"}], "'A B' is no name of a variable"),
    (f"{CONTAINER}.env", [{"name": "A", "value": 1}], "A is not a text"),
    (f"{RULES}.0.action", "ignore", "'ignore' is none of"),
    (f"{RULES}.0.onPodConditions.0.type", "Disrupted", "'Disrupted' is no condition"),
    (f"{RULES}.0.onPodConditions.0.status", True, "status True is none of the texts"),
    (f"{RULES}.1.onExitCodes.containerName", "job", "there is no container 'job'"),
    (f"{RULES}.1.onExitCodes.operator", "in", "'in' is none of"),
    (f"{RULES}.1.onExitCodes.values", [143, 130], "stand in order"),
    (f"{RULES}.1.onExitCodes.values", [0, 143], "0 is no failure"),
    (f"{RULES}.1.onExitCodes.values", [300], "numbers from 0 to 255"),
    (f"{RULES}.1.onExitCodes.values", [78], "were decided by a rule before"),
    (f"{RULES}.2.action", "FailIndex", "needs backoffLimitPerIndex"),
    ("spec.jobTemplate.spec.backoffLimitPerIndex", 3, "only an Indexed Job"),
    ("spec.jobTemplate.spec.backoffLimit", -1, "no number of that kind"),
    ("spec.jobTemplate.spec.podReplacementPolicy", "Always", "is none of"),
    ("NetworkPolicy:spec.policyTypes", ["Egres"], "'Egres' is none of"),
    ("NetworkPolicy:spec.egress.0.ports.0.protocol", "tcp", "'tcp' is none of"),
    ("ConfigMap:data", {"A=B": "x"}, "no name of a variable"),
    ("ConfigMap:data", {"A": True}, "A is not a text"),
    ("apiVersion", "batch/v1beta1", "not a kind that is known"),
)


@pytest.mark.parametrize(
    ("path", "value", "said"), MISTAKES, ids=[f"{path.rpartition('.')[2]}={value}" for path, value, _ in MISTAKES]
)
def test_a_deliberate_mistake_is_found(path: str, value: object, said: str, render: Render, check: ModuleType) -> None:
    """What a schema lets pass and a cluster would refuse, or worse take, is found and named."""
    documents = render("daily")
    _spoil(documents, path, value)
    found = check.problems(documents)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec.completionMode", "indexed", "'indexed' is none of"),
        ("spec.maxFailedIndexes", 6, "more than there are completions"),
        ("spec.completions", None, "no number"),
    ],
)
def test_a_deliberate_mistake_in_an_indexed_job_is_found(
    path: str, value: object, said: str, render: Render, check: ModuleType
) -> None:
    """The rules of Indexed Jobs are checked too."""
    documents = render("seasons")
    job = _of(documents, "Job")
    if value is None:
        del job["spec"][path.rpartition(".")[2]]
        said = "needs them"
    else:
        _spoil(documents, path, value)
    found = check.problems(documents)
    assert any(said in problem for problem in found), found


def test_quantities_are_compared_by_what_they_amount_to(check: ModuleType) -> None:
    """1Gi is more than 1G, 1500m less than 2; what is no quantity is none."""
    amounts = {
        text: check._amount(text) for text in ("1Gi", "1G", "1500m", "2", "1e3", "0.5", "1Ei", "5E", "1k", "1Ki")
    }
    assert amounts["1Gi"] == 2**30
    assert amounts["1G"] == 10**9
    assert amounts["1500m"] < amounts["2"]
    assert amounts["1e3"] == 1000
    assert amounts["1Ei"] == 2**60
    assert amounts["5E"] == 5 * 10**18
    assert amounts["1k"] == 1000
    assert amounts["1Ki"] == 1024
    assert all(check._amount(text) is None for text in ("1 Gi", "Gi", "1KB", "", "1ki", True))


@pytest.mark.parametrize(("spoilt", "code"), [(False, 0), (True, 1)])
def test_the_check_is_a_command(
    spoilt: bool, code: int, render: Render, check: ModuleType, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """It reads manifests from standard input, prints a line a problem, and its exit code says whether there is one."""
    documents = render("daily")
    if spoilt:
        _spoil(documents, "spec.timeZone", "Mars/Olympus")
    monkeypatch.setattr(sys, "stdin", io.StringIO(yaml.safe_dump_all(documents)))
    assert check.main() == code
    printed = capsys.readouterr().out
    assert printed == ("CronJob/nba-backfill-daily: spec.timeZone: 'Mars/Olympus' is no time zone\n" if spoilt else "")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_exit_code_is_thought_of(overlay: str, render: Render) -> None:
    """Each documented exit code is decided by a rule or counted on purpose, and none that does not exist is."""
    decided = {
        code
        for rule in _job(render(overlay))["podFailurePolicy"]["rules"]
        for code in rule.get("onExitCodes", {}).get("values", [])
    }
    classes = [getattr(errors, name) for name in errors.__all__]
    documented = {cls.exit_code for cls in classes if issubclass(cls, errors.BackfillError)} | {130, 143}
    assert decided | COUNTED == documented
    assert not decided & COUNTED


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_disruption_counts_for_nothing(overlay: str, render: Render) -> None:
    """The first rule ignores pods that were evicted, preempted or drained."""
    first = _job(render(overlay))["podFailurePolicy"]["rules"][0]
    assert first == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def _environment(documents: Documents) -> dict[str, str]:
    settings: Mapping[str, str] = _of(documents, "ConfigMap")["data"]
    own = {variable["name"]: variable["value"] for variable in _container(documents).get("env", [])}
    return dict(settings) | own


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_exist(overlay: str, render: Render) -> None:
    """Each variable of the config map is one that the job reads, with a value that it takes."""
    environ = _environment(render(overlay))
    settings = BackfillSettings.load({}, environ=environ)
    assert list(settings.notices) == []
    read = set(json.dumps([str(settings.origin(name)) for name in type(settings).model_fields]).split('"'))
    for name in set(environ) - {"SEASONS"}:
        assert any(name in origin for origin in read), f"{name} is read by nothing"


@pytest.mark.parametrize("overlay", ["season", "daily", "eks", "sample"])
def test_the_command_exists(overlay: str, render: Render) -> None:
    """The arguments are options of a command that there is: `config` in its place takes them too."""
    documents = render(overlay)
    command, *options = _container(documents)["args"]
    shown = subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", command, *options, "--help"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    valid = subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", "config", *options],
        env={"PATH": os.defpath, **_environment(documents)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert valid.returncode == 0, valid.stderr


def test_each_index_fetches_its_own_season(render: Render, tmp_path: Path) -> None:
    """The script of the Indexed Job gives every index another season, and becomes the job by exec."""
    documents = render("seasons")
    container = _container(documents)
    spec = _job(documents)
    stub = tmp_path / "nba-backfill"
    stub.write_text('#!/bin/sh\necho "$$ $*"\n')
    stub.chmod(0o755)
    asked = []
    for index in range(spec["completions"]):
        process = subprocess.Popen(
            [*container["command"], *container["args"]],
            env={
                "PATH": f"{tmp_path}{os.pathsep}{os.defpath}",
                "JOB_COMPLETION_INDEX": str(index),
                **_environment(documents),
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        output, _ = process.communicate(timeout=10)
        pid, *arguments = output.split()
        assert int(pid) == process.pid, "a shell stands between the signals and the job"
        asked.append(arguments)
    seasons = _environment(documents)["SEASONS"].split()
    assert asked == [["run", "--season", season, "--resume", "--on-busy", "wait"] for season in seasons]
    assert len(set(seasons)) == spec["completions"]


def test_the_pods_differ_in_nothing_but_what_they_run(render: Render) -> None:
    """The pod of the daily job and that of a season are the same but for their arguments."""
    pods = []
    for overlay in ("season", "daily"):
        pod = _job(render(overlay))["template"]["spec"]
        del pod["containers"][0]["args"]
        pods.append(pod)
    assert pods[0] == pods[1]


def test_no_secret_is_shipped(render: Render) -> None:
    """Secrets are referred to, never contained; without one the job starts all the same."""
    for overlay in OVERLAYS:
        documents = render(overlay)
        assert all(document["kind"] != "Secret" for document in documents)
        references = [source["secretRef"] for source in _container(documents)["envFrom"] if "secretRef" in source]
        assert references == [{"name": "nba-backfill", "optional": True}]


def test_all_overlays_run_the_version_of_the_package(render: Render, root: Path) -> None:
    """The image's tag is the version of the package: a release moves both."""
    from nba_season_backfill import __version__

    for overlay in OVERLAYS:
        assert _container(render(overlay))["image"].endswith(f"/nba-backfill:{__version__}")
