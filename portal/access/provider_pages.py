"""Signing in without a mail: at one of the house's providers, or by a passkey."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.secrets import new_token, token_text
from config.settings import FIRST_PROVIDER
from portal.access.ceremonies import begin_ceremony, end_ceremony
from portal.access.context import services
from portal.access.cookies import AWAY, JOURNEY, drop_cookie, read_cookie, set_cookie
from portal.access.entering import let_in
from portal.access.headers import let_script_run
from portal.access.identities import person_of_identity
from portal.access.oidc import Journey
from portal.access.oidc_wire import ProviderError
from portal.access.passkeys import ask_passkey, passkey_host, person_of_passkey
from portal.access.people import memberships_of
from portal.access.principals import principal
from portal.access.providers import find_provider, seal_way_out, unseal_way_out
from portal.access.roles import public
from portal.access.sessions import Proof
from portal.words import gettext, told_by

if TYPE_CHECKING:
    from werkzeug import Response

    from config.sign_in_providers import SignInProvider
    from portal.access.oidc import Identity
    from portal.access.people import Person

log = logging.getLogger("quittance.access")

provider_blueprint = Blueprint("sign_in_provider", __name__, url_prefix="/sign-in/provider")
passkey_blueprint = Blueprint("sign_in_passkey", __name__, url_prefix="/sign-in/passkey")

KIND = "oidc"
JOURNEY_S = 600
LONGEST_ANSWER = 16_384
FORBIDDEN, UNPROCESSABLE = 403, 422


@provider_blueprint.get("")
@public
def begin() -> Response:
    """Send the browser to the provider that has no name in its addresses."""
    return _begin(FIRST_PROVIDER)


@provider_blueprint.get("/back")
@public
def back() -> Response:
    """The browser comes back from it."""
    return _back(FIRST_PROVIDER)


@provider_blueprint.get("/<name>")
@public
def begin_at(name: str) -> Response:
    """Send the browser to a provider."""
    return _begin(name)


@provider_blueprint.get("/<name>/back")
@public
def back_from(name: str) -> Response:
    """The browser comes back from a provider."""
    return _back(name)


@provider_blueprint.get("/out")
@public
def leave() -> Response:
    """Signed out here, sign out at the provider as well: a page, because a form may lead nowhere else (CSP)."""
    home = redirect(url_for("sign_in.ask"), 303)
    sealed = read_cookie(AWAY)
    if principal() is not None or not sealed:
        return home
    drop_cookie(make_response(home), AWAY)
    facts = unseal_way_out(services().keyring, sealed)
    provider = find_provider(facts[0]) if facts else None
    if facts is None or provider is None:
        return home
    try:
        back_here = f"{services().settings.public_url}{url_for('sign_in.ask')}"
        way = provider.way_out(facts[1], token_text(new_token()), back_here)
    except ProviderError as error:
        log.warning("%s: %s", error.code, error)
        return home
    if way is None:
        return home
    response = make_response(render_template("sign_in/away.html", way=way, label=provider.config.label))
    response.headers["Refresh"] = f"0; url={way}"
    drop_cookie(response, AWAY)
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


def _begin(name: str) -> Response:
    """Send the browser away, with a sealed note of what it must bring back, and from whom."""
    provider = find_provider(name) or abort(404)
    journey = Journey(*(token_text(new_token()) for _ in range(3)))
    try:
        target = provider.address(journey)
    except ProviderError as error:
        return _refuse(error)
    response = make_response(redirect(target, 303))
    sealed = begin_ceremony(
        services().keyring,
        KIND,
        provider=name,
        state=journey.state,
        nonce=journey.nonce,
        verifier=journey.verifier,
    )
    set_cookie(response, JOURNEY, sealed, max_age_s=JOURNEY_S)
    return response


def _back(name: str) -> Response:
    provider = find_provider(name) or abort(404)
    try:
        identity = provider.identity(_journey(name), request.args)
        person = _person(identity, provider.config)
    except ProviderError as error:
        return _refuse(error)
    response = make_response(let_in(person, Proof.OIDC, second=identity.second, provider=provider.config))
    if provider.config.sign_out:
        set_cookie(response, AWAY, seal_way_out(services().keyring, name, identity.id_token))
    drop_cookie(response, JOURNEY)
    return response


def _journey(name: str) -> Journey:
    """What this browser took along to this provider, once."""
    facts = end_ceremony(services(), KIND, read_cookie(JOURNEY))
    if facts is None or facts.pop("provider") != name:
        raise ProviderError(
            "oidc.state",
            "This sign-in was begun in another browser, too long ago, or ended already. Begin again.",
            "Cette connexion a été commencée dans un autre navigateur, il y a trop longtemps, ou elle est déjà "
            "terminée. Recommencez.",
        )
    return Journey(**facts)


def _person(identity: Identity, provider: SignInProvider) -> Person:
    """The person behind an identity; whom it lets in not, it tells one thing, whatever the reason."""
    person = person_of_identity(services().database, identity, provider)
    if person is None:
        raise ProviderError(
            "oidc.unknown_person",
            "The provider knows you, but this way opens nothing here: use the link by mail, or ask for an invitation.",
            "Le fournisseur d'identité vous connaît, mais rien ne s'ouvre ici par ce moyen : passez par le lien par "
            "courriel, ou demandez une invitation.",
        )
    return person


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
    page = render_template(
        "sign_in/by_passkey.html",
        question=ask_passkey(services(), None),
        said=said,
        host=passkey_host(services()),
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)
