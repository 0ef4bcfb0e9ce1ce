"""When a debit may be: announced early enough, with the bank early enough, on a day on which TARGET settles."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.clock import PARIS, legal_day
from config.law.days import BANKING, add_days, days_before, is_open, on_or_after

if TYPE_CHECKING:
    from datetime import datetime

    from payments.debits.settings import DebitSettings

LAPSE_MONTHS = 36
"""A mandate lapses when nothing was presented under it for so long (EPC rulebooks Core and B2B, section 4.1)."""


def first_day(settings: DebitSettings, scheme: str, at: datetime) -> date:
    """The first day on which a debit may be collected whose file is handed over at ``at``.

    The bank wants it some banking days before, until its cut-off; what comes later counts for the next banking day.
    """
    local = at.astimezone(PARIS)
    handed = local.date()
    if not is_open(handed, BANKING) or local.time().replace(tzinfo=None) > settings.cutoff:
        handed = add_days(handed, 1, BANKING)
    return add_days(handed, settings.lead_days(scheme), BANKING)


def last_day_to_send(settings: DebitSettings, scheme: str, collect_on: date) -> date:
    """The last banking day on which the bank takes the file of a debit, until its cut-off."""
    return days_before(collect_on, settings.lead_days(scheme), BANKING)


def collection_day(settings: DebitSettings, scheme: str, due_on: date, notice_days: int, at: datetime) -> date:
    """When an invoice is collected that is announced now: never before it is due, nor before its notice is over."""
    announced = legal_day(at) + timedelta(days=notice_days)
    return max(on_or_after(max(due_on, announced), BANKING), first_day(settings, scheme, at))


def lapses_on(last: date) -> date:
    """The day on which a mandate lapses that was last used, or signed, on ``last``."""
    month = last.month - 1 + LAPSE_MONTHS
    year, month = last.year + month // 12, month % 12 + 1
    day = last.day
    while True:
        try:
            return date(year, month, day)
        except ValueError:  # 29 February
            day -= 1
