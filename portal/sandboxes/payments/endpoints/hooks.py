"""Events, and the endpoints that they are delivered to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import shapes
from portal.sandboxes.payments.endpoints.calls import EXPAND, LISTING, Endpoint, filtered, one, page
from portal.sandboxes.payments.parameters import Labels, Several, flag, need, text, web_address
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Json
    from portal.sandboxes.payments.endpoints.calls import Call

MOST_TYPES = 20
ENDPOINT = EXPAND | {
    "api_version": text,
    "connect": flag,
    "description": text,
    "enabled_events": Several(text),
    "metadata": Labels(),
    "url": web_address,
}


def list_events(call: Call) -> Json:
    """GET /v1/events, by ``type`` or up to 20 ``types``."""
    types = call.params.get("types", [call.params["type"]] if "type" in call.params else [])
    if len(types) > MOST_TYPES:
        raise StripeRefusal(f"types can have up to {MOST_TYPES} entries.", param="types")
    return page([event for event in filtered(call, "evt") if not types or event["type"] in types], call)


def create_endpoint(call: Call) -> Json:
    """POST /v1/webhook_endpoints: the only answer that shows the secret."""
    need(call.params, "url")
    need(call.params, "enabled_events")
    secret = call.books.new_id("whsec")
    endpoint = shapes.webhook_endpoint(call.books.new_id("we"), call.books.now(), secret, call.params)
    endpoint["_connect"] = call.params.get("connect", False)
    call.books.add("we", endpoint)
    return {**endpoint}


def list_endpoints(call: Call) -> Json:
    """GET /v1/webhook_endpoints, without secrets."""
    found = [_secretless(endpoint) for endpoint in reversed(call.books.objects["we"].values())]
    return page(found, call)


def delete_endpoint(call: Call) -> Json:
    """DELETE /v1/webhook_endpoints/ID."""
    endpoint = call.own("we")
    del call.books.objects["we"][endpoint["id"]]
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def _secretless(endpoint: Json) -> Json:
    return {name: value for name, value in endpoint.items() if name != "secret"}


ENDPOINTS = (
    Endpoint("GET", "/v1/events", LISTING | {"type": text, "types": Several(text)}, list_events, "event"),
    Endpoint("GET", "/v1/events/<id>", EXPAND, one("evt"), "event"),
    Endpoint("POST", "/v1/webhook_endpoints", ENDPOINT, create_endpoint, "webhook"),
    Endpoint("GET", "/v1/webhook_endpoints", LISTING, list_endpoints, "webhook"),
    Endpoint("GET", "/v1/webhook_endpoints/<id>", EXPAND, lambda call: _secretless(call.own("we")), "webhook"),
    Endpoint("DELETE", "/v1/webhook_endpoints/<id>", {}, delete_endpoint, "webhook"),
)
