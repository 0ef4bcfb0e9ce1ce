"""The customer's pages: what is due, every invoice with its life and its files, every receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request, url_for

from config.clock import today
from payments.paying.discounts import offered_discount
from payments.paying.plans import AimsPlan
from payments.paying.told import payments_of, payments_on
from payments.refunds.holdings import OPEN_STATES
from payments.refunds.orders import refunds_of
from portal.access.context import caller, customer_here, place, services, work_here
from portal.access.roles import Right, Role, allow
from portal.customer.bank import bank_details, transfer_code
from portal.customer.downloads import note_download, send_document
from portal.customer.pay_view import DISCOUNT, failed_lately
from portal.customer.payee import payee_of
from portal.customer.paying import Pressed, allow_provider_page, begin_payment
from portal.customer.payment_words import read_minor
from portal.customer.promises import standing_plans
from portal.customer.terms import note_terms
from portal.lists import read_list_request
from portal.telling.dispute_words import show_disputes
from portal.telling.states import credit_left, state_of
from portal.telling.timeline import tell
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.invoicing.dues import due_on_invoice, due_on_invoices
from receivables.store.conversations.messages import count_unread_by
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.happenings import latest_attempt, life_of_invoice
from receivables.store.customer_file.overviews import PAGE, find_document, list_documents, list_money, sum_open
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

blueprint = Blueprint("customer", __name__, url_prefix="/c")

SHOWN_AT_HOME = 5


@blueprint.get("/")
@allow(Role.CUSTOMER)
def home() -> str:
    """What is due, late, on its way and available, and what to pay next."""
    with work_here() as work:
        customer = get_customer(work, customer_here())
        urgent = list_invoices(
            work, today(), customer_id=customer.customer_id, narrowed="to_pay", most_urgent=True, limit=2 * PAGE
        )
        due_now = _due_now(due_on_invoices(work, [each.invoice_id for each in urgent[: 2 * PAGE]]))
        totals = sum_open(work, today(), customer.customer_id)
        agreements = standing_plans(work, customer.customer_id)
        unread = count_unread_by(work, customer.customer_id, caller().person.person_id)
        latest = list_invoices(work, today(), customer_id=customer.customer_id, limit=SHOWN_AT_HOME)
    return render_template(
        "customer/home.html",
        customer=customer,
        agreements=agreements,
        unread=unread,
        totals=totals,
        due_now=due_now,
        to_pay=urgent[:SHOWN_AT_HOME],
        more=len(urgent) > SHOWN_AT_HOME,
        latest=latest[:SHOWN_AT_HOME],
        several=sum(not each.is_staff for each in caller().memberships) > 1,
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
            customer_id=customer_here(),
            narrowed=asked.narrowed,
            wanted=asked.wanted,
            after=asked.after,
            bounds=asked.bounds,
        )
    return render_template("customer/invoices.html", rows=rows[:PAGE], more=len(rows) > PAGE, asked=asked)


@blueprint.get("/invoices/<uuid:invoice_id>")
@allow(Role.CUSTOMER)
def invoice(invoice_id: UUID) -> str:
    """One invoice: what is due on it, its life, its files."""
    with work_here() as work:
        found = _own_invoice(work, invoice_id)
        note_terms(work)
        due = due_on_invoice(work, invoice_id)
        left_minor = credit_left(work, found)
        payee = payee_of(work, found)
        is_assigned = found.is_assigned or payee is not None
        bank = None if is_assigned else bank_details(work, place().supplier_name, found)
        return render_template(
            "customer/invoice.html",
            invoice=found,
            due=due,
            agreements=standing_plans(work, found.customer_id, invoice_id),
            left_minor=left_minor,
            state=state_of(found, due, today(), left_minor),
            today=today(),
            documents=list_documents(work, invoice_id),
            life=tell(life_of_invoice(work, invoice_id, internal=False)),
            online=not is_assigned and allow_provider_page(work),
            discount=None if is_assigned else offered_discount(work, due),
            payee=payee,
            bank=bank,
            code=transfer_code(bank, Money(due.asked_minor, due.currency)) if bank else None,
            payments=payments_on(work, invoice_id),
            failed=failed_lately(latest_attempt(work, invoice_id)),
            disputes=show_disputes(work, found, get_customer(work, found.customer_id).kind),
            came_back=request.args.get("back") == "1",
        )


@blueprint.post("/invoices/<uuid:invoice_id>/pay")
@allow(Role.CUSTOMER, right=Right.PAY)
def pay(invoice_id: UUID) -> AnyResponse:
    """Go to the provider's page for what is due now, and come back to the invoice."""
    with work_here() as work:
        _own_invoice(work, invoice_id)
    path = url_for("customer.invoice", invoice_id=invoice_id)
    given = {name: request.form[name] for name in ("minor", "choice") if name in request.form}
    minor = read_minor(given.get("minor"))
    if given.get("choice") == DISCOUNT:
        plan = AimsPlan({invoice_id: None}, customer_id=customer_here(), discount=True, expected_minor=minor)
    else:
        plan = AimsPlan({invoice_id: minor}, customer_id=customer_here())
    actor = str(caller().person.person_id)
    return begin_payment(Pressed(place().supplier_id, plan, f"{path}?back=1", path, actor=actor, fields=given))


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
        rows = list_money(work, customer_here())
        told = payments_of(work, customer_here())
        payments = {each.reference: each for each in told if each.reference}
        asked = {each.attempt_id for each in told if each.credit_minor and _refund_waits(work, each.attempt_id)}
    return render_template(
        "customer/receipts.html",
        rows=rows,
        payments=payments,
        flying=[each for each in told if each.state == "in_flight"],
        asked=asked,
        just_asked=request.args.get("asked") == "1",
    )


def _refund_waits(work: Work, attempt_id: UUID) -> bool:
    return any(each.state in OPEN_STATES for each in refunds_of(work, attempt_id))


def _due_now(dues: list[InvoiceDue]) -> dict[str, int]:
    """What has fallen due by currency, where anything has."""
    sums: dict[str, int] = {}
    for due in dues:
        if due.due_now_minor:
            sums[due.currency] = sums.get(due.currency, 0) + due.due_now_minor
    return sums


def _own_invoice(work: Work, invoice_id: UUID) -> Invoice:
    """An invoice of the caller's customer: somebody else's looks like none.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    found = get_invoice(work, invoice_id)
    if found.customer_id != customer_here():
        raise NotFoundError("invoice.not_found", "There is no such invoice.")
    return found
