"""The command line: `nba-stats-emulator --port P`. Reads options, starts an Emulator, waits for the end."""

from __future__ import annotations

import dataclasses
import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import click

from hoopstat_config import ConfigurationInvalid, GroupedCommand, click_options, given
from hoopstat_observability import configure_logging, get_logger
from nba_stats_emulator import scenarios
from nba_stats_emulator.behaviour import Behaviour, Constant
from nba_stats_emulator.eastern import utc
from nba_stats_emulator.emulator import Emulator
from nba_stats_emulator.settings import EmulatorSettings

__all__ = ["main"]

_PARENT_POLL_SECONDS = 0.5
_LOG = get_logger("nba_stats_emulator")


@click.command(cls=GroupedCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click_options(EmulatorSettings)
@click.pass_context
def main(ctx: click.Context, /, **_options: Any) -> None:
    """A local stats.nba.com. Prints one line of JSON with its base_url when it is ready."""
    try:
        settings = EmulatorSettings.load(given(ctx, EmulatorSettings), environ=os.environ)
        behaviour = scenarios.load(settings.scenario) if settings.scenario else Behaviour()
        if settings.latency is not None:
            behaviour = dataclasses.replace(behaviour, latency=Constant(settings.latency))
        emulator = Emulator(
            settings.season,
            settings.recorded,
            behaviour,
            utc(settings.now) if settings.now else None,
            settings.log,
            host=settings.host,
            port=settings.port,
            lookahead=settings.recorded is None,
            story=settings.story,
            seasons=settings.seasons,
            leagues=settings.leagues,
        )
    except ConfigurationInvalid as error:
        raise click.UsageError("; ".join(map(str, error.problems))) from None
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    configure_logging(format="json", service="nba-stats-emulator")
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
        serves = emulator.serves
        _LOG.info("listening", port=emulator.port, base_url=emulator.base_url, serves=serves)
        # Told which process that is, not asked here: it may have ended before this one was loaded.
        while not ended.wait(_PARENT_POLL_SECONDS if settings.exit_with else None):
            if os.getppid() != settings.exit_with:
                break
