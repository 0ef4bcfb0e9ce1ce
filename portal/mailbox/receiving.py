"""From a mail to a message: kept in the inbox by whoever brought it, said by the worker, once."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from werkzeug.datastructures import FileStorage

from portal.documents.attachments import MOST_FILES, AttachmentError, Attachments, read_attachments
from portal.documents.message_files import keep_message_files
from portal.mail.message_mails import belongs_to_customer, tell_collector
from portal.mailbox.addresses import find_destination, reply_target
from portal.mailbox.automatic import why_automatic
from portal.mailbox.bounces import read_bounce
from portal.mailbox.reading import UnreadableMailError, header, parse_mail, read_mail, recipients
from portal.mailbox.returning import note_bounce
from portal.validation.uploads import clean_name
from portal.words import gettext
from receivables.domain.conversations.messages import Channel, Side
from receivables.errors import ReceivablesError
from receivables.services.conversations.messaging import Say, say
from receivables.store.inbox import Settlement, accept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from email.message import EmailMessage
    from uuid import UUID

    from portal.mailbox.addresses import ReplyTarget
    from portal.mailbox.reading import Attached
    from portal.wiring import Services
    from receivables.store.inbox import Message
    from receivables.store.work import Work

log = logging.getLogger("quittance.mailbox")

SOURCE = "mail"
ENVELOPE = "X-Original-To"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a mail at the door: ``why`` it was not kept, or ``None`` where it was."""

    supplier_id: UUID | None
    why: str | None = None


def take_in(services: Services, raw: bytes) -> Taken:
    """Keep a mail in the inbox of the supplier that it is for; the same mail brought twice is kept once.

    ``why``: ``unreadable``, ``too_large``, ``nobody`` (no address of ours, or a report on no mail of ours) or what
    :func:`why_automatic` says. What is not kept stays where it came from.
    """
    if len(raw) > services.settings.max_mail_bytes:
        return Taken(None, "too_large")
    try:
        message = parse_mail(raw)
        bounce = read_bounce(message, services.keyring)
        automatic = why_automatic(message, services.settings)
        destination = find_destination(services.settings, recipients(message))
        key = header(message, "Message-ID").strip() or hashlib.sha256(raw).hexdigest()
    except UnreadableMailError:
        return Taken(None, "unreadable")
    except Exception:  # one mail that nothing here understands must not hold up all that come after it
        log.exception("A mail could not be read")
        return Taken(None, "unreadable")
    if bounce is not None:
        supplier_id = bounce.supplier_id
    elif destination is None or automatic:
        return Taken(None, automatic or "nobody")
    elif not _is_open(services, destination.supplier_id, destination.address_hash):
        return Taken(None, "nobody")
    else:
        supplier_id = destination.supplier_id
    named = hashlib.sha256(f"{key} {' '.join(recipients(message))}".encode(errors="replace")).hexdigest()
    services.works.run(supplier_id, lambda work: accept(work, SOURCE, [(named, raw)]))
    return Taken(supplier_id)


def receive_mails(services: Services) -> Callable[[Work, Sequence[Message]], list[Settlement]]:
    """The receiver of the inbox: says what each mail says."""

    def receive(work: Work, messages: Sequence[Message]) -> list[Settlement]:
        return [Settlement(each.inbox_id, "done", _receive_one(services, work, each.body)) for each in messages]

    return receive


def _is_open(services: Services, supplier_id: UUID, address_hash: bytes) -> bool:
    """Whether an address leads anywhere: a token that was made up names suppliers that do not exist."""
    with services.works.begin(supplier_id) as work:
        target = reply_target(work, address_hash)
    return target is not None and not target.is_closed


def _receive_one(services: Services, work: Work, raw: bytes) -> str | None:
    """Say one mail, or note one that came back; why nothing was done where nothing was."""
    message = parse_mail(raw)
    bounce = read_bounce(message, services.keyring)
    if bounce is not None:
        noted = note_bounce(services, work, bounce)
        return None if noted else "The report names a mail or an address that we did not write to."
    destination = find_destination(services.settings, recipients(message))
    target = reply_target(work, destination.address_hash) if destination else None
    if target is None or target.is_closed:
        return "The address that it was sent to takes no mail any more."
    try:
        with work.connection.begin_nested():  # files of a mail that is refused are not kept either
            _say(services, work, target, message, hashlib.sha256(raw).hexdigest())
    except ReceivablesError as error:
        log.warning("A mail was not taken: %s", error.code, extra={"supplier": str(work.supplier_id)})
        return f"{error.code}: {error}"
    return None


def _say(services: Services, work: Work, target: ReplyTarget, message: EmailMessage, raw_hash: str) -> None:
    incoming = read_mail(message)
    attachments, left_out = judge_files(incoming.files)
    once = incoming.message_id or raw_hash
    said = say(
        work,
        Say(
            target.subject,
            Side.CUSTOMER,
            Channel.MAIL,
            actor=f"mail {incoming.sender}",
            author=incoming.sender_name or incoming.sender,
            said=incoming.text,
            once=f"mail {once}",
            documents=keep_message_files(services, work, attachments),
            address=incoming.sender,
            known=belongs_to_customer(services, work, target.subject, incoming.sender),
            left_out=left_out,
        ),
    )
    tell_collector(services, work, said)


def judge_files(files: Sequence[Attached]) -> tuple[Attachments, tuple[str, ...]]:
    """Files that are taken, and a sentence for each that is not."""
    kept: list[Attachments] = []
    left_out: list[str] = []
    for file in files:
        name = clean_name(file.name) or "?"
        if len(kept) == MOST_FILES:
            left_out.append(gettext("« %(name)s » : au plus %(most)s fichiers.") % {"name": name, "most": MOST_FILES})
            continue
        try:
            kept.append(read_attachments([FileStorage(BytesIO(file.content), filename=name)]))
        except AttachmentError as error:
            left_out.append(str(error))
    return Attachments(tuple(one for each in kept for one in each.files)), tuple(left_out)
