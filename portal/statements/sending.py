"""A statement of account as a page, a PDF or a table: the same for the customer and for the staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from config.clock import today
from portal.customer.downloads import send_bytes
from portal.statements.columns import STATEMENT, movements
from portal.statements.heading import heading_of
from portal.statements.pdf import statement_pdf
from portal.statements.words import Span, read_span
from portal.tables import Form, send_table
from receivables.services.accounting.closing import year_ends_of
from receivables.services.accounting.statements import statements_of

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from receivables.services.accounting.statements import Statement
    from receivables.store.work import Work

PDF = "application/pdf"


def asked_statements(work: Work, customer_id: UUID) -> tuple[Span, list[Statement]]:
    """The days of the address, by default this accounting year until today, and the statements over them."""
    last = today()
    span = read_span(request.args, year_ends_of(work).year_of(last).starts_on, last)
    return span, statements_of(work, customer_id, span.since, span.until)


def send_statement(work: Work, customer_id: UUID, form: str) -> Response:
    """The statement as a file: ``pdf``, or a form of :class:`portal.tables.Form`.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    span, statements = asked_statements(work, customer_id)
    heading = heading_of(work, customer_id)
    name = f"releve-{heading.account}-{span.until.isoformat()}"
    if form == "pdf":
        return send_bytes(statement_pdf(heading, statements, span.since, span.until), PDF, f"{name}.pdf")
    return send_table(STATEMENT, movements(statements), Form(form), name)
