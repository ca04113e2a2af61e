"""Options come from the declarations; they collect what the user typed and judge nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from hoopstat_config import (
    Duration,
    GroupedCommand,
    GroupedGroup,
    Option,
    Settings,
    SettingsConfigDict,
    click_options,
    given,
)


class Job(Settings):
    """A job with an option of every kind."""

    model_config = SettingsConfigDict(env_prefix="JOB_")

    season: Annotated[
        str | None,
        Option(
            "--season",
            "-s",
            env="SEASON",
            group="What to fetch",
            metavar="YYYY-YY",
            help="The season.",
            shown_default="the current one",
        ),
    ] = None
    kind: Annotated[
        tuple[Literal["Playoffs", "PlayIn"], ...], Option("--kind", group="What to fetch", help="A kind of game.")
    ] = ("PlayIn",)
    box_scores: Annotated[bool, Option("--no-box-scores", group="What to fetch", help="Leave box scores out.")] = True
    resume: Annotated[bool, Option("--resume/--no-resume", group="How", help="Continue.")] = True
    dry_run: Annotated[bool, Option("--dry-run", "-n", group="How", help="Only plan.")] = False
    quiet: Annotated[bool, Option("-q", flag="on", env="", group="How", help="Say little.")] = False
    loud: Annotated[bool, Option("-Q", flag="off", group="How", help="Say nothing.")] = True
    wait: Annotated[Duration, Option("--max-wait", group="How", help="The longest wait.")] = dt.timedelta(minutes=45)
    output: Annotated[Path, Option("--output", metavar="DIR", group="How", help="The folder.")] = Path("bronze")
    token: Annotated[SecretStr | None, Option("--token", group="How", help="The token.")] = None
    trace: Annotated[str | None, Option("--trace", group="How", hidden=True, help="For developers.")] = None
    only_in_files: int = 0


@click.command(cls=GroupedCommand)
@click.option("--config", metavar="FILE", help="A file.")
@click_options(Job)
@click.argument("more", nargs=-1)
@click.pass_context
def run(ctx: click.Context, /, **_options: Any) -> None:
    """Run the job."""
    click.echo(repr(given(ctx, Job)))


def invoke(*arguments: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(run, list(arguments), env={"SEASON": "e", "JOB_RESUME": "no"})
    assert result.exit_code == 0, result.output
    return result.output.strip()


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {}),
        (["-s", "2024-26"], {"season": "2024-26"}),
        (["--season", ""], {"season": ""}),
        (["--kind", "x", "--kind", "y"], {"kind": ("x", "y")}),
        (["--no-box-scores"], {"box_scores": False}),
        (["--box-scores"], {"box_scores": True}),
        (["--no-resume"], {"resume": False}),
        (["--resume"], {"resume": True}),
        (["--dry-run"], {"dry_run": True}),
        (["-n"], {"dry_run": True}),
        (["--no-dry-run"], {"dry_run": False}),
        (["-q", "-Q"], {"quiet": True, "loud": False}),
        (["--max-wait", "soon", "--output", "~/x"], {"wait": "soon", "output": "~/x"}),
        (["--trace", "t"], {"trace": "t"}),
    ],
)
def test_only_what_the_user_gave_is_given_as_typed(arguments: list[str], values: dict[str, object]) -> None:
    """No default of click's gets in the way of a lower layer, and no value is judged before all layers are known."""
    assert invoke(*arguments) == repr(values)


def test_the_help_has_headings_variables_and_defaults() -> None:
    """Every option with its purpose, its variable and its default, under its heading; hidden ones are not there."""
    result = CliRunner().invoke(run, ["--help"], terminal_width=100)
    assert (
        result.output
        == """\
Usage: run [OPTIONS] [MORE]...

  Run the job.

What to fetch:
  --season, -s YYYY-YY      The season.  [env: SEASON; default: the current one]
  --kind [Playoffs|PlayIn]  A kind of game.  [may be repeated; env: JOB_KIND; default: PlayIn]
  --no-box-scores           Leave box scores out.  [env: JOB_BOX_SCORES]

How:
  --resume / --no-resume  Continue.  [env: JOB_RESUME; default: --resume]
  --dry-run, -n           Only plan.  [env: JOB_DRY_RUN]
  -q                      Say little.
  -Q                      Say nothing.  [env: JOB_LOUD]
  --max-wait DURATION     The longest wait.  [env: JOB_WAIT; default: 45m]
  --output DIR            The folder.  [env: JOB_OUTPUT; default: bronze]
  --token SECRET          The token.  [env: JOB_TOKEN]

Options:
  --config FILE  A file.
  --help         Show this message and exit.
"""
    )


def test_a_group_lists_its_commands_below_its_options() -> None:
    """A group may have options of the settings too."""

    @click.group(cls=GroupedGroup)
    @click_options(Job, only=["season"])
    def main(**_options: Any) -> None:
        """Do things."""

    main.add_command(run)
    result = CliRunner().invoke(main, ["--help"], terminal_width=100)
    assert (
        result.output
        == """\
Usage: main [OPTIONS] COMMAND [ARGS]...

  Do things.

What to fetch:
  --season, -s YYYY-YY  The season.  [env: SEASON; default: the current one]

Options:
  --help  Show this message and exit.

Commands:
  run  Run the job.
"""
    )


def test_a_command_can_take_some_of_the_options() -> None:
    """`only` and `without` choose; a name that is no option is a mistake of the program."""
    command = click_options(Job, only=["season", "resume", "kind"], without=["kind"])(click.Command("c"))
    assert [param.name for param in command.params] == ["season", "resume"]
    with pytest.raises(TypeError, match="Job has no option for: seson"):
        click_options(Job, only=["seson"])
    with pytest.raises(TypeError, match="Job has no option for: only_in_files"):
        click_options(Job, without=["only_in_files"])


def test_a_lone_flag_can_be_undone_in_every_layer() -> None:
    """`--no-dry-run` beats DRY_RUN=true, although the help does not show it."""
    environ = {"JOB_DRY_RUN": "true", "JOB_BOX_SCORES": "no"}
    settings = Job.load({"dry_run": False, "box_scores": True}, environ=environ)
    assert (settings.dry_run, settings.box_scores) == (False, True)
    assert str(settings.origin("dry_run")) == "--no-dry-run"
    assert str(settings.origin("box_scores")) == "--box-scores"


def test_the_shell_completes_choices_and_paths() -> None:
    """Values that are judged later can still be completed."""
    params = {param.name: param for param in run.params}
    ctx = click.Context(run)
    assert [item.value for item in params["kind"].shell_complete(ctx, "play")] == ["Playoffs", "PlayIn"]
    assert [item.value for item in params["kind"].shell_complete(ctx, "PlayI")] == ["PlayIn"]
    assert [item.type for item in params["output"].shell_complete(ctx, "br")] == ["file"]
    assert params["season"].shell_complete(ctx, "2") == []
