"""Is a lake up to date, and what is there to do? Pure: what was seen goes in, a judgement comes out.

A season that goes on is fresh as long as its watermark (the last date up to which every game is complete), or where
there is none its last success, is not too old. A season that is over is fresh once it is complete, however long ago.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nba_season_backfill.daily.watermark import Watermark
from nba_season_backfill.season import EASTERN, League, Season, season_of_date

__all__ = ["Pulse", "Seen", "take_pulse"]

Row = Mapping[str, Any]

# A season's lists end with its regular season until its playoffs are known: no earlier month is its last.
_LAST_GAMES_IN = {League.NBA: 6, League.WNBA: 9, League.G_LEAGUE: 4}


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a season in a lake at a moment (UTC).

    ``runs``: rows of ``pipeline-audit`` and of runs at work, of this season, the newest first. ``at_work``: who holds
    the season's lease now. ``open_units``: answers that failed, or are doubtful. ``success_at``: when the checkpoint
    was last committed with nothing left, for lakes whose runs are not recorded.
    """

    season: Season
    now: dt.datetime
    stale_after: dt.timedelta
    exists: bool = False
    watermark: Watermark = Watermark(None)  # noqa: RUF009  # it is frozen
    runs: Sequence[Row] = ()
    at_work: str | None = None
    open_units: int = 0
    success_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Pulse:
    """``up_to_date_at`` (UTC) is the moment up to which the lake is known to be complete; None when there is none."""

    fresh: bool
    up_to_date_at: dt.datetime | None
    freshness_hours: float | None
    season_over: bool
    next_action: str


def take_pulse(seen: Seen) -> Pulse:
    """The judgement."""
    asked = [row for row in seen.runs if row["source"] != "archive" and row["outcome"] not in ("skipped", "running")]
    last = asked[0] if asked else None
    success = next((row["ended_at"] for row in asked if row["exit_code"] == 0), seen.success_at)
    at = success
    if seen.watermark.date is not None:
        # A date is over when it is over in New York.
        at = dt.datetime.combine(seen.watermark.date + dt.timedelta(days=1), dt.time(), EASTERN).astimezone(dt.UTC)
    over = _is_over(seen)
    if not seen.exists:
        fresh = False
    elif over:
        fresh = seen.watermark.season_complete or (success is not None and (last is None or last["exit_code"] == 0))
    else:
        fresh = at is not None and seen.now - at <= seen.stale_after
    hours = round(max(0.0, (seen.now - at).total_seconds()) / 3600, 1) if at is not None and seen.exists else None
    return Pulse(fresh, at if seen.exists else None, hours, over, _next_action(seen, last, fresh=fresh, over=over))


def _is_over(seen: Seen) -> bool:
    league = seen.season.league
    if seen.season.start_year < season_of_date(seen.now.astimezone(EASTERN).date(), league).start_year:
        return True
    last_game = seen.watermark.last_game
    return seen.watermark.season_complete and last_game is not None and last_game.month >= _LAST_GAMES_IN[league]


def _next_action(seen: Seen, last: Row | None, *, fresh: bool, over: bool) -> str:
    command = f"nba-backfill {'run' if over or seen.watermark.date is None else 'daily'} --season {seen.season}"
    if seen.at_work is not None:
        return f"wait: {seen.at_work} is at work"
    if not seen.exists:
        return f"run `{command}`: nothing has been fetched yet"
    if last is not None and last["exit_code"] != 0:
        return _after_a_bad_end(last, command)
    if seen.watermark.held_by and not fresh:
        return f"run `{command}`: the watermark is held by {', '.join(seen.watermark.held_by)}"
    if not fresh:
        return f"run `{command}`, and look why nothing did: it is not up to date"
    if seen.open_units:
        return f"run `{command}` again some time: {seen.open_units} answers are open"
    if not over:
        return "nothing until the next games are over"
    return f"nothing: {'the season is complete' if seen.watermark.season_complete else 'what was wanted is stored'}"


def _after_a_bad_end(last: Row, command: str) -> str:
    what = f"run {last['run_id']} ended with {last['exit_code']}"
    match last["exit_code"]:
        case None:
            return f"run `{command}`: run {last['run_id']} was killed, it will be continued"
        case 65:
            return f"see `nba-backfill runs show {last['run_id']}`: an answer broke its contract (65)"
        case 69:
            return f"run `nba-backfill doctor`, then `{command}`: {what}, the upstream did not let it in"
        case 75 | 130 | 143:
            return f"run `{command}` again: {what}, it will be continued"
        case 78:
            return f"mend the configuration ({last['message'] or what}), then run `{command}`"
        case _:
            return f"see `nba-backfill runs show {last['run_id']}`: {what}"
