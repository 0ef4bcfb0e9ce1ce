"""Writing XML as nested calls in the schema's order: what has no value leaves no element behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

Node: TypeAlias = etree._Element | None  # noqa: SLF001 - lxml has no public name for the type of an element
Content: TypeAlias = Node | Iterable[Node]


class Elements:
    """Makes elements of one syntax from prefixed names, e.g. ``ram:ID``; the prefix ``""`` is the default namespace."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = namespaces
        self._declared = {prefix or None: uri for prefix, uri in namespaces.items()}
        self._names: dict[str, str] = {}

    def leaf(self, name: str, value: str | None, /, **attributes: str | None) -> Node:
        """An element with text, or ``None`` where there is no value."""
        if value is None:
            return None
        element = etree.Element(self._name(name), nsmap=self._declared)
        element.text = value
        for key, text in attributes.items():
            if text is not None:
                element.set(key, text)
        return element

    def group(self, name: str, *content: Content) -> Node:
        """An element around ``content``, or ``None`` where nothing of it has a value."""
        children = list(_flatten(content))
        return self.always(name, *children) if children else None

    def always(self, name: str, *content: Content) -> etree._Element:
        """An element that the schema demands even where it is empty."""
        element = etree.Element(self._name(name), nsmap=self._declared)
        element.extend(_flatten(content))
        return element

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            prefix, _, local = name.partition(":")
            known = self._names[name] = f"{{{self._namespaces[prefix]}}}{local}"
        return known


def _flatten(content: Iterable[Content]) -> Iterable[etree._Element]:
    for item in content:
        if isinstance(item, etree._Element):  # noqa: SLF001 - see Node
            yield item
        elif item is not None:
            yield from (node for node in item if node is not None)


def plain(value: Decimal | None) -> str | None:
    """A number without exponent and without needless zeros: ``20``, ``5.5`` (BR-FR-DEC-04 refuses ``20.000``)."""
    if value is None:
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def money(value: Decimal | None) -> str | None:
    """An amount with at least two decimals: ``20.00``; more are kept where the amount has more."""
    text = plain(value)
    if text is None:
        return None
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"
