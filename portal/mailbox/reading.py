"""A mail taken apart: who, what in plain words, which files. Strangers write mails: nothing in them is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage, Message, MIMEPart
from email.policy import EmailPolicy
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from portal.mailbox.marked import plain_of_html
from portal.mailbox.quoting import cut_quoted
from receivables.domain.conversations.messages import MAX_MAILED, readable

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PARTS = 100
"""Parts of one mail that are looked at: a mail of people has a handful."""
MOST_FILES_SEEN = 20
RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
"""Headers that may hold the address that a mail was sent to, the surest first."""
MOST_HEAD = 128 * 1024
"""Bytes of the headers of a mail: those with a hundred stations and seals have a quarter of it."""
MOST_HEADER = 1000
"""Characters of one header that are read: the parser of headers needs the square of their number, or more."""
MOST_DEPTH = 20
"""Parts within parts: a mail that was passed on ten times has twenty."""
MOST_TEXT = 500_000
"""Characters of a text that are looked at for the words that are kept."""
MOST_BOUNDARIES = 2000
"""Lines that may begin a part, or blocks of a report: parsing millions of them takes many minutes."""
MOST_MULTIPARTS = 200
"""Mentions of boundaries: each line of a mail is held against those of all the parts that it stands in."""
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STUMBLES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MessageError, NameError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""What the parser of headers stumbles over, where it was sent something that no mail program writes."""


class _Careful(EmailPolicy):
    """Headers as they are written, up to a length; what cannot be read is empty."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, value[:MOST_HEADER])
        except _STUMBLES:
            return ""


_POLICY = _Careful()


class UnreadableMailError(Exception):
    """Bytes that are no mail; ``code`` is ``mail.unreadable``."""

    code = "mail.unreadable"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a mail, not judged yet."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a mail says. ``sender`` is only what it claims."""

    sender: str
    sender_name: str
    message_id: str
    text: str
    files: tuple[Attached, ...]


def parse_mail(raw: bytes) -> EmailMessage:
    """The mail in ``raw``.

    Raises:
        UnreadableMailError: there is no header in it, too many, or more parts within parts than mails have.
    """
    head = _END_OF_HEAD.search(raw[: MOST_HEAD + 4])
    if head is None and len(raw) > MOST_HEAD:
        raise UnreadableMailError(f"The headers of this mail have more than {MOST_HEAD // 1024} KiB.")
    if raw.lower().count(b"boundary") > MOST_MULTIPARTS or _boundaries(raw) > MOST_BOUNDARIES:
        raise UnreadableMailError(f"This mail has more than {MOST_BOUNDARIES} parts.")
    try:
        message = message_from_bytes(raw, policy=_POLICY)
    except RecursionError as error:
        raise _too_deep() from error
    if not isinstance(message, EmailMessage) or not message.keys():
        raise UnreadableMailError("These bytes are no mail: they begin with no header.")
    _check_depth(message)
    return message


def _boundaries(raw: bytes) -> int:
    """How many parts a mail may have at most; the blocks of a report are parts too."""
    blocks = raw.count(b"\n\n") + raw.count(b"\n\r\n") if b"delivery-status" in raw.lower() else 0
    return raw.count(b"\n--") + blocks


def _check_depth(message: Message) -> None:
    level: list[Any] = [message]
    for _ in range(MOST_DEPTH):
        level = [inner for each in level if each.is_multipart() for inner in each.get_payload()]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> UnreadableMailError:
    return UnreadableMailError(f"This mail has more than {MOST_DEPTH} parts within parts.")


def header(message: Message, name: str) -> str:
    """One header as text; empty where it is missing or so broken that it cannot be read."""
    return next(iter(headers(message, name)), "")


def headers(message: Message, name: str) -> list[str]:
    """Every header of this name; empty where it cannot be read."""
    return [str(each) for each in message.get_all(name, [])]


def recipients(message: EmailMessage) -> list[str]:
    """What a mail says of whom it was sent to, as it is written there: whole, for addresses of ours are searched."""
    written = [(name.lower(), str(value)) for name, value in message.raw_items()]
    return [value for wanted in RECIPIENTS for name, value in written if name == wanted.lower()]


def read_mail(message: EmailMessage) -> Incoming:
    """What a mail says, without what it quotes."""
    name, address = parseaddr(header(message, "From"))
    said = readable(cut_quoted(_text(message)))
    if len(said) > MAX_MAILED:
        said = said[:MAX_MAILED] + " [...]"
    return Incoming(
        sender=readable(address).lower()[:254],
        sender_name=readable(name).replace("\n", " ")[:80],
        message_id=readable(header(message, "Message-ID"))[:250],
        text=said,
        files=tuple(_files(message)),
    )


def content_of(part: Message) -> bytes:
    """The bytes of a part, whatever its encoding says."""
    try:
        raw = part.get_payload(decode=True)
    except _STUMBLES:
        return b""
    return raw if isinstance(raw, bytes) else b""


def _parts(message: EmailMessage) -> Iterator[MIMEPart]:
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            return
        if isinstance(part, MIMEPart) and not part.is_multipart():
            yield part


def _text(message: EmailMessage) -> str:
    plain, marked = "", ""
    for part in _parts(message):
        if part.get_content_disposition() == "attachment" or part.get_filename():
            continue
        if part.get_content_type() == "text/plain" and not plain:
            plain = _decoded(part)
        elif part.get_content_type() == "text/html" and not marked:
            marked = _decoded(part)
    return plain if plain.strip() else plain_of_html(marked)


def _decoded(part: MIMEPart) -> str:
    raw = content_of(part)[: 4 * MOST_TEXT]
    try:
        text = raw.decode(part.get_content_charset() or "utf-8", errors="replace")
    except _STUMBLES:  # no character set at all, or one that does not put up with errors
        text = raw.decode("utf-8", errors="replace")
    return text[:MOST_TEXT]


def _files(message: EmailMessage) -> Iterator[Attached]:
    """Files that were attached; pictures inside the text (logos of signatures) are none."""
    found = 0
    for part in _parts(message):
        attached = part.get_content_disposition() == "attachment"
        inside = bool(header(part, "Content-ID")) and not attached
        if inside or not (attached or part.get_filename()):
            continue
        found += 1
        if found > MOST_FILES_SEEN:
            return
        yield Attached(readable(part.get_filename() or ""), content_of(part))
