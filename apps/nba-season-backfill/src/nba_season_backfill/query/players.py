"""Questions about a player: games, form, and what one wants to know before the next game."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.query.answers import Answer, PlayerContext, PlayerSummary
from nba_season_backfill.query.errors import NotInLake
from nba_season_backfill.query.games import next_game
from nba_season_backfill.query.player_seasons import LINES, advanced_stats, line_stats, player_season, stat_column
from nba_season_backfill.query.reader import Reader
from nba_season_backfill.season import GameId

__all__ = ["player_context", "player_games", "player_summary"]

_BESIDE = ("points", "rebounds_total", "assists")
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


def player_games(
    reader: Reader,
    player: str,
    season: str | None,
    *,
    last: int | None = None,
    season_type: str | None = None,
    stats: Sequence[str] | None = None,
    advanced: bool = False,
    played: bool = False,
) -> Answer:
    """See ``Lake.player_games``."""
    wanted = line_stats() if stats is None else tuple(map(stat_column, stats))
    found = player_season(reader, player, season, (*wanted, *(advanced_stats() if advanced else ())))
    table = _chosen(found.table, season_type, played=played)
    return Answer(table.slice(max(0, table.num_rows - last)) if last else table, reader.explanation.ended())


def player_summary(
    reader: Reader, player: str, stat: str, limit: int, season: str | None, season_type: str
) -> PlayerSummary:
    """See ``Lake.player_summary``."""
    column = stat_column(stat)
    found = player_season(reader, player, season, (column, *_BESIDE))
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
        fetched_at=found.state.fetched_at(recent.column("game_id").to_pylist(), LINES),
        simulated=reader.simulated(found.state),
        explanation=reader.explanation.ended(),
    )


def player_context(reader: Reader, player: str, season: str | None, season_type: str, today: dt.date) -> PlayerContext:
    """See ``Lake.player_context``."""
    found = player_season(reader, player, season, _CONTEXT_STATS, profile=True)
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
        fetched_at=found.state.fetched_at(played.column("game_id").to_pylist(), LINES),
        simulated=reader.simulated(found.state),
        explanation=reader.explanation.ended(),
    )


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
    shown += ["opponent_points", "minutes_played", column, *_BESIDE]
    return list(dict.fromkeys(shown))


def _recent_text(column: str, values: Sequence[float], average: float | None) -> str:
    """``31, 24 and 18 points in the last 3 games; 25.1 a game this season``."""
    words = column.replace("_", " ")
    told = [f"{value:g}" if value.is_integer() else f"{value:.2f}".rstrip("0") for value in values]
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}" if told else "no"
    games = "the last game" if len(told) == 1 else f"the last {len(told)} games"
    season = f"; {average:.1f} a game this season" if average is not None else ""
    return f"{listed} {words} in {games}{season}"
