"""The season's facts as packed in the package: games, player lines, names. Read once, when first asked for."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

from nba_stats_emulator.teams import TEAMS, Team

__all__ = ["SEASONS", "Facts", "Game", "Line", "Player", "slug"]

SEASONS = ("2024-25",)
"""Seasons with packed facts."""


class Line(NamedTuple):
    """What a player did in a game, in the order of the packed columns; whole minutes as the game log rounds them."""

    player_id: int
    minutes: int
    fgm: int
    fga: int
    fg3m: int
    fg3a: int
    ftm: int
    fta: int
    oreb: int
    dreb: int
    ast: int
    stl: int
    blk: int
    tov: int
    pf: int
    plus_minus: int

    @property
    def points(self) -> int:
        """2 for a field goal, 1 more for a three, 1 for a free throw."""
        return 2 * self.fgm + self.fg3m + self.ftm

    @property
    def reb(self) -> int:
        """Offensive and defensive rebounds together."""
        return self.oreb + self.dreb


@dataclass(frozen=True, slots=True)
class Player:
    """A player's name in the service's spellings: `Michael`, `Porter Jr.`, `M. Porter Jr.`, `michael-porter-jr`."""

    player_id: int
    first_name: str
    family_name: str
    full_name: str
    name_i: str
    slug: str

    @classmethod
    def named(cls, player_id: int, first_name: str, family_name: str) -> Player:
        """A player by first and family name."""
        full_name = f"{first_name} {family_name}".strip()
        return cls(player_id, first_name, family_name, full_name, f"{first_name[:1]}. {family_name}", slug(full_name))


@dataclass(frozen=True, slots=True)
class Game:
    """A game of the schedule with its final score."""

    game_id: str
    game_date: date
    tipoff: datetime
    label: str
    sub_label: str
    neutral: bool
    arena: str
    home: Team
    away: Team
    home_score: int
    away_score: int
    length: timedelta = timedelta(hours=2.5)

    @property
    def final_at(self) -> datetime:
        """When the game is final: two and a half hours after the tip-off, unless its `length` says otherwise."""
        return self.tipoff + self.length

    @property
    def kind(self) -> int:
        """Third digit of the id: 1 preseason, 2 regular, 3 all-star, 4 playoffs, 5 play-in, 6 Cup final."""
        return int(self.game_id[2])

    @property
    def code(self) -> str:
        """`20241022/NYKBOS`: date, away, home."""
        return f"{self.game_date:%Y%m%d}/{self.away.tricode}{self.home.tricode}"


def slug(text: str) -> str:
    """`Michael Porter Jr.` as `michael-porter-jr`."""
    kept = "".join(letter if letter.isalnum() else " " if letter in " -" else "" for letter in text.lower())
    return "-".join(kept.split())


def _rows(name: str) -> Iterator[list[str]]:
    raw = files("nba_stats_emulator").joinpath("data", name).read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(raw).decode()))
    next(rows)
    return rows


class Facts:
    """Everything that is known of one season. Raises ValueError for a season that is not packed.

    `made_up` says how it is made up when it is, and is empty; `base_season` is the packed season it is made from.
    """

    def __init__(self, season: str = SEASONS[0]) -> None:
        if season not in SEASONS:
            raise ValueError(f"no sample of season {season!r} is packed; there is {', '.join(SEASONS)}")
        self.season = season
        self.base_season = season
        self.league_id = "00"
        self.made_up = ""

    def base_id(self, game_id: str) -> str:
        """The game that a game's simulated parts are drawn for: itself."""
        return game_id

    @cached_property
    def games(self) -> dict[str, Game]:
        """All games by id, ordered by date, tip-off and id."""
        games = [
            Game(
                game_id=row[0],
                game_date=date.fromisoformat(row[1]),
                tipoff=datetime.strptime(row[2], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
                label=row[3],
                sub_label=row[4],
                neutral=row[5] == "1",
                arena=row[6],
                home=TEAMS[int(row[7])],
                away=TEAMS[int(row[10])],
                home_score=int(row[9]),
                away_score=int(row[12]),
            )
            for row in _rows(f"games_{self.season}.csv.gz")
        ]
        games.sort(key=lambda game: (game.game_date, game.tipoff, game.game_id))
        return {game.game_id: game for game in games}

    @cached_property
    def lines(self) -> dict[str, tuple[tuple[Line, ...], tuple[Line, ...]]]:
        """(home lines, away lines) of each regular-season game."""
        gathered: dict[str, tuple[list[Line], list[Line]]] = {}
        for game_id, away, *numbers in _rows(f"lines_{self.season}.csv.gz"):
            sides = gathered.get(game_id)
            if sides is None:
                sides = gathered[game_id] = ([], [])
            sides[away == "1"].append(Line._make(map(int, numbers)))
        return {game_id: (tuple(home), tuple(away)) for game_id, (home, away) in gathered.items()}

    @cached_property
    def overtimes(self) -> dict[str, int]:
        """How many overtimes each regular-season game had, by its players' minutes."""
        return {
            game_id: max(0, round((sum(line.minutes for line in home) - 240) / 25))
            for game_id, (home, _) in self.lines.items()
        }

    @cached_property
    def players(self) -> dict[int, Player]:
        """Names by id."""
        return {int(row[0]): Player.named(int(row[0]), row[1], row[2]) for row in _rows("players.csv.gz")}
