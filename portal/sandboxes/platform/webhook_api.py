"""The webhook calls of XP Z12-013 1.3.0."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import g, jsonify, request

from einvoice.platform.port import AckStatus, Direction
from portal.sandboxes.platform.guard import ApiError, bad, desk, service
from portal.sandboxes.platform.webhooks import shown_once

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@service.get("/v1/webhooks")
def webhooks_list() -> ResponseReturnValue:
    """The caller's subscriptions. The norm requires ``webhookIds`` but defines ``webhooks``: both are given."""
    mine = desk().webhooks.of(g.owner)
    return jsonify(
        count=len(mine),
        webhookIds=[webhook.webhook_id for webhook in mine],
        webhooks=[webhook.listed() for webhook in mine],
    )


@service.post("/v1/webhooks")
def webhooks_subscribe() -> ResponseReturnValue:
    """A new subscription; its signing key is shown here and never again."""
    body = request.get_json(silent=True)
    url = body.get("callbackUrl") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise bad("MISSING_REQUIRED_FIELD", "A webhook needs a callbackUrl.")
    types = body.get("flowTypes") or []
    if not isinstance(types, list) or not all(isinstance(kind, str) for kind in types):
        raise bad("INVALID_FIELD", "flowTypes is not a list.")
    direction, ack_status = body.get("flowDirection"), body.get("ackStatus")
    if direction not in {None, *Direction} or ack_status not in {None, *AckStatus}:
        raise bad("INVALID_FIELD", "flowDirection or ackStatus is not of the norm.")
    webhook = desk().webhooks.subscribe(g.owner, url, tuple(types), direction, ack_status)
    if webhook is None:
        raise bad("TOO_MANY_WEBHOOKS", "Cancel a webhook before subscribing another.")
    return jsonify(shown_once(webhook)), HTTPStatus.CREATED


@service.delete("/v1/webhooks/<webhook_uid>")
def webhooks_cancel(webhook_uid: str) -> ResponseReturnValue:
    """End a subscription."""
    if not desk().webhooks.cancel(g.owner, webhook_uid):
        raise ApiError(HTTPStatus.NOT_FOUND, "MISSING_RESOURCE", "There is no such webhook.")
    return "", HTTPStatus.NO_CONTENT
