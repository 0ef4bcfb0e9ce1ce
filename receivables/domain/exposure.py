"""Credit exposure (encours client): what is at risk with a customer, by component."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exposure:
    """The components, in minor units of one currency; the sum is the exposure.

    ``invoiced`` A: open invoices less what is in flight; ``in_flight`` B: payments not final, still at risk;
    ``delivered`` C: delivered, not invoiced (factures à établir); ``ordered`` D: firm orders; ``deposits`` E: deposits
    received and not yet deducted (acomptes); ``credits`` F: credit notes and final receipts not allocated.
    ``contested`` is money of paid invoices that the provider took until a dispute is decided: at risk again.
    """

    invoiced_minor: int = 0
    in_flight_minor: int = 0
    delivered_minor: int = 0
    ordered_minor: int = 0
    deposits_minor: int = 0
    credits_minor: int = 0
    contested_minor: int = 0

    @property
    def total_minor(self) -> int:
        """A + B + C + D - E - F, and what is contested."""
        owed = self.invoiced_minor + self.in_flight_minor + self.delivered_minor + self.ordered_minor
        return owed + self.contested_minor - self.deposits_minor - self.credits_minor
