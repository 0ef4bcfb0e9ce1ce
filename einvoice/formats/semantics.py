"""Whether two documents say the same: used to compare readings of different syntaxes."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from einvoice.document import (
    Contact,
    Delivery,
    LineDelivery,
    Note,
    PaymentInstructions,
    ThirdParty,
)
from einvoice.formats.profiles import level_of
from einvoice.formats.ubl_shared_reader import read_note
from einvoice.formats.ubl_terms import NO_ORDER, UNDEFINED_MEANS

if TYPE_CHECKING:
    from einvoice.document import Attachment, Document, Identifier, Line, LineReference, Party, Payee, Totals


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that two documents do not share; ``path`` is a field path such as ``lines[0].net_price``."""

    path: str
    left: object
    right: object


def difference(a: Document, b: Document) -> tuple[Difference, ...]:
    """The values in which ``a`` and ``b`` differ, except for what a syntax cannot carry.

    Left out of the comparison, each because one syntax has no way to say it:

    - how a form calls the level (BT-24): EXTENDED in Factur-X is EXTENDED-CTC-FR in plain CII and UBL;
    - the order of party identifiers (CII puts those without scheme first);
    - person and department of a contact apart (UBL has one name: they are joined by a comma);
    - a note's subject code apart from its text (UBL writes ``#PMT#text``);
    - of gross price and discount, the one that follows from BT-146 = BT-148 - BT-147 (CII wants the gross price, UBL
      has none without a discount);
    - BT-110 where it is only the sum of BG-23 (UBL wants it);
    - payment means "1, instrument not defined" with nothing else (a UBL credit note needs them to state BT-9), and a
      card holder without a card (UBL);
    - purchase order "NA" beside a sales order or a date (UBL wants a value there);
    - BT-7 and BT-8 without any row in BG-23 (CII has them nowhere else);
    - BT-111 and EXT-FR-FE-182 without a BT-6 of its own (neither syntax can tell them from BT-110, EXT-FR-FE-181);
    - EXT-FR-FE-184, BT-131 with its VAT (UBL has no place for it);
    - the date or type of an order, a contract or a despatch advice without its number (UBL);
    - the reason of a price discount that is not stated;
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
    unknown_order = document.purchase_order == NO_ORDER and bool(document.sales_order or document.purchase_order_on)
    order = None if unknown_order else document.purchase_order
    delivery = document.delivery
    return replace(
        document,
        profile=level_of(document.profile) or document.profile,
        seller=_normal_party(document.seller),
        buyer=_normal_party(document.buyer),
        notes=_normal_notes(document.notes),
        lines=tuple(_normal_line(line, own_accounting=_own_accounting(document)) for line in document.lines),
        totals=_normal_totals(document),
        payment=_normal_payment(document.payment),
        delivery=None if delivery == Delivery() else delivery,
        attachments=tuple(_normal_attachment(each) for each in document.attachments),
        purchase_order=order,
        tax_point=document.tax_point if document.vat else None,
        tax_point_date=document.tax_point_date if document.vat else None,
        object_id=None,
        more_object_ids=_together(document.object_id, document.more_object_ids),
        payer=_normal_third_party(document.payer),
        buyer_agent=_normal_third_party(document.buyer_agent),
        seller_agent=_normal_third_party(document.seller_agent),
        invoicer=_normal_third_party(document.invoicer),
        invoicee=_normal_third_party(document.invoicee),
        payee=_normal_payee(document.payee),
        purchase_order_on=document.purchase_order_on if order else None,
        despatch_advice_on=document.despatch_advice_on if document.despatch_advice else None,
        contract_on=document.contract_on if document.contract_reference else None,
        contract_type=document.contract_type if document.contract_reference else None,
    )


def _own_accounting(document: Document) -> bool:
    return document.accounting_currency not in {None, document.currency}


def _normal_notes(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return tuple(note if note.subject else read_note(note.text) for note in notes)


def _normal_party(party: Party) -> Party:
    return replace(party, identifiers=_sorted(party.identifiers), contact=_normal_contact(party.contact))


def _normal_third_party(party: ThirdParty | None) -> ThirdParty | None:
    if party is None:
        return None
    normal = replace(party, identifiers=_sorted(party.identifiers), contact=_normal_contact(party.contact))
    return None if normal == ThirdParty() else normal


def _normal_payee(payee: Payee | None) -> Payee | None:
    if payee is None:
        return None
    known = _sorted(_together(payee.identifier, payee.more_identifiers))
    return replace(payee, identifier=None, more_identifiers=known, contact=_normal_contact(payee.contact))


def _together(first: Identifier | None, more: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    return more if first is None else (first, *more)


def _sorted(identifiers: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    return tuple(sorted(identifiers, key=lambda each: (each.scheme or "", each.value)))


def _normal_contact(contact: Contact | None) -> Contact | None:
    if contact is None:
        return None
    names = ", ".join(each for each in (contact.name, contact.department) if each)
    normal = replace(contact, name=names or None, department=None)
    return None if normal == Contact() else normal


def _normal_line(line: Line, *, own_accounting: bool) -> Line:
    gross, discount, stated = line.gross_price, line.price_discount, line.price_discount is not None
    if line.net_price is not None:
        if gross is None and discount is not None:
            gross = line.net_price + discount
        elif discount is None and gross is not None:
            discount = gross - line.net_price
    unit = line.price_base_unit if line.price_base_quantity is not None else None
    notes = line.more_notes if line.note is None else (Note(line.note), *line.more_notes)
    return replace(
        line,
        gross_price=gross,
        price_discount=discount,
        price_discount_reason=line.price_discount_reason if stated else None,
        price_discount_code=line.price_discount_code if stated else None,
        price_base_unit=unit,
        units_per_parent_unit=line.units_per_parent_unit if line.units_per_parent is not None else None,
        note=None,
        more_notes=_normal_notes(notes),
        object_id=None,
        more_object_ids=_together(line.object_id, line.more_object_ids),
        order_on=line.order_on if line.order_number else None,
        sales_order=_normal_reference(line.sales_order),
        despatch_advice=_normal_reference(line.despatch_advice),
        receiving_advice=_normal_reference(line.receiving_advice),
        delivery=None if line.delivery == LineDelivery() else line.delivery,
        seller=_normal_third_party(line.seller),
        vat_amount_accounting=line.vat_amount_accounting if own_accounting else None,
        amount_with_vat=None,
    )


def _normal_reference(reference: LineReference | None) -> LineReference | None:
    if reference is None or (reference.number is None and reference.line is None):
        return None
    return reference if reference.number else replace(reference, issued_on=None)


def _normal_totals(document: Document) -> Totals:
    totals, own = document.totals, _own_accounting(document)
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
