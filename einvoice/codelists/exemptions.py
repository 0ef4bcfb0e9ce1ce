"""Why an operation bears no VAT: the VATEX codes (BT-121), what they say in French (BT-120), where each may stand.

The law wants the text that grants the exemption on the invoice (CGI ann. II art. 242 nonies A, I 12°); the platform
wants text and code (A7 G1.41). Codes: the CEF list that EN 16931 names for BT-121; the sentences are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from collections.abc import Mapping

REVERSE_CHARGE = "Autoliquidation"
"""Wording of CGI ann. II art. 242 nonies A, I 13°."""
FRANCHISE = "TVA non applicable, article 293 B du CGI"
"""Wording of CGI art. 293 E."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A reason for no VAT: the French text of BT-120, and the VAT categories that may carry its code."""

    text: str
    categories: frozenset[str] = frozenset({"E"})


def _cgi(article: str) -> Exemption:
    return Exemption(f"Exonération de TVA, article {article} du CGI")


def _directive(provision: str, categories: str = "E") -> Exemption:
    return Exemption(
        f"Exonération de TVA, article {provision} de la directive 2006/112/CE", frozenset(categories.split())
    )


def _points(prefix: str, article: str, letters: str, categories: str = "E") -> dict[str, Exemption]:
    """One exemption per point of a list in the directive: ``prefix`` and ``article`` are completed by each letter."""
    return {
        f"{prefix}{letter.upper()}": _directive(f"{article}, point {letter})", categories) for letter in letters.split()
    }


OF_CATEGORY: Mapping[str, str] = {
    "AE": "VATEX-EU-AE",
    "K": "VATEX-EU-IC",
    "G": "VATEX-EU-G",
    "O": "VATEX-EU-O",
}
"""The code where the VAT category itself says why; category E needs its own."""

EXEMPTIONS: Mapping[str, Exemption] = {
    "VATEX-EU-AE": Exemption(REVERSE_CHARGE, frozenset({"AE"})),
    "VATEX-EU-IC": Exemption(
        "Livraison intracommunautaire exonérée de TVA, article 262 ter, I du CGI", frozenset({"K"})
    ),
    "VATEX-EU-G": Exemption("Exportation exonérée de TVA, article 262, I du CGI", frozenset({"G"})),
    "VATEX-EU-O": Exemption("Opération hors du champ d'application de la TVA", frozenset({"O"})),
    "VATEX-EU-F": Exemption("Régime particulier - Biens d'occasion (article 297 A du CGI)"),
    "VATEX-EU-I": Exemption("Régime particulier - Objets d'art (article 297 A du CGI)"),
    "VATEX-EU-J": Exemption("Régime particulier - Objets de collection et d'antiquité (article 297 A du CGI)"),
    "VATEX-EU-D": Exemption("Régime particulier - Moyens de transport d'occasion (article 297 A du CGI)"),
    "VATEX-EU-79-C": _directive("79, point c)"),
    "VATEX-EU-132": _directive("132"),
    **_points("VATEX-EU-132-1", "132, paragraphe 1", "a b c d e f g h i j k l m n o p q"),
    "VATEX-EU-135-1": _directive("135, paragraphe 1"),
    "VATEX-EU-143": _directive("143"),
    **_points("VATEX-EU-143-1", "143, paragraphe 1", "a b c d e f fa g h i j k l"),
    "VATEX-EU-144": _directive("144"),
    "VATEX-EU-146-1E": _directive("146, paragraphe 1, point e)", "E G"),
    "VATEX-EU-148": _directive("148", "E G"),
    **_points("VATEX-EU-148-", "148", "a b c d e f g", "E G"),
    "VATEX-EU-151": _directive("151", "E G"),
    **_points("VATEX-EU-151-1", "151, paragraphe 1", "a aa b c d e", "E G"),
    "VATEX-EU-153": _directive("153", "E G"),
    "VATEX-EU-159": _directive("159", "E G"),
    "VATEX-EU-309": Exemption("Exonération de TVA, agences de voyages, article 309 de la directive 2006/112/CE"),
    **{f"VATEX-FR-CGI261-{point}": _cgi(f"261, {point}") for point in (1, 2, 3, 4, 5, 7, 8)},
    "VATEX-FR-CGI261A": _cgi("261 A"),
    "VATEX-FR-CGI261B": _cgi("261 B"),
    **{f"VATEX-FR-CGI261C-{point}": _cgi(f"261 C, {point}°") for point in (1, 2, 3)},
    **{f"VATEX-FR-CGI261D-{point}": _cgi(f"261 D, {point}°") for point in (1, 2, 3, 4)},
    "VATEX-FR-CGI261D-1BIS": _cgi("261 D, 1° bis"),
    **{f"VATEX-FR-CGI261E-{point}": _cgi(f"261 E, {point}°") for point in (1, 2)},
    "VATEX-FR-CGI275": Exemption("Achat en franchise de TVA, article 275 du CGI", frozenset({"E", "G"})),
    "VATEX-FR-CGI277A": Exemption("Régime suspensif de TVA, article 277 A du CGI"),
    "VATEX-FR-CGI295": _cgi("295"),
    "VATEX-FR-298SEXDECIESA": Exemption("Exonération de TVA, or d'investissement, article 298 sexdecies A du CGI"),
    "VATEX-FR-FRANCHISE": Exemption(FRANCHISE),
    "VATEX-FR-AE": Exemption(f"{REVERSE_CHARGE}, article 283, 2 du CGI", frozenset({"AE"})),
    "VATEX-FR-CNWVAT": Exemption("Avoir net de taxe : le vendeur renonce à récupérer la TVA (article 272 du CGI)"),
}
"""Every code of the list that EN 16931 accepts."""

CREDIT_NOTES_ONLY = frozenset({"VATEX-FR-CNWVAT"})
"""Codes for credit notes without VAT."""


@dataclass(frozen=True, slots=True)
class MarginScheme:
    """A scheme that taxes the margin alone: no VAT is shown, a mention of its own is compulsory.

    ``code`` is absent where no VATEX code exists for it. Source: directive 2006/112/CE art. 226, 13 and 14; CGI
    ann. II art. 242 nonies A, I 14° to 16°.
    """

    text: str
    code: str | None


MARGIN_SCHEMES: Mapping[str, MarginScheme] = {
    "second_hand": MarginScheme(EXEMPTIONS["VATEX-EU-F"].text, "VATEX-EU-F"),
    "works_of_art": MarginScheme(EXEMPTIONS["VATEX-EU-I"].text, "VATEX-EU-I"),
    "antiques": MarginScheme(EXEMPTIONS["VATEX-EU-J"].text, "VATEX-EU-J"),
    "travel_agency": MarginScheme("Régime particulier - Agences de voyages (article 266, 1, e du CGI)", None),
}


def text_of(code: str) -> str | None:
    """What ``code`` says in French, or ``None`` for an unknown one."""
    known = EXEMPTIONS.get(code)
    return known.text if known else None


def fits_kind(code: str, type_code: str) -> bool:
    """Whether a document of this BT-3 may carry ``code``."""
    return code not in CREDIT_NOTES_ONLY or type_code in CREDIT_NOTES
