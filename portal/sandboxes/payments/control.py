"""The sandbox's own routes under /_sandbox: pay without a browser, plan faults, move the clock, read the log.

They want the API key, so that no web page in somebody's browser can press these buttons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from portal.sandboxes.payments import flow, shapes
from portal.sandboxes.payments.api import allowed_in
from portal.sandboxes.payments.faults import FaultError, planned
from portal.sandboxes.payments.means import means_named
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Books
    from portal.sandboxes.payments.delivery import Postman
    from portal.sandboxes.payments.faults import Faults

Answer = tuple[Response, int]
LONGEST_ADVANCE_S = 400 * 24 * 60 * 60


def create_control(books: Books, faults: Faults, postman: Postman) -> Blueprint:
    """The blueprint of the control routes."""
    control = Blueprint("payment_sandbox_control", __name__, url_prefix="/_sandbox")
    _guard(control, books)
    _money_routes(control, books)
    _fault_routes(control, faults)
    _observation_routes(control, books, postman)
    return control


def _guard(control: Blueprint, books: Books) -> None:
    @control.before_request
    def want_key() -> Answer | None:
        return None if allowed_in(books) else (jsonify(error="Send the sandbox's key as a bearer token."), 401)

    @control.errorhandler(StripeRefusal)
    def refused(refusal: StripeRefusal) -> Answer:
        return jsonify(error=refusal.error), refusal.status

    @control.errorhandler(FaultError)
    def no_fault(error: FaultError) -> Answer:
        return jsonify(error=str(error)), 400


def _money_routes(control: Blueprint, books: Books) -> None:
    @control.post("/merchants")
    def name_merchant() -> Response:
        """Name who is paid by sessions of a supplier: ``{"supplier_id": ..., "name": ...}``."""
        told = _told()
        with books.lock:
            books.merchants[str(told.get("supplier_id"))] = str(told.get("name"))
        return jsonify(named=len(books.merchants))

    @control.post("/pay/<session_id>")
    def pay(session_id: str) -> Response:
        """Pay a session with ``{"card": "4242..."}``; a 3-D Secure question is answered by ``{"confirm": true}``."""
        told = _told()
        means = means_named(str(told.get("card", "4242424242424242")))
        if means is None:
            raise StripeRefusal("No such test card; see the list on the hosted page.", param="card")
        with books.lock:
            session = books.get("cs", session_id)
            outcome = flow.pay_session(books, session, means, told.get("email"))
            payment = books.get("pi", session["payment_intent"])
            if outcome == "confirm" and "confirm" in told:
                outcome = flow.answer_confirmation(books, payment, accepted=bool(told["confirm"]))
            return jsonify(outcome=outcome, payment_intent=payment["id"])

    @control.post("/settle/<payment_id>")
    def settle(payment_id: str) -> Response:
        """End a delay now: ``{"decline": "insufficient_funds"}`` lets it fail."""
        with books.lock:
            payment = flow.settle(books, books.get("pi", payment_id), _told().get("decline"))
            return jsonify(shapes.public(payment))

    @control.post("/refunds/<refund_id>/fail")
    def fail_refund(refund_id: str) -> Response:
        """The payer's bank sends a refund back."""
        with books.lock:
            return jsonify(shapes.public(flow.fail_refund(books, books.get("re", refund_id))))

    @control.post("/disputes/<identifier>")
    def dispute(identifier: str) -> Response:
        """Open a dispute on a payment (``pi_...``), or close one (``dp_...``) with ``{"won": false}``."""
        told = _told()
        with books.lock:
            if identifier.startswith("dp_"):
                closed = flow.close_dispute(books, books.get("dp", identifier), won=bool(told.get("won")))
                return jsonify(closed)
            payment = books.get("pi", identifier)
            return jsonify(flow.open_dispute(books, payment, str(told.get("reason", "fraudulent"))))


def _fault_routes(control: Blueprint, faults: Faults) -> None:
    @control.get("/faults")
    def list_faults() -> Response:
        return jsonify(faults.told())

    @control.post("/faults")
    def plan_fault() -> Answer:
        fault = planned(_told())
        faults.plan(fault)
        return jsonify(fault.told()), 201

    @control.delete("/faults")
    def clear_faults() -> Response:
        faults.clear()
        return jsonify(faults.told())


def _observation_routes(control: Blueprint, books: Books, postman: Postman) -> None:
    @control.get("/log")
    def log() -> Response:
        """Calls and deliveries, oldest first, and how many deliveries are still to be made."""
        return jsonify(entries=list(books.log), pending=postman.pending())

    @control.post("/clock")
    def advance() -> Response:
        """Move the sandbox's clock forward by ``{"advance_s": n}``."""
        seconds = _told().get("advance_s")
        if not isinstance(seconds, int) or not 0 <= seconds <= LONGEST_ADVANCE_S:
            raise StripeRefusal(f"advance_s must be 0 to {LONGEST_ADVANCE_S} whole seconds.", param="advance_s")
        with books.lock:
            books.advanced_s += seconds
            flow.sweep(books)
            return jsonify(now=books.now())


def _told() -> dict[str, Any]:
    told = request.get_json(silent=True)
    return told if isinstance(told, dict) else {}
