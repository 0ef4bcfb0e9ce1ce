"""The file of Flux 10: what it writes, and that it is what another writer makes of the same facts."""

from __future__ import annotations

from typing import Any

import pytest
from builders import line
from lxml import etree
from pyfrctc.ereporting import generate_ereporting_payments, generate_ereporting_transactions
from report_builders import (
    DAY,
    NOON,
    an_id,
    facts,
    foreign_document,
    german_party,
    head,
    movement,
    paid_invoice,
    sale,
    sale_of,
    sample_reports,
    siren_party,
)

from config.clock import PARIS
from einvoice.document import Address, Identifier, Party
from einvoice.reporting.file import write_report
from einvoice.reporting.file_invoices import company_id
from einvoice.reporting.periods import ReportKind, period_of
from einvoice.reporting.receipts import lines_of_movements
from einvoice.reporting.sales import lines_of_sale
from receivables.domain.invoicing.invoices import Routing

SALES = period_of("quarterly", ReportKind.TRANSACTIONS, DAY)
IN_EURO = {"totals": {"vat_accounting": "12.90"}, "accounting_currency": "EUR"}
PAID = period_of("quarterly", ReportKind.PAYMENTS, DAY)


def theirs(**more: Any) -> dict[str, Any]:
    """The head, as the other writer names its terms."""
    return {
        "TT-1": more.pop("number"),
        "TT-3": NOON.astimezone(PARIS),
        "TT-4": "IN",
        "TT-7": "0238",
        "TT-8": "1234",
        "TT-9": "Plateforme d'essai",
        "TT-10": "WK",
        "TT-12": "0002",
        "TT-13": "732829320",
        "TT-14": "Atelier Lumière SARL",
        "TT-15": "SE",
        **more,
    }


def canonical(xml: bytes) -> bytes:
    parser = etree.XMLParser(remove_blank_text=True)
    written: bytes = etree.tostring(etree.fromstring(xml, parser), method="c14n")
    return written


def test_consumer_sales_are_written_as_another_writer_does() -> None:
    lines = lines_of_sale(sale())
    made = write_report(head(), SALES, facts(*lines), {}, with_lines=False)
    day = {
        "TT-77": DAY,
        "TT-78": "EUR",
        "TT-81": "TPS1",
        "TT-82": "87.92",
        "TT-83": "12.08",
        "TT-85": "1",
        "TG-32": [
            {"TT-86": "5.5", "TT-87": "37.91", "TT-88": "2.08"},
            {"TT-86": "20", "TT-87": "50.01", "TT-88": "10.00"},
        ],
    }
    told = theirs(
        number="TR-732829320-20261001-01", **{"TT-17": SALES.starts_on, "TT-18": SALES.ends_on, "TG-31": [day]}
    )
    assert canonical(made) == canonical(generate_ereporting_transactions(told))


def test_receipts_are_written_as_another_writer_does() -> None:
    movements = [movement(1, DAY, ("20", 6001), ("5.5", 3999)), movement(2, DAY, ("20", -1))]
    home = lines_of_movements(paid_invoice(1), movements, PAID.starts_on, PAID.ends_on)
    abroad = lines_of_movements(
        paid_invoice(2, routing=Routing.B2B_INTERNATIONAL), movements, PAID.starts_on, PAID.ends_on
    )
    made = write_report(head("PA"), PAID, facts(*home, *abroad), {}, with_lines=False)
    foreign = {
        "TT-91": "F2026-0002",
        "TT-102": DAY,
        "TT-92": DAY,
        "TG-36": [
            {"TT-93": "5.5", "TT-94": "EUR", "TT-95": "39.99"},
            {"TT-93": "20", "TT-94": "EUR", "TT-95": "60.00"},
        ],
    }
    consumer = {
        "TT-96": DAY,
        "TG-39": [
            {"TT-97": "5.5", "TT-98": "EUR", "TT-99": "39.99"},
            {"TT-97": "20", "TT-98": "EUR", "TT-99": "60.00"},
        ],
    }
    told = theirs(
        number="PA-732829320-20261001-01",
        **{"TT-89": PAID.starts_on, "TT-90": PAID.ends_on, "TG-34": [foreign], "TG-37": [consumer]},
    )
    assert canonical(made) == canonical(generate_ereporting_payments(told))


def test_an_international_invoice_is_written_as_another_writer_does() -> None:
    document = foreign_document(line(vat_category="AE", vat_rate="0"), due_date="2026-11-04")
    made = write_report(
        head(), SALES, facts(*lines_of_sale(sale_of(document, 31))), {an_id(31): document}, with_lines=False
    )
    (row,) = document.vat
    invoice = {
        "BT-1": document.number,
        "BT-2": DAY,
        "BT-3": "380",
        "BT-5": "EUR",
        "BT-9": document.due_on,
        "BT-8": document.tax_point.value if document.tax_point else None,
        "BG-1": [{"BT-21": note.subject, "BT-22": note.text} for note in document.notes],
        "BT-23": document.process,
        "BG-4": {
            "legal_identifier": "732829320",
            "legal_identifier_schemeid": "0002",
            "vat_identifier": document.seller.vat_id,
            "country_code": "FR",
        },
        "BG-7": {
            "legal_identifier": "DE136695976",
            "legal_identifier_schemeid": "0223",
            "vat_identifier": "DE136695976",
            "country_code": "DE",
        },
        "BT-109": "100.00",
        "BT-110": "0.00",
        "BG-23": [
            {
                "BT-116": "100.00",
                "BT-117": "0.00",
                "BT-118": "AE",
                "BT-119": "0",
                "BT-120": row.exemption_reason,
                "BT-121": row.exemption_code,
            }
        ],
    }
    told = theirs(
        number="TR-732829320-20261001-01", **{"TT-17": SALES.starts_on, "TT-18": SALES.ends_on, "TG-8": [invoice]}
    )
    assert canonical(made) == canonical(generate_ereporting_transactions(told))


def test_sales_of_one_day_are_one_block_per_currency_and_category_with_their_number() -> None:
    lines = [
        *lines_of_sale(sale(1)),
        *lines_of_sale(sale(2, type_code="381")),
        *lines_of_sale(sale(3, process="B1")),
        *lines_of_sale(sale(4, currency="CHF", document=IN_EURO)),
    ]
    root = etree.fromstring(write_report(head(), SALES, facts(*lines), {}, with_lines=False))
    blocks = [
        [each.findtext(tag) for tag in ("TransactionsCurrency", "CategoryCode", "TaxExclusiveAmount", "TaxTotal")]
        + [each.findtext("TransactionsCount")]
        for each in root.iterfind("TransactionsReport/Transactions")
    ]
    assert blocks == [
        ["CHF", "TPS1", "87.92", "12.90", "1"],
        ["EUR", "TLB1", "87.92", "12.08", "1"],
        ["EUR", "TPS1", "0.00", "0.00", "2"],
    ]


def test_the_option_on_debits_is_told_of_services_alone() -> None:
    lines = [*lines_of_sale(sale(1)), *lines_of_sale(sale(2, process="B1"))]
    with_option = facts(*lines, on_debits=frozenset({an_id(1), an_id(2)}))
    root = etree.fromstring(write_report(head(), SALES, with_option, {}, with_lines=False))
    told = {
        each.findtext("CategoryCode"): each.findtext("TaxDueDateTypeCode")
        for each in root.iterfind("TransactionsReport/Transactions")
    }
    assert told == {"TLB1": None, "TPS1": "5"}


def test_lines_are_written_when_they_are_wanted() -> None:
    document = foreign_document()
    lines = lines_of_sale(sale_of(document, 31))
    for wanted in (False, True):
        root = etree.fromstring(write_report(head(), SALES, facts(*lines), {an_id(31): document}, with_lines=wanted))
        found = root.findall("TransactionsReport/Invoice/Line")
        assert len(found) == wanted
    assert found[0].findtext("Product/Name") == "Pose de luminaires"
    assert found[0].findtext("Price/PriceAmount") == "50.00"


def test_vat_of_an_invoice_in_dollars_is_told_in_euro() -> None:
    document = foreign_document(line(vat_rate="20"), currency="USD", totals={"vat_accounting": "18.40"})
    lines = lines_of_sale(sale_of(document, 31))
    root = etree.fromstring(write_report(head(), SALES, facts(*lines), {an_id(31): document}, with_lines=False))
    totals = root.find("TransactionsReport/Invoice/MonetaryTotal")
    assert totals is not None
    assert [(each.text, dict(each.attrib)) for each in totals] == [("100.00", {}), ("18.40", {"CurrencyCode": "EUR"})]


@pytest.mark.parametrize(
    ("party", "expected"),
    [
        (siren_party(), ("732829320", "0002")),
        (german_party(), ("DE136695976", "0223")),
        (Party("Elektro Brandt GmbH", Address("DE")), None),
        (Party("Northern Lights Trading Ltd", Address("GB")), ("GBNorthern Lights ", "0227")),
        (Party("Lagon", Address("NC"), legal_id=Identifier("1234567890")), ("1234567890", "0228")),
        (Party("Manutea", Address("PF"), legal_id=Identifier("123456789")), ("123456789", "0229")),
    ],
)
def test_companies_are_named_by_the_scheme_of_their_country(party: Party, expected: tuple[str, str] | None) -> None:
    assert company_id(party) == expected


def test_rates_of_an_allowance_at_zero_percent_are_written() -> None:
    document = foreign_document(
        line(vat_category="AE", vat_rate="0"),
        allowances=[{"amount": "10.00", "vat_category": "AE", "reason": "Remise"}],
    )
    lines = lines_of_sale(sale_of(document, 31))
    root = etree.fromstring(write_report(head(), SALES, facts(*lines), {an_id(31): document}, with_lines=False))
    assert root.findtext("TransactionsReport/Invoice/AllowanceCharge/TaxPercent") == "0"


def test_the_samples_hold_every_block() -> None:
    written = b"".join(content for _, content in sample_reports())
    for tag in (b"<Transactions>", b"<Invoice>", b"<InvoiceID>", b"<Line>", b"<TypeCode>RE", b">-24.00<"):
        assert tag in written
