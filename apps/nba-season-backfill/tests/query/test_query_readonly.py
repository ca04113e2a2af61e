"""Nothing that asks can write: not the store, not a question, not SQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, PreconditionFailed, StoreError
from nba_season_backfill.query import Lake, NotInLake
from nba_season_backfill.query.readonly import ReadOnlyStore

WRITES: list[Callable[[ObjectStore], object]] = [
    lambda store: store.put("k", b"x"),
    lambda store: store.put_if_absent("new", b"x"),
    lambda store: store.put_if_match("k", b"x", "e"),
    lambda store: store.delete("k"),
]


@pytest.mark.parametrize("write", WRITES)
def test_every_write_is_refused(write: Callable[[ObjectStore], object]) -> None:
    """put, put_if_absent, put_if_match and delete: refused by kind, and the store behind it is untouched."""
    inner = MemoryStore()
    etag = inner.put("k", b"body").etag
    with pytest.raises(StoreError, match="reading only") as caught:
        write(ReadOnlyStore(inner))
    assert caught.value.kind == "read_only"
    assert [(info.key, info.etag) for info in inner.list()] == [("k", etag)]


def test_it_reads_what_the_other_store_has() -> None:
    """Bodies, parts, heads and listings come through; so do missing keys and other versions."""
    inner = MemoryStore()
    etag = inner.put("a/k", b"0123456789").etag
    store = ReadOnlyStore(inner)
    assert store.get("a/k", if_match=etag).body == b"0123456789"
    assert store.get_range("a/k", 2, 4, if_match=etag).body == b"23"
    assert store.head("a/k").etag == etag
    assert [info.key for info in store.list("a/")] == ["a/k"]
    assert store.url == inner.url
    assert store.now().tzinfo is not None
    with pytest.raises(ObjectMissing):
        store.get("no")
    with pytest.raises(PreconditionFailed):
        store.get_range("a/k", 0, if_match="other")


def test_each_request_is_told_with_its_bytes() -> None:
    """Failed ones too: they cost a request. A listing is a request a page."""
    inner = MemoryStore()
    for number in range(1001):
        inner.put(f"k{number:04d}", b"12345")
    told: list[tuple[str, int]] = []
    store = ReadOnlyStore(inner).telling(lambda operation, size: told.append((operation, size)))
    store.get("k0000")
    store.get_range("k0000", 0, 2)
    with pytest.raises(ObjectMissing):
        store.get("no")
    assert len(list(store.list("k"))) == 1001
    store.head("k0000")
    assert told == [("get", 5), ("get_range", 2), ("get", 0), ("list", 0), ("list", 0), ("head", 0)]


def test_no_question_leaves_a_trace(filled: Path) -> None:
    """After every question the folder has the files it had, with the times they had."""

    def state() -> dict[str, tuple[int, int]]:
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in filled.rglob("*") if path.is_file()
        }

    before = state()
    with Lake.open(filled) as lake:
        lake.player_summary("LeBron James")
        lake.player_context("LeBron James")
        lake.team_games("LAL")
        lake.team_stats("LAL")
        lake.box_score("0022400062")
        lake.play_by_play("0022400062")
        lake.games(date="2024-12-25")
        lake.todays_games()
        lake.coverage()
        lake.status()
        lake.sql("select count(*) from games")
    assert state() == before


def test_a_folder_that_is_no_lake_is_not_made_one(tmp_path: Path) -> None:
    """Asking a place where nothing is says so, and leaves nothing there."""
    place = tmp_path / "nowhere"
    with Lake.open(place) as lake, pytest.raises(NotInLake, match="is this the right lake"):
        lake.games()
    assert not place.exists()
