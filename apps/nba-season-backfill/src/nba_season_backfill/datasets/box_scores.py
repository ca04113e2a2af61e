"""What all V3 box scores share: two teams, their players, and the checks that make rows of nulls impossible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import Assessment, Expectation, Payload, Table, violation
from nba_season_backfill.datasets.columns import (
    Column,
    ContractBroken,
    build_table,
    minutes_to_seconds,
    schema_of,
    snake_case,
    unknown_keys,
)

__all__ = ["BoxScoreShape", "game_parameters"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()

_TEAM_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", required=True),
    Column("team_id", _LONG, "The team.", required=True),
    Column("is_home", pa.bool_(), "Whether the answer has the team on the home side.", required=True),
    Column("team_city", _TEXT, "The team's city."),
    Column("team_name", _TEXT, "The team's name."),
    Column("team_tricode", _TEXT, "The team's three letters."),
    Column("team_slug", _TEXT, "The team's name in URLs."),
)
_PLAYER_COLUMNS = (
    Column("person_id", _LONG, "The player.", "personId", required=True),
    Column("player_order", _INT, "Place in the team's list as received, from 0: starters come first.", required=True),
    Column("first_name", _TEXT, "First name.", "firstName"),
    Column("family_name", _TEXT, "Family name.", "familyName"),
    Column("name_i", _TEXT, "Initial and family name.", "nameI"),
    Column("player_slug", _TEXT, "The player's name in URLs.", "playerSlug"),
    Column("position", _TEXT, "Position; empty for players who did not start.", "position"),
    Column("comment", _TEXT, "Why the player did not play, for instance DNP - Coach's Decision.", "comment"),
    Column("jersey_num", _TEXT, "Jersey number.", "jerseyNum"),
    Column("starter", pa.bool_(), "Whether the player started: the position is not empty.", required=True),
    Column("did_not_play", pa.bool_(), "Whether the player has no minutes.", required=True),
)
_MINUTES = Column("minutes", _TEXT, "Minutes as received; empty for a player who did not play.", "minutes")
_SECONDS = Column("minutes_seconds", _INT, "Played time in seconds; null for a player who did not play.")
_TEAM_KEYS = frozenset(
    {"teamId", "teamCity", "teamName", "teamTricode", "teamSlug", "players", "statistics", "starters", "bench"}
)
_ROOT_KEYS = frozenset({"gameId", "homeTeamId", "awayTeamId", "homeTeam", "awayTeam"})


def game_parameters(endpoint: str, class_name: str) -> Callable[[str], Mapping[str, str]]:
    """The query that nba_api's endpoint class sends for a game."""

    @cache
    def template() -> dict[str, str]:
        import importlib

        made = getattr(importlib.import_module(f"nba_api.stats.endpoints.{endpoint}"), class_name)
        parameters = made(game_id="0000000000", get_request=False).parameters
        return {name: str(value) for name, value in parameters.items()}

    def parameters(game_id: str) -> Mapping[str, str]:
        return {**template(), "GameID": game_id}

    return parameters


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    team: Mapping[str, Any]
    players: Sequence[Mapping[str, Any]]
    statistics: Mapping[str, Any]


class BoxScoreShape:
    """One V3 box score: its statistics, the two tables they become, and their checks.

    Args:
        name: the table of player lines; ``<name>-teams`` has the two team lines of a game.
        root: the payload's root key.
        statistics: API field -> (type, doc) of a player's and a team's line.
        team_statistics: the same for fields that only team lines have.
        splits: names of team blocks kept as structs (``starters``, ``bench``).
        check: the dataset's own checks over (players table, teams table, what is known); problems in words.
    """

    def __init__(
        self,
        name: str,
        root: str,
        statistics: Mapping[str, tuple[pa.DataType, str]],
        *,
        team_statistics: Mapping[str, tuple[pa.DataType, str]] | None = None,
        team_lacks: frozenset[str] = frozenset(),
        splits: Sequence[str] = (),
        split_lacks: frozenset[str] = frozenset(),
        check: Callable[[pa.Table, pa.Table, Expectation], list[str]] = lambda _players, _teams, _known: [],
    ) -> None:
        self._root = root
        self._check = check
        self._splits = tuple(splits)
        player = [Column(snake_case(key), kind, doc, key) for key, (kind, doc) in statistics.items()]
        team = [
            Column(snake_case(key), kind, doc, key)
            for key, (kind, doc) in {**statistics, **(team_statistics or {})}.items()
            if key not in team_lacks
        ]
        self._player_columns = (*_TEAM_COLUMNS, *_PLAYER_COLUMNS, _MINUTES, _SECONDS, *player)
        split_fields = [
            pa.field(snake_case(key), kind)
            for key, (kind, _doc) in {"minutes": (_TEXT, ""), **statistics}.items()
            if key not in split_lacks
        ]
        self._split_type = pa.struct(split_fields)
        self._split_keys = {key: snake_case(key) for key in ("minutes", *statistics) if key not in split_lacks}
        self._team_columns = (*_TEAM_COLUMNS, _MINUTES, _SECONDS, *team)
        split_columns = [
            pa.field(
                split,
                self._split_type,
                metadata={
                    "doc": f"The team's {split} together, as received; their minutes are wrong upstream.",
                    "source": split,
                },
            )
            for split in self._splits
        ]
        self._player_schema = schema_of(self._player_columns)
        self._team_schema = schema_of(self._team_columns)
        self.players = Table(name, self._player_schema, ("team_id", "player_order"))
        self.teams = Table(f"{name}-teams", pa.schema([*self._team_schema, *split_columns]), ("team_id",))
        self._player_keys = frozenset(column.source for column in _PLAYER_COLUMNS if column.source) | {"statistics"}
        self._statistics_keys = frozenset(statistics) | {"minutes"}
        self._team_statistics_keys = self._statistics_keys | frozenset(team_statistics or {})

    def assess(self, payload: Payload, known: Expectation) -> Assessment:
        """Judge an answer and turn it into the two tables."""
        try:
            return self._assess(payload, known)
        except ContractBroken as broken:
            return violation(str(broken))

    def _assess(self, payload: Payload, known: Expectation) -> Assessment:
        root = payload.get(self._root)
        if not isinstance(root, dict):
            return violation(f"{self._root}: missing or null")
        if root.get("gameId") != known.game_id:
            return violation(f"{self._root}.gameId: got {root.get('gameId')!r}, asked for {known.game_id}")
        if self._empty(root):
            suspicious = ("a final game without content",) if known.final and known.home_score else ()
            return Assessment("absent", problems=suspicious)
        # In order of the tables' key, so that nothing has to be sorted again.
        sides = sorted((self._side(root, "home"), self._side(root, "away")), key=lambda side: int(side.team["teamId"]))
        problems = self._identity(sides, known)
        if problems:
            return violation(*problems)
        players, teams = self._player_table(sides, known), self._team_table(sides, known)
        problems = self._played(sides, players) + self._check(players, teams, known)
        if problems:
            return violation(*problems)
        return Assessment(
            "ok",
            tables={self.players.name: players, self.teams.name: teams},
            unknown_fields=tuple(self._unknown(root, sides)),
        )

    def _empty(self, root: Mapping[str, Any]) -> bool:
        """A well-formed answer without content: ids 0 or no players and no statistics on either side."""
        teams = [root.get("homeTeam"), root.get("awayTeam")]
        return all(
            team is None or (isinstance(team, dict) and not team.get("players") and not team.get("statistics"))
            for team in teams
        )

    def _side(self, root: Mapping[str, Any], side: str) -> _Side:
        where = f"{self._root}.{side}Team"
        team = root.get(f"{side}Team")
        if not isinstance(team, dict):
            raise ContractBroken(f"{where}: missing or null")
        players, statistics = team.get("players"), team.get("statistics")
        if not isinstance(players, list) or not all(isinstance(player, dict) for player in players):
            raise ContractBroken(f"{where}.players: not a list of objects")
        if not isinstance(statistics, dict):
            raise ContractBroken(f"{where}.statistics: missing or null")
        for number, player in enumerate(players):
            if not isinstance(player.get("statistics"), dict):
                raise ContractBroken(f"{where}.players[{number}].statistics: missing or null")
        if type(team.get("teamId")) is not int or team["teamId"] <= 0:
            raise ContractBroken(f"{where}.teamId: got {team.get('teamId')!r}, want a team")
        return _Side(side, team, players, statistics)

    def _identity(self, sides: Sequence[_Side], known: Expectation) -> list[str]:
        found = {side.team["teamId"] for side in sides}
        if len(found) != 2:
            return [f"{self._root}: both sides are team {found.pop()}"]
        wanted = {known.home_team_id, known.away_team_id}
        # Neutral-site games may have the sides swapped: the two teams count, not their places.
        if None not in wanted and found != wanted:
            return [f"{self._root}: teams {sorted(found)} played, not {sorted(str(team) for team in wanted)}"]
        return []

    def _player_table(self, sides: Sequence[_Side], known: Expectation) -> pa.Table:
        rows: list[Mapping[str, Any]] = []
        derived = self._team_values(sides, known, [len(side.players) for side in sides])
        order: list[int] = []
        for side in sides:
            order += range(len(side.players))
            rows += [{**player, **player["statistics"]} for player in side.players]
        where = f"{self._root}.players"
        seconds = [minutes_to_seconds(_text(row, "minutes", where), f"{where}.minutes") for row in rows]
        derived["player_order"] = order
        derived["starter"] = [bool(row.get("position")) for row in rows]
        derived["did_not_play"] = [not value for value in seconds]
        derived["minutes_seconds"] = [value or None for value in seconds]
        table = build_table(self._player_schema, self._player_columns, rows, derived, where)
        people = [row["personId"] for row in rows]
        if len(set(people)) != len(people):
            raise ContractBroken(f"{where}: a player stands there twice")
        return table

    def _team_table(self, sides: Sequence[_Side], known: Expectation) -> pa.Table:
        rows = [side.statistics for side in sides]
        where = f"{self._root}.teams"
        derived = self._team_values(sides, known, [1, 1])
        derived["minutes_seconds"] = [
            minutes_to_seconds(_text(row, "minutes", where), f"{where}.minutes") for row in rows
        ]
        table = build_table(self._team_schema, self._team_columns, rows, derived, where)
        for split in self._splits:
            blocks = [self._split(side, split) for side in sides]
            field = self.teams.schema.field(split)
            try:
                table = table.append_column(field, pa.array(blocks, self._split_type))
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                raise ContractBroken(f"{self._root}.{split}: {error}") from None
        return table

    def _split(self, side: _Side, split: str) -> dict[str, Any] | None:
        block = side.team.get(split)
        if block is None:
            return None
        if not isinstance(block, dict):
            raise ContractBroken(f"{self._root}.{side.name}Team.{split}: not an object")
        missing = self._split_keys.keys() - block.keys()
        if missing:
            raise ContractBroken(f"{self._root}.{side.name}Team.{split}.{min(missing)}: missing")
        return {name: block[key] for key, name in self._split_keys.items()}

    def _team_values(self, sides: Sequence[_Side], known: Expectation, times: Sequence[int]) -> dict[str, list[Any]]:
        def repeat(values: Sequence[Any]) -> list[Any]:
            return [value for value, number in zip(values, times, strict=True) for _ in range(number)]

        values = {"game_id": [known.game_id] * sum(times), "is_home": repeat([side.name == "home" for side in sides])}
        for name, key in (
            ("team_id", "teamId"),
            ("team_city", "teamCity"),
            ("team_name", "teamName"),
            ("team_tricode", "teamTricode"),
            ("team_slug", "teamSlug"),
        ):
            if any(key not in side.team for side in sides):
                raise ContractBroken(f"{self._root}.team.{key}: missing")
            values[name] = repeat([side.team[key] for side in sides])
        return values

    def _played(self, sides: Sequence[_Side], players: pa.Table) -> list[str]:
        """A final game has players with minutes on both sides."""
        played: dict[int, int] = {}
        for team, absent in zip(
            players.column("team_id").to_pylist(), players.column("did_not_play").to_pylist(), strict=True
        ):
            played[team] = played.get(team, 0) + (not absent)
        return [
            f"{self._root}.{side.name}Team: no player of {side.team.get('teamTricode')} has minutes"
            for side in sides
            if not played.get(side.team["teamId"])
        ]

    def _unknown(self, root: Mapping[str, Any], sides: Sequence[_Side]) -> list[str]:
        found = sorted(f"{self._root}.{key}" for key in root.keys() - _ROOT_KEYS)
        for where, rows, keys in (
            ("team", [side.team for side in sides], _TEAM_KEYS),
            ("team.statistics", [side.statistics for side in sides], self._team_statistics_keys),
            ("players", [player for side in sides for player in side.players], self._player_keys),
            (
                "players.statistics",
                [player["statistics"] for side in sides for player in side.players],
                self._statistics_keys,
            ),
        ):
            found += unknown_keys(rows, frozenset(keys), f"{self._root}.{where}")
        return found


def _text(row: Mapping[str, Any], key: str, where: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise ContractBroken(f"{where}.{key}: got {value!r:.40}, want text")
    return value
