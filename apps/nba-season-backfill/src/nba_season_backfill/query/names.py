"""Finding people and teams as people type them. Pure.

Case, accents, punctuation and word order do not matter; a part of a name is enough where only one has it.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

from nba_season_backfill.query.errors import NameAmbiguous, NameUnknown

__all__ = ["Person", "Team", "find_person", "find_team", "plain"]

# Letters that Unicode does not take apart into a letter and a mark.
_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})
_TEAM_NICKNAMES = {
    "sixers": "76ers",
    "philly": "philadelphia",
    "cavs": "cavaliers",
    "mavs": "mavericks",
    "wolves": "timberwolves",
    "twolves": "timberwolves",
    "blazers": "trail blazers",
    "pels": "pelicans",
    "dubs": "warriors",
    "grizz": "grizzlies",
    "la": "los angeles",
    "ny": "new york",
    "sa": "san antonio",
    "gs": "golden state",
    "no": "new orleans",
    "okc": "oklahoma city",
}


@dataclass(frozen=True, slots=True)
class Person:
    """A player: the team's three letters tell namesakes apart; ``slug`` is the name in URLs."""

    person_id: int
    name: str
    team: str = ""
    slug: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """A team, with city and name as one: ``Los Angeles Lakers``."""

    team_id: int
    tricode: str
    name: str


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """A name without case, accents and punctuation: ``Luka Dončić`` -> ``luka doncic``, ``O'Neal`` -> ``oneal``."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w\s-]", "", bare).replace("-", " ").replace("_", " ").split())


def find_person(asked: str, people: Iterable[Person], where: str) -> Person:
    """The one player who is meant. A number is a person id.

    Raises:
        NameUnknown: nobody is called that; the nearest names.
        NameAmbiguous: several are; who.
    """
    everybody = list(people)
    words = plain(asked).split()
    if asked.strip().isdecimal():
        found = [person for person in everybody if person.person_id == int(asked)]
    else:
        names = [(person, plain(person.name).split()) for person in everybody]
        found = _first(_person_rules(words), names) if words else []
    found = list({person.person_id: person for person in found}.values())
    if len(found) == 1:
        return found[0]
    if not found:
        raise NameUnknown("player", asked, where, _nearest(asked, [person.name for person in everybody]))
    raise NameAmbiguous("player", asked, where, sorted(_told_apart(person, found) for person in found))


def find_team(asked: str, teams: Iterable[Team], where: str) -> Team:
    """The one team that is meant: by three letters, name, nickname or city. A number is a team id.

    Raises:
        NameUnknown: no team is called that; the nearest names.
        NameAmbiguous: several are; which.
    """
    every = list({team.team_id: team for team in teams}.values())
    typed = plain(asked)
    if asked.strip().isdecimal() and len(asked.strip()) > 4:
        found = [team for team in every if team.team_id == int(asked)]
    else:
        found = [team for team in every if plain(team.tricode) == typed]
    if not found and typed:
        names = [(team, plain(_spelt_out(team.name)).split()) for team in every]
        words = " ".join(_TEAM_NICKNAMES.get(word, word) for word in typed.split()).split()
        found = _first([*_team_rules(typed.split()), *_team_rules(words), *_beginnings(typed.split(), words)], names)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NameUnknown("team", asked, where, _nearest(asked, [team.name for team in every]))
    raise NameAmbiguous("team", asked, where, sorted(f"{team.name} ({team.tricode})" for team in found))


_Rule = Callable[[list[str]], bool]
_Named = TypeVar("_Named")


def _first(rules: Sequence[_Rule], names: Sequence[tuple[_Named, list[str]]]) -> list[_Named]:
    """Those that the first rule takes which takes any."""
    for rule in rules:
        found = [each for each, words in names if rule(words)]
        if found:
            return found
    return []


def _person_rules(typed: list[str]) -> list[_Rule]:
    bare = [word for word in typed if word not in _SUFFIXES] or typed
    joined = "".join(typed)
    return [
        lambda name: name == typed,
        # The suffix may be left out: "Jaren Jackson". And the order turned: "James, LeBron".
        lambda name: [word for word in name if word not in _SUFFIXES] == bare and len(bare) > 1,
        lambda name: sorted(name) == sorted(typed),
        # Initials may stand apart or not: "CJ", "C.J.", "C J".
        lambda name: "".join(name) == joined,
        lambda name: len(bare) == 1 and bare[0] in name,
        lambda name: _has_all(name, bare, str.__eq__),
        lambda name: _has_all(name, bare, str.startswith),
        lambda name: len(joined) > 3 and joined in "".join(name),
    ]


def _team_rules(typed: list[str]) -> list[_Rule]:
    return [
        lambda name: name == typed,
        # Nickname, then city.
        lambda name: len(typed) < len(name) and name[-len(typed) :] == typed,
        lambda name: name[: len(typed)] == typed,
        lambda name: _has_all(name, typed, str.__eq__),
    ]


def _beginnings(*spellings: list[str]) -> list[_Rule]:
    return [partial(_has_all, typed=typed, like=str.startswith) for typed in spellings]


def _has_all(name: Sequence[str], typed: Sequence[str], like: Callable[[str, str], bool]) -> bool:
    """Whether each typed word is like a different word of the name."""
    left = list(name)
    for word in typed:
        found = next((each for each in left if like(each, word)), None)
        if found is None:
            return False
        left.remove(found)
    return bool(typed)


def _spelt_out(name: str) -> str:
    return f"Los Angeles{name[2:]}" if name.startswith("LA ") else name


def _told_apart(person: Person, among: Sequence[Person]) -> str:
    """The name, with team and id where another has the same."""
    same = sum(plain(other.name) == plain(person.name) for other in among)
    team = f" ({person.team})" if person.team else ""
    return f"{person.name}{team}" if same == 1 else f"{person.name}{team} = {person.person_id}"


def _nearest(asked: str, names: Sequence[str]) -> list[str]:
    """Up to three names that look like it: as a whole, or by one of their words."""
    typed = plain(asked)
    scored: dict[str, float] = {}
    for name in dict.fromkeys(names):
        words = plain(name)
        parts = [words, *words.split()]
        scored[name] = max(difflib.SequenceMatcher(None, typed, part).ratio() for part in parts)
    best = sorted(scored, key=lambda name: -scored[name])
    return [name for name in best[:3] if scored[name] >= max(0.6, scored[best[0]] - 0.15)]
