"""Samples to train models on: a row a player and game played, its features made of earlier games alone. Pure.

*Earlier* means: of an earlier US Eastern date, in the same season. What a feature is made of is known on the morning of
the game; whether the player starts, or plays at all, is not, and is no feature.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.export.rolling import Numbers, earlier, mean_of_all_before, mean_of_last

__all__ = ["PLAYER_STATISTICS", "TARGETS", "SampleColumn", "SeasonTables", "sample_columns", "season_samples"]

PLAYER_STATISTICS = (
    "minutes",
    "points",
    "rebounds_total",
    "assists",
    "steals",
    "blocks",
    "turnovers",
    "fouls_personal",
    "field_goals_made",
    "field_goals_attempted",
    "three_pointers_made",
    "three_pointers_attempted",
    "free_throws_made",
    "free_throws_attempted",
    "plus_minus_points",
    "usage_percentage",
    "true_shooting_percentage",
    "started",
)
"""What a player's rolling means are of. ``minutes`` is time played in minutes, ``started`` 1 or 0."""

TARGETS = ("minutes", "points", "rebounds_total", "assists", "steals", "blocks", "turnovers", "three_pointers_made")
"""What became of the game: the columns ``target_...``."""

_ADVANCED = ("usage_percentage", "true_shooting_percentage")
_ALLOWED = ("points", "field_goals_attempted", "three_pointers_made", "free_throws_attempted")
_ALLOWED_TOO = ("rebounds_total", "assists", "turnovers")
_TEAM = ("points", "offensive_rating", "pace")
_OPPONENT = ("defensive_rating", "pace")


@dataclass(frozen=True, slots=True)
class SeasonTables:
    """One season's rows as stored: ``games`` of any state, and the lines of the games that count.

    ``history`` names the season types whose games make features.
    """

    season: str
    games: pa.Table
    players: pa.Table
    teams: pa.Table
    advanced_players: pa.Table
    advanced_teams: pa.Table
    history: frozenset[str]


@dataclass(frozen=True, slots=True)
class SampleColumn:
    """A column of the samples. ``role``: ``key`` (who, when), ``feature``, ``target`` or ``split``."""

    name: str
    type: pa.DataType
    role: str
    doc: str


def sample_columns(windows: Sequence[int]) -> list[SampleColumn]:
    """Every column in order; ``windows`` are the lengths of the rolling means, in games."""
    text, whole, real, truth = pa.string(), pa.int32(), pa.float64(), pa.bool_()
    long = pa.int64()
    columns = [
        SampleColumn("split", text, "split", "train, validation or test: by date, train first."),
        SampleColumn("season", text, "key", "The season."),
        SampleColumn("season_type", text, "key", "Regular Season, Playoffs, PlayIn or IST."),
        SampleColumn("game_id", text, "key", "The game: ten digits."),
        SampleColumn("game_date", pa.date32(), "key", "US Eastern date of the game."),
        SampleColumn("person_id", long, "key", "The player."),
        SampleColumn("player_name", text, "key", "First and family name, as in that game's box score."),
        SampleColumn("team_id", long, "key", "The player's team."),
        SampleColumn("team_tricode", text, "key", "Its three letters."),
        SampleColumn("opponent_team_id", long, "key", "The other team."),
        SampleColumn("opponent_tricode", text, "key", "Its three letters."),
        SampleColumn("is_home", truth, "feature", "Whether the player's team is on the home side."),
        SampleColumn("neutral_site", truth, "feature", "Neither team's own arena; null when not known."),
        SampleColumn("games_before", whole, "feature", "Games the player played earlier in the season."),
        SampleColumn("games_in_last_7_days", whole, "feature", "Games the player played in the seven days before."),
        SampleColumn("rest_days", whole, "feature", "Days since the player's last game; null for the first."),
        SampleColumn("team_rest_days", whole, "feature", "Days since the team's last game."),
        SampleColumn("opponent_rest_days", whole, "feature", "Days since the opponent's last game."),
    ]
    for window in windows:
        columns += [
            SampleColumn(
                f"{name}_last_{window}", real, "feature", f"Mean of {name} over the last {window} games played."
            )
            for name in PLAYER_STATISTICS
        ]
    columns += [
        SampleColumn(f"{name}_season", real, "feature", f"Mean of {name} over all earlier games of the season.")
        for name in PLAYER_STATISTICS
    ]
    columns += [
        SampleColumn(f"team_{name}_season", real, "feature", f"Mean of the team's {name} so far.") for name in _TEAM
    ]
    columns += [
        SampleColumn(f"opponent_{name}_season", real, "feature", f"Mean of the opponent's {name} so far.")
        for name in _OPPONENT
    ]
    columns += [
        SampleColumn(
            f"opponent_allowed_{name}_season", real, "feature", f"Mean of {name} of the teams that met the opponent."
        )
        for name in (*_ALLOWED, *_ALLOWED_TOO)
    ]
    columns += [
        SampleColumn(f"target_{name}", real, "target", f"What happened: {name} in this game.") for name in TARGETS
    ]
    return columns


def season_samples(tables: SeasonTables, windows: Sequence[int]) -> pa.Table:
    """Every sample of a season in order of date, game and player, without a split.

    Only games whose season type is in ``tables.history`` and that have lines of both teams are looked at.
    """
    games = _Games(tables)
    lines = _played_lines(tables, games)
    made = _keys(lines, games)
    made |= _of_players(lines, windows)
    made |= _of_teams(tables, games, lines)
    made |= {f"target_{name}": lines.real(name) for name in TARGETS}
    order = sorted(range(len(lines.games)), key=lambda row: (lines.days[row], lines.games[row], lines.people[row]))
    arrays = []
    columns = [column for column in sample_columns(windows) if column.role != "split"]
    for column in columns:
        array = made[column.name]
        arrays.append(array.cast(column.type).take(pa.array(order, pa.int64())))
    schema = pa.schema([pa.field(column.name, column.type) for column in columns])
    return pa.Table.from_arrays(arrays, schema=schema)


class _Games:
    """What is known of each game that counts: its day, its type, its two teams."""

    def __init__(self, tables: SeasonTables) -> None:
        self.season = tables.season
        self.day: dict[str, int] = {}
        self.kind: dict[str, str] = {}
        self.neutral: dict[str, bool | None] = {}
        names = ("game_id", "season_type", "game_date", "neutral_site")
        for game, kind, date, neutral in zip(*(tables.games.column(name).to_pylist() for name in names), strict=True):
            if kind in tables.history:
                self.day[game], self.kind[game], self.neutral[game] = date.toordinal(), kind, neutral
        self.teams: dict[str, list[tuple[int, str]]] = {}
        lines = (tables.teams.column(name).to_pylist() for name in ("game_id", "team_id", "team_tricode"))
        for game, team, tricode in zip(*lines, strict=True):
            if game in self.day:
                self.teams.setdefault(game, []).append((team, tricode))
        self.teams = {game: sides for game, sides in self.teams.items() if len(sides) == 2}

    def opponent(self, game: str, team: int) -> tuple[int, str]:
        first, second = self.teams[game]
        return second if first[0] == team else first


@dataclass(slots=True)
class _Lines:
    """Lines of players that played, in order of player and day; ``values`` by the names of ``PLAYER_STATISTICS``."""

    games: list[str]
    days: list[int]
    people: list[int]
    teams: list[int]
    rows: pa.Table
    values: Numbers

    def real(self, name: str) -> pa.Array:
        return _real(self.values[:, PLAYER_STATISTICS.index(name)])


def _played_lines(tables: SeasonTables, games: _Games) -> _Lines:
    played = tables.players.filter(pc.invert(tables.players.column("did_not_play")))
    ids, people = played.column("game_id").to_pylist(), played.column("person_id").to_pylist()
    rows = [row for row, game in enumerate(ids) if game in games.teams]
    rows.sort(key=lambda row: (people[row], games.day[ids[row]], ids[row]))
    played = played.take(pa.array(rows, pa.int64()))
    ids, people = played.column("game_id").to_pylist(), played.column("person_id").to_pylist()
    advanced = _by_key(tables.advanced_players, ("game_id", "person_id"), _ADVANCED)
    nothing = (None,) * len(_ADVANCED)
    more = [advanced.get(key, nothing) for key in zip(ids, people, strict=True)]
    columns = []
    for name in PLAYER_STATISTICS:
        if name in _ADVANCED:
            columns.append(_numbers([values[_ADVANCED.index(name)] for values in more]))
        elif name == "minutes":
            columns.append(_numbers(played.column("minutes_seconds").to_pylist()) / 60)
        elif name == "started":
            columns.append(_numbers(played.column("starter").to_pylist()))
        else:
            columns.append(_numbers(played.column(name).to_pylist()))
    return _Lines(
        ids,
        [games.day[game] for game in ids],
        people,
        played.column("team_id").to_pylist(),
        played,
        np.column_stack(columns) if ids else np.empty((0, len(PLAYER_STATISTICS))),
    )


def _keys(lines: _Lines, games: _Games) -> dict[str, pa.Array]:
    opponents = [games.opponent(game, team) for game, team in zip(lines.games, lines.teams, strict=True)]
    rows = lines.rows
    names = zip(rows.column("first_name").to_pylist(), rows.column("family_name").to_pylist(), strict=True)
    dates = [dt.date.fromordinal(day) for day in lines.days]
    return {
        "season": pa.array([games.season] * len(lines.games), pa.string()),
        "season_type": pa.array([games.kind[game] for game in lines.games], pa.string()),
        "game_id": pa.array(lines.games, pa.string()),
        "game_date": pa.array(dates, pa.date32()),
        "person_id": pa.array(lines.people, pa.int64()),
        "player_name": pa.array([" ".join(part for part in name if part) for name in names], pa.string()),
        "team_id": pa.array(lines.teams, pa.int64()),
        "team_tricode": rows.column("team_tricode").combine_chunks(),
        "opponent_team_id": pa.array([team for team, _tricode in opponents], pa.int64()),
        "opponent_tricode": pa.array([tricode for _team, tricode in opponents], pa.string()),
        "is_home": rows.column("is_home").combine_chunks(),
        "neutral_site": pa.array([games.neutral[game] for game in lines.games], pa.bool_()),
    }


def _of_players(lines: _Lines, windows: Sequence[int]) -> dict[str, pa.Array]:
    """Features of the player's own earlier games."""
    made: dict[str, list[Numbers]] = {}
    counts: dict[str, list[int | None]] = {"games_before": [], "games_in_last_7_days": [], "rest_days": []}
    for start, end in _runs(lines.people):
        days = np.array(lines.days[start:end], np.int64)
        values, before = lines.values[start:end], earlier(days)
        for window in windows:
            made.setdefault(f"last_{window}", []).append(mean_of_last(values, before, window))
        made.setdefault("season", []).append(mean_of_all_before(values, before))
        since = np.searchsorted(days, days - 7, side="left")
        counts["games_before"] += before.tolist()
        counts["games_in_last_7_days"] += (before - since).tolist()
        counts["rest_days"] += _rest(days.tolist(), before.tolist())
    arrays = {name: pa.array(values, pa.int32()) for name, values in counts.items()}
    for suffix in (*(f"last_{window}" for window in windows), "season"):
        blocks = made.get(suffix)
        means = np.concatenate(blocks) if blocks else np.empty((0, len(PLAYER_STATISTICS)))
        arrays |= {f"{name}_{suffix}": _real(means[:, place]) for place, name in enumerate(PLAYER_STATISTICS)}
    return arrays


def _of_teams(tables: SeasonTables, games: _Games, lines: _Lines) -> dict[str, pa.Array]:
    """Features of the earlier games of the player's team and of the opponent."""
    own = ("points", *_ALLOWED[1:], *_ALLOWED_TOO)
    plain = _by_key(tables.teams, ("game_id", "team_id"), own)
    advanced = _by_key(tables.advanced_teams, ("game_id", "team_id"), ("offensive_rating", "defensive_rating", "pace"))
    names = ("points", "offensive_rating", "defensive_rating", "pace", *(f"allowed_{name}" for name in own))
    sides = sorted((team, games.day[game], game) for game, teams in games.teams.items() for team, _tricode in teams)
    rows = [
        (
            plain[game, team][0],
            *advanced.get((game, team), (None, None, None)),
            *plain[game, games.opponent(game, team)[0]],
        )
        for team, _day, game in sides
    ]
    values = np.column_stack([_numbers([row[place] for row in rows]) for place in range(len(names))])
    means: dict[tuple[str, int], tuple[Numbers, int | None]] = {}
    for start, end in _runs([team for team, _day, _game in sides]):
        days = np.array([day for _team, day, _game in sides[start:end]], np.int64)
        before = earlier(days)
        found = mean_of_all_before(values[start:end], before)
        rest = _rest(days.tolist(), before.tolist())
        for row, (team, _day, game) in enumerate(sides[start:end]):
            means[game, team] = found[row], rest[row]
    of_team = [means[key] for key in zip(lines.games, lines.teams, strict=True)]
    of_opponent = [
        means[game, games.opponent(game, team)[0]] for game, team in zip(lines.games, lines.teams, strict=True)
    ]
    made = {
        "team_rest_days": pa.array([rest for _means, rest in of_team], pa.int32()),
        "opponent_rest_days": pa.array([rest for _means, rest in of_opponent], pa.int32()),
    }
    wanted: Iterable[tuple[str, str, list[tuple[Numbers, int | None]]]] = (
        *(("team_", name, of_team) for name in _TEAM),
        *(("opponent_", name, of_opponent) for name in _OPPONENT),
        *(("opponent_", f"allowed_{name}", of_opponent) for name in own),
    )
    for prefix, name, found_means in wanted:
        place = names.index(name)
        made[f"{prefix}{name}_season"] = _real(np.array([each[place] for each, _rest_days in found_means]))
    return made


def _rest(days: Sequence[int], before: Sequence[int]) -> list[int | None]:
    """Days since the last earlier game."""
    return [day - days[count - 1] if count else None for day, count in zip(days, before, strict=True)]


def _runs(keys: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Start and end of each run of equal keys."""
    start = 0
    for end in range(1, len(keys) + 1):
        if end == len(keys) or keys[end] != keys[start]:
            yield start, end
            start = end


def _by_key(
    table: pa.Table, key: tuple[str, str], names: Collection[str]
) -> Mapping[tuple[str, int], tuple[float | None, ...]]:
    keys = zip(*(table.column(name).to_pylist() for name in key), strict=True)
    values = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return dict(zip(keys, values, strict=True))


def _numbers(values: Sequence[float | None]) -> Numbers:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _real(values: Numbers) -> pa.Array:
    """NaN becomes null."""
    return pa.array(values, pa.float64(), from_pandas=True)
