"""Mails that no person wrote: answering machines, lists, our own. Two machines must never talk to each other."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING

from portal.mailbox.addresses import find_destination
from portal.mailbox.reading import header

if TYPE_CHECKING:
    from email.message import EmailMessage

    from config.settings import Settings

_MACHINES = ("mailer-daemon@", "postmaster@", "no-reply@", "noreply@", "ne-pas-repondre@")
_BULK = {"bulk", "list", "junk", "auto_reply"}
_MARKS = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Mail-Autoreply", "List-Id", "List-Unsubscribe")


def why_automatic(message: EmailMessage, settings: Settings) -> str | None:
    """Why a mail is not taken as somebody's words, in one word; ``None`` where a person may have written it.

    RFC 3834: ``Auto-Submitted`` other than ``no``; and what machines set that do not know it.
    """
    submitted = header(message, "Auto-Submitted").strip().lower()
    sender = parseaddr(header(message, "From"))[1].strip().lower()
    if submitted and not submitted.startswith("no"):
        return "auto-submitted"
    if header(message, "Precedence").strip().lower() in _BULK or any(header(message, each) for each in _MARKS):
        return "bulk"
    if header(message, "Return-Path").strip() == "<>" or message.get_content_type() == "multipart/report":
        return "report"
    if not sender or sender.startswith(_MACHINES):
        return "machine"
    if sender == parseaddr(settings.mail_from)[1].lower() or find_destination(settings, [sender]):
        return "ourselves"
    return None
