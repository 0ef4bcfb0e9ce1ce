"""Acts on webhooks: open, change, test, replay, give a new secret, disable, remove."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, request

from config.clock import PARIS
from portal.access.context import actor, services, work_here
from portal.access.roles import OWNERS, allow
from portal.access.step_up import fresh_proof
from portal.staff.webhooks.pages import HOME, endpoint_page, form_page
from portal.webhooks.endpoints import (
    BY_PERSON,
    EndpointWish,
    change_endpoint,
    open_endpoint,
    rotate_secret,
    set_state,
)
from portal.webhooks.planning import plan_test, replay_delivery, replay_since
from portal.words import ngettext, number, told_by
from receivables.domain.told import KINDS
from receivables.errors import NotFoundError, ReceivablesError

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

blueprint = Blueprint("webhook_acts", __name__, url_prefix=HOME)

STATES = {"disable": "disabled", "enable": "active", "remove": "removed"}


@blueprint.post("")
@allow(*OWNERS)
@fresh_proof
def open_() -> Response:
    """Begin to tell an address; the answer shows its secret, once."""
    wish = _wish()
    try:
        with work_here() as work:
            endpoint_id, secret = open_endpoint(services(), work, wish)
    except ReceivablesError as error:
        return make_response(form_page(None, wish, told_by(error)), 422)
    return make_response(endpoint_page(endpoint_id, secret=secret), 201)


@blueprint.post("/<uuid:endpoint_id>/change")
@allow(*OWNERS)
@fresh_proof
def change(endpoint_id: UUID) -> Response:
    """Keep what was changed."""
    wish = _wish()
    try:
        with work_here() as work:
            change_endpoint(services(), work, endpoint_id, wish)
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return make_response(form_page(endpoint_id, wish, told_by(error)), 422)
    return redirect(f"{HOME}/{endpoint_id}", 303)


@blueprint.post("/<uuid:endpoint_id>/secret")
@allow(*OWNERS)
@fresh_proof
def rotate(endpoint_id: UUID) -> Response:
    """A new secret, shown once."""
    with work_here() as work:
        secret = rotate_secret(services(), work, endpoint_id, actor())
    return make_response(endpoint_page(endpoint_id, secret=secret), 200)


@blueprint.post("/<uuid:endpoint_id>/state")
@allow(*OWNERS)
def change_state(endpoint_id: UUID) -> Response:
    """Disable, enable or remove."""
    asked = request.form.get("to", "")
    state = STATES.get(asked)
    if state is None:
        return redirect(f"{HOME}/{endpoint_id}", 303)
    with work_here() as work:
        set_state(work, endpoint_id, state, actor(), BY_PERSON if state == "disabled" else None)
    return redirect(HOME if state == "removed" else f"{HOME}/{endpoint_id}", 303)


@blueprint.post("/<uuid:endpoint_id>/test")
@allow(*OWNERS)
def test(endpoint_id: UUID) -> Response:
    """Send a test; its page says how it goes."""
    try:
        with work_here() as work:
            delivery_id = plan_test(work, endpoint_id, actor())
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return make_response(endpoint_page(endpoint_id, wrong=told_by(error)), 409)
    return redirect(f"{HOME}/deliveries/{delivery_id}", 303)


@blueprint.post("/<uuid:endpoint_id>/replay")
@allow(*OWNERS)
def replay(endpoint_id: UUID) -> Response:
    """Send again what happened since a moment."""
    try:
        with work_here() as work:
            count = replay_since(work, endpoint_id, _moment(request.form.get("since", "")), actor())
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return make_response(endpoint_page(endpoint_id, wrong=told_by(error)), 422)
    said = ngettext("%(num)s événement repart.", "%(num)s événements repartent.", count) % {"num": number(count)}
    return make_response(endpoint_page(endpoint_id, said=said), 200)


@blueprint.post("/deliveries/<uuid:delivery_id>/replay")
@allow(*OWNERS)
def replay_one(delivery_id: UUID) -> Response:
    """Send one event again."""
    with work_here() as work:
        again = replay_delivery(work, delivery_id, actor())
    return redirect(f"{HOME}/deliveries/{again}", 303)


def _wish() -> EndpointWish:
    form = request.form
    every = form.get("which") != "chosen"
    kinds = () if every else tuple(each for each in form.getlist("kind") if each in KINDS)
    if not every and not kinds:
        kinds = ("",)  # a choice of nothing is refused, not taken for everything
    return EndpointWish(form.get("label", ""), form.get("url", ""), kinds, actor())


def _moment(typed: str) -> datetime:
    """What a field for day and time holds, in the time of Paris.

    Raises:
        ReceivablesError: ``webhook.no_moment``.
    """
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=PARIS)
    except ValueError as error:
        raise ReceivablesError(
            "webhook.no_moment", "Choose a day and a time.", "Choisissez un jour et une heure."
        ) from error
