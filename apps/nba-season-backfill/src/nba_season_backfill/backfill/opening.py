"""Opening the lake for a run: the store, its identity, the checkpoint and where it is kept."""

from __future__ import annotations

import datetime as dt
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path

import orjson

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.errors import (
    BackfillError,
    CheckpointUnusable,
    ConfigurationError,
    Incomplete,
    Interrupted,
    StoreUnusable,
)
from nba_season_backfill.lake import Keeping, layout, open_store
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.probe import probe_conditional_writes
from nba_season_backfill.lake.state import StateCorrupt, StateFile, StateFormatUnknown
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, PreconditionFailed, StoreError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = [
    "LEAGUE",
    "OpenState",
    "lake_identity",
    "load_checkpoint",
    "open_lake",
    "open_state",
    "store_error",
    "store_must_be_honest",
]

_LOG = get_logger("nba_season_backfill.opening")

LEAGUE = "00"
"""The NBA."""

_AGAIN = "run the same command again: it continues where it stopped"
_HINTS = {
    "missing_bucket": "create the bucket, or name another one with --s3-bucket",
    "credentials": "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or the role of this machine",
    "expired": "the credentials have expired: get new ones (AWS_SESSION_TOKEN, `aws sso login`, the role), then "
    f"{_AGAIN}",
    "access_denied": "this is not allowed: check the policy of the bucket and the role, or whose the folder is; then "
    f"{_AGAIN}",
    "full": "make room, then run the same command again: it continues",
    "read_only": f"name a folder that can be written with --output, or make this one writable and {_AGAIN}",
    "throttled": f"the store asks for fewer requests: later {_AGAIN}",
    "unreachable": "check --s3-endpoint-url, AWS_REGION and the network",
    "corrupt": "the object is damaged; `nba-backfill repair --deep` mends what the archive has",
}


def store_error(error: StoreError, *, under_way: bool = False, signal_number: int | None = None) -> BackfillError:
    """The store's complaint with what to do about it, under the right exit code.

    Args:
        under_way: the store had worked before, so that the settings cannot be to blame for an answer that fails.
        signal_number: of the signal that left no time for the store.
    """
    if error.kind == "left_behind":
        return Interrupted(signal_number or signal.SIGTERM, saved=False)
    hint = _HINTS.get(error.kind, _AGAIN)
    if under_way and error.kind == "unreachable":
        return Incomplete(str(error), hint=f"the store worked before: {_AGAIN}")
    if error.kind in ("full", "throttled", "other"):
        # Nothing is wrong with the configuration: the lake failed under a run that can be continued.
        return Incomplete(str(error), hint=hint)
    return StoreUnusable(str(error), hint=hint)


def open_lake(settings: BackfillSettings, stop: Stop | None = None) -> ObjectStore:
    """The store that the settings name. Nothing is written, and nothing asked, yet.

    Args:
        stop: once a signal came, a store that hangs is waited for no longer than it says.
    """
    seconds_left = stop.seconds_left if stop is not None else None
    if settings.s3_bucket is not None:
        return open_store(
            bucket=settings.s3_bucket,
            prefix=settings.s3_prefix,
            endpoint_url=settings.s3_endpoint_url,
            region=settings.aws_region,
            keeping=_keeping(settings),
            seconds_left=seconds_left,
        )
    return open_store(folder=settings.output, seconds_left=seconds_left)


def _keeping(settings: BackfillSettings) -> Keeping:
    key = settings.s3_kms_key_id
    return Keeping(settings.s3_sse or ("aws:kms" if key else None), key, settings.s3_raw_storage_class)


def store_must_be_honest(store: ObjectStore, *, single_writer: bool) -> None:
    """Refuse a store that ignores conditional writes.

    Raises:
        StoreUnusable: the store accepted a write whose condition was false.
    """
    found = probe_conditional_writes(store)
    _LOG.info("store_probed", lake=store.url, conditional_writes=found.honest, detail=found.detail)
    if not found.honest and not single_writer:
        raise StoreUnusable(
            f"{store.url} ignores conditional writes ({found.detail}): two runs at once would overwrite each other",
            hint="use a store that honours If-None-Match and If-Match, or --single-writer and never two runs at once",
        )


def lake_identity(store: ObjectStore, league: str, *, create: bool) -> str | None:
    """The lake's own id, made when the lake is new; None when there is no lake yet and none is to be made."""
    key = layout.LAKE_IDENTITY
    try:
        document = orjson.loads(store.get(key).body)
        if not isinstance(document, dict) or not isinstance(document.get("lake_id"), str):
            raise ConfigurationError(f"{store.url}/{key} is not a lake's identity", hint="restore or remove it")
        if document.get("league") != league:
            raise ConfigurationError(
                f"{store.url} is a lake of league {document.get('league')}, not {league}", hint="one lake, one league"
            )
        return str(document["lake_id"])
    except ObjectMissing:
        if not create:
            return None
    except orjson.JSONDecodeError:
        raise ConfigurationError(f"{store.url}/{key} is not JSON", hint="restore or remove it") from None
    identity = {"format": 1, "lake_id": secrets.token_hex(8), "league": league}
    try:
        store.put_if_absent(key, orjson.dumps(identity, option=orjson.OPT_INDENT_2))
    except PreconditionFailed:
        return lake_identity(store, league, create=False)
    return str(identity["lake_id"])


@dataclass(slots=True)
class OpenState:
    """Where the checkpoint is kept, and the document in it (None when there is none).

    ``recovered_from``: the generation used in place of a damaged document. ``damage``: why there is none that is good.
    ``generation`` counts its commits.
    """

    file: StateFile
    where: str
    checkpoint: Checkpoint | None
    recovered_from: int | None = None
    damage: str = ""
    fencing_token: int = 0
    generation: int = 0


def open_state(
    settings: BackfillSettings, store: ObjectStore, season: Season, stop: Stop | None = None
) -> tuple[StateFile, str]:
    """The state file: in the lake, or where --state-file-path says."""
    seconds_left = stop.seconds_left if stop is not None else None
    path = settings.state_file_path
    if path is None:
        key = layout.checkpoint_key(str(season))
        return StateFile(store, key, generations_prefix=layout.generations_prefix(str(season))), f"{store.url}/{key}"
    if path.startswith("s3://"):
        bucket, _, key = path.removeprefix("s3://").partition("/")
        if not bucket or not key or key.endswith("/"):
            raise ConfigurationError(f"--state-file-path {path!r}: not an S3 object", hint="write s3://BUCKET/KEY.json")
        prefix, _, name = key.rpartition("/")
        state_store = open_store(
            bucket=bucket,
            prefix=prefix,
            endpoint_url=settings.s3_endpoint_url,
            region=settings.aws_region,
            keeping=_keeping(settings),
            seconds_left=seconds_left,
        )
    else:
        file = Path(path).expanduser().absolute()
        if _is_folder(file):
            raise ConfigurationError(f"--state-file-path {path!r}: is a folder", hint="name a file in it")
        if file.name.startswith("."):
            raise ConfigurationError(f"--state-file-path {path!r}: hidden files are not kept", hint="name another file")
        # Everything in that folder is state: nothing of it may be lost that a write returned for.
        state_store, name = LocalStore(file.parent, barrier="", seconds_left=seconds_left), file.name
    # The lake is synced first: the checkpoint must not outlive what it names.
    before_commit = store.sync if isinstance(store, LocalStore) else None
    prefix = f"{name}.generations/"
    return StateFile(state_store, name, generations_prefix=prefix, before_commit=before_commit), path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise ConfigurationError(
            f"--state-file-path {str(path)!r}: cannot be looked at ({error.strerror})", hint="name another file"
        ) from None


def load_checkpoint(
    settings: BackfillSettings,
    store: ObjectStore,
    season: Season,
    league: str,
    lake_id: str | None,
    *,
    recover: bool = False,
    stop: Stop | None = None,
) -> OpenState:
    """Read the checkpoint and refuse one that is damaged, or not this season's and this lake's.

    Args:
        recover: take the newest good generation in place of a damaged document (``repair``); without it, damage is
            refused, because going on from an older state is a decision for a person.
        stop: as in ``open_lake``.

    Raises:
        CheckpointUnusable: damaged, of an unknown format, of another season or lake.
    """
    file, where = open_state(settings, store, season, stop)
    try:
        loaded = file.load()
    except StateFormatUnknown as error:
        raise CheckpointUnusable(
            f"checkpoint {where}: {error}", hint="it was written by another version; use that one, or a newer"
        ) from None
    except StateCorrupt as error:
        if recover:
            return OpenState(file, where, None, damage=str(error))
        raise CheckpointUnusable(
            f"checkpoint {where} is corrupt: {error}",
            hint="nothing was changed; `nba-backfill repair` rebuilds it from the archive, without a request",
        ) from None
    if loaded is None:
        return OpenState(file, where, None)
    if loaded.recovered_from is not None and not recover:
        raise CheckpointUnusable(
            f"checkpoint {where} is corrupt; its generation {loaded.recovered_from} is good",
            hint="nothing was changed; `nba-backfill repair` restores it and derives the rest from the archive",
        )
    checkpoint = Checkpoint.from_content(loaded.content, where)
    checkpoint.must_be_of(season, league, lake_id or "none yet", where)
    return OpenState(
        file,
        where,
        checkpoint,
        loaded.recovered_from,
        fencing_token=loaded.fencing_token,
        generation=loaded.generation,
    )


def new_checkpoint(
    settings: BackfillSettings, season: Season, league: str, lake_id: str, now: dt.datetime
) -> Checkpoint:
    """An empty checkpoint for this season and lake."""
    return Checkpoint(
        season,
        league,
        lake_id,
        now.isoformat(timespec="seconds"),
        config=settings.snapshot(),
        config_fingerprint=settings.fingerprint(settings.FINGERPRINTED),
    )
