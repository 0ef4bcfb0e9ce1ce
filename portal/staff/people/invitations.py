"""Invitations of colleagues: a link to their mailbox, good for some days, used once, by a click; nobody before that.

The link proves the mailbox and opens no session: who accepts signs in by a link of their own, for ten minutes and bound
to their browser. An invitation holds as long as whoever sent it is an owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import new_id, now
from config.secrets import fingerprint, token_text
from portal.access.invitations import LASTS, check_room, over, unknown, word_for
from portal.access.members import IN_PORTFOLIO, member_of
from portal.access.people import clean_email, find_person
from portal.access.roles import Role
from receivables.errors import ConflictError, ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from config.database import Database
    from config.secrets import Keyring
    from receivables.store.work import Work

MOST_OPEN = 50
"""Invitations of one supplier that wait for an answer: a large team at its start."""
MOST_NAME = 120
PURPOSE = "staff-invitation"
_SELECT = (
    "SELECT invitation_id, email, name, language, role, portfolio, invited_by, invited_at, expires_at, state "
    "FROM staff_invitations WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who shall be let in, as the form says it."""

    email: str
    name: str
    language: str
    role: Role
    portfolio: bool


@dataclass(frozen=True, slots=True)
class StaffInvitation:
    """An invitation; ``state`` is ``sent``, ``accepted`` or ``withdrawn``."""

    invitation_id: UUID
    email: str
    name: str
    language: str
    role: Role
    portfolio: bool
    invited_by: str
    invited_at: datetime
    expires_at: datetime
    state: str

    @property
    def is_over(self) -> bool:
        """Whether nobody can accept it any more."""
        return self.state != "sent" or self.expires_at <= now()


def invite(work: Work, database: Database, keyring: Keyring, guest: Guest, actor: str) -> StaffInvitation:
    """Invite a colleague; an invitation of theirs that still waits gives way to this one.

    Raises:
        ReceivablesError: ``person.email_invalid``, ``person.name_missing``.
        ConflictError: ``person.already_staff``, ``invitation.too_many``.
    """
    email, name = _check(work, database, guest)
    at, invitation_id = now(), new_id()
    work.execute(
        "UPDATE staff_invitations SET state = 'withdrawn', settled_at = :at WHERE supplier_id = :supplier "
        "AND state = 'sent' AND (email = :email OR expires_at <= :at)",
        email=email,
        at=at,
    )
    _check_room(work)
    work.execute(
        "INSERT INTO staff_invitations (supplier_id, invitation_id, email, name, language, role, portfolio, "
        "token_hash, invited_by, invited_at, expires_at) VALUES (:supplier, :id, :email, :name, :language, :role, "
        ":portfolio, :token, :actor, :at, :until)",
        id=invitation_id,
        email=email,
        name=name,
        language=guest.language,
        role=guest.role.value,
        portfolio=guest.portfolio and guest.role in IN_PORTFOLIO,
        token=fingerprint(word_for(work, keyring, PURPOSE, invitation_id)),
        actor=actor,
        at=at,
        until=at + LASTS,
    )
    work.audit(actor, "person.invited", str(invitation_id), role=guest.role.value)
    return get_invitation(work, invitation_id)


def invitation_token(work: Work, keyring: Keyring, invitation_id: UUID) -> str:
    """The word in the address of an invitation: derived, so that nothing secret is stored."""
    return token_text(word_for(work, keyring, PURPOSE, invitation_id))


def get_invitation(work: Work, invitation_id: UUID) -> StaffInvitation:
    """One invitation.

    Raises:
        NotFoundError: ``invitation.not_found``.
    """
    row = work.row(_SELECT + "AND invitation_id = :id", id=invitation_id)
    if row is None:
        raise unknown()
    return _invitation(row)


def find_invitation(work: Work, token_hash: bytes, *, lock: bool = False) -> StaffInvitation | None:
    """The invitation behind a link."""
    row = work.row(_SELECT + "AND token_hash = :token" + (" FOR UPDATE" if lock else ""), token=token_hash)
    return _invitation(row) if row else None


def open_invitations(work: Work) -> Sequence[StaffInvitation]:
    """The invitations that wait for an answer, the latest first; those that are too old among them."""
    rows = work.rows(_SELECT + "AND state = 'sent' ORDER BY invited_at DESC, invitation_id LIMIT :most", most=MOST_OPEN)
    return [_invitation(row) for row in rows]


def settle_invitation(work: Work, invitation: StaffInvitation, state: str, actor: str) -> None:
    """Note what became of an invitation: ``accepted`` or ``withdrawn``.

    Raises:
        ConflictError: ``invitation.over``: it was settled before, or its days are past.
    """
    settled = work.execute(
        "UPDATE staff_invitations SET state = :state, settled_at = :at WHERE supplier_id = :supplier "
        "AND invitation_id = :id AND state = 'sent' AND (:state = 'withdrawn' OR expires_at > :at)",
        id=invitation.invitation_id,
        state=state,
        at=now(),
    )
    if not settled:
        raise over()
    work.audit(actor, f"invitation.{state}", str(invitation.invitation_id), role=invitation.role.value)


def withdraw_invitations(work: Work, email: str) -> None:
    """Take back what waits for an answer of somebody: who was let go does not come back by an older invitation."""
    work.execute(
        "UPDATE staff_invitations SET state = 'withdrawn', settled_at = :at WHERE supplier_id = :supplier "
        "AND email = :email AND state = 'sent'",
        email=email,
        at=now(),
    )


def stands(database: Database, supplier_id: UUID, invitation: StaffInvitation) -> bool:
    """Whether it can be accepted: who is no owner any more lets nobody in by what they sent before."""
    inviter = member_of(database, supplier_id, UUID(invitation.invited_by.removeprefix("person ")))
    return not invitation.is_over and inviter is not None and inviter.role is Role.OWNER


def _check(work: Work, database: Database, guest: Guest) -> tuple[str, str]:
    """The address and the name as they are kept."""
    email, name = clean_email(guest.email), " ".join(guest.name.split())[:MOST_NAME]
    if email is None:
        raise ReceivablesError(
            "person.email_invalid",
            "This address is incomplete: name@company.com is the form.",
            "Cette adresse est incomplète : il faut une forme comme nom@entreprise.fr.",
        )
    if not name:
        raise ReceivablesError("person.name_missing", "Enter the person's name.", "Saisissez le nom de la personne.")
    person = find_person(database, email)
    if person is not None and member_of(database, work.supplier_id, person.person_id):
        raise ConflictError(
            "person.already_staff",
            "This person is in already: change their role on their page.",
            "Cette personne a déjà accès : changez son rôle sur sa page.",
        )
    return email, name


def _check_room(work: Work) -> None:
    waiting = work.scalar("SELECT count(*) FROM staff_invitations WHERE supplier_id = :supplier AND state = 'sent'")
    check_room(waiting, MOST_OPEN)


def _invitation(row: RowMapping) -> StaffInvitation:
    return StaffInvitation(**{**row, "role": Role(row["role"])})
