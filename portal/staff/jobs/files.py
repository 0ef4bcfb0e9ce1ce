"""``/s/jobs/files``: an export that is made apart, asked for, watched and fetched by whoever asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from portal.access.context import work_here
from portal.access.roles import READERS, allow
from portal.exports.handing import ask, progress_page, send_export, typed_wish
from portal.words import gettext, told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from flask import Response
    from werkzeug import Response as AnyResponse

blueprint = Blueprint("export_files", __name__, url_prefix="/s/jobs/files")
ASK = "/s/jobs/files"
"""Where an export is asked for."""
EVIDENCE = "evidence"
UNPROCESSABLE = 422


@blueprint.post("")
@allow(*READERS)
def begin() -> AnyResponse:
    """Have an export made; each kind says who may."""
    try:
        export_id = ask(typed_wish(_customer_id()))
    except NotFoundError:
        abort(404)
    except ReceivablesError as error:
        return make_response(render_template("exports/refused.html", said=told_by(error)), UNPROCESSABLE)
    return redirect(url_for("export_files.show", export_id=export_id, follow="yes"), 303)


@blueprint.get("/<uuid:export_id>")
@allow(*READERS)
def show(export_id: UUID) -> AnyResponse:
    """How far it is, and the way to the file."""
    return progress_page(export_id, ("/s/jobs", gettext("Travaux")))


@blueprint.get("/<uuid:export_id>/file")
@allow(*READERS)
def fetch(export_id: UUID) -> Response:
    """The file."""
    return send_export(export_id)


def _customer_id() -> UUID | None:
    """Whom the export is about: named by the form, or by the invoice of an evidence."""
    try:
        if request.form.get("kind") == EVIDENCE:
            with work_here() as work:
                return get_invoice(work, UUID(request.form.get("o.invoice", ""))).customer_id
        given = request.form.get("customer", "")
        return UUID(given) if given else None
    except ValueError:
        abort(404)
