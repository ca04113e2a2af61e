"""The upstream through nba_api's own HTTP class, over our session.

nba_api gives the endpoint names, the parameters and the headers a browser would send. It never looks at the HTTP
status and hides the body behind parsers that accept anything, so status, headers and verbatim bytes are taken from
our session instead.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import ipaddress
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3
from nba_api.library.proxy import ProxyRequiredError, resolve_proxy
from nba_api.library.proxy import redact as redact_proxy
from nba_api.stats.library.http import NBAStatsHTTP

from nba_season_backfill.errors import ConfigurationError
from nba_season_backfill.source.base import Answer, Failure, FailureKind, StatsRequest

__all__ = ["NBA_BASE_URL", "StatsApiSource", "is_loopback"]

NBA_BASE_URL = "https://stats.nba.com"
_WHOLE = 1 << 22
LOOPBACK_ONLY_VARIABLE = "NBA_BACKFILL_LOOPBACK_ONLY"


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine (127.0.0.0/8, ::1 or localhost)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Session(requests.Session):
    """A session that keeps the last response whole and knows whether it has been answered before."""

    def __init__(self, *, direct: bool, parameter_order: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._parameter_order = parameter_order
        self.max_redirects = 3
        self.answered = 0
        self.last: requests.Response | None = None
        self._direct = direct
        if direct:
            # Loopback must not be sent through a proxy that the environment names for the outside.
            self.trust_env = False
        self.hooks["response"].append(self._keep)

    def _keep(self, response: requests.Response, *_args: object, **_keywords: object) -> None:
        self.last = response
        if not response.is_redirect:
            # All at once: left to itself, requests reads and unpacks it in pieces of 10 kB, which takes twice as long.
            response._content = b"".join(response.iter_content(_WHOLE))

    def get(self, url: str | bytes, **keywords: Any) -> requests.Response:
        if self._direct:
            keywords["proxies"] = None
        order = self._parameter_order.get(str(url).rpartition("/")[2])
        if order:
            # nba_api has put them in the order of the alphabet.
            places = {name: place for place, name in enumerate(order)}
            keywords["params"] = sorted(keywords["params"], key=lambda pair: places.get(pair[0], len(places)))
        return super().get(url, **keywords)


class _StatsHTTP(NBAStatsHTTP):  # type: ignore[misc]  # nba_api is untyped
    """nba_api's HTTP class with a base URL and a session of its own (upstream keeps both in class attributes)."""

    def __init__(self, base_url: str, session: _Session) -> None:
        self.base_url = base_url + "/stats/{endpoint}"
        self.session = session

    def get_session(self) -> _Session:
        return self.session


class StatsApiSource:
    """Asks the upstream; one session a thread, renewed when ``session_generation`` counts up.

    Args:
        base_url: stands for ``https://stats.nba.com``; ``/stats/ENDPOINT`` follows it.
        proxy: ``http://user:password@host:port`` or None; ``NBA_API_PROXY`` is read by nba_api itself.
        connect_timeout_seconds, read_timeout_seconds: silence longer than that is an answer of its own.
        parameter_order: endpoint -> names of the parameters that are sent first, in this order.
    """

    def __init__(
        self,
        base_url: str = NBA_BASE_URL,
        *,
        proxy: str | None = None,
        connect_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 30.0,
        parameter_order: Mapping[str, Sequence[str]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._direct = is_loopback(self._base_url)
        if os.environ.get(LOOPBACK_ONLY_VARIABLE) and not self._direct:
            raise ConfigurationError(
                f"{LOOPBACK_ONLY_VARIABLE} is set and {self._base_url} is not this machine",
                hint="unset it, or name a loopback --base-url",
            )
        # nba_api refuses to work without a proxy when NBA_API_REQUIRE_PROXY is set, loopback included. Our session
        # drops the proxy again for loopback, so that the tripwire guards only what could leave the machine.
        self._proxy = "http://127.0.0.1:9" if self._direct else proxy
        self._timeout = (connect_timeout_seconds, read_timeout_seconds)
        self._parameter_order = parameter_order or {}
        self._headers = _headers(self._base_url)
        self._monotonic = monotonic
        self._utc_now = utc_now
        self._local = threading.local()
        self._sessions: list[_Session] = []
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The base URL."""
        return self._base_url

    def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:
        """Ask once; whatever the network does is in the answer."""
        session = self._session(session_generation)
        session.last = None
        started = self._monotonic()
        failure: Failure | None = None
        try:
            _StatsHTTP(self._base_url, session).send_api_request(
                request.endpoint,
                dict(request.parameters),
                headers=self._headers,
                timeout=self._timeout,
                proxy=self._proxy,
            )
        except ProxyRequiredError as error:
            raise ConfigurationError(str(error), hint="set NBA_API_PROXY or unset NBA_API_REQUIRE_PROXY") from None
        except requests.RequestException as error:
            failure = Failure(_failure_kind(error, session.answered > 0), self._describe(error))
        latency_seconds = self._monotonic() - started
        response = session.last
        if failure is not None:
            # What a connection has been through after a fault is not known: the next request gets a new one.
            self._discard(session)
        else:
            session.answered += 1
        body = b""
        if response is not None and failure is None:
            body = response.content
        return Answer(
            request=request,
            url=_without_userinfo(response.url) if response is not None else self._url(request),
            fetched_at=self._utc_now(),
            latency_seconds=latency_seconds,
            status=response.status_code if response is not None else None,
            headers={key.lower(): value for key, value in response.headers.items()} if response is not None else {},
            body=body,
            failure=failure,
        )

    def close(self) -> None:
        """Close every session; requests still under way end with a fault."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()

    def _session(self, generation: int) -> _Session:
        session: _Session | None = getattr(self._local, "session", None)
        if session is not None and self._local.generation == generation:
            return session
        if session is not None:
            self._discard(session)
        session = _Session(direct=self._direct, parameter_order=self._parameter_order)
        self._local.session, self._local.generation = session, generation
        with self._lock:
            self._sessions.append(session)
        return session

    def _discard(self, session: _Session) -> None:
        session.close()
        self._local.session = None
        with self._lock:
            if session in self._sessions:
                self._sessions.remove(session)

    def _url(self, request: StatsRequest) -> str:
        query = "&".join(f"{key}={quote(str(value))}" for key, value in sorted(request.parameters.items()))
        return f"{self._base_url}/stats/{request.endpoint}?{query}"

    def _describe(self, error: requests.RequestException) -> str:
        """The innermost reason, in a line, without the proxy's credentials."""
        reason: BaseException = error
        while True:
            inner = reason.__cause__ or reason.__context__
            candidates = [arg for arg in reason.args if isinstance(arg, BaseException)]
            if inner is None and candidates:
                inner = candidates[0]
            if inner is None:
                inner = getattr(reason, "reason", None)
            if not isinstance(inner, BaseException) or inner is reason:
                break
            reason = inner
        text = f"{type(reason).__name__}: {reason}".splitlines()[0]
        return str(redact_proxy(redact_proxy(text, None if self._direct else resolve_proxy(self._proxy))))


def _headers(base_url: str) -> dict[str, str]:
    """nba_api's browser headers, made true: the host is the one asked, and only encodings we can read are offered."""
    headers = {key: value for key, value in NBAStatsHTTP.headers.items() if key.lower() != "host"}
    encodings = ["gzip", "deflate"]
    if importlib.util.find_spec("brotli") or importlib.util.find_spec("brotlicffi"):
        encodings.append("br")
    headers["Accept-Encoding"] = ", ".join(encodings)
    if urlsplit(base_url).hostname == "stats.nba.com":
        headers["Host"] = "stats.nba.com"
    return headers


def _failure_kind(error: requests.RequestException, reused: bool) -> FailureKind:
    """Which failure an exception of requests stands for; urllib3's own exception inside it is the better witness."""
    chain = _chain(error)

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in chain)

    if isinstance(error, requests.exceptions.ProxyError) or has(urllib3.exceptions.ProxyError):
        return FailureKind.PROXY
    if isinstance(error, requests.exceptions.SSLError) or has(urllib3.exceptions.SSLError):
        return FailureKind.TLS
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return FailureKind.CONNECT_TIMEOUT
    # A read timeout in the middle of a body comes wrapped in a ConnectionError.
    if isinstance(error, requests.exceptions.ReadTimeout) or has(urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return FailureKind.READ_TIMEOUT
    if has(urllib3.exceptions.NameResolutionError):
        return FailureKind.NAME_RESOLUTION
    if has(ConnectionRefusedError) or "Errno 111" in str(error):
        return FailureKind.CONNECTION_REFUSED
    if has(urllib3.exceptions.NewConnectionError, OSError) and not has(
        ConnectionResetError, ConnectionAbortedError, BrokenPipeError
    ):
        inner = [link for link in chain if isinstance(link, urllib3.exceptions.NewConnectionError)]
        if inner:
            return FailureKind.CONNECTION_REFUSED
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return FailureKind.TRUNCATED
    return FailureKind.RESET_REUSED if reused else FailureKind.RESET_NEW


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and everything inside it: causes, contexts, arguments and urllib3's ``reason``."""
    seen: list[BaseException] = []
    stack: list[object] = [error]
    while stack:
        link = stack.pop()
        if not isinstance(link, BaseException) or link in seen:
            continue
        seen.append(link)
        stack.extend([link.__cause__, link.__context__, getattr(link, "reason", None), *link.args])
    return seen


def _without_userinfo(url: str | None) -> str:
    parts = urlsplit(url or "")
    host = parts.hostname or ""
    if parts.port is not None:
        host = f"{host}:{parts.port}"
    return parts._replace(netloc=host).geturl()
