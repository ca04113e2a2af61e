"""The emulator: a season or a folder of recorded bodies behind a server, with a clock and a behaviour."""

from __future__ import annotations

import dataclasses
import functools
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from nba_stats_emulator import scenarios
from nba_stats_emulator.answers import Answers, SampleAnswers
from nba_stats_emulator.behaviour import Behaviour
from nba_stats_emulator.catalogue import Catalogue, parse_leagues, parse_seasons
from nba_stats_emulator.eastern import utc
from nba_stats_emulator.facts import SEASONS
from nba_stats_emulator.recorded import RecordedAnswers
from nba_stats_emulator.server import Arrival, Server
from nba_stats_emulator.story import Correction, Story, load_story, story_from_json, story_to_json
from nba_stats_emulator.wire import Document, Reply, Request, parse_json

__all__ = ["Emulator"]


_LOOPBACK = ("127.0.0.1", "localhost")
_CONTROL = "/_emulator"


@functools.cache
def _answers_of(years: tuple[int, ...], leagues: tuple[str, ...]) -> SampleAnswers:
    """Seasons' answers, shared by all emulators of a process: they never change, and a test may start hundreds."""
    return SampleAnswers(Catalogue(years, leagues))


class Emulator:
    """A local stats.nba.com on loopback, as a context manager; `base_url` stands for https://stats.nba.com.

        with Emulator() as emulator:
            requests.get(f"{emulator.base_url}/stats/playbyplayv3?GameID=0022400061")
            emulator.requests[0].outcome

    `season` is simulated around its facts; `seasons` (such as `2015-16:2024-25`) and `leagues` (`nba,wnba,gleague`) add
    simulated stand-ins. With `recorded`, a folder, recorded bodies are served instead. `clock`
    gives the moment the season stands at (a datetime, or a function of none; the default is after its end).
    `behaviour` says how to misbehave: a Behaviour, a scenario's name or file; `story` which games are postponed, end
    late or are corrected: a Story, its name or file. `log` takes a line of JSON for each
    request: a file to append to, or an open text file. `monotonic` is the time requests are stamped and limited by.

    Raises ValueError for a season that is not packed, a folder without bodies, an unknown scenario, a story that does
    not fit the season, or a host that is not loopback.
    """

    def __init__(
        self,
        season: str = "2024-25",
        recorded: str | Path | None = None,
        behaviour: Behaviour | str | None = None,
        clock: datetime | Callable[[], datetime] | None = None,
        log: str | Path | IO[str] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        lookahead: bool = False,
        story: Story | str | None = None,
        seasons: str | None = None,
        leagues: str = "nba",
    ) -> None:
        if host not in _LOOPBACK:
            raise ValueError(f"host {host!r} is not loopback; the emulator serves this machine only: use 127.0.0.1")
        self.season = season
        self.recorded = Path(recorded) if recorded is not None else None
        self._catalogue: Catalogue | None = None
        self._answers: Answers
        if recorded is not None:
            self._answers = RecordedAnswers(recorded)
        else:
            if seasons is None and season not in SEASONS:
                raise ValueError(f"no sample of season {season!r} is packed; there is {', '.join(SEASONS)}")
            years, of_leagues = parse_seasons(seasons or season), parse_leagues(leagues)
            if lookahead:
                answers = SampleAnswers(Catalogue(years, of_leagues), lookahead=True)
            else:
                answers = _answers_of(years, of_leagues)
            self._catalogue = answers.catalogue
            self._answers = answers
        self._lookahead = lookahead
        if story is not None:
            self.set_story(story)
        self._clock: Callable[[], datetime] | None = None
        self.set_clock(clock)
        self._log, self._own_log = _opened(log)
        self._log_lock = threading.Lock()
        self._server = Server(
            self._answer,
            self._control,
            host="127.0.0.1" if host == "localhost" else host,
            port=port,
            simulated=self._label,
            monotonic=monotonic,
            arrived=self._write if self._log is not None else None,
        )
        if behaviour is not None:
            self.set_behaviour(behaviour)

    @property
    def serves(self) -> str:
        """What it serves, in short: `2024-25`, `2015-16 to 2024-25`, `recorded`."""
        return self._catalogue.label if self._catalogue is not None else "recorded"

    @property
    def _label(self) -> str:
        if self._catalogue is None:
            return "recorded bodies"
        if self.serves == SEASONS[0]:
            return f"season {self.serves} simulated around its facts"
        return f"seasons {self.serves}; simulated stand-ins but for {SEASONS[0]}, which is simulated around its facts"

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin to answer."""
        self._server.start()
        self._answers.prepare(lambda: self.now)
        return self

    def stop(self) -> None:
        """Stop answering and close every connection."""
        self._server.stop()
        self._answers.close()
        if self._own_log and self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- what a test needs --------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """What stands for https://stats.nba.com."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Arrival]:
        """Everything that arrived under /stats, oldest first."""
        return self._server.arrivals

    def clear_requests(self) -> None:
        """Forget what arrived."""
        self._server.forget()

    def set_behaviour(self, behaviour: Behaviour | str | None) -> None:
        """Change how it behaves from the next request on; None is good behaviour. Counts and limits begin anew."""
        if isinstance(behaviour, str):
            behaviour = scenarios.load(behaviour)
        self._server.behave(behaviour or Behaviour())

    @property
    def now(self) -> datetime:
        """The moment the season stands at."""
        if self._clock is not None:
            return self._clock()
        return self._catalogue.over_at if self._catalogue is not None else datetime.now(UTC)

    def set_clock(self, clock: datetime | Callable[[], datetime] | None) -> None:
        """Change the moment the season stands at; None is after its end."""
        if isinstance(clock, datetime):
            moment = clock if clock.tzinfo else clock.replace(tzinfo=UTC)
            self._clock = lambda: moment
        else:
            self._clock = clock

    @property
    def story(self) -> Story:
        """What happens to the season, the moves of its corrections spelt out."""
        return self._catalogue.story if self._catalogue is not None else Story()

    def set_story(self, story: Story | str | None) -> None:
        """Change what happens to the season from the next request on; None is nothing but its games.

        Raises ValueError for a story that does not fit the season, and with recorded bodies; the old one then stays.
        """
        if self._catalogue is None:
            raise ValueError("recorded bodies have no story")
        if isinstance(story, str):
            story = load_story(story)
        catalogue = self._catalogue.with_story(story or Story())
        self._answers.close()
        self._catalogue = catalogue
        self._answers = SampleAnswers(catalogue, lookahead=self._lookahead)

    def correct(self, *corrections: Correction) -> None:
        """Add stat corrections to the story; ValueError for one that cannot be, and none is added."""
        self.set_story(dataclasses.replace(self.story, corrections=(*self.story.corrections, *corrections)))

    # --- answering ----------------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return Reply(Document.of({"Message": "The requested resource does not support this method."}), 405)
        return self._answers.reply(request, self.now)

    def _write(self, arrival: Arrival) -> None:
        line = json.dumps(_as_json(arrival), ensure_ascii=False)
        with self._log_lock:
            if self._log is not None:
                self._log.write(line + "\n")
                self._log.flush()

    def _control(self, request: Request) -> Reply:
        path = request.path.rstrip("/")
        try:
            if request.method == "GET" and path in ("", _CONTROL):
                return Reply(Document.of(self._state()))
            if request.method == "GET" and path == f"{_CONTROL}/requests":
                since = int(dict(request.query).get("since", "0"))
                found = [_as_json(arrival) for arrival in self.requests if arrival.number > since]
                return Reply(Document.of({"simulated": True, "requests": found}))
            if request.method == "POST" and path == f"{_CONTROL}/behaviour":
                self.set_behaviour(scenarios.from_json(parse_json(request.body)))
                return Reply(Document.of(self._state()))
            if request.method == "POST" and path == f"{_CONTROL}/clock":
                self._move_clock(parse_json(request.body))
                return Reply(Document.of(self._state()))
            if path in (f"{_CONTROL}/story", f"{_CONTROL}/corrections"):
                return self._tell(request, path)
        except (ValueError, TypeError) as error:
            return Reply(Document.of({"error": str(error)}), 400)
        posts = ("behaviour", "clock", "story", "corrections")
        known = [_CONTROL, *(f"{_CONTROL}/{name}" for name in ("requests", "story"))]
        known += [f"{_CONTROL}/{name} (POST)" for name in posts]
        return Reply(Document.of({"error": f"nothing at {request.method} {request.path}", "there_is": known}), 404)

    def _tell(self, request: Request, path: str) -> Reply:
        """The story over HTTP: read it, replace it, add corrections to it."""
        if request.method == "POST":
            data = parse_json(request.body)
            if path.endswith("/story"):
                self.set_story(story_from_json(data or {}))
            else:
                entries = data if isinstance(data, list) else [data]
                self.correct(*story_from_json({"corrections": entries}).corrections)
        return Reply(Document.of({"simulated": True, "story": story_to_json(self.story)}))

    def _move_clock(self, data: object) -> None:
        if not isinstance(data, dict) or not data.keys() <= {"now", "advance_seconds"} or len(data) > 1:
            raise ValueError(
                'send {"now": "2024-11-05T12:00:00Z"}, {"advance_seconds": 86400}, or {} for after the end'
            )
        if "now" in data:
            self.set_clock(utc(str(data["now"])))
        elif "advance_seconds" in data:
            self.set_clock(self.now + timedelta(seconds=float(data["advance_seconds"])))
        else:
            self.set_clock(None)

    def _state(self) -> dict[str, Any]:
        return {
            "emulator": "nba-stats-emulator",
            "simulated": True,
            "serves": self._label,
            "now": self.now.isoformat().replace("+00:00", "Z"),
            "requests": self._server.outcomes.total(),
            "outcomes": dict(sorted(self._server.outcomes.items())),
            "behaviour": scenarios.to_json(self._server.fortune.behaviour),
        }


def _opened(log: str | Path | IO[str] | None) -> tuple[IO[str] | None, bool]:
    if isinstance(log, (str, Path)):
        return Path(log).open("a", encoding="utf-8"), True
    return log, False


def _as_json(arrival: Arrival) -> dict[str, Any]:
    return {
        "number": arrival.number,
        "at_seconds": round(arrival.at_seconds, 6),
        "answered_at_seconds": arrival.answered_at_seconds and round(arrival.answered_at_seconds, 6),
        "connection": arrival.connection,
        "method": arrival.method,
        "path": arrival.path,
        "endpoint": arrival.endpoint,
        "query": [list(pair) for pair in arrival.query],
        "headers": dict(arrival.headers),
        "outcome": arrival.outcome,
        "status": arrival.status,
    }
