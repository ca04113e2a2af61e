"""What is left to do: the wanted units (game x dataset) minus the committed ones, and what that costs. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import GameId, Season, SeasonType

__all__ = ["Plan", "Selection", "Unit", "assumed_plan", "make_plan"]

# Bytes that one request leaves in the lake (gzipped body, its metadata, its share of the Parquet), by dataset; rounded
# up from games of 2024-25 and 2025-26.
_BYTES_PER_REQUEST = {"box-scores-traditional": 9_000, "box-scores-advanced": 10_000, "play-by-play": 40_000}
_BYTES_OTHERWISE = 15_000

# Games of a whole season where nothing better is known: 82 games for each of 30 teams; a play-off year is at most
# 15 series of 7, six play-in games, one Cup final.
_ASSUMED_GAMES = {
    SeasonType.PRE_SEASON: 75,
    SeasonType.REGULAR_SEASON: 1230,
    SeasonType.ALL_STAR: 6,
    SeasonType.PLAYOFFS: 105,
    SeasonType.PLAY_IN: 6,
    SeasonType.IST: 1,
}
_SHORTER_REGULAR_SEASONS = {1998: 725, 2011: 990, 2012: 1229, 2019: 1059, 2020: 1080}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which games are wanted. Empty collections and None mean: no restriction.

    ``limit`` takes the first N games in order of date, whether done or not, so that the same call again adds nothing.
    """

    season_types: tuple[SeasonType, ...]
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    game_ids: tuple[GameId, ...] = ()
    limit: int | None = None

    def picks(self, game: Game) -> bool:
        """Whether the game is one of them (``limit`` aside)."""
        if self.game_ids:
            return game.game_id in self.game_ids
        return (
            game.season_type in self.season_types
            and (self.start_date is None or game.game_date >= self.start_date)
            and (self.end_date is None or game.game_date <= self.end_date)
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work: one dataset of one game, one request."""

    game: Game
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class Plan:
    """The work, and what it costs.

    ``season_requests`` are those for the season's own lists. ``not_final`` counts selected games by state that cannot
    be fetched yet. ``never_existed`` counts units that the upstream never offered for that season. ``missing_ids`` are
    game ids asked for that no list knows. ``assumptions`` say what was guessed where nothing was asked.
    """

    season: Season
    selected_games: int
    units: tuple[Unit, ...]
    committed_units: int
    absent_units: int
    season_requests: int
    not_final: Mapping[str, int] = field(default_factory=dict)
    never_existed: int = 0
    missing_ids: tuple[str, ...] = ()
    assumed_unit_requests: int = 0
    assumed_bytes: int = 0
    assumptions: tuple[str, ...] = ()

    @property
    def requests(self) -> int:
        """Requests in all, the season's lists included."""
        return self.season_requests + len(self.units) + self.assumed_unit_requests

    @property
    def games_to_do(self) -> int:
        """Games with at least one unit left."""
        return len({unit.game.game_id for unit in self.units})

    @property
    def bytes_foreseen(self) -> int:
        """Bytes that the lake will grow by, about."""
        known = sum(_BYTES_PER_REQUEST.get(unit.dataset.name, _BYTES_OTHERWISE) for unit in self.units)
        return known + self.assumed_bytes

    def seconds(self, interval_seconds: float, requests_per_hour: int = 0) -> float:
        """Seconds at that pace; ``requests_per_hour`` (0 = no such limit) may be the tighter of the two."""
        budget_seconds = 3600 / requests_per_hour if requests_per_hour else 0.0
        return self.requests * max(interval_seconds, budget_seconds)


def make_plan(
    games: Sequence[Game],
    datasets: Sequence[Dataset],
    checkpoint: Checkpoint | None,
    selection: Selection,
    *,
    season: Season,
    now: dt.datetime,
    season_requests: int,
    refetch: bool = False,
    doubted: Collection[tuple[str, str]] = (),
) -> Plan:
    """The wanted units minus the committed ones, game by game in order of date.

    Args:
        games: every game of the season, in order of date.
        refetch: take committed units as not committed (``--no-resume``).
        doubted: the same for single ones, (game id, dataset): what is stored of them is not what it should be.
    """
    selected = [game for game in games if selection.picks(game)][: selection.limit]
    units: list[Unit] = []
    committed = absent = never_existed = 0
    not_final: Counter[str] = Counter()
    for game in selected:
        if game.state is not GameState.FINAL:
            not_final[game.state.value] += 1
            continue
        for dataset in datasets:
            if not dataset.offers(season, game.game_id.kind):
                never_existed += 1
                continue
            name = (game.game_id.text, dataset.name)
            record = None if checkpoint is None or refetch or name in doubted else checkpoint.unit(*name)
            if record is None or not record.holds(now):
                units.append(Unit(game, dataset))
            elif record.status == "ok":
                committed += 1
            else:
                absent += 1
    return Plan(
        season=season,
        selected_games=len(selected),
        units=tuple(units),
        committed_units=committed,
        absent_units=absent,
        season_requests=season_requests,
        not_final=dict(not_final),
        never_existed=never_existed,
        missing_ids=_unknown(selection.game_ids, games),
    )


def _unknown(wanted: Collection[GameId], games: Sequence[Game]) -> tuple[str, ...]:
    known = {game.game_id for game in games}
    return tuple(game_id.text for game_id in wanted if game_id not in known)


def assumed_plan(
    season: Season,
    datasets: Sequence[Dataset],
    checkpoint: Checkpoint | None,
    selection: Selection,
    *,
    season_requests: int,
) -> Plan:
    """A plan without asking anybody: what seasons usually hold, less what the checkpoint has. Says what it assumed."""
    offered = [dataset for dataset in datasets if season >= dataset.first_season]
    assumptions = ["nothing was asked of the upstream: game counts are those of a usual season"]
    if selection.game_ids:
        games = len(selection.game_ids)
        assumptions = ["nothing was asked of the upstream: every game named is taken as final"]
    else:
        wanted = [season_type for season_type in selection.season_types if season.has(season_type)]
        games = sum(_ASSUMED_GAMES[season_type] for season_type in wanted)
        if SeasonType.REGULAR_SEASON in wanted:
            regular = _SHORTER_REGULAR_SEASONS.get(season.start_year, _ASSUMED_GAMES[SeasonType.REGULAR_SEASON])
            games += regular - _ASSUMED_GAMES[SeasonType.REGULAR_SEASON]
        if selection.start_date is not None or selection.end_date is not None:
            assumptions.append("dates are not taken into account: the whole season is counted")
        if SeasonType.PLAYOFFS in wanted:
            assumptions.append("playoffs at most: 15 series of seven games")
    if selection.limit is not None:
        games = min(games, selection.limit)
    done = 0
    if checkpoint is not None:
        done = sum(1 for subject, _name, record in checkpoint.units() if subject != "season" and record.status == "ok")
        assumptions.append(f"the checkpoint holds {done} of them already")
    requests = max(0, games * len(offered) - done)
    share = sum(_BYTES_PER_REQUEST.get(dataset.name, _BYTES_OTHERWISE) for dataset in offered) / max(1, len(offered))
    return Plan(
        season=season,
        selected_games=games,
        units=(),
        committed_units=done,
        absent_units=0,
        season_requests=season_requests,
        never_existed=games * (len(datasets) - len(offered)),
        assumed_unit_requests=requests,
        assumed_bytes=round(requests * share),
        assumptions=tuple(assumptions),
    )
