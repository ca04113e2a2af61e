"""What S3's error codes, and boto3's own errors, mean: the kinds of ``StoreError``."""

from __future__ import annotations

import botocore.exceptions

__all__ = ["is_throttling", "kind_of_answer", "kind_of_error"]

_KINDS = {
    "NoSuchBucket": "missing_bucket",
    "InvalidAccessKeyId": "credentials",
    "SignatureDoesNotMatch": "credentials",
    "InvalidToken": "credentials",
    "UnrecognizedClientException": "credentials",
    "AuthorizationHeaderMalformed": "credentials",
    "RequestTimeTooSkewed": "credentials",
    "ExpiredToken": "expired",
    "ExpiredTokenException": "expired",
    "TokenRefreshRequired": "expired",
    "AccessDenied": "access_denied",
    "Forbidden": "access_denied",
    "403": "access_denied",
    "AllAccessDisabled": "access_denied",
    "AccountProblem": "access_denied",
    "QuotaExceeded": "full",
    "InsufficientStorage": "full",
    "507": "full",
    "RequestTimeout": "unreachable",
    "SlowDown": "throttled",
    "Throttling": "throttled",
    "ThrottlingException": "throttled",
    "RequestLimitExceeded": "throttled",
    "TooManyRequests": "throttled",
    "429": "throttled",
}
_EXPIRED = (botocore.exceptions.UnauthorizedSSOTokenError, botocore.exceptions.TokenRetrievalError)
_WITHOUT_CREDENTIALS = (
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.CredentialRetrievalError,
    botocore.exceptions.NoAuthTokenError,
    botocore.exceptions.MetadataRetrievalError,
    botocore.exceptions.SSOError,
    botocore.exceptions.ProfileNotFound,
)
_MISCONFIGURED = (
    botocore.exceptions.ParamValidationError,
    botocore.exceptions.NoRegionError,
    botocore.exceptions.InvalidRegionError,
    ValueError,
)


def kind_of_answer(code: str, status: object) -> str:
    """The kind of an answer that is an error."""
    if status == 429:
        return "throttled"
    return _KINDS.get(code, "unreachable" if isinstance(status, int) and status >= 500 else "other")


def is_throttling(code: str, status: object) -> bool:
    """Whether the store asks for fewer requests."""
    return kind_of_answer(code, status) == "throttled"


def kind_of_error(error: Exception) -> str:
    """The kind of a call that got no answer."""
    if isinstance(error, _EXPIRED):
        return "expired"
    if isinstance(error, _WITHOUT_CREDENTIALS):
        return "credentials"
    return "other" if isinstance(error, _MISCONFIGURED) else "unreachable"
