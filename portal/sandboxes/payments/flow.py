"""What happens to money at the simulated provider: sessions, tries, delays, refunds, disputes, and their events.

The events come in the provider's usual order; nobody may rely on it, which is what the faults are for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import shapes
from portal.sandboxes.payments.means import means_named
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.means import Means

SHORTEST_SESSION_S, LONGEST_SESSION_S = 30 * 60, 24 * 60 * 60
"""How far ahead a session may expire, as the provider documents it."""

CLOCK_LEEWAY_S = 60
LEAST_MINOR, MOST_MINOR = 50, 99_999_999
"""The smallest and largest charge in euro cents."""

CARD_FEE, DEBIT_FEE_MINOR = (15, 1000, 25), 35
"""Fees: 1.5 % plus 25 cents for a card, 35 cents for a debit; in the order of the published European prices."""


def open_session(books: Books, params: Mapping[str, Any], base_url: str) -> Json:
    """A new Checkout Session; the payment behind it is made when the payer first tries, as the provider does."""
    now = books.now()
    expires_at = params.get("expires_at", now + LONGEST_SESSION_S)
    ahead = expires_at - now
    if not SHORTEST_SESSION_S - CLOCK_LEEWAY_S <= ahead <= LONGEST_SESSION_S + CLOCK_LEEWAY_S:
        raise StripeRefusal("expires_at must be between 30 minutes and 24 hours from now.", param="expires_at")
    identifier = books.new_id("cs_test")
    url = f"{base_url.rstrip('/')}/pay/{identifier}"
    session = shapes.checkout_session(identifier, now, url, {**params, "expires_at": expires_at})
    if len({line["currency"] for line in session["_lines"]}) != 1:
        raise StripeRefusal("All lines must be in one currency.", param="line_items")
    _check_amount(session["amount_total"])
    books.waiting[identifier] = session["expires_at"]
    return books.add("cs", session)


def expire_session(books: Books, session: Json) -> Json:
    """Close an open session, and cancel the payment that was tried in it."""
    if session["status"] != "open":
        raise StripeRefusal(f"Only Checkout Sessions with a status of `open` can be expired: {session['status']}.")
    session.update(status="expired", url=None)
    books.waiting.pop(session["id"], None)
    payment = books.objects["pi"].get(session["payment_intent"])
    if payment is not None:
        cancel_payment(books, payment, "automatic")
    books.emit("checkout.session.expired", session)
    return session


def sweep(books: Books) -> None:
    """Do what time has brought: expire overdue sessions, settle delayed payments."""
    now = books.now()
    for identifier in [identifier for identifier, due in books.waiting.items() if due <= now]:
        if identifier.startswith("cs"):
            expire_session(books, books.get("cs", identifier))
        else:
            payment = books.get("pi", identifier)
            means = means_named(payment["_means"])
            settle(books, payment, means.decline if means else None)


def new_payment(
    books: Books,
    amount: int,
    currency: str,
    *,
    methods: list[str],
    params: Mapping[str, Any],
    session: Json | None = None,
) -> Json:
    """A new PaymentIntent, of a session or on its own."""
    _check_amount(amount)
    payment = shapes.payment_intent(
        books.new_id("pi"), books.now(), amount=amount, currency=currency, methods=methods, params=params
    )
    payment.update(_session=session["id"] if session else None, _means="")
    books.add("pi", payment)
    books.emit("payment_intent.created", payment)
    return payment


def cancel_payment(books: Books, payment: Json, reason: str | None = None) -> Json:
    """Cancel a payment that has not gone out."""
    if payment["status"] in {"succeeded", "canceled", "processing"}:
        raise StripeRefusal(
            f"You cannot cancel this PaymentIntent because it has a status of {payment['status']}.",
            code="payment_intent_unexpected_state",
        )
    payment.update(status="canceled", canceled_at=books.now(), cancellation_reason=reason, next_action=None)
    books.emit("payment_intent.canceled", payment)
    return payment


def pay_session(books: Books, session: Json, means: Means, email: str | None = None) -> str:
    """The payer presses "pay" on the hosted page. Returns the outcome of ``means``.

    Raises:
        StripeRefusal: The session is not open any more, or does not offer this method.
    """
    sweep(books)
    if session["status"] != "open":
        raise StripeRefusal(f"This checkout is {session['status']}.", code="checkout_not_open")
    if means.method not in session["payment_method_types"]:
        raise StripeRefusal(f"This checkout does not offer {means.method}.", param="payment_method")
    payment = books.objects["pi"].get(session["payment_intent"])
    if payment is None:
        payment = new_payment(
            books,
            session["amount_total"],
            session["currency"],
            methods=session["payment_method_types"],
            params=session["_payment_intent_data"],
            session=session,
        )
        session["payment_intent"] = payment["id"]
    if email and not session["customer_details"]:
        session["customer_details"] = {"email": email, "name": None, "phone": None, "tax_exempt": "none"}
    return try_payment(books, payment, means)


def try_payment(books: Books, payment: Json, means: Means, *, confirmed: bool = False) -> str:
    """Try to pay with ``means``. Returns ``succeeded``, ``declined``, ``processing`` or ``confirm``."""
    if payment["status"] not in {"requires_payment_method", "requires_confirmation", "requires_action"}:
        raise StripeRefusal(
            f"You cannot confirm this PaymentIntent because it has a status of {payment['status']}.",
            code="payment_intent_unexpected_state",
        )
    payment["_means"] = means.key
    if means.outcome == "confirm" and not confirmed:
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": None}}
        payment.update(status="requires_action", next_action=action)
        books.emit("payment_intent.requires_action", payment)
        return "confirm"
    charge = shapes.charge(books.new_id("ch"), books.now(), payment, means.details())
    books.add("ch", charge)
    payment.update(latest_charge=charge["id"], payment_method=charge["payment_method"], next_action=None)
    if means.outcome == "declined":
        _fail(books, payment, charge, means.decline or "generic_decline")
        return "declined"
    payment["last_payment_error"] = None
    if means.outcome == "processing":
        _start_processing(books, payment, charge, means)
        return "processing"
    _succeed(books, payment, charge)
    _complete_session(books, payment, "paid")
    return "succeeded"


def answer_confirmation(books: Books, payment: Json, *, accepted: bool) -> str:
    """The payer answers the bank's 3-D Secure question."""
    means = means_named(payment["_means"])
    if payment["status"] != "requires_action" or means is None:
        raise StripeRefusal("There is nothing to confirm.", code="payment_intent_unexpected_state")
    if accepted:
        return try_payment(books, payment, means, confirmed=True)
    payment.update(status="requires_payment_method", next_action=None)
    payment["last_payment_error"] = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": "The bank's question was answered with no.",
        "payment_method": {"type": means.method},
    }
    books.emit("payment_intent.payment_failed", payment)
    return "declined"


def settle(books: Books, payment: Json, decline: str | None) -> Json:
    """End the delay of a processing payment: success, or failure with the reason ``decline``."""
    if payment["status"] != "processing":
        raise StripeRefusal(f"This payment is {payment['status']}, not processing.")
    charge = books.get("ch", payment["latest_charge"])
    session = books.objects["cs"].get(payment["_session"])
    payment["processing"] = None
    books.waiting.pop(payment["id"], None)
    if decline:
        _fail(books, payment, charge, decline)
    else:
        _succeed(books, payment, charge)
        if session:
            session["payment_status"] = "paid"
    if session:
        outcome = "failed" if decline else "succeeded"
        books.emit(f"checkout.session.async_payment_{outcome}", session)
    return payment


def refund_charge(books: Books, params: Mapping[str, Any]) -> Json:
    """Give money back, all that is left unless told an amount.

    Raises:
        StripeRefusal: Nothing was paid, or less is left than asked for.
    """
    charge = _refundable(books, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if not left:
        raise StripeRefusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= left:
        raise StripeRefusal(f"Refund amount ({amount}) is not between 1 and what is left ({left}).", param="amount")
    refund = shapes.refund(books.new_id("re"), books.now(), charge, amount, params)
    refund["status"] = "succeeded"
    refund["balance_transaction"] = _move(books, refund, -amount, 0)["id"]
    books.add("re", refund)
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    books.emit("refund.created", refund)
    books.emit("charge.refunded", charge, before)
    books.emit("refund.updated", refund, {})
    return refund


def fail_refund(books: Books, refund: Json) -> Json:
    """The payer's bank sends a refund back: the money is ours again."""
    if refund["status"] != "succeeded":
        raise StripeRefusal(f"This refund is {refund['status']}.")
    refund.update(status="failed", failure_reason="expired_or_canceled_card")
    refund["failure_balance_transaction"] = _move(books, refund, refund["amount"], 0)["id"]
    charge = books.get("ch", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    books.emit("refund.failed", refund, {"status": "succeeded"})
    books.emit("charge.refund.updated", refund, {"status": "succeeded"})
    return refund


def open_dispute(books: Books, payment: Json, reason: str) -> Json:
    """The payer contests a payment at the bank."""
    charge = books.objects["ch"].get(payment["latest_charge"])
    if charge is None or not charge["paid"] or charge["disputed"]:
        raise StripeRefusal("Only a payment that succeeded, and once, can be disputed.")
    charge["disputed"] = True
    dispute = shapes.dispute(books.new_id("dp"), books.now(), charge, reason)
    books.add("dp", dispute)
    books.emit("charge.dispute.created", dispute)
    return dispute


def close_dispute(books: Books, dispute: Json, *, won: bool) -> Json:
    """The bank decides a dispute."""
    if dispute["status"] in {"won", "lost"}:
        raise StripeRefusal(f"This dispute is {dispute['status']} already.")
    before = {"status": dispute["status"]}
    dispute["status"] = "won" if won else "lost"
    books.emit("charge.dispute.closed", dispute, before)
    return dispute


def _check_amount(amount: int) -> None:
    if amount < LEAST_MINOR:
        raise StripeRefusal(f"Amount must be at least {LEAST_MINOR}.", code="amount_too_small", param="amount")
    if amount > MOST_MINOR:
        raise StripeRefusal(f"Amount must be no more than {MOST_MINOR}.", code="amount_too_large", param="amount")


def _start_processing(books: Books, payment: Json, charge: Json, means: Means) -> None:
    delay = books.settings.settle_after_s
    payment.update(status="processing", processing={"type": means.method})
    if delay is not None:
        books.waiting[payment["id"]] = books.now() + delay
    books.emit("charge.pending", charge)
    books.emit("payment_intent.processing", payment)
    _complete_session(books, payment, "unpaid")


def _succeed(books: Books, payment: Json, charge: Json) -> None:
    amount = payment["amount"]
    movement = _move(books, charge, amount, _fee(amount, charge["payment_method_details"]["type"]))
    charge.update(status="succeeded", paid=True, captured=True, amount_captured=amount)
    charge["outcome"] = {"type": "authorized", "reason": None, "network_status": "approved_by_network"}
    charge["balance_transaction"] = movement["id"]
    payment.update(status="succeeded", amount_received=amount, next_action=None, last_payment_error=None)
    books.emit("charge.succeeded", charge)
    books.emit("payment_intent.succeeded", payment)


def _fail(books: Books, payment: Json, charge: Json, decline: str) -> None:
    charge.update(status="failed", failure_code="card_declined", failure_message="The payment was declined.")
    charge["outcome"] = {"type": "issuer_declined", "reason": decline, "network_status": "declined_by_network"}
    payment["status"] = "requires_payment_method"
    payment["payment_method"] = None
    payment["last_payment_error"] = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": decline,
        "message": "The payment was declined.",
        "charge": charge["id"],
        "payment_method": {"type": charge["payment_method_details"]["type"]},
    }
    books.emit("charge.failed", charge)
    books.emit("payment_intent.payment_failed", payment)


def _complete_session(books: Books, payment: Json, payment_status: str) -> None:
    session = books.objects["cs"].get(payment["_session"])
    if session is not None:
        session.update(status="complete", payment_status=payment_status, url=None)
        books.waiting.pop(session["id"], None)
        books.emit("checkout.session.completed", session)


def _refundable(books: Books, params: Mapping[str, Any]) -> Json:
    if "charge" in params:
        charge = books.get("ch", params["charge"], "charge")
    elif "payment_intent" in params:
        payment = books.get("pi", params["payment_intent"], "payment_intent")
        if payment["status"] != "succeeded":
            raise StripeRefusal(
                f"This PaymentIntent ({payment['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
            )
        charge = books.get("ch", payment["latest_charge"])
    else:
        raise StripeRefusal("One of charge, payment_intent is required.", code="parameter_missing", param="charge")
    if charge["disputed"]:
        raise StripeRefusal(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    return charge


def _move(books: Books, source: Json, amount: int, fee: int) -> Json:
    return books.add("txn", shapes.balance_transaction(books.new_id("txn"), books.now(), source, amount, fee))


def _fee(amount: int, method: str) -> int:
    if method == "sepa_debit":
        return DEBIT_FEE_MINOR
    share, base, fixed = CARD_FEE
    return (amount * share + base // 2) // base + fixed
