"""Every way in which a season can be wrong, planted, found by name, mended, and equal to what it was."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from nba_season_backfill.audit import FindingKind
from nba_season_backfill.checkpoint import UnitRecord, UnitStatus
from nba_season_backfill.lake.bronze import PROVENANCE_KEY, read_partition
from nba_season_backfill.lake.raw import RawArchive

from .conftest import GAMES, Lake

FIRST, SECOND, THIRD, SWAPPED, DECEMBER = GAMES
STRANGER = "0022499999"
BOX, TEAMS = "box-scores-traditional", "box-scores-traditional-teams"
ADVANCED, ADVANCED_TEAMS, PLAYS = "box-scores-advanced", "box-scores-advanced-teams", "play-by-play"
BOSTON, NEW_YORK = 1610612738, 1610612752
TATUM = 1628369
CHECKPOINT_UNITS = 16


def key(table: str, month: int = 10) -> str:
    return f"{table}/season=2024-25/month={month:02d}/part-0.parquet"


def write(lake: Lake, where: str, table: pa.Table) -> None:
    sink = io.BytesIO()
    pq.write_table(table, sink, store_schema=False)
    lake.store.put(where, sink.getvalue())


def edit(lake: Lake, where: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Let ``change`` alter each row of a partition; rows for which it returns False go."""
    table = read_partition(lake.store, where)
    rows = [row for row in table.to_pylist() if change(row) is not False]
    loose = pa.schema([field.with_nullable(True) for field in table.schema], metadata=table.schema.metadata)
    write(lake, where, pa.Table.from_pylist(rows, schema=loose))


def set_value(table: str, column: str, value: Callable[[Any], Any], *, month: int = 10, **which: Any) -> Plant:
    """Alter one column of the rows that match."""

    def plant(lake: Lake) -> None:
        hit = []

        def change(row: dict[str, Any]) -> None:
            if all(row[name] == wanted for name, wanted in which.items()):
                row[column] = value(row[column])
                hit.append(row)

        edit(lake, key(table, month), change)
        assert hit, "the defect hit nothing"

    return plant


def drop_rows(table: str, *, month: int = 10, **which: Any) -> Plant:
    def plant(lake: Lake) -> None:
        before = read_partition(lake.store, key(table, month)).num_rows
        edit(lake, key(table, month), lambda row: any(row[name] != wanted for name, wanted in which.items()))
        assert read_partition(lake.store, key(table, month)).num_rows < before

    return plant


def last_player(lake: Lake) -> None:
    """One player's row goes who did not play: no sum shows it."""
    rows = read_partition(lake.store, key(BOX)).to_pylist()
    gone = [row for row in rows if row["game_id"] == FIRST and row["team_id"] == BOSTON][-1]
    edit(lake, key(BOX), lambda row: (row["game_id"], row["person_id"]) != (FIRST, gone["person_id"]))


def last_score(lake: Lake) -> None:
    rows = read_partition(lake.store, key(PLAYS)).to_pylist()
    last = [row["action_id"] for row in rows if row["game_id"] == FIRST and row["score_home"] is not None][-1]
    set_value(PLAYS, "score_home", lambda score: score + 1, game_id=FIRST, action_id=last)(lake)


def last_actions(lake: Lake) -> None:
    """The end of a game is cut off, after its last point."""
    rows = read_partition(lake.store, key(PLAYS)).to_pylist()
    last = max(row["action_id"] for row in rows if row["game_id"] == FIRST)
    edit(lake, key(PLAYS), lambda row: (row["game_id"], row["action_id"]) != (FIRST, last))


def duplicate(lake: Lake) -> None:
    table = read_partition(lake.store, key(TEAMS))
    write(lake, key(TEAMS), pa.concat_tables([table.slice(0, 1), table]).replace_schema_metadata(table.schema.metadata))


def shuffle(lake: Lake) -> None:
    table = read_partition(lake.store, key(PLAYS))
    order = pa.array([*range(100, table.num_rows), *range(100)])
    write(lake, key(PLAYS), table.take(order))


def delete(where: str) -> Plant:
    def plant(lake: Lake) -> None:
        lake.store.get(where)
        lake.store.delete(where)

    return plant


def truncate(where: str) -> Plant:
    def plant(lake: Lake) -> None:
        body = lake.store.get(where).body
        lake.store.put(where, body[: len(body) // 2])

    return plant


def drop_column(lake: Lake) -> None:
    write(lake, key(BOX), read_partition(lake.store, key(BOX)).drop_columns(["steals"]))


def retype_column(lake: Lake) -> None:
    table = read_partition(lake.store, key(BOX))
    place = table.column_names.index("steals")
    write(lake, key(BOX), table.set_column(place, "steals", table.column("steals").cast(pa.float64())))


def add_column(lake: Lake) -> None:
    table = read_partition(lake.store, key(BOX))
    write(lake, key(BOX), table.append_column("mood", pa.array(["good"] * table.num_rows)))


def misplace(lake: Lake) -> None:
    """A game of October lies in November too, among those that belong there."""
    october, november = read_partition(lake.store, key(BOX)), read_partition(lake.store, key(BOX, 11))
    moved = october.filter(pc.equal(october.column("game_id"), FIRST))
    write(lake, key(BOX, 11), pa.concat_tables([moved, november]).replace_schema_metadata(november.schema.metadata))


def overwrite(lake: Lake) -> None:
    """October's file lies where November's should."""
    lake.store.put(key(PLAYS, 11), lake.store.get(key(PLAYS)).body)


def strangers(lake: Lake) -> None:
    table = read_partition(lake.store, key(TEAMS))
    rows = table.slice(0, 2).set_column(0, table.schema.field("game_id"), pa.array([STRANGER, STRANGER]))
    write(lake, key(TEAMS), pa.concat_tables([table, rows]).replace_schema_metadata(table.schema.metadata))


def july(lake: Lake) -> None:
    lake.store.put(key(TEAMS, 7), lake.store.get(key(TEAMS)).body)


def second_part(lake: Lake) -> None:
    lake.store.put(key(PLAYS).replace("part-0", "part-1"), b"left by another tool")


def extra_game(lake: Lake) -> None:
    table = read_partition(lake.store, key("games"))
    row = {**table.slice(0, 1).to_pylist()[0], "game_id": STRANGER}
    write(lake, key("games"), pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)]))


def body_of(lake: Lake, endpoint: str, subject: str = FIRST) -> str:
    return RawArchive(lake.store).find(endpoint, "2024-25", subject)[0].key


def lose_body(endpoint: str, subject: str = FIRST) -> Plant:
    return lambda lake: lake.store.delete(body_of(lake, endpoint, subject))


def damage_body(endpoint: str, subject: str = FIRST) -> Plant:
    def plant(lake: Lake) -> None:
        where = body_of(lake, endpoint, subject)
        found = lake.store.get(where)
        lake.store.put(where, found.body[:-20], metadata=found.info.metadata)

    return plant


def put_body(lake: Lake, endpoint: str, subject: str, body: bytes, fetched_at: str) -> None:
    where = f"_raw/{endpoint}/season=2024-25/{subject}/{hashlib.sha256(body).hexdigest()}.json.gz"
    metadata = {"fetched_at": fetched_at, "run_id": "test", "url": "http://127.0.0.1/", "status": "200"}
    lake.store.put(where, gzip.compress(body), metadata=metadata)


def body_of_stranger(lake: Lake) -> None:
    put_body(lake, "playbyplayv3", STRANGER, b'{"game": {}}', "2024-12-01T00:00:00+00:00")


def newer_body(lake: Lake) -> None:
    put_body(lake, "playbyplayv3", FIRST, b'{"game": {}}', "2099-01-01T00:00:00+00:00")


def changed_log(lake: Lake) -> None:
    """A game log that came later has another score for one team."""
    log = orjson.loads(lake.source.bodies["leaguegamelog", "regular-season"])
    result = log["resultSets"][0]
    place = {name: result["headers"].index(name) for name in ("GAME_ID", "TEAM_ID", "PTS")}
    for row in result["rowSet"]:
        if (row[place["GAME_ID"]], row[place["TEAM_ID"]]) == (FIRST, BOSTON):
            row[place["PTS"]] += 3
    put_body(lake, "leaguegamelog", "regular-season", orjson.dumps(log), dt.datetime.now(dt.UTC).isoformat())


def forget(*datasets: str) -> Plant:
    def plant(lake: Lake) -> None:
        checkpoint = lake.checkpoint()
        checkpoint.forget([(FIRST, dataset) for dataset in datasets])
        lake.put_checkpoint(checkpoint)

    return plant


def alter_line(**changes: Any) -> Plant:
    def plant(lake: Lake) -> None:
        checkpoint = lake.checkpoint()
        record = checkpoint.unit(FIRST, PLAYS)
        assert record is not None
        checkpoint.record(FIRST, PLAYS, dataclasses.replace(record, **changes))
        lake.put_checkpoint(checkpoint)

    return plant


def line_of_stranger(lake: Lake) -> None:
    checkpoint = lake.checkpoint()
    record = checkpoint.unit(FIRST, PLAYS)
    assert isinstance(record, UnitRecord)
    checkpoint.record(STRANGER, PLAYS, dataclasses.replace(record, rows={}))
    lake.put_checkpoint(checkpoint)


def other_provenance(lake: Lake) -> None:
    table = read_partition(lake.store, key(PLAYS))
    raws = orjson.loads(table.schema.metadata[PROVENANCE_KEY])
    raws[FIRST] = "0" * 64
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema.remove_metadata(), store_schema=False) as writer:
        writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata({PROVENANCE_KEY: orjson.dumps(raws)})
    lake.store.put(key(PLAYS), sink.getvalue())


def fewer_players(lake: Lake) -> None:
    where = "players/season=2024-25/part-0.parquet"
    write(lake, where, read_partition(lake.store, where).slice(1))


Plant = Callable[[Lake], object]


@dataclass(frozen=True)
class Defect:
    """A defect and how the audit must name it: these fields of one of its findings."""

    name: str
    plant: Plant
    kind: str
    named: dict[str, str]
    deep: bool = False


def of_game(table: str, **more: str) -> dict[str, str]:
    return {"game_id": FIRST, "table": table, **more}


def plus(number: float) -> Callable[[Any], Any]:
    return lambda value: value + number


STAR: dict[str, Any] = {"game_id": FIRST, "person_id": TATUM}
CELTICS: dict[str, Any] = {"game_id": FIRST, "team_id": BOSTON}
DEFECTS = (
    # One field.
    Defect("a team's points", set_value(TEAMS, "points", plus(1), **CELTICS), "score_differs",
           of_game(TEAMS, column="points", row=f"team_id={BOSTON}", expected="132", found="133")),
    Defect("a player's points", set_value(BOX, "points", plus(2), **STAR), "sum_differs",
           of_game(TEAMS, column="points", expected="132", found="134")),
    Defect("a player's points against his shots", set_value(BOX, "points", plus(2), **STAR), "arithmetic",
           of_game(BOX, column="points", row=f"team_id={BOSTON}, person_id={TATUM}")),
    Defect("a player's rebounds", set_value(BOX, "rebounds_total", plus(1), **STAR), "sum_differs",
           of_game(TEAMS, column="rebounds_total")),
    Defect("a team's assists", set_value(TEAMS, "assists", plus(1), **CELTICS), "total_differs",
           of_game(TEAMS, column="assists", expected="33", found="34")),
    Defect("a team's plus-minus", set_value(TEAMS, "plus_minus_points", plus(2), **CELTICS), "arithmetic",
           of_game(TEAMS, column="plus_minus_points")),
    Defect("a team without points", set_value(TEAMS, "points", lambda _: None, **CELTICS), "score_missing",
           of_game(TEAMS, column="points", found="null")),
    Defect("a shooting percentage", set_value(BOX, "field_goals_percentage", plus(0.01), **STAR), "arithmetic",
           of_game(BOX, column="field_goals_percentage")),
    Defect("a player's minutes", set_value(BOX, "minutes_seconds", plus(300), **STAR), "minutes_differ",
           of_game(BOX, column="minutes_seconds", expected="14400", found="14700")),
    Defect("an overtime that was not played", set_value(TEAMS, "minutes_seconds", plus(1500), **CELTICS),
           "minutes_differ", of_game(TEAMS, column="minutes_seconds", expected="14400", found="15900")),
    Defect("a net rating", set_value(ADVANCED_TEAMS, "net_rating", plus(1.0), **CELTICS), "arithmetic",
           of_game(ADVANCED_TEAMS, column="net_rating")),
    Defect("an offensive rating", set_value(ADVANCED_TEAMS, "offensive_rating", plus(0.1), **CELTICS), "arithmetic",
           of_game(ADVANCED_TEAMS, column="offensive_rating")),
    Defect("minutes in one dataset only", set_value(ADVANCED, "minutes_seconds", plus(60), **STAR),
           "datasets_differ", of_game(ADVANCED, column="minutes_seconds", row=f"person_id={TATUM}")),
    Defect("another team", set_value(TEAMS, "team_id", lambda _: 1610612800, **CELTICS), "team_unknown",
           of_game(TEAMS, column="team_id", row="team_id=1610612800")),
    Defect("another team acts", set_value(PLAYS, "team_id", lambda _: 1610612800, **CELTICS, period=3),
           "team_unknown", of_game(PLAYS, column="team_id")),
    Defect("the last score", last_score, "score_differs", of_game(PLAYS, expected="132", found="133")),
    Defect("no scores at all", set_value(PLAYS, "score_home", lambda _: None, game_id=FIRST), "score_missing",
           of_game(PLAYS)),
    Defect("a clock that is null", set_value(PLAYS, "clock_seconds_left", lambda _: None, game_id=FIRST, action_id=9),
           "value_missing", of_game(PLAYS, column="clock_seconds_left")),
    Defect("a text nobody adds up", set_value(PLAYS, "description", lambda _: "slam", game_id=FIRST, action_id=9),
           "value_altered", of_game(PLAYS, column="description", row="action_id=9", found="slam"), deep=True),
    Defect("a score in the games table", set_value("games", "home_score", plus(1), game_id=FIRST), "game_differs",
           of_game("games", column="home_score", expected="132", found="133")),
    Defect("a date in the games table", set_value("games", "tipoff_utc", lambda _: None, game_id=FIRST),
           "game_differs", of_game("games", column="tipoff_utc")),
    # One row.
    Defect("a player who sat out", last_player, "rows_differ", of_game(BOX)),
    Defect("a player missing in one dataset", drop_rows(ADVANCED, **STAR), "datasets_differ",
           of_game(ADVANCED, column="person_id", row=f"person_id={TATUM}", found="no row")),
    Defect("a team row", drop_rows(TEAMS, **CELTICS), "team_rows", of_game(TEAMS, expected="2", found="1")),
    Defect("a row twice", duplicate, "row_twice", of_game(TEAMS)),
    Defect("the last action", last_actions, "rows_differ", of_game(PLAYS)),
    Defect("a game's row in the games table", drop_rows("games", game_id=FIRST), "game_missing", of_game("games")),
    Defect("a game nobody knows in the games table", extra_game, "game_unknown",
           {"game_id": STRANGER, "table": "games"}),
    Defect("a player in the index", fewer_players, "rows_differ", {"table": "players", "expected": "20"}),
    # One game.
    Defect("a team's players", drop_rows(BOX, **CELTICS), "players_missing", of_game(BOX, row=f"team_id={BOSTON}")),
    Defect("nobody played", set_value(BOX, "minutes_seconds", lambda _: None, **CELTICS), "players_missing",
           of_game(BOX, column="minutes_seconds")),
    Defect("a quarter", drop_rows(PLAYS, game_id=FIRST, period=3), "periods_missing", of_game(PLAYS, column="period")),
    Defect("a game's rows", drop_rows(ADVANCED, game_id=FIRST), "rows_missing", of_game(ADVANCED)),
    Defect("a game in another month too", misplace, "rows_misplaced", of_game(BOX, key=key(BOX, 11))),
    Defect("a game nobody knows", strangers, "rows_unaccounted", {"game_id": STRANGER, "table": TEAMS}),
    Defect("rows of another body", other_provenance, "rows_of_another_body", of_game(PLAYS, found="0" * 64)),
    Defect("a checkpoint line", forget(PLAYS), "dataset_missing", {"game_id": FIRST, "dataset": PLAYS}),
    Defect("a game's lines", forget(PLAYS, BOX, ADVANCED), "rows_unaccounted", of_game(BOX)),
    Defect("a line that failed", alter_line(status=UnitStatus.FAILED, error="x", rows={}), "dataset_missing",
           {"game_id": FIRST, "dataset": PLAYS, "found": "failed"}),
    Defect("an absence that should not be",
           alter_line(status=UnitStatus.ABSENT, believed_until="2099-01-01T00:00:00+00:00", suspicious=True, rows={}),
           "dataset_missing", {"game_id": FIRST, "dataset": PLAYS, "found": "absent"}),
    Defect("a line with other counts", alter_line(rows={PLAYS: 7}), "rows_differ", of_game(PLAYS, expected="7")),
    Defect("a line of a game nobody knows", line_of_stranger, "unit_unknown", {"game_id": STRANGER}),
    # One file.
    Defect("a partition", delete(key(PLAYS)), "partition_missing", {"table": PLAYS, "key": key(PLAYS)}),
    Defect("a partition of games", delete(key("games", 12)), "partition_missing", {"table": "games"}),
    Defect("half a partition", truncate(key(BOX)), "partition_damaged", {"table": BOX, "key": key(BOX)}),
    Defect("half a partition of games", truncate(key("games")), "partition_damaged", {"table": "games"}),
    Defect("a column", drop_column, "schema_differs", {"table": BOX, "column": "steals"}),
    Defect("a column's type", retype_column, "schema_differs", {"table": BOX, "column": "steals", "found": "double"}),
    Defect("a column too many", add_column, "schema_differs", {"table": BOX, "column": "mood"}),
    Defect("rows out of order", shuffle, "rows_out_of_order", {"table": PLAYS, "key": key(PLAYS)}),
    Defect("a month in place of another", overwrite, "partition_unknown", {"table": PLAYS, "key": key(PLAYS, 11)}),
    Defect("a month in which nobody plays", july, "partition_unknown", {"table": TEAMS, "key": key(TEAMS, 7)}),
    Defect("another tool's file", second_part, "partition_unknown", {"table": PLAYS}),
    Defect("a body", lose_body("playbyplayv3"), "body_missing", {"game_id": FIRST, "dataset": PLAYS}),
    Defect("half a body", damage_body("playbyplayv3"), "body_damaged", {"game_id": FIRST, "dataset": PLAYS},
           deep=True),
    Defect("a body of a game nobody knows", body_of_stranger, "body_unnamed", {"game_id": STRANGER}),
    Defect("a body that came later", newer_body, "body_unnamed", {"game_id": FIRST, "dataset": PLAYS}),
    # The lists.
    Defect("a game log", lose_body("leaguegamelog", "regular-season"), "list_missing", {}),
    Defect("half a game log", damage_body("leaguegamelog", "regular-season"), "list_missing", {}),
    Defect("the schedule", lose_body("scheduleleaguev2", "season"), "list_missing", {}),
    Defect("a score in the game log", changed_log, "lists_disagree",
           {"game_id": FIRST, "column": "home_score", "expected": "132", "found": "135"}),
)  # fmt: skip


def test_an_undisturbed_season_is_clean(clean_lake: Lake) -> None:
    """Nothing is found where nothing is wrong, however deep one looks; and everything was looked at."""
    found = clean_lake.audit(deep=True)
    assert found.findings == ()
    assert (found.games, found.units, found.bodies) == (len(GAMES), CHECKPOINT_UNITS, CHECKPOINT_UNITS)
    assert found.partitions == 3 * 6 + 1
    assert found.simulated


def _parameters() -> Iterator[Any]:
    """The first of each kind in every run, the others in slow ones."""
    seen: set[str] = set()
    for defect in DEFECTS:
        marks = (pytest.mark.slow,) if defect.kind in seen else ()
        seen.add(defect.kind)
        yield pytest.param(defect, id=defect.name.replace(" ", "-"), marks=marks)


@pytest.mark.parametrize("defect", list(_parameters()))
def test_a_defect_is_found_named_and_mended(clean_lake: Lake, lake: Lake, defect: Defect) -> None:
    """The audit names the defect; --repair mends it, asks for no more than must be, and leaves what there was."""
    defect.plant(lake)
    repaired = lake.repair(deep=defect.deep)
    found = repaired.before
    named = [
        finding
        for finding in found.open_findings
        if finding.kind == defect.kind and all(getattr(finding, name) == want for name, want in defect.named.items())
    ]
    assert named, [finding.to_document() for finding in found.findings]
    assert repaired.after.findings == (), [finding.to_document() for finding in repaired.after.findings]
    assert repaired.mended
    assert lake.tables() == clean_lake.tables()
    assert lake.checkpoint().facts() == clean_lake.checkpoint().facts()
    accused = {finding.game_id for finding in found.findings}
    assert {game for _endpoint, game in lake.source.games_asked} <= accused


def test_there_are_enough_of_them() -> None:
    """At least 25 different defects, of at least 25 kinds."""
    assert len({defect.name for defect in DEFECTS}) >= 50
    kinds = {defect.kind for defect in DEFECTS}
    assert len(kinds) >= 25
    # Those need a whole season, or a body that was altered together with its name; they are shown elsewhere.
    assert kinds == {kind.value for kind in FindingKind} - {
        "game_count",
        "team_games",
        "series_incomplete",
        "game_unresolved",
        "body_fails",
    }
