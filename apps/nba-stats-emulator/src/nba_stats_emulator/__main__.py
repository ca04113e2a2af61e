"""`python -m nba_stats_emulator`."""

from nba_stats_emulator.cli import main

main(prog_name="nba-stats-emulator")
