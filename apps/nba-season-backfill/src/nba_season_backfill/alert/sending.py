"""Sending: signed, tried again, never redirected, and without a word of the address in what is said of it."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nba_season_backfill.alert.message import Alert

if TYPE_CHECKING:
    import requests

__all__ = ["Delivery", "Persistence", "beat", "send", "signature"]

_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 5.0
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long to insist: ``retries`` after the first try, the first after ``backoff_seconds``, doubled each time.

    No try begins later than ``seconds`` after the first, nor once ``given_up`` is set. ``sleep`` is for tests.
    """

    retries: int = 3
    backoff_seconds: float = 0.5
    seconds: float = 15.0
    given_up: threading.Event = field(default_factory=threading.Event)
    sleep: Callable[[float], None] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of it. ``reason`` says why not, without any part of the address."""

    delivered: bool
    attempts: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Try:
    delivered: bool
    reason: str = ""
    again: bool = False


def signature(body: bytes, secret: str) -> str:
    """What ``X-Ingest-Signature`` says of a body: ``sha256=`` and its HMAC-SHA256 in hexadecimal digits."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def send(
    alert: Alert,
    url: str,
    *,
    hmac_secret: str | None = None,
    secret: str | None = None,
    persistence: Persistence | None = None,
) -> Delivery:
    """POST an alert: the same bytes with the same delivery id at every try. Never raises for what a receiver does."""
    body = alert.body()
    headers = {
        "Content-Type": "application/json",
        "X-Ingest-Event": alert.events[0].value,
        "X-Ingest-Timestamp": str(alert.timestamp),
        "X-Ingest-Delivery": alert.delivery_id,
    }
    if hmac_secret is not None:
        headers["X-Ingest-Signature"] = signature(body, hmac_secret)
    if secret is not None:
        headers["X-Ingest-Secret"] = secret
    return _insist("POST", url, headers, body, persistence or Persistence())


def beat(url: str, *, persistence: Persistence | None = None) -> Delivery:
    """GET a heartbeat's address. Never raises for what the other side does."""
    return _insist("GET", url, {}, None, persistence or Persistence())


def _insist(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, persistence: Persistence
) -> Delivery:
    import requests
    import tenacity

    retrying = tenacity.Retrying(
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(persistence.retries + 1),
            tenacity.stop_before_delay(persistence.seconds),
        ),
        wait=tenacity.wait_exponential(multiplier=persistence.backoff_seconds),
        retry=tenacity.retry_if_result(lambda tried: tried.again),
        sleep=persistence.sleep or tenacity.sleep_using_event(persistence.given_up),
        # Given up: what the last try found.
        retry_error_callback=lambda state: state.outcome.result() if state.outcome is not None else None,
    )
    with requests.Session() as session:
        session.headers["User-Agent"] = "nba-backfill"

        def one_try() -> _Try:
            # The pause before this try may have ended because nobody waits any more.
            if persistence.given_up.is_set():
                return _Try(False, "given up")
            return _once(session, method, url, headers, body)

        tried: _Try = retrying(one_try)
    return Delivery(tried.delivered, int(retrying.statistics["attempt_number"]), tried.reason)


def _once(session: requests.Session, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> _Try:
    from requests import exceptions
    from requests.utils import get_auth_from_url

    user, password = get_auth_from_url(url)
    try:
        with session.request(
            method,
            url,
            headers=dict(headers),
            data=body,
            # What stands in the address and nothing else: no ~/.netrc.
            auth=(user, password) if user or password else _no_auth,
            timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
            # A redirect could carry the secrets, or the alert, to anywhere.
            allow_redirects=False,
            # The answer's body is nobody's business, however long it is.
            stream=True,
        ) as answer:
            return _judged(answer.status_code)
    # What these say has the address in it, tokens and all.
    except exceptions.ConnectTimeout:
        return _Try(False, f"no connection within {_CONNECT_SECONDS:g} s", again=True)
    except exceptions.Timeout:
        return _Try(False, f"no answer within {_ANSWER_SECONDS:g} s", again=True)
    except exceptions.SSLError:
        return _Try(False, "its certificate is not trusted, or it does not speak TLS")
    except exceptions.ProxyError:
        return _Try(False, "the proxy does not reach it", again=True)
    except exceptions.ConnectionError:
        return _Try(False, "it cannot be reached", again=True)
    except (exceptions.RequestException, ValueError) as error:
        return _Try(False, f"it cannot be asked ({type(error).__name__})")


def _judged(status: int) -> _Try:
    if 200 <= status < 300:
        return _Try(True)
    if 300 <= status < 400:
        return _Try(False, f"it answered {status}: redirects are not followed, name the final address")
    return _Try(False, f"it answered {status}", again=status >= 500 or status in _WORTH_ANOTHER_TRY)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
