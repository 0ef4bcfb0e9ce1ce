"""A reminder is looked at once more right before its mail is handed to the server: what was paid is not asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import legal_day, now
from portal.dunning.mails import HELD_BY
from portal.mail.post import Drop, Wait
from receivables.services.collecting.dunning import next_opening, rules_of, why_not_any_more
from receivables.store.collecting.dunning import get_notice, notice_of_mail
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

WITHDRAWN = "dunning.withdrawn"


def look_again(_services: Services, work: Work, mail_id: UUID) -> Drop | Wait | None:
    """Whether a reminder may go now: not at night or on a holiday, and not where it is not right any more.

    It reads what is committed at this instant and the server gets the mail next: what is paid later crosses it, as a
    letter would, and the mail says so. A reminder that was withdrawn counts as never written; the next day of
    reminders asks for what is still due then.
    """
    at = now()
    opens_at = next_opening(rules_of(work).settings, at)
    if opens_at > at:
        return Wait(opens_at)
    notice_id = notice_of_mail(work, mail_id)
    why = why_not_any_more(work, notice_id, legal_day(at)) if notice_id else "unknown"
    if why is None:
        return None
    if notice_id is not None:
        notice = get_notice(work, notice_id)
        facts = {"level": notice.level, "why": why}
        note_event(work, AccountEvent(notice.customer_id, WITHDRAWN, "worker", shown=False, facts=facts))
        work.audit("worker", WITHDRAWN, str(notice_id), why=why)
    return Drop(why)


LOOKS = {HELD_BY: look_again}
"""Who looks at which mails before they go."""
