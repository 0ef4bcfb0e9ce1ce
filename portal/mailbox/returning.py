"""What follows when a mail of ours came back: its address is written to no more, and whoever looks after it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now, today
from portal.access.people import get_person, memberships_of
from portal.mail.staff_mails import tell_staff
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_tasks_for
from receivables.store.customer_file.contacts import customer_file, mark_mail
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.journal import AccountEvent, note_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from portal.access.people import Person
    from portal.mailbox.bounces import Bounce
    from portal.wiring import Services
    from receivables.store.work import Work

BOUNCED = "mail.bounced"
RETURNED = "mail.returned"
"""What a collector is asked to do: find an address that works."""
TASKS = "mail/returned/"
AGAIN = ("bounced", "failed")
"""States of mails that did not arrive and may be tried again."""


def note_bounce(services: Services, work: Work, bounce: Bounce) -> bool:
    """Note that a mail came back; no where we sent none, or not to any address that the report names.

    Where the address itself is dead, it is closed until somebody changes it, and the collector of its customer has
    something to do. Everybody who looks after the customer reads it in the journal.
    """
    mail = work.row(
        "SELECT mail_id, recipient, subject, state FROM mails WHERE supplier_id = :supplier AND mail_id = :id "
        "FOR UPDATE",
        id=bounce.mail_id,
    )
    if mail is None or mail["recipient"].lower() not in bounce.recipients:
        return False
    if mail["state"] == "bounced":
        return True
    address = mail["recipient"].lower()
    work.execute(
        "UPDATE mails SET state = :state, reason = :reason WHERE supplier_id = :supplier AND mail_id = :id",
        id=bounce.mail_id,
        state="bounced" if bounce.closes else "failed",
        reason=bounce.reason,
    )
    is_news = bool(mark_mail(work, address, "bounced")) if bounce.closes else False
    owners = _owners(work, address)
    facts = {"address": address, "subject": mail["subject"], "reason": bounce.reason}
    note_events(work, [AccountEvent(each, BOUNCED, "mail server", shown=False, facts=facts) for each in owners])
    work.audit("mail server", BOUNCED, str(bounce.mail_id), reason=bounce.reason, closes=bounce.closes)
    if is_news:
        open_tasks_for(
            work,
            [NewTask(task_key(address, each, bounce.mail_id), RETURNED, today(), each, facts=facts) for each in owners],
        )
        _tell_collectors(services, work, owners, mail, bounce.reason)
    return True


def resume_address(work: Work, address: str, actor: str) -> bool:
    """Write to an address again that mails came back from: somebody knows that it works; whether it was closed."""
    opened = work.execute(
        "UPDATE customer_contacts SET mail_state = 'good' WHERE supplier_id = :supplier AND email = :email "
        "AND mail_state = 'bounced'",
        email=address.lower(),
    )
    if opened:
        for each in _owners(work, address.lower()):
            drop_tasks(work, f"{TASKS}{each}/{address.lower()}/", "resumed")
        work.audit(actor, "mail_address.resumed", address.lower())
    return bool(opened)


def send_again(work: Work, mail_id: UUID, actor: str) -> bool:
    """Put a mail that came back on its way once more; whether it was one of those."""
    again = work.execute(
        "UPDATE mails SET state = 'to_send', reason = NULL, tries = 0, next_try_at = :at "
        "WHERE supplier_id = :supplier AND mail_id = :id AND state = ANY(:states)",
        id=mail_id,
        states=list(AGAIN),
        at=now(),
    )
    if again:
        work.audit(actor, "mail.sent_again", str(mail_id))
    return bool(again)


def is_closed(work: Work, address: str) -> bool:
    """Whether mails to an address come back."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM customer_contacts WHERE supplier_id = :supplier AND email = :email "
            "AND mail_state = 'bounced')",
            email=address.lower(),
        )
    )


def task_key(address: str, customer_id: UUID, mail_id: UUID) -> str:
    """The name of the task of one customer about one address, new each time that it closes."""
    return f"{TASKS}{customer_id}/{address}/{mail_id}"


def _owners(work: Work, address: str) -> list[UUID]:
    rows = work.rows(
        "SELECT customer_id FROM customer_contacts WHERE supplier_id = :supplier AND email = :email "
        "UNION SELECT customer_id FROM customers WHERE supplier_id = :supplier AND email = :email",
        email=address,
    )
    return [each["customer_id"] for each in rows]


def _tell_collectors(services: Services, work: Work, owners: Sequence[UUID], mail: RowMapping, reason: str) -> None:
    """A word to whoever looks after each customer; where nobody does, the task waits for all."""
    for customer_id in owners:
        collector = _collector(services, work, customer_id)
        if collector is None:
            continue
        told = {
            "customer": get_customer(work, customer_id).name,
            "subject": mail["subject"],
            "address": mail["recipient"],
            "reason": reason,
        }
        tell_staff(
            services,
            work,
            "mail_returned",
            [collector],
            key=f"mail-returned/{mail['mail_id']}/{customer_id}",
            path=f"/s/customers/{customer_id}",
            told=lambda _, told=told: told,  # type: ignore[misc]
        )


def _collector(services: Services, work: Work, customer_id: UUID) -> Person | None:
    """Who looks after a customer, as long as they are on the staff."""
    person_id = customer_file(work, customer_id).collector_id
    if person_id is None:
        return None
    here = memberships_of(services.database, person_id)
    if not any(each.is_staff and each.supplier_id == work.supplier_id for each in here):
        return None
    return get_person(services.database, person_id)
