"""Where in a file something is: an XPath of local names, each step with its position among equal names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMESPACE_TEST = re.compile(r"\[namespace-uri\(\)\s*=\s*(?:'[^']*'|\"[^\"]*\")\]")
_CLARK_NAMESPACE = re.compile(r"Q?\{[^{}]*\}")
_PREFIX = re.compile(r"(?<=/)(?:\*|[\w.-]+):(?=[\w@])")


def readable_path(xpath: str) -> str:
    """``xpath`` without namespaces and prefixes, e.g. ``/Invoice[1]/LegalMonetaryTotal[1]``."""
    return _PREFIX.sub("", _CLARK_NAMESPACE.sub("", _NAMESPACE_TEST.sub("", xpath)))


def path_of(element: etree._Element) -> str:
    """The path of ``element`` in its document."""
    steps = [_step(step) for step in (element, *element.iterancestors())]
    return "/" + "/".join(reversed(steps))


def _step(element: etree._Element) -> str:
    position = 1 + sum(1 for _ in _equals_before(element))
    return f"{etree.QName(element).localname}[{position}]"


def _equals_before(element: etree._Element) -> Iterator[etree._Element]:
    return element.itersiblings(str(element.tag), preceding=True)
