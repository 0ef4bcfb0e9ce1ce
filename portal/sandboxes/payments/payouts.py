"""Payouts to the supplier's bank: each business day by themselves, or asked for; paid, failed, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import balance
from portal.sandboxes.payments import shapes_of_money as shapes
from portal.sandboxes.payments.agenda import business_days_after, next_payout_run
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.sandboxes.payments.books import Books, Json

RUN = "payouts"
"""The key of the next run in the agenda."""

UNDERWAY_S = 60 * 60
"""From a payout's creation until the bank has it and its movements are told completely, in seconds."""

UNDERWAY = "underway:"
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "bank_account_restricted": "The bank account does not take this type, or this number, of payouts.",
    "could_not_process": "The bank could not process this payout.",
    "incorrect_account_holder_name": "The name of the account holder is not the one that the bank knows.",
    "no_account": "There is no such bank account.",
}
"""Why a payout failed, by code."""


def plan_run(books: Books) -> None:
    """Have the next automatic run come, where the account has any."""
    if books.settings.automatic_payouts:
        books.agenda.put(RUN, next_payout_run(books.now()))


def run(books: Books, *, pending_too: bool = False) -> list[Json]:
    """Pay out everything available that no payout has taken yet, in each currency; below zero is collected.

    ``pending_too`` has everything available at once, for a demonstration that cannot wait.
    """
    movements = list(books.objects["txn"].values())
    for movement in movements if pending_too else ():
        books.agenda.drop(movement["id"])
        movement["available_on"] = min(movement["available_on"], books.now())
        balance.release(movement)
    waiting = [one for one in movements if one["status"] == "available" and one["_payout"] is None]
    made = []
    for currency in sorted({movement["currency"] for movement in waiting}):
        members = [movement for movement in waiting if movement["currency"] == currency]
        amount = sum(movement["net"] for movement in members)
        if not amount:
            continue
        payout = _begin(books, amount, currency, automatic=True)
        for movement in members:
            movement["_payout"] = payout["id"]
        books.get("txn", payout["balance_transaction"])["_payout"] = payout["id"]
        made.append(payout)
    return made


def create(books: Books, params: Mapping[str, Any]) -> Json:
    """A payout that was asked for.

    Raises:
        StripeRefusal: ``balance_insufficient``, or an amount below one cent.
    """
    amount, currency = params["amount"], params["currency"]
    if amount <= 0:
        raise StripeRefusal("This value must be greater than or equal to 1.", param="amount")
    balance.need_available(books, amount, currency)
    return _begin(books, amount, currency, automatic=False, params=params)


def cancel(books: Books, payout: Json) -> Json:
    """Take back a payout that the bank does not have yet.

    Raises:
        StripeRefusal: It is under way, or automatic.
    """
    if payout["status"] != "pending" or payout["automatic"]:
        raise StripeRefusal("Payouts can only be canceled while they are pending, and automatic ones cannot.")
    books.agenda.drop(payout["id"])
    books.agenda.drop(UNDERWAY + payout["id"])
    movement = balance.move(books, payout, payout["amount"], kind="payout_cancel")
    payout.update(status="canceled", failure_balance_transaction=movement["id"])
    books.emit("payout.canceled", payout, {"status": "pending"})
    return payout


def send(books: Books, payout: Json) -> None:
    """The bank has the payout, and its movements are told completely."""
    before = {"status": payout["status"], "trace_id": payout["trace_id"]}
    trace = {"status": "supported", "value": f"STRIPE-{payout['id'][-10:].upper()}"}
    payout.update(status="in_transit", trace_id=trace)
    if payout["automatic"]:
        before["reconciliation_status"] = payout["reconciliation_status"]
        payout["reconciliation_status"] = "completed"
    books.emit("payout.updated", payout, before)
    if payout["automatic"]:
        books.emit("payout.reconciliation_completed", payout)


def arrive(books: Books, payout: Json) -> Json:
    """The payout is on the bank account.

    Raises:
        StripeRefusal: It has arrived, failed or been canceled.
    """
    if payout["status"] == "pending":
        books.agenda.drop(UNDERWAY + payout["id"])
        send(books, payout)
    if payout["status"] != "in_transit":
        raise StripeRefusal(f"This payout is {payout['status']}.")
    books.agenda.drop(payout["id"])
    payout["status"] = "paid"
    payout["_arrived"] = books.now()
    books.emit("payout.paid", payout, {"status": "in_transit"})
    return payout


def fail(books: Books, payout: Json, code: str) -> Json:
    """The bank sends a payout back, some days after it seemed paid too: the money is in the balance again.

    Raises:
        StripeRefusal: An unknown code, or a payout that failed or was canceled.
    """
    if code not in FAILURES:
        raise StripeRefusal(f"failure_code must be one of {', '.join(FAILURES)}.", param="failure_code")
    if payout["status"] in {"failed", "canceled"}:
        raise StripeRefusal(f"This payout is {payout['status']}.")
    books.agenda.drop(payout["id"])
    books.agenda.drop(UNDERWAY + payout["id"])
    before = {"status": payout["status"], "failure_code": None, "failure_message": None}
    movement = balance.move(books, payout, payout["amount"], kind="payout_failure")
    payout.update(
        status="failed",
        failure_code=code,
        failure_message=FAILURES[code],
        failure_balance_transaction=movement["id"],
        _failed=books.now(),
    )
    books.emit("payout.failed", payout, before)
    return payout


def _begin(
    books: Books, amount: int, currency: str, *, automatic: bool, params: Mapping[str, Any] | None = None
) -> Json:
    now, told = books.now(), params or {}
    payout = shapes.payout(
        books.new_id("po"),
        now,
        amount=amount,
        currency=currency,
        arrival=business_days_after(now, 1),
        automatic=automatic,
        destination=f"ba_{books.account_id.removeprefix('acct_')}",
        description=told.get("description"),
        metadata=told.get("metadata"),
        statement_descriptor=told.get("statement_descriptor"),
    )
    payout.update(_arrived=None, _failed=None)
    movement = balance.move(books, payout, -amount, kind="payout", description=payout["description"] or "PAYOUT")
    payout["balance_transaction"] = movement["id"]
    books.add("po", payout)
    books.agenda.put(UNDERWAY + payout["id"], now + UNDERWAY_S)
    books.agenda.put(payout["id"], max(payout["arrival_date"] + 6 * UNDERWAY_S, now + 2 * UNDERWAY_S))
    books.emit("payout.created", payout)
    return payout
