"""Until when an invoice may be due: the longest lawful payment terms, and the finding where an invoice goes beyond.

Source: C. com. art. L441-10 and L441-11, CCP art. R2192-10 and R2192-11, as dated rows in ``config/law/terms.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.law import LawUnknownError, term_ceiling_on
from einvoice.composing.public_buyers import is_public
from einvoice.validation.verdict import Finding, Layer, Severity
from receivables.domain.settlement.payment_terms import month_end

if TYPE_CHECKING:
    from config.law import TermCeiling
    from einvoice.composing.seller import SellerProfile
    from einvoice.document import Document
    from einvoice.request.model import InvoiceRequest
    from einvoice.validation.verdict import Report

RULE = "QT-TERMS"
GENERAL = "general"
PERIODIC = "periodic"
PUBLIC = "public"
TEN_DAYS = (10, 20)
"""Last days of the first two ten-day periods (décades) of a month; the third ends with the month."""


@dataclass(frozen=True, slots=True)
class LongestTerm:
    """The last lawful due date and the article that says so."""

    last_day: date
    article: str
    ceiling: str
    ceiling_fr: str


def longest_term(sector: str, issued_on: date, delivered_on: date | None = None) -> LongestTerm:
    """The last day on which an invoice of ``sector`` may fall due.

    Where the law leaves a choice (end of month before or after the days), the later day counts.

    Raises:
        LawUnknownError: no law of that trade is known for ``issued_on``.
    """
    law = term_ceiling_on(sector, issued_on)
    start = issued_on if law.start == "issue" else (delivered_on or issued_on)
    days = [_period_end(start, law.after) + timedelta(law.days)]
    if law.end_of_month is not None:
        days += [
            month_end(start + timedelta(law.end_of_month)),
            month_end(start) + timedelta(law.end_of_month),
        ]
    return LongestTerm(max(days), law.article, *_in_words(law))


def term_finding(
    sector: str, issued_on: date, due_on: date, delivered_on: date | None = None, *, location: str | None = None
) -> Finding | None:
    """The warning ``QT-TERMS`` where ``due_on`` is later than the law allows; nothing where no law is known."""
    try:
        longest = longest_term(sector, issued_on, delivered_on)
    except (LawUnknownError, OverflowError):  # the latter: an invoice of the year 9999, which BR-FR-03 refuses
        return None
    if due_on <= longest.last_day:
        return None
    return Finding(
        RULE,
        Severity.WARNING,
        f"The due date (BT-9) {due_on} is later than the law allows: {longest.ceiling} ({longest.article}). "
        f"The last lawful day is {longest.last_day}.",
        Layer.HOUSE,
        location,
        message_fr=f"L'échéance (BT-9) du {_french(due_on)} dépasse le délai légal : {longest.ceiling_fr} "
        f"({longest.article}). Le dernier jour licite est le {_french(longest.last_day)}.",
    )


def sector_of(request: InvoiceRequest, profile: SellerProfile) -> str:
    """Whose law the due date of an invoice follows: as stated, a public buyer's, a periodic invoice's, the seller's."""
    if request.sector:
        return request.sector
    if is_public(request.buyer):
        return PUBLIC
    if request.periodic:
        return PERIODIC
    return profile.sector or GENERAL


def with_own_term(report: Report, request: InvoiceRequest, profile: SellerProfile, document: Document) -> Report:
    """``report`` with the warning of the trade's own law, which no file tells, in place of the general one."""
    sector = sector_of(request, profile)
    if sector == GENERAL or document.due_on is None or document.is_credit_note or request.buyer.consumer:
        return report
    delivery = document.delivery
    delivered_on = (delivery.delivered_on or delivery.period_end) if delivery else None
    found = term_finding(sector, document.issued_on, document.due_on, delivered_on, location="due_date")
    others = tuple(each for each in report.findings if each.rule != RULE)
    return replace(report, findings=(*others, found) if found else others)


def _period_end(day: date, after: str) -> date:
    if after == "month":
        return month_end(day)
    if after == "ten_days":
        return next((day.replace(day=end) for end in TEN_DAYS if day.day <= end), month_end(day))
    return day


def _in_words(law: TermCeiling) -> tuple[str, str]:
    start, start_fr = ("issue", "l'émission") if law.start == "issue" else ("delivery", "la livraison")
    after, after_fr = {
        "day": (start, start_fr),
        "month": (f"the end of the month of {start}", f"la fin du mois de {start_fr}"),
        "ten_days": (f"the end of the ten-day period of {start}", f"la fin de la décade de {start_fr}"),
    }[law.after]
    english, french = f"{law.days} days after {after}", f"{law.days} jours après {after_fr}"
    if law.end_of_month is not None:
        english += f", or {law.end_of_month} days with the end of the month"
        french += f", ou {law.end_of_month} jours fin de mois"
    return english, french.replace("de l'émission", "d'émission").replace("de la livraison", "de livraison")


def _french(day: date) -> str:
    return f"{day:%d/%m/%Y}"
