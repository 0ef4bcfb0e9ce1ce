"""Set credit notes (avoirs) off against invoices: at their issue, and by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from receivables.domain.money import Money
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.entering import enter_claims
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.settlement.settlements import SetOffChoice, latest_of, note_choice

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.services.settlement.settling import Settling
    from receivables.store.work import Work

SET_OFF_CAUSE = "set_off"


@dataclass(frozen=True, slots=True)
class SetOff:
    """Set ``amount_minor`` of a credit note off against an invoice of the same customer, by hand."""

    invoice_id: UUID
    credit_note_id: UUID
    amount_minor: int
    actor: str


@dataclass(frozen=True, slots=True)
class UndoSetOff:
    """Take a set-off back, whole or ``amount_minor`` of it: the invoice asks for it again, the credit note has it."""

    invoice_id: UUID
    credit_note_id: UUID
    actor: str
    reason: str
    amount_minor: int | None = None


def set_off(work: Work, command: SetOff) -> None:
    """Set a credit note off against an invoice, whichever invoice it was written for.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ReceivablesError: ``set_off.not_a_credit_note``, ``set_off.not_an_invoice``, ``set_off.other_customer``,
            ``set_off.other_currency`` or ``set_off.not_above_zero``.
        ConflictError: ``set_off.too_much``: the credit note has less left, or the invoice asks for less. What is in
            flight keeps its room.
    """
    note, invoice = _both(work, command.credit_note_id, command.invoice_id)
    if command.amount_minor <= 0:
        raise ReceivablesError(
            "set_off.not_above_zero",
            "Set off an amount above zero; to take one back, undo it.",
            "Imputez un montant supérieur à zéro ; pour en reprendre un, annulez l'imputation.",
        )
    settling = load_settling(work, [note.invoice_id, invoice.invoice_id])
    due = due_on_invoice(work, invoice.invoice_id)
    left, asked = _left_of(settling, note), due.open_minor - due.in_flight_minor
    if command.amount_minor > min(left, asked):
        raise ConflictError(
            "set_off.too_much",
            f"{command.amount_minor} cannot be set off: credit note {note.number} has {left} left and invoice "
            f"{invoice.number} asks for {max(asked, 0)} (minor units, what is in flight taken off). Set off less.",
            f"{Money(command.amount_minor, note.currency)} ne peuvent pas être imputés : il reste "
            f"{Money(left, note.currency)} sur l'avoir {note.number}, et la facture {invoice.number} demande "
            f"{Money(max(asked, 0), note.currency)}, paiements en cours déduits. Imputez moins.",
        )
    used = _used(settling, note, invoice)
    aim = settling.sheet.set_offs.get(note.invoice_id, {}).get(invoice.invoice_id, 0)
    more = used + command.amount_minor - aim
    note_choice(work, SetOffChoice(note.invoice_id, invoice.invoice_id, more, command.actor))
    work.audit(
        command.actor,
        "set_off.chosen",
        str(note.invoice_id),
        invoice=invoice.number,
        amount_minor=command.amount_minor,
    )
    _settle_again(work, note, invoice, today())


def undo_set_off(work: Work, command: UndoSetOff) -> int:
    """Take a set-off back; returns how much, in minor units. It is not made again by itself.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ReceivablesError: ``set_off.no_reason``, and those of :func:`set_off`.
        ConflictError: ``set_off.nothing_to_undo``: less than that is set off between the two.
    """
    if not command.reason.strip():
        raise ReceivablesError(
            "set_off.no_reason",
            "Say why the set-off is undone: the trail keeps it.",
            "Dites pourquoi l'imputation est annulée : le journal le garde.",
        )
    note, invoice = _both(work, command.credit_note_id, command.invoice_id)
    settling = load_settling(work, [note.invoice_id, invoice.invoice_id])
    used = _used(settling, note, invoice)
    amount = used if command.amount_minor is None else command.amount_minor
    if not 0 < amount <= used:
        raise ConflictError(
            "set_off.nothing_to_undo",
            f"{used} of credit note {note.number} is set off against {invoice.number} (minor units); {amount} cannot "
            "be undone.",
            f"{Money(used, note.currency)} de l'avoir {note.number} sont imputés sur {invoice.number} : "
            f"{Money(amount, note.currency)} ne peuvent pas être repris.",
        )
    aim = settling.sheet.set_offs[note.invoice_id][invoice.invoice_id]
    reason = command.reason.strip()
    note_choice(work, SetOffChoice(note.invoice_id, invoice.invoice_id, used - amount - aim, command.actor, reason))
    work.audit(
        command.actor,
        "set_off.undone",
        str(note.invoice_id),
        invoice=invoice.number,
        amount_minor=amount,
        reason=reason,
    )
    _settle_again(work, note, invoice, today())
    return amount


def _settle_again(work: Work, note: Invoice, invoice: Invoice, day: date) -> None:
    settling = load_settling(work, [note.invoice_id, invoice.invoice_id])
    settle(settling, [note.invoice_id, invoice.invoice_id], Cause(SET_OFF_CAUSE, None, day))
    write_settling(work, settling, "core")


def _both(work: Work, note_id: UUID, invoice_id: UUID) -> tuple[Invoice, Invoice]:
    """The credit note, and the invoice that stands for the one meant, fit to be set off; their customer locked."""
    note = get_invoice(work, note_id)
    lock_customers(work, [note.customer_id])
    invoice = get_invoice(work, latest_of(work, get_invoice(work, invoice_id).invoice_id))
    enter_claims(work, [invoice.invoice_id], today())
    if not note.is_credit_note:
        raise ReceivablesError(
            "set_off.not_a_credit_note",
            f"{note.number} is no credit note; choose one.",
            f"{note.number} n'est pas un avoir : choisissez-en un.",
        )
    if invoice.is_credit_note:
        raise ReceivablesError(
            "set_off.not_an_invoice",
            f"{invoice.number} is a credit note; choose an invoice.",
            f"{invoice.number} est un avoir : choisissez une facture.",
        )
    if note.customer_id != invoice.customer_id:
        raise ReceivablesError(
            "set_off.other_customer",
            f"{note.number} and {invoice.number} are of two customers: a claim on one cannot pay the other's.",
            f"{note.number} et {invoice.number} sont de deux clients : l'avoir de l'un ne règle pas la facture de "
            "l'autre.",
        )
    if note.currency != invoice.currency:
        raise ReceivablesError(
            "set_off.other_currency",
            f"{note.number} is in {note.currency}, {invoice.number} in {invoice.currency}.",
            f"{note.number} est en {note.currency}, {invoice.number} en {invoice.currency}.",
        )
    return note, invoice


def _left_of(settling: Settling, note: Invoice) -> int:
    posting_id = settling.sheet.credits_by_note.get(note.invoice_id)
    return settling.sheet.items[posting_id].open_minor if posting_id else 0


def _used(settling: Settling, note: Invoice, invoice: Invoice) -> int:
    """What of the credit note is set off against the invoice now."""
    sheet = settling.sheet
    debit, credit = sheet.debits_by_invoice.get(invoice.invoice_id), sheet.credits_by_note.get(note.invoice_id)
    return sheet.pairs.get((debit, credit), 0) if debit and credit else 0
