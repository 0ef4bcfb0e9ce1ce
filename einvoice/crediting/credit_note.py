"""Credit notes (avoirs) made from an issued invoice: the whole of it, some of its lines, or an amount with VAT.

The answer is a request like any other, so that a credit note passes through the same building and judging as an
invoice. A deposit (386) is credited by a 503, a factored invoice by a 396, any other by a 381. Nothing is ever credited
beyond what was invoiced, neither in all nor at one VAT rate: ``already`` is what earlier credit notes on the same
invoice came to.

An amount is split over the VAT rates in proportion to what is left of each with VAT (``receivables.domain.money
.apportion``); each part is then divided into base and tax. Not every amount can be written as a base and its rounded
tax (at 20 % there is none for 0.03), so a cent that one rate cannot hold goes to the next lower one, and what the last
cannot hold stands in BT-114: the amount due (BT-115) is exact to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from einvoice.codelists.currencies import smallest
from einvoice.composing.build import price_request
from einvoice.composing.frame import DEPOSIT_TYPES
from einvoice.composing.mentions import FACTORED_TYPES
from einvoice.composing.totals import ZERO, cents, tax_on
from einvoice.crediting.limits import NOTHING_YET, check_limit, claimed, credit_error, expressible, holds, within
from einvoice.crediting.lines import flat_line, positive, same_adjustment, same_line, scaled_line
from einvoice.crediting.parties import buyer_request, delivery_request, payee_request
from einvoice.request.codes import SELF_BILLED
from einvoice.request.lines import DocumentAdjustmentRequest, PeriodRequest
from einvoice.request.model import (
    ExemptionRequest,
    InvoiceRequest,
    NoteRequest,
    PrecedingInvoiceRequest,
    TotalsRequest,
)
from receivables.domain.money import apportion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from einvoice.crediting.limits import Credited
    from einvoice.document import AllowanceCharge, Document, Line, VatBreakdown
    from einvoice.request.lines import LineRequest

_FINEST_QUANTITY = Decimal("0.0001")
"""BR-FR-DEC-02."""
_OPERATIONS = {"B": "goods", "S": "services", "M": "both"}


@dataclass(frozen=True, slots=True)
class LineCredit:
    """How much of a line is credited: a quantity (BT-129), an amount without VAT (BT-131), or, with neither, all."""

    quantity: Decimal | None = None
    amount: Decimal | None = None


@expressible
def credit_whole(document: Document, reason: str | None = None, *, already: Credited = NOTHING_YET) -> InvoiceRequest:
    """The credit note for all of ``document``: the same lines, rates, allowances and charges, and the same total.

    What was paid before (BT-113) is not repeated: the credit note is for what was invoiced.

    Raises:
        CreditError: see the class.
        BuildError: a finished file has what a French invoice of ours may not, e.g. an exemption without its code.
    """
    header = _header(document, reason)
    lines = [same_line(line, document.currency) for line in document.lines if line.counts]
    if lines:
        adjustments = _adjustments(document.allowances_charges, document.currency)
        request = _request(document, {**header, **adjustments, "rounding_amount": document.totals.rounding}, lines)
        if _with_vat(request) == document.totals.with_vat:
            return within(request, document, already)
    # an invoice without lines, or whose own VAT was rounded otherwise: by rate
    return credit_amount(
        document,
        claimed(document),
        reason or f"Annulation de la facture {document.number}",
        already=already,
    )


@expressible
def credit_lines(
    document: Document,
    parts: Mapping[str, LineCredit],
    reason: str | None = None,
    *,
    already: Credited = NOTHING_YET,
) -> InvoiceRequest:
    """The credit note for some lines of ``document``, by their number (BT-126).

    A line's allowances and charges follow in proportion; so do those on the whole invoice, by VAT rate.

    Raises:
        CreditError: see the class.
    """
    if not parts:
        raise credit_error(
            "credit.nothing",
            "Name at least one line to credit.",
            "Indiquez au moins une ligne à créditer.",
            "BT-126",
        )
    known = {line.line_id: line for line in document.lines if line.counts}
    lines: list[LineRequest] = []
    credited: dict[tuple[str | None, Decimal | None], Decimal] = {}
    for line_id, credit in parts.items():
        line = known.get(line_id)
        if line is None:
            numbers = ", ".join(known)
            raise credit_error(
                "credit.unknown_line",
                f"Invoice {document.number} has no line {line_id!r} (BT-126). Its lines: {numbers}.",
                f"La facture {document.number} n'a pas de ligne {line_id!r} (BT-126). Ses lignes : {numbers}.",
                "BT-126",
            )
        request, net = _part_of(line, credit, document.currency)
        lines.append(request)
        key = (line.vat_category, line.vat_rate)
        credited[key] = credited.get(key, ZERO) + net
    shares = _adjustments(_shares(document, credited), document.currency)
    request_of_lines = _request(document, {**_header(document, reason), **shares}, lines)
    return within(request_of_lines, document, already)


@expressible
def credit_amount(
    document: Document, amount_with_vat: Decimal, reason: str, *, already: Credited = NOTHING_YET
) -> InvoiceRequest:
    """The credit note for ``amount_with_vat`` (TTC) of ``document``, split over its VAT rates (see the module).

    Raises:
        CreditError: see the class.
    """
    unit = smallest(document.currency)
    if amount_with_vat <= 0:
        raise credit_error(
            "credit.not_positive",
            f"The amount to credit is {amount_with_vat:.20g}: give an amount above zero.",
            f"Le montant à créditer vaut {amount_with_vat:.20g} : donnez un montant supérieur à zéro.",
            "BT-112",
        )
    if not holds(amount_with_vat, unit):
        raise credit_error(
            "credit.too_precise",
            f"The amount to credit is {amount_with_vat:.20g} {document.currency}: give a multiple of {unit:f}, not too "
            "large.",
            f"Le montant à créditer vaut {amount_with_vat:.20g} {document.currency} : donnez un multiple de {unit:f}, "
            "pas trop grand.",
            "BT-112",
        )
    check_limit(amount_with_vat, document, already)
    if any(row.taxable + row.tax < 0 for row in document.vat):
        raise credit_error(
            "credit.negative_rates",
            f"Invoice {document.number} has a negative VAT row: no amount can be split over it. Credit lines instead.",
            f"La facture {document.number} a une ligne de TVA négative : aucun montant ne peut y être réparti. "
            "Créditez des lignes.",
            "BG-23",
        )
    rows = sorted((row for row in document.vat if already.left_of(row)), key=lambda row: row.rate or 0, reverse=True)
    if not rows:
        raise credit_error(
            "credit.nothing",
            f"All VAT rates of invoice {document.number} are credited already.",
            f"Tous les taux de TVA de la facture {document.number} sont déjà crédités.",
            "BG-23",
        )
    parts, rest = _split(amount_with_vat, rows, [already.left_of(row) for row in rows], document.currency)
    lines = [
        flat_line(reason, taxable, row.category, row.rate) for row, taxable in zip(rows, parts, strict=True) if taxable
    ]
    told = f"{amount_with_vat:f}".replace(".", ",")
    header = _header(document, f"Avoir de {told} {document.currency} TTC : {reason}")
    return _request(document, {**header, "rounding_amount": rest or None}, lines)


def _split(
    amount: Decimal, rows: Sequence[VatBreakdown], left: Sequence[Decimal], currency: str
) -> tuple[list[Decimal], Decimal]:
    """The base (BT-116) of each row, in proportion to what is ``left`` of it, and what no row can hold.

    Rows come by falling rate.
    """
    unit = smallest(currency)
    shares = apportion(int(amount / unit), [int(each / unit) for each in left])
    parts, rest = [], ZERO
    for row, share in zip(rows, shares, strict=True):
        wanted = share * unit + rest
        taxable = _base_within(wanted, row.rate, currency)
        parts.append(taxable)
        rest = wanted - taxable - tax_on(taxable, row.rate, currency)
    return parts, rest


def _base_within(gross: Decimal, rate: Decimal | None, currency: str) -> Decimal:
    """The largest base that comes with its rounded tax to at most ``gross``."""
    unit = smallest(currency)
    base = cents(gross / (1 + (rate or Decimal(0)) / 100), currency) + unit
    while base + tax_on(base, rate, currency) > gross:
        base -= unit
    return base


def _part_of(line: Line, credit: LineCredit, currency: str) -> tuple[LineRequest, Decimal]:
    """The credited part of a line, and its net amount."""
    if credit.amount is not None and credit.quantity is not None:
        raise credit_error(
            "credit.exceeds_line",
            f"Line {line.line_id}: give a quantity or an amount, not both.",
            f"Ligne {line.line_id} : donnez une quantité ou un montant, pas les deux.",
            "BT-131",
        )
    if credit.amount is not None:
        _check_share(line, credit.amount, line.net_amount, "BT-131", smallest(currency))
        return flat_line(line.name, credit.amount, line.vat_category or "", line.vat_rate, line.line_id), credit.amount
    whole = line.quantity or Decimal(1)
    quantity = whole if credit.quantity is None else credit.quantity
    _check_share(line, quantity, whole, "BT-129", _FINEST_QUANTITY)
    if quantity == whole:
        return same_line(line, currency), line.net_amount
    return scaled_line(line, quantity, currency)


def _check_share(line: Line, part: Decimal, whole: Decimal, term: str, finest: Decimal) -> None:
    """``part`` has the sign of ``whole``, is not larger, and no finer than ``finest``."""
    if part != whole and not holds(part, finest):
        raise credit_error(
            "credit.too_precise",
            f"Line {line.line_id}: {part:.20g} ({term}) is no whole number of {finest:f}, or too large.",
            f"Ligne {line.line_id} : {part:.20g} ({term}) n'est pas un multiple de {finest:f}, ou trop grand.",
            term,
        )
    if not whole or not 0 < part / whole <= 1:
        raise credit_error(
            "credit.exceeds_line",
            f"Line {line.line_id}: {part:f} ({term}) cannot be credited of {whole:f} invoiced.",
            f"Ligne {line.line_id} : {part:f} ({term}) ne peut pas être crédité sur {whole:f} facturé.",
            term,
        )


def _shares(document: Document, credited: Mapping[tuple[str | None, Decimal | None], Decimal]) -> list[AllowanceCharge]:
    """The allowances and charges on the whole invoice, in proportion to the credited lines of the same VAT."""
    found = []
    for each in document.allowances_charges:
        key = (each.vat_category, each.vat_rate)
        base = sum(
            (li.net_amount for li in document.lines if li.counts and (li.vat_category, li.vat_rate) == key), ZERO
        )
        if not base or not credited.get(key):
            continue
        amount = cents(each.amount * credited[key] / base, document.currency)
        if amount:
            found.append(replace(each, amount=amount, base_amount=None, percent=None))
    return found


def _adjustments(given: Sequence[AllowanceCharge], currency: str) -> dict[str, tuple[DocumentAdjustmentRequest, ...]]:
    signed = [positive(each) for each in given]

    def of(*, is_charge: bool) -> tuple[DocumentAdjustmentRequest, ...]:
        return tuple(
            DocumentAdjustmentRequest.model_validate(
                {
                    **same_adjustment(each, currency),
                    "vat_category": each.vat_category,
                    "vat_rate": each.vat_rate,
                }
            )
            for each in signed
            if each.is_charge is is_charge
        )

    return {"allowances": of(is_charge=False), "charges": of(is_charge=True)}


def _header(document: Document, reason: str | None) -> dict[str, Any]:
    """What a credit note takes over from its invoice.

    Raises:
        CreditError: ``credit.of_credit_note`` or ``credit.self_billed``.
    """
    period = document.delivery
    return {
        "type_code": _kind(document),
        "currency": document.currency,
        "operation": _OPERATIONS.get((document.process or "")[:1]),
        "tax_point": document.tax_point.value if document.tax_point else None,
        "tax_point_date": document.tax_point_date,
        "buyer_reference": document.buyer_reference,
        "project_reference": document.project_reference,
        "contract_reference": document.contract_reference,
        "purchase_order": document.purchase_order,
        "accounting_reference": document.accounting_reference,
        "notes": (NoteRequest(text=reason, subject="AAI"),) if reason else (),
        "preceding_invoices": (
            PrecedingInvoiceRequest.model_validate({"number": document.number, "issue_date": document.issued_on}),
        ),
        "payee": payee_request(document.payee) if document.payee else None,
        "delivery": delivery_request(document.delivery) if document.delivery else None,
        "period": PeriodRequest(start=period.period_start, end=period.period_end)
        if period and (period.period_start or period.period_end)
        else None,
        "vat_exemptions": tuple(
            ExemptionRequest.model_validate(
                {"vat_category": row.category, "reason": row.exemption_reason, "code": row.exemption_code}
            )
            for row in document.vat
            if row.exemption_code
        ),
    }


def _kind(document: Document) -> str:
    """BT-3 of the credit note."""
    if document.is_credit_note:
        raise credit_error(
            "credit.of_credit_note",
            f"{document.number} is a credit note already (type {document.type_code}). Issue an invoice instead.",
            f"{document.number} est déjà un avoir (type {document.type_code}). Émettez plutôt une facture.",
            "BT-3",
        )
    if document.type_code in SELF_BILLED:
        raise credit_error(
            "credit.self_billed",
            f"{document.number} was drawn up by your customer (type {document.type_code}), who also makes its credit "
            "note. Ask for it.",
            f"{document.number} a été établie par votre client (type {document.type_code}), qui en établit aussi "
            "l'avoir. Demandez-le-lui.",
            "BT-3",
        )
    if document.type_code in FACTORED_TYPES:
        return "396"
    return "503" if document.type_code in DEPOSIT_TYPES else "381"


def _request(document: Document, fields: dict[str, Any], lines: Sequence[LineRequest]) -> InvoiceRequest:
    """The request, with its VAT in euros in proportion to the invoice's where that is in another currency."""
    used = {line.vat_category for line in lines}
    exemptions = tuple(each for each in fields["vat_exemptions"] if each.vat_category in used)
    fields = {**fields, "vat_exemptions": exemptions}
    request = InvoiceRequest(**fields, buyer=buyer_request(document), lines=tuple(lines))
    if document.currency == "EUR":
        return request
    blank = request.model_copy(update={"totals": TotalsRequest.model_validate({"vat_accounting": ZERO})})
    vat = price_request(blank).totals.vat or ZERO
    invoiced, in_euros = document.totals.vat or ZERO, document.totals.vat_accounting or ZERO
    euros = cents(in_euros * vat / invoiced) if invoiced else ZERO
    return request.model_copy(update={"totals": TotalsRequest.model_validate({"vat_accounting": euros})})


def _with_vat(request: InvoiceRequest) -> Decimal:
    return price_request(request).totals.with_vat
