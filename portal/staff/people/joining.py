"""``/team``: an invited colleague reads who invites them to what, and accepts by a click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, url_for

from config.database import RegisterWithin
from config.secrets import new_token, token_text
from portal.access.context import services
from portal.access.cookies import SIGN_IN, set_cookie
from portal.access.invitations import over
from portal.access.members import member_of
from portal.access.people import add_membership, add_person
from portal.access.roles import public
from portal.access.sign_in import ask_link
from portal.customer.links import read_address
from portal.staff.people.invitations import find_invitation, settle_invitation, stands
from portal.staff.people.words import ROLES
from portal.words import suppose_language, told_by
from receivables.errors import ReceivablesError
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from config.database import Register
    from portal.staff.people.invitations import StaffInvitation

blueprint = Blueprint("staff_joining", __name__, url_prefix="/team")

GONE, UNPROCESSABLE = 410, 422


@blueprint.get("/<token>")
@public
def confirm(token: str) -> Response:
    """Who invites, to what; looking changes nothing: mail programs look at links too."""
    return _page(token)


@blueprint.post("/<token>")
@public
def accept(token: str) -> Response:
    """Let the invited person in, and send them a link to sign in by in this browser."""
    supplier_id, token_hash = read_address(token)
    try:
        with services().works.begin(supplier_id) as work:
            invitation = find_invitation(work, token_hash, lock=True) or abort(404)
            if not stands(services().database, supplier_id, invitation):
                raise over()
            settle_invitation(work, invitation, "accepted", f"invitation {invitation.invitation_id}")
            _let_in(RegisterWithin(work.connection), supplier_id, invitation)
    except ReceivablesError as error:
        return _page(token, told_by(error))
    browser = new_token()
    ask_link(services(), invitation.email, browser, invitation.language)
    response = make_response(redirect(url_for("sign_in.sent"), 303))
    set_cookie(response, SIGN_IN, token_text(browser), max_age_s=services().settings.sign_in_minutes * 60)
    return response


def _let_in(register: Register, supplier_id: UUID, invitation: StaffInvitation) -> None:
    """A member from now on; whoever was made one meanwhile keeps the role that they have."""
    person = add_person(register, invitation.email, invitation.name, language=invitation.language)
    if member_of(register, supplier_id, person.person_id) is None:
        add_membership(register, person.person_id, supplier_id, invitation.role, portfolio=invitation.portfolio)


def _page(token: str, wrong: str = "") -> Response:
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        invitation = find_invitation(work, token_hash) or abort(404)
        seller = supplier_name(work)
    suppose_language(invitation.language)
    standing = stands(services().database, supplier_id, invitation)
    page = render_template(
        "people/join.html",
        invitation=invitation,
        over=not standing,
        seller=seller,
        role=ROLES[invitation.role],
        wrong=wrong,
    )
    return make_response(page, GONE if not standing else UNPROCESSABLE if wrong else 200)
