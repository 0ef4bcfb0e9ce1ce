"""``/s/settings/audit``: who did what and when, as a page, as a file, and sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from config.clock import today
from portal.access.context import caller, place, services, work_here
from portal.access.people import names_of, staff_of
from portal.access.roles import Role, allow
from portal.exports.handing import offer, wish_here
from portal.exports.trail import TRAIL, asked_acts
from portal.fields import id_in
from portal.navigation import opens
from portal.staff.jobs.files import ASK
from portal.tables import Form, send_table
from portal.telling.acts import page_of, tell_act, tell_area
from portal.telling.details import PERSON, tell_details
from portal.words import gettext, note_text
from receivables.store.audit_trail import MOST_LISTED, audit_areas, every_audit, list_audit, seal_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug import Response as AnyResponse

    from receivables.store.audit_trail import AuditRow

blueprint = Blueprint("audit_trail", __name__, url_prefix="/s/settings/audit")

WATCHING = (Role.OWNER, Role.ACCOUNTANT, Role.AUDITOR)
"""Who reads what everybody did."""
_MOST_DIGITS = 18
HOUSE_ACTORS = {
    "system": note_text("Traitement automatique"),
    "worker": note_text("Traitement automatique"),
    "platform": note_text("Plateforme agréée"),
    "payer": note_text("Payeur"),
    "pay link": note_text("Lien de paiement"),
    "mail server": note_text("Serveur de courriel"),
    "command line": note_text("Ligne de commande"),
    "core": note_text("Traitement automatique"),
    "rule": note_text("Règle automatique"),
    "visitor": note_text("Visiteur"),
    "staff": note_text("Équipe"),
    "demo": note_text("Démonstration"),
}


@blueprint.get("")
@allow(*WATCHING)
def show() -> str:
    """The acts, the newest first."""
    asked = asked_acts(request.args)
    given = request.args.get("before", "")
    before = int(given) if given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS else None
    people = _people()
    with work_here() as work:
        rows = list_audit(work, asked, before=before, limit=MOST_LISTED + 1)
        areas, seal = audit_areas(work), seal_state(work)
    named = people | _others(rows, people)
    by_id = {key.removeprefix(PERSON): name for key, name in named.items()}
    return render_template(
        "settings/audit.html",
        rows=rows[:MOST_LISTED],
        more=len(rows) > MOST_LISTED,
        asked=asked,
        query={name: value for name, value in request.args.items() if name != "before" and value},
        people=people,
        who=lambda actor: actor_words(actor, named),
        areas=sorted(((each, tell_area(each)) for each in areas), key=lambda area: area[1].casefold()),
        seal=seal,
        path_of=lambda row: path_of(row, people),
        thing=lambda row: thing_words(row, by_id),
        say=tell_act,
        details=lambda row: tell_details(row.details, named),
    )


@blueprint.get("/trail.<any(csv, xlsx, json):form>")
@allow(*WATCHING)
def export(form: str) -> AnyResponse:
    """The acts that are looked for, as a file; taking it stands in the trail as well."""
    wish = wish_here("audit", {**request.args.to_dict(), "as": form})
    if (large := offer(wish, ASK)) is not None:
        return large
    asked = asked_acts(request.args)
    with work_here() as work:
        work.audit(f"{PERSON}{caller().person.person_id}", "audit.fetched", form, area=asked.area, by=asked.actor)
        return send_table(TRAIL, every_audit(work, asked), Form(form), f"journal-d-audit-{today()}")


def actor_words(actor: str, people: dict[str, str]) -> str:
    """Who acted, in words: a colleague by name, the house, a program by its own name."""
    if actor in people:
        return people[actor]
    return gettext(HOUSE_ACTORS[actor]) if actor in HOUSE_ACTORS else actor


def path_of(row: AuditRow, staff: Mapping[str, str]) -> str | None:
    """The page of what was acted upon, where it has one that the caller may open; of people, colleagues have one."""
    path = page_of(row)
    if row.act.startswith("person.") and f"{PERSON}{row.object}" not in staff:
        return None
    return path if path and opens(path) else None


def thing_words(row: AuditRow, named: Mapping[str, str]) -> str:
    """What was acted upon, by the name that people know it by; nothing where only an id tells it."""
    known = (row.details.get(each) for each in ("number", "name", "rum", "filename"))
    told = named.get(row.object) or next((str(each) for each in known if each), "")
    return told or ("" if id_in(row.object) else row.object)


def _others(rows: Sequence[AuditRow], people: Mapping[str, str]) -> dict[str, str]:
    """People of customers, and colleagues who left, by the word for them in the trail."""
    words = {row.actor for row in rows} | {f"{PERSON}{row.object}" for row in rows if row.act.startswith("person.")}
    ids = [found for each in words - people.keys() if (found := id_in(each.removeprefix(PERSON)))]
    return {f"{PERSON}{key}": name for key, name in names_of(services().database, ids).items()}


def _people() -> dict[str, str]:
    staff = staff_of(services().database, place().supplier_id)
    return {f"{PERSON}{each.person_id}": each.name for each in staff}
