"""``/me``: what a person proves with who they are, and where they are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from markupsafe import Markup

from portal.access.authenticators import (
    authenticator_since,
    confirm_authenticator,
    end_authenticator,
    offer_authenticator,
    offered_authenticator,
)
from portal.access.codes import in_halves
from portal.access.context import caller, services
from portal.access.cookies import SESSION, set_cookie
from portal.access.devices import name_device
from portal.access.headers import let_script_run
from portal.access.key_mails import tell_key_change
from portal.access.passkeys import add_passkey, ask_new_passkey, end_passkey, passkeys_of
from portal.access.recovery import end_recovery_codes, make_recovery_codes, recovery_codes_left
from portal.access.roles import EVERYBODY, Early, allow
from portal.access.sessions import Proof, end_session_of, end_sessions_of, live_sessions, renew_session
from portal.access.step_up import fresh_proof
from portal.access.trail import note_act
from portal.words import gettext

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

blueprint = Blueprint("me", __name__, url_prefix="/me")

UNPROCESSABLE = 422
LONGEST_LABEL, LONGEST_CODE, LONGEST_ANSWER = 40, 20, 16_384


@blueprint.get("")
@allow(*EVERYBODY, early=Early.FIRST_KEY)
def show() -> str:
    """Keys and sessions of the caller."""
    house, known = services(), caller()
    person_id = known.person.person_id
    return render_template(
        "me/show.html",
        needed="needed" in request.args and not known.session.has_keys,
        told=request.args.get("told", ""),
        passkeys=passkeys_of(house, person_id),
        authenticator=authenticator_since(house, person_id),
        recovery=recovery_codes_left(house, person_id),
        has_keys=known.session.has_keys,
        sessions=live_sessions(house.database, house.settings, person_id),
        here_id=known.session.session_id,
    )


@blueprint.post("/sessions/<uuid:session_id>/end")
@allow(*EVERYBODY)
def end_one(session_id: UUID) -> Response:
    """End one of one's sessions."""
    if not end_session_of(services().database, caller().person.person_id, session_id):
        abort(404)
    _note("person.session_ended")
    return redirect(url_for("me.show", told="ended"), 303)


@blueprint.post("/sessions/end")
@allow(*EVERYBODY)
def end_others() -> Response:
    """End every session but this one."""
    ended = end_sessions_of(services().database, caller().person.person_id, but=caller().session.session_id)
    _note("person.sessions_ended", count=ended)
    return redirect(url_for("me.show", told="ended"), 303)


@blueprint.get("/passkeys/new")
@allow(*EVERYBODY, early=Early.FIRST_KEY)
@fresh_proof
def new_passkey() -> Response:
    """The page on which the device makes a key."""
    return _passkey_page()


@blueprint.post("/passkeys/new")
@allow(*EVERYBODY, early=Early.FIRST_KEY)
@fresh_proof
def keep_passkey() -> Response:
    """Keep the key that the device made."""
    label = " ".join(request.form.get("label", "").split())[:LONGEST_LABEL]
    label = label or name_device(request.headers.get("User-Agent", "")) or gettext("Clé d'accès")
    token, answer = (request.form.get(name, "")[:LONGEST_ANSWER] for name in ("question", "answer"))
    if not add_passkey(services(), caller().person, token, answer, label):
        return _passkey_page(wrong=True)
    return _changed("passkey_added", Proof.PASSKEY)


@blueprint.post("/passkeys/<uuid:passkey_id>/remove")
@allow(*EVERYBODY)
@fresh_proof
def remove_passkey(passkey_id: UUID) -> Response:
    """Take a passkey back."""
    if not end_passkey(services(), caller().person.person_id, passkey_id):
        abort(404)
    return _changed("passkey_removed")


@blueprint.post("/authenticator")
@allow(*EVERYBODY, early=Early.FIRST_KEY)
@fresh_proof
def begin_authenticator() -> Response:
    """Make a secret for an app."""
    offer_authenticator(services(), caller().person)
    return redirect(url_for("me.new_authenticator"), 303)


@blueprint.get("/authenticator")
@allow(*EVERYBODY, early=Early.FIRST_KEY)
@fresh_proof
def new_authenticator() -> Response:
    """The secret to be scanned, and the field for its first code."""
    return _authenticator_page()


@blueprint.post("/authenticator/confirm")
@allow(*EVERYBODY, early=Early.FIRST_KEY)
@fresh_proof
def keep_authenticator() -> Response:
    """Let the app count, once it showed a right code."""
    code = request.form.get("code", "")[:LONGEST_CODE]
    if not confirm_authenticator(services(), caller().person.person_id, code):
        return _authenticator_page(wrong=True)
    return _changed("authenticator_added", Proof.TOTP)


@blueprint.post("/authenticator/remove")
@allow(*EVERYBODY)
@fresh_proof
def remove_authenticator() -> Response:
    """Take the app back."""
    if authenticator_since(services(), caller().person.person_id) is None:
        abort(404)
    end_authenticator(services(), caller().person.person_id)
    return _changed("authenticator_removed")


@blueprint.post("/recovery")
@allow(*EVERYBODY)
@fresh_proof
def make_codes() -> Response | str:
    """Ten new recovery codes, shown once."""
    if not caller().session.has_keys:
        return redirect(url_for("me.show"), 303)
    codes = [in_halves(each) for each in make_recovery_codes(services(), caller().person.person_id)]
    _tell("recovery_made")
    return render_template("me/recovery.html", codes=codes)


def _changed(change: str, proved_by: Proof | None = None) -> Response:
    """After a change of keys: the trail, a mail, and a session that knows what was just proved."""
    house, known = services(), caller()
    person_id = known.person.person_id
    _tell(change)
    if not (passkeys_of(house, person_id) or authenticator_since(house, person_id)):
        end_recovery_codes(house, person_id)
    response = make_response(redirect(url_for("me.show", told=change), 303))
    if proved_by is not None:
        set_cookie(response, SESSION, renew_session(house.database, known.session.session_id, proved_by))
    return response


def _tell(change: str) -> None:
    _note("person.keys_changed", change=change)
    tell_key_change(services(), caller(), change, name_device(request.headers.get("User-Agent", "")))


def _note(act: str, **details: object) -> None:
    note_act(services(), caller().person, caller().memberships, act, **details)


def _passkey_page(*, wrong: bool = False) -> Response:
    let_script_run()
    page = render_template("me/passkey.html", question=ask_new_passkey(services(), caller().person), wrong=wrong)
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _authenticator_page(*, wrong: bool = False) -> Response:
    offer = offered_authenticator(services(), caller().person)
    if offer is None:
        return redirect(url_for("me.show"), 303)
    picture = Markup(offer.picture)  # noqa: S704 -- drawn here, of our own text
    page = render_template("me/authenticator.html", offer=offer, picture=picture, wrong=wrong)
    return make_response(page, UNPROCESSABLE if wrong else 200)
