"""``/u/<token>``: the page behind "no more of these mails", for people; programs post to it (`portal.hooks.one_click`).

Opening it changes nothing: mail scanners open links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, url_for

from portal.access.context import services
from portal.access.roles import public
from portal.mail.kinds import KINDS
from portal.mail.unsubscribing import PATH, has_stopped, read_token, stop_mails
from portal.words import gettext
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from werkzeug import Response

    from portal.mail.unsubscribing import Stop

blueprint = Blueprint("unsubscribe", __name__, url_prefix=PATH.rstrip("/"))


@blueprint.get("/<token>")
@public
def ask(token: str) -> str:
    """What would end, and a button; what has ended, and the way back."""
    stop = _read(token)
    with services().works.begin(stop.supplier_id) as work:
        return render_template(
            "mails/unsubscribe.html",
            token=token,
            kind=gettext(KINDS[stop.kind].name),
            supplier=supplier_name(work),
            stopped=has_stopped(work, stop),
        )


@blueprint.post("/<token>/stop")
@public
def stop(token: str) -> Response:
    """No more of these."""
    stop_mails(services(), _read(token))
    return redirect(url_for("unsubscribe.ask", token=token), 303)


@blueprint.post("/<token>/resume")
@public
def resume(token: str) -> Response:
    """These again."""
    stop_mails(services(), _read(token), wanted=True)
    return redirect(url_for("unsubscribe.ask", token=token), 303)


def _read(token: str) -> Stop:
    found = read_token(services().keyring, token)
    if found is None:
        abort(404)
    return found
