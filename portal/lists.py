"""What the address of a list asks for: read with care, for addresses are typed, shared and guessed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from portal.fields import day_in, id_in
from portal.words import note_text
from receivables.store.invoicing.lists import FILTERS, NO_BOUNDS, Bounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

MAX_WANTED = 80
MAX_TYPED = 20
MOST_MINOR = 10**17
"""More than any invoice, and less than a column of the tables holds."""
BOUND_FIELDS = ("from", "to", "least", "most")

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
    bounds: Bounds = NO_BOUNDS
    typed: tuple[tuple[str, str], ...] = ()
    """The bounds as they were typed, for the form and for the links of the page."""
    misread: tuple[str, ...] = ()
    """What was typed as a bound and is none: the page says so, for it shows more than was asked for."""

    @property
    def kept(self) -> dict[str, str]:
        """What a link to another page, or to another choice of states, takes along."""
        return {**({"q": self.wanted} if self.wanted else {}), **dict(self.typed)}


def read_list_request(given: Mapping[str, str]) -> ListRequest:
    """The request in the address; what makes no sense there is left out, and named."""
    narrowed = given.get("show", "all")
    wanted = "".join(c for c in given.get("q", "") if c.isprintable()).strip()[:MAX_WANTED]
    first, last, least, most = (given.get(name, "") for name in BOUND_FIELDS)
    read = (day_in(first), day_in(last), _minor(least), _minor(most))
    typed = tuple((name, given[name][:MAX_TYPED]) for name in BOUND_FIELDS if given.get(name))
    misread = tuple(
        given[name][:MAX_TYPED]
        for name, bound in zip(BOUND_FIELDS, read, strict=True)
        if bound is None and given.get(name, "").strip()
    )
    return ListRequest(
        narrowed if narrowed in FILTERS else "all", wanted, id_in(given.get("after")), Bounds(*read), typed, misread
    )


def _minor(given: str) -> int | None:
    """An amount as people write it, in hundredths: lists of several currencies are searched alike."""
    plain = "".join(given[:MAX_TYPED].split()).replace(",", ".")
    if not plain or not set(plain) <= set("0123456789."):
        return None
    try:
        return min(int((Decimal(plain) * 100).to_integral_value()), MOST_MINOR)
    except InvalidOperation:
        return None
