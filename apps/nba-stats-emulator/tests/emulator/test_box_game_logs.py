"""playergamelogs and teamgamelogs: the recorded columns, the numbers of the box scores, ranks over the whole answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from nba_stats_emulator import Correction, Emulator, Story
from nba_stats_emulator.asked import Asked
from nba_stats_emulator.packed_counts import packed_counts, row_of
from nba_stats_emulator.sample import SampleSeason

Get = Callable[..., Any]
DAY = date(2025, 3, 15)
BASE = {
    "FGM": "fieldGoalsMade", "FGA": "fieldGoalsAttempted", "FG_PCT": "fieldGoalsPercentage",
    "FG3M": "threePointersMade", "FG3A": "threePointersAttempted", "FG3_PCT": "threePointersPercentage",
    "FTM": "freeThrowsMade", "FTA": "freeThrowsAttempted", "FT_PCT": "freeThrowsPercentage",
    "OREB": "reboundsOffensive", "DREB": "reboundsDefensive", "REB": "reboundsTotal", "AST": "assists",
    "TOV": "turnovers", "STL": "steals", "BLK": "blocks", "PF": "foulsPersonal", "PTS": "points",
    "PLUS_MINUS": "plusMinusPoints",
}  # fmt: skip
MISC = {
    "PTS_OFF_TOV": "pointsOffTurnovers", "PTS_2ND_CHANCE": "pointsSecondChance", "PTS_FB": "pointsFastBreak",
    "PTS_PAINT": "pointsPaint", "OPP_PTS_OFF_TOV": "oppPointsOffTurnovers",
    "OPP_PTS_2ND_CHANCE": "oppPointsSecondChance", "OPP_PTS_FB": "oppPointsFastBreak",
    "OPP_PTS_PAINT": "oppPointsPaint", "BLK": "blocks", "BLKA": "blocksAgainst", "PF": "foulsPersonal",
    "PFD": "foulsDrawn",
}  # fmt: skip
ADVANCED = {
    "OFF_RATING": "offensiveRating", "DEF_RATING": "defensiveRating", "NET_RATING": "netRating",
    "AST_PCT": "assistPercentage", "AST_RATIO": "assistRatio", "OREB_PCT": "offensiveReboundPercentage",
    "EFG_PCT": "effectiveFieldGoalPercentage", "TS_PCT": "trueShootingPercentage", "PACE": "pace", "PIE": "PIE",
    "POSS": "possessions",
}  # fmt: skip
SCORING = {
    "PCT_FGA_2PT": "percentageFieldGoalsAttempted2pt", "PCT_PTS_2PT_MR": "percentagePointsMidrange2pt",
    "PCT_PTS_FB": "percentagePointsFastBreak", "PCT_PTS_PAINT": "percentagePointsPaint",
    "PCT_AST_FGM": "percentageAssistedFGM", "PCT_UAST_3PM": "percentageUnassisted3pt",
}  # fmt: skip
USAGE = {
    "USG_PCT": "usagePercentage", "PCT_FGM": "percentageFieldGoalsMade", "PCT_REB": "percentageReboundsTotal",
    "PCT_BLKA": "percentageBlocksAllowed", "PCT_PFD": "percentagePersonalFoulsDrawn", "PCT_PTS": "percentagePoints",
}  # fmt: skip
FACTORS = {
    "EFG_PCT": "effectiveFieldGoalPercentage", "FTA_RATE": "freeThrowAttemptRate",
    "TM_TOV_PCT": "teamTurnoverPercentage", "OREB_PCT": "offensiveReboundPercentage",
    "OPP_EFG_PCT": "oppEffectiveFieldGoalPercentage", "OPP_TOV_PCT": "oppTeamTurnoverPercentage",
}  # fmt: skip
ENDPOINT = {
    "Base": ("boxscoretraditionalv3", BASE), "Advanced": ("boxscoreadvancedv3", ADVANCED),
    "Misc": ("boxscoremiscv3", MISC), "Scoring": ("boxscorescoringv3", SCORING), "Usage": ("boxscoreusagev3", USAGE),
    "Four Factors": ("boxscorefourfactorsv3", FACTORS),
}  # fmt: skip


def logs(
    season: SampleSeason, now: datetime, *, players: bool, day: date | None = None, **asked: object
) -> dict[str, Any]:  # fmt: skip
    query = {"Season": "2024-25", "SeasonType": "Regular Season"} | asked
    parameters, kind = Asked([(name, str(value)) for name, value in query.items()]).box_game_logs(
        "2024-25", players=players
    )
    return season.box_game_logs(parameters, players, kind, day, day, now)


def rows_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    table = body["resultSets"][0]
    return [dict(zip(table["headers"], row, strict=True)) for row in table["rowSet"]]


@pytest.mark.corpus
def test_the_players_log_has_the_recorded_columns_and_facts(
    season: SampleSeason, over: datetime, recorded_body: Callable[[str], Any]
) -> None:
    """Headers, parameters, types, and of 200 recorded lines every number that is a fact are the recorded ones."""
    recorded = recorded_body("playergamelogs/trimmed")
    ours = logs(season, over, players=True)
    assert list(ours) == list(recorded)
    assert list(ours["parameters"]) == list(recorded["parameters"])
    mine, theirs = ours["resultSets"][0], recorded["resultSets"][0]
    assert (ours["resource"], mine["name"], mine["headers"]) == (
        recorded["resource"], theirs["name"], theirs["headers"],
    )  # fmt: skip
    for column, header in enumerate(mine["headers"]):
        assert {type(row[column]) for row in mine["rowSet"]} == {type(row[column]) for row in theirs["rowSet"]}, header
    found = {(row["GAME_ID"], row["PLAYER_ID"]): row for row in rows_of(ours)}
    assert len(found) == 26_306
    facts = (set(BASE) | {"SEASON_YEAR", "TEAM_ID", "GAME_DATE", "MATCHUP", "WL", "DD2", "TD3", "NBA_FANTASY_PTS"}) | {
        f"{name}_RANK" for name in ("PTS", "AST", "REB", "PF", "W", "L", "DD2", "FG3M")
    }
    for row in rows_of(recorded):
        own = found[row["GAME_ID"], row["PLAYER_ID"]]
        assert {name: own[name] for name in facts} == {name: row[name] for name in facts}


@pytest.mark.parametrize("measure", ENDPOINT)
def test_logs_have_the_numbers_of_the_box_scores(season: SampleSeason, over: datetime, measure: str) -> None:
    """Every row of a day has the numbers of that game's box score, of players and of teams."""
    endpoint, names = ENDPOINT[measure]
    for players in (True, False):
        if players and measure == "Four Factors":
            continue
        rows = rows_of(logs(season, over, players=players, day=DAY, MeasureType=measure))
        games = {game.game_id for game in season.games.values() if game.game_date == DAY}
        assert {row["GAME_ID"] for row in rows} == games
        for game_id in games:
            body = season.game_body(endpoint, game_id, over)
            (root,) = (body[key] for key in body if key != "meta")
            expected = {}
            for team in (root["homeTeam"], root["awayTeam"]):
                expected[team["teamId"], 0] = team["statistics"]
                for player in team["players"]:
                    if player["statistics"]["minutes"]:
                        expected[team["teamId"], player["personId"]] = player["statistics"]
            own = {(row["TEAM_ID"], row.get("PLAYER_ID", 0)): row for row in rows if row["GAME_ID"] == game_id}
            assert own.keys() == {key for key in expected if bool(key[1]) == players}
            for key, row in own.items():
                assert {name: row[name] for name in names} == {
                    name: expected[key][field] for name, field in names.items()
                }, (game_id, key)
                if players:
                    assert row["MIN_SEC"] == expected[key]["minutes"]


def test_a_corrected_game_is_corrected_in_every_measure(season: SampleSeason, over: datetime) -> None:
    """After a correction rows of all measures are those of the corrected box scores; other games' rows stay."""
    game_id = next(game.game_id for game in season.games.values() if game.game_date == DAY)
    at = season.games[game_id].final_at
    told = season.with_story(Story(corrections=(Correction(game_id, at, move="ast"),)))
    for measure in ("Base", "Usage"):
        test_logs_have_the_numbers_of_the_box_scores(told, over, measure)
        before, after = (rows_of(logs(one, over, players=True, day=DAY, MeasureType=measure)) for one in (season, told))
        names = ["GAME_ID", "PLAYER_ID", *(name for name in before[0] if not name.endswith("_RANK"))]

        def plain(rows: Sequence[dict[str, Any]], names: Sequence[str] = names) -> set[tuple[Any, ...]]:
            return {tuple(row[name] for name in names) for row in rows}

        assert {row[0] for row in plain(before) ^ plain(after)} == {game_id}


def test_ranks_count_who_is_better_in_the_whole_answer(season: SampleSeason, over: datetime) -> None:
    """A rank is one more than the rows that are better: more points, fewer fouls; equal values share it."""
    rows = rows_of(logs(season, over, players=True, day=DAY))
    for row in rows:
        assert row["PTS_RANK"] == 1 + sum(other["PTS"] > row["PTS"] for other in rows)
        assert row["PF_RANK"] == 1 + sum(other["PF"] < row["PF"] for other in rows)
        assert (row["GP_RANK"], row["W_RANK"] == 1) == (1, row["WL"] == "W")


def test_logs_are_asked_for_by_team_player_season_type_and_clock(emulator: Emulator, get: Get) -> None:
    """Team, player, opponent, dates, season type and the clock choose rows; what is not emulated is a 500."""
    url = emulator.base_url

    def ask(endpoint: str = "playergamelogs", **asked: object) -> list[dict[str, Any]]:
        return rows_of(get(url, f"/stats/{endpoint}", **({"Season": "2024-25", "SeasonType": "Playoffs"} | asked)).json)

    assert len(ask("teamgamelogs")) == 168
    assert {row["PLAYER_ID"] for row in ask(PlayerID=1628369)} == {1628369}
    boston = ask("teamgamelogs", TeamID=1610612738, OpponentTeamID=1610612752)
    assert {row["MATCHUP"] for row in boston} == {"BOS vs. NYK", "BOS @ NYK"}
    one_day = ask(DateFrom="05/05/2025", DateTo="2025-05-05")
    assert {row["GAME_DATE"] for row in one_day} == {"2025-05-05T00:00:00"}
    emulator.set_clock(datetime(2025, 4, 20, 6, tzinfo=UTC))
    assert len(ask("teamgamelogs")) == 8
    assert ask(Season="2011-12") == []
    for bad in ({"MeasureType": "Four Factors"}, {"MeasureType": "Luck"}, {"Month": 3}, {"SeasonType": "Summer"}):
        assert get(url, "/stats/playergamelogs", **({"Season": "2024-25"} | bad)).status == 500


def test_rosters_follow_the_clock_and_team_years_what_is_served(emulator: Emulator, get: Get) -> None:
    """A traded player stands on his team's roster of that day; thirty teams have played since the first season."""
    url, doncic = emulator.base_url, 1629029
    dallas, lakers = 1610612742, 1610612747
    where = []
    for day in (datetime(2024, 12, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)):
        emulator.set_clock(day)
        for team in (dallas, lakers):
            body = get(url, "/stats/commonteamroster", LeagueID="00", Season="2024-25", TeamID=team).json
            assert [table["name"] for table in body["resultSets"]] == ["CommonTeamRoster", "Coaches"]
            where.append(doncic in {row["PLAYER_ID"] for row in rows_of(body)})
    assert where == [True, False, False, True]
    assert rows_of(get(url, "/stats/commonteamroster", LeagueID="00", Season="2011-12", TeamID=dallas).json) == []
    years = rows_of(get(url, "/stats/commonteamyears", LeagueID="00").json)
    assert len(years) == 30
    assert {(row["MIN_YEAR"], row["MAX_YEAR"]) for row in years} == {("2024", "2024")}


@pytest.mark.corpus
def test_rosters_have_the_recorded_columns(
    season: SampleSeason, over: datetime, recorded_body: Callable[[str], Any]
) -> None:  # fmt: skip
    """commonteamroster has the recorded sets and headers, and cells of the recorded types or none."""
    recorded = recorded_body("commonteamroster/1610612739_2025-26")
    ours = season.roster(recorded["parameters"] | {"Season": "2024-25"}, over)
    assert list(ours["parameters"]) == list(recorded["parameters"])
    for mine, theirs in zip(ours["resultSets"], recorded["resultSets"], strict=True):
        assert (mine["name"], mine["headers"]) == (theirs["name"], theirs["headers"])
        for column, header in enumerate(mine["headers"]):
            kinds = {type(row[column]) for row in theirs["rowSet"]} | {type(None)}
            assert {type(row[column]) for row in mine["rowSet"]} <= kinds, header


def _packed_rows_of(season: SampleSeason, over: datetime, step: int) -> int:
    counts = packed_counts("2024-25")
    checked = first = 0
    for number, game in enumerate(season.facts.games.values()):
        lines = season.lines(game)
        if lines is None:
            continue
        if number % step == 0:
            played = season.played(game, over)
            assert played is not None
            found = {
                line.player_id: row_of(played.tally, played.number(away, place), seconds)
                for away, side in enumerate(played.sides)
                for place, (line, seconds) in enumerate(zip(side.lines, side.seconds, strict=True))
            }
            tally, spent = counts.tally(first, *lines)
            for place, line in enumerate([*lines[0], *lines[1]]):
                assert row_of(tally, place, spent[place]) == found[line.player_id], (game.game_id, line.player_id)
            checked += 1
        first += len(lines[0]) + len(lines[1])
    assert first == len(counts)
    return checked


def test_packed_counts_are_those_of_the_plays(season: SampleSeason, over: datetime) -> None:
    """What is packed of one game in sixty is what its plays add up to; run tools/pack_counts.py after a change."""
    assert _packed_rows_of(season, over, 60) > 20


@pytest.mark.slow
def test_all_packed_counts_are_those_of_the_plays(season: SampleSeason, over: datetime) -> None:
    """What is packed of all 1,394 games is what their plays add up to."""
    assert _packed_rows_of(season, over, 1) == 1394
