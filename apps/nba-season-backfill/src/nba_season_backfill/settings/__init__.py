"""The one validated configuration object: every option, variable and key, its default and its rules.

Its options stand in rooms by what they are about; what concerns more than one of them stands here.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import ClassVar
from urllib.parse import urlsplit

from hoopstat_config import OriginKind, SettingsConfigDict, rule
from nba_season_backfill.season import GameId, League, Season, parse_seasons, season_of_date
from nba_season_backfill.settings import values
from nba_season_backfill.settings.alerts import AlertOptions
from nba_season_backfill.settings.daily import DailyOptions
from nba_season_backfill.settings.datasets import DatasetOptions
from nba_season_backfill.settings.lake import LakeOptions
from nba_season_backfill.settings.pace import PaceOptions
from nba_season_backfill.settings.report import ReportOptions
from nba_season_backfill.settings.running import RunningOptions
from nba_season_backfill.settings.storage import StorageOptions
from nba_season_backfill.settings.telling import TellingOptions
from nba_season_backfill.settings.upstream import UpstreamOptions
from nba_season_backfill.settings.values import (
    DEFAULT_INTERVAL_SECONDS,
    PUBLIC_HOST_FLOOR_SECONDS,
    SAMPLE_SEASON,
    UNPACED_IN_FLIGHT,
)
from nba_season_backfill.settings.wanted import WantedOptions

__all__ = ["PUBLIC_HOST_FLOOR_SECONDS", "SAMPLE_SEASON", "BackfillSettings"]

# Where ``all`` ends for a check of the spelling alone.
_LATEST_YEAR = 2098


# The last base's options stand first in help and reference.
class BackfillSettings(
    AlertOptions,
    ReportOptions,
    TellingOptions,
    PaceOptions,
    DailyOptions,
    RunningOptions,
    StorageOptions,
    LakeOptions,
    UpstreamOptions,
    DatasetOptions,
    WantedOptions,
):
    """Everything about a run that its user may decide. See ``nba-backfill config`` for the values in force."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    FINGERPRINTED: ClassVar[tuple[str, ...]] = (
        "season",
        "league",
        "season_type",
        "datasets",
        "box_scores",
        "play_by_play",
        "player_info",
        "source",
        "base_url",
    )
    """The settings that decide what a complete season is: those of the checkpoint's fingerprint."""

    def resolved(self, today: dt.date) -> BackfillSettings:
        """The same settings with what depends on the day and the league.

        The season: the sample's, else the one that ``today`` (US Eastern) belongs to. The lake: another league's is
        kept beside the NBA's, under a name of its own.
        """
        league = self.which_league
        latest = season_of_date(self.today_eastern(today), league)
        if self.source == "sample":
            latest = Season(int(SAMPLE_SEASON[:4]), league)
        if league is League.NBA:
            return self.with_defaults(season=str(latest))
        return self.with_defaults(
            season=str(latest),
            output=self.output.with_name(f"{self.output.name}-{league.label}"),
            s3_prefix=f"{self.s3_prefix}-{league.label}",
        )

    @property
    def which_league(self) -> League:
        """The league that ``league`` names."""
        return League.labelled(self.league)

    def seasons(self, today: dt.date) -> tuple[Season, ...]:
        """The seasons that ``season`` names, in the order asked for; ``all`` ends with that of ``today``.

        Raises:
            ValueError: no season is named yet (``resolved`` names one).
        """
        if self.season is None:
            raise ValueError("no season is named")
        found = parse_seasons(self.season, self.which_league, season_of_date(today, self.which_league))
        return found if self.season_order == "oldest" else found[::-1]

    def for_season(self, season: Season) -> BackfillSettings:
        """The same settings for one of several seasons."""
        return self.model_copy(update={"season": str(season)})

    @property
    def wanted_names(self) -> tuple[str, ...]:
        """The datasets that are wanted: those chosen, less those left out, in the order in which they are asked for."""
        from nba_season_backfill.datasets.groups import GAME_LOGS, NAMES, expand, named

        kept = []
        for name in expand(self.datasets):
            box, plays, people = name.startswith("box-scores-"), name == "play-by-play", name == "players"
            if (self.box_scores or not box) and (self.play_by_play or not plays) and (self.player_info or not people):
                kept.append(name)
        if not self.bulk:
            return tuple(kept)
        # The logs stand for the box score, unless that was asked for by its name.
        bulky = {*kept, *GAME_LOGS} - ({"box-scores-traditional"} - set(named(self.datasets)))
        return tuple(name for name in NAMES if name in bulky)

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
        return DEFAULT_INTERVAL_SECONDS if self.rate_limit == "auto" else self.rate_limit

    @property
    def effective_interval_seconds(self) -> float:
        """The time between two requests that will be kept: 0 when the pace is off."""
        return 0.0 if self.pace_off else self.interval_seconds

    @property
    def requests_in_flight(self) -> int:
        """How many requests may wait for their answer: more when the pace is off, unless a number was asked for."""
        if self.pace_off and not self.origin("max_in_flight").explicit:
            return UNPACED_IN_FLIGHT
        return self.max_in_flight

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

    @rule("season", "league")
    def _seasons_of_the_league(self) -> str | None:
        if self.season is None:
            return None
        try:
            parse_seasons(self.season, self.which_league, Season(_LATEST_YEAR, self.which_league))
        except ValueError as error:
            return str(error)
        return None

    @rule("game_id", "league")
    def _games_of_the_league(self) -> str | None:
        strangers = [text for text in self.game_id if GameId(text).league is not self.which_league]
        if not strangers:
            return None
        league = GameId(strangers[0]).league
        return f"{strangers[0]} is a game of the {league.title}; name --league {league.label}, or another game"

    @rule("league", "source")
    def _the_sample_is_of_48_minutes(self) -> str | None:
        if self.source != "sample" or self.which_league is not League.WNBA:
            return None
        return "the sample's games last 48 minutes, the WNBA's 40; name gleague, or another source"

    @rule("state_file_path", "season")
    def _one_checkpoint_a_season(self) -> str | None:
        if self.state_file_path is None or self.season is None or not re.search("[:,]|all", self.season):
            return None
        return "one file cannot be the checkpoint of several seasons; leave it out, or name one season"

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

    @rule("datasets", "box_scores", "play_by_play", "player_info")
    def _no_dataset_is_wanted_and_left_out(self) -> str | None:
        if not self.origin("datasets").explicit:
            return None
        from nba_season_backfill.datasets.groups import named

        for field, off in (("box_scores", "box-scores-"), ("play_by_play", "play-by-play"), ("player_info", "players")):
            both = [name for name in named(self.datasets) if name.startswith(off)]
            if both and not getattr(self, field):
                return f"{both[0]} is named here, and left out by {self.origin(field)}; drop one of the two"
        return None if self.wanted_names else "nothing is left to fetch; name a dataset that is not taken away again"

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

    @rule("s3_sse", "s3_bucket", "state_file_path")
    def _encryption_needs_a_bucket(self) -> str | None:
        if self.origin("s3_sse").kind is not OriginKind.COMMAND_LINE or self.s3_bucket is not None:
            return None
        if self.state_file_path is not None and self.state_file_path.startswith("s3://"):
            return None
        return "useless without a bucket; name it with --s3-bucket"

    @rule("s3_raw_storage_class", "s3_bucket")
    def _a_storage_class_needs_a_bucket(self) -> str | None:
        if self.origin("s3_raw_storage_class").kind is not OriginKind.COMMAND_LINE or self.s3_bucket is not None:
            return None
        return "useless without a bucket; name it with --s3-bucket"

    @rule("s3_prefix", "s3_bucket")
    def _a_prefix_needs_a_bucket(self) -> str | None:
        if self.origin("s3_prefix").kind is not OriginKind.COMMAND_LINE or self.s3_bucket is not None:
            return None
        return "useless without a bucket; name it with --s3-bucket, or a folder with --output"
