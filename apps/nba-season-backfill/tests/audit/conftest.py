"""A season of five games in memory, complete and clean, and the means to copy it and to look at it. Simulated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import requests

from hoopstat_observability import configure_logging
from nba_season_backfill.backfill.auditing import Audit, audit_store
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.opening import open_state
from nba_season_backfill.backfill.restoring import Repair, mend
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.lake.bronze import read_partition
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import Answer, StatsRequest
from nba_stats_emulator import Emulator

SEASON = Season(2024)
# Two of opening night, two with overtime, and one whose sides are swapped between the lists (Mexico City).
GAMES = ("0022400061", "0022400062", "0022400071", "0022400147", "0022400334")
WHILE_IT_IS_ON = dt.datetime(2024, 12, 20, 12, tzinfo=dt.UTC)

Bodies = Mapping[tuple[str, str], bytes]


@dataclass
class CannedSource:
    """Answers from memory, and remembers what it was asked."""

    bodies: dict[tuple[str, str], bytes]
    name: str = "canned"
    asked: list[tuple[str, str]] = field(default_factory=list)

    def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:
        del session_generation
        self.asked.append((request.endpoint, request.subject))
        body = self.bodies[request.endpoint, request.subject]
        now = dt.datetime.now(dt.UTC)
        headers = {"content-type": "application/json"}
        return Answer(request, "http://127.0.0.1/", now, 0.0, status=200, headers=headers, body=body)

    def close(self) -> None:
        return

    @property
    def games_asked(self) -> list[tuple[str, str]]:
        """What was asked about games, lists aside."""
        return [(endpoint, subject) for endpoint, subject in self.asked if subject.isdigit()]


@dataclass
class Lake:
    """A lake in memory and the upstream that fills it."""

    store: MemoryStore
    source: CannedSource
    now: dt.datetime = WHILE_IT_IS_ON

    @property
    def settings(self) -> BackfillSettings:
        given = {"source": "sample", "season_type": ("Regular Season",), "max_retries": "1", "max_in_flight": "1"}
        return BackfillSettings.load(given, environ={})

    def run(self, **more: Any) -> Any:
        return run_season(
            self.settings, SEASON, run_id="run", store=self.store, source=self.source, now=lambda: self.now, **more
        )

    def audit(self, *, deep: bool = False) -> Audit:
        return audit_store(self.settings, SEASON, self.store, deep=deep, now=self.now)

    def repair(self, *, deep: bool = False) -> Repair:
        return mend(
            self.settings,
            SEASON,
            run_id="repair",
            deep=deep,
            store=self.store,
            source=self.source,
            now=lambda: self.now,
        )

    def copy(self) -> Lake:
        store = MemoryStore()
        for info in self.store.list():
            found = self.store.get(info.key)
            store.put(info.key, found.body, metadata=found.info.metadata)
        return Lake(store, CannedSource(dict(self.source.bodies)), self.now)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        keys = [info.key for info in self.store.list() if info.key.endswith(".parquet") and info.key[0] != "_"]
        return {key: read_partition(self.store, key).to_pylist() for key in keys}

    def checkpoint(self) -> Checkpoint:
        state, where = open_state(self.settings, self.store, SEASON)
        loaded = state.load()
        assert loaded is not None
        return Checkpoint.from_content(loaded.content, where)

    def put_checkpoint(self, checkpoint: Checkpoint) -> None:
        state, _where = open_state(self.settings, self.store, SEASON)
        loaded = state.load()
        assert loaded is not None
        state.commit(orjson.Fragment(orjson.dumps(checkpoint.to_content())), token=loaded.fencing_token, run_id="test")


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """A hundred small runs have nothing to say."""
    configure_logging(level="CRITICAL", format="json")


def recorded(emulator: Emulator, games: tuple[str, ...]) -> dict[tuple[str, str], bytes]:
    """Every answer of a regular season that has only these games: (endpoint, subject) -> body."""

    def ask(endpoint: str, **parameters: str) -> Any:
        return requests.get(f"{emulator.base_url}/stats/{endpoint}", params=parameters, timeout=30).json()

    log = ask("leaguegamelog", LeagueID="00", Season="2024-25", SeasonType="Regular Season", PlayerOrTeam="T",
              Counter="0", Sorter="DATE", Direction="ASC")  # fmt: skip
    result = log["resultSets"][0]
    place = result["headers"].index("GAME_ID")
    result["rowSet"] = [row for row in result["rowSet"] if row[place] in games]
    schedule = ask("scheduleleaguev2", LeagueID="00", Season="2024-25")
    for day in schedule["leagueSchedule"]["gameDates"]:
        day["games"] = [game for game in day["games"] if game["gameId"] in games]
    players = ask("playerindex", LeagueID="00", Season="2024-25")
    players["resultSets"][0]["rowSet"] = players["resultSets"][0]["rowSet"][:20]
    found = {
        ("leaguegamelog", "regular-season"): orjson.dumps(log),
        ("scheduleleaguev2", "season"): orjson.dumps(schedule),
        ("playerindex", "season"): orjson.dumps(players),
    }
    box = {"EndPeriod": "0", "EndRange": "0", "RangeType": "0", "StartPeriod": "0", "StartRange": "0"}
    for game in games:
        for endpoint in ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3"):
            found[endpoint, game] = orjson.dumps(ask(endpoint, GameID=game, **box))
    return found


@pytest.fixture(scope="session")
def bodies() -> dict[tuple[str, str], bytes]:
    """Every answer of a season that has five games."""
    with Emulator() as emulator:
        return recorded(emulator, GAMES)


@pytest.fixture(scope="session")
def clean_lake(bodies: dict[tuple[str, str], bytes]) -> Lake:
    """A complete lake; never changed: tests take copies."""
    lake = Lake(MemoryStore(), CannedSource(dict(bodies)))
    summary = lake.run()
    assert summary.exit_code == 0, summary
    return lake


@pytest.fixture
def lake(clean_lake: Lake) -> Lake:
    """A complete lake of its own for a test."""
    return clean_lake.copy()
