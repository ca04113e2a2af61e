"""Everything that is known of one game, as text and as JSON, and what a run would do about it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from nba_season_backfill.backfill.explaining import explain_game, explain_text
from nba_season_backfill.checkpoint import UnitStatus
from nba_season_backfill.errors import ContractViolated
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.season import GameId

from .conftest import GAMES, CannedSource, Lake
from .test_audit_quarantine import wrong_end

FIRST, PLAYS = GAMES[0], "play-by-play"


def explain(lake: Lake, monkeypatch: pytest.MonkeyPatch, game_id: str = FIRST) -> dict[str, Any]:
    monkeypatch.setattr("nba_season_backfill.backfill.explaining.open_lake", lambda *_: lake.store)
    document = explain_game(lake.settings, GameId(game_id))
    # It is a document: what is said as text must be sayable as JSON.
    assert json.loads(json.dumps(document)) == document
    return document


def unit(document: dict[str, Any], dataset: str) -> dict[str, Any]:
    return next(each for each in document["datasets"] if each["dataset"] == dataset)


def test_a_stored_game_is_known_inside_out(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Identity, state and why, both log lines, and for each dataset status, revision, bodies and rows."""
    document = explain(lake, monkeypatch)
    assert document["game"]["state"] == "final"
    assert document["game"]["reason"] == "schedule and game log: final"
    assert {line["tricode"]: line["points"] for line in document["game_log_lines"]} == {"BOS": 132, "NYK": 109}
    assert document["in_games_table"]["rows"] == 1
    assert document["simulated"]
    plays = unit(document, PLAYS)
    record = lake.checkpoint().unit(FIRST, PLAYS)
    assert record is not None
    assert (plays["status"], plays["revision"], plays["attempts"]) == ("ok", 1, 1)
    assert [(body["sha256"], body["in_use"]) for body in plays["bodies"]] == [(record.raw, True)]
    assert plays["rows"][PLAYS]["rows"] == record.rows[PLAYS]
    assert plays["rows"][PLAYS]["key"] == "play-by-play/season=2024-25/month=10/part-0.parquet"
    assert plays["rows"][PLAYS]["made_from"] == record.raw
    assert plays["next"] == "nothing: it is stored"
    text = explain_text(document)
    for said in ("BOS 132", "NYK 109", "simulated data", "schedule and game log: final", str(record.raw)[:12], PLAYS):
        assert said in text


def test_a_refused_game_says_why_and_what_comes_next(
    bodies: dict[tuple[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quarantine entry stands with its reason; a run would ask again."""
    given = dict(bodies)
    given["playbyplayv3", FIRST] = wrong_end(given["playbyplayv3", FIRST])
    lake = Lake(MemoryStore(), CannedSource(given))
    with pytest.raises(ContractViolated):
        lake.run()
    plays = unit(explain(lake, monkeypatch), PLAYS)
    assert plays["status"] == "failed"
    assert "the last score is 133-109" in plays["quarantine"][0]["reason"]
    assert plays["next"] == "asks for it again; the body that was refused is in the quarantine"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (None, "takes the archived body, without a request"),
        ({"status": UnitStatus.ARCHIVED}, "derives its rows from the archived body"),
        ({"status": UnitStatus.FAILED}, "asks for it again"),
        (
            {"status": UnitStatus.ABSENT, "believed_until": "2099-01-01T00:00:00+00:00"},
            "nothing until 2099-01-01T00:00:00+00:00: the upstream had no content",
        ),
    ],
)
def test_what_a_run_would_do_depends_on_what_is_known(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any] | None, expected: str
) -> None:
    """Never asked for, archived but not stored, failed, absent: each leads to something else."""
    checkpoint = lake.checkpoint()
    record = checkpoint.unit(FIRST, PLAYS)
    assert record is not None
    if changes is None:
        checkpoint.forget([(FIRST, PLAYS)])
    else:
        checkpoint.record(FIRST, PLAYS, dataclasses.replace(record, **changes))
    lake.put_checkpoint(checkpoint)
    assert unit(explain(lake, monkeypatch), PLAYS)["next"] == expected


def test_a_game_that_nobody_knows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and that a run would do nothing."""
    document = explain(lake, monkeypatch, "0022499999")
    assert not document["known"]
    assert {each["next"] for each in document["datasets"]} == {"nothing: no archived list knows the game"}
    assert "no archived list of that season knows it" in explain_text(document)


def test_damage_is_said_not_raised(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged partition and one that is gone are named where their rows should be."""
    lake.store.put("play-by-play/season=2024-25/month=10/part-0.parquet", b"PAR1")
    lake.store.delete("box-scores-advanced/season=2024-25/month=10/part-0.parquet")
    document = explain(lake, monkeypatch)
    assert unit(document, PLAYS)["rows"][PLAYS]["problem"] == "the partition is damaged"
    rows = unit(document, "box-scores-advanced")["rows"]["box-scores-advanced"]
    assert rows["problem"] == "there is no such partition"
