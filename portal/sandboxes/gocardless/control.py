"""The sandbox's own routes under /_sandbox: endpoints, pay without a browser, payouts, faults, the clock, the log.

They want the access token, so that no web page in somebody's browser can press these buttons.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from portal.sandboxes.gocardless import flow
from portal.sandboxes.gocardless.api import allowed_in
from portal.sandboxes.gocardless.books import Refusal, public
from portal.sandboxes.gocardless.scenarios import CHARGEBACK_CANCELLED
from portal.sandboxes.payments.faults import FaultError, planned

if TYPE_CHECKING:
    from portal.sandboxes.gocardless.books import Books
    from portal.sandboxes.gocardless.delivery import Postman
    from portal.sandboxes.payments.faults import Faults

Answer = tuple[Response, int]
LONGEST_ADVANCE_S = 400 * 24 * 60 * 60


def create_control(books: Books, faults: Faults, postman: Postman) -> Blueprint:
    """The blueprint of the control routes."""
    control = Blueprint("gocardless_sandbox_control", __name__, url_prefix="/_sandbox")
    _guard(control, books)
    _money_routes(control, books)
    _house_routes(control, books, faults, postman)
    return control


def _guard(control: Blueprint, books: Books) -> None:
    @control.before_request
    def want_key() -> Answer | None:
        return None if allowed_in(books) else (jsonify(error="Send the access token as a bearer token."), 401)

    @control.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Answer:
        return jsonify(refusal.body), refusal.status

    @control.errorhandler(FaultError)
    def no_fault(error: FaultError) -> Answer:
        return jsonify(error=str(error)), 400


def _money_routes(control: Blueprint, books: Books) -> None:
    @control.post("/pay/<identity>")
    def pay(identity: str) -> Response:
        """The payer of a billing request does their part: ``{"payer": "Penniless", "fall_back": false}``."""
        told = _told()
        with books.lock:
            wanted = books.get("billing_requests", identity)
            flow.fulfil(
                books, wanted, str(told.get("payer", "Successful")), "606", fall_back=bool(told.get("fall_back"))
            )
            return jsonify(public(wanted))

    @control.post("/payouts")
    def pay_out() -> Response:
        """Pay out what is confirmed: ``{"status": "paid"}`` lets it reach the bank at once."""
        with books.lock:
            payout = flow.make_payout(books)
            if payout and _told().get("status"):
                flow.end_payout(books, payout, str(_told()["status"]))
            return jsonify(public(payout) if payout else {})

    @control.post("/payouts/<identity>")
    def end_payout(identity: str) -> Response:
        """A payout on its way is ``paid`` or ``bounced``."""
        with books.lock:
            payout = books.get("payouts", identity)
            flow.end_payout(books, payout, str(_told().get("status", "paid")))
            return jsonify(public(payout))

    @control.post("/chargebacks/<identity>/cancel")
    def withdraw(identity: str) -> Response:
        """The payer's bank withdraws a chargeback."""
        with books.lock:
            payment = books.get("payments", identity)
            CHARGEBACK_CANCELLED(books, payment)
            return jsonify(public(payment))


def _house_routes(control: Blueprint, books: Books, faults: Faults, postman: Postman) -> None:
    @control.post("/endpoints")
    def add_endpoint() -> Answer:
        """Where webhooks go: ``{"url": ..., "secret": ...}``; the provider has a page for it."""
        told = _told()
        books.endpoints[str(told["url"])] = (str(told["url"]), str(told["secret"]))
        return jsonify(endpoints=list(books.endpoints)), 201

    @control.post("/merchants")
    def name_merchant() -> Response:
        """Name who is paid by checkouts of a supplier: ``{"supplier_id": ..., "name": ...}``."""
        told = _told()
        books.merchants[str(told.get("supplier_id"))] = str(told.get("name"))
        return jsonify(named=len(books.merchants))

    @control.post("/faults")
    def plan_fault() -> Answer:
        fault = planned({"path": "/", **_told()})
        faults.plan(fault)
        return jsonify(fault.told()), 201

    @control.delete("/faults")
    def clear_faults() -> Response:
        faults.clear()
        return jsonify(faults.told())

    @control.get("/log")
    def log() -> Response:
        """Calls and deliveries, oldest first, and how much is still to be delivered."""
        return jsonify(entries=list(books.log), pending=postman.pending())

    @control.post("/clock")
    def advance() -> Response:
        """Move the sandbox's clock forward by ``{"advance_s": n}``."""
        seconds = _told().get("advance_s")
        if not isinstance(seconds, int) or not 0 <= seconds <= LONGEST_ADVANCE_S:
            raise Refusal(f"advance_s must be 0 to {LONGEST_ADVANCE_S} whole seconds.", field="advance_s")
        with books.lock:
            books.advanced += timedelta(seconds=seconds)
        flow.sweep(books)
        return jsonify(now=books.stamp())


def _told() -> dict[str, Any]:
    told = request.get_json(silent=True)
    return told if isinstance(told, dict) else {}
