"""What the form of an invoice shows beside what was typed: choices in words, figures, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from config.clock import today
from einvoice.codelists.units import UNITS
from einvoice.validation.verdict import Verdict
from portal.invoicing.faults import COMPANY, GENERAL
from portal.invoicing.terms_choices import offered_terms
from portal.invoicing.typed import ABROAD, BUSINESS, CONSUMER, DEPOSIT, INVOICE, PUBLIC
from portal.invoicing.vat_choices import offered_choices
from portal.staff.clients.form import countries
from portal.staff.invoicing.desk import MOST_ITEMS
from portal.words import gettext, language, money, ngettext, note_text
from receivables.domain.money import Money
from receivables.store.invoicing.items import list_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portal.invoicing.faults import Fault
    from portal.staff.invoicing.desk import Desk
    from receivables.store.work import Work

KINDS = {
    INVOICE: (note_text("Une facture"), note_text("Le travail est fait ou la marchandise livrée.")),
    DEPOSIT: (note_text("Un acompte"), note_text("Avant le travail ; la facture finale le déduira.")),
}
BUYER_KINDS = {
    BUSINESS: note_text("Entreprise française"),
    CONSUMER: note_text("Particulier"),
    ABROAD: note_text("Entreprise étrangère"),
    PUBLIC: note_text("Organisme public"),
}
COMMON_UNITS = ("HUR", "DAY", "MON", "LS", "H87", "C62", "KGM", "TNE", "MTR", "MTK", "MTQ", "LTR", "KMT", "KWH", "SET")
"""Units that most invoices use, in the order in which they are offered."""
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CAD", "JPY", "MAD")
NATURES = {
    "": note_text("Comme d'habitude"),
    "services": note_text("Un service"),
    "goods": note_text("Un bien"),
}
LABELS = {
    "buyer-name": note_text("Nom du client"),
    "buyer-siren": note_text("SIREN"),
    "buyer-siret": note_text("SIRET"),
    "buyer-vat_id": note_text("Numéro de TVA du client"),
    "buyer-line1": note_text("Adresse du client"),
    "buyer-country": note_text("Pays"),
    "buyer-email": note_text("Adresse électronique"),
    "buyer-service_code": note_text("Code service"),
    "buyer-engagement": note_text("Numéro d'engagement"),
    "due_on": note_text("À payer"),
    "terms": note_text("À payer"),
    "delivered_on": note_text("Date de livraison"),
    "period_start": note_text("Période"),
    "period_end": note_text("Période"),
    "order": note_text("Numéro de commande"),
    "reference": note_text("Référence du client"),
    "contract": note_text("Contrat"),
    "note": note_text("Message"),
    "discount": note_text("Remise"),
    "currency": note_text("Devise"),
    "rate": note_text("Cours de la devise"),
    COMPANY: note_text("Votre entreprise"),
    GENERAL: note_text("Cette facture"),
}
_LINE_LABELS = {
    "name": note_text("désignation"),
    "description": note_text("détail"),
    "quantity": note_text("quantité"),
    "unit": note_text("unité"),
    "price": note_text("prix"),
    "vat": note_text("TVA"),
    "discount": note_text("remise"),
}


@dataclass(frozen=True, slots=True)
class Sum:
    """One figure beside the form; ``strong`` is what is asked for."""

    name: str
    value: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict as it is told: tone and icon, a title, a sentence."""

    tone: str
    icon: str
    title: str
    sentence: str


def show_aside(desk: Desk) -> dict[str, Any]:
    """What stands beside the form: the verdict, what is missing, the sums."""
    return {
        "look": desk.look,
        "judged": judge_look(desk),
        "sums": sums_of(desk),
        "left": [(each, label_of(each.field)) for each in desk.look.faults],
        "advice": desk.look.advice,
    }


def show_form(work: Work, desk: Desk) -> dict[str, Any]:
    """What the form offers."""
    typed = desk.typed
    return {
        "kinds": KINDS,
        "buyer_kinds_told": [(key, gettext(name)) for key, name in BUYER_KINDS.items()],
        "vats": offered_choices(desk.profile, [line.vat for line in typed.lines]),
        "units": unit_choices([line.unit for line in typed.lines]),
        "terms": offered_terms(desk.usual, today()),
        "countries": countries(),
        "currencies_told": [(each, each) for each in dict.fromkeys((*CURRENCIES, typed.currency))],
        "natures_told": [(key, gettext(name)) for key, name in NATURES.items()],
        "items": list_items(work, limit=MOST_ITEMS),
        "known": desk.draft.customer_id is not None,
        "today": today(),
    }


def judge_look(desk: Desk) -> Judgement:
    """The verdict in one sentence: what is missing is no reproach."""
    look = desk.look
    if look.is_ready:
        return Judgement(
            "paid", "check", gettext("Prête à émettre"), gettext("Toutes les règles sont respectées : norme et loi.")
        )
    if look.verdict is Verdict.NOT_CHECKED:
        return Judgement(
            "part", "unknown", gettext("Pas encore contrôlée"), gettext("Le contrôle ne répond pas : réessayez.")
        )
    if look.mistakes:
        count = len(look.mistakes)
        return Judgement(
            "late",
            "alert",
            ngettext("Une chose à corriger", "%(num)s choses à corriger", count) % {"num": count},
            gettext("Chacune est expliquée à sa place."),
        )
    count = len(look.missing)
    return Judgement(
        "plain",
        "clock",
        ngettext("Encore une chose à remplir", "Encore %(num)s choses à remplir", count) % {"num": count},
        gettext("La facture se contrôle à mesure que vous écrivez."),
    )


def sums_of(desk: Desk) -> list[Sum]:
    """What the invoice comes to so far."""
    document = desk.look.document
    if document is None:
        return []

    def told(amount: Decimal) -> str:
        return money(Money.of(amount, document.currency).minor, document.currency)

    totals = document.totals
    found = [Sum(gettext("Total HT"), told(totals.without_vat))]
    for row in document.vat:
        if row.tax:
            rate = f"{(row.rate or Decimal(0)).normalize():f}".replace(".", ",")
            found.append(Sum(gettext("TVA %(rate)s %%") % {"rate": rate}, told(row.tax)))
        else:
            found.append(Sum(gettext("Sans TVA"), told(row.tax)))
    if totals.prepaid:
        found.append(Sum(gettext("Total TTC"), told(totals.with_vat)))
        found.append(Sum(gettext("Acomptes déduits"), told(-totals.prepaid)))
    found.append(Sum(gettext("À payer"), told(totals.payable), strong=True))
    return found


def faults_by_field(faults: Sequence[Fault], *, strictly: bool) -> dict[str, str]:
    """What to say at each field; of gaps only where somebody wants to issue."""
    return {each.field: each.sentence for each in faults if strictly or not each.missing}


def label_of(field: str) -> str:
    """What a field is called, with the number of its line."""
    if field.startswith("line-"):
        _, place, name = field.split("-", 2)
        return gettext("Ligne %(number)s, %(name)s") % {
            "number": int(place) + 1,
            "name": gettext(_LINE_LABELS.get(name, _LINE_LABELS["name"])),
        }
    if field.startswith("deposit-"):
        return gettext("Acomptes")
    return gettext(LABELS.get(field, LABELS[GENERAL]))


def unit_choices(used: Sequence[str]) -> list[tuple[str, str]]:
    """Units by their word, the common ones first; two codes of one word are one choice."""
    place = 0 if language() == "fr" else 2
    found: dict[str, str] = {}
    for code in (*COMMON_UNITS, *sorted(UNITS, key=lambda each: UNITS[each][place].casefold())):
        found.setdefault(UNITS[code][place], code)
    names = {code: name for name, code in found.items()}
    for code in used:
        if code and code not in names:
            names[code] = UNITS[code][place] if code in UNITS else code
    return list(names.items())
