"""Late interest in the demonstration: terms of sale, a claim for two late invoices, and one given up in part."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import today
from portal.claims.producing import keep_claim
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.forgoing import waive_claim
from receivables.services.collecting.reckoning import reckon_late, set_terms
from receivables.store.collecting.claims import InterestTerms

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.services.collecting.reckoning import Reckoned

ACTOR = "demo"
TERMS = InterestTerms(date(2025, 1, 1), Decimal("12.15"))
CLAIMED = 3
"""So many customers are claimed from; what ran with the others waits on the collector's page."""
INVOICES_IN_ONE = 4


def add_claims(services: Services, supplier_id: UUID) -> None:
    """Claim interest from a few customers, to the end of last week; give up a little of the first claim."""
    through = today() - timedelta(days=7)
    made: list[UUID] = []
    with services.works.begin(supplier_id) as work:
        set_terms(work, TERMS, ACTOR)
        by_customer: dict[UUID, list[Reckoned]] = {}
        for each in reckon_late(work, through, through):
            if each.claimable_minor and each.basis == "contract" and each.late.currency == "EUR":
                by_customer.setdefault(each.late.customer_id, []).append(each)
        most = sorted(by_customer.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        for customer_id, late in most[:CLAIMED]:
            ids = tuple(each.late.invoice_id for each in late[:INVOICES_IN_ONE])
            made.append(make_claim(work, MakeClaim(customer_id, ids, through, ACTOR)).claim_id)
        if made:
            waive_claim(work, made[0], 1_000, reason="Geste commercial, convenu par téléphone", actor=ACTOR)
    for claim_id in made:
        keep_claim(services, supplier_id, claim_id)
