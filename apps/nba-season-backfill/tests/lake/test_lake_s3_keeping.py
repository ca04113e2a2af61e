"""Objects are encrypted and classed as was asked for, whatever kind of write they came from."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hoopstat_config import ConfigurationInvalid
from nba_season_backfill.lake.keeping import Keeping
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.lake.store import PreconditionFailed
from nba_season_backfill.settings import BackfillSettings

from .conftest import client as make_client

_numbers = itertools.count()
KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
Writes = dict[str, Callable[[S3Store, str], object]]
WRITES: Writes = {
    "put": lambda store, key: store.put(key, b"body"),
    "put_if_absent": lambda store, key: store.put_if_absent(key, b"body"),
    "put_if_match": lambda store, key: store.put_if_match(key, b"body", store.put(key, b"before").etag),
}


@pytest.fixture
def client(moto_url: str) -> Any:
    """A client with a bucket ``kept``."""
    made: Any = make_client(moto_url)
    made.create_bucket(Bucket="kept")
    return made


@pytest.fixture
def make(client: Any) -> Callable[[Keeping], S3Store]:
    """A store that keeps as it is told, under a prefix of its own."""
    return lambda keeping: S3Store("kept", f"p{next(_numbers)}", client=client, keeping=keeping)


def _head(client: Any, store: S3Store, key: str) -> dict[str, Any]:
    prefix = store.url.removeprefix("s3://kept/")
    return dict(client.head_object(Bucket="kept", Key=f"{prefix}/{key}"))


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("keeping", "expected"),
    [
        (Keeping(sse="AES256"), {"ServerSideEncryption": "AES256"}),
        (
            Keeping(sse="aws:kms", kms_key_id=KMS_KEY),
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS_KEY, "BucketKeyEnabled": True},
        ),
        (Keeping(sse="aws:kms:dsse", kms_key_id=KMS_KEY), {"ServerSideEncryption": "aws:kms:dsse"}),
    ],
    ids=["aes", "kms", "dsse"],
)
def test_every_write_is_encrypted(
    write: str, keeping: Keeping, expected: dict[str, Any], make: Callable[[Keeping], S3Store], client: Any
) -> None:
    """Plain and conditional writes alike ask for the encryption, and the store confirms it."""
    store = make(keeping)
    WRITES[write](store, "_state/checkpoint.json")
    head = _head(client, store, "_state/checkpoint.json")
    assert {name: head.get(name) for name in expected} == expected
    assert store.get("_state/checkpoint.json").body == b"body"


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("key", "storage_class"),
    [
        ("_raw/boxscore/season=2024-25/0022400001/aa.json.gz", "STANDARD_IA"),
        ("games/season=2024-25/part-0.parquet", None),
        ("_state/season=2024-25/checkpoint.json", None),
        ("_raw_of_somebody_else/x", None),
    ],
)
def test_the_archive_alone_gets_its_class(
    write: str, key: str, storage_class: str | None, make: Callable[[Keeping], S3Store], client: Any
) -> None:
    """What is rewritten stays in the bucket's own class: others bill a least time for every version."""
    store = make(Keeping(raw_storage_class="STANDARD_IA"))
    WRITES[write](store, key)
    assert _head(client, store, key).get("StorageClass") == storage_class


def test_conditions_hold_for_encrypted_objects(make: Callable[[Keeping], S3Store]) -> None:
    """Encryption changes what an ETag is made of, not what it promises."""
    store = make(Keeping(sse="aws:kms", kms_key_id=KMS_KEY))
    first = store.put_if_absent("_state/a", b"1")
    with pytest.raises(PreconditionFailed):
        store.put_if_absent("_state/a", b"2")
    second = store.put_if_match("_state/a", b"2", first.etag)
    with pytest.raises(PreconditionFailed):
        store.put_if_match("_state/a", b"3", first.etag)
    assert second.etag != first.etag
    assert store.get("_state/a").body == b"2"


def test_by_default_nothing_is_asked_for(make: Callable[[Keeping], S3Store], client: Any) -> None:
    """Without an option the bucket's own defaults decide: the request names neither encryption nor class."""
    assert Keeping().arguments("_raw/x") == {}
    asked: list[dict[str, Any]] = []
    client.meta.events.register("before-call.s3.PutObject", lambda params, **_: asked.append(params["headers"]))
    make(Keeping()).put("_raw/x", b"body")
    [headers] = asked
    assert not [name for name in headers if "encryption" in name.lower() or "storage-class" in name.lower()]


def test_a_run_keeps_its_lake_as_it_was_told(moto_url: str, client: Any) -> None:
    """From the command line to the last object: a key alone encrypts a lake, and its archive is in its class."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "NBA_BACKFILL_S3"))}
    environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest", "AWS_REGION": "us-east-1"}
    environ["AWS_EC2_METADATA_DISABLED"] = "true"
    where = ["--s3-bucket", "kept", "--s3-prefix", "whole", "--s3-endpoint-url", moto_url]
    how = ["--s3-kms-key-id", KMS_KEY, "--s3-raw-storage-class", "STANDARD_IA"]
    result = subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", "--source", "sample", "--limit", "1", *where, *how],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    last = json.loads(result.stdout.strip().splitlines()[-1])
    assert last["summary"]["outcome"] == "complete"
    keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="kept", Prefix="whole/")["Contents"]]
    assert any(key.startswith("whole/_raw/") for key in keys)
    assert any(key.startswith("whole/_state/") for key in keys)
    for key in keys:
        head = client.head_object(Bucket="kept", Key=key)
        assert head["ServerSideEncryption"] == "aws:kms", key
        assert head["SSEKMSKeyId"] == KMS_KEY, key
        assert head.get("StorageClass") == ("STANDARD_IA" if key.startswith("whole/_raw/") else None), key


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"s3_bucket": "lake", "s3_sse": "AES256", "s3_kms_key_id": KMS_KEY}, "--s3-sse aws:kms"),
        ({"s3_bucket": "lake", "s3_sse": "aws:kms", "s3_kms_key_id": "my key"}, "not a KMS key"),
        ({"s3_bucket": "lake", "s3_sse": "rot13"}, "AES256"),
        ({"s3_bucket": "lake", "s3_raw_storage_class": "DEEP_ARCHIVE"}, "GLACIER_IR"),
        ({"s3_sse": "AES256"}, "useless without a bucket"),
        ({"s3_raw_storage_class": "STANDARD_IA"}, "useless without a bucket"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, object], said: str) -> None:
    """A key without KMS, a class that must be thawed, encryption without a bucket: each is named."""
    with pytest.raises(ConfigurationInvalid) as refused:
        BackfillSettings.load(given, environ={})
    assert any(said in str(problem) for problem in refused.value.problems)


@pytest.mark.parametrize(
    "key",
    [
        KMS_KEY,
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "alias/lake",
        "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/lake",
    ],
)
def test_keys_are_named_in_every_way_that_kms_knows(key: str) -> None:
    """Ids, multi-region ids, aliases and ARNs are taken as they are."""
    settings = BackfillSettings.load({"s3_bucket": "lake", "s3_sse": "aws:kms", "s3_kms_key_id": key}, environ={})
    assert settings.s3_kms_key_id == key
