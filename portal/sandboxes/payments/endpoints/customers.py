"""Customers, what they saved to pay with, their mandates, and the money that they transferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import cash, saving
from portal.sandboxes.payments import shapes_of_customers as shapes
from portal.sandboxes.payments.endpoints.calls import EXPAND, LISTING, PAGED, Endpoint, listing, one, page
from portal.sandboxes.payments.means import METHODS
from portal.sandboxes.payments.parameters import Labels, Several, clearable, merge_labels, need, one_of, text
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.endpoints.calls import Call
    from portal.sandboxes.payments.parameters import Specification

CUSTOMER: dict[str, Specification] = EXPAND | {
    "address": dict.fromkeys(shapes.ADDRESS, clearable),
    "description": clearable,
    "email": clearable,
    "metadata": Labels(),
    "name": clearable,
    "phone": clearable,
    "preferred_locales": Several(text),
}
METHOD: dict[str, Specification] = EXPAND | {
    "billing_details": {"email": text, "name": text, "phone": text, "address": dict.fromkeys(shapes.ADDRESS, text)},
    "metadata": Labels(),
    "sepa_debit": {"iban": text},
    "type": one_of("sepa_debit"),
}
EU_TRANSFER: Specification = {
    "eu_bank_transfer": {"country": one_of(*cash.COUNTRIES)},
    "requested_address_types": Several(one_of("iban", "sepa")),
    "type": one_of("eu_bank_transfer"),
}


def create_customer(call: Call) -> Json:
    """POST /v1/customers."""
    customer = shapes.customer(call.books.new_id("cus"), call.books.now(), _cleared(call))
    call.books.add("cus", customer)
    call.books.emit("customer.created", customer)
    return customer


def update_customer(call: Call) -> Json:
    """POST /v1/customers/ID: what is named changes; an empty text clears."""
    customer, told = call.own("cus"), _cleared(call)
    if "metadata" in told:
        told["metadata"] = merge_labels(customer["metadata"], told["metadata"])
    before = {name: customer[name] for name, value in told.items() if customer[name] != value}
    customer.update({name: told[name] for name in before})
    if before:
        call.books.emit("customer.updated", customer, before)
    return customer


def customers_methods(call: Call) -> Json:
    """GET /v1/customers/ID/payment_methods."""
    return _methods_of(call, call.own("cus")["id"])


def list_methods(call: Call) -> Json:
    """GET /v1/payment_methods: of one customer, by type."""
    if "customer" not in call.params:
        return page([], call)
    return _methods_of(call, call.books.get("cus", call.params["customer"], "customer")["id"])


def create_method(call: Call) -> Json:
    """POST /v1/payment_methods: an account to debit; cards are only typed on the hosted page."""
    need(call.params, "type")
    iban = need(need(call.params, "sepa_debit"), "iban")
    method = saving.make_debited(call.books, iban, call.params.get("billing_details", {}))
    method["metadata"] = call.params.get("metadata", {})
    return method


def attach(call: Call) -> Json:
    """POST /v1/payment_methods/ID/attach."""
    method = saving.named(call.books, call.ids["id"], "id")
    return saving.attach(call.books, method, need(call.params, "customer"))


def instruct(call: Call) -> Json:
    """POST /v1/customers/ID/funding_instructions."""
    currency = need(call.params, "currency")
    need(call.params, "funding_type")
    transfer = need(call.params, "bank_transfer")
    if currency != "eur":
        raise StripeRefusal("eu_bank_transfer is only for eur.", param="currency")
    country = need(need(transfer, "eu_bank_transfer"), "country")
    return shapes.funding_instructions(cash.account_of(call.books, call.own("cus"), country), currency)


def cash_movements(call: Call) -> Json:
    """GET /v1/customers/ID/cash_balance_transactions."""
    customer = call.own("cus")["id"]
    movements = reversed(call.books.objects["ccsbtxn"].values())
    return page([movement for movement in movements if movement["customer"] == customer], call)


def cash_movement(call: Call) -> Json:
    """GET /v1/customers/ID/cash_balance_transactions/ID."""
    call.own("cus")
    return call.books.get("ccsbtxn", call.ids["movement_id"])


def _cleared(call: Call) -> Json:
    """The parameters, with null for what is to be cleared."""
    return {name: value if value != "" else None for name, value in call.params.items() if name != "expand"}


def _methods_of(call: Call, customer_id: str) -> Json:
    methods = reversed(call.books.objects["pm"].values())
    wanted = call.params.get("type")
    mine = [one for one in methods if one["customer"] == customer_id and wanted in {None, one["type"]}]
    return page(mine, call)


ENDPOINTS = (
    Endpoint("POST", "/v1/customers", CUSTOMER, create_customer, "customer"),
    Endpoint("GET", "/v1/customers", LISTING | {"email": text}, listing("cus", "email"), "customer"),
    Endpoint("GET", "/v1/customers/<id>", EXPAND, one("cus"), "customer"),
    Endpoint("POST", "/v1/customers/<id>", CUSTOMER, update_customer, "customer"),
    Endpoint(
        "GET",
        "/v1/customers/<id>/payment_methods",
        PAGED | {"type": one_of(*METHODS)},
        customers_methods,
        "payment_method",
    ),
    Endpoint(
        "POST",
        "/v1/customers/<id>/funding_instructions",
        EXPAND | {"currency": text, "funding_type": one_of("bank_transfer"), "bank_transfer": EU_TRANSFER},
        instruct,
        "customer",
    ),
    Endpoint(
        "GET", "/v1/customers/<id>/cash_balance", EXPAND, lambda call: cash.balance_of(call.own("cus")), "customer"
    ),
    Endpoint("GET", "/v1/customers/<id>/cash_balance_transactions", PAGED, cash_movements, "customer"),
    Endpoint("GET", "/v1/customers/<id>/cash_balance_transactions/<movement_id>", EXPAND, cash_movement, "customer"),
    Endpoint("POST", "/v1/payment_methods", METHOD, create_method, "payment_method"),
    Endpoint(
        "GET",
        "/v1/payment_methods",
        PAGED | {"customer": text, "type": one_of(*METHODS)},
        list_methods,
        "payment_method",
    ),
    Endpoint("GET", "/v1/payment_methods/<id>", EXPAND, one("pm"), "payment_method"),
    Endpoint("POST", "/v1/payment_methods/<id>/attach", EXPAND | {"customer": text}, attach, "payment_method"),
    Endpoint(
        "POST",
        "/v1/payment_methods/<id>/detach",
        EXPAND,
        lambda call: saving.detach(call.books, call.own("pm")),
        "payment_method",
    ),
    Endpoint("GET", "/v1/mandates/<id>", EXPAND, one("mandate"), "mandate"),
)
