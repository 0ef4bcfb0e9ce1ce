"""A claim for late interest, for tests of pages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from ledger_builders import customer_facts, issue

from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.reckoning import set_terms
from receivables.store.collecting.claims import InterestTerms

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

_MADE: dict[UUID, UUID] = {}


def claim_of(house: House) -> UUID:
    """A claim of the house on a customer whom no other test looks at; made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in _MADE:
        with house.services.works.begin(supplier_id) as work:
            set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "test")
            late = issue(
                work,
                customer=customer_facts("Atelier en Retard", None),
                issued_on=date(2026, 5, 1),
                due_on=date(2026, 5, 31),
            )
            order = MakeClaim(late.customer_id, (late.invoice_id,), date(2026, 8, 15), "test")
            _MADE[supplier_id] = make_claim(work, order).claim_id
    return _MADE[supplier_id]
