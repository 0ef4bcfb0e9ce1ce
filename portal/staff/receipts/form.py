"""The form of a payment written down by hand: read with care, nothing of what was typed is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from config.clock import today
from payments.banking.by_hand import KINDS, MAX_TEXT, HandReceipt
from payments.errors import PaymentError
from portal.customer.payment_words import read_amount
from receivables.services.settlement.paying import spread
from receivables.services.settlement.waiving import Waiver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from receivables.store.work import Work

MOST_INVOICES = 200
"""Open invoices that the form lists."""


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice that a payment may be for, in minor units."""

    invoice_id: UUID
    number: str
    due_on: date
    open_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, as it was typed."""

    kind: str = "cheque"
    amount: str = ""
    currency: str = "EUR"
    on: str = ""
    reference: str = ""
    drawer: str = ""
    due: str = ""
    account: str = ""
    charge: str = ""
    oldest: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)


def open_invoices(work: Work, customer_id: UUID) -> list[OpenInvoice]:
    """What a customer owes, oldest due first."""
    rows = work.rows(
        "WITH owed AS (SELECT invoice_id, due_on, open_minor FROM receivable_items WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND kind = 'invoice' AND open_minor > 0 UNION ALL "
        "SELECT claim_id, NULL, outside_minor FROM interest_claims WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND outside_minor > 0) "
        "SELECT invoice_id, invoice.number, coalesce(owed.due_on, invoice.due_on) AS due_on, owed.open_minor, "
        "invoice.currency FROM owed JOIN invoices AS invoice USING (invoice_id) WHERE invoice.supplier_id = :supplier "
        "ORDER BY 3, invoice.issued_on, invoice.number LIMIT :limit",
        customer=customer_id,
        limit=MOST_INVOICES,
    )
    return [OpenInvoice(**row) for row in rows]


def read_typed(form: Mapping[str, str]) -> Typed:
    """The form as it was sent."""

    def text(name: str, most: int = 40) -> str:
        return form.get(name, "")[:most].strip()

    kind = text("kind")
    return Typed(
        kind=kind if kind in KINDS else "cheque",
        amount=text("amount"),
        currency=text("currency", 3).upper() or "EUR",
        on=text("on"),
        reference=text("reference", MAX_TEXT),
        drawer=text("drawer", MAX_TEXT),
        due=text("due"),
        account="".join(text("account", 60).split()).upper(),
        charge=text("charge"),
        oldest=form.get("how") == "oldest",
        parts={name.removeprefix("part-"): form[name][:40].strip() for name in form if name.startswith("part-")},
    )


def read_receipt(work: Work, typed: Typed, customer_id: UUID, invoices: Sequence[OpenInvoice]) -> HandReceipt:
    """The payment that was typed, for the invoices that were chosen, or the oldest due where that was asked.

    Raises:
        PaymentError: ``payment.bad_amount``, ``hand.wrong_day``, ``hand.too_much``, ``hand.no_invoice``.
    """
    amount_minor, received_on = read_amount(typed.amount, typed.currency), _day(typed.on) or today()
    aims = {each.invoice_id: _part(typed, each) for each in invoices}
    chosen = {invoice_id: minor for invoice_id, minor in aims.items() if minor}
    if typed.oldest:
        chosen = spread(work, customer_id, amount_minor, typed.currency, received_on)
    if sum(chosen.values()) > amount_minor:
        raise PaymentError(
            "hand.too_much",
            "The parts are more than the payment: lower one of them.",
            "Les parts dépassent le paiement : baissez l'une d'elles.",
        )
    return HandReceipt(
        kind=typed.kind,
        customer_id=customer_id,
        amount_minor=amount_minor,
        currency=typed.currency,
        received_on=received_on,
        reference=typed.reference,
        aims=chosen,
        drawer=typed.drawer,
        due_on=_day(typed.due),
        account=typed.account,
        waiver=_charge(typed, chosen),
        chosen_by="law" if typed.oldest else "collector",
    )


def _part(typed: Typed, invoice: OpenInvoice) -> int:
    given = typed.parts.get(str(invoice.invoice_id), "")
    return read_amount(given, invoice.currency) if given else 0


def _charge(typed: Typed, chosen: Mapping[UUID, int]) -> Waiver | None:
    """What banks kept of a transfer: given up on the invoice that it was kept from (627)."""
    if not typed.charge or typed.kind != "transfer":
        return None
    if not chosen:
        raise PaymentError(
            "hand.no_invoice",
            "Say which invoice the kept charges are of: give it its part.",
            "Dites de quelle facture viennent les frais retenus : donnez-lui sa part.",
        )
    return Waiver("charge", read_amount(typed.charge, typed.currency), list(chosen)[-1])


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError as error:
        raise PaymentError("hand.wrong_day", "This is not a day.", "Ce n'est pas une date.") from error
