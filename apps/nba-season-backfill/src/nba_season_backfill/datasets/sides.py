"""What all answers about two teams share: which sides they have, and that those are the two that played."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import Expectation, Payload
from nba_season_backfill.datasets.columns import Column, ContractBroken

__all__ = [
    "PLAYERS",
    "ROOT_KEYS",
    "TEAM",
    "TEAM_KEYS",
    "Side",
    "both_sides",
    "game_parameters",
    "identity",
    "root_of",
    "team_columns",
    "without_content",
]

TEAM, PLAYERS = "homeTeam", "homeTeam.players[]"
"""Where a team and a player stand; both sides have the same shape."""

TEAM_KEYS = frozenset({"teamId", "teamCity", "teamName", "teamTricode", "teamSlug", "players"})
ROOT_KEYS = frozenset({"gameId", "homeTeamId", "awayTeamId", "homeTeam", "awayTeam"})


@dataclass(frozen=True, slots=True)
class Side:
    """One of a game's two sides: ``home`` or ``away``, its path, its object and its players' objects."""

    name: str
    where: str
    team: Mapping[str, Any]
    players: Sequence[Mapping[str, Any]]


def game_parameters(endpoint: str, class_name: str, **given: object) -> Callable[[str], Mapping[str, str]]:
    """The query that nba_api's endpoint class sends for a game.

    Args:
        given: arguments of the endpoint class beside the game; what is None there is not sent, as nba_api does.
    """

    @cache
    def template() -> dict[str, str]:
        import importlib

        made = getattr(importlib.import_module(f"nba_api.stats.endpoints.{endpoint}"), class_name)
        arguments = given or {"game_id": "0000000000"}
        parameters = made(**arguments, get_request=False).parameters
        return {name: str(value) for name, value in parameters.items() if value is not None}

    def parameters(game_id: str) -> Mapping[str, str]:
        return {**template(), "GameID": game_id}

    return parameters


def team_columns(*, of_rows: bool) -> tuple[Column, ...]:
    """Which team and game a row belongs to; ``of_rows`` where the row itself is not the team's object."""

    def column(name: str, kind: pa.DataType, doc: str, source: str, *, required: bool = False) -> Column:
        if of_rows:
            return Column(name, kind, doc, path=f"{TEAM}.{source}", required=required)
        return Column(name, kind, doc, source, required=required)

    text, long = pa.string(), pa.int64()
    return (
        Column("game_id", text, "The game: ten digits, leading zeros kept.", path="gameId", required=True),
        column("team_id", long, "The team.", "teamId", required=True),
        Column("is_home", pa.bool_(), "Whether the answer has the team on the home side.", required=True),
        column("team_city", text, "The team's city.", "teamCity"),
        column("team_name", text, "The team's name.", "teamName"),
        column("team_tricode", text, "The team's three letters.", "teamTricode"),
        column("team_slug", text, "The team's name in URLs.", "teamSlug"),
    )


def root_of(payload: Payload, name: str, known: Expectation) -> Mapping[str, Any]:
    """The answer's content.

    Raises:
        ContractBroken: it is missing, or about another game.
    """
    root = payload.get(name) if isinstance(payload, dict) else None
    if not isinstance(root, dict):
        raise ContractBroken(f"{name}: missing or null", missing=1)
    if root.get("gameId") != known.game_id:
        raise ContractBroken(f"{name}.gameId: got {root.get('gameId')!r}, asked for {known.game_id}")
    return root


def without_content(root: Mapping[str, Any], *keys: str) -> bool:
    """A well-formed answer without content: both sides stand there, with all of ``keys``, which are all empty."""
    return all(
        side in root
        and (
            root[side] is None
            or (
                isinstance(root[side], dict)
                and set(keys) <= root[side].keys()
                and not any(root[side][key] for key in keys)
            )
        )
        for side in ("homeTeam", "awayTeam")
    )


def both_sides(root: Mapping[str, Any], name: str, *, objects: Sequence[str] = ()) -> tuple[Side, Side]:
    """The two sides, in order of their teams' ids, so that rows need not be sorted again.

    Args:
        name: the root's name, for messages.
        objects: fields of a team and of each of its players that must be objects (``statistics``).

    Raises:
        ContractBroken: a side is missing, has no team id, or no list of players.
    """
    first, second = (_side(root, name, side, objects) for side in ("home", "away"))
    return (first, second) if first.team["teamId"] <= second.team["teamId"] else (second, first)


def _side(root: Mapping[str, Any], name: str, side: str, objects: Sequence[str]) -> Side:
    where = f"{name}.{side}Team"
    team = root.get(f"{side}Team")
    if not isinstance(team, dict):
        raise ContractBroken(f"{where}: missing or null", missing=1)
    players = team.get("players")
    if not isinstance(players, list) or not all(isinstance(player, dict) for player in players):
        raise ContractBroken(f"{where}.players: not a list of objects", missing=1)
    for key in objects:
        if not isinstance(team.get(key), dict):
            raise ContractBroken(f"{where}.{key}: missing or null", missing=1)
        for number, player in enumerate(players):
            if not isinstance(player.get(key), dict):
                raise ContractBroken(f"{where}.players[{number}].{key}: missing or null", missing=1)
    team_id = team.get("teamId")
    if type(team_id) is not int or team_id <= 0:
        gone = team_id is None or team_id == 0
        raise ContractBroken(
            f"{where}.teamId: got {team_id!r:.60}, want a team", missing=int(gone), type_errors=int(not gone)
        )
    return Side(side, where, team, players)


def identity(name: str, found: set[int], known: Expectation) -> list[str]:
    """What is wrong with the teams: there are two, and they are the ones that played.

    Neutral-site games may have the sides swapped: the two teams count, not their places.
    """
    if len(found) != 2:
        return [f"{name}: both sides are team {found.pop()}"]
    wanted = {known.home_team_id, known.away_team_id}
    if None not in wanted and found != wanted:
        return [f"{name}: teams {sorted(found)} played, not {sorted(str(team) for team in wanted)}"]
    return []
