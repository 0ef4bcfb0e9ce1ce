"""The audit trail as a file: which acts are asked for, and the columns, with the code of every act beside its words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from config.clock import today
from portal.lists import MAX_WANTED
from portal.tables import Column
from portal.telling.acts import acts_saying, tell_act
from receivables.store.audit_trail import AuditAsked, AuditRow
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_NAME = 80
TRAIL: tuple[Column[AuditRow], ...] = (
    Column("id", "Numéro", "Number", lambda row: row.audit_id),
    Column("happened_at", "Moment", "Moment", lambda row: row.happened_at),
    Column("actor", "Qui", "Who", lambda row: row.actor),
    Column("act", "Acte", "Act", lambda row: row.act),
    Column("sentence", "En clair", "In words", lambda row: tell_act(row.act)),
    Column("object", "Objet", "Object", lambda row: row.object),
    Column("details", "Détails", "Details", lambda row: to_json(row.details)),
)


def asked_acts(given: Mapping[str, str]) -> AuditAsked:
    """What an address asks for: words, an actor, an area, days; what cannot be read is left out."""
    q, actor, area = ("".join(filter(str.isprintable, given.get(name, ""))) for name in ("q", "actor", "area"))
    wanted = q.strip()[:MAX_WANTED]
    return AuditAsked(
        wanted,
        actor[:LONGEST_NAME],
        area[:LONGEST_NAME],
        _day(given.get("since", "")),
        _day(given.get("until", "")),
        acts_saying(wanted),
    )


def _day(given: str) -> date | None:
    """A day as a form sends it, no later than today."""
    try:
        return min(date.fromisoformat(given), today())
    except ValueError:
        return None
