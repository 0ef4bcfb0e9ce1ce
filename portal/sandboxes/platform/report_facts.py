"""What the platform reads from a report (Flux 10): an own small reader, so that the sandbox judges by other eyes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

TRANSACTIONS, PAYMENTS = "TransactionsReport", "PaymentsReport"


class UnreadableReportError(ValueError):
    """The XML is no report that can be judged; the sentence names what is missing."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A total that the report states (``told``) beside the sum of its parts, over ``parts`` summands."""

    place: str
    told: Decimal
    summed: Decimal
    parts: int


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """TT-1 ``number``, TT-4 ``type_code`` (IN or RE), the declarant, what is told (``part``), and the period."""

    number: str
    type_code: str
    issued_on: date
    siren: str
    role: str
    part: str
    starts_on: date
    ends_on: date
    days: tuple[date, ...]
    """The days of what is reported."""
    rates: tuple[Decimal, ...]
    currencies: tuple[str, ...]
    """Currencies of payments, where they are told."""
    sums: tuple[Sum, ...]

    @property
    def key(self) -> tuple[str, str, str, date, date]:
        """What a rectifying report replaces: declarant, role, kind and period."""
        return self.siren, self.role, self.part, self.starts_on, self.ends_on


def read_report(root: _Element) -> ReportFacts:
    """The facts of a report.

    Raises:
        UnreadableReportError: a field is missing or unreadable.
    """
    parts = [name for name in (TRANSACTIONS, PAYMENTS) if root.find(name) is not None]
    if len(parts) != 1:
        raise UnreadableReportError("The report holds transactions or payments, never both (G6.29).")
    part = parts[0]
    return ReportFacts(
        number=_need(root, "ReportDocument/Id"),
        type_code=_need(root, "ReportDocument/TypeCode"),
        issued_on=_day(_need(root, "ReportDocument/IssueDateTime/DateTimeString")),
        siren=_need(root, "ReportDocument/Issuer/Id"),
        role=_need(root, "ReportDocument/Issuer/RoleCode"),
        part=part,
        starts_on=_day(_need(root, f"{part}/ReportPeriod/StartDate")),
        ends_on=_day(_need(root, f"{part}/ReportPeriod/EndDate")),
        days=tuple(_day(text) for text in _texts(root, f"{part}/Transactions/Date", f"{part}//Payment/Date")),
        rates=tuple(_amount(text) for text in _texts(root, f"{part}//TaxPercent", f"{part}//TaxCategory/Percent")),
        currencies=tuple(_texts(root, f"{PAYMENTS}//SubTotals/CurrencyCode")),
        sums=tuple(_sums(root)),
    )


def _sums(root: _Element) -> Iterator[Sum]:
    """The totals that can be added up again: of aggregated transactions and of invoices."""
    for place, entry in enumerate(root.iterfind(f"{TRANSACTIONS}/Transactions"), start=1):
        for name, part in (("TaxExclusiveAmount", "TaxSubtotal/TaxableAmount"), ("TaxTotal", "TaxSubtotal/TaxTotal")):
            yield _sum(f"Transactions[{place}]/{name}", entry, name, part)
    for place, entry in enumerate(root.iterfind(f"{TRANSACTIONS}/Invoice"), start=1):
        yield _sum(f"Invoice[{place}]/TaxAmount", entry, "MonetaryTotal/TaxAmount", "TaxSubTotal/TaxAmount")


def _sum(place: str, entry: _Element, name: str, part: str) -> Sum:
    parts = [_amount((node.text or "").strip()) for node in entry.iterfind(part)]
    return Sum(place, _amount(_need(entry, name)), sum(parts, Decimal(0)), len(parts))


def _texts(root: _Element, *paths: str) -> list[str]:
    return [(node.text or "").strip() for path in paths for node in root.iterfind(path)]


def _need(node: _Element, path: str) -> str:
    text = (node.findtext(path) or "").strip()
    if not text:
        raise UnreadableReportError(f"The report has no {path}.")
    return text


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise UnreadableReportError(f"{text!r} is not a number.") from error
    if not value.is_finite():
        raise UnreadableReportError(f"{text!r} is not a number.")
    return value


def _day(text: str) -> date:
    """``20261031``, or the first eight digits of a time stamp."""
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 -- a day, no instant
    except ValueError as error:
        raise UnreadableReportError(f"{text!r} is not a day.") from error
