"""What is refused is kept verbatim with the reason, never half in a table; asked for again, or taken by a person."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import orjson
import pytest

from nba_season_backfill.backfill.deciding import accept_body, list_quarantine, retry_bodies, show_bodies
from nba_season_backfill.checkpoint import UnitStatus
from nba_season_backfill.errors import BackfillError, ContractViolated, UsageError
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.quarantine import Quarantine
from nba_season_backfill.season import GameId

from .conftest import GAMES, SEASON, Lake

FIRST = GAMES[0]
PLAYS, BOX = "play-by-play", "box-scores-traditional"


def wrong_end(body: bytes) -> bytes:
    """Play-by-play whose last score is not the final one: readable, yet wrong."""
    payload = orjson.loads(body)
    for action in payload["game"]["actions"]:
        if action["scoreHome"] == "132":
            action["scoreHome"] = "133"
    return orjson.dumps(payload)


def unreadable(body: bytes) -> bytes:
    """Play-by-play without a field that it must have."""
    payload = orjson.loads(body)
    for action in payload["game"]["actions"]:
        del action["period"]
    return orjson.dumps(payload)


@pytest.fixture
def refused(bodies: dict[tuple[str, str], bytes]) -> Lake:
    """A lake whose upstream gives one game's play-by-play with a wrong end."""
    from .conftest import CannedSource

    given = dict(bodies)
    given["playbyplayv3", FIRST] = wrong_end(given["playbyplayv3", FIRST])
    lake = Lake(MemoryStore(), CannedSource(given))
    with pytest.raises(ContractViolated) as failed:
        lake.run()
    assert failed.value.summary.quarantined == 1
    return lake


def entries(lake: Lake) -> list[dict[str, Any]]:
    quarantine = Quarantine(lake.store)
    checkpoint = lake.checkpoint()
    from nba_season_backfill.backfill.deciding import _document

    return [_document(entry, checkpoint) for entry in quarantine.entries(str(SEASON))]


def accept(lake: Lake, **more: Any) -> Any:
    settings = lake.settings.load({"source": "archive", "season_type": ("Regular Season",)}, environ={})
    given = {"reason": "an official correction", "run_id": "accept", "store": lake.store, "now": lambda: lake.now}
    return accept_body(settings, GameId(FIRST), PLAYS, **{**given, **more})


def test_a_refused_body_is_kept_verbatim_and_leaves_no_rows(refused: Lake) -> None:
    """The body stands in the quarantine as it came, with reason, dataset, time and run; no table has a row of it."""
    (entry,) = Quarantine(refused.store).entries(str(SEASON))
    assert Quarantine(refused.store).body(entry) == refused.source.bodies["playbyplayv3", FIRST]
    assert (entry.endpoint, entry.subject, entry.metadata["dataset"]) == ("playbyplayv3", FIRST, PLAYS)
    assert entry.metadata["run_id"] == "run"
    assert "the last score is 133-109, the final one 132-109" in entry.reason
    plays = refused.tables()["play-by-play/season=2024-25/month=10/part-0.parquet"]
    assert FIRST not in {row["game_id"] for row in plays}
    record = refused.checkpoint().unit(FIRST, PLAYS)
    assert record is not None
    assert record.status is UnitStatus.FAILED


def test_the_same_answer_again_changes_nothing(refused: Lake) -> None:
    """The next run asks again; refused again, there is still one entry, with its first reason."""
    before = {info.key: info.etag for info in refused.store.list("_quarantine/")}
    with pytest.raises(ContractViolated):
        refused.run()
    assert {info.key: info.etag for info in refused.store.list("_quarantine/")} == before


def test_an_answer_that_passes_ends_it(refused: Lake, clean_lake: Lake) -> None:
    """When the upstream mends its answer the next run stores it; the refused one stays, and says so."""
    refused.source.bodies["playbyplayv3", FIRST] = clean_lake.source.bodies["playbyplayv3", FIRST]
    assert refused.run().exit_code == 0
    assert [entry["state"] for entry in entries(refused)] == ["another answer is stored"]
    assert refused.tables() == clean_lake.tables()
    assert refused.audit().findings == ()


def test_a_body_is_taken_as_it_is(refused: Lake) -> None:
    """Accepted: its rows are stored without a request, the reason is kept, and no audit counts it any more."""
    refused.source.asked.clear()
    summary = accept(refused)
    assert (summary.exit_code, summary.requests) == (0, 0)
    plays = refused.tables()["play-by-play/season=2024-25/month=10/part-0.parquet"]
    assert max(row["score_home"] or 0 for row in plays if row["game_id"] == FIRST) == 133
    assert [(entry["state"], entry["accepted"]) for entry in entries(refused)] == [
        ("accepted", "an official correction")
    ]
    found = refused.audit(deep=True)
    assert [(each.kind, each.accepted) for each in found.findings] == [("score_differs", "an official correction")]
    assert found.open_findings == ()
    assert refused.run().exit_code == 0
    assert refused.source.games_asked == []


def test_an_acceptance_outlives_the_checkpoint(refused: Lake) -> None:
    """Rows are derived again from an accepted body after the checkpoint was lost, without a request."""
    accept(refused)
    tables = refused.tables()
    for info in list(refused.store.list("_state/season=2024-25/")):
        refused.store.delete(info.key)
    refused.source.asked.clear()
    assert refused.run().exit_code == 0
    assert refused.source.games_asked == []
    assert refused.tables() == tables


def test_what_cannot_be_read_cannot_be_accepted(bodies: dict[tuple[str, str], bytes]) -> None:
    """A body without a field that must be there is refused whatever a person says; nothing is written."""
    from .conftest import CannedSource

    given = dict(bodies)
    given["playbyplayv3", FIRST] = unreadable(given["playbyplayv3", FIRST])
    lake = Lake(MemoryStore(), CannedSource(given))
    with contextlib.suppress(ContractViolated):
        lake.run()
    with pytest.raises(ContractViolated, match=r"cannot be made into rows .*period: missing"):
        accept(lake)
    assert [entry["state"] for entry in entries(lake)] == ["open"]


def test_retry_forgets_and_the_next_run_asks(refused: Lake, clean_lake: Lake) -> None:
    """The entry and the failure are gone at once; the next run asks again and stores what passes."""
    retry_bodies(refused.settings, GameId(FIRST), None, at_once=False, run_id="retry", store=refused.store)
    assert entries(refused) == []
    assert refused.checkpoint().unit(FIRST, PLAYS) is None
    refused.source.bodies["playbyplayv3", FIRST] = clean_lake.source.bodies["playbyplayv3", FIRST]
    refused.source.asked.clear()
    assert refused.run().exit_code == 0
    assert refused.source.games_asked == [("playbyplayv3", FIRST)]
    assert refused.tables() == clean_lake.tables()


def test_retry_at_once_asks_for_that_and_nothing_else(refused: Lake, clean_lake: Lake) -> None:
    """--now: one request for the game, stored."""
    refused.source.bodies["playbyplayv3", FIRST] = clean_lake.source.bodies["playbyplayv3", FIRST]
    refused.source.asked.clear()
    summary = retry_bodies(
        refused.settings, GameId(FIRST), PLAYS, at_once=True, run_id="retry", store=refused.store, source=refused.source
    )
    assert (summary.units_stored, refused.source.games_asked) == (1, [("playbyplayv3", FIRST)])
    assert refused.tables() == clean_lake.tables()


def test_retry_takes_an_acceptance_back(refused: Lake, clean_lake: Lake) -> None:
    """What was accepted by mistake leaves the table, and is asked for again."""
    accept(refused)
    retry_bodies(refused.settings, GameId(FIRST), PLAYS, at_once=False, run_id="retry", store=refused.store)
    plays = refused.tables()["play-by-play/season=2024-25/month=10/part-0.parquet"]
    assert FIRST not in {row["game_id"] for row in plays}
    with pytest.raises(ContractViolated):
        refused.run()
    assert [entry["state"] for entry in entries(refused)] == ["open"]


def test_what_is_stored_can_be_accepted_with_its_findings(lake: Lake) -> None:
    """An audit finding that is the upstream's own fault, which it gives again and again, is settled by a reason."""
    log = orjson.loads(lake.source.bodies["leaguegamelog", "regular-season"])
    result = log["resultSets"][0]
    assists = result["headers"].index("AST")
    for row in result["rowSet"]:
        if row[result["headers"].index("GAME_ID")] == FIRST:
            row[assists] += 1
    lake.source.bodies["leaguegamelog", "regular-season"] = orjson.dumps(log)
    lake.run()
    assert {each.kind for each in lake.audit().open_findings} == {"total_differs"}
    assert {each.kind for each in lake.repair().after.open_findings} == {"total_differs"}
    settings = lake.settings.load({"source": "archive", "season_type": ("Regular Season",)}, environ={})
    accept_body(settings, GameId(FIRST), BOX, reason="the log counts otherwise", run_id="accept", store=lake.store)
    found = lake.audit()
    assert {each.accepted for each in found.findings} == {"the log counts otherwise"}
    assert found.open_findings == ()


def test_nothing_to_decide_is_said(lake: Lake) -> None:
    """Asking about a game of which nothing was refused, or a dataset that is not stored, is a usage error."""
    with pytest.raises(UsageError, match="nothing of game 0022400061 is in the quarantine"):
        retry_bodies(lake.settings, GameId(FIRST), None, at_once=False, run_id="retry", store=lake.store)
    with pytest.raises(UsageError, match="no such body of game 0022400061"):
        accept_body(lake.settings, GameId(FIRST), "shot-chart", reason="x", run_id="accept", store=lake.store)


def test_list_and_show_say_why(refused: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """list counts what is open; show says what this version thinks of the body, and gives it."""
    monkeypatch.setattr("nba_season_backfill.backfill.deciding.open_lake", lambda *_: refused.store)
    listed = list_quarantine(refused.settings, SEASON)
    assert (listed["open"], [entry["game_id"] for entry in listed["bodies"]], listed["objects"]) == (1, [FIRST], [])
    (shown,) = show_bodies(refused.settings, GameId(FIRST), PLAYS)
    assert shown["can_be_accepted"]
    assert shown["rows"] == {PLAYS: len(shown["body"]["game"]["actions"])}
    assert shown["state"] == "open"


@pytest.mark.parametrize(("fault", "step"), [("killed_after", 0), ("response_lost", 5), ("error_500", 10)])
def test_an_acceptance_survives_a_fault_at_any_operation(refused: Lake, fault: str, step: int) -> None:
    """Killed, cut off or failed at a sample of its operations, then done again: the lake is as if nothing was."""
    from faults.faulty import FaultyStore, SimulatedKill, Trap

    undisturbed = refused.copy()
    accept(undisturbed)
    wanted, facts = undisturbed.tables(), undisturbed.checkpoint().facts()
    counting = Trap()
    counted = refused.copy()
    accept(counted, store=FaultyStore(counted.store, counting))
    # Every operation there is would be `range(1, counting.count + 1)`; the run's own are the fault suite's.
    for at in range(2 + step, counting.count, 17):
        clock = _Clock()
        store = MemoryStore(clock=clock)
        for info in refused.store.list():
            found = refused.store.get(info.key)
            store.put(info.key, found.body, metadata=found.info.metadata)
        lake = Lake(store, refused.source)
        with contextlib.suppress(BackfillError, SimulatedKill):
            accept(lake, store=FaultyStore(store, Trap(fault, at)))
        clock.moved += dt.timedelta(minutes=5)
        accept(lake)
        assert lake.tables() == wanted, at
        assert lake.checkpoint().facts() == facts, at


class _Clock:
    moved = dt.timedelta(0)

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.moved
