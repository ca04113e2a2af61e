"""What a right value of each setting looks like. Pure: text in, value out, or a ValueError that says what is wrong."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from nba_season_backfill.season import FIRST_NBA_SEASON, GameId

__all__ = [
    "DEFAULT_INTERVAL_SECONDS",
    "MOST",
    "PUBLIC_HOST_FLOOR_SECONDS",
    "SAMPLE_SEASON",
    "UNPACED_IN_FLIGHT",
    "base_url",
    "bucket_name",
    "each_once",
    "game_date",
    "game_id",
    "is_loopback",
    "kms_key",
    "local_path",
    "name_of_egress",
    "object_prefix",
    "parameter_order",
    "parameter_orders",
    "proxy_url",
    "region",
    "request_budget",
    "seasons",
    "secret_url",
    "service_url",
    "shared_secret",
    "state_file_path",
]

PUBLIC_HOST_FLOOR_SECONDS = 0.6
"""No request to a public host leaves sooner than this after the one before, whatever is configured."""

UNPACED_IN_FLIGHT = 6
"""Requests that wait for their answer at a time where there is no pace: what keeps two cores busy."""

SAMPLE_SEASON = "2024-25"
"""The season that the emulator has."""

DEFAULT_INTERVAL_SECONDS = 5.0
"""The time between two requests where nobody said otherwise."""

MOST = 1_000_000
"""No number of games or requests is larger: what has no bound ends as a number that no checkpoint can hold."""

_Item = TypeVar("_Item")

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_BUDGET = re.compile(r"(\d+)\s*(?:/\s*(?:h|hr|hour)|per hour|an hour)?", re.ASCII)
_EGRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_KMS_KEY = re.compile(
    r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[\w/-]+|alias/[\w/-]+|(mrk-)?[0-9a-f-]{32,36})", re.ASCII
)
_PARAMETER_ORDER = re.compile(r"[a-z0-9]+=[A-Za-z0-9]+(?::[A-Za-z0-9]+)*", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", re.ASCII)
# What is shorter is not masked: it would mask half of everything.
_SHORTEST_SECRET = 4
_FIRST_DAY = dt.date(FIRST_NBA_SEASON, 11, 1)
_LAST_DAY = dt.date(2099, 12, 31)


def each_once(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    """``items`` without repetitions, in the order given."""
    return tuple(dict.fromkeys(items))


def seasons(text: str) -> str:
    """What names seasons, its blanks taken away; whether they are seasons depends on the league."""
    cleaned = "".join(text.split())
    if not cleaned:
        raise ValueError("no season; it is written YYYY-YY, for instance 2024-25")
    return cleaned


def game_id(text: str) -> str:
    """Ten digits, of which the third names a kind of game."""
    try:
        return str(GameId(text.strip()))
    except ValueError as error:
        padded = text.strip().zfill(10)
        if text.strip().isdecimal() and len(text.strip()) == 8:
            raise ValueError(f"not a game id: it has ten digits; did you mean {padded}?") from None
        # Season and id grammar quote the value; the message that this becomes part of does so already.
        raise ValueError(str(error).replace(f": {text.strip()!r}", "", 1)) from None


def game_date(day: dt.date) -> dt.date:
    """A US Eastern date on which the NBA could have played."""
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise ValueError(f"no game was played then; a date lies between {_FIRST_DAY} and {_LAST_DAY}")
    return day


def bucket_name(text: str) -> str:
    """A bucket's bare name, by the rules of S3."""
    if "://" in text:
        bare = text.split("://", 1)[1].split("/", 1)[0]
        raise ValueError(f"not a bucket's name, but an address; write the bare name{_such_as(bare)}, and --s3-prefix")
    if "/" in text:
        bare = text.split("/", 1)[0]
        raise ValueError(f"not a bucket's name; write the bare name{_such_as(bare)}, and the rest as --s3-prefix")
    if not _BUCKET.fullmatch(text) or ".." in text or _is_address(text):
        rule = "3 to 63 lower-case letters, digits, dots and hyphens, beginning and ending with a letter or digit"
        lower = text.lower().replace("_", "-")
        hint = f"; did you mean {lower}?" if lower != text and _BUCKET.fullmatch(lower) else ""
        raise ValueError(f"not a bucket's name ({rule}){hint}")
    return text


def kms_key(text: str) -> str:
    """A key of KMS by its id, its ARN or its alias."""
    if not _KMS_KEY.fullmatch(text):
        raise ValueError("not a KMS key: an id (1234abcd-12ab-34cd-56ef-1234567890ab), an ARN, or alias/NAME")
    return text


def _such_as(bare: str) -> str:
    return f" {bare}" if _BUCKET.fullmatch(bare) else ""


def object_prefix(text: str) -> str:
    """The prefix of every key in the bucket, without the slashes at its end."""
    prefix = text.rstrip("/")
    if text.startswith("/"):
        inner = prefix.lstrip("/")
        raise ValueError("must not begin with a slash" + (f"; did you mean {inner}?" if inner else ""))
    parts = prefix.split("/")
    if ".." in prefix or "." in parts:
        raise ValueError("must not contain .. or a lone dot")
    if "" in parts:
        raise ValueError("must not contain two slashes in a row")
    if not prefix.isprintable() or "\\" in prefix or len(prefix.encode()) > 512:
        raise ValueError("must be printable text of at most 512 bytes, without backslashes")
    return prefix


def local_path(value: Any) -> Any:
    """A path on this machine; ``~`` is the home folder, also where no shell replaced it."""
    if not isinstance(value, str | Path):
        raise ValueError("not a path")  # pydantic turns a ValueError into a problem, a TypeError not
    text = str(value)
    if "://" in text:
        raise ValueError("not a path on this machine; to write to S3 give --s3-bucket and --s3-prefix")
    if not text.isprintable():
        raise ValueError("not a path (it contains characters that cannot be shown)")
    if text.startswith("~"):
        try:
            return Path(text).expanduser()
        except RuntimeError:
            raise ValueError("not a path: there is no such home folder") from None
    return Path(text)


def region(text: str) -> str:
    """A region's name: ``us-east-1``, or what another S3 calls its own."""
    if not _REGION.fullmatch(text):
        raise ValueError("not a region's name; for instance us-east-1")
    return text


def state_file_path(text: str) -> str:
    """A file on this machine, or ``s3://BUCKET/KEY``."""
    if text.startswith("s3://"):
        bucket, _, key = text.removeprefix("s3://").partition("/")
        if not _BUCKET.fullmatch(bucket) or not key or key.endswith("/") or not key.isprintable():
            raise ValueError("not an object in S3; write s3://BUCKET/KEY, for instance s3://lake/checkpoint.json")
        return text
    if text.endswith("/"):
        raise ValueError("a folder; name a file in it, for instance checkpoint.json")
    if "://" in text:
        raise ValueError("neither a file nor s3://BUCKET/KEY")
    return str(local_path(text))


def base_url(text: str) -> str:
    """Where the upstream is; ``/stats/ENDPOINT`` follows it."""
    split = _http_url(text, credentials=False)
    path = split.path.rstrip("/")
    bare = f"{split.scheme}://{split.netloc}{path}"
    if path.endswith("/stats"):
        raise ValueError(f"/stats is added by itself; did you mean {bare.removesuffix('/stats')}?")
    return bare


def service_url(text: str) -> str:
    """Where another service of ours is; it may need a name and a password, which are never shown."""
    split = _http_url(text, credentials=True)
    return f"{split.scheme}://{split.netloc}{split.path.rstrip('/')}"


def parameter_orders(orders: tuple[str, ...]) -> tuple[str, ...]:
    """``ENDPOINT=NAME:NAME``."""
    parsed = [_PARAMETER_ORDER.fullmatch(order.strip()) for order in orders]
    for order, match in zip(orders, parsed, strict=True):
        if match is None:
            raise ValueError(f"{order!r} is no order; it is written ENDPOINT=NAME:NAME")
    return each_once(tuple(order.strip() for order in orders))


def parameter_order(orders: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Endpoint -> the names of parameters that are sent first."""
    return {endpoint: tuple(names.split(":")) for endpoint, _, names in (order.partition("=") for order in orders)}


def proxy_url(value: SecretStr) -> SecretStr:
    """``http://[USER:PASSWORD@]HOST:PORT``. No message quotes any part of it."""
    split = _split_url(value.get_secret_value().strip())
    if split is None or split.scheme not in ("http", "https") or not split.hostname:
        raise ValueError("not a proxy's address; write http://HOST:PORT, with USER:PASSWORD@ before HOST if it asks")
    return SecretStr(value.get_secret_value().strip())


def secret_url(value: SecretStr) -> SecretStr:
    """An address that may have a token in its path or query. No message quotes any part of it."""
    text = value.get_secret_value().strip()
    split = _split_url(text)
    if split is None or split.scheme not in ("http", "https") or not split.hostname:
        raise ValueError("not a web address; it begins with https:// or http:// and names a host")
    if not text.isascii():
        raise ValueError("not a web address: letters beyond ASCII are written as %XX, names of hosts as xn--...")
    if split.fragment or text.endswith("#"):
        raise ValueError("must not contain a fragment (#)")
    return SecretStr(text)


def shared_secret(value: SecretStr) -> SecretStr:
    """A text that goes into an HTTP header, long enough to be masked wherever it turns up."""
    text = value.get_secret_value()
    if len(text) < _SHORTEST_SECRET:
        raise ValueError(f"too short for a secret; at least {_SHORTEST_SECRET} characters")
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError("must be printable ASCII without a space at its beginning or end")
    return value


def _http_url(text: str, *, credentials: bool) -> SplitResult:
    split = _split_url(text.strip())
    if split is None or split.scheme not in ("http", "https"):
        raise ValueError("not a web address; it begins with https:// or http://")
    if not split.hostname:
        raise ValueError("not a web address: it names no host")
    if not credentials and (split.username is not None or split.password is not None):
        raise ValueError("must not contain a name or password")
    if split.query or split.fragment or text.strip().endswith(("?", "#")):
        raise ValueError("must not contain a query or fragment (? or #)")
    return split


def _split_url(text: str) -> SplitResult | None:
    if not text.isprintable() or " " in text:
        return None
    try:
        split = urlsplit(text)
        split.port  # noqa: B018  # raises for a port that is none
    except ValueError:
        return None
    return split


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine. A name that only might is taken for another one, which gets more courtesy."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def request_budget(value: Any) -> Any:
    """Requests an hour: ``720`` or ``720/h``; 0 lifts the budget."""
    if isinstance(value, str) and (found := _BUDGET.fullmatch(value.strip().lower())):
        return found[1]
    return value


def name_of_egress(text: str) -> str:
    """A name that a lease can carry."""
    if not _EGRESS.fullmatch(text):
        raise ValueError("not a name; at most 63 letters, digits, dots, hyphens and underscores, for instance nat-2")
    return text
