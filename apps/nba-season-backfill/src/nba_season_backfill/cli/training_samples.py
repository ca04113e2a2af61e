"""``export training``: read the lake, write the samples and, beside them, what is to be known about them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import click
import orjson

from hoopstat_observability import file_to_replace, replace_file
from nba_season_backfill.backfill.opening import open_lake, store_error
from nba_season_backfill.cli.running import quiet, seasons_of
from nba_season_backfill.errors import Incomplete, UsageError
from nba_season_backfill.export.places import seasons_in_lake
from nba_season_backfill.export.samples import SeasonTables
from nba_season_backfill.export.snapshot import SeasonSnapshot, read_snapshot
from nba_season_backfill.export.training import TrainingOptions, TrainingSet, as_csv, as_parquet, training_set
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.rendering import human_bytes
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.settings import BackfillSettings

__all__ = ["FORMATS", "metadata_path", "write_samples"]

FORMATS = (".parquet", ".csv")
_METADATA_FORMAT = 1
# Games for standing. Preseason and all-star games say little, so they make no features unless they are asked for.
_COMPETITIVE = (SeasonType.REGULAR_SEASON, SeasonType.IST, SeasonType.PLAY_IN, SeasonType.PLAYOFFS)


def metadata_path(file: Path) -> Path:
    """Where a file's metadata lies: beside it."""
    return file.with_name(f"{file.name}.json")


def write_samples(settings: BackfillSettings, options: TrainingOptions, *, file: Path | None) -> None:
    """Write both files and print what they hold.

    Raises:
        UsageError: there is nothing to make samples of, or an option makes no sense.
        Incomplete: the lake could not be read, or the file not be written.
    """
    quiet(settings)
    try:
        store = open_lake(settings)
        try:
            seasons = _seasons(settings, store)
            snapshots = [read_snapshot(settings, store, season) for season in seasons]
        finally:
            store.close()
    except StoreError as error:
        raise store_error(error) from error
    history = frozenset(kind.value for kind in (*_COMPETITIVE, *settings.season_type))
    try:
        made = training_set([_tables(snapshot, history) for snapshot in snapshots], options)
    except ValueError as error:
        raise UsageError(str(error), hint="see --min-games, --split, --season-type and the dates") from None
    path = file or Path(f"training-{_span(seasons)}.parquet")
    document = _write(path, made, snapshots, options, store.url)
    if settings.output_format == "json":
        click.echo(json.dumps(document | {"path": str(path)}))
    else:
        click.echo(_told(path, document))


def _seasons(settings: BackfillSettings, store: ObjectStore) -> list[Season]:
    """The seasons that were named, else the lake's newest."""
    if settings.origin("season").explicit:
        return sorted(seasons_of(settings))
    held = seasons_in_lake(store, settings.which_league)
    if not held:
        raise UsageError(f"{store.url} holds no season yet", hint="fill it first: nba-backfill run")
    return [held[-1]]


def _span(seasons: list[Season]) -> str:
    return str(seasons[0]) if len(seasons) == 1 else f"{seasons[0]}_{seasons[-1]}"


def _tables(snapshot: SeasonSnapshot, history: frozenset[str]) -> SeasonTables:
    tables = snapshot.tables
    return SeasonTables(
        season=str(snapshot.season),
        games=tables["games"],
        players=tables["box-scores-traditional"],
        teams=tables["box-scores-traditional-teams"],
        advanced_players=tables["box-scores-advanced"],
        advanced_teams=tables["box-scores-advanced-teams"],
        history=history,
    )


def _write(
    path: Path, made: TrainingSet, snapshots: list[SeasonSnapshot], options: TrainingOptions, lake: str
) -> dict[str, Any]:
    simulated = any(snapshot.simulated for snapshot in snapshots)
    if path.suffix == ".csv":
        body = as_csv(made.table)
    else:
        body = as_parquet(made.table, {"version_id": made.version_id, "simulated": str(simulated).lower()})
    document = {
        "format": _METADATA_FORMAT,
        **made.describe(),
        "simulated": simulated,
        "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "file": {"name": path.name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()},
        "options": options.to_document(),
        "source": {
            "lake": lake,
            "lake_id": snapshots[0].lake_id,
            "snapshots": [
                {
                    "season": str(snapshot.season),
                    "checkpoint_generation": snapshot.generation,
                    "config_fingerprint": snapshot.config_fingerprint,
                }
                for snapshot in snapshots
            ],
        },
    }
    try:
        # Before anything is written: samples beside another file's metadata mislead.
        file_to_replace(metadata_path(path))
        replace_file(path, body)
        # Last: where the metadata is, the file it speaks of is whole.
        replace_file(
            metadata_path(path), orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
    except OSError as error:
        raise Incomplete(f"{path}: cannot be written ({error})", hint="name another --file") from None
    return document


def _told(path: Path, document: dict[str, Any]) -> str:
    lines = [
        f"samples     {document['rows']} of {document['players']} players in {document['games']} games"
        + ("  (simulated data: the sample season)" if document["simulated"] else "")
    ]
    for part, days in document["split_dates"].items():
        spoken = f"{days[0]} to {days[1]}" if days else "no day"
        lines.append(f"{part:11} {document['rows_by_split'][part]} ({spoken})")
    dropped = document["dropped"]
    if dropped["players"]:
        lines.append(
            f"dropped     {dropped['samples']} of {dropped['players']} players with fewer than "
            f"{document['options']['min_games']} games"
        )
    lines += [
        f"columns     {len(document['columns'])}",
        f"version     {document['version_id']}",
        f"written     {path} ({human_bytes(document['file']['bytes'])}) and {metadata_path(path).name}",
    ]
    return "\n".join(lines)
