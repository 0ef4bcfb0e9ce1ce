"""The book of mails as staff read it: searched, narrowed, page by page, and one mail with everything about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.store.work import literally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50
_OPEN = (
    "kind <> ALL(:kinds) AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:keys AS text[])) AS secret "
    "WHERE starts_with(mail_key, secret))"
)
STATES = ("to_send", "sent", "failed", "withdrawn", "bounced")


@dataclass(frozen=True, slots=True)
class BookLine:
    """One mail in a list."""

    mail_id: UUID
    kind: str
    recipient: str
    subject: str
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that goes with a mail."""

    filename: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One mail as it goes; ``reason`` is why it did not, or what a server said."""

    mail_id: UUID
    mail_key: str
    kind: str
    recipient: str
    subject: str
    text_body: str
    html_body: str
    invoice_id: UUID | None
    reply_to: str | None
    unsubscribe_url: str | None
    state: str
    reason: str | None
    tries: int
    next_try_at: datetime
    created_at: datetime
    sent_at: datetime | None
    files: tuple[AttachedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Hidden:
    """Mails that open somebody else's account: by their kinds, and by how their keys begin."""

    kinds: Sequence[str] = ()
    keys: Sequence[str] = ()


def list_book(
    work: Work, hidden: Hidden, *, state: str | None = None, wanted: str = "", after: UUID | None = None
) -> list[BookLine]:
    """Mails, newest first; one more than :data:`PAGE` where there are more. ``wanted``: in recipient or subject."""
    conditions = ["supplier_id = :supplier", _OPEN]
    if state:
        conditions.append("state = :state")
    if wanted:
        conditions.append("(recipient ILIKE :wanted OR subject ILIKE :wanted)")
    if after is not None:
        conditions.append(
            "(created_at, mail_id) < (SELECT created_at, mail_id FROM mails "
            "WHERE supplier_id = :supplier AND mail_id = :after)"
        )
    rows = work.rows(
        f"SELECT mail_id, kind, recipient, subject, state, created_at FROM mails WHERE {' AND '.join(conditions)} "
        "ORDER BY created_at DESC, mail_id DESC LIMIT :limit",
        kinds=list(hidden.kinds),
        keys=list(hidden.keys),
        state=state,
        wanted=f"%{literally(wanted)}%",
        after=after,
        limit=PAGE + 1,
    )
    return [BookLine(**row) for row in rows]


def find_kept_mail(work: Work, mail_id: UUID, hidden: Hidden) -> KeptMail | None:
    """One mail with its files; ``None`` where there is none that may be read here."""
    row = work.row(
        "SELECT mail_id, mail_key, kind, recipient, subject, text_body, html_body, invoice_id, reply_to, "
        "unsubscribe_url, state, reason, tries, next_try_at, created_at, sent_at FROM mails "
        f"WHERE supplier_id = :supplier AND mail_id = :id AND {_OPEN}",
        id=mail_id,
        kinds=list(hidden.kinds),
        keys=list(hidden.keys),
    )
    if row is None:
        return None
    files = work.rows(
        "SELECT filename, size_bytes FROM mail_files WHERE supplier_id = :supplier AND mail_id = :id ORDER BY position",
        id=mail_id,
    )
    return KeptMail(**row, files=tuple(AttachedFile(**each) for each in files))
