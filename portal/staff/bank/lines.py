"""``/s/bank/lines``: every line of the bank, what it became and why, and what a person says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from payments.banking.lines import IN_SUSPENSE, LineFilter, get_line, list_lines
from payments.banking.overview import entries_of_line, invoices_of_attempts
from payments.banking.undoing import MAX_REASON, bring_back, payments_that_may_return, set_aside, take_for_return
from payments.errors import PaymentError
from payments.matching.confirming import undo_match
from portal.access.context import actor, place, work_here
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.customer.payment_words import read_amount
from portal.lists import read_list_request
from portal.staff.bank.pages import UNPROCESSABLE
from portal.staff.bank.words import FILTERS
from portal.words import told_by
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from payments.banking.lines import BankLine
    from receivables.store.work import Work

blueprint = Blueprint("bank_lines", __name__, url_prefix="/s/bank/lines")
RETURN_KINDS = ("bounced", "return", "refund")


@blueprint.get("")
@allow(*STAFF)
def listing() -> str:
    """Lines, newest first, narrowed and searched."""
    asked = read_list_request(request.args)
    shown = request.args.get("show", "all")
    shown = shown if shown in FILTERS else "all"
    with work_here() as work:
        rows, more = list_lines(work, LineFilter(FILTERS[shown][1], asked.wanted, after=asked.after))
        customers = _customers(work, rows)
        invoices = invoices_of_attempts(work, [row.attempt_id for row in rows if row.attempt_id])
    return render_template(
        "bank/lines.html",
        rows=rows,
        more=more,
        asked=asked,
        shown=shown,
        filters={key: name for key, (name, _) in FILTERS.items()},
        customers=customers,
        invoices=invoices,
    )


@blueprint.get("/<uuid:line_id>")
@allow(*STAFF)
def line(line_id: UUID) -> str:
    """One line: everything the bank said, what it became, its entries, and what may be said of it."""
    return _line_page(line_id)


@blueprint.post("/<uuid:line_id>/<any(back, aside, bring, return):act>")
@allow(*BOOKKEEPING)
def say(line_id: UUID, act: str) -> AnyResponse:
    """Take back, set aside, bring back, or name what a line returns; each with its reason."""
    reason = request.form.get("reason", "")[:MAX_REASON]
    try:
        with work_here() as work:
            if act == "back":
                undo_match(work, line_id, actor(), reason)
            elif act == "aside":
                set_aside(work, line_id, reason, actor())
            elif act == "bring":
                bring_back(work, line_id, reason, actor())
            else:
                _return(work, line_id, reason, actor())
    except PaymentError as error:
        if error.code == "bank.unknown_line":
            abort(404)
        said = told_by(error)
        return make_response(_line_page(line_id, said), UNPROCESSABLE)
    except ReceivablesError as error:
        return make_response(_line_page(line_id, told_by(error)), UNPROCESSABLE)
    return redirect(url_for("bank_lines.line", line_id=line_id), 303)


def _return(work: Work, line_id: UUID, reason: str, actor: str) -> None:
    kind = request.form.get("kind", "")
    found = get_line(work, line_id)
    fee = read_amount(request.form.get("fee", ""), found.currency) if request.form.get("fee", "").strip() else 0
    take_for_return(
        work,
        line_id,
        request.form.get("payment", "")[:200],
        kind if kind in RETURN_KINDS else "return",
        fee_minor=fee,
        reason=reason,
        actor=actor,
    )


def _line_page(line_id: UUID, said: str = "") -> str:
    with work_here() as work:
        try:
            found = get_line(work, line_id)
        except PaymentError:
            abort(404)
        references = [found.end_to_end_id] if found.state in {"debits", "returned"} and found.end_to_end_id else []
        invoices = invoices_of_attempts(work, [found.attempt_id] if found.attempt_id else [])
        return render_template(
            "bank/line.html",
            line=found,
            customer=_customers(work, [found]).get(found.customer_id) if found.customer_id else None,
            invoices=invoices.get(found.attempt_id, []) if found.attempt_id else [],
            entries=entries_of_line(work, line_id, references),
            returns=payments_that_may_return(work, found) if _may_return(found) else [],
            may_say=place().role in BOOKKEEPING,
            waits=found.state in IN_SUSPENSE,
            said=said,
            today=today(),
            longest=MAX_REASON,
        )


def _may_return(found: BankLine) -> bool:
    return found.amount_minor < 0 and found.state in {"not_ours", "new"}


def _customers(work: Work, rows: list[BankLine]) -> dict[UUID, str]:
    """Names of the customers whose lines these are."""
    found = work.rows(
        "SELECT customer_id, name FROM customers WHERE supplier_id = :supplier AND customer_id = ANY(:ids)",
        ids=sorted({row.customer_id for row in rows if row.customer_id}),
    )
    return {row["customer_id"]: row["name"] for row in found}
