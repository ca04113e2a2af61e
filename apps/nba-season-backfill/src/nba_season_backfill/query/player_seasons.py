"""A player's season: who is meant, and his lines with dates, opponents and scores. Twelve requests."""

from __future__ import annotations

import datetime as dt
import difflib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.errors import UsageError
from nba_season_backfill.query.errors import NameUnknown
from nba_season_backfill.query.games import season_type_of
from nba_season_backfill.query.names import Person, find_person
from nba_season_backfill.query.partitions import Partition
from nba_season_backfill.query.reader import Reader, SeasonState

__all__ = ["LINES", "STAT_NAMES", "PlayerSeason", "advanced_stats", "line_stats", "player_season", "stat_column"]

LINES = "box-scores-traditional"
"""The table that has a player's lines."""

_ADVANCED, _PEOPLE = "box-scores-advanced", "players"
_NAME = ("person_id", "player_first_name", "player_last_name", "team_abbreviation", "player_slug")
_WHO = ("game_id", "team_id", "is_home", "team_tricode", "person_id")
_HOW = ("starter", "did_not_play", "minutes_seconds")
STAT_NAMES: Mapping[str, str] = {
    "pts": "points",
    "reb": "rebounds_total",
    "rebounds": "rebounds_total",
    "oreb": "rebounds_offensive",
    "dreb": "rebounds_defensive",
    "ast": "assists",
    "stl": "steals",
    "blk": "blocks",
    "tov": "turnovers",
    "to": "turnovers",
    "pf": "fouls_personal",
    "fouls": "fouls_personal",
    "fgm": "field_goals_made",
    "fga": "field_goals_attempted",
    "fg%": "field_goals_percentage",
    "3pm": "three_pointers_made",
    "fg3m": "three_pointers_made",
    "threes": "three_pointers_made",
    "3pa": "three_pointers_attempted",
    "3p%": "three_pointers_percentage",
    "ftm": "free_throws_made",
    "fta": "free_throws_attempted",
    "ft%": "free_throws_percentage",
    "+/-": "plus_minus_points",
    "plus_minus": "plus_minus_points",
    "min": "minutes_played",
    "minutes": "minutes_played",
    "usage": "usage_percentage",
    "ts%": "true_shooting_percentage",
    "efg%": "effective_field_goal_percentage",
    "ortg": "offensive_rating",
    "drtg": "defensive_rating",
}
"""What people write for a statistic -> its column."""


def line_stats() -> tuple[str, ...]:
    """The statistics of the traditional box score, and the minutes."""
    return ("minutes_played", *_stats_of(LINES))


def advanced_stats() -> tuple[str, ...]:
    """Those that only the advanced one has."""
    return tuple(name for name in _stats_of(_ADVANCED) if name not in _stats_of(LINES))


@cache
def _stats_of(table: str) -> tuple[str, ...]:
    """A box score's statistics: its numbers, but for ids and places."""
    return tuple(
        field.name
        for field in TABLES[table].schema
        if (pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
        and field.name not in ("team_id", "person_id", "player_order", "minutes_seconds")
    )


def stat_column(stat: str) -> str:
    """The column that a statistic's name means: the column's own name, or what people write (``pts``, ``3pm``).

    Raises:
        UsageError: there is none; the nearest ones.
    """
    asked = stat.strip().lower().replace("-", "_").replace(" ", "_")
    column = STAT_NAMES.get(asked, asked)
    known = [*line_stats(), *advanced_stats()]
    if column in known:
        return column
    near = difflib.get_close_matches(asked, [*known, *STAT_NAMES], 3, 0.5)
    raise UsageError(f"no statistic {stat!r}", hint=f"did you mean {', '.join(near)}?" if near else "try points")


@dataclass(frozen=True, slots=True)
class PlayerSeason:
    """Who it is, and his games in playing order. ``profile``: his line of the season's list, where that was wanted."""

    person: Person
    season: str
    table: pa.Table
    state: SeasonState
    profile: Mapping[str, Any]


def player_season(
    reader: Reader, player: str, season: str | None, stats: Collection[str], *, profile: bool = False
) -> PlayerSeason:
    """A player's season, with these statistics. Where none is named: the newest in which there is such a player.

    Args:
        profile: read all of the list of players, not the names alone.
    """
    newest, partitions = reader.of_season(LINES, season)
    try:
        return _played_in(reader, player, newest, partitions, stats, profile=profile)
    except NameUnknown:
        if season is not None:
            raise
        earlier = _season_with(reader, player, before=newest)
        if earlier is None:
            raise
        return _played_in(reader, player, earlier, reader.of_season(LINES, earlier)[1], stats, profile=profile)


def _played_in(
    reader: Reader,
    player: str,
    season: str,
    partitions: Sequence[Partition],
    stats: Collection[str],
    *,
    profile: bool,
) -> PlayerSeason:
    shown = [name for name in _stats_of(LINES) if name in stats]
    # Points always: the teams' scores are their players'.
    columns = list(dict.fromkeys([*_WHO, *_HOW, *shown, "points"]))
    names = TABLES[_PEOPLE].schema.names if profile else _NAME
    works: list[Callable[[], Any]] = [
        partial(reader.read, reader.at(_PEOPLE, season, None), names),
        partial(reader.state, season),
        *(partial(reader.read, each, columns) for each in partitions),
    ]
    more = [name for name in advanced_stats() if name in stats]
    if more:
        wanted = ["game_id", "person_id", *more]
        works += [partial(reader.read, each, wanted) for each in reader.partitions(_ADVANCED, season)]
    listed, state, *tables = reader.together(*works)
    lines = tables[: len(partitions)]
    person = _person(reader, player, listed, partitions, lines, f"{season} ({reader.store.url})")
    own = pa.concat_tables([_of_person(each, person) for each in lines])
    dates = reader.dates_of(season, state, set(own.column("game_id").to_pylist()))
    table = _games_of(own, lines, season, dates, shown)
    if more:
        table = _joined(table, [_of_person(each, person) for each in tables[len(partitions) :]], more)
    profiles = _of_person(listed, person).to_pylist() if profile else []
    return PlayerSeason(person, season, table, state, profiles[0] if profiles else {})


def _season_with(reader: Reader, player: str, *, before: str) -> str | None:
    """The newest earlier season whose list has such a player."""
    earlier = [partition for partition in reader.partitions(_PEOPLE) if partition.season < before]
    tables = reader.together(*(partial(reader.read, each, _NAME) for each in earlier)) if earlier else []
    for partition, table in sorted(zip(earlier, tables, strict=True), key=lambda pair: pair[0].season, reverse=True):
        try:
            find_person(player, _listed(table), partition.season)
        except NameUnknown:
            continue
        return partition.season
    return None


def _listed(table: pa.Table) -> list[Person]:
    return [
        Person(person_id, f"{first or ''} {last or ''}".strip(), team or "", slug or "")
        for person_id, first, last, team, slug in zip(*(table.column(name).to_pylist() for name in _NAME), strict=True)
    ]


def _person(
    reader: Reader,
    player: str,
    listed: pa.Table,
    partitions: Sequence[Partition],
    lines: Sequence[pa.Table],
    where: str,
) -> Person:
    """Who is meant, by the season's list; by the box scores where there is none, or it does not have everybody."""
    people = _listed(listed)
    try:
        return find_person(player, people, where)
    except NameUnknown:
        known = {each.person_id for each in people}
        if all(known >= set(table.column("person_id").to_pylist()) for table in lines):
            raise
    names = ("person_id", "first_name", "family_name", "team_tricode", "player_slug")
    for table in reader.scan(partitions, names):
        rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
        people += [
            Person(number, f"{first} {last}".strip(), team or "", slug or "")
            for number, first, last, team, slug in rows
        ]
    return find_person(player, people, where)


def _of_person(table: pa.Table, person: Person) -> pa.Table:
    return table.filter(pc.equal(table.column("person_id"), person.person_id))


def _games_of(
    table: pa.Table,
    lines: Sequence[pa.Table],
    season: str,
    dates: Mapping[str, dt.date | None],
    stats: Sequence[str],
) -> pa.Table:
    """A player's lines, each with its date, opponent and score, in playing order."""
    mine = table.column("game_id").unique()
    points: dict[tuple[str, int], int] = defaultdict(int)
    tricodes: dict[str, dict[int, str]] = defaultdict(dict)
    names = ["game_id", "team_id", "team_tricode", "points"]
    for each in lines:
        both = each.select(names)
        both = both.filter(pc.is_in(both.column("game_id"), value_set=mine))
        # A game whose date was moved may stand in two months for a moment: it counts in one.
        before = set(tricodes)
        for game_id, team_id, tricode, scored in zip(*(both.column(name).to_pylist() for name in names), strict=True):
            if game_id not in before:
                points[game_id, team_id] += scored or 0
                tricodes[game_id][team_id] = tricode or ""
    first = {game_id: number for number, game_id in reversed(list(enumerate(table.column("game_id").to_pylist())))}
    table = table.take(pa.array(sorted(first.values()), pa.int64()))
    games, teams = table.column("game_id").to_pylist(), table.column("team_id").to_pylist()
    against = [
        next((other for other in tricodes[game] if other != team), 0) for game, team in zip(games, teams, strict=True)
    ]
    scored = [points[key] for key in zip(games, teams, strict=True)]
    allowed = [points[key] for key in zip(games, against, strict=True)]
    added: dict[str, pa.Array] = {
        "season": pa.array([season] * len(games), pa.string()),
        "season_type": pa.array([season_type_of(game) for game in games], pa.string()),
        "game_date": pa.array([dates[game] for game in games], pa.date32()),
        "opponent_tricode": pa.array(
            [tricodes[game].get(other) for game, other in zip(games, against, strict=True)], pa.string()
        ),
        "won": pa.array([ours > theirs for ours, theirs in zip(scored, allowed, strict=True)], pa.bool_()),
        "team_points": pa.array(scored, pa.int32()),
        "opponent_points": pa.array(allowed, pa.int32()),
        "minutes_played": pc.divide(table.column("minutes_seconds").cast(pa.float64()), 60.0),
    }
    order = ["game_id", "season", "season_type", "game_date", "team_id", "team_tricode", "opponent_tricode", "is_home"]
    order += ["won", "team_points", "opponent_points", *_HOW, "minutes_played", *stats]
    columns = [added[name] if name in added else table.column(name) for name in order]
    made = pa.table(columns, names=order)
    return made.sort_by([("game_date", "ascending"), ("game_id", "ascending")])


def _joined(table: pa.Table, lines: Sequence[pa.Table], stats: Sequence[str]) -> pa.Table:
    """The advanced statistics beside the others; null where the lake has none of that game."""
    rows = {row["game_id"]: row for each in lines for row in each.to_pylist()}
    schema = TABLES[_ADVANCED].schema
    for name in stats:
        values = [rows.get(game, {}).get(name) for game in table.column("game_id").to_pylist()]
        table = table.append_column(name, pa.array(values, schema.field(name).type))
    return table
