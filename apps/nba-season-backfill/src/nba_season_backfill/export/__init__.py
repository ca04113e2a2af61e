"""What leaves the lake for other tools: table definitions for query engines, and samples to train models on."""

from __future__ import annotations

from nba_season_backfill.export.ddl import ENGINES, Engine, Statement, TablePlace, definitions, sql_name

__all__ = ["ENGINES", "Engine", "Statement", "TablePlace", "definitions", "sql_name"]
