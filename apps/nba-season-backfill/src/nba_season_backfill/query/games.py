"""Questions about games: the schedule, one game's box score, its play-by-play."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.errors import UsageError
from nba_season_backfill.query.answers import Answer, BoxScore
from nba_season_backfill.query.errors import NotInLake
from nba_season_backfill.query.names import Team, find_team
from nba_season_backfill.query.partitions import Partition
from nba_season_backfill.query.reader import Reader, SeasonState, ends_in_autumn, in_playing_order
from nba_season_backfill.season import GameId, Season, SeasonType, season_of_date

__all__ = ["box_score", "games", "next_game", "play_by_play", "season_type_of", "team_of"]

_GAMES, _PBP = "games", "play-by-play"
_PLAYERS = ("box-scores-traditional", "box-scores-advanced")
_TEAMS = ("box-scores-traditional-teams", "box-scores-advanced-teams")
_ORDER = [("game_date", "ascending"), ("tipoff_utc", "ascending"), ("game_id", "ascending")]
_TYPE_OF_KIND = {season_type.kind: season_type.value for season_type in SeasonType}
_NOT_LEAGUE_GAMES = frozenset({SeasonType.PRE_SEASON.value, SeasonType.ALL_STAR.value})


def season_type_of(game_id: str) -> str:
    """The upstream's name of the part of the season that a game is in, by its id."""
    return _TYPE_OF_KIND[GameId(game_id).kind]


def games(reader: Reader, date: dt.date | None, team: str | None, season: str | None) -> Answer:
    """See ``Lake.games``."""
    columns = TABLES[_GAMES].schema.names
    if date is not None:
        partitions: Sequence[Partition] = _of_date(reader, date, season)
        tables = reader.scan(partitions, columns)
        if season is None and not any(table.num_rows for table in tables):
            # A league whose seasons are named by one year, perhaps.
            partitions = [reader.at(_GAMES, str(date.year), date.month)]
            tables = reader.scan(partitions, columns)
    else:
        _, partitions = reader.of_season(_GAMES, season)
        tables = reader.scan(partitions, columns)
    table = pa.concat_tables([_with_season(each, at.season) for each, at in zip(tables, partitions, strict=True)])
    if date is not None:
        table = table.filter(pc.equal(table.column("game_date"), pa.scalar(date, pa.date32())))
    if team is not None and any(each.num_rows for each in tables):
        found = team_of(reader, tables if table.num_rows == 0 else [table], team, str(date or season or "the lake"))
        table = table.filter(of_team(table, found))
    return Answer(table.sort_by(_ORDER), reader.explanation.ended())


def box_score(reader: Reader, game_id: str) -> BoxScore:
    """See ``Lake.box_score``."""
    season, month, state = _place(reader, game_id)
    tables = (*_PLAYERS, *_TEAMS, _GAMES)
    works = [
        partial(reader.read, reader.at(each, season, month), TABLES[each].schema.names, [game_id]) for each in tables
    ]
    players, players_advanced, teams, teams_advanced, schedule = reader.together(*works)
    if not players.num_rows and not players_advanced.num_rows:
        raise _missing(reader, game_id, season, state, "box-scores-traditional")
    lines = schedule.to_pylist()
    return BoxScore(
        game_id,
        lines[0] if lines else {},
        _beside(teams, teams_advanced, ("team_id",)),
        _beside(players, players_advanced, ("team_id", "person_id")),
        reader.simulated(state),
        reader.explanation.ended(),
    )


def play_by_play(reader: Reader, game_id: str, columns: Sequence[str] | None) -> Answer:
    """See ``Lake.play_by_play``."""
    names = list(TABLES[_PBP].schema.names)
    unknown = [name for name in columns or () if name not in names]
    if unknown:
        raise UsageError(f"play-by-play has no column {unknown[0]!r}", hint=f"its columns: {', '.join(names)}")
    season, month, state = _place(reader, game_id)
    # The game's id is what rows are found by, whether it is asked for or not.
    wanted = list(dict.fromkeys([*(columns or names), "game_id"]))
    table = reader.read(reader.at(_PBP, season, month), wanted, [game_id])
    if not table.num_rows:
        raise _missing(reader, game_id, season, state, _PBP)
    return Answer(table.select(list(columns or names)), reader.explanation.ended())


def next_game(reader: Reader, season: str, team_id: int, today: dt.date) -> Mapping[str, Any]:
    """A team's next game on or after that day, as far as the lake knows; empty where it knows of none."""
    partitions = in_playing_order(reader.partitions(_GAMES, season))
    every = ends_in_autumn(partitions)
    for partition in [each for each in partitions if every or each.last_day >= today]:
        table = reader.read(partition, TABLES[_GAMES].schema.names)
        ours = table.filter(_of_team_id(table, team_id)).sort_by(_ORDER).to_pylist()
        for game in ours:
            if game["game_date"] >= today and game["state"] in ("scheduled", "live"):
                return dict(game)
    return {}


def team_of(reader: Reader, tables: Sequence[pa.Table], asked: str, where: str) -> Team:
    """The team that is meant, among those of these games; those of league games before any others."""
    teams: dict[int, Team] = {}
    guests: dict[int, Team] = {}
    for table in tables:
        for side in ("home", "away"):
            names = ("season_type", f"{side}_team_id", f"{side}_tricode", f"{side}_team_name")
            for kind, team_id, tricode, name in zip(*(table.column(each).to_pylist() for each in names), strict=True):
                if team_id:
                    among = guests if kind in _NOT_LEAGUE_GAMES else teams
                    among[team_id] = Team(team_id, tricode or "", name or "")
    place = f"{where} ({reader.store.url})"
    return find_team(asked, teams.values() or guests.values(), place)


def of_team(table: pa.Table, team: Team) -> pa.Array:
    """Which of these games are the team's."""
    return _of_team_id(table, team.team_id)


def _of_team_id(table: pa.Table, team_id: int) -> pa.Array:
    home, away = (pc.fill_null(pc.equal(table.column(f"{side}_team_id"), team_id), False) for side in ("home", "away"))
    return pc.or_(home, away)


def _place(reader: Reader, game_id: str) -> tuple[str, int, SeasonState]:
    """A game's season, its month in it, and the season's state."""
    try:
        season = str(GameId(game_id).season)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return season, reader.month_of(game_id, season), reader.state(season)


def _missing(reader: Reader, game_id: str, season: str, state: SeasonState, dataset: str) -> NotInLake:
    """Why a game's rows are not there."""
    unit = state.unit(game_id, dataset) or {}
    where = f"{dataset} of game {game_id}"
    again = f"`nba-backfill run --season {season} --game-id {game_id}` asks for it"
    match unit.get("status"):
        case "absent":
            return NotInLake(f"{where}: the upstream has none", hint=again)
        case "failed":
            return NotInLake(f"{where} could not be fetched: {unit.get('error', 'no reason kept')}", hint=again)
        case _:
            return NotInLake(f"{where} is not in {reader.store.url}", hint=again)


def _of_date(reader: Reader, date: dt.date, season: str | None) -> list[Partition]:
    """Where games of that date stand: in October a season may end (2019-20 did) and the next one begin."""
    if season is not None:
        seasons = [season]
    else:
        own = season_of_date(date)
        late = date.month == 10 and own.start_year > 1946
        seasons = [str(own), *([str(Season(own.start_year - 1))] if late else [])]
    return [reader.at(_GAMES, each, date.month) for each in seasons]


def _with_season(table: pa.Table, season: str) -> pa.Table:
    return table.add_column(1, "season", pa.array([season] * table.num_rows, pa.string()))


def _beside(left: pa.Table, right: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Both tables' columns in one row by a key; the left one's rows and order, or the right one's where it has none."""
    if not left.num_rows:
        return right
    if not right.num_rows:
        return left
    rows = {tuple(row[name] for name in key): row for row in right.to_pylist()}
    keys = list(zip(*(left.column(name).to_pylist() for name in key), strict=True))
    for field in right.schema:
        if field.name not in left.column_names:
            values = [rows.get(each, {}).get(field.name) for each in keys]
            left = left.append_column(pa.field(field.name, field.type), pa.array(values, field.type))
    return left
