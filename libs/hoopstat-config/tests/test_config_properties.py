"""Whatever stands in the environment or in a file: settings, or ConfigurationInvalid; never another exception."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, SecretStr

from hoopstat_config import (
    ConfigurationInvalid,
    Duration,
    IsoDate,
    Option,
    Problem,
    Settings,
    SettingsConfigDict,
    rule,
)


class Job(Settings):
    """A field of every type that is read from text."""

    model_config = SettingsConfigDict(env_prefix="P_")

    text: Annotated[str, Option("--text")] = "d"
    whole: Annotated[Annotated[int, Field(ge=0)] | None, Option("--whole")] = None
    rate: Annotated[Annotated[float, Field(gt=0)] | Literal["auto"], Option("--rate", expects="seconds")] = 5.0
    flag: Annotated[bool, Option("--no-flag")] = True
    path: Annotated[Path, Option("--path")] = Path("d")
    day: Annotated[IsoDate | None, Option("--day")] = None
    wait: Annotated[Duration, Option("--wait")] = dt.timedelta(0)
    choice: Annotated[Literal["wait", "skip"], Option("--choice")] = "wait"
    choices: Annotated[tuple[Literal["a", "B c"], ...], Option("--choices")] = ()
    ids: Annotated[tuple[int, ...], Option("--id")] = ()
    secret: Annotated[SecretStr | None, Option("--secret")] = None

    @rule("rate", "wait")
    def some_rule(self) -> str | None:
        """A rule that can break."""
        return None if self.rate == "auto" or self.rate < 100 else f"more than 100, and waits {self.wait}"


FIELDS = sorted(Job.model_fields)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "1", "-1", "0.5", "nan", "1e999", "true", "no", "auto", "45m", "1h", "2024-10-22", "a,B-C", ","]
    ),
    st.text(alphabet="0123456789-.:eE+_hms ,/@", max_size=20),
)
ENVIRONS = st.dictionaries(
    st.one_of(st.sampled_from([f"P_{name.upper()}" for name in FIELDS]), st.text(max_size=8)), TEXTS, max_size=8
)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
KEYS = st.one_of(st.sampled_from([*FIELDS, "no-flag", "no_flag", "id", "Rate"]), st.text(max_size=8))
QUICK = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def _check(problems: tuple[Problem, ...]) -> None:
    assert problems
    for problem in problems:
        assert str(problem).isprintable()
        assert problem.message


def _load(environ: dict[str, str], file: Path | None) -> None:
    try:
        loaded = Job.load({}, environ=environ, file=file)
    except ConfigurationInvalid as error:
        _check(error.problems)
        return
    json.loads(loaded.render_json())
    loaded.render_text().encode()
    assert json.loads(json.dumps(loaded.snapshot())) == loaded.snapshot()
    for name in FIELDS:
        given_by_environment = environ.get(f"P_{name.upper()}", "").replace(",", "").strip() != ""
        if given_by_environment:
            assert loaded.origin(name).kind == "environment"


@QUICK
@given(ENVIRONS)
def test_any_environment_gives_settings_or_problems(environ: dict[str, str]) -> None:
    """No variable can crash the job with a traceback."""
    _load(environ, None)


@QUICK
@given(ENVIRONS, st.dictionaries(KEYS, JSON_VALUES, max_size=6))
def test_any_table_gives_settings_or_problems(environ: dict[str, str], table: dict[str, Any]) -> None:
    """Neither can a well-formed file, whatever its types."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "s.json"
        file.write_text(json.dumps(table))
        _load(environ, file)


@pytest.mark.parametrize("suffix", [".toml", ".yaml", ".json"])
@QUICK
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
        st.lists(st.tuples(KEYS, st.sampled_from([":", "=", ": !!int ", ": &a ", ": *a"]), TEXTS), max_size=4).map(
            lambda lines: "\n".join(key + sign + text for key, sign, text in lines).encode("utf-8", "replace")
        ),
    )
)
def test_any_bytes_give_settings_or_problems(suffix: str, content: bytes) -> None:
    """Nor a file of rubbish, in any of the formats."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"s{suffix}"
        file.write_bytes(content)
        _load({}, file)


@QUICK
@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=3, max_size=20))
def test_no_secret_leaks_whatever_it_is(secret: str) -> None:
    """Every view of settings with a secret is the same as with another secret."""
    shown = Job.load({}, environ={"P_SECRET": secret})
    other = Job.load({}, environ={"P_SECRET": "another"})
    assert shown.describe() == other.describe()
    assert repr(shown) == repr(other)
    assert shown.snapshot() == other.snapshot()
