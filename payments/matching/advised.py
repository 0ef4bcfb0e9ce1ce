"""What customers said beforehand: the advice whose total is a line's amount, and what it would book."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from payments.matching.outcomes import CreditUse, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.banking.lines import BankLine
    from payments.matching.amounts import OpenItem
    from receivables.store.work import Work

AROUND = timedelta(days=15)
"""Between the day that an advice names and the day on which the bank books the money."""


def load_advices(work: Work, into: dict[UUID, dict[UUID, list[dict[UUID, int]]]], lines: Sequence[BankLine]) -> None:
    """The confirmed advices of the amounts of ``lines``, by line and customer, each by itself, the oldest first."""
    amounts = sorted({line.amount_minor for line in lines})
    rows = work.rows(
        "SELECT advice.advice_id, customer_id, total_minor, currency, coalesce(paid_on, confirmed_at::date) AS day, "
        "line.invoice_id, line.amount_minor FROM remittance_advices AS advice JOIN advised_invoices AS line "
        "USING (supplier_id, advice_id) WHERE supplier_id = :supplier AND state = 'confirmed' "
        "AND total_minor = ANY(:amounts) ORDER BY confirmed_at, advice.advice_id",
        amounts=amounts,
    )
    advices: dict[UUID, tuple[RowMapping, dict[UUID, int]]] = {}
    for row in rows:
        _, said = advices.setdefault(row["advice_id"], (row, {}))
        said[row["invoice_id"]] = row["amount_minor"]
    for line in lines:
        for row, said in advices.values():
            fits = (row["total_minor"], row["currency"]) == (line.amount_minor, line.currency)
            if fits and abs(line.booked_on - row["day"]) <= AROUND:
                into.setdefault(line.line_id, {}).setdefault(row["customer_id"], []).append(said)


def as_advised(invoices: Sequence[OpenItem], credits_: Sequence[OpenItem], aims: Mapping[UUID, int]) -> Outcome | None:
    """What an advice would book; nothing where an invoice or a credit note of it is not open for that much any more."""
    items = {item.source_id: item for item in invoices}
    notes = {item.source_id: item for item in credits_}
    asked = {key: minor for key, minor in aims.items() if minor > 0}
    deducted = {key: -minor for key, minor in aims.items() if minor < 0}
    if any(key not in items or minor > items[key].open_minor for key, minor in asked.items()):
        return None
    if any(key not in notes or minor > notes[key].open_minor for key, minor in deducted.items()):
        return None
    meant = sorted((items[key] for key in asked), key=lambda item: (item.due_on, item.number))
    left, uses = dict(asked), []
    for key, room in deducted.items():
        for item in reversed(meant):
            part = min(left[item.source_id], room)
            if part > 0:
                uses.append(CreditUse("credit_note", key, item.source_id, part))
                left[item.source_id] -= part
                room -= part  # noqa: PLW2901 -- what is left of this credit note
    missing = sum(item.open_minor for item in meant) - sum(asked.values())
    paid = tuple(sorted((key, minor) for key, minor in left.items() if minor))
    return Outcome(tuple(meant), paid, tuple(uses), rest_minor=-missing)
