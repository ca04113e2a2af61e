"""A document kept by compare-and-swap: what it promises, whatever happens between two operations."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from faults.faulty import FAULTS, FaultyStore, SimulatedKill, Trap
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.state import StateCorrupt, StateFile, StateFormatUnknown
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore, StoreError

KEY, GENERATIONS = "_state/s/checkpoint.json", "_state/s/generations/"


def state_file(store: ObjectStore, keep: int = 3) -> StateFile:
    return StateFile(store, KEY, generations_prefix=GENERATIONS, keep=keep)


def copies(store: ObjectStore) -> list[int]:
    return [int(info.key.rpartition("/")[2].removesuffix(".json")) for info in store.list(GENERATIONS)]


def test_what_is_committed_is_loaded(store: ObjectStore) -> None:
    """Content, generation, token and run come back, from every store; before the first commit there is nothing."""
    file = state_file(store)
    assert file.load() is None
    assert file.commit({"a": 1}, token=4, run_id="r1") == 1
    assert file.commit({"a": 2}, token=4, run_id="r1") == 2
    loaded = state_file(store).load()
    assert loaded is not None
    assert (loaded.content, loaded.generation, loaded.fencing_token, loaded.run_id) == ({"a": 2}, 2, 4, "r1")
    assert loaded.recovered_from is None
    assert loaded.written_at.endswith("+00:00")


def test_the_last_few_generations_are_kept(store: ObjectStore) -> None:
    """As many as asked, the newest among them; also what an interrupted run left over is tidied away."""
    file = state_file(store)
    file.load()
    for number in range(6):
        file.commit({"n": number}, token=1, run_id="r")
    assert copies(store) == [4, 5, 6]
    store.put(f"{GENERATIONS}00000001.json", b"left over")
    file = state_file(store)
    file.load()
    file.commit({}, token=1, run_id="r")
    assert copies(store) == [5, 6, 7]


def test_a_second_writer_is_fenced() -> None:
    """Whoever loaded an older version cannot commit; the document stays the other's."""
    store = MemoryStore()
    first, second = state_file(store), state_file(store)
    first.load()
    second.load()
    first.commit({"by": "first"}, token=1, run_id="r1")
    with pytest.raises(Fenced, match=KEY):
        second.commit({"by": "second"}, token=2, run_id="r2")
    loaded = state_file(store).load()
    assert loaded is not None
    assert loaded.content == {"by": "first"}


def test_a_lower_token_is_fenced_before_it_writes() -> None:
    """The fencing token of the document only grows."""
    store = MemoryStore()
    file = state_file(store)
    file.load()
    file.commit({}, token=5, run_id="r1")
    late = state_file(store)
    late.load()
    with pytest.raises(Fenced, match="token 4"):
        late.commit({}, token=4, run_id="r0")


def test_a_flipped_bit_anywhere_is_found() -> None:
    """Every bit of envelope and content counts: the newest good generation is used, and said to be."""
    store = MemoryStore()
    file = state_file(store)
    file.load()
    file.commit({"a": 1}, token=1, run_id="r")
    file.commit({"a": 2}, token=1, run_id="r")
    store.delete(f"{GENERATIONS}00000002.json")
    good = store.get(KEY).body
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1
        store.put(KEY, bytes(damaged))
        try:
            loaded = state_file(store).load()
        except StateFormatUnknown:
            assert good[:position].endswith(b'"format":')
            continue
        assert loaded is not None
        assert loaded.recovered_from == 1, f"bit 0 of byte {position}"
        assert loaded.content == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"format":1}', b'{"format":1,"crc":"0","content":{}}'])
def test_a_torn_document_is_not_believed(body: bytes) -> None:
    """Empty, cut off or something else: damaged, not absent; after recovery the next commit has a new number."""
    store = MemoryStore()
    file = state_file(store)
    file.load()
    file.commit({"a": 1}, token=1, run_id="r")
    store.put(KEY, body)
    recovered = state_file(store)
    loaded = recovered.load()
    assert loaded is not None
    assert (loaded.recovered_from, loaded.content) == (1, {"a": 1})
    assert recovered.commit({"a": 2}, token=1, run_id="r2") > 1
    again = state_file(store).load()
    assert again is not None
    assert (again.content, again.recovered_from) == ({"a": 2}, None)


def test_when_nothing_is_good_it_says_what_was_found() -> None:
    """StateCorrupt names the document and each generation; what is then committed comes after all of them."""
    store = MemoryStore()
    file = state_file(store)
    file.load()
    for number in range(3):
        file.commit({"n": number}, token=1, run_id="r")
    for info in list(store.list("_state/")):
        store.put(info.key, b"gone wrong")
    file = state_file(store)
    with pytest.raises(StateCorrupt) as caught:
        file.load()
    assert [text in str(caught.value) for text in ("document:", "generation 1:", "generation 3:")] == [True] * 3
    assert file.commit({"rebuilt": True}, token=2, run_id="r2") > 3
    loaded = state_file(store).load()
    assert loaded is not None
    assert loaded.content == {"rebuilt": True}


def test_a_document_that_vanished_is_not_a_fresh_start() -> None:
    """Generations without a document: somebody removed it, and that is said."""
    store = MemoryStore()
    file = state_file(store)
    file.load()
    file.commit({}, token=1, run_id="r")
    store.delete(KEY)
    with pytest.raises(StateCorrupt, match="gone"):
        state_file(store).load()


def test_an_unknown_format_is_refused() -> None:
    """A newer version's document is left alone."""
    store = MemoryStore()
    store.put(KEY, orjson.dumps({"format": 99, "content": {}}))
    with pytest.raises(StateFormatUnknown, match="99"):
        state_file(store).load()


def test_what_the_document_names_is_made_durable_first() -> None:
    """With the data in another store, that one is synced before each swap."""
    store, order = MemoryStore(), []
    file = StateFile(
        store,
        KEY,
        generations_prefix=GENERATIONS,
        before_commit=lambda: order.append([info.key for info in store.list(KEY)]),
    )
    file.load()
    file.commit({}, token=1, run_id="r")
    assert order == [[]]


def history(store: ObjectStore, contents: list[int], run_id: str, token: int) -> None:
    file = state_file(store)
    file.load()
    for number in contents:
        file.commit({"n": number}, token=token, run_id=run_id)


def operations() -> int:
    trap = Trap()
    history(FaultyStore(MemoryStore(), trap), [1, 2, 3, 4, 5], "r", 1)
    return trap.count


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_at_every_operation_is_survived(fault: str) -> None:
    """The document is the last commit that was reported, or the one under way; the next run goes on from it."""
    for at in range(1, operations() + 1):
        store = MemoryStore()
        trap = Trap(fault, at)
        faulty = FaultyStore(store, trap)
        done = 0
        file = state_file(faulty)
        with contextlib.suppress(SimulatedKill, StoreError):
            file.load()
            for number in (1, 2, 3, 4, 5):
                file.commit({"n": number}, token=1, run_id="r1")
                done = number
        before = state_file(store).load()
        assert (before.content["n"] if before else 0) in (done, done + 1), f"{fault} at {at}"
        assert before is None or before.recovered_from is None
        if not trap.dead and at > 1:
            # The same process may try again after an error, and is not mistaken for another one.
            generation = file.commit({"n": done + 1}, token=1, run_id="r1")
            assert before is None or generation >= before.generation
        history(store, [8, 9], "r2", 2)
        after = state_file(store).load()
        assert after is not None
        assert (after.content, after.run_id, after.recovered_from) == ({"n": 9}, "r2", None)
        assert len(copies(store)) <= 3
        assert copies(store)[-1] == after.generation


class StateMachine(RuleBasedStateMachine):
    """Writers that load, commit, lose answers and damage the document, in any order, against a simple model."""

    writers: Bundle[int] = Bundle("writers")

    @initialize()
    def begin(self) -> None:
        # No two documents are written in the same millisecond: then the same bytes twice would be one version.
        moments = itertools.count()
        began = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
        self.store = MemoryStore(clock=lambda: began + dt.timedelta(milliseconds=next(moments)))
        self.trap = Trap()
        self.files: list[tuple[StateFile, int, int]] = []
        self.version = 0
        self.value: int | None = None
        self.token = 0
        self.highest = 0
        self.damaged = False

    @rule(target=writers)
    def open(self) -> int:
        """A new run takes the lease (a greater token) and loads."""
        self.token += 1
        file = state_file(FaultyStore(self.store, self.trap))
        loaded = file.load()
        if not self.damaged:
            assert (loaded.content["n"] if loaded else None) == self.value
        elif loaded is not None:
            assert loaded.recovered_from is not None
            self.value = loaded.content["n"]
        self.files.append((file, self.token, self.version))
        return len(self.files) - 1

    @rule(writer=writers, value=st.integers(0, 9), fault=st.sampled_from(["", "response_lost", "error_500"]))
    def commit(self, writer: int, value: int, fault: str) -> None:
        """It succeeds exactly if nobody committed since this writer loaded, or its own lost answer is in between."""
        file, token, version = self.files[writer]
        self.trap.count, self.trap.fault, self.trap.at = 0, fault, 1 if fault else 0
        current = version == self.version
        try:
            generation = file.commit({"n": value}, token=token, run_id=f"r{writer}")
        except Fenced:
            assert not current
            return
        except StoreError:
            assert fault
            if fault == "response_lost" and current:
                self._written(writer, value)
            return
        assert current
        assert generation > self.highest
        self.highest = generation
        self._written(writer, value)

    def _written(self, writer: int, value: int) -> None:
        self.version += 1
        self.value, self.damaged = value, False
        file, token, _ = self.files[writer]
        self.files[writer] = (file, token, self.version)

    @rule(cut=st.integers(0, 40))
    def damage(self, cut: int) -> None:
        """The document is torn; whoever loaded before is behind."""
        if self.value is not None and len(list(self.store.list(GENERATIONS))) > 1:
            self.version += 1
            self.store.put(KEY, self.store.get(KEY).body[:cut] + b"~%d" % self.version)
            self.damaged = True

    @invariant()
    def few_copies(self) -> None:
        """Never more than were asked for, and one that an error left behind each."""
        if hasattr(self, "store"):
            assert len(list(self.store.list(GENERATIONS))) <= 3 + len(self.files)


TestAnyInterleaving: Any = StateMachine.TestCase
TestAnyInterleaving.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_document_that_is_made_while_we_look_is_found() -> None:
    """Another run creates it between our look at it and our look at its generations: that is no damage."""

    class Late(MemoryStore):
        made = False

        def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
            if not self.made:
                self.made = True
                history(self, [1], "r1", 1)
            return super().list(prefix)

    loaded = state_file(Late()).load()
    assert loaded is not None
    assert (loaded.content, loaded.run_id, loaded.recovered_from) == ({"n": 1}, "r1", None)
