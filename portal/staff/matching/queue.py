"""The lines that wait for a person, best proposal first, as a set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.banking.lines import lines_by_ids

if TYPE_CHECKING:
    from payments.banking.lines import BankLine
    from receivables.store.work import Work

PAGE = 25
FILTERS = {"proposed": ("proposed",), "unidentified": ("unidentified",), "all": ("proposed", "unidentified")}


def waiting_lines(work: Work, show: str, wanted: str, page: int) -> tuple[list[BankLine], bool]:
    """A page of lines to decide, the surest first, and whether there are more."""
    rows = work.rows(
        "SELECT line_id FROM bank_lines WHERE supplier_id = :supplier AND state = ANY(:states) AND amount_minor > 0 "
        "AND (:wanted = '' OR counterparty ILIKE :like OR remittance ILIKE :like) "
        "ORDER BY score DESC NULLS LAST, booked_on, line_id LIMIT :most OFFSET :start",
        states=list(FILTERS[show]),
        wanted=wanted,
        like="%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        most=PAGE + 1,
        start=page * PAGE,
    )
    ids = [row["line_id"] for row in rows]
    found = {line.line_id: line for line in lines_by_ids(work, ids[:PAGE])}
    return [found[each] for each in ids[:PAGE]], len(ids) > PAGE


def count_waiting(work: Work) -> dict[str, int]:
    """How many lines wait in each state."""
    rows = work.rows(
        "SELECT state, count(*) AS lines FROM bank_lines WHERE supplier_id = :supplier "
        "AND state IN ('proposed', 'unidentified') AND amount_minor > 0 GROUP BY state"
    )
    return {row["state"]: row["lines"] for row in rows}
