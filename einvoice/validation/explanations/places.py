"""Where in the invoice a finding is, in a bookkeeper's words, from its XPath."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from einvoice.validation.explanations.terms import FRENCH, Step, element_name, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.validation.verdict import Finding

_LINES = {"IncludedSupplyChainTradeLineItem", "InvoiceLine", "CreditNoteLine", "Line"}
_VAT = {"ApplicableTradeTax", "TaxSubtotal", "TaxSubTotal"}
_NUMBERED = {
    "IncludedNote": ("Note", "Note"),
    "Note": ("Note", "Note"),
    "SpecifiedTradeAllowanceCharge": ("Remise ou frais", "Discount or charge"),
    "AllowanceCharge": ("Remise ou frais", "Discount or charge"),
    "AdditionalReferencedDocument": ("Document lié", "Related document"),
    "AdditionalDocumentReference": ("Document lié", "Related document"),
    "SpecifiedTradeSettlementPaymentMeans": ("Moyen de paiement", "Payment means"),
    "PaymentMeans": ("Moyen de paiement", "Payment means"),
    "InvoiceReferencedDocument": ("Facture d'origine", "Earlier invoice"),
    "BillingReference": ("Facture d'origine", "Earlier invoice"),
}
"""What may occur several times in a header: it is told apart by its number."""
_WRAPPERS = {
    "ExchangedDocumentContext",
    "ExchangedDocument",
    "SupplyChainTradeTransaction",
    "ApplicableHeaderTradeAgreement",
    "ApplicableHeaderTradeDelivery",
    "ApplicableHeaderTradeSettlement",
}
_TOTALS = {"SpecifiedTradeSettlementHeaderMonetarySummation", "LegalMonetaryTotal", "TaxTotal", "MonetaryTotal"}
_RATE = re.compile(r"\brate\s*:\s*(\d+(?:\.\d+)?)")
_WORDS = {
    "line": ("Ligne {n}", "Line {n}"),
    "vat": ("TVA, ventilation n° {n}", "VAT, entry {n} of the breakdown"),
    "rate": ("TVA {n} %", "VAT {n}%"),
    "totals": ("Totaux", "Totals"),
    "header": ("En-tête", "Header"),
    "file": ("Ensemble du fichier", "Whole file"),
}


def place_of(finding: Finding, language: str) -> str | None:
    """A human place such as ``Ligne 3``, ``Vendeur`` or ``Totaux``; ``None`` where the finding has no location.

    ``language`` is ``fr`` or ``en``.
    """
    steps = steps_of(finding.location)
    if not steps:
        return None
    line = line_number(steps)
    if line is not None:
        return _say("line", language, line)
    if any(step.name in _TOTALS for step in steps) and not any(step.name in _VAT for step in steps):
        return _say("totals", language)
    return next(_header_places(finding, steps, language))


def line_number(steps: tuple[Step, ...]) -> int | None:
    """Which line of the invoice the place is in, counted from 1; ``None`` outside the lines."""
    return next((step.position for step in steps if step.name in _LINES), None)


def _header_places(finding: Finding, steps: tuple[Step, ...], language: str) -> Iterator[str]:
    below = [step for step in steps[1:] if step.name not in _WRAPPERS]
    for step in below:
        if step.name in _VAT:
            rate = _RATE.search(finding.message)
            yield (
                _say("rate", language, _number(rate.group(1), language))
                if rate
                else _say("vat", language, step.position)
            )
    if below and below[0].name in _NUMBERED:
        french, english = _NUMBERED[below[0].name]
        yield f"{french} n° {below[0].position}" if language == FRENCH else f"{english} {below[0].position}"
    if below and not below[0].name.endswith("DateTime") and (len(below) > 1 or _is_group(below[0].name)):
        named = element_name(below[0].name, language)
        if named:
            yield named[0].upper() + named[1:]
    yield _say("header" if len(steps) > 1 else "file", language)


def _is_group(name: str) -> bool:
    return name.endswith(("Party", "Terms", "Delivery", "Period"))


def _number(text: str, language: str) -> str:
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return plain.replace(".", ",") if language == FRENCH else plain


def _say(words: str, language: str, number: object = "") -> str:
    french, english = _WORDS[words]
    return (french if language == FRENCH else english).format(n=number)
