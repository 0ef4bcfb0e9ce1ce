"""The caller of a request: the person behind the session cookie, and the membership that lets them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import abort, current_app, g, redirect, request, url_for

from portal.access.context import services
from portal.access.cookies import DESTINATION, PLACE, SESSION, read_cookie, set_cookie
from portal.access.people import memberships_of
from portal.access.roles import Door, Early, access_of
from portal.access.sessions import find_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug import Response

    from portal.access.people import Membership, Person
    from portal.access.roles import Access
    from portal.access.sessions import Session

DESTINATION_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person with everything they are."""

    person: Person
    memberships: tuple[Membership, ...]
    session: Session

    @property
    def session_hash(self) -> bytes:
        """How the session is known to the tables."""
        return self.session.token_hash


def principal() -> Principal | None:
    """The signed-in person of this request, looked up once; ``None`` for anybody else."""
    if "principal" not in g:
        g.principal = _look_up()
    found: Principal | None = g.principal
    return found


def _look_up() -> Principal | None:
    """A session that a provider for customers opened is over once its person is of the staff."""
    given, house = read_cookie(SESSION), services()
    session = find_session(house.database, house.settings, given) if given else None
    if session is None:
        return None
    memberships = memberships_of(house.database, session.person.person_id)
    if session.customers_only and any(each.is_staff for each in memberships):
        return None
    return Principal(session.person, memberships, session)


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
    if membership is None or not lets_in(access, membership):  # a right elsewhere is none here
        abort(404)
    g.place = membership
    return second_proof_due(known, membership, access)


def lets_in(access: Access, membership: Membership) -> bool:
    """Whether a membership opens a view; a customer's person needs the view's right as well."""
    if membership.role not in access.roles or (access.whole and membership.portfolio):
        return False
    return access.right is None or membership.is_staff or membership.may(access.right)


def second_proof_due(known: Principal, membership: Membership, access: Access) -> Response | None:
    """The way to the second proof, where it is wanted and this view is not open before it.

    It is wanted of whoever has a passkey or an authenticator, and of the staff of a supplier that says so.
    """
    has_keys = known.session.has_keys
    wanted = has_keys or (membership.is_staff and membership.second_proof)
    if not wanted or known.session.second_at is not None or access.early is Early.PROVING:
        return None
    if has_keys:
        return remember_page(redirect(url_for("proof.ask"), 303), DESTINATION)
    return None if access.early is Early.FIRST_KEY else redirect(url_for("me.show", needed=1), 303)


def remember_page(response: Response, cookie: str) -> Response:
    """Note the page that was wanted, where it can be opened again."""
    if request.method == "GET":
        set_cookie(current_app.make_response(response), cookie, request.path, max_age_s=DESTINATION_S)
    return response


def choose_place(memberships: Iterable[Membership]) -> Membership | None:
    """The membership that the person chose last, or their first."""
    found = list(memberships)
    chosen = read_cookie(PLACE)
    return next((each for each in found if each.key == chosen), found[0] if found else None)


def _to_sign_in() -> Response:
    return remember_page(redirect(url_for("sign_in.ask"), 303), DESTINATION)
