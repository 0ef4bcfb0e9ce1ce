"""``/c/invoices/<id>/read``: an invoice in the browser: who, what, how much; the same facts as in its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template

from einvoice.codelists.units import label
from einvoice.kept import issued_document
from portal.access.context import place, work_here
from portal.access.roles import Role, allow
from portal.telling.states import credit_left
from portal.words import exact, language, price
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from einvoice.document import Document

blueprint = Blueprint("readable", __name__, url_prefix="/c/invoices")

_ROUTING = "BAR"
"""Subject of the note that tells platforms which road an invoice takes (B2B, B2C ...): no words for a reader."""
MOST_LINES = 500
"""Lines on the page; of more it says so, and the files have them all."""


@blueprint.get("/<uuid:invoice_id>/read")
@allow(Role.CUSTOMER)
def show(invoice_id: UUID) -> str:
    """The invoice to be read and printed."""
    with work_here() as work:
        invoice = get_invoice(work, invoice_id)
        if invoice.customer_id != place().customer_id or not invoice.document or invoice.is_taken_over:
            abort(404)
        due = due_on_invoice(work, invoice_id)
        left_minor = credit_left(work, invoice)
    document = issued_document(invoice)
    return render_template(
        "customer/readable.html",
        invoice=invoice,
        due=due,
        document=document,
        lines=document.lines[:MOST_LINES],
        more=len(document.lines) - MOST_LINES,
        left_minor=left_minor,
        said=_said(document),
        unit=_unit,
        price=price,
        quantity=exact,
    )


def _said(document: Document) -> list[str]:
    """What the invoice says in words, each sentence once: terms, notes, why VAT is not charged."""
    words = [document.payment_terms, *(row.exemption_reason for row in document.vat)]
    words += [note.text for note in document.notes if note.subject != _ROUTING]
    return list(dict.fromkeys(each.strip() for each in words if each and each.strip()))


def _unit(code: str | None, quantity: Decimal | None) -> str:
    return label(code, language(), quantity) if code else ""
