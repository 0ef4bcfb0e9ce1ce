"""The arithmetic of EN 16931: line amounts, VAT breakdown and totals, rounded half up to the currency's decimals.

Sources: EN 16931-1 BR-CO-10 to BR-CO-17; the definition of BT-131. Given totals are compared to the cent. A currency
without a smaller unit (JPY) is rounded to whole amounts, as its payers would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING

from einvoice.codelists.currencies import smallest
from einvoice.composing.deposits import prepaid_of
from einvoice.document import AllowanceCharge, Line, Totals, VatBreakdown
from einvoice.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from einvoice.request.lines import AdjustmentRequest, DocumentAdjustmentRequest, LineRequest
    from einvoice.request.model import InvoiceRequest

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
_DIGITS = 60
"""Working precision: a quantity and a price of 17 digits each multiply exactly."""

Reasons = Mapping[str, tuple[str | None, str | None]]
"""BT-120 and BT-121 of each VAT category that bears no VAT."""
_NOTHING: tuple[None, None] = (None, None)


def cents(amount: Decimal, currency: str = "EUR") -> Decimal:
    """``amount`` rounded half up (away from zero) to what ``currency`` can pay, written with two decimals."""
    with localcontext() as context:
        context.prec = _DIGITS
        return amount.quantize(smallest(currency), ROUND_HALF_UP).quantize(CENT)


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


def goods_amount(line: LineRequest, currency: str) -> Decimal:
    """Quantity times price, before allowances and charges, rounded to what ``currency`` can pay."""
    if line.quantity is None:
        return ZERO  # a line that does not count
    with localcontext() as context:
        context.prec = _DIGITS
        return cents(line.quantity * net_price(line) / (line.price_base_quantity or Decimal(1)), currency)


def adjust(request: AdjustmentRequest, base: Decimal, place: str, currency: str, *, is_charge: bool) -> AllowanceCharge:
    """An allowance or charge: its amount, or its percentage of ``base``.

    Raises:
        BuildError: ``invoice.wrong_total`` where amount and percentage disagree.
    """
    amount, base_amount = request.amount, request.base_amount
    if request.percent is not None:
        base_amount = base if base_amount is None else base_amount
        with localcontext() as context:
            context.prec = _DIGITS
            computed = cents(base_amount * request.percent / 100, currency)
        check(
            amount,
            computed,
            "BT-141" if is_charge else "BT-136",
            f"{place}.amount",
            ("percent of the base", "pourcentage de la base"),
        )
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
    request: InvoiceRequest, lines: Sequence[Line], adjustments: Sequence[AllowanceCharge], reasons: Reasons
) -> tuple[Totals, tuple[VatBreakdown, ...]]:
    """BG-22 and BG-23 of the invoice; ``reasons`` say why a category bears no VAT.

    Raises:
        BuildError: ``invoice.wrong_total``, ``invoice.accounting_vat_missing``, ``invoice.exchange_rate_needless`` or
            ``invoice.amount_too_precise``.
    """
    rows = _vat_rows(reasons, lines, adjustments, request.currency)
    net = sum((line.net_amount for line in lines if line.counts), ZERO)
    allowances = sum((each.amount for each in adjustments if not each.is_charge), ZERO)
    charges = sum((each.amount for each in adjustments if each.is_charge), ZERO)
    without_vat = net - allowances + charges
    vat = sum((row.tax for row in rows), ZERO)
    with_vat = without_vat + vat
    prepaid = prepaid_of(request)
    payable = with_vat - (prepaid or ZERO) + (request.rounding_amount or ZERO)
    given = request.totals
    totals = Totals(
        lines=net,
        without_vat=without_vat,
        with_vat=with_vat,
        payable=payable,
        allowances=allowances if any(not each.is_charge for each in adjustments) else None,
        charges=charges if any(each.is_charge for each in adjustments) else None,
        vat=vat,
        vat_accounting=_accounting_vat(request, vat),
        prepaid=prepaid,
        rounding=request.rounding_amount,
    )
    if given:
        check(given.lines, net, "BT-106", "totals.lines", ("sum of the lines' BT-131", "somme des BT-131"))
        check(given.allowances, allowances, "BT-107", "totals.allowances", ("sum of BT-92", "somme des BT-92"))
        check(given.charges, charges, "BT-108", "totals.charges", ("sum of BT-99", "somme des BT-99"))
        check(given.without_vat, without_vat, "BT-109", "totals.without_vat", "BT-106 - BT-107 + BT-108")
        check(given.vat, vat, "BT-110", "totals.vat", ("sum of BT-117, each rounded", "somme des BT-117 arrondis"))
        check(given.with_vat, with_vat, "BT-112", "totals.with_vat", "BT-109 + BT-110")
        check(given.payable, payable, "BT-115", "totals.payable", "BT-112 - BT-113 + BT-114")
    _check_precision(request, totals, lines)
    return totals, rows


def _accounting_vat(request: InvoiceRequest, vat: Decimal) -> Decimal | None:
    """BT-111: French VAT in euros (BR-FR-CO-12), as given or by the rate, which must agree; no VAT needs neither.

    Raises:
        BuildError: ``invoice.accounting_vat_missing``, ``invoice.exchange_rate_needless`` or ``invoice.wrong_total``.
    """
    given = request.totals.vat_accounting if request.totals else None
    rate = request.vat_exchange_rate
    if request.currency == "EUR":
        if rate is not None or given is not None:
            place = "vat_exchange_rate" if rate is not None else "totals.vat_accounting"
            raise BuildError(
                "invoice.exchange_rate_needless",
                f"{place} (BT-111) is for invoices in a foreign currency; this one is in EUR. Leave it out.",
                f"{place} (BT-111) sert aux factures en devise ; celle-ci est en EUR. Omettez-le.",
                term="BT-111",
                place=place,
            )
        return None
    if rate is not None:
        with localcontext() as context:
            context.prec = _DIGITS
            computed = cents(vat * rate.rate)
        check(given, computed, "BT-111", "totals.vat_accounting", f"BT-110 {vat:f} x {rate.rate:f}, {rate.date}")
        return computed
    if not vat:
        check(given, ZERO, "BT-111", "totals.vat_accounting", "BT-110 = 0.00")
        return ZERO
    if given is None:
        raise BuildError(
            "invoice.accounting_vat_missing",
            f"The invoice is in {request.currency}: French VAT is accounted for in euros. Give vat_exchange_rate with "
            "rate and date, or the amount itself in totals.vat_accounting (BT-111).",
            f"La facture est en {request.currency} : la TVA française se compte en euros. Indiquez vat_exchange_rate "
            "(rate et date), ou le montant lui-même dans totals.vat_accounting (BT-111).",
            term="BT-111",
            place="totals.vat_accounting",
        )
    return given


def _check_precision(request: InvoiceRequest, totals: Totals, lines: Sequence[Line]) -> None:
    """A currency without cents has none in any amount, so that the books and the bank can hold it.

    Raises:
        BuildError: ``invoice.amount_too_precise``.
    """
    unit = smallest(request.currency)
    if unit == CENT:
        return
    places = [(f"lines[{position}].net_amount", "BT-131", line.net_amount) for position, line in enumerate(lines)]
    places += [("prepaid_amount", "BT-113", totals.prepaid or ZERO), ("totals.payable", "BT-115", totals.payable)]
    for place, term, amount in places:
        if amount % unit:
            raise BuildError(
                "invoice.amount_too_precise",
                f"{place} ({term}) is {amount:f}, but {request.currency} has no smaller unit. Give whole amounts.",
                f"{place} ({term}) vaut {amount:f}, mais {request.currency} n'a pas de subdivision. Donnez des "
                "montants entiers.",
                term=term,
                place=place,
            )


def check(given: Decimal | None, computed: Decimal, term: str, place: str, how: str | tuple[str, str]) -> None:
    """Refuse a given amount that is not the computed one; ``how`` it is computed, as a formula or in both languages.

    Raises:
        BuildError: ``invoice.wrong_total``.
    """
    if given is None or given == computed:
        return
    english, french = (how, how) if isinstance(how, str) else how
    raise BuildError(
        "invoice.wrong_total",
        f"{place} ({term}) is {given:f}, but {computed:f} follows from the invoice ({english}). "
        "Correct it, or leave it out and we compute it.",
        f"{place} ({term}) vaut {given:f}, mais le calcul donne {computed:f} ({french}). "
        "Corrigez-le, ou omettez-le : nous le calculons.",
        term=term,
        place=place,
    )


def _vat_rows(
    reasons: Reasons, lines: Sequence[Line], adjustments: Sequence[AllowanceCharge], currency: str
) -> tuple[VatBreakdown, ...]:
    """BG-23: one row per category and rate, in order of first appearance; tax rounded per row (BR-CO-17)."""
    taxable: dict[tuple[str, Decimal | None], Decimal] = {}
    for line in (each for each in lines if each.counts):
        key = (line.vat_category or "", line.vat_rate)
        taxable[key] = taxable.get(key, ZERO) + line.net_amount
    for each in adjustments:
        key = (each.vat_category or "", each.vat_rate)
        taxable[key] = taxable.get(key, ZERO) + (each.amount if each.is_charge else -each.amount)
    return tuple(
        VatBreakdown(amount, tax_on(amount, rate, currency), category, rate, *reasons.get(category, _NOTHING))
        for (category, rate), amount in taxable.items()
    )


def tax_on(taxable: Decimal, rate: Decimal | None, currency: str) -> Decimal:
    """BT-117: ``rate`` percent of ``taxable``, rounded once."""
    with localcontext() as context:
        context.prec = _DIGITS
        return cents(taxable * (rate or Decimal(0)) / 100, currency)


def adjust_document(
    requests: Sequence[DocumentAdjustmentRequest], lines: Sequence[Line], place: str, currency: str, *, is_charge: bool
) -> list[AllowanceCharge]:
    """BG-20 or BG-21. A percentage applies to the lines of the same VAT category and rate where no base is given.

    Raises:
        BuildError: ``invoice.wrong_total``.
    """
    return [
        _with_vat(each, lines, f"{place}[{position}]", currency, is_charge=is_charge)
        for position, each in enumerate(requests)
    ]


def _with_vat(
    request: DocumentAdjustmentRequest, lines: Sequence[Line], place: str, currency: str, *, is_charge: bool
) -> AllowanceCharge:
    category, rate = request.vat_category, rate_of(request.vat_category, request.vat_rate)
    base = sum((line.net_amount for line in lines if (line.vat_category, line.vat_rate) == (category, rate)), ZERO)
    adjusted = adjust(request, base, place, currency, is_charge=is_charge)
    return replace(adjusted, vat_category=category, vat_rate=rate)
