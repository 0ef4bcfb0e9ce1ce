"""Which invoice each line of an advice means, among those of the customer who sent it: proposed, never booked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from payments.matching.numbers import Strength
from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.domain.money import exponent
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.customer_file.overviews import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from payments.advices.reading import AdviceLine, ReadAdvice
    from receivables.store.work import Work

_READ_PLACES = 2
MOST_KNOWN = 4 * PAGE
"""Invoices that one advice may name."""


@dataclass(frozen=True, slots=True)
class Known:
    """An invoice of the customer that a line may mean; amounts in minor units, below zero of a credit note."""

    invoice_id: UUID
    number: str
    compact: str
    tail: str
    issue_year: int
    currency: str
    open_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class Understood:
    """A line with the invoice that it means, if any, and what it says is paid of it, in minor units.

    Without an invoice, and so without a currency, in hundredths as it was read.
    """

    said: str
    invoice: Known | None
    amount_minor: int


def understand(work: Work, customer_id: UUID, advice: ReadAdvice) -> list[Understood]:
    """Every line, with the customer's own invoice that it names best; an invoice is named by one line only."""
    known = _load(work, customer_id, advice.lines)
    taken: set[UUID] = set()
    found: list[Understood] = []
    for line in advice.lines:
        named = [each for each in _named(line, known) if each.invoice_id not in taken]
        if not named:
            found.append(Understood(line.said, None, line.amounts[-1]))
            continue
        taken |= {each.invoice_id for each in named}
        found += _amounts(line, named)
    return found


def _named(line: AdviceLine, known: Sequence[Known]) -> list[Known]:
    """The invoices that a line names surely; else the one whose serial and amount both stand in it."""
    strengths = {
        each: max((m.strength(each.compact, each.tail, each.issue_year) for m in line.mentions), default=0)
        for each in known
    }
    sure = [each for each, strength in strengths.items() if strength >= Strength.WORDED]
    whole = [each for each in sure if strengths[each] is Strength.FULL]
    if whole or sure:
        return sorted(whole or sure, key=lambda each: each.number)
    bare = [
        each
        for each, strength in strengths.items()
        if strength is Strength.BARE
        and {abs(each.open_minor), abs(each.total_minor)} & {abs(minor) for minor in _told(line, each)}
    ]
    return bare if len(bare) == 1 else []


def _amounts(line: AdviceLine, named: Sequence[Known]) -> list[Understood]:
    """What a line says of one invoice, or of several that it names together."""
    if len(named) == 1:
        return [Understood(line.said, named[0], _of(line, named[0]))]
    left = _told(line, named[0])[-1]
    parts = []
    for each in named:
        minor = min(each.open_minor, left) if each.open_minor > 0 else each.open_minor
        parts.append(Understood(line.said, each, minor))
        left -= minor
    return parts


def _of(line: AdviceLine, invoice: Known) -> int:
    """The amount that is open, where the line tells it; else the whole; else the last that it tells."""
    amounts = _told(line, invoice)
    told = [abs(minor) for minor in amounts]
    credit = invoice.total_minor < 0
    for wanted in (abs(invoice.open_minor), abs(invoice.total_minor)):
        if wanted and wanted in told:
            return -wanted if credit else wanted
    return -told[-1] if credit else amounts[-1]


def _told(line: AdviceLine, invoice: Known) -> tuple[int, ...]:
    """The amounts of a line in minor units of the invoice's currency: 12 000,00 JPY are 12000 of them."""
    return tuple(in_minor(each, invoice.currency) for each in line.amounts)


def in_minor(hundredths: int, currency: str) -> int:
    """An amount that was read with two decimals, in minor units of a currency with none, two or three."""
    places = exponent(currency) - _READ_PLACES
    return hundredths * 10**places if places >= 0 else int(hundredths / Decimal(10) ** -places)


def _load(work: Work, customer_id: UUID, lines: Sequence[AdviceLine]) -> list[Known]:
    """The customer's own invoices that any line may name."""
    mentions = [mention for line in lines for mention in line.mentions]
    rows = work.rows(
        "SELECT invoice_id, number, compact_number, tail_number, issue_year, currency, payable_minor, "
        "type_code = ANY(:credits) AS is_credit, coalesce((SELECT sum(open_minor) FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.invoice_id = invoices.invoice_id AND NOT item.debit), 0)::bigint "
        "AS credit_left FROM invoices WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND (compact_number = ANY(:wholes) OR tail_number = ANY(:tails)) ORDER BY issued_on DESC LIMIT :most",
        customer=customer_id,
        credits=sorted(CREDIT_NOTES),
        wholes=sorted({whole for each in mentions for whole in each.wholes}),
        tails=sorted({each.tail for each in mentions}),
        most=MOST_KNOWN,
    )
    dues = {due.invoice_id: due for due in due_on_invoices(work, [row["invoice_id"] for row in rows])}
    return [
        Known(
            row["invoice_id"],
            row["number"],
            row["compact_number"],
            row["tail_number"],
            row["issue_year"],
            row["currency"],
            -row["credit_left"] if row["is_credit"] else max(dues[row["invoice_id"]].payable_minor, 0),
            -row["payable_minor"] if row["is_credit"] else row["payable_minor"],
        )
        for row in rows
    ]


def sums_of(understood: Sequence[Understood]) -> Mapping[str, int]:
    """What the understood lines come to, by currency."""
    sums: dict[str, int] = {}
    for each in understood:
        if each.invoice:
            sums[each.invoice.currency] = sums.get(each.invoice.currency, 0) + each.amount_minor
    return sums
