"""An issued invoice as a form again: to do it once more, to correct it, or to complete its deposits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.crediting.lines import positive, same_line
from einvoice.kept import issued_document
from portal.invoicing.typed import CORRECTIVE, INVOICE, TypedDeposit, TypedInvoice, TypedLine
from portal.invoicing.vat_choices import choice_for
from portal.words import gettext
from receivables.domain.money import Money
from receivables.errors import ConflictError
from receivables.store.invoicing.billing import deposits_left

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from einvoice.document import Document, Line
    from portal.invoicing.typed import TypedBuyer
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


def document_of(invoice: Invoice) -> Document:
    """The legal document of an invoice.

    Raises:
        ConflictError: ``invoice.no_document``: it was taken over from elsewhere, as an open item.
    """
    if "document" not in invoice.document:
        raise ConflictError(
            "invoice.no_document",
            f"{invoice.number} was taken over from your earlier program: its lines are not known here. Write a new "
            "invoice, or correct it where it came from.",
            f"{invoice.number} vient de votre ancien logiciel : ses lignes ne sont pas connues ici. Écrivez une "
            "nouvelle facture, ou corrigez-la là d'où elle vient.",
        )
    return issued_document(invoice)


def again(invoice: Invoice, buyer: TypedBuyer) -> TypedInvoice:
    """The same lines for the same customer: terms, days and references of the new one are its own."""
    document = document_of(invoice)
    return TypedInvoice(
        kind=INVOICE if invoice.type_code == CORRECTIVE else invoice.type_code,
        buyer=buyer,
        lines=_lines(document),
        contract=document.contract_reference or "",
        currency=document.currency,
    )


def corrected(invoice: Invoice, buyer: TypedBuyer) -> TypedInvoice:
    """All of an invoice as a corrective one (384) that takes its place: what is wrong is changed, the rest stands."""
    document = document_of(invoice)
    delivery = document.delivery
    return replace(
        again(invoice, buyer),
        kind=CORRECTIVE,
        corrects_number=invoice.number,
        corrects_on=invoice.issued_on.isoformat(),
        order=document.purchase_order or "",
        reference=document.buyer_reference or "",
        delivered_on=_day(delivery.delivered_on) if delivery else "",
        period_start=_day(delivery.period_start) if delivery else "",
        period_end=_day(delivery.period_end) if delivery else "",
    )


def completed(invoice: Invoice, buyer: TypedBuyer) -> TypedInvoice:
    """The final invoice after a deposit: its customer and references, no line yet, the deposit to deduct."""
    document = document_of(invoice)
    return TypedInvoice(
        buyer=buyer,
        contract=document.contract_reference or "",
        order=document.purchase_order or "",
        currency=document.currency,
    )


def deposits_to_deduct(
    work: Work, customer_id: UUID, currency: str, ticked: UUID | None = None
) -> tuple[TypedDeposit, ...]:
    """Deposit invoices of a customer that no invoice deducts and no credit note takes back, with what they brought.

    One that nobody paid yet is offered with what it asks for; ``ticked`` and those that are paid are taken beforehand.
    """
    found = []
    for row in deposits_left(work, customer_id, currency):
        paid = row["total_minor"] - row["open_minor"]
        amount = Money(paid or row["total_minor"], currency).decimal
        taken = "yes" if paid or row["invoice_id"] == ticked else ""
        found.append(TypedDeposit(row["number"], row["issued_on"].isoformat(), _figure(amount), taken))
    return tuple(found)


def _lines(document: Document) -> tuple[TypedLine, ...]:
    lines = [_line(document, line) for line in document.lines if line.counts]
    return (*lines, *_adjusting_lines(document))


def _line(document: Document, line: Line) -> TypedLine:
    """A line that comes to the same amount: a discount in percent stays one, any other is inside the price."""
    told = same_line(line, document.currency)
    discount = ""
    if len(told.allowances) == 1 and told.allowances[0].percent is not None and not told.charges:
        discount = _figure(told.allowances[0].percent)
    simple = not told.charges and (not told.allowances or discount) and told.price_base_quantity in {None, Decimal(1)}
    price = (
        told.net_price
        if told.net_price is not None
        else (told.gross_price or Decimal(0)) - (told.price_discount or Decimal(0))
    )
    common = TypedLine(
        name=line.name,
        description=line.description or "",
        unit=told.unit,
        vat=choice_for(line.vat_category or "S", line.vat_rate, _reason_of(document, line.vat_category)),
        code=line.seller_item_id or "",
    )
    if not simple:
        sign = "-1" if line.net_amount < 0 else "1"
        return replace(common, unit="C62", quantity=sign, price=_figure(abs(line.net_amount)))
    return replace(common, quantity=_figure(told.quantity or Decimal(1)), price=_figure(price), discount=discount)


def _adjusting_lines(document: Document) -> Iterator[TypedLine]:
    """Allowances and charges on the whole, as lines: the form has a percentage only, and the total has to stand."""
    for each in document.allowances_charges:
        amount = positive(each)
        yield TypedLine(
            name=each.reason or (gettext("Frais") if amount.is_charge else gettext("Remise")),
            quantity="1" if amount.is_charge else "-1",
            unit="C62",
            price=_figure(amount.amount),
            vat=choice_for(each.vat_category or "S", each.vat_rate, _reason_of(document, each.vat_category)),
        )


def _reason_of(document: Document, category: str | None) -> str | None:
    return next((row.exemption_code for row in document.vat if row.category == category), None)


def _figure(number: Decimal) -> str:
    """A number as it is typed in French: ``1250,5``."""
    plain = f"{number:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return plain.replace(".", ",")


def _day(day: object) -> str:
    return day.isoformat() if hasattr(day, "isoformat") else ""
