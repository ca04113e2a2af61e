"""``boxscorematchupsv3``: who guarded whom, for how long and with what result; a row for each pair of a game."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import (
    Assessment,
    Dataset,
    Expectation,
    Payload,
    Table,
    broken_contract,
    quality_of,
    violation,
)
from nba_season_backfill.datasets.columns import (
    Column,
    ContractBroken,
    Outliers,
    build_table,
    minutes_to_seconds,
    schema_of,
    snake_case,
    unknown_keys,
)
from nba_season_backfill.datasets.measures import count, real, share
from nba_season_backfill.datasets.sides import (
    PLAYERS,
    ROOT_KEYS,
    TEAM,
    TEAM_KEYS,
    Side,
    both_sides,
    game_parameters,
    identity,
    root_of,
    team_columns,
    without_content,
)
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_MATCHUPS"]

_ROOT = "boxScoreMatchups"
_INT, _LONG, _TEXT = pa.int32(), pa.int64(), pa.string()
_STATISTICS = "statistics"
_OFFENSE = {
    "personId": "The player on offense",
    "firstName": "First name",
    "familyName": "Family name",
    "nameI": "Initial and family name",
    "playerSlug": "The player's name in URLs",
    "position": "Position; empty for players who did not start",
    "comment": "Why the player did not play",
    "jerseyNum": "Jersey number",
}
_DEFENSE = tuple(key for key in _OFFENSE if key not in ("position", "comment"))
_MEASURES = {
    "matchupMinutesSort": real("Time in the match-up, in seconds to the tenth.", 0.0, 4800.0),
    "partialPossessions": real("Possessions in the match-up, in parts.", 0.0, 250.0),
    "percentageDefenderTotalTime": share("Share of the defender's time, 0 to 1."),
    "percentageOffensiveTotalTime": share("Share of the offensive player's time, 0 to 1."),
    "percentageTotalTimeBothOn": share("Share of the time in which both were on the court, 0 to 1."),
    "switchesOn": count("Switches onto the player.", 100),
    "playerPoints": count("Points of the offensive player in the match-up.", 100),
    "teamPoints": count("Points of the team in those possessions.", 200),
    "matchupAssists": count("Assists of the offensive player.", 35),
    "matchupPotentialAssists": count("Passes that would have been assists.", 60),
    "matchupTurnovers": count("Turnovers of the offensive player.", 20),
    "matchupBlocks": count("Blocks by the defender.", 20),
    "matchupFieldGoalsMade": count("Field goals made.", 40),
    "matchupFieldGoalsAttempted": count("Field goals attempted.", 70),
    "matchupFieldGoalsPercentage": share("Field goals made of attempted, 0 to 1."),
    "matchupThreePointersMade": count("Three-pointers made.", 25),
    "matchupThreePointersAttempted": count("Three-pointers attempted.", 50),
    "matchupThreePointersPercentage": share("Three-pointers made of attempted, 0 to 1."),
    "helpBlocks": count("Blocks by helping defenders.", 20),
    "helpFieldGoalsMade": count("Field goals made against help.", 40),
    "helpFieldGoalsAttempted": count("Field goals attempted against help.", 70),
    "helpFieldGoalsPercentage": share("Of those, made of attempted, 0 to 1."),
    "matchupFreeThrowsMade": count("Free throws made.", 40),
    "matchupFreeThrowsAttempted": count("Free throws attempted.", 50),
    "shootingFouls": count("Shooting fouls by the defender.", 10),
}


def _person(key: str, doc: str, prefix: str) -> Column:
    whose = "" if key == "personId" else (" of the player on offense" if prefix == "off" else " of the defender")
    return Column(
        f"{prefix}_{snake_case(key)}",
        _LONG if key == "personId" else _TEXT,
        f"{doc}{whose}.",
        key if prefix == "def" else "",
        path=f"{PLAYERS}.{key}" if prefix == "off" else "",
        required=key == "personId",
    )


_OF_TEAM = team_columns(of_rows=True)
_OFFENSIVE = tuple(_person(key, doc, "off") for key, doc in _OFFENSE.items())
_DEFENSIVE = tuple(_person(key, "The defender" if key == "personId" else _OFFENSE[key], "def") for key in _DEFENSE)
_COLUMNS = (
    *_OF_TEAM,
    Column("player_order", _INT, "The offensive player's place in the team's list, from 0.", required=True),
    *_OFFENSIVE,
    Column("matchup_order", _INT, "The defender's place in the player's list, from 0.", required=True),
    *_DEFENSIVE,
    Column("matchup_minutes", _TEXT, "Time in the match-up as received.", "matchupMinutes", parent=_STATISTICS),
    Column(
        "matchup_minutes_seconds",
        _INT,
        "Time in the match-up, in whole seconds.",
        path=f"{PLAYERS}.matchups[].{_STATISTICS}.matchupMinutes",
        low=0,
        high=4800,
    ),
    *(
        Column(snake_case(key), each.kind, each.doc, key, parent=_STATISTICS, low=each.low, high=each.high)
        for key, each in _MEASURES.items()
    ),
)
TABLE = Table(
    "box-scores-matchups", schema_of(_COLUMNS, f"{PLAYERS}.matchups[]"), ("team_id", "player_order", "matchup_order")
)
# The team and the offensive player are checked as rows of their own, then repeated for each of their match-ups.
_TEAM_COLUMNS = team_columns(of_rows=False)
_PLAYER_COLUMNS = tuple(
    Column(column.name, column.type, column.doc, key, required=column.required)
    for column, key in zip(_OFFENSIVE, _OFFENSE, strict=True)
)
_TEAM_SCHEMA, _PLAYER_SCHEMA = schema_of(_TEAM_COLUMNS, TEAM), schema_of(_PLAYER_COLUMNS, PLAYERS)
_PLAYER_KEYS = frozenset(_OFFENSE) | {"matchups"}
_MATCHUP_KEYS = frozenset(_DEFENSE) | {_STATISTICS}
_STATISTICS_KEYS = frozenset(_MEASURES) | {"matchupMinutes"}


def _assess(payload: Payload, known: Expectation) -> Assessment:
    try:
        return _judged(payload, known)
    except ContractBroken as broken:
        return broken_contract(broken)


def _judged(payload: Payload, known: Expectation) -> Assessment:
    root = root_of(payload, _ROOT, known)
    # Cameras tell who guards whom, and not every arena has them: no doubt about an answer without content.
    if without_content(root, "players"):
        return Assessment("absent")
    sides = both_sides(root, _ROOT)
    problems = identity(_ROOT, {side.team["teamId"] for side in sides}, known)
    if problems:
        return violation(*problems)
    pairs = [_matchups(side) for side in sides]
    if not any(pairs):
        return Assessment("absent")
    empty = [f"{side.where}: nobody is guarded" for side, found in zip(sides, pairs, strict=True) if not found]
    if known.final and empty:
        return violation(*empty)
    outliers = Outliers()
    table = _table(sides, pairs, known, outliers)
    tables = {TABLE.name: table}
    return Assessment(
        "ok", tables=tables, unknown_fields=tuple(_unknown(root, sides)), quality=quality_of(tables, outliers)
    )


def _matchups(side: Side) -> list[tuple[int, int, Any]]:
    """(number of the player, number of the match-up, match-up) in order."""
    found = []
    for number, player in enumerate(side.players):
        matchups = player.get("matchups")
        where = f"{side.where}.players[{number}].matchups"
        if not isinstance(matchups, list):
            raise ContractBroken(f"{where}: not a list of objects", missing=1)
        for place, matchup in enumerate(matchups):
            if not isinstance(matchup, dict) or not isinstance(matchup.get(_STATISTICS), dict):
                raise ContractBroken(f"{where}[{place}].statistics: missing or null", missing=1)
            found.append((number, place, matchup))
    return found


def _table(
    sides: Sequence[Side], pairs: Sequence[Sequence[tuple[int, int, Any]]], known: Expectation, outliers: Outliers
) -> pa.Table:
    flat = [(side, number, place, row) for side, found in enumerate(pairs) for number, place, row in found]
    rows = [row for _side, _number, _place, row in flat]

    def where(number: int) -> str:
        side, player, place, _row = flat[number]
        return f"{sides[side].where}.players[{player}].matchups[{place}]"

    places: dict[str, Sequence[Any]] = {
        "game_id": [known.game_id, known.game_id],
        "is_home": [side.name == "home" for side in sides],
    }
    teams = build_table(
        _TEAM_SCHEMA, _TEAM_COLUMNS, [side.team for side in sides], places, lambda number: sides[number].where
    )
    of_player: list[dict[str, list[Any]]] = []
    for side in sides:
        at = f"{side.where}.players"
        table = build_table(_PLAYER_SCHEMA, _PLAYER_COLUMNS, side.players, {}, lambda number, at=at: f"{at}[{number}]")  # type: ignore[misc]  # a default argument binds the side
        of_player.append(table.to_pydict())
    of_team = teams.to_pydict()
    derived: dict[str, Sequence[Any]] = {
        column.name: [of_team[column.name][side] for side, _number, _place, _row in flat] for column in _OF_TEAM
    }
    for column in _OFFENSIVE:
        derived[column.name] = [of_player[side][column.name][number] for side, number, _place, _row in flat]
    derived["player_order"] = [number for _side, number, _place, _row in flat]
    derived["matchup_order"] = [place for _side, _number, place, _row in flat]
    derived["matchup_minutes_seconds"] = [_seconds(row, where, number) for number, row in enumerate(rows)]
    table = build_table(TABLE.schema, _COLUMNS, rows, derived, where, outliers)
    seen: dict[tuple[Any, Any], int] = {}
    for number, pair in enumerate(zip(derived["off_person_id"], (row["personId"] for row in rows), strict=True)):
        if seen.setdefault(pair, number) != number:
            raise ContractBroken(f"{where(number)}.personId: this pair stands there twice ({where(seen[pair])})")
    return table


def _seconds(row: Any, where: Any, number: int) -> int | None:
    text = row[_STATISTICS].get("matchupMinutes")
    if text is None or text == "":
        return None
    seconds = minutes_to_seconds(text) if type(text) is str else None
    if seconds is None:
        raise ContractBroken(
            f"{where(number)}.{_STATISTICS}.matchupMinutes: got {text!r:.40}, want minutes such as 7:04", type_errors=1
        )
    return seconds


def _unknown(root: Any, sides: Sequence[Side]) -> list[str]:
    found = sorted(f"{_ROOT}.{key}" for key in root.keys() - ROOT_KEYS)
    players = [player for side in sides for player in side.players]
    matchups = [matchup for player in players for matchup in player["matchups"]]
    for where, rows, keys in (
        ("team", [side.team for side in sides], TEAM_KEYS),
        ("players", players, _PLAYER_KEYS),
        ("matchups", matchups, _MATCHUP_KEYS),
        ("matchups.statistics", [matchup[_STATISTICS] for matchup in matchups], _STATISTICS_KEYS),
    ):
        found += unknown_keys(rows, keys, f"{_ROOT}.{where}")
    return found


BOX_SCORES_MATCHUPS = Dataset(
    name="box-scores-matchups",
    endpoint="boxscorematchupsv3",
    root=_ROOT,
    first_season=Season(2017),
    tables=(TABLE,),
    parameters=game_parameters("boxscorematchupsv3", "BoxScoreMatchupsV3"),
    assess=_assess,
)
