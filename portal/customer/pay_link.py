"""The page behind a pay link: what is due on one invoice, a button to pay it, and nothing else about anybody.

The link is printed in documents kept for ten years, so the page answers for as long: due, on its way, paid, revoked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, render_template, request, url_for

from config.clock import now, today
from payments.links import find_link, read_token
from portal.access.context import services
from portal.access.roles import public
from portal.customer.bank import BankDetails, bank_details, transfer_code
from portal.customer.paying import allow_provider_page, begin_payment
from portal.dispute_words import show_disputes
from portal.states import credit_left, state_of
from portal.words import suppose_language
from receivables.domain.money import Money
from receivables.services.dues import InvoiceDue, due_on_invoice
from receivables.store.customers import get_customer
from receivables.store.happenings import last_receipt, latest_attempt
from receivables.store.invoices import get_invoice
from receivables.store.overviews import supplier_name

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from markupsafe import Markup
    from sqlalchemy import RowMapping
    from werkzeug import Response

    from portal.dispute_words import ShownDispute
    from receivables.domain.invoices import Invoice
    from receivables.store.work import Work

blueprint = Blueprint("pay", __name__)

MAX_LOOKS = 8
"""How often the page that a payer comes back to looks again by itself."""
LOOK_EVERY_S = 3
FAILURE_TOLD = timedelta(days=3)
"""A failed try is told for this long: the link lives for years."""


@dataclass(frozen=True, slots=True)
class PayView:
    """What the page shows; ``look`` is how often it has looked for the confirmation, 0 when nobody comes back."""

    supplier_name: str
    invoice: Invoice
    due: InvoiceDue
    credit_left_minor: int
    state: str
    today: date
    bank: BankDetails | None
    code: Markup | None
    online: bool
    receipt: RowMapping | None
    attempt: RowMapping | None
    look: int
    disputes: list[ShownDispute]

    @property
    def may_dispute(self) -> bool:
        """Whether something is left to contest here."""
        return not self.invoice.is_credit_note and self.due.ended_by is None

    @property
    def settled_minor(self) -> int:
        """What is paid or set off already."""
        return self.due.total_minor - self.due.open_minor

    @property
    def days_late(self) -> int:
        """Days after the due date, 0 before."""
        return max((self.today - self.due.due_on).days, 0)

    @property
    def awaits(self) -> bool:
        """Whether a payer just came back and the confirmation is not there yet."""
        unpaid = self.state in {"due", "late", "part_paid"}
        return self.look > 0 and unpaid and self.attempt is not None and self.attempt["state"] in {"created", "open"}

    @property
    def failed(self) -> bool:
        """Whether the last try failed lately and the amount is still asked for."""
        return failed_lately(self.attempt) and self.due.payable_minor > 0


def failed_lately(attempt: RowMapping | None) -> bool:
    """Whether the last try to pay failed, and so lately that the payer still thinks of it."""
    return attempt is not None and attempt["state"] == "failed" and now() - attempt["changed_at"] < FAILURE_TOLD


@blueprint.get("/p/<token>")
@public
def show(token: str) -> Response:
    """What is due; looking never changes anything."""
    supplier_id, token_hash = _read(token)
    with services().works.begin(supplier_id) as work:
        link = find_link(work, token_hash)
        if link is None:
            abort(404)
        if link.revoked:
            return make_response(render_template("pay/revoked.html", supplier_name=supplier_name(work)), 410)
        view = _view(work, link.invoice_id)
    return make_response(render_template("pay/show.html", view=view, token=token, every_s=LOOK_EVERY_S))


@blueprint.post("/p/<token>/pay")
@public
def begin(token: str) -> Response:
    """Go to the provider's page for what is due now."""
    supplier_id, token_hash = _read(token)
    with services().works.begin(supplier_id) as work:
        link = find_link(work, token_hash)
        if link is None:
            abort(404)
        if link.revoked:
            return make_response(render_template("pay/revoked.html", supplier_name=supplier_name(work)), 410)
        suppose_language(get_customer(work, get_invoice(work, link.invoice_id).customer_id).language)
    path = url_for("pay.show", token=token)
    return begin_payment(supplier_id, link.invoice_id, return_path=f"{path}?back=1", back=path)


def _read(token: str) -> tuple[UUID, bytes]:
    known = read_token(token)
    if known is None:
        abort(404)
    return known


def _view(work: Work, invoice_id: UUID) -> PayView:
    invoice = get_invoice(work, invoice_id)
    customer = get_customer(work, invoice.customer_id)
    suppose_language(customer.language)
    due = due_on_invoice(work, invoice_id)
    left_minor = credit_left(work, invoice)
    name = supplier_name(work)
    bank = None if invoice.is_assigned else bank_details(work, name, invoice)
    return PayView(
        supplier_name=name,
        invoice=invoice,
        due=due,
        credit_left_minor=left_minor,
        state=state_of(invoice, due, today(), left_minor),
        today=today(),
        bank=bank,
        code=transfer_code(bank, Money(due.payable_minor, due.currency)) if bank else None,
        online=not invoice.is_assigned and allow_provider_page(work),
        receipt=last_receipt(work, invoice_id),
        attempt=latest_attempt(work, invoice_id),
        look=_look(),
        disputes=show_disputes(work, invoice, customer.kind),
    )


def _look() -> int:
    """The number of the look that the address asks for: bounded, whatever is typed there."""
    given = request.args.get("back", "")
    return min(int(given), MAX_LOOKS) if given.isascii() and given.isdigit() and len(given) < 3 else 0  # noqa: PLR2004 -- two digits
