"""What the readable page says: every term of the document in words, grouped as the template lays it out.

The view is plain JSON (text, lists, dicts): the template decides how it looks and never what it says. The standard
asks that the readable view shows all structured data (XP Z12-012, note on readable files); the test
``test_page.py`` sets every term and looks for each in the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.document import TaxPoint
from einvoice.formats import page_words as words
from einvoice.formats.page_figures import (
    group_account,
    group_registration,
    is_iban,
    printable,
    write_amount,
    write_country,
    write_day,
    write_number,
    write_percent,
    write_quantity,
)
from einvoice.formats.page_words import choose, label, meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from einvoice.document import (
        Address,
        AllowanceCharge,
        Attachment,
        Delivery,
        Document,
        Identifier,
        Line,
        Party,
        PaymentInstructions,
    )

Pair = list[str]
"""A label and its value."""

TECHNICAL_NOTES = frozenset({"BAR", "TXD"})
"""Notes that instruct machines: they stand with the electronic data, not among the legal mentions."""
MINUS = "\u2212"


def title_of(document: Document, language: str) -> str:
    """The page's title by BT-3: Facture, Avoir, Facture d'acompte, Facture rectificative ..."""
    fallback = words.TITLE_OF_CREDIT if document.is_credit_note else words.TITLE_OF_INVOICE
    return choose(words.TITLES.get(document.type_code, fallback), language)


def describe(document: Document, pay_url: str | None, language: str) -> dict[str, Any]:
    """The view of ``document`` in ``language`` (``fr`` or ``en``); ``pay_url`` is the link that the page offers."""
    page = _Describer(document, pay_url, language)
    view: dict[str, Any] = _printable(page.view())
    return view


def _printable(value: Any) -> Any:
    """Every text below ``value`` made printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(below) for key, below in value.items()}
    return [_printable(below) for below in value] if isinstance(value, list) else value


def _join(parts: Iterable[str | None], separator: str = " · ") -> str:
    return separator.join(part for part in parts if part)


class _Describer:
    """One document being put into words of one language."""

    def __init__(self, document: Document, pay_url: str | None, language: str) -> None:
        self.document = document
        self.pay_url = pay_url
        self.language = language

    def view(self) -> dict[str, Any]:
        document = self.document
        title = title_of(document, self.language)
        return {
            "language": self.language,
            "title": title,
            "number": document.number,
            "day": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
            "seller": document.seller.trading_name or document.seller.name,
            "summary": self.summary(),
            "parties": self.parties(),
            "references": self.references(),
            "lines": [self.line(line) for line in document.lines],
            "adjustments": [self.adjustment(entry) for entry in document.allowances_charges],
            "vat": self.vat_rows(),
            "totals": self.totals(),
            "due": [self.due_label(), self.amount(document.totals.payable)],
            "payment": self.payment(),
            "mentions": self.mentions(),
            "structured": self.structured(),
            "footer": [self.footer_identity(), f"{title} {document.number}"],
            "words": {key: label(key, self.language) for key in words.LABELS},
        }

    # -- figures ------------------------------------------------------------------------------------------------

    def label(self, key: str) -> str:
        return label(key, self.language)

    def amount(self, value: Decimal) -> str:
        return write_amount(value, self.document.currency, self.language).replace("-", MINUS)

    def number(self, value: Decimal) -> str:
        return write_number(value, self.document.currency, self.language).replace("-", MINUS)

    def quantity(self, value: Decimal) -> str:
        return write_quantity(value, self.language).replace("-", MINUS)

    def percent(self, value: Decimal) -> str:
        return write_percent(value, self.language).replace("-", MINUS)

    def day(self, value: date) -> str:
        return write_day(value, self.language)

    def period(self, start: date | None, end: date | None) -> str:
        return _join([self.day(start) if start else "…", self.day(end) if end else "…"], " – ") if start or end else ""

    def named(self, key: str, value: str | None) -> str:
        """``label value`` inside a sentence, nothing where the value is absent."""
        return f"{self.label(key)} {value}" if value else ""

    def pairs(self, *entries: tuple[str, str | None]) -> list[Pair]:
        """Labels and values of the terms that are set."""
        return [[self.label(key), value] for key, value in entries if value]

    def identifier(self, identifier: Identifier | None) -> str:
        """An identifier with its scheme in words: ``SIRET 552 100 554 00013``."""
        if identifier is None:
            return ""
        value = group_registration(identifier.value)
        if identifier.scheme is None:
            return f"{choose(words.IDENTIFIER, self.language)} {value}"
        if identifier.scheme in words.SCHEMES:
            return f"{meaning(words.SCHEMES, identifier.scheme, self.language)} {value}"
        return f"{choose(words.IDENTIFIER, self.language)} {value} ({identifier.scheme})"

    # -- head ---------------------------------------------------------------------------------------------------

    def due_label(self) -> str:
        document = self.document
        if document.is_credit_note:
            return self.label("credited")
        if document.totals.payable < 0:
            return self.label("settle_in_favour")
        return self.label("due" if document.totals.payable else "settled")

    def summary(self) -> list[Pair]:
        document = self.document
        entries = self.pairs(
            ("issued_on", self.day(document.issued_on)),
            ("due_on", self.day(document.due_on) if document.due_on else None),
            ("order", document.purchase_order),
        )
        return [*entries, [self.due_label(), self.amount(document.totals.payable)]]

    def references(self) -> list[Pair]:
        document, delivery = self.document, self.document.delivery
        entries = self.pairs(
            ("operation", self.operation()),
            ("delivered_on", self.day(delivery.delivered_on) if delivery and delivery.delivered_on else None),
            ("period", self.period(delivery.period_start, delivery.period_end) if delivery else None),
            ("contract", document.contract_reference),
            ("project", document.project_reference),
            ("buyer_reference", document.buyer_reference),
            ("sales_order", document.sales_order),
            ("despatch_advice", document.despatch_advice),
            ("receiving_advice", document.receiving_advice),
            ("tender", document.tender_reference),
            ("object", self.reference(document.object_id)),
            ("accounting_reference", document.accounting_reference),
        )
        preceding = [
            [self.label("preceding"), _join([earlier.number, self.day(earlier.issued_on) if earlier.issued_on else ""])]
            for earlier in document.preceding
        ]
        return preceding + entries

    def reference(self, identifier: Identifier | None) -> str | None:
        """An identifier under a label of its own: its value, with the scheme in brackets where it has one."""
        if identifier is None:
            return None
        return f"{identifier.value} ({identifier.scheme})" if identifier.scheme else identifier.value

    def operation(self) -> str | None:
        """The compulsory category of operation (décret 2022-1299), from the first letter of BT-23."""
        letter = (self.document.process or "")[:1]
        return choose(words.OPERATIONS[letter], self.language) if letter in words.OPERATIONS else None

    # -- parties ------------------------------------------------------------------------------------------------

    def parties(self) -> list[dict[str, Any]]:
        document = self.document
        blocks = [self.party("seller", document.seller), self.party("buyer", document.buyer)]
        if document.delivery:
            blocks += self.delivery(document.delivery)
        if payee := document.payee:
            ids = [self.identifier(payee.legal_id), self.identifier(payee.identifier)]
            blocks.append(self.block("payee", payee.name, [], ids))
        if agent := document.tax_representative:
            ids = [self.named("vat_id", agent.vat_id)]
            blocks.append(self.block("representative", agent.name, self.address(agent.address), ids))
        return blocks

    def block(self, key: str, name: str | None, lines: Sequence[str], small: Sequence[str]) -> dict[str, Any]:
        return {
            "label": self.label(key),
            "name": name or "",
            "lines": [line for line in lines if line],
            "small": [line for line in small if line],
        }

    def party(self, key: str, party: Party) -> dict[str, Any]:
        contact = party.contact
        trading = f"{self.label('trading_name')} : {party.trading_name}" if party.trading_name else ""
        if self.language == "en":
            trading = trading.replace(" : ", ": ")
        return self.block(
            key,
            party.name,
            [trading if party.trading_name != party.name else "", *self.address(party.address)],
            [
                self.identifier(party.legal_id),
                self.named("vat_id", party.vat_id),
                self.named("tax_id", party.tax_id),
                *(self.identifier(identifier) for identifier in party.identifiers),
                party.legal_form or "",
                *([contact.name or "", contact.phone or "", contact.email or ""] if contact else []),
            ],
        )

    def delivery(self, delivery: Delivery) -> list[dict[str, Any]]:
        if not (delivery.name or delivery.address or delivery.location):
            return []
        lines = self.address(delivery.address) if delivery.address else []
        return [self.block("delivery", delivery.name, lines, [self.identifier(delivery.location)])]

    def address(self, address: Address) -> list[str]:
        town = _join([address.postcode, address.city], " ")
        country = write_country(address.country, self.language)
        lines = [address.line1, address.line2, address.line3, town, address.subdivision, country]
        return [line for line in lines if line]

    # -- lines --------------------------------------------------------------------------------------------------

    def line(self, line: Line) -> dict[str, Any]:
        facts = _join(
            [
                self.named("seller_item", line.seller_item_id),
                self.named("buyer_item", line.buyer_item_id),
                self.identifier(line.standard_item_id),
                self.named("order_line", line.order_line),
                self.named("period", self.period(line.period_start, line.period_end)),
                self.named("origin", write_country(line.origin_country, self.language) if line.origin_country else ""),
                *(
                    self.named("class", _join([item.code, f"({_join([item.scheme, item.version], ' ')})"], " "))
                    for item in line.classifications
                ),
                self.named("line_object", self.reference(line.object_id)),
                self.named("accounting_reference", line.accounting_reference),
            ]
        )
        attributes = _join(f"{attribute.name} : {attribute.value}" for attribute in line.attributes)
        adjustments = [self.adjustment_words(entry) for entry in line.allowances_charges]
        details = [line.description, attributes, facts, self.list_price(line), *adjustments, line.note]
        return {
            "id": line.line_id,
            "name": line.name,
            "details": [detail for detail in details if detail],
            "quantity": self.quantity(line.quantity),
            "unit": words.unit_word(line.unit, line.quantity, self.language),
            "price": self.price(line),
            "vat": self.vat_mark(line.vat_category, line.vat_rate),
            "amount": self.number(line.net_amount),
        }

    def price(self, line: Line) -> str:
        price = self.number(line.net_price)
        if line.price_base_quantity is None or line.price_base_quantity == 1:
            return price
        return f"{price} {self.label('per')} {self.quantity(line.price_base_quantity)}"

    def list_price(self, line: Line) -> str:
        """Gross price and its discount (BT-148, BT-147), from which the net price comes."""
        gross = self.named("gross_price", self.number(line.gross_price) if line.gross_price is not None else None)
        discount = self.named(
            "price_discount", self.number(line.price_discount) if line.price_discount is not None else None
        )
        return _join([gross, discount], ", ")

    def vat_mark(self, category: str | None, rate: Decimal | None) -> str:
        """The rate, and the category's code unless it is S, the ordinary one."""
        return _join([self.percent(rate) if rate is not None else "", category if category != "S" else ""], " ")

    def adjustment_words(self, entry: AllowanceCharge) -> str:
        """An allowance or charge of a line in one sentence."""
        colon = "\u00a0: " if self.language == "fr" else ": "
        return self.adjustment_reason(entry) + colon + self.number(entry.amount if entry.is_charge else -entry.amount)

    def adjustment_reason(self, entry: AllowanceCharge) -> str:
        kind = self.label("charge" if entry.is_charge else "allowance")
        code = f"({entry.reason_code})" if entry.reason_code else ""
        share = self.percent(entry.percent) if entry.percent is not None else ""
        base = f"{self.label('of_base')} {self.number(entry.base_amount)}" if entry.base_amount is not None else ""
        return _join([_join([kind, code], " "), entry.reason, _join([share, base], " ")])

    def adjustment(self, entry: AllowanceCharge) -> dict[str, str]:
        """An allowance or charge of the document as a row below the lines."""
        return {
            "reason": self.adjustment_reason(entry),
            "vat": self.vat_mark(entry.vat_category, entry.vat_rate),
            "amount": self.number(entry.amount if entry.is_charge else -entry.amount),
        }

    # -- totals -------------------------------------------------------------------------------------------------

    def vat_rows(self) -> list[list[str]]:
        """Rate, category in words with its code, base and tax of each row of BG-23."""
        return [
            [
                self.percent(row.rate) if row.rate is not None else "–",
                f"{meaning(words.VAT_CATEGORIES, row.category, self.language)} ({row.category})",
                self.number(row.taxable),
                self.number(row.tax),
            ]
            for row in self.document.vat
        ]

    def totals(self) -> list[Pair]:
        totals, accounting = self.document.totals, self.document.accounting_currency
        plain = totals.lines == totals.without_vat and not totals.allowances and not totals.charges
        rows = [] if plain else [[self.label("lines_total"), self.amount(totals.lines)]]
        if totals.allowances:
            rows.append([self.label("allowances"), self.amount(-totals.allowances)])
        if totals.charges:
            rows.append([self.label("charges"), self.amount(totals.charges)])
        rows.append([self.label("without_vat"), self.amount(totals.without_vat)])
        if totals.vat is not None:
            rows.append([self.label("vat_total"), self.amount(totals.vat)])
        if totals.vat_accounting is not None and accounting:
            written = write_amount(totals.vat_accounting, accounting, self.language).replace("-", MINUS)
            rows.append([self.label("vat_accounting").format(currency=accounting), written])
        rows.append([self.label("with_vat"), self.amount(totals.with_vat)])
        if totals.prepaid:
            rows.append([self.label("prepaid"), self.amount(-totals.prepaid)])
        if totals.rounding:
            rows.append([self.label("rounding"), self.amount(totals.rounding)])
        return rows

    # -- payment ------------------------------------------------------------------------------------------------

    def payment(self) -> dict[str, Any]:
        """The panel: its heading, the button's words and the bank details."""
        payable = self.document.totals.payable > 0 and not self.document.is_credit_note
        button = self.label("pay").format(amount=self.amount(self.document.totals.payable))
        instructions = self.document.payment
        return {
            "heading": self.label("pay_heading" if payable else "payment_heading"),
            "url": self.pay_url or "",
            "button": button if payable else self.label("consult"),
            "scan": self.label("pay_scan" if payable else "scan_view"),
            "details": self.instructions(instructions) if instructions else [],
        }

    def instructions(self, payment: PaymentInstructions) -> list[Pair]:
        means = f"{meaning(words.PAYMENT_MEANS, payment.means_code, self.language)} ({payment.means_code})"
        details = self.pairs(("means", _join([means, payment.means_text])))
        for account in payment.accounts:
            details += self.pairs(
                ("iban" if is_iban(account.number) else "holder_account", group_account(account.number)),
                ("bic", account.bic),
                ("bank_holder", account.holder),
            )
        debited = group_account(payment.debited_account) if payment.debited_account else None
        return details + self.pairs(
            ("remittance", payment.remittance),
            ("card", payment.card_number),
            ("card_holder", payment.card_holder),
            ("mandate", payment.mandate_reference),
            ("creditor_id", payment.creditor_id),
            ("account_debited", debited),
        )

    # -- mentions -----------------------------------------------------------------------------------------------

    def mentions(self) -> list[Pair]:
        """The legal mentions: title and text. A title may be empty."""
        document = self.document
        mentions: list[Pair] = []
        if document.type_code in words.SELF_BILLED_TYPES:
            mentions.append(["", choose(words.SELF_BILLED, self.language)])
        mentions += self.tax_point()
        for row in document.vat:
            reason = _join([row.exemption_reason, f"({row.exemption_code})" if row.exemption_code else ""], " ")
            if reason:
                mentions.append([f"{self.label('exemption')} ({row.category})", reason])
        mentions += self.pairs(("terms", document.payment_terms))
        mentions += [
            [meaning(words.NOTES, note.subject, self.language) if note.subject else "", note.text]
            for note in document.notes
            if note.subject not in TECHNICAL_NOTES
        ]
        return mentions + [[self.label("attachment"), self.attachment(entry)] for entry in document.attachments]

    def tax_point(self) -> list[Pair]:
        """When VAT falls due; for services invoiced *d'après les débits* the compulsory mention of the option."""
        point = self.document.tax_point
        if point is None:
            return []
        if point is TaxPoint.INVOICE and not (self.document.process or "").startswith("B"):
            return [["", choose(words.TAX_POINTS["debits"], self.language)]]
        return [[self.label("tax_point"), choose(words.TAX_POINTS[point.value], self.language)]]

    def attachment(self, entry: Attachment) -> str:
        url = entry.url if entry.url != self.pay_url else ""
        file = _join([entry.filename, f"({entry.mime})" if entry.mime else ""], " ")
        return _join([entry.reference, entry.description, file, url])

    def structured(self) -> list[Pair]:
        """The terms that serve machines more than readers; shown all the same, small and last."""
        document = self.document
        kind = _join([choose(words.SELF_BILLED, self.language)] if document.type_code in words.SELF_BILLED_TYPES else [])
        entries = self.pairs(
            ("type", _join([title_of(document, self.language), kind], ", ") + f" ({document.type_code})"),
            ("frame", document.process),
            ("profile", document.profile),
            ("currency", document.currency),
            ("currency_accounting", document.accounting_currency),
            ("tax_point_date", self.day(document.tax_point_date) if document.tax_point_date else None),
        )
        for key, party in (("seller", document.seller), ("buyer", document.buyer)):
            if party.endpoint:
                name = f"{self.label('endpoint')} ({self.label(key).lower()})"
                entries.append([name, self.reference(party.endpoint) or ""])
        return entries + [
            [meaning(words.NOTES, note.subject or "", self.language), note.text]
            for note in document.notes
            if note.subject in TECHNICAL_NOTES
        ]

    def footer_identity(self) -> str:
        seller = self.document.seller
        return _join([seller.name, self.identifier(seller.legal_id), self.named("vat_id", seller.vat_id)])
