"""Long work shows itself: a progress bar on a terminal, nothing but log lines elsewhere."""

from __future__ import annotations

import datetime as dt
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from nba_season_backfill.pace import Pacer
from nba_season_backfill.plan import Plan, Unit
from nba_season_backfill.schedule import Game

__all__ = ["TerminalProgress"]


class TerminalProgress:
    """Shows games done, rate, time left, the current game and what is waited for. Use as a context manager.

    Args:
        console: where to draw (standard error: standard output stays clean for what is printed at the end).
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("games"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[now]}", style="dim"),
            console=console,
            transient=True,
            expand=True,
            refresh_per_second=5,
        )
        self._task: TaskID | None = None
        self._current = ""
        self._pacer: Pacer | None = None

    def __enter__(self) -> TerminalProgress:
        self._progress.start()
        self._task = self._progress.add_task("finding the games", total=None, rate="", now="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def pacing(self, pacer: Pacer) -> None:
        """Show what the pace is doing, whenever the line is drawn anew."""
        self._pacer = pacer

    def planned(self, plan: Plan) -> None:
        """The work is known: draw the bar."""
        if self._task is not None:
            self._progress.reset(self._task, total=plan.games_to_do, description=f"[bold]{plan.season}")

    def asking(self, unit: Unit) -> None:
        """A worker has taken this unit up."""
        game = unit.game
        self._current = f"{game.game_id} {game.away_tricode or '?'} @ {game.home_tricode or '?'} {unit.dataset.name}"
        self._redraw()

    def judged(self, endpoint: str, verdict: str) -> None:
        """Seen in the summary."""

    def game_done(self, game: Game, games_left: int) -> None:
        """One game more."""
        del game, games_left
        if self._task is not None:
            self._progress.advance(self._task)
            self._redraw()

    def committed(self) -> None:
        """Drawn by the next redraw."""
        self._redraw()

    def said(self, message: str) -> None:
        """Print a line above the bar."""
        self._console.print(message, highlight=False)

    def _redraw(self) -> None:
        if self._task is None:
            return
        task = self._progress.tasks[self._progress.task_ids.index(self._task)]
        rate = ""
        if task.speed:
            left = dt.timedelta(seconds=round((task.remaining or 0) / task.speed))
            rate = f"{task.speed * 60:.0f}/min, {left} left" if task.speed < 5 else f"{task.speed:.0f}/s, {left} left"
        self._progress.update(self._task, rate=rate, now=f"{self._current} {self._pace()}".strip())

    def _pace(self) -> str:
        if self._pacer is None:
            return ""
        stats = self._pacer.stats
        words = f"every {stats.interval_seconds:.1f} s" if stats.interval_seconds else ""
        if stats.circuit != "closed":
            words += f", {stats.circuit}: waiting after {stats.refusals} refusals"
        return words
