"""Who somebody of a sign-in provider is here: linked once by a verified address, then by the provider's own id.

An address can pass to somebody else; the provider's id of a person cannot. So a person who is linked is never found by
the address again, and a second id of the same provider is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now
from portal.access.people import clean_email, find_person, get_person, memberships_of

if TYPE_CHECKING:
    from config.database import Database
    from portal.access.oidc import Identity
    from portal.access.people import Person


def person_of_identity(database: Database, identity: Identity) -> Person | None:
    """The person of the staff behind an identity, linked now where the address is theirs; ``None`` for anybody else."""
    with database.register() as connection:
        linked = connection.scalar(
            text("SELECT person_id FROM identities WHERE issuer = :issuer AND subject = :subject"),
            {"issuer": identity.issuer, "subject": identity.subject},
        )
    person = get_person(database, linked) if linked else _by_address(database, identity)
    if person is None or not any(each.is_staff for each in memberships_of(database, person.person_id)):
        return None
    return person if linked or _link(database, identity, person) else None


def _by_address(database: Database, identity: Identity) -> Person | None:
    address = clean_email(identity.email or "")
    return find_person(database, address) if address else None


def _link(database: Database, identity: Identity, person: Person) -> bool:
    """Link a person who has no other id at this provider; of two at once one succeeds."""
    with database.register() as connection:
        return (
            connection.execute(
                text(
                    "INSERT INTO identities (issuer, subject, person_id, linked_at) "
                    "VALUES (:issuer, :subject, :person, :at) ON CONFLICT DO NOTHING"
                ),
                {
                    "issuer": identity.issuer,
                    "subject": identity.subject,
                    "person": person.person_id,
                    "at": now(),
                },
            ).rowcount
            == 1
        )
