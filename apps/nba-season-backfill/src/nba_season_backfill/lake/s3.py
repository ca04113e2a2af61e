"""S3 as an object store: conditional writes, checksums both ways, and the lost-response trap closed.

A PUT whose response is lost is sent again by boto3, and the second one finds the first: a conditional write then looks
refused although it succeeded. So every body carries a write id in its metadata, and a refusal is read back before it
is believed.
"""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import hashlib
import secrets
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import botocore.config
import botocore.exceptions

from nba_season_backfill.lake.store import ObjectInfo, ObjectMissing, PreconditionFailed, StoredObject, StoreError

__all__ = ["S3Store"]

_WRITE_ID = "write-id"
_SHA256 = "sha256"
_OURS = {_WRITE_ID, _SHA256}
_CONFLICTS = 5

_KINDS = {
    "NoSuchBucket": "missing_bucket",
    "InvalidAccessKeyId": "credentials",
    "SignatureDoesNotMatch": "credentials",
    "ExpiredToken": "credentials",
    "ExpiredTokenException": "credentials",
    "InvalidToken": "credentials",
    "TokenRefreshRequired": "credentials",
    "AuthorizationHeaderMalformed": "credentials",
    "RequestTimeTooSkewed": "credentials",
    "AccessDenied": "access_denied",
    "Forbidden": "access_denied",
    "403": "access_denied",
    "AllAccessDisabled": "access_denied",
    "QuotaExceeded": "full",
    "InsufficientStorage": "full",
    "507": "full",
}


class S3Store:
    """Objects below ``prefix`` in a bucket. Thread-safe.

    Args:
        endpoint_url: another S3 than Amazon's.
        region: where the bucket is; else what the machine's configuration says.
        client: a boto3 S3 client, for tests.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        client: Any = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._endpoint_url = endpoint_url
        self._region = region
        self._client_made = client
        self._lock = threading.Lock()
        self._skew: dt.timedelta | None = None

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
                    connect_timeout=5,
                    read_timeout=60,
                    max_pool_connections=16,
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
                    raise StoreError(f"{self.url}: {error}", kind="credentials") from None
            return self._client_made

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object, its checksum verified."""
        condition = {"IfMatch": if_match} if if_match is not None else {}
        response = self._call("get_object", key, **condition)
        body = self._read(key, response)
        metadata = response.get("Metadata") or {}
        expected = metadata.get(_SHA256)
        if expected is not None and hashlib.sha256(body).hexdigest() != expected:
            raise StoreError(
                f"{self.url}/{key}: its content is not what was stored (SHA-256 differs)", kind="corrupt", key=key
            )
        return StoredObject(self._info(key, response, len(body), metadata), body)

    def _read(self, key: str, response: Mapping[str, Any]) -> bytes:
        try:
            return bytes(response["Body"].read())
        except (botocore.exceptions.BotoCoreError, OSError) as error:
            raise StoreError(f"{self.url}/{key}: the body broke off ({error})", kind="unreachable", key=key) from error

    def head(self, key: str) -> ObjectInfo:
        """What is known of it."""
        response = self._call("head_object", key)
        return self._info(key, response, int(response["ContentLength"]), response.get("Metadata") or {})

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
        token: dict[str, str] = {}
        while True:
            try:
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix + prefix, **token)
            except botocore.exceptions.ClientError as error:
                raise self._failure("list", prefix, error) from None
            except botocore.exceptions.BotoCoreError as error:
                raise self._unreachable("list", prefix, error) from None
            for entry in page.get("Contents", []):
                key = str(entry["Key"])[len(self._prefix) :]
                yield ObjectInfo(key, int(entry["Size"]), str(entry["ETag"]), entry["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Remove."""
        self._call("delete_object", key)

    def now(self) -> dt.datetime:
        """The store's clock, by the Date header of an answer; asked once, then carried on by our own."""
        if self._skew is None:
            self._note_date(self._call("list_objects_v2", "", Prefix=self._prefix, MaxKeys=1))
        return dt.datetime.now(dt.UTC) + (self._skew or dt.timedelta(0))

    def close(self) -> None:
        """Close the connection pool."""
        with self._lock:
            client, self._client_made = self._client_made, None
        if client is not None:
            client.close()

    def _put(
        self, key: str, body: bytes, metadata: Mapping[str, str] | None, condition: Mapping[str, str]
    ) -> ObjectInfo:
        digest = hashlib.sha256(body)
        write_id = secrets.token_hex(8)
        described = {**(metadata or {}), _WRITE_ID: write_id, _SHA256: digest.hexdigest()}
        arguments = {
            "Body": body,
            "Metadata": described,
            "ChecksumSHA256": base64.b64encode(digest.digest()).decode(),
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
        metadata = response.get("Metadata") or {}
        if metadata.get(_WRITE_ID) != write_id:
            return None
        return self._info(key, response, int(response["ContentLength"]), metadata)

    def _call(self, operation: str, key: str, **arguments: Any) -> dict[str, Any]:
        if operation != "list_objects_v2":
            arguments["Key"] = self._prefix + key
        try:
            response: dict[str, Any] = getattr(self._client, operation)(Bucket=self._bucket, **arguments)
        except botocore.exceptions.ClientError as error:
            raise self._failure(operation, key, error) from None
        except botocore.exceptions.BotoCoreError as error:
            raise self._unreachable(operation, key, error) from None
        self._note_date(response)
        return response

    def _note_date(self, response: Mapping[str, Any]) -> None:
        date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if not date:
            return
        try:
            theirs = email.utils.parsedate_to_datetime(date)
        except ValueError:
            return
        if theirs.tzinfo is not None:
            self._skew = theirs - dt.datetime.now(dt.UTC)

    def _failure(self, operation: str, key: str, error: botocore.exceptions.ClientError) -> StoreError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        where = f"{self.url}/{key}"
        if code in ("PreconditionFailed", "412") or status == 412:
            return PreconditionFailed(f"{where}: not in the state expected", key=key)
        if code == "ConditionalRequestConflict" or (status == 409 and operation == "put_object"):
            return _Conflict(f"{where}: another write is under way", key=key)
        if code in ("NoSuchKey", "NotFound", "404") and code != "NoSuchBucket":
            if operation == "head_object" and not self._bucket_exists():
                return StoreError(f"there is no bucket {self._bucket}", kind="missing_bucket", key=key)
            if operation == "put_object":
                # A condition on a key that does not exist: answered as 404 by some, as 412 by others.
                return PreconditionFailed(f"{where}: no such object", key=key)
            return ObjectMissing(f"{where}: no such object", key=key)
        kind = _KINDS.get(code, "unreachable" if isinstance(status, int) and status >= 500 else "other")
        if kind == "missing_bucket":
            return StoreError(f"there is no bucket {self._bucket}", kind=kind, key=key)
        message = error.response.get("Error", {}).get("Message") or "no reason given"
        return StoreError(f"{where}: the store refused {operation} ({code or status}: {message})", kind=kind, key=key)

    def _bucket_exists(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except botocore.exceptions.ClientError as error:
            return bool(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404)
        except botocore.exceptions.BotoCoreError:
            return True
        return True

    def _unreachable(self, operation: str, key: str, error: botocore.exceptions.BotoCoreError) -> StoreError:
        kind = "unreachable"
        if isinstance(
            error,
            botocore.exceptions.NoCredentialsError
            | botocore.exceptions.PartialCredentialsError
            | botocore.exceptions.CredentialRetrievalError
            | botocore.exceptions.TokenRetrievalError
            | botocore.exceptions.ProfileNotFound,
        ):
            kind = "credentials"
        elif isinstance(error, botocore.exceptions.ParamValidationError | botocore.exceptions.NoRegionError):
            kind = "other"
        return StoreError(f"{self.url}/{key}: {operation} failed: {error}", kind=kind, key=key)

    def _info(self, key: str, response: Mapping[str, Any], size: int, metadata: Mapping[str, str]) -> ObjectInfo:
        modified = response.get("LastModified") or dt.datetime.now(dt.UTC) + (self._skew or dt.timedelta(0))
        known = {name: value for name, value in metadata.items() if name not in _OURS}
        return ObjectInfo(key, size, str(response.get("ETag", "")), modified, known)


class _Conflict(StoreError):
    """S3's 409 on a conditional write: neither refused nor done."""
