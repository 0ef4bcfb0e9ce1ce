"""Who of the supplier's people may answer a customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from portal.access.roles import COLLECTING

if TYPE_CHECKING:
    from uuid import UUID

    from config.database import Database


@dataclass(frozen=True, slots=True)
class Colleague:
    """One of the supplier's people."""

    person_id: UUID
    name: str


def colleagues_of(database: Database, supplier_id: UUID) -> list[Colleague]:
    """Those who may answer, by name."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT person_id, name FROM people JOIN memberships USING (person_id) "
                "WHERE member_of = :supplier AND ended_at IS NULL AND role = ANY(:roles) ORDER BY name, person_id"
            ),
            {"supplier": supplier_id, "roles": [role.value for role in COLLECTING]},
        ).mappings()
        return [Colleague(**row) for row in rows]
