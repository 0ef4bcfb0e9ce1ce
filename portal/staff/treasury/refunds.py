"""``/s/treasury/refunds``: who asked to give what back, and the second pair of eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from payments.debits.transfers import make_transfer_file
from payments.errors import PaymentError
from payments.refunds.holdings import held_by
from payments.refunds.orders import (
    LONGEST_REASON,
    agree_refund,
    list_refunds,
    refund_limit,
    refuse_refund,
    set_refund_limit,
)
from payments.refunds.sending import transfers_to_make, what_reopens
from payments.treasury.life import find_payments
from portal.access.context import actor, place, work_here
from portal.access.roles import BOOKKEEPING, OWNERS, STAFF, Role, allow
from portal.access.step_up import fresh_proof
from portal.customer.disputing import read_amount
from portal.customer.downloads import send_bytes
from portal.lists import read_list_request
from portal.words import gettext, note_text, told_by

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from payments.refunds.orders import RefundOrder
    from payments.refunds.sending import Reopened
    from payments.treasury.life import PaymentLine
    from receivables.store.work import Work

blueprint = Blueprint("refunds", __name__, url_prefix="/s/treasury/refunds")

PAGE = 20
"""What each order that waits would open again is planned from the books: that is dear."""
MOST_LIMIT_MINOR = 100_000_00
STATES_OF = {
    "open": ("to_agree", "to_send", "sent"),
    "to_agree": ("to_agree",),
    "done": ("done",),
    "failed": ("failed", "refused"),
}
FILTERS = {
    "open": note_text("En cours"),
    "to_agree": note_text("À accorder"),
    "done": note_text("Remboursés"),
    "failed": note_text("Échoués ou non accordés"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """An order in the list; ``reopened`` is told of those that wait for somebody's yes."""

    order: RefundOrder
    payment: PaymentLine | None
    reopened: tuple[Reopened, ...]
    mine: bool


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """Refund orders, newest first."""
    return _list()


@blueprint.post("/<uuid:order_id>/agree")
@allow(*BOOKKEEPING)
@fresh_proof
def agree(order_id: UUID) -> Response:
    """The second person says yes."""
    return _decide(lambda work: agree_refund(work, order_id, actor()))


@blueprint.post("/<uuid:order_id>/refuse")
@allow(*BOOKKEEPING)
def refuse(order_id: UUID) -> Response:
    """No, with a reason."""
    why = request.form.get("why", "")[:LONGEST_REASON]
    return _decide(lambda work: refuse_refund(work, order_id, actor(), why))


@blueprint.post("/limit")
@allow(*OWNERS)
@fresh_proof
def set_limit() -> Response:
    """From which amount on a second person has to agree."""
    minor = read_amount(request.form.get("limit", "")[:20], "EUR")
    if minor is None or minor > MOST_LIMIT_MINOR:
        return make_response(_list(gettext("Indiquez une limite entre 0 et 100 000 EUR.")), 422)
    with work_here() as work:
        set_refund_limit(work, minor, actor())
    return redirect(url_for("refunds.index"), 303)


@blueprint.post("/transfers")
@allow(*BOOKKEEPING)
@fresh_proof
def make_transfers() -> Response:
    """One file of transfers for the bank (pain.001) with every refund that is agreed and goes by transfer."""
    try:
        with work_here() as work:
            batch_id = make_transfer_file(work, transfers_to_make(work), actor())
    except PaymentError as error:
        return make_response(_list(told_by(error)), 422)
    if batch_id is None:
        return redirect(url_for("refunds.index"), 303)
    return redirect(url_for("refunds.transfer_file", batch_id=batch_id), 303)


@blueprint.get("/transfers/<uuid:batch_id>.xml")
@allow(*BOOKKEEPING)
def transfer_file(batch_id: UUID) -> Response:
    """The file, always the same bytes."""
    with work_here() as work:
        row = work.row(
            "SELECT filename, content FROM debit_batches WHERE supplier_id = :supplier AND batch_id = :id "
            "AND kind = 'transfers'",
            id=batch_id,
        )
        if row is None:
            abort(404)
        work.audit(actor(), "transfers.fetched", str(batch_id))
    return send_bytes(bytes(row["content"]), "application/xml", row["filename"])


def _decide(act: Callable[[Work], RefundOrder]) -> Response:
    try:
        with work_here() as work:
            act(work)
    except PaymentError as error:
        return make_response(_list(told_by(error)), 422)
    return redirect(url_for("refunds.index", show=request.args.get("show", "open")), 303)


def _list(wrong: str = "") -> str:
    asked, chosen = read_list_request(request.args), request.args.get("show", "open")
    chosen = chosen if chosen in STATES_OF else "open"
    with work_here() as work:
        files = work.rows(
            "SELECT batch_id, batch_ref, amount_minor, debits, made_at FROM debit_batches "
            "WHERE supplier_id = :supplier AND kind = 'transfers' ORDER BY made_at DESC LIMIT 5"
        )
        waiting = [each for each in list_refunds(work, ["to_send"]) if each.road == "transfer"]
        orders = list_refunds(work, STATES_OF[chosen], after=asked.after, limit=PAGE)
        payments = find_payments(work, [each.attempt_id for each in orders[:PAGE]])
        rows = [_row(work, each, payments.get(each.attempt_id)) for each in orders[:PAGE]]
        limit = refund_limit(work)
    return render_template(
        "treasury/refunds.html",
        rows=rows,
        more=len(orders) > PAGE,
        chosen=chosen,
        filters=FILTERS,
        limit=limit,
        files=files,
        waiting=waiting,
        may_set=place().role is Role.OWNER,
        wrong=wrong,
        may_agree=place().role in BOOKKEEPING,
        longest=LONGEST_REASON,
    )


def _row(work: Work, order: RefundOrder, payment: PaymentLine | None) -> Row:
    held = held_by(work, order.attempt_id) if order.state == "to_agree" else None
    reopened = what_reopens(work, held, order.amount_minor) if held else ()
    return Row(order, payment, reopened, order.asked_by == actor())
