"""``/s/company``: what the owner says of the company, on which the calendar of the law and the rhythm depend."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from babel.dates import get_month_names
from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from config.law import LawUnknownError, duty_of
from einvoice.archive.retention import YEAR_END, YearEnd
from einvoice.errors import BuildError, EInvoiceError
from einvoice.kept import profile_from_json
from einvoice.reactions import MOST_PAUSE_DAYS, PAUSE_DAYS, PAUSE_FIELD
from einvoice.reporting.periods import ReportKind, period_of
from portal.access.context import actor, work_here
from portal.access.roles import OWNERS, allow
from portal.documents.issuing import BRANDING, CHOICES, check_choices, check_profile
from portal.profiles import save_profile
from portal.staff.reports.words import REGIMES
from portal.words import LOCALES, day, gettext, language, note_text, short_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response
    from werkzeug import Response as AnyResponse

    from einvoice.composing.seller import SellerProfile
    from receivables.store.work import Work

blueprint = Blueprint("company", __name__, url_prefix="/s/company")

LONGEST_NUMBER = 4
SIZES = {
    "micro": note_text("Microentreprise"),
    "sme": note_text("Petite ou moyenne entreprise (PME)"),
    "mid": note_text("Entreprise de taille intermédiaire (ETI)"),
    "large": note_text("Grande entreprise"),
}
_GROUP = "large"
"""The size whose dates a member of a VAT group has (CGI 256 C)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer with what follows from it."""

    value: str
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says. ``faults`` names the fields that are wrong, each with what to do."""

    size: str
    vat_regime: str
    year_end_day: str
    year_end_month: str
    pause_days: str
    faults: Mapping[str, str] = field(default_factory=dict)


@blueprint.get("")
@allow(*OWNERS)
def show() -> str | AnyResponse:
    """The form with what the profile says; what it does not say is not chosen. A new house says first who it is."""
    with work_here() as work:
        stored = _find_profile(work)
        if stored is None:
            return redirect(url_for("identity.show"), 303)
        return _form(stored, _asked_of(stored))


@blueprint.post("")
@allow(*OWNERS)
def save() -> Response | AnyResponse:
    """Keep what was chosen, judged as the command ``supplier`` judges a profile."""
    with work_here() as work:
        stored = _stored(work)
        asked = _read()
        faults = _faults(asked)
        if not faults:
            changed = {**stored, **_fields(asked)}
            try:
                profile = judge_profile(changed)
            except EInvoiceError as error:
                faults = {"": error.sentence if language() == "en" else error.sentence_fr}
            else:
                keep_profile(work, profile, changed)
                return redirect(url_for("company.show", saved=1), 303)
        return make_response(_form(stored, replace(asked, faults=faults)), 422)


def _stored(work: Work) -> dict[str, Any]:
    """The profile as it is kept, held until this work ends; nobody issues without one."""
    found = _find_profile(work)
    return found if found is not None else abort(404)


def _find_profile(work: Work) -> dict[str, Any] | None:
    found = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier FOR UPDATE")
    return dict(found) if found else None


def judge_profile(changed: dict[str, Any]) -> SellerProfile:
    """The profile that the change makes.

    Raises:
        EInvoiceError: as ``quittance supplier``.
    """
    check_choices(changed)
    profile = profile_from_json(changed)
    check_profile(profile, changed)
    return profile


def keep_profile(work: Work, profile: SellerProfile, changed: dict[str, Any]) -> None:
    """Keep a profile that was judged, with everything else that stands beside it."""
    kept = sorted((BRANDING | CHOICES.keys()) & set(changed))
    save_profile(work, profile, {name: changed[name] for name in kept}, actor=actor())
    work.audit(actor(), "supplier.profile_saved", profile.siren)


def _asked_of(stored: Mapping[str, Any]) -> Asked:
    month, _, last = str(stored.get(YEAR_END) or "12-31").partition("-")
    pause = str(stored.get(PAUSE_FIELD, PAUSE_DAYS))
    return Asked(stored.get("size") or "", stored.get("vat_regime") or "", last.lstrip("0"), month, pause)


def _read() -> Asked:
    def typed(name: str) -> str:
        return request.form.get(name, "").strip()

    return Asked(
        typed("size"), typed("vat_regime"), typed("year_end_day"), typed("year_end_month"), typed("pause_days")
    )


def _faults(asked: Asked) -> dict[str, str]:
    found = {}
    if asked.size not in CHOICES["size"]:
        found["size"] = gettext("Choisissez la taille de votre entreprise.")
    if asked.vat_regime not in CHOICES["vat_regime"]:
        found["vat_regime"] = gettext("Choisissez votre régime de TVA ; votre expert-comptable le connaît.")
    try:
        YearEnd.read(_year_end(asked))
    except BuildError:
        found["year_end"] = gettext("Ce jour n'existe pas : choisissez le dernier jour de votre exercice.")
    pause = _number(asked.pause_days)
    if pause is None or pause > MOST_PAUSE_DAYS:
        said = gettext("Donnez un nombre de jours entre 0 et %(most)s.") % {"most": MOST_PAUSE_DAYS}
        found["pause_days"] = said
    return found


def _fields(asked: Asked) -> dict[str, Any]:
    """The fields of the profile; a default that nobody stated is not written down."""
    return {
        "size": asked.size,
        "vat_regime": asked.vat_regime,
        YEAR_END: _year_end(asked),
        PAUSE_FIELD: _number(asked.pause_days),
    }


def _year_end(asked: Asked) -> str:
    return f"{_number(asked.year_end_month) or 0:02d}-{_number(asked.year_end_day) or 0:02d}"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None


def _form(stored: Mapping[str, Any], asked: Asked) -> str:
    months = get_month_names("wide", locale=LOCALES[language()])
    in_group = bool(stored.get("vat_group"))
    return render_template(
        "company/form.html",
        asked=asked,
        sizes=[Choice(each, gettext(SIZES[each]), _since(_GROUP if in_group else each)) for each in CHOICES["size"]],
        regimes=[Choice(each, _capital(gettext(REGIMES[each])), _rhythm(each)) for each in CHOICES["vat_regime"]],
        months=[(f"{number:02d}", months[number]) for number in range(1, 13)],
        on_debits=bool(stored.get("vat_on_debits")),
        in_group=in_group,
        most_pause=MOST_PAUSE_DAYS,
        saved="saved" in request.args,
    )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _since(size: str) -> str:
    """From when a company of this size must send and declare."""
    since = duty_of("issue", size).since
    said = (
        gettext("doit émettre et déclarer depuis le %(day)s")
        if since <= today()
        else gettext("devra émettre et déclarer à partir du %(day)s")
    )
    return said % {"day": day(since)}


def _rhythm(regime: str) -> str:
    """The running periods of a regime, with their deadlines."""
    try:
        sales, receipts = (period_of(regime, kind, today()) for kind in ReportKind)
    except LawUnknownError:
        return ""
    return gettext(
        "ventes du %(first)s au %(last)s à déclarer le %(due)s ; encaissements du %(paid_first)s au %(paid_last)s, "
        "le %(paid_due)s"
    ) % {
        "first": short_day(sales.starts_on),
        "last": short_day(sales.ends_on),
        "due": short_day(sales.due_on),
        "paid_first": short_day(receipts.starts_on),
        "paid_last": short_day(receipts.ends_on),
        "paid_due": short_day(receipts.due_on),
    }
