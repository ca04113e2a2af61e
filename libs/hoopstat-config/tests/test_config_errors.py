"""Every error at once, each in a sentence that names its origin, the value and what would be right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field, SecretStr, create_model, model_validator

from hoopstat_config import (
    ConfigurationInvalid,
    Duration,
    IsoDate,
    Option,
    OriginKind,
    Settings,
    SettingsConfigDict,
    rule,
)


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("odd; must be even")
    return value


def _proxy(value: SecretStr) -> SecretStr:
    raise ValueError(f"cannot use {value.get_secret_value()}, nor http://me:word@host")


class Job(Settings):
    """What the errors are about."""

    model_config = SettingsConfigDict(env_prefix="J_")

    text: Annotated[str, Option("--text")] = "d"
    whole: Annotated[Annotated[int, Field(ge=1, le=9)], Option("--whole")] = 1
    even: Annotated[Annotated[int, AfterValidator(_even)], Option("--even")] = 2
    rate: Annotated[
        Annotated[float, Field(gt=0)] | Literal["auto"],
        Option("--rate-limit", env="RATE", expects="seconds between requests, e.g. 5.0"),
    ] = 5.0
    either: Annotated[float | Literal["auto"], Option("--either")] = 5.0
    flag: Annotated[bool, Option("--flag")] = False
    day: Annotated[IsoDate | None, Option("--day")] = None
    wait: Annotated[Annotated[Duration, Field(le=dt.timedelta(hours=1))], Option("--wait")] = dt.timedelta(0)
    source: Annotated[Literal["nba", "sample", "archive"], Option("--source")] = "nba"
    kinds: Annotated[Annotated[tuple[Literal["Playoffs", "PlayIn"], ...], Field(min_length=1)], Option("--kind")] = (
        "Playoffs",
    )
    ids: Annotated[tuple[int, ...], Option("--id")] = ()
    path: Annotated[Path | None, Option("--path")] = None
    proxy: Annotated[Annotated[SecretStr, AfterValidator(_proxy)] | None, Option("--proxy")] = None
    url: Annotated[str | None, Option("--url")] = None
    low: Annotated[int, Option("--low")] = 1
    high: Annotated[int, Option("--high")] = 9
    root: Annotated[str, Option("--root", allow_empty=True)] = ""
    bare: int = 0

    @rule("low", "high")
    def low_below_high(self) -> str | None:
        """A rule over two fields."""
        return None if self.low < self.high else f"must be less than {self.high} ({self.origin('high')})"

    @rule("url")
    def no_such_url(self) -> str | None:
        """A rule that quotes what it should not."""
        return None if self.url is None else f"cannot reach {self.url}"


def problems(line: dict[str, object], environ: dict[str, str] | None = None, file: Path | None = None) -> list[str]:
    """What is wrong, a line each."""
    with pytest.raises(ConfigurationInvalid) as caught:
        Job.load(line, environ=environ or {}, file=file)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("whole", "many", "--whole 'many': not a whole number"),
        ("whole", "1.5", "--whole '1.5': not a whole number"),
        ("whole", "9" * 5000, f"--whole '{'9' * 79}…': not a whole number of a sane size"),
        ("whole", "0", "--whole '0': must be at least 1"),
        ("whole", "10", "--whole '10': must be at most 9"),
        ("whole", "", "--whole '': empty; give it a value, or leave it out"),
        ("text", " ", "--text ' ': empty; give it a value, or leave it out"),
        ("even", "3", "--even '3': odd; must be even"),
        ("rate", "fast", "--rate-limit 'fast': not a number (seconds between requests, e.g. 5.0)"),
        ("rate", "0", "--rate-limit '0': must be more than 0 (seconds between requests, e.g. 5.0)"),
        ("rate", "inf", "--rate-limit 'inf': not a finite number (seconds between requests, e.g. 5.0)"),
        ("either", "fast", "--either 'fast': not a number, nor 'auto'"),
        (
            "flag",
            "maybe",
            "--flag 'maybe': neither true nor false; write true, false, 1, 0, yes, no, on or off",
        ),
        ("day", "20241022", "--day '20241022': not a date (YYYY-MM-DD); did you mean 2024-10-22?"),
        ("day", "2024-02-30", "--day '2024-02-30': no such day; a date is written YYYY-MM-DD"),
        ("day", "soon", "--day 'soon': not a date; write YYYY-MM-DD, for instance 2024-10-22"),
        (
            "wait",
            "45 parsecs",
            "--wait '45 parsecs': not a length of time; write 45m, 1h30m, 90s, or a number of seconds",
        ),
        ("wait", "2h", "--wait '2h': must be at most 1h"),
        ("source", "sampel", "--source 'sampel': not one of nba, sample, archive; did you mean sample?"),
        ("source", "x", "--source 'x': not one of nba, sample, archive"),
        ("text", "a\nb\x1b[2J", None),
        ("low", "9", "--low '9': must be less than 9 (default)"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(field: str, text: str, message: str | None) -> None:
    """Option, value as typed, what is wrong, what would be right: on one line."""
    if message is None:
        assert Job.load({field: text}, environ={}).text == text
    else:
        assert problems({field: text}) == [message]


def test_all_errors_are_told_at_once_each_with_its_origin(tmp_path: Path) -> None:
    """One run shows everything there is to mend, in every layer, rules over several fields included."""
    file = tmp_path / "job.toml"
    file.write_text('flg = true\nrate_limt = 3\nday = "soon"\nwhole = 4.5\n')
    found = problems(
        {"source": "mars", "ids": ("1", "x", "2", "y"), "low": "9", "high": "3"},
        {"RATE": "fast", "J_KINDS": "playoffs, playins"},
        file,
    )
    assert found == [
        f"file {file}, key flg: unknown; did you mean flag?",
        f"file {file}, key rate_limt: unknown; did you mean rate_limit?",
        f"file {file}, key whole='4.5': not a whole number",
        "environment RATE='fast': not a number (seconds between requests, e.g. 5.0)",
        f"file {file}, key day='soon': not a date; write YYYY-MM-DD, for instance 2024-10-22",
        "--source 'mars': not one of nba, sample, archive",
        "environment J_KINDS='playins': not one of Playoffs, PlayIn; did you mean PlayIn?",
        "--id 'x': not a whole number",
        "--id 'y': not a whole number",
        "--low '9': must be less than 3 (--high)",
    ]


def test_a_problem_can_be_handled_by_programs() -> None:
    """Kind of origin, field and public name are there without parsing a sentence."""
    with pytest.raises(ConfigurationInvalid) as caught:
        Job.load({"rate": "fast"}, environ={"J_WHOLE": "x"})
    whole, rate = caught.value.problems
    assert (rate.field, rate.name, rate.message) == (
        "rate",
        "--rate-limit",
        "not a number (seconds between requests, e.g. 5.0)",
    )
    assert rate.origin is not None
    assert rate.origin.kind is OriginKind.COMMAND_LINE
    assert whole.origin is not None
    assert whole.origin.kind is OriginKind.ENVIRONMENT
    assert isinstance(caught.value, ValueError)


def test_one_problem_is_one_line_and_several_are_counted() -> None:
    """The exception itself reads well on a terminal."""
    with pytest.raises(ConfigurationInvalid) as caught:
        Job.load({"whole": "x"}, environ={})
    assert str(caught.value) == "--whole 'x': not a whole number"
    with pytest.raises(ConfigurationInvalid) as caught:
        Job.load({"whole": "x", "even": "1"}, environ={})
    assert str(caught.value) == (
        "2 problems in the configuration:\n  --whole 'x': not a whole number\n  --even '1': odd; must be even"
    )


def test_a_rule_about_an_invalid_field_keeps_silent() -> None:
    """One mistake is told once: what depends on it is not judged."""
    assert problems({"low": "x", "high": "0"}) == ["--low 'x': not a whole number"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("rate_limt", "unknown; did you mean rate_limit?"),
        ("rate-limt", "unknown; did you mean rate-limit?"),
        ("Source", "unknown; did you mean source?"),
        ("no_flags", "unknown; did you mean no_flag?"),
        ("zzzzzz", "unknown; no setting has this name"),
    ],
)
def test_unknown_keys_are_errors_with_the_nearest_right_name(tmp_path: Path, key: str, message: str) -> None:
    """A typing error in a file has no silent effect, and the right name is offered in the same style."""
    file = tmp_path / "job.toml"
    file.write_text(f"{key} = 1\n")
    assert problems({}, file=file) == [f"file {file}, key {key}: {message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("whole: true", "key whole='true': not a whole number"),
        ("text: 5", "key text='5': not text; put it in quotes"),
        ("ids: [1, [2]]", "key ids='[2]': not a whole number"),
        ("ids: [1, null]", "key ids='': not a whole number"),
        ("source: [nba]", "key source='nba': not one of nba, sample, archive; did you mean nba?"),
        ("path: 5", "key path='5': not a path"),
        ("flag: 2", "key flag='2': neither true nor false; write true, false, 1, 0, yes, no, on or off"),
        ("no-flag: 2", "key no-flag='2': neither true nor false; write true, false, 1, 0, yes, no, on or off"),
        ("whole: {a: 1}", "key whole=\"{'a': 1}\": not a whole number"),
        ("day: 2024-10-22 10:00:00", "key day='2024-10-22 10:00:00': not a date; write YYYY-MM-DD, for instance "),
        ("kinds: []", "key kinds='': give at least 1"),
        ("kinds: [playins]", "key kinds='playins': not one of Playoffs, PlayIn; did you mean PlayIn?"),
        ("text: ''", "key text='': empty; give it a value, or leave it out"),
        ("low: 3\nlow_: 1", "key low_: unknown; did you mean low?"),
        ("rate: 1\nrate-limit: 2", "key rate-limit: the same setting as key rate; leave one of them out"),
        ("ids: &a [*a]", "key ids='[[...]]': not a whole number"),
    ],
)
def test_a_file_of_the_wrong_types_is_told_so(tmp_path: Path, text: str, message: str) -> None:
    """Files have types of their own; none of them is bent into a value that nobody meant."""
    file = tmp_path / "job.yaml"
    file.write_text(text)
    (found,) = problems({}, file=file)
    assert found.startswith(f"file {file}, {message}")


def test_what_is_missing_says_how_to_give_it() -> None:
    """A setting without a default names all the ways to give it."""

    class Needy(Settings):
        model_config = SettingsConfigDict(env_prefix="N_")
        bucket: Annotated[str, Option("--bucket")]
        other: Annotated[int, Option("--other")] = 0

    with pytest.raises(ConfigurationInvalid) as caught:
        Needy.load({"other": "x"}, environ={})
    assert [str(problem) for problem in caught.value.problems] == [
        "--bucket: missing; give --bucket, or set the environment variable N_BUCKET, or write bucket into the file",
        "--other 'x': not a whole number",
    ]
    assert Needy.load({"bucket": "b"}, environ={}).bucket == "b"


def test_a_wrong_default_is_found_and_not_blamed_on_the_user() -> None:
    """Defaults are validated too."""

    class Wrong(Settings):
        even: Annotated[Annotated[int, AfterValidator(_even)], Option("--even")] = 3

    with pytest.raises(ConfigurationInvalid) as caught:
        Wrong.load({}, environ={})
    assert str(caught.value) == "--even: odd; must be even"


def test_a_rule_of_pydantic_is_told_like_ours() -> None:
    """Classes may use pydantic's own model validators; their message stands by itself."""

    class Whole(Settings):
        a: Annotated[int, Option("-a")] = 0

        @model_validator(mode="after")
        def check(self) -> Whole:
            if self.a == 1:
                raise ValueError("not 1 today")
            return self

    with pytest.raises(ConfigurationInvalid) as caught:
        Whole.load({"a": "1"}, environ={})
    assert str(caught.value) == "not 1 today"


@pytest.mark.parametrize("layer", ["line", "environment", "file", "code"])
def test_no_error_shows_a_secret(tmp_path: Path, layer: str) -> None:
    """Not its origin, not the validator's sentence about it, and not the exception that caused it."""
    secret = "hunter2-'quoted\\"
    file = tmp_path / "job.json"
    file.write_text('{"proxy": "hunter2-\'quoted\\\\"}')
    load: dict[str, Callable[[], Job]] = {
        "line": lambda: Job.load({"proxy": secret}, environ={}),
        "environment": lambda: Job.load({}, environ={"J_PROXY": secret}),
        "file": lambda: Job.load({}, environ={}, file=file),
        "code": lambda: Job(proxy=SecretStr(secret)),
    }
    with pytest.raises(ConfigurationInvalid) as caught:
        load[layer]()
    error = caught.value
    assert "hunter2" not in f"{error}{error!r}{error.problems}{error.args}"
    assert "me:word" not in str(error)
    assert str(error).endswith("cannot use ***, nor http://***@host")
    assert error.__cause__ is None
    assert error.__context__ is None


def test_no_error_shows_the_password_in_a_url() -> None:
    """User information in a URL is masked in the value and in sentences that quote it."""
    found = problems({"url": "https://user:pa/ss@host/x"})
    assert found == ["--url 'https://***@host/x': cannot reach https://***@host/x"]


def test_an_empty_text_is_a_value_where_it_is_allowed() -> None:
    """`--root ''` can be meant."""
    settings = Job.load({"root": ""}, environ={})
    assert settings.root == ""
    assert settings.origin("root").kind is OriginKind.COMMAND_LINE


def _declare(annotation: Any) -> None:
    create_model("Declared", __base__=Settings, field=(annotation, ...))


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Annotated[str, Option("--x", multiple=True)], "may be repeated if, and only if, it is a tuple"),
        (Annotated[str, Option("--x", secret=True)], "is secret if, and only if, it is a SecretStr"),
        (Annotated[list[str], Option("--x")], "write a tuple for a list"),
        (Annotated[str, Option("--x/--y")], "only a bool can be a flag"),
    ],
)
def test_a_wrong_declaration_is_refused_when_the_class_is_made(annotation: Any, message: str) -> None:
    """Mistakes of the program are found by its first import, not by a user."""
    with pytest.raises(TypeError, match=message):
        _declare(annotation)


def test_an_annotation_that_cannot_be_resolved_is_refused_at_once() -> None:
    """Half a class would fail later, and far from its declaration."""
    with pytest.raises(TypeError, match="Declared: an annotation names what is not known here"):
        _declare("Annotated[Unheard, Of]")


def test_two_fields_cannot_share_a_name() -> None:
    """Options, variables and keys are each one field's own."""
    with pytest.raises(TypeError, match="option --x names both a and b"):

        class Twice(Settings):
            a: Annotated[int, Option("--x")] = 0
            b: Annotated[int, Option("--x")] = 0

    with pytest.raises(TypeError, match="variable E names both a and b"):

        class AlsoTwice(Settings):
            a: Annotated[int, Option("--a", env="E")] = 0
            b: Annotated[int, Option("--b", env="E")] = 0

    with pytest.raises(TypeError, match="no such setting: c"):

        class Ruled(Settings):
            a: int = 0

            @rule("a", "c")
            def about(self) -> str | None:
                return None

    with pytest.raises(TypeError, match="names the fields it is about"):
        rule()
