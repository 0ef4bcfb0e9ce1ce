"""Whether two documents say the same: used to compare readings of different syntaxes."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from einvoice.document import Contact, Delivery, PaymentInstructions
from einvoice.formats.ubl_reader import read_note
from einvoice.formats.ubl_terms import NO_ORDER, UNDEFINED_MEANS

if TYPE_CHECKING:
    from einvoice.document import Attachment, Document, Line, Party, Totals


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that two documents do not share; ``path`` is a field path such as ``lines[0].net_price``."""

    path: str
    left: object
    right: object


def difference(a: Document, b: Document) -> tuple[Difference, ...]:
    """The values in which ``a`` and ``b`` differ, except for what a syntax cannot carry.

    Left out of the comparison, each because one syntax has no way to say it:

    - the order of party identifiers (CII puts those without scheme first);
    - person and department of a contact apart (UBL has one name: they are joined by a comma);
    - a note's subject code apart from its text (UBL writes ``#PMT#text``);
    - of gross price and discount, the one that follows from BT-146 = BT-148 - BT-147 (CII wants the gross price, UBL
      has none without a discount);
    - BT-110 where it is only the sum of BG-23 (UBL wants it);
    - payment means "1, instrument not defined" with nothing else (a UBL credit note needs them to state BT-9), and a
      card holder without a card (UBL);
    - purchase order "NA" beside a sales order (UBL wants a value there);
    - BT-7 and BT-8 without any row in BG-23 (CII has them nowhere else);
    - BT-111 without a BT-6 of its own (neither syntax can tell it from BT-110);
    - the unit of a base quantity, the type and name of an attachment, without the value they belong to.
    """
    return tuple(_differences("", _normal(a), _normal(b)))


def _differences(path: str, left: object, right: object) -> list[Difference]:
    if is_dataclass(left) and type(left) is type(right):
        return [
            each
            for field in fields(left)
            for each in _differences(
                f"{path}.{field.name}".lstrip("."), getattr(left, field.name), getattr(right, field.name)
            )
        ]
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [each for position, (one, other) in pairs for each in _differences(f"{path}[{position}]", one, other)]
    return [] if left == right else [Difference(path, left, right)]


def _normal(document: Document) -> Document:
    only_sales_order = document.sales_order is not None and document.purchase_order == NO_ORDER
    delivery = document.delivery
    return replace(
        document,
        seller=_normal_party(document.seller),
        buyer=_normal_party(document.buyer),
        notes=tuple(note if note.subject else read_note(note.text) for note in document.notes),
        lines=tuple(_normal_line(line) for line in document.lines),
        totals=_normal_totals(document),
        payment=_normal_payment(document.payment),
        delivery=None if delivery == Delivery() else delivery,
        attachments=tuple(_normal_attachment(each) for each in document.attachments),
        purchase_order=None if only_sales_order else document.purchase_order,
        tax_point=document.tax_point if document.vat else None,
        tax_point_date=document.tax_point_date if document.vat else None,
    )


def _normal_party(party: Party) -> Party:
    contact = party.contact
    if contact is not None:
        names = ", ".join(each for each in (contact.name, contact.department) if each)
        contact = replace(contact, name=names or None, department=None)
    identifiers = sorted(party.identifiers, key=lambda each: (each.scheme or "", each.value))
    return replace(party, identifiers=tuple(identifiers), contact=None if contact == Contact() else contact)


def _normal_line(line: Line) -> Line:
    gross, discount = line.gross_price, line.price_discount
    if line.net_price is not None:
        if gross is None and discount is not None:
            gross = line.net_price + discount
        elif discount is None and gross is not None:
            discount = gross - line.net_price
    unit = line.price_base_unit if line.price_base_quantity is not None else None
    return replace(line, gross_price=gross, price_discount=discount, price_base_unit=unit)


def _normal_totals(document: Document) -> Totals:
    totals, own = document.totals, document.accounting_currency not in {None, document.currency}
    vat: Any = totals.vat
    if vat is None and document.vat:
        vat = sum(row.tax for row in document.vat)
    return replace(totals, vat=vat, vat_accounting=totals.vat_accounting if own else None)


def _normal_payment(payment: PaymentInstructions | None) -> PaymentInstructions | None:
    if payment is not None and payment.card_number is None:
        payment = replace(payment, card_holder=None)
    return None if payment == PaymentInstructions(UNDEFINED_MEANS) else payment


def _normal_attachment(attachment: Attachment) -> Attachment:
    return attachment if attachment.content is not None else replace(attachment, mime=None, filename=None)
