"""What a game is made of: plays, and the stretches of the game in which nobody comes or goes."""

from __future__ import annotations

__all__ = ["FOUL", "FREE_THROWS", "NOBODY", "SHOT", "TECHNICAL", "TURNOVER", "Play", "Segment"]

SHOT, TURNOVER, FREE_THROWS, TECHNICAL, FOUL = range(5)
NOBODY = -1


class Play:
    """One play: a shot with what belongs to it, a turnover, a trip to the line, or a foul by itself.

    Players are numbered home first, then away. `helper` assisted, blocked or stole, by the kind of play; `rebounder`
    is a player, or NOBODY for a rebound of the team; `keeps` says that the team on offence has the ball afterwards.
    When it is written down a play gets its moment, in tenths of a second of game time, and a shot its place.
    """

    __slots__ = (
        "away", "fouler", "helper", "keeps", "kind", "makes", "player", "points", "rebounder", "segment", "tenths",
        "three", "x", "y",
    )  # fmt: skip

    def __init__(self, kind: int, away: int, player: int, points: int = 0, three: bool = False) -> None:
        self.kind = kind
        self.away = away
        self.player = player
        self.points = points
        self.three = three
        self.makes: list[bool] = []
        self.helper = NOBODY
        self.fouler = NOBODY
        self.rebounder = NOBODY
        self.segment = 0
        self.keeps = False
        self.tenths = 0
        self.x = 0
        self.y = 0

    @property
    def made(self) -> bool:
        """True for a field goal that went in."""
        return self.kind == SHOT and self.points >= 2

    @property
    def live_miss(self) -> bool:
        """True when the play ends in a miss that somebody rebounds."""
        if self.makes:
            return not self.makes[-1] and self.kind != TECHNICAL
        return self.kind == SHOT and not self.points


class Segment:
    """A stretch in which nobody comes or goes: period, seconds of game time, five players of each team, its plays."""

    __slots__ = ("end", "floor", "period", "plays", "start")

    def __init__(self, period: int, start: int, end: int) -> None:
        self.period = period
        self.start = start
        self.end = end
        self.floor: tuple[list[int], list[int]] = ([], [])
        self.plays: list[Play] = []

    def holds(self, play: Play) -> bool:
        """True when everyone the play needs is on the floor."""
        home, away = self.floor
        return all(
            player == NOBODY or player in home or player in away
            for player in (play.player, play.helper, play.fouler, play.rebounder)
        )
