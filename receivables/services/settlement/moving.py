"""Move open credit: to another customer's account (a parent pays for its child), or into another currency.

The one account gives the money back, the other receives it, both over an account of ours that ends at nothing; so every
joint works as for money that came by the bank: lettering, exposure, the 212 of the invoices that it pays. Where the
payment behind it goes back, so does what was moved, the newest first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from receivables.domain.money import Money
from receivables.domain.settlement.moves import EURO, Move, back, there
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.settlement.paying import NewPayment, begin_payments, noon
from receivables.services.settlement.receipts import record_facts
from receivables.store.accounting.periods import told_on
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_events
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.settlement.attempts import load_attempts
from receivables.store.settlement.moves import find_move, insert_move

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class TransferCredit:
    """Use ``amount_minor`` of the open credit of a payment for another customer (virement de compte à compte, 411/411).

    ``aims`` are invoices of the other customer, minor units by invoice; without any it is their credit.
    """

    attempt_id: UUID
    to_customer_id: UUID
    amount_minor: int
    actor: str
    reason: str
    aims: Mapping[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExchangeCredit:
    """Use ``amount_minor`` of the open credit of a payment for ``into_minor`` of an invoice in another currency.

    ``books_minor`` is what the books hold the foreign amount for, in cents of euro at the rate of its day; what the two
    differ by is a loss or gain on trade (656, 756).
    """

    attempt_id: UUID
    invoice_id: UUID
    amount_minor: int
    into_minor: int
    books_minor: int
    actor: str


def transfer_credit(work: Work, command: TransferCredit) -> UUID:
    """Move open credit to another customer; returns the payment that they have now. It counts from the day it came.

    Raises:
        NotFoundError: ``payment.not_found`` or ``customer.not_found``.
        ReceivablesError: ``move.no_reason``, ``move.same_customer``, ``payment.other_customer``.
        ConflictError: ``move.too_much``.
    """
    if not command.reason.strip():
        raise ReceivablesError(
            "move.no_reason",
            "Say why this credit goes to another customer: both of them may ask.",
            "Dites pourquoi ce crédit passe à un autre client : l'un et l'autre peuvent le demander.",
        )
    receipt = _open_receipt(work, command.attempt_id, command.amount_minor, [command.to_customer_id])
    if receipt["customer_id"] == command.to_customer_id:
        raise ReceivablesError(
            "move.same_customer",
            "The credit is this customer's already: use it for one of their invoices.",
            "Ce crédit est déjà celui de ce client : affectez-le à l'une de ses factures.",
        )
    target = get_customer(work, command.to_customer_id)
    amount = Money(command.amount_minor, receipt["currency"])
    move = _move(receipt, target.customer_id, amount, amount, command.actor, reason=command.reason.strip())
    _book(work, move, receipt, command.aims)
    _tell(work, move, get_customer(work, move.from_customer).name, target.name)
    return move.to_attempt


def exchange_credit(work: Work, command: ExchangeCredit) -> UUID:
    """Use open credit for an invoice in another currency; returns the payment in that currency.

    Raises:
        NotFoundError: ``payment.not_found`` or ``invoice.not_found``.
        ReceivablesError: ``move.not_above_zero``, ``move.same_currency``, ``move.no_euro``, ``payment.other_customer``.
        ConflictError: ``move.too_much``.
    """
    invoice = get_invoice(work, command.invoice_id)
    receipt = _open_receipt(work, command.attempt_id, command.amount_minor, [])
    currencies = {receipt["currency"], invoice.currency}
    if len(currencies) == 1:
        raise ReceivablesError(
            "move.same_currency",
            "Payment and invoice are in one currency: nothing has to be exchanged.",
            "Le paiement et la facture sont dans la même devise : il n'y a rien à convertir.",
        )
    if EURO not in currencies:
        raise ReceivablesError(
            "move.no_euro",
            "One of the two must be in euro: exchange the credit into euro first.",
            "L'un des deux doit être en euros : convertissez d'abord le crédit en euros.",
        )
    if min(command.into_minor, command.books_minor) <= 0:
        raise ReceivablesError("move.not_above_zero", "Amounts are above zero.", "Les montants sont supérieurs à zéro.")
    used, into = Money(command.amount_minor, receipt["currency"]), Money(command.into_minor, invoice.currency)
    move = _move(receipt, receipt["customer_id"], used, into, command.actor, books_minor=command.books_minor)
    _book(work, move, receipt, {invoice.invoice_id: into.minor})
    facts = {"amount": str(used), "into": str(into), "number": invoice.number}
    note_events(work, [AccountEvent(move.from_customer, "credit.exchanged", command.actor, shown=True, facts=facts)])
    work.audit(command.actor, "credit.exchanged", str(move.move_id), **facts)
    return move.to_attempt


def undo_move(work: Work, move_id: UUID, actor: str, reason: str) -> None:
    """Take a move back: the credit is where it came from, what it paid is open again (délettrage).

    Raises:
        NotFoundError: ``move.not_found``: there is no such move that stands.
        ReceivablesError: ``move.no_reason``.
    """
    if not reason.strip():
        raise ReceivablesError(
            "move.no_reason", "Say why this is undone: the trail keeps it.", "Dites pourquoi : la piste le garde."
        )
    move = find_move(work, move_id)
    if move is None:
        raise NotFoundError("move.not_found", "There is no such move.", "Ce virement de compte n'existe pas.")
    lock_customers(work, [move.from_customer, move.to_customer])
    record_facts(work, back(move, now(), today()))
    work.audit(actor, "move.undone", str(move_id), reason=reason.strip())


def _open_receipt(work: Work, attempt_id: UUID, amount_minor: int, others: list[UUID]) -> RowMapping:
    """The receipt of a payment that has this much to give, its customer and the others locked.

    Raises:
        NotFoundError: ``payment.not_found``.
        ConflictError: ``move.too_much``.
    """
    attempt = load_attempts(work, [attempt_id], []).get(attempt_id)
    if attempt is None:
        raise NotFoundError("payment.not_found", "There is no such payment.", "Ce paiement n'existe pas.")
    lock_customers(work, [attempt.customer_id, *others])
    row = work.row(
        f"SELECT reference, attempt_id, customer_id, currency, {told_on('item')} AS came_on, open_minor "
        "FROM receivable_items AS item WHERE supplier_id = :supplier AND attempt_id = :attempt AND kind = 'receipt' "
        "ORDER BY open_minor DESC, reference LIMIT 1",
        attempt=attempt_id,
    )
    if row is None:
        raise NotFoundError("payment.not_found", "This payment brought no money.", "Ce paiement n'a rien apporté.")
    if not 0 < amount_minor <= row["open_minor"]:
        left = Money(row["open_minor"], row["currency"])
        raise ConflictError(
            "move.too_much",
            f"{Money(amount_minor, row['currency'])} cannot be moved: {left} of this payment is used for nothing.",
            f"{Money(amount_minor, row['currency'])} ne peut pas être déplacé : {left} de ce paiement restent libres.",
        )
    return row


def _move(
    receipt: RowMapping,
    to_customer: UUID,
    amount: Money,
    into: Money,
    actor: str,
    *,
    reason: str | None = None,
    books_minor: int | None = None,
) -> Move:
    return Move(
        move_id=new_id(),
        from_attempt=receipt["attempt_id"],
        to_attempt=new_id(),
        from_customer=receipt["customer_id"],
        to_customer=to_customer,
        amount_minor=amount.minor,
        currency=amount.currency,
        into_minor=into.minor,
        into_currency=into.currency,
        books_minor=books_minor,
        reason=reason,
        actor=actor,
        payment_ref=receipt["reference"],
    )


def _book(work: Work, move: Move, receipt: RowMapping, aims: Mapping[UUID, int]) -> None:
    """Both sides, on the day on which the money came: interest on what it pays stops there."""
    at = noon(receipt["came_on"])
    payment = NewPayment(
        attempt_id=move.to_attempt,
        customer_id=move.to_customer,
        road="hand",
        method="transfer",
        amount_minor=move.into_minor,
        currency=move.into_currency,
        aims=aims,
        state="succeeded",
        began_at=at,
        chosen_by="collector",
        payment_ref=move.ref,
    )
    begin_payments(work, [payment])
    insert_move(work, move)
    record_facts(work, there(move, at, receipt["came_on"]))


def _tell(work: Work, move: Move, source: str, target: str) -> None:
    amount = str(Money(move.amount_minor, move.currency))
    facts = {"amount": amount, "source": source, "target": target, "reason": move.reason}
    note_events(
        work,
        [
            AccountEvent(move.from_customer, "credit.given", move.actor, shown=True, facts=facts),
            AccountEvent(move.to_customer, "credit.taken", move.actor, shown=True, facts=facts),
        ],
    )
    work.audit(move.actor, "credit.moved", str(move.move_id), **facts)
