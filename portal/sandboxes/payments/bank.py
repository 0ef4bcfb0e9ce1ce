"""The bank's view: what has arrived on, or left, the supplier's own account, so that statements can be made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments import cash

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Books, Json

PAYER = "STRIPE PAYMENTS EUROPE LTD"


def view(books: Books) -> dict[str, Any]:
    """The account and its lines, oldest first: payouts that arrived (or were collected), and those sent back.

    Amounts are in minor units, signed as the bank books them; ``booked_on`` is a day in UTC.
    """
    lines = [line for payout in books.objects["po"].values() for line in _lines_of(payout)]
    told = cash.account_of(books, {"id": books.account_id}, "FR")
    return {
        "account": {"holder": books.name, "iban": told["iban"], "bic": told["bic"]},
        "lines": sorted(lines, key=lambda line: (line["booked_at"], line["reference"])),
    }


def _lines_of(payout: Json) -> list[dict[str, Any]]:
    found = []
    if payout["_arrived"] is not None:
        found.append(_line(payout, payout["_arrived"], payout["amount"]))
    if payout["_arrived"] is not None and payout["_failed"] is not None:
        found.append(_line(payout, payout["_failed"], -payout["amount"], back=True))
    return found


def _line(payout: Json, moment: int, amount: int, *, back: bool = False) -> dict[str, Any]:
    trace = (payout["trace_id"] or {}).get("value") or payout["id"]
    descriptor = f" {payout['statement_descriptor']}" if payout["statement_descriptor"] else ""
    kind = "REJET VIR SEPA" if back else "VIR SEPA" if amount > 0 else "PRLV SEPA"
    return {
        "amount_minor": amount,
        "currency": payout["currency"].upper(),
        "booked_at": moment,
        "booked_on": datetime.fromtimestamp(moment, UTC).date().isoformat(),
        "counterparty": PAYER,
        "end_to_end_id": trace,
        "label": f"{kind} {PAYER}{descriptor} {trace}",
        "payout": payout["id"],
        "reference": f"{trace}-R" if back else trace,
    }
