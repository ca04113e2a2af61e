"""Schema and reference are made from the declarations and agree with what is accepted."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, SecretStr

from hoopstat_config import (
    Duration,
    Option,
    Settings,
    SettingsConfigDict,
    json_schema,
    reference_markdown,
)


class Job(Settings):
    """A job."""

    model_config = SettingsConfigDict(env_prefix="JOB_")

    bucket: Annotated[str, Option("--bucket", "-b", env="BUCKET", group="Where", metavar="NAME", help="The bucket.")]
    rate_limit: Annotated[
        Annotated[float, Field(gt=0)] | Literal["auto"],
        Option("--rate-limit", metavar="SECONDS|auto", help="The pace."),
    ] = 5.0
    resume: Annotated[bool, Option("--resume/--no-resume", help="Continue.")] = True
    boxes: Annotated[bool, Option("--no-boxes", help="No boxes.")] = True
    ids: Annotated[tuple[str, ...], Option("--id", metavar="ID", help="A game.")] = ()
    wait: Annotated[Duration, Option("--wait", help="The longest wait.")] = dt.timedelta(minutes=45)
    season: Annotated[str | None, Option("--season", shown_default="the current one", help="A season.")] = None
    token: Annotated[SecretStr | None, Option("--token", help="The token.")] = None
    hidden: Annotated[str | None, Option("--hidden", hidden=True)] = None
    described: int = Field(default=1, description="Only in a file or the environment.")


def test_the_reference_has_every_way_to_give_a_setting() -> None:
    """Option, variable, key, default and purpose, a table a heading; hidden options are left out."""
    assert (
        reference_markdown(Job)
        == """\
### Where

| Option | Environment | Key in a file | Default | What it does |
| --- | --- | --- | --- | --- |
| `--bucket`, `-b NAME` | `BUCKET` | `bucket` |  | The bucket. |

### Settings

| Option | Environment | Key in a file | Default | What it does |
| --- | --- | --- | --- | --- |
| `--rate-limit SECONDS\\|auto` | `JOB_RATE_LIMIT` | `rate_limit` | `5.0` | The pace. |
| `--resume`, `--no-resume` | `JOB_RESUME` | `resume` | `true` | Continue. |
| `--no-boxes` | `JOB_BOXES` | `boxes` | `true` | No boxes. `--boxes` undoes it. |
| `--id ID` | `JOB_IDS` | `ids` |  | A game. May be repeated; commas between values in the environment. |
| `--wait DURATION` | `JOB_WAIT` | `wait` | `45m` | The longest wait. |
| `--season TEXT` | `JOB_SEASON` | `season` | the current one | A season. |
| `--token SECRET` | `JOB_TOKEN` | `token` |  | The token. Never shown. |
|  | `JOB_DESCRIBED` | `described` | `1` | Only in a file or the environment. |
"""
    )
    assert reference_markdown(Job, heading_level=2).startswith("## Where\n")


def test_the_schema_knows_options_variables_and_secrets() -> None:
    """An editor can offer what the help says."""
    schema = json_schema(Job)
    assert json.loads(json.dumps(schema)) == schema
    properties = schema["properties"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert "required" not in schema
    assert properties["bucket"]["description"] == "The bucket."
    assert properties["bucket"]["x-option"] == "--bucket"
    assert properties["bucket"]["x-environment"] == "BUCKET"
    assert properties["token"]["writeOnly"] is True
    assert properties["wait"]["default"] == "45m"
    assert "x-option" not in properties["described"]
    assert list(properties)[:4] == ["bucket", "rate_limit", "resume", "boxes"]


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        ({}, True),
        ({"bucket": "b", "rate_limit": 0.5, "resume": False, "ids": ["1"], "wait": "45m", "token": "t"}, True),
        ({"rate-limit": "auto", "no-boxes": True, "no_resume": False, "id": ["1"], "wait": 90}, True),
        ({"rate_limit": 0}, False),
        ({"rate_limit": "fast"}, False),
        ({"no-boxes": "never"}, False),
        ({"ids": [1]}, False),
        ({"bukket": "b"}, False),
    ],
)
def test_schema_and_settings_agree(tmp_path: Path, document: dict[str, Any], valid: bool) -> None:
    """What the schema allows can be loaded; what it forbids cannot."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema(Job)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(document) is valid
    file = tmp_path / "job.json"
    file.write_text(json.dumps(document))
    try:
        Job.load({}, environ={"BUCKET": "b"}, file=file)
    except ValueError:
        assert not valid
    else:
        assert valid
