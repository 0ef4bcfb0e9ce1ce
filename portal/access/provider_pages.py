"""Signing in without a mail: at the house's provider (staff), or by a passkey."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request, url_for

from config.secrets import new_token, token_text
from portal.access.ceremonies import begin_ceremony, end_ceremony
from portal.access.context import services
from portal.access.cookies import JOURNEY, drop_cookie, read_cookie, set_cookie
from portal.access.entering import let_in
from portal.access.headers import let_script_run
from portal.access.identities import person_of_identity
from portal.access.oidc import Journey, Provider, ProviderError
from portal.access.passkeys import ask_passkey, person_of_passkey
from portal.access.people import memberships_of
from portal.access.roles import public
from portal.access.sessions import Proof
from portal.words import gettext, told_by

if TYPE_CHECKING:
    from werkzeug import Response

    from portal.access.oidc import Identity
    from portal.access.people import Person

log = logging.getLogger("quittance.access")

provider_blueprint = Blueprint("sign_in_provider", __name__, url_prefix="/sign-in/provider")
passkey_blueprint = Blueprint("sign_in_passkey", __name__, url_prefix="/sign-in/passkey")

KIND = "oidc"
PROVIDER = "quittance.sign-in provider"
JOURNEY_S = 600
LONGEST_ANSWER = 16_384
FORBIDDEN, UNPROCESSABLE = 403, 422


@provider_blueprint.get("")
@public
def begin() -> Response:
    """Send the browser to the provider, with a sealed note of what it must bring back."""
    journey = Journey(*(token_text(new_token()) for _ in range(3)))
    try:
        target = _provider().address(journey)
    except ProviderError as error:
        return _refuse(error)
    response = make_response(redirect(target, 303))
    sealed = begin_ceremony(
        services().keyring, KIND, state=journey.state, nonce=journey.nonce, verifier=journey.verifier
    )
    set_cookie(response, JOURNEY, sealed, max_age_s=JOURNEY_S)
    return response


@provider_blueprint.get("/back")
@public
def back() -> Response:
    """The browser comes back from the provider."""
    provider = _provider()
    try:
        identity = provider.identity(_journey(), request.args)
        person = _person(identity)
    except ProviderError as error:
        return _refuse(error)
    response = let_in(person, Proof.OIDC, second=identity.second)
    drop_cookie(make_response(response), JOURNEY)
    return response


@passkey_blueprint.get("")
@public
def ask() -> Response:
    """The page on which the device says who is there."""
    return _passkey_page()


@passkey_blueprint.post("")
@public
def enter() -> Response:
    """Sign in by the answer of a device."""
    token, answer = (request.form.get(name, "")[:LONGEST_ANSWER] for name in ("question", "answer"))
    person = person_of_passkey(services(), token, answer)
    if person is None or not memberships_of(services().database, person.person_id):
        return _passkey_page(wrong=True)
    return let_in(person, Proof.PASSKEY)


def _journey() -> Journey:
    """What this browser took along, once."""
    facts = end_ceremony(services(), KIND, read_cookie(JOURNEY))
    if facts is None:
        raise ProviderError(
            "oidc.state",
            "This sign-in was begun in another browser, too long ago, or ended already. Begin again.",
            "Cette connexion a été commencée dans un autre navigateur, il y a trop longtemps, ou elle est déjà "
            "terminée. Recommencez.",
        )
    return Journey(**facts)


def _person(identity: Identity) -> Person:
    """The person of the staff behind an identity."""
    person = person_of_identity(services().database, identity)
    if person is None:
        raise ProviderError(
            "oidc.unknown_person",
            "The provider knows you, but no company here has given you access: ask its owner for an invitation.",
            "Le fournisseur d'identité vous connaît, mais aucune entreprise ne vous a donné accès ici : demandez une "
            "invitation à son propriétaire.",
        )
    return person


def _provider() -> Provider:
    """The provider of this app, with what it told before; 404 in a house without."""
    house = services()
    if house.settings.oidc_issuer is None:
        abort(404)
    known: Provider | None = current_app.extensions.get(PROVIDER)
    if known is None:
        back_to = f"{house.settings.public_url}{url_for('sign_in_provider.back')}"
        known = current_app.extensions.setdefault(PROVIDER, Provider(house.settings, house.reach, back_to))
    return known


def _refuse(error: ProviderError) -> Response:
    """Back to the form, with what to do; the log learns what did not hold."""
    log.warning("%s: %s", error.code, error)
    page = render_template("sign_in/ask.html", refused=told_by(error))
    response = make_response(page, FORBIDDEN)
    drop_cookie(response, JOURNEY)
    return response


def _passkey_page(*, wrong: bool = False) -> Response:
    let_script_run()
    said = gettext("Cette clé d'accès n'est pas connue ici, ou elle a été retirée.") if wrong else ""
    page = render_template("sign_in/by_passkey.html", question=ask_passkey(services(), None), said=said)
    return make_response(page, UNPROCESSABLE if wrong else 200)
