"""``python -m nba_season_backfill``."""

from nba_season_backfill.cli import main

if __name__ == "__main__":
    main()
