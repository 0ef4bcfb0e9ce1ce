"""VAT as a choice of sentences: each knows its category (BT-151), its rate (BT-152) and its reason (BT-121)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from einvoice.codelists.exemptions import EXEMPTIONS
from einvoice.composing.vat_rules import EU_COUNTRIES
from einvoice.document import FRENCH_VAT_TERRITORY
from einvoice.validation.rate_places import territory_of
from portal.invoicing.typed import ABROAD, CONSUMER
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.composing.seller import SellerProfile
    from portal.invoicing.typed import TypedBuyer

FRANCHISE = "VATEX-FR-FRANCHISE"
OVERSEAS = ("8.5", "2.1", "1.75", "1.05")
CORSICA = ("20", "13", "10", "5.5", "2.1", "0.9")
MAINLAND = ("20", "10", "5.5", "2.1")
NAMES = {
    "S:20": note_text("20 % · taux normal"),
    "S:10": note_text("10 % · travaux, restauration, transport"),
    "S:5.5": note_text("5,5 % · alimentation, livres, énergie"),
    "S:2.1": note_text("2,1 % · presse, médicaments remboursés"),
    "S:13": note_text("13 % · produits pétroliers en Corse"),
    "S:0.9": note_text("0,9 % · bétail, spectacles en Corse"),
    "S:8.5": note_text("8,5 % · taux normal outre-mer"),
    "S:1.75": note_text("1,75 % · bétail outre-mer"),
    "S:1.05": note_text("1,05 % · presse outre-mer"),
    f"E:{FRANCHISE}": note_text("Sans TVA · vous êtes en franchise en base (art. 293 B)"),
    "AE": note_text("Sans TVA · votre client la déclare (sous-traitance du bâtiment, service vendu dans l'UE)"),
    "K": note_text("Sans TVA · biens livrés à une entreprise d'un autre pays de l'UE"),
    "G": note_text("Sans TVA · biens exportés hors de l'UE"),
    "O": note_text("Hors TVA · service à une entreprise hors de l'UE, indemnité, dépôt de garantie"),
    "E:VATEX-FR-CGI261-4": note_text("Sans TVA · soins, enseignement, formation agréée (art. 261, 4)"),
    "E:VATEX-FR-CGI261-5": note_text("Sans TVA · vente d'immeubles anciens (art. 261, 5)"),
    "E:VATEX-FR-CGI261-7": note_text("Sans TVA · associations (art. 261, 7)"),
    "E:VATEX-FR-CGI261C-1": note_text("Sans TVA · opérations bancaires (art. 261 C, 1°)"),
    "E:VATEX-FR-CGI261C-2": note_text("Sans TVA · assurance (art. 261 C, 2°)"),
    "E:VATEX-FR-CGI261D-2": note_text("Sans TVA · location de locaux nus (art. 261 D, 2°)"),
    "E:VATEX-FR-CGI261D-4": note_text("Sans TVA · location de logements meublés (art. 261 D, 4°)"),
    "E:VATEX-FR-CGI275": note_text("Sans TVA · achat en franchise avant exportation (art. 275)"),
}
"""What the form says of each choice, in the order in which it offers them."""


@dataclass(frozen=True, slots=True)
class VatChoice:
    """One choice: how it is written in the form, and what it means."""

    value: str
    name: str


def meaning_of(value: str) -> tuple[str, str | None, str | None]:
    """Category, rate in percent and VATEX code of a choice; an unknown one is read as a standard rate."""
    category, _, rest = value.partition(":")
    if category == "S":
        return "S", rest, None
    return category, "0", rest or None


def choice_for(category: str, rate: Decimal | None, code: str | None = None) -> str:
    """The choice that says this category, rate and VATEX code."""
    if category == "S":
        return f"S:{(rate or Decimal(0)).normalize():f}"
    if category == "E" and code:
        return f"E:{code}"
    return category


def usual_choice(profile: SellerProfile, buyer: TypedBuyer, nature: str = "") -> str:
    """What a line to this buyer most probably bears, from where both are and what is sold.

    Source: CGI art. 293 B; 259, 1° and 283, 2 (services to businesses abroad); 262 ter, I; 262, I.
    """
    if profile.vat_exemption:
        return f"E:{profile.vat_exemption}"
    if profile.vat_regime == "franchise" or (profile.vat_id is None and profile.vat_group is None):
        return f"E:{FRANCHISE}"
    if buyer.kind == ABROAD and buyer.country not in FRENCH_VAT_TERRITORY:
        goods = (nature or profile.nature) == "goods"
        if buyer.country in EU_COUNTRIES:
            return ("K" if goods else "AE") if buyer.vat_id else rates_of(profile)[0]
        return "G" if goods else "O"
    if buyer.kind == CONSUMER and buyer.country not in FRENCH_VAT_TERRITORY | EU_COUNTRIES:
        return "G" if (nature or profile.nature) == "goods" else rates_of(profile)[0]
    return rates_of(profile)[0]


def offered_choices(profile: SellerProfile, used: Iterable[str]) -> list[VatChoice]:
    """What the form offers: the rates of where the seller is, what bears none, and whatever is ``used`` already."""
    values = [*rates_of(profile), *(each for each in NAMES if not each.startswith("S:"))]
    if profile.vat_exemption and f"E:{profile.vat_exemption}" not in values:
        values.append(f"E:{profile.vat_exemption}")
    values += [each for each in used if each and each not in values]
    return [VatChoice(each, _name(each)) for each in dict.fromkeys(values)]


def is_choice(value: str) -> bool:
    """Whether a choice means anything."""
    category, rate, code = meaning_of(value)
    if category == "S":
        try:
            return Decimal(rate or "x") > 0
        except InvalidOperation:
            return False
    known = EXEMPTIONS.get(code) if code else None
    return category in {"AE", "K", "G", "O", "Z"} or (
        category == "E" and (code is None or (known is not None and category in known.categories))
    )


def rates_of(profile: SellerProfile) -> tuple[str, ...]:
    """The standard rates of the seller's VAT territory, the usual one first."""
    territory = territory_of(profile.address.country, profile.address.postcode or "")
    rates = {"corsica": CORSICA, "overseas": OVERSEAS}.get(territory or "", MAINLAND)
    return tuple(f"S:{each}" for each in rates)


def _name(value: str) -> str:
    if value in NAMES:
        return gettext(NAMES[value])
    category, rate, code = meaning_of(value)
    if category == "S":
        return gettext("%(rate)s %% de TVA") % {"rate": (rate or "").replace(".", ",")}
    known = EXEMPTIONS.get(code or "")
    return gettext("Sans TVA · %(reason)s") % {"reason": known.text if known else category}
