"""What all V3 box scores share: two teams, their players, and the checks that make rows of nulls impossible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import Assessment, Expectation, Payload, Table, broken_contract, violation
from nba_season_backfill.datasets.base import quality_of as quality
from nba_season_backfill.datasets.columns import (
    Column,
    ContractBroken,
    Outliers,
    build_arrays,
    build_table,
    minutes_to_seconds,
    schema_of,
    snake_case,
    unknown_keys,
)
from nba_season_backfill.datasets.measures import Measure
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

__all__ = ["BoxScoreShape", "game_parameters"]

_INT, _LONG, _TEXT = pa.int32(), pa.int64(), pa.string()
_STATISTICS = "statistics"
# Six overtimes are the most there ever were: 78 minutes.
_LONGEST_SECONDS = 80 * 60

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
        path=f"{PLAYERS}.position",
        required=True,
    ),
)


def _player_columns(minutes: str) -> tuple[Column, ...]:
    return (
        *_PLAYER_COLUMNS,
        Column(
            "did_not_play",
            pa.bool_(),
            "Whether the player did not play: no minutes, or none and a comment that says why.",
            path=f"{PLAYERS}.{_STATISTICS}.{minutes}",
            required=True,
        ),
    )


class BoxScoreShape:
    """One V3 box score: its statistics, the two tables they become, and their checks.

    Args:
        name: the table of player lines; ``<name>-teams`` has the two team lines of a game.
        root: the payload's root key.
        statistics: API field -> measure of a player's and a team's line.
        team_statistics: the same for fields that only team lines have.
        team_lacks: fields that team lines lack.
        splits: names of team blocks kept as structs (``starters``, ``bench``).
        minutes: the field that has a player's minutes.
        teams: whether there are team lines at all; without them the teams' statistics are empty upstream.
        tracked: whether it comes from cameras or observers, which not every arena has: an answer without content, or in
            which nobody has minutes, is then no reason for doubt.
        check: the dataset's own checks over (players table, teams table, what is known); problems in words.
    """

    def __init__(
        self,
        name: str,
        root: str,
        statistics: Mapping[str, Measure],
        *,
        team_statistics: Mapping[str, Measure] | None = None,
        team_lacks: frozenset[str] = frozenset(),
        splits: Sequence[str] = (),
        split_lacks: frozenset[str] = frozenset(),
        minutes: str = "minutes",
        teams: bool = True,
        tracked: bool = False,
        check: Callable[[pa.Table, pa.Table, Expectation], list[str]] = lambda _players, _teams, _known: [],
    ) -> None:
        self._root = root
        self._check = check
        self._minutes = minutes
        self._tracked = tracked
        self._seconds = f"{snake_case(minutes)}_seconds"
        player = [_statistic(key, measure) for key, measure in statistics.items()]
        team = [
            _statistic(key, measure, of_team=True)
            for key, measure in {**statistics, **(team_statistics or {})}.items()
            if key not in team_lacks
        ]
        self._of_team = team_columns(of_rows=True)
        self._player_columns = (
            *self._of_team,
            *_player_columns(minutes),
            *_minutes_columns(PLAYERS, minutes, "a player who did not play", 1),
            *player,
        )
        self._team_columns = (
            *team_columns(of_rows=False),
            *(_minutes_columns(TEAM, "minutes", "", 5) if teams else ()),
            *(team if teams else ()),
        )
        # Blocks of the team's line that are kept as they are: one struct each, its fields declared and checked alike.
        self._splits = {
            split: tuple(
                Column(snake_case(key), measure.kind, measure.doc, key)
                for key, measure in {"minutes": Measure(_TEXT, "Wrong upstream."), **statistics}.items()
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
                    "source": f"{TEAM}.{split}",
                },
            )
            for split, columns in self._splits.items()
        ]
        self._player_schema = schema_of(self._player_columns, PLAYERS)
        self._team_schema = pa.schema([*schema_of(self._team_columns, TEAM), *split_fields])
        self.players = Table(name, self._player_schema, ("team_id", "player_order"))
        self.teams = Table(f"{name}-teams", self._team_schema, ("team_id",)) if teams else None
        self._player_keys = frozenset(column.source for column in _PLAYER_COLUMNS if column.source) | {_STATISTICS}
        self._statistics_keys = frozenset(statistics) | {minutes}
        self._team_statistics_keys = frozenset({"minutes"})
        if teams:
            self._team_statistics_keys |= frozenset(statistics) | frozenset(team_statistics or {})

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its tables: the players' lines, and the teams' where there are any."""
        return (self.players,) if self.teams is None else (self.players, self.teams)

    def assess(self, payload: Payload, known: Expectation) -> Assessment:
        """Judge an answer and turn it into the tables."""
        try:
            return self._assess(payload, known)
        except ContractBroken as broken:
            return broken_contract(broken)

    def _assess(self, payload: Payload, known: Expectation) -> Assessment:
        root = root_of(payload, self._root, known)
        if without_content(root, "players", _STATISTICS):
            doubtful = known.final and known.home_score and not self._tracked
            return Assessment("absent", problems=("a final game without content",) if doubtful else ())
        sides = both_sides(root, self._root, objects=(_STATISTICS,))
        problems = identity(self._root, {side.team["teamId"] for side in sides}, known)
        if problems:
            return violation(*problems)
        if self._tracked and not any(_plays(player, self._minutes) for side in sides for player in side.players):
            return Assessment("absent")
        outliers = Outliers()
        teams = self._team_table(sides, known, outliers)
        players = self._player_table(sides, teams, outliers)
        problems = self._played(sides, players) + self._check(players, teams, known)
        tables = {table.name: rows for table, rows in zip(self.tables, (players, teams), strict=False)}
        if problems:
            return violation(*problems, tables=tables)
        return Assessment(
            "ok",
            tables=tables,
            unknown_fields=tuple(self._unknown(root, sides)),
            quality=quality(tables, outliers),
        )

    def _team_table(self, sides: Sequence[Side], known: Expectation, outliers: Outliers) -> pa.Table:
        rows = [side.team for side in sides]

        def where(number: int) -> str:
            return sides[number].where

        derived: dict[str, Sequence[Any]] = {
            "game_id": [known.game_id, known.game_id],
            "is_home": [side.name == "home" for side in sides],
        }
        if self.teams is not None:
            derived["minutes_seconds"] = _played_seconds(rows, "minutes", where)
        arrays = build_arrays(self._team_columns, rows, derived, where, outliers)
        arrays += [self._split(sides, split, columns) for split, columns in self._splits.items()]
        return pa.Table.from_arrays(arrays, schema=self._team_schema)

    def _split(self, sides: Sequence[Side], split: str, columns: Sequence[Column]) -> pa.Array:
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
        kind = self._team_schema.field(split).type
        return pa.StructArray.from_arrays(
            arrays, fields=list(kind), mask=pa.array([block is None for block in blocks], pa.bool_())
        )

    def _player_table(self, sides: Sequence[Side], teams: pa.Table, outliers: Outliers) -> pa.Table:
        counts = [len(side.players) for side in sides]
        rows = [player for side in sides for player in side.players]

        def where(number: int) -> str:
            side = 0 if number < counts[0] else 1
            return f"{sides[side].where}.players[{number - side * counts[0]}]"

        seconds = _played_seconds(rows, self._minutes, where)
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
        derived[self._seconds] = [None if absent else time for time, absent in zip(seconds, out, strict=True)]
        table = build_table(self._player_schema, self._player_columns, rows, derived, where, outliers)
        people: dict[Any, int] = {}
        for number, row in enumerate(rows):
            first = people.setdefault(row["personId"], number)
            if first != number:
                raise ContractBroken(f"{where(number)}.personId: {row['personId']} stands there twice ({where(first)})")
        return table

    def _played(self, sides: Sequence[Side], players: pa.Table) -> list[str]:
        """A final game has players with minutes on both sides."""
        played = {
            team
            for team, seconds in zip(
                players.column("team_id").to_pylist(), players.column(self._seconds).to_pylist(), strict=True
            )
            if seconds
        }
        return [
            f"{side.where}: no player of {side.team.get('teamTricode')} has minutes"
            for side in sides
            if side.team["teamId"] not in played
        ]

    def _unknown(self, root: Mapping[str, Any], sides: Sequence[Side]) -> list[str]:
        found = sorted(f"{self._root}.{key}" for key in root.keys() - ROOT_KEYS)
        players = [player for side in sides for player in side.players]
        for where, rows, keys in (
            ("team", [side.team for side in sides], TEAM_KEYS | {_STATISTICS} | self._splits.keys()),
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


def _statistic(key: str, measure: Measure, *, of_team: bool = False) -> Column:
    low, high = (measure.team_low, measure.team_high) if of_team else (measure.low, measure.high)
    return Column(snake_case(key), measure.kind, measure.doc, key, parent=_STATISTICS, low=low, high=high)


def _minutes_columns(rows: str, minutes: str, empty: str, people: int) -> tuple[Column, Column]:
    """The text as received, and what it means in seconds."""
    name = snake_case(minutes)
    nothing = f"; empty for {empty}" if empty else ""
    null = f"; null for {empty}" if empty else ", of all players together"
    what = "Minutes" if minutes == "minutes" else "Minutes in match-ups"
    return (
        Column(name, _TEXT, f"{what} as received{nothing}.", minutes, parent=_STATISTICS),
        Column(
            f"{name}_seconds",
            _INT,
            f"{'Played time' if minutes == 'minutes' else 'Time in match-ups'} in seconds{null}.",
            path=f"{rows}.{_STATISTICS}.{minutes}",
            low=0,
            high=_LONGEST_SECONDS * people,
        ),
    )


def _plays(player: Mapping[str, Any], minutes: str) -> bool:
    """Whether a player's line has any time; a text that is no time counts as some, to be refused by its path."""
    text = player[_STATISTICS].get(minutes)
    return bool(text) and (type(text) is not str or minutes_to_seconds(text) != 0)


def _played_seconds(rows: Sequence[Mapping[str, Any]], minutes: str, where: Callable[[int], str]) -> list[int | None]:
    """Each line's played time; null where its minutes are empty."""
    texts = [row[_STATISTICS].get(minutes) for row in rows]
    seconds = [minutes_to_seconds(text) if text and type(text) is str else None for text in texts]
    for number, (text, time) in enumerate(zip(texts, seconds, strict=True)):
        if time is None and text is not None and text != "":
            found = f"got {text!r:.40}, want minutes such as 36:35 or PT36M35.00S"
            raise ContractBroken(f"{where(number)}.{_STATISTICS}.{minutes}: {found}", type_errors=1)
    return seconds
