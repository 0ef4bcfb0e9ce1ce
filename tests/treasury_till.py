"""A house of the portal with money everywhere, paid through an account of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ledger_builders import issue
from payment_sandbox import KEY
from portal_house import House, build_house
from treasury_builders import Treasure, fill_treasury

from payments.accounts import open_account

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Till:
    """A house with money everywhere, paid through an account of its own."""

    house: House
    treasure: Treasure
    invoices: tuple[Invoice, ...]

    @property
    def supplier_id(self) -> UUID:
        return self.house.supplier.supplier_id


def build_till(services: Services) -> Till:
    """A house whose three invoices are paid: banked, on its way, contested."""
    house = build_house(services, "Atelier Trésor")
    with services.works.begin(house.supplier.supplier_id) as work:
        account_id = open_account(
            work,
            services.keyring,
            provider="stripe",
            key=KEY,
            webhook_secret="whsec_test",
            base_url="http://127.0.0.1:9",
            live=False,
        )
        first, second, third = (issue(work, due_on=date(2026, 10, 1)) for _ in range(3))
        treasure = fill_treasury(work, account_id, (first, second, third), house.supplier.reference)
    return Till(house, treasure, (first, second, third))


def words(page: str) -> str:
    """What a reader sees of a page, in one line."""
    return re.sub(r"[\s\u00a0\u202f]+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#39;", "'")
