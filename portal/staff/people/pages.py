"""``/s/people``: who is let in at this supplier, with which role; their sessions; the second proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from portal.access.context import actor, caller, place, services, work_here
from portal.access.members import (
    IN_PORTFOLIO,
    change_role,
    end_staff,
    member_of,
    members_of,
    set_second_proof,
    take_keys_back,
)
from portal.access.people import memberships_of
from portal.access.roles import OWNERS, Role, allow
from portal.access.sessions import end_session_of, end_sessions_of, live_sessions
from portal.access.step_up import fresh_proof
from portal.lists import read_list_request
from portal.staff.people.invitations import (
    MOST_NAME,
    Guest,
    get_invitation,
    invite,
    open_invitations,
    settle_invitation,
    withdraw_invitations,
)
from portal.staff.people.inviting import write_staff_invitation
from portal.staff.people.words import ROLES
from portal.words import LANGUAGES, told_by
from receivables.errors import ConflictError, ReceivablesError

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from portal.access.members import Member

blueprint = Blueprint("staff_people", __name__, url_prefix="/s/people")

UNPROCESSABLE, CONFLICT = 422, 409
MOST_PAGES = 200


@blueprint.get("")
@allow(*OWNERS)
def index() -> str:
    """The staff, by name."""
    asked = read_list_request(request.args)
    page = min(request.args.get("page", 1, int), MOST_PAGES)
    page = max(page, 1)
    found, more = members_of(services().database, place().supplier_id, asked.wanted, page)
    with work_here() as work:
        waiting = open_invitations(work)
    return render_template(
        "people/index.html",
        people=found,
        waiting=waiting,
        more=more,
        page=page,
        asked=asked,
        roles=ROLES,
        second_proof=place().second_proof,
        told=request.args.get("told", ""),
    )


@blueprint.get("/new")
@allow(*OWNERS)
@fresh_proof
def ask() -> Response:
    """The invitation."""
    return _form({"role": Role.COLLECTOR.value})


@blueprint.post("/new")
@allow(*OWNERS)
@fresh_proof
def send() -> Response:
    """Ask a colleague by mail whether they want in."""
    typed = request.form.to_dict()
    role = _role(typed.get("role", ""))
    language = typed.get("language", "")
    guest = Guest(
        typed.get("email", "")[:320],
        typed.get("name", ""),
        language if language in LANGUAGES else LANGUAGES[0],
        role,
        "portfolio" in typed,
    )
    try:
        with work_here() as work:
            invitation = invite(work, services().database, services().keyring, guest, actor())
            write_staff_invitation(services(), work, invitation, caller().person.name)
    except ReceivablesError as error:
        return _form(typed, error)
    return redirect(url_for("staff_people.index", told="invited"), 303)


@blueprint.post("/invitations/<uuid:invitation_id>/withdraw")
@allow(*OWNERS)
def withdraw(invitation_id: UUID) -> Response:
    """Take an invitation back: its link opens nothing from now on."""
    try:
        with work_here() as work:
            settle_invitation(work, get_invitation(work, invitation_id), "withdrawn", actor())
    except ConflictError:
        return redirect(url_for("staff_people.index", told="answered"), 303)
    return redirect(url_for("staff_people.index", told="withdrawn"), 303)


@blueprint.get("/<uuid:person_id>")
@allow(*OWNERS)
def show(person_id: UUID) -> Response:
    """One colleague: role, portfolio, keys, sessions."""
    return _page(_member(person_id))


@blueprint.post("/<uuid:person_id>/role")
@allow(*OWNERS)
@fresh_proof
def change(person_id: UUID) -> Response:
    """Another role, or another portfolio."""
    member = _member(person_id)
    role, portfolio = _role(request.form.get("role", "")), "portfolio" in request.form
    try:
        change_role(services().database, place().supplier_id, person_id, role, portfolio=portfolio)
    except ReceivablesError as error:
        return _page(member, error)
    _audit("person.role_changed", person_id, before=member.role.value, role=role.value, portfolio=portfolio)
    if person_id == caller().person.person_id and role is not Role.OWNER:
        return redirect(url_for("sign_in.home"), 303)
    return redirect(url_for("staff_people.show", person_id=person_id, told="changed"), 303)


@blueprint.post("/<uuid:person_id>/end")
@allow(*OWNERS)
@fresh_proof
def end(person_id: UUID) -> Response:
    """Let somebody in no more."""
    member = _member(person_id)
    try:
        end_staff(services().database, place().supplier_id, person_id)
    except ReceivablesError as error:
        return _page(member, error)
    with work_here() as work:
        withdraw_invitations(work, member.email)
    _audit("person.membership_ended", person_id, role=member.role.value)
    if not memberships_of(services().database, person_id):
        end_sessions_of(services().database, person_id)
    return redirect(url_for("staff_people.index", told="ended"), 303)


@blueprint.post("/<uuid:person_id>/sessions/end")
@allow(*OWNERS)
def end_sessions(person_id: UUID) -> Response:
    """End every session of a colleague; of oneself all but this one."""
    member = _member(person_id)
    own = caller().session.session_id if person_id == caller().person.person_id else None
    if not _sees_sessions(member):
        return _page(member, _sessions_elsewhere())
    ended = end_sessions_of(services().database, person_id, but=own)
    _audit("person.sessions_ended", person_id, count=ended)
    return redirect(url_for("staff_people.show", person_id=person_id, told="signed_out"), 303)


@blueprint.post("/<uuid:person_id>/sessions/<uuid:session_id>/end")
@allow(*OWNERS)
def end_session(person_id: UUID, session_id: UUID) -> Response:
    """End one session of a colleague."""
    member = _member(person_id)
    if not _sees_sessions(member):
        return _page(member, _sessions_elsewhere())
    if not end_session_of(services().database, person_id, session_id):
        abort(404)
    _audit("person.session_ended", person_id)
    return redirect(url_for("staff_people.show", person_id=person_id, told="signed_out"), 303)


@blueprint.post("/<uuid:person_id>/keys/reset")
@allow(*OWNERS)
@fresh_proof
def reset_keys(person_id: UUID) -> Response:
    """Take the keys of a colleague who lost them."""
    member = _member(person_id)
    try:
        take_keys_back(services().database, place().supplier_id, person_id)
    except ReceivablesError as error:
        return _page(member, error)
    _audit("person.keys_reset", person_id)
    return redirect(url_for("staff_people.show", person_id=person_id, told="keys"), 303)


@blueprint.post("/second-proof")
@allow(*OWNERS)
@fresh_proof
def choose_second_proof() -> Response:
    """Whether the staff need a second proof."""
    wanted = request.form.get("wanted") == "1"
    set_second_proof(services().database, place().supplier_id, wanted=wanted)
    with work_here() as work:
        work.audit(actor(), "supplier.second_proof_chosen", str(place().supplier_id), wanted=wanted)
    return redirect(url_for("staff_people.index", told="proof"), 303)


def _page(member: Member, refused: ReceivablesError | None = None) -> Response:
    house = services()
    page = render_template(
        "people/show.html",
        member=member,
        roles=ROLES,
        in_portfolio=[each.value for each in IN_PORTFOLIO],
        sessions=live_sessions(house.database, house.settings, member.person_id) if _sees_sessions(member) else [],
        sees_sessions=_sees_sessions(member),
        here_id=caller().session.session_id,
        refused=told_by(refused) if refused else "",
        told=request.args.get("told", ""),
    )
    return make_response(page, CONFLICT if refused else 200)


def _form(typed: dict[str, str], refused: ReceivablesError | None = None) -> Response:
    page = render_template(
        "people/invite.html",
        typed=typed,
        roles=ROLES,
        most_name=MOST_NAME,
        refused=told_by(refused) if refused else "",
    )
    return make_response(page, UNPROCESSABLE if refused else 200)


def _sees_sessions(member: Member) -> bool:
    """Whether the sessions are of this supplier's business: one's own, and of whoever works nowhere else."""
    return not member.elsewhere or member.person_id == caller().person.person_id


def _sessions_elsewhere() -> ConflictError:
    return ConflictError(
        "person.sessions_elsewhere",
        "This person also works with another company here: only they can end their sessions. Remove their access to "
        "close yours.",
        "Cette personne travaille aussi avec une autre entreprise ici : elle seule peut fermer ses sessions. Retirez "
        "son accès pour lui fermer le vôtre.",
    )


def _member(person_id: UUID) -> Member:
    return member_of(services().database, place().supplier_id, person_id) or abort(404)


def _role(given: str) -> Role:
    """A role of the staff; a customer's person is none."""
    try:
        role = Role(given)
    except ValueError:
        abort(400)
    return role if role in ROLES else abort(400)


def _audit(act: str, person_id: UUID, **details: object) -> None:
    with work_here() as work:
        work.audit(actor(), act, str(person_id), **details)
