"""When a customer's invoices fall due where they say nothing else (délai de paiement convenu)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

MOST_DAYS = 365
"""Longer terms are a typing error: the law allows 60 days, and some trades a little more (C. com. art. L441-10)."""


class CountedFrom(StrEnum):
    """From when the days count. Between the last two the parties choose (C. com. art. L441-10, I, al. 3)."""

    INVOICE = "invoice"
    """From the day of the invoice (BT-2)."""
    MONTH_END = "month_end"
    """From the end of the month of the invoice (fin de mois, puis le délai)."""
    THEN_MONTH_END = "then_month_end"
    """From the day of the invoice, then on to the end of that month (le délai, puis fin de mois)."""


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """``days`` calendar days, 0 to :data:`MOST_DAYS`."""

    days: int
    counted_from: CountedFrom = CountedFrom.INVOICE

    def due_on(self, issued_on: date) -> date:
        """The due date (BT-9) of an invoice of ``issued_on``."""
        if self.counted_from is CountedFrom.MONTH_END:
            return month_end(issued_on) + timedelta(self.days)
        due = issued_on + timedelta(self.days)
        return month_end(due) if self.counted_from is CountedFrom.THEN_MONTH_END else due


def month_end(day: date) -> date:
    """The last day of the month of ``day``."""
    return day.replace(day=monthrange(day.year, day.month)[1])
