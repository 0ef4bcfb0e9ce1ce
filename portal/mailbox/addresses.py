"""The addresses and ids by which mail finds its way back: to a conversation, and to the mail that bounced.

A reply address holds 32 bytes in base 32: 16 of the supplier, 16 derived (HMAC-SHA-256) from the house's secret and
what the mail was about. Only its SHA-256 is stored. Whoever holds one may write into one conversation, and read
nothing. A Message-ID of ours names supplier and mail and is sealed with an HMAC, so that nobody makes mails bounce that
did not.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from config.secrets import fingerprint, same
from config.settings import REPLY_TOKEN, REPLY_TOKEN_LENGTH
from receivables.domain.conversations.messages import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.secrets import Keyring
    from config.settings import Settings
    from receivables.store.work import Work

HALF = 16
_RETURNS = "retour"
_MESSAGE_ID = re.compile(r"<([a-z2-7]{26})\.([a-z2-7]{26})\.([a-z2-7]{26})@[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom a mail to one of our addresses is for."""

    supplier_id: UUID
    address_hash: bytes


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """What an address leads to; ``recipient`` is who was written to with it."""

    subject: Subject
    recipient: str
    is_closed: bool


def reply_address(settings: Settings, keyring: Keyring, work: Work, subject: Subject, recipient: str) -> str | None:
    """The address to which ``recipient`` answers about ``subject``, the same one each time.

    ``None`` without a mailbox, and where the addresses of this conversation were closed.
    """
    if settings.mail_reply_address is None:
        return None
    about = subject.customer_id.bytes + (subject.invoice_id.bytes if subject.invoice_id else b"")
    raw = work.supplier_id.bytes + keyring.derive("reply-address", about + recipient.lower().encode())[:HALF]
    work.execute(
        "INSERT INTO reply_addresses (supplier_id, address_hash, customer_id, invoice_id, recipient, made_at) "
        "VALUES (:supplier, :hash, :customer, :invoice, :recipient, :at) ON CONFLICT DO NOTHING",
        hash=fingerprint(raw),
        customer=subject.customer_id,
        invoice=subject.invoice_id,
        recipient=recipient.lower(),
        at=now(),
    )
    target = reply_target(work, fingerprint(raw))
    if target is None or target.is_closed:
        return None
    return settings.mail_reply_address.replace(REPLY_TOKEN, _text(raw))


def named_reply_address(
    settings: Settings, keyring: Keyring, work: Work, subject: Subject, recipient: str, *, name: str
) -> str | None:
    """As :func:`reply_address`, under the supplier's name: the value of a ``Reply-To``."""
    address = reply_address(settings, keyring, work, subject, recipient)
    return formataddr((" ".join(name.split()), address)) if address else None


def return_path(settings: Settings) -> str | None:
    """The envelope's sender: where servers send what they cannot deliver; ``None`` without a mailbox."""
    given = settings.mail_reply_address
    return given.replace(REPLY_TOKEN, _RETURNS) if given else None


def find_destination(settings: Settings, written: Iterable[str]) -> Destination | None:
    """The first address of ours for answers in what headers say; mail servers may have changed its case."""
    if settings.mail_reply_address is None:
        return None
    before, _, after = (re.escape(each) for each in settings.mail_reply_address.lower().partition(REPLY_TOKEN))
    shape = re.compile(rf"(?<![\w.+-]){before}([a-z2-7]{{{REPLY_TOKEN_LENGTH}}}){after}(?![\w.-])")
    for each in written:
        for token in shape.findall(each.lower()):
            raw = _bytes(token)
            if raw is not None:
                return Destination(UUID(bytes=raw[:HALF]), fingerprint(raw))
    return None


def reply_target(work: Work, address_hash: bytes) -> ReplyTarget | None:
    """What an address leads to, at its supplier."""
    row = work.row(
        "SELECT customer_id, invoice_id, recipient, closed_at IS NOT NULL AS closed FROM reply_addresses "
        "WHERE supplier_id = :supplier AND address_hash = :hash",
        hash=address_hash,
    )
    if row is None:
        return None
    return ReplyTarget(Subject(row["customer_id"], row["invoice_id"]), row["recipient"], row["closed"])


def close_addresses(work: Work, subject: Subject, actor: str) -> int:
    """Take no more mail about a subject, at the addresses given out so far; returns how many were open."""
    closed = work.execute(
        "UPDATE reply_addresses SET closed_at = :at WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND invoice_id IS NOT DISTINCT FROM CAST(:invoice AS uuid) AND closed_at IS NULL",
        customer=subject.customer_id,
        invoice=subject.invoice_id,
        at=now(),
    )
    if closed:
        work.audit(actor, "reply_addresses.closed", str(subject.customer_id), count=closed)
    return closed


def message_id(keyring: Keyring, supplier_id: UUID, mail_id: UUID, sender: str) -> str:
    """The Message-ID of one of our mails, by which it is known again when it comes back."""
    named = supplier_id.bytes + mail_id.bytes
    parts = (supplier_id.bytes, mail_id.bytes, keyring.derive("message-id", named)[:HALF])
    host = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{'.'.join(_text(each) for each in parts)}@{host}>"


def read_message_id(keyring: Keyring, text: str) -> tuple[UUID, UUID] | None:
    """Supplier and mail behind a Message-ID that we made; ``None`` for any other, or one that was tampered with."""
    found = _MESSAGE_ID.search(text.lower())
    parts = [_bytes(each) for each in found.groups()] if found else []
    if len(parts) != 3 or any(each is None or len(each) != HALF for each in parts):  # noqa: PLR2004 -- named above
        return None
    supplier, mail, seal = (each or b"" for each in parts)
    if not same(seal, keyring.derive("message-id", supplier + mail)[:HALF]):
        return None
    return UUID(bytes=supplier), UUID(bytes=mail)


def _text(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes | None:
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error:
        return None
    return raw if _text(raw) == text else None
