"""``/s/factoring``: factors, claims in their hands, assigning a batch, what debtors paid to whom, money and fees."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import today
from einvoice.errors import EInvoiceError
from einvoice.lifecycle.factoring import read_account
from payments.errors import PaymentError
from portal.access.context import actor, place, work_here
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.customer.payment_words import read_amount
from portal.fields import id_in
from portal.staff.factoring.form import (
    LONGEST,
    PAGE,
    assignable,
    open_credits,
    read_day,
    read_factor,
    read_move,
)
from portal.words import note_text, told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.factoring.assigning import (
    AssignInvoices,
    assign_invoices,
    change_payee,
    give_back,
    hand_over,
    note_factor_paid,
)
from receivables.services.factoring.factor_money import book_factor_move
from receivables.store.accounting.factors import PAGE as ASSIGNMENTS
from receivables.store.accounting.factors import (
    factors,
    get_assignment,
    get_factor,
    keep_factor,
    list_assignments,
    moves_of,
    positions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Response as AnyResponse

    from receivables.store.accounting.factors import Assignment
    from receivables.store.work import Work

blueprint = Blueprint("factoring", __name__, url_prefix="/s/factoring")
UNPROCESSABLE = 422
STATES = {
    "assigned": (note_text("Chez l'affactureur"), "flight", "transfer"),
    "paid": (note_text("Payée à l'affactureur"), "paid", "check"),
    "given_back": (note_text("Rendue"), "plain", "back"),
}
MOVE_NAMES = {
    "assigned": note_text("Créance cédée"),
    "given_back": note_text("Créance rendue"),
    "received_by_us": note_text("Reçue chez nous, due à l'affactureur"),
    "taken_again": note_text("Reprise par l'affactureur"),
    "advance": note_text("Versement de l'affactureur"),
    "commission": note_text("Commission (6225)"),
    "interest": note_text("Intérêts de financement (668)"),
    "paid_to_factor": note_text("Payé à l'affactureur"),
}


@blueprint.get("")
@allow(*STAFF)
def index() -> AnyResponse:
    """Factors with what they hold and owe, and the claims, newest first."""
    return _index()


@blueprint.post("/factors")
@allow(*BOOKKEEPING)
def add_factor() -> AnyResponse:
    """Add a factor."""

    def act(work: Work) -> None:
        keep_factor(work, read_factor(request.form), actor())

    return _do(act, url_for("factoring.index", done="factor"), _index)


@blueprint.get("/factors/<uuid:factor_id>")
@allow(*STAFF)
def factor(factor_id: UUID) -> AnyResponse:
    """One factor: its contract, its account, the moves on our 467."""
    return _factor(factor_id)


@blueprint.post("/factors/<uuid:factor_id>/moves")
@allow(*BOOKKEEPING)
def add_move(factor_id: UUID) -> AnyResponse:
    """Book money or a fee."""

    def act(work: Work) -> None:
        money = "suspense" if request.form.get("where") == "suspense" else "bank"
        book_factor_move(work, factor_id, read_move(request.form), actor(), money=money)

    target = url_for("factoring.factor", factor_id=factor_id, done="move")
    return _do(act, target, lambda wrong: _factor(factor_id, wrong))


@blueprint.post("/factors/<uuid:factor_id>/account")
@allow(*BOOKKEEPING)
def set_account(factor_id: UUID) -> AnyResponse:
    """The factor has another account: debtors are told (227)."""

    def act(work: Work) -> None:
        typed = {name: request.form.get(name, "")[:LONGEST] for name in ("holder", "iban", "bic")}
        account = read_account(typed["holder"], typed["iban"], typed["bic"] or None)
        change_payee(work, factor_id, account.holder, account.iban, account.bic, actor=actor())

    target = url_for("factoring.factor", factor_id=factor_id, done="account")
    return _do(act, target, lambda wrong: _factor(factor_id, wrong))


@blueprint.get("/assign")
@allow(*BOOKKEEPING)
def choose() -> AnyResponse:
    """Choose invoices to assign."""
    return _choose()


@blueprint.post("/assign")
@allow(*BOOKKEEPING)
def assign() -> AnyResponse:
    """Assign the chosen invoices, as one batch."""
    chosen = [found for each in request.form.getlist("invoice")[:PAGE] if (found := id_in(each))]
    factor_id = id_in(request.form.get("factor", ""))
    if not chosen or factor_id is None:
        return _choose("nothing")
    try:
        with work_here() as work:
            batch = assign_invoices(work, AssignInvoices(factor_id, chosen, actor()))
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return _choose(told_by(error))
    if batch.refused and not batch.made:
        return _choose(" ".join(sorted({told_by(each) for each in batch.refused.values()}))[:500])
    target = url_for("factoring.index", done="assigned", made=len(batch.made), refused=len(batch.refused))
    return redirect(target, 303)


@blueprint.get("/<uuid:assignment_id>")
@allow(*STAFF)
def show(assignment_id: UUID) -> AnyResponse:
    """One claim in a factor's hands, and what may be said of it."""
    return _show(assignment_id)


@blueprint.post("/<uuid:assignment_id>/paid")
@allow(*BOOKKEEPING)
def paid(assignment_id: UUID) -> AnyResponse:
    """The debtor paid the factor."""

    def act(work: Work) -> None:
        found = get_assignment(work, assignment_id)
        amount = read_amount(request.form.get("amount", "")[:20], found.currency)
        day, reference = read_day(request.form.get("on", "")), request.form.get("reference", "")[:LONGEST]
        note_factor_paid(work, assignment_id, amount, day, reference=reference or day.isoformat(), actor=actor())

    return _about(assignment_id, act)


@blueprint.post("/<uuid:assignment_id>/hand-over")
@allow(*BOOKKEEPING)
def give_over(assignment_id: UUID) -> AnyResponse:
    """The debtor paid us by mistake: the money is the factor's."""

    def act(work: Work) -> None:
        found = get_assignment(work, assignment_id)
        attempt_id = id_in(request.form.get("payment", ""))
        money = {each.attempt_id: each for each in open_credits(work, found.customer_id, found.currency)}
        if attempt_id is None or attempt_id not in money:
            raise ReceivablesError("factor.no_payment", "Choose a payment.", "Choisissez un paiement.")
        hand_over(work, assignment_id, attempt_id, min(money[attempt_id].open_minor, found.open_minor), actor())

    return _about(assignment_id, act)


@blueprint.post("/<uuid:assignment_id>/back")
@allow(*BOOKKEEPING)
def take_back(assignment_id: UUID) -> AnyResponse:
    """The factor gives the claim back (228)."""
    reason = request.form.get("reason", "")[:LONGEST]
    return _about(assignment_id, lambda work: give_back(work, assignment_id, reason=reason, actor=actor()))


def _index(wrong: str = "") -> AnyResponse:
    after = id_in(request.args.get("after", ""))
    state = request.args.get("state", "")
    with work_here() as work:
        rows = list_assignments(work, after=after, state=state if state in STATES else None)
        known, held = factors(work), positions(work)
    return _page(
        "factoring/index.html",
        wrong,
        rows=rows[:ASSIGNMENTS],
        more=rows[ASSIGNMENTS - 1].assignment_id if len(rows) > ASSIGNMENTS else "",
        factors=[(each, [(money, held[key, money]) for key, money in held if key == each.factor_id]) for each in known],
        state=state if state in STATES else "",
        told={name: request.args.get(name, "0")[:4] for name in ("made", "refused")},
    )


def _factor(factor_id: UUID, wrong: str = "") -> AnyResponse:
    with work_here() as work:
        found = get_factor(work, factor_id)
        moves, held = moves_of(work, factor_id), positions(work)
    return _page(
        "factoring/factor.html",
        wrong,
        factor=found,
        moves=moves,
        held=[(money, held[key, money]) for key, money in held if key == factor_id],
        move_names=MOVE_NAMES,
        today=today(),
    )


def _choose(wrong: str = "") -> AnyResponse:
    with work_here() as work:
        known = factors(work, active_only=True)
        rows = assignable(work, _after(request.args.get("after", "")))
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return _page(
        "factoring/assign.html",
        wrong,
        factors=known,
        rows=rows[:PAGE],
        more=f"{last.due_on.isoformat()}_{last.invoice_id}" if last else "",
    )


def _show(assignment_id: UUID, wrong: str = "") -> AnyResponse:
    with work_here() as work:
        found = get_assignment(work, assignment_id)
        credits_ = open_credits(work, found.customer_id, found.currency) if _is_told(found) else []
    return _page("factoring/show.html", wrong, assignment=found, payments=credits_, today=today())


def _is_told(assignment: Assignment) -> bool:
    return assignment.state == "assigned" and not assignment.confidential


def _about(assignment_id: UUID, act: Callable[[Work], object]) -> AnyResponse:
    target = url_for("factoring.show", assignment_id=assignment_id, done="kept")
    return _do(act, target, lambda wrong: _show(assignment_id, wrong))


def _page(template: str, wrong: str, **told: Any) -> AnyResponse:
    page = render_template(
        template,
        wrong=wrong,
        done=request.args.get("done", "")[:20] if request.method == "GET" else "",
        states=STATES,
        may_write=place().role in BOOKKEEPING,
        longest=LONGEST,
        **told,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _do(act: Callable[[Work], object], target: str, page: Callable[[str], AnyResponse]) -> AnyResponse:
    try:
        with work_here() as work:
            act(work)
    except NotFoundError:
        raise
    except (ReceivablesError, PaymentError, EInvoiceError) as error:
        return page(told_by(error))
    return redirect(target, 303)


def _after(text: str) -> tuple[date, UUID] | None:
    day, _, invoice = text.partition("_")
    try:
        return date.fromisoformat(day), UUID(invoice)
    except ValueError:
        return None
