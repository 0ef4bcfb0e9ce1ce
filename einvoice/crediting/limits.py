"""How much of an invoice may be credited: what it asks for less earlier credit notes, in all and at each VAT rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from pydantic import ValidationError

from einvoice.codelists.currencies import smallest
from einvoice.composing.build import price_request
from einvoice.composing.totals import ZERO
from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from einvoice.composing.build import Priced
    from einvoice.document import Document, Totals, VatBreakdown
    from einvoice.request.model import InvoiceRequest

_DIGITS = 17
"""Digits of an amount or a quantity (BR-FR-DEC-01, -02)."""
Asked = ParamSpec("Asked")


class CreditError(EInvoiceError):
    """No credit note can be made of that.

    Codes: ``credit.of_credit_note``, ``credit.self_billed``, ``credit.unknown_line``, ``credit.exceeds_line``,
    ``credit.exceeds_rate``, ``credit.exceeds_invoice``, ``credit.not_positive``, ``credit.too_precise``,
    ``credit.negative_rates``, ``credit.nothing`` or ``credit.not_expressible``.
    """


@dataclass(frozen=True, slots=True)
class Credited:
    """What earlier credit notes on an invoice took off what it asks for, and their VAT rows (BG-23)."""

    amount: Decimal = ZERO
    rows: tuple[VatBreakdown, ...] = ()

    def base_at(self, category: str | None, rate: Decimal | None) -> Decimal:
        """The base (BT-116) credited at one VAT category and rate."""
        return sum((row.taxable for row in self.rows if (row.category, row.rate or 0) == (category, rate or 0)), ZERO)

    def left_of(self, row: VatBreakdown) -> Decimal:
        """What is left of a row of the invoice, VAT included; never below zero."""
        same = [each for each in self.rows if (each.category, each.rate or 0) == (row.category, row.rate or 0)]
        return max(row.taxable + row.tax - sum(each.taxable + each.tax for each in same), ZERO)


NOTHING_YET = Credited()


def expressible(
    make: Callable[Concatenate[Document, Asked], InvoiceRequest],
) -> Callable[Concatenate[Document, Asked], InvoiceRequest]:
    """``make`` with ``credit.not_expressible`` where the invoice or the reason says what our JSON cannot."""

    @wraps(make)
    def told(document: Document, /, *args: Asked.args, **kwargs: Asked.kwargs) -> InvoiceRequest:
        try:
            return make(document, *args, **kwargs)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise credit_error(
                "credit.not_expressible",
                f"The credit note of invoice {document.number} would say something that our JSON cannot "
                f"({first['loc']}: {first['msg']}). Shorten the reason, or hand the credit note in as a finished file.",
                f"L'avoir de la facture {document.number} dirait quelque chose que notre JSON n'exprime pas "
                f"({first['loc']}). Abrégez le motif, ou déposez l'avoir comme fichier fini.",
                "BG-25",
            ) from error

    return told


def within(request: InvoiceRequest, document: Document, already: Credited) -> InvoiceRequest:
    """``request`` where the invoice has room for it; a cent too much by rounding VAT anew stands in BT-114.

    Raises:
        CreditError: ``credit.exceeds_invoice`` or ``credit.exceeds_rate``.
    """
    priced = price_request(request)
    unit = smallest(document.currency)
    left = claimed(document) - already.amount
    excess = _asked(priced.totals) - left
    if already.rows and left > 0 and 0 < excess <= unit * len(priced.vat):
        request = request.model_copy(update={"rounding_amount": (request.rounding_amount or ZERO) - excess})
    else:
        check_limit(_asked(priced.totals), document, already)
    _check_rates(priced, document, already, unit * len(request.lines))
    return request


def _check_rates(priced: Priced, document: Document, already: Credited, tolerance: Decimal) -> None:
    """No VAT is given back at a rate at which it was not charged; each line may have been rounded up."""
    for row in priced.vat:
        invoiced = sum(
            (each.taxable for each in document.vat if (each.category, each.rate or 0) == (row.category, row.rate or 0)),
            ZERO,
        )
        left = invoiced - already.base_at(row.category, row.rate)
        if row.taxable > max(left, ZERO) + tolerance:
            at = f"{row.category} {row.rate or 0:f} %"
            raise credit_error(
                "credit.exceeds_rate",
                f"{row.taxable:f} {document.currency} without VAT at {at} is more than is left of invoice "
                f"{document.number} at that rate: {invoiced:f} invoiced, {left:f} left. Credit less, or other lines.",
                f"{row.taxable:f} {document.currency} HT au taux {at} dépassent ce qui reste de la facture "
                f"{document.number} à ce taux : {invoiced:f} facturés, {left:f} restants. Créditez moins, ou d'autres "
                "lignes.",
                "BT-116",
            )


def _asked(totals: Totals) -> Decimal:
    """What a document asks for in all: BT-112 with its rounding (BT-114), paid before or not."""
    return totals.with_vat + (totals.rounding or ZERO)


def claimed(document: Document) -> Decimal:
    """What ``document`` asks for in all, VAT included."""
    return _asked(document.totals)


def holds(amount: Decimal, unit: Decimal) -> bool:
    """Whether ``amount`` is a whole number of ``unit``, and of a size that an invoice can state."""
    return abs(amount.adjusted()) < _DIGITS and not amount % unit


def check_limit(amount: Decimal, document: Document, already: Credited) -> None:
    """Refuse ``amount``, VAT included, where less is left.

    Raises:
        CreditError: ``credit.exceeds_invoice``.
    """
    left = claimed(document) - already.amount
    if amount > left:
        raise credit_error(
            "credit.exceeds_invoice",
            f"{amount:f} {document.currency} is more than is left of invoice {document.number}: "
            f"{claimed(document):f} with VAT (BT-112), {already.amount:f} credited already, {left:f} left.",
            f"{amount:f} {document.currency} dépasse ce qui reste de la facture {document.number} : "
            f"{claimed(document):f} TTC (BT-112), {already.amount:f} déjà crédités, {left:f} restants.",
            "BT-112",
        )


def credit_error(code: str, english: str, french: str, term: str) -> CreditError:
    """A refusal in both languages."""
    return CreditError(code, english, french, term=term)
