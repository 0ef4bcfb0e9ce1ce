"""``/s/messages/templates``: the texts that collectors write often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request

from portal.access.context import actor, place, work_here
from portal.access.roles import COLLECTING, STAFF, allow
from portal.fields import id_in
from portal.staff.messages.filling import STARTERS
from portal.words import told_by
from receivables.domain.conversations.messages import MAX_TEMPLATE, PLACES, Template
from receivables.errors import ReceivablesError
from receivables.services.conversations.messaging import set_template
from receivables.store.conversations.message_templates import remove_template, templates

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

blueprint = Blueprint("message_templates", __name__, url_prefix="/s/messages/templates")
HOME = "/s/messages/templates"
MAX_NAME = 80


@blueprint.get("")
@allow(*STAFF)
def index() -> Response:
    """Every template, and the form for one: a new one, or the one that the address names."""
    return _page(None)


@blueprint.post("")
@allow(*COLLECTING)
def keep() -> Response:
    """Keep a template, new or changed."""
    form = request.form
    given = Template(
        id_in(form.get("template", "")),
        form.get("name", "")[:MAX_NAME],
        form.get("fr", "")[: MAX_TEMPLATE + 1],
        form.get("en", "")[: MAX_TEMPLATE + 1] or None,
    )
    try:
        with work_here() as work:
            if given.template_id and given.template_id not in {each.template_id for each in templates(work)}:
                given = Template(None, given.name, given.body_fr, given.body_en)
            set_template(work, given, actor())
    except ReceivablesError as error:
        return _page(given, told_by(error))
    return redirect(HOME, 303)


@blueprint.post("/<uuid:template_id>/remove")
@allow(*COLLECTING)
def remove(template_id: UUID) -> Response:
    """Take a template off the list."""
    with work_here() as work:
        if remove_template(work, template_id, actor()):
            work.audit(actor(), "template.removed", str(template_id))
    return redirect(HOME, 303)


def _page(typed: Template | None, wrong: str = "") -> Response:
    with work_here() as work:
        own = templates(work)
    asked = id_in(request.args.get("change", ""))
    shown = typed or next((each for each in own if each.template_id == asked), None) or Template(None, "", "")
    page = render_template(
        "messages/templates.html",
        own=own,
        starters=list(STARTERS.values()),
        typed=shown,
        wrong=wrong,
        places=PLACES,
        may_act=place().role in COLLECTING,
        most=MAX_TEMPLATE,
        max_name=MAX_NAME,
    )
    return make_response(page, 422 if wrong else 200)
