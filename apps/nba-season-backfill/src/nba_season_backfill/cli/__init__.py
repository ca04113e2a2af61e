"""The command line: read options, build settings, call one function, render its result."""

import os

# Before NumPy is loaded: nothing here multiplies matrices, and a thread for each core would wait for that.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from nba_season_backfill.cli.entry import cli, main  # after the variable

__all__ = ["cli", "main"]
