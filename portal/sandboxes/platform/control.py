"""The sandbox's own levers, for tests and demonstrations: faults, the buyer's hand, what was received."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request

from portal.sandboxes.platform.faults import Fault, FaultKind, Operation
from portal.sandboxes.platform.flows import StoredFlow, flow_json
from portal.sandboxes.platform.guard import desk
from portal.sandboxes.platform.replies import Play, PlayError

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

control = Blueprint("platform_control", __name__, url_prefix="/_sandbox")


def _refuse(status: HTTPStatus, sentence: str) -> ResponseReturnValue:
    return jsonify(error=sentence), status


@control.get("/faults")
def faults() -> ResponseReturnValue:
    """The faults in waiting."""
    return jsonify(
        [
            {"kind": f.kind, "operation": f.operation, "times": f.times, "hold_s": f.hold_s}
            for f in desk().faults.waiting()
        ]
    )


@control.post("/faults")
def arm_fault() -> ResponseReturnValue:
    """Arm a fault: ``{kind, operation?, times? (null: until lifted), retry_after_s?, hold_s?}``."""
    body: Any = request.get_json(silent=True)
    if not isinstance(body, dict):
        return _refuse(HTTPStatus.BAD_REQUEST, "Send a JSON object with a kind.")
    try:
        times = body.get("times", 1)
        fault = Fault(
            kind=FaultKind(str(body.get("kind"))),
            operation=Operation(body["operation"]) if body.get("operation") else None,
            times=None if times is None else int(times),
            retry_after_s=int(body.get("retry_after_s", 1)),
            hold_s=float(body.get("hold_s", 2.0)),
        )
    except (TypeError, ValueError) as error:
        return _refuse(HTTPStatus.BAD_REQUEST, f"The fault cannot be read: {error}.")
    desk().faults.add(fault)
    return "", HTTPStatus.NO_CONTENT


@control.delete("/faults")
def lift_faults() -> ResponseReturnValue:
    """Lift all faults."""
    desk().faults.lift()
    return "", HTTPStatus.NO_CONTENT


@control.delete("/tokens")
def revoke_tokens() -> ResponseReturnValue:
    """Make every token invalid now."""
    desk().tokens.revoke_all()
    return "", HTTPStatus.NO_CONTENT


@control.get("/flows")
def flows() -> ResponseReturnValue:
    """All flows of all owners, least recently changed first, with what was read from them."""
    return jsonify([_told(flow) for flow in desk().store.ordered()])


@control.delete("/flows")
def forget_flows() -> ResponseReturnValue:
    """Empty the sandbox."""
    desk().store.clear()
    return "", HTTPStatus.NO_CONTENT


@control.get("/invoices")
def invoices() -> ResponseReturnValue:
    """Accepted invoices with their statuses and the sum of their 212."""
    store = desk().store
    with store.lock:
        return jsonify(
            [
                {
                    "number": invoice.facts.number,
                    "seller": invoice.facts.seller.siren,
                    "total": str(invoice.facts.total),
                    "currency": invoice.facts.currency,
                    "collected": str(invoice.collected),
                    "statuses": [held.code for held in invoice.statuses],
                }
                for invoice in store.invoices.values()
            ]
        )


@control.post("/invoices/<path:number>/statuses")
def play(number: str) -> ResponseReturnValue:
    """Play the buyer: ``{status, reason?, comment?, amount?, seller?}``."""
    body: Any = request.get_json(silent=True)
    if not isinstance(body, dict):
        return _refuse(HTTPStatus.BAD_REQUEST, "Send a JSON object with a status.")
    invoice = desk().store.invoice(number, body.get("seller"))
    if invoice is None:
        return _refuse(HTTPStatus.NOT_FOUND, f"No accepted invoice has the number {number}.")
    try:
        amount = Decimal(str(body["amount"])) if body.get("amount") else None
        played = Play(str(body.get("status")), body.get("reason"), body.get("comment"), amount)
        flow = desk().play(invoice, played)
    except (PlayError, InvalidOperation) as error:
        return _refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return jsonify(flowId=flow.flow_id), HTTPStatus.CREATED


def _told(flow: StoredFlow) -> dict[str, Any]:
    told: dict[str, Any] = {**flow_json(flow), "owner": flow.owner}
    if flow.facts:
        told["invoice"] = {"number": flow.facts.number, "total": str(flow.facts.total)}
    if flow.message:
        told["status"] = {
            "invoice": flow.message.invoice.number,
            "code": flow.message.status,
            "messageId": flow.message.message_id,
            "amounts": [
                {"kind": a.kind, "amount": str(a.amount), "rate": None if a.rate is None else str(a.rate)}
                for a in flow.message.amounts
            ],
        }
    return told
