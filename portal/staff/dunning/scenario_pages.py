"""``/s/dunning/scenarios`` and ``/s/dunning/settings``: what happens when, for whom, and at which hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import now
from portal.access.context import actor, place, work_here
from portal.access.roles import CREDIT, OWNERS, STAFF, Role, allow
from portal.staff.dunning import shown
from portal.words import gettext, note_text, told_by
from receivables.domain.collecting.scenarios import LEAST_NOTICE, MOST_NOTICE, Channel, read_steps, step_data
from receivables.errors import ReceivablesError
from receivables.services.collecting.dunning import TEMPLATES, keep_settings, rules_of
from receivables.store.collecting.dunning import DunningSettings, add_scenario
from receivables.store.customer_file.contacts import segments

if TYPE_CHECKING:
    from werkzeug import Response

    from receivables.domain.collecting.scenarios import Scenario

blueprint = Blueprint("dunning_scenarios", __name__, url_prefix="/s/dunning")

UNPROCESSABLE = 422
LONGEST = 80
_WORDS = ("channel", "template", "approval", "role")
_NUMBERS = {
    "level": note_text("Niveau"),
    "offset_days": note_text("Jour"),
    "gap_days": note_text("Jours depuis l'étape d'avant"),
    "min": note_text("À partir de (€)"),
}
"""Fields of a step that are whole numbers, with their labels on the form."""
_ROLES = ("payment", "billing", "manager", "purchasing", "legal", "other")


@blueprint.get("/scenarios")
@allow(*STAFF)
def index() -> str:
    """The scenarios in force."""
    with work_here() as work:
        rules = rules_of(work)
        unused = [each for each in segments(work) if each not in rules.scenarios]
    return render_template(
        "dunning/scenarios.html",
        scenarios=list(rules.scenarios.values()),
        unused=unused,
        may_keep=place().role in CREDIT,
        saved="saved" in request.args,
    )


@blueprint.get("/scenarios/<segment>")
@allow(*CREDIT)
def edit(segment: str) -> Response:
    """The form of one scenario."""
    return _form(_known(segment))


@blueprint.post("/scenarios/<segment>")
@allow(*CREDIT)
def keep(segment: str) -> Response:
    """Keep a new version."""
    before = _known(segment)
    rows, wrong = _typed_rows(before)
    if wrong:
        return _form(before, rows, wrong)
    name = request.form.get("name", "").strip()[:LONGEST] or before.name
    try:
        steps = read_steps(rows, TEMPLATES)
        with work_here() as work:
            add_scenario(work, segment, name, [step_data(step) for step in steps], actor())
    except ReceivablesError as error:
        return _form(before, rows, told_by(error))
    return redirect(url_for("dunning_scenarios.index", saved=1), 303)


@blueprint.post("/scenarios")
@allow(*CREDIT)
def copy() -> Response:
    """A scenario of its own for a segment, begun with the usual one's steps."""
    with work_here() as work:
        wanted = request.form.get("segment", "")
        usual = rules_of(work).scenarios.get("standard")
        if usual is None or wanted not in segments(work):
            return redirect(url_for("dunning_scenarios.index"), 303)
        add_scenario(work, wanted, wanted, [step_data(step) for step in usual.steps], actor())
    return redirect(url_for("dunning_scenarios.edit", segment=wanted), 303)


@blueprint.get("/settings")
@allow(*STAFF)
def ask_settings() -> Response:
    """Hours, peace between two reminders, who signs."""
    with work_here() as work:
        return _settings_form(rules_of(work).settings)


@blueprint.post("/settings")
@allow(*OWNERS)
def save_settings() -> Response:
    """Keep the settings as judged."""
    with work_here() as work:
        kept = rules_of(work).settings
    found = _typed_settings(kept)
    if isinstance(found, str):
        return _settings_form(kept, found)
    with work_here() as work:
        keep_settings(work, found, now(), actor())
    return redirect(url_for("dunning_scenarios.ask_settings", saved=1), 303)


def _known(segment: str) -> Scenario:
    with work_here() as work:
        found = rules_of(work).scenarios.get(segment)
    if found is None:
        abort(404)
    return found


def _typed_rows(before: Scenario) -> tuple[list[dict[str, Any]], str]:
    """The steps as typed, and what is wrong with the first number that is none.

    A step without a name is left out; what the form does not show stays as it was.
    """
    known = {step.key: step_data(step) for step in before.steps}
    rows: list[dict[str, Any]] = []
    wrong = ""
    for place_, key in enumerate(request.form.getlist("key")[:40]):
        if not key.strip() or request.form.get(f"drop-{place_}"):
            continue
        numbers, bad = _typed_numbers(place_)
        if bad and not wrong:
            wrong = gettext("Étape %(step)s, « %(field)s » : « %(typed)s » n'est pas un nombre entier.") % {
                "step": len(rows) + 1,
                "field": gettext(_NUMBERS[bad]),
                "typed": numbers[bad],
            }
        typed = {name: _at(name, place_) for name in _WORDS}
        least = numbers.pop("min")
        minor = max(least, 0) * 100 if isinstance(least, int) else 0
        rows.append({**known.get(key.strip(), {}), **typed, **numbers, "key": key.strip(), "min_minor": minor})
    return rows, wrong


def _typed_numbers(place_: int) -> tuple[dict[str, int | str], str]:
    """The numbers of a step, as text where they are none, and the name of the first such field."""
    found: dict[str, int | str] = {}
    for name in _NUMBERS:
        text = _at(name, place_)
        number = 0 if name == "min" and not text else _number(text)  # nothing said: from the first cent
        found[name] = text if number is None else number
    return found, next((name for name, value in found.items() if isinstance(value, str)), "")


def _at(name: str, place_: int) -> str:
    given = request.form.getlist(name)
    return given[place_].strip()[:LONGEST] if place_ < len(given) else ""


def _number(text: str) -> int | None:
    """A whole number of seven digits at most; ``None`` where it is none."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) <= 7 else None  # noqa: PLR2004 -- digits


def _form(scenario: Scenario, typed: list[dict[str, Any]] | None = None, wrong: str = "") -> Response:
    page = render_template(
        "dunning/scenario.html",
        scenario=scenario,
        rows=[*(typed if typed is not None else [step_data(step) for step in scenario.steps]), None],
        channels=list(Channel),
        templates=[each for each in shown.TEMPLATES if each in TEMPLATES],
        roles=_ROLES,
        wrong=wrong,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _typed_settings(kept: DunningSettings) -> DunningSettings | str:
    """The settings as typed, or what is wrong with them."""
    form = request.form
    try:
        opens_at, closes_at = (
            time.fromisoformat(form.get("opens_at", "")),
            time.fromisoformat(form.get("closes_at", "")),
        )
    except ValueError:
        return gettext("Les heures s'écrivent comme 09:00.")
    if not opens_at < closes_at:
        return gettext("L'heure de fin vient après l'heure de début.")
    found = replace(
        kept,
        automatic="automatic" in form,
        opens_at=opens_at,
        closes_at=closes_at,
        mail_every_days=_number(form.get("mail_every_days", "").strip()) or 0,
        call_every_days=_number(form.get("call_every_days", "").strip()) or 0,
        notice_days=_number(form.get("notice_days", "").strip()) or 0,
        signatory=form.get("signatory", "").strip()[:LONGEST],
        signatory_title=form.get("signatory_title", "").strip()[:LONGEST],
    )
    if not 5 <= found.mail_every_days <= 60 or not 7 <= found.call_every_days <= 60:  # noqa: PLR2004 -- named in the sentence
        return gettext("Entre deux courriels, 5 à 60 jours ; entre deux appels, 7 à 60 jours.")
    if not LEAST_NOTICE <= found.notice_days <= MOST_NOTICE:
        return gettext("Une mise en demeure laisse 8 à 15 jours.")
    return found


def _settings_form(settings: DunningSettings, wrong: str = "") -> Response:
    page = render_template(
        "dunning/settings.html",
        settings=settings,
        wrong=wrong,
        may_save=place().role is Role.OWNER,
        saved="saved" in request.args,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)
