"""Customers, their means of payment and mandates, and the money that lies with the provider for them, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments.means import account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.means import Means

    Json = dict[str, Any]

ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
SETUP_FIELDS = (
    "allowed_payment_method_types application attach_to_self automatic_payment_methods cancellation_reason "
    "client_secret created customer customer_account description excluded_payment_method_types flow_directions id "
    "last_setup_error latest_attempt livemode managed_payments mandate metadata next_action object on_behalf_of "
    "payment_method payment_method_configuration_details payment_method_options payment_method_types "
    "single_use_mandate status usage"
)


def customer(identifier: str, now: int, params: Mapping[str, Any]) -> Json:
    """A Customer: who pays, by name and e-mail."""
    return {
        "id": identifier,
        "object": "customer",
        "livemode": False,
        "created": now,
        "address": params.get("address"),
        "name": params.get("name"),
        "email": params.get("email"),
        "description": params.get("description"),
        "metadata": params.get("metadata", {}),
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": identifier[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "next_invoice_sequence": 1,
        "phone": params.get("phone"),
        "preferred_locales": params.get("preferred_locales", []),
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def payment_method(identifier: str, now: int, means: Means, billing: Mapping[str, Any]) -> Json:
    """A PaymentMethod that belongs to nobody yet; what it does is kept beside it under a private name."""
    return {
        "id": identifier,
        "object": "payment_method",
        "livemode": False,
        "created": now,
        "allow_redisplay": "limited",
        "billing_details": {
            "address": dict(ADDRESS),
            "email": billing.get("email"),
            "name": billing.get("name"),
            "phone": None,
            "tax_id": None,
        },
        "customer": None,
        "customer_account": None,
        "metadata": {},
        "type": means.method,
        means.method: _method_details(means, billing),
        "_means": means.key,
        "_mandate": None,
    }


def _method_details(means: Means, billing: Mapping[str, Any]) -> Json:
    if means.method == "sepa_debit":
        return account(means) | {"generated_from": {"charge": None, "setup_attempt": None}}
    if means.method == "card":
        return {
            "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "FR",
            "display_brand": "visa",
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": means.fingerprint,
            "funding": "debit",
            "generated_from": None,
            "last4": means.last4,
            "networks": {"available": ["visa"], "preferred": None},
            "regulated_status": None,
            "three_d_secure_usage": {"supported": True},
            "wallet": {"type": means.wallet, "dynamic_last4": None} if means.wallet else None,
        }
    if means.method == "paypal":
        return {"country": "FR", "payer_email": billing.get("email"), "payer_id": "SANDBOXPAYER"}
    return {"email": billing.get("email"), "persistent_token": None} if means.method == "link" else {}


def mandate(identifier: str, now: int, method: Mapping[str, Any], prefix: str) -> Json:
    """The authorisation to debit an account again and again, accepted on the hosted page."""
    reference = f"{prefix}{identifier[-16:].upper()}"
    return {
        "id": identifier,
        "object": "mandate",
        "livemode": False,
        "customer_acceptance": {
            "accepted_at": now,
            "online": {"ip_address": "127.0.0.1", "user_agent": "sandbox"},
            "type": "online",
        },
        "multi_use": {},
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": {
            "sepa_debit": {"reference": reference, "url": f"https://hooks.stripe.com/adapter/sepa_debit/{identifier}"},
            "type": "sepa_debit",
        },
        "single_use": None,
        "status": "active",
        "type": "multi_use",
    }


def setup_intent(identifier: str, now: int, params: Mapping[str, Any], methods: list[str]) -> Json:
    """A SetupIntent: to save a means of payment for charges with nobody there."""
    return dict.fromkeys(SETUP_FIELDS.split()) | {
        "id": identifier,
        "object": "setup_intent",
        "livemode": False,
        "created": now,
        "client_secret": f"{identifier}_secret_sandbox",
        "customer": params.get("customer"),
        "description": params.get("description"),
        "metadata": params.get("metadata", {}),
        "payment_method_options": {},
        "payment_method_types": methods,
        "status": "requires_payment_method",
        "usage": "off_session",
    }


def cash_balance(customer_id: str, available: Mapping[str, int]) -> Json:
    """What a customer transferred and no payment has used yet, by currency."""
    return {
        "object": "cash_balance",
        "available": {currency: amount for currency, amount in available.items() if amount} or None,
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }


def cash_transaction(identifier: str, now: int, customer_id: str, kind: str, **told: Any) -> Json:
    """A movement of a customer's cash balance; ``told`` has net_amount, currency, ending_balance and what it is of."""
    return {
        "id": identifier,
        "object": "customer_cash_balance_transaction",
        "created": now,
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "type": kind,
        **told,
    }


def funding_address(account_of: Mapping[str, str]) -> Json:
    """The account number that one customer alone transfers to."""
    address = ADDRESS | {"country": account_of["country"]}
    return {
        "iban": {
            "account_holder_address": dict(address),
            "account_holder_name": account_of["holder"],
            "bank_address": dict(address),
            "bic": account_of["bic"],
            "country": account_of["country"],
            "iban": account_of["iban"],
        },
        "supported_networks": ["sepa"],
        "type": "iban",
    }


def funding_instructions(account_of: Mapping[str, str], currency: str) -> Json:
    """Where a customer transfers to."""
    return {
        "object": "funding_instructions",
        "bank_transfer": {
            "country": account_of["country"],
            "financial_addresses": [funding_address(account_of)],
            "type": "eu_bank_transfer",
        },
        "currency": currency,
        "funding_type": "bank_transfer",
        "livemode": False,
    }
