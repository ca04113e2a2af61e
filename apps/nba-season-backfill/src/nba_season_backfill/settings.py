"""The one validated configuration object: every option, variable and key, its default and its rules."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from hoopstat_config import Duration, IsoDate, Option, OriginKind, Settings, SettingsConfigDict, rule
from nba_season_backfill import setting_values as values
from nba_season_backfill.season import SeasonType, season_of_date

__all__ = ["PUBLIC_HOST_FLOOR_SECONDS", "SAMPLE_SEASON", "BackfillSettings"]

PUBLIC_HOST_FLOOR_SECONDS = 0.6
"""No request to a public host leaves sooner than this after the one before, whatever is configured."""

SAMPLE_SEASON = "2024-25"
"""The season that the emulator has."""

_DEFAULT_INTERVAL_SECONDS = 5.0

_WHAT = "What to fetch"
_FROM = "Where it comes from"
_TO = "Where it goes"
_RUN = "How it runs"
_PACE = "How politely"
_TELL = "What it tells"

_LocalPath = Annotated[Path, BeforeValidator(values.local_path)]
_ServiceUrl = Annotated[str, AfterValidator(values.service_url)]
_GameDate = Annotated[IsoDate, AfterValidator(values.game_date)]
_Seconds = Annotated[float, Field(gt=0, le=3600)]


class BackfillSettings(Settings):
    """Everything about a run that its user may decide. See ``nba-backfill config`` for the values in force."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    season: Annotated[
        Annotated[str, AfterValidator(values.season)] | None,
        Option(
            "--season",
            env="NBA_TARGET_SEASON",
            group=_WHAT,
            metavar="YYYY-YY",
            help="The season to fetch.",
            shown_default=f"the current season; {SAMPLE_SEASON} with --source sample",
        ),
    ] = None
    season_type: Annotated[
        Annotated[tuple[SeasonType, ...], Field(min_length=1), AfterValidator(values.each_once)],
        Option("--season-type", group=_WHAT, metavar="TYPE", help=f"One of {', '.join(SeasonType)}."),
    ] = (SeasonType.REGULAR_SEASON, SeasonType.IST, SeasonType.PLAY_IN, SeasonType.PLAYOFFS)
    start_date: Annotated[
        _GameDate | None,
        Option("--start-date", group=_WHAT, help="Only games on or after this US Eastern date."),
    ] = None
    end_date: Annotated[
        _GameDate | None,
        Option("--end-date", group=_WHAT, help="Only games on or before this US Eastern date."),
    ] = None
    game_id: Annotated[
        Annotated[tuple[Annotated[str, AfterValidator(values.game_id)], ...], AfterValidator(values.each_once)],
        Option("--game-id", group=_WHAT, metavar="ID", help="Only this game: ten digits."),
    ] = ()
    limit: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Option("--limit", group=_WHAT, metavar="N", expects="games", help="No more than so many games in this run."),
    ] = None
    box_scores: Annotated[bool, Option("--no-box-scores", group=_WHAT, help="Leave box scores out.")] = True
    play_by_play: Annotated[bool, Option("--no-play-by-play", group=_WHAT, help="Leave play-by-play out.")] = True
    player_info: Annotated[bool, Option("--no-player-info", group=_WHAT, help="Leave the list of players out.")] = True

    source: Annotated[
        Literal["nba", "sample", "archive"],
        Option(
            "--source",
            group=_FROM,
            help="The NBA, a simulated sample season on this machine, or the lake's own raw archive (no requests).",
        ),
    ] = "nba"
    base_url: Annotated[
        Annotated[str, AfterValidator(values.base_url)],
        Option("--base-url", group=_FROM, metavar="URL", help="What /stats/ENDPOINT follows, with --source nba."),
    ] = "https://stats.nba.com"
    proxy: Annotated[
        Annotated[SecretStr, AfterValidator(values.proxy_url)] | None,
        Option(
            "--proxy",
            env="NBA_API_PROXY",
            group=_FROM,
            metavar="URL",
            help="Ask the NBA through this proxy; other users of the machine can read a command line, so prefer the "
            "variable.",
        ),
    ] = None
    connect_timeout_seconds: Annotated[
        _Seconds,
        Option(
            "--connect-timeout-seconds",
            group=_FROM,
            metavar="SECONDS",
            expects="seconds, e.g. 10",
            help="How long a connection may take.",
        ),
    ] = 10.0
    read_timeout_seconds: Annotated[
        _Seconds,
        Option(
            "--read-timeout-seconds",
            group=_FROM,
            metavar="SECONDS",
            expects="seconds, e.g. 30",
            help="How long an answer may be silent.",
        ),
    ] = 30.0

    output: Annotated[
        _LocalPath,
        Option(
            "--output",
            group=_TO,
            metavar="DIR",
            help="The folder of a local lake.",
            shown_default="./bronze, when no bucket is named",
        ),
    ] = Path("bronze")
    s3_bucket: Annotated[
        Annotated[str, AfterValidator(values.bucket_name)] | None,
        Option("--s3-bucket", env="AWS_S3_BUCKET", group=_TO, metavar="NAME", help="The bucket of a lake in S3."),
    ] = None
    s3_prefix: Annotated[
        Annotated[str, AfterValidator(values.object_prefix)],
        Option(
            "--s3-prefix",
            env="AWS_S3_PREFIX",
            group=_TO,
            metavar="PREFIX",
            help="What every key in the bucket begins with.",
        ),
    ] = "historical-backfill"
    s3_endpoint_url: Annotated[
        Annotated[str, AfterValidator(values.base_url)] | None,
        Option("--s3-endpoint-url", group=_TO, metavar="URL", help="Another S3 than Amazon's."),
    ] = None
    aws_region: Annotated[
        Annotated[str, AfterValidator(values.region)] | None,
        Option("--aws-region", env="AWS_REGION", group=_TO, metavar="REGION", help="The bucket's region."),
    ] = None
    state_file_path: Annotated[
        Annotated[str, AfterValidator(values.state_file_path)] | None,
        Option(
            "--state-file-path",
            env="STATE_FILE_PATH",
            group=_TO,
            metavar="PATH",
            help="Where the checkpoint is kept: a file, or s3://BUCKET/KEY.",
            shown_default="in the lake",
        ),
    ] = None

    dry_run: Annotated[
        bool,
        Option("--dry-run", env="DRY_RUN", group=_RUN, help="Validate everything, print the plan, fetch nothing."),
    ] = False
    resume: Annotated[
        bool,
        Option(
            "--resume/--no-resume",
            env="RESUME_FROM_CHECKPOINT",
            group=_RUN,
            help="Continue from the checkpoint, if there is one; or fetch anew, as new revisions.",
        ),
    ] = True
    max_retries: Annotated[
        Annotated[int, Field(ge=0, le=100)],
        Option(
            "--max-retries",
            group=_RUN,
            metavar="N",
            expects="further tries after the first, e.g. 3",
            help="How often to try a failed request again.",
        ),
    ] = 3
    checkpoint_every: Annotated[
        Annotated[int, Field(ge=1)],
        Option("--checkpoint-every", group=_RUN, metavar="N", expects="games, e.g. 10", help="Commit every N games."),
    ] = 10
    single_writer: Annotated[
        bool,
        Option(
            "--single-writer",
            group=_RUN,
            help="Accept a store without conditional writes; nothing else may write to the lake then.",
        ),
    ] = False

    rate_limit: Annotated[
        _Seconds | Literal["auto"],
        Option(
            "--rate-limit",
            env="NBA_RATE_LIMIT_SECONDS",
            group=_PACE,
            metavar="SECONDS|auto",
            expects="seconds between requests, e.g. 5.0",
            help=f"Seconds between requests, at least {PUBLIC_HOST_FLOOR_SECONDS} to a public host; auto finds the "
            "fastest that is allowed.",
            shown_default="5.0; none with --source sample",
        ),
    ] = _DEFAULT_INTERVAL_SECONDS
    jitter_seconds: Annotated[
        Annotated[float, Field(ge=0, le=3600)],
        Option(
            "--jitter-seconds",
            group=_PACE,
            metavar="SECONDS",
            expects="seconds, e.g. 0.2",
            help="Vary the interval by so much, either way.",
        ),
    ] = 0.2
    request_budget: Annotated[
        Annotated[int, BeforeValidator(values.request_budget), Field(ge=0)],
        Option(
            "--request-budget",
            group=_PACE,
            metavar="N",
            expects="requests an hour, e.g. 720; 0 lifts the budget",
            help="No more than so many requests an hour, whatever the rate; 0 lifts it.",
        ),
    ] = 720
    max_wait: Annotated[
        Duration,
        Option("--max-wait", group=_PACE, help="Give up (saved, to be run again) when a longer wait is foreseen."),
    ] = dt.timedelta(minutes=45)
    max_in_flight: Annotated[
        Annotated[int, Field(ge=1, le=64)],
        Option(
            "--max-in-flight",
            group=_PACE,
            metavar="N",
            expects="requests, e.g. 4",
            help="How many requests may wait for their answer at a time.",
        ),
    ] = 4
    on_busy: Annotated[
        Literal["wait", "skip", "fail"],
        Option("--on-busy", group=_PACE, help="What to do while another run asks the same host."),
    ] = "wait"
    egress: Annotated[
        Annotated[str, AfterValidator(values.name_of_egress)],
        Option(
            "--egress",
            group=_PACE,
            metavar="NAME",
            help="The address that requests leave through; runs that name the same one share one pace.",
        ),
    ] = "shared"

    log_format: Annotated[
        Literal["json", "console", "auto"],
        Option(
            "--log-format",
            env="LOG_FORMAT",
            group=_TELL,
            help="A JSON object a line, or for people; auto: for people on a terminal.",
        ),
    ] = "auto"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        Option("--log-level", env="LOG_LEVEL", group=_TELL, metavar="LEVEL", help="DEBUG, INFO, WARNING, ERROR..."),
    ] = "INFO"
    log_file: Annotated[
        _LocalPath | None,
        Option("--log-file", group=_TELL, metavar="FILE", help="Write the log to this file too."),
    ] = None
    output_format: Annotated[
        Literal["text", "json"], Option("--output-format", group=_TELL, help="How the result at the end is printed.")
    ] = "text"
    metrics_textfile: Annotated[
        _LocalPath | None,
        Option("--metrics-textfile", group=_TELL, metavar="FILE", help="Write metrics for node-exporter to this file."),
    ] = None
    pushgateway_url: Annotated[
        _ServiceUrl | None,
        Option("--pushgateway-url", group=_TELL, metavar="URL", help="Push metrics to this Prometheus Pushgateway."),
    ] = None

    FINGERPRINTED: ClassVar[tuple[str, ...]] = (
        "season",
        "season_type",
        "box_scores",
        "play_by_play",
        "player_info",
        "source",
        "base_url",
    )
    """The settings that decide what a complete season is: those of the checkpoint's fingerprint."""

    def resolved(self, today: dt.date) -> BackfillSettings:
        """The same settings with a season: the sample's, else the one that ``today`` (US Eastern) belongs to."""
        season = SAMPLE_SEASON if self.source == "sample" else str(season_of_date(today))
        return self.with_defaults(season=season)

    @property
    def pace_off(self) -> bool:
        """Whether requests need not wait: there is nobody to be polite to, and nobody asked for a rate."""
        return self.source != "nba" and not self.origin("rate_limit").explicit

    @property
    def rate_is_auto(self) -> bool:
        """Whether the pace is to find the fastest rate that is allowed."""
        return self.rate_limit == "auto"

    @property
    def interval_seconds(self) -> float:
        """The time between two requests that was asked for; with ``auto`` the one to start from."""
        return _DEFAULT_INTERVAL_SECONDS if self.rate_limit == "auto" else self.rate_limit

    @property
    def effective_interval_seconds(self) -> float:
        """The time between two requests that will be kept: 0 when the pace is off."""
        return 0.0 if self.pace_off else self.interval_seconds

    @property
    def max_wait_seconds(self) -> float:
        """The longest wait that a run sits through, in seconds."""
        return self.max_wait.total_seconds()

    @property
    def base_url_is_loopback(self) -> bool:
        """Whether ``base_url`` names this machine."""
        return values.is_loopback(self.base_url)

    @property
    def upstream_host(self) -> str:
        """The host that is asked: what the lease on the upstream is named after."""
        return urlsplit(self.base_url).hostname or ""

    @rule("rate_limit", "source", "base_url")
    def _never_hammer_a_public_host(self) -> str | None:
        if self.source != "nba" or self.base_url_is_loopback or self.rate_limit == "auto":
            return None
        if self.rate_limit >= PUBLIC_HOST_FLOOR_SECONDS:
            return None
        floor = f"at least {PUBLIC_HOST_FLOOR_SECONDS} seconds between requests to {self.upstream_host}"
        return f"too fast for a public host; {floor}"

    @rule("jitter_seconds", "rate_limit", "source")
    def _jitter_below_the_interval(self) -> str | None:
        if self.pace_off or not self.origin("jitter_seconds").explicit or self.jitter_seconds < self.interval_seconds:
            return None
        return f"must be less than the interval it varies ({self.interval_seconds} s)"

    @rule("base_url", "source")
    def _only_the_nba_has_a_base_url(self) -> str | None:
        if self.source == "nba" or self.origin("base_url").kind is not OriginKind.COMMAND_LINE:
            return None
        return f"only --source nba asks an address of your choice; leave it out, or leave --source {self.source} out"

    @rule("end_date", "start_date")
    def _dates_in_order(self) -> str | None:
        if self.start_date is None or self.end_date is None or self.start_date <= self.end_date:
            return None
        return f"lies before the start date {self.start_date} ({self.origin('start_date')})"

    @rule("output", "s3_bucket")
    def _one_lake(self) -> str | None:
        if self.s3_bucket is None or not self.origin("output").explicit:
            return None
        return f"a run fills one lake, and {self.origin('s3_bucket').with_value()} names another; leave one of them out"

    @rule("s3_endpoint_url", "s3_bucket", "state_file_path")
    def _an_endpoint_needs_a_bucket(self) -> str | None:
        if self.origin("s3_endpoint_url").kind is not OriginKind.COMMAND_LINE or self.s3_bucket is not None:
            return None
        if self.state_file_path is not None and self.state_file_path.startswith("s3://"):
            return None
        return "useless without a bucket; name it with --s3-bucket"

    @rule("s3_prefix", "s3_bucket")
    def _a_prefix_needs_a_bucket(self) -> str | None:
        if self.origin("s3_prefix").kind is not OriginKind.COMMAND_LINE or self.s3_bucket is not None:
            return None
        return "useless without a bucket; name it with --s3-bucket, or a folder with --output"
