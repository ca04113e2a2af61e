"""What the sample season answers: parameters checked as the service checks them, bodies made once and kept."""

from __future__ import annotations

import itertools
import queue
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from nba_stats_emulator.bodies import empty_summary
from nba_stats_emulator.eastern import parse_date
from nba_stats_emulator.sample import BOX_ENDPOINTS, SampleSeason
from nba_stats_emulator.tables import GAME_LOG_SORTERS
from nba_stats_emulator.wire import Document, Reply, Request

__all__ = ["ENDPOINTS", "Answers", "Asked", "BadParameter", "SampleAnswers", "bad_parameter", "missing_parameters"]

SEASON_TYPES = {
    "pre season": 1, "preseason": 1, "regular season": 2, "all star": 3, "all-star": 3, "playoffs": 4,
    "playin": 5, "ist": 6,
}  # fmt: skip
ENDPOINTS: dict[str, tuple[str, ...]] = {
    "leaguegamelog": ("Counter", "Direction", "LeagueID", "PlayerOrTeam", "Season", "SeasonType", "Sorter"),
    "scheduleleaguev2": ("LeagueID", "Season"),
    "scoreboardv3": ("GameDate", "LeagueID"),
    "playerindex": ("LeagueID", "Season"),
    "boxscoresummaryv3": ("GameID",),
    **dict.fromkeys(BOX_ENDPOINTS, ("GameID",)),
}
"""Endpoints answered, and the parameters each cannot do without."""

_KEPT_BODIES = 600
_SEASON = re.compile(r"(\d{4})-(\d{2})")
# The service words a missing parameter in two ways.
_SHORT = frozenset({"LeagueID", "Season", "SeasonType", "GameID", "PlayerOrTeam", "GameDate"})


class Answers(Protocol):
    """Where answers come from."""

    def reply(self, request: Request, now: datetime) -> Reply:
        """The answer to a request under /stats at a moment."""
        ...

    def close(self) -> None:
        """Stop whatever works in the background."""
        ...


class BadParameter(ValueError):
    """A parameter is there and makes no sense."""


class Asked:
    """The parameters of a request, found by name in any case."""

    def __init__(self, query: Sequence[tuple[str, str]]) -> None:
        self._values = {name.lower(): value for name, value in reversed(query)}

    def __getitem__(self, name: str) -> str:
        return self._values.get(name.lower(), "")

    def missing(self, names: Sequence[str]) -> list[str]:
        """Which of these were not sent at all or are empty."""
        return [name for name in names if not self[name]]

    def number(self, name: str) -> int:
        """A parameter as a whole number, 0 when empty."""
        text = self[name] or "0"
        if not re.fullmatch(r"-?\d{1,9}", text):
            raise BadParameter(name)
        return int(text)

    def day(self, name: str) -> date | None:
        """A parameter as a date, None when empty."""
        try:
            return parse_date(self[name]) if self[name] else None
        except ValueError:
            raise BadParameter(name) from None

    def season(self) -> str:
        """The season, its grammar checked."""
        found = _SEASON.fullmatch(self["Season"])
        if not found or (int(found[1]) + 1) % 100 != int(found[2]):
            raise BadParameter("Season")
        return self["Season"]

    def league(self) -> str:
        """The league id, its grammar checked."""
        if not re.fullmatch(r"\d\d", self["LeagueID"]):
            raise BadParameter("LeagueID")
        return self["LeagueID"]

    def game_id(self) -> str:
        """The game id, its grammar checked."""
        if not re.fullmatch(r"\d{10}", self["GameID"]):
            raise BadParameter("GameID")
        if self["RangeType"] not in ("", "0"):  # parts of games are not simulated
            raise BadParameter("RangeType")
        return self["GameID"]

    def game_log(self) -> tuple[dict[str, Any], int]:
        """leaguegamelog's parameters as it repeats them, and the kind of game asked for."""
        kind = SEASON_TYPES.get(self["SeasonType"].lower())
        sorter, direction = self["Sorter"].upper(), self["Direction"].upper()
        whose = self["PlayerOrTeam"][:1].upper()
        if kind is None or sorter not in GAME_LOG_SORTERS or direction not in ("ASC", "DESC") or whose not in "PT":
            raise BadParameter("SeasonType, Sorter, Direction or PlayerOrTeam")
        since, until = self.day("DateFrom"), self.day("DateTo")
        parameters = {
            "LeagueID": self.league(),
            "Season": self.season(),
            "SeasonType": self["SeasonType"],
            "PlayerOrTeam": whose,
            "Counter": self.number("Counter"),
            "Sorter": sorter,
            "Direction": direction,
            "DateFrom": since.isoformat() if since else None,
            "DateTo": until.isoformat() if until else None,
        }
        return parameters, kind

    def player_index(self) -> dict[str, Any]:
        """playerindex's parameters as it repeats them."""
        texts = ("Country", "College", "DraftYear", "DraftPick")
        return {
            "LeagueID": self.league(),
            "Season": self.season(),
            "Historical": self.number("Historical"),
            "TeamID": self.number("TeamID"),
            **{name: self[name] or None for name in texts},
            "PlayerPosition": self["PlayerPosition"],
            "Height": self["Height"] or None,
            "Weight": self["Weight"] or None,
            "Active": self.number("Active"),
            "AllStar": self.number("AllStar"),
        }


def missing_parameters(names: Sequence[str]) -> Reply:
    """The 400 of a request without parameters it needs, in the service's words."""
    text = "; ".join(f"{name} is required" if name in _SHORT else f"The {name} property is required." for name in names)
    return Reply(Document.of(text), 400, "text/plain; charset=utf-8")


def bad_parameter() -> Reply:
    """The 500 of a request with a parameter that makes no sense."""
    return Reply(Document.of({"Message": "An error has occurred."}), 500)


def unknown_endpoint() -> Reply:
    """The 404 of anything else."""
    return Reply(Document.of("<html><head><title>404 Not Found</title></head></html>"), 404, "text/html")


class SampleAnswers:
    """Answers from a simulated season.

    With `lookahead` the game likely to be asked for next is made in the background; for a process of its own.
    """

    def __init__(self, season: SampleSeason, *, lookahead: bool = False) -> None:
        self.season = season
        self._kept: OrderedDict[tuple[Any, ...], Document] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._ahead = _Lookahead(self) if lookahead else None

    def reply(self, request: Request, now: datetime) -> Reply:
        """The answer to a request at a moment."""
        required = ENDPOINTS.get(request.endpoint)
        if required is None:
            return unknown_endpoint()
        asked = Asked(request.query)
        missing = asked.missing(required)
        if missing:
            return missing_parameters(missing)
        try:
            return Reply(self._document(request.endpoint, asked, now))
        except BadParameter:
            return bad_parameter()

    def close(self) -> None:
        """Stop making games ahead."""
        if self._ahead is not None:
            self._ahead.close()

    def _document(self, endpoint: str, asked: Asked, now: datetime) -> Document:
        season = self.season
        if endpoint in BOX_ENDPOINTS:
            return self.game_document(endpoint, asked.game_id(), now)
        phase = season.phase(now)
        if endpoint == "boxscoresummaryv3":
            game_id = asked.game_id()
            return self._keep(
                (endpoint, game_id, phase), lambda: Document.of(season.summary(game_id, now) or empty_summary(game_id))
            )
        if endpoint == "scheduleleaguev2":
            name, league = asked.season(), asked.league()
            key = (endpoint, name, league, phase)
            return self._keep(key, lambda: Document.of(season.schedule_json(name, league, now)))
        if endpoint == "scoreboardv3":
            league, day = asked.league(), asked.day("GameDate")
            if day is None:
                raise BadParameter("GameDate")
            return self._keep((endpoint, league, day, phase), lambda: Document.of(season.scoreboard(league, day, now)))
        if endpoint == "playerindex":
            parameters = asked.player_index()
            return self._keep((endpoint, *parameters.values()), lambda: Document.of(season.player_index(parameters)))
        parameters, kind = asked.game_log()
        since, until = asked.day("DateFrom"), asked.day("DateTo")
        return self._keep(
            (endpoint, *parameters.values(), phase),
            lambda: season.game_log_document(parameters, kind, since, until, now),
        )

    def _find(self, key: tuple[Any, ...]) -> Document | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _store(self, documents: Mapping[tuple[Any, ...], Document]) -> None:
        with self._lock:
            self._kept.update(documents)
            while len(self._kept) > _KEPT_BODIES:
                self._kept.popitem(last=False)

    def _keep(self, key: tuple[Any, ...], make: Callable[[], Document]) -> Document:
        document = self._find(key)
        if document is None:
            with self._making:
                document = self._find(key)
                if document is None:
                    document = make()
                    self._store({key: document})
        return document

    def game_document(self, endpoint: str, game_id: str, now: datetime) -> Document:
        """One of a game's three bodies; all three are made together."""
        document = self.make_game(game_id, now)[BOX_ENDPOINTS.index(endpoint)]
        if self._ahead is not None:
            self._ahead.after(game_id, now)
        return document

    def make_game(self, game_id: str, now: datetime) -> list[Document]:
        """A game's three bodies, made if they are not kept."""
        game = self.season.games.get(game_id)
        version = self.season.version(game, now) if game is not None else -1
        keys = [(endpoint, game_id, version) for endpoint in BOX_ENDPOINTS]
        found = [self._find(key) for key in keys]
        if None in found:
            with self._making:
                found = [self._find(key) for key in keys]
                if None in found:
                    bodies = self.season.game_bodies(game_id, now)
                    found = [Document.of(bodies[endpoint]) for endpoint in BOX_ENDPOINTS]
                    self._store({key: document for key, document in zip(keys, found, strict=True) if document})
        return [document for document in found if document is not None]


class _Lookahead:
    """Makes the next game in a thread of its own while a client digests this one."""

    def __init__(self, answers: SampleAnswers) -> None:
        self._answers = answers
        self._asked: queue.SimpleQueue[tuple[str, datetime] | None] = queue.SimpleQueue()
        self._last = ""
        self._by_id: list[str] = []
        self._follower: dict[str, str] = {}
        self._follower_by_id: dict[str, str] = {}
        self._thread: threading.Thread | None = None

    def after(self, game_id: str, now: datetime) -> None:
        """A client asked for `game_id`: prepare what follows it."""
        if game_id == self._last:
            return
        if self._thread is None:
            order = [game.game_id for game in self._answers.season.games.values()]
            self._follower = dict(itertools.pairwise(order))
            by_id = sorted(order)
            self._follower_by_id = dict(itertools.pairwise(by_id))
            self._thread = threading.Thread(target=self._work, name="emulator-lookahead", daemon=True)
            self._thread.start()
        # By date, or by id if that is how the last two came.
        went_by_id = self._follower_by_id.get(self._last) == game_id
        following = (self._follower_by_id if went_by_id else self._follower).get(game_id)
        self._last = game_id
        if following is not None and self._asked.empty():
            self._asked.put((following, now))

    def close(self) -> None:
        """Let the thread end."""
        self._asked.put(None)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            self._answers.make_game(*asked)


def utc(text: str) -> datetime:
    """An ISO 8601 moment, taken as UTC when it names no zone; ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
