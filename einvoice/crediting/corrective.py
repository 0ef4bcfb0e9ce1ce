"""Corrective invoices (factures rectificatives, type 384) made from an issued invoice: without some lines, or for less.

The answer is a request like any other. It takes the place of the whole invoice, so it says again all that stands.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from einvoice.composing.build import price_request
from einvoice.crediting.credit_note import credit_amount, credit_whole
from einvoice.crediting.limits import NOTHING_YET, credit_error
from einvoice.request.lines import DocumentAdjustmentRequest

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from einvoice.crediting.limits import Credited
    from einvoice.document import Document
    from einvoice.request.model import InvoiceRequest

CORRECTIVE = "384"


def without_lines(
    document: Document, line_ids: Collection[str], reason: str, due_on: date, *, already: Credited = NOTHING_YET
) -> InvoiceRequest:
    """``document`` again without the lines of these numbers (BT-126).

    Raises:
        CreditError: ``corrective.nothing_left``, ``corrective.not_whole``, ``corrective.paid_before``.
    """
    whole = _again(document, reason, due_on, already)
    kept = tuple(each for each in whole.lines if each.line_id not in line_ids)
    if not kept:
        raise _nothing_left(document)
    if len(kept) + len(set(line_ids)) != len(whole.lines) or whole.allowances or whole.charges:
        raise credit_error(
            "corrective.not_whole",
            f"{document.number} has allowances or charges on the whole, or other lines than these: issue a credit "
            "note, which splits them.",
            f"{document.number} a des remises ou des frais globaux, ou d'autres lignes que celles-ci : émettez un "
            "avoir, qui les répartit.",
            "BG-25",
        )
    return whole.model_copy(update={"lines": kept})


def for_less(
    document: Document, less: Decimal, reason: str, due_on: date, *, already: Credited = NOTHING_YET
) -> InvoiceRequest:
    """``document`` again with an allowance of ``less``, VAT included, split over its rates; exact to the cent.

    Raises:
        CreditError: ``corrective.nothing_left``, ``corrective.paid_before``, and those of ``credit_amount``.
    """
    if less >= document.totals.with_vat:
        raise _nothing_left(document)
    whole = _again(document, reason, due_on, already)
    allowances = tuple(
        DocumentAdjustmentRequest.model_validate(
            {"amount": each.net_price, "vat_category": each.vat_category, "vat_rate": each.vat_rate, "reason": reason}
        )
        for each in credit_amount(document, less, reason, already=already).lines
    )
    request = whole.model_copy(update={"allowances": (*whole.allowances, *allowances)})
    wanted = document.totals.with_vat - less + (document.totals.rounding or Decimal(0))
    rest = wanted - price_request(request.model_copy(update={"rounding_amount": None})).totals.with_vat
    return request.model_copy(update={"rounding_amount": rest or None})


def _again(document: Document, reason: str, due_on: date, already: Credited) -> InvoiceRequest:
    """All of ``document`` as a corrective invoice that names it."""
    if document.totals.prepaid:
        raise credit_error(
            "corrective.paid_before",
            f"{document.number} deducts what was paid before (BT-113): issue a credit note.",
            f"{document.number} déduit un acompte (BT-113) : émettez un avoir.",
            "BT-113",
        )
    told: dict[str, Any] = {"type_code": CORRECTIVE, "due_date": due_on}
    return credit_whole(document, reason, already=already).model_copy(update=told)


def _nothing_left(document: Document) -> Exception:
    return credit_error(
        "corrective.nothing_left",
        f"Nothing of {document.number} would be left: issue a credit note for the whole.",
        f"Il ne resterait rien de {document.number} : émettez un avoir pour le tout.",
        "BT-112",
    )
