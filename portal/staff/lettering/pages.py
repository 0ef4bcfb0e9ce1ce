"""``/s/customers/<id>/lettering``: invoices on one side, credits on the other, and what belongs together."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from portal.access.context import actor, place, work_here
from portal.access.headers import let_script_run
from portal.access.roles import COLLECTING, STAFF, allow
from portal.customer.disputing import read_amount
from portal.fields import id_in
from portal.words import gettext, note_text, told_by
from receivables.domain.money import Money
from receivables.domain.settlement.moves import EURO
from receivables.errors import ReceivablesError
from receivables.services.settlement.aiming import unaim
from receivables.services.settlement.lettering_by_hand import LetterLines, key_of, letter_lines, open_account
from receivables.services.settlement.moving import (
    ExchangeCredit,
    TransferCredit,
    exchange_credit,
    transfer_credit,
    undo_move,
)
from receivables.services.settlement.setting_off import UndoSetOff, undo_set_off
from receivables.services.settlement.waiving import tolerance_of
from receivables.store.customer_file.customers import find_by_code, get_customer
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.settlement.letterings import lettered_pairs
from receivables.store.settlement.moves import moves_of_customer

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from receivables.services.settlement.lettering_by_hand import OpenAccount
    from receivables.store.work import Work

blueprint = Blueprint("lettering", __name__, url_prefix="/s/customers/<uuid:customer_id>/lettering")

MOST_PAIRS = 100
CENT = Decimal("0.01")
WHY = {
    "named": note_text("La référence du paiement cite la facture"),
    "same_amount": note_text("Même montant, au centime"),
    "sum_of_invoices": note_text("Ces factures font ensemble le montant du crédit"),
    "sum_of_credits": note_text("Ces crédits font ensemble le montant de la facture"),
}


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """A suggestion with the names of its lines."""

    why: str
    credits: tuple[tuple[str, str], ...]
    invoices: tuple[tuple[str, str], ...]
    minor: int


@blueprint.get("")
@allow(*STAFF)
def show(customer_id: UUID) -> str:
    """What is open, what may belong together, what is lettered."""
    with work_here() as work:
        return _page(work, customer_id)


@blueprint.post("")
@allow(*COLLECTING)
def letter(customer_id: UUID) -> Response | tuple[str, int]:
    """Letter the lines that were ticked."""
    command = LetterLines(
        customer_id,
        tuple(found for each in request.form.getlist("invoice") if (found := id_in(each))),
        tuple(request.form.getlist("credit")),
        actor(),
        request.form.get("waive") == "1",
    )
    return _act(customer_id, lambda work: letter_lines(work, command))


@blueprint.post("/undo")
@allow(*COLLECTING)
def undo(customer_id: UUID) -> Response | tuple[str, int]:
    """Take one lettering back, with a reason."""
    form = request.form
    invoice_id, reason = id_in(form.get("invoice", "")), form.get("reason", "")

    def act(work: Work) -> None:
        if invoice_id and (attempt := id_in(form.get("attempt", ""))):
            unaim(work, attempt, invoice_id, None, actor=actor(), reason=reason)
        elif invoice_id and (note := id_in(form.get("note", ""))):
            undo_set_off(work, UndoSetOff(invoice_id, note, actor(), reason))
        elif move := id_in(form.get("move", "")):
            undo_move(work, move, actor(), reason)
        else:
            raise ReceivablesError(
                "lettering.nothing_chosen", "Choose what to undo.", "Choisissez ce qu'il faut défaire."
            )

    return _act(customer_id, act)


@blueprint.post("/transfer")
@allow(*COLLECTING)
def transfer(customer_id: UUID) -> Response | tuple[str, int]:
    """Give open credit to another customer's account."""
    form = request.form

    def act(work: Work) -> object:
        target = find_by_code(work, form.get("account", "").strip())
        if target is None:
            raise ReceivablesError(
                "customer.unknown_code",
                "No customer has this account code: it looks like C00012 and stands on the customer's page.",
                "Aucun client n'a ce compte : il ressemble à C00012 et figure sur la fiche du client.",
            )
        attempt = _payment(form.get("credit", ""))
        minor = _minor(form.get("amount", ""), form.get("credit_currency", "EUR"))
        return transfer_credit(
            work, TransferCredit(attempt, target.customer_id, minor, actor(), form.get("reason", ""))
        )

    return _act(customer_id, act)


@blueprint.post("/exchange")
@allow(*COLLECTING)
def exchange(customer_id: UUID) -> Response | tuple[str, int]:
    """Use credit in one currency for an invoice in another."""
    form = request.form

    def act(work: Work) -> object:
        invoice_id = id_in(form.get("invoice", ""))
        if invoice_id is None:
            raise ReceivablesError("lettering.nothing_chosen", "Choose the invoice.", "Choisissez la facture.")
        held, asked = form.get("credit_currency", EURO), get_invoice(work, invoice_id).currency
        used, into = _minor(form.get("amount", ""), held), _minor(form.get("into", ""), asked)
        foreign = Money(into, asked) if held == EURO else Money(used, held)
        books = Money.of((foreign.decimal * _rate(form.get("rate", ""))).quantize(CENT, ROUND_HALF_UP), EURO).minor
        attempt = _payment(form.get("credit", ""))
        return exchange_credit(work, ExchangeCredit(attempt, invoice_id, used, into, books, actor()))

    return _act(customer_id, act)


def _act(customer_id: UUID, act: Callable[[Work], object]) -> Response | tuple[str, int]:
    try:
        with work_here() as work:
            get_customer(work, customer_id)
            act(work)
    except ReceivablesError as refusal:
        with work_here() as work:
            return _page(work, customer_id, told_by(refusal)), 422
    return redirect(url_for("lettering.show", customer_id=customer_id), 303)


def _page(work: Work, customer_id: UUID, wrong: str = "") -> str:
    accounts = open_account(work, customer_id)
    let_script_run()
    return render_template(
        "lettering/show.html",
        customer=get_customer(work, customer_id),
        accounts=[(each, _shown(each)) for each in accounts],
        currencies=[each.currency for each in accounts],
        key_of=key_of,
        pairs=lettered_pairs(work, customer_id, limit=MOST_PAIRS),
        moves=moves_of_customer(work, customer_id),
        tolerance=tolerance_of(work),
        may_act=place().role in COLLECTING,
        wrong=wrong,
        ticked={*request.form.getlist("invoice"), *request.form.getlist("credit")},
    )


def _shown(account: OpenAccount) -> list[ShownSuggestion]:
    numbers = {str(due.invoice_id): due.number for due in account.invoices}
    credits_ = {key_of(each): each.reference for each in account.credits}
    return [
        ShownSuggestion(
            gettext(WHY[each.why]),
            tuple((key, credits_[key]) for key in each.credit_keys),
            tuple((key, numbers[key]) for key in each.debit_keys),
            each.minor,
        )
        for each in account.suggestions
    ]


def _payment(given: str) -> UUID:
    attempt = id_in(given.removeprefix("payment:"))
    if attempt is None:
        raise ReceivablesError(
            "lettering.not_a_payment",
            "Choose a payment: a credit note stays with the customer that it was written for.",
            "Choisissez un paiement : un avoir reste au client pour lequel il a été émis.",
        )
    return attempt


def _minor(given: str, currency: str) -> int:
    """An amount as people type it, in minor units.

    Raises:
        ReceivablesError: ``amount.unreadable``.
    """
    minor = read_amount(given, currency)
    if minor is None or minor <= 0:
        raise ReceivablesError(
            "amount.unreadable",
            "Type an amount above zero, such as 1 250,00.",
            "Indiquez un montant supérieur à zéro, par exemple 1 250,00.",
        )
    return minor


def _rate(given: str) -> Decimal:
    try:
        rate = Decimal(given.strip().replace(",", "."))
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not 0 < rate < 1_000_000:  # noqa: PLR2004 -- no currency is worth that
        raise ReceivablesError(
            "exchange.bad_rate",
            "Give the rate at which the books hold the foreign amount: euros for one unit, such as 0.92.",
            "Donnez le cours auquel les livres tiennent le montant en devise : des euros pour une unité, par ex. 0,92.",
        )
    return rate
