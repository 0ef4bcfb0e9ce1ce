"""GoCardless behind the port: instant bank pay and SEPA debit by Billing Requests, refunds, payouts, events.

A checkout is a *billing request*: with a payment request the payer pays at once from their bank (instant bank pay);
with a mandate request they sign a SEPA mandate, and we collect by a payment of our own once they did
(`finish_checkout`); with both, the payment falls back to a debit where their bank cannot pay at once. The page is a
*billing request flow*, made anew whenever it is asked for: flows cannot be read again, and pay once all together.

Billing requests do not expire by themselves: `payments.providers.tending` closes them in time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from payments.gateways.gocardless_api import AlreadyMadeError, GoCardlessApi
from payments.gateways.gocardless_facts import (
    INSTANT,
    PROVIDER,
    SEPA,
    instant,
    metadata_for,
    money_of,
    purpose_in,
    purpose_of_payment,
    uuid_in,
)
from payments.gateways.gocardless_money import Clearing
from payments.gateways.gocardless_telling import Teller
from payments.gateways.port import (
    Capability,
    GatewayDeclinedError,
    GatewayRefusedError,
    OpenCheckout,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from payments.gateways.port import (
        CheckoutOrder,
        CustomerAtProvider,
        DisputeEvidence,
        PaymentFact,
        ProviderMovement,
        SavedCharge,
        ToldPayout,
        TransferAccount,
    )
    from receivables.domain.money import Money

    Json = dict[str, Any]

SEARCH_BEFORE = timedelta(minutes=5)
"""How far their clock may be behind ours when we look for the billing request of an attempt."""
UUID_VERSION_WITH_TIME = 7
LONGEST_DESCRIPTION = 255
LONGEST_REST = 440
"""Of the 500 characters that a value of metadata has."""
CLOSED = frozenset(("fulfilling", "fulfilled"))
"""States of a billing request whose payer has done their part."""


class GoCardlessGateway:
    """A `payments.gateways.port.Gateway` for one GoCardless account.

    Args:
        key: An access token; it says test or live.
        api_url: Another address that speaks their API, such as the sandbox; None for theirs.
        final_at: ``confirmed``, or ``paid_out`` where money counts as received only when it was paid out.
        options: Time-outs and retries, see `GoCardlessApi`.
    """

    provider = PROVIDER
    capabilities = frozenset((Capability.SAVED_METHODS, Capability.PAYOUTS))
    methods = frozenset((SEPA, INSTANT))

    def __init__(self, key: str, *, api_url: str | None = None, final_at: str = "confirmed", **options: float) -> None:
        self._api = GoCardlessApi(key, api_url=api_url, **options)  # type: ignore[arg-type]  # seconds and a count
        self.livemode = self._api.livemode
        self._teller = Teller(self._api, final_at)
        self._clearing = Clearing(self._api, self._teller)

    def open_checkout(self, order: CheckoutOrder) -> OpenCheckout:
        """Make the billing request of the attempt, once, and a page for it. See `Gateway.open_checkout`."""
        params = _request_params(order)
        try:
            made = self._api.make("billing_requests", params, str(order.attempt_id))
        except AlreadyMadeError as error:
            made = self._api.read("billing_requests", error.made_ref)
            if made["metadata"] != params["metadata"]:
                raise GatewayRefusedError(
                    f"Attempt {order.attempt_id} was opened as {error.made_ref} with other parameters.",
                    "gateway.key_reused",
                ) from None
        return self._checkout(made, prefilled=order.payer_email)

    def find_checkout(self, attempt_id: UUID) -> OpenCheckout | None:
        """Look through everything since the attempt's birth, newest first: they cannot filter by our metadata.

        Raises:
            GatewayRefusedError: The attempt's id is no UUIDv7, so its time is unknown.
        """
        if attempt_id.version != UUID_VERSION_WITH_TIME:
            raise GatewayRefusedError("An attempt's id must be a UUIDv7, for its time bounds the search.")
        born = datetime.fromtimestamp((attempt_id.int >> 80) / 1000, UTC)
        for request in self._api.each("billing_requests"):
            if uuid_in(request["metadata"], "attempt_id") == attempt_id:
                return self._checkout(request)
            if instant(request["created_at"]) < born - SEARCH_BEFORE:
                break  # they are listed newest first
        return None

    def expire_checkout(self, session_id: str) -> None:
        """Cancel the billing request. See `Gateway.expire_checkout`."""
        try:
            self._api.act("billing_requests", "cancel", session_id)
        except GatewayRefusedError:
            status = self._api.read("billing_requests", session_id)["status"]
            if status in CLOSED:
                raise GatewayRefusedError(
                    f"The payer completed {session_id} before it was closed; expect its facts.",
                    "gateway.checkout_complete",
                ) from None
            if status != "cancelled":
                raise

    def finish_checkout(self, session_id: str) -> str | None:
        """Collect by the mandate that the payer signed, once; see `payments.providers.tending.NeedsTending`.

        Raises:
            GatewayDeclinedError: The mandate cannot be used any more.
        """
        request = self._api.read("billing_requests", session_id)
        links, purpose = request["links"], purpose_in(request["metadata"])
        if request["status"] != "fulfilled" or purpose is None:
            return None
        if request.get("payment_request"):
            known = links.get("payment_request_payment")
            return str(known) if known else None
        wanted = request["mandate_request"]
        params = {
            "amount": purpose.amount.minor,
            "currency": purpose.amount.currency,
            "description": wanted.get("description"),
            "metadata": {**request["metadata"], "amount": _plain(request["metadata"]["amount"])},
            "links": {"mandate": links["mandate_request_mandate"]},
        }
        return self._collect(params, str(purpose.attempt_id))

    def facts_of(self, event: bytes) -> tuple[PaymentFact, ...]:
        """The facts of one event, or of a webhook body with several. See `Gateway.facts_of`.

        Asks the API where the event alone cannot say: how much a foreign refund or a payout was, and whether a
        payment that failed had been received before.
        """
        try:
            told = json.loads(event)
        except (ValueError, RecursionError) as error:
            raise GatewayRefusedError("The event is not JSON.", "gateway.malformed_event") from error
        events = told.get("events", [told]) if isinstance(told, dict) else []
        if not events or not all(isinstance(each, dict) and "resource_type" in each for each in events):
            raise GatewayRefusedError("The body is not an event of the provider.", "gateway.malformed_event")
        return tuple(fact for each in events for fact in self._teller.facts_of(each))

    def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
        """What all events since say; a payment is told once, with its whole history. See `Gateway.facts_since`."""
        return self._teller.facts_since(since)

    def fetch_payment(self, payment_ref: str) -> tuple[PaymentFact, ...]:
        """The history of one payment and of its refunds."""
        return self._teller.payment_facts(payment_ref)

    def refund(self, payment_ref: str, amount: Money, key: str) -> str:
        """Refund part or all of a payment. See `Gateway.refund`.

        Raises:
            GatewayRefusedError: The payment is in another currency, or less than ``amount`` is left of it.
        """
        payment = self._api.read("payments", payment_ref)
        purpose = purpose_of_payment(payment)
        if purpose.amount.currency != amount.currency:
            raise GatewayRefusedError(f"{payment_ref} is not in {amount.currency}; refund it in its own currency.")
        params: Json = {
            "amount": amount.minor,
            "total_amount_confirmation": payment["amount_refunded"] + amount.minor,
            "links": {"payment": payment_ref},
            "metadata": {**payment["metadata"], "amount": f"{amount.minor} {amount.currency} {purpose.method}"},
        }
        try:
            return str(self._api.make("refunds", params, key)["id"])
        except AlreadyMadeError as error:
            return error.made_ref

    def open_customer(self, customer: CustomerAtProvider) -> str:
        """A customer of theirs, by our id. See `Gateway.open_customer`."""
        params = {
            "company_name": customer.name,
            "email": customer.email,
            "metadata": {"supplier_id": str(customer.supplier_id), "customer_id": str(customer.customer_id)},
        }
        try:
            return str(self._api.make("customers", _without_none(params), f"customer/{customer.customer_id}")["id"])
        except AlreadyMadeError as error:
            return error.made_ref

    def charge_saved(self, charge: SavedCharge) -> str:
        """Collect by a mandate. See `Gateway.charge_saved`.

        Raises:
            GatewayDeclinedError: The mandate cannot be used any more.
        """
        params = {
            "amount": charge.amount.minor,
            "currency": charge.amount.currency,
            "description": charge.description[:LONGEST_DESCRIPTION],
            "metadata": metadata_for(charge, SEPA),
            "links": {"mandate": charge.method_ref},
        }
        return self._collect(params, str(charge.attempt_id))

    def end_method(self, method_ref: str) -> None:
        """Cancel a mandate. See `Gateway.end_method`."""
        try:
            self._api.act("mandates", "cancel", method_ref)
        except GatewayRefusedError:
            if self._api.read("mandates", method_ref)["status"] not in {"cancelled", "failed", "expired", "consumed"}:
                raise

    def payouts_since(self, since: datetime) -> Iterator[ToldPayout]:
        """See `Gateway.payouts_since`."""
        return self._clearing.payouts_since(since)

    def movements_of(self, payout_ref: str) -> Iterator[ProviderMovement]:
        """See `Gateway.movements_of`."""
        return self._clearing.movements_of(payout_ref)

    def movements_since(self, since: datetime) -> Iterator[ProviderMovement]:
        """See `Gateway.movements_since`."""
        return self._clearing.movements_since(since)

    def balance(self) -> dict[str, int]:
        """Confirmed money and payouts that have not left yet. See `Gateway.balance`."""
        return self._clearing.balance()

    def transfer_account(self, customer_ref: str) -> TransferAccount:
        """Not offered."""
        raise _not_offered(f"account numbers for customers ({customer_ref})")

    def cash_of(self, customer_ref: str) -> dict[str, int]:
        """Not offered."""
        raise _not_offered(f"transfers of customers ({customer_ref})")

    def claim_cash(self, supplier_id: UUID, customer_ref: str, attempt_id: UUID, amount: Money) -> str:  # noqa: ARG002 -- the port's signature
        """Not offered."""
        raise _not_offered(f"transfers of customers ({customer_ref})")

    def answer_dispute(self, dispute_ref: str, evidence: DisputeEvidence) -> None:  # noqa: ARG002 -- the port's signature
        """Not offered: a payer's bank decides about a SEPA debit alone."""
        raise _not_offered(f"evidence against a return ({dispute_ref})")

    def _collect(self, params: Json, key: str) -> str:
        try:
            return str(self._api.make("payments", _without_none(params), key)["id"])
        except AlreadyMadeError as error:
            return error.made_ref
        except GatewayRefusedError as error:
            if self._api.read("mandates", params["links"]["mandate"])["status"] in {"cancelled", "failed", "expired"}:
                raise GatewayDeclinedError(f"The mandate cannot be used any more. {error}") from error
            raise

    def _checkout(self, request: Json, prefilled: str | None = None) -> OpenCheckout:
        purpose = purpose_in(request["metadata"])
        is_open = request["status"] in {"pending", "ready_to_fulfil"} and purpose is not None
        expires_at, language, back, away = _way_back(purpose.rest if purpose else "")
        url = ""
        if is_open:
            flow = self._api.make(
                "billing_request_flows",
                _without_none(
                    {
                        "redirect_uri": back,
                        "exit_uri": away,
                        "language": language,
                        "auto_fulfil": True,
                        "prefilled_customer": {"email": prefilled} if prefilled else None,
                        "links": {"billing_request": request["id"]},
                    }
                ),
                None,
            )
            url = flow["authorisation_url"]
        payment = request["links"].get("payment_request_payment")
        return OpenCheckout(request["id"], payment, url, expires_at)


def _request_params(order: CheckoutOrder) -> Json:
    """A function of ``order`` alone, so that a repeat is the same request."""
    wanted = {each for each in order.methods if each in {SEPA, INSTANT}} or {SEPA, INSTANT}
    money_of(0, order.amount.currency)
    description = order.description[:LONGEST_DESCRIPTION]
    method = SEPA if wanted == {SEPA} else INSTANT
    params: Json = {
        "metadata": metadata_for(order, method, _rest_of(order)),
        "links": {"customer": order.customer_ref} if order.customer_ref else None,
    }
    metadata = metadata_for(order, method)
    if INSTANT in wanted:
        params["payment_request"] = {
            "amount": order.amount.minor,
            "currency": order.amount.currency,
            "description": description,
            "metadata": metadata,
        }
    if SEPA in wanted:
        params["mandate_request"] = {
            "scheme": "sepa_core",
            "currency": order.amount.currency,
            "description": description,
            "metadata": {**metadata, "amount": f"{metadata['amount']} saved"} if order.save_method else metadata,
        }
        params["fallback_enabled"] = True if INSTANT in wanted else None
    return _without_none(params)


def _rest_of(order: CheckoutOrder) -> str:
    """What a later page for the same checkout needs: when it ends, the language, the ways back."""
    locale = order.locale if order.locale in {"fr", "en"} else "fr"
    told = f"{int(order.expires_at.timestamp())} {locale}"
    with_ways = f"{told} {order.success_url} {order.cancel_url}"
    return with_ways if len(with_ways) <= LONGEST_REST else told


def _way_back(rest: str) -> tuple[datetime, str | None, str | None, str | None]:
    seconds, locale, back, away = [*rest.split(" "), "", "", "", ""][:4]
    return datetime.fromtimestamp(int(seconds or 0), UTC), locale or None, back or None, away or None


def _plain(amount: str) -> str:
    """The amount with its currency and method, without what only a checkout carries."""
    return " ".join(amount.split(" ")[:3])


def _without_none(params: Json) -> Json:
    return {name: value for name, value in params.items() if value is not None}


def _not_offered(what: str) -> GatewayRefusedError:
    return GatewayRefusedError(f"GoCardless does not offer {what}.", "gateway.not_offered")
