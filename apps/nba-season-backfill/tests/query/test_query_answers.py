"""The answers are what the files say: each is compared with the same thing worked out by DuckDB over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest

from nba_season_backfill.errors import UsageError
from nba_season_backfill.lake import layout
from nba_season_backfill.query import Lake, NameUnknown, NotInLake
from nba_season_backfill.query.player_seasons import stat_column

from .conftest import GAMES, SEASON, CountingStore
from .test_query_cost import with_season

LAKERS = 1610612747
Rows = list[tuple[Any, ...]]


@pytest.fixture
def files(filled: Path) -> Iterator[Callable[..., Rows]]:
    """Rows of SQL over the files themselves; ``{games}`` is the table ``games``."""
    connection = duckdb.connect()

    def ask(query: str, *parameters: Any) -> Rows:
        for path in filled.iterdir():
            name = "{" + path.name.replace("-", "_") + "}"
            scan = f"read_parquet('{path}/**/*.parquet', union_by_name=true)"
            query = query.replace(name, scan)
        return connection.execute(query, list(parameters)).fetchall()

    yield ask
    connection.close()


def columns(table: pa.Table, *names: str) -> Rows:
    """These columns, row by row."""
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def test_a_players_games_are_his_lines(lake: Lake, files: Callable[..., Rows]) -> None:
    """Every line of the player, in order of the games' dates, with minutes and statistics."""
    answer = lake.player_games("LeBron James")
    wanted = files(
        "select b.game_id, g.game_date, b.team_tricode, b.points, b.rebounds_total, b.assists, b.minutes_seconds"
        " from {box_scores_traditional} b join {games} g using (game_id) where b.person_id = 2544"
        " order by g.game_date, b.game_id"
    )
    names = ("game_id", "game_date", "team_tricode", "points", "rebounds_total", "assists", "minutes_seconds")
    assert columns(answer.table, *names) == wanted
    assert len(wanted) > 5


def test_a_players_games_know_opponent_and_score(lake: Lake, files: Callable[..., Rows]) -> None:
    """As the schedule has them, though they are taken from the box scores alone."""
    for game in lake.player_games("LeBron James").to_pylist():
        ((home, away, home_score, away_score, kind),) = files(
            "select home_tricode, away_tricode, home_score, away_score, season_type from {games} where game_id = ?",
            game["game_id"],
        )
        ours, theirs = (home_score, away_score) if home == "LAL" else (away_score, home_score)
        assert game["opponent_tricode"] == (away if home == "LAL" else home)
        assert (game["team_points"], game["opponent_points"], game["won"]) == (ours, theirs, ours > theirs)
        assert game["season_type"] == kind
        assert game["season"] == SEASON


def test_the_last_games_are_the_newest(lake: Lake) -> None:
    """``last`` keeps the end of the season, ``season_type`` one part of it, ``played`` what was played."""
    every = lake.player_games("LeBron James").table
    assert lake.player_games("LeBron James", last=3).table.equals(every.slice(every.num_rows - 3).combine_chunks())
    regular = lake.player_games("LeBron James", season_type="Regular Season").table
    assert set(regular.column("season_type").to_pylist()) == {"Regular Season"}
    assert len(lake.player_games("LeBron James", season_type="Playoffs")) == 0
    played = lake.player_games("LeBron James", played=True).table
    assert not any(played.column("did_not_play").to_pylist())


def test_advanced_statistics_stand_beside_the_others(lake: Lake, files: Callable[..., Rows]) -> None:
    """Each in the row of its game."""
    answer = lake.player_games("LeBron James", advanced=True)
    wanted: dict[str, float] = dict(
        files("select game_id, usage_percentage from {box_scores_advanced} where person_id = 2544")
    )
    assert dict(columns(answer.table, "game_id", "usage_percentage")) == wanted


def test_only_some_statistics_are_read_where_some_are_named(lake: Lake) -> None:
    """By column or as people write them; what tells which game it was is always there."""
    every = lake.player_games("LeBron James", advanced=True)
    some = lake.player_games("LeBron James", stats=["pts", "usage"])
    assert {"points", "usage_percentage", "opponent_tricode", "minutes_played"} <= set(some.table.column_names)
    assert "assists" not in some.table.column_names
    assert some.table.equals(every.table.select(some.table.column_names))
    assert max(len(read.columns) for read in some.explanation.files) < 12
    with pytest.raises(UsageError):
        lake.player_games("LeBron James", stats=["nosuch"])


def test_a_summary_tells_form_and_average(lake: Lake, files: Callable[..., Rows]) -> None:
    """Recent games newest first, the regular season's average, who, which league, and when it was fetched."""
    summary = lake.player_summary("lebron", "pts", limit=4)
    lines = files(
        "select b.points from {box_scores_traditional} b join {games} g using (game_id)"
        " where b.person_id = 2544 and not b.did_not_play order by g.game_date desc, b.game_id desc"
    )
    average = files(
        "select avg(points) from {box_scores_traditional}"
        " where person_id = 2544 and not did_not_play and game_id like '002%'"
    )[0][0]
    assert list(summary.recent_values) == [points for (points,) in lines[:4]]
    assert summary.season_average == pytest.approx(average, abs=1e-4)
    assert (summary.player, summary.person_id, summary.league, summary.stat) == ("LeBron James", 2544, "NBA", "points")
    assert (summary.season, summary.simulated) == (SEASON, True)
    assert summary.recent_text.startswith(f"{lines[0][0]}, ")
    assert "points in the last 4 games" in summary.recent_text
    assert summary.recent_games.num_rows == 4
    assert summary.fetched_at is not None
    assert summary.fetched_at.tzinfo is dt.UTC


def test_a_summary_is_one_row_too(lake: Lake) -> None:
    """As a table: player, statistic, league, recent text and values, average, fetched at."""
    (row,) = lake.player_summary("LeBron James", "usage", limit=2).table.to_pylist()
    assert row["stat"] == "usage_percentage"
    assert len(row["recent_values"]) == 2
    assert {"player", "league", "recent_text", "season_average", "fetched_at"} <= row.keys()


@pytest.mark.parametrize(
    ("written", "column"),
    [("points", "points"), ("PTS", "points"), ("3pm", "three_pointers_made"), ("rebounds total", "rebounds_total")],
)
def test_a_statistic_is_found_as_written(written: str, column: str) -> None:
    """By its column, or as people write it."""
    assert stat_column(written) == column


def test_an_unknown_statistic_gets_the_nearest(lake: Lake) -> None:
    """Nothing is read for it."""
    with pytest.raises(UsageError, match=r"did you mean .*points"):
        lake.player_summary("LeBron James", "poinst")


def test_the_context_of_a_player(counting: CountingStore, files: Callable[..., Rows]) -> None:
    """Season, last games, home and away per statistic; the next game of the schedule, its distance in days."""
    key = layout.partition_key("games", SEASON, 4)
    ((last,),) = files(
        "select max(game_date) from {box_scores_traditional} join {games} using (game_id) where person_id = 2544"
    )
    with Lake(counting, now=lambda: dt.datetime(2025, 4, 5, 16, tzinfo=dt.UTC)) as lake:
        finished = lake.player_context("LeBron James")
    assert finished.next_game == {}
    assert finished.rest_days is None
    table = _read(counting, key)
    rows = table.to_pylist()
    for row in rows:
        if row["game_date"] >= dt.date(2025, 4, 6):
            row["state"] = "scheduled"
    _write(counting, key, pa.Table.from_pylist(rows, schema=table.schema))
    with Lake(counting, now=lambda: dt.datetime(2025, 4, 5, 16, tzinfo=dt.UTC)) as lake:
        found = lake.player_context("LeBron James")
        games = lake.player_games("LeBron James", played=True, season_type="Regular Season").to_pylist()
    points = next(row for row in found.table.to_pylist() if row["stat"] == "points")
    at_home = [game["points"] for game in games if game["is_home"]]
    assert points["season_average"] == pytest.approx(sum(game["points"] for game in games) / len(games), abs=1e-4)
    assert points["home_average"] == pytest.approx(sum(at_home) / len(at_home), abs=1e-4)
    assert points["highest"] == max(game["points"] for game in games)
    assert found.last_game_date == last
    assert found.next_game["game_date"] == dt.date(2025, 4, 6)
    assert LAKERS in (found.next_game["home_team_id"], found.next_game["away_team_id"])
    assert found.rest_days == (dt.date(2025, 4, 6) - last).days - 1
    assert found.player["player_last_name"] == "James"


@pytest.mark.parametrize("last", [1, 10, 30, None])
def test_a_teams_games_are_the_schedules(lake: Lake, files: Callable[..., Rows], last: int | None) -> None:
    """The last so many final games of the season, oldest first, with the score from the team's side."""
    wanted = files(
        "select game_id, game_date, home_team_id = $1, case when home_team_id = $1 then home_score else away_score end"
        " from {games} where state = 'final' and $1 in (home_team_id, away_team_id)"
        " and season_type not in ('Pre Season', 'All Star') order by game_date, game_id".replace("$1", str(LAKERS))
    )
    answer = lake.team_games("lakers", last=last)
    names = ("game_id", "game_date", "is_home", "points")
    assert columns(answer.table, *names) == wanted[-(last or 1000) :]
    assert all((row["points"] > row["opponent_points"]) == row["won"] for row in answer.to_pylist())


def test_a_season_that_ended_in_autumn_is_read_whole(counting: CountingStore) -> None:
    """As 2019-20: October is its first month and its last, and the last games are those of the later one."""
    october = layout.partition_key("games", SEASON, 10)
    table = _read(counting, october)
    final = [row for row in table.to_pylist() if row["season_type"] == "Regular Season"]
    late = {**final[0], "game_id": "0042400499", "game_date": dt.date(2025, 10, 9), "season_type": "Playoffs"}
    late |= {"home_team_id": LAKERS, "home_tricode": "LAL", "home_team_name": "Los Angeles Lakers"}
    _write(counting, october, pa.Table.from_pylist([*table.to_pylist(), late], schema=table.schema))
    empty = table.schema.empty_table()
    for month in (7, 8, 9):
        _write(counting, layout.partition_key("games", SEASON, month), empty)
    with Lake(counting) as lake:
        games = lake.team_games("LAL", last=2).to_pylist()
    assert [game["game_id"] for game in games][-1] == "0042400499"
    assert games[0]["game_date"].month == 4


def test_a_teams_record_adds_up(lake: Lake, files: Callable[..., Rows]) -> None:
    """Wins, points a game, and ratings over the possessions of those games whose box scores are there."""
    (row,) = lake.team_stats("Los Angeles Lakers").to_pylist()
    ((games, wins, scored, allowed),) = files(
        "with g as (select case when home_team_id = $1 then home_score else away_score end us,"
        " case when home_team_id = $1 then away_score else home_score end them from {games}"
        " where season_type = 'Regular Season' and state = 'final' and $1 in (home_team_id, away_team_id))"
        " select count(*), sum((us > them)::int), avg(us), avg(them) from g".replace("$1", str(LAKERS))
    )
    assert (row["games"], row["wins"], row["losses"]) == (games, wins, games - wins)
    assert (row["points_for"], row["points_against"]) == (round(scored, 1), round(allowed, 1))
    assert row["home_wins"] + row["away_wins"] == wins
    ((rated, rating),) = files(
        "select count(*), 100.0 * sum(t.points) / sum(a.possessions) from {box_scores_advanced_teams} a"
        " join {box_scores_traditional_teams} t using (game_id, team_id) where a.team_id = ? and game_id like '002%'",
        LAKERS,
    )
    assert (row["rated_games"], row["offensive_rating"]) == (rated, round(rating, 1))
    assert row["net_rating"] == pytest.approx(row["offensive_rating"] - row["defensive_rating"], abs=0.05)
    assert 70 < row["pace"] < 130


def test_a_box_score_has_everybody_once(lake: Lake, files: Callable[..., Rows]) -> None:
    """Players and teams in the order of the files, traditional and advanced side by side, and the schedule's line."""
    found = lake.box_score("0022400062")
    names = "game_id, team_id, person_id, points, offensive_rating"
    wanted = files(
        f"select {names} from {{box_scores_traditional}} join"
        " (select game_id, team_id, person_id, offensive_rating from {box_scores_advanced}) a"
        " using (game_id, team_id, person_id) where game_id = '0022400062' order by team_id, player_order"
    )
    assert columns(found.players, *names.split(", ")) == wanted
    assert found.teams.num_rows == 2
    assert {"points", "pace"} <= set(found.teams.column_names)
    assert found.game["game_date"] == dt.date(2024, 10, 22)
    assert found.simulated


def test_play_by_play_is_every_action_in_order(lake: Lake, files: Callable[..., Rows]) -> None:
    """And no other game's."""
    answer = lake.play_by_play("0022400062")
    names = "game_id, action_id, description, score_home"
    query = f"select {names} from {{play_by_play}} where game_id = '0022400062' order by action_id"
    assert columns(answer.table, *names.split(", ")) == files(query)


@pytest.mark.parametrize("date", ["2024-12-25", dt.date(2024, 10, 22), "2024-07-01"])
def test_the_games_of_a_date(lake: Lake, files: Callable[..., Rows], date: Any) -> None:
    """Those of the schedule, and none on a day without."""
    wanted = files("select game_id from {games} where game_date = ? order by tipoff_utc, game_id", str(date))
    assert columns(lake.games(date=date).table, "game_id") == wanted


def test_the_games_of_a_team_and_of_a_season(lake: Lake, files: Callable[..., Rows]) -> None:
    """Preseason too: the schedule is shown as it is."""
    ((every,),) = files("select count(*) from {games}")
    ((ours,),) = files(f"select count(*) from {{games}} where {LAKERS} in (home_team_id, away_team_id)")
    assert len(lake.games()) == every == len(lake.games(season=SEASON))
    assert len(lake.games(team="Lakers")) == ours
    dates = lake.games(team="Lakers").table.column("game_date").to_pylist()
    assert dates == sorted(dates)


def test_coverage_counts_what_is_there(lake: Lake, files: Callable[..., Rows]) -> None:
    """Final games, stored and missing add up, a row a month and dataset; stored are those that were fetched."""
    rows = lake.coverage().to_pylist()
    per_game = [row for row in rows if row["dataset"] == "play-by-play"]
    assert sum(row["stored"] for row in per_game) == len(GAMES)
    assert all(row["final_games"] == row["stored"] + row["absent"] + row["failed"] + row["missing"] for row in rows)
    assert not any(row["complete"] for row in per_game)
    ((actions,),) = files("select count(*) from {play_by_play}")
    assert sum(row["rows"] for row in per_game) == actions


def test_status_tells_of_each_season(counting: CountingStore) -> None:
    """How much is there, when it was committed, and what is wrong with a checkpoint that cannot be read."""
    with_season(counting, "2023-24")
    broken = layout.checkpoint_key("2023-24")
    for info in list(counting.list("_state/season=2023-24/")):
        counting.put(info.key, b"not a checkpoint" if info.key != broken else b"{")
    with Lake(counting) as lake:
        older, newest = lake.status().to_pylist()
    assert (newest["season"], newest["games_with_answers"], newest["simulated"]) == (SEASON, len(GAMES), True)
    assert newest["committed_at"].year >= 2025
    assert older["season"] == "2023-24"
    assert "not JSON" in older["problem"]


def test_an_older_seasons_player_is_found_there(counting: CountingStore) -> None:
    """Where the newest season has nobody of that name, the newest that has is meant; it says which."""
    with_season(counting, "2019-20")
    key = layout.partition_key("players", "2019-20", None)
    table = _read(counting, key)
    rows = table.to_pylist()
    for row in rows:
        if row["person_id"] == 2544:
            row["player_first_name"], row["player_last_name"] = "Dirk", "Nowitzki"
    _write(counting, key, pa.Table.from_pylist(rows, schema=table.schema))
    with Lake(counting) as lake:
        assert lake.player_summary("nowitzki").season == "2019-20"
        with pytest.raises(NameUnknown, match=SEASON):
            lake.player_summary("nowitzki", season=SEASON)


def test_a_lake_without_list_of_players_or_checkpoint_answers(counting: CountingStore) -> None:
    """Names come from the box scores then, dates from the schedule; only when it was fetched is not known."""
    with Lake(counting) as lake:
        before = lake.player_games("Lebron").table
    for info in list(counting.list()):
        if info.key.startswith(("_state/", "players/")):
            counting.delete(info.key)
    with Lake(counting) as lake:
        assert lake.player_games("Lebron").table.equals(before)
        assert lake.player_summary("Lebron").fetched_at is None
        assert len(lake.play_by_play("0022400062")) > 100
        assert len(lake.box_score("0022400062").players) > 10


def test_what_is_not_there_says_why(counting: CountingStore) -> None:
    """Never fetched, absent upstream, failed: each in words, under 75, with the command that asks for it."""
    key = layout.checkpoint_key(SEASON)
    with Lake(counting) as lake, pytest.raises(NotInLake, match=r"is not in memory: *; .*--game-id 0022400999"):
        lake.play_by_play("0022400999")
    document = orjson.loads(counting.get(key).body)
    games = document["content"]["games"]
    games["0022400998"] = {"game_date": "2024-10-30", "datasets": {"play-by-play": {"status": "absent"}}}
    games["0022400997"] = {
        "game_date": "2024-10-30",
        "datasets": {"play-by-play": {"status": "failed", "error": "it timed out"}},
    }
    counting.put(key, _sealed(document))
    with Lake(counting) as lake:
        with pytest.raises(NotInLake, match="the upstream has none") as caught:
            lake.play_by_play("0022400998")
        assert caught.value.exit_code == 75
        with pytest.raises(NotInLake, match="could not be fetched: it timed out"):
            lake.play_by_play("0022400997")


@pytest.mark.parametrize(
    "ask",
    [
        lambda lake: lake.box_score("22400062"),
        lambda lake: lake.games(date="25.12.2024"),
        lambda lake: lake.games(season="2024-26"),
        lambda lake: lake.team_games("LAL", last=0),
        lambda lake: lake.player_summary("LeBron James", limit=0),
        lambda lake: lake.play_by_play("0022400062", columns=["nosuch"]),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(lake: Lake, ask: Callable[[Lake], Any]) -> None:
    """As usage (2), before anything is read."""
    with pytest.raises(UsageError) as caught:
        ask(lake)
    assert caught.value.exit_code == 2


def test_a_season_named_by_one_year_is_another_leagues(lake: Lake) -> None:
    """In a lake of the NBA it says how the season is written."""
    with pytest.raises(NotInLake, match="2024-25"):
        lake.games(season="2024")


def test_a_league_that_plays_in_one_year_is_asked_alike(counting: CountingStore) -> None:
    """Its seasons are named by the year; their months follow each other from May on."""
    schema = _read(counting, layout.partition_key("games", SEASON, 10)).schema
    store = CountingStore()
    teams = [(1, "LVA", "Las Vegas Aces"), (2, "NYL", "New York Liberty")]
    for month in range(5, 11):
        rows = [
            {
                **dict.fromkeys(schema.names),
                "revision": 1,
                "game_id": f"10224{month:03d}{day:02d}",
                "season_type": "Regular Season",
                "game_date": dt.date(2024, month, day),
                "state": "final",
                "home_score": 80 + day,
                "away_score": 90,
                **dict(zip(("home_team_id", "home_tricode", "home_team_name"), teams[day % 2], strict=True)),
                **dict(zip(("away_team_id", "away_tricode", "away_team_name"), teams[1 - day % 2], strict=True)),
            }
            for day in (3, 4, 17)
        ]
        _write(store, layout.partition_key("games", "2024", month), pa.Table.from_pylist(rows, schema=schema))
    with Lake(store) as lake:
        last = lake.team_games("liberty", last=4).to_pylist()
        assert [game["game_date"] for game in last] == [
            dt.date(2024, 9, 17),
            dt.date(2024, 10, 3),
            dt.date(2024, 10, 4),
            dt.date(2024, 10, 17),
        ]
        assert {game["season"] for game in last} == {"2024"}
        assert len(lake.games(date="2024-07-04")) == 1
        assert len(lake.games(season="2024")) == 18
        assert lake.team_stats("Aces").to_pylist()[0]["games"] == 18


def test_a_team_on_a_day_without_games_has_none(lake: Lake) -> None:
    """Nor is it unknown for that."""
    assert len(lake.games(date="2031-01-01", team="Lakers")) == 0
    assert len(lake.games(date="2024-10-30", team="Lakers")) <= 1


def test_places_are_told_apart(tmp_path: Path) -> None:
    """A folder and an address in S3 are lakes; other schemes and a bucket without a name are not."""
    with Lake.open(tmp_path) as opened:
        assert opened.url == str(tmp_path)
    with Lake.open("s3://bucket/a/prefix", endpoint_url="http://127.0.0.1:1", region="us-east-1") as opened:
        assert opened.url == "s3://bucket/a/prefix"
    for wrong in ("s3://", "https://example.org/lake"):
        with pytest.raises(UsageError):
            Lake.open(wrong)


def test_an_answer_becomes_a_frame(lake: Lake) -> None:
    """Row for row."""
    answer = lake.team_games("LAL", last=3)
    assert answer.to_pandas()["points"].tolist() == answer.table.column("points").to_pylist()
    assert len(answer) == 3


def _read(store: CountingStore, key: str) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.BufferReader(store.get(key).body)).read()


def _write(store: CountingStore, key: str, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    store.put(key, bytes(sink.getvalue()))


def _sealed(document: dict[str, Any]) -> bytes:
    """The document with the checksum that its content has now."""
    from nba_season_backfill.lake import state

    payload = orjson.dumps(document["content"])
    return state._seal(
        payload, document["generation"], document["fencing_token"], document["run_id"], document["written_at"]
    )
