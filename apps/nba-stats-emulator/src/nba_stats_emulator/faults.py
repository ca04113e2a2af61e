"""What faults do to an answer: some change what is sent, some how it is sent."""

from __future__ import annotations

import math
import time
from typing import Any

import orjson

from nba_stats_emulator.behaviour import (
    Blocked,
    Drift,
    EmptyBody,
    EmptyObject,
    Fate,
    HtmlPage,
    InvalidJson,
    NullRoot,
    ServerError,
    TooManyRequests,
    Unable,
    WrongGame,
)
from nba_stats_emulator.bodies import ROOTS
from nba_stats_emulator.wire import Document, Reply, Request, http_date

__all__ = ["altered"]

_NO_CONTENT = b""
_HTML = (
    "<!DOCTYPE html>\n<html><head><title>NBA Stats (simulated)</title></head>"
    "<body><div id='root'>Please enable JavaScript to view this page.</div></body></html>\n"
)
_ACCESS_DENIED = (
    "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\n"
    "This server is simulated and refuses you as the real one would.<P>\n"
    "Reference&#32;&#35;18&#46;simulated\n</BODY>\n</HTML>\n"
)
_UNABLE = "We are unable to process your request at the moment. Please try again later."
_CHANGED_ID = "0000000000"


def altered(fate: Fate, request: Request, reply: Reply) -> Reply:
    """The reply as the fault of a fate would have it; faults of sending leave it as it is."""
    fault = fate.fault
    if isinstance(fault, HtmlPage):
        return Reply(Document.of(_HTML), fault.status, "text/html; charset=utf-8")
    if isinstance(fault, Blocked):
        return Reply(Document.of(_ACCESS_DENIED), 403, "text/html", {"Server": "AkamaiGHost"})
    if isinstance(fault, TooManyRequests):
        return Reply(Document.of(_NO_CONTENT), 429, "text/html", _retry_after(fault, fate))
    if isinstance(fault, ServerError):
        return _server_error(fault)
    if isinstance(fault, Unable):
        return Reply(Document.of(_UNABLE), 200, "text/plain")
    if isinstance(fault, EmptyObject):
        return Reply(Document.of({}))
    if isinstance(fault, EmptyBody):
        return Reply(Document.of(_NO_CONTENT))
    if isinstance(fault, (NullRoot, InvalidJson, WrongGame, Drift)) and reply.status == 200:
        plain = reply.document.plain()
        if isinstance(fault, InvalidJson):
            return Reply(Document.of(plain[: len(plain) * 2 // 3]))
        body = orjson.loads(plain)
        root = ROOTS.get(request.endpoint, "resultSets")
        if isinstance(fault, NullRoot):
            body[root] = None
        elif isinstance(fault, WrongGame):
            _other_game(body, root, fault.game_id or _CHANGED_ID)
        else:
            _drift(body, root, fault)
        return Reply(Document.of(body))
    return reply


def _retry_after(fault: TooManyRequests, fate: Fate) -> dict[str, str]:
    wait = fault.retry_after
    if wait is None:
        return {}
    seconds = (fate.retry_after_seconds or 1.0) if wait == "limit" else float(wait)
    if fault.form == "date":
        return {"Retry-After": http_date(math.ceil(time.time() + seconds))}
    return {"Retry-After": str(math.ceil(seconds))}


def _server_error(fault: ServerError) -> Reply:
    headers = {}
    if fault.retry_after_seconds is not None:
        headers["Retry-After"] = str(math.ceil(fault.retry_after_seconds))
    if fault.status == 500:
        return Reply(Document.of({"Message": "An error has occurred."}), 500, headers=headers)
    page = f"<html><head><title>{fault.status}</title></head><body>simulated</body></html>"
    return Reply(Document.of(page), fault.status, "text/html", headers)


def _other_game(body: Any, root: str, game_id: str) -> None:
    content = body.get(root)
    if isinstance(content, dict) and "gameId" in content:
        content["gameId"] = game_id


def _drift(body: Any, root: str, fault: Drift) -> None:
    content = body.get(root)
    if root == "resultSets":
        for table in content:
            _drift_table(table, fault)
        return
    for path in fault.add:
        for parent, name in _parents(content, path):
            parent[name] = "new"
    for path in fault.remove:
        for parent, name in _parents(content, path):
            parent.pop(name, None)
    for path in fault.retype:
        for parent, name in _parents(content, path):
            if name in parent:
                parent[name] = _retyped(parent[name])


def _drift_table(table: dict[str, Any], fault: Drift) -> None:
    headers, rows = table["headers"], table["rowSet"]
    for name in fault.add:
        headers.append(name)
        for row in rows:
            row.append("new")
    for name in fault.remove:
        if name in headers:
            column = headers.index(name)
            del headers[column]
            for row in rows:
                del row[column]
    for name in fault.retype:
        if name in headers:
            column = headers.index(name)
            for row in rows:
                row[column] = _retyped(row[column])


def _parents(content: Any, path: str) -> list[tuple[dict[str, Any], str]]:
    """Every object that a dotted path leads to the last step of, with that step."""
    *steps, name = path.split(".")
    reached = [content]
    for step in steps:
        following: list[Any] = []
        for place in reached:
            if step == "*" and isinstance(place, list):
                following += place
            elif isinstance(place, dict) and place.get(step) is not None:
                following.append(place[step])
        reached = following
    return [(place, name) for place in reached if isinstance(place, dict)]


def _retyped(value: object) -> object:
    if isinstance(value, str):
        return 0
    return None if value is None else str(value)
