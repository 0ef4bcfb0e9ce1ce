"""Letter (lettrer): give the lines that allocations join a common code, and take it back when they part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.clock import new_id
from receivables.domain.settlement.lettering import Sheet, group_of, letter_code, lettering_day
from receivables.store.settlement.letterings import Lettering, count_letters, load_letterings, write_letterings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work


def letter(work: Work, sheet: Sheet, changed: Iterable[UUID], at: datetime, *, fresh: set[UUID]) -> set[UUID]:
    """Bring the letterings of the ``changed`` lines up to date.

    A group that balances takes a new upper-case code, a partial one a lower-case code that it keeps while it grows.
    A code once given is never used again in its year; a group that parts ends with its reason. ``fresh`` are lines
    that were not in the books before, so that a group of them alone can only be new. Returns the lines whose
    lettering is another one now.
    """
    before = {item.lettering_id for p in changed if (item := sheet.items[p]).lettering_id}
    old = load_letterings(work, before) if before else {}
    members = {p for p, item in sheet.items.items() if item.lettering_id in before} | set(changed)
    was = {p: item.lettering_id for p, item in sheet.items.items()}
    groups = {group_of(sheet, posting_id) for posting_id in sorted(members)}
    kept: set[UUID] = set()
    plans: list[tuple[frozenset[UUID], bool]] = []
    lines: list[dict[str, Any]] = []
    for group in sorted(groups, key=min):
        balanced = all(sheet.items[p].open_minor == 0 for p in group)
        keeper = _keeper(was, group, old, balanced=balanced)
        if len(group) == 1 and not balanced:
            sheet.items[next(iter(group))].lettering_id = None
        elif keeper is not None:
            kept.add(keeper.lettering_id)
            lines += _join(sheet, group, keeper.lettering_id)
        elif len(group) > 1:
            plans.append((group, balanced))
    written = _new_letterings(work, sheet, plans, at, lines)
    ends = [{"lettering_id": each, "reason": _reason(fresh), "ended_at": at} for each in before - kept]
    write_letterings(work, written, lines, ends)
    return {p for p, lettering_id in was.items() if sheet.items[p].lettering_id != lettering_id}


def _keeper(
    was: Mapping[UUID, UUID | None], group: frozenset[UUID], old: Mapping[UUID, Lettering], *, balanced: bool
) -> Lettering | None:
    """The lettering that goes on: a partial one that only grew, or a balanced one that nothing touched."""
    present = {each for p in group if (each := was[p]) is not None}
    if len(present) != 1 or (keeper := old[next(iter(present))]).balanced != balanced:
        return None
    lost_none = all(p in group for p, each in was.items() if each == keeper.lettering_id)
    gained_none = all(was[p] == keeper.lettering_id for p in group)
    return keeper if lost_none and (gained_none or not balanced) else None


def _join(sheet: Sheet, group: frozenset[UUID], lettering_id: UUID) -> list[dict[str, Any]]:
    joined = []
    for posting_id in group:
        if sheet.items[posting_id].lettering_id != lettering_id:
            sheet.items[posting_id].lettering_id = lettering_id
            joined.append({"lettering_id": lettering_id, "posting_id": posting_id})
    return joined


def _new_letterings(
    work: Work, sheet: Sheet, plans: list[tuple[frozenset[UUID], bool]], at: datetime, lines: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """One lettering per new group, its code the next of the customer's account in the year of its latest line."""
    series = [
        (sheet.items[next(iter(group))].customer_id, lettering_day(sheet.items[p] for p in group).year, balanced)
        for group, balanced in plans
    ]
    counts = count_letters(work, series)
    written = []
    for (group, balanced), key in zip(plans, series, strict=True):
        counts[key] += 1
        lettering_id = new_id()
        for posting_id in group:
            sheet.items[posting_id].lettering_id = lettering_id
            lines.append({"lettering_id": lettering_id, "posting_id": posting_id})
        written.append(
            {
                "lettering_id": lettering_id,
                "customer_id": key[0],
                "year": key[1],
                "code": letter_code(counts[key], balanced=balanced),
                "balanced": balanced,
                "lettered_on": lettering_day(sheet.items[p] for p in group),
                "lettered_at": at,
            }
        )
    return written


def _reason(fresh: set[UUID]) -> str:
    return "completed or parted by a new line" if fresh else "reallocated"
