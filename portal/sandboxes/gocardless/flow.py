"""How the simulated objects move: billing requests, mandates, payments, refunds, payouts. Hold the lock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from portal.sandboxes.gocardless.books import Refusal

if TYPE_CHECKING:
    from portal.sandboxes.gocardless.books import Books

    Json = dict[str, Any]

OUTCOMES = ("Successful", "Penniless", "Invalid", "Late", "Fickle")
"""First names of payers and what becomes of their payments: collected; no money; no mandate; failed after it was
confirmed; charged back. The provider's own names for its first sandbox."""
SEPA, INSTANT = "sepa_core", "sepa_credit_transfer"
OPEN = frozenset(("pending", "ready_to_fulfil"))
DEBITABLE = frozenset(("pending_customer_approval", "pending_submission", "submitted", "active"))
NO_MONEY = {"cause": "insufficient_funds", "reason_code": "AM04", "origin": "bank", "scheme": SEPA}
REFUNDED_BY_PAYER = {"cause": "refund_requested", "reason_code": "MD06", "origin": "bank", "scheme": SEPA}
FEE_TENTHS, FEE_PER_MILLE, MOST_FEE_TENTHS = 200, 10, 2000
"""What a collected payment costs, in tenths of a cent: 20 cents and one per cent, two euros at most."""


def cancel_request(books: Books, request: Json) -> None:
    """Cancel a billing request.

    Raises:
        Refusal: ``invalid_state`` where it is fulfilled or cancelled already.
    """
    if request["status"] not in OPEN:
        raise Refusal(
            f"This billing request is {request['status']}.", 422, "invalid_state", reason="billing_request_not_open"
        )
    request["status"] = "cancelled"
    books.emit("billing_requests", "cancelled", request)


def fulfil(books: Books, request: Json, payer: str, account_ending: str, *, fall_back: bool = False) -> None:
    """The payer has done their part: pays at once, or signs a mandate, or both.

    Raises:
        Refusal: ``invalid_state`` where it is not open.
    """
    if request["status"] not in OPEN:
        raise Refusal("This billing request is closed.", 422, "invalid_state", reason="billing_request_not_open")
    outcome = payer.split(maxsplit=1)[0].title() if payer.split() else OUTCOMES[0]
    links = request["links"]
    if "customer" not in links:
        links["customer"] = books.add("customers", {"company_name": payer, "email": None, "metadata": {}})["id"]
    account = books.add(
        "customer_bank_accounts",
        {"account_number_ending": account_ending, "bank_name": "Banque de démonstration", "country_code": "FR"}
        | {"account_holder_name": payer, "links": {"customer": links["customer"]}},
    )
    if request["mandate_request"]:
        links["mandate_request_mandate"] = _make_mandate(books, request, account, outcome)["id"]
    if request["payment_request"]:
        scheme = SEPA if fall_back else request["payment_request"].get("scheme") or INSTANT
        wanted = request["payment_request"]
        made = make_payment(
            books,
            {name: wanted[name] for name in ("amount", "currency", "description", "metadata")}
            | {"links": {"mandate": links["mandate_request_mandate"]} if fall_back else {}},
            scheme,
            outcome,
        )
        links["payment_request_payment"] = made["id"]
        wanted["links"] = {"payment": made["id"]}
    request["status"], request["fallback_occurred"] = "fulfilled", fall_back
    books.emit(
        "billing_requests",
        "fulfilled",
        request,
        None,
        **{name: links.get(name) for name in ("customer", "mandate_request_mandate", "payment_request_payment")},
    )


def _make_mandate(books: Books, request: Json, account: Json, outcome: str) -> Json:
    wanted = request["mandate_request"]
    mandate = books.add(
        "mandates",
        {
            "scheme": SEPA,
            "status": "failed" if outcome == "Invalid" else "pending_submission",
            "reference": f"QT-{len(books.objects['mandates']) + 1:06d}",
            "metadata": wanted.get("metadata") or {},
            "links": {"customer": request["links"]["customer"], "customer_bank_account": account["id"]},
            "_outcome": outcome,
        },
    )
    books.emit("mandates", "created", mandate, None, customer=request["links"]["customer"])
    if outcome == "Invalid":
        books.emit("mandates", "failed", mandate, {"cause": "invalid_bank_details", "reason_code": "AC01"})
    return mandate


def end_mandate(books: Books, mandate: Json) -> None:
    """Cancel a mandate.

    Raises:
        Refusal: ``invalid_state`` where it is over already.
    """
    if mandate["status"] not in DEBITABLE:
        raise Refusal("This mandate is over.", 422, "invalid_state", reason="cancellation_failed")
    mandate["status"] = "cancelled"
    books.emit("mandates", "cancelled", mandate)


def make_payment(books: Books, params: Json, scheme: str, outcome: str) -> Json:
    """A payment on its way; time, or a scenario, ends the wait."""
    payment = books.add(
        "payments",
        {
            "amount_refunded": 0,
            "status": "pending_submission",
            "reference": None,
            "scheme": scheme,
            "charge_date": (books.now() + timedelta(days=0 if scheme != SEPA else 4)).date().isoformat(),
            **params,
            "_outcome": outcome,
        },
    )
    books.emit("payments", "created", payment, None, mandate=payment["links"].get("mandate"))
    settings = books.settings
    after_s = settings.debit_after_s if scheme == SEPA else settings.instant_after_s
    if after_s is not None:
        books.waiting[payment["id"]] = books.now() + timedelta(seconds=after_s)
    return payment


def advance(books: Books, payment: Json, to: str, details: Json | None = None) -> None:
    """Move a payment on to a status, through those before it."""
    path = ("pending_submission", "submitted", "confirmed", "paid_out")
    if to in path:
        for status in path[path.index(payment["status"]) + 1 : path.index(to) + 1] if payment["status"] in path else ():
            if status == "paid_out":
                make_payout(books)
                return
            payment["status"] = status
            _told(books, payment, status, None)
        return
    payment["status"] = to
    books.waiting.pop(payment["id"], None)
    _told(books, payment, to, details)


def _told(books: Books, payment: Json, action: str, details: Json | None) -> None:
    if action in {"confirmed", "failed", "cancelled"}:
        books.waiting.pop(payment["id"], None)
    links = {"mandate": payment["links"].get("mandate"), "payout": payment["links"].get("payout")}
    books.emit("payments", action, payment, {"scheme": payment["scheme"], **(details or {})}, **links)


def settle(books: Books, payment: Json) -> None:
    """What time does to a payment, by its payer's name."""
    outcome = payment["_outcome"]
    if outcome == "Penniless":
        advance(books, payment, "submitted")
        advance(books, payment, "failed", NO_MONEY)
        return
    advance(books, payment, "confirmed")
    if outcome == "Late":
        advance(books, payment, "failed", NO_MONEY)
    elif outcome == "Fickle":
        advance(books, payment, "paid_out")
        advance(books, payment, "charged_back", REFUNDED_BY_PAYER)


def sweep(books: Books) -> None:
    """Do what time has done meanwhile."""
    with books.lock:
        now = books.now()
        for identity in [key for key, due in books.waiting.items() if due <= now]:
            books.waiting.pop(identity, None)
            settle(books, books.objects["payments"][identity])


def make_refund(books: Books, params: Json) -> Json:
    """Give part of a payment back.

    Raises:
        Refusal: more than is left, a wrong confirmation, or a payment that was not collected.
    """
    payment = books.get("payments", params["links"]["payment"])
    if payment["status"] not in {"confirmed", "paid_out"}:
        raise Refusal("This payment was not collected.", 422, "invalid_state", reason="refund_payment_invalid_state")
    total = payment["amount_refunded"] + params["amount"]
    if total > payment["amount"]:
        raise Refusal("Less than that is left of this payment.", field="amount", reason="refund_amount_too_high")
    if params.get("total_amount_confirmation") != total:
        raise Refusal(
            "total_amount_confirmation is not the sum of all refunds of this payment.",
            field="total_amount_confirmation",
            reason="total_amount_confirmation_invalid",
        )
    payment["amount_refunded"] = total
    kept = {name: value for name, value in params.items() if name != "total_amount_confirmation"}
    refund = books.add("refunds", {"currency": payment["currency"], "status": "created", "metadata": {}, **kept})
    books.emit("refunds", "created", refund, None, payment=payment["id"])
    return refund


def end_refund(books: Books, refund: Json, action: str) -> None:
    """A refund reaches the payer (``paid``) or comes back (``bounced``)."""
    refund["status"] = action
    payment = books.get("payments", refund["links"]["payment"])
    if action == "bounced":
        payment["amount_refunded"] -= refund["amount"]
    books.emit("refunds", "failed" if action == "bounced" else action, refund, None, payment=payment["id"])


def make_payout(books: Books) -> Json | None:
    """Pay out what is confirmed, less fees, refunds and what was taken back; None where that is nothing."""
    items: list[Json] = []
    tenths = 0
    payments = [each for each in books.objects["payments"].values() if each["status"] == "confirmed"]
    for payment in payments:
        fee = min(FEE_TENTHS + payment["amount"] * 10 * FEE_PER_MILLE // 1000, MOST_FEE_TENTHS)
        items += [_item("payment_paid_out", payment["amount"] * 10, payment=payment["id"])]
        items += [_item("gocardless_fee", -fee, payment=payment["id"])]
        tenths += fee
    debts = [each for each in books.objects["payments"].values() if each.get("_owed")]
    items += [_item(each.pop("_owed"), -each["amount"] * 10, payment=each["id"]) for each in debts]
    refunds = [each for each in books.objects["refunds"].values() if each["status"] == "paid" and not each.get("_out")]
    items += [_item("refund", -each["amount"] * 10, refund=each["id"]) for each in refunds]
    total = (sum(item.pop("_tenths") for item in items) + 5) // 10
    if not items or total <= 0:
        return None
    creditor = next(iter(books.objects["creditors"]))
    payout = books.add(
        "payouts",
        {
            "amount": total,
            "currency": payments[0]["currency"],
            "deducted_fees": (tenths + 5) // 10,
            "status": "pending",
            "payout_type": "merchant",
            "reference": f"QUITTANCE-{len(books.objects['payouts']) + 1:05d}",
            "arrival_date": (books.now() + timedelta(days=1)).date().isoformat(),
            "metadata": {},
            "links": {"creditor": creditor},
        },
    )
    books.items[payout["id"]] = items
    for refund in refunds:
        refund["_out"] = True
    for payment in payments:
        payment["status"], payment["links"]["payout"] = "paid_out", payout["id"]
        _told(books, payment, "paid_out", None)
    return payout


def end_payout(books: Books, payout: Json, status: str) -> None:
    """A payout reaches the bank (``paid``) or comes back from it (``bounced``)."""
    payout["status"] = status
    books.emit("payouts", status, payout)


def take_back(books: Books, payment: Json, action: str) -> None:
    """Money that was received goes away: a late failure (``failed``) or a chargeback (``charged_back``)."""
    was_paid_out = payment["status"] == "paid_out"
    advance(books, payment, action, NO_MONEY if action == "failed" else REFUNDED_BY_PAYER)
    if was_paid_out:
        payment["_owed"] = "payment_failed" if action == "failed" else "payment_charged_back"


def _item(kind: str, tenths: int, **links: str) -> Json:
    sign, whole = "-" if tenths < 0 else "", abs(tenths)
    return {"type": kind, "amount": f"{sign}{whole // 10}.{whole % 10}", "taxes": [], "links": links, "_tenths": tenths}
