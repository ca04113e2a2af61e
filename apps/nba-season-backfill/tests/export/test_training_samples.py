"""Samples to train on: made of earlier games alone, split by time, the same bytes whoever writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.export.samples import PLAYER_STATISTICS, SeasonTables, sample_columns, season_samples
from nba_season_backfill.export.splitting import parse_shares, split_at, split_by_shares
from nba_season_backfill.export.training import TrainingOptions, as_csv, as_parquet, training_set

FIRST_DAY = dt.date(2024, 10, 22)
TEAMS = (1, 2, 3, 4)
WINDOWS = (2, 5)
COUNTED = [name for name in PLAYER_STATISTICS if name not in ("minutes", "started", "usage_percentage")]
COUNTED.remove("true_shooting_percentage")
FEATURES = [column.name for column in sample_columns(WINDOWS) if column.role in ("key", "feature")]
Row = dict[str, Any]


class Season:
    """A small season in memory: rows that a test may change before they become tables."""

    def __init__(self) -> None:
        self.games: list[Row] = []
        self.players: list[Row] = []
        self.teams: list[Row] = []
        self.advanced_players: list[Row] = []
        self.advanced_teams: list[Row] = []

    def game(self, number: int, day: int, home: int, away: int, seed: int, kind: str = "Regular Season") -> None:
        """One game; all numbers follow from ``seed``."""
        game = f"00224{number:05d}"
        self.games.append(
            {
                "game_id": game,
                "season_type": kind,
                "game_date": FIRST_DAY + dt.timedelta(days=day),
                "neutral_site": False,
            }
        )
        for side, team in enumerate((home, away)):
            base = {"game_id": game, "team_id": team, "team_tricode": f"T{team:02d}"}
            totals = {name: (seed * 7 + team * 3 + place) % 50 for place, name in enumerate(COUNTED)}
            self.teams.append(base | totals)
            self.advanced_teams.append(
                {"game_id": game, "team_id": team}
                | {"offensive_rating": 100.0 + seed % 9, "defensive_rating": 101.5 + seed % 7, "pace": 95.0 + seed % 5}
            )
            for place in range(3):
                person = team * 10 + place
                played = (seed + person) % 5 != 0
                counted = {name: (seed * (person + 3) + n) % 40 for n, name in enumerate(COUNTED)}
                self.players.append(
                    base
                    | {"person_id": person, "first_name": "P", "family_name": str(person), "is_home": side == 0}
                    | {"did_not_play": not played, "starter": place == 0}
                    | {"minutes_seconds": (seed * person) % 2400 + 60 if played else None}
                    | (counted if played else dict.fromkeys(COUNTED))
                )
                if seed % 6:
                    self.advanced_players.append(
                        {"game_id": game, "person_id": person}
                        | {"usage_percentage": (seed % 40) / 100, "true_shooting_percentage": (seed % 90) / 100}
                    )

    def tables(self, **more: Any) -> SeasonTables:
        """As Arrow tables."""
        counted = [(name, pa.int32()) for name in COUNTED]
        whose = [("game_id", pa.string()), ("team_id", pa.int64()), ("team_tricode", pa.string())]
        rates = [("usage_percentage", pa.float64()), ("true_shooting_percentage", pa.float64())]
        ratings = [(name, pa.float64()) for name in ("offensive_rating", "defensive_rating", "pace")]
        person = [("person_id", pa.int64()), ("first_name", pa.string()), ("family_name", pa.string())]
        played = [("is_home", pa.bool_()), ("did_not_play", pa.bool_()), ("starter", pa.bool_())]
        game = [("game_id", pa.string()), ("season_type", pa.string()), ("game_date", pa.date32())]
        made: dict[str, Any] = {
            "season": "2024-25",
            "games": pa.Table.from_pylist(self.games, pa.schema([*game, ("neutral_site", pa.bool_())])),
            "players": pa.Table.from_pylist(
                self.players, pa.schema([*whose, *person, *played, ("minutes_seconds", pa.int32()), *counted])
            ),
            "teams": pa.Table.from_pylist(self.teams, pa.schema([*whose, *counted])),
            "advanced_players": pa.Table.from_pylist(self.advanced_players, pa.schema([*whose[:1], person[0], *rates])),
            "advanced_teams": pa.Table.from_pylist(self.advanced_teams, pa.schema([*whose[:2], *ratings])),
            "history": frozenset({"Regular Season"}),
        }
        return SeasonTables(**(made | more))


def season_of(seeds: Sequence[int]) -> Season:
    """A game every day, two on every third, between four teams in turn."""
    made = Season()
    number = 0
    for day, seed in enumerate(seeds):
        home = TEAMS[day % 4]
        away = TEAMS[(day + 1 + day % 3) % 4] if TEAMS[(day + 1 + day % 3) % 4] != home else TEAMS[(day + 1) % 4]
        made.game(number := number + 1, day, home, away, seed)
        if day % 3 == 0:
            first, second = (team for team in TEAMS if team not in (home, away))
            made.game(number := number + 1, day, first, second, seed + 1)
    return made


def features(table: pa.Table, until: dt.date) -> list[Row]:
    """Keys and features of the samples up to a day."""
    rows: list[Row] = table.select(FEATURES).to_pylist()
    return [row for row in rows if row["game_date"] <= until]


seeds = st.lists(st.integers(0, 10_000), min_size=3, max_size=14)


@given(seeds=seeds, changed=st.integers(0, 13), other=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_later_game_changes_no_earlier_sample(seeds: list[int], changed: int, other: int) -> None:
    """Whatever happens in the games of a day, the features of that day's and of earlier samples stay, to the bit."""
    changed %= len(seeds)
    before = season_of(seeds)
    after = season_of([other if day == changed else seed for day, seed in enumerate(seeds)])
    day = FIRST_DAY + dt.timedelta(days=changed)
    # Who played that day is of that day: only samples that both have can be compared there.
    first, second = (features(season_samples(made.tables(), WINDOWS), day) for made in (before, after))
    keys = {(row["game_id"], row["person_id"]) for row in first} & {
        (row["game_id"], row["person_id"]) for row in second
    }
    assert [row for row in first if (row["game_id"], row["person_id"]) in keys] == [
        row for row in second if (row["game_id"], row["person_id"]) in keys
    ]
    earlier = [row for row in first if row["game_date"] < day]
    assert earlier == [row for row in second if row["game_date"] < day]


@given(seeds=seeds, kept=st.integers(1, 13))
@settings(max_examples=40, deadline=None)
def test_a_season_cut_short_gives_the_same_beginning(seeds: list[int], kept: int) -> None:
    """Samples of the first days are the same whether the season has gone on or not."""
    kept = min(kept, len(seeds))
    last = FIRST_DAY + dt.timedelta(days=kept - 1)
    whole = season_samples(season_of(seeds).tables(), WINDOWS)
    short = season_samples(season_of(seeds[:kept]).tables(), WINDOWS)
    assert features(whole, last) == features(short, last)
    assert short.num_rows == len(features(short, last))


def test_means_are_those_of_plain_arithmetic() -> None:
    """Every rolling and season mean equals one made row by row from the player's earlier lines."""
    made = season_of(range(3, 40))
    table = season_samples(made.tables(), WINDOWS).to_pylist()
    days = {row["game_id"]: row["game_date"] for row in made.games}
    assert len(table) > 100
    for row in table:
        lines = sorted(
            (
                line
                for line in made.players
                if line["person_id"] == row["person_id"]
                and not line["did_not_play"]
                and days[line["game_id"]] < row["game_date"]
            ),
            key=lambda line: days[line["game_id"]],
        )
        assert row["games_before"] == len(lines)
        for suffix, seen in (("last_2", lines[-2:]), ("last_5", lines[-5:]), ("season", lines)):
            for name in ("points", "plus_minus_points"):
                expected = sum(line[name] for line in seen) / len(seen) if seen else None
                assert row[f"{name}_{suffix}"] == (None if expected is None else pytest.approx(expected, abs=1e-9))
        rest = (row["game_date"] - days[lines[-1]["game_id"]]).days if lines else None
        assert row["rest_days"] == rest
        recent = [line for line in lines if (row["game_date"] - days[line["game_id"]]).days <= 7]
        assert row["games_in_last_7_days"] == len(recent)
        met = [
            (line, days[line["game_id"]])
            for line in made.teams
            if line["team_id"] != row["opponent_team_id"]
            and days[line["game_id"]] < row["game_date"]
            and any(
                other["game_id"] == line["game_id"] and other["team_id"] == row["opponent_team_id"]
                for other in made.teams
            )
        ]
        allowed = sum(line["points"] for line, _day in met) / len(met) if met else None
        assert row["opponent_allowed_points_season"] == (None if allowed is None else pytest.approx(allowed))


def test_what_is_not_known_is_left_out_of_a_mean() -> None:
    """A game without an advanced box score counts for points and not for usage; nothing known gives null."""
    made = Season()
    for day, seed in enumerate((6, 7, 12, 8)):
        made.game(day + 1, day, 1, 2, seed)
    rows = [row for row in season_samples(made.tables(), (5,)).to_pylist() if row["person_id"] == 11]
    known = {row["game_id"]: row["usage_percentage"] for row in made.advanced_players if row["person_id"] == 11}
    seen: list[float] = []
    for row in rows:
        expected = pytest.approx(sum(seen) / len(seen)) if seen else None
        assert row["usage_percentage_last_5"] == expected
        seen += [known[row["game_id"]]] if row["game_id"] in known else []
    assert len(seen) < len(rows)


def test_only_games_that_count_make_features() -> None:
    """A game of a kind that is no history is neither a sample nor part of one."""
    made = season_of((5, 7, 9, 11))
    plain = season_samples(made.tables(), WINDOWS)
    made.game(99, 1, 1, 2, 777, kind="All Star")
    assert season_samples(made.tables(), WINDOWS).equals(plain)


def test_features_and_targets_are_told_apart() -> None:
    """Every column has a role and a meaning, targets are never features, and names are unique."""
    columns = sample_columns((5, 10))
    names = [column.name for column in columns]
    assert len(set(names)) == len(names)
    assert {column.role for column in columns} == {"key", "feature", "target", "split"}
    assert all(column.doc for column in columns)
    assert all((column.role == "target") == column.name.startswith("target_") for column in columns)
    table = training_set([season_of(range(1, 30)).tables()], TrainingOptions(windows=(5, 10), min_games=1)).table
    assert table.column_names == names
    assert [field.type for field in table.schema] == [column.type for column in columns]


def test_players_with_too_few_games_are_dropped() -> None:
    """``min_games`` drops whole players, and says how many."""
    seasons = [season_of(range(1, 30)).tables()]
    everybody = training_set(seasons, TrainingOptions(min_games=1))
    people = everybody.table.column("person_id").to_pylist()
    counts = {person: people.count(person) for person in set(people)}
    least = sorted(counts.values())[3]
    kept = training_set(seasons, TrainingOptions(min_games=least))
    few = {person for person, number in counts.items() if number < least}
    assert few
    assert set(kept.table.column("person_id").to_pylist()) == counts.keys() - few
    assert kept.dropped_players == len(few)
    assert kept.dropped_samples == everybody.table.num_rows - kept.table.num_rows


def test_nothing_left_is_an_error_in_words() -> None:
    """No player with enough games: said, not written as an empty file."""
    with pytest.raises(ValueError, match="fewer than 90 games"):
        training_set([season_of((1, 2, 3)).tables()], TrainingOptions(min_games=90))


@given(
    counts=st.lists(st.integers(1, 40), min_size=3, max_size=60),
    shares=st.tuples(st.integers(1, 98), st.integers(0, 98)).filter(lambda pair: sum(pair) <= 100),
)
def test_parts_follow_each_other_in_time(counts: list[int], shares: tuple[int, int]) -> None:
    """Each day is in one part, parts come in order, and each wanted part has a day."""
    wanted = (shares[0], shares[1], 100 - sum(shares))
    days = [FIRST_DAY + dt.timedelta(days=day) for day, count in enumerate(counts) for _ in range(count)]
    split = split_by_shares(days, wanted)
    parts = [split.of(day) for day in sorted(set(days))]
    order = ["train", "validation", "test"]
    assert [order.index(part) for part in parts] == sorted(order.index(part) for part in parts)
    assert set(parts) == {part for part, share in zip(order, wanted, strict=True) if share}


def test_shares_are_kept_as_days_allow() -> None:
    """With many equal days the cut is where the shares say."""
    days = [FIRST_DAY + dt.timedelta(days=day) for day in range(100)]
    split = split_by_shares(days, (70, 15, 15))
    assert (split.validation_from, split.test_from) == (days[70], days[85])


@pytest.mark.parametrize(
    ("text", "said"), [("70/20", "three shares"), ("70/20/20", "add up to 110"), ("0/50/50", "train")]
)
def test_wrong_shares_are_explained(text: str, said: str) -> None:
    """What is not three percentages of a whole is refused in words."""
    with pytest.raises(ValueError, match=said):
        parse_shares(text)


def test_cuts_must_be_in_order() -> None:
    """A test set that begins before the validation set is refused; too few days are, too."""
    with pytest.raises(ValueError, match="after the validation"):
        split_at(FIRST_DAY, FIRST_DAY)
    with pytest.raises(ValueError, match="cannot be split into 3"):
        split_by_shares([FIRST_DAY], (70, 15, 15))


def test_the_same_rows_give_the_same_bytes_in_any_order() -> None:
    """Rows that come in another order, from other partitions, make the same samples, bytes and version."""
    made = season_of(range(1, 25))
    options = TrainingOptions(min_games=2)
    first = training_set([made.tables()], options)
    for rows in (made.games, made.players, made.teams, made.advanced_players, made.advanced_teams):
        rows.reverse()
    second = training_set([made.tables()], options)
    assert first.version_id == second.version_id
    assert as_csv(first.table) == as_csv(second.table)
    assert as_parquet(first.table, {"b": "1", "a": "2"}) == as_parquet(second.table, {"a": "2", "b": "1"})


def test_the_version_follows_the_content() -> None:
    """One other number makes another version; a split elsewhere does, too."""
    made = season_of(range(1, 25))
    options = TrainingOptions(min_games=2)
    version = training_set([made.tables()], options).version_id
    made.players[-1]["points"] = 4711
    made.players[-1]["did_not_play"] = False
    assert training_set([made.tables()], options).version_id != version
    other = replace(options, validation_from=FIRST_DAY + dt.timedelta(days=9))
    assert training_set([season_of(range(1, 25)).tables()], other).version_id != version


def test_seasons_do_not_run_into_each_other() -> None:
    """Means begin anew with each season; the samples of both stand in order of time."""
    one = season_of(range(1, 12)).tables()
    two = season_of(range(3, 14))
    for game in two.games:
        game["game_date"] += dt.timedelta(days=365)
    second = two.tables(season="2025-26")
    alone = season_samples(second, (5, 10))
    both = training_set([second, one], TrainingOptions(min_games=1)).table
    assert both.column("game_date").to_pylist() == sorted(both.column("game_date").to_pylist())
    assert both.slice(both.num_rows - alone.num_rows).select(alone.column_names).equals(alone)


def test_dates_choose_samples_and_not_their_history() -> None:
    """A first day leaves earlier samples out, and changes no feature of the others."""
    tables = season_of(range(1, 30)).tables()
    start = FIRST_DAY + dt.timedelta(days=12)
    whole = training_set([tables], TrainingOptions(min_games=1)).table
    part = training_set([tables], TrainingOptions(min_games=1, start_date=start)).table
    names = [column.name for column in sample_columns((5, 10)) if column.role != "split"]
    expected = [row for row in whole.select(names).to_pylist() if row["game_date"] >= start]
    assert part.select(names).to_pylist() == expected
