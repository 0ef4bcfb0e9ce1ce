"""``/c/export``: a customer takes everything that it sees here along, as one zip of lists, files and explanations.

What is small is made at once; what is large is made by the worker, and kept a week for the person who asked.
"""

from __future__ import annotations

from datetime import date
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, caller, customer_here, services, work_here
from portal.access.headers import FILE_POLICY
from portal.access.roles import Right, Role, allow
from portal.exports.customer_data import OwnData, gather_own_data, write_zip
from portal.exports.handing import ask, offer, progress_page, send_export, typed_wish, wish_here
from portal.exports.kept import exports_of
from portal.exports.telling import CUSTOMER_DATA
from portal.tables import raw_wanted
from portal.words import gettext, told_by
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from werkzeug import Response as AnyResponse

blueprint = Blueprint("customer_export", __name__, url_prefix="/c/export")

IN_MEMORY_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
SHOWN = 10
UNPROCESSABLE = 422


@blueprint.get("")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def show() -> AnyResponse:
    """For which period, and what was asked for before."""
    return _page()


@blueprint.get("/file.zip")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def file() -> AnyResponse:
    """Everything of the period in one file, or the offer to make it apart."""
    first, last = _span()
    options = {"from": first.isoformat(), "to": last.isoformat(), "form": request.args.get("form", "")}
    large = offer(wish_here(CUSTOMER_DATA, options, customer_here()), url_for("customer_export.begin"))
    if large is not None:
        return large
    asked = OwnData(customer_here(), first, last, raw_wanted())
    try:
        with work_here() as work:
            members, files = gather_own_data(work, services().database, asked)
            work.audit(
                actor(),
                "customer_data.exported",
                str(asked.customer_id),
                first=first.isoformat(),
                last=last.isoformat(),
                files=len(files),
            )
    except ReceivablesError as error:
        return _page(told_by(error))
    target = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 -- closed once it is sent
    write_zip(target, members, files, services().archive)
    response = Response(_sent(target), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{asked.filename}"'
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@blueprint.post("")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def begin() -> AnyResponse:
    """Have the worker make it."""
    try:
        export_id = ask(typed_wish(customer_here()))
    except ReceivablesError as error:
        return _page(told_by(error))
    return redirect(url_for("customer_export.watch", export_id=export_id, follow="yes"), 303)


@blueprint.get("/<uuid:export_id>")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def watch(export_id: UUID) -> AnyResponse:
    """How far it is, and the way to the file."""
    return progress_page(export_id, ("/c/export", gettext("Exporter mes données")))


@blueprint.get("/<uuid:export_id>/file")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def fetch(export_id: UUID) -> Response:
    """The file that was made apart."""
    return send_export(export_id)


def _page(wrong: str = "") -> AnyResponse:
    first, last = _span()
    with work_here() as work:
        kept = exports_of(work, caller().person.person_id, customer_here(), SHOWN)
    page = render_template("customer/export.html", first=first, last=last, wrong=wrong, kept=kept)
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _span() -> tuple[date, date]:
    """The period in the address; this year and the one before where it makes no sense."""
    usual = date(today().year - 1, 1, 1), today()
    try:
        first, last = (date.fromisoformat(request.args.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return usual
    return (first, last) if first <= last else usual


def _sent(target: IO[bytes]) -> Iterator[bytes]:
    with target:
        while chunk := target.read(CHUNK_BYTES):
            yield chunk
