"""Flux 10 as XML: written as annexe 6 v1.10 orders it, checked by the published XSD and rules elsewhere.

Our own writer: the one of ``pyfrctc`` knows no invoice lines (owed from 2027-09-01 on), demands a VAT number of every
seller, and drops the rate of an allowance at 0 %. A test compares both, byte by byte, where both can.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from lxml import etree

from config.clock import PARIS
from einvoice.reporting.file_invoices import add_invoice
from einvoice.reporting.file_parts import add, amount, euros, figure
from einvoice.reporting.lines import Block, told
from einvoice.reporting.periods import ReportKind
from einvoice.reporting.sales import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from einvoice.document import Document
    from einvoice.reporting.facts import Facts
    from einvoice.reporting.lines import ReportLine
    from einvoice.reporting.periods import Period

PLATFORM_SCHEME, SIREN_SCHEME = "0238", "0002"
ON_DEBITS = "5"
"""UNTDID 2475: VAT falls due on the day of the invoice (*option débits*, TT-24, TT-80)."""


@dataclass(frozen=True, slots=True)
class Head:
    """TB-1: who declares (TG-5), through whom (TG-3, the platform with its number of 4 characters), and what it is."""

    number: str
    made_at: datetime
    type_code: str
    platform_number: str
    platform_name: str
    siren: str
    name: str


def write_report(
    head: Head, period: Period, facts: Facts, documents: Mapping[UUID, Document], *, with_lines: bool
) -> bytes:
    """The file of a period. ``documents`` are those of the invoices of 10.1; lines that are untold stay out of it."""
    root = etree.Element("Report")
    _add_head(root, head)
    lines = told(facts.lines)
    payments = period.kind is ReportKind.PAYMENTS
    body = add(root, "PaymentsReport" if payments else "TransactionsReport")
    spans = add(body, "ReportPeriod")
    add(spans, "StartDate", period.starts_on)
    add(spans, "EndDate", period.ends_on)
    if payments:
        _add_foreign_receipts(body, lines, facts)
        _add_consumer_receipts(body, lines)
    else:
        foreign = [each for each in lines if each.block is Block.FOREIGN_SALE]  # in order: an invoice's stand together
        for invoice_id, mine in groupby(foreign, lambda each: each.invoice_id):
            document = documents[invoice_id]
            sense = -1 if document.is_credit_note else 1  # a credit note states its amounts above zero
            tax_eur_minor = sense * sum(each.tax_eur_minor or 0 for each in mine)
            add_invoice(body, document, tax_eur_minor, with_lines=with_lines)
        _add_consumer_sales(body, lines, facts)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return written


def _add_head(root: etree._Element, head: Head) -> None:
    document = add(root, "ReportDocument")
    add(document, "Id", head.number)
    add(add(document, "IssueDateTime"), "DateTimeString", f"{head.made_at.astimezone(PARIS):%Y%m%d%H%M%S}")
    add(document, "TypeCode", head.type_code)
    sender = add(document, "Sender")
    add(sender, "Id", head.platform_number, schemeId=PLATFORM_SCHEME)
    add(sender, "Name", head.platform_name)
    add(sender, "RoleCode", "WK")
    issuer = add(document, "Issuer")
    add(issuer, "Id", head.siren, schemeId=SIREN_SCHEME)
    add(issuer, "Name", head.name)
    add(issuer, "RoleCode", "SE")


def _add_consumer_sales(body: etree._Element, lines: Sequence[ReportLine], facts: Facts) -> None:
    """10.3: one block per day, currency and category, with one part per rate."""
    mine = sorted(
        (each for each in lines if each.block is Block.CONSUMER_SALES),
        key=lambda each: (each.happened_on, each.currency, each.category or "", each.rate),
    )
    for (day, currency, category), grouped in groupby(mine, lambda e: (e.happened_on, e.currency, e.category or "")):
        group = list(grouped)
        block = add(body, "Transactions")
        add(block, "Date", day)
        add(block, "TransactionsCurrency", currency)
        if category == SERVICES and all(each.invoice_id in facts.on_debits for each in group):
            add(block, "TaxDueDateTypeCode", ON_DEBITS)
        add(block, "CategoryCode", category)
        add(block, "TaxExclusiveAmount", amount(sum(each.taxable_minor or 0 for each in group), currency))
        add(block, "TaxTotal", euros(sum(each.tax_eur_minor or 0 for each in group)))
        add(block, "TransactionsCount", str(len({each.invoice_id for each in group})))
        for rate, parts in groupby(group, lambda each: each.rate):
            part = list(parts)
            subtotal = add(block, "TaxSubtotal")
            add(subtotal, "TaxPercent", figure(rate))
            add(subtotal, "TaxableAmount", amount(sum(each.taxable_minor or 0 for each in part), currency))
            add(subtotal, "TaxTotal", amount(sum(each.tax_minor or 0 for each in part), currency))


def _add_foreign_receipts(body: etree._Element, lines: Sequence[ReportLine], facts: Facts) -> None:
    """10.2: one block per invoice and day, netted by rate."""
    mine = sorted(
        (each for each in lines if each.block is Block.FOREIGN_RECEIPT),
        key=lambda each: (facts.numbers[each.invoice_id], each.happened_on, each.rate),
    )
    for (invoice_id, day), grouped in groupby(mine, lambda each: (each.invoice_id, each.happened_on)):
        number, issued_on = facts.numbers[invoice_id]
        invoice = add(body, "Invoice")
        add(invoice, "InvoiceID", number)
        add(invoice, "IssueDate", issued_on)
        payment = add(invoice, "Payment")
        add(payment, "Date", day)
        _add_rates(payment, grouped)


def _add_consumer_receipts(body: etree._Element, lines: Sequence[ReportLine]) -> None:
    """10.4: one block per day, netted by rate."""
    mine = sorted(
        (each for each in lines if each.block is Block.CONSUMER_RECEIPTS),
        key=lambda each: (each.happened_on, each.rate),
    )
    for day, grouped in groupby(mine, lambda each: each.happened_on):
        payment = add(add(body, "Transactions"), "Payment")
        add(payment, "Date", day)
        _add_rates(payment, grouped)


def _add_rates(payment: etree._Element, lines: Iterable[ReportLine]) -> None:
    """Receipts less what went back, by rate; what is still below zero is written so (annexe 6 v1.10: G7.07)."""
    for rate, group in groupby(lines, lambda each: each.rate):
        part = add(payment, "SubTotals")
        add(part, "TaxPercent", figure(rate))
        add(part, "CurrencyCode", "EUR")
        add(part, "Amount", euros(sum(each.amount_eur_minor or 0 for each in group)))
