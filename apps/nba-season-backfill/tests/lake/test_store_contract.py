"""One contract for every store: what the lake relies on, and nothing more."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from nba_season_backfill.lake.probe import probe_conditional_writes
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, PreconditionFailed, StoreError


def s3_client(endpoint_url: str, key_id: str, secret: str) -> Any:
    """A plain client, with these credentials."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )


def together(number: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in that many threads at once."""
    barrier = threading.Barrier(number)

    def run(which: int) -> None:
        barrier.wait()
        work(which)

    threads = [threading.Thread(target=run, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_an_object_comes_back_as_it_was_put(store: ObjectStore) -> None:
    """Body, metadata and size are those that were written; the etag is the one that the write gave."""
    metadata = {"fetched_at": "2025-01-01T00:00:00+00:00", "parameters": '{"A":"1"}'}
    put = store.put("a/b.json", b"body", metadata=metadata)
    got = store.get("a/b.json")
    assert got.body == b"body"
    assert got.info.metadata == metadata
    assert (got.info.size, got.info.etag, got.info.key) == (4, put.etag, "a/b.json")
    assert store.head("a/b.json").metadata == got.info.metadata


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 1000, b"x" * 5_000_000])
def test_any_bytes_can_be_stored(store: ObjectStore, body: bytes) -> None:
    """Nothing, binary and megabytes."""
    store.put("k", body)
    assert store.get("k").body == body


def test_what_is_not_there_is_missing(store: ObjectStore) -> None:
    """get and head raise ObjectMissing, delete does not mind."""
    with pytest.raises(ObjectMissing):
        store.get("no/such")
    with pytest.raises(ObjectMissing):
        store.head("no/such")
    store.delete("no/such")


def test_a_put_replaces(store: ObjectStore) -> None:
    """The newest body stands, under another etag; metadata is not carried over."""
    first = store.put("k", b"1", metadata={"a": "b"})
    second = store.put("k", b"2")
    assert first.etag != second.etag
    assert (store.get("k").body, dict(store.get("k").info.metadata)) == (b"2", {})


def test_create_only_creates(store: ObjectStore) -> None:
    """put_if_absent refuses what is there and leaves it untouched; after a delete it may be created again."""
    store.put_if_absent("k", b"1", metadata={"a": "1"})
    with pytest.raises(PreconditionFailed):
        store.put_if_absent("k", b"2", metadata={"a": "2"})
    assert (store.get("k").body, dict(store.get("k").info.metadata)) == (b"1", {"a": "1"})
    store.delete("k")
    store.put_if_absent("k", b"3")
    assert store.get("k").body == b"3"


def test_compare_and_swap_swaps_only_what_was_compared(store: ObjectStore) -> None:
    """put_if_match replaces the version named and no other, nor one that is gone."""
    first = store.put("k", b"1")
    second = store.put_if_match("k", b"2", first.etag)
    with pytest.raises(PreconditionFailed):
        store.put_if_match("k", b"3", first.etag)
    assert store.get("k").body == b"2"
    store.delete("k")
    with pytest.raises(PreconditionFailed):
        store.put_if_match("k", b"4", second.etag)
    with pytest.raises(ObjectMissing):
        store.get("k")


def test_a_read_can_be_pinned_to_a_version(store: ObjectStore) -> None:
    """get(if_match) gives that version or nothing."""
    first = store.put("k", b"1")
    assert store.get("k", if_match=first.etag).body == b"1"
    store.put("k", b"2")
    with pytest.raises(PreconditionFailed):
        store.get("k", if_match=first.etag)


@pytest.mark.parametrize(
    ("start", "end", "at", "body"),
    [
        (0, 4, 0, b"0123"),
        (3, 5, 3, b"34"),
        (7, None, 7, b"789"),
        (-3, None, 7, b"789"),
        (-99, None, 0, b"0123456789"),
        (8, 99, 8, b"89"),
        (10, None, 10, b""),
        (12, 15, 10, b""),
    ],
)
def test_a_part_can_be_read(store: ObjectStore, start: int, end: int | None, at: int, body: bytes) -> None:
    """Bytes from the start, the middle and the end; what lies outside is left out; size and etag are the object's."""
    whole = store.put("k", b"0123456789", metadata={"a": "b"})
    part = store.get_range("k", start, end)
    assert (part.start, part.body) == (at, body)
    assert (part.info.key, part.info.size, part.info.etag) == ("k", 10, whole.etag)
    assert part.info.metadata == {"a": "b"}


def test_a_part_of_a_large_object_is_its_bytes(store: ObjectStore) -> None:
    """Across the sizes in which stores keep and check their bodies, and more than once."""
    body = bytes(range(256)) * 20_000
    store.put("k", body)
    for _ in range(2):
        assert store.get_range("k", 1_048_570, 4_194_310).body == body[1_048_570:4_194_310]
        assert store.get_range("k", -70_000).body == body[-70_000:]


def test_parts_can_be_pinned_to_a_version(store: ObjectStore) -> None:
    """get_range(if_match) gives bytes of that version or nothing, however alike the next one looks."""
    first = store.put("k", b"one")
    assert store.get_range("k", 0, 1, if_match=first.etag).body == b"o"
    second = store.put("k", b"two")
    with pytest.raises(PreconditionFailed):
        store.get_range("k", 0, 1, if_match=first.etag)
    with pytest.raises(PreconditionFailed):
        store.get_range("k", 5, 9, if_match=first.etag)
    assert store.get_range("k", 0, 1, if_match=second.etag).body == b"t"


def test_a_part_of_nothing(store: ObjectStore) -> None:
    """A key that is not there is missing; an empty object has an empty part, from either end."""
    with pytest.raises(ObjectMissing):
        store.get_range("no/such", 0, 4)
    store.put("empty", b"")
    assert store.get_range("empty", 0, 4).body == b""
    assert store.get_range("empty", -4).body == b""


@pytest.mark.parametrize(("start", "end"), [(4, 4), (4, 2), (-4, 2)])
def test_what_is_not_a_range_is_refused(store: ObjectStore, start: int, end: int) -> None:
    """An empty range, a reversed one, and an end together with a start from the end."""
    store.put("k", b"0123456789")
    with pytest.raises(ValueError, match="not a range"):
        store.get_range("k", start, end)


def test_of_many_creators_one_wins(store: ObjectStore) -> None:
    """Eight at once: one succeeds, the others are refused, and the winner's body stands."""
    won: list[int] = []

    def create(which: int) -> None:
        try:
            store.put_if_absent("k", str(which).encode())
        except PreconditionFailed:
            return
        won.append(which)

    together(8, create)
    assert len(won) == 1
    assert store.get("k").body == str(won[0]).encode()


def test_no_increment_is_lost(store: ObjectStore) -> None:
    """Four threads add to one counter by compare-and-swap: every addition counts."""
    store.put("n", b"0")

    def add(_which: int) -> None:
        for _ in range(5):
            while True:
                seen = store.get("n")
                try:
                    store.put_if_match("n", str(int(seen.body) + 1).encode(), seen.info.etag)
                except PreconditionFailed:
                    continue
                break

    together(4, add)
    assert store.get("n").body == b"20"


def test_a_list_is_whole_and_in_order(store: ObjectStore) -> None:
    """Every key with the prefix, in key order, with its size; prefixes need not end at a slash."""
    for key in ("b/2", "a/1", "b/10", "b/1", "bb"):
        store.put(key, key.encode(), metadata={"x": "y"})
    assert [info.key for info in store.list("b/")] == ["b/1", "b/10", "b/2"]
    assert [info.key for info in store.list("b/1")] == ["b/1", "b/10"]
    assert [(info.key, info.size) for info in store.list()] == [
        ("a/1", 3),
        ("b/1", 3),
        ("b/10", 4),
        ("b/2", 3),
        ("bb", 2),
    ]
    assert list(store.list("zzz")) == []


def test_a_deleted_object_is_gone(store: ObjectStore) -> None:
    """From get and from lists; deleting again is no error."""
    store.put("k", b"1", metadata={"a": "b"})
    store.delete("k")
    store.delete("k")
    assert list(store.list()) == []


def test_the_clock_is_the_stores(store: ObjectStore) -> None:
    """Near ours here, aware, and UTC."""
    skew = store.now() - dt.datetime.now(dt.UTC)
    assert abs(skew) < dt.timedelta(seconds=5)
    assert store.now().utcoffset() == dt.timedelta(0)


def test_the_probe_finds_it_honest_and_leaves_nothing(store: ObjectStore) -> None:
    """A store that honours conditions passes, and the probe's object is gone."""
    assert probe_conditional_writes(store).honest
    assert list(store.list()) == []


def test_a_missing_key_is_told_from_a_missing_bucket(moto_url: str) -> None:
    """A bucket that is not there is a StoreError of its own kind, in one line."""
    made = s3_client(moto_url, "a", "b")
    store = S3Store("no-such-bucket", "p", client=made)
    for attempt in (lambda: store.get("k"), lambda: store.put("k", b""), lambda: list(store.list())):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert caught.value.kind == "missing_bucket"
        assert str(caught.value) == "there is no bucket no-such-bucket"


@pytest.mark.servers
def test_wrong_credentials_are_named(seaweed_url: str) -> None:
    """A server that checks signatures refuses a wrong secret: kind credentials or access_denied."""
    made = s3_client(seaweed_url, "test", "wrong")
    with pytest.raises(StoreError) as caught:
        S3Store("b", client=made).put("k", b"")
    assert caught.value.kind in ("credentials", "access_denied")
    assert "wrong" not in str(caught.value)


@pytest.mark.servers
def test_a_store_that_lies_is_found_out(lying_url: str) -> None:
    """rclone's S3 server takes conditions and ignores them: the probe says so."""
    made = s3_client(lying_url, "test", "testtest")
    found = probe_conditional_writes(S3Store("lake", "p", client=made))
    assert not found.honest
    assert found.detail


def test_damage_behind_the_stores_back_is_found(moto_url: str) -> None:
    """A body that is not the one that was hashed when it was put is refused, by name."""
    made = s3_client(moto_url, "a", "b")
    made.create_bucket(Bucket="damaged")
    store = S3Store("damaged", "p", client=made)
    store.put("k", b"good")
    metadata = made.head_object(Bucket="damaged", Key="p/k")["Metadata"]
    made.put_object(Bucket="damaged", Key="p/k", Body=b"evil", Metadata=metadata)
    with pytest.raises(StoreError, match="p/k") as caught:
        store.get("k")
    assert caught.value.kind == "corrupt"


def test_a_lost_response_of_a_conditional_write_counts_as_success(moto_url: str) -> None:
    """The write arrives, its answer does not; boto3 sends it again and is refused: read back, it is ours."""
    made = s3_client(moto_url, "a", "b")
    made.create_bucket(Bucket="lost")
    store = S3Store("lost", "p", client=made)
    lost: list[str] = []

    def lose_first_answer(request: object, **_: object) -> AWSResponse | None:
        if getattr(request, "method", "") == "PUT" and not lost:
            lost.append("once")
            sent = made._endpoint.http_session.send(request.prepare() if hasattr(request, "prepare") else request)
            assert sent.status_code == 200
            return AWSResponse(
                sent.url, 500, HTTPHeaders(), type("Raw", (), {"stream": lambda self, **_: iter([b""])})()
            )
        return None

    made.meta.events.register("before-send.s3.PutObject", lose_first_answer)
    info = store.put_if_absent("k", b"mine")
    assert lost == ["once"]
    assert store.get("k").info.etag == info.etag
    with pytest.raises(PreconditionFailed):
        store.put_if_absent("k", b"other")


@pytest.mark.parametrize(
    "value",
    [
        "",
        " padded ",
        "two\nlines",
        "tab\t",
        "Dončić 27",
        "=?UTF-8?B?eA==?=",
        "100 %",
        '{"Season Type":"Regular Season"}',
    ],
)
def test_any_text_can_be_metadata(store: ObjectStore, value: str) -> None:
    """It comes back as it was put, from get and from head."""
    store.put("k", b"1", metadata={"some_name": value, "b2": "x"})
    assert dict(store.get("k").info.metadata) == {"some_name": value, "b2": "x"}
    assert dict(store.head("k").metadata) == {"some_name": value, "b2": "x"}


@pytest.mark.parametrize("metadata", [{"Upper": "x"}, {"with-hyphen": "x"}, {"": "x"}, {"a": "x" * 3000}, {"é": "x"}])
def test_metadata_that_not_every_store_can_keep_is_refused(store: ObjectStore, metadata: dict[str, str]) -> None:
    """By all of them, before anything is written."""
    with pytest.raises(ValueError, match="metadata"):
        store.put("k", b"1", metadata=metadata)
    assert list(store.list()) == []


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "..", "a/../b", ".a", "a/.b", "a\nb"])
def test_what_is_not_a_key_is_refused(store: ObjectStore, key: str) -> None:
    """By all of them alike."""
    attempts: list[Callable[[], object]] = [
        lambda: store.get(key),
        lambda: store.head(key),
        lambda: store.put(key, b""),
        lambda: store.put_if_absent(key, b""),
        lambda: store.put_if_match(key, b"", "x"),
        lambda: store.delete(key),
        lambda: list(store.list(f"{key}/../")),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match="not a"):
            attempt()


def test_a_key_may_have_what_file_names_have(store: ObjectStore) -> None:
    """Spaces, equals signs, letters of any language."""
    for key in ("season=2024-25/part 0.parquet", "a+b&c/d?e#f%20g", "Dončić/ü"):
        store.put(key, key.encode())
        assert store.get(key).body == key.encode()
        assert [info.key for info in store.list(key)] == [key]
        store.delete(key)
    assert list(store.list()) == []


def test_an_etag_of_a_listing_is_the_objects_or_none(store: ObjectStore) -> None:
    """A listing need not know etags, but it tells no wrong ones."""
    store.put("k", b"1")
    (info,) = store.list()
    assert info.etag in ("", store.head("k").etag)
    assert info.last_modified.utcoffset() == dt.timedelta(0)


def test_many_creators_leave_one_version(store: ObjectStore) -> None:
    """The metadata that stands is that of the body that stands."""

    def create(which: int) -> None:
        with contextlib.suppress(PreconditionFailed):
            store.put_if_absent("k", b"%d" % which, metadata={"which": str(which)})

    together(6, create)
    stored = store.get("k")
    assert stored.body.decode() == stored.info.metadata["which"]
