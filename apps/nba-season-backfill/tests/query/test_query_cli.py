"""``nba-backfill query``: the same answers on a terminal and in a pipe, and errors that say what to do."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from nba_season_backfill.cli.entry import cli
from nba_season_backfill.errors import BackfillError, UsageError
from nba_season_backfill.query import Lake

QUESTIONS = [
    ["player", "LeBron James", "--stat", "points", "--limit", "8"],
    ["player-games", "lebron", "--last", "3", "--advanced"],
    ["player-context", "lebron"],
    ["team", "LAL"],
    ["game", "0022400062"],
    ["game", "0022400062", "--play-by-play"],
    ["games", "--date", "2024-12-25"],
    ["games", "--team", "Lakers", "--season", "2024-25"],
    ["coverage"],
    ["status"],
    ["sql", "select season, count(*) as n from games group by 1"],
]


def ask(filled: Path, *arguments: str) -> Result:
    """The command, in this process, away from a terminal."""
    return CliRunner().invoke(cli, ["query", *arguments, "--lake", str(filled)])


FORMATS = ("table", "json", "csv", "markdown", "parquet")
# Every question as a table and as JSON; every form of an answer with facts and of one without.
ASKED = [(question, format_) for question in QUESTIONS for format_ in FORMATS[:2]]
ASKED += [(question, format_) for question in (QUESTIONS[0], QUESTIONS[10]) for format_ in FORMATS[2:]]
ASKED_SLOWLY = [(question, format_) for question in QUESTIONS for format_ in FORMATS[2:]]


@pytest.mark.parametrize(
    ("question", "format_"), [*ASKED, *(pytest.param(*each, marks=pytest.mark.slow) for each in ASKED_SLOWLY)]
)
def test_every_question_is_answered_in_every_form(filled: Path, question: list[str], format_: str) -> None:
    """And each form is what it claims to be."""
    done = ask(filled, *question, "--format", format_)
    assert done.exit_code == 0, done.output
    if format_ == "json":
        assert json.loads(done.stdout)
    elif format_ == "csv":
        heading, *lines = csv.reader(io.StringIO(done.stdout))
        assert lines
        assert all(len(line) == len(heading) for line in lines)
    elif format_ == "parquet":
        assert pq.read_table(io.BytesIO(done.stdout_bytes)).num_rows > 0
    elif format_ == "markdown":
        assert done.stdout.startswith("## ")
        assert "\n|---" in done.stdout
    else:
        assert "─" in done.stdout


def test_in_a_pipe_the_answer_is_json(filled: Path) -> None:
    """Facts by name and rows as objects, dates and times in ISO 8601, what is unknown as null."""
    document = json.loads(ask(filled, "player", "lebron", "--limit", "2").stdout)
    assert document["player"] == "LeBron James"
    assert document["simulated"] is True
    assert document["fetched_at"].endswith("Z")
    assert len(document["recent_games"]) == 2
    rows = json.loads(ask(filled, "games", "--date", "2024-12-25").stdout)
    assert {row["game_date"] for row in rows} == {"2024-12-25"}


def test_sums_are_numbers_and_what_is_no_number_is_null(filled: Path) -> None:
    """DuckDB sums whole numbers to decimals, and divides nothing by nothing."""
    (row,) = json.loads(
        ask(
            filled, "sql", "select sum(points) p, 0.5::decimal(3, 1) h, 'nan'::double n from box_scores_traditional"
        ).stdout
    )
    assert row["p"] > 0
    assert isinstance(row["p"], int)
    assert row["h"] == 0.5
    assert row["n"] is None


def test_simulated_data_is_said_to_be(filled: Path) -> None:
    """On standard error in every form but JSON, which has it among the facts; in Parquet's metadata."""
    for question in QUESTIONS[:1] + QUESTIONS[3:8] + QUESTIONS[9:]:
        done = ask(filled, *question, "--format", "csv")
        assert "simulated data" in done.stderr, question
    done = ask(filled, *QUESTIONS[6], "--format", "parquet")
    metadata = pq.read_schema(io.BytesIO(done.stdout_bytes)).metadata
    assert metadata[b"hoopstat.simulated"] == b"true"


def test_explain_tells_what_was_read(filled: Path) -> None:
    """Requests, bytes, files, row groups and columns, on standard error: the answer stays as it was."""
    plain = ask(filled, "game", "0022400062", "--play-by-play")
    told = ask(filled, "game", "0022400062", "--play-by-play", "--explain")
    assert told.stdout == plain.stdout
    assert "requests  3 (1 get, 2 get_range)" in told.stderr or "requests  2 (1 get, 1 get_range)" in told.stderr
    assert "play-by-play/season=2024-25/month=10/part-0.parquet: parts" in told.stderr
    assert "1 of 1 row groups, 25 of 25 columns" in told.stderr
    sql = ask(filled, "sql", "select points from box_scores_traditional where month = 10", "--explain")
    assert "8 passed over" in sql.stderr
    assert "ARROW_SCAN" in sql.stderr


def test_people_get_the_columns_they_look_for(filled: Path) -> None:
    """``--wide`` gives all of them."""
    few = ask(filled, "games", "--date", "2024-12-25", "--format", "markdown").stdout
    every = ask(filled, "games", "--date", "2024-12-25", "--format", "markdown", "--wide").stdout
    assert "arena" not in few
    assert "arena name" in every


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["player", "Lebrn"], 2, "did you mean LeBron James?"),
        (["player", "James"], 2, "could be any of"),
        (["team", "Seattle"], 2, "no team 'Seattle'"),
        (["game", "123"], 2, "ten digits"),
        (["game", "0022400999"], 75, "--game-id 0022400999"),
        (["games", "--date", "yesterday"], 2, "YYYY-MM-DD"),
        (["games", "--season", "2030-31"], 75, "no games in"),
        (["sql", "drop view games"], 2, "reading only"),
        (["sql", "selec"], 2, "syntax error"),
    ],
)
def test_errors_say_what_to_do(filled: Path, arguments: list[str], code: int, words: str) -> None:
    """Each under its exit code, in one sentence."""
    done = ask(filled, *arguments)
    assert isinstance(done.exception, BackfillError)
    assert done.exception.exit_code == code
    assert words in str(done.exception)


def test_the_lake_is_found_by_the_jobs_own_settings(filled: Path) -> None:
    """``--output`` and the environment name the lake as they do for a run; ``--lake`` names any."""
    by_option = CliRunner().invoke(cli, ["query", "status", "--output", str(filled)])
    by_variable = CliRunner().invoke(cli, ["query", "status"], env={"NBA_BACKFILL_OUTPUT": str(filled)})
    assert json.loads(by_option.stdout) == json.loads(by_variable.stdout) == json.loads(ask(filled, "status").stdout)


@pytest.mark.usefixtures("on_s3")
def test_a_lake_in_s3_is_named_by_address_or_by_settings(filled: Path, s3_endpoint: str) -> None:
    """Endpoint and credentials are those of a run: options and variables."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    endpoint = {"NBA_BACKFILL_S3_ENDPOINT_URL": s3_endpoint}
    question = ["query", "team", "LAL", "--last", "2"]
    wanted = json.loads(ask(filled, *question[1:]).stdout)
    for arguments, environment in (
        (["--lake", "s3://query/lake"], keys | endpoint),
        (["--lake", "s3://query/lake", "--s3-endpoint-url", s3_endpoint], keys),
        (["--s3-bucket", "query", "--s3-prefix", "lake", "--s3-endpoint-url", s3_endpoint], keys),
    ):
        done = CliRunner().invoke(cli, [*question, *arguments], env=environment)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == wanted


def test_as_a_process_it_ends_with_its_code(filled: Path) -> None:
    """One line on standard error, nothing on standard output, 2 for an unknown name."""
    command = [sys.executable, "-m", "nba_season_backfill", "query", "player", "Lebrn", "--lake", str(filled)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nba-backfill: no player 'Lebrn'")
    assert len(done.stderr.splitlines()) == 1


def test_the_command_says_what_the_library_says(filled: Path) -> None:
    """No number is worked out anew on the way."""
    with Lake.open(filled) as lake:
        stats = lake.team_stats("LAL").to_pylist()[0]
    document = json.loads(ask(filled, "team", "LAL", "--last", "1").stdout)
    assert {name: document[name] for name in stats} == stats
    assert len(document["recent_games"]) == 1


def test_what_parquet_has_no_type_for_is_told(filled: Path) -> None:
    """The column, its type and another format; a usage error."""
    done = ask(filled, "sql", "select 1 as n, interval 1 day as i", "--format", "parquet")
    assert isinstance(done.exception, UsageError)
    assert "column 'i' (month_day_nano_interval)" in str(done.exception)
    assert "--format json" in str(done.exception)


def test_a_number_beyond_every_engine_is_a_usage_error(filled: Path) -> None:
    """Not an error of the engine."""
    for question in (["player", "lebron", "--limit"], ["player-games", "lebron", "--last"], ["team", "LAL", "--last"]):
        done = ask(filled, *question, "9" * 20)
        assert done.exit_code == 2
        assert "is not in the range 1<=x<=1000000" in done.output
