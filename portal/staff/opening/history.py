"""``/s/opening/<id>/history`` and ``/s/customers/<id>/former``: letters of the former books brought, read and found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.safe_xml import UnsafeXmlError
from portal.access.context import actor, work_here
from portal.access.roles import BOOKKEEPING, READERS, allow
from portal.customer.downloads import send_bytes
from portal.fields import id_in
from portal.imports.columns import remember
from portal.imports.kept import keep_brought
from portal.lists import MAX_WANTED, read_list_request
from portal.opening.history import FIELDS, PURPOSE, HistoryChoices, plan_history
from portal.opening.history_job import start_history
from portal.staff.imports.brought import brought_here, dropped_file, samples_of
from portal.staff.opening.pages import MAX_FORM_BYTES as LONGEST_FORM
from portal.staff.opening.pages import MAX_TERMS_DAYS, SHOWN, UNPROCESSABLE, show_opening
from portal.tables import MARK
from portal.telling.former_words import FORMER_KINDS
from portal.words import gettext, language, told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.accounting.taking_over import opening_of
from receivables.store.accounting.former_lines import former_lines, former_totals
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy import RowMapping
    from werkzeug import Response as AnyResponse

    from portal.opening.history import HistoryPlan
    from receivables.store.work import Work

blueprint = Blueprint("history", __name__, url_prefix="/s")
MAX_FORM_BYTES = LONGEST_FORM


@blueprint.get("/opening/history.csv")
@allow(*BOOKKEEPING)
def template() -> AnyResponse:
    """An empty table of letters with every column."""
    content = f"{MARK}{';'.join(field.french for field in FIELDS)}\r\n".encode()
    return send_bytes(content, "text/csv; charset=utf-8", "historique-modele.csv")


@blueprint.get("/opening/<uuid:opening_id>/history")
@allow(*BOOKKEEPING)
def show(opening_id: UUID) -> str:
    """The lines that an opening brought, newest first; those of uneven letters alone on demand."""
    wanted, uneven = request.args.get("q", "")[:MAX_WANTED], request.args.get("show") == "uneven"
    with work_here() as work:
        opening = _opening(work, opening_id)
        rows, more = former_lines(
            work, opening_id=opening_id, piece=wanted, uneven=uneven, after=id_in(request.args.get("after", ""))
        )
    return render_template(
        "opening/history.html",
        opening=opening,
        rows=rows,
        more=more,
        wanted=wanted,
        uneven=uneven,
        kinds=_kinds(),
        max_wanted=MAX_WANTED,
    )


@blueprint.post("/opening/<uuid:opening_id>/history")
@allow(*BOOKKEEPING)
def take(opening_id: UUID) -> AnyResponse:
    """Keep a file of letters, where it can be read at all; nothing is taken over yet."""
    content, filename = dropped_file("historique")
    try:
        with work_here() as work:
            opening = _opening(work, opening_id)
            plan_history(work, content, HistoryChoices(opening["opened_on"]))
            brought = keep_brought(work, filename, content, actor())
    except (ReceivablesError, UnsafeXmlError) as error:
        return make_response(show_opening(opening_id, history_said=told_by(error)), UNPROCESSABLE)
    return redirect(url_for("history.review", opening_id=opening_id, sha256=brought.sha256), 303)


@blueprint.get("/opening/<uuid:opening_id>/history/<sha256>")
@allow(*BOOKKEEPING)
def review(opening_id: UUID, sha256: str) -> AnyResponse:
    """The dry run: which letters would be taken over, of whom, and which do not come to zero."""
    return _review(opening_id, sha256, request.args)


@blueprint.post("/opening/<uuid:opening_id>/history/<sha256>")
@allow(*BOOKKEEPING)
def start(opening_id: UUID, sha256: str) -> AnyResponse:
    """Take them over."""
    brought = brought_here(sha256)
    with work_here() as work:
        opening = _opening(work, opening_id)
        choices = _choices(opening, request.form)
        plan = plan_history(work, brought.content, choices, _columns(request.form))
        if plan.table and plan.columns and "mapped" in request.form:
            remember(work, PURPOSE, plan.table, plan.columns)
        job_id = None
        if plan.is_ready and opening["state"] == "booked":
            job_id = start_history(
                work, opening_id, plan, brought, opens_customers=choices.opens_customers, actor=actor()
            )
    if job_id is None:
        return _review(opening_id, sha256, request.form)
    return redirect(url_for("jobs.show", job_id=job_id, follow="yes"), 303)


@blueprint.get("/customers/<uuid:customer_id>/former")
@allow(*READERS)
def customer(customer_id: UUID) -> str:
    """What was settled with a customer before these books began, newest first, searched by piece."""
    wanted = read_list_request(request.args).wanted
    with work_here() as work:
        found = get_customer(work, customer_id)
        totals = former_totals(work, customer_id)
        rows, more = former_lines(
            work, customer_id=customer_id, piece=wanted, after=id_in(request.args.get("after", ""))
        )
    return render_template(
        "opening/former.html",
        customer=found,
        totals=totals,
        rows=rows,
        more=more,
        wanted=wanted,
        kinds=_kinds(),
        max_wanted=MAX_WANTED,
    )


def _review(opening_id: UUID, sha256: str, given: Mapping[str, str]) -> AnyResponse:
    brought = brought_here(sha256)
    with work_here() as work:
        opening = _opening(work, opening_id)
        choices = _choices(opening, given)
        plan = plan_history(work, brought.content, choices, _columns(given))
    page = render_template(
        "opening/history_review.html",
        opening=opening,
        file=brought,
        plan=plan,
        choices=choices,
        given=given,
        uneven=plan.uneven[:SHOWN],
        faults=[(label, told_by(error)) for label, error in plan.faults[:SHOWN]],
        strangers=plan.strangers[:SHOWN],
        groups=_largest(plan),
        kinds=_kinds(),
        fields=[(field, field.name(language())) for field in FIELDS],
        samples=samples_of(plan.table) if plan.table else [],
    )
    return make_response(page, UNPROCESSABLE if request.method == "POST" else 200)


def _largest(plan: HistoryPlan) -> list[tuple[str, str, int, int]]:
    """The first accounts with their names, how many letters and lines each has."""
    found: dict[str, tuple[str, str, int, int]] = {}
    for group in plan.groups:
        _, _, letters, lines = found.get(group.code, (group.code, group.name, 0, 0))
        found[group.code] = (group.code, group.name, letters + 1, lines + len(group.lines))
    return sorted(found.values(), key=lambda each: (-each[3], each[0]))[:SHOWN]


def _choices(opening: RowMapping, given: Mapping[str, str]) -> HistoryChoices:
    terms = given.get("terms_days", "")
    told = opening["options"].get("terms_days", 30)
    return HistoryChoices(
        until=opening["opened_on"],
        terms_days=min(int(terms[:3]), MAX_TERMS_DAYS) if terms.isdecimal() else told,
        opens_customers=given.get("opens_customers") == "yes" if "terms_days" in given else True,
    )


def _columns(given: Mapping[str, str]) -> dict[str, str] | None:
    return {field.key: given.get(field.key, "") for field in FIELDS} if "mapped" in given else None


def _opening(work: Work, opening_id: UUID) -> RowMapping:
    try:
        return opening_of(work, opening_id)
    except NotFoundError:
        abort(404)


def _kinds() -> dict[str, str]:
    return {key: gettext(name) for key, name in FORMER_KINDS.items()}
