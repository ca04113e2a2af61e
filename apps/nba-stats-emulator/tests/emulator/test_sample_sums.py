"""The sample season adds up: facts, box scores, game log, line scores and play-by-play tell the same story."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from nba_stats_emulator.sample import SampleSeason

STATISTICS = {
    "fieldGoalsMade": "fgm", "fieldGoalsAttempted": "fga", "threePointersMade": "fg3m",
    "threePointersAttempted": "fg3a", "freeThrowsMade": "ftm", "freeThrowsAttempted": "fta",
    "reboundsOffensive": "oreb", "reboundsDefensive": "dreb", "reboundsTotal": "reb", "assists": "ast",
    "steals": "stl", "blocks": "blk", "turnovers": "tov", "foulsPersonal": "pf", "points": "points",
}  # fmt: skip
SWAPPED = "0022400147"


def seconds_of(minutes: str) -> int:
    whole, _, rest = minutes.partition(":")
    return 60 * int(whole) + int(rest) if minutes else 0


def left_of(clock: str) -> float:
    found = re.fullmatch(r"PT(\d\d)M(\d\d\.\d\d)S", clock)
    assert found, clock
    return 60 * int(found[1]) + float(found[2])


def tallies(box: dict[str, Any], actions: list[dict[str, Any]]) -> Counter[tuple[int, str]]:
    """What the play-by-play says each player did, by the box score's names."""
    found: Counter[tuple[int, str]] = Counter()
    by_name = {
        (box[key]["teamTricode"], player["familyName"]): player["personId"]
        for key in ("homeTeam", "awayTeam")
        for player in box[key]["players"]
    }
    for row in actions:
        who, kind, text = row["personId"], row["actionType"], row["description"]
        if row["isFieldGoal"]:
            made = row["shotResult"] == "Made"
            three = row["shotValue"] == 3
            found.update(
                {
                    (who, "fga"): 1, (who, "fgm"): made, (who, "fg3a"): three, (who, "fg3m"): made and three,
                    (who, "points"): row["shotValue"] * made,
                }
            )  # fmt: skip
            helper = re.search(r"\(([^()]+) \d+ AST\)$", text)
            if helper:
                found[by_name[row["teamTricode"], helper[1]], "ast"] += 1
        elif kind == "Free Throw":
            made = not text.startswith("MISS")
            found.update({(who, "fta"): 1, (who, "ftm"): made, (who, "points"): made})
        elif kind == "Rebound" and row["teamId"]:
            found[who, "reb"] += 1
            counts = re.search(r"\(Off:(\d+) Def:(\d+)\)", text)
            assert counts
            found[who, "oreb"], found[who, "dreb"] = int(counts[1]), int(counts[2])
        elif kind == "Turnover":
            found[who, "tov"] += 1
        elif kind == "Foul":
            found[who, "pf"] += 1
        elif " BLOCK " in text:
            found[who, "blk"] += 1
        elif " STEAL " in text:
            found[who, "stl"] += 1
    return found


def check_box(season: SampleSeason, game_id: str, box: dict[str, Any]) -> None:
    game = season.games[game_id]
    sheet_lines = season.lines(game)
    assert sheet_lines is not None
    facts = {line.player_id: line for side in sheet_lines for line in side}
    scores = {game.home.team_id: game.home_score, game.away.team_id: game.away_score}
    assert (box["homeTeamId"] == game.home.team_id) == (game_id != SWAPPED)
    for key in ("homeTeam", "awayTeam"):
        team = box[key]
        total = team["statistics"]
        assert total["points"] == scores[team["teamId"]]
        played = [player for player in team["players"] if player["statistics"]["minutes"]]
        for name, column in STATISTICS.items():
            assert total[name] == sum(player["statistics"][name] for player in played), (game_id, name)
            assert total[name] == team["starters"][name] + team["bench"][name]
            for player in played:
                assert player["statistics"][name] == getattr(facts[player["personId"]], column)
        seconds = [seconds_of(player["statistics"]["minutes"]) for player in played]
        assert sum(seconds) == seconds_of(total["minutes"]) == 14_400 + 1500 * season.facts.overtimes.get(game_id, 0)
        for player, own in zip(played, seconds, strict=True):
            assert abs(own - 60 * facts[player["personId"]].minutes) <= 30
        assert [player["position"] for player in team["players"][:5]] == ["F", "F", "C", "G", "G"]
        assert not any(player["position"] for player in team["players"][5:])
        for player in team["players"][len(played) :]:
            assert player["comment"]
            assert not any(player["statistics"].values())
        assert sum(player["statistics"]["plusMinusPoints"] for player in played) == 5 * total["plusMinusPoints"]


def check_plays(box: dict[str, Any], actions: list[dict[str, Any]]) -> list[tuple[int, int]]:
    players = [player for key in ("homeTeam", "awayTeam") for player in box[key]["players"]]
    done = tallies(box, actions)
    family = Counter(player["familyName"] for player in players)
    for player in players:
        for name, column in STATISTICS.items():
            if column == "ast" and family[player["familyName"]] > 1:
                continue  # two of one family name: the description does not tell them apart
            assert done[player["personId"], column] == player["statistics"][name], (player["nameI"], name)
    assert [row["actionId"] for row in actions] == list(range(1, len(actions) + 1))
    shared = Counter(row["actionNumber"] for row in actions)
    for row, following in pairwise(actions):
        assert following["actionNumber"] >= row["actionNumber"]
        if shared[following["actionNumber"]] > 1 and following["actionNumber"] == row["actionNumber"]:
            assert (row["actionType"], following["actionType"]) in {("Missed Shot", ""), ("Turnover", "")}
        moment, later = ((r["period"], -left_of(r["clock"])) for r in (row, following))
        assert later >= moment
    periods: list[tuple[int, int]] = []
    home = away = 0
    for row in actions:
        scoring = row["shotResult"] == "Made" or (
            row["actionType"] == "Free Throw" and not row["description"].startswith("MISS")
        )
        assert bool(row["scoreHome"]) == bool(row["scoreAway"]) == (scoring or row["actionType"] == "period")
        if scoring:
            points = row["shotValue"] or 1
            home, away = home + points * (row["location"] == "h"), away + points * (row["location"] == "v")
        if row["scoreHome"]:
            assert (row["scoreHome"], row["scoreAway"], row["pointsTotal"]) == (str(home), str(away), home + away)
        if (row["actionType"], row["subType"]) == ("period", "end"):
            periods.append((home, away))
    assert periods[-1] == (box["homeTeam"]["statistics"]["points"], box["awayTeam"]["statistics"]["points"])
    assert all(home == away for home, away in periods[3:-1])  # whoever goes into overtime is level
    before = [(0, 0), *periods]
    return [(home - h, away - a) for (home, away), (h, a) in zip(periods, before, strict=False)]


def check_advanced(box: dict[str, Any], advanced: dict[str, Any]) -> None:
    home, away = (advanced[key]["statistics"] for key in ("homeTeam", "awayTeam"))
    assert home["offensiveRating"] == away["defensiveRating"]
    assert home["pace"] == away["pace"]
    assert home["PIE"] + away["PIE"] == pytest.approx(1, abs=0.0011)
    for key in ("homeTeam", "awayTeam"):
        statistics, figures = box[key]["statistics"], advanced[key]["statistics"]
        assert figures["possessions"] == round(
            statistics["fieldGoalsAttempted"] + 0.44 * statistics["freeThrowsAttempted"]
            - statistics["reboundsOffensive"] + statistics["turnovers"]
        )  # fmt: skip
        assert figures["offensiveRating"] == pytest.approx(
            100 * statistics["points"] / figures["possessions"], abs=0.051
        )
        shown = [(player["personId"], player["statistics"]["minutes"]) for player in advanced[key]["players"]]
        assert shown == [(player["personId"], player["statistics"]["minutes"]) for player in box[key]["players"]]
        for player in advanced[key]["players"]:
            figure = player["statistics"]
            assert figure["netRating"] == pytest.approx(figure["offensiveRating"] - figure["defensiveRating"], abs=0.06)
            assert 0 <= figure["usagePercentage"] <= 1


def check_game(season: SampleSeason, game_id: str, now: datetime) -> list[dict[str, Any]]:
    bodies = season.game_bodies(game_id, now)
    box = bodies["boxscoretraditionalv3"]["boxScoreTraditional"]
    actions: list[dict[str, Any]] = bodies["playbyplayv3"]["game"]["actions"]
    check_box(season, game_id, box)
    check_advanced(box, bodies["boxscoreadvancedv3"]["boxScoreAdvanced"])
    periods = check_plays(box, actions)
    summary = season.summary(game_id, now)
    assert summary is not None
    for column, key in enumerate(("homeTeam", "awayTeam")):
        team = summary["boxScoreSummary"][key]
        assert team["teamId"] == box[key]["teamId"]
        assert [entry["score"] for entry in team["periods"]] == [scores[column] for scores in periods]
    return actions


def test_sampled_games_add_up(season: SampleSeason, over: datetime) -> None:
    """Box score, advanced figures, play-by-play and line score of one game in forty agree with the facts."""
    chosen = [game.game_id for game in season.games.values() if game.kind != 3][::40]
    long = sorted(season.facts.overtimes, key=lambda game_id: -season.facts.overtimes[game_id])[:6]
    for game_id in [*chosen, *long, SWAPPED]:
        check_game(season, game_id, over)


@pytest.mark.slow
def test_every_game_adds_up(season: SampleSeason, over: datetime) -> None:
    """All 1,394 games with content agree with the facts, the 1,230 of the regular season among them."""
    checked = [check_game(season, game.game_id, over) for game in season.games.values() if game.kind != 3]
    assert len(checked) == 1394
    assert 400 <= sum(map(len, checked)) / len(checked) <= 500


def test_every_regular_season_score_is_the_sum_of_its_lines(season: SampleSeason) -> None:
    """The packed facts hold 1,400 games and 26,306 lines whose points sum to the score in 1,230 of 1,230."""
    games = season.games
    assert len(games) == 1400
    assert len(season.facts.lines) == 1230
    assert sum(len(home) + len(away) for home, away in season.facts.lines.values()) == 26_306
    for game_id, (home, away) in season.facts.lines.items():
        game = games[game_id]
        assert (sum(line.points for line in home), sum(line.points for line in away)) == (
            game.home_score,
            game.away_score,
        )


def test_known_facts_come_out(season: SampleSeason, over: datetime) -> None:
    """The opening night's score, its scorer's points and the teams are the real ones."""
    bodies = season.game_bodies("0022400061", over)
    box = bodies["boxscoretraditionalv3"]["boxScoreTraditional"]
    assert (box["homeTeam"]["teamTricode"], box["homeTeam"]["statistics"]["points"]) == ("BOS", 132)
    assert (box["awayTeam"]["teamTricode"], box["awayTeam"]["statistics"]["points"]) == ("NYK", 109)
    tatum = next(player for player in box["homeTeam"]["players"] if player["personId"] == 1628369)
    assert (tatum["familyName"], tatum["statistics"]["points"]) == ("Tatum", 37)


def test_team_rows_of_the_game_log_are_sums_of_player_rows(season: SampleSeason, over: datetime) -> None:
    """Each team row of the game log equals the sum of that team's player rows, for every game of a kind."""
    for name, kind, games in (("Regular Season", 2, 1230), ("Playoffs", 4, 84), ("PlayIn", 5, 6), ("IST", 6, 1)):
        parameters = {
            "LeagueID": "00", "Season": "2024-25", "SeasonType": name, "PlayerOrTeam": "T", "Counter": 0,
            "Sorter": "DATE", "Direction": "ASC", "DateFrom": None, "DateTo": None,
        }  # fmt: skip
        teams = season.game_log(parameters, kind, None, None, over)["resultSets"][0]
        players = season.game_log(parameters | {"PlayerOrTeam": "P"}, kind, None, None, over)["resultSets"][0]
        column = {header: number for number, header in enumerate(players["headers"])}
        sums: Counter[tuple[str, int, str]] = Counter()
        summed = ("FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "REB", "AST", "STL", "BLK", "TOV", "PF")
        for row in players["rowSet"]:
            key = (row[column["GAME_ID"]], row[column["TEAM_ID"]])
            for header in (*summed, "PTS"):
                sums[(*key, header)] += row[column[header]]
        column = {header: number for number, header in enumerate(teams["headers"])}
        assert len(teams["rowSet"]) == 2 * games
        for row in teams["rowSet"]:
            game = season.games[row[column["GAME_ID"]]]
            for header in (*summed, "PTS"):
                assert row[column[header]] == sums[game.game_id, row[column["TEAM_ID"]], header]
            own_home = row[column["TEAM_ID"]] == game.home.team_id
            assert row[column["PTS"]] == (game.home_score if own_home else game.away_score)
            assert row[column["SEASON_ID"]] == f"{kind}2024"


def test_the_scoreboard_shows_the_line_scores_of_the_play_by_play(season: SampleSeason, over: datetime) -> None:
    """Period scores on the scoreboard sum to the final score and equal the summary's, the swapped game's too."""
    day = season.games[SWAPPED].game_date
    games = season.scoreboard("00", day, over)["scoreboard"]["games"]
    assert SWAPPED in {game["gameId"] for game in games}
    for game in games:
        summary = season.summary(game["gameId"], over)
        assert summary is not None
        by_team = {
            team["teamId"]: team["periods"]
            for team in (summary["boxScoreSummary"]["homeTeam"], summary["boxScoreSummary"]["awayTeam"])
        }
        fact = season.games[game["gameId"]]
        assert (game["homeTeam"]["teamId"], game["homeTeam"]["score"]) == (fact.home.team_id, fact.home_score)
        for team in (game["homeTeam"], game["awayTeam"]):
            assert team["periods"] == by_team[team["teamId"]]
            assert sum(period["score"] for period in team["periods"]) == team["score"]


def test_all_star_games_have_no_content(season: SampleSeason, over: datetime) -> None:
    """All-star events are in the schedule, final, and have neither box score nor plays."""
    for game in season.games.values():
        if game.kind == 3:
            bodies = season.game_bodies(game.game_id, over)
            assert bodies["playbyplayv3"]["game"]["actions"] == []
            assert bodies["boxscoretraditionalv3"]["boxScoreTraditional"]["homeTeam"]["players"] == []


def test_what_is_simulated_is_labelled(season: SampleSeason, over: datetime) -> None:
    """Every body with a meta says what of it is simulated; lines that are no facts are called so."""
    regular, playoff = season.game_bodies("0022400061", over), season.game_bodies("0042400101", over)
    for bodies in (regular, playoff):
        for body in bodies.values():
            assert "play-by-play" in body["meta"]["simulated"]
    assert "player lines" not in regular["playbyplayv3"]["meta"]["simulated"]
    assert "player lines" in playoff["playbyplayv3"]["meta"]["simulated"]
