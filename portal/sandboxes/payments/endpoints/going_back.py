"""Refunds and disputes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import claims, refunds
from portal.sandboxes.payments.endpoints.calls import EXPAND, LISTING, Endpoint, listing, one
from portal.sandboxes.payments.parameters import Labels, clearable, flag, merge_labels, one_of, text, whole
from portal.sandboxes.payments.shapes_of_money import EVIDENCE_FILES, EVIDENCE_TEXTS

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.endpoints.calls import Call
    from portal.sandboxes.payments.parameters import Specification

REFUND: dict[str, Specification] = EXPAND | {
    "amount": whole,
    "charge": text,
    "currency": text,
    "customer": text,
    "instructions_email": text,
    "metadata": Labels(),
    "origin": one_of("customer_balance"),
    "payment_intent": text,
    "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
}
DISPUTE: dict[str, Specification] = EXPAND | {
    "evidence": dict.fromkeys(EVIDENCE_TEXTS, clearable) | dict.fromkeys(EVIDENCE_FILES, text),
    "metadata": Labels(),
    "submit": flag,
}


def update_refund(call: Call) -> Json:
    """POST /v1/refunds/ID: labels alone."""
    refund = call.own("re")
    if "metadata" in call.params:
        refund["metadata"] = merge_labels(refund["metadata"], call.params["metadata"])
    return refund


ENDPOINTS = (
    Endpoint("POST", "/v1/refunds", REFUND, lambda call: refunds.create(call.books, call.params), "charge"),
    Endpoint(
        "GET",
        "/v1/refunds",
        LISTING | {"payment_intent": text, "charge": text},
        listing("re", "payment_intent", "charge"),
        "charge",
    ),
    Endpoint("GET", "/v1/refunds/<id>", EXPAND, one("re"), "charge"),
    Endpoint("POST", "/v1/refunds/<id>", EXPAND | {"metadata": Labels()}, update_refund, "charge"),
    Endpoint(
        "GET",
        "/v1/disputes",
        LISTING | {"payment_intent": text, "charge": text},
        listing("dp", "payment_intent", "charge"),
        "dispute",
    ),
    Endpoint("GET", "/v1/disputes/<id>", EXPAND, one("dp"), "dispute"),
    Endpoint(
        "POST",
        "/v1/disputes/<id>",
        DISPUTE,
        lambda call: claims.respond(call.books, call.own("dp"), call.params),
        "dispute",
    ),
    Endpoint(
        "POST",
        "/v1/disputes/<id>/close",
        EXPAND,
        lambda call: claims.accept(call.books, call.own("dp")),
        "dispute",
    ),
)
