"""Who is mailed the indicators, how often, and about whose customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.errors import NotFoundError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

DAILY, WEEKLY, MONTHLY = "daily", "weekly", "monthly"
WEEK_DAYS = 7
_SELECT = (
    "SELECT mailing_id, person_id, rhythm, narrowed, next_on FROM indicator_mailings "
    "WHERE supplier_id = :supplier AND state = 'on' "
)


@dataclass(frozen=True, slots=True)
class Mailing:
    """A mail at intervals to one person; ``narrowed``: a collector, a segment, a currency, as an address has them."""

    mailing_id: UUID
    person_id: UUID
    rhythm: str
    narrowed: dict[str, Any]
    next_on: date


def next_day(rhythm: str, after: date) -> date:
    """The first day after ``after`` of a rhythm: the next day, the next Monday, the first of the next month."""
    if rhythm == DAILY:
        return after + timedelta(days=1)
    if rhythm == WEEKLY:
        return after + timedelta(days=WEEK_DAYS - after.weekday())
    return (after.replace(day=1) + timedelta(days=31)).replace(day=1)


def add_mailing(work: Work, person_id: UUID, rhythm: str, narrowed: dict[str, str], today: date) -> UUID:
    """Mail a person the indicators from the next day of ``rhythm`` on."""
    mailing_id = new_id()
    work.execute(
        "INSERT INTO indicator_mailings (supplier_id, mailing_id, person_id, rhythm, narrowed, state, next_on, "
        "asked_at, changed_at) VALUES (:supplier, :id, :person, :rhythm, CAST(:narrowed AS jsonb), 'on', :next, "
        ":at, :at)",
        id=mailing_id,
        person=person_id,
        rhythm=rhythm,
        narrowed=to_json(narrowed),
        next=next_day(rhythm, today),
        at=now(),
    )
    work.audit(f"person {person_id}", "indicators.mailing_added", str(mailing_id), rhythm=rhythm, narrowed=narrowed)
    return mailing_id


def mailings_of(work: Work, person_id: UUID) -> list[Mailing]:
    """What a person is mailed, the next first."""
    rows = work.rows(_SELECT + "AND person_id = :person ORDER BY next_on, mailing_id", person=person_id)
    return [Mailing(**row) for row in rows]


def due_mailings(work: Work, today: date) -> list[Mailing]:
    """What is to be mailed by now, kept from others who look at the same time."""
    rows = work.rows(_SELECT + "AND next_on <= :today ORDER BY next_on, mailing_id FOR UPDATE SKIP LOCKED", today=today)
    return [Mailing(**row) for row in rows]


def move_mailing(work: Work, mailing: Mailing, today: date) -> None:
    """Say when a mailing is due next; days that were missed are not made up for."""
    work.execute(
        "UPDATE indicator_mailings SET next_on = :next, changed_at = :at "
        "WHERE supplier_id = :supplier AND mailing_id = :id",
        id=mailing.mailing_id,
        next=next_day(mailing.rhythm, today),
        at=now(),
    )


def stop_mailing(work: Work, mailing_id: UUID, person_id: UUID, actor: str) -> None:
    """Stop a mailing of a person.

    Raises:
        NotFoundError: ``indicators.no_mailing``.
    """
    stopped = work.execute(
        "UPDATE indicator_mailings SET state = 'off', changed_at = :at "
        "WHERE supplier_id = :supplier AND mailing_id = :id AND person_id = :person AND state = 'on'",
        id=mailing_id,
        person=person_id,
        at=now(),
    )
    if not stopped:
        raise NotFoundError("indicators.no_mailing", "There is no such mailing.", "Cet envoi n'existe pas.")
    work.audit(actor, "indicators.mailing_stopped", str(mailing_id))
