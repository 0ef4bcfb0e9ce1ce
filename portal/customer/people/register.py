"""The people of a customer in the register: who they are, what they may do, letting in and letting go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now
from portal.access.people import add_person, clean_email
from portal.access.roles import Right
from receivables.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection

    from config.database import Database, Register
    from portal.access.people import Person

MOST_PEOPLE = 50
"""People of one customer: a large accounts department; more would be a mistake, or an attack by mail."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who acts for a customer, with what they may do."""

    person_id: UUID
    email: str
    name: str
    rights: frozenset[Right]
    since: datetime
    seen_at: datetime | None


def colleagues_of(database: Database, supplier_id: UUID, customer_id: UUID) -> list[Colleague]:
    """The people of a customer, by name."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT people.person_id, email, people.name, rights, memberships.created_at AS since, "
                "(SELECT max(seen_at) FROM sessions WHERE sessions.person_id = people.person_id) AS seen_at "
                "FROM memberships JOIN people USING (person_id) WHERE member_of = :supplier "
                "AND customer_id = :customer AND role = 'customer' AND ended_at IS NULL ORDER BY people.name, email"
            ),
            {"supplier": supplier_id, "customer": customer_id},
        ).mappings()
        return [Colleague(**{**row, "rights": frozenset(map(Right, row["rights"]))}) for row in rows]


def check_is_new(database: Database, supplier_id: UUID, customer_id: UUID, email: str) -> None:
    """Refuse to invite whoever is in: their rights are changed where they stand.

    Raises:
        ConflictError: ``invitation.already_here``.
    """
    asked = clean_email(email)
    if any(each.email == asked for each in colleagues_of(database, supplier_id, customer_id)):
        raise ConflictError(
            "invitation.already_here",
            "This person is in already: change their rights in the list.",
            "Cette personne a déjà accès : changez ses droits dans la liste.",
        )


def let_in(
    database: Register, supplier_id: UUID, customer_id: UUID, person: tuple[str, str, str], rights: frozenset[Right]
) -> Person:
    """Make somebody (address, name, language) a person of a customer; who had left comes back with these rights.

    Raises:
        ConflictError: ``people.too_many``, ``people.last_administrator``.
    """
    email, name, language = person
    known = add_person(database, email, name, language=language)
    with database.register() as connection:
        rows = _lock(connection, supplier_id, customer_id)
        if len(rows) >= MOST_PEOPLE and known.person_id not in rows:
            raise ConflictError(
                "people.too_many",
                f"A customer has at most {MOST_PEOPLE} people. Remove somebody who has left first.",
                f"Un client a au plus {MOST_PEOPLE} personnes. Retirez d'abord quelqu'un qui est parti.",
            )
        if known.person_id in rows:
            _check_administrator(rows, known.person_id, stays=Right.ADMINISTER in rights)
        connection.execute(
            text(
                "INSERT INTO memberships (person_id, member_of, role, customer_id, rights, created_at) "
                "VALUES (:person, :supplier, 'customer', :customer, :rights, :at) "
                "ON CONFLICT (person_id, member_of, role, customer_id) DO UPDATE SET rights = excluded.rights, "
                "ended_at = NULL"
            ),
            {
                "person": known.person_id,
                "supplier": supplier_id,
                "customer": customer_id,
                "rights": sorted(rights),
                "at": now(),
            },
        )
    return known


def administers(database: Database, supplier_id: UUID, customer_id: UUID, person_id: UUID) -> bool:
    """Whether somebody administers the account of a customer now."""
    with database.register() as connection:
        return bool(
            connection.scalar(
                text(
                    "SELECT 1 FROM memberships WHERE person_id = :person AND member_of = :supplier "
                    "AND customer_id = :customer AND role = 'customer' AND ended_at IS NULL "
                    "AND 'administer' = ANY(rights)"
                ),
                {"person": person_id, "supplier": supplier_id, "customer": customer_id},
            )
        )


def change_rights(
    database: Database, supplier_id: UUID, customer_id: UUID, person_id: UUID, rights: frozenset[Right]
) -> None:
    """Give somebody other rights, from their next click on.

    Raises:
        NotFoundError: ``person.not_found``.
        ConflictError: ``people.last_administrator``.
    """
    with database.register() as connection:
        rows = _lock(connection, supplier_id, customer_id)
        _check_administrator(rows, person_id, stays=Right.ADMINISTER in rights)
        connection.execute(
            text(
                "UPDATE memberships SET rights = :rights WHERE person_id = :person AND member_of = :supplier "
                "AND customer_id = :customer AND ended_at IS NULL"
            ),
            {"person": person_id, "supplier": supplier_id, "customer": customer_id, "rights": sorted(rights)},
        )


def let_go(database: Database, supplier_id: UUID, customer_id: UUID, person_id: UUID) -> None:
    """Let somebody in no more, from their next click on; what they did stays under their name.

    Raises:
        NotFoundError: ``person.not_found``.
        ConflictError: ``people.last_administrator``.
    """
    with database.register() as connection:
        rows = _lock(connection, supplier_id, customer_id)
        _check_administrator(rows, person_id, stays=False)
        connection.execute(
            text(
                "UPDATE memberships SET ended_at = :at WHERE person_id = :person AND member_of = :supplier "
                "AND customer_id = :customer AND ended_at IS NULL"
            ),
            {"person": person_id, "supplier": supplier_id, "customer": customer_id, "at": now()},
        )


def _lock(connection: Connection, supplier_id: UUID, customer_id: UUID) -> dict[UUID, frozenset[Right]]:
    """The people of a customer with their rights, locked: two administrators cannot remove each other at once."""
    rows = connection.execute(
        text(
            "SELECT person_id, rights FROM memberships WHERE member_of = :supplier AND customer_id = :customer "
            "AND role = 'customer' AND ended_at IS NULL ORDER BY person_id FOR UPDATE"
        ),
        {"supplier": supplier_id, "customer": customer_id},
    )
    return {row.person_id: frozenset(map(Right, row.rights)) for row in rows}


def _check_administrator(rows: dict[UUID, frozenset[Right]], person_id: UUID, *, stays: bool) -> None:
    if person_id not in rows:
        raise NotFoundError("person.not_found", "There is no such person here.", "Cette personne n'est pas ici.")
    others = (rights for each, rights in rows.items() if each != person_id)
    if not stays and Right.ADMINISTER in rows[person_id] and not any(Right.ADMINISTER in each for each in others):
        raise ConflictError(
            "people.last_administrator",
            "Somebody has to administer the account. Give that right to a colleague first.",
            "Il faut quelqu'un pour administrer le compte. Donnez d'abord ce droit à un collègue.",
        )
