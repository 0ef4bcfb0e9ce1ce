"""``/c/statement``: the customer's statement of account, on the page, as a PDF and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from portal.access.context import actor, customer_here, work_here
from portal.access.roles import Role, allow
from portal.statements.sending import asked_statements, send_statement
from portal.statements.words import age_name, movement_name

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("customer_statement", __name__, url_prefix="/c/statement")


@blueprint.get("")
@allow(Role.CUSTOMER)
def show() -> str:
    """What moved on the account, what is open and how old it is."""
    with work_here() as work:
        span, statements = asked_statements(work, customer_here())
    return render_template(
        "exports/statement.html",
        span=span,
        statements=statements,
        movement_name=movement_name,
        age_name=age_name,
        invoices="/c/invoices",
    )


@blueprint.get("/file.<any(pdf, csv, xlsx, json):form>")
@allow(Role.CUSTOMER)
def file(form: str) -> Response:
    """The statement as a file."""
    with work_here() as work:
        work.audit(actor(), "statement.fetched", str(customer_here()), form=form)
        return send_statement(work, customer_here(), form)
