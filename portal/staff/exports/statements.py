"""``/s/customers/<id>/statement``: the statement of account as the customer sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from portal.access.context import actor, work_here
from portal.access.roles import READERS, allow
from portal.statements.sending import asked_statements, send_statement
from portal.statements.words import age_name, movement_name
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

blueprint = Blueprint("statements", __name__, url_prefix="/s/customers/<uuid:customer_id>/statement")


@blueprint.get("")
@allow(*READERS)
def show(customer_id: UUID) -> str:
    """What moved on the account, what is open and how old it is."""
    with work_here() as work:
        customer = get_customer(work, customer_id)
        span, statements = asked_statements(work, customer_id)
    return render_template(
        "exports/statement.html",
        customer=customer,
        span=span,
        statements=statements,
        movement_name=movement_name,
        age_name=age_name,
        invoices="/s/invoices",
    )


@blueprint.get("/file.<any(pdf, csv, xlsx, json):form>")
@allow(*READERS)
def file(customer_id: UUID, form: str) -> Response:
    """The statement as a file."""
    with work_here() as work:
        work.audit(actor(), "statement.fetched", str(customer_id), form=form)
        return send_statement(work, customer_id, form)
