"""Programs of the demonstration's suppliers: an ERP and a shop, each with the rights that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.api.clients import create_client
from portal.api.scopes import SCOPES

if TYPE_CHECKING:
    from receivables.store.work import Work

ACTOR = "demo"
SHOP = ("credit:read", "customers:read", "customers:write", "orders:write")


def add_programs(work: Work) -> None:
    """Two programs; their secrets are nobody's: ask for new ones on their pages."""
    create_client(work, "ERP", [each for each in SCOPES if not each.startswith("messages:")], ACTOR)
    create_client(work, "Boutique en ligne", SHOP, ACTOR)
