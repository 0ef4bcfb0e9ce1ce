"""``/validate``: anybody drops a file and reads whether it is a valid e-invoice, and what to do if not.

No account, no script, nothing kept: the file is in memory while it is judged, and the page is its only trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge, TooManyRequests

from portal.access.context import services
from portal.access.roles import public
from portal.validation.desk import DeskError, Queue
from portal.validation.samples import FILENAME, sample
from portal.validation.shown import MOST_PLACES, MOST_SHOWN, show
from portal.validation.uploads import MAX_PUBLIC_BYTES, clean_name
from portal.words import gettext, language

if TYPE_CHECKING:
    from werkzeug import Response

    from einvoice.validation.file_report import FileReport

blueprint = Blueprint("validation", __name__)

BUSY, FAILED, NOTHING, TOO_LARGE = 503, 500, 422, 413
RETRY_S = 10
MIB = 1024 * 1024


@blueprint.get("/validate")
@public
def show_form() -> Response:
    """The form; with ``?demo`` the report on a sample, with ``?demo=faulty`` on a wrong one."""
    wanted = request.args.get("demo")
    if wanted is None:
        return _form()
    return _judged(sample(faulty=wanted == "faulty"), FILENAME, is_sample=True)


@blueprint.post("/validate")
@public
def check() -> Response:
    """The report on the file that was dropped; a wrong file is a good answer."""
    given = request.files.get("file")
    content = given.read() if given else b""
    if not content:
        empty = bool(given and given.filename)
        said = gettext("Le fichier est vide.") if empty else gettext("Choisissez d'abord un fichier.")
        return _form(said, NOTHING)
    if len(content) > MAX_PUBLIC_BYTES:
        return _form(_too_large(), TOO_LARGE)
    return _judged(content, clean_name(given.filename if given else "") or gettext("fichier sans nom"))


@blueprint.errorhandler(RequestEntityTooLarge)
def refuse_size(_: RequestEntityTooLarge) -> Response:
    """A body that was not read to its end."""
    return _form(_too_large(), TOO_LARGE)


@blueprint.errorhandler(TooManyRequests)
def refuse_haste(error: TooManyRequests) -> Response:
    """Too many files from one address."""
    said = gettext("Vous avez contrôlé beaucoup de fichiers en peu de temps. Patientez un moment avant de recommencer.")
    return _form(said, error.code)


def _judged(content: bytes, filename: str, *, is_sample: bool = False) -> Response:
    try:
        report = services().desk.check(content, filename, Queue.PUBLIC)
    except DeskError as error:
        response = _form(
            error.sentence_fr if language() == "fr" else error.sentence,
            BUSY if error.code == "validation.busy" else FAILED,
        )
        if error.code == "validation.busy":
            response.headers["Retry-After"] = str(RETRY_S)
        return response
    return _result(report, is_sample=is_sample)


def _result(report: FileReport, *, is_sample: bool) -> Response:
    shown = show(report)
    page = render_template(
        "validation/result.html",
        shown=shown,
        is_sample=is_sample,
        most=MOST_SHOWN,
        most_places=MOST_PLACES,
        most_mib=MAX_PUBLIC_BYTES // MIB,
    )
    return make_response(page)


def _form(said: str | None = None, status: int = 200) -> Response:
    """The form, with what went wrong where something did."""
    page = render_template("validation/form.html", said=said, most_mib=MAX_PUBLIC_BYTES // MIB)
    return make_response(page, status)


def _too_large() -> str:
    return gettext("Ce fichier dépasse %(most)s Mo. Envoyez-le sans ses pièces jointes.") % {
        "most": MAX_PUBLIC_BYTES // MIB
    }
