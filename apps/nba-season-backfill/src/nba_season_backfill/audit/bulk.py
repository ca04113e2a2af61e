"""The game logs of a whole season (``--bulk``): every final game is there, players add up to teams, teams to scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.audit.findings import Finding, FindingKind
from nba_season_backfill.audit.lists import TOTALS_BY_SOURCE, Lists
from nba_season_backfill.audit.sums import differing, final_scores
from nba_season_backfill.schedule import GameState

__all__ = ["LOG_COLUMNS", "LOG_TABLES", "GameLogs"]

_K = FindingKind
_TEAMS, _PLAYERS = "team-game-logs", "player-game-logs"
LOG_TABLES = frozenset({_TEAMS, _PLAYERS})
"""The tables that are held against each other and the lists."""
_RENAMED = {source.lower(): name for source, name in TOTALS_BY_SOURCE.items()}
LOG_COLUMNS = ("game_id", "team_id", *_RENAMED)
"""The columns that are needed of them."""


@dataclass(slots=True)
class GameLogs:
    """What is kept of the two tables."""

    tables: dict[str, tuple[str, pa.Table]] = field(default_factory=dict)

    def keep(self, name: str, key: str, rows: pa.Table) -> None:
        """Take the columns that are needed, under the names that box scores have for them."""
        columns = [column for column in LOG_COLUMNS if column in rows.column_names]
        kept = rows.select(columns).rename_columns([_RENAMED.get(column, column) for column in columns])
        if name == _PLAYERS:
            counts = [column for column in kept.column_names if column not in ("game_id", "team_id")]
            summed = kept.group_by(["game_id", "team_id"]).aggregate([(column, "sum") for column in counts])
            kept = summed.rename_columns([column.removesuffix("_sum") for column in summed.column_names])
        self.tables[name] = (key, kept)

    def check(self, lists: Lists) -> Iterator[Finding]:
        """Hold the tables against the lists and each other."""
        for name, (key, rows) in self.tables.items():
            yield from self._games(lists, name, key, rows)
        if _TEAMS not in self.tables:
            return
        key, teams = self.tables[_TEAMS]
        counts = [column for column in _RENAMED.values() if column != "points"]
        checks = [(_K.SCORE_DIFFERS, "not the final score of the lists", final_scores(lists), teams, ["points"])]
        if lists.totals is not None:
            checks.append((_K.TOTAL_DIFFERS, "not the game log's total", lists.totals, teams, counts))
        if _PLAYERS in self.tables:
            players = self.tables[_PLAYERS][1]
            detail = "the players' sum is not the team's total"
            checks.append((_K.SUM_DIFFERS, detail, teams, players, ["points", *counts]))
        for kind, detail, expected, found, columns in checks:
            for game_id, team, column, want, got in differing(expected, found, columns):
                yield Finding(
                    kind, str(lists.season), detail, game_id=game_id, dataset=_TEAMS, table=_TEAMS, column=column,
                    row=f"team_id={team}", expected=want, found=got, key=key,
                    beside=_PLAYERS if kind is _K.SUM_DIFFERS else "",
                )  # fmt: skip

    def _games(self, lists: Lists, name: str, key: str, rows: pa.Table) -> Iterator[Finding]:
        about = {"dataset": name, "table": name, "key": key}
        counted: Counter[str] = Counter(
            {each["values"].as_py(): each["counts"].as_py() for each in pc.value_counts(rows.column("game_id"))}
        )
        season = str(lists.season)
        for game_id in sorted(counted):
            if game_id not in lists.by_id and not lists.missing:
                yield Finding(_K.ROWS_UNACCOUNTED, season, "no list knows the game", game_id=game_id, **about)  # type: ignore[arg-type]  # texts of Finding, by name
        for game in lists.games:
            if game.state is not GameState.FINAL or game.season_type not in lists.season_types:
                continue
            found = counted[game.game_id.text]
            # A row a team: of the players' table their sums were kept.
            if found != 2:
                kind = _K.TEAM_ROWS if found else _K.ROWS_MISSING
                yield Finding(
                    kind, season, f"{found} teams of a final game", game_id=game.game_id.text, expected="2",
                    found=str(found), **about,  # type: ignore[arg-type]  # texts of Finding, by name
                )  # fmt: skip
