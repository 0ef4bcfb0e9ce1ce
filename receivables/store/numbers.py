"""Gapless numbers: a counter row, locked until the transaction that uses its number ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receivables.store.work import Work


def take_number(work: Work, series: str, year: int) -> int:
    """The next number of ``series`` in ``year``, from 1. Given back by a rollback, so that no gap appears."""
    return int(
        work.scalar(
            "INSERT INTO number_series (supplier_id, series, year, last_number) VALUES (:supplier, :series, :year, 1) "
            "ON CONFLICT (supplier_id, series, year) DO UPDATE SET last_number = number_series.last_number + 1 "
            "RETURNING last_number",
            series=series,
            year=year,
        )
    )


def lock_number(work: Work, number: str, year: int) -> None:
    """Let one transaction at a time look for a finished invoice's number and take it."""
    work.scalar(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"number:{work.supplier_id}:{year}:{number}"
    )
