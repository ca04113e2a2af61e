"""The lake, open for reading: the questions one asks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from nba_season_backfill.errors import StoreUnusable, UsageError
from nba_season_backfill.lake import open_store
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.query.answers import Answer, BoxScore, Explanation, PlayerContext, PlayerSummary
from nba_season_backfill.query.memory import Memory
from nba_season_backfill.query.readonly import ReadOnlyStore
from nba_season_backfill.season import EASTERN, Season

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nba_season_backfill.query.reader import Reader

__all__ = ["Lake"]

_REGULAR = "Regular Season"
# A season's partitions, its checkpoint and its players at once; boto3's pool has as many connections.
_SIDE_BY_SIDE = 12
_RANGES = 4
_HINTS = {
    "missing_bucket": "is the bucket's name right?",
    "credentials": "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or the role of this machine",
    "access_denied": "reading needs s3:GetObject and s3:ListBucket, a folder the right to read",
    "unreachable": "check the endpoint, AWS_REGION and the network",
    "corrupt": "`nba-backfill verify --deep` tells the extent, `nba-backfill repair` mends it",
}
_Result = TypeVar("_Result")


class Lake:
    """A lake, for reading only. Thread-safe; to be closed, or used in a ``with`` block.

    It may be asked while a backfill is writing: of each partition an answer has one version, whole. What was read is
    remembered under its version. Which version is the newest is believed for ``max_age_seconds`` and then asked again:
    an answer is never older than that (``refresh`` forgets it at once).

    Args:
        store: where the lake is; its writes are never called.
        max_age_seconds: how old an answer may be; 0 asks the store at every question.
        remember_bytes: how much is remembered; what was used longest ago goes first.
        now: the clock by which today's games are today's.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        max_age_seconds: float = 30.0,
        remember_bytes: int = 256_000_000,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._store = ReadOnlyStore(store)
        clock = {} if monotonic is None else {"monotonic": monotonic}
        self._memory = Memory(max_age_seconds=max_age_seconds, limit_bytes=remember_bytes, **clock)
        self._now = now
        self._side_by_side = ThreadPoolExecutor(_SIDE_BY_SIDE, "lake")
        self._ranges = ThreadPoolExecutor(_RANGES, "lake-ranges")

    @classmethod
    def open(
        cls, where: str | Path, *, endpoint_url: str | None = None, region: str | None = None, **options: Any
    ) -> Lake:
        """Open ``s3://bucket/prefix`` or a folder. Nothing is asked yet.

        Args:
            endpoint_url: another S3 than Amazon's.
            region: the bucket's region.
            options: those of the class.

        Raises:
            UsageError: neither a folder nor an address in S3.
        """
        text = str(where)
        if text.startswith("s3://"):
            bucket, _, prefix = text.removeprefix("s3://").partition("/")
            if not bucket:
                raise UsageError(f"{text!r} names no bucket", hint="write s3://bucket/prefix")
            return cls(open_store(bucket=bucket, prefix=prefix, endpoint_url=endpoint_url, region=region), **options)
        if "://" in text:
            raise UsageError(f"{text!r} is no lake", hint="write s3://bucket/prefix, or name a folder")
        return cls(open_store(folder=Path(where)), **options)

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``, or the folder."""
        return self._store.url

    def games(self, *, date: dt.date | str | None = None, team: str | None = None, season: str | None = None) -> Answer:
        """The schedule with its results: a row a game, by date; of one US Eastern date, one team, one season.

        With neither date nor season: the newest season in the lake. Columns: those of ``games``, and ``season``.
        """
        from nba_season_backfill.query import games

        day = _date(date)
        return self._ask(lambda reader: games.games(reader, day, team, _season(season)))

    def todays_games(self) -> Answer:
        """The games of today's US Eastern date, as the lake knows them."""
        return self.games(date=self._today())

    def team_games(
        self, team: str, *, last: int | None = 10, season: str | None = None, season_type: str | None = None
    ) -> Answer:
        """A team's last final games, oldest first, seen from its side: opponent, place, score, won or not.

        Args:
            last: how many; None for all of the season.
            season: the newest in the lake where none is named.
            season_type: ``Regular Season``, ``Playoffs`` and so on; all but preseason where none is named.
        """
        from nba_season_backfill.query import teams

        if last is not None and last < 1:
            raise UsageError(f"the last {last} games are none", hint="ask for one at least")
        return self._ask(
            lambda reader: teams.team_games(reader, team, _season(season), last, season_type, self._today())
        )

    def team_stats(self, team: str, *, season: str | None = None, season_type: str = _REGULAR) -> Answer:
        """One row: a team's record, points a game for and against, pace and ratings.

        Ratings are points per 100 possessions and pace is possessions per 48 minutes, over all of the games together
        (``rated_games``: those whose box scores are in the lake); null where there are none.
        """
        from nba_season_backfill.query import teams

        return self._ask(lambda reader: teams.team_stats(reader, team, _season(season), season_type, self._today()))

    def box_score(self, game_id: str) -> BoxScore:
        """A game's box score: players' and teams' lines, traditional and advanced side by side.

        Raises:
            NotInLake: it is not there; whether the upstream has none, or it was not fetched yet.
        """
        from nba_season_backfill.query import games

        return self._ask(lambda reader: games.box_score(reader, game_id))

    def play_by_play(self, game_id: str, *, columns: Sequence[str] | None = None) -> Answer:
        """Every action of a game, in order. Only the row groups that have the game are read.

        Raises:
            NotInLake: it is not there; whether the upstream has none, or it was not fetched yet.
        """
        from nba_season_backfill.query import games

        return self._ask(lambda reader: games.play_by_play(reader, game_id, columns))

    def player_games(
        self,
        player: str,
        *,
        season: str | None = None,
        last: int | None = None,
        season_type: str | None = None,
        stats: Sequence[str] | None = None,
        advanced: bool = False,
        played: bool = False,
    ) -> Answer:
        """A player's games of a season, oldest first: date, opponent, score, minutes and every statistic.

        Args:
            player: a name, a part of one, or a person id.
            season: the newest in the lake that has such a player, where none is named.
            last: only the last so many.
            stats: only these statistics; all of the traditional box score where none are named.
            advanced: the advanced statistics too.
            played: leave out the games that the player sat out.
        """
        from nba_season_backfill.query import players

        if last is not None and last < 1:
            raise UsageError(f"the last {last} games are none", hint="ask for one at least")
        return self._ask(
            lambda reader: players.player_games(
                reader,
                player,
                _season(season),
                last=last,
                season_type=season_type,
                stats=stats,
                advanced=advanced,
                played=played,
            )
        )

    def player_summary(
        self,
        player: str,
        stat: str = "points",
        limit: int = 8,
        *,
        season: str | None = None,
        season_type: str = _REGULAR,
    ) -> PlayerSummary:
        """How a player did in one statistic in the last ``limit`` games played, and on average.

        Args:
            stat: a column of the box scores, traditional or advanced, or what people write: ``pts``, ``3pm``.
            season_type: which games the average is of.
        """
        from nba_season_backfill.query import players

        if limit < 1:
            raise UsageError(f"the last {limit} games are none", hint="ask for one at least")
        return self._ask(
            lambda reader: players.player_summary(reader, player, stat, limit, _season(season), season_type)
        )

    def player_context(self, player: str, *, season: str | None = None, season_type: str = _REGULAR) -> PlayerContext:
        """What one wants to know of a player before the next game: form, home and away, rest, and against whom."""
        from nba_season_backfill.query import players

        return self._ask(
            lambda reader: players.player_context(reader, player, _season(season), season_type, self._today())
        )

    def coverage(self, *, season: str | None = None) -> Answer:
        """What is there of what there should be: a row a season, month and dataset."""
        from nba_season_backfill.query import coverage

        return self._ask(lambda reader: coverage.coverage(reader, _season(season)))

    def status(self) -> Answer:
        """A row a season: how much of it is in the lake, and what the last run left."""
        from nba_season_backfill.query import coverage

        return self._ask(coverage.status)

    def sql(
        self,
        query: str,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        explain: bool = False,
    ) -> Answer:
        """One SELECT over the lake's tables, through DuckDB (extra ``sql``).

        Tables go by their names, ``"box-scores-traditional"`` or ``box_scores_traditional``, and have ``season`` and
        ``month`` beside their own columns: a condition on them leaves partitions unread. Nothing else can be read.

        Args:
            parameters: values for ``?`` or ``$name`` in the query.
            explain: keep the engine's plan too, in the answer's ``explanation``.

        Raises:
            SqlNotInstalled: DuckDB is not here.
            SqlRefused: it is not one SELECT.
            SqlWrong: DuckDB does not understand it.
        """
        from nba_season_backfill.query import sql

        return self._ask(lambda reader: sql.run(reader, query, parameters, explain=explain))

    def is_simulated(self, season: str) -> bool:
        """Whether a season's data is the sample's, as its checkpoint says."""
        return self._ask(lambda reader: reader.simulated(reader.state(season)))

    def refresh(self) -> None:
        """Believe nothing: ask the store again. What was read stays remembered under its version."""
        self._memory.doubt()

    def close(self) -> None:
        """Give threads and connections back. Idempotent."""
        self._side_by_side.shutdown(wait=True)
        self._ranges.shutdown(wait=True)
        self._store.close()

    def __enter__(self) -> Lake:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, question: Callable[[Reader], _Result]) -> _Result:
        # pyarrow takes a tenth of a second to import: only those who ask should pay.
        from nba_season_backfill.query.reader import Reader

        explanation = Explanation(self._store.url)
        with _store_errors():
            return question(Reader(self._store, self._memory, explanation, self._side_by_side, self._ranges))

    def _today(self) -> dt.date:
        return self._now().astimezone(EASTERN).date()


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise StoreUnusable(str(error), hint=_HINTS.get(error.kind, "nothing was changed")) from error


def _season(text: str | None) -> str | None:
    if text is None:
        return None
    if text.strip().isdecimal() and len(text.strip()) == 4:
        # As a league names its seasons that plays in one year; whether this one does, the lake knows.
        return text.strip()
    try:
        return str(Season.parse(text))
    except ValueError as error:
        raise UsageError(f"season {text!r}: {error}") from None


def _date(date: dt.date | str | None) -> dt.date | None:
    if not isinstance(date, str):
        return date
    try:
        return dt.date.fromisoformat(date)
    except ValueError:
        raise UsageError(f"{date!r} is no date", hint="write YYYY-MM-DD, for instance 2024-12-25") from None
