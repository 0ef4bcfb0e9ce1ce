"""What an invoice of each kind must name: the invoices that it credits or corrects, its contract, its factor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from einvoice.composing.mentions import FACTORED_TYPES
from einvoice.errors import BuildError
from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from einvoice.request.model import InvoiceRequest

CORRECTIONS = frozenset({"384", "472"})
"""BT-3 of corrective invoices (factures rectificatives), each of which replaces one invoice."""

_NUMBER = re.compile(r"[A-Za-z0-9+\-_/]{1,35}")


def check_number(number: str, place: str, term: str) -> None:
    """An invoice number that every platform accepts (BR-FR-01, BR-FR-02).

    Raises:
        BuildError: ``invoice.bad_number``.
    """
    if not _NUMBER.fullmatch(number):
        raise BuildError(
            "invoice.bad_number",
            f"{place} ({term}) is {number!r}: an invoice number has 1 to 35 characters of A-Z a-z 0-9 + - _ / "
            "(BR-FR-01, BR-FR-02).",
            f"{place} ({term}) vaut {number!r} : un numéro de facture compte 1 à 35 caractères parmi A-Z a-z 0-9 + - "
            "_ / (BR-FR-01, BR-FR-02).",
            term=term,
            place=place,
        )


def check_references(request: InvoiceRequest) -> None:
    """BR-FR-CO-03 to -05 and BR-CO-3: what credit notes, corrections and rebates refer to, and one tax point.

    Raises:
        BuildError: ``invoice.bad_number``, ``invoice.preceding_missing``, ``invoice.deposits_on_correction``,
            ``invoice.contract_and_period_missing`` or ``invoice.two_tax_points``.
    """
    named = {
        "preceding_invoices": [each.number for each in request.preceding_invoices],
        "deposits": [each.number for each in request.deposits],
    }
    for name, numbers in named.items():
        for position, number in enumerate(numbers):
            check_number(number, f"{name}[{position}].number", "BT-25")
    _check_preceding(request)
    _check_rebate(request)
    _check_tax_point(request)


def _check_preceding(request: InvoiceRequest) -> None:
    """A credit note names its invoices at the head or on each line (BR-FR-CO-05), a correction exactly one."""
    kind, preceding = request.type_code, request.preceding_invoices
    correction = kind in CORRECTIONS
    credit = kind in CREDIT_NOTES - {"262"}
    dated = bool(preceding) and all(each.issue_date for each in preceding)
    by_line = all(line.preceding_invoice for line in request.lines)
    if (correction and not (dated and len(preceding) == 1)) or (credit and not dated and (preceding or not by_line)):
        raise BuildError(
            "invoice.preceding_missing",
            f"preceding_invoices (BG-3): a document of type {kind} names {'exactly one' if correction else 'the'} "
            "earlier invoice with number and issue_date.",
            f"preceding_invoices (BG-3) : un document de type {kind} cite {'exactement une' if correction else 'la'} "
            "facture antérieure avec number et issue_date.",
            term="BG-3",
            place="preceding_invoices",
        )
    if correction and request.deposits:
        raise BuildError(
            "invoice.deposits_on_correction",
            f"deposits (BG-3): a corrective invoice (type {kind}) names one invoice only, the one that it replaces "
            "(BR-FR-CO-04). Give what the deposits brought in prepaid_amount (BT-113).",
            f"deposits (BG-3) : une facture rectificative (type {kind}) ne cite que la facture remplacée "
            "(BR-FR-CO-04). Indiquez le total des acomptes dans prepaid_amount (BT-113).",
            term="BG-3",
            place="deposits",
        )


def _check_rebate(request: InvoiceRequest) -> None:
    kind = request.type_code
    if kind == "262" and not (
        request.contract_reference and request.period and request.period.start and request.period.end
    ):
        raise BuildError(
            "invoice.contract_and_period_missing",
            "A global rebate (type 262) needs contract_reference (BT-12) and period (BG-14) with start and end.",
            "Une remise globale (type 262) demande contract_reference (BT-12) et period (BG-14) avec début et fin.",
            term="BT-12",
            place="contract_reference",
        )


def _check_tax_point(request: InvoiceRequest) -> None:
    if request.tax_point is not None and request.tax_point_date is not None:
        raise BuildError(
            "invoice.two_tax_points",
            "tax_point (BT-8) and tax_point_date (BT-7) exclude each other (BR-CO-3). Keep one.",
            "tax_point (BT-8) et tax_point_date (BT-7) s'excluent (BR-CO-3). Gardez-en un.",
            term="BT-7",
            place="tax_point_date",
        )


def check_payee(request: InvoiceRequest) -> None:
    """A factored invoice says who the factor is: only paying him frees the buyer (C. civ. art. 1346-5).

    Raises:
        BuildError: ``invoice.factor_missing``.
    """
    if request.type_code in FACTORED_TYPES and request.payee is None:
        raise BuildError(
            "invoice.factor_missing",
            f"payee (BG-10) is missing: a factored document (type {request.type_code}) names the factor who is to be "
            "paid. Add payee with its name and siren.",
            f"payee (BG-10) manque : un document affacturé (type {request.type_code}) nomme l'affactureur à payer. "
            "Ajoutez payee avec name et siren.",
            term="BG-10",
            place="payee",
        )
