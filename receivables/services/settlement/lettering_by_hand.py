"""Letter by hand (lettrage manuel): the open lines of an account, suggestions, one gesture for several, and undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.settlement.suggestions import OpenLine, Suggestion, suggest
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.settlement.aiming import aim
from receivables.services.settlement.credits import Credit, available_credits
from receivables.services.settlement.setting_off import SetOff, set_off
from receivables.services.settlement.waiving import Waiver, waive
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """What is open on an account in one currency: invoices that ask for money, credits that are used for nothing."""

    currency: str
    invoices: tuple[InvoiceDue, ...]
    credits: tuple[Credit, ...]
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class LetterLines:
    """Letter these credits with these invoices; ``waive_rest`` gives up the small rest that is left of one invoice.

    ``credit_keys`` are those of :func:`key_of`.
    """

    customer_id: UUID
    invoice_ids: tuple[UUID, ...]
    credit_keys: tuple[str, ...]
    actor: str
    waive_rest: bool = False


def key_of(credit: Credit) -> str:
    """What names a credit in a form: its payment, or its credit note."""
    return f"payment:{credit.attempt_id}" if credit.attempt_id else f"note:{credit.invoice_id}"


def open_account(work: Work, customer_id: UUID) -> list[OpenAccount]:
    """What is open on an account, by currency, with suggestions; money in flight keeps its room."""
    rows = work.rows(
        "SELECT DISTINCT invoice_id FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND kind = 'invoice' AND open_minor > 0",
        customer=customer_id,
    )
    dues = [due for due in due_on_invoices(work, [row["invoice_id"] for row in rows]) if due.payable_minor > 0]
    had = available_credits(work, customer_id)
    return [
        _in_currency(
            currency,
            [due for due in dues if due.currency == currency],
            [credit for credit in had if credit.currency == currency],
        )
        for currency in sorted({*(due.currency for due in dues), *(credit.currency for credit in had)})
    ]


def letter_lines(work: Work, command: LetterLines) -> int:
    """Letter what was chosen, the oldest credit on the oldest invoice; returns how much, in minor units.

    Raises:
        ReceivablesError: ``lettering.nothing_chosen``, ``lettering.two_currencies``; those of ``aim`` and ``waive``.
        ConflictError: ``lettering.not_open``: something chosen has been used meanwhile.
    """
    if not command.invoice_ids or not command.credit_keys:
        raise ReceivablesError(
            "lettering.nothing_chosen",
            "Choose at least one invoice and one credit.",
            "Choisissez au moins une facture et un crédit.",
        )
    lock_customers(work, [command.customer_id])
    accounts = open_account(work, command.customer_id)
    owed = {due.invoice_id: due for account in accounts for due in account.invoices}
    had = {key_of(credit): credit for account in accounts for credit in account.credits}
    gone = set(command.invoice_ids) - owed.keys() or set(command.credit_keys) - had.keys()
    if gone:
        raise ConflictError(
            "lettering.not_open",
            "One of the chosen lines is not open any more: somebody, or a payment, was faster. Look again and choose.",
            "L'une des lignes choisies n'est plus ouverte : quelqu'un, ou un paiement, est passé avant. Rechargez et "
            "choisissez de nouveau.",
        )
    invoices = sorted((owed[each] for each in set(command.invoice_ids)), key=lambda due: (due.due_on, due.number))
    credits_ = sorted((had[each] for each in set(command.credit_keys)), key=lambda each: (each.on, each.reference))
    if len({due.currency for due in invoices} | {credit.currency for credit in credits_}) > 1:
        raise ReceivablesError(
            "lettering.two_currencies",
            "The lines are in two currencies: exchange the credit into the invoice's currency first.",
            "Les lignes sont dans deux devises : convertissez d'abord le crédit dans la devise de la facture.",
        )
    return _letter(work, command, invoices, credits_)


def _letter(work: Work, command: LetterLines, invoices: Sequence[InvoiceDue], credits_: Sequence[Credit]) -> int:
    rooms = {due.invoice_id: due.payable_minor for due in invoices}
    done, last = 0, None
    for credit in credits_:
        left = credit.open_minor
        for invoice_id, room in rooms.items():
            part = min(left, room)
            if part > 0:
                _use(work, credit, invoice_id, part, command.actor)
                rooms[invoice_id] -= part
                left, done, last = left - part, done + part, (credit, invoice_id)
    if command.waive_rest and last is not None:
        credit, invoice_id = last
        rest = rooms[invoice_id]
        if rest and credit.attempt_id:
            waive(work, credit.attempt_id, Waiver("waiver", rest, invoice_id), command.actor)
    return done


def _use(work: Work, credit: Credit, invoice_id: UUID, minor: int, actor: str) -> None:
    if credit.attempt_id:
        aim(work, credit.attempt_id, invoice_id, minor, actor)
    elif credit.invoice_id:
        set_off(work, SetOff(invoice_id, credit.invoice_id, minor, actor))


def _in_currency(currency: str, dues: list[InvoiceDue], credits_: list[Credit]) -> OpenAccount:
    debits = [OpenLine(str(due.invoice_id), due.number, due.payable_minor, due.due_on) for due in dues]
    had = [OpenLine(key_of(each), each.reference, each.open_minor, each.on) for each in credits_]
    return OpenAccount(currency, tuple(dues), tuple(credits_), tuple(suggest(debits, had)))
