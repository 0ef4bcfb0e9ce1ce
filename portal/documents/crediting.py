"""Issue the credit note of an invoice: the whole of it, some lines, or an amount, never beyond what was invoiced."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from config.clock import today
from einvoice.crediting.credit_note import LineCredit, credit_amount, credit_lines, credit_whole
from einvoice.crediting.earlier import credited_before
from einvoice.crediting.limits import CreditError
from einvoice.intake import prepare_request
from portal.documents.issuing import conclude, need_profile, produce
from portal.opening.documents import document_to_correct
from portal.request_keys import answered_request
from receivables.domain.invoicing.invoices import Routing
from receivables.errors import ConflictError
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from einvoice.crediting.limits import Credited
    from einvoice.document import Document
    from einvoice.request.model import InvoiceRequest
    from portal.documents.issuing import Issued, IssueOptions
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class CreditOrder:
    """What to credit: ``lines`` by number (BT-126), or ``amount`` VAT included, or with neither the whole."""

    lines: dict[str, LineCredit] | None = None
    amount: Decimal | None = None
    reason: str | None = None
    asked: bytes = b""
    """The order as it came."""


def read_order(content: bytes) -> CreditOrder:
    """The order in ``content``: JSON with ``reason`` and either ``lines`` or ``amount``; an empty body is the whole.

    Raises:
        CreditError: ``credit.bad_order``.
    """
    try:
        told = json.loads(content, parse_float=Decimal, parse_int=Decimal) if content.strip() else {}
        if not isinstance(told, dict) or set(told) - {"lines", "amount", "reason"} or {"lines", "amount"} <= set(told):
            raise _bad_order("reason, and either lines or amount", "reason, et soit lines soit amount")
        lines = {str(name): _line(credit) for name, credit in told["lines"].items()} if "lines" in told else None
        amount = _number(told["amount"]) if "amount" in told else None
        if amount is not None and not told.get("reason"):
            raise CreditError(
                "credit.bad_order",
                "An amount needs a reason, which stands on the credit note: add reason.",
                "Un montant (amount) demande un motif, qui figure sur l'avoir : ajoutez reason.",
            )
        return CreditOrder(lines, amount, str(told["reason"]) if told.get("reason") else None, content)
    except (ValueError, AttributeError, TypeError, RecursionError, InvalidOperation) as error:
        raise _bad_order(
            'JSON such as {"lines": {"1": {"quantity": "2"}}} or {"amount": "120.00", "reason": "..."}',
            'du JSON tel que {"lines": {"1": {"quantity": "2"}}} ou {"amount": "120.00", "reason": "..."}',
        ) from error


def credit_invoice(
    services: Services, supplier: Supplier, invoice: Invoice, order: CreditOrder, options: IssueOptions
) -> Issued:
    """Issue the credit note that ``order`` asks for on ``invoice``, and produce its files.

    Raises:
        CreditError: it cannot be credited like that; the sentence says why.
        ConflictError: ``credit.changed_meanwhile``: another credit note of this invoice came in between.
        EInvoiceError, ReceivablesError: see ``issue_content``.
    """
    content = f"credit {invoice.invoice_id} ".encode() + order.asked
    with services.works.begin(supplier.supplier_id) as work:
        profile = need_profile(work, supplier)
        document = document_to_correct(work, invoice, profile)
        already = credited_before(work, invoice)
        known = answered_request(work, options.request_key, content)
    if known:  # before anything is compared with what is left to credit: this credit note took it
        return produce(services, supplier, known)
    request = _request(invoice, document, order, already)
    prepared = prepare_request(request, profile, services.validator, today())
    if invoice.routing is Routing.B2G:  # the credit note takes the road of its invoice, whatever the directory says now
        prepared = replace(prepared, to_public_body=True)

    def guard(work: Work) -> None:
        lock_customers(work, [invoice.customer_id])
        if credited_before(work, invoice) != already:
            raise ConflictError(
                "credit.changed_meanwhile",
                f"Another credit note of {invoice.number} was issued in the meantime. Look at it, then ask again.",
            )

    return conclude(services, supplier, prepared, options, content=content, guard=guard)


def _request(invoice: Invoice, document: Document, order: CreditOrder, already: Credited) -> InvoiceRequest:
    """The credit note as a request; a public body stays one, which no document says.

    One that only the directory showed, without its SIRET on the invoice, is credited as it was invoiced.
    """
    if order.lines is not None:
        request = credit_lines(document, order.lines, order.reason, already=already)
    elif order.amount is not None:
        request = credit_amount(document, order.amount, order.reason or "", already=already)
    else:
        request = credit_whole(document, order.reason, already=already)
    if invoice.routing is not Routing.B2G or request.buyer.siret is None:
        return request
    return request.model_copy(update={"buyer": request.buyer.model_copy(update={"public": True})})


def _line(told: Any) -> LineCredit:
    if set(told) - {"quantity", "amount"}:
        raise ValueError(f"unknown fields {sorted(told)}")
    return LineCredit(*(_number(told[name]) if name in told else None for name in ("quantity", "amount")))


def _number(told: Any) -> Decimal:
    if not isinstance(told, str | Decimal):
        raise TypeError(f"{told!r} is no amount")
    number = Decimal(told)
    if not number.is_finite():
        raise ValueError(f"{told!r} is no amount")
    return number


def _bad_order(wanted: str, wanted_fr: str) -> CreditError:
    return CreditError(
        "credit.bad_order", f"The body must be {wanted}.", f"Le corps de la requête doit être {wanted_fr}."
    )
