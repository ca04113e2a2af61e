"""Stat corrections: a line of the box score changes, and with it the plays that hold what was changed.

The play-by-play stays what it was but for the plays concerned: another teammate assisted, stole, blocked or took the
rebound, or nobody did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from nba_stats_emulator.facts import Line
from nba_stats_emulator.plays import FOUL, FREE_THROWS, NOBODY, SHOT, TURNOVER, Play, Segment
from nba_stats_emulator.sheet import GameSheet
from nba_stats_emulator.story import Change, Correction

__all__ = ["amend_lines", "amend_plays", "amend_sheet", "resolved"]

_ONLY_MOVES = ("tov", "pf")


def amend_lines(lines: Sequence[Line], changes: Iterable[Change]) -> tuple[Line, ...]:
    """Lines with what concerns them changed. Raises ValueError when a number would fall below zero."""
    by_player: dict[int, Counter[str]] = {}
    for change in changes:
        by_player.setdefault(change.player_id, Counter())[change.statistic] += change.by
    found = []
    for line in lines:
        for statistic, by in by_player.get(line.player_id, {}).items():
            value = getattr(line, statistic) + by
            if value < 0:
                raise ValueError(
                    f"player {line.player_id} has {getattr(line, statistic)} {statistic}, {by} are too many"
                )
            line = line._replace(**{statistic: value})
        found.append(line)
    return tuple(found)


def amend_sheet(sheet: GameSheet, changes: Sequence[Change]) -> GameSheet:
    """The sheet with corrected lines; the same one without changes."""
    if not changes:
        return sheet
    home, away = (replace(side, lines=amend_lines(side.lines, changes)) for side in (sheet.home, sheet.away))
    return replace(sheet, home=home, away=away)


def amend_plays(segments: Sequence[Segment], sheet: GameSheet, changes: Sequence[Change]) -> None:
    """Change the plays in place to hold what the changed lines say. Raises ValueError where no play can."""
    if changes:
        _Amendment(segments, sheet).apply(changes)


def resolved(correction: Correction, sheet: GameSheet) -> Correction:
    """The correction with the changes that its `move` stands for: from who has most to a teammate who played most."""
    if correction.move is None:
        return correction
    statistic = correction.move
    side = max((sheet.home, sheet.away), key=lambda side: (side.total(statistic), side.team.team_id))
    giver = max(side.lines, key=lambda line: (getattr(line, statistic), -line.player_id))
    if not getattr(giver, statistic):
        raise ValueError(f"correction of {correction.game_id}: nobody has {statistic} to move")
    taker = max(
        (line for line in side.lines if line.player_id != giver.player_id),
        key=lambda line: (line.minutes, -line.player_id),
    )
    changes = (Change(giver.player_id, statistic, -1), Change(taker.player_id, statistic, 1))
    return replace(correction, changes=changes, move=None)


class _Amendment:
    def __init__(self, segments: Sequence[Segment], sheet: GameSheet) -> None:
        self.segments = segments
        self.plays = [play for segment in segments for play in segment.plays]
        self.floor_of = {id(play): segment.floor for segment in segments for play in segment.plays}
        players = [*sheet.home.players, *sheet.away.players]
        self.number = {player.player_id: number for number, player in enumerate(players)}
        self.first_away = len(sheet.home.players)
        self.game_id = sheet.game.game_id

    def apply(self, changes: Sequence[Change]) -> None:
        """Pair what goes with what comes on the same team; the rest comes from nobody or goes to nobody."""
        moves: dict[tuple[str, bool], tuple[list[int], list[int]]] = {}
        for change in changes:
            number = self.number.get(change.player_id)
            if number is None:
                raise ValueError(f"correction of {self.game_id}: player {change.player_id} did not play")
            gone, come = moves.setdefault((change.statistic, number >= self.first_away), ([], []))
            (come if change.by > 0 else gone).extend([number] * abs(change.by))
        for (statistic, _), (gone, come) in moves.items():
            length = max(len(gone), len(come))
            givers, takers = ([*side, *[NOBODY] * (length - len(side))] for side in (gone, come))
            for giver, taker in zip(givers, takers, strict=True):
                self._move(statistic, giver, taker)

    def _move(self, statistic: str, giver: int, taker: int) -> None:
        if NOBODY in (giver, taker) and statistic in _ONLY_MOVES:
            raise ValueError(f"correction of {self.game_id}: {statistic} can only move between teammates")
        places = [play for play in self.plays if self._holds(play, statistic, giver, taker)]
        if not places:
            raise ValueError(f"correction of {self.game_id}: no play in which {statistic} could be so corrected")
        # Where the new one was on the floor, if there is such a place.
        play = next((play for play in places if taker in self._floor(play)), places[0])
        if statistic in ("ast", "stl", "blk"):
            play.helper = taker
        elif statistic in ("oreb", "dreb"):
            play.rebounder = taker
        elif statistic == "pf" and play.kind != FOUL:
            play.fouler = taker
        else:
            play.player = taker

    def _floor(self, play: Play) -> list[int]:
        home, away = self.floor_of[id(play)]
        return [NOBODY, *home, *away]

    def _holds(self, play: Play, statistic: str, giver: int, taker: int) -> bool:
        """True for a play that has what is taken from `giver` (or room for one) and that `taker` may have."""
        away = int((taker if giver == NOBODY else giver) >= self.first_away)
        if statistic == "ast":
            return play.made and play.away == away and play.helper == giver and play.player != taker
        if statistic == "blk":
            missed = play.kind == SHOT and not play.points
            return missed and play.away != away and play.helper == giver
        if statistic == "stl":
            return play.kind == TURNOVER and play.away != away and play.helper == giver and play.fouler == NOBODY
        if statistic in ("oreb", "dreb"):
            own = statistic == "oreb"
            return play.live_miss and play.rebounder == giver and (play.away == away) == own and play.keeps == own
        if statistic == "tov":
            return play.kind == TURNOVER and play.player == giver and play.fouler == NOBODY
        if play.kind == FOUL:
            return play.player == giver
        shooting = play.kind == FREE_THROWS or (play.kind == SHOT and bool(play.makes))
        return shooting and play.fouler == giver
