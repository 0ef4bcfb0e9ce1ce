"""The platform of the demonstration: its directory knows the customers, buyers answer, suppliers send invoices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from config.clock import today
from einvoice.kept import kept_from_json
from portal.demo.cast import siret_from
from receivables.domain.invoicing.invoices import Routing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from portal.demo.cast import Player
    from portal.demo.story import Staged
    from receivables.domain.invoicing.invoices import Invoice

DISPUTE = "demo-dispute"
"""A dispute that waits for the supplier's answer."""
ANSWERS = (DISPUTE, "suspend", "refuse", "pay", "approve")
"""What happens to five recent invoices of each supplier."""
FEWEST = len(ANSWERS) + 3
"""Invoices that a supplier needs, so that these five leave enough to be paid."""
PURCHASE_FORMS = ("facturx", "ubl", "cii")
UNREACHED = 6
"""Which customer of each supplier has an address that is not in effect yet."""


@dataclass(frozen=True, slots=True)
class DemoPlatform:
    """The levers of the sandbox platform at ``url``."""

    url: str

    def fill_directory(self, players: list[Player]) -> None:
        """Enter the suppliers, each received for by its own client, and their customers."""
        for player in players:
            profile = player.profile
            self._call("POST", "companies", {"siren": profile.siren, "name": profile.name, "client": profile.siren})
            for place, customer in enumerate(player.customers):
                self._call("POST", "companies", _entry(customer, reached=place != UNREACHED))

    def plan_answers(self, staged: list[Staged]) -> set[UUID]:
        """Let buyers dispute, suspend, refuse, pay and approve recent invoices; these, which nobody else is to pay."""
        steps = [
            {"after_s": 1, "status": "204"},
            {
                "after_s": 2,
                "status": "207",
                "reason": "QTE_ERR",
                "action": "CNP",
                "comment": "Une unité facturée n'a pas été livrée.",
            },
        ]
        self._call("PUT", f"scenarios/{DISPUTE}", {"steps": steps, "french": "En litige", "english": "Disputed"})
        chosen = list(_answered(staged))
        for each, invoice, name in chosen:
            body = {"scenario": name, "seller": each.player.profile.siren}
            self._call("POST", f"invoices/{invoice.number}/scenario", body)
        return {invoice.invoice_id for _, invoice, _ in chosen}

    def send_purchases(self, players: list[Player], each: int) -> int:
        """Let invented suppliers send ``each`` invoices to every supplier of the demonstration; how many in all."""
        for place, player in enumerate(players):
            for number in range(each):
                body = {
                    "siren": player.profile.siren,
                    "form": PURCHASE_FORMS[number % len(PURCHASE_FORMS)],
                    "supplier": place + number,
                    "seed": number,
                }
                self._call("POST", "purchases", body)
        return each * len(players)

    def _call(self, method: str, path: str, body: dict[str, Any]) -> None:
        answer = httpx.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        answer.raise_for_status()


def _answered(staged: list[Staged]) -> Iterator[tuple[Staged, Invoice, str]]:
    """Recent invoices of each supplier with enough of them, and what their buyer does."""
    for each in staged:
        unreached = each.player.customers[UNREACHED]["siren"]
        open_ones = [
            invoice
            for invoice in each.invoices
            if invoice.routing is Routing.B2B
            and not invoice.is_credit_note
            and invoice.due_on >= today()
            and _buyer_of(invoice) != unreached
        ]
        if len(each.invoices) >= FEWEST:
            yield from ((each, invoice, name) for invoice, name in zip(reversed(open_ones[:-1]), ANSWERS, strict=False))


def _buyer_of(invoice: Invoice) -> str | None:
    buyer = kept_from_json(invoice.document).document.buyer
    return buyer.legal_id.value if buyer.legal_id else None


def _entry(customer: dict[str, Any], *, reached: bool) -> dict[str, Any]:
    """A customer as the directory writes it."""
    siren, address = customer["siren"], customer["address"]
    return {
        "siren": siren,
        "name": customer["name"],
        "lines": [{"address": siren, "status": "Enabled" if reached else "Upcoming"}],
        "facilities": [
            {
                "siret": siret_from(siren),
                "name": "Siège",
                "street": address["line1"],
                "postcode": address["postcode"],
                "city": address["city"],
                "region": "",
            }
        ],
    }
