"""S3's own traps: answers that are lost, conflicts, broken bodies, clocks, endpoints and credentials that are wrong."""

from __future__ import annotations

import datetime as dt
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from nba_season_backfill.lake import open_store
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.lake.store import METADATA_BYTES, PreconditionFailed, StoreError

from .conftest import client as make_client

_numbers = itertools.count()


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body


def answer(status: int, code: str = "", headers: dict[str, str] | None = None) -> AWSResponse:
    made = HTTPHeaders()
    for name, value in (headers or {}).items():
        made[name] = value
    body = f"<Error><Code>{code}</Code><Message>told so</Message></Error>".encode() if code else b""
    return AWSResponse("http://127.0.0.1/", status, made, _Raw(body))


@pytest.fixture
def client(moto_url: str) -> Any:
    """A client with a bucket ``traps``."""
    made: Any = make_client(moto_url)
    made.create_bucket(Bucket="traps")
    return made


@pytest.fixture
def store(client: Any) -> S3Store:
    """A store under a prefix of its own."""
    return S3Store("traps", f"p{next(_numbers)}", client=client)


def interfere(client: Any, operation: str, what: Callable[[Any], AWSResponse | None]) -> None:
    client.meta.events.register(f"before-send.s3.{operation}", lambda request, **_: what(request))


def send(client: Any, request: Any) -> Any:
    return client._endpoint.http_session.send(request)


def lose(client: Any, *, times: int = 1) -> list[str]:
    """The next PUTs arrive, their answers do not."""
    lost: list[str] = []

    def once(request: Any) -> AWSResponse | None:
        if len(lost) >= times:
            return None
        lost.append(request.url)
        assert send(client, request).status_code == 200
        return answer(500, "InternalError")

    interfere(client, "PutObject", once)
    return lost


def test_a_lost_answer_of_a_swap_is_a_success(client: Any, store: S3Store) -> None:
    """The write arrived; sent again it is refused; read back it is ours, with the etag to go on with."""
    first = store.put("k", b"1")
    lost = lose(client)
    second = store.put_if_match("k", b"2", first.etag, metadata={"a": "b"})
    assert len(lost) == 1
    assert second.etag == store.head("k").etag
    assert dict(second.metadata) == {"a": "b"}
    assert store.put_if_match("k", b"3", second.etag).size == 1


def test_a_lost_answer_is_not_claimed_for_somebody_elses_write(client: Any, store: S3Store) -> None:
    """The same bytes written by another process are not ours: a lease must have one holder."""
    other = S3Store("traps", store.url.rpartition("/")[2], client=client)
    other.put("k", b"same")
    with pytest.raises(PreconditionFailed):
        store.put_if_absent("k", b"same")


@pytest.mark.parametrize("arrived", [False, True])
def test_a_conflict_is_looked_at_and_tried_again(client: Any, store: S3Store, arrived: bool) -> None:
    """409 says neither yes nor no: if the write is there it counts, else it is sent again."""
    conflicts: list[int] = []

    def conflict(request: Any) -> AWSResponse | None:
        if len(conflicts) >= 2:
            return None
        conflicts.append(1)
        if arrived:
            send(client, request)
        return answer(409, "ConditionalRequestConflict")

    interfere(client, "PutObject", conflict)
    store.put_if_absent("k", b"mine")
    assert store.get("k").body == b"mine"
    assert len(conflicts) == (1 if arrived else 2)


def test_conflicts_without_end_are_a_refusal(client: Any, store: S3Store) -> None:
    """After five, the condition counts as not met; nothing was written."""
    interfere(client, "PutObject", lambda _request: answer(409, "ConditionalRequestConflict"))
    with pytest.raises(PreconditionFailed):
        store.put_if_absent("k", b"mine")


def test_every_put_carries_its_checksum(client: Any, store: S3Store) -> None:
    """SHA-256 goes with the request, for the server to check, and into the metadata, for us."""
    seen: list[dict[str, str]] = []
    client.meta.events.register(
        "before-send.s3.PutObject",
        lambda request, **_: seen.append({name.lower(): str(value) for name, value in request.headers.items()}),
    )
    store.put("k", b"body", metadata={"fetched_at": "now"})
    assert "x-amz-checksum-sha256" in seen[0]
    assert "x-amz-meta-sha256" in seen[0]
    assert "x-amz-meta-fetched-at" in seen[0]
    assert dict(store.get("k").info.metadata) == {"fetched_at": "now"}


def test_a_body_that_breaks_off_is_read_again(client: Any, store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice; a third time it is an error that says so, without a body."""
    store.put("k", b"whole")
    broken = [2]
    read = botocore.response.StreamingBody.read

    def breaks(self: Any, amount: int | None = None) -> bytes:
        if broken[0]:
            broken[0] -= 1
            raise botocore.exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=5)
        whole: bytes = read(self, amount)
        return whole

    monkeypatch.setattr(botocore.response.StreamingBody, "read", breaks)
    assert store.get("k").body == b"whole"
    broken[0] = 3
    with pytest.raises(StoreError, match="broke off") as caught:
        store.get("k")
    assert caught.value.kind == "unreachable"


def test_a_checksum_that_the_server_denies_is_corruption(
    client: Any, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a network that is down: the object is named."""
    store.put("k", b"whole")

    def denies(_self: Any, _amount: int | None = None) -> bytes:
        raise botocore.exceptions.FlexibleChecksumError(error_msg="Expected checksum a did not match calculated b")

    monkeypatch.setattr(botocore.response.StreamingBody, "read", denies)
    with pytest.raises(StoreError, match="/k:") as caught:
        store.get("k")
    assert caught.value.kind == "corrupt"


def test_the_clock_is_the_servers_and_does_not_jump(
    client: Any, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the Date of its answers, carried on by a monotonic clock: this machine's wall clock has no say."""

    class Wrong(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Wrong:
            return cls(1999, 1, 1, tzinfo=tz)

    interfere(
        client,
        "ListObjectsV2",
        lambda _request: answer(200, headers={"Date": "Sun, 21 Jul 2030 12:00:00 GMT"}),
    )
    monkeypatch.setattr("nba_season_backfill.lake.s3.dt.datetime", Wrong)
    uptime = [5000.0]
    monkeypatch.setattr("nba_season_backfill.lake.s3.time.monotonic", lambda: uptime[0])
    began = store.now()
    assert (began.year, began.hour, began.utcoffset()) == (2030, 12, dt.timedelta(0))
    uptime[0] += 90
    assert store.now() - began == dt.timedelta(seconds=90)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "InvalidAccessKeyId", "credentials"),
        (403, "SignatureDoesNotMatch", "credentials"),
        (400, "ExpiredToken", "expired"),
        (403, "RequestTimeTooSkewed", "credentials"),
        (403, "AccessDenied", "access_denied"),
        (404, "NoSuchBucket", "missing_bucket"),
        (507, "InsufficientStorage", "full"),
        (503, "SlowDown", "throttled"),
        (429, "TooManyRequests", "throttled"),
        (500, "InternalError", "unreachable"),
        (400, "MalformedXML", "other"),
    ],
)
def test_what_the_store_refuses_is_told_by_kind(
    moto_url: str, status: int, code: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line: what was tried, on which key, what the store said."""
    config = botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    made = boto3.client(
        "s3",
        endpoint_url=moto_url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="verysecret",
        config=config,
    )
    for operation in ("PutObject", "GetObject", "ListObjectsV2", "DeleteObject"):
        interfere(made, operation, lambda _request: answer(status, code))
    store = S3Store("b", "p", client=made, sleep=lambda _seconds: None)
    attempts: list[Callable[[], object]] = [
        lambda: store.put("k", b""),
        lambda: store.get("k"),
        lambda: list(store.list()),
        lambda: store.delete("k"),
    ]
    for attempt in attempts:
        with pytest.raises(StoreError) as caught:
            attempt()
        assert caught.value.kind == kind
        assert "\n" not in str(caught.value)
        assert "verysecret" not in str(caught.value)


def test_a_wrong_endpoint_fails_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the store's own settings, not a test's; the message has the endpoint but no password."""
    waits: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", waits.append)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    store = open_store(bucket="b", prefix="p", endpoint_url="http://user:hunter2@127.0.0.1:9")
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9") as caught:
        store.get("k")
    assert len(waits) == 3
    assert sum(waits) < 8
    assert caught.value.kind == "unreachable"
    assert "hunter2" not in str(caught.value)
    assert "verysecret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_credentials_that_is_what_it_says(moto_url: str) -> None:
    """Not an address that cannot be reached."""
    store = open_store(bucket="b", endpoint_url=moto_url, region="us-east-1")
    with pytest.raises(StoreError) as caught:
        store.put("k", b"")
    assert caught.value.kind == "credentials"


def test_a_profile_that_is_not_there_is_a_matter_of_credentials(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Already when the client is made."""
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(StoreError, match="no-such-profile") as caught:
        open_store(bucket="b", endpoint_url=moto_url).get("k")
    assert caught.value.kind == "credentials"


def test_a_bucket_without_a_prefix_is_a_lake_too(client: Any) -> None:
    """Keys stand at the bucket's root, and the URL is the bucket's."""
    client.create_bucket(Bucket="plain")
    store = S3Store("plain", client=client)
    store.put("a/k", b"1")
    assert store.url == "s3://plain"
    assert [info.key for info in store.list()] == ["a/k"]
    assert client.head_object(Bucket="plain", Key="a/k")["ContentLength"] == 1


def test_a_listing_goes_on_after_a_thousand(client: Any, store: S3Store) -> None:
    """Pages are followed to the end."""
    pages: list[int] = []
    original = client.list_objects_v2

    def small(**arguments: Any) -> Any:
        pages.append(1)
        return original(**arguments, MaxKeys=3)

    for number in range(8):
        store.put(f"k{number}", b"")
    client.list_objects_v2 = small
    assert [info.key for info in store.list()] == [f"k{number}" for number in range(8)]
    assert len(pages) == 3


def test_too_much_metadata_is_refused_before_it_is_sent(store: S3Store) -> None:
    """S3 allows 2 KB, of which some is the store's own."""
    store.put("k", b"", metadata={"a": "x" * (METADATA_BYTES - 1)})
    with pytest.raises(ValueError, match="metadata"):
        store.put("k", b"", metadata={"a": "x" * METADATA_BYTES})


def test_who_keeps_a_folder_does_not_pay_for_boto3() -> None:
    """Importing the lake, and opening a folder, imports no boto3."""
    code = (
        "import sys; from pathlib import Path; from nba_season_backfill.lake import open_store;"
        "import nba_season_backfill.lake.lease, nba_season_backfill.lake.state, nba_season_backfill.lake.raw;"
        "open_store(folder=Path('x')); sys.exit('boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
