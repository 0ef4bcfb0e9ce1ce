"""Reading XML by prefixed paths: text, amounts and dates, with errors that name the term and the place."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from lxml import etree

from einvoice.document import Contact, Delivery, LineDelivery, LineReference, ThirdParty
from einvoice.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from einvoice.document import Line

Group = TypeVar("Group", Contact, Delivery, LineDelivery, LineReference, ThirdParty)
_ABSENT = etree.Element("absent")
"""What stands for every element that is not there; nothing is ever put into it."""
_PREFIX = re.compile(r"\b([a-z]+):(?=[A-Z])")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]*)?|\.[0-9]+)")
_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_CII_DATE = re.compile(r"\d{8}", re.ASCII)
_LONGEST_SHOWN = 100
"""Characters of a wrong value that an error repeats."""
_LONGEST_NUMBER = 40
"""Characters of a number: XSD decimals have no limit, EN 16931 amounts stay under 20 digits."""


_MOST_PATHS = 2000
"""Paths kept translated: the readers have some 300; those that hold a currency of the file must not pile up."""


class Prefixes:
    """The namespaces of one syntax, and every path of its readers translated to full names once.

    lxml does the same on each call, which is a third of the time of reading a file.
    """

    def __init__(self, uris: Mapping[str, str]) -> None:
        self.uris = uris
        self._full: dict[str, str] = {}

    def full(self, path: str) -> str:
        """``path`` with namespaces in the place of prefixes."""
        known = self._full.get(path)
        if known is None:
            known = _PREFIX.sub(lambda found: f"{{{self.uris[found[1]]}}}", path)
            if len(self._full) < _MOST_PATHS:
                self._full[path] = known
        return known


class Place:
    """One element of an invoice file, read by paths such as ``ram:SellerTradeParty/ram:Name``."""

    __slots__ = ("_absent_from", "_prefixes", "element")

    def __init__(
        self, element: etree._Element, prefixes: Prefixes, absent_from: tuple[Place, str] | None = None
    ) -> None:
        self.element = element
        self._prefixes = prefixes
        self._absent_from = absent_from

    def find(self, path: str) -> Place | None:
        """The first element at ``path``."""
        found = self.element.find(self._prefixes.full(path))
        return None if found is None else Place(found, self._prefixes)

    def all(self, path: str) -> list[Place]:
        """Every element at ``path``, in the order of the file."""
        return [Place(element, self._prefixes) for element in self.element.findall(self._prefixes.full(path))]

    def group(self, path: str) -> Place:
        """The first element at ``path``, or an empty one: all its terms are then absent."""
        found = self.find(path)
        if found is not None:
            return found
        return Place(_ABSENT, self._prefixes, (self, path))

    def own_text(self) -> str | None:
        """The element's own text without outer white space; ``None`` where empty."""
        return text_of(self.element) or None

    def attribute(self, name: str) -> str | None:
        """An attribute's text without outer white space; ``None`` where empty or absent."""
        return (self.element.get(name) or "").strip() or None

    def children(self) -> set[str]:
        """The names of the elements right below, without namespace."""
        return {_local_name(str(child.tag)) for child in self.element}

    def text(self, path: str) -> str | None:
        """The text at ``path``; ``None`` where absent or empty."""
        found = self.find(path)
        return found.own_text() if found else None

    def need(self, path: str, term: str) -> str:
        """The text at ``path``, which EN 16931 demands.

        Raises:
            ReadError: ``invoice.missing_term``.
        """
        value = self.text(path)
        if value is None:
            raise self.missing(path, term)
        return value

    def number(self, path: str, term: str) -> Decimal | None:
        """The number at ``path``.

        Raises:
            ReadError: ``invoice.bad_value`` where it is no XSD decimal.
        """
        found = self.find(path)
        text = found.own_text() if found else None
        if found is None or text is None:
            return None
        if not _DECIMAL.fullmatch(text) or len(text) > _LONGEST_NUMBER:
            raise found.bad(term, text, "a number such as 1234.50", "un nombre tel que 1234.50")
        return Decimal(text)

    def need_number(self, path: str, term: str) -> Decimal:
        """The number at ``path``, which EN 16931 demands.

        Raises:
            ReadError: ``invoice.missing_term`` or ``invoice.bad_value``.
        """
        value = self.number(path, term)
        if value is None:
            raise self.missing(path, term)
        return value

    def flag(self, path: str, term: str) -> bool:
        """The XSD boolean at ``path``, which the schema demands.

        Raises:
            ReadError: ``invoice.missing_term`` or ``invoice.bad_value``.
        """
        text = self.need(path, term)
        if text not in {"true", "false", "0", "1"}:
            raise self.group(path).bad(term, text, "true or false", "true ou false")
        return text in {"true", "1"}

    def day(self, path: str, term: str) -> date | None:
        """The date at ``path``: ISO 8601 in UBL, format 102 (``YYYYMMDD``) in CII, where ``@format`` says so.

        Raises:
            ReadError: ``invoice.bad_value``.
        """
        found = self.find(path)
        text = found.own_text() if found else None
        if found is None or text is None:
            return None
        try:
            if found.attribute("format") is not None:
                if found.attribute("format") == "102" and _CII_DATE.fullmatch(text):
                    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a legal day has no zone
            elif iso := _ISO_DATE.fullmatch(text):
                return date.fromisoformat(iso[1])
        except ValueError:
            pass  # falls through to the one refusal below
        raise found.bad(term, text, "a date of the calendar", "une date du calendrier")

    def need_day(self, path: str, term: str) -> date:
        """The date at ``path``, which EN 16931 demands.

        Raises:
            ReadError: ``invoice.missing_term`` or ``invoice.bad_value``.
        """
        value = self.day(path, term)
        if value is None:
            raise self.missing(path, term)
        return value

    def content(self, path: str, term: str) -> bytes | None:
        """The base 64 content at ``path``.

        Raises:
            ReadError: ``invoice.bad_value``.
        """
        found = self.find(path)
        text = found.own_text() if found else None
        if found is None or text is None:
            return None
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise found.bad(term, f"{text[:20]}...", "base 64", "du base 64") from error

    def bad(self, term: str, text: str, expected: str, expected_fr: str) -> ReadError:
        """The error that ``text``, read here, is not what ``term`` needs."""
        place, text = self.path(), text[:_LONGEST_SHOWN]
        return ReadError(
            "invoice.bad_value",
            f"{term} at {place} is {text!r}, but must be {expected}. Correct the file and send it again.",
            f"{term} en {place} vaut {text!r} ; il faut {expected_fr}. Corrigez le fichier et renvoyez-le.",
            term=term,
            place=place,
        )

    def missing(self, path: str, term: str) -> ReadError:
        """The error that the compulsory ``term`` is absent or empty."""
        place = f"{self.path()}/{path}"
        return ReadError(
            "invoice.missing_term",
            f"{term} is missing: {place} is absent or empty. An EN 16931 invoice must have it.",
            f"{term} manque : {place} est absent ou vide. Une facture EN 16931 doit le porter.",
            term=term,
            place=place,
        )

    def path(self) -> str:
        """The XPath of this element with prefixes, and a position where it has siblings of its name."""
        if self._absent_from is not None:
            parent, path = self._absent_from
            return f"{parent.path()}/{path}"
        return path_of(self.element, self._prefixes.uris)


def present(group: Group) -> Group | None:
    """``group`` where any of its terms is there, else ``None``: an empty group says nothing."""
    return group if any(getattr(group, each.name) not in {None, ()} for each in fields(group)) else None


def require(line: Line, *terms: tuple[object | None, Place, str, str]) -> None:
    """Refuse a line that counts and lacks one of ``terms``: (value, where, path, term).

    Raises:
        ReadError: ``invoice.missing_term``.
    """
    if not line.counts:
        return
    for value, place, path, term in terms:
        if value is None:
            raise place.missing(path, term)


def text_of(element: etree._Element) -> str:
    """The element's own text without outer white space; a comment or instruction inside does not cut it."""
    text = element.text or ""
    for child in element:
        text += child.tail or ""
    return text.strip()


@lru_cache(maxsize=1000)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def path_of(element: etree._Element, namespaces: Mapping[str, str]) -> str:
    """The XPath of ``element`` in the prefixes of ``namespaces``."""
    prefixes = {uri: prefix for prefix, uri in namespaces.items()}
    steps = [_step(node, prefixes) for node in _with_ancestors(element)]
    return "/" + "/".join(reversed(steps))


def _with_ancestors(element: etree._Element) -> Iterable[etree._Element]:
    yield element
    yield from element.iterancestors()


def _step(element: etree._Element, prefixes: dict[str, str]) -> str:
    namespace, _, local = str(element.tag).rpartition("}")
    prefix = prefixes.get(namespace.lstrip("{"), "")
    name = f"{prefix}:{local}" if prefix else local
    before = sum(1 for _ in element.itersiblings(str(element.tag), preceding=True))
    alone = before == 0 and next(element.itersiblings(str(element.tag)), None) is None
    return name if alone else f"{name}[{before + 1}]"
