"""How Flux 10 writes a value: days of eight figures, plain decimals, no namespace."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from lxml import etree

from receivables.domain.money import Money

if TYPE_CHECKING:
    from decimal import Decimal


def add(parent: etree._Element, tag: str, value: str | date | None = None, **attributes: str) -> etree._Element:
    """A child of ``parent`` with ``value``: text, or a day."""
    child = etree.SubElement(parent, tag, attributes)
    if value is not None:
        child.text = f"{value:%Y%m%d}" if isinstance(value, date) else value
    return child


def figure(value: Decimal) -> str:
    """A number without zeros at its end: ``20``, ``5.5``."""
    return f"{value.normalize():f}"


def amount(minor: int, currency: str) -> str:
    """An amount with the decimals of its currency."""
    return f"{Money(minor, currency).decimal:f}"


def euros(minor: int) -> str:
    """An amount in EUR."""
    return amount(minor, "EUR")
