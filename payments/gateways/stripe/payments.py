"""What Stripe says of payments: the facts of webhooks, of missed ones, of one payment now; and giving money back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config import clock
from payments.gateways.port import GatewayRefusedError
from payments.gateways.stripe.calls import PAGE, StripeCalls, asking, keyed
from payments.gateways.stripe_facts import READERS, facts_in, facts_of_event, payment_facts, refund_facts
from payments.gateways.stripe_later_facts import dispute_facts, payout_facts
from payments.gateways.stripe_reading import Telling, money_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from stripe.params import RefundCreateParams

    from payments.gateways.port import PaymentFact
    from receivables.domain.money import Money

EVENT_RETENTION = timedelta(days=29)
"""Stripe lists events of the last 30 days; older facts are read from the objects, with a day to spare."""

LONGEST_PAYMENT = timedelta(days=45)
"""From the creation of a payment to its outcome: a SEPA debit takes up to 14 business days, a refund 10."""

MOST_TYPES = 20
"""Event types that Stripe lists in one request."""

_OURS = ("supplier_id", "attempt_id", "invoice")
"""The metadata that we write on everything."""


class Payments(StripeCalls):
    """Facts about payments, and refunds."""

    def facts_of(self, event: bytes) -> tuple[PaymentFact, ...]:
        """The facts of a verified webhook body. See `Gateway.facts_of`.

        A platform's endpoint hears of all its connected accounts: what names another account is none of ours.
        """
        try:
            told = json.loads(event)
        except (ValueError, RecursionError) as error:
            raise GatewayRefusedError("The event is not JSON.", "gateway.malformed_event") from error
        if not isinstance(told, dict) or told.get("object") != "event":
            raise GatewayRefusedError("The body is not an event of the provider.", "gateway.malformed_event")
        self._own_mode(told.get("livemode"), f"The event {str(told.get('id', '?'))[:60]}")
        if told.get("account") != self._account:
            return ()
        return facts_of_event(told)

    def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
        """Facts from the list of events and, past its 30 days, from payments, refunds and disputes themselves.

        Raises:
            GatewayRefusedError: Once everything else is yielded, the first event that could not be read.
        """
        yield from self._facts_of_events(since)
        if clock.now() - since > EVENT_RETENTION:
            yield from self._facts_of_objects(since - LONGEST_PAYMENT)

    def refund(self, payment_ref: str, amount: Money, key: str) -> str:
        """Refund part or all of a payment. See `Gateway.refund`.

        Raises:
            GatewayRefusedError: The payment is in another currency, or less than ``amount`` is left of it.
        """
        with asking("read the payment", changes=False):
            payment = self._client.v1.payment_intents.retrieve(payment_ref).to_dict()
        self._own_mode(payment["livemode"], payment_ref)
        if money_of(0, payment["currency"]).currency != amount.currency:
            raise GatewayRefusedError(f"{payment_ref} is not in {amount.currency}; refund it in its own currency.")
        params: RefundCreateParams = {
            "payment_intent": payment_ref,
            "amount": amount.minor,
            # the refund's own events carry no other trace of the supplier
            "metadata": {name: payment["metadata"][name] for name in _OURS if name in payment["metadata"]},
        }
        return self._change("refund the payment", lambda: self._client.v1.refunds.create(params, keyed(key))).id

    def fetch_payment(self, payment_ref: str) -> tuple[PaymentFact, ...]:
        """The payment with its fee, its refunds and its disputes, as they are now."""
        telling = Telling(clock.now(), self.livemode)
        with asking("read the payment", changes=False):
            payment = self._client.v1.payment_intents.retrieve(
                payment_ref, params={"expand": ["latest_charge.balance_transaction"]}
            ).to_dict()
            self._own_mode(payment["livemode"], payment_ref)
            refunds = self._client.v1.refunds.list(
                params={"payment_intent": payment_ref, "limit": PAGE, "expand": ["data.balance_transaction"]}
            )
            disputes = self._client.v1.disputes.list(params={"payment_intent": payment_ref, "limit": PAGE})
            facts = list(payment_facts(payment, telling))
            for refund in refunds.auto_paging_iter():
                facts += refund_facts(_with_our_metadata(refund.to_dict(), payment), telling)
            for dispute in disputes.auto_paging_iter():
                facts += dispute_facts(_with_our_metadata(dispute.to_dict(), payment), telling)
        return tuple(facts)

    def _facts_of_events(self, since: datetime) -> Iterator[PaymentFact]:
        unreadable: GatewayRefusedError | None = None
        types = list(READERS)
        for start in range(0, len(types), MOST_TYPES):
            with asking("list the events", changes=False):
                events = self._client.v1.events.list(
                    params={
                        "created": {"gte": int(since.timestamp())},
                        "types": types[start : start + MOST_TYPES],
                        "limit": PAGE,
                    }
                )
                for event in events.auto_paging_iter():
                    told = event.to_dict()
                    try:
                        facts = facts_of_event(told)
                    except GatewayRefusedError as error:  # one odd event must not hide the others
                        unreadable = unreadable or error
                        continue
                    yield from facts
        if unreadable is not None:
            raise unreadable

    def _facts_of_objects(self, since: datetime) -> Iterator[PaymentFact]:
        telling = Telling(clock.now(), self.livemode)
        created = int(since.timestamp())
        with asking("list the payments", changes=False):
            payments = self._client.v1.payment_intents.list(
                params={
                    "created": {"gte": created},
                    "limit": PAGE,
                    "expand": ["data.latest_charge.balance_transaction"],
                }
            )
            for payment in payments.auto_paging_iter():
                yield from facts_in(payment_facts, payment.to_dict(), telling)
            refunds = self._client.v1.refunds.list(
                params={"created": {"gte": created}, "limit": PAGE, "expand": ["data.payment_intent"]}
            )
            for refund in refunds.auto_paging_iter():
                yield from facts_in(refund_facts, refund.to_dict(), telling)
            disputes = self._client.v1.disputes.list(params={"created": {"gte": created}, "limit": PAGE})
            for dispute in disputes.auto_paging_iter():
                yield from facts_in(dispute_facts, dispute.to_dict(), telling)
            payouts = self._client.v1.payouts.list(params={"created": {"gte": created}, "limit": PAGE})
            for payout in payouts.auto_paging_iter():
                yield from facts_in(payout_facts, payout.to_dict(), telling)


def _with_our_metadata(told: dict[str, Any], payment: dict[str, Any]) -> dict[str, Any]:
    """``told`` with the payment's metadata below its own: a refund from the dashboard carries none."""
    return {**told, "metadata": {**payment["metadata"], **(told.get("metadata") or {})}}
