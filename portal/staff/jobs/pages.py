"""``/s/jobs``: the jobs of the house; one job as it goes on, its lines, and the file of what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from portal.access.context import actor, caller, place, services, work_here
from portal.access.people import staff_of
from portal.access.roles import BOOKKEEPING, READERS, allow
from portal.customer.downloads import send_bytes
from portal.exports.kept import EXPORT, exports_behind
from portal.exports.kinds import KINDS as EXPORTS
from portal.fields import id_in
from portal.jobs.jobs import MAX_LINES, MOST_TRIES, every_job, job_of, lines_of, stop_job, sums_taken, try_again
from portal.jobs.kinds import KINDS
from portal.telling.states import Badge
from portal.words import fitted, gettext, language, note_text
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from portal.exports.kept import Export
    from portal.jobs.jobs import JobLine, JobView
    from receivables.store.work import Work

blueprint = Blueprint("jobs", __name__, url_prefix="/s/jobs")
FOLLOW_EVERY_S = "3"
"""How often the page of a running job comes again by itself, in seconds, while its reader wants it to."""
LINE_STATES = {
    "waiting": Badge(note_text("En attente"), "flight", "clock"),
    "done": Badge(note_text("Prise"), "paid", "check"),
    "known": Badge(note_text("Déjà prise avant"), "plain", "archive"),
    "refused": Badge(note_text("Refusée"), "late", "alert"),
}
JOB_STATES = {
    "running": Badge(note_text("En cours"), "flight", "clock"),
    "finished": Badge(note_text("Terminé"), "paid", "check"),
    "refused": Badge(note_text("Des lignes refusées"), "part", "alert"),
    "stopped": Badge(note_text("Arrêté"), "plain", "back"),
    "given_up": Badge(note_text("Abandonné"), "late", "alert"),
}
MIMES = {".csv": "text/csv; charset=utf-8", ".zip": "application/zip"}


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """Imports, exports, openings: those of the house, or one's own where the books are not one's business."""
    whole = place().role in BOOKKEEPING and not place().portfolio
    with work_here() as work:
        jobs, more = every_job(work, id_in(request.args.get("after", "")), by=None if whole else actor())
        ids = [each.job_id for each in jobs]
        sums, exports = sums_taken(work, ids), exports_behind(work, ids)
    people = {f"person {each.person_id}": each.name for each in staff_of(services().database, place().supplier_id)}
    rows = []
    for job in jobs:
        export = exports.get(job.job_id)
        mine = export is not None and export.asked_by == caller().person.person_id
        rows.append(
            {
                "job": job,
                "kind": _kind_name(job, export),
                "name": (export.filename if export else None) or job.filename,
                "href": f"/s/jobs/files/{export.export_id}" if export and mine else f"/s/jobs/{job.job_id}",
                "opens": mine or (place().role in BOOKKEEPING and export is None),
                "badge": _badge(job),
                "sums": sums.get(job.job_id, {}),
            }
        )
    return render_template(
        "jobs/list.html", rows=rows, more=more, whole=whole, most_tries=MOST_TRIES, who=lambda key: people.get(key, key)
    )


@blueprint.get("/<uuid:job_id>")
@allow(*BOOKKEEPING)
def show(job_id: UUID) -> AnyResponse:
    """The job, counted, and its lines; it comes again by itself only where the address says so (WCAG 2.2.1)."""
    state = request.args.get("show", "all")
    state = state if state in LINE_STATES else "all"
    after = request.args.get("after", "0")
    with work_here() as work:
        job = _job(work, job_id)
        if job.kind == EXPORT:
            export = exports_behind(work, [job_id]).get(job_id)
            if export and export.asked_by == caller().person.person_id:
                return redirect(url_for("export_files.show", export_id=export.export_id), 303)
        lines, more = lines_of(
            work, job_id, state=None if state == "all" else state, after=int(after[:9]) if after.isdecimal() else 0
        )
    follows = job.is_running and request.args.get("follow") == "yes"
    page = make_response(
        render_template(
            "jobs/job.html",
            job=job,
            kind=KINDS.get(job.kind),
            lines=lines,
            more=more,
            shown=state,
            states={key: each.spoken() for key, each in LINE_STATES.items()},
            follows=follows,
            most_tries=MOST_TRIES,
            said=_said,
            address=KINDS[job.kind].address if job.kind in KINDS and job.kind != EXPORT else lambda _result: None,
        )
    )
    if follows:
        page.headers["Refresh"] = FOLLOW_EVERY_S
    return page


@blueprint.get("/<uuid:job_id>/refused")
@allow(*BOOKKEEPING)
def refused(job_id: UUID) -> AnyResponse:
    """What was refused, as a file with the reasons, ready to be corrected and handed in again."""
    with work_here() as work:
        job = _job(work, job_id)
        lines, _ = lines_of(work, job_id, state="refused", most=MAX_LINES)
        kind = KINDS.get(job.kind)
        if kind is None or kind.give_back is None or not lines:
            abort(404)
        work.audit(actor(), "job.refused_fetched", str(job_id), lines=len(lines))
    filename, content = kind.give_back(job, lines)
    return send_bytes(content, MIMES[filename[-4:]], filename)


@blueprint.post("/<uuid:job_id>/<any(stop, again):act>")
@allow(*BOOKKEEPING)
def act(job_id: UUID, act: str) -> AnyResponse:
    """Stop a job, or look again at what it refused."""
    with work_here() as work:
        _job(work, job_id)
        if act == "stop":
            stop_job(work, job_id, actor())
        else:
            try_again(work, job_id, actor())
    return redirect(url_for("jobs.show", job_id=job_id, follow="yes"), 303)


def _badge(job: JobView) -> Badge:
    state = "refused" if job.state == "finished" and job.refused else job.state
    return JOB_STATES["given_up" if job.given_up else state].spoken()


def _kind_name(job: JobView, export: Export | None) -> str:
    if export is not None and export.kind in EXPORTS:
        return gettext("Export : %(name)s") % {"name": gettext(EXPORTS[export.kind].name)}
    return gettext(KINDS[job.kind].name) if job.kind in KINDS else job.kind


def _job(work: Work, job_id: UUID) -> JobView:
    try:
        return job_of(work, job_id)
    except NotFoundError:
        abort(404)


def _said(line: JobLine) -> str:
    """Why a line was refused, in the reader's language."""
    return fitted((line.sentence_fr if language() == "fr" else line.sentence) or "")
