"""The check of a whole customer file: kept row by row, so that it goes on after a restart and tells how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from einvoice.directory.addresses import Wanted, choose_address
from einvoice.directory.customer_file import identify
from einvoice.directory.reach import Reach
from einvoice.directory.words import ReachReason, ReachState
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.directory.customer_file import CustomerRow
    from einvoice.directory.desk import DirectoryDesk
    from receivables.store.work import Work

BATCH = 20
"""Rows looked up before the page hears of it."""
PAGE = 100
"""Rows shown at once."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a file; ``state`` is ``running``, ``done`` or ``stopped``."""

    check_id: UUID
    label: str
    state: str
    total: int
    done: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """What the directory says of one row, as it is kept and shown; sentences are French, then English."""

    state: str
    reason: str
    sentence_fr: str
    sentence: str
    step_fr: str = ""
    step: str = ""
    name: str | None = None
    address: str | None = None
    why_fr: str = ""
    why: str = ""
    codes: tuple[str, ...] = ()
    public: bool = False
    asked_at: str | None = None
    stale: bool = False

    def said(self, language: str) -> str:
        """Why it is reachable or not."""
        return self.sentence_fr if language == "fr" else self.sentence

    def next_step(self, language: str) -> str:
        """What to do."""
        return self.step_fr if language == "fr" else self.step


def start_check(work: Work, label: str, rows: Sequence[CustomerRow]) -> UUID:
    """Keep a file's rows to be looked up by the worker; returns the id of the check."""
    check_id = new_id()
    work.execute(
        "INSERT INTO directory_checks (supplier_id, check_id, label, state, total, created_at) "
        "VALUES (:supplier, :check, :label, 'running', :total, :at)",
        check=check_id,
        label=label,
        total=len(rows),
        at=now(),
    )
    work.execute(
        "INSERT INTO directory_check_rows (supplier_id, check_id, line, name, given, siren) "
        "SELECT :supplier, :check, line, name, given, siren FROM jsonb_to_recordset(CAST(:rows AS jsonb)) "
        "AS told (line int, name text, given text, siren text)",
        check=check_id,
        rows=to_json(
            [{"line": r.line, "name": r.name, "given": r.given, "siren": identify(r.given).siren} for r in rows]
        ),
    )
    return check_id


def continue_checks(desk: DirectoryDesk, supplier_id: UUID) -> int:
    """Look up one batch of what waits; nothing is asked while the directory has just failed. Returns the rows done."""
    with desk.works.begin(supplier_id) as work:
        waiting = work.rows(
            "SELECT check_id, line, given FROM directory_check_rows JOIN directory_checks "
            "USING (supplier_id, check_id) WHERE supplier_id = :supplier AND directory_checks.state = 'running' "
            "AND directory_check_rows.state = 'waiting' ORDER BY check_id, line LIMIT :most",
            most=BATCH,
        )
    if not waiting:
        return 0
    told: list[dict[str, Any]] = []
    for row in waiting:
        if desk.is_quiet(supplier_id):
            break
        verdict = check_number(desk, supplier_id, row["given"])
        if verdict.state == ReachState.UNAVAILABLE:
            break  # asked again once the directory answers
        told.append({"check": row["check_id"], "line": row["line"], "verdict": _verdict_json(verdict)})
    with desk.works.begin(supplier_id) as work:
        _note(work, told)
    return len(told)


def check_number(desk: DirectoryDesk, supplier_id: UUID, given: str) -> RowVerdict:
    """The verdict on one row of a file."""
    known = identify(given)
    if known.problem:
        return RowVerdict(ReachState.UNKNOWN, ReachReason.BAD_NUMBER, *known.problem)
    if known.siren is None:
        return verdict_of(Reach("", ReachReason.ABROAD), None)
    return verdict_of(desk.reach(supplier_id, known.siren), known.siret)


def verdict_of(reach: Reach, siret: str | None) -> RowVerdict:
    """What a row tells of ``reach``: the address chosen for its establishment, and why."""
    choice = choose_address(reach.answer, Wanted(siret)) if reach.answer else None
    reachable = reach.state is ReachState.REACHABLE and choice is not None
    return RowVerdict(
        state=reach.state,
        reason=reach.reason,
        sentence_fr=reach.sentence("fr"),
        sentence=reach.sentence("en"),
        step_fr=reach.step("fr"),
        step=reach.step("en"),
        name=reach.name,
        address=choice.address if reachable and choice else None,
        why_fr=choice.sentence("fr") if reachable and choice else "",
        why=choice.sentence("en") if reachable and choice else "",
        codes=tuple(code.code for code in reach.answer.codes) if reach.answer else (),
        public=reach.answer.is_public if reach.answer else False,
        asked_at=reach.asked_at.isoformat() if reach.asked_at else None,
        stale=reach.stale,
    )


def stop_check(work: Work, check_id: UUID) -> None:
    """Look up nothing more of this file; what is known stays."""
    work.execute(
        "UPDATE directory_checks SET state = 'stopped', finished_at = :at "
        "WHERE supplier_id = :supplier AND check_id = :check AND state = 'running'",
        check=check_id,
        at=now(),
    )


def list_checks(work: Work, most: int = 20) -> list[Check]:
    """The newest checks."""
    rows = work.rows(
        "SELECT check_id, label, state, total, done, created_at, finished_at FROM directory_checks "
        "WHERE supplier_id = :supplier ORDER BY created_at DESC LIMIT :most",
        most=most,
    )
    return [Check(**row) for row in rows]


def find_check(work: Work, check_id: UUID) -> Check | None:
    """One check, or ``None``."""
    row = work.row(
        "SELECT check_id, label, state, total, done, created_at, finished_at FROM directory_checks "
        "WHERE supplier_id = :supplier AND check_id = :check",
        check=check_id,
    )
    return Check(**row) if row else None


def count_states(work: Work, check_id: UUID) -> dict[str, int]:
    """How many rows have each verdict."""
    rows = work.rows(
        "SELECT verdict ->> 'state' AS state, count(*) AS rows FROM directory_check_rows "
        "WHERE supplier_id = :supplier AND check_id = :check AND state = 'done' GROUP BY 1",
        check=check_id,
    )
    return {row["state"]: row["rows"] for row in rows}


def rows_of(
    work: Work, check_id: UUID, *, after: int = 0, most: int = PAGE, narrowed: str | None = None
) -> list[tuple[RowMapping, RowVerdict | None]]:
    """Rows after line ``after`` with their verdict, ``None`` while they wait; ``narrowed`` to one state."""
    rows = work.rows(
        "SELECT line, name, given, siren, state, verdict FROM directory_check_rows "
        "WHERE supplier_id = :supplier AND check_id = :check AND line > :after "
        "AND (CAST(:narrowed AS text) IS NULL OR verdict ->> 'state' = :narrowed) ORDER BY line LIMIT :most",
        check=check_id,
        after=after,
        narrowed=narrowed,
        most=most,
    )
    return [(row, _verdict_from_json(row["verdict"]) if row["verdict"] else None) for row in rows]


def _note(work: Work, told: list[dict[str, Any]]) -> None:
    """Keep verdicts, and count anew, so that two workers on one row count it once."""
    if not told:
        return
    work.execute(
        "UPDATE directory_check_rows AS mine SET state = 'done', verdict = told.verdict "
        'FROM jsonb_to_recordset(CAST(:told AS jsonb)) AS told ("check" uuid, line int, verdict jsonb) '
        'WHERE mine.supplier_id = :supplier AND mine.check_id = told."check" AND mine.line = told.line',
        told=to_json(told),
    )
    for check_id in {each["check"] for each in told}:
        work.execute(
            "UPDATE directory_checks SET done = counted.rows, "
            "state = CASE WHEN counted.rows = total AND state = 'running' THEN 'done' ELSE state END, "
            "finished_at = CASE WHEN counted.rows = total AND state = 'running' THEN :at ELSE finished_at END "
            "FROM (SELECT count(*) AS rows FROM directory_check_rows WHERE supplier_id = :supplier "
            "AND check_id = :check AND state = 'done') AS counted WHERE supplier_id = :supplier AND check_id = :check",
            check=check_id,
            at=now(),
        )


def _verdict_json(verdict: RowVerdict) -> dict[str, Any]:
    return {name: getattr(verdict, name) for name in RowVerdict.__dataclass_fields__}


def _verdict_from_json(kept: dict[str, Any]) -> RowVerdict:
    return RowVerdict(**{**kept, "codes": tuple(kept["codes"])})
