"""Hosts of suppliers' own in PostgreSQL: in the register, because they are asked for before anybody is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- a field's type
from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003 -- a field's type

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from config.clock import new_id, now
from receivables.errors import ConflictError

if TYPE_CHECKING:
    from config.database import Database

_FIELDS = "domain_id, belongs_to, host, challenge, asked_at, checked_at, fault, proven_at, ended_at"


@dataclass(frozen=True, slots=True)
class Domain:
    """A host that a supplier asked for; it counts from ``proven_at`` to ``ended_at``. ``fault`` is of the last look."""

    domain_id: UUID
    belongs_to: UUID
    host: str
    challenge: str
    asked_at: datetime
    checked_at: datetime | None
    fault: str | None
    proven_at: datetime | None
    ended_at: datetime | None


def domain_of(database: Database, supplier_id: UUID) -> Domain | None:
    """The supplier's host, proven or not; none where it asked for none or gave it up."""
    rows = _rows(database, "belongs_to = :key AND ended_at IS NULL", key=supplier_id)
    return rows[0] if rows else None


def proven_domains(database: Database) -> list[Domain]:
    """Every host that counts."""
    return _rows(database, "proven_at IS NOT NULL AND ended_at IS NULL")


def ask_domain(database: Database, supplier_id: UUID, host: str, challenge: str, actor: str) -> Domain:
    """Note that a supplier wants a host; one that it had before is given up."""
    end_domain(database, supplier_id)
    with database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO domains (domain_id, belongs_to, host, challenge, asked_by, asked_at) "
                "VALUES (:id, :supplier, :host, :challenge, :actor, :at)"
            ),
            {
                "id": new_id(),
                "supplier": supplier_id,
                "host": host,
                "challenge": challenge,
                "actor": actor,
                "at": now(),
            },
        )
    found = domain_of(database, supplier_id)
    assert found is not None  # noqa: S101 -- just written
    return found


def note_look(database: Database, domain: Domain, fault: str | None) -> None:
    """Note what a look at the DNS found; without a fault the host counts from now on.

    Raises:
        ConflictError: ``domain.taken``: another supplier has proven this host and not given it up.
    """
    at = now()
    try:
        with database.register() as connection:
            connection.execute(
                text(
                    "UPDATE domains SET checked_at = :at, fault = :fault, "
                    "proven_at = CASE WHEN CAST(:fault AS text) IS NULL THEN coalesce(proven_at, :at) "
                    "ELSE proven_at END WHERE domain_id = :id"
                ),
                {"id": domain.domain_id, "fault": fault, "at": at},
            )
    except IntegrityError as error:
        raise ConflictError(
            "domain.taken",
            f"{domain.host} belongs to another supplier of this house. Choose another name.",
            f"{domain.host} appartient à un autre fournisseur de cette maison. Choisissez un autre nom.",
        ) from error


def end_domain(database: Database, supplier_id: UUID) -> None:
    """Give the supplier's host up; nothing happens where it has none."""
    with database.register() as connection:
        connection.execute(
            text("UPDATE domains SET ended_at = :at WHERE belongs_to = :supplier AND ended_at IS NULL"),
            {"supplier": supplier_id, "at": now()},
        )


def _rows(database: Database, condition: str, **values: Any) -> list[Domain]:
    with database.register() as connection:
        rows = connection.execute(text(f"SELECT {_FIELDS} FROM domains WHERE {condition}"), values).mappings()
        return [Domain(**row) for row in rows]
