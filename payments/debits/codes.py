"""Codes sent by mail, by which a signed-in person confirms what they read: derived from an id and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now
from config.secrets import same
from payments.errors import PaymentError

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.store.work import Work

LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Nothing that is read for something else: no I, L, O, U, 0 or 1."""
LENGTH = 8
MAX_TRIES = 5
LIFETIME = timedelta(minutes=15)
MOST_SENT = 5
"""Codes for one thing within an hour: more are no help, and fill a mailbox."""


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code to send; ``code`` is for the mail and for nothing else."""

    code_id: UUID
    code: str
    recipient: str


def new_code(work: Work, keyring: Keyring, object_id: UUID, recipient: str) -> SentCode:
    """A code that confirms ``object_id`` for fifteen minutes; earlier ones stop working.

    Raises:
        PaymentError: ``consent.too_many_codes``.
    """
    at = now()
    sent = work.scalar(
        "SELECT count(*) FROM consent_codes WHERE supplier_id = :supplier AND object_id = :object AND sent_at > :since",
        object=object_id,
        since=at - timedelta(hours=1),
    )
    if sent >= MOST_SENT:
        raise PaymentError(
            "consent.too_many_codes",
            "Several codes were sent already: look into your mailbox, or try again in an hour.",
            "Plusieurs codes ont déjà été envoyés : regardez votre messagerie, ou réessayez dans une heure.",
        )
    code_id = new_id()
    work.execute(
        "INSERT INTO consent_codes (supplier_id, code_id, object_id, recipient, sent_at, expires_at) "
        "VALUES (:supplier, :id, :object, :recipient, :at, :until)",
        id=code_id,
        object=object_id,
        recipient=recipient,
        at=at,
        until=at + LIFETIME,
    )
    return SentCode(code_id, _code(keyring, code_id), recipient)


def use_code(work: Work, keyring: Keyring, object_id: UUID, given: str) -> bool:
    """Whether ``given`` is the latest code for ``object_id``; each call is one of its five tries, right or wrong.

    The caller commits also where the answer is no, so that tries count.
    """
    row = work.row(
        "SELECT code_id, tries, used_at, expires_at FROM consent_codes WHERE supplier_id = :supplier "
        "AND object_id = :object ORDER BY sent_at DESC, code_id DESC LIMIT 1 FOR UPDATE",
        object=object_id,
    )
    if row is None or row["used_at"] or row["tries"] >= MAX_TRIES or row["expires_at"] <= now():
        return False
    typed = "".join(given.split()).replace("-", "").upper()
    right = same(typed.encode(), _code(keyring, row["code_id"]).encode())
    work.execute(
        "UPDATE consent_codes SET tries = tries + 1, used_at = CASE WHEN :right THEN CAST(:at AS timestamptz) END "
        "WHERE supplier_id = :supplier AND code_id = :id",
        id=row["code_id"],
        right=right,
        at=now(),
    )
    return right


def _code(keyring: Keyring, code_id: UUID) -> str:
    drawn = int.from_bytes(keyring.derive("consent-code", code_id.bytes), "big")
    letters = []
    for _ in range(LENGTH):
        drawn, index = divmod(drawn, len(LETTERS))
        letters.append(LETTERS[index])
    return "".join(letters)
