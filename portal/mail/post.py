"""The post: mails of the book handed to an SMTP server, one by one, each looked at once more where somebody asks so.

A mail is claimed, looked at, handed over and noted in one transaction of its own: a crash repeats one mail at most,
with the same Message-ID. What the server refuses for now waits longer each time; an address that it does not know is
not written to again.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from config.clock import now
from portal.mail.dkim_signing import signer_of
from portal.mail.kinds import CUSTOMER, KINDS, PERSON
from portal.mail.page import without_name
from portal.mail.senders import answers_to, signer_for
from portal.mailbox.addresses import message_id, return_path
from portal.mailbox.bounces import Bounce, closes_address, status_in
from portal.mailbox.returning import is_closed, note_bounce
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.mail.senders import PROVEN, sender_of

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping

    from portal.mail.dkim_signing import Signer
    from portal.wiring import Services
    from receivables.store.work import Work

TIMEOUT_S = 20.0
BATCH = 20
"""Mails of one supplier in a row: the others wait meanwhile."""
MOST_TRIES = 12
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=6)
"""Twelve tries at these distances are two days: longer, a server is not full, it is gone."""
UNWATCHED_WAIT = timedelta(hours=1)
_SEVEN_BITS = "quoted-printable"
"""Every server hands this on unchanged, so that a signature over it stays good (RFC 6376, 5.3)."""
_PERMANENT = 500
CLOSED = "address_bounced"
"""Why a mail does not go whose address others came back from meanwhile."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The mail is not sent, for this reason: what it says is not true any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The mail waits until this instant."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """Who signs and from where: the house, and the supplier's own address for its customers where it has one.

    ``answers`` is where answers go that have no conversation of ours to go to.
    """

    house: Signer | None
    own_address: str | None = None
    own: Signer | None = None
    answers: str | None = None

    def writes_as_supplier(self, kind: str, recipient: str) -> bool:
        """Whether this mail leaves from the supplier's own address: signed it must be, and to customers alone."""
        return self.own is not None and recipient.isascii() and kind in KINDS and KINDS[kind].to == CUSTOMER


Look = Callable[["Services", "Work", "UUID"], Drop | Wait | None]
"""Looks at a mail right before it goes: ``None`` lets it go."""


def send_due_mails(services: Services, supplier_id: UUID, looks: Mapping[str, Look] | None = None) -> int:
    """Send what waits in a supplier's book; returns how many were dealt with. Without a server they stay there.

    ``looks`` are those who look at their mails first, by the name in ``held_by``; a mail of somebody who is not there
    is not sent.
    """
    if services.settings.smtp_url is None:
        return 0
    done, desk = 0, _desk_of(services, supplier_id)
    with ExitStack() as open_things:
        server: smtplib.SMTP | None = None
        while done < BATCH:
            with services.works.begin(supplier_id) as work:
                row = _claim(work)
                if row is None:
                    break
                if _look_first(services, work, row, looks or {}):
                    if server is None:
                        server = open_things.enter_context(_server(services.settings.smtp_url))
                    _hand_over(services, work, server, row, desk)
            done += 1
    return done


def _desk_of(services: Services, supplier_id: UUID) -> Desk:
    with services.works.begin(supplier_id) as work:
        sender = sender_of(work)
    house = signer_of(services.settings)
    if sender is None or sender.state != PROVEN:
        return Desk(house, answers=answers_to(sender))
    return Desk(house, sender.address, signer_for(services, sender))


def _claim(work: Work) -> RowMapping | None:
    return work.row(
        "SELECT mail_id, recipient, subject, text_body, html_body, held_by, reply_to, kind, unsubscribe_url, tries "
        "FROM mails "
        "WHERE supplier_id = :supplier AND state = 'to_send' AND next_try_at <= :at ORDER BY created_at LIMIT 1 "
        "FOR UPDATE SKIP LOCKED",
        at=now(),
    )


def _look_first(services: Services, work: Work, row: RowMapping, looks: Mapping[str, Look]) -> bool:
    """Whether a mail may go now; it is withdrawn or put off otherwise."""
    if row["kind"] in KINDS and KINDS[row["kind"]].to == CUSTOMER and is_closed(work, row["recipient"]):
        _note(work, row, "withdrawn", CLOSED)
        return False
    if row["held_by"] is None:
        return True
    look = looks.get(row["held_by"])
    found = look(services, work, row["mail_id"]) if look else Wait(now() + UNWATCHED_WAIT)
    if isinstance(found, Drop):
        _note(work, row, "withdrawn", found.reason)
    elif isinstance(found, Wait):
        _put_off(work, row, found.until, None)
    return found is None


def _hand_over(services: Services, work: Work, server: smtplib.SMTP, row: RowMapping, desk: Desk) -> None:
    try:
        message = _message(services, work, row, desk)
        own = desk.own if desk.writes_as_supplier(row["kind"], row["recipient"]) else None
        _send(server, message, _envelope_from(services), [each for each in (desk.house, own) if each])
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (_PERMANENT, b"nobody to write to"))
        _refused(services, work, row, (code, said), of_address=True)
    except (smtplib.SMTPNotSupportedError, ValueError, LookupError) as error:
        _note(work, row, "failed", f"{type(error).__name__}: {error}"[:300])  # all mails after it would wait for it
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        _refused(services, work, row, (error.smtp_code, _bytes(error.smtp_error)), of_address=False)
    else:
        _note(work, row, "sent", None)


def _send(server: smtplib.SMTP, message: EmailMessage, envelope_from: str, signers: list[Signer]) -> None:
    """Hand a mail over; a signed one goes as the very bytes that were signed, all of them ASCII but for addresses."""
    sender, recipient = (message[name].addresses[0].addr_spec for name in ("From", "To"))
    if not signers or not (sender.isascii() and recipient.isascii()):
        server.send_message(message, from_addr=envelope_from)
        return
    raw = message.as_bytes(policy=SMTP)
    for signer in signers:
        raw = signer.sign(raw)
    server.sendmail(envelope_from, [recipient], raw)


def _envelope_from(services: Services) -> str:
    """Where servers send what they cannot deliver: always here, so that SPF is the house's affair."""
    return return_path(services.settings) or parseaddr(services.settings.mail_from)[1]


def _refused(services: Services, work: Work, row: RowMapping, told: tuple[int, bytes], *, of_address: bool) -> None:
    """Try again later what is refused for now; give up what is refused for good, and the address if it is unknown."""
    code, said = told[0], told[1].decode(errors="replace")
    reason = f"{code} {said}"[:300]
    if code < _PERMANENT and row["tries"] + 1 < MOST_TRIES:
        wait = min(FIRST_WAIT * 2 ** row["tries"], LONGEST_WAIT)
        _put_off(work, row, now() + wait, reason, tries=1)
    elif code >= _PERMANENT and of_address:
        status = status_in(said)
        closes = status is None or closes_address(status)
        note_bounce(
            services, work, Bounce(work.supplier_id, row["mail_id"], (row["recipient"].lower(),), reason, closes)
        )
    else:
        _note(work, row, "failed", reason)


def _note(work: Work, row: RowMapping, state: str, reason: str | None) -> None:
    work.execute(
        "UPDATE mails SET state = :state, reason = :reason, sent_at = CASE WHEN :state = 'sent' THEN "
        "CAST(:at AS timestamptz) END WHERE supplier_id = :supplier AND mail_id = :id",
        state=state,
        reason=reason,
        at=now(),
        id=row["mail_id"],
    )


def _put_off(work: Work, row: RowMapping, until: datetime, reason: str | None, tries: int = 0) -> None:
    work.execute(
        "UPDATE mails SET next_try_at = :until, tries = tries + :tries, reason = :reason "
        "WHERE supplier_id = :supplier AND mail_id = :id",
        until=until,
        tries=tries,
        reason=reason,
        id=row["mail_id"],
    )


def _message(services: Services, work: Work, row: RowMapping, desk: Desk) -> EmailMessage:
    """The mail as it goes out; answering machines are told that nobody wrote it by hand (RFC 3834)."""
    sender = services.settings.mail_from
    message = EmailMessage()
    as_supplier = desk.writes_as_supplier(row["kind"], row["recipient"])
    message["From"] = _named(work, desk.own_address if as_supplier and desk.own_address else sender, row["kind"])
    message["To"] = row["recipient"]
    named = " ".join(supplier_name(work).split())
    message["Subject"] = without_name(" ".join(row["subject"].split()), named)
    message["Date"] = now()
    message["Message-ID"] = message_id(services.keyring, work.supplier_id, row["mail_id"], sender)
    message["Auto-Submitted"] = "auto-generated"
    if row["unsubscribe_url"]:
        message["List-Unsubscribe"] = f"<{row['unsubscribe_url']}>"
        if row["unsubscribe_url"].startswith("https://"):  # RFC 8058, 3.1 asks for it
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if row["reply_to"]:
        message["Reply-To"] = row["reply_to"]
    elif desk.answers and row["kind"] in KINDS and KINDS[row["kind"]].to == CUSTOMER:
        message["Reply-To"] = formataddr((named, desk.answers))
    message.set_content(row["text_body"], cte=_SEVEN_BITS)
    message.add_alternative(row["html_body"], subtype="html", cte=_SEVEN_BITS)
    for file in _files(work, row["mail_id"]):
        kind, _, subtype = file["mime"].partition("/")
        content = services.archive.get(file["sha256"])
        message.add_attachment(content, maintype=kind, subtype=subtype, filename=file["filename"])
    return message


def _named(work: Work, sender: str, kind: str) -> str:
    """Our address under the name of the supplier that writes; of the house where a person signs in."""
    if kind in KINDS and KINDS[kind].to == PERSON:
        return sender
    return formataddr((" ".join(supplier_name(work).split()), parseaddr(sender)[1]))


def _files(work: Work, mail_id: UUID) -> list[dict[str, Any]]:
    rows = work.rows(
        "SELECT filename, mime, sha256 FROM mail_files WHERE supplier_id = :supplier AND mail_id = :mail "
        "ORDER BY position",
        mail=mail_id,
    )
    return [dict(row) for row in rows]


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def _server(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    server = kind(parts.hostname or "localhost", parts.port or 25, timeout=TIMEOUT_S)
    if parts.username:
        if parts.scheme == "smtp":
            server.starttls()
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
