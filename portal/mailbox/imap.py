"""The mailbox that answers arrive in, looked into by IMAP. Nothing is deleted there; what was taken is marked as read.

A crash between keeping a mail and marking it brings it again, and the inbox knows it already.
"""

from __future__ import annotations

import imaplib
import logging
import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from portal.mailbox.receiving import take_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.wiring import Services

log = logging.getLogger("quittance.mailbox")

TIMEOUT_S = 20.0
MOST_AT_ONCE = 50
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_FOLDER = "INBOX"


class MailboxError(Exception):
    """The mailbox cannot be looked into; ``code`` is ``mailbox.unreachable`` or ``mailbox.refused``."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look into the mailbox brought: mails kept, and mails left there for a person (marked with a flag)."""

    kept: int = 0
    left: int = 0


def look_into_mailbox(services: Services) -> Looked:
    """Take in the mails that nobody has read, up to :data:`MOST_AT_ONCE` of them.

    Raises:
        MailboxError: the server does not answer, or does not let us in.
    """
    if services.settings.imap_url is None:
        return Looked()
    kept = left = 0
    with _open(services.settings.imap_url.get_secret_value()) as box:
        for uid in _unread(box)[:MOST_AT_ONCE]:
            raw = _fetch(box, uid, services.settings.max_mail_bytes)
            why = take_in(services, raw).why if raw else "too_large"
            flags = r"(\\Seen)" if why is None else r"(\\Seen \\Flagged)"
            box.uid("STORE", uid, "+FLAGS", flags.replace("\\\\", "\\"))
            if why is None:
                kept += 1
            else:
                left += 1
                log.info("A mail stays in the mailbox: %s", why)
    return Looked(kept, left)


@contextmanager
def _open(url: str) -> Iterator[imaplib.IMAP4]:
    """The folder, open for reading and marking; always closed again."""
    parts = urlsplit(url)
    host, folder = parts.hostname or "localhost", unquote(parts.path.strip("/")) or _FOLDER
    try:
        if parts.scheme == "imaps":
            context = ssl.create_default_context()
            box: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, parts.port or 993, ssl_context=context, timeout=TIMEOUT_S)
        else:
            box = imaplib.IMAP4(host, parts.port or 143, timeout=TIMEOUT_S)
    except (OSError, imaplib.IMAP4.error) as error:
        raise MailboxError("mailbox.unreachable", f"The mail server {host} does not answer: {error}.") from error
    try:
        box.login(unquote(parts.username or ""), unquote(parts.password or ""))
        status, told = box.select(f'"{folder}"')
        if status != "OK":
            raise MailboxError("mailbox.refused", f"The folder {folder} does not open: {told!r}.")
        yield box
    except imaplib.IMAP4.error as error:
        raise MailboxError("mailbox.refused", f"The mail server {host} refuses: {error}.") from error
    except OSError as error:
        raise MailboxError("mailbox.unreachable", f"The mail server {host} stopped answering: {error}.") from error
    finally:
        box.shutdown()


def _unread(box: imaplib.IMAP4) -> list[str]:
    _, found = box.uid("SEARCH", "UNSEEN")
    return found[0].decode().split() if found and found[0] else []


def _fetch(box: imaplib.IMAP4, uid: str, most_bytes: int) -> bytes | None:
    """One mail, not marked by looking at it; ``None`` where it is too large to be fetched at all."""
    _, sizes = box.uid("FETCH", uid, "(RFC822.SIZE)")
    size = _SIZE.search(b" ".join(each for each in sizes if isinstance(each, bytes)))
    if size is None or int(size[1]) > most_bytes:
        return None
    _, parts = box.uid("FETCH", uid, "(BODY.PEEK[])")
    return next((each[1] for each in parts if isinstance(each, tuple)), None)
