"""Messages refused before they were read: too heavy, or too many at once. What was typed waits on the page before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge, TooManyRequests

from portal.documents.attachments import MOST_BYTES, MOST_FILES
from portal.words import gettext

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug import Response


def refuse_unread(blueprint: Blueprint) -> None:
    """Answer for forms that are sent to the address of their own page."""
    blueprint.register_error_handler(RequestEntityTooLarge, lambda _: _too_heavy(request.path))
    blueprint.register_error_handler(TooManyRequests, lambda _: _too_many(request.path))


def refuse_unread_acts(blueprint: Blueprint) -> None:
    """Answer for forms that are sent to an act below the address of their page."""
    blueprint.register_error_handler(RequestEntityTooLarge, lambda _: _too_heavy(request.path.rpartition("/")[0]))


def _too_heavy(back: str) -> Response:
    told = {"most": MOST_FILES, "size": MOST_BYTES // 1024**2}
    said = gettext("Vos fichiers sont trop lourds : au plus %(most)s fichiers de %(size)s Mo chacun.") % told
    again = gettext("Revenez à la page précédente : votre texte y est encore. Retirez ou réduisez les fichiers.")
    return make_response(render_template("disputes/refused.html", said=said, again=again, back=back), 413)


def _too_many(back: str) -> Response:
    said = gettext("Beaucoup de messages sont partis d'ici en peu de temps.")
    again = gettext("Patientez un moment, puis renvoyez le vôtre : revenez à la page précédente, votre texte y est.")
    return make_response(render_template("disputes/refused.html", said=said, again=again, back=back), 429)
