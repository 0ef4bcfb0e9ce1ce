"""``/s/settings/law``: what the law wants of this supplier, and from when, by its size and its VAT regime."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 -- a field's type
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template

from config.clock import today
from config.law import LawUnknownError, duty_of, table
from config.law.interest import LEGAL, rate_on, statutory_rate_on
from einvoice.archive.retention import retain_until
from einvoice.reporting.periods import ReportKind, period_of
from einvoice.validation.payment_terms import GENERAL, PUBLIC, longest_term
from portal.access.context import work_here
from portal.access.roles import STAFF, allow
from portal.staff.company import SIZES
from portal.staff.reports.words import REGIMES
from portal.words import day, gettext, language, note_text, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from receivables.domain.settlement.payment_terms import PaymentTerms
    from receivables.store.work import Work

blueprint = Blueprint("law", __name__, url_prefix="/s/settings/law")

USUAL_SIZE, USUAL_REGIME, GROUP_SIZE = "sme", "monthly", "large"
BUSINESS = "business"
DUTIES = {
    "receive": (
        note_text("Recevoir des factures électroniques"),
        note_text("Une plateforme agréée reçoit pour vous les factures de vos fournisseurs français."),
        "CGI art. 289 bis",
        "/s/purchases",
    ),
    "issue": (
        note_text("Émettre des factures électroniques"),
        note_text("Vos factures à des entreprises françaises partent par une plateforme agréée."),
        "CGI art. 289 bis",
        "/s/platform",
    ),
    "report": (
        note_text("Déclarer ventes et encaissements (e-reporting)"),
        note_text("Ventes aux particuliers et à l'étranger, encaissements de prestations."),
        "CGI art. 290, 290 A",
        "/s/reports",
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A duty with its day."""

    name: str
    meaning: str
    article: str
    since: date
    href: str

    @property
    def applies(self) -> bool:
        """Whether it is in force today."""
        return self.since <= today()


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that holds today: what, how much, by which text."""

    name: str
    value: str
    article: str
    is_known: bool = True


@blueprint.get("")
@allow(*STAFF)
def show() -> str:
    """The calendar and the rules of today."""
    with work_here() as work:
        profile: Mapping[str, Any] = (
            work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
        )
        kept_until = retain_until(work, today())
        facts = _sales(work)
    size = GROUP_SIZE if profile.get("vat_group") else profile.get("size") or USUAL_SIZE
    regime = profile.get("vat_regime") or USUAL_REGIME
    return render_template(
        "settings/law.html",
        steps=steps_of(size),
        rules=_rules(profile, kept_until),
        periods=_periods(regime),
        size=gettext(SIZES[size]),
        regime=gettext(REGIMES[regime]),
        is_stated="size" in profile and "vat_regime" in profile,
        facts=facts,
        known_until=table("calendar")["known_until"],
    )


def steps_of(size: str) -> list[Step]:
    """The duties of a company of this size, in the order of their days."""
    found = [
        Step(gettext(name), gettext(meaning), article, duty_of(duty, size).since, href)
        for duty, (name, meaning, article, href) in DUTIES.items()
    ]
    return sorted(found, key=lambda each: each.since)


def _rules(profile: Mapping[str, Any], kept_until: date) -> list[Rule]:
    sector = profile.get("sector") or GENERAL
    return [
        _when_known(gettext("Délai de paiement le plus long"), lambda: _ceiling(sector), _article(sector)),
        _when_known(gettext("Délai des administrations"), lambda: _ceiling(PUBLIC), _article(PUBLIC)),
        _when_known(
            gettext("Intérêts de retard sans accord"),
            lambda: _a_year(statutory_rate_on(BUSINESS, today())),
            "C. com. art. L441-10",
        ),
        _when_known(
            gettext("Taux convenu le plus bas (trois fois le taux légal)"),
            lambda: _a_year(rate_on(LEGAL, today()) * 3),
            "C. com. art. L441-10",
        ),
        Rule(gettext("Indemnité par facture en retard"), "40 €", "C. com. art. D441-5"),
        Rule(
            gettext("TVA des services"),
            gettext("due dès la facture (option sur les débits)")
            if profile.get("vat_on_debits")
            else gettext("due à l'encaissement"),
            "CGI art. 269, 2",
        ),
        Rule(
            gettext("Factures de ce jour gardées jusqu'au"),
            day(kept_until),
            "C. com. art. L123-22, LPF art. L102 B",
        ),
    ]


def _when_known(name: str, value: Callable[[], str], article: str) -> Rule:
    """The rule; past the last day for which the law was read it says so, for nobody guesses."""
    try:
        return Rule(name, value(), article)
    except LawUnknownError:
        return Rule(name, gettext("pas encore connu ici"), article, is_known=False)


def beyond_the_law(terms: PaymentTerms, sector: str) -> str:
    """What the law says where an invoice of today would fall due too late; nothing where it would not, or is unread.

    C. com. art. L441-10, CCP art. R2192-10.
    """
    try:
        longest = longest_term(sector, today())
    except LawUnknownError:
        return ""
    if terms.due_on(today()) <= longest.last_day:
        return ""
    return f"{longest.ceiling_fr if language() == 'fr' else longest.ceiling} ({longest.article})."


def _ceiling(sector: str) -> str:
    longest = longest_term(sector, today())
    return longest.ceiling_fr if language() == "fr" else longest.ceiling


def _article(sector: str) -> str:
    try:
        return longest_term(sector, today()).article
    except LawUnknownError:
        return ""


def _a_year(rate: Decimal) -> str:
    return gettext("%(rate)s par an") % {"rate": percent(rate)}


def _periods(regime: str) -> list[tuple[str, Any]]:
    """The running periods of declaration of a regime."""
    names = {ReportKind.TRANSACTIONS: gettext("Ventes"), ReportKind.PAYMENTS: gettext("Encaissements")}
    try:
        return [(names[kind], period_of(regime, kind, today())) for kind in ReportKind]
    except LawUnknownError:
        return []


def _sales(work: Work) -> set[str]:
    """Which roads the invoices of the last year took: what is told to the State depends on them."""
    rows = work.rows(
        "SELECT DISTINCT routing FROM invoices WHERE supplier_id = :supplier AND issued_on > :since",
        since=today().replace(day=1).replace(year=today().year - 1),
    )
    return {row["routing"] for row in rows}
