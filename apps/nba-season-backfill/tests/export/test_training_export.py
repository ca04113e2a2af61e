"""``export training`` on a real lake: what the files hold, what is said beside them, and a lake that moves."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result

from nba_season_backfill.errors import Incomplete
from nba_season_backfill.export.snapshot import read_snapshot
from nba_season_backfill.lake.bronze import PROVENANCE_KEY
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.store import StoredObject
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

Invoke = Callable[..., Result]


def exported(invoke: Invoke, lake: Path, file: Path, *more: object) -> dict[str, Any]:
    """Write samples; gives their metadata."""
    done = invoke("export", "training", "--output", lake, "--file", file, "--min-games", 2, *more)
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    document: dict[str, Any] = json.loads(file.with_name(f"{file.name}.json").read_text())
    return document


def test_the_metadata_says_what_the_file_is(sample_lake: Path, invoke: Invoke, tmp_path: Path) -> None:
    """Rows, split, columns, hash, source snapshot and the simulated flag agree with the Parquet file and the lake."""
    file = tmp_path / "new" / "samples.parquet"
    document = exported(invoke, sample_lake, file)
    table = pq.read_table(file)
    assert document["rows"] == table.num_rows > 1000
    assert [column["name"] for column in document["columns"]] == table.column_names
    assert document["file"] == {
        "name": "samples.parquet",
        "bytes": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    parts = table.column("split").to_pylist()
    assert document["rows_by_split"] == {part: parts.count(part) for part in ("train", "validation", "test")}
    days = [document["split_dates"][part] for part in ("train", "validation", "test")]
    assert days == sorted(days)
    assert all(first[1] < second[0] for first, second in pairwise(days))
    assert document["simulated"] is True
    assert table.schema.metadata[b"hoopstat.simulated"] == b"true"
    assert table.schema.metadata[b"hoopstat.version_id"].decode() == document["version_id"]
    checkpoint = json.loads((sample_lake / "_state/season=2024-25/checkpoint.json").read_text())
    assert document["source"]["lake_id"] == checkpoint["content"]["lake_id"]
    assert document["source"]["snapshots"][0]["checkpoint_generation"] == checkpoint["generation"]
    assert dt.datetime.fromisoformat(document["created_at"]).tzinfo is not None


def test_csv_and_parquet_are_versions_of_the_same(sample_lake: Path, invoke: Invoke, tmp_path: Path) -> None:
    """Both formats have one version id and one content; written again, their bytes are the same."""
    first = exported(invoke, sample_lake, tmp_path / "a.parquet")
    again = exported(invoke, sample_lake, tmp_path / "b.parquet")
    text = exported(invoke, sample_lake, tmp_path / "c.csv")
    assert first["version_id"] == again["version_id"] == text["version_id"]
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    differing = duckdb.connect().execute(
        f"SELECT count(*) FROM (SELECT * FROM '{tmp_path}/a.parquet' EXCEPT ALL "
        f"SELECT * FROM read_csv('{tmp_path}/c.csv', types = {{'game_id': 'VARCHAR', 'season': 'VARCHAR'}}))"
    )
    assert differing.fetchone() == (0,)


def test_rolling_means_agree_with_sql_over_the_lake(sample_lake: Path, invoke: Invoke, tmp_path: Path) -> None:
    """duckdb's window functions over the stored rows give the same features."""
    exported(invoke, sample_lake, tmp_path / "samples.parquet", "--window", 3)
    found = (
        duckdb.connect()
        .execute(
            f"""
        WITH lines AS (
            SELECT line.person_id, game.game_date, line.game_id, line.points,
                line.minutes_seconds / 60.0 AS minutes, advanced.usage_percentage
            FROM read_parquet('{sample_lake}/box-scores-traditional/*/*/*.parquet') line
            JOIN read_parquet('{sample_lake}/games/*/*/*.parquet') game USING (game_id)
            JOIN read_parquet('{sample_lake}/box-scores-advanced/*/*/*.parquet') advanced USING (game_id, person_id)
            WHERE NOT line.did_not_play
        ), expected AS (
            SELECT person_id, game_id,
                avg(points) OVER before AS points, avg(minutes) OVER before AS minutes,
                avg(usage_percentage) OVER before AS usage
            FROM lines
            WINDOW before AS (PARTITION BY person_id ORDER BY game_date ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING)
        )
        SELECT count(*), count(points),
            max(abs(coalesce(points - points_last_3, 0))), max(abs(coalesce(minutes - minutes_last_3, 0))),
            max(abs(coalesce(usage - usage_percentage_last_3, 0))),
            count(*) FILTER ((points IS NULL) != (points_last_3 IS NULL))
        FROM expected JOIN '{tmp_path}/samples.parquet' USING (person_id, game_id)
        """
        )
        .fetchone()
    )
    assert found is not None
    rows, known, *differences, unlike = found
    assert rows == pq.read_metadata(tmp_path / "samples.parquet").num_rows
    assert known > rows / 2
    assert max(differences) < 1e-9
    assert unlike == 0


class _Stale(LocalStore):
    """A lake in which a run replaces the checkpoint after the first ``times`` reads of a partition."""

    def __init__(self, folder: Path, times: int) -> None:
        super().__init__(folder)
        self.times = times
        self.reads = 0

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        stored = super().get(key, if_match=if_match)
        if key.startswith("box-scores-traditional/"):
            self.reads += 1
            if self.reads <= self.times:
                return StoredObject(stored.info, _from_another_body(stored.body))
        return stored


def _from_another_body(body: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(body))
    provenance = orjson.loads(table.schema.metadata[PROVENANCE_KEY])
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({PROVENANCE_KEY: orjson.dumps(dict.fromkeys(provenance, "f" * 64))})
    return bytes(sink.getvalue().to_pybytes())


def test_a_partition_that_moved_is_read_again(sample_lake: Path) -> None:
    """Rows of another body than the checkpoint's are not taken: everything is read anew until both agree."""
    settings = BackfillSettings(output=sample_lake, season="2024-25")
    store = _Stale(sample_lake, 1)
    snapshot = read_snapshot(settings, store, Season(2024))
    assert store.reads > 1
    assert snapshot.tables["box-scores-traditional"].num_rows > 1000
    assert snapshot.simulated


def test_a_lake_that_never_agrees_is_an_error(sample_lake: Path) -> None:
    """Rows that never fit the checkpoint end the export: a mixture is not written."""
    settings = BackfillSettings(output=sample_lake, season="2024-25")
    with pytest.raises(Incomplete, match="disagree"):
        read_snapshot(settings, _Stale(sample_lake, 10_000), Season(2024))


def test_uncommitted_games_make_no_samples(sample_lake: Path, tmp_path: Path) -> None:
    """Rows that lie in a partition before the checkpoint names their game are left out."""
    from nba_season_backfill.backfill.opening import LEAGUE, lake_identity, load_checkpoint

    lake = tmp_path / "lake"
    shutil.copytree(sample_lake, lake)
    settings = BackfillSettings(output=lake, season="2024-25")
    store = LocalStore(lake)
    opened = load_checkpoint(settings, store, Season(2024), LEAGUE, lake_identity(store, LEAGUE, create=False))
    assert opened.checkpoint is not None
    opened.checkpoint.forget([("0022400061", "box-scores-traditional")])
    opened.file.commit(opened.checkpoint.to_content(), token=opened.fencing_token, run_id="another")
    snapshot = read_snapshot(settings, store, Season(2024))
    games = set(snapshot.tables["box-scores-traditional"].column("game_id").to_pylist())
    assert len(games) == 59
    assert "0022400061" not in games
    assert snapshot.generation == opened.generation + 1


def test_a_file_that_was_there_is_replaced_whole(sample_lake: Path, invoke: Invoke, tmp_path: Path) -> None:
    """No part of an older file is left, nor a temporary one."""
    file = tmp_path / "samples.csv"
    file.write_text("old\n" * 1_000_000)
    exported(invoke, sample_lake, file)
    assert file.read_text().startswith('"split","season",')
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.csv", "samples.csv.json"]


def test_a_link_is_followed_and_stays(sample_lake: Path, invoke: Invoke, tmp_path: Path) -> None:
    """The file that it names is replaced; the metadata lie beside the name that was given."""
    held = tmp_path / "held.csv"
    held.write_text("old")
    link = tmp_path / "link.csv"
    link.symlink_to(held)
    exported(invoke, sample_lake, link)
    assert link.is_symlink()
    assert held.read_text().startswith('"split","season",')
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held.csv", "link.csv", "link.csv.json"]


@pytest.mark.parametrize("in_the_way", ["samples.csv", "samples.csv.json"])
def test_a_fifo_is_not_replaced(in_the_way: str, sample_lake: Path, invoke: Invoke, tmp_path: Path) -> None:
    """Neither where the samples go nor where their metadata go, and then neither is written."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / in_the_way).symlink_to("fifo")
    done = invoke("export", "training", "--output", sample_lake, "--file", tmp_path / "samples.csv", "--min-games", 2)
    assert isinstance(done.exception, Incomplete)
    assert f"{str(tmp_path / in_the_way)!r} is a FIFO" in str(done.exception)
    assert (tmp_path / "fifo").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["fifo", in_the_way])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--file", "samples.xlsx"], ".parquet or .csv"),
        (["--split", "80/30/10"], "add up to 120"),
        (["--min-games", "70"], "fewer than 70 games"),
        (["--season", "2019-20"], "nothing of season 2019-20"),
        (["--season", "2019-20:2024-25"], "nothing of season 2019-20"),
        (["--validation-from", "2024-10-26", "--test-from", "2024-10-24"], "must begin after"),
    ],
)
def test_what_cannot_be_made_is_refused(
    arguments: list[str], said: str, sample_lake: Path, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong option, season or split ends with 2, in words, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    done = invoke("export", "training", "--output", sample_lake, *arguments)
    assert done.exit_code == 2
    assert said in f"{done.output} {done.exception}"
    assert list(tmp_path.iterdir()) == []
