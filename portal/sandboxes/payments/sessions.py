"""Checkout Sessions: opened, paid or used to save a means of payment on the hosted page, expired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import paying, saving, shapes
from portal.sandboxes.payments.means import means_named
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.means import Means

SHORTEST_SESSION_S, LONGEST_SESSION_S = 30 * 60, 24 * 60 * 60
"""How far ahead a session may expire, as the provider documents it."""

CLOCK_LEEWAY_S = 60
SAVEABLE = frozenset({"card", "sepa_debit", "paypal", "link"})
"""Methods that can be saved for charges with nobody there."""


def open_session(books: Books, params: Mapping[str, Any], base_url: str) -> Json:
    """A new Checkout Session; the payment behind it is made when the payer first tries, as the provider does.

    Raises:
        StripeRefusal: Its time, amount, currency, customer or methods do not fit.
    """
    now = books.now()
    expires_at = params.get("expires_at", now + LONGEST_SESSION_S)
    ahead = _ahead(books, expires_at)
    identifier = books.new_id("cs_test")
    url = f"{base_url.rstrip('/')}/pay/{identifier}"
    if params["mode"] == "setup":
        session = _setup_session(books, identifier, url, {**params, "expires_at": expires_at})
    else:
        session = shapes.checkout_session(identifier, now, url, {**params, "expires_at": expires_at})
        _check_lines(session)
        _check_methods(session, params)
    books.agenda.put(identifier, now + ahead)
    return books.add("cs", session)


def expire(books: Books, session: Json) -> Json:
    """Close an open session, and cancel the payment that was tried in it."""
    if session["status"] != "open":
        raise StripeRefusal(f"Only Checkout Sessions with a status of `open` can be expired: {session['status']}.")
    session.update(status="expired", url=None)
    books.agenda.drop(session["id"])
    payment = books.objects["pi"].get(session["payment_intent"])
    if payment is not None:
        paying.cancel(books, payment, "automatic")
    books.emit("checkout.session.expired", session)
    return session


def submit(books: Books, session: Json, means: Means, email: str | None = None) -> str:
    """The payer presses "pay" or "save" on the hosted page. Returns what came of it, as `paying.attempt` does.

    Raises:
        StripeRefusal: The session is not open any more, or does not offer this method.
    """
    if session["status"] != "open":
        raise StripeRefusal(f"This checkout is {session['status']}.", code="checkout_not_open")
    if means.method not in session["payment_method_types"]:
        raise StripeRefusal(f"This checkout does not offer {means.method}.", param="payment_method")
    customer = books.objects["cus"].get(session["customer"])
    known = email or session["customer_email"] or (customer and customer["email"])
    if known and not session["customer_details"]:
        name = customer["name"] if customer else None
        session["customer_details"] = {"email": known, "name": name, "phone": None, "tax_exempt": "none"}
    if session["mode"] == "setup":
        return _save(books, session, means, confirmed=False)
    payment = _payment_of(books, session)
    billing = session["customer_details"] or {}
    return paying.attempt(books, payment, saving.make(books, means, billing))


def answer(books: Books, session: Json, *, accepted: bool) -> str:
    """The payer answers the question that the last try ended with.

    Raises:
        StripeRefusal: Nothing was asked.
    """
    if session["mode"] != "setup":
        return paying.answer(books, books.get("pi", session["payment_intent"] or ""), accepted=accepted)
    setup = books.get("seti", session["setup_intent"])
    means = means_named(session["_asked"])
    if setup["status"] != "requires_action" or means is None:
        raise StripeRefusal("There is nothing to confirm.", code="setup_intent_unexpected_state")
    if accepted:
        return _save(books, session, means, confirmed=True)
    saving.fail_setup(books, setup, means)
    return "declined"


def _ahead(books: Books, expires_at: int) -> int:
    """How long a session stays open, in seconds. Whoever asks may not know that our clock was advanced.

    Raises:
        StripeRefusal: It expires too soon or too late.
    """
    for ahead in (expires_at - books.now(), expires_at - books.now() + books.mint.advanced_s):
        if SHORTEST_SESSION_S - CLOCK_LEEWAY_S <= ahead <= LONGEST_SESSION_S + CLOCK_LEEWAY_S:
            return ahead
    raise StripeRefusal("expires_at must be between 30 minutes and 24 hours from now.", param="expires_at")


def _payment_of(books: Books, session: Json) -> Json:
    payment = books.objects["pi"].get(session["payment_intent"])
    if payment is None:
        payment = paying.new_payment(
            books,
            session["amount_total"],
            session["currency"],
            methods=session["payment_method_types"],
            params=session["_payment_intent_data"]
            | {"customer": session["customer"], "payment_method_options": session["payment_method_options"]},
            session=session,
        )
        session["payment_intent"] = payment["id"]
    return payment


def _setup_session(books: Books, identifier: str, url: str, params: Mapping[str, Any]) -> Json:
    methods = [method for method in params.get("allowed_payment_method_types", ["card"]) if method in SAVEABLE]
    if not methods:
        raise StripeRefusal("No method of these can be saved.", param="allowed_payment_method_types")
    session = shapes.checkout_session(identifier, books.now(), url, {**params, "line_items": []})
    data = {**params.get("setup_intent_data", {}), "customer": params.get("customer")}
    session.update(
        mode="setup",
        amount_subtotal=None,
        amount_total=None,
        currency=params.get("currency"),
        payment_method_types=methods,
        payment_status="no_payment_required",
        setup_intent=saving.open_setup(books, data, methods)["id"],
        total_details=None,
        _asked="",
    )
    return session


def _save(books: Books, session: Json, means: Means, *, confirmed: bool) -> str:
    """Try to save ``means``."""
    setup = books.get("seti", session["setup_intent"])
    if means.outcome == "declined":
        saving.fail_setup(books, setup, means)
        return "declined"
    if means.outcome == "confirm" and not confirmed:
        session["_asked"] = means.key
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": None}}
        setup.update(status="requires_action", next_action=action)
        books.emit("setup_intent.requires_action", setup)
        return "confirm"
    method = saving.make(books, means, session["customer_details"] or {})
    saving.finish_setup(books, setup, method, paying.mandate_prefix(session))
    session.update(status="complete", url=None)
    books.agenda.drop(session["id"])
    books.emit("checkout.session.completed", session)
    return "succeeded"


def _check_lines(session: Json) -> None:
    if len({line["currency"] for line in session["_lines"]}) != 1:
        raise StripeRefusal("All lines must be in one currency.", param="line_items")
    paying.check_amount(session["amount_total"])


def _check_methods(session: Json, params: Mapping[str, Any]) -> None:
    """Leave methods out that are not for this amount or currency; a transfer needs a customer and a country."""
    methods, amount = session["payment_method_types"], session["amount_total"]
    if amount > paying.MOST_DEBIT_MINOR or session["currency"] != "eur":
        methods = [method for method in methods if method != "sepa_debit"]
    if not methods:
        raise StripeRefusal(
            f"sepa_debit is for amounts up to {paying.MOST_DEBIT_MINOR} in eur.",
            code="amount_too_large",
            param="amount",
        )
    session["payment_method_types"] = methods
    if "customer_balance" not in methods:
        return
    if not session["customer"]:
        raise StripeRefusal("customer_balance needs a customer.", code="parameter_missing", param="customer")
    asked = params.get("payment_method_options", {}).get("customer_balance", {})
    if asked.get("funding_type") != "bank_transfer" or "eu_bank_transfer" not in asked.get("bank_transfer", {}):
        name = "payment_method_options[customer_balance][bank_transfer][eu_bank_transfer]"
        raise StripeRefusal(f"Missing required param: {name}.", code="parameter_missing", param=name)
