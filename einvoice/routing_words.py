"""What each routing decision says to people: the reason with its article, and the duty with its day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reason(StrEnum):
    """Why an invoice takes its road; the value is stable."""

    PUBLIC_STATED = "public_stated"
    PUBLIC_LISTED = "public_listed"
    DECLARED_OUTSIDE = "declared_outside"
    DECLARED_INTERNATIONAL = "declared_international"
    SELLER_OVERSEAS = "seller_overseas"
    SELLER_ABROAD = "seller_abroad"
    BUYER_REPORTS = "buyer_reports"
    EXEMPT = "exempt"
    OUTSIDE_VAT = "outside_vat"
    CONSUMER = "consumer"
    UNIDENTIFIED = "buyer_unidentified"
    WITHOUT_SIREN = "buyer_without_siren"
    UNLISTED = "buyer_not_listed"
    BUYER_OVERSEAS = "buyer_overseas"
    BUYER_ABROAD = "buyer_abroad"
    SELF_BILLED = "self_billed"
    DOMESTIC = "domestic_b2b"


@dataclass(frozen=True, slots=True)
class Words:
    """One reason: its sentence and its article, each in French and in English."""

    sentence: tuple[str, str]
    article: tuple[str, str]


def _words(french: str, english: str, article: str, article_en: str = "") -> Words:
    return Words((french, english), (article, article_en or article))


_TOLERANCE = "tolérance de la DGFiP, spécifications externes 2.3.3"
_TOLERANCE_EN = "tolerance of the tax office, external specifications 2.3.3"

REASON_WORDS: Mapping[Reason, Words] = {
    Reason.PUBLIC_STATED: _words(
        "Acheteur public : la facture part vers Chorus Pro",
        "Public buyer: the invoice goes to Chorus Pro",
        "art. L2192-1 du code de la commande publique",
        "code de la commande publique art. L2192-1",
    ),
    Reason.PUBLIC_LISTED: _words(
        "L'annuaire dit que l'acheteur est une entité publique : la facture part vers Chorus Pro",
        "The directory says that the buyer is a public body: the invoice goes to Chorus Pro",
        "art. L2192-1 du code de la commande publique",
        "code de la commande publique art. L2192-1",
    ),
    Reason.DECLARED_OUTSIDE: _words(
        "La facture se déclare elle-même hors champ (note BAR) : elle n'est ni transmise ni déclarée",
        "The invoice declares itself out of scope (note BAR): it is neither sent nor reported",
        "norme XP Z12-012, BR-FR-20",
        "XP Z12-012, BR-FR-20",
    ),
    Reason.DECLARED_INTERNATIONAL: _words(
        "La facture se déclare internationale (note BAR) : ses données vont à l'administration par e-reporting",
        "The invoice declares itself international (note BAR): its data are reported to the tax office",
        "CGI art. 290",
    ),
    Reason.SELLER_OVERSEAS: _words(
        "Le vendeur est établi là où la TVA française ne s'applique pas : rien n'est à transmettre ni à déclarer",
        "The seller is established where French VAT does not apply: nothing is to be sent or reported",
        "CGI art. 289 bis et 294",
        "CGI art. 289 bis and 294",
    ),
    Reason.SELLER_ABROAD: _words(
        "Le vendeur est établi hors de France et n'y est pas identifié : il n'a rien à transmettre ni à déclarer ; son "
        "client professionnel français déclare l'achat",
        "The seller is established outside France and not registered there: it has nothing to send or report; its "
        "French business customer reports the purchase",
        "CGI art. 289 bis et 290",
        "CGI art. 289 bis and 290",
    ),
    Reason.BUYER_REPORTS: _words(
        "Le vendeur n'est pas établi en France : son client français autoliquide la TVA et déclare l'achat",
        "The seller is not established in France: its French customer accounts for the VAT and reports the purchase",
        "CGI art. 283, 1 et 290",
        "CGI art. 283, 1 and 290",
    ),
    Reason.EXEMPT: _words(
        "Opérations exonérées sans obligation de facturer : hors champ de la facturation électronique et de "
        "l'e-reporting",
        "Exempt operations without a duty to invoice: outside e-invoicing and e-reporting",
        "CGI art. 261 à 261 E, 289 bis et 290",
        "CGI art. 261 to 261 E, 289 bis and 290",
    ),
    Reason.OUTSIDE_VAT: _words(
        "Rien de la facture n'est dans le champ de la TVA : elle n'est ni transmise ni déclarée",
        "Nothing of the invoice is within the scope of VAT: it is neither sent nor reported",
        "CGI art. 256 et 289 bis",
        "CGI art. 256 and 289 bis",
    ),
    Reason.CONSUMER: _words(
        "Vente à un particulier ou à un non-assujetti : déclarée par e-reporting",
        "Sale to a consumer or to somebody outside VAT: reported to the tax office",
        "CGI art. 290",
    ),
    Reason.UNIDENTIFIED: _words(
        "La facture ne donne ni SIREN ni numéro de TVA de l'acheteur : elle est déclarée comme une vente à un "
        "particulier ; si c'est une entreprise, corrigez-la",
        "The invoice gives neither SIREN nor VAT number of its buyer: it is reported like a sale to a consumer; if it "
        "is a company, correct the invoice",
        "CGI art. 290",
    ),
    Reason.WITHOUT_SIREN: _words(
        "L'acheteur est une entreprise sans SIREN : aucune plateforme ne peut le trouver, la vente est déclarée comme "
        "à un particulier",
        "The buyer is a business without SIREN: no platform can find it, the sale is reported like one to a consumer",
        _TOLERANCE,
        _TOLERANCE_EN,
    ),
    Reason.UNLISTED: _words(
        "L'acheteur n'est pas encore dans l'annuaire : aucune plateforme ne peut l'atteindre, la vente est déclarée "
        "comme à un particulier",
        "The buyer is not in the directory yet: no platform can reach it, the sale is reported like one to a consumer",
        _TOLERANCE,
        _TOLERANCE_EN,
    ),
    Reason.BUYER_OVERSEAS: _words(
        "L'acheteur est établi là où la TVA française ne s'applique pas : la vente est déclarée par e-reporting "
        "international",
        "The buyer is established where French VAT does not apply: the sale is reported as international",
        "CGI art. 290 et 294",
        "CGI art. 290 and 294",
    ),
    Reason.BUYER_ABROAD: _words(
        "L'acheteur est établi à l'étranger : la vente est déclarée par e-reporting international",
        "The buyer is established abroad: the sale is reported as international",
        "CGI art. 290",
    ),
    Reason.SELF_BILLED: _words(
        "Autofacturation : le client, qui a établi la facture, la transmet par sa plateforme",
        "Self-billing: the customer, who drew up the invoice, sends it through its platform",
        "CGI art. 289, I-2 et 289 bis",
        "CGI art. 289, I-2 and 289 bis",
    ),
    Reason.DOMESTIC: _words(
        "Vente entre entreprises établies en France : la facture part par la plateforme agréée",
        "Sale between businesses established in France: the invoice goes through the approved platform",
        "CGI art. 289 bis",
    ),
}

DUTY_WORDS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("platform", "compulsory"): (
        "C'est obligatoire pour votre entreprise depuis le {since}.",
        "Your company has had to since {since}.",
    ),
    ("platform", "early"): (
        "C'est en avance : votre entreprise y sera tenue à partir du {since}.",
        "This is early: your company must from {since} on.",
    ),
    ("report", "compulsory"): (
        "Votre entreprise déclare ses opérations depuis le {since}.",
        "Your company has had to report since {since}.",
    ),
    ("report", "early"): (
        "Votre entreprise n'y sera tenue qu'à partir du {since}.",
        "Your company only has to from {since} on.",
    ),
    ("public", "compulsory"): (
        "C'est obligatoire pour toutes les entreprises depuis le 01/01/2020.",
        "All companies have had to since 01/01/2020.",
    ),
    ("none", "none"): ("", ""),
}
"""By road and duty; ``{since}`` is the day from which a company of this size has the duty."""
