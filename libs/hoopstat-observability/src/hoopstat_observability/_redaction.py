"""Secrets never appear: by key name and by value."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["redact", "register_secret"]

_MASK = "***"
_KEY = re.compile(r"(?i)(password|passwd|secret|token|authorization|cookie|credential|api_?key|access_?key)")
_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@]+@")
_registered: set[str] = set()


def register_secret(value: str) -> None:
    """Mask this string wherever it turns up."""
    if len(value) >= 4:
        _registered.add(value)


def redact(value: Any) -> Any:
    """The value with its secrets masked."""
    if isinstance(value, str):
        for secret in _registered:
            value = value.replace(secret, _MASK)
        return _URL.sub(rf"\g<1>{_MASK}@", value)
    if isinstance(value, dict):
        return {
            key: _MASK if isinstance(key, str) and _KEY.search(key) else redact(inner) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    return value
