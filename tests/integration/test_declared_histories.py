"""Whatever happens to instalments, refunds and returns, however late it is told: declared by rate = received by rate.

Each history is told in pieces, with declarations made in between as periods end, so that late facts make rectifying
reports across the ends of periods. What is compared is the sum of the amounts in the newest *files* with the split of
the net cash of each invoice, computed anew.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest
from declarant_builders import DRIVER, own_account
from history_builders import Stage, World, make_world, open_account
from ledger_builders import MORNING
from lxml import etree

from config.clock import now
from einvoice.archive import Archive
from einvoice.platform.accounts import PlatformAccount
from einvoice.platform.settings import PlatformSettings
from einvoice.reporting import facts as report_facts
from einvoice.reporting import preparing
from einvoice.reporting import receipts as report_receipts
from einvoice.reporting.answers import follow_flows
from einvoice.reporting.judging import NEGATIVE_RECEIPT, broken_rules
from einvoice.reporting.lines import Difference
from einvoice.reporting.periods import ReportKind, begin_of_law, periods_between
from einvoice.reporting.preparing import Reporter
from einvoice.validation.check import Validator
from einvoice.validation.verdict import Layer, LayerResult, Report, Verdict
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.settlement.collected import CollectedPart, RatePart, VatRow, split_movement
from receivables.domain.settlement.receipts import MoneyReceived, MoneyReturned, MoneyReturnFailed
from receivables.services.accounting.checks import CHECKS
from receivables.services.settlement import settling
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from history_builders import NewInvoice, Told

    from einvoice.archive import ArchivePort
    from einvoice.validation.schematron import SchematronEngine
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

HISTORIES = int(os.environ.get("QUITTANCE_DECLARED_HISTORIES", "40"))
CHUNKS = 4
PER_WORLD = 10
SEED = int(os.environ.get("QUITTANCE_SEED", "20261122"))
JUDGED_EVERY = 5
"""Files are judged by the published rules one in so many: all are written alike."""
STEPS = (date(2026, 12, 3), date(2027, 1, 8), date(2027, 3, 1))
"""Days on which declarations are made; what is told last is late for all periods before."""
ROADS = (
    (Routing.B2C, Routing.B2B_INTERNATIONAL),
    (Routing.B2C, Routing.B2B),
    (Routing.B2B_INTERNATIONAL, Routing.B2C),
    (Routing.B2B, Routing.B2B_INTERNATIONAL),
    (Routing.B2C, Routing.B2C),
)
"""By which roads the invoices of the two customers go: they differ from world to world."""
_PASSED = Report(
    (LayerResult(Layer.XSD, Verdict.VALID), LayerResult(Layer.BR_FR, Verdict.VALID)),
    (),
)


class GapError(AssertionError):
    """What was declared is not what was received."""


@dataclass
class Desk:
    """Declares within one transaction that is undone at the end, and keeps the files."""

    archive: ArchivePort
    check: Any
    account: PlatformAccount
    files: dict[str, bytes] = field(default_factory=dict)
    written: int = 0
    judged: int = 0
    excepted: int = 0
    rectified: int = 0

    def judge(self, content: bytes) -> Report:
        """Judge one in so many; remember every file by its number."""
        self.written += 1
        self.files[etree.fromstring(content).findtext("ReportDocument/Id") or ""] = content
        if self.written % JUDGED_EVERY:
            return _PASSED
        report: Report = self.check(content)
        assert not broken_rules(report), report.fatal
        self.judged += 1
        self.excepted += any(each.rule == NEGATIVE_RECEIPT for each in report.fatal)
        return report

    def declare(self, work: Work, today: date) -> None:
        """Make what is due of the receipts, and hand it over."""
        reporter = Reporter(cast("Works", _SameWork(work)), self.archive, self.judge, lambda _: self.account)
        for period in periods_between("monthly", ReportKind.PAYMENTS, begin_of_law(), today - timedelta(days=31)):
            made = reporter.prepare(work.supplier_id, period, today=today)
            self.rectified += made is not None and made.type_code == "RE"
        work.execute("UPDATE platform_flows SET state = 'accepted' WHERE supplier_id = :supplier AND kind = 'report'")
        follow_flows(work)


class _SameWork:
    """Every unit of work is the one that is going on."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def run(self, _: UUID, service: Any) -> Any:
        return service(self.work)

    @contextmanager
    def begin(self, _: UUID) -> Iterator[Work]:
        yield self.work


class RoutedStage(Stage):
    """A stage on which each customer has a road of its own."""

    def _issue(self, wanted: NewInvoice, **changes: Any) -> Invoice:
        roads = Random(f"{self.world.seed}/roads").choice(ROADS)
        return super()._issue(wanted, routing=roads[wanted.customer], **changes)

    def copy(self) -> RoutedStage:
        """This stage as it stands, to go on from."""
        given = (list(self.issued), set(self.begun), dict(self.documents), set(self.chosen))
        return RoutedStage(self.work, self.world, self.account_id, *given)


def over_months(world: World) -> World:
    """The same world with its money spread over October to January."""
    chance = Random(f"{world.seed}/months")
    shift = {position: timedelta(days=chance.randint(-10, 70)) for position in range(len(world.attempts))}

    def moved(position: int, fact: Told) -> Told:
        if isinstance(fact, MoneyReceived):
            return replace(fact, received_at=fact.received_at + shift[position])
        if isinstance(fact, MoneyReturned):
            return replace(fact, returned_at=fact.returned_at + shift[position] + timedelta(days=chance.randint(0, 25)))
        if isinstance(fact, MoneyReturnFailed):
            return replace(fact, failed_at=fact.failed_at + shift[position] + timedelta(days=25))
        return fact

    return replace(world, facts=[(position, moved(position, fact)) for position, fact in world.facts])


def play(base: RoutedStage, desk: Desk, order: Random) -> None:
    """One history: its facts in some order and in three pieces, a declaration after each.

    Raises:
        GapError: something was declared that was not received, or received and not declared.
    """
    stage, work = base.copy(), base.work
    point = work.connection.begin_nested()
    pieces = in_pieces(stage.world, order)
    for step, today in enumerate(STEPS):
        stage.tell(pieces[step], order)
        if step == len(STEPS) - 1:
            stage.finish()
        desk.declare(work, today)
    gap = Counter(declared_by_rate(work, desk))
    gap.subtract(received_by_rate(work))
    wrong = {rate: minor for rate, minor in gap.items() if minor}
    if wrong:
        raise GapError(f"world {stage.world.seed}: declared less received, by rate, in cents: {wrong}")
    found = {each.code: work.scalar(each.gap) for each in CHECKS if each.code.startswith("I11")}
    if any(found.values()):
        raise GapError(f"world {stage.world.seed}: {found}")
    point.rollback()
    desk.files.clear()


def in_pieces(world: World, order: Random) -> list[list[tuple[int, Told]]]:
    """The facts in an order of chance, in as many pieces as steps; a return is told with its receipt or after it."""
    of_payment: dict[str, int] = {}
    pieces: list[list[tuple[int, Told]]] = [[] for _ in STEPS]
    for position, fact in order.sample(world.facts, len(world.facts)):
        if not isinstance(fact, MoneyReturned | MoneyReturnFailed):
            step = order.randrange(len(STEPS))
            pieces[step].append((position, fact))
            if isinstance(fact, MoneyReceived):
                of_payment[fact.payment_ref] = step
    for position, fact in world.facts:
        if isinstance(fact, MoneyReturned | MoneyReturnFailed):
            step = order.randint(of_payment[fact.payment_ref], len(STEPS) - 1)
            pieces[step].insert(order.randint(0, len(pieces[step])), (position, fact))
    return pieces


def declared_by_rate(work: Work, desk: Desk) -> Counter[Decimal]:
    """The amounts in the newest file of every period, in cents by rate."""
    sums: Counter[Decimal] = Counter()
    for row in work.rows(
        "SELECT DISTINCT ON (starts_on) number FROM reports WHERE supplier_id = :supplier AND kind = 'payments' "
        "ORDER BY starts_on, version DESC"
    ):
        for part in etree.fromstring(desk.files[row["number"]]).iter("SubTotals"):
            amount = Decimal(part.findtext("Amount") or "")
            sums[Decimal(part.findtext("TaxPercent") or "")] += int(amount * 100)
    return sums


def received_by_rate(work: Work) -> Counter[Decimal]:
    """The net cash of every invoice that is declared by Flux 10, split once over its rates, in cents."""
    sums: Counter[Decimal] = Counter()
    for row in work.rows(
        "SELECT vat_rows, payable_minor, sum(amount_minor)::bigint AS cash FROM collections "
        "JOIN invoices USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND vat_on_collection "
        "AND routing <> 'b2b' GROUP BY invoice_id, vat_rows, payable_minor"
    ):
        rows = [
            VatRow(each["category"], Decimal(each["rate"]), each["taxable_minor"], each["tax_minor"])
            for each in row["vat_rows"]
        ]
        sense = -1 if row["cash"] < 0 else 1  # what is set off of a credit note goes back
        for part in split_movement(rows, 0, abs(row["cash"]), row["payable_minor"]).split:
            sums[part.rate] += sense * part.amount_minor
    return sums


@pytest.fixture
def desk(works: Works, supplier: Supplier, shared_engine: SchematronEngine, tmp_path: Path) -> Desk:
    """A supplier that declares its receipts by the month."""
    with works.begin(supplier.supplier_id) as work:
        work.execute(
            "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) "
            "VALUES (:supplier, CAST(:profile AS jsonb), :at)",
            profile=to_json({"name": "Atelier Lumière SARL", "size": "large", "vat_regime": "monthly"}),
            at=now(),
        )
        account_id = own_account(work)
    settings = PlatformSettings(DRIVER, "client", "secret", reporting="own")
    account = PlatformAccount(account_id, "Plateforme d'essai", settings)
    return Desk(Archive(tmp_path), Validator(shared_engine).check_flux10, account)


def play_worlds(works: Works, supplier: Supplier, desk: Desk, seeds: range) -> int:
    """Play every world ``PER_WORLD`` times; returns how many histories that were."""
    histories = 0
    for seed in seeds:
        with works.begin(supplier.supplier_id) as work:
            base = RoutedStage(work, over_months(make_world(seed)), open_account(work))
            base.finish(with_documents=False)
            for number in range(PER_WORLD):
                play(base, desk, Random(f"{seed}/{number}"))
                histories += 1
            undone = work.connection.get_transaction()
            assert undone is not None
            undone.rollback()
    return histories


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_what_is_declared_by_rate_is_what_was_received(
    works: Works, supplier: Supplier, desk: Desk, chunk: int, capsys: pytest.CaptureFixture[str]
) -> None:
    worlds = -(-HISTORIES // PER_WORLD // CHUNKS)
    first = SEED + chunk * worlds
    began = time.monotonic()
    histories = play_worlds(works, supplier, desk, range(first, first + worlds))
    with capsys.disabled():
        print(f"\n  {histories} histories from seed {first}: declared - received = 0.00 at every rate; ", end="")
        print(f"{desk.written} Flux 10 files ({desk.rectified} RE), {desk.judged} judged by XSD and rules, 0 errors ")
        print(f"  ({desk.excepted} of them but for {NEGATIVE_RECEIPT}), {time.monotonic() - began:.1f} s")
    assert histories >= HISTORIES // CHUNKS
    assert desk.rectified > 0, "no fact ever came late: the histories prove too little"
    assert desk.judged > 0


PLANTED = range(SEED, SEED + 25)


def test_a_planted_rounding_of_each_receipt_alone_is_caught(
    works: Works, supplier: Supplier, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alone(rows: Any, before: int, after: int, *_: int) -> CollectedPart:
        part = split_movement(rows, 0, abs(after - before))
        sense = 1 if after > before else -1
        return CollectedPart(tuple(RatePart(each.rate, sense * each.amount_minor) for each in part.split), 0)

    monkeypatch.setattr(settling, "split_cumulative", alone)
    with pytest.raises(GapError):
        play_worlds(works, supplier, desk, PLANTED)


def test_a_planted_forgotten_refund_is_caught(
    works: Works, supplier: Supplier, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = report_receipts.lines_of_movements

    def forgetful(*given: Any) -> Any:
        return [each for each in whole(*given) if (each.amount_minor or 0) > 0]

    monkeypatch.setattr(report_facts, "lines_of_movements", forgetful)
    with pytest.raises(GapError):
        play_worlds(works, supplier, desk, PLANTED)


def test_a_planted_forgotten_rectification_is_caught(
    works: Works, supplier: Supplier, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "differences", lambda *_: Difference((), ()))
    with pytest.raises(GapError):
        play_worlds(works, supplier, desk, PLANTED)


def test_the_money_of_the_histories_crosses_the_ends_of_periods() -> None:
    months = {
        fact.received_at.month
        for seed in PLANTED
        for _, fact in over_months(make_world(seed)).facts
        if isinstance(fact, MoneyReceived)
    }
    assert months >= {10, 11, 12}
    assert MORNING.month == 10
