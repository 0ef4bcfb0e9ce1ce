"""What the readable page says: every term of the document in words, grouped as the template lays it out.

The view is plain JSON (text, lists, dicts): the template decides how it looks and never what it says. A readable
view must show all structured data (explanatory note of the Factur-X and EN 16931 files, page 6); the tests set every
term and look for each in the page.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from einvoice.formats import page_meanings as meanings
from einvoice.formats import page_words as words
from einvoice.formats.page_attachments import describe_attachments
from einvoice.formats.page_figures import printable
from einvoice.formats.page_line_references import describe_terms
from einvoice.formats.page_lines import describe_adjustment, describe_lines, may_stay_with_totals
from einvoice.formats.page_mentions import describe_mentions, describe_structured
from einvoice.formats.page_parties import describe_parties, identity_line
from einvoice.formats.page_payment import describe_payment
from einvoice.formats.page_wording import Wording, join

if TYPE_CHECKING:
    from einvoice.document import Document, Party, PrecedingInvoice
    from einvoice.formats.page_wording import Pair

ABSENT = "\u2013"
"""A dash where a VAT row has no rate (category O)."""
RATE_STEP = Decimal("0.0001")
"""Decimals of an exchange rate that follows from the two amounts of VAT: these have no more."""
STRIP_PLACES = 4
PUBLIC_SIRENS = ("1", "2")
"""First digits of the SIREN of the State and of other public bodies, whose orders and services have other names."""


def describe(document: Document, pay_url: str | None, language: str) -> dict[str, Any]:
    """The view of ``document`` in ``language`` (``fr`` or ``en``); ``pay_url`` is the link that the page offers.

    Raises:
        AttachmentError: see ``page_attachments.embed``.
    """
    say = Wording(language, document.currency)
    title = title_of(document, say)
    lines = describe_lines(document.lines, say)
    summary, references = _share(_summary(document, say), _references(document, say))
    view: dict[str, Any] = _printable(
        {
            "language": language,
            "title": title,
            "number": document.number,
            "day": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
            "seller": document.seller.trading_name or document.seller.name,
            "currency": document.currency,
            "summary": summary,
            "parties": describe_parties(document, say),
            "references": references,
            "lines": lines,
            "kept": bool(document.allowances_charges) or (bool(lines) and may_stay_with_totals(lines[-1])),
            "adjustments": [describe_adjustment(entry, say) for entry in document.allowances_charges],
            "vat": _vat_rows(document, say),
            "totals": _totals(document, say),
            "due": [_due_label(document, say), say.amount(document.totals.payable)],
            "payment": describe_payment(document, pay_url, say),
            "mentions": describe_mentions(document, say),
            "attachments": describe_attachments(document.attachments, pay_url, say),
            "structured": describe_structured(document, title, say),
            "footer": [identity_line(document.seller, say), f"{title} {document.number}"],
            "words": {key: say.label(key) for key in words.LABELS},
        }
    )
    return view


def title_of(document: Document, say: Wording) -> str:
    """The page's title by BT-3: Facture, Avoir, Facture d'acompte, Facture rectificative ..."""
    fallback = meanings.TITLE_OF_CREDIT if document.is_credit_note else meanings.TITLE_OF_INVOICE
    return say.word(meanings.TITLES.get(document.type_code, fallback))


def _printable(value: Any) -> Any:
    """Every text below ``value`` made printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(below) for key, below in value.items()}
    return [_printable(below) for below in value] if isinstance(value, list) else value


def _due_label(document: Document, say: Wording) -> str:
    if document.is_credit_note:
        return say.label("credited")
    if document.totals.payable < 0:
        return say.label("settle_in_favour")
    return say.label("due" if document.totals.payable else "settled")


def _summary(document: Document, say: Wording) -> list[Pair]:
    """The strip that every reader looks for first: dates, order number, amount."""
    order = "order_public" if _is_public(document.buyer) else "order"
    entries = say.pairs(
        ("issued_on", say.day(document.issued_on)),
        ("due_on", say.day(document.due_on)),
        (order, say.dated(document.purchase_order, document.purchase_order_on)),
    )
    return [*entries, [_due_label(document, say), say.amount(document.totals.payable)]]


def _share(summary: list[Pair], references: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Both lists, with the first references in the free places of the strip, which ends with the amount due."""
    free = STRIP_PLACES - len(summary)
    return [*summary[:-1], *references[:free], summary[-1]], references[free:]


def _references(document: Document, say: Wording) -> list[Pair]:
    delivery = document.delivery
    contract = say.dated(document.contract_reference, document.contract_on)
    supply = say.pairs(
        ("delivered_on", say.day(delivery.delivered_on) if delivery else None),
        ("period", say.period(delivery.period_start, delivery.period_end) if delivery else None),
    )
    entries = say.pairs(
        ("contract", join([contract, f"({document.contract_type})" if document.contract_type else ""], " ")),
        ("project", document.project_reference),
        ("buyer_reference_public" if _is_public(document.buyer) else "buyer_reference", document.buyer_reference),
        ("sales_order", document.sales_order),
        ("despatch_advice", say.dated(document.despatch_advice, document.despatch_advice_on)),
        ("receiving_advice", document.receiving_advice),
        ("tender", document.tender_reference),
        *(("object", say.reference(each)) for each in (document.object_id, *document.more_object_ids)),
        ("accounting_reference", document.accounting_reference),
        ("incoterm", describe_terms(document.delivery_terms)),
    )
    deducted = _deducts_deposits(document)
    earlier = [_preceding(each, "deposit" if deducted else "preceding", say) for each in document.preceding]
    return (supply + earlier if deducted else earlier + supply) + entries


def _deducts_deposits(document: Document) -> bool:
    """Whether this is a final invoice after deposits, which are then its preceding invoices."""
    return (document.process or "")[1:] == meanings.DEPOSIT_FIGURE


def _preceding(earlier: PrecedingInvoice, key: str, say: Wording) -> Pair:
    number = say.dated(earlier.number, earlier.issued_on)
    return [
        say.label(key),
        join([number, say.coded(meanings.TITLES, earlier.type_code), say.named("line", earlier.line)], ", "),
    ]


def _is_public(buyer: Party) -> bool:
    return buyer.siren is not None and buyer.siren.startswith(PUBLIC_SIRENS)


def _vat_rows(document: Document, say: Wording) -> list[list[str]]:
    """Rate, category in words with its code, base and tax of each row of BG-23."""
    return [
        [
            say.percent(row.rate) or ABSENT,
            f"{words.meaning(meanings.VAT_CATEGORIES, row.category, say.language)} ({row.category})",
            say.number(row.taxable),
            say.number(row.tax),
        ]
        for row in document.vat
    ]


def _totals(document: Document, say: Wording) -> list[Pair]:
    """The way from the lines to the amount due; a sum equal to the next one is left out."""
    totals = document.totals
    adjusted = totals.allowances or totals.charges or totals.lines != totals.without_vat
    rows = [[say.label("lines_total"), say.amount(totals.lines)]] if adjusted else []
    if totals.allowances:
        rows.append([say.label("allowances"), say.amount(-totals.allowances)])
    if totals.charges:
        rows.append([say.label("charges"), say.amount(totals.charges)])
    rows.append([say.label("without_vat"), say.amount(totals.without_vat)])
    if totals.vat is not None:
        rows.append([say.label("vat_total"), say.amount(totals.vat)])
    rows += _vat_accounting(document, say)
    rows.append([say.label("with_vat"), say.amount(totals.with_vat)])
    if totals.prepaid:
        rows.append([say.label("deposits" if _deducts_deposits(document) else "prepaid"), say.amount(-totals.prepaid)])
    if totals.rounding:
        rows.append([say.label("rounding"), say.amount(totals.rounding)])
    return rows


def _vat_accounting(document: Document, say: Wording) -> list[Pair]:
    """VAT in the accounting currency (BT-111) and the rate: as stated (BT-167), else as the two amounts imply."""
    totals, currency, exchange = document.totals, document.accounting_currency, document.exchange
    rows = []
    if totals.vat_accounting is not None:
        label = say.label("vat_accounting").format(currency=currency or "")
        rows.append([label, say.amount(totals.vat_accounting, currency or document.currency)])
    if exchange is not None:
        rate = f"1 {exchange.source} = {say.quantity(exchange.rate)} {exchange.target}"
        rows.append([say.label("exchange"), join([rate, say.day(exchange.on)])])
    elif totals.vat and totals.vat_accounting is not None and currency:
        implied = (totals.vat_accounting / totals.vat).quantize(RATE_STEP)
        rows.append([say.label("applied_rate"), f"1 {document.currency} ≈ {say.quantity(implied)} {currency}"])
    return rows
