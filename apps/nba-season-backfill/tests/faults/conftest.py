"""A season of three games in memory, and a source that shares its trap with the store (``faults.faulty``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from faults.faulty import Trap

from hoopstat_observability import configure_logging
from nba_season_backfill.backfill.choosing import utc_now
from nba_season_backfill.source.base import Answer, Failure, FailureKind, StatsRequest
from nba_stats_emulator import Emulator

GAMES = ("0022400061", "0022400062", "0022400063")


class RecordedSource:
    """Answers from memory, fails as the trap says, and remembers what it was asked."""

    name = "recorded"

    def __init__(self, bodies: Mapping[tuple[str, str], bytes], trap: Trap) -> None:
        self._bodies = bodies
        self._trap = trap
        self.asked: list[tuple[str, str]] = []

    def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:
        del session_generation
        fault = self._trap.step()
        self.asked.append((request.endpoint, request.subject))
        if fault in ("response_lost", "timeout"):
            failure = Failure(FailureKind.READ_TIMEOUT, fault)
            return Answer(request, "http://127.0.0.1/", utc_now(), 0.0, failure=failure)
        if fault == "killed_after":
            self._trap.die()
        if fault == "error_500":
            return Answer(request, "http://127.0.0.1/", utc_now(), 0.0, status=500, body=b'{"Message":"x"}')
        body = self._bodies[request.endpoint, request.subject]
        headers = {"content-type": "application/json"}
        return Answer(request, "http://127.0.0.1/", utc_now(), 0.0, status=200, headers=headers, body=body)

    def close(self) -> None:
        return


class MovableClock:
    """A store's clock that a test moves, so that a dead run's lease runs out."""

    def __init__(self) -> None:
        self.moved = dt.timedelta(0)

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.moved

    def let_leases_run_out(self) -> None:
        self.moved += dt.timedelta(minutes=5)


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """Thousands of runs have nothing to say."""
    configure_logging(level="CRITICAL", format="json")


@pytest.fixture(scope="session")
def bodies() -> Mapping[tuple[str, str], bytes]:
    """Every answer of a season that has three games: (endpoint, subject) -> body. Simulated."""
    import requests

    with Emulator() as emulator:

        def ask(endpoint: str, **parameters: str) -> Any:
            return requests.get(f"{emulator.base_url}/stats/{endpoint}", params=parameters, timeout=30).json()

        log = ask("leaguegamelog", LeagueID="00", Season="2024-25", SeasonType="Regular Season", PlayerOrTeam="T",
                  Counter="0", Sorter="DATE", Direction="ASC")  # fmt: skip
        result = log["resultSets"][0]
        game_column = result["headers"].index("GAME_ID")
        result["rowSet"] = [row for row in result["rowSet"] if row[game_column] in GAMES]
        schedule = ask("scheduleleaguev2", LeagueID="00", Season="2024-25")
        for day in schedule["leagueSchedule"]["gameDates"]:
            day["games"] = [game for game in day["games"] if game["gameId"] in GAMES]
        players = ask("playerindex", LeagueID="00", Season="2024-25")
        players["resultSets"][0]["rowSet"] = players["resultSets"][0]["rowSet"][:20]
        found: dict[tuple[str, str], bytes] = {
            ("leaguegamelog", "regular-season"): orjson.dumps(log),
            ("scheduleleaguev2", "season"): orjson.dumps(schedule),
            ("playerindex", "season"): orjson.dumps(players),
        }
        box = {"EndPeriod": "0", "EndRange": "0", "RangeType": "0", "StartPeriod": "0", "StartRange": "0"}
        for game in GAMES:
            for endpoint in ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3"):
                found[endpoint, game] = orjson.dumps(ask(endpoint, GameID=game, **box))
        return found
