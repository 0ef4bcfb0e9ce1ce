"""``/api/v1/bulk``: many calls in one body, done by the worker, with progress and a report line by line."""

from __future__ import annotations

import hashlib
from datetime import datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast
from uuid import UUID  # noqa: TC003 -- a model reads it

from flask import request, url_for
from pydantic import Field

from portal.api.answers import CallRefusedError, answer
from portal.api.bulk_lines import API_KINDS, PREFIX
from portal.api.door import actor, demand_scope, open_blueprint
from portal.api.operations import operation
from portal.api.shapes import GREATEST, MOST_ON_PAGE, Input, Output
from portal.jobs.jobs import NewLine, job_of, lines_of, start_job, stop_job
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from flask import Response

    from portal.jobs.jobs import JobView
    from receivables.store.work import Work

bulk = open_blueprint("api_bulk")

MOST_LINES = 10_000
NDJSON = "application/x-ndjson"
RESOURCES: dict[str, tuple[str, str]] = {
    "invoices": ("Issue many invoices", "Émettre beaucoup de factures"),
    "customers": ("Open many customers", "Ouvrir beaucoup de clients"),
    "orders": ("Tell many orders", "Annoncer beaucoup de commandes"),
    "deliveries": ("Tell many deliveries", "Annoncer beaucoup de livraisons"),
    "payments": ("Write many payments down", "Enregistrer beaucoup de paiements"),
}
SCOPES = {"deliveries": "orders"}


JobState = Literal["running", "finished", "stopped"]
LineState = Literal["waiting", "done", "known", "refused"]


class JobShape(Output):
    """A job: of `total` lines, `done` took effect, `known` had done so before, `refused` had none."""

    job_id: UUID
    kind: str
    state: JobState
    total: int
    done: int
    known: int
    refused: int
    started_at: datetime
    finished_at: datetime | None
    url: str
    lines_url: str


class LineQuery(Input):
    """Which lines."""

    state: LineState | None = None
    after: Annotated[int, Field(ge=0, le=GREATEST, description="`next_after` of the page before.")] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_ON_PAGE)] = MOST_ON_PAGE


class LineShape(Output):
    """A line, from 1, and what became of it."""

    position: int
    state: LineState
    result: dict[str, Any]
    code: str | None
    detail: str | None
    detail_fr: str | None


class LineList(Output):
    """A page of lines, in their order."""

    lines: list[LineShape]
    next_after: int | None


def _start(work: Work, resource: str) -> Response:
    """Keep a job with the lines of the body; the worker begins within a second."""
    content = request.get_data()
    lines = [each for each in content.splitlines() if each.strip()]
    if not 0 < len(lines) <= MOST_LINES:
        raise CallRefusedError(
            400 if not lines else 413,
            "bulk.no_lines" if not lines else "bulk.too_many_lines",
            f"The body has {len(lines)} lines: send 1 to {MOST_LINES}, one JSON object on each.",
            f"Le corps a {len(lines)} lignes : envoyez-en de 1 à {MOST_LINES}, un objet JSON sur chacune.",
        )
    job_id = start_job(
        work,
        f"{PREFIX}{resource}",
        f"{resource}.ndjson",
        content_sha256=hashlib.sha256(content).hexdigest(),
        options={},
        actor=actor(),
        lines=[NewLine(str(position), each) for position, each in enumerate(lines, 1)],
    )
    told = _told(job_of(work, job_id))
    response = answer(told.model_dump(mode="json"), 202)
    response.headers["Location"] = told.url
    return response


def _offer(resource: str, summary: str, summary_fr: str) -> None:
    """One route of the bulk calls, with the scope of the single call."""

    def start(work: Work) -> Response:
        return _start(work, resource)

    start.__doc__ = f"{summary}: one JSON object of the single call on each line; a job with progress answers."
    stated = operation(
        f"{SCOPES.get(resource, resource)}:write",
        summary,
        summary_fr,
        JobShape,
        status=202,
        files=(NDJSON,),
        description=f"Each line is the body of one `POST /api/v1/{resource}`; at most {MOST_LINES} lines. A line that "
        "is refused stands in the report with its code, and the others go on.",
    )
    bulk.post(f"/bulk/{resource}", endpoint=f"start_{resource}")(stated(start))


for _resource, (_summary, _summary_fr) in RESOURCES.items():
    _offer(_resource, _summary, _summary_fr)


@bulk.get("/jobs/<uuid:job_id>")
@operation("", "Show a job", "Voir un traitement", JobShape)
def show(work: Work, job_id: UUID) -> JobShape:
    """How far a job is; needs the scope of the call that started it."""
    return _told(_job(work, job_id))


@bulk.get("/jobs/<uuid:job_id>/lines")
@operation("", "Report of a job", "Compte rendu d'un traitement", LineList, query=LineQuery)
def lines(work: Work, job_id: UUID, query: LineQuery) -> LineList:
    """What became of each line."""
    job = _job(work, job_id)
    found, more = lines_of(work, job.job_id, state=query.state, after=query.after, most=query.limit)
    shown = [
        LineShape(
            position=each.position,
            state=cast("LineState", each.state),
            result=dict(each.result),
            code=each.code,
            detail=each.sentence,
            detail_fr=each.sentence_fr,
        )
        for each in found
    ]
    return LineList(lines=shown, next_after=shown[-1].position if more else None)


@bulk.post("/jobs/<uuid:job_id>/stop")
@operation("", "Stop a job", "Arrêter un traitement", JobShape)
def stop(work: Work, job_id: UUID) -> JobShape:
    """End a job: what took effect stays, lines that wait are left alone."""
    job = _job(work, job_id)
    stop_job(work, job.job_id, actor())
    return _told(job_of(work, job_id))


def _job(work: Work, job_id: UUID) -> JobView:
    """A job that a call started.

    Raises:
        NotFoundError: ``job.unknown``; a job of the pages is none of the API's.
        CallRefusedError: ``api.scope_missing``.
    """
    job = job_of(work, job_id)
    if job.kind not in API_KINDS:
        raise NotFoundError("job.unknown", f"There is no job {job_id}.", f"Il n'y a pas de traitement {job_id}.")
    resource = job.kind.removeprefix(PREFIX)
    demand_scope(f"{SCOPES.get(resource, resource)}:write")
    return job


def _told(job: JobView) -> JobShape:
    return JobShape(
        job_id=job.job_id,
        kind=job.kind.removeprefix(PREFIX),
        state=cast("JobState", job.state),
        total=job.total,
        done=job.done,
        known=job.known,
        refused=job.refused,
        started_at=job.started_at,
        finished_at=job.finished_at,
        url=url_for("api_bulk.show", job_id=job.job_id),
        lines_url=url_for("api_bulk.lines", job_id=job.job_id),
    )
