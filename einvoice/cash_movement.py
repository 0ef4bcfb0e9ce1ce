"""A movement of cash on an invoice as its status 212 *Encaissée*: whether it is told, and what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import PARIS
from einvoice.kept import issued_document
from einvoice.lifecycle.collected import CollectedInvoice, collected_message
from receivables.domain.invoices import Routing
from receivables.domain.money import Money

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from einvoice.lifecycle.message import StatusMessage
    from receivables.domain.invoices import Invoice
    from receivables.store.work import Work

COMMENTS = {
    "refund": "Remboursement au client",
    "return": "Rejet du prélèvement",
    "chargeback": "Paiement par carte contesté",
    "receipt": "Réimputation d'un encaissement",
}
"""Why money went back (MDT-126), compulsory with a negative amount."""
NEGATIVE_RATE = "Base négative à l'un des taux de la facture"
"""Why a receipt has a negative part: the invoice deducts more than it sells at that rate."""


def must_tell(invoice: Invoice) -> bool:
    """Whether 212 goes to the State: VAT falls due on collection, as of every deposit (BR-FR-CDV-14, CGI 290 A)."""
    return invoice.vat_on_collection and invoice.routing in {Routing.B2B, Routing.B2G}


def message_of_movement(work: Work, invoice: Invoice, sequence: int) -> StatusMessage:
    """The 212 of one movement of cash; built again, it says the same."""
    row = work.row(
        "SELECT amount_minor, currency, split, reason, collected_on, created_at, "
        "(SELECT sum(earlier.amount_minor)::bigint FROM collections AS earlier WHERE earlier.supplier_id = :supplier "
        "AND earlier.invoice_id = :invoice AND earlier.sequence <= :sequence) AS collected_minor "
        "FROM collections WHERE supplier_id = :supplier AND invoice_id = :invoice AND sequence = :sequence",
        invoice=invoice.invoice_id,
        sequence=sequence,
    )
    assert row is not None  # noqa: S101 -- announced in the transaction that wrote it
    document = issued_document(invoice)
    remaining = Money(invoice.payable_minor - row["collected_minor"], invoice.currency)
    moment = _moment(row["collected_on"], row["created_at"])
    return collected_message(
        seller=document.seller,
        buyer=document.buyer,
        invoice=CollectedInvoice(invoice.number, invoice.type_code, invoice.issued_on, _deposited_at(work, invoice)),
        split=[(Decimal(part["rate"]), Money(part["amount_minor"], row["currency"])) for part in row["split"]],
        sequence=sequence,
        collected_at=moment,
        made_at=row["created_at"].replace(microsecond=0),
        remaining=remaining if remaining.minor > 0 else None,
        comment=_comment(row),
    )


def _comment(movement: RowMapping) -> str | None:
    """MDT-126, compulsory where any amount is negative."""
    if movement["amount_minor"] < 0:
        return COMMENTS.get(movement["reason"] or "receipt")
    return NEGATIVE_RATE if any(part["amount_minor"] < 0 for part in movement["split"]) else None


def _moment(day: date, recorded_at: datetime) -> datetime:
    """The instant of a receipt: when it was booked if that was the same French day, else noon of its day."""
    if recorded_at.astimezone(PARIS).date() == day:
        return recorded_at.replace(microsecond=0)
    return datetime.combine(day, time(12), tzinfo=PARIS).astimezone(UTC)


def _deposited_at(work: Work, invoice: Invoice) -> datetime | None:
    instant: datetime | None = work.scalar(
        "SELECT min(set_at) FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice AND code = '200'",
        invoice=invoice.invoice_id,
    )
    return instant
