"""What an audit can find: one kind for each way in which a season can be wrong, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["KINDS", "Finding", "FindingKind", "KindOfFinding", "Mending"]


class Mending(StrEnum):
    """What ``--repair`` does about a finding."""

    REFETCH = "refetch"
    """Derive the unit again: from the archive where its body is good, else from a new answer."""
    RELIST = "relist"
    """Ask for the season's lists again and write the games table anew: every run does."""
    REMOVE_ROWS = "remove_rows"
    """Take the rows out of the partition; what belongs elsewhere is derived there."""
    SET_ASIDE = "set_aside"
    """Move the object into the quarantine and derive again what stood in it."""
    FORGET = "forget"
    """Take the line out of the checkpoint."""
    NOTHING = "nothing"
    """Only the upstream can: the finding stays until its lists say otherwise."""


class FindingKind(StrEnum):
    """What is wrong."""

    LIST_MISSING = "list_missing"
    LISTS_DISAGREE = "lists_disagree"
    GAME_COUNT = "game_count"
    TEAM_GAMES = "team_games"
    SERIES_INCOMPLETE = "series_incomplete"
    GAME_UNRESOLVED = "game_unresolved"
    GAME_MISSING = "game_missing"
    GAME_UNKNOWN = "game_unknown"
    GAME_DIFFERS = "game_differs"
    DATASET_MISSING = "dataset_missing"
    UNIT_UNKNOWN = "unit_unknown"
    BODY_MISSING = "body_missing"
    BODY_UNNAMED = "body_unnamed"
    BODY_DAMAGED = "body_damaged"
    BODY_FAILS = "body_fails"
    PARTITION_MISSING = "partition_missing"
    PARTITION_DAMAGED = "partition_damaged"
    PARTITION_UNKNOWN = "partition_unknown"
    SCHEMA_DIFFERS = "schema_differs"
    ROWS_OUT_OF_ORDER = "rows_out_of_order"
    ROW_TWICE = "row_twice"
    ROWS_MISSING = "rows_missing"
    ROWS_DIFFER = "rows_differ"
    ROWS_UNACCOUNTED = "rows_unaccounted"
    ROWS_MISPLACED = "rows_misplaced"
    ROWS_OF_ANOTHER_BODY = "rows_of_another_body"
    VALUE_MISSING = "value_missing"
    VALUE_ALTERED = "value_altered"
    TEAM_ROWS = "team_rows"
    TEAM_UNKNOWN = "team_unknown"
    PLAYERS_MISSING = "players_missing"
    SCORE_MISSING = "score_missing"
    SCORE_DIFFERS = "score_differs"
    SUM_DIFFERS = "sum_differs"
    TOTAL_DIFFERS = "total_differs"
    MINUTES_DIFFER = "minutes_differ"
    ARITHMETIC = "arithmetic"
    DATASETS_DIFFER = "datasets_differ"
    PERIODS_MISSING = "periods_missing"


@dataclass(frozen=True, slots=True)
class KindOfFinding:
    """A kind in words, and what mends it."""

    meaning: str
    mending: Mending


_K, _M = FindingKind, Mending

KINDS: Mapping[FindingKind, KindOfFinding] = {
    _K.LIST_MISSING: KindOfFinding("a list of the season is not in the archive, or not readable", _M.RELIST),
    _K.LISTS_DISAGREE: KindOfFinding("game log and schedule say different things of a game", _M.RELIST),
    _K.GAME_COUNT: KindOfFinding("a season that is over has not the games it must have", _M.RELIST),
    _K.TEAM_GAMES: KindOfFinding("a team has not the games that every team has", _M.RELIST),
    _K.SERIES_INCOMPLETE: KindOfFinding("a playoff series of a season that is over has no winner", _M.RELIST),
    _K.GAME_UNRESOLVED: KindOfFinding("a game whose day is long over is neither final nor known not to be", _M.RELIST),
    _K.GAME_MISSING: KindOfFinding("the lists know a game, the games table does not", _M.RELIST),
    _K.GAME_UNKNOWN: KindOfFinding("a row of the games table is of a game that no list knows", _M.RELIST),
    _K.GAME_DIFFERS: KindOfFinding("a value in the games table is not what the lists say", _M.RELIST),
    _K.DATASET_MISSING: KindOfFinding("a final game lacks a wanted dataset", _M.REFETCH),
    _K.UNIT_UNKNOWN: KindOfFinding("the checkpoint names a game that no list knows", _M.FORGET),
    _K.BODY_MISSING: KindOfFinding("the checkpoint names a body that the archive has not", _M.REFETCH),
    _K.BODY_UNNAMED: KindOfFinding("the archive has a body that nobody names", _M.SET_ASIDE),
    _K.BODY_DAMAGED: KindOfFinding("an archived body is not what its name says (--deep)", _M.REFETCH),
    _K.BODY_FAILS: KindOfFinding("an archived body does not pass its dataset's checks (--deep)", _M.REFETCH),
    _K.PARTITION_MISSING: KindOfFinding("the checkpoint names rows in a partition that is not there", _M.REFETCH),
    _K.PARTITION_DAMAGED: KindOfFinding("a partition is not a readable Parquet file", _M.SET_ASIDE),
    _K.PARTITION_UNKNOWN: KindOfFinding("an object lies among the partitions that is none of ours", _M.SET_ASIDE),
    _K.SCHEMA_DIFFERS: KindOfFinding("a partition's columns are not the declared ones", _M.SET_ASIDE),
    _K.ROWS_OUT_OF_ORDER: KindOfFinding("a partition is not sorted by game and key", _M.SET_ASIDE),
    _K.ROW_TWICE: KindOfFinding("two rows have the same key", _M.REFETCH),
    _K.ROWS_MISSING: KindOfFinding("the checkpoint names rows of a game, the partition has none", _M.REFETCH),
    _K.ROWS_DIFFER: KindOfFinding("the partition has another number of rows than the checkpoint says", _M.REFETCH),
    _K.ROWS_UNACCOUNTED: KindOfFinding("rows of a game that no list or no checkpoint line knows", _M.REMOVE_ROWS),
    _K.ROWS_MISPLACED: KindOfFinding("rows of a game lie in another month or season than its own", _M.REMOVE_ROWS),
    _K.ROWS_OF_ANOTHER_BODY: KindOfFinding("rows were made from another body than the checkpoint says", _M.REFETCH),
    _K.VALUE_MISSING: KindOfFinding("a value that is never null is null", _M.REFETCH),
    _K.VALUE_ALTERED: KindOfFinding("a value is not what the archived body gives (--deep)", _M.REFETCH),
    _K.TEAM_ROWS: KindOfFinding("a game has not exactly two team rows", _M.REFETCH),
    _K.TEAM_UNKNOWN: KindOfFinding("a row is of a team that did not play the game", _M.REFETCH),
    _K.PLAYERS_MISSING: KindOfFinding("a team of a final game has no player who played", _M.REFETCH),
    _K.SCORE_MISSING: KindOfFinding("a final game has no score", _M.REFETCH),
    _K.SCORE_DIFFERS: KindOfFinding("points are not the final score of the lists", _M.REFETCH),
    _K.SUM_DIFFERS: KindOfFinding("the players' values do not add up to the team's", _M.REFETCH),
    _K.TOTAL_DIFFERS: KindOfFinding("a team's total is not what the game log says", _M.REFETCH),
    _K.MINUTES_DIFFER: KindOfFinding("minutes are not 240 and 25 for each overtime", _M.REFETCH),
    _K.ARITHMETIC: KindOfFinding("the values of a row contradict each other", _M.REFETCH),
    _K.DATASETS_DIFFER: KindOfFinding("two datasets say different things of the same player or team", _M.REFETCH),
    _K.PERIODS_MISSING: KindOfFinding("play-by-play has not every period that was played", _M.REFETCH),
}
"""Every kind, what it means and what ``--repair`` does about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, named as closely as it is known; what does not apply is empty.

    ``row``: which row, as ``column=value``. ``beside``: the other dataset of a comparison (either may be the wrong
    one). ``key``: the object in the lake. ``count``: how many rows or games the finding is about, where it is about
    more than one. ``accepted``: the reason for which a person took the game's body as it is; such a finding counts no
    more.
    """

    kind: FindingKind
    season: str
    detail: str
    game_id: str = ""
    dataset: str = ""
    table: str = ""
    column: str = ""
    row: str = ""
    expected: str = ""
    found: str = ""
    key: str = ""
    beside: str = ""
    count: int = 1
    accepted: str = ""

    @property
    def mending(self) -> Mending:
        """What ``--repair`` does about it."""
        return KINDS[self.kind].mending

    def to_document(self) -> dict[str, Any]:
        """As JSON; what does not apply is left out."""
        document = {name: value for name, value in asdict(self).items() if value != ""}
        return {**document, "kind": self.kind.value, "mending": self.mending.value}
