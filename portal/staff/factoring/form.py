"""The forms of the factoring pages, read with care; and what may be assigned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from einvoice.lifecycle.factoring import read_account
from portal.customer.payment_words import read_amount
from portal.words import gettext
from receivables.errors import ReceivablesError
from receivables.store.accounting.factors import Factor, FactorMove

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 100
"""Invoices that may be chosen at once."""
LONGEST = 140
MOVES = ("advance", "commission", "interest", "paid_to_factor")
SIREN_LENGTH = 9
MOST_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Assignable:
    """An open invoice that a factor may be given."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    due_on: date
    open_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OpenCredit:
    """Money of a customer that no invoice took: perhaps the factor's."""

    attempt_id: UUID
    reference: str
    booked_on: date
    open_minor: int
    currency: str


def assignable(work: Work, after: tuple[date, UUID] | None) -> list[Assignable]:
    """Open invoices of businesses that nobody disputes or holds, by due date; one more than a page."""
    rows = work.rows(
        "SELECT item.invoice_id, item.reference AS number, item.customer_id, customer.name AS customer_name, "
        "item.due_on, item.open_minor, item.currency FROM receivable_items AS item JOIN customers AS customer "
        "ON customer.supplier_id = :supplier AND customer.customer_id = item.customer_id "
        "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = item.invoice_id "
        "WHERE item.supplier_id = :supplier AND item.kind = 'invoice' AND item.open_minor > 0 "
        "AND customer.kind = 'business' AND invoice.type_code NOT IN ('393', '501', '84') "
        "AND NOT EXISTS (SELECT 1 FROM assignments AS taken WHERE taken.supplier_id = :supplier "
        "AND taken.invoice_id = item.invoice_id AND taken.state = 'assigned') "
        "AND NOT EXISTS (SELECT 1 FROM disputes AS dispute WHERE dispute.supplier_id = :supplier "
        "AND dispute.invoice_id = item.invoice_id AND closed_at IS NULL AND merged_into IS NULL) "
        "AND NOT EXISTS (SELECT 1 FROM reservations AS held WHERE held.supplier_id = :supplier "
        "AND held.invoice_id = item.invoice_id AND held.state = 'processing') "
        "AND (CAST(:after AS uuid) IS NULL OR (item.due_on, item.invoice_id) > (:due, :after)) "
        "ORDER BY item.due_on, item.invoice_id LIMIT :limit",
        due=after[0] if after else None,
        after=after[1] if after else None,
        limit=PAGE + 1,
    )
    return [Assignable(**row) for row in rows]


def open_credits(work: Work, customer_id: UUID, currency: str) -> list[OpenCredit]:
    """Receipts of a customer of which something is open."""
    rows = work.rows(
        "SELECT attempt_id, reference, booked_on, open_minor, currency FROM receivable_items "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND kind = 'receipt' AND open_minor > 0 "
        "AND currency = :currency ORDER BY booked_on, posting_id LIMIT 50",
        customer=customer_id,
        currency=currency,
    )
    return [OpenCredit(**row) for row in rows]


def read_factor(form: Mapping[str, str]) -> Factor:
    """A factor as it was typed.

    Raises:
        ReceivablesError: ``factor.wrong``.
        StatusMessageError: ``status.no_holder``, ``status.bad_iban`` or ``status.bad_bic``.
    """

    def text(name: str, most: int = LONGEST) -> str:
        return form.get(name, "")[:most].strip()

    siren = "".join(text("siren").split())
    percent = text("advance", 3)
    if not text("name") or (siren and not (siren.isdigit() and len(siren) == SIREN_LENGTH)):
        raise ReceivablesError(
            "factor.wrong",
            "Give the factor's name, and its SIREN of nine digits if you know it.",
            "Donnez le nom de l'affactureur, et son SIREN à neuf chiffres s'il est connu.",
        )
    if not percent.isdigit() or int(percent) > MOST_PERCENT:
        raise ReceivablesError(
            "factor.wrong_percent",
            "The advance is a percentage from 0 to 100.",
            "L'avance est un pourcentage de 0 à 100.",
        )
    account = read_account(text("holder") or text("name"), text("iban"), text("bic") or None)
    mention = text("mention", 400) or gettext(
        "Créance cédée à %(factor)s par subrogation : seul un paiement sur son compte vous libère."
    ) % {"factor": text("name")}
    return Factor(
        factor_id=new_id(),
        name=text("name"),
        siren=siren or None,
        address=text("address") or None,
        holder=account.holder,
        iban=account.iban,
        bic=account.bic,
        mention=mention,
        advance_percent=int(percent),
        recourse=form.get("recourse") == "1",
        confidential=form.get("confidential") == "1",
    )


def read_move(form: Mapping[str, str]) -> FactorMove:
    """Money or a fee as it was typed.

    Raises:
        ReceivablesError: ``factor.wrong_move``.
        PaymentError: ``payment.bad_amount``.
    """
    kind = form.get("kind", "")
    if kind not in MOVES:
        raise ReceivablesError("factor.wrong_move", "Choose what it is.", "Choisissez de quoi il s'agit.")
    return FactorMove(
        kind,
        read_amount(form.get("amount", "")[:20], "EUR"),
        "EUR",
        read_day(form.get("on", "")),
        form.get("reference", "")[:LONGEST].strip(),
        now(),
    )


def read_day(text: str) -> date:
    """A day that is not to come, today where none is given.

    Raises:
        ReceivablesError: ``factor.wrong_day``.
    """
    try:
        day = date.fromisoformat(text[:10]) if text else today()
    except ValueError:
        day = date.max
    if day > today():
        raise ReceivablesError(
            "factor.wrong_day", "Give a day that is over, or today.", "Donnez un jour passé, ou aujourd'hui."
        )
    return day
