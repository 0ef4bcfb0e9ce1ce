"""``/s/mails``: what was written to whom and what became of it, each mail as its reader sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from portal.access.context import actor, services, work_here
from portal.access.headers import let_own_frames_show
from portal.access.roles import COLLECTING, STAFF, allow
from portal.access.sign_in_mail import SIGN_IN_MAILS
from portal.lists import read_list_request
from portal.mail.kinds import KINDS, SECRET
from portal.mailbox.returning import AGAIN, resume_address, send_again
from portal.staff.mails.framed import framed
from portal.words import gettext, note_text
from receivables.store.mail.book import PAGE, STATES, Hidden, find_kept_mail, list_book

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response as Shown
    from werkzeug import Response

    from receivables.store.mail.book import KeptMail

blueprint = Blueprint("mails", __name__, url_prefix="/s/mails")

SECRET_KEYS = (SIGN_IN_MAILS, "invitation/", "opening/")
"""How the keys of mails of before there were kinds begin whose link is meant for one mailbox alone."""
CHOICES = {
    "all": note_text("Tous"),
    "to_send": note_text("À envoyer"),
    "sent": note_text("Envoyés"),
    "bounced": note_text("Revenus"),
    "failed": note_text("Non envoyés"),
    "withdrawn": note_text("Retenus"),
}


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """The book of mails: what was written to whom."""
    asked = read_list_request(request.args)
    state = request.args.get("show")
    state = state if state in STATES else None
    with work_here() as work:
        rows = list_book(work, hidden(), state=state, wanted=asked.wanted, after=asked.after)
    return render_template(
        "mails/book.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        asked=asked,
        chosen=state or "all",
        choices=CHOICES,
        kind_name=kind_name,
    )


@blueprint.get("/<uuid:mail_id>")
@allow(*STAFF)
def show(mail_id: UUID) -> str:
    """One mail: as its reader sees it, as plain text, and what became of it."""
    found = _mail(mail_id)
    let_own_frames_show()
    return render_template(
        "mails/show.html",
        mail=found,
        kind=kind_name(found.kind),
        may_stop=_may_stop(found.kind),
        may_again=found.state in AGAIN,
    )


@blueprint.get("/<uuid:mail_id>/page")
@allow(*STAFF)
def page(mail_id: UUID) -> Shown:
    """The HTML of one mail, to be shown in a frame."""
    return framed(_mail(mail_id).html_body)


@blueprint.post("/<uuid:mail_id>/again")
@allow(*COLLECTING)
def again(mail_id: UUID) -> Response:
    """Write to the address again, and send this mail again: somebody knows that it works now."""
    found = _mail(mail_id)
    with work_here() as work:
        if resume_address(work, found.recipient, actor()) or found.state in AGAIN:
            send_again(work, mail_id, actor())
    return redirect(url_for("mails.show", mail_id=mail_id), 303)


def hidden() -> Hidden:
    """A link that opens somebody else's account is read by nobody here, except in the demonstration."""
    if services().settings.demo:
        return Hidden()
    return Hidden(SECRET, SECRET_KEYS)


def kind_name(kind: str) -> str:
    """A kind of mail in the reader's language; empty for mails of before there were kinds."""
    return gettext(KINDS[kind].name) if kind in KINDS else ""


def _may_stop(kind: str) -> bool:
    return kind in KINDS and KINDS[kind].may_stop


def _mail(mail_id: UUID) -> KeptMail:
    with work_here() as work:
        found = find_kept_mail(work, mail_id, hidden())
    if found is None:
        abort(404)
    return found
