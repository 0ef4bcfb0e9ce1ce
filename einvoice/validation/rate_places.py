"""``QT-RATE-PLACE``: a VAT rate that does not fit the places of an invoice, or the day of its issue.

France has three VAT territories with rates of their own: the mainland, Corsica (CGI 297), and Guadeloupe, Martinique
and Réunion (CGI 296). In Guyane and Mayotte VAT is not charged (CGI 294). A warning: which place taxes a supply is for
the seller to know; the rule only sees that no place named knows the rate. Rates: ``config/law/vat_rates.toml``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.law import vat_rates
from einvoice.validation.location import path_of
from einvoice.validation.verdict import Finding, Layer, Severity
from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from lxml import etree

    from config.law import VatRateLaw
    from einvoice.validation.invoice_facts import InvoiceFacts

RULE = "QT-RATE-PLACE"
MAINLAND, CORSICA, OVERSEAS, UNTAXED = "mainland", "corsica", "overseas", "untaxed"
CORRECTIONS = frozenset({"384", "471", "472", "473"})
"""Corrective invoices keep the rate of the invoice that they replace."""

_NAMES = {
    MAINLAND: ("mainland France", "France continentale"),
    CORSICA: ("Corsica", "Corse"),
    OVERSEAS: ("Guadeloupe, Martinique, Réunion", "Guadeloupe, Martinique, La Réunion"),
    UNTAXED: ("Guyane, Mayotte and the collectivities", "Guyane, Mayotte et les collectivités"),
}
_COUNTRIES = {
    "GP": OVERSEAS, "MQ": OVERSEAS, "RE": OVERSEAS,
    "GF": UNTAXED, "YT": UNTAXED, "PM": UNTAXED, "BL": UNTAXED, "MF": UNTAXED, "WF": UNTAXED, "PF": UNTAXED,
    "NC": UNTAXED, "TF": UNTAXED,
}  # fmt: skip
_POSTCODES = {"971": OVERSEAS, "972": OVERSEAS, "974": OVERSEAS, "20": CORSICA, "97": UNTAXED, "98": UNTAXED}
"""Beginnings of French post codes, the more precise first."""


def territory_of(country: str, postcode: str) -> str | None:
    """The VAT territory of an address, or ``None`` outside France."""
    if country == "MC":
        return MAINLAND  # one VAT territory with France (convention of 1963-05-18)
    if country != "FR":
        return _COUNTRIES.get(country)
    if postcode.startswith("980"):
        return MAINLAND  # Monaco written as a French post code
    return next((place for start, place in _POSTCODES.items() if postcode.startswith(start)), MAINLAND)


def rate_findings(facts: InvoiceFacts) -> Iterator[Finding]:
    """A warning for each rate that fits none of the places, or that had ended when the invoice was issued."""
    places = {place for each in facts.places if (place := territory_of(*each))}
    laws = {law.rate: law for law in vat_rates()}
    for rate, element in facts.standard_rates():
        law = laws.get(rate.normalize()) or laws.get(rate)
        if places == {UNTAXED}:
            yield _untaxed(rate, element)
        elif law is not None and places and not law.places & places:
            yield _misplaced(rate, law, places, element)
        elif law is not None and _ended(law, facts):
            ended_fr = f"Le taux de TVA de {_french(rate)} % (BT-119) a pris fin le {law.until:%d/%m/%Y}"
            yield _finding(
                element,
                f"The VAT rate {rate:f} % (BT-119) ended on {law.until}: use the rate in force on the day of supply.",
                f"{ended_fr} : utilisez le taux en vigueur au jour de l'opération.",
            )


def _ended(law: VatRateLaw, facts: InvoiceFacts) -> bool:
    if law.until is None or facts.issued_on is None or facts.type_code in CREDIT_NOTES | CORRECTIONS:
        return False
    return facts.issued_on > law.until


def _untaxed(rate: Decimal, element: etree._Element) -> Finding:
    return _finding(
        element,
        f"The invoice charges {rate:f} % (BT-119), but no VAT is charged in {_NAMES[UNTAXED][0]} (CGI art. 294). Use "
        "category O, or E with its article.",
        f"La facture applique {_french(rate)} % (BT-119), or la TVA n'est pas perçue dans ces territoires (CGI art. "
        f"294) : {_NAMES[UNTAXED][1]}. Utilisez la catégorie O, ou E avec son article.",
    )


def _misplaced(rate: Decimal, law: VatRateLaw, places: set[str], element: etree._Element) -> Finding:
    applies, applies_fr = (" ; ".join(_NAMES[each][language] for each in sorted(law.places)) for language in (0, 1))
    named, named_fr = (" ; ".join(_NAMES[each][language] for each in sorted(places)) for language in (0, 1))
    return _finding(
        element,
        f"The VAT rate {rate:f} % (BT-119) applies in {applies}, but seller, buyer and delivery are in {named}. "
        "Check the rate or the addresses.",
        f"Le taux de TVA de {_french(rate)} % (BT-119) est réservé à : {applies_fr}. Or le vendeur, l'acheteur et la "
        f"livraison sont situés ici : {named_fr}. Vérifiez le taux ou les adresses.",
    )


def _french(rate: Decimal) -> str:
    return f"{rate:f}".replace(".", ",")


def _finding(element: etree._Element, message: str, message_fr: str) -> Finding:
    return Finding(RULE, Severity.WARNING, message, Layer.HOUSE, path_of(element), element.sourceline, message_fr)
