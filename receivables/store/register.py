"""The register: suppliers, and which of them have work to do. No supplier's rows are visible here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import new_id, now

if TYPE_CHECKING:
    from uuid import UUID

    from config.database import Database


SIREN_DIGITS = 9
_COLUMNS = "supplier_id, name, siren, foreign_id"


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier (fournisseur): the tenant. It has a SIREN, or where it is not French another legal id."""

    supplier_id: UUID
    name: str
    siren: str | None
    foreign_id: str | None = None

    @property
    def reference(self) -> str:
        """The SIREN or the foreign id: what names the supplier to people."""
        return self.siren or self.foreign_id or str(self.supplier_id)


def is_siren(reference: str) -> bool:
    """Whether ``reference`` has the shape of a SIREN; its check digit is the reader's business."""
    return len(reference) == SIREN_DIGITS and reference.isascii() and reference.isdigit()


def find_supplier(database: Database, reference: str) -> Supplier | None:
    """The supplier with this SIREN or foreign id, or ``None``."""
    return _one(database, "siren = :key OR foreign_id = :key", reference)


def get_supplier(database: Database, supplier_id: UUID) -> Supplier | None:
    """The supplier with this id, or ``None``."""
    return _one(database, "supplier_id = :key", supplier_id)


def create_supplier(database: Database, reference: str, name: str) -> Supplier:
    """Open a supplier by its SIREN or foreign id; one that exists already is returned as it is."""
    siren = reference if is_siren(reference) else None
    with database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO suppliers (supplier_id, siren, foreign_id, name, created_at) "
                "VALUES (:id, :siren, :foreign, :name, :at) ON CONFLICT DO NOTHING"
            ),
            {"id": new_id(), "siren": siren, "foreign": None if siren else reference, "name": name, "at": now()},
        )
    found = find_supplier(database, reference)
    assert found is not None  # noqa: S101 -- just written
    return found


def list_suppliers(database: Database) -> list[Supplier]:
    """Every supplier, by name."""
    with database.register() as connection:
        rows = connection.execute(text(f"SELECT {_COLUMNS} FROM suppliers ORDER BY name")).mappings()
        return [Supplier(**row) for row in rows]


def suppliers_with_messages(database: Database) -> list[UUID]:
    """Suppliers whose inbox holds something due now."""
    with database.register() as connection:
        return list(
            connection.scalars(
                text(
                    "SELECT DISTINCT supplier_id FROM inbox WHERE state IN ('new', 'waiting') "
                    "AND next_try_at <= now() ORDER BY supplier_id"
                )
            )
        )


def facts_due(database: Database) -> dict[str, list[UUID]]:
    """Suppliers with facts of the outbox that are due now, by the kind of fact."""
    due: dict[str, list[UUID]] = {}
    with database.register() as connection:
        for kind, supplier_id in connection.execute(
            text(
                "SELECT DISTINCT kind, supplier_id FROM outbox WHERE state = 'new' AND next_try_at <= now() "
                "ORDER BY supplier_id"
            )
        ):
            due.setdefault(kind, []).append(supplier_id)
    return due


def suppliers_in_state(database: Database, table: str, state: str) -> list[UUID]:
    """Suppliers with a row of ``mails`` or ``directory_checks`` in ``state``: what a chore has to look at."""
    assert table in {"mails", "directory_checks"}  # noqa: S101 -- a name of ours, never a user's
    with database.register() as connection:
        return list(
            connection.scalars(
                text(f"SELECT DISTINCT supplier_id FROM {table} WHERE state = :state ORDER BY supplier_id"),
                {"state": state},
            )
        )


def suppliers_with_flows_to_follow(database: Database) -> list[UUID]:
    """Suppliers with a flow of which a platform is to be asked by now."""
    with database.register() as connection:
        return list(
            connection.scalars(
                text(
                    "SELECT DISTINCT supplier_id FROM platform_flows WHERE state = 'sent' AND ask_at <= now() "
                    "ORDER BY supplier_id"
                )
            )
        )


def suppliers_on_platforms(database: Database) -> list[UUID]:
    """Suppliers with an access to a platform that is not closed."""
    with database.register() as connection:
        return list(
            connection.scalars(
                text("SELECT DISTINCT supplier_id FROM platform_accounts WHERE closed_at IS NULL ORDER BY supplier_id")
            )
        )


def _one(database: Database, condition: str, key: object) -> Supplier | None:
    with database.register() as connection:
        row = (
            connection.execute(
                text(f"SELECT {_COLUMNS} FROM suppliers WHERE {condition}"),
                {"key": key},
            )
            .mappings()
            .first()
        )
    return Supplier(**row) if row else None
