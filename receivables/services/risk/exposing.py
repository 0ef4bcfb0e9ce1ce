"""Exposure (encours): what is at risk with a customer, now or on a past day, down to the lines that add up to it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from config.clock import today
from receivables.domain.risk.exposure import COMPONENTS, LOWERING, Exposure, ExposureLine
from receivables.store.risk.commitments import load_as_of
from receivables.store.risk.exposure import lines_in_books, planned_lines, sum_exposures, sums_in_books

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50


def exposure_of(work: Work, customer_id: UUID, currency: str = "EUR", on: date | None = None) -> Exposure:
    """The exposure (encours) of a customer in one currency, computed from the open items: it cannot drift.

    ``on`` is the end of a day that is over; the present without it.
    """
    if on is None or on >= today():
        return exposures(work, [customer_id], currency).get(customer_id, Exposure())
    return _as_of(work, customer_id, currency, on)


def exposures(work: Work, customer_ids: Sequence[UUID] | None = None, currency: str = "EUR") -> dict[UUID, Exposure]:
    """The exposure in one currency of the given customers, or of all that have any."""
    return {key: _exposure(sums) for key, sums in sum_exposures(work, customer_ids, currency).items()}


def exposure_lines(
    work: Work,
    customer_id: UUID,
    currency: str,
    component: str,
    on: date | None = None,
    *,
    offset: int = 0,
    limit: int = PAGE,
) -> list[ExposureLine]:
    """The lines that add up to one component, the oldest first; those of a past day where ``on`` is given.

    ``limit`` + 1 lines where there are more.
    """
    day = on if on is not None and on < today() else None
    if component in ("delivered", "ordered"):
        lines = [each for each in _planned(work, customer_id, currency, day) if each.component == component]
        return sorted(lines, key=lambda each: (each.began_on, each.reference))[offset : offset + limit + 1]
    return lines_in_books(work, customer_id, currency, component, day=day or date.max, page=(offset, limit + 1))


def _as_of(work: Work, customer_id: UUID, currency: str, day: date) -> Exposure:
    sums = dict.fromkeys(COMPONENTS, 0) | sums_in_books(work, customer_id, currency, day)
    for line in _planned(work, customer_id, currency, day):
        sums[line.component] += line.minor
    return _exposure(sums)


def _planned(work: Work, customer_id: UUID, currency: str, day: date | None) -> list[ExposureLine]:
    facts = None if day is None else load_as_of(work, customer_id, currency, day)
    return planned_lines(work, customer_id, currency, facts, day or date.max)


def _exposure(sums: dict[str, int]) -> Exposure:
    """Sums by component; of deposits and credits those that lower the exposure, deposits never below zero."""
    signed = {name: -sums[name] if name in LOWERING else sums[name] for name in COMPONENTS}
    signed["deposits"] = max(signed["deposits"], 0)
    return Exposure(**{f"{name}_minor": minor for name, minor in signed.items()})
