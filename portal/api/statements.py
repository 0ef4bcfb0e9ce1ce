"""``/api/v1/statements``: bank statements by program, the same import as on the page."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID  # noqa: TC003 -- a model reads it

from flask import g, request
from pydantic import Field

from payments.banking.accounts import UnknownAccountError, accept_account
from payments.banking.statements import get_statement
from payments.errors import PaymentError
from portal.access.context import services
from portal.api.answers import CallRefusedError, answer
from portal.api.door import actor, open_blueprint
from portal.api.operations import operation
from portal.api.shapes import Input, Output
from portal.documents.bank_files import take_file
from portal.validation.uploads import clean_name

if TYPE_CHECKING:
    from flask import Response

    from payments.banking.statements import KeptStatement
    from receivables.store.work import Work

statements = open_blueprint("api_statements")


class ImportQuery(Input):
    """Accounts that are ours although nobody said so yet."""

    accept_account: Annotated[list[str], Field(description="Yes to an account that is not known as ours.")] = []  # noqa: RUF012 -- Pydantic copies it


class StatementShape(Output):
    """A statement: how far its import is, and its report. Amounts are minor units."""

    statement_id: UUID
    filename: str
    format: str
    account: str
    currency: str
    from_: Annotated[date | None, Field(alias="from")]
    to: date | None
    opening_minor: int | None
    closing_minor: int | None
    lines: int
    new_lines: int
    done_lines: int
    finished_at: datetime | None
    remarks: list[Any]
    report: Any


class TakenShape(Output):
    """What a file held."""

    sha256: str
    statements: list[StatementShape]


@statements.post("/statements")
@operation(
    "bank:write",
    "Import a bank statement",
    "Importer un relevé bancaire",
    TakenShape,
    status=201,
    more={202: TakenShape},
    query=ImportQuery,
    files=("application/octet-stream", "application/xml", "text/plain"),
    headers={"X-Filename": "Name of the file."},
)
def import_statement(query: ImportQuery) -> Response:
    """Import the body: camt.053, camt.054, CFONB 120, MT940 or OFX. 202 where it is large and goes on by itself.

    ``X-Filename`` names it. ``accept_account`` in the query says yes to an account that is not known as ours yet.
    """
    supplier_id: UUID = g.supplier_id
    filename = clean_name(request.headers.get("X-Filename")) or "statement"
    try:
        if query.accept_account:
            with services().works.begin(supplier_id) as work:
                for account in query.accept_account:
                    accept_account(work, account, actor())
        taken = take_file(services(), supplier_id, filename, request.get_data(), actor())
    except UnknownAccountError as error:
        raise _refused(409, error) from error
    except PaymentError as error:
        raise _refused(422, error) from error
    told = {"sha256": taken.sha256, "statements": [_told(each) for each in taken.statements]}
    return answer(told, 201 if taken.is_finished else 202)


@statements.get("/statements/<uuid:statement_id>")
@operation("bank:read", "Show a bank statement", "Voir un relevé bancaire", StatementShape)
def show_statement(work: Work, statement_id: UUID) -> dict[str, Any]:
    """One statement: how far its import is, and its report."""
    try:
        return _told(get_statement(work, statement_id))
    except PaymentError as error:
        raise _refused(404, error) from error


def _told(kept: KeptStatement) -> dict[str, Any]:
    return {
        "statement_id": kept.statement_id,
        "filename": kept.filename,
        "format": kept.format,
        "account": kept.account,
        "currency": kept.currency,
        "from": kept.from_on,
        "to": kept.to_on,
        "opening_minor": kept.opening_minor,
        "closing_minor": kept.closing_minor,
        "lines": kept.lines,
        "new_lines": kept.fresh_lines,
        "done_lines": kept.done_lines,
        "finished_at": kept.finished_at,
        "remarks": list(kept.remarks),
        "report": kept.report,
    }


def _refused(status: int, error: PaymentError) -> CallRefusedError:
    return CallRefusedError(status, error.code, str(error), error.sentence_fr)
