"""What happens to a season besides its games: games are postponed, end late, and are corrected days afterwards.

A story as JSON, each part optional:

    {"postponements": [{"game_id": "0022400524", "original_tipoff": "2025-01-10T03:30:00Z",
                        "announced_at": "2025-01-09T20:00:00Z", "rescheduled_at": "2025-01-16T17:00:00Z"}],
     "late_endings": [{"game_id": "0022400061", "final_at": "2024-10-23T05:10:00Z"}],
     "corrections": [{"game_id": "0022400061", "at": "2024-10-26T15:00:00Z",
                      "changes": [{"player_id": 1628369, "ast": -1}, {"player_id": 1627759, "ast": 1}]}]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nba_stats_emulator.eastern import utc

__all__ = [
    "CORRECTED",
    "STORIES",
    "Change",
    "Correction",
    "LateEnding",
    "Postponement",
    "Story",
    "load_story",
    "moment",
    "story_from_json",
    "story_to_json",
]

CORRECTED = ("ast", "oreb", "dreb", "stl", "blk", "tov", "pf")
"""What of a player's line can be corrected. Points cannot: final scores stay as they are."""


@dataclass(frozen=True, slots=True)
class Change:
    """One number of one player's line goes up or down; `statistic` is one of `CORRECTED`."""

    player_id: int
    statistic: str
    by: int

    def __post_init__(self) -> None:
        if self.statistic not in CORRECTED:
            raise ValueError(f"{self.statistic!r} cannot be corrected; there are {', '.join(CORRECTED)}")


@dataclass(frozen=True, slots=True)
class Correction:
    """From `at` on every endpoint of the game has the changed numbers.

    `move`, one of `CORRECTED`, stands for changes that the emulator picks: one of these goes from a player to a
    teammate.
    """

    game_id: str
    at: datetime
    changes: tuple[Change, ...] = ()
    move: str | None = None

    def __post_init__(self) -> None:
        if bool(self.changes) == bool(self.move):
            raise ValueError(f"correction of {self.game_id}: send either changes or move")
        if self.move is not None and self.move not in CORRECTED:
            raise ValueError(f"correction of {self.game_id}: move is one of {', '.join(CORRECTED)}, not {self.move!r}")


@dataclass(frozen=True, slots=True)
class Postponement:
    """A game does not take place when it was to: it is played later, under the same id.

    Until `announced_at` it is scheduled for `original_tipoff`; then it stands there as postponed; from
    `rescheduled_at` on it is scheduled for the day on which it is played. That day is the one the facts have, or
    `new_tipoff`. Without `original_tipoff` the facts' day is the one that is given up, and `new_tipoff` is needed.
    """

    game_id: str
    announced_at: datetime
    rescheduled_at: datetime
    original_tipoff: datetime | None = None
    new_tipoff: datetime | None = None

    def __post_init__(self) -> None:
        if self.original_tipoff is None and self.new_tipoff is None:
            raise ValueError(f"postponement of {self.game_id}: original_tipoff or new_tipoff is needed")
        if self.rescheduled_at < self.announced_at:
            raise ValueError(f"postponement of {self.game_id}: rescheduled_at is before announced_at")


@dataclass(frozen=True, slots=True)
class LateEnding:
    """A game goes on until `final_at` instead of two and a half hours."""

    game_id: str
    final_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """All that happens; by default nothing."""

    postponements: tuple[Postponement, ...] = ()
    late_endings: tuple[LateEnding, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def game_ids(self) -> list[str]:
        """The games it tells of, one as often as it does."""
        found = [entry.game_id for entry in self.postponements]
        found += [entry.game_id for entry in self.late_endings]
        return found + [entry.game_id for entry in self.corrections]


def moment(value: object, place: str) -> datetime:
    """An ISO 8601 moment of a story, UTC when it names no zone; ValueError with its place otherwise."""
    try:
        return utc(str(value))
    except ValueError:
        raise ValueError(f"{place}: {value!r} is no moment; write one like 2024-11-05T12:00:00Z") from None


def story_from_json(data: object) -> Story:
    """A story from parsed JSON, or by name. Raises ValueError with the place of what it does not understand."""
    if isinstance(data, str):
        if data not in STORIES:
            raise ValueError(f"no story {data!r}; there are {', '.join(sorted(STORIES))}")
        return STORIES[data]
    parts = _fields(data, "story", (), ("postponements", "late_endings", "corrections"))
    return Story(
        tuple(_postponement(entry, place) for entry, place in _entries(parts, "postponements")),
        tuple(_late_ending(entry, place) for entry, place in _entries(parts, "late_endings")),
        tuple(_correction(entry, place) for entry, place in _entries(parts, "corrections")),
    )


def story_to_json(story: Story) -> dict[str, Any]:
    """A story as JSON that `story_from_json` reads back."""
    return {
        "postponements": [
            {
                "game_id": entry.game_id,
                "announced_at": _written(entry.announced_at),
                "rescheduled_at": _written(entry.rescheduled_at),
                **({"original_tipoff": _written(entry.original_tipoff)} if entry.original_tipoff else {}),
                **({"new_tipoff": _written(entry.new_tipoff)} if entry.new_tipoff else {}),
            }
            for entry in story.postponements
        ],
        "late_endings": [
            {"game_id": entry.game_id, "final_at": _written(entry.final_at)} for entry in story.late_endings
        ],
        "corrections": [
            {
                "game_id": entry.game_id,
                "at": _written(entry.at),
                **({"move": entry.move} if entry.move else {"changes": _changes_to_json(entry.changes)}),
            }
            for entry in story.corrections
        ],
    }


def load_story(name_or_file: str) -> Story:
    """A story by name, or from a JSON file. Raises ValueError when it is neither, or makes no sense."""
    if name_or_file in STORIES:
        return STORIES[name_or_file]
    path = Path(name_or_file)
    if not path.is_file():
        raise ValueError(f"{name_or_file!r} is neither a story ({', '.join(sorted(STORIES))}) nor a file")
    try:
        return story_from_json(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{name_or_file}: {error}") from None


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _changes_to_json(changes: Sequence[Change]) -> list[dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for change in changes:
        found.setdefault(change.player_id, {"player_id": change.player_id})[change.statistic] = change.by
    return list(found.values())


def _entries(parts: Mapping[str, Any], name: str) -> list[tuple[object, str]]:
    entries = parts.get(name, [])
    if not isinstance(entries, list):
        raise ValueError(f"{name} must be a list")
    return [(entry, f"{name}[{number}]") for number, entry in enumerate(entries)]


def _fields(data: object, place: str, required: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{place} must be an object, not {type(data).__name__}")
    for name in required:
        if name not in data:
            raise ValueError(f"{place}: {name} is needed")
    known = {*required, *optional}
    unknown = sorted(data.keys() - known)
    if unknown:
        raise ValueError(f"{place}: {unknown[0]!r} is not known here; there are {', '.join(sorted(known))}")
    if "game_id" in known and not re.fullmatch(r"\d{10}", str(data["game_id"])):
        raise ValueError(f"{place}: game_id is ten digits, not {data['game_id']!r}")
    return data


def _postponement(data: object, place: str) -> Postponement:
    values = _fields(data, place, ("game_id", "announced_at", "rescheduled_at"), ("original_tipoff", "new_tipoff"))
    times = {name: moment(value, f"{place}.{name}") for name, value in values.items() if name != "game_id" and value}
    return Postponement(str(values["game_id"]), **times)


def _late_ending(data: object, place: str) -> LateEnding:
    values = _fields(data, place, ("game_id", "final_at"))
    return LateEnding(str(values["game_id"]), moment(values["final_at"], f"{place}.final_at"))


def _correction(data: object, place: str) -> Correction:
    values = _fields(data, place, ("game_id", "at"), ("changes", "move"))
    changes = []
    for entry, where in _entries(values, "changes"):
        for name, by in _fields(entry, f"{place}.{where}", ("player_id",), CORRECTED).items():
            if not isinstance(by, int) or isinstance(by, bool):
                raise ValueError(f"{place}.{where}.{name} must be a whole number, not {by!r}")
            if name != "player_id":
                changes.append(Change(int(entry["player_id"]), name, by))  # type: ignore[index]  # _fields saw to it
    at = moment(values["at"], f"{place}.at")
    return Correction(str(values["game_id"]), at, tuple(changes), values.get("move"))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


STORIES: dict[str, Story] = {
    "as-played": Story(),
    "eventful": Story(
        # Games of 2024-25 that were put off for fires, snow and the like; their first days are of our making.
        postponements=(
            Postponement("0022400524", _at("2025-01-09T19:00Z"), _at("2025-01-17T18:00Z"), _at("2025-01-10T03:30Z")),
            Postponement("0022400532", _at("2025-01-11T15:30Z"), _at("2025-01-15T18:00Z"), _at("2025-01-11T20:00Z")),
            Postponement("0022400617", _at("2025-01-21T20:00Z"), _at("2025-02-03T18:00Z"), _at("2025-01-23T00:00Z")),
        ),
        late_endings=(
            LateEnding("0022400061", _at("2024-10-23T04:40Z")),  # an early game, final after midnight Eastern
            LateEnding("0022400751", _at("2025-02-09T07:20Z")),
        ),
        corrections=(
            Correction("0022400062", _at("2024-10-25T19:00Z"), move="ast"),
            Correction("0022400290", _at("2024-11-30T16:00Z"), move="dreb"),
            Correction("0022400600", _at("2025-01-24T19:00Z"), move="stl"),
            Correction("0022401001", _at("2025-03-25T18:00Z"), move="blk"),
            Correction("0042400111", _at("2025-04-23T17:00Z"), move="ast"),
        ),
    ),
}
"""Named stories."""
