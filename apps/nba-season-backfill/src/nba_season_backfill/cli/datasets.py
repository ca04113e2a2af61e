"""``datasets``: what can be fetched, since when, at what cost, and what it becomes."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["datasets", "datasets_document", "datasets_text", "known_datasets"]

# A regular season, which most datasets are asked for: 82 games for each of 30 teams.
_GAMES = 1230
_TEAMS = 30
_LEGEND = (
    "Requests are those for a regular season of 1,230 games and 30 teams. In brackets: the groups; core is what is",
    "fetched where nothing is said. --output-format json has every column, docs/data-dictionary.md every meaning.",
)


def known_datasets(ctx: click.Context, param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """A callback of an option: names of datasets of single games. The registry is imported when there is one."""
    if not names:
        return names
    from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS

    known = [name for name in DATASETS if name not in SEASON_DATASETS]
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} is no dataset of single games; one of {', '.join(known)}", ctx, param)
    return names


def datasets_document() -> list[dict[str, Any]]:
    """Every dataset: name, groups, endpoints, first season, requests for a season of 1,230 games, tables, columns."""
    from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS
    from nba_season_backfill.datasets.groups import GROUPS, NAMES
    from nba_season_backfill.season import Season, SeasonType

    document = []
    for name in NAMES:
        whole = SEASON_DATASETS.get(name)
        dataset = whole or DATASETS[name]
        endpoints, requests = [dataset.endpoint], _GAMES
        if whole is not None:
            asked = whole.requests(Season(2024), [SeasonType.REGULAR_SEASON], "00", range(1, _TEAMS + 1))
            endpoints, requests = sorted({request.endpoint for request in asked}), len(asked)
        document.append(
            {
                "name": name,
                "groups": [group for group, names in GROUPS.items() if name in names],
                "endpoints": endpoints,
                "first_season": str(dataset.first_season),
                "asked_per": "season" if whole is not None else "game",
                "requests_per_season": requests,
                "tables": [
                    {
                        "name": table.name,
                        "key": [*(("game_id",) if table.per_game else ()), *table.key],
                        "columns": [_column(field) for field in table.schema],
                    }
                    for table in dataset.tables
                ],
            }
        )
    return document


def _column(field: Any) -> dict[str, Any]:
    told = {key.decode(): value.decode() for key, value in field.metadata.items()}
    return {
        "name": field.name,
        "type": str(field.type),
        "nullable": field.nullable,
        "source": told["source"],
        "range": told.get("range"),
        "doc": told["doc"],
    }


def datasets_text() -> str:
    """The same in a line for each dataset, and one for each of its tables."""
    document = datasets_document()
    width = max(len(dataset["name"]) for dataset in document)
    lines = [f"{'dataset'.ljust(width)}  since    requests  endpoint"]
    for dataset in document:
        requests = f"{dataset['requests_per_season']:,}".rjust(8)
        about = f"{', '.join(dataset['endpoints'])}  [{', '.join(dataset['groups'])}]"
        lines.append(f"{dataset['name'].ljust(width)}  {dataset['first_season']}  {requests}  {about}")
        lines += [f"{'':{width}}  {table['name']}: {len(table['columns'])} columns" for table in dataset["tables"]]
    return "\n".join([*lines, "", *_LEGEND])


@click.command()
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the list is printed; json has every column.",
)
def datasets(output_format: str) -> None:
    """List what can be fetched: endpoint, first season, requests a season, tables and columns."""
    click.echo(json.dumps({"datasets": datasets_document()}) if output_format == "json" else datasets_text())
