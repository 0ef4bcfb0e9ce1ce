"""The design system on one page, in the demonstration only: every token and component as pages use them."""

from __future__ import annotations

import re

from flask import Blueprint, render_template

from portal import assets
from portal.access.roles import public
from portal.telling.states import STATES

blueprint = Blueprint("design", __name__, url_prefix="/demo/design")

TONES = ("plain", "part", "flight", "paid", "late")
_TOKEN = re.compile(r"--([a-z0-9-]+): ([^;]+);")


@blueprint.get("")
@public
def show() -> str:
    """Colours, type, distances, components."""
    tokens = (assets.FOLDER / "quittance" / "01-tokens.css").read_text().partition("@media")[0]
    named = _TOKEN.findall(tokens)
    return render_template(
        "demo/design.html",
        colours=[name for name, value in named if value.startswith("#")],
        distances=[(name, value) for name, value in named if re.fullmatch(r"s\d", name)],
        icons=sorted(each.stem for each in (assets.FOLDER / assets.PICTURES).iterdir()),
        states=sorted(STATES),
        tones=TONES,
    )
