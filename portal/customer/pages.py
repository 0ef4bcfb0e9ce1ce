"""The customer's pages: what is due, every invoice with its life and its files, every receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request, url_for

from config.clock import today
from portal.access.context import caller, place, services, work_here
from portal.access.roles import Role, allow
from portal.customer.bank import bank_details, transfer_code
from portal.customer.downloads import note_download, send_document
from portal.customer.pay_link import failed_lately
from portal.customer.paying import allow_provider_page, begin_payment
from portal.dispute_words import show_disputes
from portal.lists import read_list_request
from portal.states import credit_left, state_of
from portal.timeline import tell
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.dues import due_on_invoice
from receivables.store.customers import get_customer
from receivables.store.happenings import latest_attempt, life_of_invoice
from receivables.store.invoices import get_invoice
from receivables.store.overviews import PAGE, find_document, list_documents, list_invoices, list_money, sum_open

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

    from receivables.domain.invoices import Invoice
    from receivables.store.work import Work

blueprint = Blueprint("customer", __name__, url_prefix="/c")

SHOWN_AT_HOME = 5


@blueprint.get("/")
@allow(Role.CUSTOMER)
def home() -> str:
    """What is due, late, on its way and available, and what to pay next."""
    with work_here() as work:
        customer = get_customer(work, _customer_id())
        totals = sum_open(work, today(), customer.customer_id)
        to_pay = list_invoices(
            work, today(), customer_id=customer.customer_id, narrowed="to_pay", most_urgent=True, limit=SHOWN_AT_HOME
        )
        latest = list_invoices(work, today(), customer_id=customer.customer_id, limit=SHOWN_AT_HOME)
    return render_template(
        "customer/home.html",
        customer=customer,
        totals=totals,
        to_pay=to_pay[:SHOWN_AT_HOME],
        more=len(to_pay) > SHOWN_AT_HOME,
        latest=latest[:SHOWN_AT_HOME],
    )


@blueprint.get("/invoices")
@allow(Role.CUSTOMER)
def invoices() -> str:
    """Every invoice, narrowed and searched."""
    asked = read_list_request(request.args)
    with work_here() as work:
        rows = list_invoices(
            work,
            today(),
            customer_id=_customer_id(),
            narrowed=asked.narrowed,
            wanted=asked.wanted,
            after=asked.after,
        )
    return render_template("customer/invoices.html", rows=rows[:PAGE], more=len(rows) > PAGE, asked=asked)


@blueprint.get("/invoices/<uuid:invoice_id>")
@allow(Role.CUSTOMER)
def invoice(invoice_id: UUID) -> str:
    """One invoice: what is due on it, its life, its files."""
    with work_here() as work:
        found = _own_invoice(work, invoice_id)
        due = due_on_invoice(work, invoice_id)
        left_minor = credit_left(work, found)
        bank = None if found.is_assigned else bank_details(work, place().supplier_name, found)
        return render_template(
            "customer/invoice.html",
            invoice=found,
            due=due,
            left_minor=left_minor,
            state=state_of(found, due, today(), left_minor),
            today=today(),
            documents=list_documents(work, invoice_id),
            life=tell(life_of_invoice(work, invoice_id, internal=False)),
            online=not found.is_assigned and allow_provider_page(work),
            bank=bank,
            code=transfer_code(bank, Money(due.payable_minor, due.currency)) if bank else None,
            failed=failed_lately(latest_attempt(work, invoice_id)),
            disputes=show_disputes(work, found, get_customer(work, found.customer_id).kind),
            came_back=request.args.get("back") == "1",
        )


@blueprint.post("/invoices/<uuid:invoice_id>/pay")
@allow(Role.CUSTOMER)
def pay(invoice_id: UUID) -> AnyResponse:
    """Go to the provider's page for what is due now, and come back to the invoice."""
    with work_here() as work:
        _own_invoice(work, invoice_id)
    path = url_for("customer.invoice", invoice_id=invoice_id)
    return begin_payment(place().supplier_id, invoice_id, return_path=f"{path}?back=1", back=path)


@blueprint.get("/invoices/<uuid:invoice_id>/documents/<uuid:document_id>")
@allow(Role.CUSTOMER)
def document(invoice_id: UUID, document_id: UUID) -> Response:
    """One file of an invoice."""
    with work_here() as work:
        _own_invoice(work, invoice_id)
        found = find_document(work, invoice_id, document_id)
        note_download(work, caller().person.person_id, found)
    if found is None or found.form == "cdar":
        abort(404)
    return send_document(services(), found)


@blueprint.get("/receipts")
@allow(Role.CUSTOMER)
def receipts() -> str:
    """Payments, refunds and credit notes."""
    with work_here() as work:
        rows = list_money(work, _customer_id())
    return render_template("customer/receipts.html", rows=rows)


def _customer_id() -> UUID:
    customer_id = place().customer_id
    assert customer_id is not None  # noqa: S101 -- the tables give every customer's membership one
    return customer_id


def _own_invoice(work: Work, invoice_id: UUID) -> Invoice:
    """An invoice of the caller's customer: somebody else's looks like none.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    found = get_invoice(work, invoice_id)
    if found.customer_id != _customer_id():
        raise NotFoundError("invoice.not_found", "There is no such invoice.")
    return found
