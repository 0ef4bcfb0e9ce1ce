"""A job and its lines: what was handed in, how far it is, what became of each line.

A line is the smallest thing that succeeds or fails by itself: an invoice of a file, a document of an archive, an
object of a bulk call. What is refused keeps its input, so that it can be given back with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

MAX_LINES = 100_000
"""Lines of one job: more is another way of working (several files, or an interface)."""
INSERT_BYTES = 8 * 1024 * 1024
"""Input written by one statement, in bytes: PostgreSQL refuses JSON texts beyond 256 MB, memory is felt before."""
MOST_TRIES = 3
"""How often a job is taken without an outcome of any line, before it is given up: whoever took it died each time."""
PAGE_LINES = 50
PAGE_JOBS = 25
_SELECT = (
    "SELECT job_id, kind, filename, content_sha256, options, state, total, done, known, refused, started_by, "
    "started_at, finished_at, tries FROM jobs"
)


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to work on: what people call it, and its content."""

    label: str
    content: bytes


@dataclass(frozen=True, slots=True)
class JobLine:
    """A line of a job, from 1, and what became of it."""

    position: int
    label: str
    content: bytes
    state: str = "waiting"
    result: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    sentence: str | None = None
    sentence_fr: str | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it stands. ``state`` is ``running``, ``finished`` or ``stopped``.

    Of ``total`` lines ``done`` took effect, ``known`` had taken effect before, ``refused`` had none.
    """

    job_id: UUID
    kind: str
    filename: str
    content_sha256: str
    options: Mapping[str, Any]
    state: str
    total: int
    done: int
    known: int
    refused: int
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    tries: int = 0
    """How often it was taken since a line of it had an outcome."""

    @property
    def given_up(self) -> bool:
        """Whether it was stopped because it ended the process that did it, each time."""
        return self.state == "stopped" and self.tries > MOST_TRIES

    @property
    def looked_at(self) -> int:
        """Lines that have an outcome."""
        return self.done + self.known + self.refused

    @property
    def is_running(self) -> bool:
        """Whether lines still wait."""
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line: ``done``, ``known`` (it had been done before) or ``refused`` with the reason."""

    state: str
    result: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    sentence: str | None = None
    sentence_fr: str | None = None

    @classmethod
    def refusal(cls, error: Exception) -> Outcome:
        """The outcome of a line that ``error`` refused."""
        code = str(getattr(error, "code", "") or "line.failed")
        return cls("refused", {}, code, str(error), getattr(error, "sentence_fr", None) or str(error))


def start_job(
    work: Work,
    kind: str,
    filename: str,
    *,
    content_sha256: str,
    options: Mapping[str, Any],
    actor: str,
    lines: Sequence[NewLine] = (),
) -> UUID:
    """Keep a job with its ``lines``; the worker begins within a second. A job without lines is finished.

    Raises:
        ReceivablesError: ``job.too_many_lines``.
    """
    if len(lines) > MAX_LINES:
        raise ReceivablesError(
            "job.too_many_lines",
            f"The file has {len(lines)} lines; at most {MAX_LINES} are taken at once. Cut it in parts.",
            f"Le fichier a {len(lines)} lignes ; au plus {MAX_LINES} sont prises à la fois. Découpez-le.",
        )
    job_id, at = new_id(), now()
    work.execute(
        "INSERT INTO jobs (supplier_id, job_id, kind, filename, content_sha256, options, state, total, started_by, "
        "started_at, changed_at, finished_at) VALUES (:supplier, :job, :kind, :filename, :sha256, "
        "CAST(:options AS jsonb), :state, :total, :actor, :at, :at, :finished)",
        job=job_id,
        kind=kind,
        filename=filename,
        sha256=content_sha256,
        options=to_json(options),
        state="running" if lines else "finished",
        total=len(lines),
        actor=actor,
        at=at,
        finished=None if lines else at,
    )
    _insert_lines(work, job_id, lines)
    work.audit(actor, "job.started", str(job_id), kind=kind, filename=filename, lines=len(lines))
    return job_id


def job_of(work: Work, job_id: UUID) -> JobView:
    """A job of this supplier.

    Raises:
        NotFoundError: ``job.unknown``.
    """
    row = work.row(f"{_SELECT} WHERE supplier_id = :supplier AND job_id = :job", job=job_id)
    if row is None:
        raise NotFoundError("job.unknown", f"There is no job {job_id}.", f"Il n'y a pas de traitement {job_id}.")
    return JobView(**row)


def job_of_file(work: Work, kind: str, content_sha256: str) -> JobView | None:
    """The last job of this kind on the very same file, or ``None``."""
    row = work.row(
        f"{_SELECT} WHERE supplier_id = :supplier AND kind = :kind AND content_sha256 = :sha256 "
        "ORDER BY job_id DESC LIMIT 1",
        kind=kind,
        sha256=content_sha256,
    )
    return JobView(**row) if row else None


def list_jobs(work: Work, kinds: Sequence[str], after: UUID | None = None) -> tuple[list[JobView], bool]:
    """Jobs of these kinds, newest first, a page from below ``after``; and whether there are more."""
    rows = work.rows(
        f"{_SELECT} WHERE supplier_id = :supplier AND kind = ANY(:kinds) "
        "AND (CAST(:after AS uuid) IS NULL OR job_id < :after) ORDER BY job_id DESC LIMIT :most",
        kinds=list(kinds),
        after=after,
        most=PAGE_JOBS + 1,
    )
    return [JobView(**row) for row in rows[:PAGE_JOBS]], len(rows) > PAGE_JOBS


def every_job(work: Work, after: UUID | None = None, *, by: str | None = None) -> tuple[list[JobView], bool]:
    """Jobs of every kind, those that ``by`` started where somebody is named; newest first, below ``after``."""
    rows = work.rows(
        f"{_SELECT} WHERE supplier_id = :supplier AND (CAST(:by AS text) IS NULL OR started_by = :by) "
        "AND (CAST(:after AS uuid) IS NULL OR job_id < :after) ORDER BY job_id DESC LIMIT :most",
        by=by,
        after=after,
        most=PAGE_JOBS + 1,
    )
    return [JobView(**row) for row in rows[:PAGE_JOBS]], len(rows) > PAGE_JOBS


def sums_taken(work: Work, job_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """What the lines of each job that took effect come to, in minor units by currency, where they are amounts."""
    rows = work.rows(
        "SELECT job_id, result->>'currency' AS currency, sum((result->>'amount_minor')::bigint)::bigint AS minor "
        "FROM job_lines WHERE supplier_id = :supplier AND job_id = ANY(:jobs) AND state IN ('done', 'known') "
        "AND result ? 'amount_minor' AND result ? 'currency' GROUP BY job_id, 2 ORDER BY job_id, 2",
        jobs=list(job_ids),
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["job_id"], {})[row["currency"]] = row["minor"]
    return found


def lines_of(
    work: Work, job_id: UUID, *, state: str | None = None, after: int = 0, most: int = PAGE_LINES
) -> tuple[list[JobLine], bool]:
    """Lines of a job in their order, a page from behind position ``after``; and whether there are more."""
    rows = work.rows(
        "SELECT position, label, input, state, result, code, sentence, sentence_fr FROM job_lines "
        "WHERE supplier_id = :supplier AND job_id = :job AND position > :after "
        "AND (CAST(:state AS text) IS NULL OR state = :state) ORDER BY position LIMIT :most",
        job=job_id,
        after=after,
        most=most + 1,
        state=state,
    )
    return [_line(row) for row in rows[:most]], len(rows) > most


def stop_job(work: Work, job_id: UUID, actor: str) -> None:
    """End a job; lines that have taken effect stay, those that wait are left alone."""
    ended = work.execute(
        "UPDATE jobs SET state = 'stopped', changed_at = :at, finished_at = :at "
        "WHERE supplier_id = :supplier AND job_id = :job AND state = 'running'",
        job=job_id,
        at=now(),
    )
    if ended:
        work.audit(actor, "job.stopped", str(job_id))


def give_up(work: Work, job: JobView) -> None:
    """End a job that was taken more than :data:`MOST_TRIES` times in vain; somebody may have it tried again."""
    work.execute(
        "UPDATE jobs SET state = 'stopped', held_until = NULL, changed_at = :at, finished_at = :at "
        "WHERE supplier_id = :supplier AND job_id = :job",
        job=job.job_id,
        at=now(),
    )
    work.audit("worker", "job.given_up", str(job.job_id), tries=MOST_TRIES, looked_at=job.looked_at, lines=job.total)


def try_again(work: Work, job_id: UUID, actor: str) -> int:
    """Let the worker look again at what was refused, or left when the job was stopped; how many lines that is."""
    work.execute(
        "UPDATE job_lines SET state = 'waiting', code = NULL, sentence = NULL, sentence_fr = NULL "
        "WHERE supplier_id = :supplier AND job_id = :job AND state = 'refused'",
        job=job_id,
    )
    waiting = work.scalar(
        "SELECT count(*) FROM job_lines WHERE supplier_id = :supplier AND job_id = :job AND state = 'waiting'",
        job=job_id,
    )
    if waiting:
        work.execute(
            "UPDATE jobs SET state = 'running', refused = 0, tries = 0, changed_at = :at, finished_at = NULL "
            "WHERE supplier_id = :supplier AND job_id = :job",
            job=job_id,
            at=now(),
        )
        work.audit(actor, "job.tried_again", str(job_id), lines=waiting)
    return int(waiting)


def _line(row: RowMapping) -> JobLine:
    return JobLine(content=bytes(row["input"]), **{name: row[name] for name in row if name != "input"})


def _insert_lines(work: Work, job_id: UUID, lines: Sequence[NewLine]) -> None:
    batch: list[dict[str, Any]] = []
    size = 0
    for position, line in enumerate(lines, 1):
        batch.append({"job_id": job_id, "position": position, "label": line.label, "input": f"\\x{line.content.hex()}"})
        size += len(line.content)
        if size > INSERT_BYTES:
            work.insert("job_lines", batch)
            batch, size = [], 0
    work.insert("job_lines", batch)
