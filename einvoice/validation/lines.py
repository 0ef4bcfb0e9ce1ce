"""On which line of the file a finding is: Schematron tells a path only, people look for a line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

    from einvoice.validation.verdict import Finding

_STEP = re.compile(r"([\w.-]+)(?:\[(\d+)\])?")


def with_line(finding: Finding, root: etree._Element) -> Finding:
    """``finding`` with the line of its place in the document of ``root``, where it has a place and no line yet."""
    if finding.line is not None or finding.location is None:
        return finding
    element = element_at(root, finding.location)
    return finding if element is None else replace(finding, line=element.sourceline)


def element_at(root: etree._Element, location: str) -> etree._Element | None:
    """The element that a path of local names leads to (an attribute leads to its element), or ``None``."""
    first, *others = [step for step in location.split("/") if step and not step.startswith("@")] or [""]
    if _local_name(root) != first.partition("[")[0]:
        return None
    here = root
    for step in others:
        matched = _STEP.fullmatch(step)
        if matched is None:
            return None
        position = int(matched[2] or 1)
        equals = [child for child in here if _local_name(child) == matched[1]]
        if not 0 < position <= len(equals):
            return None
        here = equals[position - 1]
    return here


def _local_name(element: etree._Element) -> str | None:
    """The name without its namespace; comments and instructions have none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else None
