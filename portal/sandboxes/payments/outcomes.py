"""How a try to pay ends: a charge, its money in the balance or its decline, and the checkout it completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandboxes.payments import balance, saving, shapes
from portal.sandboxes.payments.means import details

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Books, Json

ENDING_FAILURES = frozenset({"account_closed", "debit_not_authorized", "no_account", "bank_account_restricted"})
"""After these a mandate is not used again."""


def charge_with(books: Books, payment: Json, method: Json, mandate: Json | None) -> Json:
    """A new charge that tries ``payment`` with ``method``; pending until told otherwise."""
    means = saving.means_of(method)
    prefix = "ch" if method["type"] in {"card", "link"} else "py"
    told = details(means, mandate["id"] if mandate else None)
    charge = shapes.charge(books.new_id(prefix), books.now(), payment, told)
    billing = {name: method["billing_details"][name] for name in ("email", "name")}
    charge["billing_details"].update({name: value for name, value in billing.items() if value})
    charge["payment_method"] = method["id"]
    books.add("ch", charge)
    payment.update(latest_charge=charge["id"], payment_method=method["id"], next_action=None)
    return charge


def succeed(books: Books, payment: Json, charge: Json) -> None:
    """The money of ``charge`` is ours."""
    book(books, charge, payment["amount"])
    payment.update(status="succeeded", amount_received=payment["amount"], next_action=None, last_payment_error=None)
    books.emit("charge.succeeded", charge)
    books.emit("payment_intent.succeeded", payment)


def charge_transfer(books: Books, payment: Json) -> None:
    """A transfer has paid the whole: at once, or after the checkout was completed unpaid."""
    charge = charge_with(books, payment, books.get("pm", payment["_method"]), None)
    succeed(books, payment, charge)
    session = books.objects["cs"].get(payment["_session"])
    if session is None or session["status"] != "complete":
        complete_session(books, payment, "paid")
        return
    session["payment_status"] = "paid"
    books.emit("checkout.session.async_payment_succeeded", session)


def book(books: Books, charge: Json, amount: int) -> None:
    """The money of ``charge`` comes into the balance, less the fee."""
    method = charge["payment_method_details"]["type"]
    kind = balance.kind_of(charge, "charge", "payment")
    movement = balance.move(books, charge, amount, balance.fee_of(amount, method), kind=kind, waits=True)
    charge.update(status="succeeded", paid=True, captured=True, amount_captured=amount)
    charge["outcome"] = {"type": "authorized", "reason": None, "network_status": "approved_by_network"}
    charge["balance_transaction"] = movement["id"]


def fail(books: Books, payment: Json, charge: Json, decline: str) -> None:
    """The bank said no, for the reason ``decline``."""
    method = charge["payment_method_details"]["type"]
    card = method in {"card", "link"}
    code = "authentication_required" if decline == "authentication_required" else "card_declined"
    charge.update(status="failed", failure_code=code if card else decline, failure_message="The payment was declined.")
    charge["outcome"] = {"type": "issuer_declined", "reason": decline, "network_status": "declined_by_network"}
    payment["status"] = "requires_payment_method"
    payment["payment_method"] = None
    payment["last_payment_error"] = {
        "type": "card_error" if card else "invalid_request_error",
        "code": code if card else decline,
        "message": "The payment was declined.",
        "charge": charge["id"],
        "payment_method": shapes.public(books.get("pm", charge["payment_method"])),
    } | ({"decline_code": decline} if card else {})
    books.emit("charge.failed", charge)
    books.emit("payment_intent.payment_failed", payment)
    mandate = (charge["payment_method_details"].get("sepa_debit") or {}).get("mandate")
    if mandate and decline in ENDING_FAILURES:
        saving.end_mandate(books, books.get("mandate", mandate))


def complete_session(books: Books, payment: Json, payment_status: str) -> None:
    """The payer is done with the hosted page."""
    session = books.objects["cs"].get(payment["_session"])
    if session is not None:
        session.update(status="complete", payment_status=payment_status, url=None)
        books.agenda.drop(session["id"])
        books.emit("checkout.session.completed", session)
