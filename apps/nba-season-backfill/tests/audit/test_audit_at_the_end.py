"""The audit at the end of every run: never green with findings, whatever happened in between, and cheap."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt

import pytest

from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.checkpoint import UnitStatus
from nba_season_backfill.errors import AuditFailed
from nba_season_backfill.lake.memory import MemoryStore

from .conftest import GAMES, SEASON, CannedSource, Lake
from .test_audit_defects import BOSTON, TEAMS, key, set_value

FIRST = GAMES[0]


def spoil(lake: Lake) -> None:
    set_value(TEAMS, "points", lambda points: points + 1, game_id=FIRST, team_id=BOSTON)(lake)


def test_a_clean_run_has_nothing_left_to_audit(clean_lake: Lake) -> None:
    """What a run touched is marked as audited by its last commit."""
    assert clean_lake.checkpoint().statistics["to_audit"] == []


def test_a_run_with_findings_is_not_green(lake: Lake) -> None:
    """A score that is not the lists' ends even a run that had nothing to do, with 65 and the finding by name."""
    spoil(lake)
    with pytest.raises(
        AuditFailed, match=r"2 audit findings, first: \w+ 0022400061 box-scores-traditional points"
    ) as failed:
        lake.run()
    summary = failed.value.summary
    assert (failed.value.exit_code, summary.exit_code, summary.outcome) == (65, 65, "audit_failed")
    assert next(each for each in summary.findings if each["kind"] == "score_differs") == {
        "kind": "score_differs",
        "season": "2024-25",
        "detail": "not the final score of the lists",
        "game_id": FIRST,
        "dataset": "box-scores-traditional",
        "table": TEAMS,
        "column": "points",
        "row": f"team_id={BOSTON}",
        "expected": "132",
        "found": "133",
        "count": 1,
        "mending": "refetch",
    }
    assert lake.source.games_asked == []


def test_no_later_run_is_green_by_having_nothing_to_do(lake: Lake) -> None:
    """The month of a finding is looked at again and again, until it is mended."""
    spoil(lake)
    for _again in range(2):
        with pytest.raises(AuditFailed):
            lake.run()
        assert lake.checkpoint().statistics["to_audit"] == [10]
    lake.repair()
    assert lake.run().exit_code == 0
    assert lake.checkpoint().statistics["to_audit"] == []


def test_a_crash_before_the_audit_leaves_it_to_the_next_run(bodies: dict[tuple[str, str], bytes]) -> None:
    """Killed after the last commit: the next run has nothing to fetch, and audits what that one stored."""
    from faults.faulty import FaultyStore, SimulatedKill, Trap

    whole = Lake(MemoryStore(), CannedSource(dict(bodies)))
    operations = Trap()
    run_season(
        whole.settings,
        SEASON,
        run_id="count",
        store=FaultyStore(whole.store, operations),
        source=whole.source,
        now=lambda: whole.now,
    )
    clock = _Clock()
    lake = Lake(MemoryStore(clock=clock), CannedSource(dict(bodies)))
    at = operations.count
    # From the end backwards: the first place where everything is stored, and nothing audited yet.
    while at:
        lake = Lake(MemoryStore(clock=clock), CannedSource(dict(bodies)))
        with contextlib.suppress(SimulatedKill):
            run_season(
                lake.settings,
                SEASON,
                run_id="killed",
                store=FaultyStore(lake.store, Trap("killed_before", at)),
                source=lake.source,
                now=lambda: whole.now,
            )
        if lake.checkpoint().statistics["to_audit"]:
            break
        at -= 1
    units = list(lake.checkpoint().units())
    assert {record.status for _game, _dataset, record in units} == {UnitStatus.OK}
    assert sorted(lake.checkpoint().statistics["to_audit"]) == [10, 11, 12]
    set_value("play-by-play", "score_home", lambda _: None, game_id=GAMES[3], month=11)(lake)
    clock.moved += dt.timedelta(minutes=5)
    lake.source.asked.clear()
    with pytest.raises(AuditFailed, match="score_missing 0022400147 play-by-play"):
        lake.run()
    assert lake.source.games_asked == []


def test_a_whole_season_that_is_too_small_is_not_green(lake: Lake) -> None:
    """Once the season is over, five games are not a season: no exit 0."""
    lake.now = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
    with pytest.raises(AuditFailed, match="game_count : Regular Season: 5 final games, a whole one has 1230"):
        lake.run()


def test_a_part_of_a_season_claims_nothing_about_the_rest(lake: Lake) -> None:
    """A run over some games (ids, dates, a limit) is green when those are right."""
    lake.now = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
    settings = lake.settings.load(
        {"source": "sample", "season_type": ("Regular Season",), "limit": "5", "max_in_flight": "1"}, environ={}
    )
    summary = run_season(settings, SEASON, run_id="part", store=lake.store, source=lake.source, now=lambda: lake.now)
    assert summary.exit_code == 0


def test_what_nobody_touched_is_not_read_again(lake: Lake) -> None:
    """A run with nothing to do reads of every month the teams' rows only: the scores of the whole season."""
    read: list[str] = []

    class Watched(MemoryStore):
        def get(self, key: str, *, if_match: str | None = None) -> object:  # type: ignore[override]  # watches only
            read.append(key)
            return super().get(key, if_match=if_match)

    store = Watched()
    for info in lake.store.list():
        found = lake.store.get(info.key)
        store.put(info.key, found.body, metadata=found.info.metadata)
    watched = dataclasses.replace(lake, store=store)
    assert watched.run().exit_code == 0
    parquet = {name for name in read if name.endswith(".parquet") and not name.startswith("games/")}
    assert parquet == {key(TEAMS, month) for month in (10, 11, 12)}


class _Clock:
    moved = dt.timedelta(0)

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.moved
