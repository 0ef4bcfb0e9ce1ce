"""``/s/desk``: the telephone, address and hours that customers see on every page: one's own, and the house's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from portal.access.context import actor, caller, place, work_here
from portal.access.people import clean_email
from portal.access.roles import BOOKKEEPING, COLLECTING, STAFF, allow
from portal.words import told_by
from receivables.errors import ReceivablesError
from receivables.store.customer_file.desks import MAX_TEXT, Desk, desks_of, keep_desk, remove_desk

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

blueprint = Blueprint("desk", __name__, url_prefix="/s/desk")


@blueprint.get("")
@allow(*STAFF)
def show() -> Response:
    """Whom customers reach."""
    return _page()


@blueprint.post("")
@allow(*COLLECTING)
def keep() -> Response:
    """Say where one is reached oneself, or nowhere any more."""
    return _keep(caller().person.person_id)


@blueprint.post("/house")
@allow(*BOOKKEEPING)
def keep_house() -> Response:
    """Say where the house is reached: by customers whose collector has no desk."""
    return _keep(None)


def _keep(person_id: UUID | None) -> Response:
    try:
        with work_here() as work:
            if request.form.get("do") == "remove":
                remove_desk(work, person_id, actor())
            else:
                keep_desk(work, _typed(person_id), actor())
    except ReceivablesError as error:
        return _page(told_by(error), _typed(person_id))
    return redirect(url_for("desk.show", told=1), 303)


def _typed(person_id: UUID | None) -> Desk:
    name, phone, hours, hours_en = (
        " ".join(request.form.get(field, "").split())[: MAX_TEXT + 1] or None
        for field in ("name", "phone", "hours", "hours_en")
    )
    return Desk(person_id, name or "", phone, clean_email(request.form.get("email", "")), hours, hours_en)


def _page(wrong: str = "", typed: Desk | None = None) -> Response:
    me = caller().person
    with work_here() as work:
        desks = desks_of(work)
    own = next((each for each in desks if each.person_id == me.person_id), Desk(me.person_id, me.name, None, me.email))
    house = next((each for each in desks if each.person_id is None), Desk(None, place().supplier_name))
    if typed is not None:
        own, house = (typed, house) if typed.person_id else (own, typed)
    page = render_template(
        "requests/desk.html",
        own=own,
        house=house,
        others=[each for each in desks if each.person_id not in {None, me.person_id}],
        wrong=wrong,
        wrong_house=typed is not None and typed.person_id is None,
        told=request.args.get("told"),
        may_keep=place().role in COLLECTING,
        may_keep_house=place().role in BOOKKEEPING,
        most=MAX_TEXT,
    )
    return make_response(page, 422 if wrong else 200)
