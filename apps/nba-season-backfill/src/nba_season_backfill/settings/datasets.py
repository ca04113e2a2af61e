"""Which datasets are wanted, and how strictly their schemas are taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from hoopstat_config import Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values

__all__ = ["DatasetOptions"]

GROUP = "What to fetch"


def _words(value: Any) -> Any:
    """One word or several in each, with commas between them."""
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        return value
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())


def _known(words: tuple[str, ...]) -> tuple[str, ...]:
    # Only a choice needs the registry, which takes longer to import than to print the help.
    from nba_season_backfill.datasets.groups import expand

    expand(words)
    return words


class DatasetOptions(Settings):
    """Which datasets are wanted, and how strictly their schemas are taken."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    datasets: Annotated[
        Annotated[
            tuple[str, ...],
            BeforeValidator(_words),
            Field(min_length=1),
            AfterValidator(values.each_once),
            AfterValidator(_known),
        ],
        Option(
            "--datasets",
            group=GROUP,
            metavar="NAME",
            help="Datasets or groups (core, box, all); -NAME takes one away. `nba-backfill datasets` lists them.",
        ),
    ] = ("core",)
    schema_contract: Annotated[
        Literal["evolve", "freeze"],
        Option(
            "--schema-contract",
            group=GROUP,
            help="Fields that no column declares: evolve reports them, freeze refuses the answer (exit 65).",
        ),
    ] = "evolve"
    bulk: Annotated[
        bool,
        Option(
            "--bulk",
            group=GROUP,
            help="Take traditional lines from the season's game logs, two requests a season type, at once; ask game "
            "by game only for what those do not have.",
        ),
    ] = False
