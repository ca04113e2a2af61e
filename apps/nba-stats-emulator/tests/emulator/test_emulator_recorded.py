"""Recorded mode: bodies come back byte for byte, what is not recorded comes back without content."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nba_stats_emulator import Emulator

Get = Callable[..., Any]
LOG = {
    "Counter": 0, "DateFrom": "", "DateTo": "", "Direction": "ASC", "LeagueID": "00", "PlayerOrTeam": "T",
    "Season": "2025-26", "SeasonType": "Regular Season", "Sorter": "DATE",
}  # fmt: skip


def recorded(folder: Path, name: str) -> bytes:
    return gzip.decompress((folder / f"{name}.json.gz").read_bytes())


@pytest.fixture
def replay(emulator_corpus: Path) -> Iterator[Emulator]:
    """An emulator that serves the recorded bodies."""
    with Emulator(recorded=emulator_corpus) as running:
        yield running


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "endpoint", "parameters"),
    [
        ("boxscoretraditionalv3/0022500610", "boxscoretraditionalv3", {"GameID": "0022500610"}),
        ("boxscoreadvancedv3/0022500610", "boxscoreadvancedv3", {"GameID": "0022500610"}),
        ("playbyplayv3/0022500610", "playbyplayv3", {"GameID": "0022500610"}),
        ("playbyplayv3/0042500406_no_content", "playbyplayv3", {"GameID": "0042500406"}),
        ("boxscoresummaryv3/0022400633", "boxscoresummaryv3", {"GameID": "0022400633"}),
        ("boxscoreusagev3/0022200552", "boxscoreusagev3", {"GameID": "0022200552"}),
        ("scheduleleaguev2/2024-25", "scheduleleaguev2", {"LeagueID": "00", "Season": "2024-25"}),
        ("scheduleleaguev2/2025-26_window", "scheduleleaguev2", {"LeagueID": "00", "Season": "2025-26"}),
        ("scheduleleaguev2/2026-27_pending_knockout", "scheduleleaguev2", {"LeagueID": "00", "Season": "2026-27"}),
        ("playerindex/2025-26", "playerindex", {"LeagueID": "00", "Season": "2025-26"}),
        ("playerindex/current", "playerindex", {"LeagueID": "00", "Season": "2026-27"}),
        ("scoreboardv3/sample", "scoreboardv3", {"LeagueID": "00", "GameDate": "11/05/2025"}),
        ("leaguegamelog/T_2025-26_to_2026-02-21", "leaguegamelog", LOG),
        (
            "leaguegamelog/P_2025-03-15",
            "leaguegamelog",
            LOG | {"PlayerOrTeam": "P", "Season": "2024-25", "DateFrom": "03/15/2025", "DateTo": "03/15/2025"},
        ),
    ],
)
def test_recorded_bodies_come_back_byte_for_byte(
    replay: Emulator, emulator_corpus: Path, get: Get, name: str, endpoint: str, parameters: dict[str, object]
) -> None:
    """A recorded body is found by its game, season, day or parameters, and is not altered by a byte."""
    for headers in (None, {"Accept-Encoding": "identity"}):
        answer = get(replay.base_url, f"/stats/{endpoint}", headers=headers, **parameters)
        assert answer.status == 200
        assert answer.body == recorded(emulator_corpus, name)


@pytest.mark.corpus
def test_what_is_not_recorded_has_no_content(replay: Emulator, get: Get) -> None:
    """Games, seasons, season types and days that are not recorded are valid 200s of the real shapes, and empty."""
    ask = replay.base_url
    assert get(ask, "/stats/playbyplayv3", GameID="0022500999").json["game"]["actions"] == []
    box = get(ask, "/stats/boxscoretraditionalv3", GameID="0022500999").json["boxScoreTraditional"]
    assert (box["homeTeamId"], box["homeTeam"]["players"]) == (0, [])
    for changed in ({"SeasonType": "Playoffs"}, {"Season": "2019-20"}, {"PlayerOrTeam": "P"}):
        table = get(ask, "/stats/leaguegamelog", **(LOG | changed)).json["resultSets"][0]
        assert (table["rowSet"], table["headers"][0]) == ([], "SEASON_ID")
    known = {"LeagueID": "00", "Season": "2019-20"}
    assert get(ask, "/stats/scheduleleaguev2", **known).json["leagueSchedule"]["gameDates"] == []
    assert get(ask, "/stats/playerindex", **known).json["resultSets"][0]["rowSet"] == []
    board = get(ask, "/stats/scoreboardv3", LeagueID="00", GameDate="2020-01-01").json["scoreboard"]
    assert (board["gameDate"], board["games"]) == ("2020-01-01", [])
    assert get(ask, "/stats/leaguedashplayerstats", Season="2025-26").status == 404
    usage = get(ask, "/stats/boxscoreusagev3", GameID="0022500999").json["boxScoreUsage"]
    assert (usage["gameId"], usage["homeTeam"]["players"]) == ("0022500999", [])
    table = {"GameID": "0022500999", "LeagueID": "00"}
    assert [rows["rowSet"] for rows in get(ask, "/stats/gamerotation", **table).json["resultSets"]] == [[], []]


@pytest.mark.corpus
def test_days_of_a_game_log_recorded_whole_are_filtered(replay: Emulator, emulator_corpus: Path, get: Get) -> None:
    """Days of a log that is recorded as a whole are its rows of these days."""
    whole = json.loads(recorded(emulator_corpus, "leaguegamelog/T_2025-26_to_2026-02-21"))["resultSets"][0]
    column = whole["headers"].index("GAME_DATE")
    asked = LOG | {"DateFrom": "2025-10-21", "DateTo": "10/22/2025"}
    table = get(replay.base_url, "/stats/leaguegamelog", **asked).json["resultSets"][0]
    assert table["rowSet"] == [row for row in whole["rowSet"] if row[column] <= "2025-10-22"]
    assert table["headers"] == whole["headers"]


@pytest.mark.corpus
def test_parameters_are_checked_in_recorded_mode_too(replay: Emulator, get: Get) -> None:
    """Missing and bad parameters are answered as ever."""
    assert get(replay.base_url, "/stats/playbyplayv3").status == 400
    assert get(replay.base_url, "/stats/playbyplayv3", GameID="x").status == 500


def test_a_folder_of_our_own_is_served(tmp_path: Path, get: Get) -> None:
    """Any folder of the layout is served, new files of a known endpoint included only after a start."""
    body = {"meta": {}, "game": {"gameId": "0022900001", "videoAvailable": 0, "actions": []}}
    (tmp_path / "playbyplayv3").mkdir()
    (tmp_path / "playbyplayv3" / "0022900001.json.gz").write_bytes(gzip.compress(json.dumps(body).encode()))
    with Emulator(recorded=tmp_path) as emulator:
        answer = get(emulator.base_url, "/stats/playbyplayv3", GameID="0022900001")
        assert answer.json == body
        assert answer.headers["x-simulated"] == "recorded bodies"


def test_a_folder_without_bodies_is_refused(tmp_path: Path) -> None:
    """A folder that holds no recorded body raises ValueError naming the folder and the layout."""
    with pytest.raises(ValueError, match=r"holds no recorded bodies \(<endpoint>/<name>\.json\.gz\)"):
        Emulator(recorded=tmp_path)
