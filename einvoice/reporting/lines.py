"""What a declared amount is made of: one line per invoice and rate, or per movement of cash and rate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal
    from uuid import UUID


class Block(StrEnum):
    """The parts of Flux 10 (DG 3.2)."""

    FOREIGN_SALE = "10.1"
    """International B2B invoices, one by one."""
    FOREIGN_RECEIPT = "10.2"
    """Their receipts, by invoice, day and rate."""
    CONSUMER_SALES = "10.3"
    """Sales to consumers, by day, currency and category."""
    CONSUMER_RECEIPTS = "10.4"
    """Their receipts, by day and rate."""


class Untold(StrEnum):
    """Why a line is not in the file: the data for it are nowhere, and nobody guesses them."""

    NO_EURO = "no_euro"
    """Another currency than EUR, without VAT in EUR (BT-111) or a rate (BT-167): G6.23, G6.27."""
    NO_NATURE = "no_nature"
    """Goods and services in one invoice (BT-23 M*) whose lines do not say which is which: G1.68."""
    NO_MARGIN = "no_margin"
    """Margin scheme: the margin that is to be declared (G1.57) stands on no invoice."""
    RULES = "rules"
    """The rules of Flux 10 refuse this invoice; the file is made without it."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line. Minor units of ``currency``, as the books hold them: credit notes and refunds are below zero.

    Sales have ``taxable_minor`` and ``tax_minor``, receipts ``amount_minor`` (VAT included) and the ``sequence`` of
    their movement. ``tax_eur_minor`` and ``amount_eur_minor`` are what is declared, in cents of EUR. ``category`` is
    TLB1, TPS1, TNT1 or TMA1 in 10.3, the VAT category (BT-118) in 10.1.
    """

    block: Block
    invoice_id: UUID
    happened_on: date
    rate: Decimal
    currency: str
    sequence: int | None = None
    category: str | None = None
    taxable_minor: int | None = None
    tax_minor: int | None = None
    tax_eur_minor: int | None = None
    amount_minor: int | None = None
    amount_eur_minor: int | None = None
    untold: Untold | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same line in two versions; that a rule refused it is no other fact."""
        return (
            self.block,
            self.invoice_id,
            self.happened_on,
            self.rate,
            self.currency,
            self.sequence,
            self.category,
            self.taxable_minor,
            self.tax_minor,
            self.tax_eur_minor,
            self.amount_minor,
            self.amount_eur_minor,
        )


@dataclass(frozen=True, slots=True)
class Total:
    """What one block declares of one category, rate and currency, in minor units; ``count`` invoices or movements."""

    block: Block
    category: str | None
    rate: Decimal
    currency: str
    taxable_minor: int
    tax_minor: int
    amount_eur_minor: int
    count: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one version to the next."""

    added: tuple[ReportLine, ...]
    removed: tuple[ReportLine, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def in_order(lines: Iterable[ReportLine]) -> tuple[ReportLine, ...]:
    """The same lines in the order in which every version holds them."""
    return tuple(
        sorted(
            lines,
            key=lambda each: (
                each.block,
                each.happened_on,
                each.invoice_id,
                each.sequence or 0,
                each.category or "",
                each.rate,
            ),
        )
    )


def mirrored(line: ReportLine, day: date) -> ReportLine:
    """A line of a sale taken back on ``day``."""
    return replace(
        line,
        happened_on=day,
        taxable_minor=-(line.taxable_minor or 0),
        tax_minor=-(line.tax_minor or 0),
        tax_eur_minor=None if line.tax_eur_minor is None else -line.tax_eur_minor,
    )


def told(lines: Iterable[ReportLine]) -> tuple[ReportLine, ...]:
    """The lines that are in the file."""
    return tuple(each for each in lines if each.untold is None)


def below_zero(lines: Iterable[ReportLine]) -> bool:
    """Whether some receipts stay below zero in the file, netted by day and rate (10.4), and by invoice too (10.2)."""
    nets: Counter[tuple[object, ...]] = Counter()
    for line in told(lines):
        invoice_id = line.invoice_id if line.block is Block.FOREIGN_RECEIPT else None
        nets[line.block, invoice_id, line.happened_on, line.rate] += line.amount_eur_minor or 0
    return any(minor < 0 for minor in nets.values())


def totals_of(lines: Iterable[ReportLine]) -> tuple[Total, ...]:
    """What the file declares, by block, category, rate and currency."""
    sums: dict[tuple[Block, str, Decimal, str], list[int]] = {}
    for line in told(lines):
        currency = "EUR" if line.amount_minor is not None else line.currency
        entry = sums.setdefault((line.block, line.category or "", line.rate, currency), [0, 0, 0, 0])
        for place, value in enumerate((line.taxable_minor, line.tax_minor, line.amount_eur_minor)):
            entry[place] += value or 0
        entry[3] += 1
    return tuple(
        Total(block, category or None, rate, currency, *sums[block, category, rate, currency])
        for block, category, rate, currency in sorted(sums)
    )


def differences(before: Iterable[ReportLine], after: Iterable[ReportLine]) -> Difference:
    """The lines that are in one of the two alone."""
    old, new = tuple(before), tuple(after)
    return Difference(_missing_in(old, new), _missing_in(new, old))


def _missing_in(known: tuple[ReportLine, ...], given: tuple[ReportLine, ...]) -> tuple[ReportLine, ...]:
    left = Counter(each.key for each in known)
    found = []
    for each in given:
        if left[each.key]:
            left[each.key] -= 1
        else:
            found.append(each)
    return tuple(found)
