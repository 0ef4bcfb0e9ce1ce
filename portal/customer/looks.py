"""How a supplier's payers know it: its colour and its logo, on every page where they pay or read.

Both are addressed by their content, so that browsers keep them and never have an old one. Colours are moved until text
in them can be read, by day and by night (WCAG 2.2, 1.4.3); states keep the colours of the house.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, g

from einvoice.formats.page import contrast
from portal.access.context import services
from portal.access.headers import FILE_POLICY
from portal.access.roles import public
from portal.mail.page import BLACK, DARK_SHEET, LIGHT_INK, SHEET, readable, text_on

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

blueprint = Blueprint("looks", __name__, url_prefix="/look")

MOST_LOGO_BYTES = 48 * 1024
"""A logo that is shown on pages: a page weighs less than 100 KB with all that it loads."""
LIGHT_GROUND, DARK_GROUND = "#f5f4ef", "#242d29"
"""The grounds of ours on which text is hardest to read: paper by day, a chosen entry by night."""
SEEN = 2.0
"""Below this contrast with a dark page, a button is moved as words are: it would be words without a button."""
_KEPT = "public, max-age=31536000, immutable"
_FIND = (
    "SELECT profile ->> 'colour' AS colour, profile ->> 'logo_svg' AS logo FROM supplier_profiles "
    "WHERE supplier_id = :supplier"
)


@dataclass(frozen=True, slots=True)
class Look:
    """Where a supplier's colours and logo are served; ``None`` for what it has not chosen."""

    sheet: str | None = None
    logo: str | None = None


def note_look(work: Work) -> None:
    """Remember whose colour and logo this page shows."""
    g.look = look_of(work)


def look_of(work: Work) -> Look:
    """Where the colours and the logo of this work's supplier are served."""
    colour, logo = _chosen(work)
    base = f"{blueprint.url_prefix}/{work.supplier_id}"
    return Look(
        f"{base}/{_digest(colour)}.css" if colour else None,
        f"{base}/{_digest(logo)}.svg" if logo else None,
    )


@blueprint.get("/<uuid:supplier_id>/<digest>.css")
@public
def sheet(supplier_id: UUID, digest: str) -> Response:
    """The supplier's colour as the accent of its pages."""
    with services().works.begin(supplier_id) as work:
        colour, _ = _chosen(work)
    if colour is None or _digest(colour) != digest:
        abort(404)
    return _kept(Response(colours_of(colour), content_type="text/css; charset=utf-8"))


@blueprint.get("/<uuid:supplier_id>/<digest>.svg")
@public
def logo(supplier_id: UUID, digest: str) -> Response:
    """The supplier's logo, in a box of its own: it can do nothing."""
    with services().works.begin(supplier_id) as work:
        _, drawn = _chosen(work)
    if drawn is None or _digest(drawn) != digest:
        abort(404)
    response = Response(drawn, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = f"{FILE_POLICY}; img-src data:; style-src 'unsafe-inline'"
    return _kept(response)


def colours_of(colour: str) -> str:
    """The rules that make ``colour`` (``#rrggbb``) the accent, readable by day and by night."""
    at_night = colour if contrast(colour, DARK_GROUND) >= SEEN else readable(colour, DARK_GROUND)
    return (
        f":root{{{_tokens(colour, colour, LIGHT_GROUND, BLACK)}}}"
        f"@media (prefers-color-scheme: dark){{:root{{{_tokens(colour, at_night, DARK_GROUND, LIGHT_INK)}}}}}"
        "@media print{:root{--accent:#000}}"
    )


def _tokens(colour: str, button: str, ground: str, away: str) -> str:
    """Words and lines in the colour as it is readable on ``ground``, buttons in the colour itself.

    Under the pointer both move away from what they stand on, or what stands on them.
    """
    accent, on_fill = readable(colour, ground), text_on(button)
    hover = _nearer(button, BLACK if on_fill == LIGHT_INK else LIGHT_INK)
    fill = f"--fill:{button};--on-fill:{on_fill};--fill-hover:{hover}"
    tint = f"--tint:{_nearer(DARK_SHEET if ground == DARK_GROUND else SHEET, accent)};--on-tint:var(--ink)"
    return f"--accent:{accent};--on-accent:{text_on(accent)};--accent-hover:{_nearer(accent, away)};{fill};{tint}"


def _nearer(colour: str, target: str) -> str:
    """An eighth of the way from a colour to another."""
    pairs = ((int(colour[at : at + 2], 16), int(target[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{(7 * own + other) // 8:02x}" for own, other in pairs)


def _chosen(work: Work) -> tuple[str | None, str | None]:
    """The supplier's colour, and its logo unless it is too heavy for a page."""
    found = work.row(_FIND)
    if found is None:
        return None, None
    logo = found["logo"] if found["logo"] and len(found["logo"].encode()) <= MOST_LOGO_BYTES else None
    return found["colour"], logo


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = _KEPT
    return response
