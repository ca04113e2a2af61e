"""Secrets never appear: by the name of their key, by their shape, and by having been registered.

By key: a word of the name says so (``db_password``, ``Authorization``, ``clientSecret``, ``Set-Cookie``). ``token``
and ``auth`` count as the last word only, ``tokens`` only after a word like ``access``, ``key`` only after a word like
``api`` or ``private``: ``token_bucket``, ``tokens``, ``partition_key`` and an S3 object's ``key`` stay readable.
Numbers, booleans and None are never masked (``fencing_token`` is a number).

By shape, in any text: user information in a URL; signatures and tokens in a query; AWS key ids, and what looks like
their secrets beside them; bearer tokens, JWTs, private keys, ``Authorization`` and ``Cookie`` headers,
``password=...``.

Registered: whatever ``register_secret`` was told, wherever it turns up, in encoded forms too.

Every pattern has a bounded reach, so that no text, however made, takes longer than in proportion to its length.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

__all__ = ["MASK", "has_aws_key_id", "redact", "redact_field", "redact_text", "register_secret", "secret_field"]

MASK = "***"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    {"password", "passwords", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "authorization", "cookie"}
    | {"cookies", "credential", "credentials", "apikey", "secretkey", "accesskey", "privatekey", "signature", "jwt"}
    | {"bearer", "userinfo"}
)
_KEY_OWNERS = frozenset(
    {"api", "access", "private", "secret", "hmac", "encryption", "signing", "ssh", "master", "account", "shared"}
)
_TOKEN_OWNERS = frozenset({"access", "refresh", "session", "security", "auth", "id", "api", "bearer"})
_KNOWN_NAME_CHARACTERS = 128

# What makes a text worth a closer look, in lower case; most texts have none of it.
_SUSPECT = [
    *("://", "@", "key", "token", "secret", "passw", "pwd", "sig", "x-amz-", "credential", "authorization", "cookie"),
    *("bearer", "basic", "akia", "asia", "eyj"),
]
_END = r"[^\s,;&\"'<>(){}\[\]\\]"
_NO_NUMBER = r"(?!\d+(?:\.\d+)?(?:[\s,;&\"'<>(){}\[\]]|$))"
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)", re.DOTALL)
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)([\\\"']*\s*[:=]\s*)(\\*\"[^\"\n]*\"?|\\*'[^'\n]*'?|[^\r\n\"']+)"
)
_USERINFO = re.compile(r"(://)[^\s/?#\"'<>]{1,512}@")
# A password with a slash in it is no valid URL, and written by people all the same.
_BROKEN_USERINFO = re.compile(r"(://)[^\s/?#@:]{0,128}:(?!\d+(?:[/?#]|$))[^\s@\"'<>]{1,256}@")
_BARE_USERINFO = re.compile(r"(?<![\w:/@])[^\s/@:\"'<>=]{1,64}:[^\s/@:\"'<>]{3,128}@(?=[\w.-]{1,255}:\d)")
_QUERY = re.compile(
    r"(?i)((?:[?&;]|%3f|%26)(?:x-amz-(?:signature|credential|security-token)|signature|sig|token|key|pwd|auth|"
    r"awsaccesskeyid)(?:=|%3d))(?:(?!%26)[^\s\"'<>#&]){1,4096}"
)
_ASSIGNED = re.compile(
    r"(?i)(password|passwd|passphrase|(?<![a-z])pwd|secret|(?:secret|access|api|private)[_-]?key(?:[_-]?id)?)"
    rf"([\\\"']{{0,4}}\s{{0,8}}(?:=|:|%3d)\s{{0,8}}[\\\"']{{0,4}}){_NO_NUMBER}{_END}{{3,4096}}"
)
# "Unexpected token: else" is no secret: a token counts where it is assigned or quoted.
_ASSIGNED_TOKEN = re.compile(
    rf"(?i)(token|signature|x-amz-credential)([\\\"']{{0,4}}=[\\\"']{{0,4}}|[\\\"']{{1,4}}\s{{0,8}}[:=]\s{{0,8}}"
    rf"[\\\"']{{1,4}}){_NO_NUMBER}{_END}{{3,4096}}"
)
_SCHEME = re.compile(r"\b((?i:bearer|basic))\s+(?=\S{1,200}[A-Z0-9=])[A-Za-z0-9._~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?")
_AWS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b")
_MIXED = r"(?=[A-Za-z0-9/+]{0,39}[a-z])(?=[A-Za-z0-9/+]{0,39}[A-Z])"
_AWS_SECRET = re.compile(rf"(?<![A-Za-z0-9/+=]){_MIXED}[A-Za-z0-9/+]{{40}}(?![A-Za-z0-9/+=])")
# A field that is just called key shows a path; this is none.
_KEY_SHAPED = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=\D*\d)(?:[A-Za-z0-9/+]{40}|[A-Za-z0-9+_-]{32,128}={0,2})")

_registered: tuple[str, ...] = ()
_registering = threading.Lock()
_SHORTEST = 4
_SHORT_TEXT = 96
_MOST_DEPTH = 24


def register_secret(value: str) -> None:
    """Mask this text wherever it turns up: as it is, percent-encoded, escaped as in JSON, or in base64.

    Of a URL with a password the password alone is masked too, and what stands for it in a ``Basic`` header. Texts
    shorter than 4 characters are ignored: they would mask half of everything.
    """
    global _registered  # replaced whole, so that a reader in another thread never sees half of it
    secrets = {value}
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.netloc and parts.password:
        username, password = unquote(parts.username or ""), unquote(parts.password)
        secrets |= {parts.password, password, base64.b64encode(f"{username}:{password}".encode()).decode()}
    forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
    with _registering:
        # Longest first, so that no secret is half masked by a shorter one inside it.
        _registered = tuple(sorted(forms.union(_registered), key=len, reverse=True))
        _short.cache_clear()


def _forms(secret: str) -> Iterable[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = (quote(raw, safe=""), quote(raw), quote_plus(raw))
    return {
        secret,
        *encoded,
        *(re.sub("%..", lambda match: match[0].lower(), form) for form in encoded),
        json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode(),
    }


def secret_field(key: str) -> bool:
    """Whether a field's name says that its value is a secret."""
    return _secret_field(key) if len(key) <= _KNOWN_NAME_CHARACTERS else _secret_field.__wrapped__(key)


@lru_cache(maxsize=4096)
def _secret_field(key: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words:
        return False
    if words[-1] in ("token", "auth") or not _SECRET_WORDS.isdisjoint(words):
        return True
    return any(
        (later in ("key", "keys") and earlier in _KEY_OWNERS) or (later == "tokens" and earlier in _TOKEN_OWNERS)
        for earlier, later in pairwise(words)
    )


def redact_text(text: str) -> str:
    """The text with its secrets masked."""
    # Event names, ids and verdicts come again and again.
    return _short(text) if len(text) <= _SHORT_TEXT else _masked(text)


def _masked(text: str) -> str:
    for secret in _registered:
        if secret in text:
            text = text.replace(secret, MASK)
    lower = text.lower()
    for suspect in _SUSPECT:
        if suspect in lower:
            break
    else:
        return text
    text = _PEM.sub(MASK, text)
    if "@" in text:
        text = _USERINFO.sub(rf"\g<1>{MASK}@", text)
        text = _BROKEN_USERINFO.sub(rf"\g<1>{MASK}@", text)
        text = _BARE_USERINFO.sub(f"{MASK}@", text)
    text = _HEADER.sub(rf"\g<1>\g<2>{MASK}", text)
    text = _QUERY.sub(rf"\g<1>{MASK}", text)
    text = _ASSIGNED.sub(rf"\g<1>\g<2>{MASK}", text)
    text = _ASSIGNED_TOKEN.sub(rf"\g<1>\g<2>{MASK}", text)
    text = _SCHEME.sub(rf"\g<1> {MASK}", text)
    text = _JWT.sub(MASK, text)
    if has_aws_key_id(text):
        text = _AWS_SECRET.sub(MASK, _AWS_KEY_ID.sub(MASK, text))
    return text


_short = lru_cache(maxsize=8192)(_masked)


def has_aws_key_id(value: object) -> bool:
    """Whether a text holds an AWS key id: what stands beside it may be its secret."""
    return isinstance(value, str) and ("AKIA" in value or "ASIA" in value) and _AWS_KEY_ID.search(value) is not None


def redact_field(key: str, text: str, *, beside_key_id: bool = False) -> str:
    """The text of a field that is not secret by its name, masked by its shape and by what stands beside it."""
    if (key == "key" and _KEY_SHAPED.fullmatch(text)) or (beside_key_id and _AWS_SECRET.fullmatch(text)):
        return MASK
    return redact_text(text)


def redact(value: Any) -> Any:
    """The value with its secrets masked: texts, bytes, exceptions, and all inside mappings, lists, tuples and sets.

    Mappings come back as dicts, other containers as lists, bytes and exceptions as texts; pydantic's secrets masked.
    Values of other types are returned as they are. What contains itself is cut, as is what is nested deeper than 24.
    """
    return _redacted(value, "", {}, 0, beside_key_id=False)


def _redacted(value: Any, key: str, known: dict[int, tuple[Any, Any]], depth: int, *, beside_key_id: bool) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if key and secret_field(key):
        return MASK
    if isinstance(value, str):
        return redact_field(key, value, beside_key_id=beside_key_id)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, BaseException):
        return redact_text(f"{type(value).__name__}: {value}")
    if hasattr(type(value), "get_secret_value"):
        return MASK
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return value
    # What is shared is done once: a value's cost is that of its parts, not that of the ways to them.
    if id(value) in known:
        return known[id(value)][1]
    if depth >= _MOST_DEPTH:
        return "..."
    known[id(value)] = (value, "...")
    found: Any
    if isinstance(value, Mapping):
        beside = any(has_aws_key_id(inner) for inner in value.values())
        found = {
            _key(name): _redacted(inner, name if isinstance(name, str) else "", known, depth + 1, beside_key_id=beside)
            for name, inner in value.items()
        }
    else:
        beside = any(has_aws_key_id(inner) for inner in value)
        found = [_redacted(inner, "", known, depth + 1, beside_key_id=beside) for inner in value]
    known[id(value)] = (value, found)
    return found


def _key(name: Any) -> Any:
    return redact_text(name) if isinstance(name, str) else name
