"""Stripe's customers: their own account number to transfer to, the methods they let us keep, the cash they sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.gateways.port import GatewayDeclinedError, GatewayRefusedError, TransferAccount
from payments.gateways.stripe.calls import StripeCalls, asking, keyed, our_metadata, payment_behind
from payments.gateways.stripe.checkouts import TRANSFER_COUNTRY
from payments.gateways.stripe_reading import ONE_TRY, money_of

if TYPE_CHECKING:
    from uuid import UUID

    from stripe.params import (
        CustomerCreateParams,
        CustomerFundingInstructionsCreateParams,
        CustomerUpdateParams,
        PaymentIntentCreateParams,
    )

    from payments.gateways.port import CustomerAtProvider, SavedCharge
    from receivables.domain.money import Money


class Customers(StripeCalls):
    """Customers, saved methods and cash at Stripe."""

    def open_customer(self, customer: CustomerAtProvider) -> str:
        """Make our customer known, then name it: a repeat within a day finds the same one by its key.

        The name is written apart, because Stripe refuses a repeated key with other words.
        """
        metadata = {"supplier_id": str(customer.supplier_id), "customer_id": str(customer.customer_id)}
        made: CustomerCreateParams = {"metadata": metadata}
        key = f"customer/{customer.supplier_id}/{customer.customer_id}"
        found = self._change("make the customer", lambda: self._client.v1.customers.create(made, keyed(key)))
        self._own_mode(found.livemode, found.id)
        named: CustomerUpdateParams = {"name": customer.name}
        if customer.email:
            named["email"] = customer.email
        self._change("name the customer", lambda: self._client.v1.customers.update(found.id, named))
        return found.id

    def transfer_account(self, customer_ref: str) -> TransferAccount:
        """The virtual IBAN of a customer; asking again answers the same one. See `Gateway.transfer_account`.

        Raises:
            GatewayRefusedError: ``gateway.not_offered`` where Stripe gave no IBAN.
        """
        params: CustomerFundingInstructionsCreateParams = {
            "currency": "eur",
            "funding_type": "bank_transfer",
            "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": TRANSFER_COUNTRY}},
        }
        told = self._change(
            "open the customer's account number",
            lambda: self._client.v1.customers.funding_instructions.create(customer_ref, params),
        ).to_dict()
        for address in told["bank_transfer"]["financial_addresses"]:
            if address["type"] == "iban":
                iban = address["iban"]
                return TransferAccount(iban["account_holder_name"], iban["iban"], iban["bic"], iban["country"])
        raise GatewayRefusedError(f"Stripe gave {customer_ref} no IBAN to transfer to.", "gateway.not_offered")

    def charge_saved(self, charge: SavedCharge) -> str:
        """Charge a kept card or mandate with nobody there. See `Gateway.charge_saved`.

        A decline leaves a payment that waits for another method; it is canceled, for the attempt is over.
        """
        money_of(0, charge.amount.currency)
        params: PaymentIntentCreateParams = {
            "amount": charge.amount.minor,
            "currency": charge.amount.currency.lower(),
            "customer": charge.customer_ref,
            "payment_method": charge.method_ref,
            "confirm": True,
            "off_session": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "description": charge.description,
            "metadata": our_metadata(charge.supplier_id, charge.attempt_id, tries=ONE_TRY),
        }
        key = str(charge.attempt_id)
        try:
            payment = self._change(
                "charge the saved method", lambda: self._client.v1.payment_intents.create(params, keyed(key))
            )
        except GatewayDeclinedError as error:
            left = payment_behind(error)
            if left:
                self._give_up(left)
            raise
        self._own_mode(payment.livemode, payment.id)
        return payment.id

    def end_method(self, method_ref: str) -> None:
        """Detach a kept method; one that is detached already stays so. See `Gateway.end_method`."""
        try:
            self._change("forget the method", lambda: self._client.v1.payment_methods.detach(method_ref))
        except GatewayRefusedError:
            with asking("read the method", changes=False):
                kept_for = self._client.v1.payment_methods.retrieve(method_ref).customer
            if kept_for is not None:
                raise

    def cash_of(self, customer_ref: str) -> dict[str, int]:
        """A customer's cash balance. See `Gateway.cash_of`."""
        with asking("read the customer's cash", changes=False):
            cash = self._client.v1.customers.cash_balance.retrieve(customer_ref).to_dict()
        self._own_mode(cash["livemode"], f"The cash of {customer_ref}")
        return {currency.upper(): minor for currency, minor in (cash["available"] or {}).items() if minor}

    def claim_cash(self, supplier_id: UUID, customer_ref: str, attempt_id: UUID, amount: Money) -> str:
        """Pay ``amount`` from the customer's cash balance, at once or not at all. See `Gateway.claim_cash`."""
        money_of(0, amount.currency)
        params: PaymentIntentCreateParams = {
            "amount": amount.minor,
            "currency": amount.currency.lower(),
            "customer": customer_ref,
            "confirm": True,
            "allowed_payment_method_types": ["customer_balance"],
            "payment_method_data": {"type": "customer_balance"},
            "payment_method_options": {
                "customer_balance": {
                    "funding_type": "bank_transfer",
                    "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": TRANSFER_COUNTRY}},
                }
            },
            "metadata": our_metadata(supplier_id, attempt_id, tries=ONE_TRY),
        }
        key = str(attempt_id)
        payment = self._change(
            "take the customer's cash", lambda: self._client.v1.payment_intents.create(params, keyed(key))
        )
        self._own_mode(payment.livemode, payment.id)
        if payment.status != "succeeded":  # it would wait for a transfer that nobody was asked for
            self._give_up(payment.id)
            raise GatewayRefusedError(f"{customer_ref} has less than {amount} in cash.", "gateway.no_cash")
        return payment.id

    def _give_up(self, payment_ref: str) -> None:
        """Cancel a payment that nobody will go on with; where it is over already, there is nothing to do."""
        try:
            self._change("give up the payment", lambda: self._client.v1.payment_intents.cancel(payment_ref))
        except GatewayRefusedError:
            with asking("read the payment", changes=False):
                status = self._client.v1.payment_intents.retrieve(payment_ref).status
            if status != "canceled":
                raise
