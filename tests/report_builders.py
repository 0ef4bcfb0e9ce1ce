"""Sales, movements and whole reports of e-reporting for tests: small, valid, changed by keyword."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from builders import document, line

from einvoice.document import Address, Document, Identifier, Party
from einvoice.kept import KeptDocument, kept_to_json
from einvoice.reporting.facts import Facts
from einvoice.reporting.file import Head, write_report
from einvoice.reporting.lines import ReportLine, in_order
from einvoice.reporting.periods import ReportKind, period_of
from einvoice.reporting.receipts import Movement, PaidInvoice, lines_of_movements
from einvoice.reporting.sales import Sale, lines_of_sale
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.money import Money
from receivables.domain.settlement.collected import VatRow

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = date(2026, 10, 5)
NOON = datetime(2026, 11, 2, 11, 0, tzinfo=UTC)
TWO_RATES = (VatRow("S", Decimal(20), 5001, 1000), VatRow("S", Decimal("5.5"), 3791, 208))
GERMAN = {
    "name": "Elektro Brandt GmbH",
    "siren": None,
    "vat_id": "DE136695976",
    "address": {"line1": "Hafenstrasse 1", "postcode": "20457", "city": "Hamburg", "country": "DE"},
}


def an_id(number: int) -> UUID:
    """A stable id."""
    return UUID(int=number)


def head(kind: str = "TR", **changes: Any) -> Head:
    """TB-1 of a first declaration."""
    values: dict[str, Any] = {
        "number": f"{kind}-732829320-20261001-01",
        "made_at": NOON,
        "type_code": "IN",
        "platform_number": "1234",
        "platform_name": "Plateforme d'essai",
        "siren": "732829320",
        "name": "Atelier Lumière SARL",
    }
    return Head(**{**values, **changes})


def foreign_document(*lines: dict[str, Any], number: str = "F2026-0031", **changes: Any) -> Document:
    """An invoice to a German company, issued within the period."""
    values = {"buyer": GERMAN, "issue_date": DAY.isoformat(), **changes}
    return document(*(lines or (line(vat_category="AE", vat_rate="0"),)), number=number, **values)


def sale(number: int = 1, **changes: Any) -> Sale:
    """A consumer's invoice of 100.00 at two rates, for services."""
    values: dict[str, Any] = {
        "invoice_id": an_id(number),
        "issued_on": DAY,
        "type_code": "380",
        "process": "S1",
        "currency": "EUR",
        "routing": Routing.B2C,
        "vat_rows": TWO_RATES,
        "document": {},
        "natures": {},
    }
    return Sale(**{**values, **changes})


def sale_of(made: Document, number: int = 1, **changes: Any) -> Sale:
    """The sale that a document is, as the books keep it."""
    rows = tuple(
        VatRow(
            row.category,
            row.rate or Decimal(0),
            Money.of(row.taxable, made.currency).minor,
            Money.of(row.tax, made.currency).minor,
        )
        for row in made.vat
    )
    kept = kept_to_json(KeptDocument(made, ("cii",)))["document"]
    values = {
        "type_code": made.type_code,
        "process": made.process,
        "currency": made.currency,
        "issued_on": made.issued_on,
        "vat_rows": rows,
        "document": kept,
        "routing": Routing.B2B_INTERNATIONAL,
    }
    return sale(number, **{**values, **changes})


def paid_invoice(number: int = 1, **changes: Any) -> PaidInvoice:
    """A consumer's invoice whose VAT falls due on collection."""
    values: dict[str, Any] = {
        "invoice_id": an_id(number),
        "currency": "EUR",
        "routing": Routing.B2C,
        "vat_rows": TWO_RATES,
        "document": {},
    }
    return PaidInvoice(**{**values, **changes})


def movement(sequence: int, day: date, *split: tuple[str, int]) -> Movement:
    """Cash by rate."""
    return Movement(sequence, day, tuple((Decimal(rate), amount) for rate, amount in split))


def facts(*lines: ReportLine, **more: Any) -> Facts:
    """Facts of a period; invoices are numbered by their ids."""
    numbers = {each.invoice_id: (f"F2026-{each.invoice_id.int:04d}", DAY) for each in lines}
    return Facts(in_order(lines), **{"numbers": numbers, **more})


def sample_reports() -> Iterator[tuple[str, bytes]]:
    """Flux 10 files of every block, by name, without a database: each passes XSD and rules.

    One, named ``negative receipt``, breaks FNFE's G1.16 and nothing else.
    """
    sales = period_of("quarterly", ReportKind.TRANSACTIONS, DAY)
    paid = period_of("quarterly", ReportKind.PAYMENTS, DAY)
    consumer = lines_of_sale(sale())
    mixed = lines_of_sale(sale(2, process="B1", vat_rows=(VatRow("O", Decimal(0), 900, 0), TWO_RATES[0])))
    credited = lines_of_sale(sale(3, type_code="381"))
    yield "10.3", write_report(head(), sales, facts(*consumer, *mixed), {}, with_lines=False)
    yield "10.3 credited", write_report(head(type_code="RE"), sales, facts(*consumer, *credited), {}, with_lines=False)
    foreign = foreign_document()
    note = foreign_document(
        number="A2026-0007",
        type_code="381",
        preceding_invoices=[{"number": "F2026-0031", "issue_date": DAY.isoformat()}],
    )
    documents = {an_id(31): foreign, an_id(7): note}
    lines = [each for number, made in ((31, foreign), (7, note)) for each in lines_of_sale(sale_of(made, number))]
    for with_lines in (False, True):
        name = "10.1 with lines" if with_lines else "10.1"
        yield name, write_report(head(), sales, facts(*lines, *consumer), documents, with_lines=with_lines)
    yield "nothing left", write_report(head(type_code="RE"), sales, facts(), {}, with_lines=False)
    receipts = [movement(1, DAY, ("20", 6001), ("5.5", 3999)), movement(2, DAY, ("20", -1))]
    home = lines_of_movements(paid_invoice(), receipts, paid.starts_on, paid.ends_on)
    abroad = lines_of_movements(
        paid_invoice(2, routing=Routing.B2B_INTERNATIONAL), receipts, paid.starts_on, paid.ends_on
    )
    yield "10.2 and 10.4", write_report(head("PA"), paid, facts(*home, *abroad), {}, with_lines=False)
    refund = [movement(1, DAY, ("20", -2400))]
    back = lines_of_movements(paid_invoice(), refund, paid.starts_on, paid.ends_on)
    yield "negative receipt", write_report(head("PA"), paid, facts(*back), {}, with_lines=False)


def german_party() -> Party:
    """A company of another member State."""
    return Party("Elektro Brandt GmbH", Address("DE"), vat_id="DE136695976")


def siren_party() -> Party:
    """A French company."""
    return Party("Vendeur", Address("FR"), legal_id=Identifier("732829320", "0002"))
