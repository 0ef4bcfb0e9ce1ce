"""A movement of cash on an invoice as its status 212 *Encaissée*: whether it is told, and what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import PARIS
from einvoice.kept import issued_document
from einvoice.lifecycle.collected import CollectedInvoice, collected_message
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.money import Money

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.lifecycle.message import StatusMessage
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

DECLARED_ONLY = frozenset({Routing.B2B_INTERNATIONAL, Routing.B2C})
"""Sales that the platform declares and hands to nobody: their 212 is addressed to the platform alone. Their MDT-2 stays
``REGULATED``: BR-FR-CDV-CL-01 lists other values, and its test lets none of them pass (V1.4.0)."""
COMMENTS = {
    "refund": "Remboursement au client",
    "return": "Rejet du prélèvement",
    "chargeback": "Paiement par carte contesté",
    "bounced": "Chèque, effet ou virement revenu impayé",
    "reallocation": "Réimputation d'un encaissement",
    "receipt": "Réimputation d'un encaissement",
    "correction": "Facture remplacée par une facture rectificative",
    "set_off": "Imputation d'un avoir retirée",
}
"""Why money went back (MDT-126), compulsory with a negative amount."""
CREDIT_USED = "Avoir imputé sur une facture"
"""Why a credit note has a negative amount: the other half stands, positive, on the invoice."""
NEGATIVE_RATE = "Base négative à l'un des taux de la facture"
"""Why a receipt has a negative part: the invoice deducts more than it sells at that rate."""


def must_tell(invoice: Invoice) -> bool:
    """Whether 212 goes to the platform that has the invoice: VAT falls due on collection, as of every deposit.

    Of a sale that the platform only declares, it makes the payment data of Flux 10 from the 212 (CGI 290 A).
    """
    return invoice.vat_on_collection and invoice.routing is not Routing.OUT_OF_SCOPE


def message_of_movement(work: Work, invoice: Invoice, sequence: int) -> StatusMessage:
    """The 212 of one movement of cash; built again, it says the same."""
    row = work.row(
        "SELECT entry_id, amount_minor, currency, split, reason, collected_on, created_at, "
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
        buyer=None if invoice.routing in DECLARED_ONLY else document.buyer,
        invoice=CollectedInvoice(invoice.number, invoice.type_code, invoice.issued_on, _deposited_at(work, invoice)),
        split=[(Decimal(part["rate"]), Money(part["amount_minor"], row["currency"])) for part in row["split"]],
        sequence=sequence,
        collected_at=moment,
        made_at=row["created_at"].replace(microsecond=0),
        remaining=remaining if remaining.minor > 0 and _asks_for_the_rest(invoice, row) else None,
        comment=_comment(work, invoice, row),
    )


def _asks_for_the_rest(invoice: Invoice, movement: RowMapping) -> bool:
    """Whether there is a rest to pay (RAP): not on a credit note, nor on an invoice that was replaced."""
    return not invoice.is_credit_note and movement["reason"] != "correction"


def _comment(work: Work, invoice: Invoice, movement: RowMapping) -> str | None:
    """MDT-126, compulsory where any amount is negative; it names the receipt that is taken back where one is known."""
    if movement["amount_minor"] < 0:
        if invoice.is_credit_note:
            return CREDIT_USED
        reason = COMMENTS.get(movement["reason"] or "receipt", COMMENTS["receipt"])
        receipt = _taken_back(work, movement["entry_id"])
        if receipt is None:
            return reason
        paid = f"{Money(receipt['amount_minor'], receipt['currency']).decimal}".replace(".", ",")
        return f"{reason} (encaissement du {receipt['booked_on']:%d/%m/%Y}, {paid} {receipt['currency']})"
    return NEGATIVE_RATE if any(part["amount_minor"] < 0 for part in movement["split"]) else None


def _taken_back(work: Work, entry_id: UUID) -> RowMapping | None:
    """The receipt of the payment that an entry gives back, in part or whole."""
    return work.row(
        "SELECT receipt.booked_on, receipt.amount_minor, receipt.currency FROM postings JOIN receivable_items AS back "
        "USING (supplier_id, posting_id) JOIN receivable_items AS receipt ON receipt.supplier_id = back.supplier_id "
        "AND receipt.attempt_id = back.attempt_id AND receipt.kind = 'receipt' "
        "WHERE postings.supplier_id = :supplier AND postings.entry_id = :entry AND back.kind = 'refund' "
        "ORDER BY receipt.booked_on LIMIT 1",
        entry=entry_id,
    )


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
