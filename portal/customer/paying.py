"""Begin a payment from a page: the same checkout for a pay link and for a signed-in customer."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import make_response, redirect, render_template, request

from config.secrets import SealBrokenError
from payments.accounts import active_account
from payments.checkout import CheckoutRequest, start_checkout
from payments.errors import PaymentError
from payments.gateways.port import GatewayError
from portal.access.context import services
from portal.access.headers import let_forms_reach
from portal.problems import problem_of
from portal.words import language
from receivables.services.dues import due_on_invoice
from receivables.store.overviews import supplier_name

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

log = logging.getLogger("quittance.portal")

STRIPE_PAGES = "https://checkout.stripe.com"
CONFIRM = "confirmed"


def allow_provider_page(work: Work) -> bool:
    """Let this page's form lead to the provider's; whether the supplier takes online payments at all.

    Looking needs no key, so none is opened here.
    """
    row = work.row("SELECT base_url FROM gateway_accounts WHERE supplier_id = :supplier AND active")
    if row is None:
        return False
    base = urlsplit(row["base_url"]) if row["base_url"] else None
    let_forms_reach(f"{base.scheme}://{base.netloc}" if base else STRIPE_PAGES)
    return True


def begin_payment(supplier_id: UUID, invoice_id: UUID, *, return_path: str, back: str) -> Response:
    """Send the payer to the provider's page, or say why that is not possible and what can be done.

    ``return_path`` is where the provider sends the payer back to, ``back`` the page to go to instead of paying.
    """
    house = services()
    confirmed = request.form.get(CONFIRM) == "yes"
    try:
        with house.works.begin(supplier_id) as work:
            account = active_account(work, house.keyring)
            name = supplier_name(work)
        url = start_checkout(
            house.works,
            CheckoutRequest(
                supplier_id=supplier_id,
                supplier_name=name,
                invoice_id=invoice_id,
                return_url=house.settings.public_url + return_path,
                language=language(),
                lifetime=timedelta(minutes=house.settings.checkout_minutes),
                second_payment_confirmed=confirmed,
            ),
            account.account_id,
            house.gateway_for,
        )
    except PaymentError as error:
        if error.code == "payment.in_flight":
            return _ask_again(supplier_id, invoice_id, back)
        return _say_why(error, supplier_id, back, retry=False)
    except (GatewayError, SealBrokenError) as error:
        log.warning("A payment could not begin: %s", error, extra={"supplier": str(supplier_id)})
        return _say_why(error, supplier_id, back, retry=True)
    return redirect(url, 303)


def _ask_again(supplier_id: UUID, invoice_id: UUID, back: str) -> Response:
    """A payment is on its way already: paying the rest as well needs a second, informed press."""
    with services().works.begin(supplier_id) as work:
        allow_provider_page(work)
        due = due_on_invoice(work, invoice_id)
        name = supplier_name(work)
    page = render_template("pay/again.html", due=due, supplier_name=name, back=back, action=request.path)
    return make_response(page, 409)


def _say_why(error: Exception, supplier_id: UUID, back: str, *, retry: bool) -> Response:
    problem = problem_of(error)
    with services().works.begin(supplier_id) as work:
        allow_provider_page(work)
    page = render_template("pay/problem.html", problem=problem, back=back, action=request.path, retry=retry)
    return make_response(page, problem.status)
