"""Money that goes back to payers: at once to a card, days later to an account; some of it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import balance, cash, shapes
from portal.sandboxes.payments.agenda import DAY_S, business_days_after
from portal.sandboxes.payments.means import means_named
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json

SLOW = frozenset({"sepa_debit", "customer_balance"})
"""Methods whose refunds are a transfer, and pending until it has arrived."""

FAILURE_REASONS = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
)


def create(books: Books, params: Mapping[str, Any]) -> Json:
    """Give money back, all that is left unless told an amount.

    Raises:
        StripeRefusal: Nothing was captured, or less is left than asked for.
    """
    if params.get("origin") == "customer_balance":
        return _return_cash(books, params)
    charge = _refundable(books, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if not left:
        raise StripeRefusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= left:
        raise StripeRefusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}), or not above zero.",
            param="amount",
        )
    prefix = balance.kind_of(charge, "re", "pyr")
    refund = shapes.refund(books.new_id(prefix), books.now(), charge, amount, params)
    kind = balance.kind_of(charge, "refund", "payment_refund")
    refund["balance_transaction"] = balance.move(books, refund, -amount, kind=kind)["id"]
    books.add("re", refund)
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    _send(books, refund, charge, before)
    return refund


def succeed(books: Books, refund: Json) -> Json:
    """A pending refund has arrived.

    Raises:
        StripeRefusal: It is not pending.
    """
    if refund["status"] != "pending":
        raise StripeRefusal(f"This refund is {refund['status']}.")
    books.agenda.drop(refund["id"])
    refund.update(status="succeeded", pending_reason=None)
    books.emit("refund.updated", refund, {"status": "pending"})
    books.emit("charge.refund.updated", refund, {"status": "pending"})
    return refund


def fail(books: Books, refund: Json, reason: str = "expired_or_canceled_card") -> Json:
    """The payer's bank sends a refund back: the money is ours again.

    Raises:
        StripeRefusal: It failed or was canceled, or the provider has no such reason.
    """
    if refund["status"] not in {"pending", "succeeded"}:
        raise StripeRefusal(f"This refund is {refund['status']}.")
    if reason not in FAILURE_REASONS:
        raise StripeRefusal(f"reason must be one of {', '.join(FAILURE_REASONS)}.", param="reason")
    books.agenda.drop(refund["id"])
    before = {"status": refund["status"]}
    refund.update(status="failed", failure_reason=reason, pending_reason=None)
    charge = books.objects["ch"].get(refund["charge"])
    if charge is None:
        customer = books.get("cus", refund["customer"])
        cash.take_back(books, customer, refund["amount"], refund["currency"])
    else:
        kind = balance.kind_of(charge, "refund_failure", "payment_failure_refund")
        movement = balance.move(books, refund, refund["amount"], kind=kind)
        refund["failure_balance_transaction"] = movement["id"]
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
    books.emit("refund.failed", refund, before)
    books.emit("charge.refund.updated", refund, before)
    return refund


def end_as_planned(books: Books, refund: Json) -> None:
    """Time has come: a pending refund arrives, one to a broken card comes back."""
    if refund["status"] == "pending":
        succeed(books, refund)
    elif refund["status"] == "succeeded":
        fail(books, refund)


def _send(books: Books, refund: Json, charge: Json, before: Json) -> None:
    """Tell of the new refund; some arrive at once."""
    means = means_named(books.get("pm", charge["payment_method"])["_means"])
    slow = charge["payment_method_details"]["type"] in SLOW or (means is not None and means.refund == "slow")
    if slow:
        refund.update(status="pending", pending_reason="processing")
        books.agenda.put(refund["id"], business_days_after(books.now(), books.settings.refund_days))
    else:
        refund["status"] = "succeeded"
    books.emit("refund.created", refund)
    books.emit("charge.refunded", charge, before)
    if not slow:
        _name_reference(books, refund)
    if means is not None and means.refund == "broken":
        books.agenda.put(refund["id"], books.now() + DAY_S)


def _name_reference(books: Books, refund: Json) -> None:
    """The reference by which the payer's bank finds a refund."""
    method = refund["destination_details"]["type"]
    before = refund["destination_details"]
    named = {"reference": refund["id"][-12:].upper(), "reference_status": "available"}
    refund["destination_details"] = {"type": method, method: before[method] | named}
    books.emit("refund.updated", refund, {"destination_details": before})


def _refundable(books: Books, params: Mapping[str, Any]) -> Json:
    if "charge" in params:
        charge = books.get("ch", params["charge"], "charge")
    elif "payment_intent" in params:
        payment = books.get("pi", params["payment_intent"], "payment_intent")
        if payment["status"] != "succeeded":
            raise StripeRefusal(
                f"This PaymentIntent ({payment['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
            )
        charge = books.get("ch", payment["latest_charge"])
    else:
        raise StripeRefusal("One of charge, payment_intent is required.", code="parameter_missing", param="charge")
    if charge["disputed"] and not charge.get("_inquiry"):
        raise StripeRefusal(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    if not charge["captured"]:
        raise StripeRefusal(f"Charge {charge['id']} has not been captured.", code="charge_not_captured")
    return charge


def _return_cash(books: Books, params: Mapping[str, Any]) -> Json:
    """Give back what a customer transferred and no payment used; the account's own balance does not move."""
    for wanted in ("customer", "amount", "currency"):
        if wanted not in params:
            raise StripeRefusal(f"Missing required param: {wanted}.", code="parameter_missing", param=wanted)
    customer = books.get("cus", params["customer"], "customer")
    amount, currency = params["amount"], params["currency"]
    if not 0 < amount <= cash.cash_of(customer).get(currency, 0):
        raise StripeRefusal("The customer's cash balance is too low.", code="insufficient_funds", param="amount")
    refund = shapes.cash_refund(books.new_id("pyr"), books.now(), customer["id"], amount, params)
    books.add("re", refund)
    cash.send_back(books, customer, amount, currency)
    books.agenda.put(refund["id"], business_days_after(books.now(), books.settings.refund_days))
    books.emit("refund.created", refund)
    return refund
