"""Lists of the season: the second witness, what a few requests answer at once, several seasons under one pace."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.errors import ContractViolated, Incomplete
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import StatsRequest
from nba_season_backfill.source.stats_api import StatsApiSource
from nba_stats_emulator import Behaviour, Drift, Emulator, Rule, ServerError

from .conftest import backfill, from_emulator

SEASON = Season(2024)


def settings_for(emulator: Emulator, lake: Path, **more: object) -> BackfillSettings:
    """A run that asks the emulator as if it were the NBA: the play-in alone, without a pace to speak of."""
    line: dict[str, object] = {
        "source": "nba",
        "base_url": emulator.base_url,
        "season": "2024-25",
        "season_type": ("PlayIn",),
        "rate_limit": "0.001",
        "jitter_seconds": "0",
        "request_budget": "0",
        "output": str(lake),
        **more,
    }
    return BackfillSettings.load(line, environ={})


def run(emulator: Emulator, lake: Path, **more: object) -> Summary:
    """One run in this process."""
    return run_season(settings_for(emulator, lake, **more), SEASON, run_id="test")


def asked(emulator: Emulator, since: int = 0) -> Counter[str]:
    """endpoint -> requests that the emulator got."""
    return Counter(request.endpoint for request in emulator.requests[since:])


def test_scoreboards_stand_in_for_a_schedule_that_cannot_be_had(tmp_path: Path) -> None:
    """Without a schedule each day's scoreboard is asked for, once: the games are the same, venues aside."""
    with Emulator() as sound:
        run(sound, tmp_path / "with", box_scores=False, play_by_play=False, player_info=True)
    broken = Behaviour(rules=(Rule(ServerError(), endpoint="scheduleleaguev2"),))
    with Emulator(behaviour=broken) as emulator:
        first = run(emulator, tmp_path / "without", max_retries="0", box_scores=False, play_by_play=False)
        assert asked(emulator)["scoreboardv3"] == 4  # 15 to 18 April
        assert any("schedule cannot be had" in warning for warning in first.warnings)
        number = len(emulator.requests)
        run(emulator, tmp_path / "without", max_retries="0", box_scores=False, play_by_play=False)
        assert asked(emulator, number)["scoreboardv3"] == 0
    columns = [
        "game_id",
        "game_date",
        "state",
        "home_team_id",
        "home_score",
        "away_team_id",
        "away_score",
        "tipoff_utc",
    ]
    path = "games/season=2024-25/month=04/part-0.parquet"
    with_it, without = (pq.read_table(tmp_path / name / path).to_pylist() for name in ("with", "without"))
    play_in = [{name: row[name] for name in columns} for row in with_it if row["season_type"] == "PlayIn"]
    assert play_in == [{name: row[name] for name in columns} for row in without if row["season_type"] == "PlayIn"]
    assert len(play_in) == 6
    assert {row["state_reason"] for row in without} == {"schedule and game log: final"}


def test_scoreboards_are_left_alone_when_told_to(tmp_path: Path) -> None:
    """--no-scoreboards: the game log is the only witness, and that is said."""
    broken = Behaviour(rules=(Rule(ServerError(), endpoint="scheduleleaguev2"),))
    with Emulator(behaviour=broken) as emulator:
        summary = run(emulator, tmp_path, max_retries="0", scoreboards=False, box_scores=False, play_by_play=False)
        assert asked(emulator)["scoreboardv3"] == 0
    assert any("only the game log is known" in warning for warning in summary.warnings)


def test_a_dry_run_foresees_every_request(tmp_path: Path) -> None:
    """With the sample the plan is exact, datasets of the whole season included: so many, and so many were sent."""
    datasets = "box-scores-hustle,players,teams,rosters,team-game-logs"
    arguments: list[str | Path] = ["--source", "sample", "--season-type", "PlayIn", "--season-type", "IST"]
    arguments += ["--datasets", datasets, "--output", tmp_path]
    plan = orjson.loads(backfill(*arguments, "--dry-run", "--output-format", "json").stdout)
    done = backfill(*arguments)
    assert done.returncode == 0, done.stderr
    summary = orjson.loads(done.stdout.splitlines()[-1])["summary"]
    assert plan["exact"]
    assert summary["requests"] == plan["requests"] > 20


def test_a_season_that_was_played_is_never_believed_to_be_empty(tmp_path: Path) -> None:
    """Lists without a single game of a season long over end the run as incomplete, not green."""
    with Emulator() as emulator:
        settings = settings_for(emulator, tmp_path, season="2019-20")
        with pytest.raises(Incomplete, match="no list of the upstream has a single game"):
            run_season(settings, Season(2019), run_id="test")


def test_bulk_takes_traditional_lines_from_two_requests(tmp_path: Path) -> None:
    """--bulk: one request for players and one for teams; box scores game by game only for what the logs lack."""
    with Emulator() as emulator:
        summary = run(emulator, tmp_path, bulk=True)
        requests = asked(emulator)
    assert (summary.exit_code, summary.simulated) == (0, True)
    assert (requests["playergamelogs"], requests["teamgamelogs"]) == (1, 1)
    assert requests["boxscoretraditionalv3"] == 0
    assert (requests["boxscoreadvancedv3"], requests["playbyplayv3"]) == (6, 6)
    lines = pq.read_table(tmp_path / "player-game-logs/season=2024-25/part-0.parquet")
    teams = pq.read_table(tmp_path / "team-game-logs/season=2024-25/part-0.parquet")
    assert teams.num_rows == 12
    assert len(set(lines.column("game_id").to_pylist())) == 6
    assert sum(lines.column("pts").to_pylist()) == sum(teams.column("pts").to_pylist())
    assert not (tmp_path / "player-game-logs-advanced").exists()


SEASONAL = ("players", "teams", "team-game-logs")


def test_datasets_of_a_season_are_asked_once_until_its_games_change(tmp_path: Path) -> None:
    """A second run asks for none of them; nor does one that lost its checkpoint, for what is archived since."""
    with Emulator() as emulator:
        run(emulator, tmp_path, datasets=SEASONAL)
        first = asked(emulator)
        assert (first["teamgamelogs"], first["commonteamyears"], first["playerindex"]) == (5, 1, 1)
        number = len(emulator.requests)
        run(emulator, tmp_path, datasets=SEASONAL)
        assert set(asked(emulator, number)) == {"leaguegamelog", "scheduleleaguev2"}
        (tmp_path / "_state/season=2024-25/checkpoint.json").unlink()
        for generation in (tmp_path / "_state/season=2024-25/generations").iterdir():
            generation.unlink()
        number = len(emulator.requests)
        run(emulator, tmp_path, datasets=SEASONAL)
        assert set(asked(emulator, number)) == {"leaguegamelog", "scheduleleaguev2"}
    content = orjson.loads((tmp_path / "_state/season=2024-25/checkpoint.json").read_bytes())["content"]
    assert set(content["season_datasets"]) == set(SEASONAL)
    assert len(content["season_datasets"]["team-game-logs"]["raws"]) == 5
    checked = backfill("verify", "--season", "2024-25", "--output", tmp_path, "--deep")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("fault", "error"), [(Drift(remove=("PERSON_ID",)), ContractViolated), (ServerError(), Incomplete)]
)
def test_games_do_not_wait_for_a_dataset_of_the_season(
    tmp_path: Path, fault: Drift | ServerError, error: type[Exception]
) -> None:
    """Where the player index cannot be had the games are stored all the same, and the run is not green."""
    with Emulator(behaviour=Behaviour(rules=(Rule(fault, endpoint="playerindex"),))) as emulator:
        with pytest.raises(error, match="players of the season cannot be had") as caught:
            run(emulator, tmp_path, max_retries="0", play_by_play=False)
        summary = caught.value.summary  # type: ignore[attr-defined]  # every error of a run has one
    assert summary.games_done == 6
    assert [failure.dataset for failure in summary.failures] == ["players"]


def test_several_seasons_end_with_the_worst_of_their_ends(tmp_path: Path) -> None:
    """A season that cannot be had does not keep the next one from being fetched; the exit code tells."""
    with Emulator() as emulator:
        done = backfill(
            *from_emulator(emulator, "--season", "2019-20,2024-25", "--season-type", "IST", "--output", tmp_path)
        )
    assert done.returncode == 75, done.stderr
    summaries = [orjson.loads(line)["summary"] for line in done.stdout.splitlines() if '"summary"' in line]
    assert [(each["season"], each["exit_code"]) for each in summaries] == [("2019-20", 75), ("2024-25", 0)]
    assert (tmp_path / "_state/season=2024-25/checkpoint.json").is_file()


def test_seasons_and_leagues_fill_lakes_of_their_own(tmp_path: Path) -> None:
    """A range of seasons is two checkpoints in one lake; another league is another lake. Simulated, and said so."""
    arguments = ["--source", "sample", "--limit", "2", "--no-play-by-play", "--season-type", "Regular Season"]
    done = backfill(*arguments, "--season", "2023-24:2024-25", "--season-order", "newest", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summaries = [orjson.loads(line)["summary"] for line in done.stdout.splitlines() if '"summary"' in line]
    assert [(each["season"], each["simulated"], each["games_done"]) for each in summaries] == [
        ("2024-25", True, 2),
        ("2023-24", True, 2),
    ]
    other = backfill(*arguments, "--league", "gleague", cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    path = "box-scores-traditional/season={}/month=10/part-0.parquet"
    ids = {
        lake: set(pq.read_table(tmp_path / lake / path.format(season)).column("game_id").to_pylist())
        for lake, season in (("bronze", "2024-25"), ("bronze", "2023-24"), ("bronze-gleague", "2024-25"))
    }
    assert ids["bronze"] == {"0022300061", "0022300062"}
    assert ids["bronze-gleague"] == {"2022400061", "2022400062"}
    refused = backfill(*arguments, "--league", "gleague", "--output", "bronze", cwd=tmp_path)
    assert refused.returncode == 78
    assert "is a lake of league 00, not 20" in refused.stderr


def test_a_command_about_one_season_refuses_several(tmp_path: Path) -> None:
    """``repair`` of a range is a mistake that is told in a line."""
    done = backfill("repair", "--season", "2019-20:2024-25", "--output", tmp_path)
    assert done.returncode == 78
    assert "names 6 seasons" in done.stderr


class _Echo(BaseHTTPRequestHandler):
    paths: list[str] = []  # noqa: RUF012  # one server a test

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def echo() -> Iterator[tuple[str, list[str]]]:
    """A server that remembers paths."""
    _Echo.paths = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", _Echo.paths
    server.shutdown()
    server.server_close()


def test_parameters_are_sent_in_the_order_asked_for(echo: tuple[str, list[str]]) -> None:
    """An endpoint's own order stands first; other endpoints, and other parameters, stay in that of the alphabet."""
    url, paths = echo
    source = StatsApiSource(url, parameter_order={"leaguegamelog": ("Season", "Counter")})
    for endpoint in ("leaguegamelog", "playerindex"):
        source.fetch(StatsRequest(endpoint, {"Counter": "0", "Season": "2024-25", "LeagueID": "00"}, SEASON, "x"))
    source.close()
    assert paths == [
        "/stats/leaguegamelog?Season=2024-25&Counter=0&LeagueID=00",
        "/stats/playerindex?Counter=0&LeagueID=00&Season=2024-25",
    ]
