"""Forms are only taken from our own pages: the browser's word (``Sec-Fetch-Site``, ``Origin``), then a form token.

A token is an HMAC over the session, or over the cookie of an anonymous visit, so that nothing is stored for it. The
pages' ``Referrer-Policy: no-referrer`` makes browsers send ``Origin: null``, which therefore decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app, g, request
from markupsafe import Markup
from werkzeug.exceptions import Forbidden

from config.secrets import new_token, same, token_bytes, token_text
from portal.access.context import services
from portal.access.cookies import VISIT, read_cookie, set_cookie
from portal.access.principals import principal
from portal.access.roles import Door, access_of

if TYPE_CHECKING:
    from flask import Response

FIELD = "form_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignFormError(Forbidden):
    """The form was sent by another site."""

    code_name = "form.foreign"


class StaleFormError(Forbidden):
    """The form's token does not belong to this browser, or its session ended."""

    code_name = "form.stale"


def check_form() -> None:
    """Refuse a request that changes something and was not sent by one of our pages.

    Raises:
        ForeignFormError: the browser says that another site sent it.
        StaleFormError: the form token is missing or another browser's.
    """
    access = access_of(current_app.view_functions.get(request.endpoint or ""))
    if request.method in SAFE_METHODS or access is None or access.door is Door.API_TOKEN:
        return
    if not _sent_from_here():
        raise ForeignFormError
    given = token_bytes(request.form.get(FIELD, "")) or b""
    if not any(same(given, _token(basis)) for basis in _bases()):
        raise StaleFormError


def form_token() -> str:
    """The token for a form of this page."""
    return token_text(_token(_bases()[0] if _bases() else _begin_visit()))


def form_field() -> Markup:
    """The hidden field for a form of this page."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, form_token())


def keep_visit(response: Response) -> Response:
    """Give the browser the cookie that the page's form tokens hang on."""
    fresh: str | None = g.get("fresh_visit")
    if fresh:
        set_cookie(response, VISIT, fresh)
    return response


def _sent_from_here() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if not origin or origin == "null":
        return True
    ours = urlsplit(services().settings.public_url)
    theirs = urlsplit(origin)
    return (theirs.scheme, theirs.netloc) in {(ours.scheme, ours.netloc), (request.scheme, request.host)}


def _bases() -> list[bytes]:
    """What tokens of this browser may hang on: its session first, then its anonymous visit."""
    known = principal()
    visit = token_bytes(g.get("fresh_visit") or read_cookie(VISIT))
    return [basis for basis in (known and known.session_hash, visit) if basis]


def _begin_visit() -> bytes:
    raw = new_token()
    g.fresh_visit = token_text(raw)
    return raw


def _token(basis: bytes) -> bytes:
    return services().keyring.derive("form-token", basis)
