"""Parts of objects: what they cost, and what is noticed on the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.lake.store import PreconditionFailed, StoreError
from nba_season_backfill.lake.versions import KnownVersions

from .conftest import client as make_client


def _aged(path: Path) -> None:
    """As if written a minute ago. (The inode's own time cannot be set: that is what makes it worth looking at.)"""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 60 * 10**9))


def test_a_file_is_hashed_once_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second part of a version that is older than the grain of its times costs no reading of the whole."""
    path = tmp_path / "k"
    path.write_bytes(b"0123456789")
    known = KnownVersions()
    later = path.stat().st_ctime_ns + 3 * 10**9
    monkeypatch.setattr("time.time_ns", lambda: later)
    with path.open("rb") as file:
        first = known.etag(file, path.stat())
        assert file.tell() == 10
        file.seek(0)
        assert known.etag(file, path.stat()) == first
        assert file.tell() == 0


def test_a_young_file_is_not_believed_to_be_the_same(tmp_path: Path) -> None:
    """Within the grain of its times another file may look the same: then it is hashed again."""
    path = tmp_path / "k"
    path.write_bytes(b"one")
    known = KnownVersions()
    status = path.stat()
    with path.open("rb") as file:
        first = known.etag(file, status)
    path.write_bytes(b"two")
    with path.open("rb") as file:
        assert known.etag(file, status) != first


def test_what_replaced_a_file_is_another_version(tmp_path: Path) -> None:
    """However alike the two are in size and time."""
    store = LocalStore(tmp_path)
    first = store.put("k", b"one").etag
    _aged(tmp_path / "k")
    assert store.get_range("k", 0, 1).info.etag == first
    store.put("k", b"two")
    _aged(tmp_path / "k")
    with pytest.raises(PreconditionFailed):
        store.get_range("k", 0, 1, if_match=first)


def test_damage_is_found_by_a_part_too(tmp_path: Path) -> None:
    """A file whose bytes are none of the versions stored with metadata is refused."""
    store = LocalStore(tmp_path)
    store.put("k", b"0123456789", metadata={"a": "b"})
    (tmp_path / "k").write_bytes(b"0123456x89")
    with pytest.raises(StoreError, match="not what was stored") as caught:
        store.get_range("k", 0, 2)
    assert caught.value.kind == "corrupt"


def test_a_part_is_one_request(moto_url: str) -> None:
    """From S3 only the bytes asked for are sent, in one request, pinned by If-Match."""
    client: Any = make_client(moto_url)
    client.create_bucket(Bucket="ranges")
    store = S3Store("ranges", "p", client=client)
    etag = store.put("k", b"0123456789" * 1000).etag
    seen: list[dict[str, str]] = []

    def look(request: Any, **_: object) -> None:
        seen.append({name.lower(): _text(value) for name, value in request.headers.items()})

    client.meta.events.register("before-send.s3.GetObject", look)
    assert store.get_range("k", 10, 20, if_match=etag).body == b"0123456789"
    assert [headers["range"] for headers in seen] == ["bytes=10-19"]
    assert seen[0]["if-match"] == etag
    assert store.get_range("k", -5).body == b"56789"
    assert seen[1]["range"] == "bytes=-5"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
