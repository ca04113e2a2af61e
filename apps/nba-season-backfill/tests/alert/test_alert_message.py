"""The message: its fields, its text, its bounds, and what never stands in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import orjson
import pytest

from hoopstat_observability import register_secret
from nba_season_backfill.alert import FIELDS, Alert, Event, RunEnd

NOW = dt.datetime(2025, 1, 2, 8, 30, 5, 123456, dt.UTC)
RUN = RunEnd(
    run_id="20250102T083000Z-a1b2c3",
    correlation_id="order-66",
    command="daily",
    season="2024-25",
    source="nba",
    simulated=False,
    outcome="blocked",
    exit_code=69,
    message="the service did not answer 5 times in a row",
    hint="wait an hour",
    failed_runs_in_a_row=2,
    started_at=NOW - dt.timedelta(seconds=5),
    ended_at=NOW,
    duration_in_seconds=5.0,
    lake="s3://lake/nba",
    record="_runs/2025-01-02/20250102T083000Z-a1b2c3.json",
    host="worker-7",
    version="0.1.0",
    counts={"games_done": 3, "games_left": 4},
)


def message(events: tuple[Event, ...] = (Event.BLOCKED, Event.FAILURE), **more: Any) -> dict[str, Any]:
    return dict(orjson.loads(Alert(events, replace(RUN, **more), "d-1", 1735806605).body()))


def test_a_message_has_every_field_in_order() -> None:
    """The fields are the documented ones, whatever happened."""
    found = message()
    assert tuple(found) == FIELDS
    assert found["event"] == "blocked"
    assert found["events"] == ["blocked", "failure"]
    assert (found["delivery_id"], found["timestamp"]) == ("d-1", 1735806605)
    assert (found["started_at"], found["ended_at"]) == ("2025-01-02T08:30:00Z", "2025-01-02T08:30:05Z")


def test_the_text_says_what_happened_and_what_to_do() -> None:
    """One line for a chat, of which nobody needs to know the fields."""
    assert message()["text"] == (
        "nba-backfill daily of 2024-25 is blocked by the upstream (exit 69). the service did not answer 5 times in a "
        "row. 2 runs in a row did not end well. Games: 3 done, 4 left. What to do: wait an hour. "
        "Run 20250102T083000Z-a1b2c3 on worker-7."
    )
    well = {"exit_code": 0, "message": "", "hint": "", "failed_runs_in_a_row": 1}
    assert message((Event.RECOVERY,), **well)["text"].startswith(
        "nba-backfill daily of 2024-25 is well again (exit 0). 1 run before it did not end well."
    )
    assert "(simulated data)" in message(simulated=True)["text"]


def test_nothing_of_an_upstreams_words_is_obeyed_by_a_chat() -> None:
    """``<!channel>`` in an answer's body would wake everybody; line breaks would forge lines."""
    text = message(message="the body was <!channel>\n<https://evil|click> & more")["text"]
    assert "the body was &lt;!channel&gt; &lt;https://evil|click&gt; &amp; more" in text
    assert "\n" not in text


@pytest.mark.parametrize("length", [100, 10_000, 100_000])
def test_a_message_stays_small(length: int) -> None:
    """Whatever a run had to say, some kilobytes are enough."""
    failures = [{"game_id": "0022400061", "dataset": "d", "verdict": "v", "reason": "r" * length}] * length
    fields = [f"box-scores:{number}.{'x' * 300}" for number in range(200)]
    alert = Alert(
        (Event.FAILURE,),
        replace(RUN, message="m" * length, hint="h" * length, failures=failures, new_fields=fields),
        "d",
        0,
    )
    assert len(alert.body()) < 24_000
    assert len(orjson.loads(alert.body())["failures"]) == 5


def test_no_secret_is_in_a_message() -> None:
    """What is registered, and what looks like a secret, is masked in every field, cut or not."""
    register_secret("hunter2-hunter2")
    found = message(
        message="GET http://me:pw-pw-pw@proxy failed, hunter2-hunter2",
        hint="x" * 590 + " hunter2-hunter2",
        failures=[{"game_id": "1", "dataset": "d", "verdict": "v", "reason": "hunter2-hunter2"}],
        new_fields=["box:hunter2-hunter2"],
        lake="s3://hunter2-hunter2",
    )
    assert "hunter" not in orjson.dumps(found).decode()
    assert "pw-pw" not in orjson.dumps(found).decode()
