"""What GoCardless' events say about money: plain JSON in, payment facts out. No network, no library.

An event names an object and what happened to it, not the amount. So our own objects carry in their metadata whose they
are, which attempt they are for, and how much: metadata holds at most three keys of 500 characters. A payment's life is
``pending_submission``, ``submitted``, ``confirmed``, ``paid_out``; it may fail after it was confirmed (a *late
failure*) and be charged back long after it was paid out (receivables: Core debits for 8 weeks, unauthorised ones for
13 months). Whether a failure is the end of a try or money that went away again is told by the events before it:
`history_facts` reads them in order, so that webhooks may come in any.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from payments.gateways.port import FactKind, GatewayRefusedError, PaymentFact
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from payments.gateways.port import CheckoutOrder, SavedCharge

    Facts = tuple[PaymentFact, ...]
    GoCardlessJson = Mapping[str, Any]

PROVIDER = "gocardless"

CURRENCIES = frozenset(("EUR", "GBP", "USD", "CAD", "AUD", "NZD", "SEK", "DKK"))
"""What it collects in; all have cents, as in ISO 4217."""

SEPA, INSTANT = "sepa_debit", "instant"
SCHEMES = {
    "sepa_core": SEPA,
    "sepa_cor1": SEPA,
    "sepa_credit_transfer": INSTANT,
    "sepa_instant_credit_transfer": INSTANT,
    "faster_payments": INSTANT,
}
"""Its schemes in the words of the port."""

FINAL = {"confirmed": ("confirmed", "paid_out"), "paid_out": ("paid_out",)}
"""By ``final_at``: the events by which money counts as received. An earlier one that was missed is told by a later."""

UNDER_WAY = frozenset(("created", "customer_approval_granted", "submitted", "confirmed"))
AMBIGUOUS = frozenset(("failed", "charged_back", "chargeback_cancelled", "resubmission_requested"))
"""What they mean depends on what happened before."""
ENDED_MANDATES = frozenset(("cancelled", "failed", "expired", "consumed", "blocked", "suspended_by_payer"))


@dataclass(frozen=True, slots=True)
class Purpose:
    """What our metadata say of an object; ``rest`` is what only a checkout carries: its language and way back."""

    supplier_id: UUID | None
    attempt_id: UUID | None
    amount: Money
    method: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Finality:
    """When money counts as received, and in which mode we are."""

    final_at: str
    livemode: bool


def metadata_for(order: CheckoutOrder | SavedCharge, method: str, rest: str = "") -> dict[str, str]:
    """The three keys that we write on everything: supplier, attempt, and the amount with its method."""
    told = f"{order.amount.minor} {order.amount.currency} {method}"
    return {
        "supplier_id": str(order.supplier_id),
        "attempt_id": str(order.attempt_id),
        "amount": f"{told} {rest}" if rest else told,
    }


def purpose_in(metadata: GoCardlessJson | None) -> Purpose | None:
    """What the metadata say; None where they are not ours, for instance of a refund made in the dashboard."""
    told = metadata or {}
    parts = str(told.get("amount", "")).split(" ", 3)
    if len(parts) < 3 or not (parts[0].isascii() and parts[0].isdigit()):  # noqa: PLR2004 -- amount, currency, method
        return None
    amount = money_of(int(parts[0]), parts[1])
    rest = parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 -- same
    return Purpose(uuid_in(told, "supplier_id"), uuid_in(told, "attempt_id"), amount, parts[2], rest)


def uuid_in(metadata: GoCardlessJson | None, name: str) -> UUID | None:
    """Our id in the metadata; None where another program wrote something else there."""
    try:
        return UUID((metadata or {}).get(name))
    except (ValueError, TypeError, AttributeError):
        return None


def money_of(minor: int, currency: str) -> Money:
    """An amount of theirs as money.

    Raises:
        GatewayRefusedError: ``gateway.currency_unknown``.
    """
    if currency not in CURRENCIES:
        raise GatewayRefusedError(f"GoCardless does not collect in {currency}.", "gateway.currency_unknown")
    return Money(minor, currency)


def instant(text: str) -> datetime:
    """Their time, ISO 8601 with Z, as an aware instant.

    Raises:
        ValueError: it is no time, or says no zone.
    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone.")
    return read


def purpose_of_payment(payment: GoCardlessJson) -> Purpose:
    """What a payment is for, by its own amount: its metadata say the rest."""
    told = purpose_in(payment.get("metadata"))
    amount = money_of(payment["amount"], payment["currency"])
    method = SCHEMES.get(payment.get("scheme") or "", told.method if told else "")
    if told is None:
        metadata = payment.get("metadata")
        return Purpose(uuid_in(metadata, "supplier_id"), uuid_in(metadata, "attempt_id"), amount, method)
    return replace(told, amount=amount, method=method)


def payment_event_facts(event: GoCardlessJson, purpose: Purpose, how: Finality) -> Facts:
    """The facts of an unambiguous event about a payment."""
    action, payment_ref = event["action"], event["links"]["payment"]
    if action in FINAL[how.final_at]:
        return (_fact(event, purpose, how, FactKind.SUCCEEDED, payment_ref),)
    if action in UNDER_WAY:
        return (_fact(event, purpose, how, FactKind.PROCESSING, payment_ref),)
    if action == "cancelled":
        return (_fact(event, purpose, how, FactKind.CANCELED, payment_ref),)
    if action == "customer_approval_denied":
        return (_fact(event, purpose, how, FactKind.FAILED, payment_ref),)
    return ()


def history_facts(events: Iterable[GoCardlessJson], purpose: Purpose, how: Finality) -> Facts:
    """Everything that all the events of one payment say, in the order in which they happened."""
    facts: list[PaymentFact] = []
    taken = ""
    received, returns = False, 0
    for event in in_order(events):
        action, payment_ref = event["action"], event["links"]["payment"]
        comes_back = action == "chargeback_cancelled" or action in FINAL[how.final_at]
        if taken and comes_back:
            facts.append(_fact(event, purpose, how, FactKind.REFUND_FAILED, taken))
            taken = ""
        elif received and not taken and action in {"failed", "charged_back"}:
            returns += 1
            taken = return_ref(payment_ref, action, returns)
            facts.append(_fact(event, purpose, how, FactKind.DISPUTE_LOST, taken))
        elif action == "failed" and not received:
            facts.append(_fact(event, purpose, how, FactKind.FAILED, payment_ref))
        elif not received:
            told = payment_event_facts(event, purpose, how)
            received = any(fact.kind is FactKind.SUCCEEDED for fact in told)
            facts += told
    return tuple(facts)


def return_ref(payment_ref: str, action: str, number: int = 1) -> str:
    """The key of money that went away again: GoCardless has no object for it, a payment may do it more than once."""
    return f"{payment_ref}/{action}" if number == 1 else f"{payment_ref}/{action}/{number}"


def in_order(events: Iterable[GoCardlessJson]) -> list[GoCardlessJson]:
    """As they happened; they are listed newest first, and several may carry the same millisecond."""
    oldest_first = list(events)[::-1]
    return sorted(oldest_first, key=lambda event: instant(event["created_at"]))


def refund_event_facts(event: GoCardlessJson, payment_ref: str, purpose: Purpose, how: Finality) -> Facts:
    """The facts of an event about a refund: paid is gone; failed is here again, told with what it takes back."""
    action, refund_ref = event["action"], event["links"]["refund"]
    gone = _fact(event, purpose, how, FactKind.REFUNDED, refund_ref, payment_ref=payment_ref)
    if action == "paid":
        return (gone,)
    if action in {"failed", "bounced", "funds_returned"}:
        return (gone, _fact(event, purpose, how, FactKind.REFUND_FAILED, refund_ref, payment_ref=payment_ref))
    return ()


def checkout_event_facts(event: GoCardlessJson, how: Finality) -> Facts:
    """The facts of an event about a billing request, which is what a checkout is there."""
    purpose = purpose_in(event.get("resource_metadata"))
    kinds = {
        "fulfilled": FactKind.SESSION_COMPLETED_UNPAID,
        "cancelled": FactKind.SESSION_EXPIRED,
        "failed": FactKind.SESSION_EXPIRED,
    }
    if purpose is None or event["action"] not in kinds:
        return ()
    links = event["links"]
    payment_ref = links.get("payment_request_payment") or ""
    return (_fact(event, purpose, how, kinds[event["action"]], links["billing_request"], payment_ref=payment_ref),)


def mandate_ended(event: GoCardlessJson, how: Finality) -> Facts:
    """A mandate that can no longer be used."""
    metadata = event.get("resource_metadata")
    purpose = Purpose(uuid_in(metadata, "supplier_id"), uuid_in(metadata, "attempt_id"), Money(0, "EUR"), SEPA)
    mandate = event["links"]["mandate"]
    fact = _fact(event, purpose, how, FactKind.METHOD_ENDED, mandate, payment_ref="")
    return (replace(fact, method_ref=mandate, mandate_ref=mandate),)


def payout_event_facts(event: GoCardlessJson, payout: GoCardlessJson, how: Finality) -> Facts:
    """What reached the bank, or came back from it; ``payout`` says how much."""
    kinds = {"paid": FactKind.PAYOUT_PAID, "bounced": FactKind.PAYOUT_FAILED}
    amount = money_of(payout["amount"], payout["currency"])
    purpose = Purpose(None, None, amount)
    fact = _fact(event, purpose, how, kinds[event["action"]], payout["id"], payment_ref=payout["id"])
    return (replace(fact, fee=money_of(payout["deducted_fees"], payout["currency"])),)


def shares_of(amounts: Sequence[tuple[str, str]]) -> list[tuple[str, int]]:
    """Amounts in tenths of a cent as whole cents whose sum is the rounded sum: what is over goes on to the next.

    Payout items come as text with one decimal ("-1.5"), by their key; the payout itself in whole cents.
    """
    shares, exact, given = [], 0, 0
    for key, text in amounts:
        whole, _, tenth = text.partition(".")
        exact += int(whole) * 10 + int(f"-{tenth}" if whole.startswith("-") else tenth or "0")
        rounded = (exact + 5) // 10
        shares.append((key, rounded - given))
        given = rounded
    return shares


def _fact(
    event: GoCardlessJson,
    purpose: Purpose,
    how: Finality,
    kind: FactKind,
    object_ref: str,
    *,
    payment_ref: str | None = None,
) -> PaymentFact:
    details = event.get("details") or {}
    failed = kind in {FactKind.FAILED, FactKind.REFUND_FAILED, FactKind.DISPUTE_LOST, FactKind.METHOD_ENDED}
    return PaymentFact(
        provider=PROVIDER,
        kind=kind,
        payment_ref=event["links"]["payment"] if payment_ref is None else payment_ref,
        object_ref=object_ref,
        supplier_id=purpose.supplier_id,
        attempt_id=purpose.attempt_id,
        amount=purpose.amount,
        occurred_at=instant(event["created_at"]),
        method=SCHEMES.get(details.get("scheme") or "", purpose.method),
        failure_code=(details.get("reason_code") or details.get("cause")) if failed else None,
        fee=None,
        livemode=how.livemode,
        mandate_ref=event["links"].get("mandate"),
    )
