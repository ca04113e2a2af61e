"""What happens to a season: corrections that every endpoint tells of, postponed games, games that end late."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nba_stats_emulator import Change, Correction, Emulator, LateEnding, Postponement, Story
from nba_stats_emulator.sample import SampleSeason
from nba_stats_emulator.story import CORRECTED, STORIES, load_story, story_from_json, story_to_json

Get = Callable[..., Any]
GAME = "0022400061"
TATUM, HOLIDAY = 1628369, 201950
AT = datetime(2024, 10, 26, 15, tzinfo=UTC)
LOG = {
    "Counter": 0, "Direction": "ASC", "LeagueID": "00", "PlayerOrTeam": "P", "Season": "2024-25",
    "SeasonType": "Regular Season", "Sorter": "DATE",
}  # fmt: skip


def post(emulator: Emulator, path: str, data: object) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    try:
        connection.request("POST", path, json.dumps(data))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def log_row(emulator: Emulator, get: Get, game_id: str, player_id: int, **more: object) -> dict[str, Any]:
    table = get(emulator.base_url, "/stats/leaguegamelog", **(LOG | more)).json["resultSets"][0]
    found = [dict(zip(table["headers"], row, strict=True)) for row in table["rowSet"]]
    (row,) = [row for row in found if row["GAME_ID"] == game_id and row["PLAYER_ID"] == player_id]
    return row


def statistics(emulator: Emulator, get: Get, endpoint: str, root: str, player_id: int) -> dict[str, Any]:
    box = get(emulator.base_url, f"/stats/{endpoint}", GameID=GAME).json[root]
    players = [*box["homeTeam"]["players"], *box["awayTeam"]["players"]]
    found: dict[str, Any] = next(player["statistics"] for player in players if player["personId"] == player_id)
    return found


def listed(emulator: Emulator, get: Get, game_id: str) -> dict[str, Any]:
    days = get(emulator.base_url, "/stats/scheduleleaguev2", LeagueID="00", Season="2024-25").json["leagueSchedule"]
    (game,) = [game for day in days["gameDates"] for game in day["games"] if game["gameId"] == game_id]
    (game["listed"],) = [day["gameDate"] for day in days["gameDates"] if game in day["games"]]
    return dict(game)


def test_a_posted_correction_reaches_every_endpoint_at_its_moment(get: Get) -> None:
    """An assist moves from one player to another: box scores, game log and play-by-play tell it from then on only."""
    sent = {
        "game_id": GAME,
        "at": "2024-10-26T15:00:00Z",
        "changes": [{"player_id": TATUM, "ast": -1}, {"player_id": HOLIDAY, "ast": 1}],
    }
    with Emulator(clock=AT - timedelta(seconds=1)) as emulator:
        status, told = post(emulator, "/_emulator/corrections", sent)
        assert (status, told["story"]["corrections"]) == (200, [sent])
        seen = []
        for moment in (AT - timedelta(seconds=1), AT):
            emulator.set_clock(moment)
            plays = get(emulator.base_url, "/stats/playbyplayv3", GameID=GAME).json["game"]["actions"]
            for player_id, name in ((TATUM, "Tatum"), (HOLIDAY, "Holiday")):
                box = statistics(emulator, get, "boxscoretraditionalv3", "boxScoreTraditional", player_id)
                advanced = statistics(emulator, get, "boxscoreadvancedv3", "boxScoreAdvanced", player_id)
                assists = sum(f"({name} " in row["description"] and " AST)" in row["description"] for row in plays)
                row = log_row(emulator, get, GAME, player_id)
                by_points = log_row(emulator, get, GAME, player_id, Sorter="PTS")
                assert box["assists"] == assists == row["AST"] == by_points["AST"]
                seen.append((name, assists, row["PTS"], advanced["assistRatio"]))
        before_tatum, before_holiday, after_tatum, after_holiday = seen
        assert before_tatum[:3] == ("Tatum", 10, 37)
        assert after_tatum[:3] == ("Tatum", 9, 37)
        assert after_holiday[:3] == ("Holiday", before_holiday[1] + 1, before_holiday[2])
        assert after_tatum[3] < before_tatum[3]
        team = get(emulator.base_url, "/stats/boxscoretraditionalv3", GameID=GAME).json["boxScoreTraditional"]
        assert team["homeTeam"]["statistics"]["assists"] == 33
        assert team["homeTeam"]["starters"]["assists"] + team["homeTeam"]["bench"]["assists"] == 33


def test_a_correction_changes_only_the_plays_concerned(season: SampleSeason, over: datetime) -> None:
    """All actions but those that name the assist and what counts it are the same as before the correction."""
    changes = (Change(TATUM, "ast", -1), Change(HOLIDAY, "ast", 1))
    told = season.with_story(Story(corrections=(Correction(GAME, AT, changes),)))
    before = season.game_bodies(GAME, over)["playbyplayv3"]["game"]["actions"]
    after = told.game_bodies(GAME, over)["playbyplayv3"]["game"]["actions"]
    assert len(before) == len(after)
    different = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert different
    for old, new in different:
        assert {**old, "description": ""} == {**new, "description": ""}
        assert "AST)" in old["description"]


@pytest.mark.parametrize("statistic", CORRECTED)
@pytest.mark.parametrize("game_id", [GAME, "0022400147", "0042400111", "0012400010"])
def test_anything_can_move_between_teammates(
    season: SampleSeason, over: datetime, game_id: str, statistic: str
) -> None:
    """For each statistic and kind of game the emulator finds two teammates, and the team's total stays."""
    game = season.games[game_id]
    told = season.with_story(Story(corrections=(Correction(game_id, game.final_at, move=statistic),)))
    (correction,) = told.story.corrections
    assert [change.by for change in correction.changes] == [-1, 1]
    before, after = season.lines(game), told.lines(game, 1)
    assert before is not None
    assert after is not None
    for old, new in zip(before, after, strict=True):
        assert sum(getattr(line, statistic) for line in old) == sum(getattr(line, statistic) for line in new)
        assert [line.points for line in old] == [line.points for line in new]
    assert told.played(game, over) is not None


@pytest.mark.parametrize(
    ("correction", "message"),
    [
        (Correction("0022409999", AT, move="ast"), "no game 0022409999"),
        (Correction(GAME, datetime(2024, 10, 22, 23, tzinfo=UTC), move="ast"), "is not over"),
        (Correction(GAME, AT, (Change(TATUM, "ast", -11),)), "are too many"),
        (Correction(GAME, AT, (Change(1, "ast", 1),)), "player 1 did not play"),
        (Correction(GAME, AT, (Change(TATUM, "tov", 1),)), "only move between teammates"),
        (Correction(GAME, AT, (Change(TATUM, "stl", 40),)), "no play in which"),
        (Correction("0032400011", datetime(2025, 6, 1, tzinfo=UTC), move="ast"), "without content"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(correction: Correction, message: str) -> None:
    """A correction that the game cannot hold is a ValueError that says why; the story stays as it was."""
    with Emulator() as emulator, pytest.raises(ValueError, match=message):
        emulator.correct(correction)
    assert emulator.story == Story()


def test_wrong_stories_are_a_400_that_names_the_place(emulator: Emulator) -> None:
    """A posted story that makes no sense is refused with the place of the mistake."""
    for sent, place in (
        ({"corrections": [{"game_id": GAME}]}, "corrections[0]: at is needed"),
        ({"postponements": [{"game_id": "61"}]}, "postponements[0]: announced_at is needed"),
        ({"late_endings": [{"game_id": GAME, "final_at": "late"}]}, "late_endings[0].final_at"),
        ({"earthquakes": []}, "'earthquakes' is not known here"),
        ("uneventful", "no story 'uneventful'"),
    ):
        status, told = post(emulator, "/_emulator/story", sent)
        assert status == 400
        assert place in told["error"]
    status, told = post(emulator, "/_emulator/corrections", {"game_id": GAME, "at": "2024-10-26", "move": "points"})
    assert status == 400
    assert "move is one of ast, oreb" in told["error"]


def test_a_postponed_game_is_played_later_under_its_id(get: Get) -> None:
    """Scheduled, postponed, scheduled for another day, final: schedule and scoreboard show each in its time."""
    game_id = "0022400524"
    seen: list[tuple[Any, ...]] = []
    with Emulator(story="eventful") as emulator:
        for text in ("2025-01-09T12:00", "2025-01-10T12:00", "2025-01-18T12:00", "2025-02-20T12:00"):
            emulator.set_clock(datetime.fromisoformat(text))
            game = listed(emulator, get, game_id)
            on_board = {
                day: [
                    entry["gameStatusText"]
                    for entry in get(
                        emulator.base_url, "/stats/scoreboardv3", LeagueID="00", GameDate=day
                    ).json["scoreboard"]["games"]
                    if entry["gameId"] == game_id
                ]
                for day in ("2025-01-09", "2025-02-19")
            }  # fmt: skip
            summary = get(emulator.base_url, "/stats/boxscoresummaryv3", GameID=game_id).json["boxScoreSummary"]
            assert summary["gameStatusText"] == game["gameStatusText"]
            assert summary["gameTimeUTC"] == game["gameDateTimeUTC"]
            assert summary["gameCode"] == game["gameCode"]
            seen.append((game["listed"][:10], game["gameStatusText"], game["gameStatus"], game["postponedStatus"]))
            seen.append(tuple(on_board.values()))
    assert seen == [
        ("01/09/2025", "10:30 pm ET", 1, "N"), (["10:30 pm ET"], []),
        ("01/09/2025", "PPD", 1, "Y"), (["PPD"], []),
        ("02/19/2025", "10:00 pm ET", 1, "N"), ([], ["10:00 pm ET"]),
        ("02/19/2025", "Final", 3, "N"), ([], ["Final"]),
    ]  # fmt: skip


def test_a_game_can_be_put_off_to_any_day(get: Get) -> None:
    """With `new_tipoff` the facts' day is the one given up; from then on the whole season has the game on its new."""
    moved = Postponement(
        GAME, datetime(2024, 10, 22, 18, tzinfo=UTC), datetime(2024, 10, 23, 12, tzinfo=UTC),
        new_tipoff=datetime(2024, 11, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    with Emulator(story=Story(postponements=(moved,))) as emulator:
        emulator.set_clock(datetime(2024, 10, 23, 6, tzinfo=UTC))
        assert listed(emulator, get, GAME)["gameStatusText"] == "PPD"
        assert get(emulator.base_url, "/stats/playbyplayv3", GameID=GAME).json["game"]["actions"] == []
        emulator.set_clock(None)
        assert listed(emulator, get, GAME)["listed"][:10] == "11/02/2024"
        assert log_row(emulator, get, GAME, TATUM)["GAME_DATE"] == "2024-11-02"
        assert get(emulator.base_url, "/stats/playbyplayv3", GameID=GAME).json["game"]["actions"]


def test_a_game_can_end_after_midnight_eastern(get: Get) -> None:
    """A late ending keeps a game live until its moment; it stays a game of the day on which it began."""
    with Emulator(story=Story(late_endings=(LateEnding(GAME, datetime(2024, 10, 23, 4, 40, tzinfo=UTC)),))) as emulator:
        emulator.set_clock(datetime(2024, 10, 23, 4, 39, tzinfo=UTC))
        assert listed(emulator, get, GAME)["gameStatus"] == 2
        emulator.set_clock(datetime(2024, 10, 23, 4, 40, tzinfo=UTC))
        assert (listed(emulator, get, GAME)["gameStatus"], listed(emulator, get, GAME)["listed"]) == (
            3,
            "10/22/2024 00:00:00",
        )
        assert log_row(emulator, get, GAME, TATUM)["GAME_DATE"] == "2024-10-22"


def test_the_eventful_season_ends_like_any_other(season: SampleSeason) -> None:
    """The named story has postponements, late endings and corrections, and ends with the same games and scores."""
    told = season.with_story(STORIES["eventful"])
    end = told.over_at
    assert told.story.postponements
    assert told.story.late_endings
    assert {change.statistic for own in told.story.corrections for change in own.changes} == {
        "ast", "dreb", "stl", "blk",
    }  # fmt: skip
    ours, theirs = (one.schedule("2024-25", "00", end) for one in (told, season))
    assert ours["leagueSchedule"] == theirs["leagueSchedule"]
    for entry in told.story.postponements:
        game = told.games[entry.game_id]
        assert entry.original_tipoff is not None
        assert entry.announced_at < entry.original_tipoff < entry.rescheduled_at < game.tipoff


def test_stories_read_back_from_json_and_files(tmp_path: Path) -> None:
    """A story is the same after a round trip through JSON, and can be named by a file."""
    for name, story in STORIES.items():
        assert story_from_json(story_to_json(story)) == story == load_story(name)
    path = tmp_path / "story.json"
    path.write_text(json.dumps(story_to_json(STORIES["eventful"])))
    assert load_story(str(path)) == STORIES["eventful"]
    with pytest.raises(ValueError, match="neither a story"):
        load_story("nothing-of-the-kind")


def test_a_day_before_the_tip_off_nothing_is_known(season: SampleSeason) -> None:
    """A corrected game that has not been played has neither lines in the game log nor content."""
    told = season.with_story(STORIES["eventful"])
    early = datetime(2024, 10, 20, tzinfo=UTC)
    parameters = LOG | {"DateFrom": None, "DateTo": None}
    assert told.game_log(parameters, 2, None, None, early)["resultSets"][0]["rowSet"] == []
    assert told.scoreboard("00", date(2024, 10, 22), early)["scoreboard"]["games"][0]["gameStatus"] == 1


README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readmes_control_requests_work(get: Get) -> None:
    """Every `curl` of the README, sent in its order to one emulator, is a 200; its last correction is in force."""
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"\$ curl (?:-d '([^']*)'\s+)?'?http://127\.0\.0\.1:40353(/[^'\s]*)'?", text)
    assert len(commands) >= 9
    with Emulator() as emulator:
        for data, path in commands:
            if data:
                status, told = post(emulator, path, json.loads(data))
                assert status == 200, (path, data, told)
            else:
                assert get(emulator.base_url, path).status == 200, path
        moves = [change.statistic for own in emulator.story.corrections for change in own.changes]
    assert moves == ["ast", "ast", "dreb", "dreb"]
