"""What the sample seasons answer: parameters checked as the service checks them, bodies made once and kept."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from nba_stats_emulator.asked import Asked, BadParameter
from nba_stats_emulator.bodies import empty_summary
from nba_stats_emulator.catalogue import Catalogue
from nba_stats_emulator.game_logs import game_logs_body
from nba_stats_emulator.sample import BOX_ENDPOINTS, GAME_ENDPOINTS, TABLE_ENDPOINTS, SampleSeason
from nba_stats_emulator.schedule import empty_schedule
from nba_stats_emulator.scoreboard import scoreboard_body
from nba_stats_emulator.shot_chart import shot_chart_body
from nba_stats_emulator.tables import game_log_body, player_index_body, roster_body, team_years_body
from nba_stats_emulator.wire import Document, Reply, Request

__all__ = ["ENDPOINTS", "Answers", "SampleAnswers", "bad_parameter", "missing_parameters"]

ENDPOINTS: dict[str, tuple[str, ...]] = {
    "leaguegamelog": ("Counter", "Direction", "LeagueID", "PlayerOrTeam", "Season", "SeasonType", "Sorter"),
    "scheduleleaguev2": ("LeagueID", "Season"),
    "scoreboardv3": ("GameDate", "LeagueID"),
    "playerindex": ("LeagueID", "Season"),
    "playergamelogs": (),
    "teamgamelogs": (),
    "commonteamroster": ("Season", "TeamID"),
    "commonteamyears": ("LeagueID",),
    "shotchartdetail": (
        "ContextMeasure", "LastNGames", "LeagueID", "Month", "OpponentTeamID", "Period", "PlayerID", "SeasonType",
        "TeamID",
    ),
    "boxscoresummaryv3": ("GameID",),
    "gamerotation": ("GameID", "LeagueID"),
    "winprobabilitypbp": ("GameID", "RunType"),
    **dict.fromkeys(GAME_ENDPOINTS, ("GameID",)),
}  # fmt: skip
"""Endpoints answered, and the parameters each cannot do without."""

_KEPT_BODIES = 600
_GAMES_AHEAD = 6  # of a client that asks for several at a time
# The service words a missing parameter in two ways.
_SHORT = frozenset({"LeagueID", "Season", "SeasonType", "GameID", "PlayerOrTeam", "GameDate", "PlayerID", "TeamID"})


class Answers(Protocol):
    """Where answers come from."""

    def reply(self, request: Request, now: datetime) -> Reply:
        """The answer to a request under /stats at a moment."""
        ...

    def prepare(self, moment: Callable[[], datetime]) -> None:
        """Begin in the background with what is likely to be asked for first, at the moment that `moment` tells."""
        ...

    def close(self) -> None:
        """Stop whatever works in the background."""
        ...


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
    """Answers from simulated seasons.

    With `lookahead` the lists, and then the game likely to be asked for next, are made in the background; for a
    process of its own.
    """

    def __init__(self, catalogue: Catalogue, *, lookahead: bool = False) -> None:
        self.catalogue = catalogue
        self._kept: OrderedDict[tuple[Any, ...], Document] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._ahead = _Lookahead(self) if lookahead else None
        self._lists: dict[str, Callable[[Asked, datetime], Document]] = {
            "leaguegamelog": self._game_log,
            "scheduleleaguev2": self._schedule,
            "scoreboardv3": self._scoreboard,
            "playerindex": self._player_index,
            "playergamelogs": lambda asked, now: self._box_game_logs(asked, now, players=True),
            "teamgamelogs": lambda asked, now: self._box_game_logs(asked, now, players=False),
            "commonteamroster": self._roster,
            "commonteamyears": self._team_years,
            "shotchartdetail": self._shot_chart,
            "boxscoresummaryv3": self._summary,
        }

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

    def prepare(self, moment: Callable[[], datetime]) -> None:
        """Begin with the season's lists: whoever started this process wants them before any game."""
        if self._ahead is not None:
            self._ahead.lists(moment)

    def close(self) -> None:
        """Stop making anything ahead."""
        if self._ahead is not None:
            self._ahead.close()

    def _document(self, endpoint: str, asked: Asked, now: datetime) -> Document:
        if endpoint in BOX_ENDPOINTS:
            return self.game_document(endpoint, asked.game_id(), now)
        if endpoint in GAME_ENDPOINTS:
            return self._of_game(endpoint, asked.game_id(), now)
        if endpoint in TABLE_ENDPOINTS:
            return self._table_of_game(endpoint, asked, now)
        return self._lists[endpoint](asked, now)

    # --- lists ------------------------------------------------------------------------------------------------------

    def _schedule(self, asked: Asked, now: datetime) -> Document:
        name, league = asked.season(), asked.league()
        season = self.catalogue.find(name, league)
        if season is None:
            return Document.of(empty_schedule(name, league))
        key = ("scheduleleaguev2", name, league, season.phase(now))
        return self._keep(key, lambda: Document.of(season.schedule_json(now)))

    def _scoreboard(self, asked: Asked, now: datetime) -> Document:
        league, day = asked.league(), asked.day("GameDate")
        if day is None:
            raise BadParameter("GameDate")
        season = self.catalogue.on(day, league)
        if season is None:
            moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            return Document.of(scoreboard_body(league, day, [], None, moment))
        key = ("scoreboardv3", league, day, season.phase(now))
        return self._keep(key, lambda: Document.of(season.scoreboard(league, day, now)))

    def _player_index(self, asked: Asked, now: datetime) -> Document:  # noqa: ARG002 - the index knows no moment
        parameters = asked.player_index()
        season = self.catalogue.find(parameters["Season"], parameters["LeagueID"])
        if season is None:
            return Document.of(player_index_body(parameters, None))
        key = ("playerindex", *parameters.values())
        return self._keep(key, lambda: Document.of(season.player_index(parameters)))

    def _game_log(self, asked: Asked, now: datetime) -> Document:
        parameters, kind = asked.game_log()
        since, until = asked.day("DateFrom"), asked.day("DateTo")
        season = self.catalogue.find(parameters["Season"], parameters["LeagueID"])
        if season is None:
            return Document.of(game_log_body(parameters, parameters["PlayerOrTeam"] == "P", []))
        key = ("leaguegamelog", *parameters.values(), season.phase(now))
        return self._keep(key, lambda: season.game_log_document(parameters, kind, since, until, now))

    def _box_game_logs(self, asked: Asked, now: datetime, *, players: bool) -> Document:
        parameters, kind = asked.box_game_logs(self.catalogue.default.season, players=players)
        since, until = asked.day("DateFrom"), asked.day("DateTo")
        season = self.catalogue.find(parameters["SeasonYear"], parameters["LeagueID"])
        if season is None:
            return Document.of(game_logs_body(parameters, players, []))
        key = ("gamelogs", players, *parameters.values(), season.phase(now))
        return self._keep(
            key, lambda: Document.of(season.box_game_logs(parameters, players, kind, since, until, now))
        )  # fmt: skip

    def _roster(self, asked: Asked, now: datetime) -> Document:
        parameters = asked.roster()
        season = self.catalogue.find(parameters["Season"], parameters["LeagueID"])
        return Document.of(season.roster(parameters, now) if season else roster_body(parameters, []))

    def _team_years(self, asked: Asked, now: datetime) -> Document:  # noqa: ARG002 - the same at any moment
        league = asked.league()
        years = (str(self.catalogue.years[0]), str(self.catalogue.years[-1]))
        return Document.of(team_years_body(league, years if league in self.catalogue.leagues else None))

    def _shot_chart(self, asked: Asked, now: datetime) -> Document:
        parameters, kind = asked.shot_chart()
        since, until = asked.day("DateFrom"), asked.day("DateTo")
        season = self.catalogue.default
        if parameters["GameID"] or parameters["Season"]:
            game_id, name = parameters["GameID"], parameters["Season"]
            found = self.catalogue.of_game(game_id) if game_id else self.catalogue.find(name, parameters["LeagueID"])
            if found is None:
                return Document.of(shot_chart_body(parameters, []))
            season = found
        key = ("shotchartdetail", *parameters.values(), season.phase(now))
        return self._keep(key, lambda: Document.of(season.shot_chart(parameters, kind, since, until, now)))

    # --- games ----------------------------------------------------------------------------------------------------

    def _season_of(self, game_id: str) -> SampleSeason:
        return self.catalogue.of_game(game_id) or self.catalogue.default

    def _version(self, season: SampleSeason, game_id: str, now: datetime) -> int:
        game = season.games.get(game_id)
        return season.version(game, now) if game is not None else -1

    def _summary(self, asked: Asked, now: datetime) -> Document:
        game_id = asked.game_id()
        season = self._season_of(game_id)
        key = ("boxscoresummaryv3", game_id, season.phase(now))
        return self._keep(key, lambda: Document.of(season.summary(game_id, now) or empty_summary(game_id)))

    def _of_game(self, endpoint: str, game_id: str, now: datetime) -> Document:
        season = self._season_of(game_id)
        key = (endpoint, game_id, self._version(season, game_id, now))
        return self._keep(key, lambda: Document.of(season.game_body(endpoint, game_id, now)))

    def _table_of_game(self, endpoint: str, asked: Asked, now: datetime) -> Document:
        game_id = asked.game_id()
        parameters: dict[str, Any] = {"GameID": game_id}
        parameters |= {"LeagueID": asked.league()} if endpoint == "gamerotation" else {"RunType": asked["RunType"]}
        season = self._season_of(game_id)
        key = (endpoint, *parameters.values(), self._version(season, game_id, now))
        return self._keep(key, lambda: Document.of(season.game_table(endpoint, parameters, game_id, now)))

    def game_document(self, endpoint: str, game_id: str, now: datetime) -> Document:
        """One of a game's three bodies; all three are made together."""
        document = self.make_game(game_id, now)[BOX_ENDPOINTS.index(endpoint)]
        if self._ahead is not None:
            self._ahead.after(game_id, now)
        return document

    def make_game(self, game_id: str, now: datetime) -> list[Document]:
        """A game's three bodies, made if they are not kept."""
        season = self._season_of(game_id)
        version = self._version(season, game_id, now)
        keys = [(endpoint, game_id, version) for endpoint in BOX_ENDPOINTS]
        found = [self._find(key) for key in keys]
        if None in found:
            with self._making:
                found = [self._find(key) for key in keys]
                if None in found:
                    bodies = season.game_bodies(game_id, now)
                    found = [Document.of(bodies[endpoint]) for endpoint in BOX_ENDPOINTS]
                    self._store({key: document for key, document in zip(keys, found, strict=True) if document})
        return [document for document in found if document is not None]

    # --- what is kept -------------------------------------------------------------------------------------------------

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


class _Lookahead:
    """Makes what is likely to be asked for next in a thread of its own while a client digests what it has."""

    def __init__(self, answers: SampleAnswers) -> None:
        self._answers = answers
        self._wanted: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._last = ""
        self._season: SampleSeason | None = None
        self._follower: dict[str, str] = {}
        self._follower_by_id: dict[str, str] = {}
        self._thread: threading.Thread | None = None

    def lists(self, moment: Callable[[], datetime]) -> None:
        """Prepare the lists of games, as nba_api asks for them."""
        season = self._answers.catalogue.default
        whole = {"LeagueID": season.league_id, "Season": season.season}
        log = {**whole, "Counter": "0", "Direction": "ASC", "PlayerOrTeam": "T", "Sorter": "DATE"}
        log["SeasonType"] = "Regular Season"
        for endpoint, parameters in (("leaguegamelog", log), ("scheduleleaguev2", whole)):
            request = Request("GET", f"/stats/{endpoint}", endpoint, tuple(parameters.items()), {})
            self._make(partial(self._list, request, moment))

    def after(self, game_id: str, now: datetime) -> None:
        """A client asked for `game_id`: prepare what follows it."""
        if game_id == self._last:
            return
        season = self._answers.catalogue.of_game(game_id)
        if season is None:
            return
        if season is not self._season:
            order = list(season.games)
            self._season = season
            self._follower = dict(itertools.pairwise(order))
            self._follower_by_id = dict(itertools.pairwise(sorted(order)))
        # By date, or by id if that is how the last two came.
        went_by_id = self._follower_by_id.get(self._last) == game_id
        self._last = game_id
        self._make(partial(self._games, self._follower_by_id if went_by_id else self._follower, game_id, now))

    def close(self) -> None:
        """Let the thread end."""
        self._wanted.put(None)

    def _list(self, request: Request, moment: Callable[[], datetime]) -> None:
        self._answers.reply(request, moment())

    def _games(self, follower: Mapping[str, str], game_id: str, now: datetime) -> None:
        for _ in range(_GAMES_AHEAD):
            following = follower.get(game_id)
            if following is None or not self._wanted.empty():
                return  # the season is over, or the client is further than this
            self._answers.make_game(following, now)
            game_id = following

    def _make(self, what: Callable[[], object]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="emulator-lookahead", daemon=True)
            self._thread.start()
        self._wanted.put(what)

    def _work(self) -> None:
        while (make := self._wanted.get()) is not None:
            make()
