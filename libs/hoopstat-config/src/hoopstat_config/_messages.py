"""What pydantic found wrong, in the words of the person who wrote the value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from hoopstat_config._declaration import Declared, as_text, nearest
from hoopstat_config._layers import Given
from hoopstat_config._origin import DEFAULT, Origin, Problem, mask_message

_SENTENCES = {
    "float_type": "not a number",
    "float_parsing": "not a number",
    "int_type": "not a whole number",
    "int_parsing": "not a whole number",
    "int_parsing_size": "not a whole number of a sane size",
    "int_from_float": "not a whole number",
    "finite_number": "not a finite number",
    "bool_type": "neither true nor false; write true, false, 1, 0, yes, no, on or off",
    "bool_parsing": "neither true nor false; write true, false, 1, 0, yes, no, on or off",
    "string_type": "not text; put it in quotes",
    "string_unicode": "not valid text",
    "string_sub_type": "not text",
    "path_type": "not a path",
    "tuple_type": "not a list of values",
    "frozen_set_type": "not a list of values",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "give at least {min_length}",
    "too_long": "give at most {max_length}",
}


def problems_of(
    error: ValidationError, declared: Mapping[str, Declared], winners: Mapping[str, Given]
) -> tuple[Problem, ...]:
    """One problem for every value that is wrong; the branches of a union are one value."""
    found: dict[tuple[str, int | None], list[Any]] = {}
    for detail in error.errors(include_url=False):
        location = detail["loc"]
        field = str(location[0]) if location else ""
        item = location[1] if len(location) > 1 and isinstance(location[1], int) else None
        found.setdefault((field, item), []).append(detail)
    # A list with a wrong item is also said to be too short: the item is what the user wants to hear of.
    with_items = {field for field, item in found if item is not None}
    found = {key: details for key, details in found.items() if key[1] is not None or key[0] not in with_items}
    return tuple(
        _problem(details, declared.get(field), winners.get(field), index) for (field, index), details in found.items()
    )


def _problem(details: list[Any], item: Declared | None, given: Given | None, index: int | None) -> Problem:
    if item is None:
        name = str(details[0]["loc"][0]) if details[0]["loc"] else ""
        return Problem(name, mask_message(_raised(details[0]) or details[0]["msg"], None, secret=False))
    if details[0]["type"] == "missing":
        return Problem(item.public_name, f"missing; {how_to_give(item)}", None, item.field)
    raw = as_given(given)
    origin = DEFAULT if given is None else given.origin
    if given is not None and index is not None and index < len(given.items):
        raw = given.items[index]
        if not item.secret:
            origin = Origin(origin.kind, origin.name, raw, origin.file)
    message = mask_message(_sentence(details, item, raw), raw, secret=item.secret)
    return Problem(item.public_name, message, origin, item.field)


def as_given(given: Given | None) -> str | None:
    """The text as given, secrets included: for finding it in messages, never for showing."""
    if given is None:
        return None
    value = given.value
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal()) if reveal is not None else str(value) if isinstance(value, str) else given.origin.raw


def how_to_give(item: Declared) -> str:
    """What to do about a setting that has no default."""
    ways = [f"give {item.public_name}"] if item.on_names else []
    if item.env is not None:
        ways.append(f"set the environment variable {item.env}")
    ways.append(f"write {item.field} into the file")
    return ", or ".join(ways)


def _sentence(details: list[Any], item: Declared, raw: str | None) -> str:
    if item.choices and details[0]["type"] in ("literal_error", "enum"):
        guess = nearest(raw or "", item.choices)
        return f"not one of {', '.join(item.choices)}" + (f"; did you mean {guess}?" if guess else "")
    raised = [sentence for sentence in map(_raised, details) if sentence is not None]
    if raised:
        return raised[0]
    # With `expects` the first branch of a union is enough: the brackets name the others.
    sentences = list(dict.fromkeys(_told(detail, item) for detail in details))
    if item.option.expects:
        return f"{sentences[0]} ({item.option.expects})"
    return ", nor ".join(sentence.removeprefix("not ") if n else sentence for n, sentence in enumerate(sentences))


def _raised(detail: Any) -> str | None:
    """The sentence of a validator of the class's own."""
    return str(detail["ctx"]["error"]) if detail["type"] in ("value_error", "assertion_error") else None


def _told(detail: Any, item: Declared) -> str:
    sentence = _SENTENCES.get(detail["type"])
    if sentence is not None:
        limits = detail.get("ctx", {})
        return sentence.format_map({name: _limit(item, name, limit) for name, limit in limits.items()})
    if detail["type"] == "literal_error":
        return f"not {detail['ctx']['expected']}"
    message = str(detail["msg"])
    return message[:1].lower() + message[1:]


def _limit(item: Declared, name: str, limit: Any) -> str:
    """A limit as the user would write it; of a length of time or a date pydantic tells only the ``repr``."""
    if isinstance(limit, float):
        return f"{limit:g}"
    declared = [getattr(constraint, name) for constraint in item.metadata if hasattr(constraint, name)]
    return as_text(declared[0] if declared else limit)
