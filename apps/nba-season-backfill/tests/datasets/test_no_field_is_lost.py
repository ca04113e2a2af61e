"""Every recorded body passes its dataset's normalisation, and each of its leaves stands in a table."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS
from nba_season_backfill.datasets.base import Assessment, Expectation
from nba_season_backfill.datasets.columns import snake_case
from nba_season_backfill.season import GameId, Season, SeasonType

pytestmark = pytest.mark.corpus

# Leaves that stand in no table, each with its reason. Whatever is not named here must.
_ENVELOPE = "of the answer, not of the game: kept in the archive"
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "every V3 answer": {"meta.version": _ENVELOPE, "meta.request": _ENVELOPE, "meta.time": _ENVELOPE},
    "every box score": {
        "homeTeamId": "it is the team_id of the rows where is_home is true",
        "awayTeamId": "it is the team_id of the rows where is_home is false",
    },
    "play-by-play": {"videoAvailable": "whether the game has videos at all; each action has its own flag"},
    "box-scores-defensive": {"homeTeam.statistics.minutes": "always null: the upstream has no team lines here"},
    "summary": {"homeTeam.statistics.dummyKey": "the upstream's own placeholder, without meaning"},
    "teams": {
        f"LeagueGameLog.rowSet[].{header}": "of single games, which team-game-logs has; here they are summed up"
        for header in (
            *("SEASON_ID", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID", "GAME_DATE", "MATCHUP", "WL", "MIN"),
            *("FGM", "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT", "OREB", "DREB", "REB"),
            *("AST", "STL", "BLK", "TOV", "PF", "PTS", "PLUS_MINUS", "VIDEO_AVAILABLE"),
        )
    },
    "shot-chart": {
        f"LeagueAverages.rowSet[].{header}": "of the whole league, not of the game: kept in the archive"
        for header in ["GRID_TYPE", "SHOT_ZONE_BASIC", "SHOT_ZONE_AREA", "SHOT_ZONE_RANGE", "FGA", "FGM", "FG_PCT"]
    },
}

# Columns whose value is another writing of what was received.
REWRITTEN: Mapping[str, Callable[[Any], Any]] = {
    "score_home": lambda text: int(text) if text else None,
    "score_away": lambda text: int(text) if text else None,
    "game_time_utc": dt.datetime.fromisoformat,
    "game_date": lambda text: dt.date.fromisoformat(text[:10]),
}


def body(file: Path) -> Any:
    return orjson.loads(gzip.decompress(file.read_bytes()))


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(path without numbers, leaf); both sides, all kinds of broadcasters and both charts under one name each."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        # An earlier meeting has columns for both of its sides.
        path = re.sub(r"(?<!meetings\[\]\.)awayTeam\.", "homeTeam.", path)
        path = re.sub(r"^broadcasters\.\w+Broadcasters", "broadcasters.nationalBroadcasters", path)
        yield path.replace("pregameCharts", "postgameCharts"), value


def of_sets(payload: Any) -> Iterator[tuple[str, Any]]:
    """The same for result sets."""
    for result in payload["resultSets"]:
        for row in result["rowSet"]:
            for header, value in zip(result["headers"], row, strict=True):
                yield f"{result['name']}.rowSet[].{header}", value


def columns(tables: Mapping[str, pa.Table]) -> dict[str, list[tuple[str, list[Any]]]]:
    """Path -> the columns that hold it, in whatever table."""
    found: dict[str, list[tuple[str, list[Any]]]] = defaultdict(list)
    for table in tables.values():
        for field in table.schema:
            values, source = table.column(field.name).to_pylist(), field.metadata[b"source"].decode()
            if pa.types.is_struct(field.type):
                for inner in field.type:
                    found[f"{source}.{inner.name}"].append((inner.name, [each[inner.name] for each in values if each]))
            found[source].append((field.name, values))
    return found


def same_kind(value: Any) -> Any:
    """5 and 5.0 are one number; True is none."""
    return ("bool", value) if isinstance(value, bool) else value


def nothing_is_lost(received: Sequence[tuple[str, Any]], found: Assessment, *left_out: str) -> int:
    """Each path's values, as often as they came, are those of a column; how many leaves were found again.

    Teams' and players' fields are repeated for each row that is theirs where they have no row of their own.
    """
    assert (found.kind, found.problems, found.unknown_fields) == ("ok", (), ())
    assert found.quality.outliers == 0, found.quality.examples
    by_path: dict[str, list[Any]] = defaultdict(list)
    excused = {path for part in left_out for path in LEFT_OUT[part]}
    for path, value in received:
        if path not in excused:
            by_path[path].append(value)
    held = columns(found.tables)
    for path, values in by_path.items():
        candidates = held.get(path) or held.get(".".join([*path.split(".")[:-1], snake_case(path.split(".")[-1])]), [])
        assert candidates, f"{path} stands in no table"
        assert any(_holds(name, stored, values) for name, stored in candidates), (
            path,
            values[:5],
            candidates[0][1][:5],
        )
    return sum(map(len, by_path.values()))


def _holds(name: str, stored: Sequence[Any], received: Sequence[Any]) -> bool:
    wanted = [REWRITTEN[name](value) if name in REWRITTEN else value for value in received]
    counted, there = Counter(map(same_kind, wanted)), Counter(map(same_kind, stored))
    if counted == there:
        return True
    # Charts from before the game lack some fields: null there.
    if None not in counted:
        del there[None]
    return counted == there or (counted.keys() == there.keys() and len(stored) > len(wanted))


BOXES = [name for name in DATASETS if name.startswith("box-scores-")]


def recorded(corpus: Path, endpoint: str) -> list[Path]:
    files = sorted((corpus / endpoint).glob("*.json.gz"))
    assert files, endpoint
    return [file for file in files if "no_content" not in file.name]


@pytest.mark.parametrize("name", [*BOXES, "play-by-play", "summary"])
def test_no_leaf_of_an_answer_about_a_game_is_lost(corpus: Path, name: str) -> None:
    """Of every recorded body of every such endpoint: what is not in a table is named above, with the reason."""
    dataset = DATASETS[name]
    for file in recorded(corpus, dataset.endpoint):
        payload = body(file)
        root = payload[dataset.root]
        game = GameId(root["gameId"])
        found = dataset.assess(payload, Expectation(game.text, game.season))
        received = [*leaves(root, ""), *leaves({"meta": payload.get("meta", {})}, "")]
        parts = [part for part in (name, "every V3 answer") if part in LEFT_OUT]
        if name in BOXES:
            parts.append("every box score")
        assert nothing_is_lost(received, found, *parts) > 200


def test_no_leaf_of_a_rotation_is_lost(corpus: Path) -> None:
    """Both sides' stints; the away side's under the same names."""
    (file,) = recorded(corpus, "gamerotation")
    payload = body(file)
    received = [(path.replace("AwayTeam.", "AwayTeam, HomeTeam: "), value) for path, value in of_sets(payload)]
    received = [(path.replace("HomeTeam.", "AwayTeam, HomeTeam: "), value) for path, value in received]
    known = Expectation("0022200552", Season(2022), True, 1610612739, 1610612741, 145, 134)
    found = DATASETS["game-rotation"].assess(payload, known)
    assert nothing_is_lost(received, found) == 72 * 12
    stints = found.tables["game-rotation"].to_pylist()
    points = Counter[int]()
    for stint in stints:
        points[stint["team_id"]] += stint["player_pts"]
    assert points == {1610612739: 145, 1610612741: 134}
    # Five players a side, all the time: 53 minutes with one overtime, in tenths of seconds.
    assert sum(stint["out_time_real"] - stint["in_time_real"] for stint in stints) == 2 * 5 * 53 * 600


def test_no_leaf_of_a_shot_chart_is_lost(corpus: Path) -> None:
    """The recorded body is one player's whole season: game by game it becomes what a game's answer would be."""
    (file,) = recorded(corpus, "shotchartdetail")
    payload = body(file)
    shots, averages = payload["resultSets"]
    by_game: dict[str, list[Any]] = defaultdict(list)
    for row in shots["rowSet"]:
        by_game[row[shots["headers"].index("GAME_ID")]].append(row)
    leaves_found = 0
    for game, rows in by_game.items():
        answer = {**payload, "resultSets": [{**shots, "rowSet": rows}, averages]}
        found = DATASETS["shot-chart"].assess(answer, Expectation(game, Season(2025), final=False))
        leaves_found += nothing_is_lost(list(of_sets(answer)), found, "shot-chart")
    assert leaves_found == 532 * 24


@pytest.mark.parametrize(
    ("name", "file", "season", "rows"),
    [
        ("players", "playerindex/2025-26", 2025, 557),
        ("players", "playerindex/current", 2025, 578),
        ("player-game-logs", "playergamelogs/trimmed", 2024, 200),
        ("rosters", "commonteamroster/1610612739_2025-26", 2025, 19),
        ("teams", "leaguegamelog/T_2025-26_to_2026-02-21", 2025, 30),
    ],
)
def test_no_leaf_of_a_whole_seasons_answer_is_lost(corpus: Path, name: str, file: str, season: int, rows: int) -> None:
    """Players, their lines, a team's roster and coaches; of the game log what the season's teams are made of."""
    dataset, payload = SEASON_DATASETS[name], body(corpus / f"{file}.json.gz")
    requests = dataset.requests(Season(season), [SeasonType.REGULAR_SEASON], "00", [1610612739])
    request = next(each for each in requests if each.endpoint == file.split("/")[0])
    found = dataset.assess(payload, request, Season(season))
    assert found.tables[request.table].num_rows == rows
    assert found.quality.rows >= rows
    nothing_is_lost(list(of_sets(payload)), found, *([name] if name in LEFT_OUT else []))


def test_a_defenders_match_ups_add_up_to_the_defensive_box_score(corpus: Path) -> None:
    """Who guards whom: points by defender are the defensive box score's, so the inner list is the defenders."""
    known = Expectation("0022200552", Season(2022))
    tables = {}
    for name in ("box-scores-matchups", "box-scores-defensive"):
        payload = body(corpus / DATASETS[name].endpoint / "0022200552.json.gz")
        tables[name] = DATASETS[name].assess(payload, known).tables[name].to_pylist()
    points = Counter[int]()
    for row in tables["box-scores-matchups"]:
        points[row["def_person_id"]] += row["player_points"]
    assert dict(points) == {row["person_id"]: row["player_points"] for row in tables["box-scores-defensive"]}


def test_teams_won_what_their_opponents_lost(corpus: Path) -> None:
    """844 games of the recorded season: as many wins as losses, two lines a game."""
    dataset = SEASON_DATASETS["teams"]
    payload = body(corpus / "leaguegamelog" / "T_2025-26_to_2026-02-21.json.gz")
    request = dataset.requests(Season(2025), [SeasonType.REGULAR_SEASON], "00", ())[1]
    teams = dataset.assess(payload, request, Season(2025)).tables["teams"].to_pylist()
    assert sum(team["wins"] for team in teams) == sum(team["losses"] for team in teams) == 844
    assert all(team["games"] == team["wins"] + team["losses"] for team in teams)
    assert min(team["first_game_date"] for team in teams) == dt.date(2025, 10, 21)


def test_nobody_played_in_the_tracked_answer_of_an_arena_without_cameras(corpus: Path) -> None:
    """All lines without a minute: absent, and no reason for doubt; in a box score that everybody has it is refused."""
    for name, kind in (("box-scores-player-track", "absent"), ("box-scores-misc", "contract_violation")):
        payload = body(corpus / DATASETS[name].endpoint / "0022200552.json.gz")
        for side in ("homeTeam", "awayTeam"):
            for player in payload[DATASETS[name].root][side]["players"]:
                player["statistics"]["minutes"] = "0:00"
        found = DATASETS[name].assess(payload, Expectation("0022200552", Season(2022), True, None, None, 145, 134))
        assert found.kind == kind
        assert bool(found.problems) == (kind == "contract_violation")
