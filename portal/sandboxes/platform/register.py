"""The platform's own books: unique invoices, statuses that fit them, receipts that do not exceed them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.lifecycle.message import COLLECTED, PAID
from einvoice.lifecycle.statuses import Actor, closed_by, status
from portal.sandboxes.platform.examination import failure
from portal.sandboxes.platform.flows import DepositedInvoice, InvoiceStatus

if TYPE_CHECKING:
    from einvoice.lifecycle.message import StatusMessage
    from einvoice.platform.port import AckDetail
    from portal.sandboxes.platform.flows import FlowStore, StoredFlow
    from portal.sandboxes.platform.invoice_facts import InvoiceFacts

COLLECTED_STATUS, PAID_STATUS, COMPLETED, SUSPENDED = "212", "211", "209", "208"


def enter_invoice(store: FlowStore, flow: StoredFlow, facts: InvoiceFacts) -> AckDetail | None:
    """Take the invoice into the books, or say why not: the same seller, number and year only once."""
    with store.lock:
        if facts.key in store.invoices:
            return failure("BT-1", "AlreadyExistingFlow", f"Invoice {facts.number} of this seller and year is known.")
        store.invoices[facts.key] = DepositedInvoice(flow.owner, flow.flow_id, facts, flow.updated_at)
        return None


def enter_status(store: FlowStore, flow: StoredFlow, message: StatusMessage) -> AckDetail | DepositedInvoice:
    """Take a status that a seller or a buyer sends into the books of its invoice, or say why not."""
    with store.lock:
        key = flow.owner, message.message_id
        if key in store.message_ids:
            return failure("MDT-4", "AlreadyExistingFlow", f"Message {message.message_id} has been received before.")
        seller = message.invoice.seller.siren if message.invoice.seller else None
        invoice = store.invoice(message.invoice.number, seller)
        actor = _actor(flow, message, invoice)
        if invoice is None or actor is None:
            return failure("MDT-87", "InvoiceLCRuleError", f"No matching invoice found for {message.invoice.number}.")
        refusal = _misfit(message, invoice, actor)
        if refusal:
            return refusal
        store.message_ids.add(key)
        invoice.statuses.append(InvoiceStatus(message.status, message.occurred_at, message.note))
        if message.status == COLLECTED_STATUS:
            invoice.collected += _sum_of(message, COLLECTED)
        return invoice


def _actor(flow: StoredFlow, message: StatusMessage, invoice: DepositedInvoice | None) -> Actor | None:
    """As whom the sender speaks: it must be a party of the invoice, and the client that stands for that party."""
    if invoice is None:
        return None
    facts, speaker = invoice.facts, message.issuer.siren
    if invoice.owner == flow.owner and speaker == facts.seller.siren:
        return Actor.SELLER
    if invoice.buyer_owner == flow.owner and speaker == facts.buyer.siren:
        return Actor.BUYER
    return None


def _misfit(message: StatusMessage, invoice: DepositedInvoice, actor: Actor) -> AckDetail | None:
    facts, code = invoice.facts, message.status
    if message.invoice.issued_on != facts.issued_on or message.invoice.type_code not in {None, facts.type_code}:
        return failure("MDT-100", "InvoiceLCRuleError", "Date or type differ from the invoice's (BT-2, BT-3).")
    known = status(code)
    if not known.known or actor not in known.actors:
        return failure("MDT-105", "InvoiceLCAccessDenied", f"A {actor} may not set status {code}.")
    out_of_turn = _out_of_turn(code, invoice, actor)
    if out_of_turn:
        return failure("MDT-105", "InvoiceLCInvalidStatus", out_of_turn)
    return _wrong_amount(message, invoice)


def _out_of_turn(code: str, invoice: DepositedInvoice, actor: Actor) -> str | None:
    """Why this status cannot come now (XP Z12-014 annex B, 1.2): too early, after the end, or with nothing to answer.

    Between delivery and the end, a buyer and a seller may speak in any order.
    """
    held = invoice.codes
    closing = closed_by(held)
    if closing:
        return f"The invoice is closed by status {closing}."
    if "200" not in held:
        return "The invoice is not deposited (200) yet."
    if actor is Actor.BUYER and "203" not in held:
        return "The invoice has not been made available (203) yet."
    if code == COMPLETED and not _is_suspended(invoice):
        return "Nothing is suspended (208) that 209 could complete."
    return None


def _is_suspended(invoice: DepositedInvoice) -> bool:
    answers = [code for code in invoice.codes if code in {SUSPENDED, COMPLETED}]
    return bool(answers) and answers[-1] == SUSPENDED


def _wrong_amount(message: StatusMessage, invoice: DepositedInvoice) -> AckDetail | None:
    """Rates must be the invoice's, and all receipts together lie between nothing and its total."""
    facts = invoice.facts
    told = [amount for amount in message.amounts if amount.kind in {COLLECTED, PAID}]
    for amount in told:
        if amount.kind == COLLECTED and amount.rate not in facts.by_rate:
            return failure("MDT-224", "InvoiceLCAmountError", f"The invoice has no VAT at {amount.rate} %.")
        if amount.currency != facts.currency:
            return failure("MDT-216", "InvoiceLCAmountError", f"The invoice is in {facts.currency}.")
    payable = facts.total + facts.rounding
    if message.status == PAID_STATUS and abs(_sum_of(message, PAID)) > abs(payable):
        return failure("MDT-215", "InvoiceLCAmountError", f"More is paid than the {payable} of the invoice.")
    if message.status != COLLECTED_STATUS:
        return None
    total = -payable if facts.is_credit_note else payable
    lowest, highest = min(Decimal(0), total), max(Decimal(0), total)
    together = invoice.collected + _sum_of(message, COLLECTED)
    if not lowest <= together <= highest:
        return failure(
            "MDT-215", "InvoiceLCAmountError", f"Receipts would sum to {together}, outside {lowest} to {highest}."
        )
    return None


def _sum_of(message: StatusMessage, kind: str) -> Decimal:
    return sum((amount.amount for amount in message.amounts if amount.kind == kind), Decimal(0))
