"""Invitations of a customer's colleagues: a link to their mailbox, good for some days, used once, by a click.

The link proves the mailbox and opens no session: who accepts signs in by a link of their own, for ten minutes and bound
to their browser. So an invitation that lies about in a mailbox lets nobody in by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from config.secrets import fingerprint, token_text
from portal.access.invitations import LASTS, check_room, over, unknown, word_for
from portal.access.people import clean_email
from portal.access.roles import Right
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from config.secrets import Keyring
    from receivables.store.work import Work

MOST_OPEN = 20
"""Invitations of one customer that wait for an answer."""
MAX_NAME = 80
PURPOSE = "customer-invitation"
_SELECT = (
    "SELECT invitation_id, customer_id, email, name, language, rights, invited_by, invited_at, expires_at, state "
    "FROM customer_invitations WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who shall be let in, as the form says it."""

    email: str
    name: str
    language: str
    rights: frozenset[Right]


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation; ``state`` is ``sent``, ``accepted`` or ``withdrawn``."""

    invitation_id: UUID
    customer_id: UUID
    email: str
    name: str
    language: str
    rights: frozenset[Right]
    invited_by: str
    invited_at: datetime
    expires_at: datetime
    state: str

    @property
    def is_over(self) -> bool:
        """Whether nobody can accept it any more."""
        return self.state != "sent" or self.expires_at <= now()


def invite(work: Work, keyring: Keyring, customer_id: UUID, guest: Guest, actor: str) -> Invitation:
    """Invite somebody; an invitation of theirs that still waits gives way to this one.

    Raises:
        ReceivablesError: ``invitation.bad_address``, ``invitation.no_name``.
        ConflictError: ``invitation.too_many``.
    """
    email, name = clean_email(guest.email), " ".join(guest.name.split())[:MAX_NAME]
    if email is None:
        raise ReceivablesError(
            "invitation.bad_address",
            "This is no e-mail address. Write it like name@company.example.",
            "Ce n'est pas une adresse électronique. Écrivez-la comme nom@societe.example.",
        )
    if not name:
        raise ReceivablesError("invitation.no_name", "Give your colleague's name.", "Donnez le nom de votre collègue.")
    at, invitation_id = now(), new_id()
    work.execute(
        "UPDATE customer_invitations SET state = 'withdrawn', settled_at = :at WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND state = 'sent' AND (email = :email OR expires_at <= :at)",
        customer=customer_id,
        email=email,
        at=at,
    )
    _check_room(work, customer_id)
    work.execute(
        "INSERT INTO customer_invitations (supplier_id, invitation_id, customer_id, email, name, language, rights, "
        "token_hash, invited_by, invited_at, expires_at) VALUES (:supplier, :id, :customer, :email, :name, :language, "
        ":rights, :token, :actor, :at, :until)",
        id=invitation_id,
        customer=customer_id,
        email=email,
        name=name,
        language=guest.language,
        rights=sorted(guest.rights),
        token=fingerprint(word_for(work, keyring, PURPOSE, invitation_id)),
        actor=actor,
        at=at,
        until=at + LASTS,
    )
    work.audit(actor, "person.invited", str(invitation_id), customer=str(customer_id), rights=sorted(guest.rights))
    return get_invitation(work, customer_id, invitation_id)


def invitation_token(work: Work, keyring: Keyring, invitation_id: UUID) -> str:
    """The word in the address of an invitation: derived, so that nothing secret is stored."""
    return token_text(word_for(work, keyring, PURPOSE, invitation_id))


def get_invitation(work: Work, customer_id: UUID, invitation_id: UUID) -> Invitation:
    """One invitation of a customer.

    Raises:
        NotFoundError: ``invitation.not_found``.
    """
    row = work.row(
        _SELECT + "AND customer_id = :customer AND invitation_id = :id", customer=customer_id, id=invitation_id
    )
    if row is None:
        raise unknown()
    return _invitation(row)


def find_invitation(work: Work, token_hash: bytes, *, lock: bool = False) -> Invitation | None:
    """The invitation behind a link."""
    row = work.row(_SELECT + "AND token_hash = :token" + (" FOR UPDATE" if lock else ""), token=token_hash)
    return _invitation(row) if row else None


def open_invitations(work: Work, customer_id: UUID) -> Sequence[Invitation]:
    """The invitations of a customer that wait for an answer, the latest first."""
    rows = work.rows(
        _SELECT + "AND customer_id = :customer AND state = 'sent' ORDER BY invited_at DESC LIMIT :most",
        customer=customer_id,
        most=MOST_OPEN,
    )
    return [_invitation(row) for row in rows]


def settle_invitation(work: Work, invitation: Invitation, state: str, actor: str) -> None:
    """Note what became of an invitation: ``accepted`` or ``withdrawn``.

    Raises:
        ConflictError: ``invitation.over``: it was settled before, or its days are past.
    """
    if state == "accepted" and invitation.is_over:
        raise over()
    work.execute(
        "UPDATE customer_invitations SET state = :state, settled_at = :at WHERE supplier_id = :supplier "
        "AND invitation_id = :id AND state = 'sent'",
        id=invitation.invitation_id,
        state=state,
        at=now(),
    )
    work.audit(actor, f"invitation.{state}", str(invitation.invitation_id), customer=str(invitation.customer_id))


def withdraw_invitations(work: Work, customer_id: UUID, email: str) -> None:
    """Take back what waits for an answer of somebody: who was let go does not come back by an older invitation."""
    work.execute(
        "UPDATE customer_invitations SET state = 'withdrawn', settled_at = :at WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND email = :email AND state = 'sent'",
        customer=customer_id,
        email=email,
        at=now(),
    )


def _check_room(work: Work, customer_id: UUID) -> None:
    waiting = work.scalar(
        "SELECT count(*) FROM customer_invitations WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND state = 'sent'",
        customer=customer_id,
    )
    check_room(waiting, MOST_OPEN)


def _invitation(row: RowMapping) -> Invitation:
    return Invitation(**{**row, "rights": frozenset(map(Right, row["rights"]))})
