"""An item and a version of the terms in a house, made once."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import today
from receivables.store.invoicing.items import ItemFacts, add_item
from receivables.store.settlement.terms_versions import publish_terms

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

HOUR = ItemFacts(
    "CONSEIL-H", "Conseil, heure", "HUR", "services", "S", Decimal(20), name_en="Consulting, hour", price=Decimal(95)
)
_MADE: dict[UUID, dict[str, UUID]] = {}


def settings_things(house: House) -> dict[str, UUID]:
    """The ids, by their names in addresses."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in _MADE:
        with house.services.works.begin(supplier_id) as work:
            terms = publish_terms(work, today(), "test", wording="Nos conditions.\n\nPaiement à 30 jours.")
            _MADE[supplier_id] = {"item": add_item(work, HOUR, "test"), "terms": terms.version_id}
    return _MADE[supplier_id]
