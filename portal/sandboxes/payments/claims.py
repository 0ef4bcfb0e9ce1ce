"""Disputes of card payments, questions before them, and SEPA debits that come back: the provider tells both alike."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import balance, saving
from portal.sandboxes.payments import shapes_of_money as shapes
from portal.sandboxes.payments.refusals import StripeRefusal
from portal.sandboxes.payments.shapes import public

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json

ANSWER_DAYS = 20
"""Until the evidence has to be there; the provider names a day between one and three weeks ahead."""

REASONS = {
    "bank_cannot_process": "",
    "check_returned": "",
    "credit_not_processed": "13.6",
    "customer_initiated": "",
    "debit_not_authorized": "",
    "duplicate": "12.6.1",
    "fraudulent": "10.4",
    "general": "",
    "incorrect_account_details": "",
    "insufficient_funds": "",
    "noncompliant": "",
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
    "unrecognized": "10.4",
}
"""Reasons of a dispute, with a card network's code for some."""

RETURNS = {
    "AC01": "incorrect_account_details",
    "AC04": "incorrect_account_details",
    "AC06": "bank_cannot_process",
    "AG01": "bank_cannot_process",
    "AG02": "bank_cannot_process",
    "AM04": "insufficient_funds",
    "AM05": "duplicate",
    "MD01": "debit_not_authorized",
    "MD02": "debit_not_authorized",
    "MD06": "customer_initiated",
    "MD07": "bank_cannot_process",
    "MS02": "customer_initiated",
    "MS03": "general",
    "RC01": "incorrect_account_details",
    "RR01": "bank_cannot_process",
    "RR02": "bank_cannot_process",
    "RR03": "bank_cannot_process",
    "RR04": "bank_cannot_process",
    "SL01": "bank_cannot_process",
}
"""Codes with which a bank returns a debit, and the provider's reason for each."""

ENDING_CODES = frozenset({"AC01", "AC04", "AC06", "MD01", "MD02", "MD07"})
"""After these a mandate is not used again."""

OVER = frozenset({"won", "lost", "warning_closed"})
WINNING, LOSING = "winning_evidence", "losing_evidence"
"""Texts of evidence that decide a test dispute at once, as the provider publishes them."""


def open_dispute(books: Books, payment: Json, reason: str, *, inquiry: bool = False) -> Json:
    """The payer contests a payment at the bank; an ``inquiry`` only asks, and takes nothing.

    Raises:
        StripeRefusal: Nothing was paid, it is disputed already, or the provider has no such reason.
    """
    charge = _disputable(books, payment)
    if charge["payment_method_details"]["type"] == "sepa_debit":
        return return_debit(books, payment, next((code for code, why in RETURNS.items() if why == reason), "MD06"))
    if reason not in REASONS:
        raise StripeRefusal(f"reason must be one of {', '.join(REASONS)}.", param="reason")
    status = "warning_needs_response" if inquiry else "needs_response"
    case = "inquiry" if inquiry else "chargeback"
    dispute = _begin(books, charge, status=status, reason=reason, code=REASONS[reason] or None, case=case)
    if not inquiry:
        _withdraw(books, dispute, charge)
    books.agenda.put(dispute["id"], dispute["evidence_details"]["due_by"])
    return dispute


def return_debit(books: Books, payment: Json, code: str) -> Json:
    """A debit that had succeeded comes back with a bank's ``code``: a dispute that is lost at once.

    Raises:
        StripeRefusal: No debit, not succeeded, returned already, or an unknown code.
    """
    charge = _disputable(books, payment)
    if charge["payment_method_details"]["type"] != "sepa_debit":
        raise StripeRefusal("Only a SEPA debit is returned with a code.", param="payment_intent")
    if code not in RETURNS:
        raise StripeRefusal(f"code must be one of {', '.join(sorted(RETURNS))}.", param="code")
    dispute = _begin(books, charge, status="lost", reason=RETURNS[code], code=code, case="chargeback")
    _withdraw(books, dispute, charge)
    books.emit("charge.dispute.closed", dispute)
    mandate = charge["payment_method_details"]["sepa_debit"]["mandate"]
    if mandate and code in ENDING_CODES:
        saving.end_mandate(books, books.get("mandate", mandate))
    return dispute


def respond(books: Books, dispute: Json, params: Mapping[str, Any]) -> Json:
    """Keep evidence, and hand it to the bank unless told not to yet; once it has it, nothing can be added.

    Raises:
        StripeRefusal: The dispute is over or answered, or a file does not exist.
    """
    evidence = params.get("evidence", {})
    if (evidence or params.get("submit")) and dispute["status"] not in {"needs_response", "warning_needs_response"}:
        raise StripeRefusal(
            f"This dispute is {dispute['status']}, so its evidence cannot be changed any more.",
            code="dispute_evidence_closed",
        )
    for name in shapes.EVIDENCE_FILES:
        if name in evidence:
            books.get("file", evidence[name], f"evidence[{name}]")
    before = copy.deepcopy({name: dispute[name] for name in ("status", "evidence", "evidence_details", "metadata")})
    dispute["evidence"].update(evidence)
    dispute["metadata"].update(params.get("metadata", {}))
    told = dispute["evidence_details"]
    told["has_evidence"] = any(dispute["evidence"][name] for name in (*shapes.EVIDENCE_TEXTS, *shapes.EVIDENCE_FILES))
    submitted = params.get("submit", bool(evidence))
    if submitted:
        told.update(submission_count=told["submission_count"] + 1, submission_method="manual")
        dispute["status"] = "warning_under_review" if dispute["status"].startswith("warning") else "under_review"
        books.agenda.drop(dispute["id"])
    if any(dispute[name] != was for name, was in before.items()):
        books.emit("charge.dispute.updated", dispute, before)
    text = dispute["evidence"]["uncategorized_text"]
    if submitted and text in {WINNING, LOSING}:
        close(books, dispute, won=text == WINNING)
    return dispute


def accept(books: Books, dispute: Json) -> Json:
    """Give a dispute up.

    Raises:
        StripeRefusal: It is over.
    """
    return close(books, dispute, won=False)


def close(books: Books, dispute: Json, *, won: bool) -> Json:
    """The bank decides a dispute, or drops its question.

    Raises:
        StripeRefusal: It is over.
    """
    if dispute["status"] in OVER:
        raise StripeRefusal(f"This dispute is {dispute['status']} already.", code="dispute_closed")
    before = {"status": dispute["status"]}
    inquiry = dispute["status"].startswith("warning")
    dispute["status"] = "warning_closed" if inquiry else "won" if won else "lost"
    books.agenda.drop(dispute["id"])
    books.emit("charge.dispute.closed", dispute, before)
    if won and not inquiry:
        _reinstate(books, dispute)
    return dispute


def escalate(books: Books, dispute: Json) -> Json:
    """The bank's question becomes a dispute: now the money is taken.

    Raises:
        StripeRefusal: It is no open question.
    """
    if dispute["status"] not in {"warning_needs_response", "warning_under_review"}:
        raise StripeRefusal(f"This dispute is {dispute['status']}, not a question of the bank.")
    before = {"status": dispute["status"], "is_charge_refundable": True}
    charge = books.get("ch", dispute["charge"])
    charge["_inquiry"] = False
    dispute.update(status="needs_response", is_charge_refundable=False)
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute["evidence_details"]["due_by"] = _due_by(books.now())
    books.agenda.put(dispute["id"], dispute["evidence_details"]["due_by"])
    books.emit("charge.dispute.updated", dispute, before)
    _withdraw(books, dispute, charge)
    return dispute


def time_out(books: Books, dispute: Json) -> None:
    """Nobody answered in time: the dispute is lost."""
    dispute["evidence_details"]["past_due"] = True
    close(books, dispute, won=False)


def _disputable(books: Books, payment: Json) -> Json:
    charge = books.objects["ch"].get(payment["latest_charge"])
    if charge is None or not charge["captured"] or charge["disputed"]:
        raise StripeRefusal("Only a payment that succeeded, and once, can be disputed.")
    return charge


def _begin(books: Books, charge: Json, *, status: str, reason: str, code: str | None, case: str) -> Json:
    now = books.now()
    dispute = shapes.dispute(
        books.new_id("dp"),
        now,
        charge,
        status=status,
        reason=reason,
        network_reason_code=code,
        case_type=case,
        due_by=None if status == "lost" else _due_by(now),
    )
    charge.update(disputed=True, _inquiry=case == "inquiry")
    books.add("dp", dispute)
    books.emit("charge.dispute.created", dispute)
    return dispute


def _due_by(now: int) -> int:
    day = datetime.fromtimestamp(now, UTC) + timedelta(days=ANSWER_DAYS)
    return int(day.replace(hour=23, minute=59, second=59).timestamp())


def _withdraw(books: Books, dispute: Json, charge: Json) -> None:
    fee = balance.DISPUTE_FEES_MINOR.get(charge["payment_method_details"]["type"], 0)
    description = f"Chargeback withdrawal for {charge['id']}"
    _move(books, dispute, -dispute["amount"], fee, description=description, category="dispute")
    books.emit("charge.dispute.funds_withdrawn", dispute)


def _reinstate(books: Books, dispute: Json) -> None:
    """The money and the fee come back."""
    fee = sum(movement["fee"] for movement in dispute["balance_transactions"])
    description = f"Chargeback reversal for {dispute['charge']}"
    _move(books, dispute, dispute["amount"], -fee, description=description, category="dispute_reversal")
    books.emit("charge.dispute.funds_reinstated", dispute)


def _move(books: Books, dispute: Json, amount: int, fee: int, *, description: str, category: str) -> None:
    movement = balance.move(books, dispute, amount, fee, kind="adjustment", category=category, description=description)
    dispute["balance_transactions"].append(public(movement))
