"""A season in the lake, and the run that was there last, as one self-contained HTML page."""

from __future__ import annotations

from nba_season_backfill.report.facts import ReportFacts
from nba_season_backfill.report.gathering import gather
from nba_season_backfill.report.page import render

__all__ = ["ReportFacts", "gather", "render"]
