"""Stripe behind the port: hosted Checkout, refunds, and the facts of its events. The only place that imports stripe.

A request that makes something carries an idempotency key of ours, so that repeating it is safe; a request whose answer
is lost is *in doubt*, never assumed done or undone. Test and live money never mix: the key decides the mode.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import stripe

from config import clock
from payments.gateways.port import (
    GatewayDeclinedError,
    GatewayError,
    GatewayInDoubtError,
    GatewayRefusedError,
    GatewayUnreachableError,
    OpenCheckout,
)
from payments.gateways.stripe_facts import (
    READERS,
    Telling,
    dispute_facts,
    facts_in,
    facts_of_event,
    instant,
    money_of,
    payment_facts,
    refund_facts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from stripe import RequestOptions
    from stripe.checkout import Session
    from stripe.params import RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

    from payments.gateways.port import CheckoutOrder, PaymentFact
    from receivables.domain.money import Money

Changed = TypeVar("Changed")

PAGE = 100
"""Objects per list request: Stripe's most."""

EVENT_RETENTION = timedelta(days=29)
"""Stripe lists events of the last 30 days; older facts are read from the objects, with a day to spare."""

LONGEST_PAYMENT = timedelta(days=45)
"""From the creation of a payment to its outcome: a SEPA debit takes up to 14 business days, a refund 10."""

SESSION_SEARCH_BEFORE = timedelta(minutes=5)
"""How far Stripe's clock may be behind ours when we look for the session of an attempt."""

SESSION_SEARCH_AFTER = timedelta(hours=24)
"""Stripe forgets idempotency keys after a day, so no attempt is opened later than that."""

UUID_VERSION_WITH_TIME = 7

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
"""What Stripe surely takes as an address; the payer types any other one on the page."""


class StripeGateway:
    """A `payments.gateways.port.Gateway` for one Stripe account.

    Args:
        key: A secret (``sk_``) or restricted (``rk_``) key; its prefix says test or live.
        api_url: Another address that speaks Stripe's API, such as the sandbox; None for Stripe itself.
        timeout_s: Longest wait for an answer, in seconds.
        connect_timeout_s: Longest wait for a connection, in seconds.
        network_retries: How often a request is repeated after a lost answer, with the same idempotency key.

    Raises:
        GatewayRefusedError: The key names no mode, or a live key would travel to another address in the clear.
    """

    def __init__(
        self,
        key: str,
        *,
        api_url: str | None = None,
        timeout_s: float = 10.0,
        connect_timeout_s: float = 3.0,
        network_retries: int = 1,
    ) -> None:
        self.livemode = _mode_of(key)
        if self.livemode and api_url is not None and not api_url.startswith("https://"):
            raise GatewayRefusedError("A live key is only sent over https.", "gateway.mode_mixed")
        self._retries = network_retries
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": api_url} if api_url else {},
            max_network_retries=network_retries,
            http_client=stripe.HTTPXClient(
                timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s), allow_sync_methods=True
            ),
        )

    def open_checkout(self, order: CheckoutOrder) -> OpenCheckout:
        """Open a hosted Checkout Session in payment mode, once per attempt. See `Gateway.open_checkout`."""
        params = _session_params(order)
        session = self._change(
            "open the checkout",
            lambda: self._client.v1.checkout.sessions.create(params, _keyed(str(order.attempt_id))),
        )
        return self._checkout(session)

    def find_checkout(self, attempt_id: UUID) -> OpenCheckout | None:
        """Look through the day after the attempt's birth; Stripe cannot filter by our reference.

        Raises:
            GatewayRefusedError: The attempt's id is no UUIDv7, so its time is unknown.
        """
        if attempt_id.version != UUID_VERSION_WITH_TIME:
            raise GatewayRefusedError("An attempt's id must be a UUIDv7, for its time bounds the search.")
        born = datetime.fromtimestamp((attempt_id.int >> 80) / 1000, UTC)
        first, last = born - SESSION_SEARCH_BEFORE, born + SESSION_SEARCH_AFTER
        with _asking("look for the checkout", changes=False):
            page = self._client.v1.checkout.sessions.list(
                params={"created": {"gte": int(first.timestamp()), "lte": int(last.timestamp())}, "limit": PAGE}
            )
            for session in page.auto_paging_iter():
                if session.client_reference_id == str(attempt_id):
                    return self._checkout(session)
        return None

    def expire_checkout(self, session_id: str) -> None:
        """Expire an open session. See `Gateway.expire_checkout`."""
        try:
            self._change(
                "expire the checkout",
                lambda: self._client.v1.checkout.sessions.expire(session_id, options={"max_network_retries": 0}),
            )
        except GatewayRefusedError:
            with _asking("read the checkout", changes=False):
                status = self._client.v1.checkout.sessions.retrieve(session_id).status
            if status == "complete":
                raise GatewayRefusedError(
                    f"The payer completed {session_id} before it was closed; expect its facts.",
                    "gateway.checkout_complete",
                ) from None
            if status != "expired":
                raise

    def facts_of(self, event: bytes) -> tuple[PaymentFact, ...]:
        """The facts of a verified webhook body. See `Gateway.facts_of`."""
        try:
            told = json.loads(event)
        except (ValueError, RecursionError) as error:
            raise GatewayRefusedError("The event is not JSON.", "gateway.malformed_event") from error
        if not isinstance(told, dict) or told.get("object") != "event":
            raise GatewayRefusedError("The body is not an event of the provider.", "gateway.malformed_event")
        self._own_mode(told.get("livemode"), f"The event {str(told.get('id', '?'))[:60]}")
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
        with _asking("read the payment", changes=False):
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
        return self._change("refund the payment", lambda: self._client.v1.refunds.create(params, _keyed(key))).id

    def fetch_payment(self, payment_ref: str) -> tuple[PaymentFact, ...]:
        """The payment with its fee, its refunds and its disputes, as they are now."""
        telling = Telling(clock.now(), self.livemode)
        with _asking("read the payment", changes=False):
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

    def _change(self, what: str, call: Callable[[], Changed]) -> Changed:
        """Make a change, again after a lost answer; once one try is in doubt, the whole is until one succeeds."""
        doubt: GatewayInDoubtError | None = None
        for tries_left in range(self._retries, -1, -1):
            try:
                with _asking(what, changes=True):
                    return call()
            except GatewayInDoubtError as error:
                doubt = error
            except GatewayUnreachableError:
                if not doubt and not tries_left:
                    raise
        raise doubt or ValueError("network_retries must not be negative.")

    def _facts_of_events(self, since: datetime) -> Iterator[PaymentFact]:
        unreadable: GatewayRefusedError | None = None
        with _asking("list the events", changes=False):
            events = self._client.v1.events.list(
                params={"created": {"gte": int(since.timestamp())}, "types": list(READERS), "limit": PAGE}
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
        with _asking("list the payments", changes=False):
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

    def _checkout(self, session: Session) -> OpenCheckout:
        self._own_mode(session.livemode, session.id)
        payment = session.payment_intent
        return OpenCheckout(
            session_id=session.id,
            payment_id=payment if isinstance(payment, str) or payment is None else payment.id,
            url=session.url or "",
            expires_at=instant(session.expires_at),
        )

    def _own_mode(self, livemode: Any, what: str) -> None:
        if livemode is not self.livemode:
            ours, theirs = ("live", "test") if self.livemode else ("test", "live")
            raise GatewayRefusedError(
                f"{what} is {theirs} money, but our key is for {ours} money: check which keys are set.",
                "gateway.mode_mixed",
            )


def _keyed(key: str) -> RequestOptions:
    """Options of a change: our key, and no repetition by the library, which hides that an earlier try may count."""
    return {"idempotency_key": key, "max_network_retries": 0}


_OURS = ("supplier_id", "attempt_id", "invoice")
"""The metadata that we write on everything."""


def _mode_of(key: str) -> bool:
    """True for live money, by the prefix of the key."""
    for prefix, live in (("sk_test_", False), ("rk_test_", False), ("sk_live_", True), ("rk_live_", True)):
        if key.startswith(prefix):
            return live
    raise GatewayRefusedError("The Stripe key must begin with sk_test_, rk_test_, sk_live_ or rk_live_.")


def _session_params(order: CheckoutOrder) -> SessionCreateParams:
    """One line for the whole invoice; a function of ``order`` alone, so that a repeat is the same request."""
    metadata = {
        "supplier_id": str(order.supplier_id),
        "attempt_id": str(order.attempt_id),
        "invoice": order.invoice_number,
    }
    money_of(0, order.amount.currency)
    params: SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": str(order.attempt_id),
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        "expires_at": int(order.expires_at.timestamp()),
        "locale": order.locale,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "description": order.description},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.amount.currency.lower(),
                    "unit_amount": order.amount.minor,
                    "product_data": {"name": order.invoice_number, "description": order.description},
                },
            }
        ],
        "adaptive_pricing": {"enabled": False},  # an invoice is settled in its own currency
    }
    if order.payer_email and _EMAIL.fullmatch(order.payer_email):  # Stripe refuses the whole checkout for an odd one
        params["customer_email"] = order.payer_email
    if order.methods:  # payment_method_types is gone since API 2026-09-30
        params["allowed_payment_method_types"] = list(order.methods)
    return params


def _with_our_metadata(told: dict[str, Any], payment: dict[str, Any]) -> dict[str, Any]:
    """``told`` with the payment's metadata below its own: a refund from the dashboard carries none."""
    return {**told, "metadata": {**payment["metadata"], **(told.get("metadata") or {})}}


@contextmanager
def _asking(what: str, *, changes: bool) -> Iterator[None]:
    """Turn the library's errors into ours; ``changes`` says that a lost answer leaves us in doubt."""
    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error, what, changes=changes) from error


def _translated(error: stripe.StripeError, what: str, *, changes: bool) -> GatewayError:
    reason = (error.user_message or type(error).__name__).splitlines()[0]
    sentence = f"Stripe was asked to {what}: {reason} ({error.request_id or 'no request id'})."
    if isinstance(error, stripe.CardError):
        return GatewayDeclinedError(sentence)
    if isinstance(error, stripe.RateLimitError) or _never_sent(error):
        return GatewayUnreachableError(f"{sentence} Try again later.")
    conflict = error.http_status == httpx.codes.CONFLICT
    if isinstance(error, stripe.IdempotencyError) and not conflict:
        return GatewayRefusedError(sentence, "gateway.key_reused")
    if isinstance(error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError):
        return GatewayRefusedError(sentence)
    if changes:
        return GatewayInDoubtError(f"{sentence} Repeat it with the same key, or look for its effect.")
    return GatewayUnreachableError(f"{sentence} Try again later.")


def _never_sent(error: stripe.StripeError) -> bool:
    """Whether no connection was made, so that nothing can have happened."""
    return isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
