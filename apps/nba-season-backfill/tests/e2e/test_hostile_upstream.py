"""An upstream that blocks, throttles and lies: what the run does about it, and what doctor says."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from nba_stats_emulator import (
    Behaviour,
    Blocked,
    Drift,
    EmptyObject,
    Emulator,
    HtmlPage,
    NullRoot,
    Rule,
    ServerError,
    Tarpit,
    TooManyRequests,
    Truncate,
    WrongGame,
)

from .conftest import backfill, from_emulator, summary_of

BOX = "boxscoretraditionalv3"


@pytest.fixture(autouse=True)
def _well_behaved_again(emulator: Emulator) -> object:
    yield
    emulator.set_behaviour(None)
    emulator.clear_requests()


@pytest.mark.parametrize(
    "fault", [TooManyRequests(), TooManyRequests(retry_after=3600, form="date"), TooManyRequests(retry_after=3600)]
)
def test_a_throttle_that_lasts_too_long_saves_and_ends_with_75(
    emulator: Emulator, tmp_path: Path, fault: TooManyRequests
) -> None:
    """One request is refused; the next would come too late: 75, in plain words, and the next run goes on."""
    emulator.set_behaviour(Behaviour(rules=(Rule(fault, endpoint=BOX, skip=2, times=1),)))
    arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "4", "--max-wait", "1s")
    done = backfill(*arguments)
    assert done.returncode == 75, done.stderr
    assert "refused" in done.stderr
    assert "Traceback" not in done.stderr
    found = summary_of(done)
    assert found["requests_by_verdict"]["throttled"] == 1
    assert found["units_stored"] > 0
    again = backfill(*from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "4", "--no-player-info"))
    assert summary_of(again)["games_left"] == 0 or again.returncode == 75


def test_silence_that_lasts_too_long_ends_with_69(emulator: Emulator, tmp_path: Path) -> None:
    """No answer: 69, and it says how the NBA blocks; no game is charged an attempt."""
    emulator.set_behaviour(Behaviour(rules=(Rule(Tarpit(), endpoint=BOX),)))
    arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "2", "--max-wait", "1s")
    done = backfill(*arguments, "--read-timeout-seconds", "0.5")
    assert done.returncode == 69, done.stderr
    assert "did not answer" in done.stderr
    assert summary_of(done)["units_failed"] == 0


@pytest.mark.parametrize("fault", [ServerError(500), ServerError(503), EmptyObject(), NullRoot(), Truncate()])
def test_a_passing_fault_is_tried_again(emulator: Emulator, tmp_path: Path, fault: object) -> None:
    """One bad answer each for two games: tried again in the same run, and the run is green."""
    rule = Rule(fault, endpoint=BOX, times=2)  # type: ignore[arg-type]  # one of the faults
    emulator.set_behaviour(Behaviour(rules=(rule,)))
    done = backfill(*from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "3"))
    assert done.returncode == 0, done.stderr
    assert summary_of(done)["requests_by_verdict"]["transient"] == 2


@pytest.mark.parametrize(
    "fault", [WrongGame(), Drift(remove=("homeTeam.statistics.points",)), Drift(retype=("homeTeam.statistics.points",))]
)
def test_an_answer_that_breaks_its_contract_ends_with_65(emulator: Emulator, tmp_path: Path, fault: object) -> None:
    """Another game, a field gone, a field of another type: never rows; 65 with the reason; the rest is stored."""
    rule = Rule(fault, endpoint=BOX, times=1)  # type: ignore[arg-type]  # one of the faults
    emulator.set_behaviour(Behaviour(rules=(rule,)))
    done = backfill(*from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "3"))
    assert done.returncode == 65, done.stderr
    found = summary_of(done)
    assert (found["units_failed"], found["units_stored"]) == (1, 8)
    assert found["failures"][0]["verdict"] == "contract_violation"
    assert backfill(*from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "3")).returncode == 0


def test_what_is_stored_is_no_answer_to_a_run_that_asks_anew(emulator: Emulator, tmp_path: Path) -> None:
    """--no-resume: an answer that breaks its contract ends with 65, though an older good one stays stored."""
    arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "2")
    assert backfill(*arguments).returncode == 0
    rule = Rule(Drift(remove=("homeTeam.statistics.points",)), endpoint=BOX, times=1)
    emulator.set_behaviour(Behaviour(rules=(rule,)))
    anew = backfill(*arguments, "--no-resume")
    assert anew.returncode == 65, anew.stderr
    found = summary_of(anew)
    assert (found["units_failed"], found["units_left"], found["units_stored"]) == (1, 1, 5)
    assert summary_of(backfill(*arguments))["outcome"] == "nothing_to_do"


def test_a_new_field_is_reported_and_costs_nothing(emulator: Emulator, tmp_path: Path) -> None:
    """Drift by addition: green, said once."""
    emulator.set_behaviour(Behaviour(rules=(Rule(Drift(add=("homeTeam.statistics.dunks",)), endpoint=BOX),)))
    done = backfill(*from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "2"))
    assert done.returncode == 0, done.stderr
    assert any("dunks" in path for path in summary_of(done)["drift"]["box-scores-traditional"])
    assert sum(json.loads(line)["event"] == "schema_drift" for line in done.stdout.splitlines()) == 1


def test_a_frozen_schema_stops_at_the_first_new_field(emulator: Emulator, tmp_path: Path) -> None:
    """--schema-contract freeze: 65 at once; what was stored is kept, and the rest of the season is not asked for."""
    emulator.set_behaviour(Behaviour(rules=(Rule(Drift(add=("homeTeam.statistics.dunks",)), endpoint=BOX, skip=2),)))
    arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "30", "--schema-contract", "freeze")
    done = backfill(*arguments)
    assert done.returncode == 65, done.stderr
    assert "dunks: not declared, and the schema is frozen" in done.stderr
    assert "--schema-contract evolve" in done.stderr
    assert sum(request.endpoint == BOX for request in emulator.requests) < 10
    assert summary_of(done)["units_stored"] > 0


def test_a_dataset_that_changed_is_not_asked_for_all_season(emulator: Emulator, tmp_path: Path) -> None:
    """Twelve answers in a row that break their contract are enough; the other datasets are stored. 65."""
    emulator.set_behaviour(Behaviour(rules=(Rule(Drift(remove=("homeTeam.statistics.points",)), endpoint=BOX),)))
    arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "30", "--no-play-by-play")
    done = backfill(*arguments)
    assert done.returncode == 65, done.stderr
    asked = sum(request.endpoint == BOX for request in emulator.requests)
    assert 12 <= asked < 22
    found = summary_of(done)
    assert (found["units_stored"], found["units_failed"], found["units_left"]) == (30, asked, 30)
    assert any("12 answers in a row break its contract" in line for line in done.stdout.splitlines())


def checks(done: object) -> dict[str, dict[str, object]]:
    document = json.loads(done.stdout)  # type: ignore[attr-defined]  # a completed process
    return {check["name"]: check for check in document["checks"]}


def doctor(emulator: Emulator, lake: Path, *more: str) -> list[str | Path]:
    arguments: list[str | Path] = ["doctor", "--base-url", emulator.base_url, "--season", "2024-25", "--output", lake]
    return [*arguments, "--output-format", "json", *more]


def test_doctor_finds_a_healthy_place(emulator: Emulator, tmp_path: Path) -> None:
    """Every check is ok, with its time, and nothing is left behind."""
    done = backfill(*doctor(emulator, tmp_path / "lake"))
    found = checks(done)
    assert done.returncode == 0, done.stdout
    assert {name: check["health"] for name, check in found.items()} == dict.fromkeys(
        ("dns", "upstream", "lake", "clock", "disk", "lease"), "ok"
    )
    assert "answered in" in str(found["upstream"]["detail"])
    assert [path for path in (tmp_path / "lake").rglob("*") if path.is_file() and not path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (Tarpit(), 69, "this is how the NBA blocks cloud addresses"),
        (HtmlPage(), 69, "a web page came instead of JSON"),
        (Blocked(), 69, "the host's gate refuses us"),
        (TooManyRequests(retry_after=60), 75, "too many requests"),
        (ServerError(500), 75, "a passing fault"),
    ],
)
def test_doctor_explains_what_is_wrong_upstream(
    emulator: Emulator, tmp_path: Path, fault: object, code: int, words: str
) -> None:
    """The verdict in plain words, and the exit code that a run would end with."""
    emulator.set_behaviour(Behaviour(rules=(Rule(fault),)))  # type: ignore[arg-type]  # one of the faults
    done = backfill(*doctor(emulator, tmp_path / "lake", "--read-timeout-seconds", "0.5"))
    assert done.returncode == code, done.stdout
    assert words in str(checks(done)["upstream"]["detail"])


def test_doctor_finds_a_lake_that_cannot_be_written(emulator: Emulator, tmp_path: Path) -> None:
    """A file in place of the folder: 78, and what helps."""
    (tmp_path / "file").write_text("in the way")
    done = backfill(*doctor(emulator, tmp_path / "file"))
    assert done.returncode == 78
    assert checks(done)["lake"]["health"] == "failed"


def test_doctor_hides_the_proxys_password(emulator: Emulator, tmp_path: Path) -> None:
    """A proxy that refuses is reported without its credentials."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        proxy = f"http://someone:s3cr3tpw@127.0.0.1:{taken.getsockname()[1]}"
    done = backfill(*doctor(emulator, tmp_path / "lake"), environment={"NBA_API_PROXY": proxy})
    assert "s3cr3tpw" not in done.stdout + done.stderr


def test_a_second_run_on_the_same_host_steps_aside_if_asked(emulator: Emulator, tmp_path: Path) -> None:
    """One host, one pace: a held host lease means skipped with 0, or busy with 75; another egress is another pace."""
    from nba_season_backfill.lake.lease import acquire_lease
    from nba_season_backfill.lake.local import LocalStore

    store = LocalStore(tmp_path / "lake")
    lease = acquire_lease(store, "host-127.0.0.1-shared", run_id="another")
    assert lease is not None
    with lease:
        arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "1")
        skipped = backfill(*arguments, "--on-busy", "skip")
        assert (skipped.returncode, summary_of(skipped)["outcome"]) == (0, "skipped")
        busy = backfill(*arguments, "--on-busy", "fail")
        assert busy.returncode == 75
        assert "host-127.0.0.1-shared is held by" in busy.stderr
        other = backfill(*arguments, "--on-busy", "fail", "--egress", "another-door")
        assert other.returncode == 0, other.stderr
    assert backfill(*arguments, "--on-busy", "fail").returncode == 0
