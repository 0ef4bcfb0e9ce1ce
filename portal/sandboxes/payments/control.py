"""The sandbox's own routes under /_sandbox: play the payer and the banks, plan faults, move the clock, read the log.

They want a secret key, so that no web page in somebody's browser can press these buttons; the key, and a
Stripe-Account header, say which account they are about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from portal.sandboxes.payments import bank, cash, claims, clockwork, paying, payouts, refunds, saving, sessions, shapes
from portal.sandboxes.payments.agenda import DAY_S
from portal.sandboxes.payments.api import books_of_request
from portal.sandboxes.payments.faults import FaultError, planned
from portal.sandboxes.payments.means import means_named
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.accounts import Accounts
    from portal.sandboxes.payments.books import Books
    from portal.sandboxes.payments.delivery import Postman
    from portal.sandboxes.payments.faults import Faults

Answer = tuple[Response, int]
LONGEST_ADVANCE_S = 400 * DAY_S


def create_control(accounts: Accounts, faults: Faults, postman: Postman) -> Blueprint:
    """The blueprint of the control routes."""
    control = Blueprint("payment_sandbox_control", __name__, url_prefix="/_sandbox")
    _guard(control, accounts)
    _account_routes(control, accounts)
    _payer_routes(control, accounts)
    _bank_routes(control, accounts)
    _payout_routes(control, accounts)
    _fault_routes(control, faults)
    _observation_routes(control, accounts, postman)
    return control


def _guard(control: Blueprint, accounts: Accounts) -> None:
    @control.before_request
    def want_key() -> Answer | None:
        books_of_request(accounts)
        return None

    @control.errorhandler(StripeRefusal)
    def refused(refusal: StripeRefusal) -> Answer:
        return jsonify(error=refusal.error), refusal.status

    @control.errorhandler(FaultError)
    def no_fault(error: FaultError) -> Answer:
        return jsonify(error=str(error)), 400


def _account_routes(control: Blueprint, accounts: Accounts) -> None:
    @control.post("/merchants")
    def name_merchant() -> Response:
        """Name who is paid by sessions of a supplier: ``{"supplier_id": ..., "name": ...}``."""
        told, books = _told(), books_of_request(accounts)
        with books.lock:
            books.merchants[str(told.get("supplier_id"))] = str(told.get("name"))
        return jsonify(named=len(books.merchants))

    @control.post("/accounts")
    def open_account() -> Answer:
        """Open ``{"name": ...}``, connected to the first account, or alone with its own ``"key"``."""
        told = _told()
        key, account_id = told.get("key"), told.get("account")
        books = accounts.open(
            _text(told, "name"),
            key=str(key) if key is not None else None,
            account_id=str(account_id) if account_id is not None else None,
        )
        return jsonify(account=books.account_id, name=books.name), 201

    @control.post("/keys")
    def make_key() -> Answer:
        """A restricted key for ``{"permissions": ["rak_charge_read", ...]}``; without them a second secret key."""
        told, books = _told(), books_of_request(accounts)
        wanted = told.get("permissions")
        if wanted is not None and not (isinstance(wanted, list) and all(isinstance(one, str) for one in wanted)):
            raise StripeRefusal("permissions must be a list of names.", param="permissions")
        secret = f"{'sk' if wanted is None else 'rk'}_test_{accounts.mint.letters()}"
        key = accounts.add_key(secret, books.account_id, None if wanted is None else frozenset(wanted))
        return jsonify(key=key.secret, account=books.account_id, permissions=wanted), 201

    @control.delete("/keys/<secret>")
    def drop_key(secret: str) -> Response:
        """A key opens nothing any more."""
        accounts.drop_key(secret)
        return jsonify(dropped=True)


def _payer_routes(control: Blueprint, accounts: Accounts) -> None:
    @control.post("/pay/<session_id>")
    def pay(session_id: str) -> Response:
        """Pay a session with ``{"card": "4242..."}``, or save it; a question is answered by ``{"confirm": true}``."""
        told = _told()
        means = means_named(str(told.get("card", "4242424242424242")))
        if means is None:
            raise StripeRefusal("No such test card; see the list on the hosted page.", param="card")
        books = _books(accounts)
        with books.lock:
            session = books.get("cs", session_id)
            outcome = sessions.submit(books, session, means, told.get("email"))
            if outcome == "confirm" and "confirm" in told:
                outcome = sessions.answer(books, session, accepted=bool(told["confirm"]))
            return jsonify(
                outcome=outcome, payment_intent=session["payment_intent"], setup_intent=session["setup_intent"]
            )

    @control.post("/transfers")
    def transfer() -> Response:
        """Transfer ``{"customer", "amount", "reference", "sender"}`` to a customer's own account number."""
        told, books = _told(), _books(accounts)
        amount = told.get("amount")
        if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= paying.MOST_MINOR:
            raise StripeRefusal("amount must be whole cents above zero.", param="amount")
        with books.lock:
            customer = books.get("cus", _text(told, "customer"), "customer")
            movement = cash.fund(
                books,
                customer,
                amount,
                str(told.get("currency", "eur")),
                reference=str(told.get("reference", "")),
                sender=str(told.get("sender", customer["name"] or "")),
            )
            return jsonify(movement)

    @control.post("/mandates/<mandate_id>/end")
    def end_mandate(mandate_id: str) -> Response:
        """The payer revokes a mandate at the bank."""
        books = _books(accounts)
        with books.lock:
            return jsonify(saving.end_mandate(books, books.get("mandate", mandate_id)))


def _bank_routes(control: Blueprint, accounts: Accounts) -> None:
    @control.post("/settle/<payment_id>")
    def settle(payment_id: str) -> Response:
        """End a delay now: ``{"decline": "insufficient_funds"}`` lets it fail."""
        books = _books(accounts)
        with books.lock:
            return jsonify(shapes.public(paying.settle(books, books.get("pi", payment_id), _told().get("decline"))))

    @control.post("/returns/<payment_id>")
    def return_debit(payment_id: str) -> Response:
        """A SEPA debit that had succeeded comes back: ``{"code": "MD06"}``."""
        books = _books(accounts)
        with books.lock:
            payment = books.get("pi", payment_id)
            return jsonify(claims.return_debit(books, payment, str(_told().get("code", "MD06"))))

    @control.post("/refunds/<refund_id>/fail")
    def fail_refund(refund_id: str) -> Response:
        """The payer's bank sends a refund back; ``{"reason": ...}`` says why."""
        books, told = _books(accounts), _told()
        with books.lock:
            refund = books.get("re", refund_id)
            reason = str(told.get("reason", "expired_or_canceled_card"))
            return jsonify(shapes.public(refunds.fail(books, refund, reason)))

    @control.post("/refunds/<refund_id>/succeed")
    def end_refund(refund_id: str) -> Response:
        """A pending refund arrives."""
        books = _books(accounts)
        with books.lock:
            return jsonify(shapes.public(refunds.succeed(books, books.get("re", refund_id))))

    @control.post("/disputes/<identifier>")
    def dispute(identifier: str) -> Response:
        """Open a dispute on a payment (``pi_...``), or close one (``dp_...``) with ``{"won": false}``."""
        told, books = _told(), _books(accounts)
        with books.lock:
            if identifier.startswith("dp_"):
                return jsonify(claims.close(books, books.get("dp", identifier), won=bool(told.get("won"))))
            reason, inquiry = str(told.get("reason", "fraudulent")), bool(told.get("inquiry"))
            return jsonify(claims.open_dispute(books, books.get("pi", identifier), reason, inquiry=inquiry))

    @control.post("/disputes/<dispute_id>/escalate")
    def escalate(dispute_id: str) -> Response:
        """The bank's question becomes a dispute."""
        books = _books(accounts)
        with books.lock:
            return jsonify(claims.escalate(books, books.get("dp", dispute_id)))


def _payout_routes(control: Blueprint, accounts: Accounts) -> None:
    @control.post("/payouts")
    def pay_out() -> Response:
        """Run the automatic payouts now; ``{"pending": true}`` takes what is not available yet too."""
        books = _books(accounts)
        with books.lock:
            made = payouts.run(books, pending_too=bool(_told().get("pending")))
            return jsonify(payouts=[shapes.public(payout) for payout in made])

    @control.post("/payouts/<payout_id>/arrive")
    def arrive(payout_id: str) -> Response:
        """A payout arrives on the bank account now."""
        books = _books(accounts)
        with books.lock:
            return jsonify(shapes.public(payouts.arrive(books, books.get("po", payout_id))))

    @control.post("/payouts/<payout_id>/fail")
    def fail(payout_id: str) -> Response:
        """The bank sends a payout back: ``{"failure_code": "account_closed"}``."""
        books = _books(accounts)
        with books.lock:
            payout = books.get("po", payout_id)
            code = str(_told().get("failure_code", "account_closed"))
            return jsonify(shapes.public(payouts.fail(books, payout, code)))

    @control.get("/bank")
    def bank_view() -> Response:
        """What the supplier's bank account shows of the provider."""
        books = _books(accounts)
        with books.lock:
            return jsonify(bank.view(books))


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


def _observation_routes(control: Blueprint, accounts: Accounts, postman: Postman) -> None:
    @control.get("/log")
    def log() -> Response:
        """Calls and deliveries, oldest first, and how many deliveries are still to be made."""
        return jsonify(entries=list(accounts.first.log), pending=postman.pending())

    @control.post("/clock")
    def advance() -> Response:
        """Move the sandbox's clock forward by ``{"advance_s": n}`` or ``{"days": n}``."""
        told = _told()
        seconds = told.get("advance_s", told["days"] * DAY_S if isinstance(told.get("days"), int) else None)
        if not isinstance(seconds, int) or not 0 <= seconds <= LONGEST_ADVANCE_S:
            raise StripeRefusal(f"advance_s must be 0 to {LONGEST_ADVANCE_S} whole seconds.", param="advance_s")
        return jsonify(now=accounts.advance(seconds))


def _books(accounts: Accounts) -> Books:
    """The books of the request, as time has left them."""
    books = books_of_request(accounts)
    with books.lock:
        clockwork.sweep(books)
    return books


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise StripeRefusal(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return value


def _told() -> dict[str, Any]:
    told = request.get_json(silent=True)
    return told if isinstance(told, dict) else {}
