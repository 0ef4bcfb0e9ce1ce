"""PaymentIntents and the charges that try them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import cash, paying, saving, shapes
from portal.sandboxes.payments.endpoints.calls import EXPAND, LISTING, Endpoint, listing, one
from portal.sandboxes.payments.means import METHODS, means_named
from portal.sandboxes.payments.parameters import Labels, Several, flag, merge_labels, need, one_of, text, whole
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.endpoints.calls import Call
    from portal.sandboxes.payments.parameters import Specification

FUTURE = one_of("off_session", "on_session")
PAYMENT_DATA: dict[str, Specification] = {
    "description": text,
    "metadata": Labels(),
    "receipt_email": text,
    "setup_future_usage": FUTURE,
    "statement_descriptor": text,
    "statement_descriptor_suffix": text,
}
METHOD_OPTIONS: dict[str, Specification] = {
    "card": {"request_three_d_secure": one_of("any", "automatic", "challenge"), "setup_future_usage": FUTURE},
    "customer_balance": {
        "funding_type": one_of("bank_transfer"),
        "bank_transfer": {
            "eu_bank_transfer": {"country": one_of(*cash.COUNTRIES)},
            "requested_address_types": Several(one_of("iban", "sepa")),
            "type": one_of("eu_bank_transfer"),
        },
        "setup_future_usage": one_of("none"),
    },
    "link": {"setup_future_usage": one_of("none", "off_session")},
    "paypal": {"preferred_locale": text, "reference": text, "setup_future_usage": one_of("none", "off_session")},
    "sepa_debit": {
        "mandate_options": {"reference_prefix": text},
        "setup_future_usage": one_of("none", "off_session", "on_session"),
        "target_date": text,
    },
}
CONFIRMING: dict[str, Specification] = {
    "mandate_data": {
        "customer_acceptance": {
            "accepted_at": whole,
            "offline": {},
            "online": {"ip_address": text, "user_agent": text},
            "type": one_of("offline", "online"),
        }
    },
    "off_session": flag,
    "payment_method": text,
    "payment_method_data": {
        "type": one_of("customer_balance", "sepa_debit"),
        "sepa_debit": {"iban": text},
        "billing_details": {"email": text, "name": text},
    },
    "payment_method_options": METHOD_OPTIONS,
    "return_url": text,
}
CREATING: dict[str, Specification] = (
    EXPAND
    | PAYMENT_DATA
    | CONFIRMING
    | {
        "amount": whole,
        "allowed_payment_method_types": Several(one_of(*METHODS)),
        "automatic_payment_methods": {"allow_redirects": one_of("always", "never"), "enabled": flag},
        "capture_method": one_of("automatic", "automatic_async", "manual"),
        "confirm": flag,
        "currency": text,
        "customer": text,
    }
)


def create_payment(call: Call) -> Json:
    """POST /v1/payment_intents, with ``confirm`` if told."""
    amount, currency = need(call.params, "amount"), need(call.params, "currency")
    if call.params.get("off_session") and not call.params.get("confirm"):
        raise StripeRefusal("off_session is only for a payment that is confirmed.", param="off_session")
    method = _method(call) if _names_method(call) else None
    methods = _methods(call, method)
    payment = paying.new_payment(call.books, amount, currency, methods=methods, params=call.params)
    payment["_waiting"] = method["id"] if method else None
    return _confirmed(call, payment, method) if call.params.get("confirm") else payment


def update_payment(call: Call) -> Json:
    """POST /v1/payment_intents/ID: amount, description and labels, until it goes out."""
    payment = call.own("pi")
    if payment["status"] in {"succeeded", "canceled", "processing"} and "amount" in call.params:
        raise paying.unexpected(payment, "update")
    changes = {name: value for name, value in call.params.items() if name != "expand"}
    if "amount" in changes:
        paying.check_amount(changes["amount"])
    if "metadata" in changes:
        changes["metadata"] = merge_labels(payment["metadata"], changes["metadata"])
    payment.update(changes)
    return payment


def confirm_payment(call: Call) -> Json:
    """POST /v1/payment_intents/ID/confirm."""
    payment = call.own("pi")
    method = _method(call) if _names_method(call) else None
    if method is None and payment.get("_waiting"):
        method = call.books.get("pm", payment["_waiting"])
    return _confirmed(call, payment, method)


def capture_payment(call: Call) -> Json:
    """POST /v1/payment_intents/ID/capture."""
    return paying.capture(call.books, call.own("pi"), call.params.get("amount_to_capture"))


def cancel_payment(call: Call) -> Json:
    """POST /v1/payment_intents/ID/cancel."""
    return paying.cancel(call.books, call.own("pi"), call.params.get("cancellation_reason"))


def _methods(call: Call, method: Json | None) -> list[str]:
    """The methods that a payment may be made with: named, automatic, or the one that comes along."""
    named = call.params.get("allowed_payment_method_types")
    automatic = call.params.get("automatic_payment_methods", {})
    if named is not None and automatic:
        raise StripeRefusal(
            "You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types.",
            param="automatic_payment_methods",
        )
    if automatic.get("enabled"):
        leaving = {"customer_balance"} | ({"paypal"} if automatic.get("allow_redirects") == "never" else set())
        return [one for one in METHODS if one not in leaving]
    return list(named) if named is not None else [method["type"]] if method else ["card"]


def _names_method(call: Call) -> bool:
    return "payment_method" in call.params or "payment_method_data" in call.params


def _method(call: Call) -> Json:
    if "payment_method" in call.params:
        return saving.named(call.books, call.params["payment_method"])
    told = call.params["payment_method_data"]
    if need(told, "type") == "sepa_debit":
        if "mandate_data" not in call.params:
            raise StripeRefusal("Missing required param: mandate_data.", code="parameter_missing", param="mandate_data")
        iban = need(need(told, "sepa_debit"), "iban")
        return saving.make_debited(call.books, iban, told.get("billing_details", {}))
    means = means_named("transfer")
    if means is None:
        raise StripeRefusal("The sandbox has no transfers.", status=500, kind="api_error")
    return saving.make(call.books, means, told.get("billing_details", {}))


def _confirmed(call: Call, payment: Json, method: Json | None) -> Json:
    if method is None:
        raise StripeRefusal(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
            param="payment_method",
        )
    off_session = call.params.get("off_session", False)
    if off_session and method["customer"] is None and payment["customer"]:
        raise StripeRefusal("This PaymentMethod was not saved for the customer.", param="payment_method")
    outcome = paying.attempt(call.books, payment, method, off_session=off_session)
    if outcome == "declined":
        raise declined(payment)
    return payment


def declined(payment: Json) -> StripeRefusal:
    """The answer to a payment that the bank declined."""
    error = payment["last_payment_error"]
    return StripeRefusal(
        error["message"],
        status=402,
        kind="card_error",
        code=error["code"],
        decline_code=error.get("decline_code"),
        charge=error["charge"],
        payment_intent=shapes.public(payment),
        payment_method=error["payment_method"],
    )


ENDPOINTS = (
    Endpoint("POST", "/v1/payment_intents", CREATING, create_payment, "payment_intent"),
    Endpoint("GET", "/v1/payment_intents", LISTING | {"customer": text}, listing("pi", "customer"), "payment_intent"),
    Endpoint("GET", "/v1/payment_intents/<id>", EXPAND, one("pi"), "payment_intent"),
    Endpoint(
        "POST",
        "/v1/payment_intents/<id>",
        EXPAND | {"amount": whole, "description": text, "metadata": Labels(), "receipt_email": text},
        update_payment,
        "payment_intent",
    ),
    Endpoint("POST", "/v1/payment_intents/<id>/confirm", EXPAND | CONFIRMING, confirm_payment, "payment_intent"),
    Endpoint(
        "POST",
        "/v1/payment_intents/<id>/capture",
        EXPAND | {"amount_to_capture": whole},
        capture_payment,
        "payment_intent",
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/<id>/cancel",
        EXPAND | {"cancellation_reason": one_of("abandoned", "duplicate", "fraudulent", "requested_by_customer")},
        cancel_payment,
        "payment_intent",
    ),
    Endpoint(
        "GET",
        "/v1/charges",
        LISTING | {"customer": text, "payment_intent": text},
        listing("ch", "customer", "payment_intent"),
        "charge",
    ),
    Endpoint("GET", "/v1/charges/<id>", EXPAND, one("ch"), "charge"),
)
