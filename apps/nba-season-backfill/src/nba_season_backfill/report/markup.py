"""HTML made of elements, never of text: what a page says can not become what it is. Pure.

Text and attributes are escaped by the standard library's serializer. Characters that no document may hold, or that turn
the direction of what follows, are replaced.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

__all__ = ["Child", "Element", "document", "shortened", "tag"]

Element = ElementTree.Element
Child = Element | str | int | None

# Controls, halves of surrogate pairs, noncharacters; overrides and isolates of the writing direction.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Element:
    """An element. Attribute names lose a last underscore (``class_``), others become hyphens; None is left out."""
    element = ElementTree.Element(name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key.rstrip("_").replace("_", "-"), _clean(_number(value)))
    last: Element | None = None
    for child in children:
        if child is None:
            continue
        if isinstance(child, Element):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + _clean(str(child))
        else:
            last.tail = (last.tail or "") + _clean(str(child))
    return element


def document(root: Element) -> str:
    """The whole page as text."""
    return "<!doctype html>\n" + ElementTree.tostring(root, encoding="unicode", method="html") + "\n"


def shortened(text: str, length: int = 300) -> str:
    """The text on one line, cut where it is too long to be read."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _number(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value)


def _clean(text: str) -> str:
    return _UNWANTED.sub("\ufffd", text)
