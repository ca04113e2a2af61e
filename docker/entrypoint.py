#!/opt/hoopstat/bin/python -I
"""What the container starts. As the first process of a container, Python must handle signals before anything else:
the kernel drops those that process 1 has no handler for, and loading the rest takes a moment."""

import os
import signal


def _end(number, _frame):
    os._exit(128 + number)


for _number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_number, _end)

from nba_season_backfill.cli import main  # noqa: E402  # only now: see above

main()
