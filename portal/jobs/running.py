"""Jobs are done in slices: the worker takes one that nobody holds, does some of its lines, and comes again.

A line takes effect in transactions of its own, and its outcome is noted after them: a crash in between repeats the
line, so every kind of work must find out by itself what it has done before (by a request key, a number, a reference).
What ends its process each time it is taken is given up: each time counts until a line has an outcome.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from config.clock import now
from portal.access.roles import STAFF
from portal.jobs.jobs import MOST_TRIES, Outcome, give_up, job_of, lines_of
from portal.mail.staff_mails import staff_of, tell_staff
from portal.words import catalogue
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from portal.jobs.jobs import JobLine, JobView
    from portal.wiring import Services
    from receivables.store.work import Work

    Runner = Callable[[Services, UUID, JobView, Sequence[JobLine]], Sequence[Outcome]]
    """Does some lines of a supplier's job, and says what became of each, in their order."""

log = logging.getLogger("quittance.jobs")

SLICE_LINES = 50
"""Lines between two looks at the job: it can be stopped, and its page moves on."""
SLICE_S = 5.0
"""How long a supplier's jobs go on before those of another have their turn, in seconds."""
TOLD_AFTER = timedelta(minutes=2)
"""Whoever started a job that takes longer has left its page."""
HOLD = timedelta(minutes=10)
"""How long one worker keeps a job before another may take it over: far more than one slice of lines needs."""

FAILED = "A line of a job failed"
LASTING = ("22", "23502", "23503", "23514", "42", "54", "57014")
"""Beginnings of SQLSTATE of what goes wrong again each time: a value that no column holds, a rule of a table, a
statement that is wrong, too large or too slow (PostgreSQL, appendix A)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its name for people (French), how it is done, and what pages and files say of it."""

    name: str
    run: Runner
    give_back: Callable[[JobView, Sequence[JobLine]], tuple[str, bytes]] | None = None
    """File name and content of what was refused, with the reasons."""
    address: Callable[[Mapping[str, Any]], str | None] = lambda _result: None
    """The page of what a line became, from its result."""
    overview: str = "/s/imports"
    """The page from which such jobs are started."""
    lines_per_slice: int = SLICE_LINES


def each_line(do: Callable[[Services, UUID, JobView, JobLine], Outcome]) -> Runner:
    """A runner from what does one line; what a line refuses with a stable code concerns that line alone.

    An error without a code is a defect: the line is refused, and the log keeps the trace. A database that went away is
    nobody's fault: the slice ends and comes again. What a line makes the database refuse each time is a defect too:
    repeated, it would hold up every other job of the supplier for ever.
    """

    def run(services: Services, supplier_id: UUID, job: JobView, lines: Sequence[JobLine]) -> list[Outcome]:
        return [_try(do, services, supplier_id, job, line) for line in lines]

    return run


def _try(
    do: Callable[[Services, UUID, JobView, JobLine], Outcome],
    services: Services,
    supplier_id: UUID,
    job: JobView,
    line: JobLine,
) -> Outcome:
    try:
        return do(services, supplier_id, job, line)
    except SQLAlchemyError as error:
        if not is_lasting(error):
            raise
        log.exception(FAILED, extra={"supplier": str(supplier_id), "job": str(job.job_id)})
        return _failed()
    except Exception as error:
        if getattr(error, "code", None):
            return Outcome.refusal(error)
        log.exception(FAILED, extra={"supplier": str(supplier_id), "job": str(job.job_id)})
        return _failed()


def is_lasting(error: SQLAlchemyError) -> bool:
    """Whether the same line would fail again, whenever it is tried."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return isinstance(error, DataError) or state.startswith(LASTING)


def _failed() -> Outcome:
    return Outcome(
        "refused",
        {},
        "line.failed",
        "This line could not be taken for a reason on our side; it was noted. Try it again later.",
        "Cette ligne n'a pas pu être prise, pour une raison de notre côté, qui a été notée. Réessayez plus tard.",
    )


def run_jobs(services: Services, supplier_id: UUID, kinds: Mapping[str, Kind], *, patience_s: float = SLICE_S) -> int:
    """Do slices of a supplier's waiting jobs, oldest first, for about ``patience_s``; how many lines were done."""
    began, done = time.monotonic(), 0
    while time.monotonic() - began < patience_s:
        step = _run_slice(services, supplier_id, kinds)
        if step is None:
            break
        done += step
    return done


def run_to_end(
    services: Services,
    supplier_id: UUID,
    job_id: UUID,
    kinds: Mapping[str, Kind],
    *,
    progress: Callable[[JobView], None],
    pause_s: float = 0.5,
) -> JobView:
    """Do a job here and now, or watch the worker doing it, until it is over."""
    while True:
        step = _run_slice(services, supplier_id, kinds, only=job_id)
        with services.works.begin(supplier_id) as work:
            job = job_of(work, job_id)
        progress(job)
        if not job.is_running:
            return job
        if step is None:
            time.sleep(pause_s)


def _run_slice(
    services: Services, supplier_id: UUID, kinds: Mapping[str, Kind], only: UUID | None = None
) -> int | None:
    """One slice of the first job that nobody holds; ``None`` where there is none."""
    job = services.works.run(supplier_id, lambda work: _hold(work, list(kinds), only))
    if job is None:
        return None
    if job.tries > MOST_TRIES:
        log.error("A job was given up", extra={"supplier": str(supplier_id), "job": str(job.job_id)})
        services.works.run(supplier_id, lambda work: give_up(work, job))
        return 0
    kind = kinds[job.kind]
    with services.works.begin(supplier_id) as work:
        lines, _ = lines_of(work, job.job_id, state="waiting", most=kind.lines_per_slice)
    try:
        outcomes = _outcomes(services, supplier_id, job, kind, lines)
    except BaseException as error:
        gone = isinstance(error, SQLAlchemyError) or not isinstance(error, Exception)  # the database, or told to stop
        services.works.run(supplier_id, lambda work: _let_go(work, job.job_id, counts=not gone))
        raise

    def note(work: Work) -> None:
        if _note(work, job.job_id, lines, outcomes):
            _tell_starter(services, work, job_of(work, job.job_id), kind)

    services.works.run(supplier_id, note)
    return len(lines)


def _outcomes(
    services: Services, supplier_id: UUID, job: JobView, kind: Kind, lines: Sequence[JobLine]
) -> Sequence[Outcome]:
    """What becomes of a slice; lines that are taken as one set fail as one set."""
    try:
        return kind.run(services, supplier_id, job, lines)
    except SQLAlchemyError as error:
        if not is_lasting(error):
            raise
        log.exception(FAILED, extra={"supplier": str(supplier_id), "job": str(job.job_id)})
        return [_failed()] * len(lines)


def _hold(work: Work, kinds: Sequence[str], only: UUID | None) -> JobView | None:
    job_id = work.scalar(
        "UPDATE jobs SET held_until = :until, tries = tries + 1, changed_at = :at WHERE supplier_id = :supplier "
        "AND job_id = (SELECT job_id FROM jobs WHERE supplier_id = :supplier AND state = 'running' "
        "AND kind = ANY(:kinds) "
        "AND (held_until IS NULL OR held_until < :at) AND (CAST(:only AS uuid) IS NULL OR job_id = :only) "
        "ORDER BY job_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING job_id",
        kinds=list(kinds),
        only=only,
        at=now(),
        until=now() + HOLD,
    )
    return job_of(work, job_id) if job_id else None


def _let_go(work: Work, job_id: UUID, *, counts: bool) -> None:
    """Leave a job to whoever comes next; what was not its own fault does not count as a try.

    There is none to take off where somebody else took it over meanwhile and noted an outcome.
    """
    work.execute(
        "UPDATE jobs SET held_until = NULL, tries = greatest(tries - :less, 0) WHERE supplier_id = :supplier "
        "AND job_id = :job",
        job=job_id,
        less=0 if counts else 1,
    )


def _note(work: Work, job_id: UUID, lines: Sequence[JobLine], outcomes: Sequence[Outcome]) -> bool:
    """Write what became of ``lines``, count anew, and finish the job that has no line left; whether it is finished."""
    told = [
        {
            "position": line.position,
            "state": outcome.state,
            "result": outcome.result,
            "code": outcome.code,
            "sentence": outcome.sentence,
            "sentence_fr": outcome.sentence_fr,
        }
        for line, outcome in zip(lines, outcomes, strict=True)
    ]
    work.execute(
        "UPDATE job_lines AS line SET state = told.state, result = told.result, code = told.code, "
        "sentence = told.sentence, sentence_fr = told.sentence_fr FROM jsonb_to_recordset(CAST(:told AS jsonb)) "
        "AS told (position integer, state text, result jsonb, code text, sentence text, sentence_fr text) "
        "WHERE line.supplier_id = :supplier AND line.job_id = :job AND line.position = told.position",
        job=job_id,
        told=to_json(told),
    )
    state = work.scalar(
        "UPDATE jobs SET done = counted.done, known = counted.known, refused = counted.refused, held_until = NULL, "
        "tries = 0, changed_at = :at, state = CASE WHEN jobs.state = 'running' AND counted.waiting = 0 THEN 'finished' "
        "ELSE jobs.state END, finished_at = CASE WHEN jobs.state = 'running' AND counted.waiting = 0 THEN :at "
        "ELSE jobs.finished_at END FROM (SELECT count(*) FILTER (WHERE state = 'done') AS done, "
        "count(*) FILTER (WHERE state = 'known') AS known, count(*) FILTER (WHERE state = 'refused') AS refused, "
        "count(*) FILTER (WHERE state = 'waiting') AS waiting FROM job_lines WHERE supplier_id = :supplier "
        "AND job_id = :job) AS counted WHERE jobs.supplier_id = :supplier AND jobs.job_id = :job RETURNING jobs.state",
        job=job_id,
        at=now(),
    )
    return bool(state == "finished")


def _tell_starter(services: Services, work: Work, job: JobView, kind: Kind) -> None:
    """A word to whoever started a long job, where they are of the staff: by now they look at something else."""
    if job.finished_at is None or job.finished_at - job.started_at < TOLD_AFTER:
        return
    people = [
        each
        for each in staff_of(services.database, work.supplier_id, STAFF)
        if job.started_by == f"person {each.person_id}"
    ]

    def told(spoken: str) -> dict[str, object]:
        counts = {"done": job.done, "known": job.known, "refused": job.refused}
        return {"name": catalogue(spoken).gettext(kind.name), "file": job.filename, **counts}

    tell_staff(services, work, "job_done", people, key=f"job/{job.job_id}", path=f"/s/jobs/{job.job_id}", told=told)
