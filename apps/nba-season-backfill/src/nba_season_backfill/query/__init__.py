"""Asking the lake: read-only, while it is being filled, at a cost that is told.

from nba_season_backfill.query import Lake

with Lake.open("s3://bucket/prefix") as lake:
    print(lake.player_summary("jokic", "assists").recent_text)
    lake.team_games("LAL", last=10).to_pandas()
"""

from __future__ import annotations

from nba_season_backfill.query.answers import Answer, BoxScore, Explanation, FileRead, PlayerContext, PlayerSummary
from nba_season_backfill.query.errors import (
    LakeChanging,
    NameAmbiguous,
    NameUnknown,
    NotInLake,
    SqlNotInstalled,
    SqlRefused,
    SqlWrong,
)
from nba_season_backfill.query.lake import Lake

__all__ = [
    "Answer",
    "BoxScore",
    "Explanation",
    "FileRead",
    "Lake",
    "LakeChanging",
    "NameAmbiguous",
    "NameUnknown",
    "NotInLake",
    "PlayerContext",
    "PlayerSummary",
    "SqlNotInstalled",
    "SqlRefused",
    "SqlWrong",
]
