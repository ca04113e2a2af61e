"""How politely the upstream is asked."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from hoopstat_config import Duration, Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values
from nba_season_backfill.settings.values import DEFAULT_INTERVAL_SECONDS, PUBLIC_HOST_FLOOR_SECONDS, UNPACED_IN_FLIGHT

__all__ = ["PaceOptions"]

GROUP = "How politely"

_Seconds = Annotated[float, Field(gt=0, le=3600)]


class PaceOptions(Settings):
    """How politely the upstream is asked."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    rate_limit: Annotated[
        _Seconds | Literal["auto"],
        Option(
            "--rate-limit",
            env="NBA_RATE_LIMIT_SECONDS",
            group=GROUP,
            metavar="SECONDS|auto",
            expects="seconds between requests, e.g. 5.0",
            help=f"Seconds between requests, at least {PUBLIC_HOST_FLOOR_SECONDS} to a public host; auto finds the "
            "fastest that is allowed.",
            shown_default="5.0; none with --source sample",
        ),
    ] = DEFAULT_INTERVAL_SECONDS
    jitter_seconds: Annotated[
        Annotated[float, Field(ge=0, le=3600)],
        Option(
            "--jitter-seconds",
            group=GROUP,
            metavar="SECONDS",
            expects="seconds, e.g. 0.2",
            help="Vary the interval by so much, either way.",
        ),
    ] = 0.2
    request_budget: Annotated[
        Annotated[int, BeforeValidator(values.request_budget), Field(ge=0, le=values.MOST)],
        Option(
            "--request-budget",
            group=GROUP,
            metavar="N",
            expects="requests an hour, e.g. 720; 0 lifts the budget",
            help="No more than so many requests an hour, whatever the rate; 0 lifts it.",
        ),
    ] = 720
    max_wait: Annotated[
        Duration,
        Option("--max-wait", group=GROUP, help="Give up (saved, to be run again) when a longer wait is foreseen."),
    ] = dt.timedelta(minutes=45)
    max_in_flight: Annotated[
        Annotated[int, Field(ge=1, le=64)],
        Option(
            "--max-in-flight",
            group=GROUP,
            metavar="N",
            expects="requests, e.g. 4",
            help="How many requests may wait for their answer at a time; without a pace "
            f"{UNPACED_IN_FLIGHT}, if not given.",
        ),
    ] = 4
    on_busy: Annotated[
        Literal["wait", "skip", "fail"],
        Option("--on-busy", group=GROUP, help="What to do while another run asks the same host."),
    ] = "wait"
    egress: Annotated[
        Annotated[str, AfterValidator(values.name_of_egress)],
        Option(
            "--egress",
            group=GROUP,
            metavar="NAME",
            help="The address that requests leave through; runs that name the same one share one pace.",
        ),
    ] = "shared"
