"""The last step of every way in: a session of its own for each sign-in, the trail, and the page that was wanted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import make_response, redirect, request, url_for

from portal.access.context import services
from portal.access.cookies import AWAY, DESTINATION, SESSION, SIGN_IN, drop_cookie, read_cookie, set_cookie
from portal.access.devices import name_device
from portal.access.people import memberships_of
from portal.access.principals import principal
from portal.access.sessions import Proof, end_session, open_session
from portal.access.trail import note_act

if TYPE_CHECKING:
    from werkzeug import Response

    from config.sign_in_providers import SignInProvider
    from portal.access.people import Person

OUR_PAGES = re.compile(r"/(?:[cs]/|me(?=/|\Z))[A-Za-z0-9/_.-]{0,200}")


def let_in(
    person: Person, by: Proof = Proof.MAIL, *, second: bool = False, provider: SignInProvider | None = None
) -> Response:
    """Sign ``person`` in, where so by the word of a ``provider``; a session that this browser had before ends."""
    before = principal()
    if before is not None:
        end_session(services().database, before.session_hash)
    opened = open_session(
        services().database,
        services().settings,
        person.person_id,
        by=by,
        second=second,
        device=name_device(request.headers.get("User-Agent", "")),
        customers_only=provider is not None and not provider.lets_staff_in,
    )
    told = {"by": by.value, **({"provider": provider.name} if provider else {})}
    note_act(services(), person, memberships_of(services().database, person.person_id), "person.signed_in", **told)
    response = make_response(redirect(wanted_page(DESTINATION) or url_for("sign_in.home"), 303))
    set_cookie(response, SESSION, opened)
    for name in (SIGN_IN, DESTINATION, AWAY):
        drop_cookie(response, name)
    return response


def wanted_page(cookie: str) -> str | None:
    """The page that a cookie remembers, where it is one of ours."""
    wanted = read_cookie(cookie)
    return wanted if OUR_PAGES.fullmatch(wanted) and ".." not in wanted else None
