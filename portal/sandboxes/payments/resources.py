"""The resources of the simulated API: which parameters each call takes, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import flow, shapes
from portal.sandboxes.payments.means import PAYMENT_METHODS, means_named
from portal.sandboxes.payments.parameters import Labels, Several, flag, need, one_of, text, web_address, whole
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from portal.sandboxes.payments.books import Books, Json
    from portal.sandboxes.payments.parameters import Specification

MOST_PER_PAGE, USUAL_PER_PAGE = 100, 10

EXPAND: dict[str, Specification] = {"expand": Several(text)}
SPAN: dict[str, Specification] = {"gt": whole, "gte": whole, "lt": whole, "lte": whole}
LISTING: dict[str, Specification] = EXPAND | {
    "created": SPAN,
    "limit": whole,
    "starting_after": text,
    "ending_before": text,
}
PAYMENT_DATA: dict[str, Specification] = {"description": text, "metadata": Labels(), "receipt_email": text}
SESSION: dict[str, Specification] = EXPAND | {
    "adaptive_pricing": {"enabled": flag},
    "allowed_payment_method_types": Several(one_of("card", "sepa_debit")),
    "cancel_url": web_address,
    "client_reference_id": text,
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
    "mode": one_of("payment"),
    "payment_intent_data": PAYMENT_DATA,
    "submit_type": one_of("auto", "pay"),
    "success_url": web_address,
    "ui_mode": one_of("hosted_page"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets: the books (locked), the ids in the path, the parameters, and our public address."""

    books: Books
    ids: Mapping[str, str]
    params: Mapping[str, Any]
    base_url: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call of the API."""

    method: str
    rule: str
    takes: Mapping[str, Specification]
    answer: Callable[[Call], Json]


def listing(prefix: str, *filters: str) -> Callable[[Call], Json]:
    """The handler that lists objects, newest first, by creation span, ``filters`` and cursor."""

    def answer(call: Call) -> Json:
        things = reversed(call.books.objects[prefix].values())
        wanted = {name: call.params[name] for name in filters if name in call.params}
        found = [thing for thing in things if _in_span(thing, call.params.get("created", {}))]
        found = [thing for thing in found if all(thing[name] == value for name, value in wanted.items())]
        return _page(found, call)

    return answer


def one(prefix: str) -> Callable[[Call], Json]:
    """The handler that retrieves one object."""
    return lambda call: call.books.get(prefix, call.ids["id"])


def create_session(call: Call) -> Json:
    """POST /v1/checkout/sessions."""
    need(call.params, "mode")
    need(call.params, "success_url")
    for item in need(call.params, "line_items"):
        price = need(item, "price_data")
        need(item, "quantity")
        need(price, "currency")
        need(price, "unit_amount")
        need(need(price, "product_data"), "name")
    if "customer" in call.params:
        call.books.get("cus", call.params["customer"], "customer")
    return flow.open_session(call.books, call.params, call.base_url)


def line_items(call: Call) -> Json:
    """GET /v1/checkout/sessions/ID/line_items."""
    lines = call.books.get("cs", call.ids["id"])["_lines"]
    return shapes.page(
        [shapes.public(line) for line in lines], f"/v1/checkout/sessions/{call.ids['id']}/line_items", has_more=False
    )


def list_events(call: Call) -> Json:
    """GET /v1/events, by ``type`` or up to 20 ``types``."""
    types = call.params.get("types", [call.params["type"]] if "type" in call.params else [])
    most_types = 20
    if len(types) > most_types:
        raise StripeRefusal(f"types can have up to {most_types} entries.", param="types")
    events = [
        event
        for event in reversed(call.books.objects["evt"].values())
        if _in_span(event, call.params.get("created", {})) and (not types or event["type"] in types)
    ]
    return _page(events, call)


def create_payment(call: Call) -> Json:
    """POST /v1/payment_intents, with ``confirm`` if told."""
    amount, currency = need(call.params, "amount"), need(call.params, "currency")
    methods = call.params.get("allowed_payment_method_types", ["card"])
    payment = flow.new_payment(call.books, amount, currency, methods=methods, params=call.params)
    return _confirmed(call, payment) if call.params.get("confirm") else payment


def confirm_payment(call: Call) -> Json:
    """POST /v1/payment_intents/ID/confirm."""
    return _confirmed(call, call.books.get("pi", call.ids["id"]))


def create_customer(call: Call) -> Json:
    """POST /v1/customers."""
    return call.books.add("cus", shapes.customer(call.books.new_id("cus"), call.books.now(), call.params))


def create_endpoint(call: Call) -> Json:
    """POST /v1/webhook_endpoints: the only answer that shows the secret."""
    need(call.params, "url")
    need(call.params, "enabled_events")
    secret = call.books.new_id("whsec")
    endpoint = shapes.webhook_endpoint(call.books.new_id("we"), call.books.now(), secret, call.params)
    call.books.add("we", endpoint)
    return {**endpoint}


def list_endpoints(call: Call) -> Json:
    """GET /v1/webhook_endpoints, without secrets."""
    found = [_secretless(endpoint) for endpoint in reversed(call.books.objects["we"].values())]
    return _page(found, call)


def delete_endpoint(call: Call) -> Json:
    """DELETE /v1/webhook_endpoints/ID."""
    endpoint = call.books.get("we", call.ids["id"])
    del call.books.objects["we"][endpoint["id"]]
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


ENDPOINTS = (
    Endpoint("POST", "/v1/customers", EXPAND | PAYMENT_DATA | {"email": text, "name": text}, create_customer),
    Endpoint("GET", "/v1/customers", LISTING | {"email": text}, listing("cus", "email")),
    Endpoint("GET", "/v1/customers/<id>", EXPAND, one("cus")),
    Endpoint("POST", "/v1/checkout/sessions", SESSION, create_session),
    Endpoint(
        "GET",
        "/v1/checkout/sessions",
        LISTING | {"payment_intent": text, "customer": text, "status": one_of("open", "complete", "expired")},
        listing("cs", "payment_intent", "customer", "status"),
    ),
    Endpoint("GET", "/v1/checkout/sessions/<id>", EXPAND, one("cs")),
    Endpoint("GET", "/v1/checkout/sessions/<id>/line_items", LISTING, line_items),
    Endpoint(
        "POST",
        "/v1/checkout/sessions/<id>/expire",
        EXPAND,
        lambda call: flow.expire_session(call.books, call.books.get("cs", call.ids["id"])),
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents",
        EXPAND
        | PAYMENT_DATA
        | {
            "amount": whole,
            "currency": text,
            "customer": text,
            "payment_method": text,
            "confirm": flag,
            "allowed_payment_method_types": Several(one_of("card", "sepa_debit")),
        },
        create_payment,
    ),
    Endpoint("GET", "/v1/payment_intents", LISTING | {"customer": text}, listing("pi", "customer")),
    Endpoint("GET", "/v1/payment_intents/<id>", EXPAND, one("pi")),
    Endpoint("POST", "/v1/payment_intents/<id>/confirm", EXPAND | {"payment_method": text}, confirm_payment),
    Endpoint(
        "POST",
        "/v1/payment_intents/<id>/cancel",
        EXPAND | {"cancellation_reason": text},
        lambda call: flow.cancel_payment(
            call.books, call.books.get("pi", call.ids["id"]), call.params.get("cancellation_reason")
        ),
    ),
    Endpoint("GET", "/v1/charges", LISTING | {"payment_intent": text}, listing("ch", "payment_intent")),
    Endpoint("GET", "/v1/charges/<id>", EXPAND, one("ch")),
    Endpoint(
        "POST",
        "/v1/refunds",
        EXPAND
        | {
            "amount": whole,
            "charge": text,
            "payment_intent": text,
            "metadata": Labels(),
            "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
        },
        lambda call: flow.refund_charge(call.books, call.params),
    ),
    Endpoint(
        "GET",
        "/v1/refunds",
        LISTING | {"payment_intent": text, "charge": text},
        listing("re", "payment_intent", "charge"),
    ),
    Endpoint("GET", "/v1/refunds/<id>", EXPAND, one("re")),
    Endpoint(
        "GET",
        "/v1/disputes",
        LISTING | {"payment_intent": text, "charge": text},
        listing("dp", "payment_intent", "charge"),
    ),
    Endpoint("GET", "/v1/disputes/<id>", EXPAND, one("dp")),
    Endpoint(
        "GET", "/v1/balance_transactions", LISTING | {"source": text, "type": text}, listing("txn", "source", "type")
    ),
    Endpoint("GET", "/v1/balance_transactions/<id>", EXPAND, one("txn")),
    Endpoint("GET", "/v1/events", LISTING | {"type": text, "types": Several(text)}, list_events),
    Endpoint("GET", "/v1/events/<id>", EXPAND, one("evt")),
    Endpoint(
        "POST",
        "/v1/webhook_endpoints",
        EXPAND
        | {
            "url": web_address,
            "enabled_events": Several(text),
            "api_version": text,
            "description": text,
            "metadata": Labels(),
        },
        create_endpoint,
    ),
    Endpoint("GET", "/v1/webhook_endpoints", LISTING, list_endpoints),
    Endpoint("GET", "/v1/webhook_endpoints/<id>", EXPAND, lambda call: _secretless(one("we")(call))),
    Endpoint("DELETE", "/v1/webhook_endpoints/<id>", {}, delete_endpoint),
)


def _confirmed(call: Call, payment: Json) -> Json:
    means = means_named(PAYMENT_METHODS.get(call.params.get("payment_method", ""), ""))
    if means is None:
        raise StripeRefusal("No such test PaymentMethod.", code="resource_missing", param="payment_method")
    if flow.try_payment(call.books, payment, means) == "declined":
        error = payment["last_payment_error"]
        raise StripeRefusal(
            error["message"],
            status=402,
            kind="card_error",
            code=error["code"],
            decline_code=error["decline_code"],
            charge=error["charge"],
            payment_intent=shapes.public(payment),
        )
    return payment


def _secretless(endpoint: Json) -> Json:
    return {name: value for name, value in endpoint.items() if name != "secret"}


def _in_span(thing: Json, span: Mapping[str, int]) -> bool:
    made: int = thing["created"]
    return (
        made > span.get("gt", -1)
        and made >= span.get("gte", 0)
        and made < span.get("lt", made + 1)
        and made <= span.get("lte", made)
    )


def _page(found: list[Json], call: Call) -> Json:
    """One page of ``found`` (newest first), after or before the cursor."""
    limit = call.params.get("limit", USUAL_PER_PAGE)
    if not 0 < limit <= MOST_PER_PAGE:
        raise StripeRefusal(f"limit must be 1 to {MOST_PER_PAGE}.", param="limit")
    ids = [thing["id"] for thing in found]
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    for cursor in filter(None, (after, before)):
        if cursor not in ids:
            raise StripeRefusal(f"No such object: '{cursor}'", code="resource_missing", param="starting_after")
    rest = found[ids.index(after) + 1 :] if after else found
    if before:
        rest = found[max(0, ids.index(before) - limit) : ids.index(before)]
    return shapes.page([shapes.public(thing) for thing in rest[:limit]], "", has_more=len(rest) > limit)
