"""The small print of the page: legal mentions, and the terms that serve machines more than readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import TaxPoint
from einvoice.formats import page_meanings as meanings
from einvoice.formats.page_wording import join
from einvoice.formats.page_words import meaning

if TYPE_CHECKING:
    from einvoice.document import Document, Note
    from einvoice.formats.page_wording import Pair, Wording

TECHNICAL_NOTES = {"BAR": meanings.PROCESSINGS, "TXD": meanings.REGIMES}
"""Notes that instruct machines, with the words of their values: they stand with the electronic data."""
GOODS = "B"
"""First letter of BT-23 where only goods are sold: the option for VAT *d'après les débits* is for services."""


def describe_mentions(document: Document, say: Wording) -> list[Pair]:
    """The legal mentions: title and text. A title may be empty."""
    mentions = _compulsory(document, say)
    for row in document.vat:
        reason = join([row.exemption_reason, f"({row.exemption_code})" if row.exemption_code else ""], " ")
        if reason:
            mentions.append([f"{say.label('exemption')} ({row.category})", reason])
    mentions += say.pairs(("terms", document.payment_terms))
    return mentions + [
        [meaning(meanings.NOTES, note.subject, say.language) if note.subject else "", note.text]
        for note in document.notes
        if note.subject not in TECHNICAL_NOTES
    ]


def describe_structured(document: Document, title: str, say: Wording) -> list[Pair]:
    """What the electronic invoice says for machines; shown all the same, small and last."""
    entries = say.pairs(
        ("type", f"{title} ({document.type_code})"),
        ("frame", _frame(document.process, say)),
        ("profile", document.profile),
        ("currency", document.currency),
        ("currency_accounting", document.accounting_currency),
        ("tax_point_date", say.day(document.tax_point_date)),
        ("endpoint_seller", say.reference(document.seller.endpoint)),
        ("endpoint_buyer", say.reference(document.buyer.endpoint)),
    )
    return entries + [_technical(note, say) for note in document.notes if note.subject in TECHNICAL_NOTES]


def _compulsory(document: Document, say: Wording) -> list[Pair]:
    """Self-billing, category of operation and VAT option (CGI ann. II art. 242 nonies A)."""
    operation = meanings.OPERATIONS.get((document.process or "")[:1])
    mentions = [["", say.word(meanings.SELF_BILLED)]] if document.type_code in meanings.SELF_BILLED_TYPES else []
    if operation:
        mentions.append([say.label("operation"), say.word(operation)])
    return mentions + _tax_point(document, say)


def _tax_point(document: Document, say: Wording) -> list[Pair]:
    """When VAT falls due (BT-8); for services by invoice date that is the option, in the words of the decree."""
    point = document.tax_point
    if point is None:
        return []
    if point is TaxPoint.INVOICE and not (document.process or "").startswith(GOODS):
        return [[say.label("tax_point"), say.word(meanings.VAT_ON_DEBITS)]]
    return [[say.label("tax_point"), say.word(meanings.TAX_POINTS[point.value])]]


def _frame(process: str | None, say: Wording) -> str:
    """BT-23 with what its figure says: ``S4 (facture définitive après acompte)``."""
    if not process:
        return ""
    standing = meanings.STANDINGS.get(process[1:])
    return f"{process} ({say.word(standing)})" if standing else process


def _technical(note: Note, say: Wording) -> Pair:
    values = TECHNICAL_NOTES[note.subject or ""]
    return [meaning(meanings.NOTES, note.subject or "", say.language), say.coded(values, note.text)]
