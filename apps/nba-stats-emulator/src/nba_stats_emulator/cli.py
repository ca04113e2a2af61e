"""The command line: `nba-stats-emulator --port P`. Reads options, starts an Emulator, waits for the end."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from nba_stats_emulator import scenarios
from nba_stats_emulator.answers import utc
from nba_stats_emulator.behaviour import Behaviour, Constant
from nba_stats_emulator.emulator import Emulator

__all__ = ["main"]

_PARENT_POLL_SECONDS = 0.5


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback only.")
@click.option("--season", default="2024-25", show_default=True, help="Season to simulate around its facts.")
@click.option(
    "--recorded",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Serve this folder of recorded bodies (ENDPOINT/NAME.json.gz) instead.",
)
@click.option("--latency", type=click.FloatRange(min=0), help="Seconds every answer takes.")
@click.option("--scenario", help="How to misbehave: a name, or a JSON file. " + ", ".join(sorted(scenarios.SCENARIOS)))
@click.option("--now", help="Moment the season stands at, such as 2024-11-05T12:00:00Z. Default: after its end.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append a line of JSON per request here.")
@click.option("--exit-with-parent", is_flag=True, help="End when the process that started this one does.")
def main(
    port: int,
    host: str,
    season: str,
    recorded: Path | None,
    latency: float | None,
    scenario: str | None,
    now: str | None,
    log: Path | None,
    exit_with_parent: bool,
) -> None:
    """A local stats.nba.com. Prints one line of JSON with its base_url when it is ready."""
    parent = os.getppid()
    try:
        behaviour = scenarios.load(scenario) if scenario else Behaviour()
        if latency is not None:
            behaviour = dataclasses.replace(behaviour, latency=Constant(latency))
        moment = utc(now) if now else None
        emulator = Emulator(season, recorded, behaviour, moment, log, host=host, port=port, lookahead=recorded is None)
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with emulator:
        # Bodies are garbage by the hundred thousand and never cyclic: look for cycles seldom.
        gc.freeze()
        gc.set_threshold(100_000, 20, 20)
        sys.setswitchinterval(0.001)  # an answer at hand need not wait for the game being made ahead
        ready = {"event": "listening", "port": emulator.port, "base_url": emulator.base_url, "serves": emulator.season}
        if recorded is not None:
            ready["serves"] = "recorded"
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        while not ended.wait(_PARENT_POLL_SECONDS if exit_with_parent else None):
            if os.getppid() != parent:
                break
