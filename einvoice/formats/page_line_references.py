"""What one line refers to: orders, deliveries, an earlier invoice, its own place of delivery and its own seller.

BT-132 apart, these are terms of the French extension (EXT-FR-FE-135 to -158, -164 to -177, -193 to -201).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.formats.page_meanings import TITLES
from einvoice.formats.page_parties import describe_place, describe_seller_of_line
from einvoice.formats.page_wording import join

if TYPE_CHECKING:
    from datetime import date

    from einvoice.document import DeliveryTerms, Line, LineReference
    from einvoice.formats.page_wording import Wording


def describe(line: Line, say: Wording) -> list[str]:
    """References, delivery and seller of ``line``, each on a row of its own; empty where absent."""
    return [_references(line, say), _delivery(line, say), _seller(line, say)]


def describe_terms(terms: DeliveryTerms | None) -> str:
    """Incoterms: code and place, e.g. ``DAP Lyon``."""
    return join([terms.code, terms.place], " ") if terms else ""


def _references(line: Line, say: Wording) -> str:
    order = _reference("line_order", line.order_number, line.order_line, line.order_on, say)
    earlier = line.preceding
    preceding = (
        join(
            [
                _reference("line_preceding", earlier.number, earlier.line, earlier.issued_on, say),
                say.coded(TITLES, earlier.type_code),
            ],
            ", ",
        )
        if earlier
        else ""
    )
    return join(
        [
            order,
            _document("line_sales_order", line.sales_order, say),
            _document("line_despatch", line.despatch_advice, say),
            _document("line_receiving", line.receiving_advice, say),
            preceding,
        ]
    )


def _document(key: str, reference: LineReference | None, say: Wording) -> str:
    if reference is None:
        return ""
    return _reference(key, reference.number, reference.line, reference.issued_on, say)


def _reference(key: str, number: str | None, line: str | None, day: date | None, say: Wording) -> str:
    """``commande BC-88213 du 02/10/2026, ligne 3``; without a number ``commande, ligne 3``."""
    if not (number or line or day):
        return ""
    return join([join([say.label(key), say.dated(number, day)], "\u00a0"), say.named("line", line)], ", ")


def _delivery(line: Line, say: Wording) -> str:
    delivery = line.delivery
    terms = say.named("incoterm", describe_terms(line.delivery_terms))
    if delivery is None:
        return terms
    day = say.day(delivery.delivered_on)
    return join(
        [
            say.named("delivered_to", describe_place(delivery.name, delivery.address, say)),
            say.identifier(delivery.location),
            say.titled(say.label("delivered_on"), day) if day else "",
            terms,
        ]
    )


def _seller(line: Line, say: Wording) -> str:
    return say.named("line_seller", describe_seller_of_line(line.seller, say)) if line.seller else ""
