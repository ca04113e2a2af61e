"""The policies let a run do what it does and nothing else: judged on the requests that real runs send.

moto has no policy simulator: the few operators that the policies use are evaluated here, and what they mean is tested.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET, PREFIX = "my-lake", "nba"
Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What S3 would ask the policies about one request."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def _several(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _holds(operator: str, key: str, expected: list[str], context: Mapping[str, str]) -> bool:
    """One line of a condition. A key that the request does not have fails every operator but Null."""
    value = context.get(key)
    if operator == "Null":
        return (value is None) == (expected == ["true"])
    if value is None:
        return False
    if operator in ("StringEquals", "Bool"):
        return value in expected
    if operator == "StringLike":
        return any(fnmatch.fnmatchcase(value, pattern) for pattern in expected)
    raise AssertionError(f"{operator} is not evaluated here")


def _applies(statement: Statement, call: Call) -> bool:
    return (
        any(fnmatch.fnmatchcase(call.action.lower(), action.lower()) for action in _several(statement["Action"]))
        and any(fnmatch.fnmatchcase(call.resource, resource) for resource in _several(statement["Resource"]))
        and all(
            _holds(operator, key, _several(expected), call.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, expected in keys.items()
        )
    )


def allowed(call: Call, *policies: Mapping[str, Any]) -> bool:
    """Whether some statement allows the call and none denies it."""
    effects = [s["Effect"] for policy in policies for s in policy["Statement"] if _applies(s, call)]
    return "Allow" in effects and "Deny" not in effects


def _call(environ: Mapping[str, Any]) -> Call:
    """The call that a request to a path-style endpoint is."""
    bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
    query = parse_qs(environ.get("QUERY_STRING", ""))
    # The store stands behind TLS in the cloud; here it does not.
    context = {"aws:SecureTransport": "true"}
    if not key:
        if "prefix" in query:
            context["s3:prefix"] = query["prefix"][0]
        return Call("s3:ListBucket", f"arn:aws:s3:::{bucket}", context)
    method = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete"}[environ["REQUEST_METHOD"]]
    if method == "Put":
        context["s3:ObjectCreationOperation"] = "true"
        for header, condition in (("HTTP_IF_MATCH", "s3:if-match"), ("HTTP_IF_NONE_MATCH", "s3:if-none-match")):
            if header in environ:
                context[condition] = environ[header]
    return Call(f"s3:{method}Object", f"arn:aws:s3:::{bucket}/{key}", context)


@pytest.fixture(scope="module")
def policy(root: Path) -> Callable[[str], dict[str, Any]]:
    """Reads a policy by its name."""
    return lambda name: dict(json.loads((root / "deploy/aws" / f"{name}.json").read_text()))


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, list[Call]]]:
    """An S3 that keeps what it was asked: its address, and the calls so far."""
    calls: list[Call] = []
    application = DomainDispatcherApplication(create_backend_app)

    def recording(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        calls.append(_call(environ))
        answered: Iterable[bytes] = application(environ, start)
        return answered

    server = make_server("127.0.0.1", 0, recording, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", calls
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def lake(store: tuple[str, list[Call]]) -> tuple[str, list[Call]]:
    """A bucket that runs of every kind have written to, and the calls that they made."""
    url, calls = store
    boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
    ).create_bucket(Bucket=BUCKET)
    calls.clear()
    for command in (
        ["run", "--source", "sample", "--limit", "2", "--checkpoint-every", "1"],
        ["rebuild", "--dataset", "play-by-play"],
    ):
        result = _run(url, *command)
        assert result.returncode == 0, f"{command}: {result.stdout[-1500:]}{result.stderr[-1500:]}"
    return url, calls


def _run(url: str, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1"}
    where = ["--season", "2024-25", "--s3-bucket", BUCKET, "--s3-prefix", PREFIX, "--s3-endpoint-url", url]
    return subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", *command, *where],
        env=environ | {"AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


Policy = Callable[[str], dict[str, Any]]


def test_the_writer_may_do_all_that_runs_do(lake: tuple[str, list[Call]], policy: Policy) -> None:
    """Every request of a run and of a rebuilding is allowed by the writer's and the bucket's policy."""
    _url, calls = lake
    assert {call.action for call in calls} >= {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    refused = {
        call for call in map(_hashable, calls) if not allowed(call, policy("writer-policy"), policy("bucket-policy"))
    }
    assert refused == set()


def _hashable(call: Call) -> Call:
    return Call(call.action, call.resource, _Frozen(call.context))


class _Frozen(dict[str, str]):
    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none; this one never changes
        return hash(frozenset(self.items()))


def test_the_writer_may_do_nothing_that_runs_do_not(lake: tuple[str, list[Call]], policy: Policy) -> None:
    """Each statement that allows something about S3 is needed by some request."""
    _url, calls = lake
    for statement in policy("writer-policy")["Statement"]:
        actions = _several(statement["Action"])
        if statement["Effect"] == "Allow" and actions[0].startswith("s3:"):
            for action in actions:
                assert any(call.action == action and _applies(statement, call) for call in calls), (statement, action)


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("s3:DeleteObject", f"{PREFIX}/_raw/boxscore/season=2024-25/0022400001/aa.json.gz"),
        ("s3:DeleteObject", f"{PREFIX}/_state/season=2024-25/checkpoint.json"),
        ("s3:GetObject", "other/secret"),
        ("s3:PutObject", f"{PREFIX}-other/games"),
        ("s3:PutBucketPolicy", ""),
        ("s3:PutObjectAcl", f"{PREFIX}/games/season=2024-25/part-0.parquet"),
        ("s3:DeleteObjectVersion", f"{PREFIX}/_raw/x"),
        ("iam:PassRole", ""),
    ],
)
def test_the_writer_may_do_nothing_else(action: str, key: str, policy: Policy) -> None:
    """No answer is forgotten, no other prefix touched, no permission changed."""
    resource = f"arn:aws:s3:::{BUCKET}/{key}" if key else f"arn:aws:s3:::{BUCKET}"
    assert not allowed(Call(action, resource), policy("writer-policy"), policy("bucket-policy"))


def test_the_reader_reads_and_does_nothing_else(lake: tuple[str, list[Call]], policy: Policy) -> None:
    """A reader lists and gets tables and state; it writes nothing, and the upstream's own bodies are not for it."""
    url, calls = lake
    before = len(calls)
    assert _run(url, "status").returncode == 0
    reader = (policy("reader-policy"), policy("bucket-policy"))
    assert calls[before:]
    assert [call for call in calls[before:] if not allowed(call, *reader)] == []
    tables = [call for call in calls if call.action == "s3:GetObject" and "part-0.parquet" in call.resource]
    assert tables
    assert all(allowed(call, *reader) for call in tables)
    bodies = [call for call in calls if "/_raw/" in call.resource]
    assert bodies
    assert not any(allowed(call, *reader) for call in [*bodies, *(c for c in calls if "Put" in c.action)])


@pytest.mark.parametrize(
    "key",
    [
        "_state/season=2024-25/checkpoint.json",
        "_state/leases/season-2024-25.json",
        "_state/lake.json",
        "games/season=2024-25/part-0.parquet",
        "play-by-play/season=2024-25/month=10/part-0.parquet",
    ],
)
@pytest.mark.parametrize(
    ("condition", "expected"),
    [({}, False), ({"s3:if-match": '"etag"'}, True), ({"s3:if-none-match": "*"}, True)],
    ids=["unconditional", "if-match", "if-none-match"],
)
def test_state_and_partitions_change_by_comparison_only(
    key: str, condition: dict[str, str], expected: bool, policy: Policy, lake: tuple[str, list[Call]]
) -> None:
    """Whoever writes them without a condition is refused, whatever their own policy says: the bucket stands guard."""
    written = {call.resource for call in lake[1] if call.action == "s3:PutObject"}
    shape = re.sub(r"\d+-\d+|month=\d+", "*", f"arn:aws:s3:::{BUCKET}/{PREFIX}/{key}")
    assert any(fnmatch.fnmatchcase(resource, shape.replace("*", "**")) for resource in written), "no run writes this"
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    context = {"aws:SecureTransport": "true", "s3:ObjectCreationOperation": "true", **condition}
    call = Call("s3:PutObject", f"arn:aws:s3:::{BUCKET}/{PREFIX}/{key}", context)
    assert allowed(call, everything, policy("bucket-policy")) is expected


def test_nothing_goes_over_the_wire_in_the_clear(policy: Policy) -> None:
    """Without TLS even an administrator is refused."""
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    for secure, expected in (("false", False), ("true", True)):
        call = Call("s3:GetObject", f"arn:aws:s3:::{BUCKET}/any", {"aws:SecureTransport": secure})
        assert allowed(call, everything, policy("bucket-policy")) is expected


def test_all_policies_speak_of_the_same_lake(root: Path) -> None:
    """One search and replace adapts them all: bucket, prefix, account and key are written alike."""
    text = "".join(path.read_text() for path in sorted((root / "deploy/aws").glob("*.json")))
    assert set(re.findall(r"arn:aws:s3:::([\w-]+)", text)) == {BUCKET}
    assert set(re.findall(r"arn:aws:s3:::[\w-]+/([^/\"*]+)", text)) == {PREFIX}
    assert set(re.findall(r":(\d{12}):", text)) == {"111122223333"}
    assert len(set(re.findall(r"arn:aws:kms:[^\"]+", text))) == 1


def test_aws_takes_the_documents(root: Path, store: tuple[str, list[Call]], policy: Policy) -> None:
    """Policies and lifecycle rules are accepted, and come back as they were sent."""
    url, _calls = store
    settings: dict[str, Any] = {
        "endpoint_url": url,
        "region_name": "us-east-1",
        "aws_access_key_id": "x",
        "aws_secret_access_key": "y",
    }
    iam, s3 = boto3.client("iam", **settings), boto3.client("s3", **settings)
    for name in ("writer-policy", "reader-policy"):
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy(name)))
    iam.create_role(RoleName="writer", AssumeRolePolicyDocument=json.dumps(policy("trust-policy-eks")))
    s3.create_bucket(Bucket="taken")
    s3.put_bucket_policy(Bucket="taken", Policy=json.dumps(policy("bucket-policy")))
    s3.put_bucket_lifecycle_configuration(Bucket="taken", LifecycleConfiguration=policy("lifecycle"))
    kept = s3.get_bucket_lifecycle_configuration(Bucket="taken")["Rules"]
    assert {rule["ID"] for rule in kept} == {rule["ID"] for rule in policy("lifecycle")["Rules"]}


def test_the_lifecycle_ends_nothing_that_is_needed(policy: Policy) -> None:
    """Tables, state and answers have no end; what moves stays readable at once."""
    for rule in policy("lifecycle")["Rules"]:
        prefix = rule["Filter"]["Prefix"]
        assert "Expiration" not in rule or prefix == f"{PREFIX}/_runs/"
        for transition in rule.get("Transitions", ()):
            assert prefix == f"{PREFIX}/_raw/"
            assert transition["StorageClass"] in ("STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING")


def test_the_role_is_for_the_jobs_service_account(policy: Policy, root: Path) -> None:
    """The trust policy, the overlay for EKS and the policies name the same account, role and service account."""
    [statement] = policy("trust-policy-eks")["Statement"]
    subjects = [value for key, value in statement["Condition"]["StringEquals"].items() if key.endswith(":sub")]
    assert subjects == ["system:serviceaccount:nba-backfill:nba-backfill"]
    overlay = (root / "deploy/kubernetes/components/eks/kustomization.yaml").read_text()
    assert "arn:aws:iam::111122223333:role/nba-backfill-writer" in overlay


def test_the_example_for_athena_answers(root: Path, tmp_path: Path) -> None:
    """The question runs, on DuckDB's tables of the same names, and gives players with their points."""
    duckdb = pytest.importorskip("duckdb")
    lake = str(tmp_path / "lake")
    for command in (
        ["--source", "sample", "--limit", "6", "--output", lake],
        ["export", "ddl", "--engine", "duckdb", "--output", lake],
    ):
        result = subprocess.run(
            [sys.executable, "-m", "nba_season_backfill", *command],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stderr
    database = duckdb.connect()
    database.execute(result.stdout)
    question = (root / "deploy/aws/athena-example.sql").read_text().replace(">= 2", ">= 1")
    rows = database.execute(question).fetchall()
    assert len(rows) == 20
    assert [row[3] for row in rows] == sorted((row[3] for row in rows), reverse=True)


@pytest.mark.parametrize(
    ("operator", "expected", "value", "holds"),
    [
        ("Null", ["true"], None, True),
        ("Null", ["true"], "x", False),
        ("Null", ["false"], "x", True),
        ("Bool", ["true"], "true", True),
        ("Bool", ["true"], None, False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringLike", ["nba", "nba/*"], "nba/_raw/x", True),
        ("StringLike", ["nba", "nba/*"], "nba-other/", False),
    ],
)
def test_conditions_mean_what_they_mean_to_aws(
    operator: str, expected: list[str], value: str | None, holds: bool
) -> None:
    """The evaluator of these tests follows the reference of IAM."""
    context = {} if value is None else {"key": value}
    assert _holds(operator, "key", expected, context) is holds
