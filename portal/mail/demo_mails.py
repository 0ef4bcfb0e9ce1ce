"""The book of mails for everybody, in the demonstration only: a visitor opens the sign-in mails they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template

from portal.access.context import services
from portal.access.headers import let_own_frames_show
from portal.access.roles import public
from portal.staff.mails.framed import framed
from receivables.store.mail.book import PAGE, BookLine, Hidden, KeptMail, find_kept_mail, list_book
from receivables.store.register import list_suppliers

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

blueprint = Blueprint("demo", __name__, url_prefix="/demo")


@blueprint.get("/mails")
@public
def mails() -> str:
    """The newest mails of every supplier."""
    house = services()
    rows: list[BookLine] = []
    for supplier in list_suppliers(house.database):
        with house.works.begin(supplier.supplier_id) as work:
            rows += list_book(work, Hidden())
    rows.sort(key=lambda each: each.created_at, reverse=True)
    return render_template("demo/mails.html", rows=rows[:PAGE])


@blueprint.get("/mails/<uuid:mail_id>")
@public
def mail(mail_id: UUID) -> str:
    """One mail."""
    let_own_frames_show()
    return render_template("demo/mail.html", mail=_find(mail_id))


@blueprint.get("/mails/<uuid:mail_id>/page")
@public
def page(mail_id: UUID) -> Response:
    """The HTML of one mail, to be shown in a frame."""
    return framed(_find(mail_id).html_body)


def _find(mail_id: UUID) -> KeptMail:
    house = services()
    for supplier in list_suppliers(house.database):
        with house.works.begin(supplier.supplier_id) as work:
            found = find_kept_mail(work, mail_id, Hidden())
        if found is not None:
            return found
    return abort(404)
