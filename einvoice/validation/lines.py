"""On which line of the file a finding is: Schematron tells a path only, people look for a line.

The children of an element are sorted by name once for all findings: a file of a hundred pages can have a finding in
each of ten thousand lines, and looking for each from the first line on would take minutes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml import etree

    from einvoice.validation.verdict import Finding

    Sorted = dict[etree._Element, dict[str | None, list[etree._Element]]]  # noqa: SLF001 -- lxml's own name of the type
    """The children of elements by their local names."""

_STEP = re.compile(r"([\w.-]+)(?:\[(\d+)\])?")


def with_lines(findings: Iterable[Finding], root: etree._Element) -> tuple[Finding, ...]:
    """``findings`` with the lines of their places in the document of ``root``; a line that is told already stays."""
    known: Sorted = {}
    return tuple(_with_line(finding, root, known) for finding in findings)


def _with_line(finding: Finding, root: etree._Element, known: Sorted) -> Finding:
    if finding.line is not None or finding.location is None:
        return finding
    element = element_at(root, finding.location, known)
    return finding if element is None else replace(finding, line=element.sourceline)


def element_at(root: etree._Element, location: str, known: Sorted | None = None) -> etree._Element | None:
    """The element that a path of local names leads to (an attribute leads to its element), or ``None``.

    ``known`` keeps what was sorted for the next path in the same document.
    """
    known = {} if known is None else known
    first, *others = [step for step in location.split("/") if step and not step.startswith("@")] or [""]
    if _local_name(root) != first.partition("[")[0]:
        return None
    here = root
    for step in others:
        matched = _STEP.fullmatch(step)
        if matched is None:
            return None
        position = int(matched[2] or 1)
        if here not in known:
            known[here] = _sorted(here)
        equals = known[here].get(matched[1], [])
        if not 0 < position <= len(equals):
            return None
        here = equals[position - 1]
    return here


def _sorted(parent: etree._Element) -> dict[str | None, list[etree._Element]]:
    by_name: dict[str | None, list[etree._Element]] = {}
    for child in parent:
        by_name.setdefault(_local_name(child), []).append(child)
    return by_name


def _local_name(element: etree._Element) -> str | None:
    """The name without its namespace; comments and instructions have none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else None
