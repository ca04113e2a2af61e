"""What is made before it is asked for is what would have been made then, and never holds up what is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from nba_stats_emulator.answers import SampleAnswers
from nba_stats_emulator.catalogue import Catalogue
from nba_stats_emulator.sample import SampleSeason
from nba_stats_emulator.wire import Request

BOX = "boxscoretraditionalv3"
LOG = {"Counter": "0", "Direction": "ASC", "LeagueID": "00", "PlayerOrTeam": "T", "Season": "2024-25"}
LISTS = {
    "leaguegamelog": {**LOG, "SeasonType": "Regular Season", "Sorter": "DATE"},
    "scheduleleaguev2": {"LeagueID": "00", "Season": "2024-25"},
}


class Made:
    """What was made, and by which thread, as it is made; thread-safe."""

    def __init__(self) -> None:
        self.by_thread: list[tuple[str, str]] = []
        self.changed = threading.Condition()

    def note(self, what: str) -> None:
        with self.changed:
            self.by_thread.append((what, threading.current_thread().name))
            self.changed.notify_all()

    def wait_for(self, *what: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: {*what} <= {name for name, _ in self.by_thread}, 30), self.by_thread


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    found = Made()
    bodies, schedule, log = SampleSeason.game_bodies, SampleSeason.schedule_json, SampleSeason.game_log_document

    def game_bodies(self: SampleSeason, game_id: str, now: datetime) -> dict[str, dict[str, Any]]:
        found.note(game_id)
        return bodies(self, game_id, now)

    def schedule_json(self: SampleSeason, now: datetime) -> bytes:
        made_now = schedule(self, now)
        found.note("scheduleleaguev2")
        return made_now

    def game_log_document(self: SampleSeason, *arguments: Any) -> Any:
        made_now = log(self, *arguments)
        found.note("leaguegamelog")
        return made_now

    monkeypatch.setattr(SampleSeason, "game_bodies", game_bodies)
    monkeypatch.setattr(SampleSeason, "schedule_json", schedule_json)
    monkeypatch.setattr(SampleSeason, "game_log_document", game_log_document)
    return found


@pytest.fixture
def answers() -> Iterator[SampleAnswers]:
    ahead = SampleAnswers(Catalogue(), lookahead=True)
    yield ahead
    ahead.close()


def ask(answers: SampleAnswers, endpoint: str, **parameters: str) -> bytes:
    request = Request("GET", f"/stats/{endpoint}", endpoint, tuple(parameters.items()), {})
    reply = answers.reply(request, answers.catalogue.over_at)
    assert reply.status == 200
    return reply.document.plain()


def test_lists_are_made_before_anybody_asks(made: Made, answers: SampleAnswers) -> None:
    """As nba_api asks for them: who asks is given what is there, the same as without."""
    answers.prepare(lambda: answers.catalogue.over_at)
    made.wait_for(*LISTS)
    given = {endpoint: ask(answers, endpoint, **parameters) for endpoint, parameters in LISTS.items()}
    assert made.by_thread == [(endpoint, "emulator-lookahead") for endpoint in LISTS]
    plain = SampleAnswers(Catalogue())
    assert given == {endpoint: ask(plain, endpoint, **parameters) for endpoint, parameters in LISTS.items()}


def test_the_next_games_are_made_while_one_is_digested(made: Made, answers: SampleAnswers) -> None:
    """In the order of the season, once each, the same as without."""
    order = list(answers.catalogue.default.games)
    first, following = order[100], order[101:107]
    one = ask(answers, BOX, GameID=first)
    made.wait_for(first, *following)
    given = [one, *(ask(answers, BOX, GameID=game_id) for game_id in following)]
    made.wait_for(*order[107:113])
    assert [name for name, _ in made.by_thread] == order[100:113]
    plain = SampleAnswers(Catalogue())
    assert given == [ask(plain, BOX, GameID=game_id) for game_id in order[100:107]]


def test_a_client_that_goes_by_id_is_followed_by_id(made: Made, answers: SampleAnswers) -> None:
    """A postponed game stands elsewhere by date than by id: who goes by id is given the next id."""
    order = list(answers.catalogue.default.games)
    by_id = sorted(order)
    place = next(n for n in range(300, 900) if order[order.index(by_id[n]) + 1] != by_id[n + 1])
    for game_id in by_id[place - 1 : place + 1]:
        ask(answers, BOX, GameID=game_id)
    made.wait_for(by_id[place + 1])


def test_after_the_last_game_comes_none(made: Made, answers: SampleAnswers) -> None:
    """The end of the season, and an unknown game, are the end of it; what is asked next is answered as ever."""
    order = list(answers.catalogue.default.games)
    ask(answers, BOX, GameID=order[-1])
    ask(answers, BOX, GameID="0022499999")
    ask(answers, BOX, GameID=order[0])
    made.wait_for(order[1])
    assert order[-1] in {name for name, _ in made.by_thread}


def test_without_it_nothing_is_made_ahead(made: Made) -> None:
    """Tests start hundreds of emulators in their own process."""
    plain = SampleAnswers(Catalogue())
    plain.prepare(lambda: plain.catalogue.over_at)
    ask(plain, BOX, GameID="0022400061")
    assert made.by_thread == [("0022400061", threading.current_thread().name)]
