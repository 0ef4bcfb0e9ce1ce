"""How the worker's chores run, and those about claims: reminded, judged, scored, insured, escalated, told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from config.clock import today
from einvoice.platform.port import PlatformError, PlatformPausedError
from portal.background.factoring import tend_assignments
from portal.background.plan_duties import LOOK_EVERY_S as AGREEMENTS_EVERY_S
from portal.background.plan_duties import judge_all, review_all
from portal.digests.sending import send_digests
from portal.dunning.running import run_dunning_day
from portal.exports.kept import end_exports
from portal.invoicing.recurring import run_recurring
from portal.staff.indicators.mailing import send_mailings
from portal.webhooks.planning import plan_webhooks
from receivables.services.collecting.overdue_telling import tell_overdue
from receivables.services.conversations.escalating import escalate_disputes
from receivables.services.risk.insurance_alarms import tend_insurance_daily
from receivables.services.risk.limiting import end_what_is_over
from receivables.services.risk.scoring import score_yesterday
from receivables.services.settlement.short_paying import tend_short_payments_daily
from receivables.store.customer_file.standings import turn_standings
from receivables.store.work_to_do import (
    CLAIMS_ASSIGNED,
    CREDIT_ENDING,
    DIGEST_DUE,
    DUE_INDICATOR_MAILINGS,
    EVENTS_TO_NUMBER,
    EXPORTS_TO_END,
    INSURANCE_DUE,
    LATE_DISPUTES,
    OVERDUE_TO_TELL,
    PLANS_UNDER_WAY,
    PROMISES_TO_JUDGE,
    RECURRING_DUE,
    REMINDERS_TO_PLAN,
    SCORES_DUE,
    SHORT_PAYMENTS,
    STANDINGS_TURNING,
    suppliers_with,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from config.database import Database
    from portal.wiring import Services

log = logging.getLogger("quittance.duties")

Chore = tuple[float, Callable[[], None]]
"""How often, in seconds, and what."""

REMINDERS_EVERY_S = 60.0
"""How soon after its opening hour a supplier's reminders of the day are written."""
CREDIT_EVERY_S = 900.0
"""How soon after midnight a limit or derogation whose day is past is looked at again."""
DIGEST_EVERY_S = 300.0
"""How soon after six on a Monday the digests of the week are written."""
INDICATORS_EVERY_S = 300.0
"""Mails about the day before are there in the morning."""
ESCALATE_EVERY_S = 900.0
"""How often to see whether a dispute passed its deadline, or a short payment was explained: these are days."""
SCORES_EVERY_S = 600.0
"""How soon after midnight customers are scored for the day that is over, and insured deadlines looked at."""
TELL_EVERY_S = 1.0
"""How soon what happened stands in the log for the outside, and is on its way to those who listen."""
TURN_EVERY_S = 5.0
"""How soon after midnight the first page reads kept sums again; until then it reads lines, and says the same."""
RECURRING_EVERY_S = 60.0
"""How soon after midnight an invoice that comes back is written."""
END_EXPORTS_EVERY_S = 300.0
"""How soon a file whose days are over is emptied; from that moment on nobody is given it."""
FACTOR_EVERY_S = 60.0
"""How soon what came in for a factor stands on its account."""


def chores_of_claims(services: Services) -> tuple[Chore, ...]:
    """What is done about claims, at intervals, for the suppliers that it may concern."""
    those = those_of(services.database)
    return (
        (REMINDERS_EVERY_S, those(REMINDERS_TO_PLAN, lambda s: run_dunning_day(services, s))),
        (CREDIT_EVERY_S, those(CREDIT_ENDING, lambda s: services.works.run(s, end_what_is_over))),
        (
            ESCALATE_EVERY_S,
            those(LATE_DISPUTES, lambda s: services.works.run(s, lambda work: escalate_disputes(work, today()))),
        ),
        (ESCALATE_EVERY_S, those(SHORT_PAYMENTS, lambda s: services.works.run(s, tend_short_payments_daily))),
        (INDICATORS_EVERY_S, those(DUE_INDICATOR_MAILINGS, lambda s: send_mailings(services, s))),
        (DIGEST_EVERY_S, those(DIGEST_DUE, lambda s: send_digests(services, s))),
        (SCORES_EVERY_S, those(SCORES_DUE, lambda s: services.works.run(s, score_yesterday))),
        (SCORES_EVERY_S, those(INSURANCE_DUE, lambda s: services.works.run(s, tend_insurance_daily))),
        (TELL_EVERY_S, those(EVENTS_TO_NUMBER, lambda s: plan_webhooks(services.works, s))),
        (SCORES_EVERY_S, those(OVERDUE_TO_TELL, lambda s: services.works.run(s, tell_overdue))),
        (FACTOR_EVERY_S, those(CLAIMS_ASSIGNED, lambda s: tend_assignments(services, s))),
        (RECURRING_EVERY_S, those(RECURRING_DUE, lambda s: run_recurring(services, s))),
        (END_EXPORTS_EVERY_S, those(EXPORTS_TO_END, lambda s: services.works.run(s, end_exports))),
        (
            TURN_EVERY_S,
            those(STANDINGS_TURNING, lambda s: services.works.run(s, lambda work: turn_standings(work, today()))),
        ),
        (AGREEMENTS_EVERY_S, those(PROMISES_TO_JUDGE, lambda s: judge_all(services, s))),
        (AGREEMENTS_EVERY_S, those(PLANS_UNDER_WAY, lambda s: review_all(services, s))),
    )


def those_of(database: Database) -> Callable[[str, Callable[[UUID], object]], Callable[[], None]]:
    """Makes a chore for the suppliers that meet a condition of ``work_to_do``."""

    def those(condition: str, chore: Callable[[UUID], object]) -> Callable[[], None]:
        return for_each(lambda: suppliers_with(database, condition), chore)

    return those


def for_each(suppliers: Callable[[], Iterable[UUID]], chore: Callable[[UUID], object]) -> Callable[[], None]:
    """Run ``chore`` for each of ``suppliers``; one's trouble is logged and does not stop the others."""

    def run() -> None:
        for supplier_id in suppliers():
            try:
                chore(supplier_id)
            except PlatformPausedError:
                continue  # told once, when its circuit opened
            except PlatformError as error:
                log.warning("A platform did not answer: %s", error, extra={"supplier": str(supplier_id)})
            except Exception:
                log.exception("A chore failed", extra={"supplier": str(supplier_id)})

    return run
