"""The caller of a request: the person behind the session cookie, and the membership that lets them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import abort, current_app, g, redirect, request, url_for

from portal.access.context import services
from portal.access.cookies import DESTINATION, PLACE, SESSION, read_cookie, set_cookie
from portal.access.people import memberships_of
from portal.access.roles import Door, access_of
from portal.access.sessions import find_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug import Response

    from portal.access.people import Membership, Person

DESTINATION_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person with everything they are."""

    person: Person
    memberships: tuple[Membership, ...]
    session_hash: bytes


def principal() -> Principal | None:
    """The signed-in person of this request, looked up once; ``None`` for anybody else."""
    if "principal" not in g:
        given = read_cookie(SESSION)
        house = services()
        session = find_session(house.database, house.settings, given) if given else None
        g.principal = session and Principal(
            session.person, memberships_of(house.database, session.person.person_id), session.token_hash
        )
    found: Principal | None = g.principal
    return found


def check_access() -> Response | None:
    """Let a request through to its view, send it to the sign-in page, or say that there is nothing here.

    A person without the role gets the same answer as for a page that does not exist.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    access = access_of(view)
    if view is None or access is None or access.door is not Door.SESSION:
        return None
    known = principal()
    if known is None:
        return _to_sign_in()
    membership = choose_place(each for each in known.memberships if each.role in access.roles)
    if membership is None:
        abort(404)
    g.place = membership
    return None


def choose_place(memberships: Iterable[Membership]) -> Membership | None:
    """The membership that the person chose last, or their first."""
    found = list(memberships)
    chosen = read_cookie(PLACE)
    return next((each for each in found if each.key == chosen), found[0] if found else None)


def _to_sign_in() -> Response:
    response = redirect(url_for("sign_in.ask"), 303)
    if request.method == "GET":
        set_cookie(current_app.make_response(response), DESTINATION, request.path, max_age_s=DESTINATION_S)
    return response
