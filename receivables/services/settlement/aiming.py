"""Say what a payment is for after it came: use open credit for an invoice, or take an allocation back (délettrage)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from receivables.domain.money import Money
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.collecting.entering import enter_claims
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.settlement.attempts import load_attempts
from receivables.store.settlement.books import entries_of_lines
from receivables.store.settlement.settlements import AimChoice, latest_of, note_aim

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.settlement.lettering import Item
    from receivables.services.settlement.settling import Settling
    from receivables.store.work import Work

AIMED = "aimed"


@dataclass(frozen=True, slots=True)
class _Aimed:
    """A payment and an invoice of the same customer, with what the one pays of the other now, in minor units."""

    settling: Settling
    receipts: list[Item]
    number: str
    currency: str
    used_minor: int
    aim_minor: int

    @property
    def open_minor(self) -> int:
        """What of the payment is used for nothing."""
        return sum(line.open_minor for line in self.receipts)


def aim(work: Work, attempt_id: UUID, invoice_id: UUID, amount_minor: int, actor: str) -> None:
    """Use ``amount_minor`` of the open credit of a payment for an invoice of the same customer.

    Raises:
        NotFoundError: ``payment.not_found`` or ``invoice.not_found``.
        ReceivablesError: ``aim.not_above_zero``, ``aim.other_customer`` or ``aim.other_currency``.
        ConflictError: ``aim.too_much``: the payment has less left, or the invoice asks for less.
    """
    invoice_id = latest_of(work, get_invoice(work, invoice_id).invoice_id)
    found = _both(work, attempt_id, invoice_id)
    if amount_minor <= 0:
        raise ReceivablesError(
            "aim.not_above_zero",
            "Use an amount above zero; to take one back, say so with a reason.",
            "Indiquez un montant supérieur à zéro ; pour reprendre une imputation, annulez-la avec un motif.",
        )
    due = due_on_invoice(work, invoice_id)
    asked = max(due.open_minor - due.in_flight_minor, 0)
    if amount_minor > min(found.open_minor, asked):
        left, asked_money = Money(found.open_minor, found.currency), Money(asked, found.currency)
        raise ConflictError(
            "aim.too_much",
            f"{Money(amount_minor, found.currency)} cannot be used: the payment has {left} left, and {found.number} "
            f"asks for {asked_money}.",
            f"{Money(amount_minor, found.currency)} ne peuvent pas être imputés : il reste {left} sur le paiement, et "
            f"{found.number} demande {asked_money}.",
        )
    more = found.used_minor + amount_minor - found.aim_minor
    _choose(work, found, (attempt_id, invoice_id), more, actor=actor, reason=None)


def unaim(work: Work, attempt_id: UUID, invoice_id: UUID, amount_minor: int | None, *, actor: str, reason: str) -> int:
    """Take an allocation back, whole or ``amount_minor`` of it; the invoice asks for it again, the payment has it.

    Returns how much. It is not made again by itself; the line of the books stays, the lettering ends.

    Raises:
        NotFoundError: ``payment.not_found`` or ``invoice.not_found``.
        ReceivablesError: ``aim.no_reason``, ``aim.other_customer`` or ``aim.other_currency``.
        ConflictError: ``aim.nothing_to_undo``.
    """
    if not reason.strip():
        raise ReceivablesError(
            "aim.no_reason",
            "Say why the lettering is undone: the trail keeps it.",
            "Dites pourquoi le lettrage est annulé : le journal le garde.",
        )
    found = _both(work, attempt_id, invoice_id)
    amount = found.used_minor if amount_minor is None else amount_minor
    if not 0 < amount <= found.used_minor:
        raise ConflictError(
            "aim.nothing_to_undo",
            f"{Money(found.used_minor, found.currency)} of this payment is on {found.number}; "
            f"{Money(amount, found.currency)} cannot be taken back.",
            f"{Money(found.used_minor, found.currency)} de ce paiement sont sur {found.number} : "
            f"{Money(amount, found.currency)} ne peuvent pas être repris.",
        )
    less = found.used_minor - amount - found.aim_minor
    _choose(work, found, (attempt_id, invoice_id), less, actor=actor, reason=reason.strip())
    return amount


def _both(work: Work, attempt_id: UUID, invoice_id: UUID) -> _Aimed:
    attempt = load_attempts(work, [attempt_id], []).get(attempt_id)
    if attempt is None:
        raise NotFoundError("payment.not_found", "There is no such payment.", "Ce paiement n'existe pas.")
    lock_customers(work, [attempt.customer_id])
    invoice = get_invoice(work, invoice_id)
    if invoice.customer_id != attempt.customer_id:
        raise ReceivablesError(
            "aim.other_customer",
            f"{invoice.number} is another customer's.",
            f"{invoice.number} est la facture d'un autre client.",
        )
    enter_claims(work, [invoice_id], today())
    settling = load_settling(work, {invoice_id} | attempt.invoice_ids, [attempt_id])
    receipts = settling.sheet.lines_of(attempt_id, {"receipt"})
    if not receipts:
        raise NotFoundError(
            "payment.not_found", "This payment brought no money.", "Ce paiement n'a apporté aucune somme."
        )
    if receipts[0].currency != invoice.currency:
        raise ReceivablesError(
            "aim.other_currency",
            f"The payment is in {receipts[0].currency}, {invoice.number} in {invoice.currency}.",
            f"Le paiement est en {receipts[0].currency}, {invoice.number} en {invoice.currency}.",
        )
    debit_id = settling.sheet.debits_by_invoice.get(invoice_id)
    used = sum(settling.sheet.pairs.get((debit_id, line.posting_id), 0) for line in receipts) if debit_id else 0
    aimed = settling.sheet.targets.get(attempt_id, {}).get(invoice_id, 0)
    return _Aimed(settling, receipts, invoice.number, invoice.currency, used, aimed)


def _choose(
    work: Work, found: _Aimed, pair: tuple[UUID, UUID], delta_minor: int, *, actor: str, reason: str | None
) -> None:
    """Keep the choice, and letter again what it changes."""
    attempt_id, invoice_id = pair
    if delta_minor:
        note_aim(work, AimChoice(attempt_id, invoice_id, delta_minor, actor, reason))
    details = {"invoice": found.number, "amount_minor": delta_minor, "reason": reason}
    work.audit(actor, "payment.aimed" if reason is None else "payment.unaimed", str(attempt_id), **details)
    invoices = {invoice_id} | found.settling.sheet.targets.get(attempt_id, {}).keys()
    settling = load_settling(work, invoices, [attempt_id])
    entry = entries_of_lines(work, [found.receipts[0].posting_id])[found.receipts[0].posting_id]
    settle(settling, [invoice_id], Cause(AIMED, "reallocation", today()), entry, [attempt_id])
    write_settling(work, settling, actor)
