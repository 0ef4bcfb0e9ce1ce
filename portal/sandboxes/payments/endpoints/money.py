"""The account's balance, its movements and the payouts to the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import balance, payouts
from portal.sandboxes.payments.endpoints.calls import (
    EXPAND,
    LISTING,
    SPAN,
    Endpoint,
    filtered,
    in_span,
    one,
    page,
)
from portal.sandboxes.payments.parameters import Labels, merge_labels, need, one_of, text, whole
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.endpoints.calls import Call

STATUSES = one_of("pending", "in_transit", "paid", "failed", "canceled")


def list_movements(call: Call) -> Json:
    """GET /v1/balance_transactions: of one automatic payout, by source, type or currency."""
    found = filtered(call, "txn", "source", "type", "currency")
    if "payout" in call.params:
        payout = call.books.get("po", call.params["payout"], "payout")
        if not payout["automatic"]:
            raise StripeRefusal(
                "Balance transaction history can only be filtered on automatic transfers, not manual.", param="payout"
            )
        found = [movement for movement in found if movement["_payout"] == payout["id"]]
    return page(found, call)


def list_payouts(call: Call) -> Json:
    """GET /v1/payouts, by status, destination or day of arrival."""
    span = call.params.get("arrival_date", {})
    found = filtered(call, "po", "status", "destination")
    return page([payout for payout in found if in_span(payout["arrival_date"], span)], call)


def create_payout(call: Call) -> Json:
    """POST /v1/payouts."""
    need(call.params, "amount")
    need(call.params, "currency")
    return payouts.create(call.books, call.params)


def update_payout(call: Call) -> Json:
    """POST /v1/payouts/ID: labels alone."""
    payout = call.own("po")
    before = {"metadata": payout["metadata"]}
    if "metadata" in call.params:
        payout["metadata"] = merge_labels(payout["metadata"], call.params["metadata"])
    if payout["metadata"] != before["metadata"]:
        call.books.emit("payout.updated", payout, before)
    return payout


ENDPOINTS = (
    Endpoint("GET", "/v1/balance", EXPAND, lambda call: balance.told(call.books), "balance"),
    Endpoint(
        "GET",
        "/v1/balance_transactions",
        LISTING | {"currency": text, "payout": text, "source": text, "type": text},
        list_movements,
        "balance_transaction_source",
    ),
    Endpoint("GET", "/v1/balance_transactions/<id>", EXPAND, one("txn"), "balance_transaction_source"),
    Endpoint(
        "POST",
        "/v1/payouts",
        EXPAND
        | {
            "amount": whole,
            "currency": text,
            "description": text,
            "metadata": Labels(),
            "method": one_of("standard"),
            "source_type": one_of("card"),
            "statement_descriptor": text,
        },
        create_payout,
        "payout",
    ),
    Endpoint(
        "GET",
        "/v1/payouts",
        LISTING | {"arrival_date": SPAN, "destination": text, "status": STATUSES},
        list_payouts,
        "payout",
    ),
    Endpoint("GET", "/v1/payouts/<id>", EXPAND, one("po"), "payout"),
    Endpoint("POST", "/v1/payouts/<id>", EXPAND | {"metadata": Labels()}, update_payout, "payout"),
    Endpoint(
        "POST",
        "/v1/payouts/<id>/cancel",
        EXPAND,
        lambda call: payouts.cancel(call.books, call.own("po")),
        "payout",
    ),
)
