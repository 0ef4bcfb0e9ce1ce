"""A customer says that a transfer is on its way: shown to both sides, and nothing is booked, reserved or paused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from payments.errors import PaymentError
from payments.paying.plans import nothing_due
from receivables.domain.money import Money
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

BELIEVED = timedelta(days=10)
"""How long an announcement is shown: a transfer within SEPA takes one banking day, one from abroad some more."""
MOST_AHEAD = timedelta(days=31)
MOST_PER_DAY = 5
"""Announcements on one invoice in a day: more says nothing new."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A transfer that the customer says was ordered, in minor units."""

    amount_minor: int
    currency: str
    sent_on: date


def announce_transfer(work: Work, invoice_id: UUID, amount_minor: int, sent_on: date, actor: str) -> None:
    """Note that a transfer for an invoice is on its way; said twice on one day it is one.

    Raises:
        NotFoundError: ``invoice.not_found``.
        PaymentError: ``payment.nothing_due``, ``payment.bad_day``, ``payment.less_due``.
    """
    invoice = get_invoice(work, invoice_id)
    lock_customers(work, [invoice.customer_id])
    due = due_on_invoice(work, invoice_id)
    if due.payable_minor <= 0 or invoice.is_assigned:
        raise nothing_due()
    if not 0 < amount_minor <= due.payable_minor:
        left = Money(due.payable_minor, due.currency)
        raise PaymentError(
            "payment.less_due",
            f"Invoice {due.number} asks for {left}. Announce an amount up to that.",
            f"La facture {due.number} demande {left}. Annoncez au plus ce montant.",
        )
    if not today() - BELIEVED <= sent_on <= today() + MOST_AHEAD:
        raise PaymentError(
            "payment.bad_day",
            "Give the day of your transfer: within the last ten days or the next month.",
            "Donnez le jour de votre virement : dans les dix derniers jours ou le mois à venir.",
        )
    said = work.rows(
        "SELECT amount_minor, sent_on FROM announced_transfers WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND announced_at > :since",
        invoice=invoice_id,
        since=now() - timedelta(days=1),
    )
    if len(said) >= MOST_PER_DAY or any(
        (row["amount_minor"], row["sent_on"]) == (amount_minor, sent_on) for row in said
    ):
        return
    work.execute(
        "INSERT INTO announced_transfers (supplier_id, announcement_id, invoice_id, amount_minor, currency, sent_on, "
        "announced_by, announced_at) VALUES (:supplier, :id, :invoice, :amount, :currency, :day, :actor, :at)",
        id=new_id(),
        invoice=invoice_id,
        amount=amount_minor,
        currency=due.currency,
        day=sent_on,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "transfer.announced", str(invoice_id), invoice=due.number, amount_minor=amount_minor)


def announced_on(work: Work, invoice_id: UUID) -> Announcement | None:
    """The last transfer announced for an invoice that is still believed: recent, and no money came since."""
    row = work.row(
        "SELECT amount_minor, currency, sent_on FROM announced_transfers AS told WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND sent_on >= :since AND NOT EXISTS (SELECT 1 FROM collections AS moved "
        "WHERE moved.supplier_id = :supplier AND moved.invoice_id = :invoice AND moved.kind = 'cash' "
        "AND moved.amount_minor > 0 AND moved.created_at > told.announced_at) ORDER BY announced_at DESC LIMIT 1",
        invoice=invoice_id,
        since=today() - BELIEVED,
    )
    return Announcement(**row) if row else None
