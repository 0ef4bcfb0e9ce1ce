"""The demonstration of exports: the books closed until the end of the month before the last."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import today
from receivables.services.accounting.closing import close_period

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services


def add_exports(services: Services, supplier_id: UUID) -> None:
    """Close the books two months back, after everything else was told."""
    last_month = today().replace(day=1) - timedelta(days=1)
    until = last_month.replace(day=1) - timedelta(days=1)
    services.works.run(supplier_id, lambda work: close_period(work, until, "demo"))
