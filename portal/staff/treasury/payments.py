"""``/s/payments``: every payment by every road, and the whole life of one, down to entries, payout and bank line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import new_id, today
from payments.errors import PaymentError
from payments.refunds.holdings import held_by
from payments.refunds.orders import LONGEST_REASON, NewRefund, ask_refund, refund_limit, refunds_of
from payments.refunds.sending import what_reopens
from payments.treasury import life
from payments.treasury.payouts import bank_line, find_payout, movements_on
from portal.access.context import actor, place, work_here
from portal.access.roles import COLLECTING, STAFF, allow
from portal.customer.disputing import read_amount
from portal.lists import MAX_WANTED, read_list_request
from portal.staff.treasury.tables import PAYMENTS
from portal.staff.treasury.words import treasury_words
from portal.tables import Form, send_table
from portal.words import gettext, note_text, told_by
from receivables.errors import ReceivablesError
from receivables.services.settlement.aiming import aim, unaim
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

    from payments.refunds.holdings import Held
    from payments.refunds.sending import Reopened
    from payments.treasury.life import PaymentLine
    from receivables.store.work import Work

blueprint = Blueprint("payments", __name__, url_prefix="/s/payments")
blueprint.app_context_processor(treasury_words)

MOST_EXPORTED = 20_000
FILTERS = {
    "all": note_text("Tous les paiements"),
    "processing": note_text("En cours à la banque"),
    "succeeded": note_text("Encaissés"),
    "credit": note_text("Avec un reste non imputé"),
    "returned": note_text("Rendus ou repris"),
    "failed": note_text("Non aboutis"),
}
_SAID = {
    "aim.not_above_zero": note_text("Indiquez un montant plus grand que zéro."),
    "aim.other_customer": note_text("Cette facture est celle d'un autre client."),
    "aim.other_currency": note_text("Le paiement et la facture ne sont pas dans la même monnaie."),
    "aim.too_much": note_text("C'est plus que ce qui reste du paiement, ou plus que ce que la facture demande."),
    "aim.no_reason": note_text("Dites pourquoi : le motif est gardé au journal."),
    "aim.nothing_to_undo": note_text("Ce paiement ne règle pas autant de cette facture."),
}


@dataclass(frozen=True, slots=True)
class AskedRefund:
    """The refund form: what was typed, what it would do, and what is wrong with it."""

    typed: str = ""
    amount_minor: int | None = None
    road: str = "provider"
    reason: str = ""
    iban: str = ""
    wrong: str = ""
    reopened: tuple[Reopened, ...] = ()
    by_two: bool = False


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """Payments, newest first, narrowed by state and method."""
    asked, chosen, method = read_list_request(request.args), _chosen(), request.args.get("method", "")[:40]
    with work_here() as work:
        rows = life.list_payments(
            work, state=chosen, method=method or None, wanted=asked.wanted, after=asked.after, limit=life.PAGE
        )
        methods = life.methods_used(work)
    return render_template(
        "treasury/payments.html",
        rows=rows[: life.PAGE],
        more=len(rows) > life.PAGE,
        asked=asked,
        chosen=chosen or "all",
        method=method,
        methods=methods,
        filters=FILTERS,
        max_wanted=MAX_WANTED,
    )


@blueprint.get("/table.csv")
@allow(*STAFF)
def table() -> Response:
    """The same list as a file for spreadsheets."""
    asked, method = read_list_request(request.args), request.args.get("method", "")[:40]
    with work_here() as work:
        rows = life.list_payments(
            work, state=_chosen(), method=method or None, wanted=asked.wanted, limit=MOST_EXPORTED
        )
        work.audit(actor(), "treasury.exported", "payments", rows=len(rows))
    return send_table(PAYMENTS, rows[:MOST_EXPORTED], Form.CSV, "payments")


@blueprint.get("/<uuid:attempt_id>")
@allow(*STAFF)
def show(attempt_id: UUID) -> str:
    """One payment with everything about it."""
    return _page(attempt_id)


@blueprint.get("/<uuid:attempt_id>/refund")
@allow(*COLLECTING)
def plan(attempt_id: UUID) -> str:
    """What a refund would do, before anybody orders it."""
    with work_here() as work:
        payment = _payment(work, attempt_id)
        held = held_by(work, attempt_id) or abort(404)
        asked = _plan(work, held, request.args.get("amount", "")[:20].strip(), request.args.get("road", ""))
    return _refund_form(payment, held, asked)


@blueprint.post("/<uuid:attempt_id>/refund")
@allow(*COLLECTING)
def order(attempt_id: UUID) -> AnyResponse:
    """Order the refund; the same form sent twice orders once."""
    with work_here() as work:
        payment = _payment(work, attempt_id)
        held = held_by(work, attempt_id) or abort(404)
    typed, road = request.form.get("amount", "")[:20].strip(), request.form.get("road", "")
    iban = request.form.get("iban", "")[:60]
    reason = request.form.get("reason", "")[: LONGEST_REASON + 1]
    minor = read_amount(typed, held.currency)
    try:
        with work_here() as work:
            made = ask_refund(
                work,
                NewRefund(_once(), attempt_id, minor or 0, road, reason[:LONGEST_REASON], actor(), iban),
            )
    except PaymentError as error:
        with work_here() as work:
            asked = _plan(work, held, typed, road)
        said = told_by(error)
        wrong = AskedRefund(
            typed, asked.amount_minor, asked.road, reason, iban, said, asked.reopened, by_two=asked.by_two
        )
        return make_response(_refund_form(payment, held, wrong), 422)
    return redirect(url_for("payments.show", attempt_id=attempt_id, _anchor=f"refund-{made.order_id}"), 303)


@blueprint.post("/<uuid:attempt_id>/aim")
@allow(*COLLECTING)
def use_credit(attempt_id: UUID) -> AnyResponse:
    """Use what is left of a payment for an invoice."""

    def act(work: Work, invoice_id: UUID, minor: int | None) -> None:
        aim(work, attempt_id, invoice_id, minor or 0, actor())

    return _letter(attempt_id, act)


@blueprint.post("/<uuid:attempt_id>/unaim")
@allow(*COLLECTING)
def take_back(attempt_id: UUID) -> AnyResponse:
    """Un-letter: the invoice is open again, the money is the customer's credit."""

    def act(work: Work, invoice_id: UUID, minor: int | None) -> None:
        reason = request.form.get("reason", "")[:LONGEST_REASON]
        unaim(work, attempt_id, invoice_id, minor, actor=actor(), reason=reason)

    return _letter(attempt_id, act)


def _letter(attempt_id: UUID, act: Callable[[Work, UUID, int | None], None]) -> AnyResponse:
    """Do it and come back to the payment; where it is refused, say why there."""
    with work_here() as work:
        payment = _payment(work, attempt_id)
    typed = request.form.get("amount", "")[:20].strip()
    minor = read_amount(typed, payment.currency) if typed else None
    if typed and minor is None:
        wrong = gettext("« %(typed)s » n'est pas un montant.") % {"typed": typed}
        return make_response(_page(attempt_id, wrong), 422)
    try:
        with work_here() as work:
            act(work, _id("invoice"), minor)
    except ReceivablesError as error:
        known = _SAID.get(error.code)
        return make_response(_page(attempt_id, gettext(known) if known else str(error)), 422)
    return redirect(url_for("payments.show", attempt_id=attempt_id), 303)


def _page(attempt_id: UUID, wrong: str = "") -> str:
    with work_here() as work:
        payment = _payment(work, attempt_id)
        references = life.references_of(work, attempt_id)
        movements = movements_on(work, references)
        payouts = {ref: find_payout(work, ref) for each in movements if (ref := each.payout_ref)}
        return render_template(
            "treasury/payment.html",
            payment=payment,
            shares=life.shares_of(work, attempt_id),
            entries=life.entries_on(work, references),
            movements=movements,
            payouts=[each for each in payouts.values() if each],
            line=bank_line(work, life.line_of_payment(work, attempt_id)),
            refunds=refunds_of(work, attempt_id),
            contests=life.contests_of(work, references),
            held=held_by(work, attempt_id),
            open_invoices=_open_invoices(work, payment) if payment.credit_minor else [],
            wrong=wrong,
            may_act=place().role in COLLECTING,
        )


def _open_invoices(work: Work, payment: PaymentLine) -> list[object]:
    rows = list_invoices(work, today(), narrowed="to_pay", customer_id=payment.customer_id)
    return [each for each in rows if each.currency == payment.currency and not each.is_credit_note]


def _payment(work: Work, attempt_id: UUID) -> PaymentLine:
    return life.find_payment(work, attempt_id) or abort(404)


def _plan(work: Work, held: Held, typed: str, road: str) -> AskedRefund:
    """The form as the address asks for it; without an amount the open credit, or all that is held."""
    roads = ("provider", "transfer") if held.account_id else ("transfer",)
    road = road if road in roads else roads[0]
    if not typed:
        return AskedRefund(road=road, amount_minor=None)
    minor = read_amount(typed, held.currency)
    if minor is None or not 0 < minor <= held.left_minor:
        wrong = gettext("Indiquez un montant plus grand que zéro et au plus égal à ce qui peut être rendu.")
        return AskedRefund(typed, None, road, wrong=wrong)
    by_two = minor > refund_limit(work) or held.currency != "EUR"
    return AskedRefund(typed, minor, road, reopened=what_reopens(work, held, minor), by_two=by_two)


def _refund_form(payment: PaymentLine, held: Held, asked: AskedRefund) -> str:
    with work_here() as work:
        limit = refund_limit(work)
    return render_template(
        "treasury/refund.html",
        payment=payment,
        held=held,
        asked=asked,
        once=new_id(),
        limit=limit,
        longest=LONGEST_REASON,
    )


def _once() -> UUID:
    """The id that the form was given, so that a second press is the same order."""
    return _id("once")


def _id(name: str) -> UUID:
    try:
        return type(new_id())(request.form.get(name, ""))
    except ValueError:
        abort(400)


def _chosen() -> str | None:
    asked = request.args.get("show", "")
    return asked if asked in FILTERS and asked in life.STATES else None
