"""``/s/mails/kinds``: every kind of mail with sample data, in both languages, in the supplier's look and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request

from portal.access.context import services, work_here
from portal.access.headers import let_own_frames_show
from portal.access.roles import STAFF, allow
from portal.mail.kinds import CUSTOMER, KINDS, PERSON
from portal.mail.kinds import STAFF as TO_STAFF
from portal.mail.page import heading_of, write_page
from portal.mail.samples import sample
from portal.staff.mails.framed import framed
from portal.words import NAMES, known_language, note_text

if TYPE_CHECKING:
    from flask import Response

    from portal.mail.page import MailPage

blueprint = Blueprint("mail_kinds", __name__, url_prefix="/s/mails/kinds")

GROUPS = {
    CUSTOMER: note_text("Aux clients"),
    TO_STAFF: note_text("À votre équipe"),
    PERSON: note_text("À qui se connecte ou signe"),
}

READERS_OF = {
    "digest": {
        "all": note_text("Qui suit tous les clients"),
        "own": note_text("Qui suit les siens"),
        "sales": note_text("Un commercial"),
    }
}
"""Kinds that tell each of their readers something else, and as whom they can be looked at."""


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """All kinds, by whom they go to."""
    groups = [(name, [(key, kind) for key, kind in KINDS.items() if kind.to == to]) for to, name in GROUPS.items()]
    return render_template("mails/kinds.html", groups=groups)


@blueprint.get("/<kind>")
@allow(*STAFF)
def show(kind: str) -> str:
    """One kind: subject, picture and plain text."""
    made, spoken = _sample(kind)
    let_own_frames_show()
    return render_template(
        "mails/kind.html",
        key=kind,
        kind=KINDS[kind],
        subject=heading_of(made),
        preheader=made.preheader,
        text=write_page(made)[0],
        spoken=spoken,
        languages=NAMES,
        readers=READERS_OF.get(kind, {}),
        reader=_reader(kind),
    )


@blueprint.get("/<kind>/page")
@allow(*STAFF)
def page(kind: str) -> Response:
    """The HTML of the sample, to be shown in a frame."""
    return framed(write_page(_sample(kind)[0])[1])


def _sample(kind: str) -> tuple[MailPage, str]:
    if kind not in KINDS:
        abort(404)
    spoken = known_language(request.args.get("in"))
    with work_here() as work:
        return sample(work, kind, spoken, services().settings.public_url, _reader(kind)), spoken


def _reader(kind: str) -> str:
    """Whose mail is shown, of a kind that is not the same for all; empty for the others."""
    readers = READERS_OF.get(kind, {})
    asked = request.args.get("to", "")
    return asked if asked in readers else next(iter(readers), "")
