"""Which part of the books an indicator looks at: until which day, over how long, whose customers, which claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from config.clock import PARIS
from config.law import accounts_on
from receivables.domain.measuring.indicators import AGES

if TYPE_CHECKING:
    from uuid import UUID

PERIOD_DAYS = 90
NO_SEGMENT = "standard"
"""The segment of a customer of whom nobody said anything."""
NOT_OF_CUSTOMERS = frozenset({"fees"})
"""Sources whose lines belong to no customer."""
_FIRST_REASONS = (
    "SELECT invoice_id FROM (SELECT invoice_id, (array_agg(reason ORDER BY opened_at, dispute_id))[1] AS reason "
    "FROM disputes WHERE supplier_id = :supplier AND merged_into IS NULL AND opened_at < :until "
    "AND (closed_at IS NULL OR closed_at >= :until) GROUP BY invoice_id) AS first_reason WHERE reason = :reason"
)

_OF_COLLECTOR = (
    "line.customer_id IN (SELECT customer_id FROM customer_files WHERE supplier_id = :supplier "
    "AND collector_id = :collector_id)"
)
_OF_SEGMENT = (
    "line.customer_id IN (SELECT customer_id FROM customers LEFT JOIN customer_files "
    "USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
    f"AND coalesce(segment, '{NO_SEGMENT}') = :segment)"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """The books at the end of the day ``on``, and the ``days`` that end with it, in one currency.

    ``age`` (0 to 4) and ``reason`` of a dispute narrow what is open; collector, segment and customer narrow everything.
    Who looks after a customer, and its segment, are those of today.
    """

    on: date
    days: int = PERIOD_DAYS
    currency: str = "EUR"
    collector_id: UUID | None = None
    segment: str | None = None
    customer_id: UUID | None = None
    age: int | None = None
    reason: str | None = None

    @property
    def since(self) -> date:
        """The first day of the period."""
        return self.on - timedelta(days=self.days - 1)

    @property
    def before(self) -> Scope:
        """The same books as they stood when the period began."""
        return replace(self, on=self.since - timedelta(days=1))

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves out customers."""
        return (self.collector_id, self.segment, self.customer_id) != (None, None, None)

    def reaching(self, since: date) -> Scope:
        """The same books over a period that begins on ``since``."""
        return replace(self, days=(self.on - since).days + 1)

    def values(self) -> dict[str, Any]:
        """What the queries of measures are bound to."""
        return {
            "on": self.on,
            "since": self.since,
            "from": _begin_of(self.since),
            "until": _begin_of(self.on + timedelta(days=1)),
            "currency": self.currency,
            "fees": accounts_on(self.on)["fees"],
            **{
                name: value
                for name in ("collector_id", "segment", "customer_id", "reason")
                if (value := getattr(self, name)) is not None
            },
        }

    def whose(self, source: str) -> str:
        """The conditions on a ``line`` of a source; lines of nobody are left out where customers are chosen."""
        if source in NOT_OF_CUSTOMERS:
            return " AND false" if self.is_narrowed else ""
        found = [
            condition
            for asked, condition in (
                (self.customer_id, "line.customer_id = :customer_id"),
                (
                    self.collector_id,
                    _OF_COLLECTOR,
                ),
                (
                    self.segment,
                    _OF_SEGMENT,
                ),
                (
                    self.age is not None and source == "position",
                    f"line.owed AND {aged(self.age or 0, 'line.days')}",
                ),
                (
                    self.age is not None and source == "contested",
                    aged(self.age or 0, "CAST(:on AS date) - line.due_on"),
                ),
                (self.reason and source == "position", f"line.owed AND line.invoice_id IN ({_FIRST_REASONS})"),
                (self.reason and source == "contested", "line.kind = :reason"),
            )
            if asked
        ]
        return "".join(f" AND {condition}" for condition in found)


def aged(age: int, days: str = "days") -> str:
    """The condition on ``days`` (past due) of an age."""
    first, last = AGES[age]
    return " AND ".join([f"{days} >= {first}"] * (first is not None) + [f"{days} <= {last}"] * (last is not None))


def _begin_of(day: date) -> datetime:
    """The instant at which a legal day begins."""
    return datetime.combine(day, time(), PARIS)
