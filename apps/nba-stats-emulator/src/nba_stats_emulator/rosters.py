"""Who belongs to which team when, what each player does on average, and so who starts where and who sits out.

Totals and spells come from the facts; positions, starters and reasons for not playing are simulated from them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from random import Random

from nba_stats_emulator.facts import Facts, Line, Player
from nba_stats_emulator.stand_in import GUEST_PLAYERS, Template, guest_id
from nba_stats_emulator.teams import TEAMS, Team

__all__ = ["Averages", "Rosters", "Spell"]

_ROSTER_SIZE = 15
_MARGIN_GAMES = 3  # a spell counts for a few games around the first and the last in which he played


@dataclass(slots=True)
class Averages:
    """A player's regular season so far as a sum; read the per-game properties."""

    games: int = 0
    minutes: int = 0
    points: int = 0
    rebounds: int = 0
    assists: int = 0
    blocks: int = 0

    def add(self, line: Line) -> None:
        """Count one more game."""
        self.games += 1
        self.minutes += line.minutes
        self.points += line.points
        self.rebounds += line.oreb + line.dreb
        self.assists += line.ast
        self.blocks += line.blk

    def per_game(self, total: int) -> float:
        """A total divided by games, to a tenth."""
        return round(total / self.games, 1) if self.games else 0.0

    @property
    def bigness(self) -> float:
        """Higher for players who rebound and block, lower for those who pass: what positions are simulated from."""
        return (self.rebounds + 3 * self.blocks - 1.2 * self.assists) / (self.minutes + 60)


@dataclass(slots=True)
class Spell:
    """A player's time with a team: the first and last of the team's games (counted from 0) in which he played."""

    first: int
    last: int
    minutes: int = 0
    games: list[int] = field(default_factory=list)


class Rosters:
    """Players and teams of a season, derived from its lines."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @cached_property
    def _team_games(self) -> dict[int, list[str]]:
        """Ids of each team's regular-season games in the order they were played."""
        games: dict[int, list[str]] = {number: [] for number in TEAMS}
        for game in self._facts.games.values():
            if game.kind == 2:
                games[game.home.team_id].append(game.game_id)
                games[game.away.team_id].append(game.game_id)
        return games

    @cached_property
    def _team_dates(self) -> dict[int, list[date]]:
        games = self._facts.games
        return {number: [games[game_id].game_date for game_id in ids] for number, ids in self._team_games.items()}

    @cached_property
    def _survey(self) -> tuple[dict[int, Averages], dict[int, dict[int, Spell]]]:
        averages: dict[int, Averages] = {}
        spells: dict[int, dict[int, Spell]] = {number: {} for number in TEAMS}
        played = dict.fromkeys(TEAMS, 0)
        for game in self._facts.games.values():
            if game.kind != 2:
                continue
            for side, lines in zip((game.home, game.away), self._facts.lines[game.game_id], strict=True):
                number = played[side.team_id]
                played[side.team_id] += 1
                of_team = spells[side.team_id]
                for line in lines:
                    known = averages.get(line.player_id)
                    if known is None:
                        known = averages[line.player_id] = Averages()
                    known.add(line)
                    spell = of_team.get(line.player_id)
                    if spell is None:
                        spell = of_team[line.player_id] = Spell(number, number)
                    spell.last = number
                    spell.minutes += line.minutes
        return averages, spells

    @property
    def averages(self) -> dict[int, Averages]:
        """Season totals by player id."""
        return self._survey[0]

    def spells(self, team: Team) -> dict[int, Spell]:
        """Everyone who played for a team, by player id."""
        return self._survey[1][team.team_id]

    def last_team(self) -> dict[int, Team]:
        """The team each player last played for."""
        latest: dict[int, tuple[date, Team]] = {}
        for number, of_team in self._survey[1].items():
            for player_id, spell in of_team.items():
                when = self._team_dates[number][spell.last]
                if player_id not in latest or latest[player_id][0] < when:
                    latest[player_id] = (when, TEAMS[number])
        return {player_id: team for player_id, (_, team) in sorted(latest.items())}

    @cached_property
    def _moves(self) -> dict[int, list[tuple[date, int]]]:
        """For each player who changed teams: (day of his first game with it, team id), in order."""
        moves: dict[int, list[tuple[date, int]]] = {}
        for number, of_team in self._survey[1].items():
            for player_id, spell in of_team.items():
                moves.setdefault(player_id, []).append((self._team_dates[number][spell.first], number))
        return {player_id: sorted(steps) for player_id, steps in moves.items() if len(steps) > 1}

    def _belongs(self, player_id: int, team: Team, when: date) -> bool:
        """True when the last team he had a game with by that day is this one."""
        steps = self._moves.get(player_id)
        if steps is None:
            return True
        return [number for day, number in steps if day <= when or day == steps[0][0]][-1] == team.team_id

    def members(self, team_id: int, when: date) -> list[tuple[Player, float]]:
        """(player, bigness) of everyone who belongs to a team on a day, by name; none of an unknown team."""
        team = TEAMS.get(team_id)
        if team is None or not team.is_nba:
            return []
        found = [
            (self.player(player_id), self.averages[player_id].bigness)
            for player_id in self.spells(team)
            if self._belongs(player_id, team, when)
        ]
        return sorted(found, key=lambda entry: (entry[0].family_name, entry[0].first_name, entry[0].player_id))

    def player(self, player_id: int) -> Player:
        """A player's name; stand-ins of guest teams are called Simulated."""
        known = self._facts.players.get(player_id)
        if known is not None:
            return known
        guests = TEAMS.get(player_id // 100)
        return Player.named(player_id, "Simulated", f"{guests.name if guests else 'Player'} {player_id % 100}")

    def templates(self, team: Team, kind: int, when: date) -> list[Template]:
        """Real games of a team that a stand-in game of this kind on this day may be modelled on."""
        if team.is_nba:
            ids = self._team_games[team.team_id]
            number = bisect_left(self._team_dates[team.team_id], when)
            chosen = ids[:20] if kind == 1 else ids[max(0, number - 30) : max(20, number)]
            of_team = [team]
        else:
            chosen = [game.game_id for game in list(self._facts.games.values())[200:260] if game.kind == 2]
            of_team = list(TEAMS.values())
        found = []
        for game_id in chosen:
            game = self._facts.games[game_id]
            for side, lines in zip((game.home, game.away), self._facts.lines[game_id], strict=True):
                in_regulation = sum(line.minutes for line in lines) < 250
                if side in of_team and in_regulation and len(lines) <= GUEST_PLAYERS:
                    found.append(Template(sum(line.points for line in lines), lines))
        return found

    def idle(self, team: Team, when: date, playing: set[int], rng: Random) -> list[tuple[int, str]]:
        """(player id, comment) of those who sit on the bench of a game and do not play; simulated."""
        if not team.is_nba:
            known = [guest_id(team, number) for number in range(1, GUEST_PLAYERS + 1)]
            return [(player_id, "DNP - Coach's Decision") for player_id in known if player_id not in playing]
        number = bisect_left(self._team_dates[team.team_id], when)
        around = [
            (-spell.minutes, player_id)
            for player_id, spell in self.spells(team).items()
            if player_id not in playing
            and spell.first - _MARGIN_GAMES <= number <= spell.last + _MARGIN_GAMES
            and self._belongs(player_id, team, when)
        ]
        around.sort()
        chosen = [player_id for _, player_id in around[: max(0, _ROSTER_SIZE - len(playing))]]
        comments = []
        for player_id in chosen:
            regular = self.averages[player_id].minutes > 18 * self.averages[player_id].games
            chance = rng.random()
            if chance < (0.75 if regular else 0.08):
                comments.append((player_id, "DND - Injury/Illness"))
            elif chance > 0.96:
                comments.append((player_id, "NWT - Not With Team"))
            else:
                comments.append((player_id, "DNP - Coach's Decision"))
        return comments
