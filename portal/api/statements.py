"""``/api/v1/statements``: bank statements by program, the same import as on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID  # noqa: TC003 -- read where the view is registered

from flask import Blueprint, g, request
from werkzeug.wrappers import Response  # noqa: TC002 -- read where the view is registered

from payments.banking.accounts import UnknownAccountError, accept_account
from payments.banking.statements import get_statement
from payments.errors import PaymentError
from portal.access.context import services
from portal.access.roles import api_clients
from portal.api.answers import REFUSALS, CallRefusedError, answer, refuse
from portal.api.invoices import know_the_caller
from portal.bank_files import take_file
from portal.validation.uploads import clean_name

if TYPE_CHECKING:
    from payments.banking.statements import KeptStatement

statements = Blueprint("api_statements", __name__, url_prefix="/api/v1")
statements.before_request(know_the_caller)
for _kind in REFUSALS:
    statements.register_error_handler(_kind, refuse)

ACTOR = "api"


@statements.post("/statements")
@api_clients
def import_statement() -> Response:
    """Import the body: camt.053, camt.054, CFONB 120, MT940 or OFX. 202 where it is large and goes on by itself.

    ``X-Filename`` names it. ``accept_account`` in the query says yes to an account that is not known as ours yet.
    """
    supplier_id: UUID = g.supplier_id
    filename = clean_name(request.headers.get("X-Filename")) or "statement"
    try:
        if accepted := request.args.getlist("accept_account"):
            with services().works.begin(supplier_id) as work:
                for account in accepted:
                    accept_account(work, account, ACTOR)
        taken = take_file(services(), supplier_id, filename, request.get_data(), ACTOR)
    except UnknownAccountError as error:
        raise _refused(409, error) from error
    except PaymentError as error:
        raise _refused(422, error) from error
    told = {"sha256": taken.sha256, "statements": [_told(each) for each in taken.statements]}
    return answer(told, 201 if taken.is_finished else 202)


@statements.get("/statements/<uuid:statement_id>")
@api_clients
def show_statement(statement_id: UUID) -> Response:
    """One statement: how far its import is, and its report."""
    with services().works.begin(g.supplier_id) as work:
        try:
            return answer(_told(get_statement(work, statement_id)))
        except PaymentError as error:
            raise _refused(404, error) from error


def _told(kept: KeptStatement) -> dict[str, object]:
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
