"""Stripe's hosted page: a Checkout Session per attempt, with the methods that the supplier offers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from payments.gateways.port import GatewayRefusedError, OpenCheckout
from payments.gateways.stripe.calls import PAGE, StripeCalls, asking, keyed, our_metadata
from payments.gateways.stripe_reading import NAMES_AT_STRIPE, instant, money_of

if TYPE_CHECKING:
    from uuid import UUID

    from stripe.checkout import Session
    from stripe.params.checkout import SessionCreateParams

    from payments.gateways.port import CheckoutOrder

SESSION_SEARCH_BEFORE, SESSION_SEARCH_AFTER = timedelta(hours=1), timedelta(hours=25)
"""Around the birth of an attempt: a session opened for it lives for a day at most, and clocks differ."""

UUID_VERSION_WITH_TIME = 7

TRANSFER_COUNTRY = "FR"
"""Where virtual account numbers are: French ones are accepted by every payer's bank."""

KEPT_FOR_LATER = ("card", "sepa_debit")
"""Methods that can be charged again with nobody there."""

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
"""What Stripe surely takes as an address; the payer types any other one on the page."""


class Checkouts(StripeCalls):
    """Opens, finds and closes hosted pages."""

    def open_checkout(self, order: CheckoutOrder) -> OpenCheckout:
        """Open a hosted Checkout Session in payment mode, once per attempt. See `Gateway.open_checkout`.

        Raises:
            GatewayRefusedError: ``gateway.customer_needed`` for a transfer, or a method to keep, without our customer.
        """
        params = session_params(order)
        session = self._change(
            "open the checkout",
            lambda: self._client.v1.checkout.sessions.create(params, keyed(str(order.attempt_id))),
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
        with asking("look for the checkout", changes=False):
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
            with asking("read the checkout", changes=False):
                status = self._client.v1.checkout.sessions.retrieve(session_id).status
            if status == "complete":
                raise GatewayRefusedError(
                    f"The payer completed {session_id} before it was closed; expect its facts.",
                    "gateway.checkout_complete",
                ) from None
            if status != "expired":
                raise

    def _checkout(self, session: Session) -> OpenCheckout:
        self._own_mode(session.livemode, session.id)
        payment = session.payment_intent
        return OpenCheckout(
            session_id=session.id,
            payment_id=payment if isinstance(payment, str) or payment is None else payment.id,
            url=session.url or "",
            expires_at=instant(session.expires_at),
        )


def session_params(order: CheckoutOrder) -> SessionCreateParams:
    """One line for what is paid; a function of ``order`` alone, so that a repeat is the same request."""
    metadata = our_metadata(order.supplier_id, order.attempt_id, invoice=order.invoice_number)
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
    _add_payer(params, order)
    _add_methods(params, order)
    return params


def _add_payer(params: SessionCreateParams, order: CheckoutOrder) -> None:
    """Our customer where there is one, else the address: Stripe takes one of the two."""
    if order.customer_ref:
        params["customer"] = order.customer_ref
    elif order.save_method or "transfer" in order.methods:
        raise GatewayRefusedError(
            "A bank transfer and a method to be kept belong to a customer: open the customer first.",
            "gateway.customer_needed",
        )
    elif order.payer_email and _EMAIL.fullmatch(order.payer_email):  # Stripe refuses the whole checkout for an odd one
        params["customer_email"] = order.payer_email


def _add_methods(params: SessionCreateParams, order: CheckoutOrder) -> None:
    """What the page offers, and what is kept: asked for per method, since a transfer or PayPal cannot be kept."""
    if order.methods:  # payment_method_types is gone since API 2026-09-30
        params["allowed_payment_method_types"] = [NAMES_AT_STRIPE.get(each, each) for each in order.methods]
    elif order.save_method:
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    options = params.setdefault("payment_method_options", {})
    if order.save_method and "card" in order.methods:
        options["card"] = {"setup_future_usage": "off_session"}
    if order.save_method and "sepa_debit" in order.methods:
        options["sepa_debit"] = {"setup_future_usage": "off_session"}
    if "transfer" in order.methods:
        options["customer_balance"] = {
            "funding_type": "bank_transfer",
            "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": TRANSFER_COUNTRY}},
        }
    if not options:
        del params["payment_method_options"]
