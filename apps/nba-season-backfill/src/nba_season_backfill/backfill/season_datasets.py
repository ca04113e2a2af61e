"""Datasets of a whole season: a few requests each, asked again when the list of games has changed since.

What was archived after the season's game logs last changed is as new as can be: a run that was interrupted goes
on from there, and a finished season is not asked again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.choosing import find_archived, wanted_season_datasets
from nba_season_backfill.backfill.discovery import Discovery
from nba_season_backfill.backfill.exchange import Exchange, Question, Reply
from nba_season_backfill.backfill.ledger import Ledger
from nba_season_backfill.backfill.manner import Manner
from nba_season_backfill.backfill.summary import Failed, Summary
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitStatus
from nba_season_backfill.datasets.base import Assessment, SeasonDataset, SeasonRequest
from nba_season_backfill.errors import ContractViolated, Incomplete
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import Answer, StatsRequest
from nba_season_backfill.source.verdict import VerdictKind, judge

__all__ = ["SeasonDatasets", "teams_of"]

_LOG = get_logger("nba_season_backfill.season_datasets")

# Who plays for whom changes on days without games too, but not by the hour.
_STALE = dt.timedelta(hours=24)
# Tables of what was played: one more game makes them incomplete.
_OF_GAMES = "game_id"


@dataclass(slots=True)
class SeasonDatasets:
    """Brings a season's datasets up to date."""

    settings: BackfillSettings
    season: Season
    manner: Manner
    checkpoint: Checkpoint
    exchange: Exchange
    archive: RawArchive
    ledger: Ledger
    summary: Summary
    now: Callable[[], dt.datetime]
    lists_changed_at: dt.datetime | None = None
    lists: Collection[str] = ()
    failed: list[Failed] = field(default_factory=list)

    @property
    def from_archive(self) -> bool:
        """Whether nothing can be asked: what is not archived is left out."""
        return self.settings.source == "archive"

    @property
    def again(self) -> bool:
        """Whether what is stored already is derived, or asked for, too."""
        return bool(self.manner.again) or not self.settings.resume

    def bring_up_to_date(self, found: Discovery, *, new_games: bool) -> list[Failed]:
        """Ask for what is not there, or no longer true; gives what cannot be had. Games do not wait for it.

        Args:
            found: the season's games, and when its game logs were first seen as they are.
            new_games: whether this run will store games that the lake has not.
        """
        self.lists_changed_at, self.lists = found.changed_at, found.sources
        for dataset in wanted_season_datasets(self.settings):
            if self.season >= dataset.first_season and self._wanted(dataset, new_games=new_games):
                self._bring(dataset, teams_of(found.games, self.settings.season_type))
        return self.failed

    def _wanted(self, dataset: SeasonDataset, *, new_games: bool) -> bool:
        record = self.checkpoint.unit(SEASON_LEVEL, dataset.name)
        if self.manner.again and dataset.name not in self.manner.again:
            return False
        if self.manner.orders is not None:
            # A repair asks for what it was told to forget.
            return record is None
        if record is None or record.status is not UnitStatus.OK or self.again:
            return True
        if self.from_archive:
            return False
        judged_at = dt.datetime.fromisoformat(record.judged_at)
        if any(_OF_GAMES in table.schema.names for table in dataset.tables):
            return self.lists_changed_at is None or judged_at < _whole_seconds(self.lists_changed_at)
        return new_games and self.now() - judged_at >= _STALE

    def _bring(self, dataset: SeasonDataset, team_ids: Sequence[int]) -> None:
        requests = dataset.requests(self.season, self.settings.season_type, self.season.league.value, team_ids)
        shares: list[Assessment] = []
        raws: dict[str, str] = {}
        newest: Reply | None = None
        try:
            for request in requests:
                reply = self._reply(dataset, request)
                if reply is None:
                    _LOG.info("not_archived", dataset=dataset.name, subject=request.subject)
                    return
                if reply.raw_sha256 is not None:
                    raws[f"{request.endpoint}/{request.subject}"] = reply.raw_sha256
                if reply.verdict.assessment is not None:
                    shares.append(reply.verdict.assessment)
                if newest is None or reply.fetched_at > newest.fetched_at:
                    newest = reply
            tables = dataset.combined(shares)
        except (ContractViolated, Incomplete, ValueError) as error:
            self._fail(dataset, error)
            return
        if newest is not None and any(table.num_rows for table in tables.values()):
            for share in shares:
                self.ledger.note(dataset.name, share)
            self.ledger.season_tables(dataset.name, tables, newest, raws)

    def _reply(self, dataset: SeasonDataset, request: SeasonRequest) -> Reply | None:
        """A judged answer: an archived one that is new enough, else a fresh one; None where nothing can be asked."""

        def assess(payload: Mapping[str, Any]) -> Assessment:
            return dataset.assess(payload, request, self.season)

        question = Question(
            StatsRequest(request.endpoint, dict(request.parameters), self.season, request.subject), dataset.root, assess
        )
        if not self.from_archive:
            archived = self._archived(question)
            return archived or self.exchange.settled(question, tries=self.settings.max_retries + 1)
        if not self.archive.find(request.endpoint, str(self.season), request.subject):
            return None
        return self.exchange.settled(question, tries=1)

    def _archived(self, question: Question) -> Reply | None:
        if self.lists_changed_at is None or self.again:
            return None
        request = question.request
        refs = self.archive.find(request.endpoint, str(self.season), request.subject)
        asked_just_now = f"{request.endpoint}/{request.subject}" in self.lists
        if not refs or not (asked_just_now or refs[0].fetched_at >= self.lists_changed_at):
            return None
        found = find_archived(self.archive, request)
        if found is None:
            # Damaged: asking again heals it.
            return None
        body, fetched_at, url = found
        answer = Answer(request, url=url, fetched_at=fetched_at, latency_seconds=0.0, status=200, body=body)
        verdict = judge(answer, question.root, question.assess)
        if verdict.kind not in (VerdictKind.OK, VerdictKind.ABSENT):
            return None
        return Reply(question, verdict, fetched_at, raw_sha256=refs[0].sha256)

    def _fail(self, dataset: SeasonDataset, error: Exception) -> None:
        kind = VerdictKind.TRANSIENT if isinstance(error, Incomplete) else VerdictKind.CONTRACT_VIOLATION
        reason = error.message if isinstance(error, ContractViolated | Incomplete) else str(error)
        failure = Failed(SEASON_LEVEL, dataset.name, kind.value, reason)
        _LOG.error("season_dataset_failed", dataset=dataset.name, reason=reason)
        self.summary.units_failed += 1
        self.summary.failures.append(failure)
        self.failed.append(failure)


def teams_of(games: Iterable[Game], season_types: Collection[SeasonType]) -> list[int]:
    """The ids of the teams that played a game of these types to its end."""
    final = [game for game in games if game.state is GameState.FINAL and game.season_type in season_types]
    ids = {team for game in final for team in (game.home_team_id, game.away_team_id)}
    return sorted(team for team in ids if team is not None)


def _whole_seconds(moment: dt.datetime) -> dt.datetime:
    """Records are kept to the second."""
    return moment.replace(microsecond=0)
