"""What the simulated API takes: every parameter is known, and metadata keep their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.gocardless.books import Refusal

if TYPE_CHECKING:
    Json = dict[str, Any]

MOST_KEYS, LONGEST_NAME, LONGEST_VALUE = 3, 50, 500
"""Of metadata, wherever they are."""
LONGEST_DESCRIPTION = 255
_REQUEST = frozenset(("amount", "currency", "description", "metadata", "scheme"))
KNOWN: dict[str, frozenset[str]] = {
    "billing_requests": frozenset(
        ("payment_request", "mandate_request", "metadata", "links", "fallback_enabled", "purpose_code")
    ),
    "payment_request": _REQUEST,
    "mandate_request": _REQUEST - {"amount"} | {"verify"},
    "billing_request_flows": frozenset(
        ("redirect_uri", "exit_uri", "language", "auto_fulfil", "prefilled_customer", "links", "lock_customer_details")
    ),
    "customers": frozenset(("company_name", "given_name", "family_name", "email", "language", "metadata")),
    "payments": frozenset(
        ("amount", "currency", "description", "metadata", "links", "charge_date", "reference", "retry_if_possible")
    ),
    "refunds": frozenset(("amount", "total_amount_confirmation", "links", "metadata", "reference")),
}
"""What we send, of what they know; anything else is refused, so that a typing error shows."""


def check(kind: str, params: Json) -> Json:
    """``params`` as they came, where all of them are right.

    Raises:
        Refusal: ``validation_failed`` with the field.
    """
    for name in params:
        if name not in KNOWN[kind]:
            raise Refusal(f"{name} is not a parameter of {kind}.", field=name)
    for inner in ("payment_request", "mandate_request"):
        if isinstance(params.get(inner), dict):
            check(inner, params[inner])
    _check_amount(params)
    _check_metadata(params.get("metadata"))
    if len(params.get("description") or "") > LONGEST_DESCRIPTION:
        raise Refusal("The description is too long.", field="description")
    return params


def _check_amount(params: Json) -> None:
    amount, currency = params.get("amount"), params.get("currency")
    if "amount" in params and (not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0):
        raise Refusal("The amount must be a whole number of cents above zero.", field="amount")
    if currency is not None and currency != "EUR":
        raise Refusal("This sandbox collects in EUR only.", field="currency")


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict) or len(metadata) > MOST_KEYS:
        raise Refusal(f"Metadata have at most {MOST_KEYS} keys.", field="metadata")
    for name, value in metadata.items():
        if len(name) > LONGEST_NAME or not isinstance(value, str) or len(value) > LONGEST_VALUE:
            raise Refusal(
                f"Metadata have names of {LONGEST_NAME} and texts of {LONGEST_VALUE} characters.", field="metadata"
            )
