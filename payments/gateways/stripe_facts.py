"""What Stripe's objects say about money: plain JSON objects in, payment facts out. No network, no library.

Shapes: API version 2026-10-28 (the one the pinned library speaks). Fields that an older webhook endpoint still sends,
such as the refunds inside a charge, are read where they are present.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from payments.gateways.port import FactKind, GatewayRefusedError, PaymentFact
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Facts = tuple[PaymentFact, ...]
    StripeJson = Mapping[str, Any]

PROVIDER = "stripe"

SAME_UNITS = frozenset(
    ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "MAD", "JPY", "XPF")
)
"""Currencies whose minor unit is the same for Stripe and ISO 4217. Others differ (ISK, UGX, TND): refused."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How we came to know of an object: when it was told (aware), and in which mode."""

    at: datetime
    livemode: bool


def money_of(minor: int, currency: str) -> Money:
    """Stripe's amount as money.

    Raises:
        GatewayRefusedError: ``gateway.currency_unknown`` where the minor units are not known to agree.
    """
    code = currency.upper()
    if code not in SAME_UNITS:
        raise GatewayRefusedError(
            f"The minor unit of {code} is not known to agree with Stripe's; add it after checking.",
            "gateway.currency_unknown",
        )
    return Money(minor, code)


def instant(seconds: int) -> datetime:
    """Stripe's Unix seconds as an aware UTC instant."""
    return datetime.fromtimestamp(seconds, UTC)


def facts_of_event(event: StripeJson) -> Facts:
    """The facts of one webhook event; none for a type that says nothing about money.

    Raises:
        GatewayRefusedError: ``gateway.malformed_event`` when the event has not Stripe's shape.
    """
    try:
        reader = READERS.get(event["type"])
        if reader is None:
            return ()
        return facts_in(reader, event["data"]["object"], Telling(instant(event["created"]), event["livemode"]))
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
        return (_payment_fact(payment, telling, FactKind.PROCESSING, _id(charge) or payment["id"], telling.at),)
    if status == "canceled":
        return (_payment_fact(payment, telling, FactKind.CANCELED, payment["id"], telling.at),)
    if status == "requires_payment_method" and error:
        # a failed authentication made no charge, and leaves the checkout open: it must not look like the payment's end
        tried = error.get("charge") or _id(charge) or f"{payment['id']}/try"
        return (_payment_fact(payment, telling, FactKind.FAILED, tried, telling.at),)
    return ()


def charge_facts(charge: StripeJson, telling: Telling) -> Facts:
    """The fact in a Charge; a charge without a PaymentIntent is not one of our checkouts."""
    payment_ref = _id(charge.get("payment_intent"))
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
        _fact(
            telling,
            kind=FactKind.REFUNDED if done else FactKind.REFUND_FAILED,
            payment_ref=_id(payment) or _id(refund.get("charge")),
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
    payment_ref = _id(session.get("payment_intent"))
    kind = _session_kind(session, payment_ref)
    if kind is None:
        return ()
    return (_session_fact(session, telling, kind, payment_ref if kind is FactKind.SUCCEEDED else session["id"]),)


def failed_session_facts(session: StripeJson, telling: Telling) -> Facts:
    """A delayed payment of a completed session failed: nobody can try again there, so the payment is closed."""
    return (_session_fact(session, telling, FactKind.FAILED, _id(session["payment_intent"])),)


def dispute_facts(dispute: StripeJson, telling: Telling) -> Facts:
    """The facts in a Dispute; inquiries (``warning_...``) move no money and are none."""
    status = dispute["status"]
    if status.startswith("warning") or status == "prevented":
        return ()
    kinds = [FactKind.DISPUTED]
    if status in {"lost", "won"}:
        kinds.append(FactKind.DISPUTE_LOST if status == "lost" else FactKind.DISPUTE_WON)
    return tuple(
        _fact(
            telling,
            kind=kind,
            payment_ref=_id(dispute.get("payment_intent")) or _id(dispute["charge"]),
            object_ref=dispute["id"],
            metadata=dispute.get("metadata"),
            amount=money_of(dispute["amount"], dispute["currency"]),
            occurred_at=instant(dispute["created"]) if kind is FactKind.DISPUTED else telling.at,
            method=(dispute.get("payment_method_details") or {}).get("type", ""),
            failure_code=dispute["reason"],
        )
        for kind in kinds
    )


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
    "charge.dispute.closed": dispute_facts,
}
"""The event types that say something about money; subscribe to these. Stripe lists at most 20 types at once."""


def _session_kind(session: StripeJson, payment_ref: str) -> FactKind | None:
    if session["status"] == "expired":
        return FactKind.SESSION_EXPIRED
    if session["status"] != "complete" or not payment_ref:
        return None
    return FactKind.SUCCEEDED if session["payment_status"] == "paid" else FactKind.SESSION_COMPLETED_UNPAID


def _session_fact(session: StripeJson, telling: Telling, kind: FactKind, object_ref: str) -> PaymentFact:
    return _fact(
        telling,
        kind=kind,
        payment_ref=_id(session.get("payment_intent")),
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
    return _fact(
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
    )


def _charge_fact(charge: StripeJson, telling: Telling, kind: FactKind, object_ref: str, minor: int) -> PaymentFact:
    failed = kind is FactKind.FAILED
    return _fact(
        telling,
        kind=kind,
        payment_ref=_id(charge["payment_intent"]),
        object_ref=object_ref,
        metadata=charge.get("metadata"),
        amount=money_of(minor, charge["currency"]),
        occurred_at=telling.at,
        method=(charge.get("payment_method_details") or {}).get("type", ""),
        failure_code=(charge.get("outcome") or {}).get("reason") or charge["failure_code"] if failed else None,
        fee=None if failed else _fee(charge.get("balance_transaction")),
    )


def _fact(
    telling: Telling,
    *,
    kind: FactKind,
    payment_ref: str,
    object_ref: str,
    metadata: StripeJson | None,
    amount: Money,
    occurred_at: datetime,
    method: str,
    failure_code: str | None = None,
    fee: Money | None = None,
) -> PaymentFact:
    return PaymentFact(
        provider=PROVIDER,
        kind=kind,
        payment_ref=payment_ref,
        object_ref=object_ref,
        supplier_id=_uuid((metadata or {}).get("supplier_id")),
        attempt_id=_uuid((metadata or {}).get("attempt_id")),
        amount=amount,
        occurred_at=occurred_at,
        method=method,
        failure_code=failure_code,
        fee=fee,
        livemode=telling.livemode,
    )


def _id(reference: Any) -> str:
    """The id of a reference, which Stripe sends as an id, as the whole object when expanded, or as null."""
    if isinstance(reference, dict):
        return str(reference["id"])
    return str(reference) if reference else ""


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


def _uuid(text: Any) -> UUID | None:
    """Our id in the metadata; None where another program wrote something else there."""
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None
