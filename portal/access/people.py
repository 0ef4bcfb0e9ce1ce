"""People and what they are at which supplier: the register's tables, reached by the register role alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import new_id, now
from portal.access.roles import EVERY_RIGHT, Right, Role
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import RowMapping

    from config.database import Database, Register

MAX_EMAIL = 254
"""RFC 5321: no mailbox is longer."""
_MAILBOX = re.compile(r"[^\s@,;:<>()\[\]\\\"]{1,64}@(?:[^\W_](?:[^\W_]|-)*\.)+[^\W_](?:[^\W_]|-)*[^\W_]")
"""One mailbox: what could begin another, a name or a comment (RFC 5322, 3.4) would be written to as well."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in."""

    person_id: UUID
    email: str
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Membership:
    """What a person is at a supplier; ``customer_id`` is the customer that a customer's person acts for."""

    supplier_id: UUID
    supplier_name: str
    role: Role
    customer_id: UUID | None
    rights: frozenset[Right] = frozenset()
    """Of a customer's person."""
    portfolio: bool = False
    """Whether staff see only the customers that are theirs."""
    second_proof: bool = False
    """Whether the supplier wants a second proof of its staff."""

    @property
    def key(self) -> str:
        """The membership as one word, for the switch."""
        return f"{self.supplier_id}.{self.customer_id or self.role}"

    @property
    def is_staff(self) -> bool:
        """Whether it opens the supplier's own pages."""
        return self.role is not Role.CUSTOMER

    def may(self, right: Right) -> bool:
        """Whether a customer's person has a right."""
        return right in self.rights


def clean_email(given: str) -> str | None:
    """The address as stored, or ``None`` where it cannot be one."""
    email = given.strip().lower()
    plausible = len(email) <= MAX_EMAIL and email.isprintable() and _MAILBOX.fullmatch(email)
    return email if plausible else None


def read_email(typed: str) -> str | None:
    """The address in a field that may stay empty.

    Raises:
        ReceivablesError: ``contact.bad_email``.
    """
    email = clean_email(typed)
    if email is None and typed.strip():
        raise ReceivablesError(
            "contact.bad_email",
            "This is no e-mail address: it looks like name@company.example.",
            "Cette adresse électronique n'en est pas une : elle ressemble à nom@entreprise.fr.",
        )
    return email


def find_person(database: Register, email: str) -> Person | None:
    """The person with this address."""
    return _one(database, "email = :key", email)


def get_person(database: Database, person_id: UUID) -> Person | None:
    """The person with this id."""
    return _one(database, "person_id = :key", person_id)


def memberships_of(database: Database, person_id: UUID) -> tuple[Membership, ...]:
    """Every membership of a person, oldest first."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT member_of, name, role, customer_id, rights, portfolio, second_proof FROM memberships "
                "JOIN suppliers ON supplier_id = member_of WHERE person_id = :person AND ended_at IS NULL "
                "ORDER BY memberships.created_at, name, role, customer_id"
            ),
            {"person": person_id},
        ).mappings()
        return tuple(_membership(row) for row in rows)


def staff_of(database: Database, supplier_id: UUID) -> list[Person]:
    """The people of a supplier, by name: those who may be given something to do."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT people.person_id, email, people.name, language FROM people JOIN memberships "
                "USING (person_id) WHERE member_of = :supplier AND role <> 'customer' AND ended_at IS NULL "
                "ORDER BY people.name"
            ),
            {"supplier": supplier_id},
        ).mappings()
        return [Person(**row) for row in rows]


def names_of(database: Database, person_ids: Iterable[UUID]) -> dict[UUID, str]:
    """What these people are called, whoever they act for; those that nobody knows are left out."""
    with database.register() as connection:
        rows = connection.execute(
            text("SELECT person_id, name FROM people WHERE person_id = ANY(:ids)"), {"ids": list(person_ids)}
        ).mappings()
        return {row["person_id"]: row["name"] for row in rows}


def add_person(database: Register, email: str, name: str, *, language: str = "fr") -> Person:
    """Make a person known; one who is known already stays as they are.

    Raises:
        ValueError: the address cannot be one.
    """
    address = clean_email(email)
    if address is None:
        raise ValueError(f"{email!r} is not an e-mail address.")
    with database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO people (person_id, email, name, language, created_at) "
                "VALUES (:id, :email, :name, :language, :at) ON CONFLICT (email) DO NOTHING"
            ),
            {"id": new_id(), "email": address, "name": name, "language": language, "at": now()},
        )
    person = find_person(database, address)
    assert person is not None  # noqa: S101 -- just written
    return person


def add_membership(
    database: Register,
    person_id: UUID,
    supplier_id: UUID,
    role: Role,
    customer_id: UUID | None = None,
    *,
    rights: frozenset[Right] = EVERY_RIGHT,
    portfolio: bool = False,
) -> None:
    """Let a person in at a supplier, or in again; what they have already stays. ``rights`` are a customer's person's.

    Raises:
        ValueError: a customer's person without a customer, or staff with one.
    """
    if (role is Role.CUSTOMER) != (customer_id is not None):
        raise ValueError("A customer's person acts for a customer, staff for none.")
    with database.register() as connection:
        connection.execute(
            text(
                "INSERT INTO memberships (person_id, member_of, role, customer_id, rights, portfolio, created_at) "
                "VALUES (:person, :supplier, :role, :customer, :rights, :portfolio, :at) "
                "ON CONFLICT (person_id, member_of, role, customer_id) DO UPDATE SET ended_at = NULL, "
                "rights = excluded.rights, portfolio = excluded.portfolio, created_at = excluded.created_at "
                "WHERE memberships.ended_at IS NOT NULL"
            ),
            {
                "person": person_id,
                "supplier": supplier_id,
                "role": role.value,
                "customer": customer_id,
                "rights": sorted(rights) if role is Role.CUSTOMER else [],
                "portfolio": portfolio,
                "at": now(),
            },
        )


def _one(database: Register, condition: str, key: object) -> Person | None:
    with database.register() as connection:
        row = (
            connection.execute(
                text(f"SELECT person_id, email, name, language FROM people WHERE {condition}"),  # noqa: S608 -- fixed
                {"key": key},
            )
            .mappings()
            .first()
        )
    return Person(**row) if row else None


def _membership(row: RowMapping) -> Membership:
    return Membership(
        row["member_of"],
        row["name"],
        Role(row["role"]),
        row["customer_id"],
        frozenset(map(Right, row["rights"])),
        row["portfolio"],
        row["second_proof"],
    )
