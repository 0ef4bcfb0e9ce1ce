"""What Stripe's objects say about money: plain JSON objects in, payment facts out. No network, no library.

Shapes: API version 2026-10-28 (the one the pinned library speaks). Fields that an older webhook endpoint still sends,
such as the refunds inside a charge, are read where they are present.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.gateways.port import FactKind, GatewayRefusedError
from payments.gateways.stripe_later_facts import (
    attached_facts,
    cash_facts,
    detached_facts,
    dispute_facts,
    mandate_facts,
    payout_facts,
)
from payments.gateways.stripe_reading import ONE_TRY, Telling, Whose, fact, instant, money_of, ref_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from payments.gateways.port import PaymentFact
    from payments.gateways.stripe_reading import Facts, StripeJson
    from receivables.domain.money import Money


def facts_of_event(event: StripeJson) -> Facts:
    """The facts of one webhook event; none for a type that says nothing about money.

    Raises:
        GatewayRefusedError: ``gateway.malformed_event`` when the event has not Stripe's shape.
    """
    try:
        reader = READERS.get(event["type"])
        if reader is None:
            return ()
        told = event["data"]["object"]
        if reader is detached_facts:  # whom it belonged to is only in what it was before
            told = {**told, "customer": (event["data"].get("previous_attributes") or {}).get("customer")}
        return facts_in(reader, told, Telling(instant(event["created"]), event["livemode"]))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise GatewayRefusedError(
            f"The event {str(event.get('id', '?'))[:60]} has not the shape of the API version we speak: {error!r}.",
            "gateway.malformed_event",
        ) from error


def facts_in(reader: Callable[[StripeJson, Telling], Facts], told: StripeJson, telling: Telling) -> Facts:
    """What ``reader`` finds in an object; nothing in a currency of another program on the same Stripe account.

    Raises:
        GatewayRefusedError: ``gateway.currency_unknown`` where the object is ours.
    """
    try:
        return reader(told, telling)
    except GatewayRefusedError:
        if (told.get("metadata") or {}).get("supplier_id"):
            raise
        return ()  # we open no checkout in such a currency, so it is not ours


def payment_facts(payment: StripeJson, telling: Telling) -> Facts:
    """The fact in a PaymentIntent's present status; none while the payer has not tried or must still confirm."""
    status, error = payment["status"], payment.get("last_payment_error")
    charge = payment.get("latest_charge")
    if status == "succeeded":
        at = _effective_at(charge) or telling.at
        return (_payment_fact(payment, telling, FactKind.SUCCEEDED, payment["id"], at),)
    if status == "processing":
        return (_payment_fact(payment, telling, FactKind.PROCESSING, ref_of(charge) or payment["id"], telling.at),)
    if status == "canceled":
        return (_payment_fact(payment, telling, FactKind.CANCELED, payment["id"], telling.at),)
    if status == "requires_payment_method" and error:
        # a failed authentication made no charge, and leaves the checkout open: it must not look like the payment's end
        once = (payment.get("metadata") or {}).get("tries") == ONE_TRY
        tried = payment["id"] if once else error.get("charge") or ref_of(charge) or f"{payment['id']}/try"
        return (_payment_fact(payment, telling, FactKind.FAILED, tried, telling.at),)
    return ()


def charge_facts(charge: StripeJson, telling: Telling) -> Facts:
    """The fact in a Charge; a charge without a PaymentIntent is not one of our checkouts."""
    payment_ref = ref_of(charge.get("payment_intent"))
    if not payment_ref:
        return ()
    if charge["status"] == "succeeded":
        if not charge["captured"]:
            return ()
        return (_charge_fact(charge, telling, FactKind.SUCCEEDED, payment_ref, charge["amount_captured"]),)
    kind = FactKind.PROCESSING if charge["status"] == "pending" else FactKind.FAILED
    return (_charge_fact(charge, telling, kind, charge["id"], charge["amount"]),)


def refunded_charge_facts(charge: StripeJson, telling: Telling) -> Facts:
    """One fact per refund inside a refunded Charge: only endpoints of an API before 2022-11-15 send them."""
    refunds = (charge.get("refunds") or {}).get("data", ())
    return tuple(
        fact
        for refund in refunds
        for fact in refund_facts({**refund, "metadata": {**charge["metadata"], **refund["metadata"]}}, telling)
    )


def refund_facts(refund: StripeJson, telling: Telling) -> Facts:
    """The fact in a Refund; none while it is pending, for the payer has nothing yet."""
    status = refund["status"]
    if status not in {"succeeded", "failed", "canceled"}:
        return ()
    done = status == "succeeded"
    payment = refund.get("payment_intent")
    metadata = refund.get("metadata") or (payment.get("metadata") if isinstance(payment, dict) else None)
    return (
        fact(
            telling,
            kind=FactKind.REFUNDED if done else FactKind.REFUND_FAILED,
            payment_ref=ref_of(payment) or ref_of(refund.get("charge")),
            object_ref=refund["id"],
            metadata=metadata,
            amount=money_of(refund["amount"], refund["currency"]),
            occurred_at=instant(refund["created"]) if done else telling.at,
            method=(refund.get("destination_details") or {}).get("type", ""),
            failure_code=None if done else refund.get("failure_reason") or status,
            fee=_fee(refund.get("balance_transaction")),
        ),
    )


def session_facts(session: StripeJson, telling: Telling) -> Facts:
    """The fact in a completed or expired Checkout Session: completed alone is not money."""
    payment_ref = ref_of(session.get("payment_intent"))
    kind = _session_kind(session, payment_ref)
    if kind is None:
        return ()
    return (_session_fact(session, telling, kind, payment_ref if kind is FactKind.SUCCEEDED else session["id"]),)


def failed_session_facts(session: StripeJson, telling: Telling) -> Facts:
    """A delayed payment of a completed session failed: nobody can try again there, so the payment is closed."""
    return (_session_fact(session, telling, FactKind.FAILED, ref_of(session["payment_intent"])),)


READERS: dict[str, Callable[[StripeJson, Telling], Facts]] = {
    "payment_intent.processing": payment_facts,
    "payment_intent.succeeded": payment_facts,
    "payment_intent.payment_failed": payment_facts,
    "payment_intent.canceled": payment_facts,
    "charge.pending": charge_facts,
    "charge.succeeded": charge_facts,
    "charge.failed": charge_facts,
    "charge.refunded": refunded_charge_facts,
    "charge.refund.updated": refund_facts,
    "refund.created": refund_facts,
    "refund.updated": refund_facts,
    "refund.failed": refund_facts,
    "checkout.session.completed": session_facts,
    "checkout.session.async_payment_succeeded": session_facts,
    "checkout.session.async_payment_failed": failed_session_facts,
    "checkout.session.expired": session_facts,
    "charge.dispute.created": dispute_facts,
    "charge.dispute.updated": dispute_facts,
    "charge.dispute.closed": dispute_facts,
    "charge.dispute.funds_withdrawn": dispute_facts,
    "charge.dispute.funds_reinstated": dispute_facts,
    "customer_cash_balance_transaction.created": cash_facts,
    "payment_method.attached": attached_facts,
    "payment_method.detached": detached_facts,
    "mandate.updated": mandate_facts,
    "payout.created": payout_facts,
    "payout.paid": payout_facts,
    "payout.failed": payout_facts,
    "payout.canceled": payout_facts,
    "payout.reconciliation_completed": payout_facts,
}
"""The event types that say something about money; subscribe to these."""


def _session_kind(session: StripeJson, payment_ref: str) -> FactKind | None:
    if session["status"] == "expired":
        return FactKind.SESSION_EXPIRED
    if session["status"] != "complete" or not payment_ref:
        return None
    return FactKind.SUCCEEDED if session["payment_status"] == "paid" else FactKind.SESSION_COMPLETED_UNPAID


def _session_fact(session: StripeJson, telling: Telling, kind: FactKind, object_ref: str) -> PaymentFact:
    return fact(
        telling,
        kind=kind,
        payment_ref=ref_of(session.get("payment_intent")),
        object_ref=object_ref,
        metadata=session.get("metadata"),
        amount=money_of(session["amount_total"], session["currency"]),
        occurred_at=telling.at,
        method=_only(session["payment_method_types"]),
    )


def _payment_fact(
    payment: StripeJson, telling: Telling, kind: FactKind, object_ref: str, occurred_at: datetime
) -> PaymentFact:
    error = (payment.get("last_payment_error") or {}) if kind is FactKind.FAILED else {}
    charge = payment.get("latest_charge")
    expanded = charge if isinstance(charge, dict) else {}
    tried = error.get("payment_method") or expanded.get("payment_method_details") or {}
    received = payment["amount_received"] if kind is FactKind.SUCCEEDED else payment["amount"]
    return fact(
        telling,
        kind=kind,
        payment_ref=payment["id"],
        object_ref=object_ref,
        metadata=payment.get("metadata"),
        amount=money_of(received, payment["currency"]),
        occurred_at=occurred_at,
        method=tried.get("type") or _only(payment["payment_method_types"]),
        failure_code=error.get("decline_code") or error.get("code"),
        fee=_fee(expanded.get("balance_transaction")) if kind is FactKind.SUCCEEDED else None,
        whose=Whose(ref_of(payment.get("customer")) or None, ref_of(payment.get("payment_method")) or None),
    )


def _charge_fact(charge: StripeJson, telling: Telling, kind: FactKind, object_ref: str, minor: int) -> PaymentFact:
    failed = kind is FactKind.FAILED
    details = charge.get("payment_method_details") or {}
    debit = details.get("sepa_debit") or {}
    return fact(
        telling,
        kind=kind,
        payment_ref=ref_of(charge["payment_intent"]),
        object_ref=object_ref,
        metadata=charge.get("metadata"),
        amount=money_of(minor, charge["currency"]),
        occurred_at=telling.at,
        method=details.get("type", ""),
        failure_code=(charge.get("outcome") or {}).get("reason") or charge["failure_code"] if failed else None,
        fee=None if failed else _fee(charge.get("balance_transaction")),
        whose=Whose(
            ref_of(charge.get("customer")) or None,
            ref_of(charge.get("payment_method")) or None,
            mandate_ref=ref_of(debit.get("mandate")) or None,
        ),
    )


def _only(methods: list[str]) -> str:
    """The method, where the object allows one only: it does not say which of several was used."""
    return methods[0] if len(methods) == 1 else ""


def _fee(movement: Any) -> Money | None:
    return money_of(movement["fee"], movement["currency"]) if isinstance(movement, dict) else None


def _effective_at(charge: Any) -> datetime | None:
    """When an expanded charge moved money: its balance transaction, for a debit is created days before."""
    if not isinstance(charge, dict):
        return None
    movement = charge.get("balance_transaction")
    return instant((movement if isinstance(movement, dict) else charge)["created"])
