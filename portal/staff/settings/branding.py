"""``/s/settings/branding``: logo and colour of invoices, pages and mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from config.clock import now
from einvoice.errors import EInvoiceError
from einvoice.formats.page import READABLE_CONTRAST, choose_colours, contrast
from einvoice.formats.page_logo import MAX_LOGO_BYTES, read_logo
from einvoice.production import Branding
from portal.access.context import actor, work_here
from portal.access.headers import FILE_POLICY
from portal.access.roles import OWNERS, STAFF, allow
from portal.staff.settings.identity import stored_profile
from portal.staff.settings.typed import UNPROCESSABLE, Typed
from portal.words import gettext, language
from receivables.store.work import to_json

if TYPE_CHECKING:
    from werkzeug import Response as AnyResponse

    from receivables.store.work import Work

blueprint = Blueprint("branding", __name__, url_prefix="/s/settings/branding")

MAX_FORM_BYTES = MAX_LOGO_BYTES + 64 * 1024
_WHITE = "#ffffff"


@blueprint.get("")
@allow(*OWNERS)
def show() -> str:
    """The logo, the colour and how it reads."""
    with work_here() as work:
        stored = stored_profile(work)
    return _page(Typed({"colour": stored.get("colour") or Branding().colour}), has_logo=bool(stored.get("logo_svg")))


@blueprint.post("")
@allow(*OWNERS)
def save() -> AnyResponse | tuple[str, int]:
    """Keep logo and colour; they count for what is issued from now on."""
    typed = Typed.read()
    changed: dict[str, Any] = {"colour": _colour(typed)}
    given = request.files.get("logo")
    content = given.read(MAX_LOGO_BYTES + 1) if given and given.filename else b""
    if content:
        try:
            changed["logo_svg"] = read_logo(content)
        except EInvoiceError as error:
            typed.faults["logo"] = _said(error)
    elif typed.get("remove"):
        changed["logo_svg"] = None
    with work_here() as work:
        stored = stored_profile(work)
        if typed.faults:
            return _page(typed, has_logo=bool(stored.get("logo_svg"))), UNPROCESSABLE
        if not work.scalar("SELECT 1 FROM supplier_profiles WHERE supplier_id = :supplier"):
            typed.faults[""] = gettext("Remplissez d'abord l'identité de votre entreprise.")
            return _page(typed, has_logo=False), UNPROCESSABLE
        _keep(work, changed)
    return redirect(url_for("branding.show", saved=1), 303)


@blueprint.get("/logo.svg")
@allow(*STAFF)
def logo() -> Response:
    """The logo as it is printed, in a box of its own: it can do nothing."""
    with work_here() as work:
        drawn = work.scalar("SELECT profile ->> 'logo_svg' FROM supplier_profiles WHERE supplier_id = :supplier")
    if not drawn:
        abort(404)
    response = Response(drawn, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = f"{FILE_POLICY}; img-src data:; style-src 'unsafe-inline'"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _keep(work: Work, changed: dict[str, Any]) -> None:
    work.execute(
        "UPDATE supplier_profiles SET profile = jsonb_strip_nulls(profile || CAST(:changed AS jsonb)), "
        "changed_at = :at WHERE supplier_id = :supplier",
        changed=to_json(changed),
        at=now(),
    )
    said = {"colour": changed["colour"]} | ({"logo": bool(changed["logo_svg"])} if "logo_svg" in changed else {})
    work.audit(actor(), "supplier.branding_kept", "profile", **said)


def _colour(typed: Typed) -> str:
    given = typed.get("colour").lower()
    try:
        choose_colours(given)
    except EInvoiceError as error:
        typed.faults["colour"] = _said(error)
        return Branding().colour
    return given


def _page(typed: Typed, *, has_logo: bool) -> str:
    colour = typed.get("colour") if "colour" not in typed.faults else Branding().colour
    ratio = contrast(colour, _WHITE)
    return render_template(
        "settings/branding.html",
        typed=typed,
        colour=colour,
        ratio=f"{ratio:.1f}".replace(".", "," if language() == "fr" else "."),
        readable=ratio >= READABLE_CONTRAST,
        has_logo=has_logo,
        most_kb=MAX_LOGO_BYTES // 1024,
        saved="saved" in request.args,
    )


def _said(error: EInvoiceError) -> str:
    return error.sentence if language() == "en" else error.sentence_fr
