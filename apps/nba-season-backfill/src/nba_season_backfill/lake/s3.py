"""S3 as an object store: conditional writes, checksums both ways, and the lost-response trap closed.

A PUT whose response is lost is sent again by boto3, and the second one finds the first: a conditional write then looks
refused although it succeeded. So every body carries a write id in its metadata, and a refusal is read back before it
is believed.

Names of metadata are sent with hyphens for underscores (some proxies drop headers that have one), and values that are
not printable ASCII as RFC 2047 has it. No message of an error carries credentials, not even a proxy's.
"""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import hashlib
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import boto3
import botocore.config
import botocore.exceptions

from nba_season_backfill.lake.bounded import LeftBehind, SecondsLeft, within
from nba_season_backfill.lake.keeping import Keeping
from nba_season_backfill.lake.s3_kinds import is_throttling, kind_of_answer, kind_of_error
from nba_season_backfill.lake.store import (
    ObjectInfo,
    ObjectMissing,
    ObjectRange,
    PreconditionFailed,
    StoredObject,
    StoreError,
    check_key,
    check_metadata,
    check_prefix,
    check_range,
    decode_value,
    encode_value,
    resolve_range,
)

__all__ = ["S3Store"]

_WRITE_ID = "write_id"
_SHA256 = "sha256"
_OURS = {_WRITE_ID, _SHA256}
_CONFLICTS = 5
_READS = 3
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_Result = TypeVar("_Result")
_PASSWORD = re.compile(r"//[^/@\s]+@")
# Beyond what boto3 does by itself (some seconds): a store that asks for fewer requests gets them.
_THROTTLED_PAUSES_SECONDS = (2.0, 4.0, 8.0)


class S3Store:
    """Objects below ``prefix`` in a bucket. Thread-safe.

    Args:
        endpoint_url: another S3 than Amazon's.
        region: where the bucket is; else what the machine's configuration says.
        connections: how many requests may be under way at once.
        keeping: encryption and storage class that every write asks for.
        seconds_left: how long the store may still be waited for; a call without time left is left behind
            (StoreError of kind ``left_behind``), however it hangs. Not given: every call is waited for.
        client: a boto3 S3 client, for tests.
        sleep: what waits while the store asks for fewer requests.

    ``throttled`` counts the answers that asked for fewer requests; each such request was sent again, later.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        connections: int = 16,
        keeping: Keeping = Keeping(),  # noqa: B008  # frozen
        seconds_left: SecondsLeft | None = None,
        client: Any = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._endpoint_url = endpoint_url
        self._region = region
        self._connections = connections
        self._keeping = keeping
        self._seconds_left = seconds_left
        self._sleep = sleep
        self.throttled = 0
        self._counting = threading.Lock()
        self._client_made = client
        if client is not None:
            client.meta.events.register("needs-retry.s3", self._count_throttled)
        self._lock = threading.Lock()
        self._epoch: dt.datetime | None = None

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._client_made is None:
                config = botocore.config.Config(
                    region_name=self._region or (None if self._endpoint_url is None else "us-east-1"),
                    # An address where nobody answers is given up within about 15 s, a refusing one within 5.
                    connect_timeout=2,
                    # Patient with a store that is slow by half a minute, and yet a renewal whose answer is lost is
                    # sent again before the lease has run out.
                    read_timeout=35,
                    max_pool_connections=self._connections,
                    retries={"mode": "standard", "total_max_attempts": 4},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_supported",
                    s3={"addressing_style": "path"} if self._endpoint_url else {},
                )
                try:
                    self._client_made = boto3.session.Session().client(
                        "s3", endpoint_url=self._endpoint_url, config=config
                    )
                except (botocore.exceptions.BotoCoreError, ValueError) as error:
                    raise self._unreachable("open", "", error) from None
                self._client_made.meta.events.register("needs-retry.s3", self._count_throttled)
            return self._client_made

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object, its checksum verified."""
        response, body = self._read(key, if_match)
        metadata = _metadata(response)
        if _SHA256 in metadata and hashlib.sha256(body).hexdigest() != metadata[_SHA256]:
            raise self._damaged(key)
        return StoredObject(self._info(key, response, len(body), metadata), body)

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        """Some bytes of it, in one request."""
        check_range(start, end)
        wanted = f"bytes={start}" if start < 0 else f"bytes={start}-{'' if end is None else end - 1}"
        try:
            response, body = self._read(key, if_match, Range=wanted)
        except _NoSuchRange:
            # Nothing of the object lies within: it is empty, or ends before.
            whole = self.get(key, if_match=if_match)
            first, last = resolve_range(start, end, whole.info.size)
            return ObjectRange(whole.info, first, whole.body[first:last])
        found = _CONTENT_RANGE.fullmatch(str(response.get("ContentRange", "")))
        if found is None:
            # A store that does not know ranges sends all of it.
            first, last = resolve_range(start, end, len(body))
            return ObjectRange(self._info(key, response, len(body), _metadata(response)), first, body[first:last])
        info = self._info(key, response, int(found[2]), _metadata(response))
        return ObjectRange(info, int(found[1]), body)

    def _read(self, key: str, if_match: str | None, **arguments: Any) -> tuple[dict[str, Any], bytes]:
        check_key(key)
        if if_match is not None:
            arguments["IfMatch"] = if_match
        for attempt in range(1, _READS + 1):
            response = self._call("get_object", key, **arguments)
            try:
                return response, bytes(self._within("get_object", key, response["Body"].read))
            except botocore.exceptions.FlexibleChecksumError:
                raise self._damaged(key) from None
            except (botocore.exceptions.BotoCoreError, OSError) as error:
                if attempt == _READS:
                    message = f"{self.url}/{key}: the body broke off ({_without_password(error)})"
                    raise StoreError(message, kind="unreachable", key=key) from None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _damaged(self, key: str) -> StoreError:
        message = f"{self.url}/{key}: its content is not what was stored (SHA-256 differs)"
        return StoreError(message, kind="corrupt", key=key)

    def head(self, key: str) -> ObjectInfo:
        """What is known of it."""
        check_key(key)
        response = self._call("head_object", key)
        return self._info(key, response, int(response["ContentLength"]), _metadata(response))

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Write or replace."""
        return self._put(key, body, metadata, {})

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Create."""
        return self._put(key, body, metadata, {"IfNoneMatch": "*"})

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Replace that version."""
        return self._put(key, body, metadata, {"IfMatch": etag})

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """In key order, a thousand a request."""
        check_prefix(prefix)
        token: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", prefix, **token)
            for entry in page.get("Contents", []):
                key = str(entry["Key"])[len(self._prefix) :]
                yield ObjectInfo(key, int(entry["Size"]), str(entry["ETag"]), entry["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Remove."""
        check_key(key)
        self._call("delete_object", key)

    def now(self) -> dt.datetime:
        """The store's clock, by the Date header of an answer, carried on by our own monotonic one.

        So it does not jump with this machine's clock. It is at most a second, and one answer's way, behind the store's.
        """
        if self._epoch is None:
            self._call("list_objects_v2", "", MaxKeys=1)
        return self._by_their_clock()

    def _by_their_clock(self) -> dt.datetime:
        epoch = self._epoch
        if epoch is None:
            # A store that sends no Date: nothing is known but our own.
            return dt.datetime.now(dt.UTC)
        return epoch + dt.timedelta(seconds=time.monotonic())

    def close(self) -> None:
        """Close the connection pool."""
        with self._lock:
            client, self._client_made = self._client_made, None
        if client is not None:
            client.close()

    def _put(
        self, key: str, body: bytes, metadata: Mapping[str, str] | None, condition: Mapping[str, str]
    ) -> ObjectInfo:
        check_key(key)
        check_metadata(metadata)
        digest = hashlib.sha256(body)
        write_id = secrets.token_hex(8)
        described = {**(metadata or {}), _WRITE_ID: write_id, _SHA256: digest.hexdigest()}
        arguments = {
            "Body": body,
            "Metadata": {name.replace("_", "-"): encode_value(value) for name, value in described.items()},
            "ChecksumSHA256": base64.b64encode(digest.digest()).decode(),
            **self._keeping.arguments(key),
            **condition,
        }
        for attempt in range(_CONFLICTS):
            try:
                response = self._call("put_object", key, **arguments)
            except PreconditionFailed:
                ours = self._is_ours(key, write_id)
                if ours is not None:
                    return ours
                raise
            except _Conflict as conflict:
                # S3's 409: somebody writes at this moment. Look, then try again; the condition decides.
                ours = self._is_ours(key, write_id)
                if ours is not None:
                    return ours
                if attempt == _CONFLICTS - 1:
                    raise PreconditionFailed(str(conflict), key=key) from None
                continue
            return self._info(key, response, len(body), described)
        raise PreconditionFailed(f"{self.url}/{key}: contended", key=key)

    def _is_ours(self, key: str, write_id: str) -> ObjectInfo | None:
        """The object, if it is the very write that was reported as refused."""
        try:
            response = self._call("head_object", key)
        except ObjectMissing:
            return None
        metadata = _metadata(response)
        if metadata.get(_WRITE_ID) != write_id:
            return None
        return self._info(key, response, int(response["ContentLength"]), metadata)

    def _call(self, operation: str, key: str, **arguments: Any) -> dict[str, Any]:
        arguments["Prefix" if operation == "list_objects_v2" else "Key"] = self._prefix + key
        try:
            response = self._within(operation, key, lambda: self._answer(operation, arguments))
        except botocore.exceptions.ClientError as error:
            raise self._failure(operation, key, error) from None
        except botocore.exceptions.BotoCoreError as error:
            raise self._unreachable(operation, key, error) from None
        self._note_date(response)
        return response

    def _within(self, operation: str, key: str, call: Callable[[], _Result]) -> _Result:
        """Do it, for as long as the store may be waited for."""
        if self._seconds_left is None:
            return call()
        try:
            return within(self._seconds_left, call)
        except LeftBehind:
            message = f"{self.url}/{key}: the store did not answer {operation} in the time that was left"
            raise StoreError(message, kind="left_behind", key=key) from None

    def _answer(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        for pause_seconds in _THROTTLED_PAUSES_SECONDS:
            try:
                return dict(getattr(self._client, operation)(Bucket=self._bucket, **arguments))
            except botocore.exceptions.ClientError as error:
                if not is_throttling(*_code_and_status(error.response)):
                    raise
            self._sleep(random.uniform(pause_seconds / 2, pause_seconds))
        return dict(getattr(self._client, operation)(Bucket=self._bucket, **arguments))

    def _count_throttled(self, response: tuple[object, Mapping[str, Any]] | None = None, **_: Any) -> None:
        """Told by boto3 of each try; whether to try again is not decided here."""
        if response is not None and is_throttling(*_code_and_status(response[1])):
            with self._counting:
                self.throttled += 1

    def _note_date(self, response: Mapping[str, Any]) -> None:
        date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if not date:
            return
        try:
            theirs = email.utils.parsedate_to_datetime(date)
        except ValueError:
            return
        if theirs.tzinfo is not None:
            self._epoch = theirs - dt.timedelta(seconds=time.monotonic())

    def _failure(self, operation: str, key: str, error: botocore.exceptions.ClientError) -> StoreError:
        code, status = _code_and_status(error.response)
        where = f"{self.url}/{key}"
        if code in ("PreconditionFailed", "412") or status == 412:
            return PreconditionFailed(f"{where}: not in the state expected", key=key)
        if code == "ConditionalRequestConflict" or (status == 409 and operation == "put_object"):
            return _Conflict(f"{where}: another write is under way", key=key)
        if code in ("NoSuchKey", "NotFound", "404"):
            if operation == "head_object" and not self._bucket_exists():
                return StoreError(f"there is no bucket {self._bucket}", kind="missing_bucket", key=key)
            if operation == "put_object":
                # A condition on a key that does not exist: answered as 404 by some, as 412 by others.
                return PreconditionFailed(f"{where}: no such object", key=key)
            return ObjectMissing(f"{where}: no such object", key=key)
        if code in ("InvalidRange", "416") or status == 416:
            return _NoSuchRange(f"{where}: no such range", key=key)
        kind = kind_of_answer(code, status)
        if kind == "missing_bucket":
            return StoreError(f"there is no bucket {self._bucket}", kind=kind, key=key)
        message = _without_password(error.response.get("Error", {}).get("Message") or "no reason given")
        if kind == "access_denied" and operation in ("get_object", "head_object"):
            # S3 says so of an object that is not there, too, to those who may not list the bucket.
            message += "; s3:ListBucket is needed as well as s3:GetObject"
        return StoreError(f"{where}: the store refused {operation} ({code or status}: {message})", kind=kind, key=key)

    def _bucket_exists(self) -> bool:
        try:
            self._within("head_bucket", "", lambda: self._client.head_bucket(Bucket=self._bucket))
        except botocore.exceptions.ClientError as error:
            return bool(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404)
        except botocore.exceptions.BotoCoreError:
            return True
        return True

    def _unreachable(self, operation: str, key: str, error: Exception) -> StoreError:
        kind = kind_of_error(error)
        return StoreError(f"{self.url}/{key}: {operation} failed: {_without_password(error)}", kind=kind, key=key)

    def _info(self, key: str, response: Mapping[str, Any], size: int, metadata: Mapping[str, str]) -> ObjectInfo:
        modified = response.get("LastModified") or self._by_their_clock()
        known = {name: value for name, value in metadata.items() if name not in _OURS}
        return ObjectInfo(key, size, str(response.get("ETag", "")), modified, known)


def _code_and_status(answer: Mapping[str, Any]) -> tuple[str, object]:
    code = str(answer.get("Error", {}).get("Code", ""))
    return code, answer.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _metadata(response: Mapping[str, Any]) -> dict[str, str]:
    found = response.get("Metadata") or {}
    return {name.lower().replace("-", "_"): decode_value(value) for name, value in found.items()}


def _without_password(message: object) -> str:
    """URLs in messages of others may carry a user and a password: a proxy's, or the endpoint's."""
    return _PASSWORD.sub("//***@", str(message))


class _Conflict(StoreError):
    """S3's 409 on a conditional write: neither refused nor done."""


class _NoSuchRange(StoreError):
    """S3's 416: the object has no byte of the range."""
