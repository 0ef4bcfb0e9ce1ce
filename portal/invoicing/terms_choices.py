"""When an invoice is to be paid, as a choice of sentences; the day follows from it when the invoice is issued."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.fields import day_in
from portal.words import day, gettext, ngettext, note_text
from receivables.domain.settlement.payment_terms import CountedFrom, PaymentTerms
from receivables.store.customer_file.details import customer_terms

if TYPE_CHECKING:
    from datetime import date
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


def usual_terms(work: Work, profile: SellerProfile, customer_id: UUID | None) -> PaymentTerms:
    """What was agreed with this customer, else the seller's own terms."""
    agreed = customer_terms(work, customer_id) if customer_id else None
    return agreed or PaymentTerms(profile.terms_days)


def terms_words(terms: PaymentTerms) -> str:
    """The terms in words."""
    if terms.counted_from is CountedFrom.THEN_MONTH_END:
        return gettext("%(days)s jours fin de mois") % {"days": terms.days}
    if terms.counted_from is CountedFrom.MONTH_END:
        return gettext("fin de mois et %(days)s jours") % {"days": terms.days}
    return ngettext("%(num)s jour", "%(num)s jours", terms.days) % {"num": terms.days}


def due_date(choice: str, written: str, usual: PaymentTerms, issued_on: date) -> date | None:
    """The due date of a choice; ``None`` where a day of one's own is wanted and makes no sense."""
    if choice == ON_DAY:
        return day_in(written)
    if choice in FIXED:
        counted_from = CountedFrom.THEN_MONTH_END if choice.endswith("m") else CountedFrom.INVOICE
        return PaymentTerms(int(choice.removesuffix("m")), counted_from).due_on(issued_on)
    return usual.due_on(issued_on)


def offered_terms(usual: PaymentTerms, issued_on: date) -> list[tuple[str, str]]:
    """Every choice with its sentence."""
    own = gettext("Comme d'habitude : %(terms)s, le %(day)s") % {
        "terms": terms_words(usual),
        "day": day(usual.due_on(issued_on)),
    }
    fixed = [(key, gettext(name), due_date(key, "", usual, issued_on) or issued_on) for key, name in FIXED.items()]
    told = [(key, f"{name}, {gettext('le %(day)s') % {'day': day(due_on)}}") for key, name, due_on in fixed]
    return [(USUAL, own), *told, (ON_DAY, gettext("À une date précise"))]
