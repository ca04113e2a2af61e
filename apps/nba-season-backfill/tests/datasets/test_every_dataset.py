"""Every dataset of the registry keeps the same promises, whatever it is about: tried on each of its columns."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS, TABLES
from nba_season_backfill.datasets.base import Assessment
from nba_season_backfill.datasets.columns import snake_case
from nba_season_backfill.datasets.contract import rows_in, under_contract
from nba_season_backfill.season import GameId, Season, SeasonType

if TYPE_CHECKING:
    from datasets.conftest import Simulated

# Fields that nba_api expects and some answers lack all the same: each with its reason.
_MAY_BE_GONE = {
    # Charts from before the game have none of these; an older meeting has no clock, and its teams no slug.
    "summary": {
        "benchPoints",
        "biggestLead",
        "biggestScoringRun",
        "gameClock",
        "leadChanges",
        "pointsFromTurnovers",
        "reboundsTeam",
        "teamSlug",
        "timesTied",
        "turnoversTeam",
        "turnoversTotal",
    },
}


def fields(simulated: Simulated) -> list[tuple[pa.Field, list[str | int]]]:
    """Each declared column that holds a single value of the answer, and where its first value stands."""
    found = []
    for table in simulated.tables:
        for field in table.schema:
            path = simulated.path(field.metadata[b"source"].decode())
            if path is not None:
                found.append((field, path))
    return found


def changed(payload: Any, path: list[str | int], value: Any) -> Any:
    """A copy with one value replaced. Result sets have rows of values, so their rows are copied alike."""
    copied = copy.deepcopy(payload)
    here = copied
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return copied


def without(payload: Any, path: list[str | int]) -> Any:
    """A copy in which the field is gone: from its object, or as a whole column."""
    copied = copy.deepcopy(payload)
    here = copied
    if "resultSets" in copied:
        result = copied["resultSets"][path[1]]
        del result["headers"][path[-1]]
        for row in result["rowSet"]:
            del row[path[-1]]
        return copied
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return copied


def of_another_type(value: Any) -> Any:
    return 7 if isinstance(value, str) else "seven"


def at(payload: Any, path: list[str | int]) -> Any:
    for step in path:
        payload = payload[step]
    return payload


def refused(found: Assessment) -> None:
    """A violation that says why: what it has of tables is for a person who would take it as it is."""
    assert found.kind == "contract_violation"
    assert found.problems
    assert all(found.problems)


def test_a_whole_answer_passes(simulated: Simulated) -> None:
    """Ok, without a field that is not declared, as tables of the declared schemas, in order of their keys."""
    found = simulated.assess(simulated.payload)
    assert (found.kind, found.problems, found.unknown_fields) == ("ok", (), ())
    assert set(found.tables) == {table.name for table in simulated.tables}
    for table in simulated.tables:
        rows = found.tables[table.name]
        assert rows.schema.equals(TABLES[table.name].schema)
        assert rows.num_rows > 0
        rows.validate(full=True)
        keys = [(*(["game"] if table.per_game else []), *(row[k] for k in table.key)) for row in rows.to_pylist()]
        assert keys == sorted(set(keys))
    assert found.quality.rows == sum(rows.num_rows for rows in found.tables.values())
    assert (found.quality.outliers, found.quality.missing, found.quality.type_errors) == (0, 0, 0)


def test_a_field_of_another_type_is_refused_and_counted(simulated: Simulated) -> None:
    """Text for a number or a number for text, in any declared column: a violation, never a cast."""
    tried = 0
    for field, path in fields(simulated):
        found = simulated.assess(changed(simulated.payload, path, of_another_type(at(simulated.payload, path))))
        assert found.kind == "contract_violation", field.name
        refused(found)
        tried += 1
    assert tried


def test_a_type_error_is_counted(simulated: Simulated) -> None:
    """A list where a number is declared is counted once, and is no outlier."""
    counted = [
        simulated.assess(changed(simulated.payload, path, [1])).quality
        for field, path in fields(simulated)
        if field.name == name_of(simulated, path) and type(at(simulated.payload, path)) in (int, float)
    ]
    assert counted
    assert {quality.outliers for quality in counted} == {0}
    assert max(quality.type_errors for quality in counted) == 1


def name_of(simulated: Simulated, path: list[str | int]) -> str:
    """The column that holds the field itself, not what is made of it."""
    if "resultSets" in simulated.payload:
        return snake_case(simulated.payload["resultSets"][path[1]]["headers"][path[-1]])
    return snake_case(str(path[-1]))


def test_a_null_where_a_value_is_required_is_refused(simulated: Simulated) -> None:
    """Keys and ids, the team's first of all, are never null."""
    tried = 0
    for field, path in fields(simulated):
        if not field.nullable and field.name.endswith(name_of(simulated, path)):
            refused(simulated.assess(changed(simulated.payload, path, None)))
            tried += 1
    assert tried


def test_a_missing_field_is_refused(simulated: Simulated) -> None:
    """A declared field that is gone is a violation; only what nba_api does not expect either may be."""
    expected = _expected(simulated)
    tolerated = set()
    for _field, path in fields(simulated):
        name = str(path[-1])
        if "resultSets" in simulated.payload:
            name = simulated.payload["resultSets"][path[1]]["headers"][path[-1]]
        found = simulated.assess(without(simulated.payload, path))
        if found.kind == "ok":
            tolerated.add(name)
        else:
            refused(found)
            assert found.quality.missing or "asked for" in found.problems[0] or "got None" in found.problems[0]
    assert tolerated & expected <= _MAY_BE_GONE.get(simulated.label, set())


def _expected(simulated: Simulated) -> set[str]:
    endpoint = simulated.dataset.endpoint
    module = importlib.import_module(f"nba_api.stats.endpoints.{endpoint}")
    (made,) = (each for each in vars(module).values() if getattr(each, "endpoint", None) == endpoint)
    if simulated.label.startswith(("player-game-logs-", "team-game-logs-")):
        # nba_api expects the traditional kind only; of the others what is measured must be there.
        return {"GAME_ID", "TEAM_ID", "MIN"}
    return {name for names in made.expected_data.values() for name in names}


def test_a_value_beyond_its_range_is_kept_counted_and_named(simulated: Simulated) -> None:
    """Out of range is no reason to lose a game: it is stored as it came, and told in the run's summary."""
    tried = 0
    for field, path in fields(simulated):
        if b"range" not in field.metadata or type(at(simulated.payload, path)) not in (int, float):
            continue
        low, _, high = field.metadata[b"range"].decode().partition("..")
        beyond = float(high) + 1 if high else float(low) - 1
        value = int(beyond) if pa.types.is_integer(field.type) else beyond
        found = simulated.assess(changed(simulated.payload, path, value))
        if found.kind != "ok":
            # Where the value contradicts another one (a total, a score) the answer is refused.
            refused(found)
            continue
        assert found.quality.outliers >= 1, field.name
        assert found.quality.examples[0].endswith(f": {value}"), field.name
        assert any(
            value in rows.column(field.name).to_pylist()
            for rows in found.tables.values()
            if field.name in rows.schema.names
        )
        tried += 1
    # Sums over the rows have bounds too, but no single value to be out of them.
    assert tried or simulated.label in ("teams", "teams-years")


@pytest.mark.parametrize("game", ["0022400062", None, 22400061, ""])
def test_an_answer_about_another_game_is_refused(simulated: Simulated, game: Any) -> None:
    """Of another game, or of none: never rows. Whole seasons are told by their season in the same way."""
    payload = copy.deepcopy(simulated.payload)
    if simulated.request is None:
        _everywhere(payload, ("gameId", "GAME_ID"), game)
    else:
        names = ("SEASON_YEAR", "SEASON_ID", "SEASON", "PERSON_ID")
        if not _everywhere(payload, names, "2019-20" if game is None else game):
            _everywhere(payload, ("TEAM_ID",), None)
    refused(simulated.assess(payload))


def _everywhere(payload: Any, names: tuple[str, ...], value: Any) -> int:
    """Put a value wherever such a field stands; how often."""
    done = 0
    for result in payload.get("resultSets", ()):
        for name in set(names) & set(result["headers"]):
            for row in result["rowSet"]:
                row[result["headers"].index(name)] = value
                done += 1
    for inner in payload.values():
        if isinstance(inner, dict) and "gameId" in inner and "gameId" in names:
            inner["gameId"] = value
            done += 1
    return done


@pytest.mark.parametrize("team", [None, 0, -1, 1610612799, "1610612738"])
def test_a_team_that_did_not_play_is_refused(simulated_game: Simulated, team: Any) -> None:
    """No team, or another one, on one side of a game."""
    payload = copy.deepcopy(simulated_game.payload)
    if "resultSets" in payload:
        for result in payload["resultSets"]:
            for name in {"TEAM_ID", "HOME_TEAM_ID"} & set(result["headers"]):
                for row in result["rowSet"][:1]:
                    row[result["headers"].index(name)] = team
    elif simulated_game.label == "play-by-play":
        for action in payload["game"]["actions"]:
            action["teamId"] = team
    else:
        payload[simulated_game.dataset.root]["homeTeam"]["teamId"] = team
    refused(simulated_game.assess(payload))


@pytest.mark.parametrize("payload", [None, [], {}, 5, "text"])
def test_an_answer_without_content_is_never_ok(simulated: Simulated, payload: Any) -> None:
    """Nothing, or something else, becomes no rows and no exception."""
    refused(simulated.assess(payload))
    root = simulated.dataset.root or "resultSets"
    empty: list[Any] = [None, [], {}, 5]
    for inner in empty:
        refused(simulated.assess({root: inner}))


def test_a_new_field_is_reported_once_and_stored_around(simulated: Simulated) -> None:
    """Drift by addition: told by its path, whatever stands in it."""
    found = simulated.assess(_with_a_new_field(simulated))
    assert (found.kind, len(found.unknown_fields)) == ("ok", 0 if simulated.label == "teams" else 1)
    whole = simulated.assess(simulated.payload)
    assert all(found.tables[name].equals(rows) for name, rows in whole.tables.items())


def test_a_frozen_schema_refuses_a_new_field(simulated: Simulated) -> None:
    """Under freeze the answer breaks its contract: named and counted; evolve lets it pass."""
    payload = _with_a_new_field(simulated)
    found = simulated.under("freeze", payload)
    if simulated.label == "teams":
        # Its rows are sums over the game log's, whose other fields are no business of theirs.
        assert found.kind == "ok"
        return
    refused(found)
    assert "brandNew" in found.problems[0]
    assert "frozen" in found.problems[0]
    assert found.quality.filtered_out_count == rows_in(payload) > 0
    assert simulated.under("evolve", payload).kind == "ok"
    assert simulated.under("freeze", simulated.payload).kind == "ok"


def test_a_dataset_is_the_same_under_another_contract() -> None:
    """What is compared is the dataset, not how strictly it is judged."""
    for name in DATASETS:
        assert under_contract(DATASETS[name], "freeze") == DATASETS[name]
    for name in SEASON_DATASETS:
        assert under_contract(SEASON_DATASETS[name], "freeze") == SEASON_DATASETS[name]


def _with_a_new_field(simulated: Simulated) -> Any:
    payload = copy.deepcopy(simulated.payload)
    if "resultSets" in payload:
        name = fields(simulated)[0][1][1]
        payload["resultSets"][name]["headers"].append("brandNew")
        for row in payload["resultSets"][name]["rowSet"]:
            row.append(1)
        if simulated.label == "game-rotation":
            for result in payload["resultSets"]:
                if "brandNew" not in result["headers"]:
                    result["headers"].append("brandNew")
                    for row in result["rowSet"]:
                        row.append(1)
    else:
        payload[simulated.dataset.root]["brandNew"] = 1
    return payload


def test_a_refused_answer_counts_its_rows(simulated: Simulated) -> None:
    """``filtered_out_count``: the rows that it would have been."""
    path = fields(simulated)[1][1]
    wrong = of_another_type(at(simulated.payload, path))
    found = simulated.under("evolve", changed(simulated.payload, path, wrong))
    refused(found)
    assert found.quality.filtered_out_count == rows_in(simulated.payload)


paths = st.lists(st.integers(0, 40), min_size=1, max_size=7)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["²", "9" * 5000, "\ud800", "", 10**30, 2**53 + 1, "0001-01-01T00:00:00Z", [[]], {"a": 1}, [], {}]),
)


@settings(max_examples=15, deadline=None)
@given(path=paths, value=values, remove=st.booleans())
def test_no_damage_raises_or_makes_half_an_answer(
    simulated: Simulated, path: list[int], value: Any, remove: bool
) -> None:
    """Whatever is replaced or removed, anywhere: ok with whole tables, absent, or a violation that says why."""
    payload = copy.deepcopy(simulated.payload)
    here = payload
    for step in path[:-1]:
        items = list(here.items()) if isinstance(here, dict) else list(enumerate(here))
        inner = [key for key, each in items if isinstance(each, dict | list) and each]
        if not inner:
            break
        here = here[inner[step % len(inner)]]
    keys = list(here) if isinstance(here, dict) else list(range(len(here)))
    key = keys[path[-1] % len(keys)]
    if remove:
        del here[key]
    else:
        here[key] = value
    found = simulated.assess(payload)
    assert found.kind in ("ok", "absent", "contract_violation")
    assert bool(found.tables) or found.kind != "ok"
    if found.kind == "contract_violation":
        refused(found)
    for name, rows in found.tables.items():
        assert rows.schema.equals(TABLES[name].schema)
        assert rows.to_pylist() == rows.to_pylist()
        rows.validate(full=True)


def test_nothing_is_asked_for_before_it_was_there() -> None:
    """Tracking before the cameras, hustle before the 2016 playoffs, logs of other kinds before 1996-97: no request."""
    regular, playoffs = GameId("0021500001").kind, GameId("0041500111").kind
    assert not DATASETS["box-scores-player-track"].offers(Season(2012), regular)
    assert DATASETS["box-scores-player-track"].offers(Season(2013), regular)
    assert not DATASETS["box-scores-hustle"].offers(Season(2015), regular)
    assert DATASETS["box-scores-hustle"].offers(Season(2015), playoffs)
    assert DATASETS["box-scores-hustle"].offers(Season(2016), regular)
    assert DATASETS["box-scores-traditional"].offers(Season(1946), regular)
    logs = SEASON_DATASETS["player-game-logs"]
    asked = logs.requests(Season(1995), list(SeasonType), "00", ())
    assert {request.table for request in asked} == {"player-game-logs"}
    # No play-in and no Cup final yet.
    assert {request.parameters["SeasonType"] for request in asked} == {
        "Pre Season",
        "Regular Season",
        "All Star",
        "Playoffs",
    }
    assert len(logs.requests(Season(1996), [SeasonType.REGULAR_SEASON], "00", ())) == 5


def test_a_game_is_asked_for_as_nba_api_does() -> None:
    """Every dataset of single games sends the parameters of nba_api's own class, without what is None there."""
    for name, dataset in DATASETS.items():
        if name in SEASON_DATASETS:
            continue
        module = importlib.import_module(f"nba_api.stats.endpoints.{dataset.endpoint}")
        (made,) = (each for each in vars(module).values() if getattr(each, "endpoint", None) == dataset.endpoint)
        if name == "shot-chart":
            theirs = made(
                team_id=0, player_id=0, context_measure_simple="FGA", game_id_nullable="0042400401",
                season_type_all_star="Playoffs", get_request=False,
            ).parameters  # fmt: skip
        else:
            theirs = made(game_id="0042400401", get_request=False).parameters
        sent = {key: str(value) for key, value in theirs.items() if value is not None}
        assert dataset.parameters("0042400401") == sent, name


def test_subjects_of_a_season_are_different() -> None:
    """Within an endpoint each request has a name of its own in the archive; all parameters are text."""
    seen = set()
    for dataset in SEASON_DATASETS.values():
        for request in dataset.requests(Season(2024), list(SeasonType), "10", [1, 2]):
            assert (request.endpoint, request.subject) not in seen
            seen.add((request.endpoint, request.subject))
            assert all(isinstance(value, str) for value in request.parameters.values())
            assert "None" not in request.parameters.values()
            assert request.parameters.get("LeagueID", "10") == "10"
            assert request.table in {table.name for table in dataset.tables}


def test_teams_share_the_request_that_finds_the_games() -> None:
    """The same endpoint, parameters and subject: one body in the archive serves both."""
    from nba_season_backfill.backfill.discovery import season_list_requests

    season, types = Season(2024), [SeasonType.REGULAR_SEASON, SeasonType.PLAY_IN]
    theirs = {
        (each.endpoint, each.subject): dict(each.parameters)
        for each in season_list_requests(season, types)
        if each.endpoint == "leaguegamelog"
    }
    ours = {
        (each.endpoint, each.subject): dict(each.parameters)
        for each in SEASON_DATASETS["teams"].requests(season, types, "00", ())
        if each.endpoint == "leaguegamelog"
    }
    assert ours == theirs


def test_shares_of_a_season_become_whole_tables(every_answer: Sequence[Simulated]) -> None:
    """In order of the key, every table there, and never the same row from two answers."""
    for dataset in SEASON_DATASETS.values():
        shares = [each.assess(each.payload) for each in every_answer if each.dataset == dataset]
        whole = dataset.combined(shares)
        assert set(whole) == {table.name for table in dataset.tables}
        for table in dataset.tables:
            assert whole[table.name].schema.equals(table.schema)
        with pytest.raises(ValueError, match="two answers have the same"):
            dataset.combined([*shares, *shares])
        assert all(rows.num_rows == 0 for rows in dataset.combined([]).values())
