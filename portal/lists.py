"""What the address of a list asks for: read with care, for addresses are typed, shared and guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from portal.words import note_text
from receivables.store.invoice_lists import FILTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_WANTED = 80

FILTER_NAMES = {
    "all": note_text("Toutes"),
    "to_pay": note_text("À payer"),
    "late": note_text("En retard"),
    "in_flight": note_text("En cours"),
    "paid": note_text("Payées"),
    "credits": note_text("Avoirs"),
}


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A choice of states, a search, and the last row of the page before."""

    narrowed: str = "all"
    wanted: str = ""
    after: UUID | None = None


def read_list_request(given: Mapping[str, str]) -> ListRequest:
    """The request in the address; what makes no sense there is left out."""
    narrowed = given.get("show", "all")
    wanted = "".join(c for c in given.get("q", "") if c.isprintable()).strip()[:MAX_WANTED]
    try:
        after = UUID(given.get("after", ""))
    except ValueError:
        after = None
    return ListRequest(narrowed if narrowed in FILTERS else "all", wanted, after)
