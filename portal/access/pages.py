"""Signing in and out: ask for a link, open it and confirm, or type its code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.secrets import new_token, token_bytes, token_text
from portal.access.context import services
from portal.access.cookies import AWAY, PLACE, SESSION, SIGN_IN, drop_cookie, read_cookie, set_cookie
from portal.access.entering import let_in
from portal.access.people import clean_email
from portal.access.principals import principal
from portal.access.roles import EVERYBODY, Early, Role, allow, public
from portal.access.sessions import end_session
from portal.access.sign_in import ask_link, look_at_link, use_code, use_link
from portal.access.trail import note_act
from portal.words import language

if TYPE_CHECKING:
    from flask import Response
    from werkzeug import Response as AnyResponse

    from portal.access.people import Membership

blueprint = Blueprint("sign_in", __name__)

ANSWER_S = 0.35
"""Every request for a link is answered after this long, so that the time does not tell who is known."""
MAX_EMAIL_TYPED = 320


@blueprint.get("/")
@public
def home() -> AnyResponse:
    """Send everybody where they belong."""
    known = principal()
    if known is None or not known.memberships:
        return redirect(url_for("sign_in.ask"), 303)
    staff = any(each.is_staff for each in known.memberships)
    chosen = next((each for each in known.memberships if each.key == read_cookie(PLACE)), None)
    to_staff = chosen.is_staff if chosen else staff
    here = chosen or next(each for each in known.memberships if each.is_staff == to_staff)
    return redirect(url_for(_start_of(here)), 303)


@blueprint.get("/sign-in")
@public
def ask() -> str:
    """The form that asks for an e-mail address."""
    return render_template("sign_in/ask.html")


@blueprint.post("/sign-in")
@public
def send() -> AnyResponse:
    """Send a link to whoever is known by this address; the answer is the same for everybody."""
    began = time.monotonic()
    typed = request.form.get("email", "")[:MAX_EMAIL_TYPED]
    email = clean_email(typed)
    if email is None:
        return make_response(render_template("sign_in/ask.html", wrong=True, typed=typed), 422)
    browser = new_token()
    ask_link(services(), email, browser, language())
    response = redirect(url_for("sign_in.sent"), 303)
    set_cookie(_own(response), SIGN_IN, token_text(browser), max_age_s=services().settings.sign_in_minutes * 60)
    time.sleep(max(0.0, ANSWER_S - (time.monotonic() - began)))
    return response


@blueprint.get("/sign-in/sent")
@public
def sent() -> str:
    """Look into your mail, or type the code here."""
    return render_template("sign_in/sent.html", minutes=services().settings.sign_in_minutes)


@blueprint.post("/sign-in/code")
@public
def by_code() -> AnyResponse:
    """Sign in by the code, in the browser that asked."""
    person = use_code(services(), request.form.get("code", "")[:40], token=None, browser=_browser())
    if person is None:
        page = render_template("sign_in/sent.html", minutes=services().settings.sign_in_minutes, wrong=True)
        return make_response(page, 422)
    return let_in(person)


@blueprint.get("/sign-in/<token>")
@public
def confirm(token: str) -> AnyResponse:
    """Ask for a click: programs that open every link in a mail must not use it up."""
    link = look_at_link(services(), token, _browser())
    page = render_template("sign_in/confirm.html", link=link, token=token)
    return make_response(page, 200 if link else 410)


@blueprint.post("/sign-in/<token>")
@public
def by_link(token: str) -> AnyResponse:
    """Sign in by the link, and by its code as well where another browser opened it."""
    code = request.form.get("code", "")[:40]
    typed = use_code(services(), code, token=token, browser=None) if code else None
    person = typed if code else use_link(services(), token, _browser())
    if person is None:
        link = look_at_link(services(), token, _browser())
        page = render_template("sign_in/confirm.html", link=link, token=token, wrong=bool(code))
        return make_response(page, 422 if link else 410)
    return let_in(person)


@blueprint.post("/sign-out")
@public
def leave() -> AnyResponse:
    """End the session on the server, then in the browser."""
    known = principal()
    if known is not None:
        end_session(services().database, known.session_hash)
        note_act(services(), known.person, known.memberships, "person.signed_out")
    response = redirect(url_for("sign_in_provider.leave" if read_cookie(AWAY) else "sign_in.ask"), 303)
    for name in (SESSION, PLACE):
        drop_cookie(_own(response), name)
    return response


@blueprint.post("/switch")
@allow(*EVERYBODY, early=Early.PROVING)
def switch() -> AnyResponse:
    """Look at another of one's memberships."""
    known = principal()
    wanted = request.form.get("place", "")
    chosen = next((each for each in known.memberships if each.key == wanted), None) if known else None
    response = redirect(url_for("sign_in.home"), 303)
    if chosen is not None:
        response = redirect(url_for(_start_of(chosen)), 303)
        set_cookie(_own(response), PLACE, chosen.key)
    return response


def _start_of(membership: Membership) -> str:
    """Where somebody begins: a collector with whom to call, others of the supplier with the whole picture."""
    if not membership.is_staff:
        return "customer.home"
    return "worklist.show" if membership.role is Role.COLLECTOR else "staff.dashboard"


def _browser() -> bytes | None:
    return token_bytes(read_cookie(SIGN_IN)) or None


def _own(response: AnyResponse) -> Response:
    """The same response as the class that Flask makes."""
    return make_response(response)
