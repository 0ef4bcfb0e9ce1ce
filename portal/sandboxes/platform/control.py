"""The sandbox's own levers, for tests and demonstrations: faults, tokens, the clock, what was received."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request

from portal.sandboxes.platform.faults import Fault, FaultKind, Operation, RandomFaults
from portal.sandboxes.platform.flows import StoredFlow, flow_json
from portal.sandboxes.platform.guard import desk

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

control = Blueprint("platform_control", __name__, url_prefix="/_sandbox")
RANDOM = "random"
"""The kind by which a control call asks for faults that are drawn."""
LONGEST_SKIP_S = 10 * 366 * 24 * 3600.0
MOST_WAIT_S = 30.0


class LeverError(ValueError):
    """A lever that was pulled in a way that it cannot move; the sentence says why."""

    def __init__(self, sentence: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(sentence)
        self.status = status


@control.errorhandler(LeverError)
def refuse(error: LeverError) -> ResponseReturnValue:
    """``{error}`` with its status."""
    return jsonify(error=str(error)), error.status


def read_body() -> dict[str, Any]:
    """The JSON object of the request."""
    body: Any = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise LeverError("Send a JSON object.")
    return body


# --- faults ----------------------------------------------------------------------------------------------------------


@control.get("/faults")
def faults() -> ResponseReturnValue:
    """The faults in waiting; the last one may be those that are drawn, with how often each kind struck."""
    told: list[dict[str, Any]] = [
        {"kind": f.kind, "operation": f.operation, "times": f.times, "hold_s": f.hold_s}
        for f in desk().faults.waiting()
    ]
    drawn = desk().faults.drawn
    if drawn:
        told.append({"kind": RANDOM, "rate": drawn.rate, "seed": drawn.seed, "struck": drawn.struck})
    return jsonify(told)


@control.post("/faults")
def arm_fault() -> ResponseReturnValue:
    """Arm a fault.

    ``{kind, operation?, times? (null: until lifted), retry_after_s?, hold_s?}``, or faults that are drawn:
    ``{kind: "random", rate, seed?, kinds?, operations?, retry_after_s?, hold_s?}``.
    """
    body = read_body()
    try:
        if body.get("kind") == RANDOM:
            desk().faults.draw_from(_random_faults(body))
        else:
            desk().faults.add(_fault(body))
    except (TypeError, ValueError, OverflowError) as error:
        raise LeverError(f"The fault cannot be read: {error}.") from error
    return "", HTTPStatus.NO_CONTENT


def _fault(body: dict[str, Any]) -> Fault:
    times = body.get("times", 1)
    return Fault(
        kind=FaultKind(str(body.get("kind"))),
        operation=Operation(body["operation"]) if body.get("operation") else None,
        times=None if times is None else int(times),
        retry_after_s=int(body.get("retry_after_s", 1)),
        hold_s=float(body.get("hold_s", 2.0)),
    )


def _random_faults(body: dict[str, Any]) -> RandomFaults:
    return RandomFaults(
        rate=float(body.get("rate", 0.2)),
        seed=int(body.get("seed", 0)),
        kinds=tuple(FaultKind(kind) for kind in body.get("kinds", FaultKind)),
        operations=tuple(Operation(each) for each in body.get("operations", Operation)),
        retry_after_s=int(body.get("retry_after_s", 1)),
        hold_s=float(body.get("hold_s", 2.0)),
    )


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


@control.delete("/webhooks")
def end_webhooks() -> ResponseReturnValue:
    """End all subscriptions of all clients."""
    desk().webhooks.clear()
    return "", HTTPStatus.NO_CONTENT


# --- time ------------------------------------------------------------------------------------------------------------


@control.get("/clock")
def clock() -> ResponseReturnValue:
    """How wrong the platform's clock is, and how much is still to come (acknowledgements, steps of scenarios)."""
    return jsonify(skew_s=desk().store.skew_s, waiting=desk().agenda.waiting)


@control.post("/clock")
def drive_clock() -> ResponseReturnValue:
    """Skip waiting, or let the platform's clock be wrong: ``{skip_s?, skew_s?}``.

    ``skip_s`` brings everything forward that is to happen within so many seconds, and answers when it is done;
    ``skew_s`` shifts ``submittedAt`` and ``updatedAt`` from now on.
    """
    body = read_body()
    skip_s, skew_s = _seconds(body, "skip_s"), _seconds(body, "skew_s")
    if skew_s is not None:
        desk().store.set_skew(skew_s)
    done = True
    if skip_s is not None:
        if skip_s < 0:
            raise LeverError("skip_s cannot go back.")
        done = desk().agenda.skip(skip_s, patience_s=MOST_WAIT_S)
    return jsonify(skew_s=desk().store.skew_s, waiting=desk().agenda.waiting, done=done)


def _seconds(body: dict[str, Any], name: str) -> float | None:
    given = body.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given) <= LONGEST_SKIP_S:
        raise LeverError(f"{name} is no number of seconds up to {LONGEST_SKIP_S:.0f}.")
    return float(given)


# --- what was received -----------------------------------------------------------------------------------------------


@control.get("/flows")
def flows() -> ResponseReturnValue:
    """All flows of all owners, least recently changed first, with what was read from them."""
    return jsonify([_told(flow) for flow in desk().store.ordered()])


@control.delete("/flows")
def forget_flows() -> ResponseReturnValue:
    """Empty the sandbox: flows, invoices, reports, and what was still to come."""
    desk().forget()
    return "", HTTPStatus.NO_CONTENT


@control.get("/reports")
def reports() -> ResponseReturnValue:
    """The reports (Flux 10) in force, by declarant, kind and period."""
    return jsonify(
        [
            {
                "siren": siren,
                "role": role,
                "part": part,
                "period": [starts_on.isoformat(), ends_on.isoformat()],
                "reports": [each.number for each in held],
            }
            for (siren, role, part, starts_on, ends_on), held in list(desk().declarations.in_force.items())
        ]
    )


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
