"""Secrets never appear: by the name of their key, by their shape, and by having been registered.

By key: a word of the key says so (``db_password``, ``Authorization``, ``api_key``, ``sessionToken``). ``token`` counts
only as the last word, ``key`` only after ``api``, ``access``, ``private``, ``secret`` or ``hmac``: ``token_bucket``,
``partition_key`` and an S3 object's ``key`` stay readable. Numbers and booleans are never masked (``fencing_token`` is
one). By shape: user information in any URL, signatures and tokens in its query, AWS key ids, bearer tokens, private
keys. Registered: whatever ``register_secret`` was told, wherever it turns up, percent-encoded too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "redact", "redact_text", "register_secret", "secret_key"]

MASK = "***"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    {"password", "passwd", "passphrase", "pwd", "secret", "secrets", "authorization", "cookie", "cookies", "credential"}
    | {"credentials", "apikey", "secretkey", "accesskey", "privatekey", "signature", "jwt", "bearer"}
)
_KEY_OWNERS = frozenset({"api", "access", "private", "secret", "hmac", "encryption", "signing"})

# What makes a text worth a closer look; most texts have none of it.
_SUSPECT = re.compile(r"://|AKIA|ASIA|BEGIN|(?i:bearer |basic |signature|x-amz-|token|secret|passw|sig=)")
_USERINFO = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/?#]*@")
_QUERY = re.compile(
    r"(?i)([?&;\s](?:x-amz-(?:signature|credential|security-token)|signature|sig|token|access_token|api_?key|key|secret|"
    r"client_secret|password|pwd|awsaccesskeyid)=)[^&\s\"'<>#]+"
)
_AWS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_ASSIGNED = re.compile(r"(?i)(?<![a-z])(password|passwd|secret|secret_access_key|token)(\s*[=:]\s*)[^\s,;&\"']{4,}")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)
_KEY_SHAPED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9+/=_-]{32,}")

_registered: list[str] = []
_MOST_DEPTH = 12


def register_secret(value: str) -> None:
    """Mask this text wherever it turns up, in its plain and its percent-encoded forms. Shorter than 4: ignored."""
    if len(value) < 4:
        return
    for form in {value, quote(value, safe=""), quote(value), quote_plus(value)}:
        if form not in _registered:
            _registered.append(form)
    # Longest first, so that no secret is half masked by a shorter one inside it.
    _registered.sort(key=len, reverse=True)


@lru_cache(maxsize=4096)
def secret_key(key: str) -> bool:
    """Whether a key's name says that its value is a secret."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words:
        return False
    if any(word in _SECRET_WORDS for word in words) or words[-1] == "token":
        return True
    return any(later == "key" and earlier in _KEY_OWNERS for earlier, later in pairwise(words))


def redact_text(text: str) -> str:
    """The text with its secrets masked."""
    for secret in _registered:
        if secret in text:
            text = text.replace(secret, MASK)
    if _SUSPECT.search(text) is None:
        return text
    text = _PEM.sub(MASK, text)
    text = _USERINFO.sub(rf"\g<1>{MASK}@", text)
    text = _QUERY.sub(rf"\g<1>{MASK}", text)
    text = _AWS_KEY_ID.sub(MASK, text)
    text = _SCHEME.sub(rf"\g<1> {MASK}", text)
    return _ASSIGNED.sub(rf"\g<1>\g<2>{MASK}", text)


def redact(value: Any, *, _key: str = "", _depth: int = 0) -> Any:
    """The value with its secrets masked: texts, bytes, and everything inside mappings, lists, tuples and sets.

    Mappings come back as dicts, other containers as lists. Values of other types are returned as they are, but for
    pydantic's secrets, which are masked.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if _key and secret_key(_key):
        return MASK
    if isinstance(value, str):
        if _key == "key" and _KEY_SHAPED.fullmatch(value):
            return MASK
        return redact_text(value)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    if hasattr(type(value), "get_secret_value"):
        return MASK
    if _depth >= _MOST_DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return {
            key: redact(inner, _key=key if isinstance(key, str) else "", _depth=_depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, _depth=_depth + 1) for inner in value]
    return value
