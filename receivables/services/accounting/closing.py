"""Validate entries and close periods: what is validated has its number for good, what is closed takes no entry more.

A fact that comes later for a closed period is booked on the first open day, its document keeps its own day
(`receivables.store.settlement.books`); the database refuses any other way (`closed_periods_stay`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from receivables.domain.accounting.years import AccountingYear, YearEnds
from receivables.errors import ConflictError, ReceivablesError
from receivables.store.accounting.periods import closed_until, hold_periods
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from receivables.store.work import Work

CLOSED, REOPENED = "closed", "reopened"
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class JournalState:
    """How far a journal of one accounting year is validated; ``open_count`` entries have no number yet."""

    year: AccountingYear
    journal: str
    last_serial: int
    open_count: int
    last_booked_on: date


@dataclass(frozen=True, slots=True)
class PeriodAct:
    """Somebody closed the books until ``closed_until``, or opened them again after it (``None``: all of them)."""

    act: str
    closed_until: date | None
    reason: str | None
    actor: str
    acted_at: datetime


def year_ends_of(work: Work) -> YearEnds:
    """When the supplier's accounting years end: in its profile, else on 31 December."""
    profile: dict[str, Any] = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    return YearEnds.read(profile.get("accounting_year_end"), profile.get("first_accounting_year_end"))


def accounting_years(work: Work) -> list[AccountingYear]:
    """The accounting years in which anything is booked, the newest first."""
    row = work.row("SELECT min(booked_on) AS first, max(booked_on) AS last FROM entries WHERE supplier_id = :supplier")
    if row is None or row["first"] is None:
        return []
    return list(year_ends_of(work).years_between(row["first"], row["last"]))[::-1]


def validate_entries(work: Work, until: date, actor: str) -> int:
    """Give every entry booked until that day its number, for good; returns how many were numbered.

    Numbers are continuous per journal and accounting year, in the order of booking days, then of their keeping
    (LPF art. A47 A-1, VII 1° field 3: une séquence continue). Later facts take the numbers after.

    Raises:
        ReceivablesError: ``books.not_over``: an entry of a day to come cannot be validated.
    """
    if until > today():
        raise ReceivablesError(
            "books.not_over",
            f"{until} is still to come: validate until today at most.",
            f"Le {until} n'est pas encore passé : validez au plus tard jusqu'à aujourd'hui.",
        )
    hold_periods(work)
    years = [{"starts_on": each.starts_on, "ends_on": each.ends_on} for each in accounting_years(work)]
    count = work.execute(
        "INSERT INTO entry_numbers (supplier_id, entry_id, journal, year_ends_on, serial, validated_on, validated_by, "
        "validated_at) SELECT :supplier, entry_id, fresh.journal, ends_on, coalesce(last_serial, 0) + row_number() "
        "OVER (PARTITION BY fresh.journal, ends_on ORDER BY booked_on, created_at, entry_id), :today, :actor, :at "
        "FROM entries AS fresh "
        "JOIN jsonb_to_recordset(CAST(:years AS jsonb)) AS year (starts_on date, ends_on date) "
        "ON booked_on BETWEEN starts_on AND ends_on "
        "LEFT JOIN (SELECT journal, year_ends_on, max(serial) AS last_serial FROM entry_numbers "
        "WHERE supplier_id = :supplier GROUP BY journal, year_ends_on) AS known "
        "ON known.journal = fresh.journal AND known.year_ends_on = ends_on "
        "WHERE supplier_id = :supplier AND booked_on <= :until AND NOT EXISTS (SELECT 1 FROM entry_numbers AS numbered "
        "WHERE numbered.supplier_id = :supplier AND numbered.entry_id = fresh.entry_id)",
        years=to_json(years),
        until=until,
        today=today(),
        actor=actor,
        at=now(),
    )
    if count:
        work.audit(actor, "entries.validated", until.isoformat(), count=count)
    return count


def close_period(work: Work, until: date, actor: str) -> int:
    """Validate every entry until that day and let nothing be booked there any more; returns how many were numbered.

    Raises:
        ReceivablesError: ``books.not_over``: a day that is not over cannot be closed.
        ConflictError: ``books.already_closed``.
    """
    if until >= today():
        raise ReceivablesError(
            "books.not_over",
            f"{until} is not over: close until yesterday at most.",
            f"Le {until} n'est pas terminé : clôturez au plus tard jusqu'à hier.",
        )
    hold_periods(work)
    before = closed_until(work)
    if before is not None and until <= before:
        raise ConflictError(
            "books.already_closed",
            f"The books are closed until {before} already: close a later day.",
            f"Les livres sont déjà clôturés jusqu'au {before} : clôturez un jour postérieur.",
        )
    count = validate_entries(work, until, actor)
    _note(work, CLOSED, until, None, actor)
    return count


def reopen_period(work: Work, until: date | None, reason: str, actor: str) -> None:
    """Open the books again after the day ``until`` (``None``: all of them); numbers that were given stay given.

    Raises:
        ReceivablesError: ``books.no_reason``.
        ConflictError: ``books.not_closed``: there is nothing to open after that day.
    """
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise ReceivablesError(
            "books.no_reason",
            "Say why the books are opened again: the reason is kept.",
            "Dites pourquoi les livres sont rouverts : le motif est conservé.",
        )
    hold_periods(work)
    before = closed_until(work)
    if before is None or (until is not None and until >= before):
        raise ConflictError(
            "books.not_closed",
            "No closed day lies after that one: there is nothing to open again.",
            "Aucun jour clôturé après celui-là : il n'y a rien à rouvrir.",
        )
    _note(work, REOPENED, until, reason, actor)


def period_acts(work: Work) -> list[PeriodAct]:
    """Who closed and opened what, the newest first."""
    rows = work.rows(
        "SELECT act, closed_until, reason, actor, acted_at FROM period_acts WHERE supplier_id = :supplier "
        "ORDER BY act_id DESC LIMIT 50"
    )
    return [PeriodAct(**row) for row in rows]


def journal_states(work: Work) -> Sequence[JournalState]:
    """How far each journal is validated, by accounting year, the newest first."""
    years = {each.ends_on: each for each in accounting_years(work)}
    rows = work.rows(
        "SELECT ends_on, entry.journal, coalesce(max(serial), 0) AS last_serial, "
        "count(*) FILTER (WHERE serial IS NULL) AS open_count, max(booked_on) AS last_booked_on "
        "FROM entries AS entry JOIN jsonb_to_recordset(CAST(:years AS jsonb)) AS year (starts_on date, ends_on date) "
        "ON booked_on BETWEEN starts_on AND ends_on LEFT JOIN entry_numbers AS given "
        "ON given.supplier_id = :supplier AND given.entry_id = entry.entry_id "
        "WHERE entry.supplier_id = :supplier GROUP BY 1, 2 ORDER BY 1 DESC, 2",
        years=to_json([{"starts_on": each.starts_on, "ends_on": each.ends_on} for each in years.values()]),
    )
    return [
        JournalState(
            years[row["ends_on"]], row["journal"], row["last_serial"], row["open_count"], row["last_booked_on"]
        )
        for row in rows
    ]


def _note(work: Work, act: str, until: date | None, reason: str | None, actor: str) -> None:
    at = now()
    work.execute(
        "INSERT INTO closed_periods (supplier_id, closed_until, changed_at) VALUES (:supplier, :until, :at) "
        "ON CONFLICT (supplier_id) DO UPDATE SET closed_until = excluded.closed_until, "
        "changed_at = excluded.changed_at",
        until=until,
        at=at,
    )
    work.execute(
        "INSERT INTO period_acts (supplier_id, act_id, act, closed_until, reason, actor, acted_at) "
        "VALUES (:supplier, :id, :act, :until, :reason, :actor, :at)",
        id=new_id(),
        act=act,
        until=until,
        reason=reason,
        actor=actor,
        at=at,
    )
    work.audit(actor, f"books.{act}", until.isoformat() if until else "-", reason=reason)
