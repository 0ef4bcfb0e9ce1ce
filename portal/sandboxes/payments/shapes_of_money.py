"""Movements of an account, its balance and payouts, disputes and the files of their evidence, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Json = dict[str, Any]

EVIDENCE_TEXTS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
EVIDENCE_FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)


def balance_transaction(identifier: str, now: int, *, kind: str, category: str, **told: Any) -> Json:
    """A movement of the account: ``amount`` is signed, the fee is taken from it."""
    amount, fee, currency = told["amount"], told["fee"], told["currency"]
    detail = {"amount": fee, "application": None, "currency": currency, "description": "Stripe processing fees"}
    return {
        "id": identifier,
        "object": "balance_transaction",
        "created": now,
        "available_on": told["available_on"],
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": currency,
        "balance_type": "payments",
        "description": told.get("description"),
        "exchange_rate": None,
        "fee_details": [detail | {"type": "stripe_fee"}] if fee else [],
        "reporting_category": category,
        "source": told["source"],
        "status": "available" if told["available_on"] <= now else "pending",
        "type": kind,
        "_payout": None,
    }


def balance(available: Mapping[str, int], pending: Mapping[str, int]) -> Json:
    """What lies in the account by currency, in minor units."""

    def told(amounts: Mapping[str, int]) -> list[Json]:
        return [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in sorted(amounts.items())
        ]

    return {
        "object": "balance",
        "available": told(available),
        "connect_reserved": told(dict.fromkeys(available, 0)),
        "livemode": False,
        "pending": told(pending),
        "refund_and_dispute_prefunding": {"available": [], "pending": []},
    }


def payout(identifier: str, now: int, *, amount: int, currency: str, arrival: int, **told: Any) -> Json:
    """A payout to the bank; a negative one takes money from it."""
    automatic = told["automatic"]
    return {
        "id": identifier,
        "object": "payout",
        "livemode": False,
        "created": now,
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "currency": currency,
        "description": told.get("description") or ("STRIPE PAYOUT" if automatic else None),
        "destination": told["destination"],
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "metadata": told.get("metadata") or {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": told.get("statement_descriptor"),
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }


def dispute(identifier: str, now: int, charged: Mapping[str, Any], **told: Any) -> Json:
    """A Dispute of a whole Charge; ``told`` has status, reason, network_reason_code, due_by and case_type."""
    details = None  # the provider tells none for a returned debit
    if charged["payment_method_details"]["type"] == "card":
        card = {"brand": "visa", "case_type": told["case_type"], "network": "visa"}
        details = {"card": card | {"network_reason_code": told["network_reason_code"]}, "type": "card"}
    elif charged["payment_method_details"]["type"] == "paypal":
        case = {"case_id": identifier[-12:].upper(), "reason_code": told["network_reason_code"]}
        details = {"paypal": case, "type": "paypal"}
    return {
        "id": identifier,
        "object": "dispute",
        "livemode": False,
        "created": now,
        "amount": charged["amount_captured"],
        "currency": charged["currency"],
        "charge": charged["id"],
        "payment_intent": charged["payment_intent"],
        "status": told["status"],
        "reason": told["reason"],
        "is_charge_refundable": told["case_type"] == "inquiry",
        "balance_transactions": [],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys((*EVIDENCE_TEXTS, *EVIDENCE_FILES)) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": told["due_by"],
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "metadata": {},
        "network_reason_code": told["network_reason_code"],
        "payment_method_details": details,
    }


def file(identifier: str, now: int, url: str, **told: Any) -> Json:
    """An uploaded file."""
    return {
        "id": identifier,
        "object": "file",
        "created": now,
        "expires_at": None,
        "filename": told["filename"],
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={identifier}"},
        "purpose": told["purpose"],
        "size": told["size"],
        "title": None,
        "type": told["type"],
        "url": url,
    }
