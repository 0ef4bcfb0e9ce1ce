"""``/c/people``: the people of a customer, kept by their own administrator; ``/join``: an invitation is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.database import RegisterWithin
from config.secrets import new_token, token_text
from portal.access.context import actor, caller, customer_here, place, services, work_here
from portal.access.cookies import SIGN_IN, set_cookie
from portal.access.invitations import over
from portal.access.people import get_person
from portal.access.roles import Right, Role, allow, public
from portal.access.sign_in import ask_link
from portal.customer.desk import desk_here, look_here
from portal.customer.links import read_address
from portal.customer.mails import write_invitation_mail
from portal.customer.people.invitations import (
    MAX_NAME,
    Guest,
    find_invitation,
    get_invitation,
    invite,
    open_invitations,
    settle_invitation,
    withdraw_invitations,
)
from portal.customer.people.register import administers, change_rights, check_is_new, colleagues_of, let_go, let_in
from portal.customer.rights import may_here, right_choices, rights_told
from portal.words import LANGUAGES, known_language, language, suppose_language, told_by
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Response

    from portal.customer.people.invitations import Invitation

blueprint = Blueprint("people", __name__)


@blueprint.app_context_processor
def _for_pages() -> dict[str, object]:
    """Every page may ask what its reader may do there, and whom they may call."""
    return {"may_here": may_here, "desk_here": desk_here, "look_here": look_here}


@blueprint.get("/c/people")
@allow(Role.CUSTOMER)
def index() -> Response:
    """Who acts for the customer, and who is invited."""
    return _page()


@blueprint.post("/c/people")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def send() -> Response:
    """Invite a colleague."""
    form = request.form
    guest = Guest(form.get("email", "")[:320], form.get("name", "")[:200], _spoken(form.get("language")), _rights())
    try:
        check_is_new(services().database, place().supplier_id, customer_here(), guest.email)
        with work_here() as work:
            company = get_customer(work, customer_here()).name
            invitation = invite(work, services().keyring, customer_here(), guest, actor())
            write_invitation_mail(services(), work, invitation, caller().person.name, company)
    except ReceivablesError as error:
        return _page(guest, told_by(error))
    return redirect(url_for("people.index", told="invited"), 303)


@blueprint.post("/c/people/invitations/<uuid:invitation_id>/withdraw")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def withdraw(invitation_id: UUID) -> Response:
    """Take an invitation back."""
    with work_here() as work:
        settle_invitation(work, get_invitation(work, customer_here(), invitation_id), "withdrawn", actor())
    return redirect(url_for("people.index", told="withdrawn"), 303)


@blueprint.post("/c/people/<uuid:person_id>/rights")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def keep(person_id: UUID) -> Response:
    """Give a colleague other rights."""
    rights = _rights()
    return _change(
        person_id,
        "rights",
        lambda: change_rights(services().database, place().supplier_id, customer_here(), person_id, rights),
    )


@blueprint.post("/c/people/<uuid:person_id>/remove")
@allow(Role.CUSTOMER, right=Right.ADMINISTER)
def remove(person_id: UUID) -> Response:
    """Let a colleague in no more, by no older invitation either."""
    return _change(person_id, "removed", lambda: _let_go(person_id))


@blueprint.get("/join/<token>")
@public
def confirm(token: str) -> Response:
    """Who invites, to what; looking changes nothing: mail programs look at links too."""
    return _answer(token)


@blueprint.post("/join/<token>")
@public
def accept(token: str) -> Response:
    """Let the invited person in, and send them a link to sign in by in this browser."""
    supplier_id, token_hash = read_address(token)
    try:
        with services().works.begin(supplier_id) as work:
            invitation = find_invitation(work, token_hash, lock=True)
            if invitation is None:
                abort(404)
            if not _stands(supplier_id, invitation):
                raise over()
            settle_invitation(work, invitation, "accepted", f"invitation {invitation.invitation_id}")
            who = (invitation.email, invitation.name, invitation.language)
            register = RegisterWithin(work.connection)
            let_in(register, supplier_id, invitation.customer_id, who, invitation.rights)
    except ReceivablesError as error:
        return _answer(token, told_by(error))
    browser = new_token()
    ask_link(services(), invitation.email, browser, invitation.language)
    response = make_response(redirect(url_for("sign_in.sent"), 303))
    set_cookie(response, SIGN_IN, token_text(browser), max_age_s=services().settings.sign_in_minutes * 60)
    return response


def _answer(token: str, wrong: str = "") -> Response:
    supplier_id, token_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        invitation = find_invitation(work, token_hash)
        if invitation is None:
            abort(404)
        suppose_language(invitation.language)
        page = render_template(
            "colleagues/join.html",
            invitation=invitation,
            over=not _stands(supplier_id, invitation),
            seller=supplier_name(work),
            company=get_customer(work, invitation.customer_id).name,
            rights=rights_told(invitation.rights),
            wrong=wrong,
        )
    return make_response(page, 410 if not _stands(supplier_id, invitation) else 422 if wrong else 200)


def _stands(supplier_id: UUID, invitation: Invitation) -> bool:
    """Whether an invitation can be accepted: whoever lost the right to invite has lost it for what they sent too."""
    inviter = UUID(invitation.invited_by.removeprefix("person "))
    return not invitation.is_over and administers(services().database, supplier_id, invitation.customer_id, inviter)


def _let_go(person_id: UUID) -> None:
    let_go(services().database, place().supplier_id, customer_here(), person_id)
    person = get_person(services().database, person_id)
    if person is not None:
        with work_here() as work:
            withdraw_invitations(work, customer_here(), person.email)


def _change(person_id: UUID, told: str, act: Callable[[], None]) -> Response:
    try:
        act()
    except NotFoundError:
        raise
    except ReceivablesError as error:
        return _page(wrong_person=told_by(error))
    with work_here() as work:
        work.audit(actor(), f"person.{told}", str(person_id), customer=str(customer_here()))
    return redirect(url_for("people.index", told=told), 303)


def _page(guest: Guest | None = None, wrong: str = "", *, wrong_person: str = "") -> Response:
    with work_here() as work:
        invitations: list[Invitation] = list(open_invitations(work, customer_here()))
    page = render_template(
        "colleagues/list.html",
        people=colleagues_of(services().database, place().supplier_id, customer_here()),
        invitations=invitations,
        me_id=caller().person.person_id,
        rights_told=rights_told,
        choices=right_choices(),
        typed=guest or Guest("", "", language(), frozenset({Right.PAY, Right.DISPUTE})),
        wrong=wrong,
        wrong_person=wrong_person,
        told=request.args.get("told", ""),
        max_name=MAX_NAME,
    )
    return make_response(page, 422 if wrong or wrong_person else 200)


def _rights() -> frozenset[Right]:
    given = set(request.form.getlist("right"))
    return frozenset(each for each in Right if each.value in given)


def _spoken(given: str | None) -> str:
    return known_language(given, LANGUAGES[0])
