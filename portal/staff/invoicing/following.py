"""What follows an issued invoice: the same again, its credit note, a corrective one, the final one after a deposit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import new_id
from einvoice.crediting.credit_note import LineCredit
from einvoice.crediting.earlier import credited_before
from einvoice.errors import EInvoiceError
from portal.access.context import actor, services, work_here
from portal.access.roles import BOOKKEEPING, allow
from portal.documents.crediting import CreditOrder, credit_invoice
from portal.documents.issuing import FilesPendingError, IssueOptions
from portal.invoicing.asking import read_number
from portal.invoicing.buyers import buyer_of
from portal.invoicing.copying import again, completed, corrected, document_of
from portal.invoicing.issuing import check_correctable
from portal.invoicing.typed import to_kept
from portal.staff.invoicing.desk import profile_here, start, supplier_here, with_blank_line
from portal.staff.invoicing.pages import with_deposits
from portal.words import fitted, gettext, told_by
from receivables.domain.invoicing.invoices import DEPOSITS
from receivables.domain.money import Money, MoneyError
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.store.invoicing.drafts import NewDraft, invoice_under
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from werkzeug import Response

    from receivables.domain.invoicing.invoices import Invoice

blueprint = Blueprint("invoice_follow", __name__, url_prefix="/s/invoicing/invoices/<uuid:invoice_id>")

MAX_REASON = 500
WHOLE, LINES, AMOUNT = "whole", "lines", "amount"


class CreditFormError(Exception):
    """The form of a credit note makes no sense: the text says what to correct."""


@blueprint.post("/again")
@allow(*BOOKKEEPING)
def repeat(invoice_id: UUID) -> Response:
    """A draft with the same lines for the same customer."""
    with work_here() as work:
        invoice = get_invoice(work, invoice_id)
        buyer = buyer_of(work, invoice.customer_id)
        typed = with_deposits(work, again(invoice, buyer), invoice.customer_id)
        return start(
            work, NewDraft(to_kept(typed), "copy", actor(), buyer.name, invoice.customer_id, invoice.invoice_id)
        )


@blueprint.post("/correct")
@allow(*BOOKKEEPING)
def correct(invoice_id: UUID) -> Response:
    """A draft of the corrective invoice: everything stands, what is wrong is changed."""
    with work_here() as work:
        invoice = get_invoice(work, invoice_id)
        document_of(invoice)
        try:
            check_correctable(work, invoice)
        except ConflictError as error:
            return _credit_page(invoice, told_by(error), 409)
        buyer = buyer_of(work, invoice.customer_id)
        typed = corrected(invoice, buyer)
        return start(
            work, NewDraft(to_kept(typed), "correction", actor(), buyer.name, invoice.customer_id, invoice.invoice_id)
        )


@blueprint.post("/final")
@allow(*BOOKKEEPING)
def complete(invoice_id: UUID) -> Response:
    """A draft of the final invoice that deducts this deposit."""
    with work_here() as work:
        invoice = get_invoice(work, invoice_id)
        if invoice.type_code not in DEPOSITS:
            raise NotFoundError("deposit.not_found", "There is no such deposit.", "Cet acompte n'existe pas.")
        buyer = buyer_of(work, invoice.customer_id)
        typed = with_deposits(work, completed(invoice, buyer), invoice.customer_id, invoice_id)
        typed = with_blank_line(profile_here(work), typed)
        return start(
            work, NewDraft(to_kept(typed), "deposit", actor(), buyer.name, invoice.customer_id, invoice.invoice_id)
        )


@blueprint.get("/credit")
@allow(*BOOKKEEPING)
def ask(invoice_id: UUID) -> Response:
    """What to credit: the whole unless something else is said."""
    with work_here() as work:
        return _credit_page(get_invoice(work, invoice_id))


@blueprint.post("/credit")
@allow(*BOOKKEEPING)
def credit(invoice_id: UUID) -> Response:
    """Issue the credit note; the form's own key makes a second press the same credit note."""
    with work_here() as work:
        invoice = get_invoice(work, invoice_id)
    document_of(invoice)
    key = f"credit {invoice_id} {request.form.get('once', '')[:60]}"
    supplier = supplier_here()
    try:
        order = _order()
        options = IssueOptions(supplier.reference, actor=actor(), request_key=key)
        issued_id = credit_invoice(services(), supplier, invoice, order, options).invoice.invoice_id
    except FilesPendingError:
        with work_here() as work:
            issued_id = invoice_under(work, key) or invoice_id
    except CreditFormError as error:
        return _credit_page(invoice, str(error), 422)
    except (EInvoiceError, ReceivablesError, MoneyError) as error:
        return _credit_page(invoice, told_by(error), 409)
    return redirect(url_for("staff.invoice", invoice_id=issued_id, told="issued"), 303)


def _order() -> CreditOrder:
    """What the form asks to credit; ``asked`` tells one order from another under the same key.

    Raises:
        CreditFormError: a figure cannot be read, or the reason is missing.
    """
    form = request.form
    reason = form.get("reason", "").strip()[:MAX_REASON]
    scope = form.get("scope", WHOLE)
    asked = f"{scope} {reason} {sorted((name, form[name]) for name in form if name.startswith(('line-', 'amount')))}"
    if scope == AMOUNT:
        amount = read_number(form.get("amount", ""))
        if amount is None or amount <= 0:
            raise CreditFormError(gettext("Écrivez le montant à créditer, TVA comprise."))
        if not reason:
            raise CreditFormError(gettext("Dites pourquoi : le motif figure sur l'avoir."))
        return CreditOrder(amount=amount, reason=reason, asked=asked.encode())
    if scope == LINES:
        lines = {
            line_id: LineCredit(_quantity(form.get(f"line-{line_id}", ""))) for line_id in form.getlist("lines")[:1000]
        }
        if not lines:
            raise CreditFormError(gettext("Cochez au moins une ligne."))
        return CreditOrder(lines=lines, reason=reason or None, asked=asked.encode())
    return CreditOrder(reason=reason or None, asked=asked.encode())


def _quantity(text: str) -> Decimal | None:
    if not text.strip():
        return None
    found = read_number(text)
    if found is None:
        raise CreditFormError(gettext("« %(typed)s » n'est pas une quantité.") % {"typed": text[:40]})
    return found


def _credit_page(invoice: Invoice, refused: str = "", status: int = 200) -> Response:
    document = document_of(invoice)
    with work_here() as work:
        already = credited_before(work, invoice)
    page = render_template(
        "invoicing/credit.html",
        invoice=invoice,
        document=document,
        lines=[line for line in document.lines if line.counts],
        already_minor=Money.of(already.amount, invoice.currency).minor,
        refused=fitted(refused),
        once=request.form.get("once") or new_id().hex,
        asked=request.form,
    )
    return make_response(page, status)
