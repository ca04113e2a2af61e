"""One tool, one question, in a process of its own: everything imported and every client made before the clock starts.

    python -m benchmarks.query.one TOOL QUESTION PLACE [ENDPOINT]

Prints JSON: seconds of the first answer (``cold``) and of the same asked again (``warm``, the best of five), CPU
seconds of the first, rows, and for ours the requests, the bytes and how many requests came one after the other.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SEASON = "2024-25"
PLAYER, TEAM, GAME = 2544, "LAL", "0022400061"
QUESTIONS = ("player_season", "team_last_10", "play_by_play")
TOOLS = ("ours", "duckdb", "polars", "pyarrow.dataset")
_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "testtest"}
_LINE = ["game_id", "team_tricode", "minutes_seconds", "points", "rebounds_total", "assists"]
Ask = Callable[[], int]


class Watched:
    """A store that notes when each request began and ended."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.spans: list[tuple[float, float]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def _span(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spans.append((started, time.perf_counter()))

    def get(self, key: str, **more: Any) -> Any:
        with self._span():
            return self._inner.get(key, **more)

    def get_range(self, key: str, *where: Any, **more: Any) -> Any:
        with self._span():
            return self._inner.get_range(key, *where, **more)

    def list(self, prefix: str = "") -> Any:
        with self._span():
            return iter(list(self._inner.list(prefix)))

    def rounds(self) -> int:
        """The longest row of requests none of which began before the one before had ended."""
        rounds, until = 0, 0.0
        for started, ended in sorted(self.spans, key=lambda span: span[1]):
            if started >= until:
                rounds, until = rounds + 1, ended
        return rounds


def ours(question: str, place: str, endpoint: str | None) -> tuple[Ask, Watched, list[Any]]:
    """Our own module."""
    import pyarrow as pa

    from nba_season_backfill.lake.local import LocalStore
    from nba_season_backfill.query import Lake, games, players, teams

    del games, players, teams
    pa.scalar(1)
    if endpoint is None:
        from pathlib import Path

        store: Any = LocalStore(Path(place))
    else:
        import boto3
        import botocore.config

        from nba_season_backfill.lake.s3 import S3Store

        bucket, _, prefix = place.partition("/")
        config = botocore.config.Config(s3={"addressing_style": "path"}, max_pool_connections=16)
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config, **_KEYS)
        store = S3Store(bucket, prefix, client=client)
    watched = Watched(store)
    lake = Lake(watched)
    last: list[Any] = []

    def ask() -> int:
        if question == "player_season":
            answer = lake.player_games("LeBron James", season=SEASON, stats=["points", "rebounds_total", "assists"])
        elif question == "team_last_10":
            answer = lake.team_games(TEAM, last=10, season=SEASON)
        else:
            answer = lake.play_by_play(GAME)
        last[:] = [answer.explanation]
        return len(answer)

    return ask, watched, last


def pyarrow_dataset(question: str, place: str, endpoint: str | None) -> Ask:
    """pyarrow's datasets, with the season as a condition on the path."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    filesystem, root = _pyarrow_place(place, endpoint)

    def scan(table: str, where: Any, columns: list[str] | None = None) -> Any:
        found = ds.dataset(f"{root}/{table}", format="parquet", partitioning="hive", filesystem=filesystem)
        return found.to_table(filter=(pc.field("season") == SEASON) & where, columns=columns)

    def ask() -> int:
        if question == "player_season":
            lines = scan("box-scores-traditional", pc.field("person_id") == PLAYER, _LINE)
            played = pc.field("game_id").isin(lines.column("game_id").to_pylist())
            dates = scan("games", played, ["game_id", "game_date"])
            return int(lines.join(dates, "game_id").sort_by("game_date").num_rows)
        if question == "team_last_10":
            ours = (pc.field("home_tricode") == TEAM) | (pc.field("away_tricode") == TEAM)
            found = scan("games", ours & (pc.field("state") == "final"))
            return int(found.sort_by([("game_date", "descending")]).slice(0, 10).num_rows)
        return int(scan("play-by-play", pc.field("game_id") == GAME).sort_by("action_id").num_rows)

    return ask


def _pyarrow_place(place: str, endpoint: str | None) -> tuple[Any, str]:
    if endpoint is None:
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem(), place
    from pyarrow.fs import S3FileSystem

    host = endpoint.removeprefix("http://")
    return S3FileSystem(
        access_key="test", secret_key="testtest", endpoint_override=host, scheme="http", region="us-east-1"
    ), place


_SQL = {
    "player_season": f"select g.game_date, {', '.join('b.' + name for name in _LINE)} from {{box_scores_traditional}} b"
    f" join {{games}} g using (game_id) where b.person_id = {PLAYER} and b.season = '{SEASON}'"
    f" and g.season = '{SEASON}' order by 1",
    "team_last_10": f"select * from {{games}} where season = '{SEASON}' and state = 'final'"
    f" and '{TEAM}' in (home_tricode, away_tricode) order by game_date desc limit 10",
    "play_by_play": f"select * from {{play_by_play}} where season = '{SEASON}' and game_id = '{GAME}'"
    " order by action_id",
}
_FOLDERS = {"box_scores_traditional": "box-scores-traditional", "games": "games", "play_by_play": "play-by-play"}


def duckdb(question: str, place: str, endpoint: str | None) -> Ask:
    """DuckDB over the files; in S3 over pyarrow's file system (its own needs an extension from a server)."""
    import duckdb as engine

    connection = engine.connect()
    query = _SQL[question]

    def ask() -> int:
        asked = query
        for name, folder in _FOLDERS.items():
            if f"{{{name}}}" not in asked:
                continue
            if endpoint is None:
                source = f"read_parquet('{place}/{folder}/**/*.parquet', hive_partitioning = true)"
            else:
                import pyarrow.dataset as ds

                filesystem, root = made
                connection.register(
                    f"t_{name}", ds.dataset(f"{root}/{folder}", partitioning="hive", filesystem=filesystem)
                )
                source = f"t_{name}"
            asked = asked.replace(f"{{{name}}}", source)
        return int(connection.sql(asked).to_arrow_table().num_rows)

    if endpoint is not None:
        importlib.import_module("pyarrow.dataset")
        made = _pyarrow_place(place, endpoint)
    return ask


def polars(question: str, place: str, endpoint: str | None) -> Ask:
    """Polars' lazy scans."""
    import polars as pl

    options = None
    root = place
    if endpoint is not None:
        root = f"s3://{place}"
        options = {**_KEYS, "aws_endpoint_url": endpoint, "aws_region": "us-east-1", "aws_allow_http": "true"}

    def scan(table: str) -> Any:
        found = pl.scan_parquet(f"{root}/{table}/**/*.parquet", hive_partitioning=True, storage_options=options)
        return found.filter(pl.col("season") == SEASON)

    def ask() -> int:
        if question == "player_season":
            lines = scan("box-scores-traditional").filter(pl.col("person_id") == PLAYER).select(_LINE)
            dates = scan("games").select("game_id", "game_date")
            return int(lines.join(dates, on="game_id").sort("game_date").collect().height)
        if question == "team_last_10":
            ours = (pl.col("home_tricode") == TEAM) | (pl.col("away_tricode") == TEAM)
            found = scan("games").filter(ours & (pl.col("state") == "final"))
            return int(found.sort("game_date", descending=True).head(10).collect().height)
        return int(scan("play-by-play").filter(pl.col("game_id") == GAME).sort("action_id").collect().height)

    return ask


def main() -> None:
    """Measure once."""
    tool, question, place, *rest = sys.argv[1:]
    endpoint = rest[0] if rest else None
    watched: Watched | None = None
    last: list[Any] = []
    started = time.perf_counter()
    try:
        if tool == "ours":
            ask, watched, last = ours(question, place, endpoint)
        else:
            ask = {"duckdb": duckdb, "polars": polars, "pyarrow.dataset": pyarrow_dataset}[tool](
                question, place, endpoint
            )
    except ImportError as error:
        print(json.dumps({"absent": str(error)}))
        return
    result: dict[str, Any] = {"start": time.perf_counter() - started}
    before, started = time.process_time(), time.perf_counter()
    result["rows"] = ask()
    result["cold"], result["cold_cpu"] = time.perf_counter() - started, time.process_time() - before
    if watched is not None:
        result["rounds"] = watched.rounds()
        result["requests"] = sum(last[0].requests.values())
        result["bytes"] = last[0].bytes_read
    warm = []
    for _ in range(5):
        started = time.perf_counter()
        ask()
        warm.append(time.perf_counter() - started)
    result["warm"] = min(warm)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
