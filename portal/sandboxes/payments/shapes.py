"""The provider's objects as JSON: every documented field of the API version present, null where we know nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments.settings import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Json = dict[str, Any]

SESSION_FIELDS = (
    "adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types amount_subtotal amount_total "
    "automatic_tax billing_address_collection branding_settings cancel_url client_reference_id client_secret "
    "collected_information consent consent_collection created currency currency_conversion custom_fields custom_text "
    "customer customer_account customer_creation customer_details customer_email discounts "
    "excluded_payment_method_types expires_at id integration_identifier invoice invoice_creation livemode locale "
    "managed_payments metadata mode name_collection object optional_items origin_context payment_intent payment_link "
    "payment_method_collection payment_method_configuration_details payment_method_options payment_method_types "
    "payment_status permissions phone_number_collection presentment_details recovered_from redirect_on_completion "
    "return_url saved_payment_method_options setup_intent shipping_address_collection shipping_cost shipping_options "
    "status submit_type subscription success_url tax_id_collection total_details ui_mode url wallet_options"
)
PAYMENT_FIELDS = (
    "allowed_payment_method_types amount amount_capturable amount_details amount_received application "
    "application_fee_amount automatic_payment_methods canceled_at cancellation_reason capture_method client_secret "
    "confirmation_method created currency customer customer_account description excluded_payment_method_types hooks id "
    "last_payment_error latest_charge livemode managed_payments metadata next_action object on_behalf_of "
    "payment_details payment_method payment_method_configuration_details payment_method_options payment_method_types "
    "payment_record presentment_details processing receipt_email review setup_future_usage shipping source "
    "statement_descriptor statement_descriptor_suffix status transfer_data transfer_group"
)
CHARGE_FIELDS = (
    "amount amount_captured amount_refunded application application_fee application_fee_amount authorization_code "
    "balance_transaction billing_details calculated_statement_descriptor captured created currency customer "
    "description disputed failure_balance_transaction failure_code failure_message fraud_details id livemode metadata "
    "object on_behalf_of outcome paid payment_intent payment_method payment_method_details presentment_details "
    "radar_options receipt_email receipt_number receipt_url refunded review shipping source source_transfer "
    "statement_descriptor statement_descriptor_suffix status transfer transfer_data transfer_group"
)
REFUND_FIELDS = (
    "amount balance_transaction charge created currency customer customer_account description destination_details "
    "failure_balance_transaction failure_reason id instructions_email metadata next_action object payment_intent "
    "payment_method pending_reason presentment_details reason receipt_number source_transfer_reversal status "
    "transfer_reversal"
)


def checkout_session(identifier: str, now: int, url: str, params: Mapping[str, Any]) -> Json:
    """An open Checkout Session in payment mode; lines are kept beside it under a private name."""
    lines = [line_item(f"li_{identifier[-20:]}{index}", item) for index, item in enumerate(params["line_items"])]
    total = sum(line["amount_total"] for line in lines)
    email = params.get("customer_email")
    allowed = params.get("allowed_payment_method_types")
    return dict.fromkeys(SESSION_FIELDS.split()) | {
        "id": identifier,
        "object": "checkout.session",
        "livemode": False,
        "created": now,
        "expires_at": params["expires_at"],
        "mode": "payment",
        "ui_mode": "hosted_page",
        "status": "open",
        "payment_status": "unpaid",
        "url": url,
        "success_url": params["success_url"],
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "customer": params.get("customer"),
        "customer_email": email,
        "customer_details": {"email": email, "name": None, "phone": None, "tax_exempt": "none"} if email else None,
        "customer_creation": "if_required",
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "currency": lines[0]["currency"] if lines else None,
        "amount_subtotal": total,
        "amount_total": total,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "allowed_payment_method_types": allowed,
        "payment_method_types": list(allowed or ["card", "sepa_debit"]),
        "payment_method_options": params.get("payment_method_options", {}),
        "adaptive_pricing": params.get("adaptive_pricing", {"enabled": True}),
        "automatic_tax": {"enabled": False, "liability": None, "status": None, "provider": None},
        "custom_fields": [],
        "custom_text": {"after_submit": None, "submit": None},
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "_lines": lines,
        "_payment_intent_data": params.get("payment_intent_data", {}),
    }


def line_item(identifier: str, item: Mapping[str, Any]) -> Json:
    """One line of a session, priced in place."""
    price, quantity = item["price_data"], item["quantity"]
    total = price["unit_amount"] * quantity
    product = price["product_data"]
    return {
        "id": identifier,
        "object": "item",
        "description": product["name"],
        "quantity": quantity,
        "currency": price["currency"],
        "amount_subtotal": total,
        "amount_total": total,
        "amount_discount": 0,
        "amount_tax": 0,
        "discounts": [],
        "taxes": [],
        "metadata": {},
        "price": {"object": "price", "currency": price["currency"], "unit_amount": price["unit_amount"]},
        "_details": product.get("description", ""),
    }


def payment_intent(
    identifier: str, now: int, *, amount: int, currency: str, methods: Sequence[str], params: Mapping[str, Any]
) -> Json:
    """A PaymentIntent that waits for a means of payment."""
    return dict.fromkeys(PAYMENT_FIELDS.split()) | {
        "id": identifier,
        "object": "payment_intent",
        "livemode": False,
        "created": now,
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "amount_details": {"tip": {}},
        "currency": currency,
        "status": "requires_payment_method",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "automatic_payment_methods": params.get("automatic_payment_methods"),
        "capture_method": params.get("capture_method", "automatic_async"),
        "confirmation_method": "automatic",
        "client_secret": f"{identifier}_secret_sandbox",
        "description": params.get("description"),
        "customer": params.get("customer"),
        "metadata": dict(params.get("metadata", {})),
        "payment_method_options": params.get("payment_method_options", {}),
        "payment_method_types": list(methods),
        "receipt_email": params.get("receipt_email"),
        "setup_future_usage": params.get("setup_future_usage"),
        "statement_descriptor": params.get("statement_descriptor"),
        "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
    }


def charge(identifier: str, now: int, payment: Mapping[str, Any], method: Mapping[str, Any]) -> Json:
    """A Charge that tries ``payment`` with ``method`` (payment_method_details); pending until told otherwise."""
    return dict.fromkeys(CHARGE_FIELDS.split()) | {
        "id": identifier,
        "object": "charge",
        "livemode": False,
        "created": now,
        "amount": payment["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "currency": payment["currency"],
        "status": "pending",
        "paid": False,
        "captured": False,
        "refunded": False,
        "disputed": False,
        "description": payment["description"],
        "metadata": dict(payment["metadata"]),
        "billing_details": {"address": None, "email": payment["receipt_email"], "name": None, "phone": None},
        "fraud_details": {},
        "customer": payment["customer"],
        "payment_intent": payment["id"],
        "payment_method_details": dict(method),
    }


def refund(identifier: str, now: int, charged: Mapping[str, Any], amount: int, params: Mapping[str, Any]) -> Json:
    """A Refund of part of a Charge; pending until told otherwise."""
    method = charged["payment_method_details"]["type"]
    towards = "eu_bank_transfer" if method == "customer_balance" else method
    card = {"type": "refund", "reference": None, "reference_status": "pending", "reference_type": "acquirer"}
    return dict.fromkeys(REFUND_FIELDS.split()) | {
        "id": identifier,
        "object": "refund",
        "created": now,
        "amount": amount,
        "currency": charged["currency"],
        "charge": charged["id"],
        "customer": charged["customer"],
        "payment_intent": charged["payment_intent"],
        "payment_method": charged["payment_method"],
        "status": "pending",
        "reason": params.get("reason"),
        "metadata": params.get("metadata", {}),
        "destination_details": {"type": towards, towards: card if method == "card" else {}},
    }


def cash_refund(identifier: str, now: int, customer_id: str, amount: int, params: Mapping[str, Any]) -> Json:
    """A Refund of money that a customer transferred and no payment used."""
    return dict.fromkeys(REFUND_FIELDS.split()) | {
        "id": identifier,
        "object": "refund",
        "created": now,
        "amount": amount,
        "currency": params["currency"],
        "customer": customer_id,
        "instructions_email": params.get("instructions_email"),
        "status": "pending",
        "pending_reason": "processing",
        "metadata": params.get("metadata", {}),
        "destination_details": {"type": "eu_bank_transfer", "eu_bank_transfer": {}},
    }


def webhook_endpoint(identifier: str, now: int, secret: str, params: Mapping[str, Any]) -> Json:
    """A webhook endpoint; the API shows its secret once, when it is made."""
    return {
        "id": identifier,
        "object": "webhook_endpoint",
        "livemode": False,
        "created": now,
        "url": params["url"],
        "enabled_events": params["enabled_events"],
        "api_version": params.get("api_version"),
        "application": None,
        "description": params.get("description"),
        "metadata": params.get("metadata", {}),
        "status": "enabled",
        "secret": secret,
    }


def event(identifier: str, now: int, kind: str, thing: Json, changed: Json | None) -> Json:
    """An event with its snapshot of ``thing``, and the former values of what changed."""
    data: Json = {"object": public(thing)}
    if changed:
        data["previous_attributes"] = changed
    return {
        "id": identifier,
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def page(things: Sequence[Json], url: str, *, has_more: bool) -> Json:
    """A list object."""
    return {"object": "list", "data": list(things), "has_more": has_more, "url": url}


def public(thing: Json) -> Json:
    """``thing`` without the names that are ours alone."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}
