"""Give up a rest of an invoice (discount, waiver, a bank's charge) or keep an excess of cents, in one gesture.

VAT is not touched where it fell due with the invoice; where it waits for collection, what is given up never falls due
(:mod:`receivables.services.settlement.settling`). A rest above the supplier's tolerance is a credit note's business
(CGI art. 272-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, today
from receivables.domain.accounting.ledger import OTHER_JOURNAL, Entry, signed
from receivables.domain.money import Money
from receivables.domain.settlement.lettering import WAIVED, Item
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.settlement.settling import LOSSES, Cause, load_settling, settle, write_settling
from receivables.store.customer_file.customers import lock_customers
from receivables.store.settlement.attempts import load_attempts
from receivables.store.settlement.terms import discount_of

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.services.settlement.settling import Settling
    from receivables.store.settlement.attempts import Attempt
    from receivables.store.work import Work

RULE = "rule"
"""The actor of what is waived with nobody looking."""
WAIVING, TAKEN_BACK = "waiver", "waived_back"
"""Source kinds of the entries."""
BACKS = {**dict.fromkeys(WAIVED, "waived_back"), "gain": "gain_back"}


@dataclass(frozen=True, slots=True)
class Waiver:
    """What is given up of an invoice, in minor units: ``kind`` is ``discount``, ``waiver`` or ``charge``."""

    kind: str
    amount_minor: int
    invoice_id: UUID


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a supplier gives up rather than chases, in minor units.

    ``max_minor`` and ``max_percent`` of the invoice bound what a rule waives by itself, ``per_day_minor`` all of that
    in a day; ``by_hand_minor`` is the most that a collector waives without a credit note, ``charge_minor`` the most
    that is believed to have been kept by banks, ``discount_percent`` of the invoice what a person grants as a discount
    that its terms do not promise.
    """

    max_minor: int = 100
    max_percent: int = 1
    per_day_minor: int = 5_000
    by_hand_minor: int = 2_000
    charge_minor: int = 10_000
    discount_percent: int = 3


def tolerance_of(work: Work) -> Tolerance:
    """The supplier's tolerance: ``tolerance`` in its profile, in minor units."""
    profile: dict[str, Any] = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    told = profile.get("tolerance") or {}
    return Tolerance(**{name: int(told[name]) for name in Tolerance.__slots__ if name in told})


def waive(work: Work, attempt_id: UUID, waiver: Waiver, actor: str) -> None:
    """Give up a rest of an invoice with the payment that left it; the line is lettered with the invoice at once.

    Raises:
        NotFoundError: ``invoice.not_found`` or ``payment.not_found``.
        ReceivablesError: ``waiver.unknown_kind`` or ``waiver.not_above_zero``.
        ConflictError: ``waiver.more_than_open``, ``waiver.too_much`` (above the tolerance: write a credit note), or
            ``waiver.disputed``: a rule waives nothing of what is contested; ``waiver.other_invoice``.
    """
    attempt = _locked(work, attempt_id)
    settling = load_settling(work, {waiver.invoice_id} | attempt.invoice_ids, [attempt_id])
    debit_id = settling.sheet.debits_by_invoice.get(waiver.invoice_id)
    debit = settling.sheet.items[debit_id] if debit_id else None
    if waiver.kind not in WAIVED:
        raise ReceivablesError(
            "waiver.unknown_kind",
            f"{waiver.kind} is none of {', '.join(sorted(WAIVED))}.",
            f"{waiver.kind} n'est pas un abandon connu : {', '.join(sorted(WAIVED))}.",
        )
    if waiver.amount_minor <= 0:
        raise ReceivablesError(
            "waiver.not_above_zero", "Give up an amount above zero.", "Abandonnez un montant supérieur à zéro."
        )
    if debit is None or waiver.invoice_id not in attempt.invoice_ids:
        raise ConflictError(
            "waiver.other_invoice",
            "This payment is not for that invoice: use it for the invoice first, then give up.",
            "Ce paiement n'est pas pour cette facture : imputez-le d'abord sur elle, puis abandonnez le reste.",
        )
    if waiver.amount_minor > debit.open_minor:
        left = debit.open_minor
        raise ConflictError(
            "waiver.more_than_open",
            f"{Money(waiver.amount_minor, attempt.currency)} cannot be given up: {Money(left, attempt.currency)} of "
            "the invoice is open.",
            f"{Money(waiver.amount_minor, attempt.currency)} ne peuvent pas être abandonnés : il reste "
            f"{Money(left, attempt.currency)} à payer sur la facture.",
        )
    _check_tolerance(work, waiver, debit, actor)
    reference = _reference(settling, attempt, waiver.kind, debit.reference)
    item = _item(attempt, waiver.kind, reference, waiver.amount_minor, debit.currency, today())
    item.invoice_id = waiver.invoice_id
    _add(work, settling, attempt, item, actor)


def keep_rest(work: Work, attempt_id: UUID, amount_minor: int, actor: str) -> None:
    """Keep what a payer paid too much, in minor units, as a gain (758); within the tolerance only.

    Raises:
        NotFoundError: ``payment.not_found``.
        ConflictError: ``waiver.more_than_open`` or ``waiver.too_much``: it is the payer's, use or refund it.
    """
    attempt = _locked(work, attempt_id)
    settling = load_settling(work, attempt.invoice_ids, [attempt_id])
    left = sum(line.open_minor for line in settling.sheet.lines_of(attempt_id, {"receipt"}))
    if not 0 < amount_minor <= left:
        raise ConflictError(
            "waiver.more_than_open",
            f"{Money(left, attempt.currency)} of this payment is not used.",
            f"{Money(left, attempt.currency)} de ce paiement ne sont pas imputés.",
        )
    most = tolerance_of(work).max_minor
    if amount_minor > most:
        raise ConflictError(
            "waiver.too_much",
            f"{Money(amount_minor, attempt.currency)} is the payer's: up to {Money(most, attempt.currency)} may be "
            "kept. Use it for another invoice, or refund it.",
            f"{Money(amount_minor, attempt.currency)} reviennent au payeur : on peut en garder jusqu'à "
            f"{Money(most, attempt.currency)}. Imputez-les sur une autre facture, ou remboursez-les.",
        )
    reference = _reference(settling, attempt, "gain", "")
    _add(work, settling, attempt, _item(attempt, "gain", reference, amount_minor, attempt.currency, today()), actor)


def take_back_waived(settling: Settling, attempt: Attempt, day: date) -> None:
    """What came with a payment ends with it: where none of the money is left, what was given up is asked for again.

    What was given up of an invoice that was replaced ends as well. A refund that fails later does not bring it back.
    """
    sheet = settling.sheet
    money = sheet.lines_of(attempt.attempt_id, {"receipt", "refund_failed", "refund"})
    for line in sheet.lines_of(attempt.attempt_id, BACKS.keys()):
        back_kind = BACKS[line.kind]
        known = {each.reference for each in sheet.lines_of(attempt.attempt_id, {back_kind})}
        held = sum(each.amount_minor for each in money if not each.debit and each.currency == line.currency)
        gone = sum(each.amount_minor for each in money if each.debit and each.currency == line.currency)
        ended = 0 < gone >= held or line.invoice_id in sheet.reversals
        if ended and line.reference not in known:
            back = _item(attempt, back_kind, line.reference, line.amount_minor, line.currency, day)
            back.invoice_id = line.invoice_id
            _book(settling, attempt, back, line.kind)


def _locked(work: Work, attempt_id: UUID) -> Attempt:
    attempt = load_attempts(work, [attempt_id], []).get(attempt_id)
    if attempt is None:
        raise ReceivablesError("payment.not_found", "There is no such payment.", "Ce paiement n'existe pas.")
    lock_customers(work, [attempt.customer_id])
    return load_attempts(work, [attempt_id], [])[attempt_id]


def _check_tolerance(work: Work, waiver: Waiver, debit: Item, actor: str) -> None:
    """No word for it gives more away: a discount is what the terms promise, a charge what banks keep."""
    allowed = tolerance_of(work)
    most = allowed.by_hand_minor
    if waiver.kind == "charge":
        most = max(most, allowed.charge_minor)
    elif waiver.kind == "discount":
        terms = discount_of(work, waiver.invoice_id)
        granted = -(-debit.amount_minor * allowed.discount_percent // 100)  # matching rounds, and proposes up to this
        most = max(most, granted, terms.of(debit.amount_minor) if terms else 0)
    elif actor == RULE:
        spent = work.scalar(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM receivable_items WHERE supplier_id = :supplier "
            "AND kind = 'waiver' AND booked_on = :day",
            day=today(),
        )
        share = debit.amount_minor * allowed.max_percent // 100
        most = max(min(allowed.max_minor, share, allowed.per_day_minor - spent), 0)
        if work.scalar(
            "SELECT 1 FROM disputes WHERE supplier_id = :supplier AND invoice_id = :invoice AND closed_at IS NULL "
            "AND merged_into IS NULL",
            invoice=waiver.invoice_id,
        ):
            raise ConflictError(
                "waiver.disputed",
                f"{debit.reference} is disputed: nothing of it is given up by rule.",
                f"{debit.reference} est contestée : rien n'en est abandonné d'office.",
            )
    if waiver.amount_minor > most:
        raise ConflictError(
            "waiver.too_much",
            f"{Money(waiver.amount_minor, debit.currency)} is more than the {Money(most, debit.currency)} that may be "
            "given up here: leave it open, or write a credit note.",
            f"{Money(waiver.amount_minor, debit.currency)} dépassent les {Money(most, debit.currency)} que l'on peut "
            "abandonner ici : laissez le reste ouvert, ou émettez un avoir.",
        )


def _reference(settling: Settling, attempt: Attempt, kind: str, number: str) -> str:
    """A key that the same decision has in any order of facts."""
    known = settling.sheet.lines_of(attempt.attempt_id, {kind})
    name = ":".join(part for part in (attempt.payment_ref or str(attempt.attempt_id), kind, number) if part)
    serial = sum(line.reference == name or line.reference.startswith(f"{name}#") for line in known)
    return f"{name}#{serial + 1}" if serial else name


def _item(  # noqa: PLR0917 -- a line has this many facts
    attempt: Attempt, kind: str, reference: str, amount_minor: int, currency: str, day: date
) -> Item:
    return Item(
        posting_id=new_id(),
        customer_id=attempt.customer_id,
        kind=kind,
        debit=kind in {"gain", "waived_back"},
        amount_minor=amount_minor,
        open_minor=amount_minor,
        reference=reference,
        booked_on=day,
        due_on=day,
        ranked_at=attempt.created_at,
        currency=currency,
        attempt_id=attempt.attempt_id,
    )


def _add(work: Work, settling: Settling, attempt: Attempt, item: Item, actor: str) -> None:
    _book(settling, attempt, item, item.kind)
    take_back_waived(settling, attempt, item.told_on)
    write_settling(work, settling, actor)
    work.audit(
        actor, f"{item.kind}.decided", str(attempt.attempt_id), reference=item.reference, amount_minor=item.amount_minor
    )


def _book(settling: Settling, attempt: Attempt, item: Item, kind: str) -> None:
    """Write the line and its entry (journal OD), and letter what it changes; ``kind`` says which account it is on."""
    settling.add_item(item)
    account = settling.chart.account(LOSSES.get(kind, "rounding_gain"))
    entry_id = new_id()
    sense = 1 if item.debit else -1
    settling.entries.append(
        Entry(
            entry_id=entry_id,
            journal=OTHER_JOURNAL,
            booked_on=item.told_on,
            source_kind=TAKEN_BACK if item.kind.endswith("_back") else WAIVING,
            source_ref=item.reference,
            document_ref=item.reference,
            label=attempt.customer_name,
            currency=item.currency,
            postings=(
                signed(
                    item.posting_id, settling.chart.customers, sense * item.amount_minor, customer_id=item.customer_id
                ),
                signed(new_id(), account, -sense * item.amount_minor),
            ),
        )
    )
    about = attempt.invoice_ids | ({item.invoice_id} if item.invoice_id else set())
    waived = settling.sheet.lines_of(attempt.attempt_id, WAIVED)
    about |= {line.invoice_id for line in waived if line.invoice_id}
    settle(settling, about, Cause(kind, None, item.told_on), entry_id, [attempt.attempt_id])
