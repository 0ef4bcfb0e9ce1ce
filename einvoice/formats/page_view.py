"""What the readable page says: every term of the document in words, grouped as the template lays it out.

The view is plain JSON (text, lists, dicts): the template decides how it looks and never what it says. A readable
view must show all structured data (explanatory note of the Factur-X and EN 16931 files, page 6); the test
``test_page.py`` sets every term and looks for each in the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.document import TaxPoint
from einvoice.formats import page_words as words
from einvoice.formats.page_figures import group_account, is_iban, printable
from einvoice.formats.page_lines import describe_adjustment, describe_line
from einvoice.formats.page_parties import describe_parties, identity_line
from einvoice.formats.page_wording import Wording, join

if TYPE_CHECKING:
    from einvoice.document import Attachment, Document, PaymentInstructions
    from einvoice.formats.page_wording import Pair

TECHNICAL_NOTES = frozenset({"BAR", "TXD"})
"""Notes that instruct machines: they stand with the electronic data, not among the legal mentions."""
ABSENT = "\u2013"
"""A dash where a VAT row has no rate (category O)."""
GOODS = "B"
"""First letter of BT-23 where only goods are sold: the option for VAT *d'après les débits* is for services."""


def describe(document: Document, pay_url: str | None, language: str) -> dict[str, Any]:
    """The view of ``document`` in ``language`` (``fr`` or ``en``); ``pay_url`` is the link that the page offers."""
    say = Wording(language, document.currency)
    title = title_of(document, say)
    view: dict[str, Any] = _printable(
        {
            "language": language,
            "title": title,
            "number": document.number,
            "day": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
            "seller": document.seller.trading_name or document.seller.name,
            "summary": _summary(document, say),
            "parties": describe_parties(document, say),
            "references": _references(document, say),
            "lines": [describe_line(line, say) for line in document.lines],
            "adjustments": [describe_adjustment(entry, say) for entry in document.allowances_charges],
            "vat": _vat_rows(document, say),
            "totals": _totals(document, say),
            "due": [_due_label(document, say), say.amount(document.totals.payable)],
            "payment": _payment(document, pay_url, say),
            "mentions": _mentions(document, pay_url, say),
            "structured": _structured(document, say),
            "footer": [identity_line(document.seller, say), f"{title} {document.number}"],
            "words": {key: say.label(key) for key in words.LABELS},
        }
    )
    return view


def title_of(document: Document, say: Wording) -> str:
    """The page's title by BT-3: Facture, Avoir, Facture d'acompte, Facture rectificative ..."""
    fallback = words.TITLE_OF_CREDIT if document.is_credit_note else words.TITLE_OF_INVOICE
    return say.word(words.TITLES.get(document.type_code, fallback))


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
    entries = say.pairs(
        ("issued_on", say.day(document.issued_on)),
        ("due_on", say.day(document.due_on)),
        ("order", document.purchase_order),
    )
    return [*entries, [_due_label(document, say), say.amount(document.totals.payable)]]


def _references(document: Document, say: Wording) -> list[Pair]:
    delivery = document.delivery
    entries = say.pairs(
        ("delivered_on", say.day(delivery.delivered_on) if delivery else None),
        ("period", say.period(delivery.period_start, delivery.period_end) if delivery else None),
        ("contract", document.contract_reference),
        ("project", document.project_reference),
        ("buyer_reference", document.buyer_reference),
        ("sales_order", document.sales_order),
        ("despatch_advice", document.despatch_advice),
        ("receiving_advice", document.receiving_advice),
        ("tender", document.tender_reference),
        ("object", say.reference(document.object_id)),
        ("accounting_reference", document.accounting_reference),
    )
    preceding = [
        [say.label("preceding"), join([earlier.number, say.day(earlier.issued_on)])] for earlier in document.preceding
    ]
    return preceding + entries


def _vat_rows(document: Document, say: Wording) -> list[list[str]]:
    """Rate, category in words with its code, base and tax of each row of BG-23."""
    return [
        [
            say.percent(row.rate) or ABSENT,
            f"{words.meaning(words.VAT_CATEGORIES, row.category, say.language)} ({row.category})",
            say.number(row.taxable),
            say.number(row.tax),
        ]
        for row in document.vat
    ]


def _totals(document: Document, say: Wording) -> list[Pair]:
    """The way from the lines to the amount due; a sum equal to the next one is left out."""
    totals, accounting = document.totals, document.accounting_currency
    adjusted = totals.allowances or totals.charges or totals.lines != totals.without_vat
    rows = [[say.label("lines_total"), say.amount(totals.lines)]] if adjusted else []
    if totals.allowances:
        rows.append([say.label("allowances"), say.amount(-totals.allowances)])
    if totals.charges:
        rows.append([say.label("charges"), say.amount(totals.charges)])
    rows.append([say.label("without_vat"), say.amount(totals.without_vat)])
    if totals.vat is not None:
        rows.append([say.label("vat_total"), say.amount(totals.vat)])
    if totals.vat_accounting is not None and accounting:
        written = say.amount(totals.vat_accounting, accounting)
        rows.append([say.label("vat_accounting").format(currency=accounting), written])
    rows.append([say.label("with_vat"), say.amount(totals.with_vat)])
    if totals.prepaid:
        rows.append([say.label("prepaid"), say.amount(-totals.prepaid)])
    if totals.rounding:
        rows.append([say.label("rounding"), say.amount(totals.rounding)])
    return rows


def _payment(document: Document, pay_url: str | None, say: Wording) -> dict[str, Any]:
    """The panel: its heading, the button's words and the bank details."""
    payable = document.totals.payable > 0 and not document.is_credit_note
    button = say.label("pay").format(amount=say.amount(document.totals.payable)) if payable else say.label("consult")
    return {
        "heading": say.label("pay_heading" if payable else "payment_heading"),
        "url": pay_url or "",
        "button": button,
        "scan": say.label("pay_scan" if payable else "scan_view"),
        "details": _instructions(document.payment, say) if document.payment else [],
    }


def _instructions(payment: PaymentInstructions, say: Wording) -> list[Pair]:
    means = f"{words.meaning(words.PAYMENT_MEANS, payment.means_code, say.language)} ({payment.means_code})"
    details = say.pairs(("means", join([means, payment.means_text])))
    for account in payment.accounts:
        details += say.pairs(
            ("iban" if is_iban(account.number) else "holder_account", group_account(account.number)),
            ("bic", account.bic),
            ("bank_holder", account.holder),
        )
    return details + say.pairs(
        ("remittance", payment.remittance),
        ("card", payment.card_number),
        ("card_holder", payment.card_holder),
        ("mandate", payment.mandate_reference),
        ("creditor_id", payment.creditor_id),
        ("account_debited", group_account(payment.debited_account or "")),
    )


def _mentions(document: Document, pay_url: str | None, say: Wording) -> list[Pair]:
    """The legal mentions: title and text. A title may be empty."""
    mentions: list[Pair] = [["", sentence] for sentence in _compulsory(document, say)]
    for row in document.vat:
        reason = join([row.exemption_reason, f"({row.exemption_code})" if row.exemption_code else ""], " ")
        if reason:
            mentions.append([f"{say.label('exemption')} ({row.category})", reason])
    mentions += say.pairs(("terms", document.payment_terms))
    mentions += [
        [words.meaning(words.NOTES, note.subject, say.language) if note.subject else "", note.text]
        for note in document.notes
        if note.subject not in TECHNICAL_NOTES
    ]
    return mentions + [[say.label("attachment"), _attachment(entry, pay_url)] for entry in document.attachments]


def _compulsory(document: Document, say: Wording) -> list[str]:
    """Self-billing, category of operation and VAT option (CGI ann. II art. 242 nonies A) as one sentence."""
    operation = words.OPERATIONS.get((document.process or "")[:1])
    sentence = join(
        [
            say.word(words.SELF_BILLED) if document.type_code in words.SELF_BILLED_TYPES else "",
            say.titled(say.label("operation"), say.word(operation)) if operation else "",
            _tax_point(document, say),
        ]
    )
    return [sentence] if sentence else []


def _tax_point(document: Document, say: Wording) -> str:
    """When VAT falls due (BT-8); for services by invoice date that is the option, in the words of the decree."""
    point = document.tax_point
    if point is None:
        return ""
    if point is TaxPoint.INVOICE and not (document.process or "").startswith(GOODS):
        return say.word(words.VAT_ON_DEBITS)
    return say.named("tax_point", say.word(words.TAX_POINTS[point.value]))


def _attachment(entry: Attachment, pay_url: str | None) -> str:
    """A supporting document (BG-24); the pay link is not printed a second time."""
    url = entry.url if entry.url != pay_url else ""
    file = join([entry.filename, f"({entry.mime})" if entry.mime else ""], " ")
    return join([entry.reference, entry.description, file, url])


def _structured(document: Document, say: Wording) -> list[Pair]:
    """The terms that serve machines more than readers; shown all the same, small and last."""
    entries = say.pairs(
        ("type", f"{title_of(document, say)} ({document.type_code})"),
        ("frame", document.process),
        ("profile", document.profile),
        ("currency", document.currency),
        ("currency_accounting", document.accounting_currency),
        ("tax_point_date", say.day(document.tax_point_date)),
        ("endpoint_seller", say.reference(document.seller.endpoint)),
        ("endpoint_buyer", say.reference(document.buyer.endpoint)),
    )
    return entries + [
        [words.meaning(words.NOTES, note.subject or "", say.language), note.text]
        for note in document.notes
        if note.subject in TECHNICAL_NOTES
    ]
