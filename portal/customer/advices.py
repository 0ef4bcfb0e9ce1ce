"""``/c/advices``: a remittance advice is sent in as a file, read, confirmed line by line, and kept as evidence."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from einvoice.archive.retention import retain_until
from einvoice.errors import EInvoiceError
from einvoice.formats.pdf_text import read_pdf_lines
from einvoice.keeping import KeptFile, keep_document
from payments.advices.keeping import (
    Confirmed,
    advices_of,
    amounts_of,
    confirm_advice,
    get_advice,
    keep_advice,
    lines_of,
    withdraw_advice,
)
from payments.advices.reading import read_notice, read_table, read_texts
from payments.advices.understanding import understand
from payments.banking.accounts import known_accounts
from payments.errors import PaymentError
from portal.access.context import actor, caller, customer_here, services, work_here
from portal.access.roles import Right, Role, allow
from portal.customer.basket import plain_amount
from portal.customer.downloads import note_download, send_document
from portal.customer.payment_words import bad_amount, read_amount
from portal.documents.attachments import FORM, MOST_BYTES
from portal.documents.message_files import find_message_file
from portal.validation.uploads import clean_name
from portal.words import gettext, told_by
from receivables.services.invoicing.dues import due_on_invoices

if TYPE_CHECKING:
    from flask import Response
    from werkzeug import Response as AnyResponse

    from payments.advices.keeping import Advice
    from payments.advices.reading import ReadAdvice
    from receivables.store.work import Work

blueprint = Blueprint("advices", __name__, url_prefix="/c/advices")

MAX_REFERENCE = 70
_MIMES = {"pdf": "application/pdf", "csv": "text/csv", "camt": "application/xml"}
_ENDINGS = {"pdf": ".pdf", "csv": ".csv", "camt": ".xml"}


@blueprint.get("")
@allow(Role.CUSTOMER, right=Right.PAY)
def index() -> AnyResponse:
    """What was sent in, and the form for one more."""
    return _list()


@blueprint.post("")
@allow(Role.CUSTOMER, right=Right.PAY)
def send() -> AnyResponse:
    """Read a file, keep it, and show what was understood."""
    given = request.files.get("file")
    content = given.read(MOST_BYTES + 1) if given else b""
    if not content:
        return _list(gettext("Choisissez un fichier."))
    if len(content) > MOST_BYTES:
        return _list(gettext("Ce fichier dépasse %(most)s Mo.") % {"most": MOST_BYTES // 1024**2})
    try:
        with work_here() as work:
            advice_id = _take(work, content, clean_name(given.filename if given else "") or "avis")
    except (PaymentError, EInvoiceError) as error:
        return _list(told_by(error))
    return redirect(url_for("advices.show", advice_id=advice_id), 303)


@blueprint.get("/<uuid:advice_id>")
@allow(Role.CUSTOMER, right=Right.PAY)
def show(advice_id: UUID) -> AnyResponse:
    """One advice: to be confirmed, or as it was confirmed."""
    with work_here() as work:
        return _page(work, get_advice(work, customer_here(), advice_id))


@blueprint.post("/<uuid:advice_id>")
@allow(Role.CUSTOMER, right=Right.PAY)
def confirm(advice_id: UUID) -> AnyResponse:
    """Take what was ticked, or show the form again with what is wrong."""
    with work_here() as work:
        advice = get_advice(work, customer_here(), advice_id)
        try:
            confirm_advice(work, advice, _typed(advice), actor())
        except PaymentError as error:
            return _page(work, advice, told_by(error))
    return redirect(url_for("advices.show", advice_id=advice_id), 303)


@blueprint.post("/<uuid:advice_id>/withdraw")
@allow(Role.CUSTOMER, right=Right.PAY)
def withdraw(advice_id: UUID) -> AnyResponse:
    """Take an advice back."""
    with work_here() as work:
        advice = get_advice(work, customer_here(), advice_id)
        try:
            withdraw_advice(work, advice, actor())
        except PaymentError as error:
            return _page(work, advice, told_by(error))
    return redirect(url_for("advices.index", told="withdrawn"), 303)


@blueprint.get("/<uuid:advice_id>/file")
@allow(Role.CUSTOMER, right=Right.PAY)
def file(advice_id: UUID) -> Response:
    """The file as it came."""
    with work_here() as work:
        advice = get_advice(work, customer_here(), advice_id)
        document = find_message_file(work, advice.document_id)
        note_download(work, caller().person.person_id, document)
    if document is None:
        abort(404)
    return send_document(services(), document)


def _take(work: Work, content: bytes, name: str) -> UUID:
    """Read a file and keep it with what it says; one that names nothing is not kept.

    Raises:
        PaymentError, EInvoiceError: it cannot be read, or names none of the customer's invoices.
    """
    read = _read(work, content)
    lines = understand(work, customer_here(), read)
    ending = _ENDINGS[read.form]
    plain = KeptFile(content, name if name.lower().endswith(ending) else f"{name}{ending}", _MIMES[read.form])
    kept = KeptFile(content, f"{plain.sha256[:8]}-{plain.filename}", plain.mime)
    until = retain_until(work, today())
    services().archive.put(content, until)
    document_id = keep_document(work, None, FORM, kept, None, until=until)
    return keep_advice(work, customer_here(), read, lines, (document_id, kept.sha256), actor())


def _read(work: Work, content: bytes) -> ReadAdvice:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \r\n\t")
    if b"%PDF-" in content[:1024]:
        return read_texts(read_pdf_lines(content))
    if head.startswith(b"<"):
        return read_notice(content, known_accounts(work))
    return read_table(content)


def _typed(advice: Advice) -> Confirmed:
    """What was ticked, with its amounts.

    Raises:
        PaymentError: ``payment.bad_amount``.
    """
    amounts: dict[UUID, int] = {}
    for key in request.form.getlist("pick"):
        invoice_id = _uuid(key)
        typed = request.form.get(f"a.{key}", "").strip()[:30]
        credit = typed.startswith(("-", "\u2212"))
        minor = read_amount(typed.lstrip("-\u2212 "), advice.currency)
        if not minor:
            raise bad_amount()
        amounts[invoice_id] = -minor if credit else minor
    reference = " ".join(request.form.get("reference", "").split())[:MAX_REFERENCE]
    return Confirmed(amounts, _day(request.form.get("paid_on", "")), reference)


def _page(work: Work, advice: Advice, wrong: str = "") -> AnyResponse:
    lines = lines_of(work, advice.advice_id)
    named = [each.invoice_id for each in lines if each.invoice_id]
    dues = {due.invoice_id: due for due in due_on_invoices(work, named)}
    page = render_template(
        "advices/show.html",
        advice=advice,
        lines=lines,
        dues=dues,
        amounts=amounts_of(work, advice.advice_id),
        proposed=sum(each.amount_minor for each in lines if each.invoice_id),
        plain_amount=plain_amount,
        typed=request.form if wrong else None,
        picked=set(request.form.getlist("pick")) if wrong else None,
        today=today(),
        wrong=wrong,
    )
    return make_response(page, 422 if wrong else 200)


def _list(wrong: str = "") -> AnyResponse:
    with work_here() as work:
        rows = advices_of(work, customer_here())
    page = render_template(
        "advices/list.html",
        rows=rows,
        wrong=wrong,
        told=request.args.get("told", ""),
        most_mib=MOST_BYTES // 1024**2,
    )
    return make_response(page, 422 if wrong else 200)


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given[:10])
    except ValueError:
        return None


def _uuid(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        abort(400)
