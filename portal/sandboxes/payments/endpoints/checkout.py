"""Checkout Sessions, and the SetupIntents behind those that only save a means of payment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import sessions, shapes
from portal.sandboxes.payments.endpoints.calls import EXPAND, LISTING, Endpoint, listing, one
from portal.sandboxes.payments.endpoints.payments import METHOD_OPTIONS, PAYMENT_DATA
from portal.sandboxes.payments.means import METHODS
from portal.sandboxes.payments.parameters import Labels, Several, flag, need, one_of, text, web_address, whole

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.endpoints.calls import Call
    from portal.sandboxes.payments.parameters import Specification

SESSION: dict[str, Specification] = EXPAND | {
    "adaptive_pricing": {"enabled": flag},
    "allowed_payment_method_types": Several(one_of(*METHODS)),
    "cancel_url": web_address,
    "client_reference_id": text,
    "currency": text,
    "customer": text,
    "customer_email": text,
    "expires_at": whole,
    "line_items": Several(
        {
            "quantity": whole,
            "price_data": {
                "currency": text,
                "unit_amount": whole,
                "product_data": {"name": text, "description": text, "metadata": Labels()},
            },
        }
    ),
    "locale": one_of("auto", "fr", "en", "en-GB", "fr-CA"),
    "metadata": Labels(),
    "mode": one_of("payment", "setup"),
    "payment_intent_data": PAYMENT_DATA,
    "payment_method_options": METHOD_OPTIONS,
    "setup_intent_data": {"description": text, "metadata": Labels()},
    "submit_type": one_of("auto", "pay"),
    "success_url": web_address,
    "ui_mode": one_of("hosted_page"),
}


def create_session(call: Call) -> Json:
    """POST /v1/checkout/sessions."""
    mode = need(call.params, "mode")
    need(call.params, "success_url")
    if mode == "payment":
        for item in need(call.params, "line_items"):
            price = need(item, "price_data")
            need(item, "quantity")
            need(price, "currency")
            need(price, "unit_amount")
            need(need(price, "product_data"), "name")
    if "customer" in call.params:
        call.books.get("cus", call.params["customer"], "customer")
    return sessions.open_session(call.books, call.params, call.base_url)


def line_items(call: Call) -> Json:
    """GET /v1/checkout/sessions/ID/line_items."""
    lines = [shapes.public(line) for line in call.own("cs")["_lines"]]
    return shapes.page(lines, f"/v1/checkout/sessions/{call.ids['id']}/line_items", has_more=False)


ENDPOINTS = (
    Endpoint("POST", "/v1/checkout/sessions", SESSION, create_session, "checkout_session"),
    Endpoint(
        "GET",
        "/v1/checkout/sessions",
        LISTING | {"payment_intent": text, "customer": text, "status": one_of("open", "complete", "expired")},
        listing("cs", "payment_intent", "customer", "status"),
        "checkout_session",
    ),
    Endpoint("GET", "/v1/checkout/sessions/<id>", EXPAND, one("cs"), "checkout_session"),
    Endpoint("GET", "/v1/checkout/sessions/<id>/line_items", LISTING, line_items, "checkout_session"),
    Endpoint(
        "POST",
        "/v1/checkout/sessions/<id>/expire",
        EXPAND,
        lambda call: sessions.expire(call.books, call.own("cs")),
        "checkout_session",
    ),
    Endpoint(
        "GET",
        "/v1/setup_intents",
        LISTING | {"customer": text, "payment_method": text},
        listing("seti", "customer", "payment_method"),
        "setup_intent",
    ),
    Endpoint("GET", "/v1/setup_intents/<id>", EXPAND, one("seti"), "setup_intent"),
)
