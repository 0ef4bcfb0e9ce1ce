"""``/s/settings/domain``: payment pages under a name of the supplier's own, proven step by step."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, url_for

from portal.access.context import actor, place, services, work_here
from portal.access.roles import OWNERS, allow
from portal.own_hosts.looking import (
    CHALLENGE_NAME,
    CHALLENGE_START,
    NO_PROOF,
    NOT_HERE,
    SILENT,
    NameServers,
    look,
)
from portal.staff.settings.typed import UNPROCESSABLE, Typed
from portal.words import gettext, note_text, told_by
from receivables.errors import ConflictError
from receivables.store.domains import ask_domain, domain_of, end_domain, note_look

if TYPE_CHECKING:
    from werkzeug import Response

blueprint = Blueprint("domain", __name__, url_prefix="/s/settings/domain")

CHALLENGE_BYTES = 16
LONGEST_HOST = 200
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){2,}[a-z][a-z0-9-]{1,62}")
"""A name below a domain of one's own: the domain itself is the web site's."""
FAULTS = {
    NO_PROOF: note_text("L'entrée TXT n'est pas encore visible, ou ne dit pas la bonne valeur."),
    NOT_HERE: note_text("Le nom ne mène pas encore ici : vérifiez l'entrée CNAME."),
    SILENT: note_text("Le DNS ne répond pas maintenant. Réessayez dans quelques minutes."),
}


@blueprint.get("")
@allow(*OWNERS)
def show() -> str:
    """The name, what its DNS has to say, and what was found."""
    return _page(Typed({}))


@blueprint.post("")
@allow(*OWNERS)
def ask() -> Response | tuple[str, int]:
    """Take a name; it counts once its DNS proves it."""
    typed = Typed.read()
    host = typed.need("host", LONGEST_HOST).lower().rstrip(".")
    if host and not _HOST.fullmatch(host):
        typed.faults["host"] = gettext("Donnez un nom complet, par exemple factures.exemple.fr.")
    elif host == _house():
        typed.faults["host"] = gettext("C'est le nom de la maison elle-même.")
    if typed.faults:
        return _page(typed), UNPROCESSABLE
    ask_domain(services().database, place().supplier_id, host, secrets.token_hex(CHALLENGE_BYTES), actor())
    services().own_hosts.forget()
    _note("domain.asked", host)
    return redirect(url_for("domain.show"), 303)


@blueprint.post("/check")
@allow(*OWNERS)
def check() -> Response | tuple[str, int]:
    """Look at the DNS now."""
    known = domain_of(services().database, place().supplier_id)
    if known is not None:
        settings = services().settings
        servers = NameServers(settings.dns_server, settings.dns_port)
        fault = look(known, _house(), servers)
        try:
            note_look(services().database, known, fault)
        except ConflictError as error:
            return _page(Typed({}, {"": told_by(error)})), UNPROCESSABLE
        services().own_hosts.forget()
        if fault is None and known.proven_at is None:
            _note("domain.proven", known.host)
    return redirect(url_for("domain.show", checked=1), 303)


@blueprint.post("/end")
@allow(*OWNERS)
def end() -> Response:
    """Give the name up."""
    known = domain_of(services().database, place().supplier_id)
    if known is not None:
        end_domain(services().database, place().supplier_id)
        services().own_hosts.forget()
        _note("domain.given_up", known.host)
    return redirect(url_for("domain.show"), 303)


def _page(typed: Typed) -> str:
    known = domain_of(services().database, place().supplier_id)
    entries = []
    if known is not None:
        entries = [
            ("TXT", f"{CHALLENGE_NAME}.{known.host}", f"{CHALLENGE_START}{known.challenge}"),
            ("CNAME", known.host, _house()),
        ]
    return render_template(
        "settings/domain.html",
        typed=typed,
        domain=known,
        entries=entries,
        fault=gettext(FAULTS[known.fault]) if known and known.fault in FAULTS else "",
        house=_house(),
        checked="checked" in request.args,
    )


def _house() -> str:
    return urlsplit(services().settings.public_url).hostname or "localhost"


def _note(act: str, host: str) -> None:
    with work_here() as work:
        work.audit(actor(), act, host)
