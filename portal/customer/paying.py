"""Begin a payment from a page: the same checkout for a pay link and for a signed-in customer's basket."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import make_response, redirect, render_template, request

from config.secrets import SealBrokenError
from payments.accounts import active_account
from payments.checkout import start_checkout
from payments.errors import PaymentError
from payments.gateways.port import GatewayError
from payments.paying.methods import CARD, methods_for
from payments.paying.plans import CheckoutRequest, check_plan, customer_of
from portal.access.context import services
from portal.access.headers import let_forms_reach
from portal.customer.payment_words import method_words
from portal.problems import problem_of
from portal.words import language
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from werkzeug import Response

    from payments.checkout import Started
    from payments.paying.plans import AimsPlan
    from portal.customer.payment_words import MethodWords
    from receivables.domain.money import Money
    from receivables.store.work import Work

log = logging.getLogger("quittance.portal")

PROVIDER_PAGES = {
    "stripe": ("https://checkout.stripe.com",),
    "gocardless": ("https://pay.gocardless.com", "https://pay-sandbox.gocardless.com"),
}
CONFIRM = "confirmed"
METHOD = "method"
TERMS = "terms"


@dataclass(frozen=True, slots=True)
class ShownMethod:
    """A way of paying that the payer may choose."""

    key: str
    words: MethodWords
    can_be_kept: bool


@dataclass(frozen=True, slots=True)
class Pressed:
    """A pressed button: what for, and the pages around it.

    ``return_path`` is where the provider sends the payer back to, ``back`` the page to go to instead of paying,
    ``settled`` where credits alone paid all of it. ``{attempt}`` in these stands for the payment. ``fields`` are sent
    again by the form that asks once more. ``save_method`` is for who is signed in: a link has no account to keep for.
    """

    supplier_id: UUID
    plan: AimsPlan
    return_path: str
    back: str
    settled: str = ""
    actor: str = "payer"
    press_key: str | None = None
    save_method: bool = False
    fields: dict[str, str] = field(default_factory=dict)


def allow_provider_page(work: Work) -> bool:
    """Let this page's form lead to the provider's; whether the supplier takes online payments at all.

    Looking needs no key, so none is opened here.
    """
    row = work.row("SELECT provider, base_url FROM gateway_accounts WHERE supplier_id = :supplier AND active")
    if row is None:
        return False
    base = urlsplit(row["base_url"]) if row["base_url"] else None
    let_forms_reach(*((f"{base.scheme}://{base.netloc}",) if base else PROVIDER_PAGES.get(row["provider"], ())))
    return True


def shown_methods(work: Work, customer_id: UUID, amount: Money, on: date) -> list[ShownMethod]:
    """The ways of paying that a payer may choose for this amount, the first one is proposed."""
    offered = methods_for(work, customer_id, amount, on) if amount.minor > 0 else ()
    return [ShownMethod(each.method, method_words(each.method), each.can_be_kept) for each in offered if each.allowed]


def begin_payment(pressed: Pressed) -> Response:
    """Send the payer to the provider's page, or say why that is not possible and what can be done."""
    try:
        started = _start(pressed)
    except PaymentError as error:
        if error.code == "payment.in_flight":
            return _ask_again(pressed)
        return _say_why(error, pressed, retry=False)
    except (GatewayError, SealBrokenError) as error:
        log.warning("A payment could not begin: %s", error, extra={"supplier": str(pressed.supplier_id)})
        return _say_why(error, pressed, retry=True)
    return redirect(started.url or pressed.settled.format(attempt=started.attempt_id or "") or pressed.back, 303)


def _start(pressed: Pressed) -> Started:
    house = services()
    with house.works.begin(pressed.supplier_id) as work:
        name = supplier_name(work)
        active = work.scalar("SELECT 1 FROM gateway_accounts WHERE supplier_id = :supplier AND active")
        account = active_account(work, house.keyring) if active or not pressed.plan.credits else None
    return start_checkout(
        house.works,
        CheckoutRequest(
            supplier_id=pressed.supplier_id,
            supplier_name=name,
            plan=pressed.plan,
            return_url=house.settings.public_url + pressed.return_path,
            language=language(),
            lifetime=timedelta(minutes=house.settings.checkout_minutes),
            method=request.form.get(METHOD, "") or CARD,
            second_payment_confirmed=request.form.get(CONFIRM) == "yes",
            actor=pressed.actor,
            press_key=pressed.press_key,
            save_method=pressed.save_method,
            terms=request.form.get(TERMS, "")[:40],
        ),
        account.account_id if account else None,
        house.gateway_for,
    )


def _ask_again(pressed: Pressed) -> Response:
    """A payment is on its way already: paying the rest as well needs a second, informed press."""
    with services().works.begin(pressed.supplier_id) as work:
        allow_provider_page(work)
        wishes = pressed.plan.wishes
        if not wishes:  # an amount, oldest first
            wishes = dict(check_plan(work, pressed.plan, customer_of(work, pressed.plan)).aims)
        dues = due_on_invoices(work, list(wishes))
        name = supplier_name(work)
    amounts = [min(wishes[due.invoice_id] or due.asked_minor, max(due.payable_minor, 0)) for due in dues]
    page = render_template(
        "pay/again.html",
        number=", ".join(due.number for due in dues),
        currency=dues[0].currency,
        flying_minor=sum(due.in_flight_minor for due in dues),
        rest_minor=sum(max(due.payable_minor, 0) for due in dues),
        amount_minor=sum(amounts),
        supplier_name=name,
        back=pressed.back,
        action=request.path,
        fields=_fields(pressed, METHOD, TERMS),
    )
    return make_response(page, 409)


def _fields(pressed: Pressed, *names: str) -> dict[str, str]:
    """What the form that asks once more sends again."""
    return {**pressed.fields, **{name: request.form[name] for name in names if name in request.form}}


def _say_why(error: Exception, pressed: Pressed, *, retry: bool) -> Response:
    problem = problem_of(error)
    with services().works.begin(pressed.supplier_id) as work:
        allow_provider_page(work)
    page = render_template(
        "pay/problem.html",
        problem=problem,
        back=pressed.back,
        action=request.path,
        retry=retry,
        fields=_fields(pressed, METHOD, CONFIRM, TERMS),
    )
    return make_response(page, problem.status)
