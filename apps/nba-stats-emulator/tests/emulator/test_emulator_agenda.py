"""The schedule through the year: undecided, if necessary, never played; and quick wherever the clock stands."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nba_stats_emulator.sample import SampleSeason
from nba_stats_emulator.story import STORIES
from nba_stats_emulator.wire import Chunk, Document

LOG = {
    "LeagueID": "00", "Season": "2024-25", "SeasonType": "Regular Season", "PlayerOrTeam": "T", "Counter": 0,
    "Sorter": "DATE", "Direction": "ASC", "DateFrom": None, "DateTo": None,
}  # fmt: skip


def games(season: SampleSeason, text: str) -> dict[str, dict[str, Any]]:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    body = season.schedule("2024-25", "00", moment)
    return {game["gameId"]: game for day in body["leagueSchedule"]["gameDates"] for game in day["games"]}


def told(game: dict[str, Any]) -> tuple[str, bool, bool]:
    return game["gameStatusText"], game["ifNecessary"], bool(game["homeTeam"]["teamId"])


def test_the_cup_is_undecided_until_its_group_games_are_over(season: SampleSeason) -> None:
    """Knock-out games stand there without teams; the week's other games are drawn up when groups are over."""
    before, after, semifinals = (games(season, text) for text in ("2024-11-01", "2024-12-05", "2024-12-13"))
    knockouts = ["0022401201", "0022401202", "0022401203", "0022401204", "0022401229", "0022401230", "0062400001"]
    assert [told(before[game_id]) for game_id in knockouts] == [("TBD", False, False)] * 7
    assert [bool(after[game_id]["homeTeam"]["teamId"]) for game_id in knockouts] == [True] * 4 + [False] * 3
    assert [bool(semifinals[game_id]["homeTeam"]["teamId"]) for game_id in knockouts] == [True] * 6 + [False]
    of_regular = Counter(game_id[2] for game_id in before)["2"], Counter(game_id[2] for game_id in semifinals)["2"]
    assert of_regular == (1206, 1230)


def test_a_series_of_five_games_needs_no_sixth(season: SampleSeason) -> None:
    """Fifth to seventh games are to be played if necessary, become necessary, or vanish when the series is over."""
    days = ("2025-01-01", "2025-04-05", "2025-04-16", "2025-04-19T12:00", "2025-04-26T12:00", "2025-04-29T12:00")
    seen = [games(season, text) for text in (*days, "2025-05-06")]
    fifth, seventh, never = "0042400155", "0042400157", "0042400106"  # HOU-GSW went to seven, CLE-MIA took four
    assert [game_id in day for day in seen for game_id in (fifth,)] == [False] + [True] * 6
    assert told(seen[1][fifth]) == ("TBD", True, False)
    assert told(seen[3][fifth]) == ("TBD", True, True)
    assert told(seen[4][fifth]) == told(seen[5][fifth]) == ("7:30 pm ET", False, True)
    assert told(seen[6][fifth]) == ("Final", False, True)
    assert told(seen[5][seventh]) == ("TBD", True, True)
    assert told(seen[6][seventh]) == ("Final", False, True)
    assert [never in day for day in seen] == [False, True, True, True, True, False, False]
    assert seen[4][never]["homeTeam"]["teamTricode"] == "MIA"
    assert told(seen[3]["0042400103"]) == ("1:00 pm ET", False, True)


def test_what_is_undecided_looks_as_the_service_has_it(season: SampleSeason, recorded_schedule: dict[str, Any]) -> None:
    """An undecided Cup game has the recorded placeholders in every field."""
    ours = games(season, "2024-11-01")["0022401202"]
    own = {
        "gameId", "gameSequence", "gameDateEst", "gameDateTimeEst", "gameDateUTC", "gameDateTimeUTC", "day",
        "weekNumber", "weekName", "gameSubLabel", "monthNum",
    }  # fmt: skip
    theirs = recorded_schedule | {"ifNecessary": False}
    assert {key: value for key, value in ours.items() if key not in own | {"broadcasters"}} == {
        key: value for key, value in theirs.items() if key not in own | {"broadcasters"}
    }
    for key in ("gameDateEst", "gameDateTimeEst", "gameDateUTC", "gameDateTimeUTC"):
        assert ours[key][11:] == theirs[key][11:]


@pytest.fixture
def recorded_schedule(recorded_body: Callable[[str], Any]) -> dict[str, Any]:
    """A recorded undecided game."""
    body = recorded_body("scheduleleaguev2/2026-27_pending_knockout")
    found = [game for day in body["leagueSchedule"]["gameDates"] for game in day["games"]]
    game: dict[str, Any] = next(game for game in found if game["gameId"] == "0022601202")
    return game


def test_every_game_that_is_played_was_on_the_schedule_first(season: SampleSeason) -> None:
    """Day by day through the season each game is listed with its teams before its tip-off, on the day it is played."""
    now = datetime(2024, 10, 3, 16, tzinfo=UTC)
    for game in season.games.values():
        listing = season.agenda.listing(game.game_id, game.tipoff - timedelta(minutes=1))
        assert listing is not None, game.game_id
        assert (listing.game, listing.undecided, listing.if_necessary) == (game, False, False), game.game_id
    while now < season.over_at:
        for listing in season.agenda.listings(now):
            if listing.undecided or listing.if_necessary:
                assert now < listing.game.final_at, (now, listing.game.game_id)
        now += timedelta(days=1)


def test_nothing_changes_between_two_phases(season: SampleSeason) -> None:
    """Where the phase is the same so is the schedule, to the byte; every change of the schedule is a new phase."""
    now = datetime(2024, 11, 6, 12, tzinfo=UTC)
    later = now + timedelta(hours=3)
    assert season.phase(now) == season.phase(later)
    assert season.schedule_json(now) == season.schedule_json(later)
    assert season.phase(now) < season.phase(now + timedelta(days=1))


def test_a_log_of_kept_days_equals_one_made_at_once(season: SampleSeason) -> None:
    """Put together from days or made as a whole, the game log is the same; also after a correction, also backwards."""
    story = season.with_story(STORIES["eventful"])
    for text in ("2024-10-01", "2024-10-23T06:00", "2024-10-25T18:59", "2024-10-25T19:00", "2025-01-20"):
        now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        for whose in "PT":
            for direction in ("ASC", "DESC"):
                parameters = LOG | {"PlayerOrTeam": whose, "Direction": direction}
                document = story.game_log_document(parameters, 2, None, None, now)
                assert json.loads(document.plain()) == story.game_log(parameters, 2, None, None, now)
                assert gzip.decompress(document.packed) == document.plain()


def test_a_body_of_pieces_is_one_gzip_stream() -> None:
    """Joined pieces are a single gzip member with the right checksum, for decoders that read only the first."""
    pieces = [Chunk(b"a" * 1000), Chunk(b""), Chunk(bytes(range(256)))]
    packed = Document.joined(pieces).packed
    decoder = zlib.decompressobj(31)
    assert decoder.decompress(packed) == b"".join(piece.plain for piece in pieces)
    assert (decoder.eof, decoder.unused_data) == (True, b"")


def test_lists_are_quick_wherever_the_clock_stands(season: SampleSeason) -> None:
    """Schedule and game logs take well under 100 ms of processor time at each of many new positions of the clock."""
    days = [datetime(2024, 10, 3, 12, tzinfo=UTC) + timedelta(days=29 * number) for number in range(9)]
    season.schedule_json(days[0])
    season.game_log_document(LOG | {"PlayerOrTeam": "P"}, 2, None, None, season.over_at)
    season.game_log_document(LOG, 2, None, None, season.over_at)
    started = time.process_time()
    for now in days:
        Document.of(season.schedule_json(now))
    schedule = (time.process_time() - started) / len(days)
    started = time.process_time()
    for now in days:
        for whose in "PT":
            season.game_log_document(LOG | {"PlayerOrTeam": whose}, 2, None, None, now)
    logs = (time.process_time() - started) / len(days) / 2
    assert (schedule < 0.1, logs < 0.1) == (True, True), (schedule, logs)
