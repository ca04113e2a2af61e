"""What people get to see of each answer: which facts and columns, in which order."""

from __future__ import annotations

from nba_season_backfill.cli.page_formats import Page, Sheet
from nba_season_backfill.query import Answer, BoxScore, Lake, PlayerContext, PlayerSummary
from nba_season_backfill.season import GameId

__all__ = ["context", "game", "games", "of_sql", "plain", "play_by_play", "player", "player_games", "team"]

_LINE = ("game_date", "season_type", "opponent_tricode", "is_home", "won", "team_points", "opponent_points")
_RECENT = ("game_date", "game_id", "opponent_tricode", "is_home", "won", "minutes_played")
_STATS = (
    "minutes_played",
    "points",
    "rebounds_total",
    "assists",
    "steals",
    "blocks",
    "turnovers",
    "field_goals_made",
    "field_goals_attempted",
    "three_pointers_made",
    "free_throws_made",
    "plus_minus_points",
)
_ADVANCED = ("offensive_rating", "defensive_rating", "usage_percentage", "true_shooting_percentage")
_FORM = (
    "stat",
    "season_average",
    "last_5_average",
    "last_10_average",
    "home_average",
    "away_average",
    "highest",
)
_RECORD = (
    "season",
    "season_type",
    "games",
    "wins",
    "losses",
    "last_10",
    "streak",
    "points_for",
    "points_against",
    "pace",
    "offensive_rating",
    "defensive_rating",
    "net_rating",
)
_GAME = (
    "game_id",
    "game_date",
    "season_type",
    "away_tricode",
    "away_score",
    "home_score",
    "home_tricode",
    "state",
    "label",
)
_RESULT = (
    "game_date",
    "game_id",
    "season_type",
    "opponent_tricode",
    "is_home",
    "won",
    "points",
    "opponent_points",
    "label",
)


def player(summary: PlayerSummary) -> Page:
    """A player's form in one statistic."""
    facts = {
        "player": summary.player,
        "person_id": summary.person_id,
        "team": summary.team,
        "league": summary.league,
        "season": summary.season,
        "stat": summary.stat,
        "recent_text": summary.recent_text,
        "recent_values": list(summary.recent_values),
        "games": summary.games,
        "season_average": summary.season_average,
        "fetched_at": summary.fetched_at,
        "simulated": summary.simulated,
    }
    shown = dict.fromkeys((*_RECENT, summary.stat, "points", "rebounds_total", "assists"))
    sheet = Sheet("recent_games", summary.recent_games, tuple(shown))
    title = f"{summary.player} ({summary.team}), {summary.season}: {summary.stat.replace('_', ' ')}"
    told = ("recent_text", "games", "season_average", "fetched_at")
    return Page(title, [sheet], [summary.explanation], facts, told, summary.simulated)


def player_games(lake: Lake, answer: Answer, *, advanced: bool) -> Page:
    """A player's season."""
    shown = (*_LINE, *_STATS, *(_ADVANCED if advanced else ()))
    simulated = _simulated(lake, answer)
    return Page("Games", [Sheet("games", answer.table, shown)], [answer.explanation], simulated=simulated)


def context(found: PlayerContext) -> Page:
    """A player before the next game."""
    facts = {
        **found.player,
        "season": found.season,
        "league": found.league,
        "last_game_date": found.last_game_date,
        "rest_days": found.rest_days,
        "next_game": dict(found.next_game),
        "fetched_at": found.fetched_at,
        "simulated": found.simulated,
    }
    names = (found.player.get("player_first_name"), found.player.get("player_last_name"))
    title = " ".join(name for name in names if name) or str(found.player.get("name", "Player"))
    sheets = [
        Sheet("statistics", found.table, _FORM),
        Sheet("recent_games", found.recent_games, (*_RECENT, *_STATS[1:4])),
    ]
    shown = ("team_abbreviation", "position", "season", "last_game_date", "rest_days", "next_game", "fetched_at")
    return Page(title, sheets, [found.explanation], facts, shown, found.simulated)


def team(lake: Lake, stats: Answer, answer: Answer) -> Page:
    """A team's season and its last games, newest first."""
    facts = stats.to_pylist()[0]
    newest = answer.table.take(list(range(answer.table.num_rows - 1, -1, -1)))
    simulated = lake.is_simulated(str(facts["season"]))
    sheet = Sheet("recent_games", newest, _RESULT)
    return Page(
        str(facts["team_name"]),
        [sheet],
        [stats.explanation, answer.explanation],
        {**facts, "simulated": simulated},
        _RECORD,
        simulated,
    )


def game(found: BoxScore) -> Page:
    """A box score."""
    line = ("team_tricode", "name_i", "minutes", *_STATS[1:], "comment")
    sheets = [
        Sheet("players", found.players, line),
        Sheet("teams", found.teams, ("team_tricode", "is_home", *_STATS[1:-1], "pace", *_ADVANCED[:2])),
    ]
    facts = {**found.game, "game_id": found.game_id, "simulated": found.simulated}
    score = ("away_tricode", "away_score", "home_score", "home_tricode")
    title = "{} {} : {} {}".format(*(found.game.get(name) for name in score)) if found.game else found.game_id
    shown = ("game_date", "season_type", "status_text", "label", "arena_name", "arena_city")
    return Page(title, sheets, [found.explanation], facts, shown, found.simulated)


def play_by_play(lake: Lake, game_id: str, answer: Answer) -> Page:
    """Every action."""
    shown = ("period", "clock_seconds_left", "team_tricode", "score_home", "score_away", "description")
    sheet = Sheet("actions", answer.table, shown)
    simulated = lake.is_simulated(str(GameId(game_id).season))
    return Page(f"Game {game_id}", [sheet], [answer.explanation], simulated=simulated)


def games(lake: Lake, answer: Answer) -> Page:
    """The schedule."""
    return Page(
        "Games", [Sheet("games", answer.table, _GAME)], [answer.explanation], simulated=_simulated(lake, answer)
    )


def plain(title: str, answer: Answer) -> Page:
    """A table as it is."""
    seasons = answer.table.column("simulated").to_pylist() if "simulated" in answer.table.column_names else []
    return Page(title, [Sheet(title.lower(), answer.table)], [answer.explanation], simulated=any(seasons))


def of_sql(lake: Lake, answer: Answer) -> Page:
    """A result of SQL: of which seasons is not known, so the lake's own are looked at."""
    simulated = any(row["simulated"] for row in lake.status().to_pylist()) if answer.explanation.files else False
    return Page("Result", [Sheet("rows", answer.table)], [answer.explanation], simulated=simulated)


def _simulated(lake: Lake, answer: Answer) -> bool:
    seasons = answer.table.column("season").unique().to_pylist()
    return any(lake.is_simulated(season) for season in seasons)
