"""The book of mails for everybody, in the demonstration only: a visitor opens the sign-in mails they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template

from portal.access.context import services
from portal.access.roles import public
from receivables.store.happenings import MailLine, find_mail, list_mails
from receivables.store.register import list_suppliers

if TYPE_CHECKING:
    from uuid import UUID

blueprint = Blueprint("demo", __name__, url_prefix="/demo")

SHOWN = 50


@blueprint.get("/mails")
@public
def mails() -> str:
    """The newest mails of every supplier."""
    house = services()
    rows: list[MailLine] = []
    for supplier in list_suppliers(house.database):
        with house.works.begin(supplier.supplier_id) as work:
            rows += list_mails(work, limit=SHOWN)
    rows.sort(key=lambda each: each.created_at, reverse=True)
    return render_template("demo/mails.html", rows=rows[:SHOWN])


@blueprint.get("/mails/<uuid:mail_id>")
@public
def mail(mail_id: UUID) -> str:
    """One mail."""
    house = services()
    for supplier in list_suppliers(house.database):
        with house.works.begin(supplier.supplier_id) as work:
            found = find_mail(work, mail_id)
        if found is not None:
            return render_template("demo/mail.html", mail=found)
    return abort(404)
