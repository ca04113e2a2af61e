"""The play-by-play rows of a game, in the service's shape and words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from nba_stats_emulator.corrections import amend_plays
from nba_stats_emulator.eastern import eastern, hour_text
from nba_stats_emulator.game_flow import play_out
from nba_stats_emulator.plays import FOUL, FREE_THROWS, NOBODY, SHOT, TECHNICAL, TURNOVER, Play, Segment
from nba_stats_emulator.rotation import HALF_SECONDS, OVERTIME_SECONDS
from nba_stats_emulator.sheet import GameSheet
from nba_stats_emulator.shots import far_shot, near_shot
from nba_stats_emulator.story import Change

__all__ = ["PlayByPlay", "play_by_play"]

_PERIOD_TENTHS = HALF_SECONDS * 10 // 2
_OFFICIALS = ("S.Umpire", "S.Referee", "S.Whistle")
_TURNOVERS = (
    "Bad Pass", "Bad Pass", "Bad Pass", "Traveling", "Out of Bounds - Bad Pass Turnover", "Lost Ball",
    "Step Out of Bounds Turnover", "3 Second Violation", "Out of Bounds Lost Ball Turnover", "Double Dribble",
)  # fmt: skip
_MAX_TIMEOUTS = 6


def _clock(left: int) -> str:
    """The clock with so many tenths of a second left; only in the last minute the service counts tenths."""
    if left >= 600:
        left -= left % 10
    minutes, rest = divmod(left, 600)
    return f"PT{minutes:02d}M{rest // 10:02d}.{rest % 10}0S"


_CLOCKS = tuple(map(_clock, range(_PERIOD_TENTHS + 1)))


class PlayByPlay:
    """The actions of a game, the points of both teams in each period, and the plays that the actions tell of."""

    __slots__ = ("actions", "period_scores", "segments")

    def __init__(
        self, actions: list[dict[str, Any]], period_scores: list[tuple[int, int]], segments: Sequence[Segment]
    ) -> None:
        self.actions = actions
        self.period_scores = period_scores
        self.segments = segments


def play_by_play(sheet: GameSheet, changes: Sequence[Change] = ()) -> PlayByPlay:
    """Play the game out and write it down; the same sheet always gives the same rows.

    `sheet` is the game as it was first told; `changes` are corrections of it, which change the plays concerned only.
    """
    segments = play_out(sheet)
    amend_plays(segments, sheet, changes)
    return _Writer(sheet).write(segments)


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"


class _Writer:
    def __init__(self, sheet: GameSheet) -> None:
        self.sheet = sheet
        self.rng = Random(sheet.seed + 2)
        self.random = self.rng.random
        self.rows: list[dict[str, Any]] = []
        self.scores: list[tuple[int, int]] = []
        self.number = 0
        self.period = 0
        self.period_ends = 0  # in tenths of a second of game time
        self.clock = ""
        self.score = [0, 0]
        sides = (sheet.home, sheet.away)
        self.people = [player for side in sides for player in side.players]
        self.names = [player.family_name for player in self.people]
        self.first_away = len(sheet.home.players)
        self.teams = [side.team for side in sides]
        self.by_player = [self.template(int(number >= self.first_away), number) for number in range(len(self.people))]
        self.by_team = [self.template(0, -1), self.template(1, -1)]
        self.by_nobody = self.template(-1, -1)
        count = len(self.people)
        self.points = [0] * count
        self.assists = [0] * count
        self.offensive = [0] * count
        self.defensive = [0] * count
        self.fouls = [0] * count
        self.blocks = [0] * count
        self.steals = [0] * count
        self.turnovers = [0] * count
        self.team_turnovers = [0, 0]
        self.team_fouls = [0, 0]
        self.timeouts = [0, 0]

    def write(self, segments: Sequence[Segment]) -> PlayByPlay:
        floor: tuple[list[int], list[int]] | None = None
        for segment in segments:
            if segment.period != self.period:
                if self.period:
                    self.close_period()
                self.open_period(segment)
            elif self.random() < 0.4:
                self.timeout()
            if floor is None:
                self.jump_ball(segment)
            else:
                self.substitute(floor, segment.floor)
            floor = segment.floor
            self.segment(segment)
        self.close_period()
        return PlayByPlay(self.rows, self.scores, segments)

    # --- rows -----------------------------------------------------------------------------------------------------

    def template(self, away: int, player: int) -> dict[str, Any]:
        """A row of a player, of a team (which carries its id in place of a person's) or of nobody."""
        team = self.teams[away]
        person = self.people[player] if player >= 0 else None
        return {
            "actionNumber": 0,
            "clock": "",
            "period": 0,
            "teamId": team.team_id if person else 0,
            "teamTricode": team.tricode if person else "",
            "personId": person.player_id if person else team.team_id if away >= 0 else 0,
            "playerName": person.family_name if person else "",
            "playerNameI": person.name_i if person else "",
            "xLegacy": 0,
            "yLegacy": 0,
            "shotDistance": 0,
            "shotResult": "",
            "isFieldGoal": 0,
            "scoreHome": "",
            "scoreAway": "",
            "pointsTotal": 0,
            "location": ("h", "v", "")[away],
            "description": "",
            "actionType": "",
            "subType": "",
            "videoAvailable": int(person is not None),
            "shotValue": 0,
            "actionId": 0,
        }

    def row(self, template: dict[str, Any], description: str, kind: str, sub_kind: str) -> dict[str, Any]:
        """Write the next row; what is particular to it is set on the row that is returned."""
        self.number += 1 if self.random() < 0.6 else 2
        return self.same_number(template, description, kind, sub_kind)

    def same_number(self, template: dict[str, Any], description: str, kind: str, sub_kind: str) -> dict[str, Any]:
        """A row that shares its number with the one before, as a block does with its shot."""
        row = template.copy()
        row["actionNumber"] = self.number
        row["clock"] = self.clock
        row["period"] = self.period
        row["description"] = description
        row["actionType"] = kind
        row["subType"] = sub_kind
        self.rows.append(row)
        row["actionId"] = len(self.rows)
        return row

    def scored(self, row: dict[str, Any]) -> None:
        """Put the score on a row; most rows have none."""
        home, away = self.score
        row["scoreHome"] = str(home)
        row["scoreAway"] = str(away)
        row["pointsTotal"] = home + away

    def at(self, tenths: int) -> None:
        """Set the clock to a moment of game time."""
        self.clock = _CLOCKS[self.period_ends - tenths]

    # --- periods and stoppages --------------------------------------------------------------------------------------

    def wall_clock(self, minutes: int) -> str:
        return hour_text(eastern(self.sheet.game.tipoff + timedelta(minutes=minutes))).upper()

    def open_period(self, segment: Segment) -> None:
        self.period = segment.period
        length = _PERIOD_TENTHS if self.period <= 4 else OVERTIME_SECONDS * 10
        self.period_ends = segment.start * 10 + length
        self.at(segment.start * 10)
        self.team_fouls = [0, 0]
        minutes = 10 + 30 * (self.period - 1) + 15 * (self.period > 2)
        text = f"Start of {self.title} ({self.wall_clock(minutes)} EST)"
        self.scored(self.row(self.by_nobody, text, "period", "start"))

    def close_period(self) -> None:
        self.clock = "PT00M00.00S"
        minutes = 38 + 30 * (self.period - 1) + 15 * (self.period > 2)
        self.scored(self.row(self.by_nobody, f"End of {self.title} ({self.wall_clock(minutes)} EST)", "period", "end"))
        before = [sum(scores) for scores in zip(*self.scores, strict=True)] or [0, 0]
        self.scores.append((self.score[0] - before[0], self.score[1] - before[1]))

    @property
    def title(self) -> str:
        if self.period <= 4:
            return f"{_ordinal(self.period)} Period"
        return f"{_ordinal(self.period - 4)} OT"

    def jump_ball(self, segment: Segment) -> None:
        home, away = 2, self.first_away + 2  # the centers
        tip = self.rng.choice(segment.floor[self.rng.randrange(2)])
        text = f"Jump Ball {self.names[home]} vs. {self.names[away]}: Tip to {self.names[tip]}"
        self.row(self.by_player[home], text, "Jump Ball", "")

    def timeout(self) -> None:
        away = self.rng.randrange(2)
        if self.timeouts[away] >= _MAX_TIMEOUTS:
            return
        self.timeouts[away] += 1
        text = f"{self.teams[away].name} Timeout: Regular (Reg.{self.timeouts[away]} Short 0)"
        self.row(self.by_team[away], text, "Timeout", "Regular")

    def substitute(self, before: tuple[list[int], list[int]], after: tuple[list[int], list[int]]) -> None:
        for away in (0, 1):
            if before[away] == after[away]:
                continue
            leaving = sorted(set(before[away]) - set(after[away]))
            entering = sorted(set(after[away]) - set(before[away]))
            for out, into in zip(leaving, entering, strict=True):
                text = f"SUB: {self.names[into]} FOR {self.names[out]}"
                self.row(self.by_player[out], text, "Substitution", "")["videoAvailable"] = 0

    # --- plays --------------------------------------------------------------------------------------------------------

    def segment(self, segment: Segment) -> None:
        start, length = segment.start * 10, (segment.end - segment.start) * 10
        count = len(segment.plays)
        random = self.random
        # Leave room at the end of a play for its rebound, a second or so later.
        moments = [start + int((turn + 0.25 + 0.5 * random()) * length / count) for turn in range(count)]
        moments.append(start + length)
        for turn, play in enumerate(segment.plays):
            self.at(moments[turn])
            play.tenths = moments[turn]
            self.play(play)
            if play.live_miss:
                self.at(min(moments[turn + 1], moments[turn] + 10 + int(15 * random())))
                self.rebound(play)
        self.at(start + length)

    def play(self, play: Play) -> None:
        kind = play.kind
        if kind == SHOT:
            self.shot(play)
            if play.makes:
                self.foul(play.fouler, "Shooting", "S.FOUL")
                self.free_throws(play)
        elif kind == TURNOVER:
            self.turnover(play)
        elif kind == FREE_THROWS:
            self.foul(play.fouler, "Shooting", "S.FOUL")
            self.free_throws(play)
        elif kind == TECHNICAL:
            self.free_throws(play)
        elif kind == FOUL:
            if self.random() < 0.25:
                self.foul(play.player, "Loose Ball", "L.B.FOUL")
            else:
                self.foul(play.player, "Personal", "P.FOUL")

    def shot(self, play: Play) -> None:
        player, away, name, helper = play.player, play.away, self.names[play.player], play.helper
        if play.three:
            value = 3
            x, y, distance, sub_type, words = far_shot(self.random)
            words = f"{distance}' 3PT {words}"
        else:
            value = 2
            x, y, distance, sub_type, words = near_shot(self.random, assisted=play.points > 0 and helper != NOBODY)
            if distance:
                words = f"{distance}' {words}"
        if play.points:
            self.points[player] += value
            self.score[away] += value
            text = f"{name} {words} ({self.points[player]} PTS)"
            if helper != NOBODY:
                self.assists[helper] += 1
                text = f"{text} ({self.names[helper]} {self.assists[helper]} AST)"
            row = self.row(self.by_player[player], text, "Made Shot", sub_type)
            row["shotResult"] = "Made"
            self.scored(row)
        else:
            row = self.row(self.by_player[player], f"MISS {name} {words}", "Missed Shot", sub_type)
            row["shotResult"] = "Missed"
        play.x, play.y = x, y
        row["xLegacy"] = x
        row["yLegacy"] = y
        row["shotDistance"] = distance
        row["isFieldGoal"] = 1
        row["shotValue"] = value
        if helper != NOBODY and not play.points:
            self.blocks[helper] += 1
            text = f"{self.names[helper]} BLOCK ({self.blocks[helper]} BLK)"
            self.same_number(self.by_player[helper], text, "", "")["shotValue"] = value

    def turnover(self, play: Play) -> None:
        player, away, name = play.player, play.away, self.names[play.player]
        if play.fouler != NOBODY:
            self.fouls[player] += 1
            text = f"{name} OFF.Foul (P{self.fouls[player]}) ({self.official()})"
            self.row(self.by_player[player], text, "Foul", "Offensive")
            sub_type = "Offensive Foul Turnover"
            words = sub_type
        else:
            sub_type = _TURNOVERS[int(self.random() * len(_TURNOVERS))]
            stolen = "Bad Pass" if self.random() < 0.7 else "Lost Ball"  # drawn in any case, for corrected steals
            if play.helper != NOBODY:
                sub_type = stolen
            words = f"{sub_type} Turnover"
        self.turnovers[player] += 1
        self.team_turnovers[away] += 1
        text = f"{name} {words} (P{self.turnovers[player]}.T{self.team_turnovers[away]})"
        self.row(self.by_player[player], text, "Turnover", sub_type)
        if play.helper != NOBODY:
            self.steals[play.helper] += 1
            text = f"{self.names[play.helper]} STEAL ({self.steals[play.helper]} STL)"
            self.same_number(self.by_player[play.helper], text, "", "")

    def official(self) -> str:
        return _OFFICIALS[int(self.random() * 3)]

    def foul(self, player: int, sub_type: str, words: str) -> None:
        if player == NOBODY:
            return
        away = int(player >= self.first_away)
        self.fouls[player] += 1
        self.team_fouls[away] += 1
        counts = f"(P{self.fouls[player]}.T{self.team_fouls[away]})"
        text = f"{self.names[player]} {words} {counts} ({self.official()})"
        self.row(self.by_player[player], text, "Foul", sub_type)

    def free_throws(self, play: Play) -> None:
        player, away, name = play.player, play.away, self.names[play.player]
        words = "Free Throw Technical"
        for number, good in enumerate(play.makes, start=1):
            if play.kind != TECHNICAL:
                words = f"Free Throw {number} of {len(play.makes)}"
            if good:
                self.points[player] += 1
                self.score[away] += 1
                text = f"{name} {words} ({self.points[player]} PTS)"
                self.scored(self.row(self.by_player[player], text, "Free Throw", words))
            else:
                self.row(self.by_player[player], f"MISS {name} {words}", "Free Throw", words)
                if play.kind == TECHNICAL or number < len(play.makes):
                    self.row(self.by_team[away], f"{self.teams[away].name} Rebound", "Rebound", "Normal Rebound")

    def rebound(self, play: Play) -> None:
        player = play.rebounder
        if player == NOBODY:
            away = play.away if play.keeps else 1 - play.away
            self.row(self.by_team[away], f"{self.teams[away].name} Rebound", "Rebound", "Unknown")
            return
        away = int(player >= self.first_away)
        (self.offensive if away == play.away else self.defensive)[player] += 1
        text = f"{self.names[player]} REBOUND (Off:{self.offensive[player]} Def:{self.defensive[player]})"
        self.row(self.by_player[player], text, "Rebound", "Unknown")
