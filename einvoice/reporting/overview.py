"""Declarations as a reader wants them: every period with its versions, what it holds now, and what differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.law import LawUnknownError
from einvoice.reporting import store
from einvoice.reporting.company import begin_of, company_of
from einvoice.reporting.facts import Facts, Whose, facts_of
from einvoice.reporting.lines import Difference, ReportLine, Total, differences, totals_of
from einvoice.reporting.periods import Period, ReportKind, begin_of_law, periods_between

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.reporting.company import Company
    from einvoice.reporting.store import Declaration
    from receivables.store.work import Work

PREVIEWED = timedelta(days=62)
"""How far back periods are shown that nobody has declared: two months."""


@dataclass(frozen=True, slots=True)
class PeriodLine:
    """A period in the list: what the books hold for it now, and the newest version of its declaration."""

    period: Period
    totals: tuple[Total, ...]
    newest: Declaration | None
    is_over: bool
    changed: bool = False
    """The books hold something else than the newest version: a rectifying one follows."""


@dataclass(frozen=True, slots=True)
class PeriodPage:
    """One period: its versions, what the books hold now, and how that differs from the newest version."""

    period: Period
    company: Company
    facts: Facts
    totals: tuple[Total, ...]
    versions: list[Declaration]
    is_over: bool
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One version of a declaration: its lines, and what it changed of the version before."""

    declaration: Declaration
    lines: tuple[ReportLine, ...]
    totals: tuple[Total, ...]
    numbers: dict[UUID, str]
    difference: Difference | None = None
    flow: str | None = None
    remarks: list[dict[str, str]] = field(default_factory=list)


def recent_periods(work: Work, whose: Whose, today: date) -> list[PeriodLine]:
    """The running and the last periods of both kinds, newest first, as the books stand now.

    Raises:
        ReportError: ``report.no_profile``.
        LawUnknownError: the regime or the day is not known.
    """
    company = company_of(work)
    first = max(begin_of(work, company, _active_account(work)), today - PREVIEWED, begin_of_law())
    found = [
        _line(work, period, whose, today)
        for kind in ReportKind
        for period in periods_between(company.regime, kind, first, today)
    ]
    return sorted(found, key=lambda each: (each.period.starts_on, each.period.kind), reverse=True)


def period_page(work: Work, period: Period, whose: Whose, today: date) -> PeriodPage:
    """One period as the books stand now.

    Raises:
        ReportError: ``report.no_profile``.
    """
    facts = facts_of(work, period, whose)
    versions = store.versions_of(work, period)
    return PeriodPage(
        period=period,
        company=company_of(work),
        facts=facts,
        totals=totals_of(facts.lines),
        versions=versions,
        is_over=period.ends_on < today,
        difference=differences(store.lines_of(work, versions[0].report_id), facts.lines) if versions else None,
    )


def version_page(work: Work, report_id: UUID) -> VersionPage | None:
    """One version, or ``None``."""
    found = store.find_declaration(work, report_id)
    if found is None:
        return None
    lines = store.lines_of(work, report_id)
    before = next((each for each in store.versions_of(work, found.period) if each.version == found.version - 1), None)
    flow = work.row(
        "SELECT state, refusal FROM platform_flows WHERE supplier_id = :supplier AND subject_id = :report "
        "AND kind = 'report' ORDER BY attempt DESC LIMIT 1",
        report=report_id,
    )
    change = differences(store.lines_of(work, before.report_id), lines) if before else None
    shown = [*lines, *(change.removed if change else ())]
    return VersionPage(
        declaration=found,
        lines=lines,
        totals=totals_of(lines),
        numbers=numbers_of(work, shown),
        difference=change,
        flow=flow["state"] if flow else None,
        remarks=(flow["refusal"] or []) if flow else [],
    )


def numbers_of(work: Work, lines: list[ReportLine]) -> dict[UUID, str]:
    """The number of every invoice that lines speak of."""
    rows = work.rows(
        "SELECT invoice_id, number FROM invoices WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
        ids=list({each.invoice_id for each in lines}),
    )
    return {row["invoice_id"]: row["number"] for row in rows}


def is_known(regime: str, today: date) -> bool:
    """Whether the law table has periods for a regime on a day."""
    try:
        return bool(periods_between(regime, ReportKind.PAYMENTS, today, today))
    except LawUnknownError:
        return False


def _line(work: Work, period: Period, whose: Whose, today: date) -> PeriodLine:
    facts = facts_of(work, period, whose)
    newest = next(iter(store.versions_of(work, period)), None)
    changed = newest is not None and bool(differences(store.lines_of(work, newest.report_id), facts.lines))
    return PeriodLine(period, totals_of(facts.lines), newest, period.ends_on < today, changed)


def _active_account(work: Work) -> UUID | None:
    account: UUID | None = work.scalar(
        "SELECT account_id FROM platform_accounts WHERE supplier_id = :supplier AND active AND serves = 'all'"
    )
    return account
