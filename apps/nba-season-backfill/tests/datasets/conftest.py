"""A simulated answer for every dataset, small and complete: field names as nba_api knows them, made-up values."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS
from nba_season_backfill.datasets.base import (
    Assessment,
    Dataset,
    Expectation,
    SeasonDataset,
    SeasonRequest,
    Table,
)
from nba_season_backfill.datasets.contract import SchemaContract, under_contract
from nba_season_backfill.season import Season, SeasonType

GAME, HOME, AWAY = "0022400061", 1610612738, 1610612752
SEASON = Season(2024)
KNOWN = Expectation(GAME, SEASON, True, HOME, AWAY, 2, 2)
_IDENTITY = ("gameId", "homeTeamId", "awayTeamId")
_TEAM = ("teamId", "teamCity", "teamName", "teamTricode", "teamSlug")
_PERSON = ("personId", "firstName", "familyName", "nameI", "playerSlug", "position", "comment", "jerseyNum")
# What only this value may stand for.
_FIXED: Mapping[str, Any] = {
    "minutes": "24:00",
    "matchupMinutes": "7:04",
    "comment": "",
    "clock": "PT11M33.00S",
    "scoreHome": "2",
    "scoreAway": "2",
    "gameTimeUTC": "2024-10-22T23:30:00Z",
    "GAME_ID": GAME,
    "GAME_DATE": "2024-10-22",
    "SEASON_YEAR": str(SEASON),
    "SEASON_ID": f"2{SEASON.start_year}",
    "SEASON": str(SEASON.start_year),
    "BIRTH_DATE": "JUL 28, 1999",
    "AGE": 25.0,
    "WL": "W",
}


@dataclass(frozen=True, slots=True)
class Simulated:
    """One answer: of which dataset, what it holds, how it is judged, and the tables that it fills."""

    dataset: Dataset | SeasonDataset
    label: str
    payload: Any
    assess: Callable[[Any], Assessment]
    tables: Sequence[Table]
    request: SeasonRequest | None = None

    def under(self, contract: SchemaContract, payload: Any) -> Assessment:
        """The answer's judgement under a contract."""
        if isinstance(self.dataset, SeasonDataset):
            assert self.request is not None
            return under_contract(self.dataset, contract).assess(payload, self.request, SEASON)
        return under_contract(self.dataset, contract).assess(payload, KNOWN)

    def path(self, source: str) -> list[str | int] | None:
        """Where a field's first value stands; None where it is no single value of the answer."""
        if "resultSets" in self.payload:
            name, _, header = source.rpartition(".")
            name = re.split(r"[^A-Za-z_]", name)[0]
            number = next((n for n, each in enumerate(self.payload["resultSets"]) if each["name"] == name), None)
            headers = self.payload["resultSets"][number]["headers"] if number is not None else []
            if number is None or header not in headers:
                return None
            return ["resultSets", number, "rowSet", 0, headers.index(header)]
        found: list[str | int] = [self.dataset.root or ""]
        here = self.payload[self.dataset.root]
        for step in source.split("."):
            key = step.removesuffix("[]")
            if not isinstance(here, dict) or key not in here:
                return None
            here = here[key]
            found.append(key)
            if step.endswith("[]"):
                here = here[0]
                found.append(0)
        return None if isinstance(here, dict | list) else found


def expected(endpoint: str) -> Mapping[str, Sequence[str]]:
    """The result sets and field names that nba_api expects of an endpoint."""
    module = importlib.import_module(f"nba_api.stats.endpoints.{endpoint}")
    (made,) = (each for each in vars(module).values() if getattr(each, "endpoint", None) == endpoint)
    return made.expected_data  # type: ignore[no-any-return]  # nba_api has no types


def _types(tables: Sequence[Table]) -> dict[str, pa.DataType]:
    """The last part of each column's source -> its type; what we made from text is text there."""
    found: dict[str, pa.DataType] = {}
    for table in tables:
        for field in table.schema:
            found.setdefault(field.metadata[b"source"].decode().rpartition(".")[2], field.type)
    return found


def _value(name: str, types: Mapping[str, pa.DataType], number: int) -> Any:
    if name in _FIXED:
        return _FIXED[name]
    kind = types.get(name, pa.string())
    if name.lower().replace("_", "").endswith(("personid", "playerid", "coachid")):
        return 200_000 + number
    if pa.types.is_boolean(kind):
        return False
    if pa.types.is_integer(kind):
        return 1
    return 0.5 if pa.types.is_floating(kind) else "x"


def _rows(names: Sequence[str], types: Mapping[str, pa.DataType], number: int) -> dict[str, Any]:
    return {name: _value(name, types, number) for name in names}


def _box_score(dataset: Dataset) -> Any:
    names, types = expected(dataset.endpoint), _types(dataset.tables)
    ours = {*_IDENTITY, *_TEAM, *_PERSON}
    of_player = [name for name in names["PlayerStats"] if name not in ours]
    of_team = [name for name in names["TeamStats"] if name not in ours]
    blocks = [name for name in names.get("TeamStarterBenchStats", ()) if name not in {*ours, "startersBench"}]

    def side(team: int, first: int) -> Any:
        made = _rows(_TEAM, types, 0) | {"teamId": team, "statistics": _rows(of_team, types, 0)}
        made["players"] = [
            _rows(_PERSON, types, first + n) | {"statistics": _rows(of_player, types, first + n)} for n in range(2)
        ]
        if "points" in made["statistics"]:
            made["statistics"]["points"] = 2
        return made | ({"starters": _rows(blocks, types, 0), "bench": _rows(blocks, types, 0)} if blocks else {})

    return {
        dataset.root: {
            "gameId": GAME,
            "homeTeamId": HOME,
            "awayTeamId": AWAY,
            "homeTeam": side(HOME, 1),
            "awayTeam": side(AWAY, 11),
        }
    }


def _matchups(dataset: Dataset) -> Any:
    types = _types(dataset.tables)
    people = [*_IDENTITY, *_TEAM]
    names = [name for name in expected(dataset.endpoint)["PlayerStats"] if not name.endswith(("Off", "Def"))]
    statistics = [name for name in names if name not in people]
    inner = [name for name in _PERSON if name not in ("position", "comment")]

    def side(team: int, first: int, other: int) -> Any:
        made = _rows(_TEAM, types, 0) | {"teamId": team}
        made["players"] = [
            _rows(_PERSON, types, first + n)
            | {
                "matchups": [
                    _rows(inner, types, other + m) | {"statistics": _rows(statistics, types, 0)} for m in range(2)
                ]
            }
            for n in range(2)
        ]
        return made

    root = {"gameId": GAME, "homeTeamId": HOME, "awayTeamId": AWAY}
    return {dataset.root: root | {"homeTeam": side(HOME, 1, 11), "awayTeam": side(AWAY, 11, 1)}}


def _play_by_play(dataset: Dataset) -> Any:
    types = _types(dataset.tables)
    names = [*(name for name in expected(dataset.endpoint)["PlayByPlay"] if name != "gameId"), "shotValue"]
    actions = [
        _rows(names, types, number) | {"actionId": number, "teamId": team} for number, team in ((1, HOME), (2, AWAY))
    ]
    return {dataset.root: {"gameId": GAME, "videoAvailable": 0, "actions": actions}}


def _summary(dataset: Dataset) -> Any:
    types, names = _types(dataset.tables), expected(dataset.endpoint)
    person = ("personId", "name", "nameI", "firstName", "familyName", "jerseyNum")
    meeting = ("teamId", "teamCity", "teamName", "teamTricode", "teamSlug", "score", "wins", "losses")
    other = ("recencyOrder", "gameId", "gameTimeUTC", "gameEt", "gameStatus", "gameStatusText")
    chart = [name for name in names["OtherStats"] if name not in {*_TEAM, "gameId"}]
    leaders = [
        f"player{key}Leader{part}"
        for key in ("Pts", "Reb", "Ast", "Blk")
        for part in ("FirstName", "FamilyName", "Id", key)
    ]

    def side(team: int, first: int) -> Any:
        return _rows([*_TEAM, "teamWins", "teamLosses"], types, 0) | {
            "teamId": team,
            "score": 2,
            "inBonus": "",
            "timeoutsRemaining": 1,
            "seed": 0,
            "statistics": {"dummyKey": "dummyValue"},
            "periods": [{"period": 1, "periodType": "REGULAR", "score": 2}],
            "players": [_rows(person, types, first)],
            "inactives": [{"personId": first + 5, "firstName": "x", "familyName": "x", "jerseyNum": "x"}],
        }

    def charts(*statistics: str) -> Any:
        return {
            name: _rows(_TEAM[:4], types, 0) | {"teamId": team, "statistics": _rows(statistics, types, 0)}
            for name, team in (("homeTeam", HOME), ("awayTeam", AWAY))
        }

    root = _rows([*names["GameSummary"], *names["AvailableVideo"]], types, 0)
    root |= _rows(("seriesGameNumber", "gameLabel", "gameSubLabel", "seriesText", "gameSubtype"), types, 0)
    broadcaster = {"broadcasterId": 1, "broadcasterTeamId": -1, "regionId": 1} | dict.fromkeys(
        ("broadcastDisplay", "broadcasterDisplay", "broadcasterVideoLink", "broadcasterDescription"), "x"
    )
    return {
        dataset.root: root
        | {
            "gameId": GAME,
            "homeTeamId": HOME,
            "awayTeamId": AWAY,
            "ifNecessary": False,
            "isNeutral": False,
            "arena": _rows([*names["ArenaInfo"][1:], "arenaStreetAddress", "arenaPostalCode"], types, 0),
            "officials": [_rows(person, types, 50) | {"assignment": ""}],
            "broadcasters": {"nationalBroadcasters": [broadcaster], "homeOttBroadcasters": []},
            "homeTeam": side(HOME, 1),
            "awayTeam": side(AWAY, 11),
            "lastFiveMeetings": {
                "meetings": [
                    _rows([*other, "gameClock", "broadcasterVideoLink"], types, 0)
                    | {"homeTeam": _rows(meeting, types, 0), "awayTeam": _rows(meeting, types, 0)}
                ]
            },
            "pregameCharts": charts(*chart[:12], *leaders),
            "postgameCharts": charts(*chart, *leaders),
        }
    }


_Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def _sets(
    endpoint: str, tables: Sequence[Table], rows: _Rows, headers: Mapping[str, Sequence[str]] | None = None
) -> Any:
    """Result sets, with nba_api's headers where none are given; ``rows`` says what differs from row to row."""
    types = _types(tables)
    sets = []
    for name, names in (headers or expected(endpoint)).items():
        made = [_rows(names, types, n) | dict(row) for n, row in enumerate(rows.get(name, ()))]
        sets.append({"name": name, "headers": [*names], "rowSet": [[row[key] for key in names] for row in made]})
    return {"resource": endpoint, "parameters": {}, "resultSets": sets}


def _game_sets(name: str) -> Any:
    dataset = DATASETS[name]
    sides = {"HomeTeam": HOME, "AwayTeam": AWAY}
    stints = {side: [{"TEAM_ID": team, "IN_TIME_REAL": 0.0, "OUT_TIME_REAL": 10.0}] * 2 for side, team in sides.items()}
    shots = [{"TEAM_ID": team, "GAME_EVENT_ID": n, "GAME_DATE": "20241022"} for n, team in enumerate((HOME, AWAY))]
    result = {"HOME_TEAM_ID": HOME, "VISITOR_TEAM_ID": AWAY, "HOME_TEAM_PTS": 2, "VISITOR_TEAM_PTS": 2}
    rows: Mapping[str, _Rows] = {
        "game-rotation": stints,
        "shot-chart": {"Shot_Chart_Detail": shots},
        "win-probability": {"WinProbPBP": [{}, {}], "GameInfo": [result]},
    }
    return _sets(dataset.endpoint, dataset.tables, rows[name])


def _game(name: str) -> Simulated:
    dataset = DATASETS[name]
    if name in ("game-rotation", "shot-chart", "win-probability"):
        payload = _game_sets(name)
    else:
        special = {"box-scores-matchups": _matchups, "play-by-play": _play_by_play, "summary": _summary}
        payload = special.get(name, _box_score)(dataset)
    return Simulated(dataset, name, payload, lambda answer: dataset.assess(answer, KNOWN), dataset.tables)


def _whole_season(name: str) -> list[Simulated]:
    """One answer for each table that a request is made for."""
    dataset = SEASON_DATASETS[name]
    requests = dataset.requests(SEASON, [SeasonType.REGULAR_SEASON], "00", [HOME])
    return [_of_season(dataset, request) for request in requests]


def _of_season(dataset: SeasonDataset, request: SeasonRequest) -> Simulated:
    tables = [table for table in dataset.tables if table.name == request.table or dataset.name == "rosters"]
    result = next(iter(expected(request.endpoint)))
    rows: _Rows = {result: [{"TEAM_ID": HOME}, {"TEAM_ID": AWAY}]}
    headers = None
    if dataset.name == "rosters":
        rows = {"CommonTeamRoster": [{"TeamID": HOME}] * 2, "Coaches": [{"TEAM_ID": HOME}]}
    elif dataset.name.endswith("game-logs") and request.table != dataset.name:
        # What nba_api expects is the traditional kind: the others have headers of their own.
        sources = (field.metadata[b"source"].decode() for table in tables for field in table.schema)
        headers = {result: list(dict.fromkeys(source.rpartition(".")[2] for source in sources))}
    payload = _sets(request.endpoint, tables, rows, headers)
    return Simulated(
        dataset, request.table, payload, lambda answer: dataset.assess(answer, request, SEASON), tables, request
    )


def _everything() -> dict[str, Simulated]:
    games = [_game(name) for name in DATASETS if name not in SEASON_DATASETS]
    seasons = [each for name in SEASON_DATASETS for each in _whole_season(name)]
    return {each.label: each for each in (*games, *seasons)}


SIMULATED = _everything()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes ``simulated`` is run for every dataset's answer, ``simulated_game`` for those of games."""
    games = {name: each for name, each in SIMULATED.items() if each.request is None}
    for name, answers in (("simulated", SIMULATED), ("simulated_game", games)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, answers.values(), ids=list(answers))


@pytest.fixture
def every_answer() -> Sequence[Simulated]:
    """A simulated answer for each dataset of single games, and for each table of the whole-season ones."""
    return list(SIMULATED.values())
