"""The backfill's settings: names, defaults, grammar and rules, with the message for each way to get them wrong."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from hoopstat_config import (
    ConfigurationInvalid,
    GroupedCommand,
    OriginKind,
    click_options,
    json_schema,
    reference_markdown,
)
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.settings import BackfillSettings

DOCS = Path(__file__).parents[3] / "docs"
BEGIN = "<!-- begin: generated from the settings; run the tests with HOOPSTAT_UPDATE_DOCS=1 to renew -->"
END = "<!-- end: generated -->"

# field: (option, variable, a text for it, the value it means); secrets that only a variable holds have no option
SURFACE: dict[str, tuple[str | None, str, str, Any]] = {
    "season": ("--season", "NBA_TARGET_SEASON", "2023-24", "2023-24"),
    "season_order": ("--season-order", "NBA_BACKFILL_SEASON_ORDER", "newest", "newest"),
    "league": ("--league", "NBA_BACKFILL_LEAGUE", "gleague", "gleague"),
    "season_type": ("--season-type", "NBA_BACKFILL_SEASON_TYPE", "playoffs", (SeasonType.PLAYOFFS,)),
    "start_date": ("--start-date", "NBA_BACKFILL_START_DATE", "2024-10-22", dt.date(2024, 10, 22)),
    "end_date": ("--end-date", "NBA_BACKFILL_END_DATE", "2024-10-22", dt.date(2024, 10, 22)),
    "game_id": ("--game-id", "NBA_BACKFILL_GAME_ID", "0022400061", ("0022400061",)),
    "limit": ("--limit", "NBA_BACKFILL_LIMIT", "20", 20),
    "box_scores": ("--no-box-scores", "NBA_BACKFILL_BOX_SCORES", "no", False),
    "play_by_play": ("--no-play-by-play", "NBA_BACKFILL_PLAY_BY_PLAY", "no", False),
    "player_info": ("--no-player-info", "NBA_BACKFILL_PLAYER_INFO", "no", False),
    "datasets": ("--datasets", "NBA_BACKFILL_DATASETS", "box,players", ("box", "players")),
    "schema_contract": ("--schema-contract", "NBA_BACKFILL_SCHEMA_CONTRACT", "freeze", "freeze"),
    "bulk": ("--bulk", "NBA_BACKFILL_BULK", "true", True),
    "source": ("--source", "NBA_BACKFILL_SOURCE", "sample", "sample"),
    "base_url": ("--base-url", "NBA_BACKFILL_BASE_URL", "http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
    "parameter_order": (
        "--parameter-order",
        "NBA_BACKFILL_PARAMETER_ORDER",
        "leaguegamelog=Season:Sorter,playerindex=Season",
        ("leaguegamelog=Season:Sorter", "playerindex=Season"),
    ),
    "scoreboards": ("--no-scoreboards", "NBA_BACKFILL_SCOREBOARDS", "no", False),
    "proxy": ("--proxy", "NBA_API_PROXY", "http://u:p@proxy:3128", None),
    "connect_timeout_seconds": ("--connect-timeout-seconds", "NBA_BACKFILL_CONNECT_TIMEOUT_SECONDS", "3", 3.0),
    "read_timeout_seconds": ("--read-timeout-seconds", "NBA_BACKFILL_READ_TIMEOUT_SECONDS", "60", 60.0),
    "output": ("--output", "NBA_BACKFILL_OUTPUT", "lake", Path("lake")),
    "s3_bucket": ("--s3-bucket", "AWS_S3_BUCKET", "my-lake", "my-lake"),
    "s3_prefix": ("--s3-prefix", "AWS_S3_PREFIX", "a/b//", "a/b"),
    "s3_endpoint_url": ("--s3-endpoint-url", "NBA_BACKFILL_S3_ENDPOINT_URL", "http://s3:9000", "http://s3:9000"),
    "aws_region": ("--aws-region", "AWS_REGION", "eu-central-1", "eu-central-1"),
    "state_file_path": ("--state-file-path", "STATE_FILE_PATH", "s3://b-b/k.json", "s3://b-b/k.json"),
    "s3_sse": ("--s3-sse", "NBA_BACKFILL_S3_SSE", "aws:kms", "aws:kms"),
    "s3_kms_key_id": ("--s3-kms-key-id", "NBA_BACKFILL_S3_KMS_KEY_ID", "alias/lake", "alias/lake"),
    "s3_raw_storage_class": (
        "--s3-raw-storage-class",
        "NBA_BACKFILL_S3_RAW_STORAGE_CLASS",
        "STANDARD_IA",
        "STANDARD_IA",
    ),
    "dry_run": ("--dry-run", "DRY_RUN", "true", True),
    "resume": ("--resume", "RESUME_FROM_CHECKPOINT", "false", False),
    "max_retries": ("--max-retries", "NBA_BACKFILL_MAX_RETRIES", "0", 0),
    "checkpoint_every": ("--checkpoint-every", "NBA_BACKFILL_CHECKPOINT_EVERY", "1", 1),
    "single_writer": ("--single-writer", "NBA_BACKFILL_SINGLE_WRITER", "1", True),
    "lookback_days": ("--lookback-days", "NBA_BACKFILL_LOOKBACK_DAYS", "3", 3),
    "today": ("--today", "NBA_BACKFILL_TODAY", "2024-11-05", dt.date(2024, 11, 5)),
    "rate_limit": ("--rate-limit", "NBA_RATE_LIMIT_SECONDS", "0.6", 0.6),
    "jitter_seconds": ("--jitter-seconds", "NBA_BACKFILL_JITTER_SECONDS", "0", 0.0),
    "request_budget": ("--request-budget", "NBA_BACKFILL_REQUEST_BUDGET", "100/h", 100),
    "max_wait": ("--max-wait", "NBA_BACKFILL_MAX_WAIT", "1h", dt.timedelta(hours=1)),
    "max_in_flight": ("--max-in-flight", "NBA_BACKFILL_MAX_IN_FLIGHT", "1", 1),
    "on_busy": ("--on-busy", "NBA_BACKFILL_ON_BUSY", "skip", "skip"),
    "egress": ("--egress", "NBA_BACKFILL_EGRESS", "nat-2", "nat-2"),
    "log_format": ("--log-format", "LOG_FORMAT", "console", "console"),
    "log_level": ("--log-level", "LOG_LEVEL", "debug", "DEBUG"),
    "log_file": ("--log-file", "NBA_BACKFILL_LOG_FILE", "run.log", Path("run.log")),
    "output_format": ("--output-format", "NBA_BACKFILL_OUTPUT_FORMAT", "json", "json"),
    "metrics_textfile": ("--metrics-textfile", "NBA_BACKFILL_METRICS_TEXTFILE", "m.prom", Path("m.prom")),
    "pushgateway_url": ("--pushgateway-url", "NBA_BACKFILL_PUSHGATEWAY_URL", "http://push:9091/", "http://push:9091"),
    "report": ("--report", "NBA_BACKFILL_REPORT", "r.html", Path("r.html")),
    "alert_webhook": ("--alert-webhook", "INGEST_ALERT_WEBHOOK", "https://hooks/services/T0/x?sig=y", None),
    "alert_on": ("--alert-on", "INGEST_ALERT_ON", "failure,blocked", ("failure", "blocked")),
    "alert_hmac_secret": (None, "INGEST_ALERT_HMAC_SECRET", "signing-key", None),
    "alert_secret": (None, "INGEST_ALERT_SECRET", "shared-word", None),
    "alert_retries": ("--alert-retries", "INGEST_ALERT_RETRIES", "0", 0),
    "alert_backoff": ("--alert-backoff", "INGEST_ALERT_BACKOFF", "0.1", 0.1),
    "heartbeat_url": ("--heartbeat-url", "NBA_BACKFILL_HEARTBEAT_URL", "https://beats/0a1b2c", None),
    "stale_after": ("--stale-after", "NBA_BACKFILL_STALE_AFTER", "2d", dt.timedelta(days=2)),
}
SECRETS = ("proxy", "alert_webhook", "alert_hmac_secret", "alert_secret", "heartbeat_url")


def load(environ: dict[str, str] | None = None, **line: object) -> BackfillSettings:
    """Settings from a command line and an environment."""
    return BackfillSettings.load(line, environ=environ or {})


def problems(environ: dict[str, str] | None = None, **line: object) -> list[str]:
    """What is wrong, a line each."""
    with pytest.raises(ConfigurationInvalid) as caught:
        load(environ, **line)
    return [str(problem) for problem in caught.value.problems]


@click.command(cls=GroupedCommand)
@click_options(BackfillSettings)
def command(**_options: Any) -> None:
    """Nothing."""


def test_every_setting_has_its_option_and_its_variable() -> None:
    """The names are the documented ones, all of them and no others."""
    assert list(SURFACE) == list(BackfillSettings.model_fields)
    properties = json_schema(BackfillSettings)["properties"]
    for field, (option, variable, _, _) in SURFACE.items():
        assert (properties[field].get("x-option"), properties[field]["x-environment"]) == (option, variable)


@pytest.mark.parametrize("field", SURFACE)
def test_every_setting_is_read_from_its_variable(field: str) -> None:
    """Each variable sets its field, and nothing else."""
    _, variable, text, value = SURFACE[field]
    loaded = load({variable: text})
    assert loaded.origin(field).kind is OriginKind.ENVIRONMENT
    if field in SECRETS:
        assert getattr(loaded, field).get_secret_value() == text
    else:
        assert getattr(loaded, field) == value
    changed = {name for name in SURFACE if getattr(loaded, name) != getattr(load(), name)}
    assert changed == {field}


def test_the_defaults_are_the_documented_ones() -> None:
    """Who configures nothing gets a polite run into ./bronze."""
    assert load().snapshot() == {
        "season": None,
        "season_order": "oldest",
        "league": "nba",
        "season_type": ["Regular Season", "IST", "PlayIn", "Playoffs"],
        "start_date": None,
        "end_date": None,
        "game_id": [],
        "limit": None,
        "box_scores": True,
        "play_by_play": True,
        "player_info": True,
        "datasets": ["core"],
        "schema_contract": "evolve",
        "bulk": False,
        "source": "nba",
        "base_url": "https://stats.nba.com",
        "parameter_order": [],
        "scoreboards": True,
        "proxy": None,
        "connect_timeout_seconds": 10.0,
        "read_timeout_seconds": 30.0,
        "output": "bronze",
        "s3_bucket": None,
        "s3_prefix": "historical-backfill",
        "s3_endpoint_url": None,
        "aws_region": None,
        "state_file_path": None,
        "s3_sse": None,
        "s3_kms_key_id": None,
        "s3_raw_storage_class": None,
        "dry_run": False,
        "resume": True,
        "max_retries": 3,
        "checkpoint_every": 10,
        "single_writer": False,
        "lookback_days": 7,
        "today": None,
        "rate_limit": 5.0,
        "jitter_seconds": 0.2,
        "request_budget": 720,
        "max_wait": "45m",
        "max_in_flight": 4,
        "on_busy": "wait",
        "egress": "shared",
        "log_format": "auto",
        "log_level": "INFO",
        "log_file": None,
        "output_format": "text",
        "metrics_textfile": None,
        "pushgateway_url": None,
        "report": None,
        "alert_webhook": None,
        "alert_on": ["failure", "incomplete", "validation", "blocked", "recovery"],
        "alert_hmac_secret": None,
        "alert_secret": None,
        "alert_retries": 3,
        "alert_backoff": 0.5,
        "heartbeat_url": None,
        "stale_after": "1d12h",
    }


BUCKET_RULE = "3 to 63 lower-case letters, digits, dots and hyphens, beginning and ending with a letter or digit"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"season": "2024"}, "--season '2024': not a season (YYYY-YY); did you mean 2024-25?"),
        ({"rate_limit": "fast"}, "--rate-limit 'fast': not a number (seconds between requests, e.g. 5.0)"),
        ({"rate_limit": "0"}, "--rate-limit '0': must be more than 0 (seconds between requests, e.g. 5.0)"),
        ({"rate_limit": "5000"}, "--rate-limit '5000': must be at most 3600 (seconds between requests, e.g. 5.0)"),
        (
            {"rate_limit": "0.5"},
            "--rate-limit '0.5': too fast for a public host; at least 0.6 seconds between requests to stats.nba.com",
        ),
        (
            {"rate_limit": "0.5", "base_url": "https://mirror.example/x"},
            "--rate-limit '0.5': too fast for a public host; at least 0.6 seconds between requests to mirror.example",
        ),
        ({"limit": "0"}, "--limit '0': must be at least 1 (games)"),
        ({"limit": "9" * 20}, f"--limit '{'9' * 20}': must be at most 1000000 (games)"),
        (
            {"checkpoint_every": "9" * 20},
            f"--checkpoint-every '{'9' * 20}': must be at most 1000000 (games, e.g. 10)",
        ),
        (
            {"request_budget": "9" * 20},
            f"--request-budget '{'9' * 20}': must be at most 1000000 (requests an hour, e.g. 720; 0 lifts the budget)",
        ),
        (
            {"max_retries": "9" * 20},
            f"--max-retries '{'9' * 20}': must be at most 100 (further tries after the first, e.g. 3)",
        ),
        ({"checkpoint_every": "0"}, "--checkpoint-every '0': must be at least 1 (games, e.g. 10)"),
        ({"max_retries": "-1"}, "--max-retries '-1': must be at least 0 (further tries after the first, e.g. 3)"),
        ({"max_in_flight": "0"}, "--max-in-flight '0': must be at least 1 (requests, e.g. 4)"),
        (
            {"request_budget": "lots"},
            "--request-budget 'lots': not a whole number (requests an hour, e.g. 720; 0 lifts the budget)",
        ),
        (
            {"max_wait": "soon"},
            "--max-wait 'soon': not a length of time; write 45m, 1h30m, 90s, or a number of seconds",
        ),
        ({"read_timeout_seconds": "0"}, "--read-timeout-seconds '0': must be more than 0 (seconds, e.g. 30)"),
        (
            {"jitter_seconds": "5"},
            "--jitter-seconds '5': must be less than the interval it varies (5.0 s)",
        ),
        (
            {"game_id": ("22400061",)},
            "--game-id '22400061': not a game id: it has ten digits; did you mean 0022400061?",
        ),
        ({"game_id": ("x",)}, "--game-id 'x': not a game id; it has ten digits, for instance 0022400061"),
        (
            {"season_type": ("Playofs",)},
            (
                "--season-type 'Playofs': not one of Pre Season, Regular Season, All Star, Playoffs, PlayIn, IST; "
                "did you mean Playoffs?"
            ),
        ),
        ({"start_date": "20241022"}, "--start-date '20241022': not a date (YYYY-MM-DD); did you mean 2024-10-22?"),
        (
            {"start_date": "1899-01-01"},
            "--start-date '1899-01-01': no game was played then; a date lies between 1946-11-01 and 2099-12-31",
        ),
        (
            {"start_date": "2025-01-02", "end_date": "2025-01-01"},
            "--end-date '2025-01-01': lies before the start date 2025-01-02 (--start-date)",
        ),
        ({"s3_bucket": "ab"}, f"--s3-bucket 'ab': not a bucket's name ({BUCKET_RULE})"),
        ({"s3_bucket": "10.0.0.1"}, f"--s3-bucket '10.0.0.1': not a bucket's name ({BUCKET_RULE})"),
        (
            {"s3_bucket": "My_Lake"},
            f"--s3-bucket 'My_Lake': not a bucket's name ({BUCKET_RULE}); did you mean my-lake?",
        ),
        (
            {"s3_bucket": "s3://lake/x"},
            "--s3-bucket 's3://lake/x': not a bucket's name, but an address; write the bare name lake, and --s3-prefix",
        ),
        (
            {"s3_bucket": "lake/x"},
            "--s3-bucket 'lake/x': not a bucket's name; write the bare name lake, and the rest as --s3-prefix",
        ),
        ({"s3_bucket": ""}, "--s3-bucket '': empty; give it a value, or leave it out"),
        ({"s3_bucket": "lake", "s3_prefix": "/a/"}, "--s3-prefix '/a/': must not begin with a slash; did you mean a?"),
        ({"s3_bucket": "lake", "s3_prefix": "a/../b"}, "--s3-prefix 'a/../b': must not contain .. or a lone dot"),
        ({"s3_bucket": "lake", "s3_prefix": "a//b"}, "--s3-prefix 'a//b': must not contain two slashes in a row"),
        (
            {"s3_prefix": "a"},
            "--s3-prefix 'a': useless without a bucket; name it with --s3-bucket, or a folder with --output",
        ),
        (
            {"s3_endpoint_url": "http://s3:9000"},
            "--s3-endpoint-url 'http://s3:9000': useless without a bucket; name it with --s3-bucket",
        ),
        (
            {"output": "lake", "s3_bucket": "lake"},
            "--output 'lake': a run fills one lake, and --s3-bucket 'lake' names another; leave one of them out",
        ),
        (
            {"output": "s3://lake/x"},
            "--output 's3://lake/x': not a path on this machine; to write to S3 give --s3-bucket and --s3-prefix",
        ),
        ({"output": ""}, "--output '': empty; give it a value, or leave it out"),
        (
            {"state_file_path": "state/"},
            "--state-file-path 'state/': a folder; name a file in it, for instance checkpoint.json",
        ),
        (
            {"state_file_path": "s3://lake"},
            (
                "--state-file-path 's3://lake': not an object in S3; write s3://BUCKET/KEY, for instance "
                "s3://lake/checkpoint.json"
            ),
        ),
        ({"state_file_path": "gs://a/b"}, "--state-file-path 'gs://a/b': neither a file nor s3://BUCKET/KEY"),
        (
            {"base_url": "stats.nba.com"},
            "--base-url 'stats.nba.com': not a web address; it begins with https:// or http://",
        ),
        ({"base_url": "http://"}, "--base-url 'http://': not a web address: it names no host"),
        (
            {"base_url": "http://h:99999"},
            "--base-url 'http://h:99999': not a web address; it begins with https:// or http://",
        ),
        ({"base_url": "http://u:pw@h/"}, "--base-url 'http://***@h/': must not contain a name or password"),
        ({"base_url": "http://h/?a=1"}, "--base-url 'http://h/?a=1': must not contain a query or fragment (? or #)"),
        (
            {"base_url": "http://h/stats/"},
            "--base-url 'http://h/stats/': /stats is added by itself; did you mean http://h?",
        ),
        (
            {"base_url": "http://h", "source": "sample"},
            (
                "--base-url 'http://h': only --source nba asks an address of your choice; leave it out, or leave "
                "--source sample out"
            ),
        ),
        (
            {"proxy": "me:hunter2@proxy"},
            "--proxy ***: not a proxy's address; write http://HOST:PORT, with USER:PASSWORD@ before HOST if it asks",
        ),
        ({"source": "sampel"}, "--source 'sampel': not one of nba, sample, archive; did you mean sample?"),
        ({"on_busy": "kill"}, "--on-busy 'kill': not one of wait, skip, fail"),
        ({"log_format": "jsn"}, "--log-format 'jsn': not one of json, console, auto; did you mean json?"),
        (
            {"log_level": "warn"},
            "--log-level 'warn': not one of DEBUG, INFO, WARNING, ERROR, CRITICAL; did you mean WARNING?",
        ),
        (
            {"egress": "a b"},
            "--egress 'a b': not a name; at most 63 letters, digits, dots, hyphens and underscores, for instance nat-2",
        ),
        ({"aws_region": "eu central"}, "--aws-region 'eu central': not a region's name; for instance us-east-1"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(line: dict[str, object], message: str) -> None:
    """One sentence: the option, the value, and what would be right."""
    assert problems(None, **line) == [message]


@pytest.mark.parametrize("field", [field for field, (*_, value) in SURFACE.items() if type(value) is int])
def test_every_whole_number_has_an_upper_end(field: str) -> None:
    """A number beyond 64 bits would be taken here, and refused by the checkpoint in the middle of a run."""
    (problem,) = problems(None, **{field: "9" * 20})
    assert ": must be at most " in problem


def test_a_season_of_two_wrong_years_suggests_the_right_one() -> None:
    """2024-26 is the most likely mistake there is."""
    (problem,) = problems(season="2024-26")
    assert problem.startswith("--season '2024-26': not a season")
    assert problem.endswith("did you mean 2024-25?")


def test_mistakes_of_all_layers_are_told_together(tmp_path: Path) -> None:
    """An operator mends everything in one go."""
    file = tmp_path / "hoopstat.toml"
    file.write_text("rate_limt = 3\nno-box-scores = true\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        BackfillSettings.load(
            {"season": "2024", "s3_bucket": "Lake"}, environ={"NBA_RATE_LIMIT_SECONDS": "fast"}, file=file
        )
    assert [str(problem) for problem in caught.value.problems] == [
        f"file {file}, key rate_limt: unknown; did you mean rate_limit?",
        "--season '2024': not a season (YYYY-YY); did you mean 2024-25?",
        f"--s3-bucket 'Lake': not a bucket's name ({BUCKET_RULE}); did you mean lake?",
        "environment NBA_RATE_LIMIT_SECONDS='fast': not a number (seconds between requests, e.g. 5.0)",
    ]


def test_command_line_beats_environment_beats_file(tmp_path: Path) -> None:
    """The documented precedence, on the documented names."""
    file = tmp_path / "hoopstat.toml"
    file.write_text('season = "2021-22"\nrate-limit = 7\nmax-retries = 5\n')
    environ = {"NBA_TARGET_SEASON": "2022-23", "NBA_RATE_LIMIT_SECONDS": "6"}
    loaded = BackfillSettings.load({"season": "2023-24"}, environ=environ, file=file)
    assert (loaded.season, loaded.rate_limit, loaded.max_retries, loaded.checkpoint_every) == ("2023-24", 6.0, 5, 10)


def test_no_season_means_the_current_one() -> None:
    """A season begins in October; the sample has one season only; a season that was given stays."""
    assert load().season is None
    assert load().resolved(dt.date(2025, 9, 30)).season == "2024-25"
    assert load().resolved(dt.date(2025, 10, 1)).season == "2025-26"
    assert load(source="sample").resolved(dt.date(2025, 10, 1)).season == "2024-25"
    assert load(season="2019-20").resolved(dt.date(2025, 10, 1)).season == "2019-20"
    described = {item.name: item for item in load().resolved(dt.date(2025, 10, 1)).describe()}
    assert described["season"].value == "2025-26"
    assert described["season"].origin.kind is OriginKind.DEFAULT


def test_several_seasons_are_named_in_one_go() -> None:
    """A list, a range, an open range and all name seasons, in the order asked for; twice named is named once."""
    today = dt.date(2025, 11, 1)

    def names(**line: object) -> list[str]:
        return [str(season) for season in load(None, **line).seasons(today)]

    assert names(season="2019-20, 2021-22,2019-20") == ["2019-20", "2021-22"]
    assert names(season="2022-23:2024-25") == ["2022-23", "2023-24", "2024-25"]
    assert names(season="2022-23:2024-25", season_order="newest") == ["2024-25", "2023-24", "2022-23"]
    assert names(season="2024-25:") == ["2024-25", "2025-26"]
    everything = names(season="all")
    assert (everything[0], everything[-1], len(everything)) == ("1946-47", "2025-26", 80)
    one = load(season="2022-23:2024-25").for_season(Season(2023))
    assert (one.season, one.origin("season").kind) == ("2023-24", OriginKind.COMMAND_LINE)
    with pytest.raises(ValueError, match="no season"):
        load().seasons(today)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"season": "2024-25:2019-20"},
            "--season '2024-25:2019-20': a range that ends (2019-20) before it begins (202",
        ),
        ({"season": "2019-20:2024"}, "--season '2019-20:2024': not a season (YYYY-YY); did you mean 2024-25?"),
        ({"season": "2019-20,soon"}, "--season '2019-20,soon': not a season; it is written YYYY-YY, for instance 2024"),
        ({"season": "2024-25", "league": "wnba"}, "--season '2024-25': not a season (YYYY); did you mean 2024?"),
        ({"season": "1990", "league": "wnba"}, "--season '1990': not a season: the first one is 1997"),
        (
            {"season": "2019-20:2020-21", "state_file_path": "here.json"},
            "--state-file-path 'here.json': one file cannot be the checkpoint of several seasons; leave it out, or",
        ),
        ({"league": "wnba", "source": "sample"}, "--league 'wnba': the sample's games last 48 minutes, the WNBA's 40"),
        (
            {"game_id": ("1022400001",)},
            "--game-id '1022400001': 1022400001 is a game of the WNBA; name --league wnba, or another game",
        ),
    ],
)
def test_what_names_no_seasons_is_refused(given: dict[str, object], expected: str) -> None:
    """A range, a list and another league's seasons are held to the same grammar as one season is."""
    (problem,) = problems(None, **given)
    assert problem.startswith(expected)


def test_an_order_of_parameters_is_read_before_a_run() -> None:
    """What names no endpoint and no parameters is refused."""
    (problem,) = problems(parameter_order=("leaguegamelog", "playerindex=Season"))
    assert problem.startswith("--parameter-order")
    assert "it is written ENDPOINT=NAME:NAME" in problem


def test_bulk_replaces_the_traditional_box_score() -> None:
    """The season's logs stand for it, unless it is asked for by its name."""
    assert load(bulk=True).wanted_names == (
        "box-scores-advanced",
        "play-by-play",
        "players",
        "player-game-logs",
        "team-game-logs",
    )
    both = load(bulk=True, datasets=("core", "box-scores-traditional")).wanted_names
    assert "box-scores-traditional" in both
    assert "player-game-logs" in both


def test_another_league_has_a_lake_and_a_calendar_of_its_own() -> None:
    """One league is one lake; the WNBA's season is a year, which turns in May."""
    nba = load().resolved(dt.date(2025, 3, 1))
    assert (nba.season, nba.output.name, nba.s3_prefix) == ("2024-25", "bronze", "historical-backfill")
    wnba = load(league="wnba").resolved(dt.date(2025, 3, 1))
    assert (wnba.season, wnba.output.name, wnba.s3_prefix) == ("2024", "bronze-wnba", "historical-backfill-wnba")
    assert load(league="wnba").resolved(dt.date(2025, 5, 1)).season == "2025"
    named = load(league="gleague", output="mine", season="2023-24").resolved(dt.date(2025, 3, 1))
    assert (named.season, named.output.name) == ("2023-24", "mine")


@pytest.mark.parametrize("text", ["regular season", "Regular-Season", "REGULAR_SEASON", "regularseason"])
def test_season_types_are_recognised_in_any_spelling(text: str) -> None:
    """Hyphens, case and spaces do not matter; repetitions neither."""
    loaded = load(season_type=(text, "Regular Season", "play-in"))
    assert loaded.season_type == (SeasonType.REGULAR_SEASON, SeasonType.PLAY_IN)
    assert load({"NBA_BACKFILL_SEASON_TYPE": f"{text},ist"}).season_type == (SeasonType.REGULAR_SEASON, SeasonType.IST)


def test_against_the_sample_the_pace_is_off_unless_a_rate_was_given() -> None:
    """Loopback needs no courtesy; a rate that somebody gave is kept, even if it is the default's."""
    assert load(source="sample").pace_off
    assert load(source="sample").effective_interval_seconds == 0.0
    assert load(source="archive").pace_off
    for given_rate in (load(source="sample", rate_limit="5.0"), load({"NBA_RATE_LIMIT_SECONDS": "5"}, source="sample")):
        assert not given_rate.pace_off
        assert given_rate.effective_interval_seconds == 5.0
    assert not load().pace_off
    assert not load(base_url="http://127.0.0.1:1").pace_off
    assert load(source="sample", rate_limit="0.01").effective_interval_seconds == 0.01


def test_more_requests_are_in_flight_where_there_is_no_pace() -> None:
    """Four at the upstream, six where nobody is to be spared; a number that somebody gave is kept."""
    assert load().requests_in_flight == 4
    assert load(source="sample", rate_limit="5.0").requests_in_flight == 4
    assert load(source="sample").requests_in_flight == 6
    assert load(source="archive").requests_in_flight == 6
    assert load(source="sample", max_in_flight="4").requests_in_flight == 4
    assert load(max_in_flight="2").requests_in_flight == 2


def test_the_rate_may_be_found_by_itself() -> None:
    """`auto` starts from the default interval; the floor is the pace's to keep."""
    assert load(rate_limit="auto").rate_is_auto
    assert load(rate_limit="AUTO".lower()).interval_seconds == 5.0
    assert not load(rate_limit="2").rate_is_auto
    assert load(rate_limit="2").interval_seconds == 2.0


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:80", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80", True),
        ("http://localhost:1/x", True),
        ("http://LOCALHOST.", True),
        ("http://a.localhost", True),
        ("https://stats.nba.com", False),
        ("http://127.0.0.1.example", False),
        ("http://10.0.0.1", False),
        ("http://0.0.0.0", False),
        ("http://localhost.example", False),
        ("http://127.1", False),
    ],
)
def test_only_this_machine_may_be_asked_faster(url: str, loopback: bool) -> None:
    """What only might be this machine is taken for a public host."""
    assert load(base_url=url).base_url_is_loopback is loopback
    if loopback:
        assert load(base_url=url, rate_limit="0.01").rate_limit == 0.01
    else:
        assert "too fast for a public host" in problems(base_url=url, rate_limit="0.59")[0]
        assert load(base_url=url, rate_limit="0.6").rate_limit == 0.6


@pytest.mark.parametrize(("text", "seconds"), [("45m", 2700), ("2700", 2700), ("1h", 3600), ("1h30m", 5400), ("0", 0)])
def test_the_longest_wait_is_written_as_people_do(text: str, seconds: float) -> None:
    """Minutes, hours or bare seconds."""
    assert load(max_wait=text).max_wait_seconds == seconds


@pytest.mark.parametrize(("text", "budget"), [("720", 720), ("720/h", 720), ("60 / hour", 60), ("0", 0)])
def test_the_budget_is_in_requests_an_hour(text: str, budget: int) -> None:
    """The unit may be said."""
    assert load(request_budget=text).request_budget == budget


def test_an_output_of_ones_own_is_the_home_folders_where_no_shell_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` in a file or a unit means what it means in a shell."""
    monkeypatch.setenv("HOME", "/home/me")
    assert load({"NBA_BACKFILL_OUTPUT": "~/lake"}).output == Path("/home/me/lake")
    assert load(state_file_path="~/state.json").state_file_path == "/home/me/state.json"


def test_fixed_variables_of_a_deployment_do_not_forbid_a_local_run() -> None:
    """A prefix and an endpoint in the environment are harmless while no bucket is named."""
    environ = {
        "AWS_S3_PREFIX": "x",
        "NBA_BACKFILL_S3_ENDPOINT_URL": "http://s3:9000",
        "NBA_BACKFILL_BASE_URL": "http://h",
    }
    assert load(environ, source="sample", output="lake").output == Path("lake")


def test_no_secret_is_shown_or_kept() -> None:
    """Neither the proxy's password nor the Pushgateway's reaches a snapshot, a table, a repr or an error."""
    environ = {"NBA_API_PROXY": "http://me:hunter2@proxy:1", "NBA_BACKFILL_PUSHGATEWAY_URL": "http://me:hunter2@push/x"}
    loaded = load(environ)
    assert loaded.pushgateway_url == "http://me:hunter2@push/x"
    shown = [repr(loaded), loaded.render_text(), loaded.render_json(), json.dumps(loaded.snapshot())]
    shown += problems({**environ, "NBA_BACKFILL_PUSHGATEWAY_URL": "http://me:hunter2@push/?x"}, proxy="me:hunter2")
    assert not [text for text in shown if "hunter2" in text]


def test_no_secret_of_an_alert_is_shown_or_kept() -> None:
    """Neither the secrets nor the addresses with their tokens reach a snapshot, a table, a repr or an error."""
    environ = {
        "INGEST_ALERT_WEBHOOK": "https://hooks/services/hunter2",
        "INGEST_ALERT_HMAC_SECRET": "hunter2-signs",
        "INGEST_ALERT_SECRET": "hunter2-rides-along",
        "NBA_BACKFILL_HEARTBEAT_URL": "https://beats/hunter2",
    }
    loaded = load(environ)
    shown = [repr(loaded), loaded.render_text(), loaded.render_json(), json.dumps(loaded.snapshot())]
    for wrong in (
        "hunter2://x",
        "https://",
        "https://hooks/hunter2#",
        "https://hooks/hunter2 x",
        "https://höoks/hunter2",
    ):
        told = problems({**environ, "INGEST_ALERT_WEBHOOK": wrong, "NBA_BACKFILL_HEARTBEAT_URL": wrong})
        assert len(told) == 2
        shown += told
    shown += problems({**environ, "INGEST_ALERT_SECRET": "hunter2\nx"})
    shown += problems({**environ, "INGEST_ALERT_SECRET": "hun"})
    same = problems({**environ, "INGEST_ALERT_SECRET": "hunter2-signs"})
    assert "who sees one message could sign others" in same[0]
    assert not [text for text in [*shown, *same] if "hunter2" in text]


def test_settings_cannot_be_changed_after_the_start() -> None:
    """Frozen: what was validated is what holds."""
    with pytest.raises(ValueError, match="frozen"):
        load().season = "2023-24"


def test_the_fingerprint_is_of_what_makes_a_season_complete() -> None:
    """Where the lake is and how fast it is filled do not matter; which games and datasets are wanted do."""

    def fingerprint(**line: object) -> str:
        return load(**line).fingerprint(BackfillSettings.FINGERPRINTED)  # type: ignore[arg-type]  # a command line

    base = fingerprint()
    assert fingerprint(output="elsewhere", rate_limit="9", limit="3", dry_run=True) == base
    assert fingerprint(box_scores=False) != base
    assert fingerprint(season_type=("Playoffs",)) != base
    assert fingerprint(season="2023-24") != base


def test_a_snapshot_can_be_used_as_a_file(tmp_path: Path) -> None:
    """The settings kept in a checkpoint can be given to another run."""
    loaded = load(season="2023-24", season_type=("ist",), max_wait="1h", rate_limit="auto", start_date="2023-11-01")
    file = tmp_path / "again.json"
    file.write_text(json.dumps({key: value for key, value in loaded.snapshot().items() if key != "output"}))
    assert dict(BackfillSettings.load({}, environ={}, file=file)) == dict(loaded)


def test_the_help_groups_the_options_and_shows_defaults_and_variables() -> None:
    """Everything is found under its heading, with its default and its variable."""
    result = CliRunner().invoke(command, ["--help"], terminal_width=200)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == [
        "What to fetch:",
        "Where it comes from:",
        "Where it goes:",
        "How it runs:",
        "What a daily run looks at:",
        "How politely:",
        "What it tells:",
        "Who is told:",
        "Options:",
    ]
    text = " ".join(result.output.split())
    for expected in (
        (
            "--season YYYY-YY The season to fetch; or several: 2019-20,2021-22, a range 2019-20:2024-25, all. [env: "
            "NBA_TARGET_SEASON; default: the current season; 2024-25 with --source sample]"
        ),
        "--no-box-scores Leave box scores out. [env: NBA_BACKFILL_BOX_SCORES]",
        (
            "--resume / --no-resume Continue from the checkpoint, if there is one; or fetch anew, as new revisions. "
            "[env: RESUME_FROM_CHECKPOINT; default: --resume]"
        ),
        "[env: NBA_RATE_LIMIT_SECONDS; default: 5.0; none with --source sample]",
        "--checkpoint-every N Commit every N games. [env: NBA_BACKFILL_CHECKPOINT_EVERY; default: 10]",
        "--source [nba|sample|archive]",
    ):
        assert expected in text
    for option, variable, _, _ in SURFACE.values():
        if option is not None:
            assert option in text
            assert variable in text


def test_the_names_of_log_levels_are_those_of_logging() -> None:
    """What is configured is what the logging library takes."""
    import logging

    levels = get_args(BackfillSettings.model_fields["log_level"].annotation)
    assert all(isinstance(logging.getLevelName(level), int) for level in levels)


@settings(deadline=None, max_examples=120)
@given(
    st.dictionaries(
        st.sampled_from([variable for _, variable, _, _ in SURFACE.values()]),
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(
                ["1", "0", "-1", "nan", "s3://a", "http://[", "http://h:x", "~nobody/x", "~", "2024-25", "\x00"]
            ),
            st.text(alphabet="0123456789-/:.@?#~hmst[]p", max_size=16),
        ),
        max_size=6,
    )
)
def test_no_environment_can_crash_the_program(environ: dict[str, str]) -> None:
    """Settings, or every problem with them; never another exception."""
    try:
        loaded = load(environ)
    except ConfigurationInvalid as error:
        text = [str(problem) for problem in error.problems]
        assert text
        assert [line for line in text if not line.isprintable()] == []
    else:
        json.dumps(loaded.snapshot())
        loaded.render_text().encode()
        assert loaded.effective_interval_seconds >= 0


def _page() -> str:
    tables = reference_markdown(BackfillSettings)
    return f"{BEGIN}\n\n{tables}\n{END}"


def test_the_documented_reference_does_not_lag_behind() -> None:
    """The tables in docs/configuration.md are those of the code, and the schema beside them too."""
    page, schema = DOCS / "configuration.md", DOCS / "configuration.schema.json"
    generated = json.dumps(json_schema(BackfillSettings), indent=2) + "\n"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert rest
    assert after
    if os.environ.get("HOOPSTAT_UPDATE_DOCS"):
        page.write_text(before + _page() + after, encoding="utf-8")
        schema.write_text(generated, encoding="utf-8")
        text = page.read_text(encoding="utf-8")
    assert text == before + _page() + after, "run this test with HOOPSTAT_UPDATE_DOCS=1 and commit docs/"
    assert schema.read_text(encoding="utf-8") == generated


def test_the_example_in_the_documentation_is_valid(tmp_path: Path) -> None:
    """The configuration file shown in docs/configuration.md can be used as it stands."""
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    file = tmp_path / "hoopstat.toml"
    file.write_text(example, encoding="utf-8")
    loaded = BackfillSettings.load({}, environ={}, file=file)
    assert sum(loaded.origin(name).explicit for name in SURFACE) >= 5


def test_reading_the_settings_costs_little() -> None:
    """The settings import no client of a service, so that --help and a typing error answer at once."""
    code = (
        "import sys, nba_season_backfill.settings;"
        "print([m for m in ('boto3', 'pyarrow', 'pandas', 'requests', 'nba_api', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
