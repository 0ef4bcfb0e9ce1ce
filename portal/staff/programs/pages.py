"""``/s/programs``: which programs may call the API in the supplier's name, with what secret, and for what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from config.clock import now
from portal.access.context import actor, caller, place, services, work_here
from portal.access.people import staff_of
from portal.access.roles import OWNERS, READERS, Role, allow
from portal.access.step_up import fresh_proof
from portal.api.clients import (
    CHANGEOVER,
    MAX_NAME,
    change_client,
    create_client,
    get_client,
    list_clients,
    revoke_client,
    rotate_secret,
)
from portal.api.reference import EXCHANGE, LIST_LATE
from portal.api.scopes import RESOURCES, SCOPES, scopes_of_role
from portal.api.tokens import create_token, list_tokens
from portal.api.tokens import revoke_token as end_token
from portal.words import gettext, told_by
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from werkzeug import Response


def first_lines(with_client: bool) -> str:  # noqa: FBT001 -- asked by a template
    """The first call of a program, or of somebody who holds a token, as curl makes it."""
    base = f"BASE={services().settings.public_url}"
    return "\n".join((base, *((EXCHANGE,) if with_client else ()), LIST_LATE))


blueprint = Blueprint("programs", __name__, url_prefix="/s/programs")

LIVES = (30, 90, 365)
"""Days that a person's token may live; none lives for ever."""
UNPROCESSABLE = 422
HOURS = int(CHANGEOVER.total_seconds() // 3600)


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """The programs of the supplier, for who says how the house is run; everybody's own tokens."""
    person_id, is_owner = caller().person.person_id, place().role in OWNERS
    with work_here() as work:
        clients = list_clients(work) if is_owner else []
        tokens = list_tokens(work, None if is_owner else person_id)
    names = {each.person_id: each.name for each in staff_of(services().database, place().supplier_id)}
    return render_template(
        "programs/index.html",
        clients=clients,
        tokens=[each for each in tokens if each.person_id == person_id],
        others=[each for each in tokens if each.person_id != person_id],
        names=names,
        is_owner=is_owner,
        may_have_tokens=not place().portfolio,
        first_lines=first_lines,
    )


@blueprint.get("/new")
@allow(*OWNERS)
@fresh_proof
def ask() -> str:
    """The form of a new program."""
    return _client_form()


@blueprint.post("/new")
@allow(*OWNERS)
@fresh_proof
def create() -> str | tuple[str, int]:
    """A new program, with its secret shown once."""
    name, scopes = request.form.get("name", "")[: MAX_NAME + 1], _chosen(SCOPES)
    try:
        with work_here() as work:
            client, secret = create_client(work, name, scopes, actor())
    except ReceivablesError as error:
        return _client_form(name, scopes, told_by(error)), UNPROCESSABLE
    return _client_page(client.client_id, secret)


@blueprint.get("/<uuid:client_id>")
@allow(*OWNERS)
def show(client_id: UUID) -> str:
    """One program: what it may do, its secret, its end."""
    return _client_page(client_id)


@blueprint.post("/<uuid:client_id>")
@allow(*OWNERS)
@fresh_proof
def change(client_id: UUID) -> Response | tuple[str, int]:
    """Another name, or other rights: tokens that it holds follow at once."""
    try:
        with work_here() as work:
            change_client(work, client_id, request.form.get("name", "")[: MAX_NAME + 1], _chosen(SCOPES), actor())
    except ReceivablesError as error:
        if error.code == "client.not_found":
            raise
        return _client_page(client_id, wrong=told_by(error)), UNPROCESSABLE
    return redirect(url_for("programs.show", client_id=client_id, saved=1), 303)


@blueprint.post("/<uuid:client_id>/secret")
@allow(*OWNERS)
@fresh_proof
def rotate(client_id: UUID) -> str:
    """A new secret, shown once; the one before stays good for a day."""
    with work_here() as work:
        secret = rotate_secret(work, client_id, actor())
    return _client_page(client_id, secret, is_second=True)


@blueprint.post("/<uuid:client_id>/end")
@allow(*OWNERS)
def end(client_id: UUID) -> Response:
    """End a program, with every token that it holds."""
    with work_here() as work:
        revoke_client(work, client_id, actor())
    return redirect(url_for("programs.index"), 303)


@blueprint.get("/tokens/new")
@allow(*READERS)
@fresh_proof
def ask_token() -> str:
    """The form of a token of one's own."""
    return _token_form()


@blueprint.post("/tokens/new")
@allow(*READERS)
@fresh_proof
def make_token() -> str | tuple[str, int]:
    """A token of one's own, shown once: it may do what the person may do, and no more."""
    label = request.form.get("name", "").strip()[: MAX_NAME + 1]
    days = request.form.get("days", "", str)
    scopes = _chosen(scopes_of_role(place().role))
    wrong = _token_fault(label, scopes, days)
    if wrong:
        return _token_form(label, scopes, wrong), UNPROCESSABLE
    with work_here() as work:
        made = create_token(
            work,
            label,
            scopes=scopes,
            expires_at=now() + timedelta(days=int(days)),
            person_id=caller().person.person_id,
            actor=actor(),
        )
    return render_template("programs/token.html", token=made, label=label, first_lines=first_lines)


@blueprint.post("/tokens/<uuid:token_id>/end")
@allow(*READERS)
def revoke_token(token_id: UUID) -> Response:
    """End a token: one's own, or as an owner anybody's."""
    with work_here() as work:
        known = list_tokens(work, None if place().role in OWNERS else caller().person.person_id)
        if not any(each.token_id == token_id for each in known):
            abort(404)
        end_token(work, token_id, actor())
    return redirect(url_for("programs.index"), 303)


def _client_form(name: str = "", scopes: Collection[str] = (), wrong: str = "") -> str:
    return render_template("programs/form.html", name=name, scopes=scopes, wrong=wrong, rights=_rights(Role.OWNER))


def _client_page(client_id: UUID, secret: str = "", *, is_second: bool = False, wrong: str = "") -> str:
    with work_here() as work:
        client = get_client(work, client_id)
    return render_template(
        "programs/show.html",
        client=client,
        secret=secret,
        is_second=is_second,
        hours=HOURS,
        wrong=wrong,
        saved="saved" in request.args,
        rights=_rights(Role.OWNER),
        first_lines=first_lines,
    )


def _token_form(name: str = "", scopes: Collection[str] = (), wrong: str = "") -> str:
    return render_template(
        "programs/token_form.html",
        name=name,
        scopes=scopes,
        wrong=wrong,
        lives=LIVES,
        rights=_rights(place().role),
        allowed=not place().portfolio,
    )


def _token_fault(label: str, scopes: Collection[str], days: str) -> str:
    """What is wrong with a wish for a token; nothing where it may be made."""
    if place().portfolio:
        return gettext("Vous voyez une partie des clients : un jeton les verrait tous. Demandez un programme.")
    if not 0 < len(label) <= MAX_NAME:
        return gettext("Nommez le jeton en 1 à 80 caractères : la piste d'audit le garde.")
    if not scopes:
        return gettext("Choisissez ce que le jeton peut faire.")
    if days not in {str(each) for each in LIVES}:
        return gettext("Choisissez quand le jeton prend fin.")
    return ""


def _rights(role: Role) -> list[tuple[str, str, bool, bool]]:
    """Resource, its name, and whether it may be read and written with this role."""
    allowed = scopes_of_role(role)
    rights = [(name, gettext(words), f"{name}:read" in allowed, f"{name}:write" in allowed) for name, words in
              RESOURCES.items()]  # fmt: skip
    return [each for each in rights if each[2] or each[3]]


def _chosen(allowed: Collection[str]) -> list[str]:
    return sorted({*request.form.getlist("scope")} & set(allowed))
