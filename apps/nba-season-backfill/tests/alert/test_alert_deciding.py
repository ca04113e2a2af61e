"""What is told of which end."""

from __future__ import annotations

import pytest

from nba_season_backfill.alert import Ending, Event, events_of

FAILURE, INCOMPLETE, VALIDATION = Event.FAILURE, Event.INCOMPLETE, Event.VALIDATION
BLOCKED, RECOVERY = Event.BLOCKED, Event.RECOVERY


@pytest.mark.parametrize(
    ("ending", "events"),
    [
        (Ending(0), ()),
        (Ending(0, failed_before=2), (RECOVERY,)),
        (Ending(0, findings=1), (VALIDATION,)),
        (Ending(0, findings=1, failed_before=1), (RECOVERY, VALIDATION)),
        (Ending(0, idle=True, failed_before=3), ()),
        (Ending(1), (FAILURE,)),
        (Ending(65), (VALIDATION, FAILURE)),
        (Ending(69), (FAILURE,)),
        (Ending(69, blocked=True, failed_before=1), (BLOCKED, FAILURE)),
        (Ending(69, blocked=True, findings=2), (BLOCKED, VALIDATION, FAILURE)),
        (Ending(70), (FAILURE,)),
        (Ending(75), (INCOMPLETE,)),
        (Ending(75, findings=3), (INCOMPLETE, VALIDATION)),
        (Ending(78), (FAILURE,)),
        (Ending(130), (FAILURE,)),
        (Ending(143, findings=1), (FAILURE, VALIDATION)),
    ],
)
def test_each_end_has_its_events(ending: Ending, events: tuple[Event, ...]) -> None:
    """The event that says most stands first; a run that stepped aside tells nothing."""
    assert events_of(ending) == events


def test_no_bad_end_is_silent() -> None:
    """Whatever the exit code, unless it is 0 there is something to tell."""
    for code in range(1, 256):
        assert events_of(Ending(code))
