"""``/api/v1/invoices``: issue, look at and fetch invoices, by program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Response, g, request, url_for

from config.clock import today
from einvoice.request.model import InvoiceRequest
from einvoice.request.reading import request_schema
from einvoice.routing import routing_of
from portal.access.context import services
from portal.access.roles import public
from portal.api.answers import CallRefusedError, answer
from portal.api.door import actor, open_blueprint
from portal.api.invoice_shapes import (
    CreditNoteOrder,
    InvoiceLineShape,
    InvoiceList,
    InvoiceListQuery,
    InvoiceShown,
    IssuedInvoice,
    IssueQuery,
)
from portal.api.named import customer_of
from portal.api.once import read_key
from portal.api.operations import operation
from portal.api.shapes import written
from portal.customer.downloads import send_bundle
from portal.documents.crediting import credit_invoice, read_order
from portal.documents.issuing import IssueOptions, issue_content
from portal.evidence.bundle import make_evidence
from portal.telling.states import credit_left, state_of
from portal.validation.told import tell_finding
from receivables.errors import NotFoundError
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.credits import overpaid_on
from receivables.store.customer_file.customers import get_customer
from receivables.store.invoicing.invoices import find_by_number
from receivables.store.invoicing.lists import list_invoices
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.formats.profiles import Form
    from einvoice.routing import RoutingDecision
    from portal.api.invoice_shapes import State
    from portal.documents.issuing import Issued
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.invoicing.lists import InvoiceLine
    from receivables.store.work import Work

api = open_blueprint("api")

FORMS = ("facturx", "cii", "ubl")
FILES = ("application/json", "application/xml", "application/pdf", "application/octet-stream")
SMALLEST = {
    "buyer": {
        "name": "Boulangerie Martin",
        "siren": "732829320",
        "address": {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris", "country": "FR"},
    },
    "lines": [{"name": "Journée de conseil", "quantity": "1", "net_price": "500.00", "vat_rate": "20"}],
}
"""The smallest invoice, for a supplier whose profile is known."""
FORMAT_HINT = {"X-Filename": "Name of a finished file."}


@api.post("/invoices")
@operation(
    "invoices:write",
    "Issue an invoice",
    "Émettre une facture",
    IssuedInvoice,
    status=201,
    query=IssueQuery,
    files=FILES,
    json_body=InvoiceRequest,
    headers=FORMAT_HINT,
    example=SMALLEST,
    description="The body is our JSON, or a finished UBL, CII or Factur-X file. Nothing is numbered before the whole "
    "document was judged valid; a file that breaks a rule leaves no trace.",
)
def issue_invoice() -> dict[str, Any]:
    """Issue an invoice: our JSON, or a finished UBL, CII or Factur-X file as the body."""
    house, supplier = services(), get_supplier(services().database, _supplier_id())
    assert supplier is not None  # noqa: S101 -- its token has just been checked
    options = _options(supplier.reference)
    return _issued(issue_content(house, request.get_data(), request.headers.get("X-Filename", "request"), options))


@api.get("/invoices")
@operation("invoices:read", "List invoices", "Lister les factures", InvoiceList, query=InvoiceListQuery)
def list_all(work: Work, query: InvoiceListQuery) -> InvoiceList:
    """Invoices and credit notes, the newest first."""
    rows = list_invoices(
        work,
        today(),
        customer_id=customer_of(work, query.customer) if query.customer else None,
        narrowed=query.show,
        wanted=query.q,
        after=query.after,
        limit=query.limit,
    )
    return InvoiceList(
        invoices=[_line(each) for each in rows[: query.limit]],
        next_after=rows[query.limit - 1].invoice_id if len(rows) > query.limit else None,
    )


@api.post("/invoices/<int:year>/<path:number>/credit-notes")
@operation(
    "invoices:write",
    "Issue the credit note of an invoice",
    "Émettre l'avoir d'une facture",
    IssuedInvoice,
    status=201,
    query=IssueQuery,
    files=("application/json",),
    json_body=CreditNoteOrder,
    example={"amount": "120.00", "reason": "Geste commercial"},
)
def credit(year: int, number: str) -> dict[str, Any]:
    """Issue the credit note of an invoice: the whole, some lines or an amount of it."""
    house, supplier = services(), get_supplier(services().database, _supplier_id())
    assert supplier is not None  # noqa: S101 -- its token has just been checked
    with house.works.begin(_supplier_id()) as work:
        invoice = _find(work, number, year)
    order = read_order(request.get_data())
    return _issued(credit_invoice(house, supplier, invoice, order, _options(supplier.reference)))


@api.get("/invoices/<int:year>/<path:number>")
@operation("invoices:read", "Show an invoice", "Voir une facture", InvoiceShown)
def show_invoice(work: Work, year: int, number: str) -> dict[str, Any]:
    """One invoice: what is due now, and the statuses of its life."""
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
    told["open"] = written(open_minor, due.currency)
    told["customer"] = {"account_code": customer.account_code, "name": customer.name}
    told["in_flight"] = written(due.in_flight_minor, due.currency)
    told["statuses"] = [dict(row) for row in statuses]
    return told


@api.get("/invoices/<int:year>/<path:number>/files/<form>")
@operation("invoices:read", "Fetch a file of an invoice", "Récupérer un fichier d'une facture", "*/*")
def fetch_file(work: Work, year: int, number: str, form: str) -> Response:
    """A file of an invoice (facturx, cii, ubl, original), exactly as archived."""
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
@operation("invoices:read", "Fetch the evidence of an invoice", "Récupérer le dossier de preuve", "application/zip")
def fetch_evidence(invoice_id: UUID) -> Response:
    """Everything about one invoice in one zip, with the hash of its manifest as its ETag."""
    return send_bundle(make_evidence(services(), _supplier_id(), invoice_id, actor()))


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
        CallRefusedError: ``request.unknown_format``, ``request.bad_key``.
    """
    form = request.args.get("format")
    if form is not None and form not in FORMS:
        raise CallRefusedError(
            400,
            "request.unknown_format",
            f"There is no format {form!r}: ask for {', '.join(FORMS)}.",
            f"Le format {form!r} n'existe pas : demandez {', '.join(FORMS)}.",
        )
    return IssueOptions(supplier, form=cast("Form | None", form), actor=actor(), request_key=read_key())


def _line(line: InvoiceLine) -> InvoiceLineShape:
    return InvoiceLineShape(
        invoice_id=line.invoice_id,
        number=line.number,
        credit_note=line.is_credit_note,
        customer_id=line.customer_id,
        customer_name=line.customer_name,
        issue_date=line.issued_on,
        due_date=line.due_on,
        currency=line.currency,
        total_with_vat=written(line.total_minor, line.currency),
        open=written(line.open_minor, line.currency),
        in_flight=written(line.in_flight_minor, line.currency),
        state=cast("State", line.state),
        disputed=line.disputed,
        url=url_for("api.show_invoice", year=line.issued_on.year, number=line.number),
    )


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
        "total_with_vat": written(invoice.total_minor, invoice.currency),
        "amount_due": written(open_minor, invoice.currency),
        "pay_url": pay_url,
    }


def _routing(invoice: Invoice, decision: RoutingDecision | None) -> dict[str, Any]:
    """The road of an invoice and why; of one issued before decisions were kept the road alone."""
    return decision.to_json() if decision else {"routing": invoice.routing}
