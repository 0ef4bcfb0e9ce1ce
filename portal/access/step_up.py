"""Step-up: before a high-risk act the person shows once more that they are there (OWASP ASVS 5.0, 7.5.3).

``@fresh_proof`` on a view sends whoever proved nothing in the last ten minutes to ``/prove``, and back. What counts as
a proof depends on what the person has: with a passkey or an authenticator only these (or a recovery code), without
either a code by mail. The word of a provider for customers is none: by it somebody could make keys for later. Put it
on the page of the form as well as on the form, so that nobody types in vain.
"""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app, make_response, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from config.clock import now
from portal.access.context import caller
from portal.access.cookies import PROVE_FOR, set_cookie
from portal.access.sessions import SECOND_PROOFS, Proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Response

    from portal.access.principals import Principal

View = TypeVar("View", bound="Callable[..., Any]")

FRESH = timedelta(minutes=10)
"""How long a proof is believed for acts of high risk."""
PROVE_FOR_S = 15 * 60


def fresh_proof(view: View) -> View:
    """Let only people through to ``view`` who proved within ten minutes who they are."""

    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        return need_fresh_proof() or view(*args, **values)

    return cast("View", guarded)


def need_fresh_proof() -> Response | None:
    """The way to the proof where one is due, ``None`` where the caller may go on."""
    if is_fresh(caller()):
        return None
    lost = "form" if request.method == "POST" else None
    response = make_response(redirect(url_for("proof.ask", lost=lost), 303))
    set_cookie(response, PROVE_FOR, page_of(request.path), max_age_s=PROVE_FOR_S)
    return response


def is_fresh(known: Principal) -> bool:
    """Whether the caller's last proof is young, and as strong as they can give one."""
    session = known.session
    if now() - session.proved_at > FRESH or (session.customers_only and session.proved_by is Proof.OIDC):
        return False
    second = session.second_at is not None and now() - session.second_at <= FRESH
    return second or session.proved_by in SECOND_PROOFS or not session.has_keys


def page_of(path: str) -> str:
    """The page on which the form of ``path`` stands: the nearest address above it that can be opened."""
    routes = current_app.url_map.bind("")
    while path.strip("/"):
        try:
            routes.match(path, method="GET")
        except HTTPException:
            path = path.rstrip("/").rpartition("/")[0]
        else:
            return path
    return "/"
