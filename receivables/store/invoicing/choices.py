"""Which invoices may be in a list, found by indexes alone; whether each is in it is for its state to say.

With row-level security, PostgreSQL uses an index only for comparisons that cannot leak a row: equality and ranges, not
LIKE. So a search begins at a place that an index knows: the beginning of a number or of the buyer's reference, the last
digits of a number, and customers whose name holds what is wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.store.work import literally

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

MOST_CUSTOMERS = 2_000
"""Customers of that name whose invoices are looked at: more is a word that says nothing."""
_LAST = "Z" * 10
"""After every number and reference that begins so, in any order of letters."""
_OPEN = (
    "EXISTS (SELECT 1 FROM receivable_items AS item WHERE item.supplier_id = :supplier "
    "AND item.invoice_id = invoice.invoice_id AND item.open_minor > 0)"
)
_MAY_BE_LATE = (
    "(invoice.due_on < :today OR EXISTS (SELECT 1 FROM instalments AS part WHERE part.supplier_id = :supplier "
    "AND part.invoice_id = invoice.invoice_id) OR EXISTS (SELECT 1 FROM plan_invoices AS line "
    "WHERE line.supplier_id = :supplier AND line.invoice_id = invoice.invoice_id))"
)
"""Instalments and plans have days of their own."""
_FLYING = (
    "invoice.invoice_id IN (SELECT invoice_id FROM reservations WHERE supplier_id = :supplier AND state = 'processing')"
)
_IN_FAVOUR = f"invoice.type_code IN ({', '.join(repr(each) for each in sorted(CREDIT_NOTES))})"
"""Word for word the condition of the index ``invoices_in_favour``."""


@dataclass(slots=True)
class Choice:
    """Conditions that every invoice of a list meets, joined by AND, with their values."""

    conditions: list[str]
    values: dict[str, Any]

    @property
    def sql(self) -> str:
        """The whole condition."""
        return " AND ".join(self.conditions)


def choose_invoices(work: Work, narrowed: str, wanted: str, today: date, customer_id: UUID | None) -> Choice:
    """What invoices of one customer, or of all, have to meet to be in a list narrowed and searched so."""
    choice = Choice(["invoice.supplier_id = :supplier"], {})
    if customer_id is not None:
        choice.conditions.append("invoice.customer_id = :customer")
        choice.values["customer"] = customer_id
    _narrow(work, choice, narrowed, today)
    if wanted:
        _search(work, choice, wanted)
    return choice


def candidates(work: Work, choice: Choice, after: UUID | None, limit: int) -> list[UUID]:
    """The newest invoices that meet a choice, from the one after ``after``."""
    conditions, values = list(choice.conditions), dict(choice.values)
    if after is not None:
        conditions.append(
            "(invoice.issued_on, invoice.invoice_id) < (SELECT issued_on, invoice_id FROM invoices "
            "WHERE supplier_id = :supplier AND invoice_id = :after)"
        )
        values["after"] = after
    rows = work.rows(
        f"SELECT invoice.invoice_id FROM invoices AS invoice WHERE {' AND '.join(conditions)} "
        "ORDER BY invoice.issued_on DESC, invoice.invoice_id DESC LIMIT :limit",
        limit=limit,
        **values,
    )
    return [row["invoice_id"] for row in rows]


def _narrow(work: Work, choice: Choice, narrowed: str, today: date) -> None:
    """What can be said of a state without working it out."""
    if narrowed == "credits":
        choice.conditions.append(_IN_FAVOUR)
    elif narrowed == "in_flight":
        choice.conditions.append(_FLYING)
    elif narrowed in {"to_pay", "late"}:
        outside = work.rows("SELECT claim_id FROM interest_claims WHERE supplier_id = :supplier AND outside_minor > 0")
        choice.conditions.append(f"({_OPEN} OR invoice.invoice_id = ANY(:outside))" if outside else _OPEN)
        if outside:
            choice.values["outside"] = [row["claim_id"] for row in outside]
        if narrowed == "late":
            choice.conditions.append(_MAY_BE_LATE)
            choice.values["today"] = today


def _search(work: Work, choice: Choice, wanted: str) -> None:
    """A number by its beginning or its last digits, a buyer's reference by its beginning, a name by any part."""
    choice.values["named"] = _named(work, wanted)
    _add_ways(choice, wanted, ["invoice.customer_id = ANY(:named)"])


def choose_numbered(wanted: str, minor: int | None) -> Choice:
    """Invoices by number or buyer's reference, as a search finds them, or for exactly ``minor``."""
    choice = Choice(["invoice.supplier_id = :supplier"], {"minor": minor})
    _add_ways(choice, wanted, ["invoice.payable_minor = :minor"])
    return choice


def _add_ways(choice: Choice, wanted: str, ways: list[str]) -> None:
    compact = re.sub(r"[^A-Z0-9]", "", wanted.upper())
    if compact:
        ways += [
            "(invoice.compact_number >= :compact AND invoice.compact_number <= :last)",
            "(invoice.compact_reference >= :compact AND invoice.compact_reference <= :last)",
        ]
        choice.values |= {"compact": compact, "last": compact + _LAST}
    digits = re.search(r"([0-9]+)[^A-Z0-9]*$", wanted.upper())
    if digits:
        ways.append("(invoice.tail_number = :tail AND invoice.compact_number LIKE :ending)")
        choice.values |= {"tail": digits[1].lstrip("0"), "ending": f"%{compact}"}
    choice.conditions.append(f"({' OR '.join(ways)})")


def _named(work: Work, wanted: str) -> list[UUID]:
    rows = work.rows(
        "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND name ILIKE :wanted LIMIT :limit",
        wanted=f"%{literally(wanted)}%",
        limit=MOST_CUSTOMERS,
    )
    return [row["customer_id"] for row in rows]
