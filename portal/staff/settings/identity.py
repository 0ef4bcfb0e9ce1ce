"""``/s/company/identity`` and ``/s/company/terms``: what stands on every invoice of the supplier."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, render_template, request, url_for
from pydantic import ValidationError

from config.law import term_sectors
from einvoice.codelists.countries import COUNTRIES
from einvoice.codelists.exemptions import CREDIT_NOTES_ONLY, EXEMPTIONS
from einvoice.composing.habits import MAX_DISCOUNT_DAYS, MAX_PERCENT
from einvoice.composing.seller import DISCOUNT_TEXT, PENALTY_TEXT, RECOVERY_TEXT
from einvoice.errors import EInvoiceError
from einvoice.validation.payment_terms import GENERAL
from payments.bank_accounts import active_account_of
from portal.access.context import place, services, work_here
from portal.access.roles import OWNERS, allow
from portal.documents.issuing import MAX_TERMS_DAYS
from portal.staff.clients.form import countries
from portal.staff.company import judge_profile, keep_profile
from portal.staff.settings.items import NATURES
from portal.staff.settings.law import beyond_the_law
from portal.staff.settings.typed import UNPROCESSABLE, Typed, written
from portal.words import LANGUAGES, gettext, language, note_text
from receivables.domain.settlement.payment_terms import PaymentTerms
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("identity", __name__, url_prefix="/s/company")

_NUMBERS = ("vat_id", "siret", "iban", "bic")
_PLAIN = ("name", "trading_name", "legal_form", "registration", "endpoint", "vat_exemption", "holder", *_NUMBERS)
_ADDRESS = ("line1", "line2", "postcode", "city", "country")
_CONTACT = {"contact_name": "name", "contact_phone": "phone", "contact_email": "email"}
_GROUP = {"group_name": "name", "group_siren": "siren", "group_vat_id": "vat_id"}
_GROUP_ADDRESS = {"group_line1": "line1", "group_postcode": "postcode", "group_city": "city"}
_TEXTS = {"recovery_text": RECOVERY_TEXT, "penalty_text": PENALTY_TEXT, "discount_text": DISCOUNT_TEXT}
_DECIMALS = ("penalty_rate", "discount_percent")
_FIELD_OF = {"siren": "", "contact.email": "contact_email", "vat_group.siren": "group_siren"} | {
    "vat_group.vat_id": "group_vat_id",
    "discount_days": "discount_percent",
}
"""Where a fault stands in our forms, by where it is in the profile."""
_NAMES = {
    "name": note_text("Raison sociale"),
    "address": note_text("Adresse"),
    "vat_id": note_text("Numéro de TVA"),
}
"""How the form calls what a profile may lack."""
SECTORS = {
    "transport": note_text("Transport (30 jours)"),
    "perishable_food": note_text("Denrées périssables (30 jours après la décade)"),
    "livestock": note_text("Bétail sur pied (20 jours)"),
    "alcohol": note_text("Boissons alcooliques (30 jours fin de mois)"),
}
LONGEST = 300


@blueprint.get("/identity")
@allow(*OWNERS)
def show() -> str:
    """Who the supplier is, as its invoices say."""
    with work_here() as work:
        stored = stored_profile(work)
        return _identity(_typed_identity(stored), stored, work)


@blueprint.post("/identity")
@allow(*OWNERS)
def save() -> Response | tuple[str, int]:
    """Keep who the supplier is; nothing issued changes."""
    return _save("identity.show", _read_identity, _identity)


@blueprint.get("/terms")
@allow(*OWNERS)
def show_terms() -> str:
    """When customers pay, and what comes of paying early or late."""
    with work_here() as work:
        stored = stored_profile(work)
        return _terms(_typed_terms(stored), stored, work)


@blueprint.post("/terms")
@allow(*OWNERS)
def save_terms() -> Response | tuple[str, int]:
    """Keep the terms of payment; nothing issued changes."""
    return _save("identity.show_terms", _read_terms, _terms)


def stored_profile(work: Work) -> dict[str, Any]:
    """The profile as it is kept, held until this work ends; of a new supplier only what the register knows."""
    found = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier FOR UPDATE")
    if found:
        return dict(found)
    supplier = get_supplier(services().database, work.supplier_id)
    return {"name": supplier.name, "siren": supplier.siren} if supplier else {}


def _save(
    page: str,
    read: Callable[[Typed], dict[str, Any]],
    shown: Callable[[Typed, Mapping[str, Any], Work], str],
) -> Response | tuple[str, int]:
    typed = Typed.read()
    given = read(typed)
    with work_here() as work:
        stored = stored_profile(work)
        changed = {name: value for name, value in {**stored, **given}.items() if value is not None}
        changed.setdefault("siren", get_supplier_siren(work))
        if not typed.faults and _keep(work, changed, typed):
            return redirect(url_for(page, saved=1), 303)
        return shown(typed, stored, work), UNPROCESSABLE


def get_supplier_siren(work: Work) -> str:
    """The SIREN under which the register knows the supplier."""
    supplier = get_supplier(services().database, work.supplier_id)
    return (supplier.siren if supplier else None) or ""


def _keep(work: Work, changed: dict[str, Any], typed: Typed) -> bool:
    """Keep a changed profile where it is right; else its faults stand in the form."""
    try:
        profile = judge_profile(changed)
    except EInvoiceError as error:
        said = error.sentence if language() == "en" else error.sentence_fr
        where = (getattr(error, "place", None) or "").removeprefix("seller.")
        field = _FIELD_OF.get(where, where)
        typed.faults[field if field in typed.values else ""] = said
        return False
    except ValidationError as error:
        lacking = sorted({str(each["loc"][0]) for each in error.errors()})
        missing = ", ".join(gettext(_NAMES[each]) if each in _NAMES else each for each in lacking)
        typed.faults[""] = gettext("Il manque au profil : %(fields)s. Remplissez d'abord l'identité.") % {
            "fields": missing
        }
        return False
    keep_profile(work, profile, changed)
    return True


def _typed_identity(stored: Mapping[str, Any]) -> Typed:
    address, contact = stored.get("address") or {}, stored.get("contact") or {}
    group = stored.get("vat_group") or {}
    values = {name: str(stored.get(name) or "") for name in _PLAIN}
    values |= {name: str(address.get(name) or "") for name in _ADDRESS}
    values |= {name: str(contact.get(key) or "") for name, key in _CONTACT.items()}
    values |= {name: str(group.get(key) or "") for name, key in _GROUP.items()}
    values |= {name: str((group.get("address") or {}).get(key) or "") for name, key in _GROUP_ADDRESS.items()}
    values |= {"language": stored.get("language") or "fr", "nature": stored.get("nature") or "services"}
    values |= {"vat_on_debits": "yes" if stored.get("vat_on_debits") else "no", "country": values["country"] or "FR"}
    return Typed(values)


def _read_identity(typed: Typed) -> dict[str, Any]:
    given: dict[str, Any] = {name: typed.text(name, LONGEST) for name in _PLAIN if name in typed.values}
    for name in _NUMBERS:
        if given.get(name):
            given[name] = "".join(given[name].split()).upper()
    given["name"] = typed.need("name", LONGEST)
    typed.need("line1", LONGEST)
    typed.need("postcode", LONGEST)
    typed.need("city", LONGEST)
    typed.choice("country", COUNTRIES)
    given["address"] = {name: typed.get(name) for name in _ADDRESS if typed.get(name)}
    contact = {key: typed.get(name) for name, key in _CONTACT.items() if typed.text(name, LONGEST)}
    given["contact"] = contact or None
    group = {key: typed.get(name) for name, key in _GROUP.items() if typed.text(name, LONGEST)}
    if group and len(group) < len(_GROUP):
        typed.faults["group_name"] = gettext("Un groupe TVA a un nom, un SIREN et un numéro de TVA : donnez les trois.")
    place_of_group = {key: typed.get(name) for name, key in _GROUP_ADDRESS.items() if typed.text(name, LONGEST)}
    given["vat_group"] = {**group, "address": {"country": "FR", **place_of_group}} if group else None
    given["language"] = typed.choice("language", LANGUAGES)
    given["nature"] = typed.choice("nature", NATURES)
    given["vat_on_debits"] = typed.choice("vat_on_debits", ("yes", "no")) == "yes"
    return given


def _typed_terms(stored: Mapping[str, Any]) -> Typed:
    values = {name: str(stored.get(name) or usual) for name, usual in _TEXTS.items()}
    values |= {name: written(Decimal(str(stored[name]))) if stored.get(name) else "" for name in _DECIMALS}
    values |= {
        "terms_days": str(stored.get("terms_days", 30)),
        "discount_days": str(stored.get("discount_days") or ""),
        "sector": stored.get("sector") or "",
    }
    return Typed(values)


def _read_terms(typed: Typed) -> dict[str, Any]:
    given: dict[str, Any] = {name: typed.text(name, 1000) or usual for name, usual in _TEXTS.items()}
    for name in _DECIMALS:
        number = typed.decimal(name, Decimal(MAX_PERCENT), 4)
        given[name] = None if number is None else f"{number:f}"
    given["terms_days"] = typed.whole("terms_days", 0, MAX_TERMS_DAYS)
    if given["terms_days"] is None:
        typed.faults.setdefault("terms_days", gettext("Donnez le nombre de jours."))
    given["discount_days"] = typed.whole("discount_days", 0, MAX_DISCOUNT_DAYS)
    sector = typed.get("sector")
    given["sector"] = sector if sector in term_sectors() else None
    return given


def _identity(typed: Typed, stored: Mapping[str, Any], work: Work) -> str:
    exempt = [
        (code, each.text)
        for code, each in EXEMPTIONS.items()
        if "E" in each.categories and code not in CREDIT_NOTES_ONLY
    ]
    return render_template(
        "settings/identity.html",
        typed=typed,
        siren=stored.get("siren") or get_supplier_siren(work),
        has_account=active_account_of(work) is not None,
        countries=countries(),
        natures=[(value, gettext(name)) for value, name in NATURES.items()],
        exemptions=exempt,
        in_group=bool(stored.get("vat_group")) or any(typed.get(name) for name in _GROUP),
        supplier=place().supplier_name,
        saved="saved" in request.args,
    )


def _terms(typed: Typed, _stored: Mapping[str, Any], _work: Work) -> str:
    return render_template(
        "settings/terms_of_payment.html",
        typed=typed,
        sectors=[(value, gettext(name)) for value, name in SECTORS.items()],
        beyond=_beyond(typed),
        saved="saved" in request.args,
    )


def _beyond(typed: Typed) -> str:
    """What the law says of terms that are longer than it allows between businesses."""
    days = typed.get("terms_days")
    if not (days.isascii() and days.isdecimal() and len(days) <= len(str(MAX_TERMS_DAYS))):
        return ""
    return beyond_the_law(PaymentTerms(int(days)), typed.get("sector") or GENERAL)
