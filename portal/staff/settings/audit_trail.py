"""``/s/settings/audit``: who did what and when, as a page, as a file, and sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, render_template, request

from config.clock import today
from portal.access.context import caller, place, services, work_here
from portal.access.people import staff_of
from portal.access.roles import Role, allow
from portal.lists import MAX_WANTED
from portal.tables import Column, Form, send_table
from portal.words import gettext, note_text
from receivables.store.audit_trail import (
    MOST_LISTED,
    AuditAsked,
    AuditRow,
    audit_areas,
    every_audit,
    list_audit,
    seal_state,
)
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import date

    from flask import Response

blueprint = Blueprint("audit_trail", __name__, url_prefix="/s/settings/audit")

WATCHING = (Role.OWNER, Role.ACCOUNTANT, Role.AUDITOR)
"""Who reads what everybody did."""
PERSON = "person "
LONGEST_NAME = 80
_MOST_DIGITS = 18
_COLUMNS: tuple[Column[AuditRow], ...] = (
    Column("id", "Numéro", "Number", lambda row: row.audit_id),
    Column("happened_at", "Moment", "Moment", lambda row: row.happened_at),
    Column("actor", "Qui", "Who", lambda row: row.actor),
    Column("act", "Acte", "Act", lambda row: row.act),
    Column("object", "Objet", "Object", lambda row: row.object),
    Column("details", "Détails", "Details", lambda row: to_json(row.details)),
)
HOUSE_ACTORS = {
    "system": note_text("Traitement automatique"),
    "worker": note_text("Traitement automatique"),
    "platform": note_text("Plateforme agréée"),
    "payer": note_text("Payeur"),
    "pay link": note_text("Lien de paiement"),
    "mail server": note_text("Serveur de courriel"),
    "command line": note_text("Ligne de commande"),
}


@blueprint.get("")
@allow(*WATCHING)
def show() -> str:
    """The acts, the newest first."""
    asked = _asked()
    given = request.args.get("before", "")
    before = int(given) if given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS else None
    people = _people()
    with work_here() as work:
        rows = list_audit(work, asked, before=before, limit=MOST_LISTED + 1)
        areas, seal = audit_areas(work), seal_state(work)
    return render_template(
        "settings/audit.html",
        rows=rows[:MOST_LISTED],
        more=len(rows) > MOST_LISTED,
        asked=asked,
        query={name: value for name, value in request.args.items() if name != "before" and value},
        people=people,
        who=lambda actor: actor_words(actor, people),
        areas=areas,
        seal=seal,
        path_of=path_of,
    )


@blueprint.get("/trail.<any(csv, xlsx, json):form>")
@allow(*WATCHING)
def export(form: str) -> Response:
    """The acts that are looked for, as a file; taking it stands in the trail as well."""
    asked = _asked()
    with work_here() as work:
        work.audit(f"{PERSON}{caller().person.person_id}", "audit.fetched", form, area=asked.area, by=asked.actor)
        return send_table(_COLUMNS, every_audit(work, asked), Form(form), f"journal-d-audit-{today()}")


def actor_words(actor: str, people: dict[str, str]) -> str:
    """Who acted, in words: a colleague by name, the house, a program by its own name."""
    if actor in people:
        return people[actor]
    return gettext(HOUSE_ACTORS[actor]) if actor in HOUSE_ACTORS else actor


def path_of(row: AuditRow) -> str | None:
    """The page of what was acted upon, where it has one."""
    pages = {"invoice": "/s/invoices/", "customer": "/s/customers/", "item": "/s/items/", "dispute": "/s/disputes/"}
    page = pages.get(row.act.partition(".")[0])
    try:
        return f"{page}{UUID(row.object)}" if page else None
    except ValueError:
        return None


def _asked() -> AuditAsked:
    q, actor, area = ("".join(filter(str.isprintable, request.args.get(name, ""))) for name in ("q", "actor", "area"))
    return AuditAsked(
        q.strip()[:MAX_WANTED],
        actor[:LONGEST_NAME],
        area[:LONGEST_NAME],
        _day(request.args.get("since", "")),
        _day(request.args.get("until", "")),
    )


def _day(given: str) -> date | None:
    """A day as a form sends it; what is none is left out."""
    try:
        return min(type(today()).fromisoformat(given), today())
    except ValueError:
        return None


def _people() -> dict[str, str]:
    staff = staff_of(services().database, place().supplier_id)
    return {f"{PERSON}{each.person_id}": each.name for each in staff}
