"""Walking a camt file by names without namespaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from payments.statements.errors import wrong
from payments.statements.fields import day_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lxml.etree import _Element

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?![\d])", re.ASCII)


def first(element: _Element) -> str:
    """The local name of an element; empty for comments and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(element: _Element, *path: str) -> _Element | None:
    """The first element down ``path``, or ``None``."""
    found: _Element | None = element
    for name in path:
        found = next((each for each in found if first(each) == name), None) if found is not None else None
    return found


def children(element: _Element, name: str) -> Iterator[_Element]:
    """The children of that name."""
    return (each for each in element if first(each) == name)


def text_of(element: _Element | None, *path: str) -> str | None:
    """The text down ``path``, or ``None`` where it is not there or empty."""
    found = child(element, *path) if element is not None else None
    return found.text if found is not None and found.text and found.text.strip() else None


def where(element: _Element) -> str:
    """The place of an element, for sentences."""
    return f"l. {element.sourceline or 1}"


def day_under(element: _Element | None, *path: str) -> date | None:
    """The day down ``path``: ``Dt`` or ``DtTm`` under it, or its own text; the bank's own day, not converted.

    Raises:
        StatementError: ``statement.wrong_date``.
    """
    found = child(element, *path) if element is not None else None
    if found is None:
        return None
    told = (text_of(found, "Dt") or text_of(found, "DtTm") or found.text or "").strip()
    parts = _DAY.match(told)
    if not parts:
        raise wrong("wrong_date", f"{told[:30]!r} is not a day.", f"{told[:30]!r} n'est pas une date.", where(found))
    return day_of(parts[1], parts[2], parts[3], where(found))
