"""The webhook calls of XP Z12-013 1.3.0."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import g, jsonify

from portal.sandboxes.platform.contract.flow import SCHEMAS
from portal.sandboxes.platform.contract.shapes import mismatch
from portal.sandboxes.platform.guard import ApiError, bad, desk, json_body, service
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
    body = json_body()
    problem = mismatch(body, SCHEMAS["WebhookParams"], SCHEMAS)
    if problem:
        raise bad("MISSING_REQUIRED_FIELD" if " lacks " in problem else "INVALID_FIELD", problem)
    webhook = desk().webhooks.subscribe(
        g.owner,
        body["callbackUrl"],
        tuple(body.get("flowTypes", ())),
        body.get("flowDirection"),
        body.get("ackStatus"),
    )
    if webhook is None:
        raise bad("TOO_MANY_WEBHOOKS", "Cancel a webhook before subscribing another.")
    return jsonify(shown_once(webhook)), HTTPStatus.CREATED


@service.delete("/v1/webhooks/<webhook_uid>")
def webhooks_cancel(webhook_uid: str) -> ResponseReturnValue:
    """End a subscription."""
    if mismatch(webhook_uid, SCHEMAS["WebhookId"], SCHEMAS):
        raise bad("INVALID_FIELD", "webhookUid is no UUID.")
    if not desk().webhooks.cancel(g.owner, webhook_uid):
        raise ApiError(HTTPStatus.NOT_FOUND, "MISSING_RESOURCE", "There is no such webhook.")
    return "", HTTPStatus.NO_CONTENT
