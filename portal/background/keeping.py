"""The weekly look into the archive: a supplier's files read again, and what is wrong put before its people."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now
from einvoice.archive.comparison import Tally, compare_supplier

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

log = logging.getLogger("quittance.keeping")

EVERY = timedelta(days=7)
"""Disks rot slowly, and reading everything costs hours in a large house."""
WATERMARK = "archive.read_again"
SOURCE = "archive"


def read_archive_again(services: Services, supplier_id: UUID) -> Tally | None:
    """Read a supplier's archived files again if a week has passed; ``None`` if not. The first week begins now.

    What is wrong becomes one buried message, which the page of problems explains.
    """
    with services.works.begin(supplier_id) as work:
        before = work.scalar(
            "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name", name=WATERMARK
        )
        if before is None:
            _reach(work, now())
            return None
    if before > now() - EVERY:
        return None
    tally = Tally()
    for problem in compare_supplier(services.works, supplier_id, services.archive, tally):
        log.error("%s %s: %s", problem.code, problem.path, problem.sentence, extra={"supplier": str(supplier_id)})
    with services.works.begin(supplier_id) as work:
        if tally.problems:
            _put_before_people(work, tally)
        _reach(work, now())
    return tally


def _put_before_people(work: Work, tally: Tally) -> None:
    counts = ", ".join(f"{count} {code}" for code, count in sorted(tally.problems.items()))
    at = now()
    work.execute(
        "INSERT INTO inbox (supplier_id, source, external_id, body, state, reason, received_at, done_at) "
        "VALUES (:supplier, :source, :id, '', 'buried', :reason, :at, :at) ON CONFLICT DO NOTHING",
        source=SOURCE,
        id=at.isoformat(),
        reason=f"archive: {counts}",
        at=at,
    )


def _reach(work: Work, instant: datetime) -> None:
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = excluded.reached_at",
        name=WATERMARK,
        at=instant,
    )
