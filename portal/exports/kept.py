"""Exports in PostgreSQL: who asked for what, and the file in pieces until it expires.

The file stands in the database and not in the archive: nothing is ever removed from there, and an export is a copy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, TYPE_CHECKING

from config.clock import new_id, now
from portal.jobs.jobs import NewLine, start_job
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work, Works

EXPORT = "export"
"""The kind of the jobs that make them."""
KEPT_FOR = timedelta(days=7)
"""How long a file that is ready can be fetched."""
MOST_WAITING = 5
"""Exports that one person may have waiting: more would be a script, or a key that is stuck."""
PIECE_BYTES = 1024 * 1024
WAITING, READY, EXPIRED = "waiting", "ready", "expired"
_SELECT = (
    "SELECT export_id, export.job_id, export.kind, export.options, language, asked_by, customer_id, export.state, "
    "export.filename, mime, size_bytes, sha256, asked_at, ready_at, expires_at FROM exports AS export "
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for; ``options`` are words of the address, ``customer_id`` whom alone it is about."""

    kind: str
    options: Mapping[str, str]
    language: str
    asked_by: UUID
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """An export; ``state`` is ``waiting``, ``ready`` or ``expired``. Whether its making failed, its job tells."""

    export_id: UUID
    job_id: UUID
    kind: str
    options: Mapping[str, str]
    language: str
    asked_by: UUID
    customer_id: UUID | None
    state: str
    filename: str | None
    mime: str | None
    size_bytes: int | None
    sha256: str | None
    asked_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None

    @property
    def can_be_fetched(self) -> bool:
        """Whether the file is there, and its time is not over."""
        return self.state == READY and self.expires_at is not None and now() < self.expires_at


def ask_export(work: Work, wish: Wish, title: str) -> UUID:
    """Have an export made, called ``title`` in the list of jobs; the very same one that waits is not asked for twice.

    Raises:
        ReceivablesError: ``export.too_many``.
    """
    waiting = _waiting(work, wish.asked_by)
    same = (wish.kind, dict(wish.options), wish.customer_id)
    for each in waiting:
        if (each.kind, dict(each.options), each.customer_id) == same:
            return each.export_id
    if len(waiting) >= MOST_WAITING:
        raise ReceivablesError(
            "export.too_many",
            f"{MOST_WAITING} of your exports are being made: wait for the first.",
            f"{MOST_WAITING} de vos exports sont en préparation : attendez le premier.",
        )
    export_id, actor = new_id(), f"person {wish.asked_by}"
    line = NewLine(title, str(export_id).encode())
    sha256 = hashlib.sha256(line.content).hexdigest()
    job_id = start_job(work, EXPORT, title, content_sha256=sha256, options={}, actor=actor, lines=[line])
    work.execute(
        "INSERT INTO exports (supplier_id, export_id, job_id, kind, options, language, asked_by, customer_id, state, "
        "asked_at) VALUES (:supplier, :id, :job, :kind, CAST(:options AS jsonb), :language, :person, :customer, "
        "'waiting', :at)",
        id=export_id,
        job=job_id,
        kind=wish.kind,
        options=to_json(wish.options),
        language=wish.language,
        person=wish.asked_by,
        customer=wish.customer_id,
        at=now(),
    )
    work.audit(actor, "export.asked", str(export_id), kind=wish.kind, options=wish.options)
    return export_id


def get_export(work: Work, export_id: UUID) -> Export:
    """An export of this supplier, whoever asked for it.

    Raises:
        NotFoundError: ``export.unknown``.
    """
    row = work.row(f"{_SELECT} WHERE supplier_id = :supplier AND export_id = :id", id=export_id)
    if row is None:
        raise NotFoundError("export.unknown", f"There is no export {export_id}.", "Cet export n'existe pas.")
    return Export(**row)


def exports_of(work: Work, person_id: UUID, customer_id: UUID | None, most: int) -> list[Export]:
    """What a person asked for, about one customer where one is named, the latest first."""
    rows = work.rows(
        f"{_SELECT} WHERE supplier_id = :supplier AND asked_by = :person "
        "AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer) ORDER BY export_id DESC LIMIT :most",
        person=person_id,
        customer=customer_id,
        most=most,
    )
    return [Export(**row) for row in rows]


def exports_behind(work: Work, job_ids: Sequence[UUID]) -> dict[UUID, Export]:
    """The exports that these jobs make, by job."""
    rows = work.rows(f"{_SELECT} WHERE supplier_id = :supplier AND job_id = ANY(:jobs)", jobs=list(job_ids))
    return {row["job_id"]: Export(**row) for row in rows}


def keep_file(work: Work, export_id: UUID, file: IO[bytes], filename: str, mime: str) -> bool:
    """Keep the file that was made, to its last byte or not at all; ``False`` where somebody has made it before."""
    state = work.scalar(
        "SELECT state FROM exports WHERE supplier_id = :supplier AND export_id = :id FOR UPDATE", id=export_id
    )
    if state != WAITING:
        return False
    digest, size, position = hashlib.sha256(), 0, 0
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        position += 1
        digest.update(piece)
        size += len(piece)
        work.execute(
            "INSERT INTO export_pieces (supplier_id, export_id, position, content) "
            "VALUES (:supplier, :id, :position, :content)",
            id=export_id,
            position=position,
            content=piece,
        )
    at = now()
    work.execute(
        "UPDATE exports SET state = 'ready', filename = :filename, mime = :mime, size_bytes = :size, sha256 = :sha256, "
        "ready_at = :at, expires_at = :until WHERE supplier_id = :supplier AND export_id = :id",
        id=export_id,
        filename=filename,
        mime=mime,
        size=size,
        sha256=digest.hexdigest(),
        at=at,
        until=at + KEPT_FOR,
    )
    return True


def pieces_of(works: Works, supplier_id: UUID, export_id: UUID) -> Iterator[bytes]:
    """The file piece by piece, each in a transaction of its own: a slow reader holds none of them open."""
    position = 1
    while True:
        with works.begin(supplier_id) as work:
            piece = work.scalar(
                "SELECT content FROM export_pieces WHERE supplier_id = :supplier AND export_id = :id "
                "AND position = :position",
                id=export_id,
                position=position,
            )
        if not piece:
            return
        yield bytes(piece)
        position += 1


def end_exports(work: Work) -> int:
    """Empty the files whose time is over; how many exports that was."""
    ended = [
        row["export_id"]
        for row in work.rows(
            "UPDATE exports SET state = 'expired' WHERE supplier_id = :supplier AND state = 'ready' "
            "AND expires_at <= :at RETURNING export_id",
            at=now(),
        )
    ]
    work.execute(
        "UPDATE export_pieces SET content = '' WHERE supplier_id = :supplier AND export_id = ANY(:ended)", ended=ended
    )
    return len(ended)


def _waiting(work: Work, person_id: UUID) -> list[Export]:
    """What of a person's is being made: an export whose job failed or was stopped waits for nothing."""
    work.scalar(
        "SELECT pg_advisory_xact_lock(hashtextextended('exports:' || CAST(:person AS text), 0))", person=str(person_id)
    )
    rows = work.rows(
        f"{_SELECT} JOIN jobs AS job USING (supplier_id, job_id) WHERE supplier_id = :supplier "
        "AND asked_by = :person AND export.state = 'waiting' AND job.state = 'running' ORDER BY export_id",
        person=person_id,
    )
    return [Export(**row) for row in rows]
