"""The arithmetic of EN 16931: line amounts, VAT breakdown and totals, rounded half up to two decimals.

Sources: EN 16931-1 BR-CO-10 to BR-CO-17; the definition of BT-131. Given totals are compared to the cent.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING

from einvoice.document import AllowanceCharge, Line, Totals, VatBreakdown
from einvoice.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from einvoice.request_model import (
        AdjustmentRequest,
        DocumentAdjustmentRequest,
        ExemptionRequest,
        InvoiceRequest,
        LineRequest,
    )

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
_DIGITS = 60
"""Working precision: a quantity and a price of 17 digits each multiply exactly."""

EXEMPTIONS = {
    "AE": ("Autoliquidation", "VATEX-EU-AE"),
    "K": ("Livraison intracommunautaire exonérée", "VATEX-EU-IC"),
    "G": ("Exportation hors de l'Union européenne", "VATEX-EU-G"),
    "O": ("Opération hors du champ d'application de la TVA", "VATEX-EU-O"),
}
"""BT-120 and BT-121 where the category itself gives the reason; category E needs its own (an article of the CGI)."""


def cents(amount: Decimal) -> Decimal:
    """``amount`` rounded half up (away from zero) to two decimals."""
    with localcontext() as context:
        context.prec = _DIGITS
        return amount.quantize(CENT, ROUND_HALF_UP)


def rate_of(category: str, rate: Decimal | None) -> Decimal | None:
    """The rate in percent that goes with a category: none outside the scope of VAT, zero where nothing is charged."""
    if category == "O":
        return None
    return rate if rate is not None else Decimal(0)


def net_price(line: LineRequest) -> Decimal:
    """BT-146: as given, or BT-148 less BT-147."""
    if line.net_price is not None:
        return line.net_price
    return (line.gross_price or ZERO) - (line.price_discount or ZERO)


def goods_amount(line: LineRequest) -> Decimal:
    """Quantity times price, before allowances and charges, in currency units with two decimals."""
    with localcontext() as context:
        context.prec = _DIGITS
        return cents(line.quantity * net_price(line) / (line.price_base_quantity or Decimal(1)))


def adjust(request: AdjustmentRequest, base: Decimal, place: str, *, is_charge: bool) -> AllowanceCharge:
    """An allowance or charge: its amount, or its percentage of ``base``.

    Raises:
        BuildError: ``invoice.wrong_total`` where amount and percentage disagree.
    """
    amount, base_amount = request.amount, request.base_amount
    if request.percent is not None:
        base_amount = base if base_amount is None else base_amount
        with localcontext() as context:
            context.prec = _DIGITS
            computed = cents(base_amount * request.percent / 100)
        check(amount, computed, "BT-141" if is_charge else "BT-136", f"{place}.amount", "percent of the base")
        amount = computed
    return AllowanceCharge(
        is_charge=is_charge,
        amount=cents(amount if amount is not None else ZERO),
        base_amount=base_amount,
        percent=request.percent,
        reason=request.reason,
        reason_code=request.reason_code,
    )


def signed_sum(adjustments: Iterable[AllowanceCharge]) -> Decimal:
    """Charges less allowances."""
    return sum((each.amount if each.is_charge else -each.amount for each in adjustments), ZERO)


def sum_up(
    request: InvoiceRequest, lines: Sequence[Line], adjustments: Sequence[AllowanceCharge]
) -> tuple[Totals, tuple[VatBreakdown, ...]]:
    """BG-22 and BG-23 of the invoice.

    Raises:
        BuildError: ``invoice.wrong_total`` or ``invoice.exemption_missing``.
    """
    rows = _vat_rows(request.vat_exemptions, lines, adjustments)
    net = sum((line.net_amount for line in lines), ZERO)
    allowances = sum((each.amount for each in adjustments if not each.is_charge), ZERO)
    charges = sum((each.amount for each in adjustments if each.is_charge), ZERO)
    without_vat = net - allowances + charges
    vat = sum((row.tax for row in rows), ZERO)
    with_vat = without_vat + vat
    payable = with_vat - (request.prepaid_amount or ZERO) + (request.rounding_amount or ZERO)
    given = request.totals
    totals = Totals(
        lines=net,
        without_vat=without_vat,
        with_vat=with_vat,
        payable=payable,
        allowances=allowances if any(not each.is_charge for each in adjustments) else None,
        charges=charges if any(each.is_charge for each in adjustments) else None,
        vat=vat,
        vat_accounting=given.vat_accounting if given else None,
        prepaid=request.prepaid_amount,
        rounding=request.rounding_amount,
    )
    if given:
        check(given.lines, net, "BT-106", "totals.lines", "sum of the lines' BT-131")
        check(given.allowances, allowances, "BT-107", "totals.allowances", "sum of BT-92")
        check(given.charges, charges, "BT-108", "totals.charges", "sum of BT-99")
        check(given.without_vat, without_vat, "BT-109", "totals.without_vat", "BT-106 - BT-107 + BT-108")
        check(given.vat, vat, "BT-110", "totals.vat", "sum of BT-117, each rounded")
        check(given.with_vat, with_vat, "BT-112", "totals.with_vat", "BT-109 + BT-110")
        check(given.payable, payable, "BT-115", "totals.payable", "BT-112 - BT-113 + BT-114")
    return totals, rows


def check(given: Decimal | None, computed: Decimal, term: str, place: str, how: str) -> None:
    """Refuse a given amount that is not the computed one.

    Raises:
        BuildError: ``invoice.wrong_total``.
    """
    if given is None or given == computed:
        return
    raise BuildError(
        "invoice.wrong_total",
        f"{place} ({term}) is {given:f}, but {computed:f} follows from the invoice ({how}). "
        "Correct it, or leave it out and we compute it.",
        f"{place} ({term}) vaut {given:f}, mais le calcul donne {computed:f} ({how}). "
        "Corrigez-le, ou omettez-le : nous le calculons.",
        term=term,
        place=place,
    )


def _vat_rows(
    exemptions: Sequence[ExemptionRequest], lines: Sequence[Line], adjustments: Sequence[AllowanceCharge]
) -> tuple[VatBreakdown, ...]:
    """BG-23: one row per category and rate, in order of first appearance; tax rounded per row (BR-CO-17)."""
    taxable: dict[tuple[str, Decimal | None], Decimal] = {}
    for line in lines:
        key = (line.vat_category or "", line.vat_rate)
        taxable[key] = taxable.get(key, ZERO) + line.net_amount
    for each in adjustments:
        key = (each.vat_category or "", each.vat_rate)
        taxable[key] = taxable.get(key, ZERO) + (each.amount if each.is_charge else -each.amount)
    return tuple(_vat_row(category, rate, amount, exemptions) for (category, rate), amount in taxable.items())


def _vat_row(
    category: str, rate: Decimal | None, taxable: Decimal, exemptions: Sequence[ExemptionRequest]
) -> VatBreakdown:
    with localcontext() as context:
        context.prec = _DIGITS
        tax = cents(taxable * (rate or Decimal(0)) / 100)
    reason, code = next(
        ((each.reason, each.code) for each in exemptions if each.vat_category == category),
        EXEMPTIONS.get(category, (None, None)),
    )
    if category == "E" and (reason is None or code is None):
        raise BuildError(
            "invoice.exemption_missing",
            "Lines of VAT category E need an exemption reason and code (BT-120, BT-121): add vat_exemptions with "
            "vat_category E, e.g. code VATEX-FR-FRANCHISE for art. 293 B CGI.",
            "Les lignes de catégorie de TVA E demandent un motif et un code d'exonération (BT-120, BT-121) : ajoutez "
            "vat_exemptions avec vat_category E, par exemple le code VATEX-FR-FRANCHISE pour l'art. 293 B du CGI.",
            term="BT-121",
            place="vat_exemptions",
        )
    return VatBreakdown(taxable, tax, category, rate, reason, code)


def adjust_document(
    requests: Sequence[DocumentAdjustmentRequest], lines: Sequence[Line], place: str, *, is_charge: bool
) -> list[AllowanceCharge]:
    """BG-20 or BG-21. A percentage applies to the lines of the same VAT category and rate where no base is given.

    Raises:
        BuildError: ``invoice.wrong_total``.
    """
    return [
        _with_vat(each, lines, f"{place}[{position}]", is_charge=is_charge) for position, each in enumerate(requests)
    ]


def _with_vat(
    request: DocumentAdjustmentRequest, lines: Sequence[Line], place: str, *, is_charge: bool
) -> AllowanceCharge:
    category, rate = request.vat_category, rate_of(request.vat_category, request.vat_rate)
    base = sum((line.net_amount for line in lines if (line.vat_category, line.vat_rate) == (category, rate)), ZERO)
    adjusted = adjust(request, base, place, is_charge=is_charge)
    return AllowanceCharge(
        is_charge=is_charge,
        amount=adjusted.amount,
        base_amount=adjusted.base_amount,
        percent=adjusted.percent,
        reason=adjusted.reason,
        reason_code=adjusted.reason_code,
        vat_category=category,
        vat_rate=rate,
    )
