"""The cash forecast: when open claims will be paid, by each customer's own habit, and how right that was before.

What is disputed is not forecast; a promise that is still to come is believed. Invoices that will be issued later are
not guessed: a forecast says what today's claims bring.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from receivables.domain.measuring.forecasts import (
    DUE_DAY,
    WEEK_DAYS,
    WEEKS,
    Expected,
    OpenClaim,
    by_week,
    expect,
    habits_of,
    miss,
)
from receivables.store.accounting.former_lines import former_delays
from receivables.store.measuring.measures import SOURCES, payments_made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.store.measuring.scopes import Scope
    from receivables.store.work import Work

HABIT_DAYS = 365
"""Payments of the last year make a habit, those of the former books among them once they were taken over."""
TESTED_WEEKS = 4
"""Weeks that a back-test looks at: what the treasurer decides by."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Claims with the day on which each is expected; sums by week add up to what is open and not disputed."""

    on: date
    expected: tuple[Expected, ...]
    weeks_minor: tuple[int, ...]
    rest_minor: int
    disputed_minor: int

    @property
    def open_minor(self) -> int:
        """All that is forecast, the weeks and what comes later."""
        return sum(self.weeks_minor) + self.rest_minor

    def of_week(self, week: int | None) -> list[Expected]:
        """The claims of one week, or with ``None`` those that come later or on no known day; the largest first."""
        last = len(self.weeks_minor)
        found = [
            each
            for each in self.expected
            if (where := each.week(self.on)) == week or (week is None and where is not None and where >= last)
        ]
        return sorted(found, key=lambda each: (-each.claim.open_minor, each.claim.reference, each.claim.due_on))


@dataclass(frozen=True, slots=True)
class BackTest:
    """A forecast of the past beside what came: minor units by week, on the same claims."""

    on: date
    forecast_minor: tuple[int, ...]
    by_due_day_minor: tuple[int, ...]
    """What a forecast by due days alone would have said."""
    came_minor: tuple[int, ...]

    @property
    def missed_minor(self) -> int:
        """What the forecast was off by, week by week."""
        return miss(self.forecast_minor, self.came_minor)

    @property
    def missed_by_due_day_minor(self) -> int:
        """The same of the forecast by due days."""
        return miss(self.by_due_day_minor, self.came_minor)


def forecast_cash(work: Work, scope: Scope, weeks: int = WEEKS) -> Forecast:
    """The weeks after ``scope.on``, by what was known at the end of that day."""
    claims, disputed = _claims(work, scope)
    past = replace(scope, days=HABIT_DAYS)
    habits = habits_of([*payments_made(work, past), *former_delays(work, past)])
    expected = tuple(expect(claim, habits, scope.on) for claim in claims)
    sums, rest = by_week(expected, scope.on, weeks)
    return Forecast(scope.on, expected, tuple(sums), rest, disputed)


def back_test(work: Work, scope: Scope, weeks: int = TESTED_WEEKS) -> BackTest:
    """Forecast as of ``weeks`` before ``scope.on`` with what was known then, and compare with what came since."""
    then = replace(scope, on=scope.on - timedelta(days=weeks * WEEK_DAYS))
    told = forecast_cash(work, then, weeks)
    plain, _ = by_week(
        (Expected(each.claim, max(each.claim.due_on, then.on + timedelta(days=1)), DUE_DAY) for each in told.expected),
        then.on,
        weeks,
    )
    came = _came(work, scope, then, sorted({each.claim.invoice_id for each in told.expected if each.claim.invoice_id}))
    return BackTest(then.on, told.weeks_minor, tuple(plain), tuple(came[:weeks]))


def _claims(work: Work, scope: Scope) -> tuple[list[OpenClaim], int]:
    """What is open and not disputed by instalment, and what is left out because it is disputed."""
    rows = work.rows(
        f"SELECT line.customer_id, line.invoice_id, line.reference, line.due_on, line.amount_minor AS open_minor, "
        "coalesce(contested.amount_minor, 0) AS disputed_minor, promised.promised_on "
        f"FROM ({SOURCES['position']}) AS line LEFT JOIN ({SOURCES['contested']}) AS contested "
        "ON contested.invoice_id = line.invoice_id LEFT JOIN (SELECT invoice_id, min(promised_on) AS promised_on "
        "FROM promises JOIN promised_invoices USING (supplier_id, promise_id) WHERE supplier_id = :supplier "
        "AND made_at < :until AND (state = 'pending' OR changed_at >= :until) GROUP BY invoice_id) AS promised "
        "ON promised.invoice_id = line.invoice_id "
        f"WHERE line.owed AND NOT line.doubtful{scope.whose('position')} ORDER BY line.reference, line.due_on DESC",
        **scope.values(),
    )
    claims: list[OpenClaim] = []
    held: dict[UUID | None, int] = {}
    for row in rows:  # what is disputed of an invoice is taken off the parts that fall due last
        left = held.setdefault(row["invoice_id"], row["disputed_minor"])
        taken = min(left, row["open_minor"])
        held[row["invoice_id"]] = left - taken
        if row["open_minor"] > taken:
            claims.append(
                OpenClaim(
                    row["customer_id"],
                    row["invoice_id"],
                    row["reference"],
                    row["due_on"],
                    row["open_minor"] - taken,
                    row["promised_on"],
                )
            )
    whole = sum(row["open_minor"] for row in rows)
    return claims, whole - sum(claim.open_minor for claim in claims)


def _came(work: Work, scope: Scope, then: Scope, invoice_ids: Sequence[UUID]) -> list[int]:
    """Cash by week after ``then.on`` on these invoices, as the books stood at the end of ``scope.on``."""
    rows = work.rows(
        "SELECT (credit.booked_on - CAST(:then AS date) - 1) / :week AS week, sum(moved.amount_minor)::bigint AS minor "
        "FROM receivable_items AS item JOIN allocations AS moved ON moved.supplier_id = :supplier "
        "AND moved.debit_posting_id = item.posting_id JOIN receivable_items AS credit "
        "ON credit.supplier_id = :supplier AND credit.posting_id = moved.credit_posting_id "
        "AND credit.kind = 'receipt' WHERE item.supplier_id = :supplier AND item.invoice_id = ANY(:ids) "
        "AND item.kind = 'invoice' AND credit.booked_on > :then AND credit.booked_on <= :on "
        "AND moved.effective_on <= :on GROUP BY 1",
        then=then.on,
        on=scope.on,
        week=WEEK_DAYS,
        ids=list(invoice_ids),
    )
    came = {row["week"]: row["minor"] for row in rows}
    return [came.get(week, 0) for week in range((scope.on - then.on).days // WEEK_DAYS)]
