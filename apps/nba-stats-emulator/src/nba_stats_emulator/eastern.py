"""Times as the service writes them: UTC and US Eastern wall time, both with a Z, and dates in three spellings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from nba_stats_emulator.teams import Team

__all__ = ["eastern", "from_eastern", "hour_text", "local", "parse_date", "stamp", "utc"]


@lru_cache(maxsize=16)
def _daylight_saving(year: int) -> tuple[datetime, datetime]:
    """The UTC moments at which US daylight saving starts and ends (second Sunday of March, first of November)."""
    march, november = datetime(year, 3, 1, 7, tzinfo=UTC), datetime(year, 11, 1, 6, tzinfo=UTC)
    return (
        march + timedelta(days=(6 - march.weekday()) % 7 + 7),
        november + timedelta(days=(6 - november.weekday()) % 7),
    )


def _is_summer(moment: datetime) -> bool:
    start, end = _daylight_saving(moment.year)
    return start <= moment < end


def eastern(moment: datetime) -> datetime:
    """The US Eastern wall time of a UTC moment (still tagged UTC, as the service writes it)."""
    return moment - timedelta(hours=4 if _is_summer(moment) else 5)


def from_eastern(wall: datetime) -> datetime:
    """The UTC moment of a US Eastern wall time (tagged UTC); the later one of an hour that comes twice."""
    moment = wall + timedelta(hours=5)
    return moment if eastern(moment) == wall else wall + timedelta(hours=4)


def local(moment: datetime, home: Team) -> datetime:
    """The wall time at a team's home."""
    behind = 5 + home.hours_behind_eastern
    if home.keeps_daylight_saving and _is_summer(moment):
        behind -= 1
    return moment - timedelta(hours=behind)


def stamp(moment: datetime | date) -> str:
    """`2024-10-22T23:30:00Z`; midnight for a date."""
    if isinstance(moment, datetime):
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment.strftime("%Y-%m-%dT00:00:00Z")


def hour_text(moment: datetime) -> str:
    """`7:30` and `pm` of an Eastern wall time, as `7:30 pm`."""
    return f"{(moment.hour - 1) % 12 + 1}:{moment.minute:02d} {'am' if moment.hour < 12 else 'pm'}"


def parse_date(text: str) -> date:
    """A date in any spelling the service takes: `03/15/2025`, `2025-03-15`, `2025-03-15T00:00:00`.

    Raises ValueError for anything else.
    """
    text = text.strip()
    if "/" in text:
        month, day, year = text.split("/")
        return date(int(year), int(month), int(day))
    return datetime.fromisoformat(text.removesuffix("Z")).date()


def utc(text: str) -> datetime:
    """An ISO 8601 moment, taken as UTC when it names no zone; ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
