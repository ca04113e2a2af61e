"""Everything that is known about one game, and what a run would do about it. Reads only; nobody is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nba_season_backfill.backfill.auditing import accepted_units, read_lists
from nba_season_backfill.backfill.choosing import utc_now, wanted_datasets
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.provenance import is_simulated
from nba_season_backfill.checkpoint import Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.datasets import DATASETS, GAMES_TABLE
from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.excerpt import read_excerpt
from nba_season_backfill.lake.quarantine import Quarantine, QuarantineEntry
from nba_season_backfill.lake.raw import RawArchive, RawRef
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, StoreError
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import EASTERN, GameId, SeasonType
from nba_season_backfill.settings import BackfillSettings

__all__ = ["explain_game", "explain_text"]


def explain_game(settings: BackfillSettings, game_id: GameId) -> dict[str, Any]:
    """The game as JSON: identity, state and why, and for each dataset what is stored, archived, refused and next.

    Raises:
        CheckpointUnusable, StoreUnusable: as a run would.
    """
    store = open_lake(settings)
    try:
        return _explain(settings, game_id, store)
    except StoreError as error:
        raise store_error(error) from error
    finally:
        store.close()


def _explain(settings: BackfillSettings, game_id: GameId, store: ObjectStore) -> dict[str, Any]:
    season, now = game_id.season, utc_now()
    identity = lake_identity(store, season.league, create=False)
    checkpoint = load_checkpoint(settings, store, season, season.league, identity).checkpoint
    archive, quarantine = RawArchive(store), Quarantine(store)
    # A game of any kind may be asked about, whatever a run is about.
    types = tuple(kind for kind in SeasonType if season.has(kind))
    lists, notes = read_lists(archive, season, types, now.astimezone(EASTERN).date())
    game = lists.by_id.get(game_id.text)
    document: dict[str, Any] = {
        "game_id": game_id.text,
        "season": str(season),
        "kind": game_id.kind.value,
        "lake": store.url,
        "simulated": checkpoint is not None and is_simulated(store, checkpoint),
        "known": game is not None,
        "game": _identity(game) if game is not None else None,
        "game_log_lines": [
            {"team_id": line.team_id, "tricode": line.tricode, "matchup": line.matchup, "points": line.points}
            for line in lists.lines or ()
            if line.game_id == game_id
        ],
        "in_games_table": _rows_of(store, GAMES_TABLE.name, str(season), game, game_id.text),
        "notes": notes,
    }
    entries = quarantine.entries(str(season), game_id.text)
    accepted = accepted_units(store, checkpoint) if checkpoint is not None else {}
    wanted = {dataset.name for dataset in wanted_datasets(settings)}
    datasets = []
    for dataset in DATASETS.values():
        if not any(table.per_game for table in dataset.tables):
            continue
        record = checkpoint.unit(game_id.text, dataset.name) if checkpoint is not None else None
        bodies = archive.find(dataset.endpoint, str(season), game_id.text)
        own = [entry for entry in entries if entry.endpoint == dataset.endpoint]
        if record is None and not bodies and not own and dataset.name not in wanted:
            continue
        unit = _unit(record, bodies, own)
        unit["rows"] = {
            table.name: _rows_of(store, table.name, str(season), game, game_id.text, checkpoint)
            for table in dataset.tables
        }
        unit["accepted"] = accepted.get((game_id.text, dataset.name))
        unit["next"] = _next(game, dataset, record, bodies, own, wanted=dataset.name in wanted, now=now)
        datasets.append({"dataset": dataset.name, "endpoint": dataset.endpoint, **unit})
    return {**document, "datasets": datasets}


def _identity(game: Game) -> dict[str, Any]:
    return {
        "season_type": game.season_type.value,
        "game_date": game.game_date.isoformat(),
        "state": game.state.value,
        "reason": game.reason,
        "tipoff_utc": game.tipoff_utc.isoformat() if game.tipoff_utc else None,
        "home": {"team_id": game.home_team_id, "tricode": game.home_tricode, "score": game.home_score},
        "away": {"team_id": game.away_team_id, "tricode": game.away_tricode, "score": game.away_score},
        "neutral_site": game.neutral_site,
        "label": game.label,
        "status_text": game.status_text,
        "arena": game.arena_name,
    }


def _rows_of(
    store: ObjectStore, table: str, season: str, game: Game | None, game_id: str, checkpoint: Checkpoint | None = None
) -> dict[str, Any]:
    """How many rows of the game lie in the partition where they belong."""
    date = checkpoint.dates.get(game_id) if checkpoint is not None else None
    month = int(date[5:7]) if date else game.month if game is not None else None
    if month is None:
        return {"key": None, "rows": 0}
    key = layout.partition_key(table, season, month)
    try:
        excerpt = read_excerpt(store, key, ["game_id"])
    except ObjectMissing:
        return {"key": key, "rows": 0, "problem": "there is no such partition"}
    except StoreError as error:
        if error.kind != "corrupt":
            raise
        return {"key": key, "rows": 0, "problem": "the partition is damaged"}
    rows = excerpt.rows.column("game_id").to_pylist().count(game_id) if excerpt.rows.num_columns else 0
    return {"key": key, "rows": rows, "made_from": excerpt.provenance.get(game_id)}


def _unit(record: UnitRecord | None, bodies: Sequence[RawRef], entries: Sequence[QuarantineEntry]) -> dict[str, Any]:
    return {
        "status": record.status.value if record is not None else "never asked for",
        "judged_at": record.judged_at if record is not None else None,
        "attempts": record.attempts if record is not None else 0,
        "revision": record.revision if record is not None else 0,
        "error": record.error if record is not None else None,
        "believed_until": record.believed_until if record is not None else None,
        "bodies": [
            {
                "sha256": ref.sha256,
                "fetched_at": ref.fetched_at.isoformat(timespec="seconds"),
                "bytes_stored": ref.size,
                "run_id": ref.metadata.get("run_id"),
                "in_use": record is not None and record.raw == ref.sha256,
                "key": ref.key,
            }
            for ref in bodies
        ],
        "quarantine": [
            {
                "sha256": entry.sha256,
                "reason": entry.reason,
                "fetched_at": entry.metadata.get("fetched_at"),
                "accepted": entry.acceptance.reason if entry.acceptance is not None else None,
                "key": entry.key,
            }
            for entry in entries
        ],
    }


def _next(
    game: Game | None,
    dataset: Dataset,
    record: UnitRecord | None,
    bodies: Sequence[RawRef],
    entries: Sequence[QuarantineEntry],
    *,
    wanted: bool,
    now: Any,
) -> str:
    """What a run with these settings would do."""
    if game is None:
        return "nothing: no archived list knows the game"
    if not wanted:
        return "nothing: these settings do not ask for it"
    if game.state is not GameState.FINAL:
        return f"nothing before the lists say that it is final; it is {game.state.value} ({game.reason})"
    if not dataset.offers(game.season, game.game_id.kind):
        return f"nothing: the upstream has it from season {dataset.first_season} on"
    if record is None:
        return "takes the archived body, without a request" if bodies else "asks for it"
    if record.status is UnitStatus.OK:
        return "nothing: it is stored"
    if record.status is UnitStatus.ARCHIVED:
        return "derives its rows from the archived body" if bodies else "asks for it"
    if record.holds(now):
        return f"nothing until {record.believed_until}: the upstream had no content"
    if entries and record.status is UnitStatus.FAILED:
        return "asks for it again; the body that was refused is in the quarantine"
    return "asks for it again"


def explain_text(document: dict[str, Any]) -> str:
    """The same for people."""
    game = document["game"]
    simulated = "  (simulated data: the sample season)" if document["simulated"] else ""
    lines = [f"game        {document['game_id']}, {document['kind']}, season {document['season']}{simulated}"]
    if game is None:
        lines.append("state       no archived list of that season knows it")
    else:
        home, away = game["home"], game["away"]
        site = " (neutral site)" if game["neutral_site"] else ""
        lines += [
            f"played      {game['game_date']} {_side(away)} at {_side(home)}{site}"
            + (f", {game['label']}" if game["label"] else ""),
            f"state       {game['state']}: {game['reason']}",
        ]
    table = document["in_games_table"]
    lines.append(f"games       {table['rows']} row in {table['key']}" if table["key"] else "games       no row")
    for unit in document["datasets"]:
        lines.append(f"\n{unit['dataset']}")
        revision = f", revision {unit['revision']}" if unit["revision"] else ""
        charged = f", {unit['attempts']} attempts" if unit["attempts"] else ""
        judged = f", judged {unit['judged_at']}" if unit["judged_at"] else ""
        lines.append(f"  status    {unit['status']}{revision}{charged}{judged}")
        if unit["error"]:
            lines.append(f"  error     {unit['error']}")
        if unit["accepted"]:
            lines.append(f"  accepted  {unit['accepted']}")
        for name, rows in unit["rows"].items():
            problem = f": {rows['problem']}" if rows.get("problem") else ""
            lines.append(f"  rows      {rows['rows']} in {rows['key'] or name}{problem}")
        for body in unit["bodies"]:
            mark = "in use" if body["in_use"] else "not in use"
            lines.append(f"  body      {body['sha256'][:12]} fetched {body['fetched_at']}, {mark}  [{body['key']}]")
        for entry in unit["quarantine"]:
            decided = f"accepted: {entry['accepted']}" if entry["accepted"] else "refused"
            lines.append(f"  refused   {entry['sha256'][:12]} {decided}; {entry['reason']}")
        lines.append(f"  next run  {unit['next']}")
    lines += [f"note        {note}" for note in document["notes"]]
    return "\n".join(lines)


def _side(side: dict[str, Any]) -> str:
    score = f" {side['score']}" if side["score"] is not None else ""
    return f"{side['tricode'] or 'to be decided'}{score}"
