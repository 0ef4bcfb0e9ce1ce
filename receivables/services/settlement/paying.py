"""Begin a payment by any road, and write down money that is there already: a bank's line, a cheque, cash."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from config.clock import legal_day, new_id, now
from receivables.domain.settlement.receipts import RESERVATION_STATE, AttemptState, MoneyReceived
from receivables.domain.settlement.terms import parts_left
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.risk.insolvency import insolvent
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.services.settlement.waiving import waive
from receivables.store.collecting.claims import NOT_CLAIMS
from receivables.store.conversations.disputes import ENDED_BY
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.services.settlement.waiving import Waiver
    from receivables.store.work import Work

FOREVER = timedelta(days=3650)
"""A payment without a provider's page never expires by itself."""


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment that begins: who pays, by which road, and what for (``aims``: minor units by invoice).

    ``began_at`` ranks payments that compete for one invoice; a bank's line has its day, so that the order in which
    statements are read changes nothing. ``chosen_by`` says who decided what it is for (C. civ. art. 1342-10).
    """

    attempt_id: UUID
    customer_id: UUID
    road: str
    method: str
    amount_minor: int
    currency: str
    aims: Mapping[UUID, int] = field(default_factory=dict)
    account_id: UUID | None = None
    state: str = "created"
    expires_at: datetime | None = None
    began_at: datetime | None = None
    chosen_by: str = "payer"
    payment_ref: str | None = None
    save_method: bool = False
    """The payer asked the provider to keep the method for later payments."""


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """Money that is there: ``payment_ref`` is its key, ``counter`` the account of the chart on which it lies."""

    payment_ref: str
    customer_id: UUID
    amount_minor: int
    currency: str
    received_on: date
    method: str
    road: str
    counter: str
    aims: Mapping[UUID, int]
    actor: str
    chosen_by: str = "payer"
    waiver: Waiver | None = None


def begin_payment(work: Work, payment: NewPayment) -> None:
    """Write a payment and what it is for; one that is on its way at once takes its room from credit notes.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ReceivablesError: ``payment.not_above_zero``, ``payment.other_customer`` or ``payment.other_currency``.
    """
    begin_payments(work, [payment])
    if payment.state == AttemptState.PROCESSING and payment.aims:
        settling = load_settling(work, payment.aims, [payment.attempt_id])
        settle(settling, payment.aims, Cause("in_flight", None, legal_day(settling.at)))
        write_settling(work, settling, "worker")


def begin_payments(work: Work, payments: Sequence[NewPayment]) -> None:
    """Write payments and what they are for, as a set; their customers are locked."""
    lock_customers(work, (payment.customer_id for payment in payments))
    _check(work, payments)
    at = now()
    work.insert(
        "payment_attempts",
        [
            {
                "attempt_id": payment.attempt_id,
                "customer_id": payment.customer_id,
                "account_id": payment.account_id,
                "road": payment.road,
                "method": payment.method,
                "chosen_by": payment.chosen_by,
                "amount_minor": payment.amount_minor,
                "currency": payment.currency,
                "state": payment.state,
                "payment_ref": payment.payment_ref,
                "save_method": payment.save_method,
                "expires_at": payment.expires_at or at + FOREVER,
                "created_at": payment.began_at or at,
                "changed_at": at,
                "flew_at": at if payment.state == AttemptState.PROCESSING else None,
            }
            for payment in payments
        ],
    )
    work.insert(
        "reservations",
        [
            {
                "attempt_id": payment.attempt_id,
                "invoice_id": invoice_id,
                "amount_minor": amount_minor,
                "state": RESERVATION_STATE[AttemptState(payment.state)],
            }
            for payment in payments
            for invoice_id, amount_minor in payment.aims.items()
        ],
    )


def record_payment(work: Work, command: RecordPayment) -> UUID:
    """Write down money that is there, and letter it with what it is for; returns its payment (attempt).

    The same ``payment_ref`` is written once. What its invoices do not take is the customer's credit. Money is never
    refused: an invoice in another currency simply takes nothing of it.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ReceivablesError: ``payment.not_above_zero`` or ``payment.other_customer``; those of ``waive``.
    """
    return record_payments(work, [command])[0]


def record_payments(work: Work, commands: Sequence[RecordPayment]) -> list[UUID]:
    """Write down many payments as one set, in the order given; the attempt of each."""
    lock_customers(work, (command.customer_id for command in commands))
    known = _known(work, [command.payment_ref for command in commands])
    fresh: dict[str, tuple[RecordPayment, NewPayment]] = {}
    for command in commands:
        if command.payment_ref not in known:
            fresh.setdefault(command.payment_ref, (command, _begun(command)))
    begin_payments(work, [payment for _, payment in fresh.values()])
    record_facts(
        work,
        [
            MoneyReceived(
                command.payment_ref,
                payment.attempt_id,
                command.amount_minor,
                command.currency,
                noon(command.received_on),
                command.method,
                command.counter,
            )
            for command, payment in fresh.values()
        ],
    )
    known |= {ref: payment.attempt_id for ref, (_, payment) in fresh.items()}
    for command, payment in fresh.values():
        work.audit(
            command.actor,
            "payment.recorded",
            str(payment.attempt_id),
            reference=command.payment_ref,
            amount_minor=command.amount_minor,
            chosen_by=command.chosen_by,
        )
        if command.waiver:
            waive(work, payment.attempt_id, command.waiver, command.actor)
    return [known[command.payment_ref] for command in commands]


def spread(work: Work, customer_id: UUID, amount_minor: int, currency: str, on: date) -> dict[UUID, int]:
    """What an amount pays where nobody says: debts that are due before others, then the oldest (C. civ. 1342-10).

    Claims for late interest come before all others: a part payment goes to interest first (C. civ. art. 1343-1).
    In proceedings debts of before may not be paid by it (C. com. art. L622-7): they come last, dividends name them.
    Each instalment is a debt of its own: those of all invoices that have fallen due come before the rest of any.
    Minor units by invoice; what is in flight, refused or replaced is left out. ``on`` says what is due.
    """
    rows = work.rows(
        "WITH owed AS (SELECT invoice_id FROM receivable_items WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND kind = 'invoice' AND open_minor > 0 AND currency = :currency "
        "UNION ALL SELECT claim_id FROM interest_claims WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND outside_minor > 0) "
        f"SELECT invoice.invoice_id, {NOT_CLAIMS} AS is_principal FROM owed JOIN invoices AS invoice "
        "USING (invoice_id) WHERE invoice.supplier_id = :supplier AND invoice.currency = :currency "
        f"AND {ENDED_BY} IS NULL ORDER BY invoice.issued_on, invoice.number",
        customer=customer_id,
        currency=currency,
    )
    age = {row["invoice_id"]: rank for rank, row in enumerate(rows)}
    principal = {row["invoice_id"]: row["is_principal"] for row in rows}
    frozen = insolvent(work, list(age), on)
    debts = sorted(
        (
            due.invoice_id in frozen,
            principal[due.invoice_id],
            part.due_on > on,
            part.due_on,
            age[due.invoice_id],
            part.amount_minor,
            due.invoice_id,
        )
        for due in due_on_invoices(work, list(age), on)
        for part in parts_left(due.parts, due.settled_minor)
    )
    aims: dict[UUID, int] = {}
    for *_, open_minor, invoice_id in debts:
        part = min(open_minor, amount_minor)
        if part > 0:
            aims[invoice_id] = aims.get(invoice_id, 0) + part
            amount_minor -= part
    return aims


def noon(day: date) -> datetime:
    """An instant within a legal day, the same whenever it is asked for: what has only a day happened at noon UTC."""
    return datetime.combine(day, time(12), tzinfo=UTC)


def _begun(command: RecordPayment) -> NewPayment:
    return NewPayment(
        attempt_id=new_id(),
        customer_id=command.customer_id,
        road=command.road,
        method=command.method,
        amount_minor=command.amount_minor,
        currency=command.currency,
        aims=command.aims,
        state=AttemptState.SUCCEEDED,
        began_at=noon(command.received_on),
        chosen_by=command.chosen_by,
        payment_ref=command.payment_ref,
    )


def _known(work: Work, refs: Sequence[str]) -> dict[str, UUID]:
    rows = work.rows(
        "SELECT reference, attempt_id FROM receivable_items WHERE supplier_id = :supplier AND kind = 'receipt' "
        "AND reference = ANY(:refs)",
        refs=list(refs),
    )
    return {row["reference"]: row["attempt_id"] for row in rows}


def _check(work: Work, payments: Sequence[NewPayment]) -> None:
    wanted = {invoice for payment in payments for invoice in payment.aims}
    rows = work.rows(
        "SELECT invoice_id, customer_id, currency, number FROM invoices WHERE supplier_id = :supplier "
        "AND invoice_id = ANY(:ids)",
        ids=list(wanted),
    )
    found = {row["invoice_id"]: row for row in rows}
    for payment in payments:
        if payment.amount_minor <= 0 or min(payment.aims.values(), default=1) <= 0:
            raise ReceivablesError(
                "payment.not_above_zero",
                "A payment, and each part of it, is above zero.",
                "Un paiement, et chacune de ses parts, est supérieur à zéro.",
            )
        for invoice_id in payment.aims:
            invoice = found.get(invoice_id)
            if invoice is None:
                raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")
            if invoice["customer_id"] != payment.customer_id:
                raise ReceivablesError(
                    "payment.other_customer",
                    f"{invoice['number']} is another customer's: split the payment, one part for each customer.",
                    f"{invoice['number']} est la facture d'un autre client : partagez le paiement, une part pour "
                    "chaque client.",
                )
            if invoice["currency"] != payment.currency and payment.state != AttemptState.SUCCEEDED:
                raise ReceivablesError(
                    "payment.other_currency",
                    f"{invoice['number']} is in {invoice['currency']}: pay it in that.",
                    f"{invoice['number']} est en {invoice['currency']} : réglez-la dans cette devise.",
                )
