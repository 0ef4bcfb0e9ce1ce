"""Mails of ours that came back: reports of mail servers (DSN, RFC 3464), believed only about mails that we sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from email.utils import parseaddr
from typing import TYPE_CHECKING

from portal.mailbox.addresses import read_message_id
from portal.mailbox.reading import content_of, header

if TYPE_CHECKING:
    from email.message import EmailMessage
    from uuid import UUID

    from config.secrets import Keyring

_RETURNED = {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"}
_CLOSING = re.compile(r"5\.(?:0\.0|1\.\d{1,3}|2\.[01]|4\.4)$")
"""Statuses (RFC 3463) that say of the address itself that nobody is there: it is wrong, moved, closed, or its domain
has no mail server. A full box, a mail too large, a policy against its content say nothing of it."""
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
MOST_REASON = 300


@dataclass(frozen=True, slots=True)
class Bounce:
    """One of our mails that was not delivered; ``closes``: nothing ever will be at this address."""

    supplier_id: UUID
    mail_id: UUID
    recipients: tuple[str, ...]
    reason: str
    closes: bool = True


def read_bounce(message: EmailMessage, keyring: Keyring) -> Bounce | None:
    """What a report says; ``None`` for any other mail, a delay, or a mail that is none of ours.

    The mail is known by the sealed Message-ID in the part that the server gives back. What was tried for days and
    given up is *failed* with a status of 4.x.x (RFC 3464, 2.3.3): the mail is lost, the address may be good.
    """
    if message.get_content_type() != "multipart/report":
        return None
    failed: list[str] = []
    reasons: list[str] = []
    codes: list[str] = []
    known: tuple[UUID, UUID] | None = None
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            for status in part.get_payload():
                if isinstance(status, Message):  # as it is in a report that keeps its rules
                    _read_status(status, failed, reasons, codes)
        elif kind in _RETURNED and known is None:
            known = read_message_id(keyring, _returned_headers(part))
    if known is None or not failed:
        return None
    closes = all(closes_address(each) for each in codes)
    return Bounce(*known, tuple(failed), "; ".join(reasons)[:MOST_REASON], closes)


def closes_address(status: str) -> bool:
    """Whether a status of RFC 3463 says of an address that no mail will ever arrive there."""
    return bool(_CLOSING.match(status))


def status_in(said: str) -> str | None:
    """The enhanced status in what a server said, ``None`` where it says none."""
    found = _STATUS.search(said)
    return found[0] if found else None


def _read_status(status: Message, failed: list[str], reasons: list[str], codes: list[str]) -> None:
    """One block of fields: about the whole mail, or about one recipient."""
    action = str(status.get("Action", "")).strip().lower()
    code = str(status.get("Status", "")).strip()
    if action != "failed":
        return
    codes.append(code.partition(" ")[0])
    named = str(status.get("Original-Recipient", "") or status.get("Final-Recipient", ""))
    failed.append(parseaddr(named.rpartition(";")[2])[1].strip().lower())
    reasons.append(str(status.get("Diagnostic-Code", "") or code).rpartition(";")[2].strip())


def _returned_headers(part: Message) -> str:
    """The Message-ID of the mail that is given back, whole or as its headers alone."""
    inner = part.get_payload()
    if isinstance(inner, list):
        return header(inner[0], "Message-ID") if inner and isinstance(inner[0], Message) else ""
    text = content_of(part).decode("ascii", errors="replace")
    return next((line for line in text.splitlines() if line.lower().startswith("message-id:")), "")
