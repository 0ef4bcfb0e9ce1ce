"""From GoCardless' events to facts, asking the API where an event alone leaves something open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from payments.gateways.gocardless_facts import (
    AMBIGUOUS,
    ENDED_MANDATES,
    FINAL,
    PROVIDER,
    SEPA,
    Finality,
    Purpose,
    checkout_event_facts,
    history_facts,
    instant,
    mandate_ended,
    money_of,
    payment_event_facts,
    payout_event_facts,
    purpose_in,
    purpose_of_payment,
    refund_event_facts,
    uuid_in,
)
from payments.gateways.port import FactKind, GatewayRefusedError, PaymentFact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from payments.gateways.gocardless_api import GoCardlessApi

    Json = dict[str, Any]
    Facts = tuple[PaymentFact, ...]

SAVED = "saved"
"""At the end of a mandate's amount: the payer agreed to later payments by it."""
REFUND_ENDS = frozenset(("paid", "failed", "bounced", "funds_returned"))


class Teller:
    """Tells facts of events.

    Raises:
        GatewayRefusedError: ``gateway.not_offered`` for another ``final_at`` than ``confirmed`` or ``paid_out``.
    """

    def __init__(self, api: GoCardlessApi, final_at: str) -> None:
        if final_at not in FINAL:
            raise GatewayRefusedError(
                f"final_at is {final_at!r}: give one of {', '.join(FINAL)}.", "gateway.not_offered"
            )
        self._api = api
        self._how = Finality(final_at, api.livemode)

    def facts_of(self, event: Json) -> Facts:
        """The facts of one event; none where it says nothing about money.

        Raises:
            GatewayRefusedError: ``gateway.malformed_event``, ``gateway.currency_unknown``.
            GatewayUnreachableError: what it leaves open could not be asked.
        """
        try:
            return self._read(event)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise GatewayRefusedError(
                f"The event {str(event.get('id', '?'))[:60]} has not the shape of their API: {error!r}.",
                "gateway.malformed_event",
            ) from error

    def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
        """What all events since say; the history of a payment in question once.

        Raises:
            GatewayRefusedError: Once everything else is yielded, the first event that could not be read.
        """
        unreadable: GatewayRefusedError | None = None
        told_whole: set[str] = set()
        for event in self._api.each("events", created_at__gte=since.astimezone(UTC).isoformat()):
            whole = (event.get("links") or {}).get("payment") if is_ambiguous(event) else None
            if whole in told_whole:
                continue
            try:
                facts = self.facts_of(event)
            except GatewayRefusedError as error:  # one odd event must not hide the others
                unreadable = unreadable or error
                continue
            if whole:
                told_whole.add(whole)
            yield from facts
        if unreadable is not None:
            raise unreadable

    def payment_facts(self, payment_ref: str) -> Facts:
        """The history of a payment, and its refunds."""
        purpose = purpose_of_payment(self._api.read("payments", payment_ref))
        facts = list(history_facts(self._api.each("events", payment=payment_ref), purpose, self._how))
        for refund in self._api.each("refunds", payment=payment_ref):
            for event in self._api.each("events", refund=refund["id"]):
                facts += self._refund_facts(event, refund)
        return tuple(facts)

    def _read(self, event: Json) -> Facts:
        resource, action = event["resource_type"], event["action"]
        if resource == "payments":
            return self._payment_facts(event)
        if resource == "refunds" and action in REFUND_ENDS:
            return self._refund_facts(event, None)
        if resource == "billing_requests":
            return checkout_event_facts(event, self._how)
        if resource == "mandates":
            return self._mandate_facts(event)
        if resource == "payouts" and action in {"paid", "bounced"}:
            return payout_event_facts(event, self._api.read("payouts", event["links"]["payout"]), self._how)
        return ()

    def _mandate_facts(self, event: Json) -> Facts:
        if event["action"] in ENDED_MANDATES:
            return mandate_ended(event, self._how)
        return self._saved(event) if event["action"] == "created" else ()

    def _payment_facts(self, event: Json) -> Facts:
        payment_ref = event["links"]["payment"]
        purpose = purpose_in(event.get("resource_metadata"))
        if purpose is None:
            purpose = purpose_of_payment(self._api.read("payments", payment_ref))
        if is_ambiguous(event):
            return history_facts(self._api.each("events", payment=payment_ref), purpose, self._how)
        return payment_event_facts(event, purpose, self._how)

    def _refund_facts(self, event: Json, refund: Json | None) -> Facts:
        """A refund made in the dashboard says nothing in its metadata: it is read, and its payment says whose it is."""
        purpose = purpose_in(event.get("resource_metadata"))
        payment_ref = event["links"].get("payment") or (refund or {}).get("links", {}).get("payment")
        if purpose is None or not payment_ref:
            known = refund or self._api.read("refunds", event["links"]["refund"])
            payment_ref = known["links"]["payment"]
            of_payment = purpose_of_payment(self._api.read("payments", payment_ref))
            purpose = replace(of_payment, amount=money_of(known["amount"], known["currency"]))
        return refund_event_facts(event, payment_ref, purpose, self._how)

    def _saved(self, event: Json) -> Facts:
        """A mandate that the payer agreed to use again; one for a single debit is not kept."""
        metadata = event.get("resource_metadata") or {}
        if not str(metadata.get("amount", "")).endswith(f" {SAVED}"):
            return ()
        mandate = self._api.read("mandates", event["links"]["mandate"])
        account = self._api.read("customer_bank_accounts", mandate["links"]["customer_bank_account"])
        purpose = Purpose(uuid_in(metadata, "supplier_id"), uuid_in(metadata, "attempt_id"), money_of(0, "EUR"), SEPA)
        fact = PaymentFact(
            provider=PROVIDER,
            kind=FactKind.METHOD_SAVED,
            payment_ref="",
            object_ref=mandate["id"],
            supplier_id=purpose.supplier_id,
            attempt_id=purpose.attempt_id,
            amount=purpose.amount,
            occurred_at=instant(event["created_at"]),
            method=SEPA,
            failure_code=None,
            fee=None,
            livemode=self._how.livemode,
            customer_ref=mandate["links"]["customer"],
            method_ref=mandate["id"],
            method_label=f"{account['bank_name']} •••• {account['account_number_ending']}",
            mandate_ref=mandate["id"],
        )
        return (fact,)


def is_ambiguous(event: Json) -> bool:
    """Whether only the history of its payment says what this event means."""
    return event.get("resource_type") == "payments" and event.get("action") in AMBIGUOUS
