"""What follows when a mail of ours came back for good: its address is written to no more, and a collector sees why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivables.store.customer_file.contacts import mark_mail
from receivables.store.customer_file.journal import AccountEvent, note_events

if TYPE_CHECKING:
    from portal.mailbox.bounces import Bounce
    from receivables.store.work import Work

BOUNCED = "mail.bounced"


def note_bounce(work: Work, bounce: Bounce) -> bool:
    """Note that a mail came back; no where we sent none, or not to any address that the report names."""
    mail = work.row(
        "SELECT recipient, subject, state FROM mails WHERE supplier_id = :supplier AND mail_id = :id FOR UPDATE",
        id=bounce.mail_id,
    )
    if mail is None or mail["recipient"].lower() not in bounce.recipients:
        return False
    if mail["state"] == "bounced":
        return True
    address = mail["recipient"].lower()
    work.execute(
        "UPDATE mails SET state = 'bounced', reason = :reason WHERE supplier_id = :supplier AND mail_id = :id",
        id=bounce.mail_id,
        reason=bounce.reason,
    )
    mark_mail(work, address, "bounced")
    owners = work.rows(
        "SELECT DISTINCT customer_id FROM customer_contacts WHERE supplier_id = :supplier AND email = :email",
        email=address,
    )
    facts = {"address": address, "subject": mail["subject"], "reason": bounce.reason}
    note_events(
        work, [AccountEvent(each["customer_id"], BOUNCED, "mail server", shown=False, facts=facts) for each in owners]
    )
    work.audit("mail server", BOUNCED, str(bounce.mail_id), reason=bounce.reason)
    return True
