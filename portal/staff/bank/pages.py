"""``/s/bank``: drop a statement, see what came of it, and the bank beside the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from einvoice.archive import ArchiveError
from payments.banking.accounts import UnknownAccountError, accept_account
from payments.banking.importing import BankFile
from payments.banking.overview import account_standings, lines_by_state
from payments.banking.statements import get_statement, list_statements, statements_of_file
from payments.errors import PaymentError
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.customer.downloads import send_bytes
from portal.documents.bank_files import kept_file, take_file
from portal.fields import is_sha256
from portal.lists import read_list_request
from portal.staff.bank.words import STATES, details_of, format_name, line_badge, reason_of
from portal.staff.imports.brought import dropped_file
from portal.words import gettext, language, told_by

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

blueprint = Blueprint("bank", __name__, url_prefix="/s/bank")
MAX_FILE_BYTES = 20 * 1024 * 1024
"""Largest statement dropped on the page, in bytes; larger ones come by folder (``quittance bank import``)."""
MAX_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024
UNPROCESSABLE = 422


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "line_badge": line_badge,
        "line_reason": reason_of,
        "line_details": details_of,
        "bank_format": format_name,
        "line_states": STATES,
    }


@blueprint.get("")
@allow(*STAFF)
def overview() -> str:
    """The accounts, what waits, and the last statements."""
    return _overview()


@blueprint.post("")
@allow(*BOOKKEEPING)
def take() -> AnyResponse:
    """Import the file that was dropped; an account that nobody knows is a question first."""
    content, filename = dropped_file("releve")
    if not content:
        return make_response(_overview(gettext("Choisissez un fichier.")), UNPROCESSABLE)
    try:
        taken = take_file(services(), place().supplier_id, filename, content, actor())
    except UnknownAccountError:
        sha256 = BankFile(filename, content, actor()).sha256
        return redirect(url_for("bank.question", sha256=sha256), 303)
    except PaymentError as error:
        return make_response(_overview(told_by(error)), UNPROCESSABLE)
    return redirect(url_for("bank.file", sha256=taken.sha256), 303)


@blueprint.get("/files/<sha256>")
@allow(*STAFF)
def file(sha256: str) -> AnyResponse:
    """What came of a file: its report, or a list where it is about several accounts."""
    with work_here() as work:
        found = statements_of_file(work, sha256) if is_sha256(sha256) else []
    if not found:
        abort(404)
    if len(found) == 1:
        return redirect(url_for("bank.statement", statement_id=found[0].statement_id), 303)
    return make_response(render_template("bank/file.html", statements=found))


@blueprint.get("/files/<sha256>/question")
@allow(*BOOKKEEPING)
def question(sha256: str) -> AnyResponse:
    """Is this account yours? Nothing of the file was imported yet."""
    bank_file = _kept(sha256)
    accounts = sorted({statement.account for statement in bank_file.statements})
    return make_response(render_template("bank/question.html", file=bank_file, accounts=accounts, sha256=sha256), 200)


@blueprint.post("/files/<sha256>/question")
@allow(*BOOKKEEPING)
def answer(sha256: str) -> AnyResponse:
    """Yes: the accounts of the file are ours, and it is imported."""
    bank_file = _kept(sha256)
    with work_here() as work:
        for account in sorted({statement.account for statement in bank_file.statements}):
            accept_account(work, account, actor())
    take_file(services(), place().supplier_id, bank_file.filename, bank_file.content, actor())
    return redirect(url_for("bank.file", sha256=sha256), 303)


@blueprint.get("/statements")
@allow(*STAFF)
def statements() -> str:
    """Every statement that was imported."""
    asked = read_list_request(request.args)
    with work_here() as work:
        rows, more = list_statements(work, asked.after)
    return render_template("bank/statements.html", statements=rows, more=more)


@blueprint.get("/statements/<uuid:statement_id>")
@allow(*STAFF)
def statement(statement_id: UUID) -> str:
    """One statement: its report, what was remarked, and where its lines are."""
    with work_here() as work:
        try:
            found = get_statement(work, statement_id)
        except PaymentError:
            abort(404)
    remarks = [each["sentence_fr" if language() == "fr" else "sentence"] for each in found.remarks]
    return render_template("bank/statement.html", statement=found, remarks=remarks)


@blueprint.get("/statements/<uuid:statement_id>/original")
@allow(*STAFF)
def original(statement_id: UUID) -> Response:
    """The file as the bank made it, to the byte."""
    with work_here() as work:
        try:
            found = get_statement(work, statement_id)
            work.audit(actor(), "bank.statement_fetched", found.sha256, filename=found.filename)
            return send_bytes(services().archive.get(found.sha256), "application/octet-stream", found.filename)
        except (PaymentError, ArchiveError):
            abort(404)


def _overview(said: str = "") -> str:
    with work_here() as work:
        standings = account_standings(work)
        counts = lines_by_state(work)
        last, _ = list_statements(work)
    return render_template(
        "bank/overview.html",
        standings=standings,
        todo=counts.get("proposed", 0) + counts.get("unidentified", 0) + counts.get("new", 0),
        last=last[:8],
        said=said,
        may_bring=place().role in BOOKKEEPING,
        most_mib=MAX_FILE_BYTES // (1024 * 1024),
    )


def _kept(sha256: str) -> BankFile:
    """A file that this supplier brought."""
    found = kept_file(services(), place().supplier_id, sha256, actor()) if is_sha256(sha256) else None
    if found is None:
        abort(404)
    return found
