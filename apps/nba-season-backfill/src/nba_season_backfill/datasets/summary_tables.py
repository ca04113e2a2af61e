"""The tables of a game's summary: their columns, and which fields of the answer they account for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from nba_season_backfill.datasets.base import Table
from nba_season_backfill.datasets.columns import Column, schema_of, snake_case

__all__ = [
    "ARENA_KEYS",
    "BROADCASTERS",
    "CHARTS",
    "GAME",
    "INACTIVES",
    "MEETINGS",
    "OFFICIALS",
    "PERIODS",
    "PLAYERS",
    "ROOT_KEYS",
    "TEAMS",
    "TEAM_OF_MEETING_KEYS",
    "Part",
]

_INT, _LONG, _REAL, _TEXT, _BOOL = pa.int32(), pa.int64(), pa.float64(), pa.string(), pa.bool_()
_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the tables: where its rows stand, its columns, and the fields of a row that are accounted for.

    ``more`` are fields that other tables hold, or that are no data.
    """

    table: Table
    path: str
    columns: Sequence[Column]
    more: frozenset[str] = frozenset()
    keys: frozenset[str] = field(init=False)
    inner: frozenset[str] = field(init=False)
    """The fields below a row's object (``statistics``)."""

    def __post_init__(self) -> None:
        direct = {column.parent or column.source for column in self.columns if column.source}
        object.__setattr__(self, "keys", frozenset(direct) | self.more)
        object.__setattr__(self, "inner", frozenset(column.source for column in self.columns if column.parent))


def _part(
    name: str, path: str, key: tuple[str, ...], columns: Sequence[Column], more: frozenset[str] = frozenset()
) -> Part:
    return Part(Table(name, schema_of(columns, path), key), path, columns, more)


_GAME_ID = Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", path="gameId", required=True)
_TEAM_ID = Column("team_id", _LONG, "The team.", path="homeTeam.teamId", required=True)


def _order(name: str, doc: str) -> Column:
    return Column(name, _INT, f"{doc}, from 0.", required=True)


_ARENA = {
    "arenaId": "The arena.",
    "arenaName": "The arena's name.",
    "arenaCity": "The arena's city.",
    "arenaState": "The arena's state, or country abroad.",
    "arenaCountry": "The arena's country.",
    "arenaTimezone": "The arena's time zone; may be empty.",
    "arenaStreetAddress": "The arena's street; may be empty.",
    "arenaPostalCode": "The arena's postal code; may be empty.",
}
_NEW_ARENA = frozenset({"arenaStreetAddress", "arenaPostalCode"})
ARENA_KEYS = frozenset(_ARENA)

GAME = _part(
    "summary",
    "",
    (),
    (
        Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", "gameId", required=True),
        Column("game_code", _TEXT, "Date and tricodes: 20250125/INDSAS.", "gameCode"),
        Column("game_status", _INT, "1 scheduled, 2 live, 3 final.", "gameStatus", low=1, high=3),
        Column("game_status_text", _TEXT, "The status in words.", "gameStatusText"),
        Column("period", _INT, "The last period: 4, more with overtimes.", "period", low=0, high=10),
        Column("game_clock", _TEXT, "Time left in the period (ISO 8601).", "gameClock"),
        Column("game_time_utc", _TIME, "Tip-off; null when not known.", path="gameTimeUTC"),
        Column("game_et", _TEXT, "Tip-off in US Eastern time as received; its Z is wrong.", "gameEt"),
        Column("away_team_id", _LONG, "Away team.", "awayTeamId", required=True),
        Column("home_team_id", _LONG, "Home team.", "homeTeamId", required=True),
        Column("duration", _TEXT, "How long the game took, hours and minutes.", "duration"),
        Column("attendance", _INT, "Spectators.", "attendance", low=0, high=120_000),
        Column("sellout", _INT, "1 if sold out.", "sellout"),
        Column("series_game_number", _TEXT, "Number of the game in its series.", "seriesGameNumber", optional=True),
        Column("game_label", _TEXT, "For instance NBA Finals.", "gameLabel", optional=True),
        Column("game_sub_label", _TEXT, "For instance Game 7.", "gameSubLabel", optional=True),
        Column("series_text", _TEXT, "State of the series, in words.", "seriesText", optional=True),
        Column("if_necessary", _BOOL, "A playoff game that may not be needed.", "ifNecessary", optional=True),
        Column("is_neutral", _BOOL, "Neither team's own arena.", "isNeutral", optional=True),
        Column("game_subtype", _TEXT, "For instance Global Games.", "gameSubtype", optional=True),
        *(
            Column(
                snake_case(key),
                _LONG if key == "arenaId" else _TEXT,
                doc,
                key,
                parent="arena",
                optional=key in _NEW_ARENA,
            )
            for key, doc in _ARENA.items()
        ),
        Column("video_available_flag", _INT, "1 if there is a video.", "videoAvailableFlag"),
        Column("pt_available", _INT, "1 if there is player tracking.", "ptAvailable"),
        Column("pt_xyz_available", _INT, "1 if there are positions.", "ptXYZAvailable"),
        Column("wh_status", _INT, "Status of the upstream's warehouse.", "whStatus"),
        Column("hustle_status", _INT, "1 if there are hustle statistics.", "hustleStatus"),
        Column("historical_status", _INT, "1 for games of old seasons.", "historicalStatus"),
    ),
)

TEAMS = _part(
    "summary-teams",
    "homeTeam",
    ("team_id",),
    (
        _GAME_ID,
        Column("team_id", _LONG, "The team.", "teamId", required=True),
        Column("is_home", _BOOL, "Whether the answer has the team on the home side.", required=True),
        Column("team_name", _TEXT, "The team's name.", "teamName"),
        Column("team_city", _TEXT, "The team's city.", "teamCity"),
        Column("team_tricode", _TEXT, "The team's three letters.", "teamTricode"),
        Column("team_slug", _TEXT, "The team's name in URLs.", "teamSlug"),
        Column("team_wins", _INT, "Wins after the game.", "teamWins", low=0, high=82),
        Column("team_losses", _INT, "Losses after the game.", "teamLosses", low=0, high=82),
        Column("score", _INT, "Points.", "score", low=0, high=200),
        Column("in_bonus", _TEXT, "Whether the team was in the bonus; empty after the game.", "inBonus", optional=True),
        Column("timeouts_remaining", _INT, "Timeouts left.", "timeoutsRemaining", optional=True, low=0, high=10),
        Column("seed", _INT, "Seed in the playoffs, else 0.", "seed", optional=True, low=0, high=20),
    ),
    # Tables of their own; and a block that has no data but a dummy key.
    frozenset({"periods", "players", "inactives", "statistics"}),
)

PERIODS = _part(
    "summary-periods",
    "homeTeam.periods[]",
    ("team_id", "period"),
    (
        _GAME_ID,
        _TEAM_ID,
        Column("period", _INT, "1 to 4, overtimes from 5.", "period", required=True, low=1, high=10),
        Column("period_type", _TEXT, "REGULAR or OVERTIME.", "periodType"),
        Column("score", _INT, "Points in the period.", "score", low=0, high=80),
    ),
)

OFFICIALS = _part(
    "summary-officials",
    "officials[]",
    ("official_order",),
    (
        _GAME_ID,
        _order("official_order", "Place in the list as received"),
        Column("person_id", _LONG, "The official.", "personId", required=True),
        Column("name", _TEXT, "Name.", "name"),
        Column("name_i", _TEXT, "Initial and family name.", "nameI"),
        Column("first_name", _TEXT, "First name.", "firstName"),
        Column("family_name", _TEXT, "Family name.", "familyName"),
        Column("jersey_num", _TEXT, "Jersey number as received, with trailing blanks.", "jerseyNum"),
        Column("assignment", _TEXT, "Role; may be empty.", "assignment", optional=True),
    ),
)

PLAYERS = _part(
    "summary-players",
    "homeTeam.players[]",
    ("team_id", "player_order"),
    (
        _GAME_ID,
        _TEAM_ID,
        _order("player_order", "Place in the team's list as received"),
        Column("person_id", _LONG, "The player.", "personId", required=True),
        Column("name", _TEXT, "Name.", "name"),
        Column("name_i", _TEXT, "Initial and family name.", "nameI"),
        Column("first_name", _TEXT, "First name.", "firstName"),
        Column("family_name", _TEXT, "Family name.", "familyName"),
        Column("jersey_num", _TEXT, "Jersey number.", "jerseyNum"),
    ),
)

INACTIVES = _part(
    "summary-inactives",
    "homeTeam.inactives[]",
    ("team_id", "inactive_order"),
    (
        _GAME_ID,
        _TEAM_ID,
        _order("inactive_order", "Place in the team's list as received"),
        Column("person_id", _LONG, "The player who was not available.", "personId", required=True),
        Column("first_name", _TEXT, "First name.", "firstName"),
        Column("family_name", _TEXT, "Family name.", "familyName"),
        Column("jersey_num", _TEXT, "Jersey number as received, with trailing blanks.", "jerseyNum"),
    ),
)

BROADCASTERS = _part(
    "summary-broadcasters",
    "broadcasters.nationalBroadcasters[]",
    ("kind", "broadcaster_order"),
    (
        _GAME_ID,
        Column("kind", _TEXT, "For whom: national, international, homeTv, awayRadio and so on.", required=True),
        _order("broadcaster_order", "Place in its list as received"),
        Column("broadcaster_id", _LONG, "The broadcaster.", "broadcasterId"),
        Column("broadcast_display", _TEXT, "Short name.", "broadcastDisplay"),
        Column("broadcaster_display", _TEXT, "Name.", "broadcasterDisplay"),
        Column("broadcaster_video_link", _TEXT, "Where it can be watched; may be empty.", "broadcasterVideoLink"),
        Column("broadcaster_description", _TEXT, "Description; may be empty.", "broadcasterDescription"),
        Column("broadcaster_team_id", _LONG, "The team it belongs to; -1 for none.", "broadcasterTeamId"),
        Column("region_id", _LONG, "The region.", "regionId"),
    ),
)

_TEAM_OF_MEETING = {
    "teamId": (_LONG, "{} team."),
    "teamCity": (_TEXT, "{} team's city."),
    "teamName": (_TEXT, "{} team's name."),
    "teamTricode": (_TEXT, "{} team's three letters."),
    "teamSlug": (_TEXT, "{} team's name in URLs."),
    "score": (_INT, "{} team's points."),
    "wins": (_INT, "{} team's wins after that game."),
    "losses": (_INT, "{} team's losses after that game."),
}
TEAM_OF_MEETING_KEYS = frozenset(_TEAM_OF_MEETING)

MEETINGS = _part(
    "summary-last-meetings",
    "lastFiveMeetings.meetings[]",
    ("meeting_order",),
    (
        _GAME_ID,
        _order("meeting_order", "Place in the list as received"),
        Column("recency_order", _INT, "1 for the last meeting before this game.", "recencyOrder"),
        Column("meeting_game_id", _TEXT, "That game.", "gameId"),
        Column("game_time_utc", _TIME, "Its tip-off.", path="lastFiveMeetings.meetings[].gameTimeUTC"),
        Column("game_et", _TEXT, "Its tip-off in US Eastern time as received; its Z is wrong.", "gameEt"),
        Column("game_status", _INT, "1 scheduled, 2 live, 3 final.", "gameStatus"),
        Column("game_status_text", _TEXT, "The status in words.", "gameStatusText"),
        Column("game_clock", _TEXT, "Time left (ISO 8601).", "gameClock", optional=True),
        Column(
            "broadcaster_video_link", _TEXT, "Where it was shown; may be empty.", "broadcasterVideoLink", optional=True
        ),
        *(
            Column(
                f"{side}_{snake_case(key)}",
                kind,
                doc.format(side.capitalize()),
                key,
                parent=f"{side}Team",
                optional=key == "teamSlug",
            )
            for side in ("away", "home")
            for key, (kind, doc) in _TEAM_OF_MEETING.items()
        ),
    ),
    frozenset({"gameTimeUTC"}),
)

_CHART_STATISTICS = {
    "points": "Points",
    "reboundsTotal": "Rebounds",
    "assists": "Assists",
    "steals": "Steals",
    "blocks": "Blocks",
    "turnovers": "Turnovers",
    "fieldGoalsPercentage": "Field goals made of attempted, 0 to 1",
    "threePointersPercentage": "Three-pointers made of attempted, 0 to 1",
    "freeThrowsPercentage": "Free throws made of attempted, 0 to 1",
    "pointsInThePaint": "Points in the paint",
    "pointsSecondChance": "Second-chance points",
    "pointsFastBreak": "Fast-break points",
}
_AFTER_THE_GAME = {
    "biggestLead": "Biggest lead",
    "leadChanges": "Lead changes",
    "timesTied": "Times tied",
    "biggestScoringRun": "Longest run of points without one of the opponent",
    "turnoversTeam": "Team turnovers",
    "turnoversTotal": "Turnovers, team turnovers included",
    "reboundsTeam": "Team rebounds",
    "pointsFromTurnovers": "Points off turnovers",
    "benchPoints": "Points of players who did not start",
}
_LEADERS = {"Pts": "points", "Reb": "rebounds", "Ast": "assists", "Blk": "blocks"}


def _leader(key: str, what: str) -> tuple[Column, ...]:
    base = f"player{key}Leader"
    name = snake_case(base)

    def column(suffix: str, kind: pa.DataType, doc: str) -> Column:
        return Column(f"{name}_{snake_case(suffix)}", kind, doc, f"{base}{suffix}", parent="statistics", optional=True)

    return (
        column("FirstName", _TEXT, f"First name of the player with the most {what}."),
        column("FamilyName", _TEXT, f"Family name of the player with the most {what}."),
        column("Id", _LONG, f"The player with the most {what}."),
        column(key, _REAL, f"The {what} of that player."),
    )


CHARTS = _part(
    "summary-charts",
    "postgameCharts.homeTeam",
    ("team_id", "moment"),
    (
        _GAME_ID,
        Column("team_id", _LONG, "The team.", "teamId", required=True),
        Column("moment", _TEXT, "pregame: averages of the season before it; postgame: of this game.", required=True),
        Column("team_city", _TEXT, "The team's city.", "teamCity"),
        Column("team_name", _TEXT, "The team's name.", "teamName"),
        Column("team_tricode", _TEXT, "The team's three letters.", "teamTricode"),
        *(
            Column(
                snake_case(key),
                _REAL,
                f"{doc}.",
                key,
                parent="statistics",
                low=0.0,
                high=1.0 if key.endswith("Percentage") else 250.0,
            )
            for key, doc in _CHART_STATISTICS.items()
        ),
        *(
            Column(
                snake_case(key),
                _REAL,
                f"{doc}; null before the game.",
                key,
                parent="statistics",
                optional=True,
                low=0.0,
                high=250.0,
            )
            for key, doc in _AFTER_THE_GAME.items()
        ),
        *(column for key, what in _LEADERS.items() for column in _leader(key, what)),
    ),
)

ROOT_KEYS = frozenset(column.parent or column.source for column in GAME.columns) | {
    "gameTimeUTC",
    "officials",
    "broadcasters",
    "homeTeam",
    "awayTeam",
    "lastFiveMeetings",
    "pregameCharts",
    "postgameCharts",
}
