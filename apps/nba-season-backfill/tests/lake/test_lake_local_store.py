"""A folder as a store: what a crash, a full disk, another process or a foreign reader can meet."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.store import ObjectMissing, PreconditionFailed, StoreError


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class Disk:
    """What would be left after a power cut, by what was synced.

    At worst: names as they were when their folder was synced, or names as they are now; and in both cases only bytes
    that were synced. A disk may keep more than it was asked to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contents: dict[int, bytes] = {}
        self.entries: dict[Path, dict[str, int]] = {}
        self.kept: list[BinaryIO] = []

    def close(self) -> None:
        for file in self.kept:
            file.close()

    def sync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            self.entries[path] = {entry.name: entry.inode() for entry in os.scandir(path)}
        else:
            self.contents[os.fstat(descriptor).st_ino] = path.read_bytes()
            # Kept open, so that its number is not given to another file.
            self.kept.append(path.open("rb"))

    def with_old_names(self, folder: Path | None = None) -> dict[str, bytes | None]:
        """key -> bytes (None: the name without the bytes)."""
        folder = folder or self.root
        found: dict[str, bytes | None] = {}
        for name, inode in self.entries.get(folder, {}).items():
            if folder / name in self.entries:
                found |= self.with_old_names(folder / name)
            elif not name.startswith("."):
                found[(folder / name).relative_to(self.root).as_posix()] = self.contents.get(inode)
        return found

    def with_new_names(self) -> dict[str, bytes | None]:
        """The same, should the disk have kept every name though nobody asked it to."""
        found: dict[str, bytes | None] = {}
        for path in self.root.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                body = path.read_bytes()
                synced = self.contents.get(path.stat().st_ino) == body
                found[path.relative_to(self.root).as_posix()] = body if synced else None
        return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="which file is synced is read from /proc")


@needs_proc
def test_a_state_survives_only_with_all_that_came_before(tmp_path: Path) -> None:
    """Bodies are synced in a group, before the state that names them, and so are the folders they are in."""
    disk = Disk(tmp_path)
    store = LocalStore(tmp_path, sync=disk.sync)
    disk.entries[tmp_path] = {}
    for number in range(5):
        store.put_if_absent(f"_raw/game-{number}/body", b"%d" % number, metadata={"n": str(number)})
    assert disk.with_old_names() == {}
    store.put("_state/season/checkpoint.json", b"names all five")
    assert disk.with_old_names() == {
        **{f"_raw/game-{number}/body": b"%d" % number for number in range(5)},
        "_state/season/checkpoint.json": b"names all five",
    }
    disk.close()


@needs_proc
def test_what_is_replaced_is_not_gone_before_its_successor_is_safe(tmp_path: Path) -> None:
    """A partition that a checkpoint names is replaced by one that is on the disk already."""
    disk = Disk(tmp_path)
    store = LocalStore(tmp_path, sync=disk.sync)
    store.put("games/part-0.parquet", b"old", metadata={"a": "b"})
    store.sync()
    replaced: list[bytes | None] = []
    rename = os.replace

    def watched(source: os.PathLike[str], target: os.PathLike[str]) -> None:
        replaced.append(disk.contents.get(Path(source).stat().st_ino))
        rename(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", watched)
        store.put("games/part-0.parquet", b"new", metadata={"a": "c"})
    assert replaced[-1] == b"new"
    assert None not in replaced
    disk.close()


@needs_proc
@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["put", "create", "swap", "delete", "state"]), st.sampled_from(["a/x", "a/y", "b/c/x"])
        ),
        max_size=14,
    )
)
def test_no_state_survives_what_it_names(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    """After a power cut at any time, what was there at the last state write is there, or its successor."""
    folder = tmp_path_factory.mktemp("disk")
    disk = Disk(folder)
    store = LocalStore(folder, sync=disk.sync)
    now: dict[str, bytes] = {}
    versions: dict[str, set[bytes | None]] = {}
    promised: dict[str, bytes] = {}
    for number, (verb, key) in enumerate(steps):
        body = b"%d" % number
        if verb == "state":
            store.put("_state/s.json", body)
            promised = {**now, "_state/s.json": body}
            versions = {each: {content} for each, content in promised.items()}
            continue
        if verb == "delete":
            store.delete(key)
            now.pop(key, None)
            versions.setdefault(key, set()).add(None)
            continue
        with contextlib.suppress(PreconditionFailed, ObjectMissing):
            if verb == "put":
                store.put(key, body)
            elif verb == "create":
                store.put_if_absent(key, body)
            else:
                store.put_if_match(key, body, store.head(key).etag)
            now[key] = body
            versions.setdefault(key, set()).add(body)
    for left in (disk.with_old_names(), disk.with_new_names()):
        for key in promised:
            # Without name or without bytes only if it was deleted since.
            assert left.get(key) in versions[key]
    disk.close()


def test_a_second_barrier_waits_for_the_first(tmp_path: Path) -> None:
    """A state written while another thread's barrier is under way is not durable before that barrier's files are."""
    first_syncs, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def sync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if name == "body":
            first_syncs.set()
            assert go_on.wait(10)
        order.append(name)

    store = LocalStore(tmp_path, sync=sync)
    store.put("_raw/body", b"1")
    first = threading.Thread(target=store.put, args=("_state/lease.json", b"1"))
    first.start()
    assert first_syncs.wait(10)
    second = threading.Thread(target=store.put, args=("_state/checkpoint.json", b"1"))
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert order.index("body") == 0


def test_after_a_failed_sync_no_state_is_written(tmp_path: Path) -> None:
    """A disk that failed once may have lost pages: later success would be a lie."""
    broken = [True]

    def sync(descriptor: int) -> None:
        if broken[0]:
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(descriptor)

    store = LocalStore(tmp_path, sync=sync)
    store.put("_raw/body", b"1")
    with pytest.raises(StoreError, match="Input/output"):
        store.put("_state/checkpoint.json", b"1")
    broken[0] = False
    with pytest.raises(StoreError, match="Input/output"):
        store.put("_state/checkpoint.json", b"1")
    assert names(tmp_path / "_raw") == ["body"]
    with pytest.raises(ObjectMissing):
        store.get("_state/checkpoint.json")
    store.close()


def test_with_an_empty_barrier_every_write_is_durable(tmp_path: Path) -> None:
    """For a state file in a folder of its own."""
    synced: list[str] = []

    def sync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    LocalStore(tmp_path, barrier="", sync=sync).put("state.json", b"1")
    assert len(synced) == 2
    assert synced[1] == tmp_path.name


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """Unfinished files are invisible, and the next write beside them takes them away."""
    folder = tmp_path / "_raw" / "game"
    folder.mkdir(parents=True)
    (folder / ".body.0123456789ab.tmp").write_bytes(b"half")
    (folder / ".mine").write_bytes(b"not ours to take")
    store = LocalStore(tmp_path)
    assert list(store.list()) == []
    store.put("_raw/game/body", b"whole")
    assert names(folder) == [".mine", "body"]


def test_a_sidecar_without_a_body_is_harmless(tmp_path: Path) -> None:
    """A crash between the two leaves no object; creating it later succeeds, with its own metadata."""
    store = LocalStore(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.put_if_absent("k", b"1", metadata={"a": "1"})
    assert names(tmp_path) == [".k.lock", ".k.meta.json"]
    assert list(store.list()) == []
    store.put_if_absent("k", b"2")
    assert dict(store.get("k").info.metadata) == {}


def test_a_crash_between_sidecar_and_body_leaves_the_old_version_whole(tmp_path: Path) -> None:
    """Old body with old metadata, until the new body is there; both ways round with and without metadata."""
    store = LocalStore(tmp_path)
    for number, (old, new) in enumerate([({"a": "1"}, {"a": "2"}), ({}, {"a": "2"}), ({"a": "1"}, {})]):
        key = f"k{number}"
        store.put(key, b"old", metadata=old)
        calls: list[int] = []

        def second_fails(
            source: str, target: str, rename: Callable[..., None] = os.replace, calls: list[int] = calls
        ) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            rename(source, target)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "replace", second_fails)
            with pytest.raises(KeyboardInterrupt):
                store.put(key, b"new", metadata=new)
        stored = LocalStore(tmp_path).get(key)
        assert (stored.body, dict(stored.info.metadata)) == (b"old", old)
        store.put(key, b"new", metadata=new)
        stored = store.get(key)
        assert (stored.body, dict(stored.info.metadata)) == (b"new", new)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_reader_never_meets_a_mixture(tmp_path: Path) -> None:
    """Body and metadata are of one version, however fast they are replaced."""
    store = LocalStore(tmp_path, sync=lambda _descriptor: None)
    store.put("k", b"0", metadata={"n": "0"})
    done = threading.Event()

    def write() -> None:
        for number in range(150):
            store.put("k", b"%d" % number, metadata={"n": str(number)})
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set():
        stored = store.get("k")
        assert stored.body.decode() == stored.info.metadata["n"]
        reads += 1
    writer.join()
    assert reads


def test_damage_on_the_disk_is_named(tmp_path: Path) -> None:
    """A flipped byte of an object that has a sidecar: kind corrupt, with its name. So is a damaged sidecar."""
    store = LocalStore(tmp_path)
    store.put("a/k", b"good", metadata={"n": "1"})
    (tmp_path / "a" / "k").write_bytes(b"gooe")
    with pytest.raises(StoreError, match="a/k") as caught:
        store.get("a/k")
    assert caught.value.kind == "corrupt"
    store.put("a/k", b"good", metadata={"n": "1"})
    (tmp_path / "a" / ".k.meta.json").write_bytes(b"{")
    with pytest.raises(StoreError, match="meta") as caught:
        store.get("a/k")
    assert caught.value.kind == "corrupt"


def test_foreign_readers_see_tables_and_nothing_else(tmp_path: Path) -> None:
    """pyarrow and duckdb find the partitions; sidecars, locks and unfinished files are hidden from them."""
    import duckdb

    store = LocalStore(tmp_path)
    for month in (10, 11):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"x": [month]}), sink)
        store.put(
            f"games/season=2024-25/month={month}/part-0.parquet", sink.getvalue().to_pybytes(), metadata={"n": "1"}
        )
    (tmp_path / "games/season=2024-25/month=10/.part-0.parquet.0123456789ab.tmp").write_bytes(b"half")
    store.put("_state/checkpoint.json", b"{}")
    dataset = ds.dataset(str(tmp_path / "games"), partitioning="hive")
    assert sorted(dataset.to_table().column("x").to_pylist()) == [10, 11]
    rows = duckdb.sql(f"select x, month from '{tmp_path}/games/**/*.parquet' order by x")
    assert rows is not None
    assert [row[0] for row in rows.fetchall()] == [10, 11]


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", ".hidden", "a/.b", "a\0b", "a\nb", "a\\b"],
)
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    """Neither read nor written nor deleted."""
    store = LocalStore(tmp_path / "lake")
    (tmp_path / "a").write_bytes(b"outside")
    for attempt in (
        lambda: store.get(key),
        lambda: store.put(key, b""),
        lambda: store.put_if_absent(key, b""),
        lambda: store.put_if_match(key, b"", ""),
        lambda: store.delete(key),
    ):
        with pytest.raises(ValueError, match="not a key"):
            attempt()
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("prefix", ["../", "/", "a/../", ".a", "a//"])
def test_no_listing_leads_out_of_the_folder(tmp_path: Path, prefix: str) -> None:
    """A prefix is the beginning of a key."""
    with pytest.raises(ValueError, match="prefix"):
        list(LocalStore(tmp_path).list(prefix))


def test_no_symbolic_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    """Neither a folder nor a file of the lake may be elsewhere; the lake itself may be reached by a link."""
    outside, root = tmp_path / "outside", tmp_path / "lake"
    outside.mkdir()
    root.mkdir()
    (outside / "f").write_bytes(b"secret")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "f")
    store = LocalStore(root)
    for attempt in (
        lambda: store.get("file"),
        lambda: store.put("folder/x", b""),
        lambda: store.delete("folder/f"),
        lambda: store.put_if_absent("folder/x", b""),
    ):
        with pytest.raises(StoreError, match="symbolic link"):
            attempt()
    assert names(outside) == ["f"]
    (tmp_path / "link").symlink_to(root)
    LocalStore(tmp_path / "link").put("k", b"1")
    assert store.get("k").body == b"1"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EFBIG, "full"),
        (errno.EROFS, "read_only"),
        (errno.EACCES, "access_denied"),
        (errno.EIO, "other"),
    ],
)
def test_what_the_disk_refuses_is_told_by_kind(tmp_path: Path, number: int, kind: str) -> None:
    """One line with the key; no unfinished file is left, and what was there still is."""
    store = LocalStore(tmp_path)
    store.put("a/k", b"old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(StoreError, match="a/k") as caught:
            store.put("a/k", b"new")
    assert caught.value.kind == kind
    assert names(tmp_path / "a") == ["k"]
    assert store.get("a/k").body == b"old"


def test_a_file_in_place_of_a_folder_is_told(tmp_path: Path) -> None:
    """Also where the lake itself should be."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="file"):
        LocalStore(tmp_path / "file").put("k", b"")
    with pytest.raises(ObjectMissing):
        LocalStore(tmp_path / "file").get("k")
    store = LocalStore(tmp_path)
    with pytest.raises(StoreError):
        store.put("file/k", b"")
    with pytest.raises(ObjectMissing):
        store.get("file/k")


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    """A listing is whole or an error: an archive that looks empty would be fetched again."""
    store = LocalStore(tmp_path)
    store.put("a/k", b"1")

    def refuse(_path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        with pytest.raises(StoreError, match="list") as caught:
            list(store.list())
    assert caught.value.kind == "access_denied"
    assert list(LocalStore(tmp_path / "not there").list()) == []


def test_without_hard_links_creating_still_creates_once(tmp_path: Path) -> None:
    """Some file systems have none; the lock keeps creators apart there."""
    store = LocalStore(tmp_path)

    def none_here(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", none_here)
        store.put_if_absent("k", b"1")
        with pytest.raises(PreconditionFailed):
            store.put_if_absent("k", b"2")
    assert store.get("k").body == b"1"


def test_a_lock_that_is_never_given_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was paused in the middle of a write: others say so instead of hanging."""
    monkeypatch.setattr("nba_season_backfill.lake.local._LOCK_SECONDS", 0.05)
    store = LocalStore(tmp_path)
    with store._exclusive("folder/other"):
        with pytest.raises(StoreError, match=r"/\.folder\.lock: .*paused") as caught:
            store.put("folder/k", b"1")
        # What is not part of it does not wait.
        store.put("elsewhere/k", b"1")
    assert caught.value.kind == "unreachable"
    store.put("folder/k", b"1")


ADD = """
import sys
from pathlib import Path
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.store import PreconditionFailed
store = LocalStore(Path(sys.argv[1]), sync=lambda descriptor: None)
for _ in range(50):
    while True:
        seen = store.get("n")
        try:
            store.put_if_match("n", str(int(seen.body) + 1).encode(), seen.info.etag)
        except PreconditionFailed:
            continue
        break
"""


def test_no_increment_of_another_process_is_lost(tmp_path: Path) -> None:
    """Three processes count to 150 together by compare-and-swap."""
    store = LocalStore(tmp_path)
    store.put("n", b"0")
    processes = [subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert store.get("n").body == b"150"


WRITE = """
import sys
from pathlib import Path
from nba_season_backfill.lake.local import LocalStore
store = LocalStore(Path(sys.argv[1]), sync=lambda descriptor: None)
print("begun", flush=True)
number = 0
while True:
    number += 1
    body = b"%d" % number * 20_000
    store.put("a/k", body, metadata={"n": str(number)})
    store.put_if_absent(f"b/{number}", body, metadata={"n": str(number)})
"""


@pytest.mark.parametrize("kills", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_kill_dash_nine_leaves_whole_objects_and_no_lock(tmp_path: Path, kills: int) -> None:
    """Killed at any moment of a write: every object is whole, and the next process goes on at once."""
    for number in range(kills):
        folder = tmp_path / str(number)
        process = subprocess.Popen([sys.executable, "-c", WRITE, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        # The moment differs from round to round by the time that a list of what is there takes.
        for _ in range(1 + number % 7):
            list(LocalStore(folder).list())
        process.kill()
        process.wait(10)
        process.stdout.close()
        store = LocalStore(folder)
        for info in store.list():
            stored = store.get(info.key)
            assert stored.body == stored.info.metadata["n"].encode() * 20_000
        store.put("a/k", b"on", metadata={"n": "x"})
        store.put("b/next", b"on")
        assert not [name for name in names(folder) if name.endswith(".tmp")]
