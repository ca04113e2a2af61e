"""The command line as a function call."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

Invoke = Callable[..., Result]


@pytest.fixture
def invoke() -> Invoke:
    """``invoke("export", "ddl", ...)`` in this process; errors of ours become exit codes as in the console script."""
    from nba_season_backfill.cli.entry import cli
    from nba_season_backfill.errors import BackfillError

    def call(*arguments: object) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        if isinstance(result.exception, BackfillError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call
