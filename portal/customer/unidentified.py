"""``/c/questions``: is this payment yours? The customer answers yes, with the invoices, or no.

They see an amount, a day, and a name where it is like their own (payments/matching/asking.py); never an account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from payments.errors import PaymentError
from payments.matching.asking import MOST_SAID, get_question, note_answer, questions_for
from payments.matching.deciding import match_lines
from portal.access.context import actor, customer_here, place, work_here
from portal.access.roles import Right, Role, allow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping
    from werkzeug import Response

    from payments.matching.asking import Question
    from receivables.store.work import Work

blueprint = Blueprint("questions", __name__, url_prefix="/c/questions")

MOST_INVOICES = 30


@blueprint.app_context_processor
def _for_home() -> dict[str, object]:
    """``matching/questions.html`` stands on the customer's home."""
    return {"questions_here": _questions_here}


@blueprint.get("/<uuid:question_id>")
@allow(Role.CUSTOMER, right=Right.PAY)
def show(question_id: UUID) -> Response:
    """The question, with the invoices that it may be for."""
    with work_here() as work:
        question = _own(work, question_id)
        invoices = _open_invoices(work, question)
    return make_response(
        render_template("matching/question.html", question=question, invoices=invoices, most_said=MOST_SAID)
    )


@blueprint.post("/<uuid:question_id>")
@allow(Role.CUSTOMER, right=Right.PAY)
def answer(question_id: UUID) -> Response:
    """Take the answer, and look at the line again with it."""
    ours = request.form.get("ours") == "yes"
    with work_here() as work:
        question = _own(work, question_id)
        open_here = {str(row["invoice_id"]) for row in _open_invoices(work, question)}
        invoices = [UUID(each) for each in request.form.getlist("invoice") if each in open_here]
        said = "".join(c for c in request.form.get("said", "") if c.isprintable() or c in "\r\n\t")
        note_answer(work, question, ours=ours, invoices=invoices, said=said, actor=actor())
        match_lines(work, [question.line_id])
    return redirect(url_for("customer.home", answered="yes" if ours else "no"), 303)


def _own(work: Work, question_id: UUID) -> Question:
    try:
        return get_question(work, question_id, customer_here())
    except PaymentError:
        abort(404)


def _questions_here() -> Sequence[Question]:
    if place().customer_id is None:
        return ()
    with work_here() as work:
        return questions_for(work, customer_here())


def _open_invoices(work: Work, question: Question) -> Sequence[RowMapping]:
    return work.rows(
        "SELECT invoice_id, reference AS number, open_minor, due_on, open_minor = :minor AS fits FROM receivable_items "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND kind = 'invoice' AND open_minor > 0 "
        "AND currency = :currency ORDER BY fits DESC, due_on, reference LIMIT :most",
        customer=customer_here(),
        minor=question.amount_minor,
        currency=question.currency,
        most=MOST_INVOICES,
    )
