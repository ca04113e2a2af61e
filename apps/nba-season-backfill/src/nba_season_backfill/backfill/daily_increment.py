"""What a daily run does otherwise than a full one: fewer lists, some days only, and a second look at the last few."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.choosing import wanted_datasets
from nba_season_backfill.backfill.daily_lists import DailyLists
from nba_season_backfill.backfill.discovery import Discovery
from nba_season_backfill.backfill.exchange import Exchange
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.daily.totals import Disagreement, Line, Memory, Who, compare, stored_totals
from nba_season_backfill.daily.watermark import Watermark
from nba_season_backfill.daily.window import Window
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.lake.bronze import BronzeWriter
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.plan import Selection
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import EASTERN, Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["DailyIncrement"]

_LOG = get_logger("nba_season_backfill.daily")

_BOX = DATASETS["box-scores-traditional"]


@dataclass(slots=True)
class DailyIncrement:
    """The days since the watermark, and the lookback's. An instance is good for one run over one season."""

    settings: BackfillSettings
    season: Season
    today: dt.date
    _lists: DailyLists | None = None

    def moment(self, now: dt.datetime) -> dt.datetime:
        """That time of day, on the US Eastern date that the run is of."""
        local = now.astimezone(EASTERN)
        return now if local.date() == self.today else dt.datetime.combine(self.today, local.time(), EASTERN)

    def discover(self, exchange: Exchange, archive: RawArchive, checkpoint: Checkpoint, *, tries: int) -> Discovery:
        """Every game of the season, asking only for the lists that can have changed."""
        watermark = Watermark.from_document(checkpoint.watermark)
        self._lists = DailyLists(
            exchange,
            archive,
            self.season,
            self.settings.season_type,
            Window.of(self.today, watermark, self.settings.lookback_days),
            tries,
        )
        return self._lists.discover()

    def narrow(
        self, wanted: Selection, found: Discovery, checkpoint: Checkpoint, bronze: BronzeWriter, summary: Summary
    ) -> tuple[Selection, frozenset[tuple[str, str]]]:
        """The games of those days, and the units among them of which the game logs say something else now."""
        assert self._lists is not None
        window = self._lists.window
        selection = wanted
        if window.since is not None:
            # What a crash left half stored is finished, whenever it was played.
            since = min([window.since, *checkpoint.dates_with(UnitStatus.ARCHIVED)])
            selection = replace(wanted, start_date=max(since, wanted.start_date or since))
            summary.since = since.isoformat()
        doubted = self._corrected([game for game in found.games if selection.picks(game)], checkpoint, bronze, summary)
        datasets = [dataset.name for dataset in wanted_datasets(self.settings)]
        return selection, frozenset((game_id, dataset) for game_id in doubted for dataset in datasets)

    def _corrected(
        self, games: Iterable[Game], checkpoint: Checkpoint, bronze: BronzeWriter, summary: Summary
    ) -> list[str]:
        """The games of the lookback whose totals are not the stored ones, or not what they were."""
        assert self._lists is not None
        since = self._lists.window.corrections_since
        months = {
            game.game_id.text: game.month
            for game in games
            if game.state is GameState.FINAL and game.game_date >= since and _is_stored(checkpoint, game)
        }
        if not months or _BOX not in wanted_datasets(self.settings):
            return []
        said_before = len(self._lists.warnings)
        totals = self._lists.totals()
        summary.warnings += self._lists.warnings[said_before:]
        if totals is None:
            return []

        def stored(game_id: str) -> Mapping[Who, Line] | None:
            players, teams = (bronze.rows(table.name, months[game_id], game_id) for table in _BOX.tables)
            return None if players is None or teams is None else stored_totals(players[0], teams[0])

        remembered = {game_id: Memory(str(kept[0]), int(kept[1])) for game_id, kept in checkpoint.totals.items()}
        differing, agreed = compare(totals, stored, remembered, months)
        for each in differing:
            self._tell(each, summary)
        kept = {game_id: memory for game_id, memory in remembered.items() if game_id in months}
        kept |= agreed | {each.game_id: each.memory for each in differing}
        checkpoint.totals = {game_id: [memory.digest, memory.asked] for game_id, memory in sorted(kept.items())}
        return [each.game_id for each in differing if not each.give_up]

    def _tell(self, each: Disagreement, summary: Summary) -> None:
        _LOG.warning("totals_differ", game_id=each.game_id, what=each.what, asks_again=not each.give_up)
        if each.give_up:
            summary.warnings.append(
                f"game {each.game_id}: game log and box score go on to disagree ({each.what}); no longer asked for"
            )


def _is_stored(checkpoint: Checkpoint, game: Game) -> bool:
    record = checkpoint.unit(game.game_id.text, _BOX.name)
    return record is not None and record.status is UnitStatus.OK
