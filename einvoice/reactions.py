"""What a status of an invoice of ours does when it comes in; most only inform.

Nothing here touches the books: money is what the provider or the bank says, never a status.

206, 207 and 208 claim; 210 and 213 end the invoice (mandate: an internal credit note, then a new invoice under a new
number, DG 3.6.4); 205 takes earlier claims back; 211 announces a payment. 202 to 204, 214, 221, 224 to 228 and codes
that nobody knows are kept and shown. The same statuses in any order have the same effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.clock import legal_day
from config.law.days import BANKING, add_days
from einvoice.errors import BuildError
from einvoice.lifecycle.message import MOST_NOTE, SELLER
from einvoice.lifecycle.reasons import REASONS
from receivables.domain.conversations.disputes import (
    APPROVED,
    CLAIMING,
    OTHER,
    REFUSING,
    DisputeEvent,
    EventKind,
    Scope,
)
from receivables.domain.money import Money, MoneyError
from receivables.services.conversations.disputing import review_disputes, take_claim
from receivables.store.conversations.disputes import note_pause
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from einvoice.lifecycle.message import Datum, Detail, StatusMessage
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

PAYMENT_SENT = "211"
PAUSE_DAYS, MOST_PAUSE_DAYS = 3, 30
"""Banking days for which a payment announced by 211 is waited for: a transfer takes one, its matching one more."""
MOST_REASONS, MOST_REASON = 20, 64
"""Reasons of one status that each make a dispute, and the characters of one: the code list has 45, of at most 20."""
PAUSE_FIELD = "dunning_pause_days"
"""In a supplier's profile: another number of days, 0 to 30."""
NOT_APPROVED, APPROVED_AMOUNT = "MNATTC", "MAPTTC"
"""Amounts of a partial approval (MDT-207), VAT included: what is not approved, what is."""


def react_to_status(work: Work, invoice: Invoice, message: StatusMessage) -> None:
    """Do what a status asks for, in the transaction that noted it; the same message again changes nothing."""
    lock_customers(work, [invoice.customer_id])
    if message.status in CLAIMING:
        for reason, event in _claims(invoice, message):
            take_claim(work, invoice, reason, event)
    elif message.status in REFUSING:
        reasons = [each.code for each in message.reasons if each.code]
        take_claim(work, invoice, reasons[0] if reasons else OTHER, _event(message, {"reasons": reasons}))
    elif message.status == APPROVED:
        review_disputes(work, invoice)
    elif message.status == PAYMENT_SENT and message.issuer.role != SELLER:
        until = add_days(legal_day(message.occurred_at), _pause_days(work), BANKING)
        note_pause(work, invoice.invoice_id, f"status_{PAYMENT_SENT}", message.message_id, until)


def read_pause_days(profile: Mapping[str, Any]) -> int:
    """For how many banking days a supplier waits for a payment that was announced.

    Raises:
        BuildError: ``profile.bad_pause``.
    """
    told = profile.get(PAUSE_FIELD, PAUSE_DAYS)
    if type(told) is not int or not 0 <= told <= MOST_PAUSE_DAYS:
        raise BuildError(
            "profile.bad_pause",
            f"{PAUSE_FIELD} is {told!r}: give 0 to {MOST_PAUSE_DAYS} banking days.",
            f"{PAUSE_FIELD} vaut {told!r} : donnez de 0 à {MOST_PAUSE_DAYS} jours bancaires.",
        )
    return told


def _pause_days(work: Work) -> int:
    return read_pause_days(work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {})


def _claims(invoice: Invoice, message: StatusMessage) -> Iterator[tuple[str, DisputeEvent]]:
    """One claim per reason that the message gives; ``AUTRE`` for one that breaks the rules and gives none."""
    by_reason: dict[str, list[Detail]] = {}
    for detail in message.details:
        if detail.reason and detail.reason.code:
            by_reason.setdefault(detail.reason.code, []).append(detail)
    for reason, details in (_within(by_reason) or {OTHER: list(message.details)}).items():
        amounts = [minor for detail in details for datum in detail.data if (minor := _disputed(invoice, datum))]
        actions = [each.reason.action for each in details if each.reason and each.reason.action]
        facts: dict[str, Any] = {"actions": actions} if actions else {}
        if amounts:
            facts |= {"scope": Scope.AMOUNT, "amount_minor": max(amounts)}
        said = "\n".join(note.text for detail in details for note in detail.notes)
        label = next((each.reason.label for each in details if each.reason and reason not in REASONS), None)
        yield reason, _event(message, facts, (said or label or "")[:MOST_NOTE] or None)


def _within(by_reason: dict[str, list[Detail]]) -> dict[str, list[Detail]]:
    """The first reasons as they are, any further ones as one: a message must not open a thousand disputes."""
    within: dict[str, list[Detail]] = {}
    for reason, details in by_reason.items():
        known = len(within) < MOST_REASONS and len(reason) <= MOST_REASON
        within.setdefault(reason if known else OTHER, []).extend(details)
    return within


def _event(message: StatusMessage, facts: dict[str, Any], said: str | None = None) -> DisputeEvent:
    return DisputeEvent(
        EventKind.STATUS,
        message.occurred_at,
        "platform" if message.status == "213" else "customer",
        said or message.note,
        message.status,
        message.message_id,
        facts,
    )


def _disputed(invoice: Invoice, datum: Datum) -> int | None:
    """What a datum says is contested, in minor units; ``None`` where it says nothing of the kind."""
    if datum.amount is None or (datum.currency or invoice.currency) != invoice.currency:
        return None
    try:
        minor = Money.of(abs(datum.amount), invoice.currency).minor
    except MoneyError:  # finer than the currency: no amount of this invoice
        return None
    if datum.kind == NOT_APPROVED:
        return minor
    return invoice.payable_minor - minor if datum.kind == APPROVED_AMOUNT and minor < invoice.payable_minor else None
