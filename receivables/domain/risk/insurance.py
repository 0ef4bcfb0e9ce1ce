"""Credit insurance (assurance-crédit): the days that a policy counts, and what of a debt it covers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

MOST_DAYS = 730
"""Days that a term may count at most: no policy waits for two years."""
PER_CENT = 100


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """What a policy says, in days after the due date of an invoice, percent and minor units.

    ``coverage_percent`` of the claim without VAT is borne by the insurer. ``unnamed_minor`` covers a customer whom
    nobody asked about (non dénommé). An overdue invoice is declared within ``declaration_days``; more time may be given
    to a debtor up to ``extension_days`` without asking; once an invoice is ``stop_days`` late, new deliveries are not
    covered. 0 means that the policy has no such term. ``warn_days`` before a deadline it becomes a task.
    """

    coverage_percent: int = 90
    unnamed_minor: int = 0
    declaration_days: int = 0
    extension_days: int = 0
    stop_days: int = 0
    warn_days: int = 10

    def told(self) -> dict[str, int]:
        """As JSON keeps it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def deadline(self, due_on: date) -> date | None:
        """The last day on which an invoice may be declared, ``None`` where the policy has no such term."""
        return due_on + timedelta(days=self.declaration_days) if self.declaration_days else None


def read_terms(told: Mapping[str, Any]) -> PolicyTerms:
    """Terms as they were typed or kept.

    Raises:
        ReceivablesError: ``insurance.wrong_terms``.
    """
    terms = PolicyTerms(**{each.name: int(told.get(each.name, each.default)) for each in fields(PolicyTerms)})
    days = (terms.declaration_days, terms.extension_days, terms.stop_days, terms.warn_days)
    if (
        not 0 < terms.coverage_percent <= PER_CENT
        or terms.unnamed_minor < 0
        or not all(0 <= each <= MOST_DAYS for each in days)
    ):
        raise ReceivablesError(
            "insurance.wrong_terms",
            f"A policy covers 1 to 100 percent, and counts 0 to {MOST_DAYS} days.",
            f"Une police couvre 1 à 100 %, et compte 0 à {MOST_DAYS} jours.",
        )
    return terms


@dataclass(frozen=True, slots=True)
class Cover:
    """What an insurer covers of a customer's debts on a day, in minor units.

    ``named`` is false where only the policy's limit for unnamed customers applies. ``refused``: the insurer said no, or
    took its cover back. ``stopped_by`` is how many days late the oldest invoice is, where that ends the cover of new
    deliveries.
    """

    customer_id: UUID
    policy_id: UUID
    insurer: str
    currency: str
    percent: int
    permanent_minor: int
    temporary_minor: int
    named: bool
    refused: bool
    ends_on: date | None = None
    stopped_by: int = 0

    @property
    def limit_minor(self) -> int:
        """All that is covered: the permanent limit, and the temporary one within its dates."""
        return self.permanent_minor + self.temporary_minor


def insured_minor(exposure_minor: int, disputed_minor: int, cover: Cover) -> int:
    """What of an exposure is within the limit; disputed debts are not insured until they are settled."""
    return max(min(exposure_minor - disputed_minor, cover.limit_minor), 0)


def borne_minor(insured: int, without_vat_minor: int, with_vat_minor: int, percent: int) -> int:
    """What the insurer bears of an insured amount: its percentage of the part without VAT, rounded down.

    ``without_vat_minor`` and ``with_vat_minor`` are the two sums of what is owed: cover is counted without VAT.
    """
    if with_vat_minor <= 0:
        return 0
    return insured * without_vat_minor * percent // (with_vat_minor * PER_CENT)
