"""Questions about a player: from the box scores, and the checkpoint for the dates. Twelve requests for a season."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.errors import UsageError
from nba_season_backfill.query.answers import Answer, PlayerContext, PlayerSummary
from nba_season_backfill.query.errors import NameUnknown, NotInLake
from nba_season_backfill.query.games import next_game, season_type_of
from nba_season_backfill.query.names import Person, find_person
from nba_season_backfill.query.partitions import Partition
from nba_season_backfill.query.reader import Reader, SeasonState
from nba_season_backfill.season import GameId

__all__ = ["STAT_NAMES", "player_context", "player_games", "player_summary", "stat_column"]

_LINES, _ADVANCED, _PEOPLE = "box-scores-traditional", "box-scores-advanced", "players"
_WHO = ("game_id", "team_id", "is_home", "team_tricode", "person_id", "first_name", "family_name")
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

_CONTEXT_STATS = (
    "points",
    "rebounds_total",
    "assists",
    "steals",
    "blocks",
    "turnovers",
    "three_pointers_made",
    "field_goals_attempted",
    "free_throws_attempted",
    "plus_minus_points",
    "minutes_played",
)


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
    import difflib

    asked = stat.strip().lower().replace("-", "_").replace(" ", "_")
    column = STAT_NAMES.get(asked, asked)
    known = [*_stats_of(_LINES), "minutes_played", *_stats_of(_ADVANCED)]
    if column in known:
        return column
    near = difflib.get_close_matches(asked, [*known, *STAT_NAMES], 3, 0.5)
    raise UsageError(f"no statistic {stat!r}", hint=f"did you mean {', '.join(near)}?" if near else "try points")


@dataclass(frozen=True, slots=True)
class _Season:
    person: Person
    season: str
    table: pa.Table
    state: SeasonState
    profile: Mapping[str, Any]


def player_games(
    reader: Reader,
    player: str,
    season: str | None,
    *,
    last: int | None = None,
    season_type: str | None = None,
    advanced: bool = False,
    played: bool = False,
) -> Answer:
    """See ``Lake.player_games``."""
    found = _season_of(reader, player, season, advanced=advanced)
    table = _chosen(found.table, season_type, played=played)
    return Answer(table.slice(max(0, table.num_rows - last)) if last else table, reader.explanation.ended())


def player_summary(
    reader: Reader, player: str, stat: str, limit: int, season: str | None, season_type: str
) -> PlayerSummary:
    """See ``Lake.player_summary``."""
    column = stat_column(stat)
    found = _season_of(reader, player, season, advanced=_is_advanced(column))
    played = _chosen(found.table, None, played=True)
    if not played.num_rows:
        raise NotInLake(
            f"{found.person.name} has not played a game of {found.season} that is in {reader.store.url}",
            hint="`nba-backfill run` fetches more of them; --season names another one",
        )
    recent = _newest_first(played).slice(0, limit)
    values = [float(value) for value in recent.column(column).to_pylist() if value is not None]
    counted = _chosen(played, season_type)
    average = _mean(counted.column(column))
    return PlayerSummary(
        player=found.person.name,
        person_id=found.person.person_id,
        team=recent.column("team_tricode")[0].as_py() or "",
        league=_league(recent),
        season=found.season,
        stat=column,
        recent_text=_recent_text(column, values, average),
        recent_values=tuple(values),
        recent_games=recent.select(_shown(column)),
        games=counted.num_rows,
        season_average=average,
        fetched_at=found.state.fetched_at(recent.column("game_id").to_pylist(), _LINES),
        simulated=reader.simulated(found.state),
        explanation=reader.explanation.ended(),
    )


def player_context(reader: Reader, player: str, season: str | None, season_type: str, today: dt.date) -> PlayerContext:
    """See ``Lake.player_context``."""
    found = _season_of(reader, player, season, advanced=False)
    played = _newest_first(_chosen(found.table, None, played=True))
    counted = _chosen(played, season_type)
    home = counted.filter(counted.column("is_home"))
    away = counted.filter(pc.invert(counted.column("is_home")))
    rows = []
    for column in _CONTEXT_STATS:
        recent = played.column(column)
        rows.append(
            {
                "stat": column,
                "season_average": _mean(counted.column(column)),
                "last_5_average": _mean(recent.slice(0, 5)),
                "last_10_average": _mean(recent.slice(0, 10)),
                "home_average": _mean(home.column(column)),
                "away_average": _mean(away.column(column)),
                "highest": pc.max(counted.column(column)).as_py(),
                "games": counted.num_rows,
                "home_games": home.num_rows,
                "away_games": away.num_rows,
            }
        )
    schema = pa.schema(
        [("stat", pa.string())]
        + [
            (name, pa.float64())
            for name in (
                "season_average",
                "last_5_average",
                "last_10_average",
                "home_average",
                "away_average",
                "highest",
            )
        ]
        + [(name, pa.int32()) for name in ("games", "home_games", "away_games")]
    )
    team_id = played.column("team_id")[0].as_py() if played.num_rows else found.profile.get("team_id")
    coming = next_game(reader, found.season, team_id, today) if team_id else {}
    dates = [date for date in played.column("game_date").to_pylist() if date is not None]
    last = max(dates) if dates else None
    return PlayerContext(
        player=found.profile or {"person_id": found.person.person_id, "name": found.person.name},
        season=found.season,
        league=_league(played) if played.num_rows else "",
        table=pa.Table.from_pylist(rows, schema=schema),
        recent_games=played.slice(0, 10).select(_shown("points")),
        last_game_date=last,
        next_game=coming,
        rest_days=(coming["game_date"] - last).days - 1 if coming and last is not None else None,
        fetched_at=found.state.fetched_at(played.column("game_id").to_pylist(), _LINES),
        simulated=reader.simulated(found.state),
        explanation=reader.explanation.ended(),
    )


def _season_of(reader: Reader, player: str, season: str | None, *, advanced: bool) -> _Season:
    """A player's season. Where no season is named: the newest one in which there is such a player."""
    newest, partitions = reader.of_season(_LINES, season)
    try:
        return _played_in(reader, player, newest, partitions, advanced=advanced)
    except NameUnknown:
        if season is not None:
            raise
        earlier = _season_with(reader, player, before=newest)
        if earlier is None:
            raise
        return _played_in(reader, player, earlier, reader.of_season(_LINES, earlier)[1], advanced=advanced)


def _played_in(reader: Reader, player: str, season: str, partitions: Sequence[Partition], *, advanced: bool) -> _Season:
    columns = [*_WHO, *_HOW, *_stats_of(_LINES)]
    works: list[Callable[[], Any]] = [
        lambda: reader.read(reader.at(_PEOPLE, season, None), TABLES[_PEOPLE].schema.names),
        lambda: reader.state(season),
        *(partial(reader.read, each, columns) for each in partitions),
    ]
    if advanced:
        more = reader.partitions(_ADVANCED, season)
        wanted = ["game_id", "person_id", *_stats_of(_ADVANCED)]
        works += [partial(reader.read, each, wanted) for each in more]
    listed, state, *tables = reader.together(*works)
    lines = tables[: len(partitions)]
    person, profile = _person(player, listed, lines, f"{season} ({reader.store.url})")
    own = pa.concat_tables([_of_person(each, person) for each in lines])
    dates = reader.dates_of(season, state, set(own.column("game_id").to_pylist()))
    table = _games_of(own, lines, season, dates)
    if advanced:
        table = _joined(table, [_of_person(each, person) for each in tables[len(partitions) :]])
    return _Season(person, season, table, state, profile)


def _season_with(reader: Reader, player: str, *, before: str) -> str | None:
    """The newest earlier season whose list has such a player."""
    earlier = [partition for partition in reader.partitions(_PEOPLE) if partition.season < before]
    columns = ["person_id", "player_first_name", "player_last_name", "team_abbreviation", "player_slug"]
    tables = reader.together(*(partial(reader.read, each, columns) for each in earlier)) if earlier else []
    for partition, table in sorted(zip(earlier, tables, strict=True), key=lambda pair: pair[0].season, reverse=True):
        try:
            find_person(player, _listed(table), partition.season)
        except NameUnknown:
            continue
        return partition.season
    return None


def _listed(table: pa.Table) -> list[Person]:
    names = ("person_id", "player_first_name", "player_last_name", "team_abbreviation", "player_slug")
    return [
        Person(person_id, f"{first or ''} {last or ''}".strip(), team or "", slug or "")
        for person_id, first, last, team, slug in zip(*(table.column(name).to_pylist() for name in names), strict=True)
    ]


def _person(player: str, listed: pa.Table, lines: Sequence[pa.Table], where: str) -> tuple[Person, Mapping[str, Any]]:
    """Who is meant, by the season's list; by the box scores where there is none, or it does not have everybody."""
    people = _listed(listed)
    try:
        person = find_person(player, people, where)
    except NameUnknown:
        played: dict[int, Person] = {}
        for table in lines:
            names = ("person_id", "first_name", "family_name", "team_tricode")
            for person_id, first, last, team in zip(*(table.column(name).to_pylist() for name in names), strict=True):
                played.setdefault(person_id, Person(person_id, f"{first or ''} {last or ''}".strip(), team or ""))
        if played.keys() <= {each.person_id for each in people}:
            raise
        person = find_person(player, [*people, *played.values()], where)
    profiles = listed.filter(pc.equal(listed.column("person_id"), person.person_id)).to_pylist()
    return person, profiles[0] if profiles else {}


def _of_person(table: pa.Table, person: Person) -> pa.Table:
    return table.filter(pc.equal(table.column("person_id"), person.person_id))


def _games_of(table: pa.Table, lines: Sequence[pa.Table], season: str, dates: Mapping[str, dt.date | None]) -> pa.Table:
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
    order += ["won", "team_points", "opponent_points", *_HOW, "minutes_played", *_stats_of(_LINES)]
    columns = [added[name] if name in added else table.column(name) for name in order]
    made = pa.table(columns, names=order)
    return made.sort_by([("game_date", "ascending"), ("game_id", "ascending")])


def _joined(table: pa.Table, lines: Sequence[pa.Table]) -> pa.Table:
    """The advanced statistics beside the others; null where the lake has none of that game."""
    rows = {row["game_id"]: row for each in lines for row in each.to_pylist()}
    schema = TABLES[_ADVANCED].schema
    for name in _stats_of(_ADVANCED):
        if name not in table.column_names:
            values = [rows.get(game, {}).get(name) for game in table.column("game_id").to_pylist()]
            table = table.append_column(name, pa.array(values, schema.field(name).type))
    return table


def _is_advanced(column: str) -> bool:
    return column not in (*_stats_of(_LINES), "minutes_played")


def _chosen(table: pa.Table, season_type: str | None, *, played: bool = False) -> pa.Table:
    if season_type is not None:
        table = table.filter(pc.equal(table.column("season_type"), season_type))
    return table.filter(pc.invert(table.column("did_not_play"))) if played else table


def _newest_first(table: pa.Table) -> pa.Table:
    return table.take(pa.array(range(table.num_rows - 1, -1, -1), pa.int64()))


def _mean(column: pa.ChunkedArray) -> float | None:
    mean: float | None = pc.mean(column).as_py()
    return None if mean is None else round(mean, 4)


def _league(games: pa.Table) -> str:
    return GameId(games.column("game_id")[0].as_py()).league.title


def _shown(column: str) -> list[str]:
    shown = ["game_id", "game_date", "season_type", "opponent_tricode", "is_home", "won", "team_points"]
    shown += ["opponent_points", "minutes_played", column, "points", "rebounds_total", "assists"]
    return list(dict.fromkeys(shown))


def _recent_text(column: str, values: Sequence[float], average: float | None) -> str:
    """``31, 24 and 18 points in the last 3 games; 25.1 a game this season``."""
    words = column.replace("_", " ")
    told = [f"{value:g}" if value.is_integer() else f"{value:.2f}".rstrip("0") for value in values]
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}" if told else "no"
    games = "the last game" if len(told) == 1 else f"the last {len(told)} games"
    season = f"; {average:.1f} a game this season" if average is not None else ""
    return f"{listed} {words} in {games}{season}"
