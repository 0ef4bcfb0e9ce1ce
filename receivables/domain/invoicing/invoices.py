"""The invoice as the books need it: what it claims, at which rates, from whom, until when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from receivables.domain.accounting.ledger import SALES_JOURNAL, Chart, Entry, Posting, signed, without_zeros
from receivables.domain.settlement.collected import split_movement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from uuid import UUID

    from receivables.domain.parties import CustomerFacts
    from receivables.domain.risk.commitments import NamedCommitment
    from receivables.domain.settlement.collected import VatRow
    from receivables.domain.settlement.terms import EarlyDiscount, Instalment

CREDIT_NOTES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"})
"""BT-3 codes of credit notes (avoirs): amounts are positive, the sense is the code's (EN 16931 BR-CL-01, UBL binding).

Of these, French invoices use 261, 262, 381, 396, 502 and 503 (BR-FR-04).
"""
DEPOSITS = frozenset({"386", "500"})
ABOUT_DEPOSITS = DEPOSITS | {"503"}
"""Deposit invoices (factures d'acompte) and credit notes on them: nothing is sold yet."""
ASSIGNED = frozenset({"393", "396", "472", "473", "501", "502"})
"""Documents about a claim that is a factor's (affacturage): to pay the seller settles nothing (C. civ. art. 1346-5)."""
CORRECTIONS = frozenset({"384", "471", "472", "473"})
"""Corrective invoices (factures rectificatives): each takes the place of exactly one invoice (BR-FR-CO-04)."""
CLAIM, CLAIM_CREDIT = "84", "83"
"""Type codes (UNTDID 1001) of a claim for late interest (note de débit) and of a credit note on one. Both are outside
VAT and go to no platform."""
CLAIM_SERIES = ("N", "NA")
"""Their number series. They stand beside invoices, so that money and letters find them, and are no sales."""
AFTER_DEPOSIT = "4"
"""Last figure of BT-23 of a final invoice after a deposit (S4, B4, M4)."""


class Origin(StrEnum):
    """Whether we number the invoice, or it came finished from elsewhere."""

    OWN = "own"
    FINISHED = "finished"
    OPENING = "opening"
    """Issued elsewhere before these books began: only what is open of it was taken over."""


class Routing(StrEnum):
    """By which road the State hears of an invoice (CGI 289 bis, 290)."""

    B2B = "b2b"
    B2B_INTERNATIONAL = "b2b_international"
    B2C = "b2c"
    B2G = "b2g"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class NamedInvoice:
    """An earlier invoice that a document names (BG-3): BT-25, the year of BT-26, how much of a credit note is for it.

    ``amount_minor`` is in minor units, VAT included; ``None`` is as much of the document as the invoice takes.
    """

    number: str
    issue_year: int
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """The command to issue: a document already judged valid, and what the books need of it.

    Amounts are minor units of ``currency``. ``number`` is given for a finished invoice and absent for our own.
    ``document`` is the legal document as JSON, opaque to the core.
    """

    customer: CustomerFacts
    origin: Origin
    number: str | None
    type_code: str
    process: str | None
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    prepaid_minor: int
    payable_minor: int
    vat_rows: tuple[VatRow, ...]
    vat_on_collection: bool
    routing: Routing
    document: dict[str, Any]
    source_sha256: str | None = None
    buyer_reference: str | None = None
    actor: str = "system"
    deposits_minor: int | None = None
    """Of what was prepaid, what deposit invoices brought; all of it where the invoice does not tell."""
    names: tuple[NamedInvoice, ...] = ()
    """The earlier invoices that a credit note credits, or the one that a corrective invoice replaces."""
    instalments: tuple[Instalment, ...] = ()
    """The parts in which it falls due; none where all of it does on ``due_on``."""
    discount: EarlyDiscount | None = None
    commitments: tuple[NamedCommitment, ...] = ()
    """The orders and deliveries that it is for (BT-13, BT-14, BT-16)."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An issued invoice (facture émise)."""

    invoice_id: UUID
    customer_id: UUID
    number: str
    origin: Origin
    type_code: str
    process: str | None
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    prepaid_minor: int
    payable_minor: int
    vat_rows: tuple[VatRow, ...]
    vat_on_collection: bool
    routing: Routing
    document: dict[str, Any]
    source_sha256: str | None
    created_at: datetime
    series: str | None = None
    """The number series of ours that gave its number, however that is worded; ``None`` where it came with one."""

    @property
    def is_credit_note(self) -> bool:
        """Whether it reduces what the customer owes (avoir)."""
        return self.type_code in CREDIT_NOTES

    @property
    def is_claim(self) -> bool:
        """Whether it is a claim for late interest (note de débit), or a credit note on one: no invoice at all."""
        return self.series in CLAIM_SERIES

    @property
    def is_taken_over(self) -> bool:
        """Whether it was issued elsewhere, before these books began (reprise des soldes)."""
        return self.origin is Origin.OPENING

    @property
    def is_vat_told(self) -> bool:
        """Whether its VAT is known: of an invoice that was taken over nobody may have told it."""
        return all(row.category for row in self.vat_rows)

    @property
    def is_correction(self) -> bool:
        """Whether it takes the place of an earlier invoice (facture rectificative)."""
        return self.type_code in CORRECTIONS

    @property
    def is_assigned(self) -> bool:
        """Whether only a factor may be paid for it."""
        return self.type_code in ASSIGNED


def cash_at_issue(prepaid_minor: int, payable_minor: int) -> tuple[int, int]:
    """Cumulative cash of an invoice at its issue, and the one that settles it.

    A negative BT-113 adds an old balance to what is payable: no cash was there, more is to come.
    """
    before = max(prepaid_minor, 0)
    return before, before + payable_minor


def series_of(type_code: str) -> str:
    """The number series (série) of a kind of invoice: F invoices, A credit notes (avoirs), D deposits."""
    if type_code in CREDIT_NOTES:
        return "A"
    return "D" if type_code in DEPOSITS else "F"


def format_number(series: str, year: int, serial: int) -> str:
    """A number that every platform accepts (BR-FR-01, BR-FR-02), e.g. ``F2026-00042``."""
    return f"{series}{year}-{serial:05d}"


def sales_entry(
    command: IssueInvoice,
    chart: Chart,
    *,
    invoice_id: UUID,
    customer_id: UUID,
    number: str,
    new_id: Callable[[], UUID],
) -> Entry | None:
    """The entry 411 / 70x / 4457x of an invoice; a credit note is its mirror, an invoice of nothing has none.

    What was prepaid (BT-113) comes out of the deposits received; a rounding (BT-114) goes to 658 or 758; VAT that
    falls due on collection waits on 44574. A deposit invoice sells nothing: without its VAT it waits on 4191 for the
    final invoice, whose own VAT is what the deposit has not declared. The VAT of other prepaid cash is due at issue.
    """
    sense = -1 if command.type_code in CREDIT_NOTES else 1
    sales_account = _sales_account(command, chart)
    vat_account = chart.vat_pending if command.vat_on_collection else chart.vat_due
    prepaid_vat, declared = _vat_within(command, command.prepaid_minor), _vat_declared(command)
    taxable = sum(row.taxable_minor for row in command.vat_rows)
    tax = sum(row.tax_minor for row in command.vat_rows)
    rounding = command.payable_minor + command.prepaid_minor - taxable - tax
    rounding_account = chart.rounding_gain if rounding > 0 else chart.rounding_loss

    def line(account: str, amount_minor: int, **owner: UUID) -> Posting:
        return signed(new_id(), account, sense * amount_minor, invoice_id=invoice_id, **owner)

    postings = without_zeros(
        (
            line(chart.customers, command.payable_minor, customer_id=customer_id),
            line(chart.deposits, command.prepaid_minor - declared),
            line(sales_account, -taxable),
            line(vat_account, prepaid_vat - tax),
            line(chart.vat_due, declared - prepaid_vat),
            line(rounding_account, -rounding),
        )
    )
    if not postings:
        return None
    return Entry(
        entry_id=new_id(),
        journal=SALES_JOURNAL,
        booked_on=command.issued_on,
        source_kind="invoice",
        source_ref=str(invoice_id),
        document_ref=number,
        label=command.customer.name,
        currency=command.currency,
        postings=postings,
    )


def _sales_account(command: IssueInvoice, chart: Chart) -> str:
    if command.type_code in ABOUT_DEPOSITS:
        return chart.deposits
    return chart.goods if (command.process or "").startswith("B") else chart.services


def _vat_declared(command: IssueInvoice) -> int:
    """VAT that the deposits of a final invoice have declared."""
    if not (command.process or "").endswith(AFTER_DEPOSIT):
        return 0
    return _vat_within(command, command.prepaid_minor if command.deposits_minor is None else command.deposits_minor)


def _vat_within(command: IssueInvoice, paid_minor: int) -> int:
    """VAT within ``paid_minor`` of what was paid before the issue, split as later cash will be."""
    prepaid, due = cash_at_issue(command.prepaid_minor, command.payable_minor)
    before = min(max(paid_minor, 0), prepaid)
    if not before or due <= 0:
        return 0
    return split_movement(command.vat_rows, 0, min(before, due), due).vat_minor
