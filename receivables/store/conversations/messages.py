"""Conversations in PostgreSQL: threads, messages with their files, and who has read them.

Nothing here reads internal notes: they have a table and a module of their own, which no page for customers imports.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.conversations.messages import Channel, File, Message, Side, Thread
from receivables.errors import NotFoundError
from receivables.store.conversations.message_words import holding
from receivables.store.work import literally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.conversations.messages import Subject
    from receivables.store.work import Work

MOST_SHOWN = 200
"""Messages of one conversation on a page: the latest of them."""
_THREAD = ", ".join(f"thread.{name}" for name in Thread.__dataclass_fields__)
_MESSAGE = "message_id, side, channel, actor, author, address, known, said, left_out, said_at"
_ABOUT = (
    "thread.supplier_id = :supplier AND thread.customer_id = :customer "
    "AND thread.invoice_id IS NOT DISTINCT FROM CAST(:invoice AS uuid)"
)
UNREAD = (
    "coalesce(thread.last_customer_at > coalesce((SELECT read_at FROM thread_reads AS seen WHERE seen.supplier_id = "
    ":supplier AND seen.thread_id = thread.thread_id AND seen.person_id = :reader), '-infinity'), false)"
)
MINE = "coalesce(thread.assigned_to, file.collector_id) = :reader"
CHOICES = {
    "open": "thread.state = 'open'",
    "waiting": "thread.waiting_since IS NOT NULL",
    "unread": UNREAD,
    "closed": "thread.state = 'closed'",
    "all": "true",
}
"""What a list of conversations can be narrowed to."""


@dataclass(frozen=True, slots=True)
class ThreadLine:
    """A conversation in a list; ``said`` is the last thing that both sides may read, empty where there is none."""

    thread: Thread
    customer_name: str
    number: str | None
    said: str
    last_side: str | None
    unread: bool
    answers: UUID | None
    """Who answers: the person it was given to, else the customer's collector."""


def find_thread(work: Work, subject: Subject) -> Thread | None:
    """The conversation about a subject."""
    row = work.row(
        f"SELECT {_THREAD} FROM message_threads AS thread WHERE {_ABOUT}",
        customer=subject.customer_id,
        invoice=subject.invoice_id,
    )
    return Thread(**row) if row else None


def open_thread(work: Work, subject: Subject) -> Thread:
    """The conversation about a subject, begun where there is none; the caller holds the customer's lock."""
    known = find_thread(work, subject)
    if known is not None:
        return known
    work.execute(
        "INSERT INTO message_threads (supplier_id, thread_id, customer_id, invoice_id, opened_at, changed_at) "
        "VALUES (:supplier, :id, :customer, :invoice, :at, :at)",
        id=new_id(),
        customer=subject.customer_id,
        invoice=subject.invoice_id,
        at=now(),
    )
    begun = find_thread(work, subject)
    assert begun is not None  # noqa: S101 -- just written
    return begun


def get_thread(work: Work, thread_id: UUID) -> Thread:
    """One conversation.

    Raises:
        NotFoundError: ``thread.not_found``.
    """
    row = work.row(
        f"SELECT {_THREAD} FROM message_threads AS thread WHERE supplier_id = :supplier AND thread_id = :id",
        id=thread_id,
    )
    if row is None:
        raise NotFoundError("thread.not_found", "There is no such conversation.", "Cette conversation n'existe pas.")
    return Thread(**row)


def append_message(work: Work, thread_id: UUID, message: Message, once: str, documents: Sequence[UUID]) -> None:
    """Write a message and its files."""
    work.execute(
        "INSERT INTO messages (supplier_id, message_id, thread_id, side, channel, actor, author, address, known, said, "
        "left_out, once, said_at) VALUES (:supplier, :id, :thread, :side, :channel, :actor, :author, :address, :known, "
        ":said, :left_out, :once, :at)",
        id=message.message_id,
        thread=thread_id,
        side=message.side,
        channel=message.channel,
        actor=message.actor,
        author=message.author,
        address=message.address,
        known=message.known,
        said=message.said,
        left_out=list(message.left_out),
        once=once,
        at=message.said_at,
    )
    for position, document_id in enumerate(documents, start=1):
        work.execute(
            "INSERT INTO message_files (supplier_id, message_id, position, document_id) "
            "VALUES (:supplier, :message, :position, :document)",
            message=message.message_id,
            position=position,
            document=document_id,
        )


def said_before(work: Work, thread_id: UUID, once: str) -> UUID | None:
    """The message that a form or a mail has said already."""
    found: UUID | None = work.scalar(
        "SELECT message_id FROM messages WHERE supplier_id = :supplier AND thread_id = :thread AND once = :once",
        thread=thread_id,
        once=once,
    )
    return found


def note_said(work: Work, thread_id: UUID, side: Side, at: datetime) -> None:
    """Move a conversation on: a customer waits from their first unanswered word, and opens what was closed."""
    if side is Side.CUSTOMER:
        moved = "last_customer_at = :at, waiting_since = coalesce(waiting_since, :at), state = 'open'"
    else:
        moved = "last_supplier_at = :at, waiting_since = NULL"
    work.execute(
        f"UPDATE message_threads SET {moved}, changed_at = :at WHERE supplier_id = :supplier AND thread_id = :id",
        id=thread_id,
        at=at,
    )


def set_thread(work: Work, thread_id: UUID, *, state: str, assigned_to: UUID | None, waiting: bool) -> None:
    """Close, open again or give to somebody; ``waiting``: whether the customer still waits for an answer."""
    work.execute(
        "UPDATE message_threads SET state = :state, assigned_to = :person, changed_at = :at, "
        "waiting_since = CASE WHEN :waiting THEN waiting_since END WHERE supplier_id = :supplier AND thread_id = :id",
        id=thread_id,
        state=state,
        person=assigned_to,
        waiting=waiting,
        at=now(),
    )


def messages_in(work: Work, thread_id: UUID, *, limit: int = MOST_SHOWN) -> list[Message]:
    """What was said in a conversation, oldest first: the last ``limit`` of it, with files."""
    rows = work.rows(
        f"SELECT * FROM (SELECT {_MESSAGE} FROM messages WHERE supplier_id = :supplier AND thread_id = :thread "
        "ORDER BY said_at DESC, message_id DESC LIMIT :limit) AS latest ORDER BY said_at, message_id",
        thread=thread_id,
        limit=limit,
    )
    return _with_files(work, [_message(row) for row in rows])


def file_of_message(work: Work, message_id: UUID, position: int) -> tuple[Thread, UUID] | None:
    """The conversation and the document behind a file of a message."""
    row = work.row(
        f"SELECT {_THREAD}, file.document_id FROM message_files AS file JOIN messages AS message "
        "USING (supplier_id, message_id) JOIN message_threads AS thread USING (supplier_id, thread_id) "
        "WHERE supplier_id = :supplier AND message_id = :message AND position = :position",
        message=message_id,
        position=position,
    )
    if row is None:
        return None
    return Thread(**{name: row[name] for name in Thread.__dataclass_fields__}), row["document_id"]


def list_threads(
    work: Work,
    reader: UUID,
    *,
    choice: str = "open",
    mine: bool = False,
    wanted: str = "",
    customer_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ThreadLine]:
    """Conversations as the supplier's people see them, the latest first; one more than ``limit`` where there are more.

    ``wanted`` is looked for in customers' names, invoice numbers and, word by word, in what was said.
    """
    conditions, joins, values = ["thread.supplier_id = :supplier", CHOICES[choice]], "", dict[str, Any]()
    if mine:
        conditions.append(MINE)
        joins += _FILE
    if customer_id is not None:
        conditions.append("thread.customer_id = :customer")
    if wanted:
        said, values = holding(work, wanted)
        conditions.append(
            "(customer.name ILIKE :wanted OR invoice.number ILIKE :wanted OR thread.thread_id IN "
            "(SELECT any_of.thread_id FROM messages AS any_of WHERE any_of.supplier_id = :supplier "
            f"AND any_of.message_id IN ({said})))"
        )
        joins += _NAMES
    if after is not None:
        conditions.append(
            "(thread.changed_at, thread.thread_id) < (SELECT changed_at, thread_id FROM message_threads "
            "WHERE supplier_id = :supplier AND thread_id = :after)"
        )
    order = "thread.changed_at DESC, thread.thread_id DESC"
    chosen = f"{joins} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT :limit"
    rows = work.rows(
        _lines(chosen, order, UNREAD),
        reader=reader,
        customer=customer_id,
        wanted=f"%{literally(wanted)}%",
        after=after,
        limit=limit + 1,
        **values,
    )
    return [_line(row) for row in rows]


def threads_of_customer(work: Work, customer_id: UUID, reader: UUID, *, limit: int = 50) -> list[ThreadLine]:
    """The conversations of a customer as that customer sees them: those in which somebody has said something.

    ``unread`` counts what the supplier said.
    """
    order = "greatest(thread.last_customer_at, thread.last_supplier_at) DESC, thread.thread_id DESC"
    chosen = (
        "WHERE thread.supplier_id = :supplier AND thread.customer_id = :customer "
        "AND (thread.last_customer_at IS NOT NULL OR thread.last_supplier_at IS NOT NULL) "
        f"ORDER BY {order} LIMIT :limit"
    )
    unread = UNREAD.replace("last_customer_at", "last_supplier_at")
    rows = work.rows(_lines(chosen, order, unread), customer=customer_id, reader=reader, limit=limit)
    return [_line(row) for row in rows]


def count_unread(work: Work, reader: UUID) -> int:
    """How many open conversations hold something that ``reader`` of the supplier has not read."""
    return int(
        work.scalar(
            f"SELECT count(*) FROM message_threads AS thread WHERE supplier_id = :supplier AND {UNREAD}", reader=reader
        )
    )


def count_unread_by(work: Work, customer_id: UUID, reader: UUID) -> int:
    """How many conversations of a customer hold something of the supplier that this person has not read."""
    unread = UNREAD.replace("last_customer_at", "last_supplier_at")
    return int(
        work.scalar(
            "SELECT count(*) FROM message_threads AS thread WHERE supplier_id = :supplier "
            f"AND customer_id = :customer AND {unread}",
            customer=customer_id,
            reader=reader,
        )
    )


def mark_read(work: Work, thread_id: UUID, person_id: UUID, side: Side) -> None:
    """Note that a person has read a conversation up to now."""
    work.execute(
        "INSERT INTO thread_reads (supplier_id, thread_id, person_id, side, read_at) "
        "VALUES (:supplier, :thread, :person, :side, :at) "
        "ON CONFLICT (supplier_id, thread_id, person_id) DO UPDATE SET read_at = excluded.read_at",
        thread=thread_id,
        person=person_id,
        side=side,
        at=now(),
    )


def read_until(work: Work, thread_id: UUID, side: Side) -> datetime | None:
    """When somebody of that side has last read a conversation."""
    at: datetime | None = work.scalar(
        "SELECT max(read_at) FROM thread_reads WHERE supplier_id = :supplier AND thread_id = :thread AND side = :side",
        thread=thread_id,
        side=side,
    )
    return at


_NAMES = (
    " JOIN customers AS customer ON customer.supplier_id = :supplier AND customer.customer_id = thread.customer_id "
    "LEFT JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = thread.invoice_id "
)
_FILE = " LEFT JOIN customer_files AS file ON file.supplier_id = :supplier AND file.customer_id = thread.customer_id "


def _lines(chosen: str, order: str, unread: str) -> str:
    """The query of a list: its page of conversations is chosen first, and the rest looked up for these alone."""
    return (
        f"SELECT {_THREAD}, customer.name AS customer_name, invoice.number, coalesce(latest.said, '') AS last_said, "
        f"latest.side AS last_side, {unread} AS unread, coalesce(thread.assigned_to, file.collector_id) AS answers "
        f"FROM (SELECT thread.* FROM message_threads AS thread {chosen}) AS thread {_NAMES} {_FILE} "
        "LEFT JOIN LATERAL (SELECT said, side FROM messages WHERE messages.supplier_id = :supplier "
        "AND messages.thread_id = thread.thread_id ORDER BY said_at DESC, message_id DESC LIMIT 1) AS latest ON true "
        f"ORDER BY {order}"
    )


def _with_files(work: Work, found: list[Message]) -> list[Message]:
    rows = work.rows(
        "SELECT message_id, position, document_id, filename, size_bytes FROM message_files "
        "JOIN documents USING (supplier_id, document_id) WHERE supplier_id = :supplier AND message_id = ANY(:ids) "
        "ORDER BY message_id, position",
        ids=[each.message_id for each in found],
    )
    files: dict[UUID, list[File]] = {}
    for row in rows:
        file = File(row["position"], row["document_id"], row["filename"], row["size_bytes"])
        files.setdefault(row["message_id"], []).append(file)
    return [replace(each, files=tuple(files.get(each.message_id, ()))) for each in found]


def _message(row: RowMapping) -> Message:
    return Message(
        row["message_id"],
        Side(row["side"]),
        Channel(row["channel"]),
        row["actor"],
        row["author"],
        row["address"],
        row["known"],
        row["said"],
        tuple(row["left_out"]),
        row["said_at"],
    )


def _line(row: RowMapping) -> ThreadLine:
    thread = Thread(**{name: row[name] for name in Thread.__dataclass_fields__})
    return ThreadLine(
        thread,
        row["customer_name"],
        row["number"],
        row["last_said"],
        row["last_side"],
        row["unread"],
        row["answers"],
    )
