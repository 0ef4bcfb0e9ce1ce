"""The page behind a pay link: what is due on one invoice, ways to pay it, its receipts; nothing else about anybody.

The link is printed in documents kept for ten years, so the page answers for as long: due, on its way, paid, revoked.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from payments.errors import PaymentError
from payments.paying.announcing import announce_transfer
from payments.paying.plans import AimsPlan
from payments.paying.told import find_payment
from portal.access.context import services
from portal.access.cookies import PLACE, set_cookie
from portal.access.principals import principal
from portal.access.roles import public
from portal.customer.desk import greet
from portal.customer.links import get_link, read_address, revoked_page
from portal.customer.pay_view import DISCOUNT, build_view
from portal.customer.paying import Pressed, begin_payment
from portal.customer.payment_words import method_words, payment_badge, payment_sentence, read_minor
from portal.problems import problem_of
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response
    from werkzeug.wrappers import Response as AnyResponse

    from payments.paying.told import ToldPayment

blueprint = Blueprint("pay", __name__)

MAX_LOOKS = 8
"""How often the page that a payer comes back to looks again by itself."""
LOOK_EVERY_S = 3
MOST_WISHED = 20
"""Characters of an amount in the address."""


@blueprint.get("/p/<token>")
@public
def show(token: str) -> Response:
    """What is due; looking never changes anything."""
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        link = get_link(work, token_hash)
        if link.revoked:
            return revoked_page(work)
        view = build_view(work, link.invoice_id, request.args.get("amount", "")[:MOST_WISHED].strip(), _look())
    return make_response(render_template("pay/show.html", view=view, token=token, every_s=LOOK_EVERY_S))


@blueprint.post("/p/<token>/pay")
@public
def begin(token: str) -> Response:
    """Go to the provider's page for the amount chosen; what the form says is only a wish."""
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        link = get_link(work, token_hash)
        if link.revoked:
            return revoked_page(work)
        greet(work, get_invoice(work, link.invoice_id).customer_id)
    path = url_for("pay.show", token=token)
    given = {name: request.form[name] for name in ("choice", "minor") if name in request.form}
    return begin_payment(
        Pressed(
            supplier_id,
            _plan(link.invoice_id, given),
            return_path=f"{path}?back=1",
            back=path,
            fields=given,
        )
    )


@blueprint.post("/p/<token>/announced")
@public
def announce(token: str) -> AnyResponse:
    """The payer says that a transfer is on its way."""
    supplier_id, token_hash = read_address(token)
    path = url_for("pay.show", token=token)
    with services().works.begin(supplier_id) as work:
        link = get_link(work, token_hash)
        if link.revoked:
            return revoked_page(work)
        greet(work, get_invoice(work, link.invoice_id).customer_id)
        try:
            day = date.fromisoformat(request.form.get("sent_on", "")[:10])
        except ValueError:
            day = date.min  # told by the service in its own words
        try:
            announce_transfer(work, link.invoice_id, read_minor(request.form.get("minor")) or 0, day, "payer")
        except PaymentError as error:
            problem = problem_of(error)
            page = render_template(
                "pay/problem.html", problem=problem, back=path, action=request.path, retry=False, fields={}
            )
            return make_response(page, problem.status)
    return redirect(f"{path}#announced", 303)


@blueprint.get("/p/<token>/invoice")
@public
def read(token: str) -> AnyResponse:
    """The way from the link to the whole invoice, in the customer's own place: a link alone tells what is due only."""
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        link = get_link(work, token_hash)
        if link.revoked:
            return revoked_page(work)
        invoice = get_invoice(work, link.invoice_id)
    can_be_read = bool(invoice.document) and not invoice.is_taken_over
    page = "readable.show" if can_be_read else "customer.invoice"
    response = make_response(redirect(url_for(page, invoice_id=invoice.invoice_id), 303))
    theirs = (supplier_id, invoice.customer_id)
    known = principal()
    for each in known.memberships if known else ():
        if (each.supplier_id, each.customer_id) == theirs:
            set_cookie(response, PLACE, each.key)
    return response


@blueprint.get("/p/<token>/receipts/<uuid:attempt_id>")
@public
def receipt(token: str, attempt_id: UUID) -> Response:
    """What became of one payment of this invoice, to print or to keep."""
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        link = get_link(work, token_hash)
        if link.revoked:
            return revoked_page(work)
        greet(work, get_invoice(work, link.invoice_id).customer_id)
        payment = find_payment(work, attempt_id)
        if payment is None or link.invoice_id not in {each.invoice_id for each in payment.parts}:
            abort(404)
        seller = supplier_name(work)
    facts = receipt_facts(payment, seller, only=link.invoice_id)
    return make_response(render_template("pay/receipt.html", back=url_for("pay.show", token=token), **facts))


def receipt_facts(payment: ToldPayment, seller: str, *, only: UUID | None = None) -> dict[str, Any]:
    """What the receipt page shows; behind a link the other invoices and the customer's name are not told."""
    parts = [each for each in payment.parts if only in {None, each.invoice_id}]
    return {
        "payment": payment,
        "aimed": parts,
        "others": len(payment.parts) - len(parts),
        "seller": seller,
        "payer": payment.customer_name if only is None else None,
        "method": method_words(payment.method),
        "state": payment_badge(payment.state),
        "sentence": payment_sentence(payment),
    }


def _plan(invoice_id: UUID, given: dict[str, str]) -> AimsPlan:
    """The plan that the form wishes: the shown amount of this invoice, or what is due with its discount."""
    minor = read_minor(given.get("minor"))
    if given.get("choice") == DISCOUNT:
        return AimsPlan({invoice_id: None}, discount=True, expected_minor=minor)
    return AimsPlan({invoice_id: minor})


def _look() -> int:
    """The number of the look that the address asks for: bounded, whatever is typed there."""
    given = request.args.get("back", "")
    return min(int(given), MAX_LOOKS) if given.isascii() and given.isdigit() and len(given) < 3 else 0  # noqa: PLR2004 -- two digits
