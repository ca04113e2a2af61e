"""The command line: read options, build settings, call one function, render its result."""

from nba_season_backfill.cli.entry import cli, main

__all__ = ["cli", "main"]
