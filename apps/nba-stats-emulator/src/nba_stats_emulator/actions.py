"""The play-by-play rows of a game, in the service's shape and words."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from nba_stats_emulator.eastern import eastern, hour_text
from nba_stats_emulator.game_flow import play_out
from nba_stats_emulator.plays import FOUL, FREE_THROWS, NOBODY, SHOT, TECHNICAL, TURNOVER, Play, Segment
from nba_stats_emulator.rotation import HALF_SECONDS, OVERTIME_SECONDS
from nba_stats_emulator.sheet import GameSheet
from nba_stats_emulator.shots import Shot, far_shot, near_shot

__all__ = ["PlayByPlay", "play_by_play"]

_PERIOD_TENTHS = HALF_SECONDS * 10 // 2
_OFFICIALS = ("S.Umpire", "S.Referee", "S.Whistle")
_TURNOVERS = (
    "Bad Pass", "Bad Pass", "Bad Pass", "Traveling", "Out of Bounds - Bad Pass Turnover", "Lost Ball",
    "Step Out of Bounds Turnover", "3 Second Violation", "Out of Bounds Lost Ball Turnover", "Double Dribble",
)  # fmt: skip
_MAX_TIMEOUTS = 6


class PlayByPlay:
    """The actions of a game and the points of both teams in each period."""

    __slots__ = ("actions", "period_scores")

    def __init__(self, actions: list[dict[str, Any]], period_scores: list[tuple[int, int]]) -> None:
        self.actions = actions
        self.period_scores = period_scores


def play_by_play(sheet: GameSheet) -> PlayByPlay:
    """Play the game out and write it down; the same sheet always gives the same rows."""
    return _Writer(sheet).write()


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

    def write(self) -> PlayByPlay:
        segments = play_out(self.sheet)
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
        return PlayByPlay(self.rows, self.scores)

    # --- rows -----------------------------------------------------------------------------------------------------

    def row(
        self, away: int, player: int, description: str, kind: str, sub_kind: str,
        *, same_number: bool = False, scored: bool = False, shot: Shot | None = None, result: str = "",
        value: int = 0, video: int = 1,
    ) -> None:  # fmt: skip
        if not same_number:
            self.number += 1 + (self.random() < 0.4)
        home_score, away_score = self.score
        if player >= 0:
            person = self.people[player]
            person_id, name, name_i = person.player_id, person.family_name, person.name_i
            team_id, tricode = self.teams[away].team_id, self.teams[away].tricode
        else:  # a team's own row carries the team's id in place of a person's
            person_id = self.teams[away].team_id if away >= 0 else 0
            name = name_i = tricode = ""
            team_id = 0
        self.rows.append(
            {
                "actionNumber": self.number,
                "clock": self.clock,
                "period": self.period,
                "teamId": team_id,
                "teamTricode": tricode,
                "personId": person_id,
                "playerName": name,
                "playerNameI": name_i,
                "xLegacy": shot.x if shot else 0,
                "yLegacy": shot.y if shot else 0,
                "shotDistance": shot.distance if shot else 0,
                "shotResult": result,
                "isFieldGoal": 1 if shot else 0,
                "scoreHome": str(home_score) if scored else "",
                "scoreAway": str(away_score) if scored else "",
                "pointsTotal": home_score + away_score if scored else 0,
                "location": ("h", "v", "")[away],
                "description": description,
                "actionType": kind,
                "subType": sub_kind,
                "videoAvailable": video,
                "shotValue": value,
                "actionId": len(self.rows) + 1,
            }
        )

    def at(self, tenths: int) -> None:
        """Set the clock to a moment of game time; in the last minute the service counts tenths."""
        left = self.period_ends - tenths
        if left >= 600:
            left -= left % 10
        minutes, rest = divmod(left, 600)
        self.clock = f"PT{minutes:02d}M{rest // 10:02d}.{rest % 10}0S"

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
        self.row(
            -1, -1, f"Start of {self.title} ({self.wall_clock(minutes)} EST)", "period", "start", scored=True, video=0
        )

    def close_period(self) -> None:
        self.clock = "PT00M00.00S"
        minutes = 38 + 30 * (self.period - 1) + 15 * (self.period > 2)
        self.row(-1, -1, f"End of {self.title} ({self.wall_clock(minutes)} EST)", "period", "end", scored=True)
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
        self.row(0, home, text, "Jump Ball", "")

    def timeout(self) -> None:
        away = self.rng.randrange(2)
        if self.timeouts[away] >= _MAX_TIMEOUTS:
            return
        self.timeouts[away] += 1
        text = f"{self.teams[away].name} Timeout: Regular (Reg.{self.timeouts[away]} Short 0)"
        self.row(away, -1, text, "Timeout", "Regular", video=0)

    def substitute(self, before: tuple[list[int], list[int]], after: tuple[list[int], list[int]]) -> None:
        for away in (0, 1):
            if before[away] == after[away]:
                continue
            leaving = sorted(set(before[away]) - set(after[away]))
            entering = sorted(set(after[away]) - set(before[away]))
            for out, into in zip(leaving, entering, strict=True):
                text = f"SUB: {self.names[into]} FOR {self.names[out]}"
                self.row(away, out, text, "Substitution", "", video=0)

    # --- plays --------------------------------------------------------------------------------------------------------

    def segment(self, segment: Segment) -> None:
        start, length = segment.start * 10, (segment.end - segment.start) * 10
        count = len(segment.plays)
        random = self.rng.random
        # Leave room at the end of a play for its rebound, a second or so later.
        moments = [start + int((turn + 0.25 + 0.5 * random()) * length / count) for turn in range(count)]
        for turn, play in enumerate(segment.plays):
            until = moments[turn + 1] if turn + 1 < count else start + length
            self.at(moments[turn])
            self.play(play)
            if play.live_miss:
                self.at(min(until, moments[turn] + 10 + int(15 * random())))
                self.rebound(play)
        self.at(start + length)

    def play(self, play: Play) -> None:
        if play.kind == SHOT:
            self.shot(play)
            if play.makes:
                self.foul(play.fouler, "Shooting", "S.FOUL")
                self.free_throws(play)
        elif play.kind == TURNOVER:
            self.turnover(play)
        elif play.kind == FREE_THROWS:
            self.foul(play.fouler, "Shooting", "S.FOUL")
            self.free_throws(play)
        elif play.kind == TECHNICAL:
            self.free_throws(play)
        elif play.kind == FOUL:
            if self.random() < 0.25:
                self.foul(play.player, "Loose Ball", "L.B.FOUL")
            else:
                self.foul(play.player, "Personal", "P.FOUL")

    def shot(self, play: Play) -> None:
        player, away, name = play.player, play.away, self.names[play.player]
        value = 3 if play.three else 2
        shot = far_shot(self.rng) if play.three else near_shot(self.rng, assisted=play.made and play.helper != NOBODY)
        distance = f"{shot.distance}' " if shot.distance else ""
        words = f"{distance}{'3PT ' if play.three else ''}{shot.words}"
        if play.points:
            self.points[player] += value
            self.score[away] += value
            text = f"{name} {words} ({self.points[player]} PTS)"
            if play.helper != NOBODY:
                self.assists[play.helper] += 1
                text += f" ({self.names[play.helper]} {self.assists[play.helper]} AST)"
            self.row(away, player, text, "Made Shot", shot.sub_type, scored=True, shot=shot, result="Made", value=value)
            return
        self.row(
            away, player, f"MISS {name} {words}", "Missed Shot", shot.sub_type, shot=shot, result="Missed", value=value
        )
        if play.helper != NOBODY:
            self.blocks[play.helper] += 1
            text = f"{self.names[play.helper]} BLOCK ({self.blocks[play.helper]} BLK)"
            self.row(1 - away, play.helper, text, "", "", same_number=True, value=value)

    def turnover(self, play: Play) -> None:
        player, away, name = play.player, play.away, self.names[play.player]
        if play.fouler != NOBODY:
            self.fouls[player] += 1
            self.row(away, player, f"{name} OFF.Foul (P{self.fouls[player]}) ({self.official()})", "Foul", "Offensive")
            sub_type = "Offensive Foul Turnover"
            words = sub_type
        else:
            stolen = play.helper != NOBODY
            sub_type = _TURNOVERS[int(self.random() * len(_TURNOVERS))]
            if stolen:
                sub_type = "Bad Pass" if self.random() < 0.7 else "Lost Ball"
            words = f"{sub_type} Turnover"
        self.turnovers[player] += 1
        self.team_turnovers[away] += 1
        text = f"{name} {words} (P{self.turnovers[player]}.T{self.team_turnovers[away]})"
        self.row(away, player, text, "Turnover", sub_type)
        if play.helper != NOBODY:
            self.steals[play.helper] += 1
            text = f"{self.names[play.helper]} STEAL ({self.steals[play.helper]} STL)"
            self.row(1 - away, play.helper, text, "", "", same_number=True)

    def official(self) -> str:
        return _OFFICIALS[int(self.random() * 3)]

    def foul(self, player: int, sub_type: str, words: str) -> None:
        if player == NOBODY:
            return
        away = int(player >= self.first_away)
        self.fouls[player] += 1
        self.team_fouls[away] += 1
        counts = f"(P{self.fouls[player]}.T{self.team_fouls[away]})"
        self.row(away, player, f"{self.names[player]} {words} {counts} ({self.official()})", "Foul", sub_type)

    def free_throws(self, play: Play) -> None:
        player, away, name = play.player, play.away, self.names[play.player]
        for number, good in enumerate(play.makes, start=1):
            words = "Free Throw Technical"
            if play.kind != TECHNICAL:
                words = f"Free Throw {number} of {len(play.makes)}"
            if good:
                self.points[player] += 1
                self.score[away] += 1
                text = f"{name} {words} ({self.points[player]} PTS)"
                self.row(away, player, text, "Free Throw", words, scored=True)
            else:
                self.row(away, player, f"MISS {name} {words}", "Free Throw", words)
                if play.kind == TECHNICAL or number < len(play.makes):
                    text = f"{self.teams[away].name} Rebound"
                    self.row(away, -1, text, "Rebound", "Normal Rebound", video=0)

    def rebound(self, play: Play) -> None:
        player = play.rebounder
        if player == NOBODY:
            away = play.away if play.keeps else 1 - play.away
            self.row(away, -1, f"{self.teams[away].name} Rebound", "Rebound", "Unknown", video=0)
            return
        away = int(player >= self.first_away)
        (self.offensive if away == play.away else self.defensive)[player] += 1
        text = f"{self.names[player]} REBOUND (Off:{self.offensive[player]} Def:{self.defensive[player]})"
        self.row(away, player, text, "Rebound", "Unknown")
