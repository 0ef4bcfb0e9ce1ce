"""``/api/v1/invoices``: issue, look at and fetch invoices, by program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, g, request, url_for

from config.clock import today
from einvoice.request.reading import request_schema
from einvoice.routing import routing_of
from portal.access.context import services
from portal.access.roles import api_clients, public
from portal.api.answers import REFUSALS, CallRefusedError, answer, refuse
from portal.api.tokens import supplier_of_token
from portal.crediting import credit_invoice, read_order
from portal.customer.downloads import send_bundle
from portal.evidence.bundle import make_evidence
from portal.issuing import IssueOptions, issue_content
from portal.states import credit_left, state_of
from portal.validation.told import tell_finding
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.credits import overpaid_on
from receivables.services.dues import due_on_invoice
from receivables.store.customers import get_customer
from receivables.store.invoices import find_by_number
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.formats.profiles import Form
    from einvoice.routing import RoutingDecision
    from portal.issuing import Issued
    from receivables.domain.invoices import Invoice
    from receivables.store.work import Work

api = Blueprint("api", __name__, url_prefix="/api/v1")

FORMS = ("facturx", "cii", "ubl")
MAX_KEY_LENGTH = 255
"""Longest Idempotency-Key, in characters."""


@api.before_request
def know_the_caller() -> None:
    """Every call carries ``Authorization: Bearer qt_...``; the schema alone is open."""
    if request.endpoint == "api.invoice_schema":
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    supplier_id = supplier_of_token(services().works, token.strip()) if scheme.lower() == "bearer" else None
    if supplier_id is None:
        raise CallRefusedError(
            401,
            "api.unauthorised",
            "Send a valid API token: Authorization: Bearer qt_...",
            "Envoyez un jeton d'API valide : Authorization: Bearer qt_...",
        )
    g.supplier_id = supplier_id


for _kind in REFUSALS:
    api.register_error_handler(_kind, refuse)


@api.post("/invoices")
@api_clients
def issue_invoice() -> Response:
    """Issue an invoice: our JSON, or a finished UBL, CII or Factur-X file as the body."""
    house, supplier = services(), get_supplier(services().database, _supplier_id())
    assert supplier is not None  # noqa: S101 -- its token has just been checked
    options = _options(supplier.reference)
    issued = issue_content(house, request.get_data(), request.headers.get("X-Filename", "request"), options)
    return answer(_issued(issued), 201)


@api.post("/invoices/<int:year>/<path:number>/credit-notes")
@api_clients
def credit(year: int, number: str) -> Response:
    """Issue the credit note of an invoice: the whole, some lines or an amount of it."""
    house, supplier = services(), get_supplier(services().database, _supplier_id())
    assert supplier is not None  # noqa: S101 -- its token has just been checked
    with house.works.begin(_supplier_id()) as work:
        invoice = _find(work, number, year)
    order = read_order(request.get_data())
    return answer(_issued(credit_invoice(house, supplier, invoice, order, _options(supplier.reference))), 201)


@api.get("/invoices/<int:year>/<path:number>")
@api_clients
def show_invoice(year: int, number: str) -> Response:
    """One invoice: what is due now, and the statuses of its life."""
    with services().works.begin(_supplier_id()) as work:
        invoice = _find(work, number, year)
        due = due_on_invoice(work, invoice.invoice_id)
        statuses = work.rows(
            "SELECT code, direction, set_at, amounts FROM statuses WHERE supplier_id = :supplier "
            "AND invoice_id = :invoice ORDER BY set_at, created_at",
            invoice=invoice.invoice_id,
        )
        url = services().pay_link(work, invoice.invoice_id, "document")
        routing = routing_of(work, invoice.invoice_id)
        left_minor = credit_left(work, invoice)
        open_minor = -left_minor if invoice.is_credit_note else due.open_minor - overpaid_on(work, invoice.invoice_id)
        customer = get_customer(work, invoice.customer_id)
    told = _invoice(invoice, due.open_minor, url)
    told["state"] = state_of(invoice, due, today(), left_minor)
    told["routing"] = _routing(invoice, routing)
    told["open"] = str(Money(open_minor, due.currency).decimal)
    told["customer"] = {"account_code": customer.account_code, "name": customer.name}
    told["in_flight"] = str(Money(due.in_flight_minor, due.currency).decimal)
    told["statuses"] = [dict(row) for row in statuses]
    return answer(told)


@api.get("/invoices/<int:year>/<path:number>/files/<form>")
@api_clients
def fetch_file(year: int, number: str, form: str) -> Response:
    """A file of an invoice, exactly as archived."""
    with services().works.begin(_supplier_id()) as work:
        invoice = _find(work, number, year)
        row = work.row(
            "SELECT filename, mime, sha256 FROM documents WHERE supplier_id = :supplier AND invoice_id = :invoice "
            "AND form = :form",
            invoice=invoice.invoice_id,
            form=form,
        )
    if row is None:
        raise NotFoundError("document.not_found", f"Invoice {number} has no file {form!r}.")
    file = Response(services().archive.get(row["sha256"]), mimetype=row["mime"])
    file.headers.set("Content-Disposition", "attachment", filename=row["filename"])
    file.headers["ETag"] = f'"{row["sha256"]}"'
    return file


@api.get("/invoices/<uuid:invoice_id>/evidence")
@api_clients
def fetch_evidence(invoice_id: UUID) -> Response:
    """Everything about one invoice in one zip, with the hash of its manifest as its ETag."""
    return send_bundle(make_evidence(services(), _supplier_id(), invoice_id, "api"))


@api.get("/invoice-schema.json")
@public
def invoice_schema() -> Response:
    """The JSON schema of the body that issues an invoice."""
    return answer(request_schema())


def _supplier_id() -> UUID:
    found: UUID = g.supplier_id
    return found


def _find(work: Work, number: str, year: int) -> Invoice:
    invoice = find_by_number(work, number, year)
    if invoice is None:
        raise NotFoundError("invoice.not_found", f"There is no invoice {number} of {year}.")
    return invoice


def _options(supplier: str) -> IssueOptions:
    """How the caller wants it issued.

    Raises:
        CallRefusedError: ``request.unknown_format`` or ``request.bad_key``.
    """
    form = request.args.get("format")
    key = request.headers.get("Idempotency-Key")
    if form is not None and form not in FORMS:
        raise CallRefusedError(
            400,
            "request.unknown_format",
            f"There is no format {form!r}: ask for {', '.join(FORMS)}.",
            f"Le format {form!r} n'existe pas : demandez {', '.join(FORMS)}.",
        )
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        raise CallRefusedError(
            400,
            "request.bad_key",
            f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters.",
            f"Une Idempotency-Key compte de 1 à {MAX_KEY_LENGTH} caractères.",
        )
    return IssueOptions(supplier, form=cast("Form | None", form), actor="api", request_key=key)


def _issued(issued: Issued) -> dict[str, Any]:
    """What was issued, with its files, and what the judges would have liked better."""
    told = _invoice(issued.invoice, issued.invoice.payable_minor, issued.pay_url)
    told["files"] = [
        {
            "form": each.form,
            "filename": each.file.filename,
            "sha256": each.file.sha256,
            "url": url_for(
                "api.fetch_file",
                number=issued.invoice.number,
                year=issued.invoice.issued_on.year,
                form=each.form,
                _external=True,
            ),
        }
        for each in issued.files
    ]
    told["routing"] = _routing(issued.invoice, issued.routing)
    told["warnings"] = [tell_finding(each) for each in issued.warnings]
    return told


def _invoice(invoice: Invoice, open_minor: int, pay_url: str) -> dict[str, Any]:
    return {
        "invoice_id": str(invoice.invoice_id),
        "number": invoice.number,
        "type_code": invoice.type_code,
        "issue_date": invoice.issued_on.isoformat(),
        "due_date": invoice.due_on.isoformat(),
        "currency": invoice.currency,
        "total_with_vat": str(Money(invoice.total_minor, invoice.currency).decimal),
        "amount_due": str(Money(open_minor, invoice.currency).decimal),
        "pay_url": pay_url,
    }


def _routing(invoice: Invoice, decision: RoutingDecision | None) -> dict[str, Any]:
    """The road of an invoice and why; of one issued before decisions were kept the road alone."""
    return decision.to_json() if decision else {"routing": invoice.routing}
