"""Declarations are made when their period is over, and made anew where its facts have changed since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import legal_day, new_id, now
from config.law import LawUnknownError
from einvoice.archive.retention import retain_until
from einvoice.flows import FlowKind, PlannedFlow, plan_flow
from einvoice.keeping import XML_MIME, KeptFile, keep_document
from einvoice.kept import issued_document
from einvoice.platform.port import tracking_id_for
from einvoice.reporting import errors, store
from einvoice.reporting.answers import follow_flows
from einvoice.reporting.company import declarant_of
from einvoice.reporting.errors import ReportError
from einvoice.reporting.facts import days_touched, facts_of
from einvoice.reporting.file import Head, write_report
from einvoice.reporting.judging import judged
from einvoice.reporting.leaving_out import clear_standstill, note_standstill, note_untold
from einvoice.reporting.lines import Block, differences, told, totals_of
from einvoice.reporting.periods import ReportKind, periods_between, wants_lines
from einvoice.reporting.store import PREPARED, REFUSED, TAKEN, Declaration
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.platform.accounts import PlatformAccount
    from einvoice.reporting.company import Declarant
    from einvoice.reporting.facts import Facts
    from einvoice.reporting.lines import ReportLine
    from einvoice.reporting.periods import Period
    from einvoice.validation.verdict import Report
    from receivables.store.work import Work, Works

IN_FLIGHT = timedelta(days=1)
"""A fact may be committed after a declaration that was made after it was begun: how far back one is looked for."""
PREFIXES = {ReportKind.TRANSACTIONS: "TR", ReportKind.PAYMENTS: "PA"}
"""First letters of TT-1, which must be unique per declarant and period (A7 G8.05)."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the declarations of suppliers. ``account_for`` is their platform account, ``check`` judges a file."""

    works: Works
    archive: ArchivePort
    check: Callable[[bytes], Report]
    account_for: Callable[[Work], PlatformAccount | None]

    def prepare_due(self, supplier_id: UUID, today: date | None = None) -> list[Declaration]:
        """The chore: every period that is over and not declared, or declared otherwise than the books now say.

        What stands in the way of a period is kept as a task; the other periods go on.
        """
        day = today or legal_day(now())
        with self.works.begin(supplier_id) as work:
            follow_flows(work)
            try:
                declarant = declarant_of(work, self.account_for)
            except ReportError as error:
                note_standstill(work, error, day)
                return []
            clear_standstill(work)
            due = _periods_to_look_at(work, declarant, day)
        made = (self._prepare_one(supplier_id, period, day) for period in due)
        return [each for each in made if each]

    def prepare(
        self, supplier_id: UUID, period: Period, *, today: date | None = None, by_hand: bool = False
    ) -> Declaration | None:
        """The next version of a period with its lines, file and flow, in one transaction; ``None`` where none is due.

        ``by_hand`` makes a new version of a refused one too, and says why where there is none to make.

        Raises:
            ReportError: why it cannot be made.
        """

        def make(work: Work) -> Declaration | None:
            declarant = declarant_of(work, self.account_for)
            if period.ends_on >= (today or legal_day(now())):
                raise errors.not_over(period.ends_on)
            lock_period(work, period)
            facts = facts_of(work, period)
            versions = store.versions_of(work, period)
            _check_periods(work, period)
            why_not = _why_not(work, versions, facts, by_hand=by_hand)
            if why_not is None:
                return self._make(work, declarant, period, facts, versions)
            if not versions:
                store.clear_troubles(work, period)
                note_untold(work, period, facts.lines, facts)
            if by_hand:
                raise why_not
            return None

        return self.works.run(supplier_id, make)

    def _prepare_one(self, supplier_id: UUID, period: Period, today: date) -> Declaration | None:
        try:
            return self.prepare(supplier_id, period, today=today)
        except ReportError as error:
            trouble = error
        with self.works.begin(supplier_id) as work:
            store.note_trouble(work, period, trouble)
        return None

    def _make(
        self, work: Work, declarant: Declarant, period: Period, facts: Facts, versions: Sequence[Declaration]
    ) -> Declaration:
        head = _head(declarant, period, versions)
        documents = {
            invoice_id: issued_document(get_invoice(work, invoice_id))
            for invoice_id in {each.invoice_id for each in facts.lines if each.block is Block.FOREIGN_SALE}
        }

        def write(lines: Sequence[ReportLine]) -> bytes:
            part = replace(facts, lines=tuple(lines))
            return write_report(head, period, part, documents, with_lines=wants_lines(period.starts_on))

        lines, content, found = judged(facts.lines, write, self.check)
        until = retain_until(work, period.ends_on)
        self.archive.put(content, until)
        file = KeptFile(content, f"{head.number}.xml", XML_MIME)
        made = Declaration(
            report_id=new_id(),
            period=period,
            type_code=head.type_code,
            version=len(versions) + 1,
            number=head.number,
            regime=declarant.regime,
            state=PREPARED,
            answer=None,
            document_id=keep_document(work, None, "flux10", file, found, until=until),
            created_at=head.made_at,
            totals=[],
        )
        store.insert_declaration(work, made, totals_of(lines), lines)
        _plan(work, declarant, made)
        store.clear_troubles(work, period)
        note_untold(work, period, lines, facts)
        work.audit("worker", "report.prepared", head.number, type=head.type_code, lines=len(lines))
        return made


def lock_period(work: Work, period: Period) -> None:
    """One preparation of a period at a time, whoever asks; the keys of the table hold should this ever fail."""
    work.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(CAST(:supplier AS text) || :name, 10))", name=period.name
    )


def _periods_to_look_at(work: Work, declarant: Declarant, today: date) -> list[Period]:
    """Periods that are over, of which something was booked since their newest version, or at all; oldest first."""
    found: list[Period] = []
    for kind in ReportKind:
        over = _periods_over(declarant, kind, today)
        known = {each.period: each for each in store.newest_versions(work, kind)}
        periods = sorted({*over, *known}, key=lambda each: (each.starts_on, each.ends_on))
        touched = days_touched(work, kind, periods[0].starts_on) if periods else {}
        for period in periods:
            last = max((at for day, at in touched.items() if period.holds(day)), default=None)
            version = known.get(period)
            if last and (version is None or last > version.created_at - IN_FLIGHT):
                found.append(period)
    return found


def _periods_over(declarant: Declarant, kind: ReportKind, today: date) -> list[Period]:
    try:
        periods = periods_between(declarant.regime, kind, declarant.begins_on, today)
    except LawUnknownError:
        return []  # the page says so: nobody guesses a period
    return [each for each in periods if each.ends_on < today]


def _check_periods(work: Work, period: Period) -> None:
    """No day is declared twice where the VAT regime has changed since."""
    overlaps = work.scalar(
        "SELECT 1 FROM reports WHERE supplier_id = :supplier AND kind = :kind AND starts_on <= :last "
        "AND ends_on >= :first AND (starts_on, ends_on) <> (:first, :last) LIMIT 1",
        kind=period.kind,
        first=period.starts_on,
        last=period.ends_on,
    )
    if overlaps:
        raise errors.other_periods(period.starts_on, period.ends_on)


def _why_not(work: Work, versions: Sequence[Declaration], facts: Facts, *, by_hand: bool) -> ReportError | None:
    """Why no next version is to be made; ``None`` where one is. A refused one waits for a human."""
    if not versions:
        return None if told(facts.lines) else errors.nothing_to_declare()
    newest = versions[0]
    if newest.state == PREPARED:
        return errors.not_settled(newest.number)
    if newest.state == REFUSED:
        return None if by_hand else errors.nothing_new()
    return None if differences(store.lines_of(work, newest.report_id), facts.lines) else errors.nothing_new()


def _head(declarant: Declarant, period: Period, versions: Sequence[Declaration]) -> Head:
    """RE cancels and replaces what the State has of the period (DG 3.7.7); before it has anything, IN."""
    number = f"{PREFIXES[period.kind]}-{declarant.siren}-{period.starts_on:%Y%m%d}-{len(versions) + 1:02d}"
    return Head(
        number=number,
        made_at=now(),
        type_code="RE" if any(each.state in TAKEN for each in versions) else "IN",
        platform_number=declarant.platform_number,
        platform_name=declarant.platform_name,
        siren=declarant.siren,
        name=declarant.name,
    )


def _plan(work: Work, declarant: Declarant, made: Declaration) -> None:
    plan_flow(
        work,
        PlannedFlow(
            tracking_id=tracking_id_for(str(work.supplier_id), "report", made.number),
            kind=FlowKind.REPORT,
            account_id=declarant.account_id,
            document_id=made.document_id,
            subject_id=made.report_id,
        ),
    )
