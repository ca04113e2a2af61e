"""What the commands do with their settings: logging, signals, progress, and the result as text or JSON."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
import pyarrow as pa

from hoopstat_config import OriginKind
from hoopstat_observability import (
    BatchMetrics,
    bind_run,
    configure_logging,
    configure_tracing,
    exporting,
    get_logger,
    redact,
    shutdown_logging,
    shutdown_tracing,
    write_termination_message,
)
from nba_season_backfill.backfill.choosing import pace_config
from nba_season_backfill.backfill.flight import Flight
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.looking import status_document, status_text
from nba_season_backfill.backfill.metrics import METRICS, MeteredRun
from nba_season_backfill.backfill.observer import NoObserver, Observer, Observers
from nba_season_backfill.backfill.planning import plan_season
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.backfill.telling import keep_secret, tell
from nba_season_backfill.cli.reporting import report_after_run
from nba_season_backfill.errors import BackfillError, ConfigurationError, Incomplete
from nba_season_backfill.pace import Pacer
from nba_season_backfill.rendering import plan_document, plan_text, seasons_text, summary_text
from nba_season_backfill.season import EASTERN, Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.sample import SampleServer

__all__ = ["carry_out", "dry_run", "plan", "quiet", "run", "season_of", "seasons_of", "status"]

SERVICE = "nba-season-backfill"
_LOG = get_logger("nba_season_backfill.cli")


def season_of(settings: BackfillSettings) -> Season:
    """The one season that the settings name, or were resolved to.

    Raises:
        ConfigurationError: they name several, and the command is about one.
    """
    seasons = seasons_of(settings)
    if len(seasons) > 1:
        raise ConfigurationError(
            f"--season {settings.season!r}: names {len(seasons)} seasons", hint="this command takes one at a time"
        )
    return seasons[0]


def seasons_of(settings: BackfillSettings) -> tuple[Season, ...]:
    """The seasons that the settings name, in the order in which they are to be worked on."""
    return settings.seasons(dt.datetime.now(EASTERN).date())


Job = Callable[[str, Observer, Stop], Summary]


def run(settings: BackfillSettings, sample: SampleServer | None = None) -> int:
    """Run the job, for one season after the other; gives the exit code. ``sample`` was begun for the first of them.

    A season that is incomplete, or breaks its contract, does not keep the next ones from being fetched; the exit code
    tells. What would stop the next season too (a block, a signal, the lake) ends it all.
    """
    seasons = seasons_of(settings)
    # One pace for them all: where one season ends and the next begins, the upstream must not notice.
    pacer = Pacer(pace_config(settings)) if len(seasons) > 1 else None
    codes = []
    for season in seasons:
        codes.append(_run_one(settings if pacer is None else settings.for_season(season), season, pacer, sample))
        if codes[-1] not in _GO_ON:
            break
    if pacer is not None and settings.output_format == "text" and sys.stdout.isatty():
        click.echo(seasons_text(tuple(zip(seasons, codes, strict=False)), len(seasons)))
    return codes[-1] if codes[-1] not in _GO_ON else max(codes, key=_GO_ON.index)


# Codes after which the next season is tried, from good to bad.
_GO_ON = (0, 75, 65)


def _run_one(settings: BackfillSettings, season: Season, pacer: Pacer | None, sample: SampleServer | None) -> int:
    return carry_out(
        settings,
        lambda run_id, observer, stop: run_season(
            settings, season, run_id=run_id, observer=observer, stop=stop, pacer=pacer, sample=sample
        ),
    )


def carry_out(settings: BackfillSettings, job: Job, *, command: str = "run") -> int:
    """Do a job with logging, signals and progress; gives the exit code. Everything that can go wrong ends here.

    It is recorded in the lake under the name ``command``, and whoever should know is told how it ended.
    """
    ids = bind_run(environ=os.environ)
    keep_secret(settings)
    # Arrow's own allocator keeps what was freed: for a run, whose months come and go, that is a fifth of its memory.
    pa.set_memory_pool(pa.system_memory_pool())
    # What is there by now stays, and what a game brings is gone with it: neither has cycles to be looked for often.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    terminal = sys.stderr.isatty() and settings.log_format != "json"
    stop = Stop()
    flight = Flight(settings, ids, command=command)
    with _signals(stop):
        flight.begin()
        try:
            with _watching(settings, ids.run_id, terminal) as observer, _metered(settings, observer) as watched:
                observers = Observers(watched.observer, flight)
                summary, error = _attempt(settings, lambda: job(ids.run_id, observers, stop))
                watched.ended(summary, error)
        except ConfigurationError as unready:
            summary, error = None, unready
        problems = tell(settings, flight, summary, error, stop)
        problems += report_after_run(settings, summary, stopped=stop.signal_number is not None)
        for problem in problems:
            _LOG.warning("not_told", problem=problem)
            if summary is not None:
                summary.warnings.append(problem)
    _finish(settings, summary, error, terminal)
    return error.exit_code if error is not None else 0


def _attempt(settings: BackfillSettings, job: Callable[[], Summary]) -> tuple[Summary | None, BackfillError | None]:
    try:
        return job(), None
    except BackfillError as error:
        return error.summary, error
    except Exception as error:  # noqa: BLE001  # the process boundary: an internal error is reported, with its trace
        _LOG.critical("internal_error", exc_info=error)
        internal = BackfillError(
            f"internal error: {type(error).__name__}: {redact(str(error))}", hint="please report it with the log"
        )
        internal.__cause__ = error
        if settings.log_format != "json":
            click.echo(str(redact("".join(traceback.format_exception(error)))), err=True)
        return None, internal


def _finish(settings: BackfillSettings, summary: Summary | None, error: BackfillError | None, terminal: bool) -> None:
    document = summary.to_document() if summary is not None else {}
    json_lines = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stdout.isatty())
    # People get the summary as text below; programs find it in the last line.
    told = {"summary": document} if json_lines else {}
    if error is not None:
        _LOG.error("run_failed", error=str(error), exit_code=error.exit_code, **told)
    else:
        _LOG.info("run_finished", exit_code=0, **told)
    write_termination_message(_termination(summary, error))
    asked = settings.origin("output_format").kind is not OriginKind.DEFAULT
    if summary is not None and (terminal or asked or not json_lines):
        if settings.output_format == "json":
            click.echo(json.dumps(redact(document), default=str))
        elif not json_lines or asked:
            click.echo(summary_text(summary))
    if error is not None:
        click.echo(f"nba-backfill: {' '.join(str(redact(str(error))).split())}", err=True)
    shutdown_tracing()
    shutdown_logging()


def _termination(summary: Summary | None, error: BackfillError | None) -> dict[str, object]:
    message: dict[str, object] = {"outcome": "failed", "exit_code": 1}
    if summary is not None:
        message = {
            "outcome": summary.outcome,
            "exit_code": summary.exit_code,
            "season": summary.season,
            "run_id": summary.run_id,
            "games_done": summary.games_done,
            "games_left": summary.games_left,
            "units_failed": summary.units_failed,
            "requests": summary.requests,
            "how_to_resume": "run the same command again with --resume",
        }
    if error is not None:
        message |= {"exit_code": error.exit_code, "last_error": str(error)}
    return message


@dataclass(frozen=True, slots=True)
class _Watched:
    """Who is told, and the metrics that are kept of it, if any."""

    observer: Observer
    metered: MeteredRun | None = None

    def ended(self, summary: Summary | None, error: BackfillError | None) -> None:
        if self.metered is not None and summary is not None:
            self.metered.ended(summary, well=error is None, unix_seconds=time.time())


@contextmanager
def _metered(settings: BackfillSettings, observer: Observer) -> Iterator[_Watched]:
    """Metrics, written every so often and at the end, where the settings ask for them."""
    if settings.metrics_textfile is None and settings.pushgateway_url is None:
        yield _Watched(observer)
        return
    metrics = BatchMetrics(METRICS)
    metered = MeteredRun(metrics)
    with exporting(
        metrics,
        textfile=settings.metrics_textfile,
        pushgateway_url=settings.pushgateway_url,
        job=SERVICE,
        # Fixed: runs replace each other's metrics instead of piling up.
        grouping_key={"season": settings.season or ""},
    ):
        yield _Watched(Observers(observer, metered), metered)


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops the run in order, the second ends the process at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.signal_number is not None:
            os._exit(128 + number)
        stop.request(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _watching(settings: BackfillSettings, run_id: str, terminal: bool) -> Iterator[Observer]:
    """Logging set up, and a progress bar where somebody can see it."""
    file = Path(settings.log_file) if settings.log_file else None
    configure_tracing(service=SERVICE, environ=os.environ)
    if file is not None:
        try:
            _must_be_writable(file)
        except ConfigurationError:
            # That it failed is logged too, and must come in the form that was asked for.
            configure_logging(level=settings.log_level, format=settings.log_format, service=SERVICE, run_id=run_id)
            raise
    if not terminal:
        configure_logging(
            level=settings.log_level, format=settings.log_format, service=SERVICE, file=file, run_id=run_id
        )
        yield _Logged()
        return
    from rich.console import Console

    from nba_season_backfill.progress import TerminalProgress

    console = Console(stderr=True)
    configure_logging(
        level="WARNING" if settings.origin("log_level").kind is OriginKind.DEFAULT else settings.log_level,
        format="console",
        service=SERVICE,
        file=file,
        run_id=run_id,
        console=console,
    )
    with TerminalProgress(console) as progress:
        yield progress


def _must_be_writable(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab"):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"--log-file {file}: cannot be written ({error.strerror})",
            hint="name a file in a folder that can be written",
        ) from None


class _Logged(NoObserver):
    """Off a terminal, what a person should read becomes a log line."""

    def said(self, message: str) -> None:
        """Log it."""
        _LOG.info("notice", message=message)


def quiet(settings: BackfillSettings) -> None:
    """Commands that print a result keep standard output for it."""
    ids = bind_run(environ=os.environ)
    level = "WARNING" if settings.origin("log_level").kind is OriginKind.DEFAULT else settings.log_level
    configure_logging(level=level, format=settings.log_format, service=SERVICE, stream=sys.stderr, run_id=ids.run_id)


def plan(settings: BackfillSettings) -> None:
    """Ask for the lists and print what a run would do."""
    quiet(settings)
    _print_plan(settings, ask=True)


def dry_run(settings: BackfillSettings) -> None:
    """Validate everything and print the plan: no network, no credentials; exact for the sample."""
    quiet(settings)
    _print_plan(settings, ask=settings.source == "sample")


def _print_plan(settings: BackfillSettings, *, ask: bool) -> None:
    seasons = seasons_of(settings)
    for season in seasons:
        _print_plan_of(settings if len(seasons) == 1 else settings.for_season(season), season, ask=ask)


def _print_plan_of(settings: BackfillSettings, season: Season, *, ask: bool) -> None:
    made, lake = plan_season(settings, season, ask=ask)
    interval_seconds = settings.effective_interval_seconds
    budget = 0 if settings.pace_off else settings.request_budget
    if settings.output_format == "json":
        document = plan_document(made, interval_seconds, budget) | {"lake": lake, "dry_run": settings.dry_run}
        click.echo(json.dumps(document))
    else:
        click.echo(plan_text(made, interval_seconds, budget, lake=lake, dry_run=settings.dry_run))


def status(settings: BackfillSettings) -> int:
    """Print the pulse of each season that the settings name; 0 when all are fresh, else 75."""
    quiet(settings)
    fresh = True
    for season in seasons_of(settings):
        document = status_document(settings, season)
        fresh = fresh and document["fresh"]
        click.echo(json.dumps(document) if settings.output_format == "json" else status_text(document))
    return 0 if fresh else Incomplete.exit_code
