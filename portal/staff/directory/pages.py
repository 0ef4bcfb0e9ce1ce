"""``/s/directory``: can this customer be reached, at which address, and why not; the same for a whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from einvoice.directory.addresses import Wanted, choose_address
from einvoice.directory.checks import (
    PAGE,
    count_states,
    find_check,
    list_checks,
    rows_of,
    start_check,
    stop_check,
)
from einvoice.directory.customer_file import CustomerFileError, identify, read_customer_file
from einvoice.directory.words import ReachState
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, STAFF, allow
from portal.staff.directory.shown import LINE_STATES, MESHES, STATES
from portal.staff.directory.table import write_table
from portal.validation.uploads import clean_name
from portal.words import fitted, gettext, language

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from einvoice.directory.reach import CompanyAnswer
    from einvoice.platform.directory import Facility

blueprint = Blueprint("directory", __name__, url_prefix="/s/directory")

REFRESH_S = 3
"""How often the page of a running check looks again, until its reader stops that."""
MAX_TYPED = 130
"""Longest number or address typed into a form."""
NOTHING, TOO_LARGE = 422, 413


@blueprint.get("")
@allow(*STAFF)
def home() -> AnyResponse:
    """Look one customer up, or hand in a file."""
    typed = request.args.get("number", "")[:MAX_TYPED].strip()
    if not typed:
        return _home()
    known = identify(typed)
    if known.siren is None:
        problem = known.problem or (
            "Ce numéro n'est pas français : l'annuaire ne liste que des SIREN.",
            "This number is not French: the directory lists SIREN only.",
        )
        return _home(NOTHING, number_error=problem[language() != "fr"], typed=typed)
    return redirect(url_for("directory.company", siren=known.siren, siret=known.siret), 303)


@blueprint.get("/companies/<siren>")
@allow(*STAFF)
def company(siren: str) -> str:
    """One company: the verdict, its lines, and which address an invoice would bear."""
    if identify(siren).siren != siren:
        abort(404)
    reach = services().directory.reach(place().supplier_id, siren)
    siret, code, stated = (request.args.get(name, "")[:MAX_TYPED].strip() or None for name in ("siret", "code", "to"))
    choice = choose_address(reach.answer, Wanted(siret, code, stated)) if reach.answer else None
    return render_template(
        "directory/company.html",
        reach=reach,
        states=STATES,
        meshes=MESHES,
        line_states=LINE_STATES,
        choice=choice,
        lines=reach.answer.lines[:PAGE] if reach.answer else (),
        demands=_demanding(reach.answer),
        fitted=fitted,
        asked={"siret": siret or "", "code": code or "", "to": stated or ""},
    )


@blueprint.post("/companies/<siren>")
@allow(*STAFF)
def ask_again(siren: str) -> AnyResponse:
    """Ask the directory now, whatever is kept."""
    if identify(siren).siren != siren:
        abort(404)
    services().directory.reach(place().supplier_id, siren, again=True)
    return redirect(url_for("directory.company", siren=siren), 303)


@blueprint.post("/checks")
@allow(*COLLECTING)
def start() -> AnyResponse:
    """Take a customer file; the worker looks its rows up."""
    given = request.files.get("file")
    content = given.read() if given else b""
    if not content:
        return _home(NOTHING, file_error=gettext("Choisissez d'abord un fichier qui n'est pas vide."))
    limits = services().settings
    try:
        rows = read_customer_file(
            content, max_bytes=limits.directory_max_file_bytes, max_rows=limits.directory_max_rows
        )
    except CustomerFileError as error:
        return _home(NOTHING, file_error=error.sentence_fr if language() == "fr" else error.sentence)
    label = clean_name(given.filename if given else "") or gettext("fichier sans nom")
    with work_here() as work:
        check_id = start_check(work, label, rows)
        work.audit(actor(), "directory.check_started", str(check_id), rows=len(rows))
    return redirect(url_for("directory.show_check", check_id=check_id), 303)


@blueprint.get("/checks/<uuid:check_id>")
@allow(*STAFF)
def show_check(check_id: UUID) -> AnyResponse:
    """How far a check is, and what it found; the page looks again by itself until its reader says no."""
    narrowed = request.args.get("show", "")
    narrowed = narrowed if narrowed in set(ReachState) else ""
    with work_here() as work:
        found = find_check(work, check_id)
        if found is None:
            abort(404)
        rows = rows_of(work, check_id, after=_line(), most=PAGE + 1, narrowed=narrowed or None)
        counts = count_states(work, check_id)
    running = found.state == "running"
    page = make_response(
        render_template(
            "directory/check.html",
            check=found,
            rows=rows[:PAGE],
            more=len(rows) > PAGE,
            counts=counts,
            narrowed=narrowed,
            states=STATES,
            fitted=fitted,
            running=running,
            still="still" in request.args,
            line=_line(),
        )
    )
    if running and "still" not in request.args:
        page.headers["Refresh"] = str(REFRESH_S)
    return page


@blueprint.post("/checks/<uuid:check_id>/stop")
@allow(*COLLECTING)
def stop(check_id: UUID) -> AnyResponse:
    """Look nothing more up."""
    with work_here() as work:
        if find_check(work, check_id) is None:
            abort(404)
        stop_check(work, check_id)
    return redirect(url_for("directory.show_check", check_id=check_id), 303)


@blueprint.get("/checks/<uuid:check_id>/table.csv")
@allow(*STAFF)
def download(check_id: UUID) -> Response:
    """The result as CSV, as far as it is known."""
    with work_here() as work:
        found = find_check(work, check_id)
        if found is None:
            abort(404)
        rows = rows_of(work, check_id, most=found.total)
    table = write_table(((r["line"], r["name"], r["given"], r["siren"], verdict) for r, verdict in rows), language())
    response = Response(table, mimetype="text/csv")
    stem = found.label.rpartition(".")[0] or found.label
    response.headers.set("Content-Disposition", "attachment", filename=f"{stem}-annuaire.csv")
    return response


@blueprint.errorhandler(RequestEntityTooLarge)
def refuse_size(_: RequestEntityTooLarge) -> AnyResponse:
    """A file that was not read to its end."""
    most = services().settings.directory_max_file_bytes // (1024 * 1024)
    said = gettext("Ce fichier dépasse %(most)s Mo. Gardez les colonnes SIREN et nom.") % {"most": most}
    return _home(TOO_LARGE, file_error=said)


def _home(
    status: int = 200, *, number_error: str | None = None, file_error: str | None = None, typed: str = ""
) -> AnyResponse:
    with work_here() as work:
        checks = list_checks(work)
        offered = services().directory_for(work) is not None
    page = render_template(
        "directory/home.html",
        checks=checks,
        offered=offered,
        number_error=number_error,
        file_error=file_error,
        typed=typed,
        most_rows=services().settings.directory_max_rows,
        may_start=place().role in COLLECTING,
    )
    return make_response(page, status)


def _line() -> int:
    after = request.args.get("after", "")
    return int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0  # noqa: PLR2004 -- an int4


def _demanding(answer: CompanyAnswer | None) -> tuple[Facility, ...]:
    """The establishments of a public body that say what they demand."""
    if answer is None or not answer.is_public:
        return ()
    return tuple(each for each in answer.facilities if each.demands)[:PAGE]
