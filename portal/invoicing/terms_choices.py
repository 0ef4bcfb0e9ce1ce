"""When an invoice is to be paid, as a choice of sentences; the day follows from it when the invoice is issued."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from portal.words import day, gettext, ngettext, note_text
from receivables.store.invoicing.billing import terms_with

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.composing.seller import SellerProfile
    from receivables.store.work import Work

USUAL, ON_DAY = "usual", "on"
FIXED = {
    "0": note_text("À réception"),
    "15": note_text("À 15 jours"),
    "30": note_text("À 30 jours"),
    "30m": note_text("À 30 jours fin de mois"),
    "45": note_text("À 45 jours"),
    "45m": note_text("À 45 jours fin de mois"),
    "60": note_text("À 60 jours"),
}
"""``m`` counts the days and goes on to the end of that month."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Days after the invoice, or after the end of its month, or then to the end of a month."""

    days: int
    counted_from: str = "invoice"

    def due_on(self, issued_on: date) -> date:
        """The day on which an invoice of ``issued_on`` falls due."""
        if self.counted_from == "month_end":
            return _month_end(issued_on) + timedelta(self.days)
        later = issued_on + timedelta(self.days)
        return _month_end(later) if self.counted_from == "then_month_end" else later

    def told(self) -> str:
        """In words."""
        if self.counted_from == "then_month_end":
            return gettext("%(days)s jours fin de mois") % {"days": self.days}
        if self.counted_from == "month_end":
            return gettext("fin de mois et %(days)s jours") % {"days": self.days}
        return ngettext("%(num)s jour", "%(num)s jours", self.days) % {"num": self.days}


def usual_terms(work: Work, profile: SellerProfile, customer_id: UUID | None) -> Terms:
    """What was agreed with this customer, else the seller's own terms."""
    row = terms_with(work, customer_id) if customer_id else None
    return Terms(**row) if row else Terms(profile.terms_days)


def due_date(choice: str, written: str, usual: Terms, issued_on: date) -> date | None:
    """The due date of a choice; ``None`` where a day of one's own is wanted and makes no sense."""
    if choice == ON_DAY:
        try:
            return date.fromisoformat(written)
        except ValueError:
            return None
    if choice in FIXED:
        return Terms(int(choice.removesuffix("m")), "then_month_end" if choice.endswith("m") else "invoice").due_on(
            issued_on
        )
    return usual.due_on(issued_on)


def offered_terms(usual: Terms, issued_on: date) -> list[tuple[str, str]]:
    """Every choice with its sentence."""
    own = gettext("Comme d'habitude : %(terms)s, le %(day)s") % {
        "terms": usual.told(),
        "day": day(usual.due_on(issued_on)),
    }
    fixed = [(key, gettext(name), due_date(key, "", usual, issued_on) or issued_on) for key, name in FIXED.items()]
    told = [(key, f"{name}, {gettext('le %(day)s') % {'day': day(due_on)}}") for key, name, due_on in fixed]
    return [(USUAL, own), *told, (ON_DAY, gettext("À une date précise"))]


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
