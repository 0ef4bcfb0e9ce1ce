"""Dunning in the demonstration: the usual scenarios, and the reminders of the day written; the rest waits for you."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now, today
from config.law.days import on_or_after
from portal.dunning.running import send_reminders
from receivables.services.collecting.dunning import adopt_usual_scenarios, keep_settings
from receivables.store.collecting.dunning import DunningSettings

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services

ACTOR = "demo"


def add_dunning(services: Services, supplier_id: UUID, signatory: str) -> None:
    """Begin with the usual scenarios, and write what is due on the next open day and needs nobody's approval."""
    with services.works.begin(supplier_id) as work:
        adopt_usual_scenarios(work, ACTOR)
        settings = DunningSettings(signatory=signatory, signatory_title="Direction")
        keep_settings(work, settings, now(), ACTOR)
    send_reminders(services, supplier_id, ACTOR, on_or_after(today()))
