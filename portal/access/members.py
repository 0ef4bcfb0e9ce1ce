"""The staff of a supplier as its owner manages them: roles, portfolios, the second proof, lost keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now
from portal.access.people import add_membership
from portal.access.roles import Role
from portal.access.sessions import HAS_KEYS, end_sessions_of
from receivables.errors import ConflictError
from receivables.store.work import literally

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection

    from config.database import Database, Register

PAGE = 50
IN_PORTFOLIO = frozenset({Role.COLLECTOR, Role.CREDIT_MANAGER, Role.SALES})
"""Roles that can be held to some customers; the others need the whole of the books."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the staff."""

    person_id: UUID
    name: str
    email: str
    role: Role
    portfolio: bool
    since: datetime
    has_keys: bool
    seen_at: datetime | None
    """When a session of theirs was last seen, of the last twelve months; nobody's business of who works elsewhere."""
    elsewhere: bool
    """Whether they are somebody at another supplier too: keys and sessions are then theirs alone, for whoever invites
    an address would otherwise see and end the sessions of anybody."""


def members_of(database: Database, supplier_id: UUID, wanted: str = "", page: int = 1) -> tuple[list[Member], bool]:
    """One page of the staff by name, narrowed to a word, and whether there are more."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                _MEMBERS + "AND (people.name ILIKE :wanted OR email ILIKE :wanted) "
                "ORDER BY lower(people.name), person_id, role LIMIT :most OFFSET :skip"
            ),
            {
                "supplier": supplier_id,
                "wanted": f"%{literally(wanted)}%",
                "most": PAGE + 1,
                "skip": (page - 1) * PAGE,
            },
        ).mappings()
        found = [Member(**{**row, "role": Role(row["role"])}) for row in rows]
    return found[:PAGE], len(found) > PAGE


def member_of(database: Register, supplier_id: UUID, person_id: UUID) -> Member | None:
    """One person of the staff."""
    with database.register() as connection:
        row = (
            connection.execute(
                text(_MEMBERS + "AND person_id = :person ORDER BY memberships.created_at LIMIT 1"),
                {"supplier": supplier_id, "person": person_id},
            )
            .mappings()
            .first()
        )
    return Member(**{**row, "role": Role(row["role"])}) if row else None


def change_role(database: Database, supplier_id: UUID, person_id: UUID, role: Role, *, portfolio: bool) -> None:
    """Give somebody of the staff this role and no other.

    Raises:
        ConflictError: ``person.last_owner``.
    """
    held = portfolio and role in IN_PORTFOLIO
    with database.register() as connection:
        if role is not Role.OWNER:
            _keep_an_owner(connection, supplier_id, person_id)
        connection.execute(
            text(
                "UPDATE memberships SET ended_at = CASE WHEN role = :role THEN NULL ELSE :at END, "
                "portfolio = :portfolio WHERE member_of = :supplier AND person_id = :person "
                "AND role <> 'customer' AND ended_at IS NULL"
            ),
            {"supplier": supplier_id, "person": person_id, "role": role.value, "portfolio": held, "at": now()},
        )
    add_membership(database, person_id, supplier_id, role, portfolio=held)


def end_staff(database: Database, supplier_id: UUID, person_id: UUID) -> None:
    """Let somebody of the staff in no more, from their next click on.

    Raises:
        ConflictError: ``person.last_owner``.
    """
    with database.register() as connection:
        _keep_an_owner(connection, supplier_id, person_id)
        connection.execute(
            text(
                "UPDATE memberships SET ended_at = :at "
                "WHERE member_of = :supplier AND person_id = :person AND role <> 'customer' AND ended_at IS NULL"
            ),
            {"supplier": supplier_id, "person": person_id, "at": now()},
        )


def set_second_proof(database: Database, supplier_id: UUID, *, wanted: bool) -> None:
    """Want a second proof of the staff besides the link in the mail, or do without."""
    with database.register() as connection:
        connection.execute(
            text("UPDATE suppliers SET second_proof = :wanted WHERE supplier_id = :supplier"),
            {"wanted": wanted, "supplier": supplier_id},
        )


def take_keys_back(database: Database, supplier_id: UUID, person_id: UUID) -> None:
    """Take every key of somebody who lost them, and end their sessions: they begin again with the link in the mail.

    Raises:
        ConflictError: ``person.keys_elsewhere``: another supplier relies on the same keys.
    """
    with database.register() as connection:
        elsewhere = text("SELECT " + _ELSEWHERE.format(person=":person"))
        if connection.scalar(elsewhere, {"person": person_id, "supplier": supplier_id}):
            raise ConflictError(
                "person.keys_elsewhere",
                "This person also works with another company here: only they can replace their keys, with a recovery "
                "code.",
                "Cette personne travaille aussi avec une autre entreprise ici : elle seule peut remplacer ses clés, "
                "avec un code de secours.",
            )
        for table in ("passkeys", "authenticators", "recovery_codes"):
            connection.execute(
                text(f"UPDATE {table} SET ended_at = :at WHERE person_id = :person AND ended_at IS NULL"),  # noqa: S608 -- fixed names
                {"at": now(), "person": person_id},
            )
    end_sessions_of(database, person_id)


def _keep_an_owner(connection: Connection, supplier_id: UUID, person_id: UUID) -> None:
    """Owners are locked first, so that two of them cannot remove each other at once."""
    owners = connection.scalars(
        text(
            "SELECT person_id FROM memberships WHERE member_of = :supplier AND role = 'owner' AND ended_at IS NULL "
            "ORDER BY person_id FOR UPDATE"
        ),
        {"supplier": supplier_id},
    ).all()
    if list(owners) == [person_id]:
        raise ConflictError(
            "person.last_owner",
            "This is the last owner: make somebody else an owner first.",
            "C'est le dernier propriétaire : nommez d'abord quelqu'un d'autre propriétaire.",
        )


_ELSEWHERE = (
    "EXISTS (SELECT 1 FROM memberships AS other WHERE other.person_id = {person} AND other.member_of <> :supplier "
    "AND other.ended_at IS NULL)"
)
_MEMBERS = (
    "SELECT person_id, people.name, email, role, portfolio, memberships.created_at AS since, "  # noqa: S608 -- fixed text
    f"({HAS_KEYS.format(person='people.person_id')}) AS has_keys, "
    f"{_ELSEWHERE.format(person='people.person_id')} AS elsewhere, "
    f"CASE WHEN NOT {_ELSEWHERE.format(person='people.person_id')} THEN "
    "(SELECT max(seen_at) FROM sessions WHERE sessions.person_id = people.person_id) END AS seen_at "
    "FROM memberships JOIN people USING (person_id) "
    "WHERE member_of = :supplier AND role <> 'customer' AND memberships.ended_at IS NULL "
)
