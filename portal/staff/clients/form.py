"""The form of a customer: what stands in it, and what it makes of what is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import combining, normalize

from babel import Locale

from einvoice.codelists.countries import COUNTRIES
from einvoice.composing.parties import check_endpoint, check_siren, check_siret, check_vat_id
from einvoice.document import FRENCH_ADDRESS_SCHEME, FRENCH_VAT_TERRITORY, Identifier
from einvoice.errors import BuildError
from portal.access.people import clean_email
from portal.staff.settings.typed import Typed
from portal.words import LANGUAGES, LOCALES, gettext, language, note_text
from receivables.domain.parties import CustomerKind
from receivables.domain.settlement.payment_terms import MOST_DAYS, CountedFrom, PaymentTerms
from receivables.store.customer_file.details import CustomerDetails, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from einvoice.directory.reach import CompanyAnswer

KINDS = {
    CustomerKind.BUSINESS: (note_text("Entreprise"), note_text("Facture électronique, mentions de retard")),
    CustomerKind.PUBLIC: (note_text("Administration"), note_text("Chorus Pro, délai de paiement public")),
    CustomerKind.CONSUMER: (note_text("Particulier"), note_text("Ni SIREN ni mentions entre professionnels")),
}
COUNTED = {
    CountedFrom.INVOICE: note_text("après la date de facture"),
    CountedFrom.MONTH_END: note_text("après la fin du mois de la facture"),
    CountedFrom.THEN_MONTH_END: note_text("après la date de facture, puis fin de mois"),
}
WRONG_NUMBERS = {
    "siren": note_text("Ce n'est pas un SIREN : neuf chiffres, dont le dernier contrôle les autres."),
    "siret": note_text("Ce n'est pas un SIRET de cette entreprise : son SIREN, puis cinq chiffres."),
    "vat_id": note_text(
        "Ce n'est pas le numéro de TVA de ce client : pour la France, FR, deux caractères, puis son SIREN."
    ),
    "endpoint": note_text("Ce n'est pas une adresse de facturation de cette entreprise : elle commence par son SIREN."),
}
"""What is said at a field; the sentences of the invoice speak of its terms (BT), which nobody types here."""
USUAL = "usual"
_PLACE = (
    "line1",
    "line2",
    "postcode",
    "city",
    "trading_name",
    "siret",
    "endpoint",
    "phone",
    "service_code",
    "engagement",
)


def countries() -> list[tuple[str, str]]:
    """Codes and names in the reader's language, France first."""
    names = Locale.parse(LOCALES[language()]).territories
    known = {code: str(names.get(code, code)) for code in COUNTRIES if code != "FR"}
    known["XI"] = gettext("Irlande du Nord (TVA)")
    return [("FR", str(names["FR"])), *sorted(known.items(), key=lambda each: _without_accents(each[1]))]


def _without_accents(name: str) -> str:
    """A name as dictionaries order it: É stands with E."""
    return "".join(each for each in normalize("NFKD", name) if not combining(each)).casefold()


def typed_from(details: CustomerDetails, terms: PaymentTerms | None) -> Typed:
    """The form with what is kept of a customer."""
    values = {name: getattr(details.place, name) or "" for name in _PLACE}
    values |= {
        "name": details.name,
        "kind": details.kind,
        "siren": details.siren or "",
        "vat_id": details.vat_id or "",
        "email": details.email or "",
        "language": details.language,
        "country": details.place.country,
        "terms": terms.counted_from if terms else USUAL,
        "days": str(terms.days) if terms else "",
    }
    return Typed(values)


def blank() -> Typed:
    """The form of a new customer."""
    return typed_from(CustomerDetails("", CustomerKind.BUSINESS), None)


def typed_from_directory(answer: CompanyAnswer, siret: str | None) -> Typed:
    """The form of a new customer with what the directory tells of it."""
    kind = CustomerKind.PUBLIC if answer.is_public else CustomerKind.BUSINESS
    name = answer.unit.name if answer.unit and answer.unit.name else ""
    place = Place(siret=siret, city=next((f.place for f in answer.facilities if f.siret == siret), None))
    return typed_from(CustomerDetails(name, kind, siren=answer.siren, place=place), None)


def read_details(typed: Typed) -> CustomerDetails:
    """What the form says; what is wrong is among its faults."""
    kind = typed.choice("kind", set(CustomerKind))
    country = typed.choice("country", COUNTRIES)
    siren = _judged(typed, "siren", lambda given: check_siren(given, "buyer.siren", "BT-47"))
    siret = _judged(typed, "siret", lambda given: check_siret(given, siren or given[:9], "buyer.siret", "BT-46"))
    siren = siren or (siret[:9] if siret else None)
    vat_id = _judged(typed, "vat_id", lambda given: check_vat_id(given, siren, "buyer.vat_id", "BT-48"))
    endpoint = _judged(typed, "endpoint", lambda given: _endpoint(given, siren))
    if kind == CustomerKind.CONSUMER and (siren or vat_id):
        typed.faults["kind"] = gettext(
            "Un particulier n'a ni SIREN ni numéro de TVA : effacez-les, ou changez la nature."
        )
    elif kind != CustomerKind.CONSUMER and siren is None and country in FRENCH_VAT_TERRITORY:
        typed.faults.setdefault(
            "siren", gettext("Le SIREN d'une entreprise française est obligatoire sur ses factures.")
        )
    return CustomerDetails(
        name=typed.need("name", 200),
        kind=CustomerKind(kind) if "kind" not in typed.faults else CustomerKind.BUSINESS,
        siren=siren,
        vat_id=vat_id,
        email=_email(typed),
        language=typed.choice("language", LANGUAGES),
        place=_place(typed, country, siret, endpoint),
    )


def read_terms(typed: Typed) -> PaymentTerms | None:
    """The terms that are agreed with the customer; none where it pays by the usual ones."""
    counted = typed.choice("terms", {USUAL, *CountedFrom})
    if counted == USUAL or "terms" in typed.faults:
        return None
    days = typed.whole("days", 0, MOST_DAYS)
    if days is None:
        typed.faults.setdefault("days", gettext("Donnez le nombre de jours."))
    return PaymentTerms(days or 0, CountedFrom(counted))


def _place(typed: Typed, country: str, siret: str | None, endpoint: str | None) -> Place:
    plain = {name: typed.text(name, 200) for name in _PLACE if name not in {"siret", "endpoint"}}
    if typed.get("kind") != CustomerKind.CONSUMER and not plain["city"]:
        typed.faults["city"] = gettext("La ville manque : l'adresse du client figure sur la facture.")
    return Place(country=country, siret=siret, endpoint=endpoint, **plain)


def _endpoint(given: str, siren: str | None) -> str:
    checked = check_endpoint(Identifier(given, FRENCH_ADDRESS_SCHEME), siren, "buyer.endpoint", "BT-49")
    return checked.value if checked else given


def _email(typed: Typed) -> str | None:
    given = typed.text("email")
    if given is None:
        return None
    address = clean_email(given)
    if address is None:
        typed.faults["email"] = gettext("Cette adresse n'en est pas une : vérifiez-la.")
    return address


def _judged(typed: Typed, name: str, judge: Callable[[str], str]) -> str | None:
    """A number without its blanks, judged by its key."""
    given = "".join(typed.get(name).split())
    if not given:
        return None
    try:
        return judge(given.upper() if name == "vat_id" else given)
    except BuildError:
        typed.faults[name] = gettext(WRONG_NUMBERS[name])
        return None
