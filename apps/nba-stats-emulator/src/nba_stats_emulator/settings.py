"""What may be decided about an emulator on the command line, in a variable or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hoopstat_config import Option, Settings, SettingsConfigDict
from nba_stats_emulator import scenarios
from nba_stats_emulator.story import STORIES

__all__ = ["EmulatorSettings"]

_SERVES = "What it serves"
_WHERE = "Where it listens"
_HOW = "How it behaves"


class EmulatorSettings(Settings):
    """Everything about an emulator that its user may decide."""

    model_config = SettingsConfigDict(env_prefix="NBA_STATS_EMULATOR_")

    port: Annotated[
        Annotated[int, Field(ge=0, le=65535)],
        Option("--port", group=_WHERE, metavar="PORT", expects="0 to 65535", help="Port; 0 takes a free one."),
    ] = 0
    host: Annotated[str, Option("--host", group=_WHERE, metavar="HOST", help="Loopback only.")] = "127.0.0.1"
    season: Annotated[
        str, Option("--season", group=_SERVES, metavar="YYYY-YY", help="Season to simulate around its facts.")
    ] = "2024-25"
    seasons: Annotated[
        str | None,
        Option(
            "--seasons",
            group=_SERVES,
            metavar="FROM:TO",
            help="Serve seasons (2015-16:2024-25, or some with commas); simulated stand-ins where there are no facts.",
        ),
    ] = None
    leagues: Annotated[
        str,
        Option(
            "--leagues",
            group=_SERVES,
            metavar="NAMES",
            help="Leagues to serve, with commas: nba, wnba, gleague; the last two are simulated stand-ins.",
        ),
    ] = "nba"
    recorded: Annotated[
        Path | None,
        Option(
            "--recorded",
            group=_SERVES,
            metavar="DIR",
            help="Serve this folder of recorded bodies (ENDPOINT/NAME.json.gz) instead.",
        ),
    ] = None
    now: Annotated[
        str | None,
        Option(
            "--now",
            group=_SERVES,
            metavar="MOMENT",
            help="Moment the season stands at, such as 2024-11-05T12:00:00Z.",
            shown_default="after its end",
        ),
    ] = None
    story: Annotated[
        str | None,
        Option(
            "--story",
            group=_SERVES,
            metavar="NAME|FILE",
            help="What happens to the season: a name, or a JSON file. " + ", ".join(sorted(STORIES)) + ".",
        ),
    ] = None
    latency: Annotated[
        Annotated[float, Field(ge=0)] | None,
        Option("--latency", group=_HOW, metavar="SECONDS", expects="seconds", help="What every answer takes."),
    ] = None
    scenario: Annotated[
        str | None,
        Option(
            "--scenario",
            group=_HOW,
            metavar="NAME|FILE",
            help="How to misbehave: a name, or a JSON file. " + ", ".join(sorted(scenarios.SCENARIOS)) + ".",
        ),
    ] = None
    log: Annotated[
        Path | None, Option("--log", group=_HOW, metavar="FILE", help="Append a line of JSON per request here.")
    ] = None
    exit_with: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Option(
            "--exit-with",
            group=_HOW,
            metavar="PID",
            expects="a process id",
            help="End when the process that started this one, and has this id, does.",
        ),
    ] = None
