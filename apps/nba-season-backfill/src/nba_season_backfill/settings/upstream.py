"""Where answers come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from hoopstat_config import Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values

__all__ = ["UpstreamOptions"]

GROUP = "Where it comes from"

_Seconds = Annotated[float, Field(gt=0, le=3600)]


class UpstreamOptions(Settings):
    """Where answers come from."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    source: Annotated[
        Literal["nba", "sample", "archive"],
        Option(
            "--source",
            group=GROUP,
            help="The NBA, a simulated sample season on this machine, or the lake's own raw archive (no requests).",
        ),
    ] = "nba"
    base_url: Annotated[
        Annotated[str, AfterValidator(values.base_url)],
        Option("--base-url", group=GROUP, metavar="URL", help="What /stats/ENDPOINT follows, with --source nba."),
    ] = "https://stats.nba.com"
    parameter_order: Annotated[
        Annotated[tuple[str, ...], AfterValidator(values.parameter_orders)],
        Option(
            "--parameter-order",
            group=GROUP,
            metavar="ENDPOINT=NAME:NAME",
            help="Send an endpoint's parameters in this order, the rest after them; the upstream is known to care.",
        ),
    ] = ()
    scoreboards: Annotated[
        bool,
        Option(
            "--no-scoreboards",
            group=GROUP,
            help="Where the schedule cannot be had, do not ask for the scoreboard of each day instead.",
        ),
    ] = True
    proxy: Annotated[
        Annotated[SecretStr, AfterValidator(values.proxy_url)] | None,
        Option(
            "--proxy",
            env="NBA_API_PROXY",
            group=GROUP,
            metavar="URL",
            help="Ask the NBA through this proxy; other users of the machine can read a command line, so prefer the "
            "variable.",
        ),
    ] = None
    connect_timeout_seconds: Annotated[
        _Seconds,
        Option(
            "--connect-timeout-seconds",
            group=GROUP,
            metavar="SECONDS",
            expects="seconds, e.g. 10",
            help="How long a connection may take.",
        ),
    ] = 10.0
    read_timeout_seconds: Annotated[
        _Seconds,
        Option(
            "--read-timeout-seconds",
            group=GROUP,
            metavar="SECONDS",
            expects="seconds, e.g. 30",
            help="How long an answer may be silent.",
        ),
    ] = 30.0
