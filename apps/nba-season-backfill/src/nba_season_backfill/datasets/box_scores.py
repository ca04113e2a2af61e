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
    build_arrays,
    build_table,
    minutes_to_seconds,
    schema_of,
    snake_case,
    unknown_keys,
)

__all__ = ["BoxScoreShape", "game_parameters"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()

# Where a team and a player stand; both sides have the same shape.
_TEAM, _PLAYERS = "homeTeam", "homeTeam.players[]"
_STATISTICS = "statistics"


def _team_columns(*, of_players: bool) -> tuple[Column, ...]:
    """Which team and game a line belongs to; in a player's line they are those of its team's line."""

    def column(name: str, kind: pa.DataType, doc: str, source: str, *, required: bool = False) -> Column:
        if of_players:
            return Column(name, kind, doc, path=f"{_TEAM}.{source}", required=required)
        return Column(name, kind, doc, source, required=required)

    return (
        Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", path="gameId", required=True),
        column("team_id", _LONG, "The team.", "teamId", required=True),
        Column("is_home", pa.bool_(), "Whether the answer has the team on the home side.", required=True),
        column("team_city", _TEXT, "The team's city.", "teamCity"),
        column("team_name", _TEXT, "The team's name.", "teamName"),
        column("team_tricode", _TEXT, "The team's three letters.", "teamTricode"),
        column("team_slug", _TEXT, "The team's name in URLs.", "teamSlug"),
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
    Column(
        "starter",
        pa.bool_(),
        "Whether the player started: the position is not empty.",
        path=f"{_PLAYERS}.position",
        required=True,
    ),
    Column(
        "did_not_play",
        pa.bool_(),
        "Whether the player did not play: no minutes, or none and a comment that says why.",
        path=f"{_PLAYERS}.{_STATISTICS}.minutes",
        required=True,
    ),
)
_MINUTES = Column(
    "minutes", _TEXT, "Minutes as received; empty for a player who did not play.", "minutes", parent=_STATISTICS
)
_TEAM_KEYS = frozenset({"teamId", "teamCity", "teamName", "teamTricode", "teamSlug", "players", _STATISTICS})
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
    where: str
    team: Mapping[str, Any]
    players: Sequence[Mapping[str, Any]]


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
        player = [
            Column(snake_case(key), kind, doc, key, parent=_STATISTICS) for key, (kind, doc) in statistics.items()
        ]
        team = [
            Column(snake_case(key), kind, doc, key, parent=_STATISTICS)
            for key, (kind, doc) in {**statistics, **(team_statistics or {})}.items()
            if key not in team_lacks
        ]
        self._of_team = _team_columns(of_players=True)
        self._player_columns = (
            *self._of_team,
            *_PLAYER_COLUMNS,
            _MINUTES,
            _seconds(_PLAYERS, "Played time in seconds; null for a player who did not play."),
            *player,
        )
        self._team_columns = (
            *_team_columns(of_players=False),
            _MINUTES,
            _seconds(_TEAM, "Played time in seconds, of all players together."),
            *team,
        )
        # Blocks of the team's line that are kept as they are: one struct each, its fields declared and checked alike.
        self._splits = {
            split: tuple(
                Column(snake_case(key), kind, doc, key)
                for key, (kind, doc) in {"minutes": (_TEXT, "Wrong upstream."), **statistics}.items()
                if key not in split_lacks
            )
            for split in splits
        }
        split_fields = [
            pa.field(
                split,
                pa.struct([pa.field(column.name, column.type) for column in columns]),
                metadata={
                    "doc": f"The team's {split} together, as received; their minutes are wrong upstream.",
                    "source": f"{_TEAM}.{split}",
                },
            )
            for split, columns in self._splits.items()
        ]
        self._player_schema = schema_of(self._player_columns, _PLAYERS)
        self._team_schema = schema_of(self._team_columns, _TEAM)
        self.players = Table(name, self._player_schema, ("team_id", "player_order"))
        self.teams = Table(f"{name}-teams", pa.schema([*self._team_schema, *split_fields]), ("team_id",))
        self._player_keys = frozenset(column.source for column in _PLAYER_COLUMNS if column.source) | {_STATISTICS}
        self._statistics_keys = frozenset(statistics) | {"minutes"}
        self._team_statistics_keys = self._statistics_keys | frozenset(team_statistics or {})

    def assess(self, payload: Payload, known: Expectation) -> Assessment:
        """Judge an answer and turn it into the two tables."""
        try:
            return self._assess(payload, known)
        except ContractBroken as broken:
            return violation(str(broken))

    def _assess(self, payload: Payload, known: Expectation) -> Assessment:
        root = payload.get(self._root) if isinstance(payload, dict) else None
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
        teams = self._team_table(sides, known)
        players = self._player_table(sides, teams)
        problems = self._played(sides, players) + self._check(players, teams, known)
        if problems:
            return violation(*problems)
        return Assessment(
            "ok",
            tables={self.players.name: players, self.teams.name: teams},
            unknown_fields=tuple(self._unknown(root, sides)),
        )

    def _empty(self, root: Mapping[str, Any]) -> bool:
        """A well-formed answer without content: both sides stand there, without players and without statistics."""
        return all(
            side in root
            and (
                root[side] is None
                or (
                    isinstance(root[side], dict)
                    and {"players", _STATISTICS} <= root[side].keys()
                    and not root[side]["players"]
                    and not root[side][_STATISTICS]
                )
            )
            for side in ("homeTeam", "awayTeam")
        )

    def _side(self, root: Mapping[str, Any], side: str) -> _Side:
        where = f"{self._root}.{side}Team"
        team = root.get(f"{side}Team")
        if not isinstance(team, dict):
            raise ContractBroken(f"{where}: missing or null")
        players, statistics = team.get("players"), team.get(_STATISTICS)
        if not isinstance(players, list) or not all(isinstance(player, dict) for player in players):
            raise ContractBroken(f"{where}.players: not a list of objects")
        if not isinstance(statistics, dict):
            raise ContractBroken(f"{where}.statistics: missing or null")
        for number, player in enumerate(players):
            if not isinstance(player.get(_STATISTICS), dict):
                raise ContractBroken(f"{where}.players[{number}].statistics: missing or null")
        if type(team.get("teamId")) is not int or team["teamId"] <= 0:
            raise ContractBroken(f"{where}.teamId: got {team.get('teamId')!r:.60}, want a team")
        return _Side(side, where, team, players)

    def _identity(self, sides: Sequence[_Side], known: Expectation) -> list[str]:
        found = {side.team["teamId"] for side in sides}
        if len(found) != 2:
            return [f"{self._root}: both sides are team {found.pop()}"]
        wanted = {known.home_team_id, known.away_team_id}
        # Neutral-site games may have the sides swapped: the two teams count, not their places.
        if None not in wanted and found != wanted:
            return [f"{self._root}: teams {sorted(found)} played, not {sorted(str(team) for team in wanted)}"]
        return []

    def _team_table(self, sides: Sequence[_Side], known: Expectation) -> pa.Table:
        rows = [side.team for side in sides]
        derived: dict[str, Sequence[Any]] = {
            "game_id": [known.game_id, known.game_id],
            "is_home": [side.name == "home" for side in sides],
            "minutes_seconds": _played_seconds(rows, lambda number: sides[number].where),
        }
        arrays = build_arrays(self._team_columns, rows, derived, lambda number: sides[number].where)
        arrays += [self._split(sides, split, columns) for split, columns in self._splits.items()]
        return pa.Table.from_arrays(arrays, schema=self.teams.schema)

    def _split(self, sides: Sequence[_Side], split: str, columns: Sequence[Column]) -> pa.Array:
        blocks = [side.team.get(split) for side in sides]
        for side, block in zip(sides, blocks, strict=True):
            if block is not None and not isinstance(block, dict):
                raise ContractBroken(f"{side.where}.{split}: got {block!r:.60}, want an object")
        # A block that is null has null fields; that it is null itself is kept too.
        nothing = dict.fromkeys((column.source for column in columns), None)
        arrays = build_arrays(
            columns,
            [nothing if block is None else block for block in blocks],
            {},
            lambda number: f"{sides[number].where}.{split}",
        )
        kind = self.teams.schema.field(split).type
        return pa.StructArray.from_arrays(
            arrays, fields=list(kind), mask=pa.array([block is None for block in blocks], pa.bool_())
        )

    def _player_table(self, sides: Sequence[_Side], teams: pa.Table) -> pa.Table:
        counts = [len(side.players) for side in sides]
        rows = [player for side in sides for player in side.players]

        def where(number: int) -> str:
            side = 0 if number < counts[0] else 1
            return f"{sides[side].where}.players[{number - side * counts[0]}]"

        seconds = _played_seconds(rows, where)
        # Some who stay out have 0:00 and a reason; 0:00 without one was on the court for less than a second.
        out = [not time and (time is None or bool(row.get("comment"))) for row, time in zip(rows, seconds, strict=True)]
        derived: dict[str, Sequence[Any]] = {
            column.name: [value for value, count in zip(values, counts, strict=True) for _ in range(count)]
            for column in self._of_team
            for values in (teams.column(column.name).to_pylist(),)
        }
        derived["player_order"] = [number for count in counts for number in range(count)]
        derived["starter"] = [bool(row.get("position")) for row in rows]
        derived["did_not_play"] = out
        derived["minutes_seconds"] = [None if absent else time for time, absent in zip(seconds, out, strict=True)]
        table = build_table(self._player_schema, self._player_columns, rows, derived, where)
        people: dict[Any, int] = {}
        for number, row in enumerate(rows):
            first = people.setdefault(row["personId"], number)
            if first != number:
                raise ContractBroken(f"{where(number)}.personId: {row['personId']} stands there twice ({where(first)})")
        return table

    def _played(self, sides: Sequence[_Side], players: pa.Table) -> list[str]:
        """A final game has players with minutes on both sides."""
        played = {
            team
            for team, seconds in zip(
                players.column("team_id").to_pylist(), players.column("minutes_seconds").to_pylist(), strict=True
            )
            if seconds
        }
        return [
            f"{side.where}: no player of {side.team.get('teamTricode')} has minutes"
            for side in sides
            if side.team["teamId"] not in played
        ]

    def _unknown(self, root: Mapping[str, Any], sides: Sequence[_Side]) -> list[str]:
        found = sorted(f"{self._root}.{key}" for key in root.keys() - _ROOT_KEYS)
        players = [player for side in sides for player in side.players]
        for where, rows, keys in (
            ("team", [side.team for side in sides], _TEAM_KEYS | self._splits.keys()),
            ("team.statistics", [side.team[_STATISTICS] for side in sides], self._team_statistics_keys),
            *(
                (
                    f"team.{split}",
                    [side.team[split] for side in sides if side.team.get(split)],
                    frozenset(column.source for column in columns),
                )
                for split, columns in self._splits.items()
            ),
            ("players", players, self._player_keys),
            ("players.statistics", [player[_STATISTICS] for player in players], self._statistics_keys),
        ):
            found += unknown_keys(rows, keys, f"{self._root}.{where}")
        return found


def _seconds(rows: str, doc: str) -> Column:
    return Column("minutes_seconds", _INT, doc, path=f"{rows}.{_STATISTICS}.minutes")


def _played_seconds(rows: Sequence[Mapping[str, Any]], where: Callable[[int], str]) -> list[int | None]:
    """Each line's played time; null where its minutes are empty."""
    texts = [row[_STATISTICS].get("minutes") for row in rows]
    seconds = [minutes_to_seconds(text) if text and type(text) is str else None for text in texts]
    for number, (text, time) in enumerate(zip(texts, seconds, strict=True)):
        if time is None and text is not None and text != "":
            found = f"got {text!r:.40}, want minutes such as 36:35 or PT36M35.00S"
            raise ContractBroken(f"{where(number)}.{_STATISTICS}.minutes: {found}")
    return seconds
