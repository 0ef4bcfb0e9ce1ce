"""``/prove``: who is there, once more: at sign-in where a second proof is wanted, and before acts of high risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from portal.access.authenticators import authenticator_since, check_authenticator
from portal.access.context import caller, services
from portal.access.cookies import DESTINATION, PROVE_FOR, SESSION, drop_cookie, set_cookie
from portal.access.entering import wanted_page
from portal.access.headers import let_script_run
from portal.access.passkeys import ask_passkey, passkeys_of, person_of_passkey
from portal.access.proof_codes import send_proof_code, use_proof_code
from portal.access.recovery import recovery_codes_left, use_recovery_code
from portal.access.roles import EVERYBODY, Early, allow
from portal.access.sessions import Proof, renew_session
from portal.access.trail import note_act
from portal.words import language

if TYPE_CHECKING:
    from werkzeug import Response

blueprint = Blueprint("proof", __name__, url_prefix="/prove")

UNPROCESSABLE = 422
LONGEST_CODE = 40
LONGEST_ANSWER = 16_384


@blueprint.get("")
@allow(*EVERYBODY, early=Early.PROVING)
def ask() -> Response:
    """The ways in which this person can show who they are."""
    return _page()


@blueprint.post("/passkey")
@allow(*EVERYBODY, early=Early.PROVING)
def by_passkey() -> Response:
    """The answer of a device."""
    person_id = caller().person.person_id
    token, answer = (request.form.get(name, "")[:LONGEST_ANSWER] for name in ("question", "answer"))
    return _go_on(Proof.PASSKEY) if person_of_passkey(services(), token, answer, person_id) else _page("passkey")


@blueprint.post("/authenticator")
@allow(*EVERYBODY, early=Early.PROVING)
def by_authenticator() -> Response:
    """Six digits of the person's authenticator."""
    right = check_authenticator(services(), caller().person.person_id, _typed())
    return _go_on(Proof.TOTP) if right else _page("authenticator")


@blueprint.post("/recovery")
@allow(*EVERYBODY, early=Early.PROVING)
def by_recovery_code() -> Response:
    """One of the codes that were kept for this day."""
    right = use_recovery_code(services(), caller().person.person_id, _typed())
    return _go_on(Proof.RECOVERY) if right else _page("recovery")


@blueprint.post("/mail")
@allow(*EVERYBODY, early=Early.PROVING)
def send() -> Response:
    """A code by mail: for whoever has no key that would be a better proof."""
    if caller().session.has_keys:
        return _page()
    send_proof_code(services(), caller(), language())
    return redirect(url_for("proof.ask", sent=1), 303)


@blueprint.post("/code")
@allow(*EVERYBODY, early=Early.PROVING)
def by_code() -> Response:
    """The code that the mail brought."""
    session = caller().session
    right = not session.has_keys and use_proof_code(services(), session.session_id, _typed())
    return _go_on(Proof.MAIL) if right else _page("code")


def _go_on(by: Proof) -> Response:
    """Back to what was wanted, in a session under a new id."""
    known = caller()
    renewed = renew_session(services().database, known.session.session_id, by)
    note_act(services(), known.person, known.memberships, "person.proved", by=by.value)
    target = wanted_page(PROVE_FOR) or wanted_page(DESTINATION) or url_for("sign_in.home")
    response = make_response(redirect(target, 303))
    set_cookie(response, SESSION, renewed)
    for name in (PROVE_FOR, DESTINATION):
        drop_cookie(response, name)
    return response


def _page(wrong: str = "") -> Response:
    """The page with the ways that are open; ``wrong`` names the one that failed."""
    house, known = services(), caller()
    person_id = known.person.person_id
    has_passkey = bool(passkeys_of(house, person_id))
    if has_passkey:
        let_script_run()
    page = render_template(
        "sign_in/prove.html",
        wrong=wrong,
        lost="lost" in request.args,
        sent="sent" in request.args or wrong == "code",
        email=known.person.email,
        has_keys=known.session.has_keys,
        passkey=ask_passkey(house, person_id) if has_passkey else None,
        authenticator=authenticator_since(house, person_id) is not None,
        recovery=known.session.has_keys and recovery_codes_left(house, person_id) > 0,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _typed() -> str:
    return request.form.get("code", "")[:LONGEST_CODE]
