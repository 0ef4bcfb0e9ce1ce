"""The worker's look at promises and plans: verdicts, reminders of instalments, defaults, and the mails about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import today
from portal.mail.plan_mails import write_plan_mail
from receivables.services.collecting.plan_reviews import review_plans
from receivables.services.collecting.promising import judge_promises

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

LOOK_EVERY_S = 900.0
"""Verdicts are by day; a promise that was kept is known within a quarter of an hour."""


def judge_all(services: Services, supplier_id: UUID) -> int:
    """Give the verdicts that are due; returns how many."""
    return len(services.works.run(supplier_id, lambda work: judge_promises(work, today())))


def review_all(services: Services, supplier_id: UUID) -> int:
    """Look at the plans under way and write the mails about what is new; returns how many turned."""

    def look(work: Work) -> int:
        found = review_plans(work, today())
        for news in found:
            write_plan_mail(services, work, news.what, news.plan, news.part)
        return len(found)

    return services.works.run(supplier_id, look)
