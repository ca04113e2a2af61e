"""Settings are frozen, describe themselves, and never show a secret."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
import threading
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import SecretStr, ValidationError

from hoopstat_config import (
    ConfigurationInvalid,
    Described,
    Duration,
    IsoDate,
    Option,
    Origin,
    OriginKind,
    Settings,
    SettingsConfigDict,
    render_json,
    render_text,
    rule,
)


class Job(Settings):
    """A small job."""

    model_config = SettingsConfigDict(env_prefix="JOB_")

    season: Annotated[str, Option("--season", group="What", help="The season.")] = "2024-25"
    kinds: Annotated[tuple[Literal["Playoffs", "PlayIn"], ...], Option("--kind", group="What")] = ("PlayIn",)
    since: Annotated[IsoDate | None, Option("--since", group="What")] = None
    wait: Annotated[Duration, Option("--wait", group="How")] = dt.timedelta(minutes=45)
    folder: Annotated[Path, Option("--folder", group="How")] = Path("bronze")
    retries: Annotated[int, Option("--retries", group="How")] = 3
    rate: Annotated[float, Option("--rate", group="How")] = 5.0
    dry: Annotated[bool, Option("--dry", group="How")] = False
    proxy: Annotated[SecretStr | None, Option("--proxy", group="How")] = None
    push: Annotated[str | None, Option("--push", group="How")] = None

    @rule("retries")
    def at_most_nine(self) -> str | None:
        """A rule, for building from code."""
        return None if self.retries <= 9 else "more than nine"


SECRETS = {"JOB_PROXY": "http://user:hunter2@proxy:1", "JOB_PUSH": "https://me:hunter2@push.example/x"}


def test_settings_are_frozen() -> None:
    """Nobody changes a setting after the start, and nobody can by accident."""
    settings = Job()
    with pytest.raises(ValidationError, match="frozen"):
        settings.retries = 4
    with pytest.raises(ValidationError, match="frozen"):
        del settings.retries
    assert hash(settings) == hash(Job())
    assert settings == Job()
    assert settings != Job(retries=4)


def test_copies_keep_values_and_origins() -> None:
    """A copy, also one that went to another process, still knows where its values came from."""
    settings = Job.load({"retries": "4"}, environ=SECRETS)
    for twin in (copy.copy(settings), copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))):
        assert twin == settings
        assert twin.origin("retries") == settings.origin("retries")
        assert twin.describe() == settings.describe()


def test_every_setting_is_described_in_order() -> None:
    """Name, value, origin, heading and purpose; secrets and passwords in URLs masked."""
    described = Job.load({"dry": True, "kinds": ("playoffs",)}, environ=SECRETS).describe()
    assert [item.name for item in described] == list(Job.model_fields)
    assert described[0] == Described("season", "2024-25", Origin(OriginKind.DEFAULT), "What", "The season.", False)
    values = {item.name: (item.value, item.text) for item in described}
    assert values == {
        "season": ("2024-25", "2024-25"),
        "kinds": (["Playoffs"], "Playoffs"),
        "since": (None, "-"),
        "wait": ("45m", "45m"),
        "folder": ("bronze", "bronze"),
        "retries": (3, "3"),
        "rate": (5.0, "5.0"),
        "dry": (True, "true"),
        "proxy": ("***", "***"),
        "push": ("https://***@push.example/x", "https://***@push.example/x"),
    }
    assert [item.name for item in described if item.secret] == ["proxy"]


def test_the_table_reads_well() -> None:
    """Settings stand under their headings, aligned, with the place each came from."""
    settings = Job.load({"dry": True}, environ={"JOB_SEASON": "2023-24"})
    expected = """\
What:
  season   2023-24  environment JOB_SEASON
  kinds    PlayIn   default
  since    -        default

How:
  wait     45m      default
  folder   bronze   default
  retries  3        default
  rate     5.0      default
  dry      true     --dry
  proxy    -        default
  push     -        default"""
    assert settings.render_text() == expected
    assert render_text(settings) == expected
    assert render_text(settings.describe()) == expected
    assert render_text([]) == ""


def test_the_object_is_json(tmp_path: Path) -> None:
    """Programs get values with their types, and the origin in parts."""
    file = tmp_path / "job.toml"
    file.write_text("retries = 7\n")
    settings = Job.load({"dry": True}, environ={"JOB_SEASON": "2023-24"}, file=file)
    document = json.loads(settings.render_json())
    assert document == json.loads(render_json(settings, indent=None))
    assert list(document) == list(Job.model_fields)
    assert document["season"] == {"value": "2023-24", "origin": "environment", "name": "JOB_SEASON"}
    assert document["retries"] == {"value": 7, "origin": "file", "name": "retries", "file": str(file)}
    assert document["dry"] == {"value": True, "origin": "command line", "name": "--dry"}
    assert document["rate"] == {"value": 5.0, "origin": "default"}


def test_a_snapshot_can_be_read_again(tmp_path: Path) -> None:
    """What was kept beside a result gives the same settings again, secrets excepted."""
    settings = Job.load({"kinds": ("playoffs",), "wait": "90s", "since": "2024-10-22", "rate": "0.7"}, environ=SECRETS)
    snapshot = settings.snapshot()
    assert snapshot["proxy"] == "***"
    assert snapshot["push"] == "https://***@push.example/x"
    file = tmp_path / "snapshot.json"
    file.write_text(json.dumps({k: v for k, v in snapshot.items() if k not in ("proxy", "push")}))
    again = Job.load({}, environ=SECRETS, file=file)
    assert dict(again) == dict(settings)
    assert again.snapshot() == snapshot


def test_no_view_of_the_settings_shows_a_secret() -> None:
    """repr, str, table, object, snapshot and origins are all safe to log."""
    settings = Job.load({}, environ=SECRETS)
    assert settings.proxy is not None
    assert settings.proxy.get_secret_value() == SECRETS["JOB_PROXY"]
    assert settings.push == SECRETS["JOB_PUSH"]
    shown = [
        repr(settings),
        str(settings),
        settings.render_text(),
        settings.render_json(),
        repr(settings.snapshot()),
        repr(settings.describe()),
        repr([settings.origin(name) for name in Job.model_fields]),
        repr([settings.origin(name).with_value() for name in Job.model_fields]),
    ]
    assert not [text for text in shown if "hunter2" in text]


def test_odd_characters_break_neither_table_nor_object() -> None:
    """A path that is no UTF-8 and a name with a line break are escaped: one setting, one line."""
    settings = Job(folder=Path("caf\udce9"), season="a\nb")
    assert len(settings.render_text().splitlines()) == len(Job().render_text().splitlines())
    settings.render_text().encode()
    settings.render_json().encode()
    json.dumps(settings.snapshot(), ensure_ascii=False).encode()


def test_a_fingerprint_changes_with_its_fields_and_with_nothing_else() -> None:
    """Twelve digits say whether two runs meant the same thing; where a value came from does not matter."""
    base = Job().fingerprint(["season", "kinds"])
    assert len(base) == 12
    assert int(base, 16) >= 0
    assert base == "d29b2c4e5957"
    assert Job().fingerprint(["kinds", "season", "kinds"]) == base
    assert Job.load({"season": "2024-25", "retries": "9"}, environ={}).fingerprint(["season", "kinds"]) == base
    assert Job(season="2023-24").fingerprint(["season", "kinds"]) != base
    assert Job().fingerprint(["season"]) != base
    with pytest.raises(KeyError):
        Job().fingerprint(["nothing"])
    with pytest.raises(ValueError, match="proxy is secret and has no fingerprint"):
        Job().fingerprint(["proxy"])


def test_building_from_code_obeys_the_rules_too() -> None:
    """There is no way round validation."""
    with pytest.raises(ConfigurationInvalid, match="code, retries='10': more than nine"):
        Job(retries=10)
    with pytest.raises(ConfigurationInvalid, match="not a whole number"):
        Job(retries="x")  # type: ignore[arg-type]  # what mypy refuses is what is tested
    with pytest.raises(ConfigurationInvalid, match="more than nine"):
        Job().with_defaults(retries=10)


def test_subclasses_inherit_settings_and_rules() -> None:
    """A family of jobs can share a base; a subclass may replace a rule by its name."""

    class Daily(Job):
        lookback: Annotated[int, Option("--lookback")] = 3

    class Patient(Job):
        @rule("retries")
        def at_most_nine(self) -> str | None:
            return None

    assert Daily.load({"lookback": "4"}, environ={"JOB_LOOKBACK": "5", "JOB_RETRIES": "2"}).retries == 2
    with pytest.raises(ConfigurationInvalid, match="more than nine"):
        Daily.load({"retries": "10"}, environ={})
    assert Patient.load({"retries": "10"}, environ={}).retries == 10


def test_threads_do_not_mix_up_their_layers() -> None:
    """Two threads that load settings at once get each their own."""
    found: dict[int, int] = {}

    def load(number: int) -> None:
        for _ in range(20):
            found[number] = Job.load({"retries": str(number)}, environ={}).retries
            assert found[number] == number

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(4)}
