"""``/s/claims/write-offs``: what is given up of claims and is so much that a second person has to agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from portal.access.context import actor, place, services, work_here
from portal.access.people import staff_of
from portal.access.roles import CREDIT, OWNERS, STAFF, allow
from portal.access.step_up import fresh_proof
from portal.customer.disputing import read_amount
from portal.words import gettext, told_by
from receivables.errors import ReceivablesError
from receivables.services.settlement.writing_off import (
    agree_write_off,
    open_write_offs,
    refuse_write_off,
    set_write_off_limit,
    write_off_limit,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("write_offs", __name__, url_prefix="/s/claims/write-offs")

UNPROCESSABLE = 422
MOST_LIMIT_MINOR = 100_000_000


@blueprint.get("")
@allow(*STAFF)
def index() -> Response:
    """What waits for a second person."""
    return _page()


@blueprint.post("/<uuid:write_off_id>/agree")
@allow(*CREDIT)
@fresh_proof
def agree(write_off_id: UUID) -> Response:
    """The second person agrees."""
    return _act(lambda work: agree_write_off(work, write_off_id, actor()))


@blueprint.post("/<uuid:write_off_id>/refuse")
@allow(*CREDIT)
def refuse(write_off_id: UUID) -> Response:
    """It is not given up."""
    return _act(lambda work: refuse_write_off(work, write_off_id, actor()))


@blueprint.post("/limit")
@allow(*OWNERS)
@fresh_proof
def set_limit() -> Response:
    """Up to how much one person is enough."""
    minor = read_amount(request.form.get("limit", "")[:20], "EUR")
    if minor is None or not 0 <= minor <= MOST_LIMIT_MINOR:
        return _page(gettext("Saisissez un montant en euros, par exemple 200."))
    with work_here() as work:
        set_write_off_limit(work, minor, actor())
    return redirect(url_for("write_offs.index", told="limit"), 303)


def _act(act: Callable[[Work], None]) -> Response:
    try:
        with work_here() as work:
            act(work)
    except ReceivablesError as error:
        return _page(told_by(error))
    return redirect(url_for("write_offs.index", told="decided"), 303)


def _page(wrong: str = "") -> Response:
    with work_here() as work:
        waiting, limit = open_write_offs(work), write_off_limit(work)
    names = {f"person {each.person_id}": each.name for each in staff_of(services().database, place().supplier_id)}
    page = render_template(
        "claims/write_offs.html",
        waiting=waiting,
        limit=limit,
        names=names,
        me=actor(),
        wrong=wrong,
        told=request.args.get("told", ""),
        may_decide=place().role in CREDIT,
        may_set=place().role in OWNERS,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)
