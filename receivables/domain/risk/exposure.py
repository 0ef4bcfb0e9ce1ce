"""Credit exposure (encours client): what is at risk with a customer, by component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID


COMPONENTS = ("invoiced", "in_flight", "contested", "assigned", "delivered", "ordered", "deposits", "credits")
"""In the order in which pages show them; the last two lower the exposure."""
LOWERING = frozenset({"deposits", "credits"})


@dataclass(frozen=True, slots=True)
class Exposure:
    """The components, in minor units of one currency; the sum is the exposure.

    ``invoiced`` A: open invoices less what is in flight; ``in_flight`` B: payments not final, still at risk;
    ``delivered`` C: delivered, not invoiced (factures à établir); ``ordered`` D: firm orders; ``deposits`` E: deposits
    received and not yet deducted (acomptes); ``credits`` F: credit notes and final receipts not allocated.
    ``ordered`` counts by the weight of each order, less what open deposit invoices ask for of it already.
    ``contested`` is money of paid invoices that the provider took until a dispute is decided: at risk again.
    ``assigned`` is what a factor with recourse waits for of claims that left 411: it may come back to us.
    """

    invoiced_minor: int = 0
    in_flight_minor: int = 0
    delivered_minor: int = 0
    ordered_minor: int = 0
    deposits_minor: int = 0
    credits_minor: int = 0
    contested_minor: int = 0
    assigned_minor: int = 0

    @property
    def total_minor(self) -> int:
        """A + B + C + D - E - F, what is contested, and what is assigned with recourse."""
        owed = self.invoiced_minor + self.in_flight_minor + self.delivered_minor + self.ordered_minor
        return owed + self.contested_minor + self.assigned_minor - self.deposits_minor - self.credits_minor

    def minor_of(self, component: str) -> int:
        """One of :data:`COMPONENTS`, above zero even where it lowers the exposure."""
        minor: int = getattr(self, f"{component}_minor")
        return minor


@dataclass(frozen=True, slots=True)
class ExposureLine:
    """One line of a component: ``minor`` is what it adds to the exposure, below zero where it lowers it.

    ``kind`` says what it is: that of the line of 411, ``order``, ``delivery``, ``deposit_claim`` (what a deposit
    invoice asks for of an order, which the order does not count again), ``deposit``, ``deducted``, ``contest`` or
    ``assigned``.
    """

    component: str
    kind: str
    reference: str
    began_on: date
    due_on: date | None
    minor: int
    invoice_id: UUID | None = None
