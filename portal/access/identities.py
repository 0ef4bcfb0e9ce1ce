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
    from config.sign_in_providers import SignInProvider
    from portal.access.oidc import Identity
    from portal.access.people import Membership, Person


def person_of_identity(database: Database, identity: Identity, provider: SignInProvider) -> Person | None:
    """The person behind an identity whom this provider may let in, linked now where the address is theirs.

    ``None`` for anybody else: a stranger, somebody whom nobody let in, an address that is not verified or is linked to
    another id there, and with a provider for customers whoever is of any supplier's staff.
    """
    with database.register() as connection:
        linked = connection.scalar(
            text("SELECT person_id FROM identities WHERE issuer = :issuer AND subject = :subject"),
            {"issuer": identity.issuer, "subject": identity.subject},
        )
    person = get_person(database, linked) if linked else _by_address(database, identity)
    if person is None or not _may_enter(provider, memberships_of(database, person.person_id)):
        return None
    return person if linked or _link(database, identity, person) else None


def _may_enter(provider: SignInProvider, memberships: tuple[Membership, ...]) -> bool:
    of_staff = [each.is_staff for each in memberships]
    if not provider.lets_staff_in:
        return bool(of_staff) and not any(of_staff)
    return bool(of_staff) if provider.lets_customers_in else any(of_staff)


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
