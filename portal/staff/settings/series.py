"""``/s/settings/series``: how numbers look, and which one is next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from config.clock import today
from portal.access.context import actor, place, work_here
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.staff.settings.typed import UNPROCESSABLE, Typed
from portal.words import gettext, note_text, told_by
from receivables.domain.invoicing.number_series import (
    LEAST_DIGITS,
    MOST_DIGITS,
    OWN_SERIES,
    USUAL_DIGITS,
    NumberWording,
    is_prefix,
)
from receivables.errors import ConflictError
from receivables.store.invoicing.numbers import number_wording, series_states, word_numbers

if TYPE_CHECKING:
    from werkzeug import Response

    from receivables.store.invoicing.numbers import SeriesState

blueprint = Blueprint("series", __name__, url_prefix="/s/settings/series")

NAMES = {
    "F": note_text("Factures"),
    "A": note_text("Avoirs"),
    "D": note_text("Acomptes"),
    "N": note_text("Intérêts de retard"),
    "NA": note_text("Avoirs sur intérêts"),
}
LONGEST_PREFIX = 11


@blueprint.get("")
@allow(*STAFF)
def show() -> str:
    """Every series with its next number."""
    return _page(Typed({"series": "", "prefix": "", "digits": str(USUAL_DIGITS)}))


@blueprint.post("")
@allow(*BOOKKEEPING)
def save() -> Response | tuple[str, int]:
    """Word the numbers of a series otherwise, from the first year on that has none yet."""
    typed = Typed.read()
    series = typed.choice("series", OWN_SERIES)
    prefix = typed.need("prefix", LONGEST_PREFIX).upper()
    digits = typed.whole("digits", LEAST_DIGITS, MOST_DIGITS) or USUAL_DIGITS
    if prefix and not is_prefix(prefix):
        typed.faults["prefix"] = gettext("De 1 à 11 majuscules, chiffres ou tirets, sans tiret aux bouts.")
    if not typed.faults:
        try:
            with work_here() as work:
                year = next(each for each in series_states(work, today().year) if each.series == series)
                first = first_free_year(year)
                word_numbers(work, series, first, NumberWording(prefix, digits), actor())
        except ConflictError as error:
            typed.faults["prefix"] = told_by(error)
        else:
            return redirect(url_for("series.show", saved=first), 303)
    return _page(typed), UNPROCESSABLE


def first_free_year(state: SeriesState) -> int:
    """The first year in which the series has given no number yet."""
    return state.year + 1 if state.last_number else state.year


def _page(typed: Typed) -> str:
    with work_here() as work:
        states = series_states(work, today().year)
        later = {each.series: number_wording(work, each.series, each.year + 1) for each in states}
    saved = request.args.get("saved", "")
    return render_template(
        "settings/series.html",
        typed=typed,
        states=states,
        later=later,
        names=NAMES,
        options=[(each.series, gettext(NAMES[each.series])) for each in states],
        free={each.series: first_free_year(each) for each in states},
        saved=saved if saved.isdecimal() and len(saved) == len("2026") else "",
        may_change=place().role in BOOKKEEPING,
    )
