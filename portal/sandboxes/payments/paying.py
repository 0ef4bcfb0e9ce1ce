"""What happens to a payment: tries, declines, questions of the bank, delays, captures, and their events.

The events come in the provider's usual order; nobody may rely on it, which is what the faults are for.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import cash, claims, outcomes, saving, shapes
from portal.sandboxes.payments.agenda import DAY_S, business_days_after
from portal.sandboxes.payments.means import means_named
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.means import Means

LEAST_MINOR, MOST_MINOR = 50, 99_999_999
"""The smallest and largest charge in euro cents."""

MOST_DEBIT_MINOR = 1_000_000
"""The largest SEPA debit: 10,000 euros."""

EARLIEST_DEBIT_DAYS, LATEST_DEBIT_DAYS = 3, 15
"""How far ahead a debit can be asked for."""

ANSWER_HOUR_S = 8 * 60 * 60
"""When on its day the answer to a debit comes, in seconds after midnight."""

OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


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
    check_amount(amount)
    if params.get("customer"):
        books.get("cus", params["customer"], "customer")
    payment = shapes.payment_intent(
        books.new_id("pi"), books.now(), amount=amount, currency=currency, methods=methods, params=params
    )
    payment.update(
        _session=session["id"] if session else None,
        _means="",
        _method=None,
        _funded=0,
        _country=cash.country_in(params),
        _prefix=mandate_prefix(params),
        _return_url=params.get("return_url"),
    )
    payment["_debited_from"] = _debit_from(payment, books.now())
    books.add("pi", payment)
    books.emit("payment_intent.created", payment)
    return payment


def check_amount(amount: int) -> None:
    """Want an amount that the provider takes.

    Raises:
        StripeRefusal: ``amount_too_small``, ``amount_too_large``.
    """
    if amount < LEAST_MINOR:
        raise StripeRefusal(f"Amount must be at least {LEAST_MINOR}.", code="amount_too_small", param="amount")
    if amount > MOST_MINOR:
        raise StripeRefusal(f"Amount must be no more than {MOST_MINOR}.", code="amount_too_large", param="amount")


def mandate_prefix(params: Mapping[str, Any]) -> str:
    """How references of new mandates begin."""
    debit = params.get("payment_method_options", {}).get("sepa_debit", {})
    return str(debit.get("mandate_options", {}).get("reference_prefix", ""))


def cancel(books: Books, payment: Json, reason: str | None = None) -> Json:
    """Cancel a payment that has not gone out; what was transferred for it is the customer's again.

    Raises:
        StripeRefusal: ``payment_intent_unexpected_state``.
    """
    if payment["status"] in {"succeeded", "canceled", "processing"}:
        raise unexpected(payment, "cancel")
    payment.update(status="canceled", canceled_at=books.now(), cancellation_reason=reason, next_action=None)
    cash.give_back(books, payment)
    books.emit("payment_intent.canceled", payment)
    return payment


def unexpected(payment: Json, what: str) -> StripeRefusal:
    """The payment is not in a state for this."""
    return StripeRefusal(
        f"You cannot {what} this PaymentIntent because it has a status of {payment['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=shapes.public(payment),
    )


def attempt(books: Books, payment: Json, method: Json, *, confirmed: bool = False, off_session: bool = False) -> str:
    """Try to pay with ``method``. Returns ``succeeded``, ``declined``, ``processing``, ``confirm`` or ``transfer``.

    Raises:
        StripeRefusal: The payment is over, the amount too large for the method, or its mandate has ended.
    """
    if payment["status"] not in OPEN:
        raise unexpected(payment, "confirm")
    means = saving.means_of(method)
    _check_limits(payment, method)
    payment.update(_means=means.key, _method=method["id"])
    if means.outcome == "transfer":
        return _await_transfer(books, payment, method)
    asks = not confirmed and _asks(payment, method, means)
    if asks and not off_session:
        redirect = {"return_url": payment["_return_url"], "url": None}
        action = {"type": "redirect_to_url", "redirect_to_url": redirect}
        payment.update(status="requires_action", next_action=action)
        books.emit("payment_intent.requires_action", payment)
        return "confirm"
    mandate = saving.mandate_of(books, method, payment["_prefix"])
    charge = outcomes.charge_with(books, payment, method, mandate)
    if asks or means.outcome == "declined" or means.declines_later:
        outcomes.fail(books, payment, charge, "authentication_required" if asks else means.decline or "generic_decline")
        return "declined"
    of_method = payment["payment_method_options"].get(means.method, {}).get("setup_future_usage")
    if (of_method or payment["setup_future_usage"] or "none") != "none" and payment["customer"]:
        method["_set_up"] = True
        saving.attach(books, method, payment["customer"])
    payment["last_payment_error"] = None
    if means.outcome == "processing":
        _start_processing(books, payment, charge, means)
        return "processing"
    if payment["capture_method"] == "manual":
        _hold(books, payment, charge)
        return "succeeded"
    outcomes.succeed(books, payment, charge)
    outcomes.complete_session(books, payment, "paid")
    _dispute_at_once(books, payment, means)
    return "succeeded"


def answer(books: Books, payment: Json, *, accepted: bool) -> str:
    """The payer answers the question of the bank, or of the wallet.

    Raises:
        StripeRefusal: Nothing was asked.
    """
    means = means_named(payment["_means"])
    if means is None or (payment["next_action"] or {}).get("type") != "redirect_to_url":
        raise StripeRefusal("There is nothing to confirm.", code="payment_intent_unexpected_state")
    if accepted:
        return attempt(books, payment, books.get("pm", payment["_method"]), confirmed=True)
    payment.update(status="requires_payment_method", next_action=None)
    payment["last_payment_error"] = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": "The question was answered with no.",
        "payment_method": {"type": means.method},
    }
    books.emit("payment_intent.payment_failed", payment)
    return "declined"


def capture(books: Books, payment: Json, amount: int | None) -> Json:
    """Take the money that a manual payment holds.

    Raises:
        StripeRefusal: Nothing is held, or less than ``amount``.
    """
    if payment["status"] != "requires_capture":
        raise unexpected(payment, "capture")
    taken = payment["amount_capturable"] if amount is None else amount
    if not 0 < taken <= payment["amount_capturable"]:
        raise StripeRefusal("The amount is more than what can be captured.", param="amount_to_capture")
    charge = books.get("ch", payment["latest_charge"])
    payment["amount_capturable"] = 0
    outcomes.book(books, charge, taken)
    payment.update(status="succeeded", amount_received=taken)
    books.emit("charge.captured", charge)
    books.emit("payment_intent.succeeded", payment)
    return payment


def settle(books: Books, payment: Json, decline: str | None) -> Json:
    """End the delay of a processing payment: success, or failure with the reason ``decline``."""
    if payment["status"] != "processing":
        raise StripeRefusal(f"This payment is {payment['status']}, not processing.")
    charge = books.get("ch", payment["latest_charge"])
    session = books.objects["cs"].get(payment["_session"])
    payment["processing"] = None
    books.agenda.drop(payment["id"])
    if decline:
        outcomes.fail(books, payment, charge, decline)
    else:
        outcomes.succeed(books, payment, charge)
        if session:
            session["payment_status"] = "paid"
    if session:
        outcome = "failed" if decline else "succeeded"
        books.emit(f"checkout.session.async_payment_{outcome}", session)
    means = means_named(payment["_means"])
    if not decline and means:
        _dispute_at_once(books, payment, means)
    return payment


def settle_as_planned(books: Books, payment: Json) -> None:
    """The delay is over: the means decides how."""
    means = means_named(payment["_means"])
    settle(books, payment, means.decline if means else None)


def _asks(payment: Json, method: Json, means: Means) -> bool:
    """Whether the bank or the wallet wants its holder to confirm."""
    wanted = payment["payment_method_options"].get(means.method, {}).get("request_three_d_secure")
    if wanted in {"any", "challenge"}:
        return True
    return means.outcome == "confirm" and (means.always_asks or not method["_set_up"])


def _debit_from(payment: Json, now: int) -> int:
    """From when a debit is on its way: now, or from the day that was asked for, 3 to 15 days ahead.

    Raises:
        StripeRefusal: No day, or one that is too near or too far.
    """
    wanted = payment["payment_method_options"].get("sepa_debit", {}).get("target_date")
    if wanted is None:
        return now
    try:
        moment = int(datetime.combine(date.fromisoformat(wanted), time(), UTC).timestamp())
    except ValueError:
        moment = 0
    if not now + (EARLIEST_DEBIT_DAYS - 1) * DAY_S < moment <= now + LATEST_DEBIT_DAYS * DAY_S:
        raise StripeRefusal(
            f"target_date must be a day {EARLIEST_DEBIT_DAYS} to {LATEST_DEBIT_DAYS} days ahead.",
            param="payment_method_options[sepa_debit][target_date]",
        )
    return moment


def _check_limits(payment: Json, method: Json) -> None:
    if method["type"] not in payment["payment_method_types"]:
        raise StripeRefusal(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )
    if method["_gone"] or method["customer"] not in {None, payment["customer"]}:
        raise StripeRefusal(
            "The PaymentMethod supplied belongs to a different Customer, or was detached from one.",
            param="payment_method",
        )
    if method["type"] == "sepa_debit" and payment["amount"] > MOST_DEBIT_MINOR:
        raise StripeRefusal(
            f"Amount must be no more than {MOST_DEBIT_MINOR} for sepa_debit.", code="amount_too_large", param="amount"
        )
    if method["type"] in {"sepa_debit", "customer_balance"} and payment["currency"] != "eur":
        raise StripeRefusal(f"{method['type']} is only for eur.", param="currency")


def _await_transfer(books: Books, payment: Json, method: Json) -> str:
    payment["payment_method"] = method["id"]
    if cash.ask(books, payment):
        return "succeeded"
    outcomes.complete_session(books, payment, "unpaid")
    return "transfer"


def _start_processing(books: Books, payment: Json, charge: Json, means: Means) -> None:
    settings, now = books.settings, books.now()
    payment.update(status="processing", processing={"type": means.method})
    if settings.settle_after_s is None:
        start = payment["_debited_from"] if means.method == "sepa_debit" else now
        due: float = business_days_after(max(start, now), settings.debit_days) + ANSWER_HOUR_S
    else:
        due = now + settings.settle_after_s
    books.agenda.put(payment["id"], due + means.delayed_s)
    books.emit("charge.pending", charge)
    books.emit("payment_intent.processing", payment)
    outcomes.complete_session(books, payment, "unpaid")


def _hold(books: Books, payment: Json, charge: Json) -> None:
    charge.update(status="succeeded", paid=True)
    payment.update(status="requires_capture", amount_capturable=payment["amount"])
    books.emit("charge.succeeded", charge)
    books.emit("payment_intent.amount_capturable_updated", payment)


def _dispute_at_once(books: Books, payment: Json, means: Means) -> None:
    if means.dispute and means.method == "sepa_debit":
        claims.return_debit(books, payment, "MD01")
    elif means.dispute:
        claims.open_dispute(books, payment, means.dispute, inquiry=means.inquiry)
