"""Documentation and schema, generated from the declarations, so that they cannot say something else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hoopstat_config._declaration import Declared
from hoopstat_config._render import jsonable
from hoopstat_config._settings import Settings

_COLUMNS = ("Option", "Environment", "Key in a file", "Default", "What it does")


def json_schema(settings: type[Settings]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a configuration file for ``settings``.

    Nothing is required, as every value may come from another layer. ``x-option`` and ``x-environment`` name the other
    ways to give a setting; secrets are ``writeOnly``.
    """
    schema = settings.model_json_schema()
    schema.pop("required", None)
    properties: dict[str, Any] = schema.setdefault("properties", {})
    for item in settings._declared_fields.values():
        entry = properties[item.field]
        if item.help:
            entry["description"] = item.help
        if "default" in entry:
            entry["default"] = jsonable(item.default, secret=item.secret)
        if item.secret:
            entry["writeOnly"] = True
        if item.on_names or item.off_names:
            entry["x-option"] = item.public_name
        if item.env is not None:
            entry["x-environment"] = item.env
        for key, negated in item.file_keys():
            if key != item.field:
                same: dict[str, Any] = {"$ref": f"#/properties/{item.field}"}
                properties[key] = {"type": "boolean"} if negated else same
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "additionalProperties": False}


def reference_markdown(settings: type[Settings], *, heading_level: int = 3) -> str:
    """Tables of all settings, one under each heading, for the documentation."""
    groups: dict[str, list[Declared]] = {}
    for item in settings._declared_fields.values():
        if not item.option.hidden:
            groups.setdefault(item.option.group, []).append(item)
    return "\n".join(_table("#" * heading_level, group, items) for group, items in groups.items())


def _table(hashes: str, group: str, items: Iterable[Declared]) -> str:
    rows = [_row(_COLUMNS), _row(["---"] * len(_COLUMNS)), *(_row(_cells(item)) for item in items)]
    return "\n".join([f"{hashes} {group}", "", *rows, ""])


def _cells(item: Declared) -> list[str]:
    shown = [name for name in (*item.on_names, *item.off_names) if name not in item.hidden_names]
    if not item.is_flag and shown:
        shown[-1] = f"{shown[-1]} {item.metavar}"
    remarks = [item.help]
    if item.multiple:
        remarks.append("May be repeated; commas between values in the environment.")
    if item.hidden_names:
        remarks.append(f"`{item.hidden_names[0]}` undoes it.")
    if item.secret:
        remarks.append("Never shown.")
    default = item.default_text
    return [
        ", ".join(f"`{name}`" for name in shown),
        f"`{item.env}`" if item.env else "",
        f"`{item.field}`",
        default if item.option.shown_default is not None or not default else f"`{default}`",
        " ".join(remark for remark in remarks if remark),
    ]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |"
