"""``/s/indicators/mailings``: the indicators by mail, every day, week or month, to whoever asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import caller, services, work_here
from portal.access.roles import STAFF, allow
from portal.staff.indicators.asking import choices, query_of, read_scope
from portal.staff.indicators.words import BY_NAMES, RHYTHMS
from receivables.errors import NotFoundError
from receivables.store.measuring.indicator_mailings import add_mailing, mailings_of, stop_mailing

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

blueprint = Blueprint("indicator_mailings", __name__, url_prefix="/s/indicators/mailings")

NARROWING = frozenset({"collector", "segment", "currency"})
MOST_MAILINGS = 10
"""Mailings of one person."""


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """What the caller is mailed, and the form for one more."""
    with work_here() as work:
        known = choices(work, services().database)
        scope = read_scope(request.args, known, today())
        mailings = mailings_of(work, caller().person.person_id)
    return render_template(
        "indicators/mailings.html",
        mailings=mailings,
        rhythms=RHYTHMS,
        full=len(mailings) >= MOST_MAILINGS,
        scope=scope,
        choices=known,
        by_names=BY_NAMES,
        query=lambda at=scope, **changes: query_of(at, today(), **changes),
        today=today(),
    )


@blueprint.post("")
@allow(*STAFF)
def add() -> Response:
    """Ask for one more mailing."""
    rhythm = request.form.get("rhythm", "")
    if rhythm not in RHYTHMS:
        abort(400)
    with work_here() as work:
        scope = read_scope(request.form, choices(work, services().database), today())
        person_id = caller().person.person_id
        if len(mailings_of(work, person_id)) < MOST_MAILINGS:
            asked = query_of(scope, scope.on)
            narrowed = {name: value for name, value in asked.items() if name in NARROWING}
            add_mailing(work, person_id, rhythm, narrowed, today())
    return redirect(url_for("indicator_mailings.index"), 303)


@blueprint.post("/<uuid:mailing_id>/stop")
@allow(*STAFF)
def stop(mailing_id: UUID) -> Response:
    """Stop one of the caller's mailings."""
    person_id = caller().person.person_id
    try:
        with work_here() as work:
            stop_mailing(work, mailing_id, person_id, f"person {person_id}")
    except NotFoundError:
        abort(404)
    return redirect(url_for("indicator_mailings.index"), 303)
