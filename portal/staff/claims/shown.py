"""What pages about late interest show: customers with what has run, and the reckoning of one invoice in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from portal.words import day, gettext, money, note_text, percent
from receivables.services.collecting.reckoning import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from receivables.domain.collecting.interest import Stretch
    from receivables.services.collecting.reckoning import Reckoned

BASES = {
    CONTRACT: note_text("taux des conditions de vente"),
    "statutory": note_text("taux de la loi"),
}
STATES = {
    "due": (note_text("À payer"), "plain", "clock"),
    "part_paid": (note_text("Payée en partie"), "part", "half"),
    "paid": (note_text("Payée"), "paid", "check"),
    "waived": (note_text("Abandonnée"), "plain", "back"),
}
BOOKINGS = {
    "memo": note_text("Quand elle est payée (la note reste hors des comptes d'ici là)"),
    "booked": note_text("Dès que la note est faite"),
}


@dataclass(slots=True)
class Debtor:
    """A customer and currency with what may be claimed now, and what was claimed too much."""

    customer_id: UUID
    name: str
    currency: str
    invoices: int = 0
    interest_minor: int = 0
    indemnity_minor: int = 0
    frozen_minor: int = 0
    excess_minor: int = 0
    late_ids: list[UUID] = field(default_factory=list)

    @property
    def claimable_minor(self) -> int:
        """Both together."""
        return self.interest_minor + self.indemnity_minor


def debtors_of(found: Iterable[Reckoned]) -> list[Debtor]:
    """What may be claimed by customer, the most first."""
    debtors: dict[tuple[UUID, str], Debtor] = {}
    for each in found:
        late = each.late
        debtor = debtors.setdefault(
            (late.customer_id, late.currency), Debtor(late.customer_id, late.customer_name, late.currency)
        )
        debtor.invoices += bool(each.claimable_minor)
        debtor.interest_minor += each.interest_minor
        debtor.indemnity_minor += each.indemnity_minor
        debtor.frozen_minor += each.interest.frozen_minor
        debtor.excess_minor += each.excess_minor
        debtor.late_ids.append(late.invoice_id)
    return sorted(debtors.values(), key=lambda each: (-each.claimable_minor, each.name))


def tell_stretch(stretch: Stretch, currency: str) -> str:
    """Days in a row with one base and one rate, as one line."""
    told = {
        "first": day(stretch.first),
        "last": day(stretch.last),
        "days": stretch.days,
        "base": money(stretch.base_minor, currency),
        "rate": percent(stretch.percent),
    }
    return gettext("Du %(first)s au %(last)s : %(days)s j sur %(base)s à %(rate)s") % told


def tell_why_not(reckoned: Reckoned) -> str:
    """Why less is asked for than has run; empty where all of it is."""
    if reckoned.interest.frozen_minor:
        frozen = money(reckoned.interest.frozen_minor, reckoned.late.currency)
        return gettext("%(amount)s gelés : somme contestée, en attente d'issue") % {"amount": frozen}
    if reckoned.late.in_proceedings:
        return gettext("Procédure collective : intérêts arrêtés au jugement, pas d'indemnité")
    return ""
