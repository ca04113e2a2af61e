"""The run's metrics, declared in one place."""

from __future__ import annotations

from hoopstat_observability import BatchMetrics, MetricSpec
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.pace import Pacer
from nba_season_backfill.plan import Plan, Unit
from nba_season_backfill.schedule import Game

__all__ = ["METRICS", "MeteredRun"]

METRICS = (
    MetricSpec("counter", "hoopstat_requests_total", "Requests by endpoint and verdict.", ("endpoint", "verdict")),
    MetricSpec("counter", "hoopstat_wait_seconds_total", "Seconds spent waiting for the pace."),
    MetricSpec("gauge", "hoopstat_pace_interval_seconds", "Seconds between two requests, as kept now."),
    MetricSpec("counter", "hoopstat_games_total", "Games by outcome: done, failed.", ("outcome",)),
    MetricSpec("gauge", "hoopstat_games_left", "Games of the plan that are not settled."),
    MetricSpec("counter", "hoopstat_bytes_written_total", "Bytes written, by kind: raw, table.", ("kind",)),
    MetricSpec("gauge", "hoopstat_last_success_timestamp_seconds", "When the last run ended well, in Unix time."),
)


class MeteredRun:
    """Keeps the metrics of a run; an observer that another one stands behind."""

    def __init__(self, metrics: BatchMetrics) -> None:
        self._metrics = metrics
        self._pacer: Pacer | None = None
        self._waited_seconds = 0.0

    def pacing(self, pacer: Pacer) -> None:
        """Ask the pace at every game."""
        self._pacer = pacer

    def planned(self, plan: Plan) -> None:
        """So many games to go."""
        self._metrics.set("hoopstat_games_left", plan.games_to_do)

    def asking(self, unit: Unit) -> None:
        """Counted when it is judged."""

    def judged(self, endpoint: str, verdict: str) -> None:
        """One more answer."""
        self._metrics.inc("hoopstat_requests_total", endpoint=endpoint, verdict=verdict)

    def game_done(self, game: Game, games_left: int) -> None:
        """One game more."""
        del game
        self._metrics.inc("hoopstat_games_total", outcome="done")
        self._metrics.set("hoopstat_games_left", games_left)
        self._look_at_the_pace()

    def committed(self) -> None:
        """Seen at the end, in the summary."""

    def said(self, message: str) -> None:
        """For people."""

    def _look_at_the_pace(self) -> None:
        if self._pacer is not None:
            stats = self._pacer.stats
            self._metrics.set("hoopstat_pace_interval_seconds", stats.interval_seconds)
            self._metrics.inc("hoopstat_wait_seconds_total", max(0.0, stats.waited_seconds - self._waited_seconds))
            self._waited_seconds = max(self._waited_seconds, stats.waited_seconds)

    def ended(self, summary: Summary, *, well: bool, unix_seconds: float) -> None:
        """What only the end knows."""
        self._look_at_the_pace()
        self._metrics.inc("hoopstat_bytes_written_total", summary.archived_bytes, kind="raw")
        self._metrics.inc("hoopstat_bytes_written_total", summary.table_bytes, kind="table")
        if summary.games_left:
            self._metrics.inc("hoopstat_games_total", summary.games_left, outcome="failed")
        if well:
            self._metrics.set("hoopstat_last_success_timestamp_seconds", unix_seconds)
