"""E-reporting as a whole, over HTTP: sales, receipts and their undoing, the declaration, the State's answer, the next.

The same sales are told twice: by a supplier that declares itself (Flux 10), and by one whose platform declares.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from builders import line
from ledger_builders import attempt
from lxml import etree
from report_builders import GERMAN
from story_builders import Story

from config.clock import new_id
from einvoice.reporting.periods import ReportKind, period_of
from einvoice.reporting.store import versions_of
from receivables.domain.settlement.receipts import MoneyReceived, MoneyReturned
from receivables.services.accounting.checks import run_checks
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from story_builders import PlatformHouse

    from einvoice.reporting.store import Declaration
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

SALE, PAYMENT, GIVEN_BACK = date(2026, 10, 5), date(2026, 10, 7), date(2026, 10, 9)
SEEN = date(2026, 11, 1)
CAMILLE = {
    "name": "Camille Renard",
    "siren": None,
    "vat_id": None,
    "consumer": True,
    "address": {"line1": "8 rue Haute", "postcode": "35000", "city": "Rennes"},
}
TWO_RATES = (
    line(name="Réparation", quantity=1, net_price="50.01", vat_rate="20"),
    line(name="Travaux", quantity=1, net_price="37.91", vat_rate="5.5"),
)
"""60.01 at 20 % and 40.00 at 5.5 %, VAT included."""


class Shop:
    """A supplier that sells to consumers and abroad, a quarterly VAT payer of a size that declares."""

    def __init__(self, services: Services, platform: PlatformHouse, reporting: str) -> None:
        self.story = Story(services, size="large", vat_regime="quarterly")
        self.story.connect(platform, matricule="1234", reporting=reporting)

    def sell(self, *lines: dict[str, Any], **changes: Any) -> Invoice:
        """Issue an invoice in October."""
        return self.story.issue(*lines, **{"issue_date": SALE.isoformat(), **changes}).invoice

    def to_consumer(self, **changes: Any) -> Invoice:
        """100.01 at two rates."""
        return self.sell(*TWO_RATES, buyer=CAMILLE, **changes)

    def abroad(self, **changes: Any) -> Invoice:
        """A service with French VAT for a German company: 120.00."""
        return self.sell(line(), buyer=GERMAN, **changes)

    def credit(self, invoice: Invoice, *lines: dict[str, Any], **changes: Any) -> Invoice:
        """A credit note on ``invoice``."""
        named = {"number": invoice.number, "issue_date": invoice.issued_on.isoformat()}
        return self.sell(*lines, type_code="381", preceding_invoices=[named], **changes)

    def receive(self, invoice: Invoice, day: date = PAYMENT, amount_minor: int | None = None) -> str:
        """Money."""
        with self.story.services.works.begin(self.story.id) as work:
            paid = attempt(work, invoice, amount_minor)
            amount = amount_minor or invoice.payable_minor
            record_facts(work, [MoneyReceived(f"pi_{paid.hex}", paid, amount, "EUR", noon(day), "card")])
        return f"pi_{paid.hex}"

    def give_back(self, payment: str, amount_minor: int, day: date = GIVEN_BACK) -> None:
        """Money that goes back."""
        with self.story.services.works.begin(self.story.id) as work:
            fact = MoneyReturned(f"re_{new_id().hex}", payment, "refund", amount_minor, "EUR", noon(day))
            record_facts(work, [fact])

    def declare(self, today: date = SEEN) -> list[Declaration]:
        """What the chore makes on a day, sent and answered."""
        made = self.story.services.reporter.prepare_due(self.story.id, today)
        self.story.settle()
        return made

    def versions(self, kind: ReportKind) -> list[Declaration]:
        """Every version of October, newest first."""
        with self.story.services.works.begin(self.story.id) as work:
            return versions_of(work, period_of("quarterly", kind, SALE))

    def file(self, made: Declaration) -> Any:
        """The file of a declaration."""
        (row,) = self.story.rows(
            "SELECT sha256 FROM documents WHERE supplier_id = :supplier AND document_id = :id", id=made.document_id
        )
        return etree.fromstring(self.story.services.archive.get(row["sha256"]))

    def gaps(self) -> dict[str, int]:
        """What ``verify`` finds wrong."""
        with self.story.services.works.begin(self.story.id) as work:
            return {each.code: each.gap for each in run_checks(work) if each.gap}

    def kinds(self) -> Counter[tuple[str, str | None]]:
        """Syntax and processing rule of everything that the platform got."""
        return Counter((flow["flowSyntax"], flow.get("processingRule")) for flow in self.story.at_platform())


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


def the_sales(shop: Shop) -> None:
    """Two sales at home, one of them paid and half refunded, one credited; one abroad, paid in part and credited."""
    paid = shop.to_consumer()
    payment = shop.receive(paid)
    shop.give_back(payment, 4000)
    credited = shop.to_consumer()
    shop.credit(credited, *TWO_RATES, buyer=CAMILLE)
    foreign = shop.abroad()
    shop.receive(foreign, amount_minor=5000)
    shop.credit(foreign, line(quantity=1), buyer=GERMAN)
    shop.story.settle()


def amounts(root: Any, path: str) -> list[tuple[str, str]]:
    """(rate, amount) of every part of the payments at ``path``."""
    return [
        (each.findtext("TaxPercent"), each.findtext("Amount")) for each in root.iterfind(f"{path}/Payment/SubTotals")
    ]


def test_a_supplier_that_declares_itself_is_heard_answered_and_heard_again(
    services: Services, platform_house: PlatformHouse
) -> None:
    shop = Shop(services, platform_house, "own")
    the_sales(shop)
    assert shop.story.at_platform() == [], "no sale and no 212 goes to the platform"
    sales, receipts = shop.declare()
    assert shop.kinds() == {("FRR", "NotApplicable"): 2}
    assert [shop.versions(kind)[0].state for kind in ReportKind] == ["accepted", "accepted"]
    assert [(shop.versions(kind)[0].answer or {})["code"] for kind in ReportKind] == ["300", "300"]
    told = shop.file(sales)
    assert told.findtext("ReportDocument/Sender/Id") == "1234"
    assert [each.text for each in told.iterfind(".//Invoice/TypeCode")] == ["380", "381"]
    assert told.findtext(".//Transactions/TaxExclusiveAmount") == "87.92", "two sales less one credited"
    told = shop.file(receipts)
    assert amounts(told, ".//Invoice") == [("20", "-60.00"), ("20", "60.00"), ("20", "50.00")]
    assert amounts(told, ".//Transactions") == [
        ("5.5", "0.00"),
        ("20", "0.00"),
        ("5.5", "40.00"),
        ("20", "60.01"),
        ("5.5", "-16.00"),
        ("20", "-24.00"),
    ]
    assert shop.gaps() == {}
    assert shop.declare() == [], "nothing is declared twice"
    shop.receive(shop.to_consumer(), day=date(2026, 10, 20), amount_minor=10001)
    rectified = shop.declare()
    assert [each.type_code for each in rectified] == ["RE", "RE"]
    assert [len(shop.versions(kind)) for kind in ReportKind] == [2, 2]
    assert [shop.versions(kind)[0].state for kind in ReportKind] == ["accepted", "accepted"]
    assert amounts(shop.file(rectified[1]), ".//Transactions")[-2:] == [("5.5", "40.00"), ("20", "60.01")]
    assert shop.gaps() == {}


def test_what_the_state_rejects_becomes_a_task_and_is_made_anew_by_hand(
    services: Services, platform_house: PlatformHouse
) -> None:
    shop = Shop(services, platform_house, "own")
    shop.to_consumer()
    shop.story.settle()
    known = (shop.story.siren, f"TR-{shop.story.siren}-20261001-01")
    platform_house.app.extensions["platform_sandbox"].declarations.numbers.add(known)
    shop.declare()
    (refused,) = shop.versions(ReportKind.TRANSACTIONS)
    assert (refused.state, [each["code"] for each in (refused.answer or {})["reasons"]]) == ("refused", ["REJ_UNI"])
    open_tasks = "SELECT code FROM report_troubles WHERE supplier_id = :supplier AND cleared_at IS NULL"
    assert [row["code"] for row in shop.story.rows(open_tasks)] == ["report.rejected"]
    assert shop.declare() == [], "it waits for a human"
    again = shop.story.services.reporter.prepare(shop.story.id, refused.period, by_hand=True)
    assert again is not None
    assert (again.version, again.type_code) == (2, "IN"), "the State has nothing to rectify"
    shop.story.settle()
    assert shop.versions(ReportKind.TRANSACTIONS)[0].state == "accepted"
    assert shop.story.rows(open_tasks) == []


def test_a_platform_that_declares_gets_every_sale_and_every_212_and_no_report(
    services: Services, platform_house: PlatformHouse
) -> None:
    shop = Shop(services, platform_house, "platform")
    the_sales(shop)
    shop.sell(line(name="Lampe", nature="goods"), buyer=GERMAN, process="B1")
    shop.story.settle()
    assert shop.kinds() == {
        ("Factur-X", "B2C"): 3,
        ("Factur-X", "B2BInt"): 3,
        ("CDAR", "NotApplicable"): 7,
    }
    assert {state for _, state, _ in shop.story.flows()} == {"accepted"}
    net: dict[str, Decimal] = {}
    for each in shop.story.collected_at_platform():
        for rate, amount in each.items():
            net[rate] = net.get(rate, Decimal(0)) + Decimal(amount)
    assert net == {"20": Decimal("86.01"), "5.5": Decimal("24.00")}, "what was received less what went back"
    assert shop.declare() == [], "nothing of it is in a report of ours"
    assert shop.gaps() == {}
    assert {row["code"] for row in shop.story.rows("SELECT code FROM statuses WHERE supplier_id = :supplier")} == {
        "200",
        "212",
    }
