"""What Stripe says of money after its payment: disputes, payouts, cash without a payment, methods kept and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.gateways.port import FactKind
from payments.gateways.stripe_reading import NO_MONEY, Whose, fact, instant, money_of, ref_of

if TYPE_CHECKING:
    from payments.gateways.port import PaymentFact
    from payments.gateways.stripe_reading import Facts, StripeJson, Telling

SEPA_REASONS = frozenset(
    (
        "bank_cannot_process",
        "customer_initiated",
        "debit_not_authorized",
        "incorrect_account_details",
        "insufficient_funds",
    )
)
"""Reasons of disputes of bank debits: final, no evidence is taken, whatever the status says at first."""

ASKING = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")
"""States of inquiries: they move no money."""


def dispute_facts(dispute: StripeJson, telling: Telling) -> Facts:
    """The facts in a Dispute; inquiries (``warning_...``) move no money and are none.

    A SEPA debit's is a return: lost on arrival. Stripe names the method of a dispute for cards and wallets only, so its
    reason tells.
    """
    status = dispute["status"]
    if status in ASKING:
        return ()
    method = (dispute.get("payment_method_details") or {}).get("type", "")
    is_return = method == "sepa_debit" or (not method and dispute["reason"] in SEPA_REASONS)
    kinds = [FactKind.DISPUTED]
    if is_return or status in {"lost", "won"}:
        kinds.append(FactKind.DISPUTE_WON if status == "won" else FactKind.DISPUTE_LOST)
    due = (dispute.get("evidence_details") or {}).get("due_by")
    return tuple(
        fact(
            telling,
            kind=kind,
            payment_ref=ref_of(dispute.get("payment_intent")) or ref_of(dispute["charge"]),
            object_ref=dispute["id"],
            metadata=dispute.get("metadata"),
            amount=money_of(dispute["amount"], dispute["currency"]),
            occurred_at=instant(dispute["created"]) if kind is FactKind.DISPUTED or is_return else telling.at,
            method="sepa_debit" if is_return else method,
            failure_code=dispute["reason"],
            answer_until=instant(due) if due and not is_return else None,
        )
        for kind in kinds
    )


def payout_facts(payout: StripeJson, telling: Telling) -> Facts:
    """The hint in a Payout that there is something to ask: gone to the bank, or come back."""
    failed = payout["status"] in {"failed", "canceled"}
    return (
        fact(
            telling,
            kind=FactKind.PAYOUT_FAILED if failed else FactKind.PAYOUT_PAID,
            payment_ref=payout["id"],
            object_ref=payout["id"],
            metadata=payout.get("metadata"),
            amount=money_of(payout["amount"], payout["currency"]),
            occurred_at=telling.at,
            method="",
            failure_code=payout.get("failure_code") if failed else None,
        ),
    )


def cash_facts(moved: StripeJson, telling: Telling) -> Facts:
    """A transfer that came into a customer's cash balance; what a payment takes of it is told by that payment."""
    if moved["type"] != "funded":
        return ()
    return (
        fact(
            telling,
            kind=FactKind.CASH_FUNDED,
            payment_ref="",
            object_ref=moved["id"],
            metadata=None,
            amount=money_of(moved["net_amount"], moved["currency"]),
            occurred_at=instant(moved["created"]),
            method="transfer",
            whose=Whose(ref_of(moved["customer"])),
        ),
    )


def attached_facts(method: StripeJson, telling: Telling) -> Facts:
    """A method that a customer let us keep."""
    customer_ref = ref_of(method.get("customer"))
    if not customer_ref:
        return ()
    return (_method_fact(method, telling, FactKind.METHOD_SAVED, customer_ref),)


def detached_facts(method: StripeJson, telling: Telling) -> Facts:
    """A method that is not kept any more; ``customer`` is whom it belonged to, where the event tells."""
    return (_method_fact(method, telling, FactKind.METHOD_ENDED, ref_of(method.get("customer")) or None),)


def mandate_facts(mandate: StripeJson, telling: Telling) -> Facts:
    """A mandate that no debit may use any more; the payer or the bank ended it."""
    if mandate["status"] != "inactive":
        return ()
    method_ref = ref_of(mandate["payment_method"])
    return (
        fact(
            telling,
            kind=FactKind.METHOD_ENDED,
            payment_ref="",
            object_ref=method_ref,
            metadata=None,
            amount=NO_MONEY,
            occurred_at=telling.at,
            method=(mandate.get("payment_method_details") or {}).get("type", ""),
            failure_code="mandate_inactive",
            whose=Whose(method_ref=method_ref, mandate_ref=mandate["id"]),
        ),
    )


def _method_fact(method: StripeJson, telling: Telling, kind: FactKind, customer_ref: str | None) -> PaymentFact:
    return fact(
        telling,
        kind=kind,
        payment_ref="",
        object_ref=method["id"],
        metadata=None,
        amount=NO_MONEY,
        occurred_at=telling.at,
        method=method["type"],
        whose=Whose(customer_ref, method["id"], label_of(method)),
    )


def label_of(method: StripeJson) -> str:
    """How a person knows a method: ``Visa •••• 4242, 12/2030`` or ``FR •••• 2606``; never more than four digits."""
    kind = method["type"]
    told = method.get(kind) or {}
    if kind == "card":
        brand = str(told.get("display_brand") or told.get("brand") or "").replace("_", " ").title()
        return f"{brand} •••• {told.get('last4')}, {told.get('exp_month', 0):02d}/{told.get('exp_year')}"
    if kind == "sepa_debit":
        return f"{told.get('country') or 'IBAN'} •••• {told.get('last4')}"
    return str(told.get("email") or told.get("payer_email") or kind)
