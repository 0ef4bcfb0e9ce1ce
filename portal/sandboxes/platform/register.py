"""The platform's own books: unique invoices, statuses that fit them, receipts that do not exceed them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.lifecycle.message import COLLECTED
from einvoice.lifecycle.statuses import closed_by, status
from portal.sandboxes.platform.examination import failure
from portal.sandboxes.platform.flows import DepositedInvoice, InvoiceStatus

if TYPE_CHECKING:
    from einvoice.lifecycle.message import StatusMessage
    from einvoice.platform.port import AckDetail
    from portal.sandboxes.platform.flows import FlowStore, StoredFlow
    from portal.sandboxes.platform.invoice_facts import InvoiceFacts

COLLECTED_STATUS = "212"


def enter_invoice(store: FlowStore, flow: StoredFlow, facts: InvoiceFacts) -> AckDetail | None:
    """Take the invoice into the books, or say why not: the same seller, number and year only once."""
    with store.lock:
        if facts.key in store.invoices:
            return failure("BT-1", "AlreadyExistingFlow", f"Invoice {facts.number} of this seller and year is known.")
        store.invoices[facts.key] = DepositedInvoice(flow.owner, flow.flow_id, facts, flow.updated_at)
        return None


def enter_status(store: FlowStore, flow: StoredFlow, message: StatusMessage) -> AckDetail | None:
    """Take a status that a user sends into the books, or say why not."""
    with store.lock:
        key = flow.owner, message.message_id
        if key in store.message_ids:
            return failure("MDT-4", "AlreadyExistingFlow", f"Message {message.message_id} has been received before.")
        seller = message.invoice.seller.siren if message.invoice.seller else None
        invoice = store.invoice(message.invoice.number, seller)
        refusal = _misfit(flow, message, invoice)
        if refusal or invoice is None:
            return refusal
        store.message_ids.add(key)
        invoice.statuses.append(InvoiceStatus(message.status, message.occurred_at, message.note))
        if message.status == COLLECTED_STATUS:
            invoice.collected += _collected(message)
        return None


def _misfit(flow: StoredFlow, message: StatusMessage, invoice: DepositedInvoice | None) -> AckDetail | None:
    if invoice is None or invoice.owner != flow.owner or message.issuer.siren != invoice.facts.seller.siren:
        return failure("MDT-87", "InvoiceLCRuleError", f"No matching invoice found for {message.invoice.number}.")
    facts = invoice.facts
    if message.invoice.issued_on != facts.issued_on or message.invoice.type_code not in {None, facts.type_code}:
        return failure("MDT-100", "InvoiceLCRuleError", "Date or type differ from the invoice's (BT-2, BT-3).")
    known = status(message.status)
    if not known.known or "seller" not in known.actors:
        return failure("MDT-105", "InvoiceLCAccessDenied", f"A seller may not set status {message.status}.")
    closing = closed_by([held.code for held in invoice.statuses])
    if closing:
        return failure("MDT-105", "InvoiceLCInvalidStatus", f"The invoice is closed by status {closing}.")
    return _wrong_amount(message, invoice) if message.status == COLLECTED_STATUS else None


def _wrong_amount(message: StatusMessage, invoice: DepositedInvoice) -> AckDetail | None:
    """Rates must be the invoice's, and all receipts together lie between nothing and its total."""
    facts = invoice.facts
    for amount in message.amounts:
        if amount.kind == COLLECTED and amount.rate not in facts.by_rate:
            return failure("MDT-224", "InvoiceLCAmountError", f"The invoice has no VAT at {amount.rate} %.")
        if amount.currency != facts.currency:
            return failure("MDT-216", "InvoiceLCAmountError", f"The invoice is in {facts.currency}.")
    payable = facts.total + facts.rounding
    total = -payable if facts.is_credit_note else payable
    lowest, highest = min(Decimal(0), total), max(Decimal(0), total)
    together = invoice.collected + _collected(message)
    if not lowest <= together <= highest:
        return failure(
            "MDT-215", "InvoiceLCAmountError", f"Receipts would sum to {together}, outside {lowest} to {highest}."
        )
    return None


def _collected(message: StatusMessage) -> Decimal:
    return sum((amount.amount for amount in message.amounts if amount.kind == COLLECTED), Decimal(0))
