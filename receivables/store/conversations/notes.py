"""Internal notes: what the supplier's people tell each other about a conversation, and nobody outside ever reads.

Only the pages of the staff import this module; ``tests/unit/test_notes_stay_inside.py`` keeps it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivables.domain.conversations.messages import Note

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

MOST_SHOWN = 200


def append_note(work: Work, thread_id: UUID, note: Note, once: str) -> int:
    """Write a note; the same form writes it once. How many were written."""
    return work.execute(
        "INSERT INTO internal_notes (supplier_id, note_id, thread_id, actor, author, said, once, said_at) "
        "VALUES (:supplier, :id, :thread, :actor, :author, :said, :once, :at) "
        "ON CONFLICT (supplier_id, thread_id, once) DO NOTHING",
        id=note.note_id,
        thread=thread_id,
        actor=note.actor,
        author=note.author,
        said=note.said,
        once=once,
        at=note.said_at,
    )


def notes_in(work: Work, thread_id: UUID, *, limit: int = MOST_SHOWN) -> list[Note]:
    """The notes of a conversation, oldest first: the last ``limit`` of them."""
    rows = work.rows(
        "SELECT * FROM (SELECT note_id, actor, author, said, said_at FROM internal_notes "
        "WHERE supplier_id = :supplier AND thread_id = :thread ORDER BY said_at DESC, note_id DESC LIMIT :limit) "
        "AS latest ORDER BY said_at, note_id",
        thread=thread_id,
        limit=limit,
    )
    return [Note(**row) for row in rows]
