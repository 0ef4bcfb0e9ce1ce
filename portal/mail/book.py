"""The book of mails: what was written to whom; the post (`portal/mail/post.py`) sends it where there is a server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from config.clock import new_id, now
from portal.access.sign_in_mail import Mail
from portal.mail.kinds import CUSTOMER, KINDS, why_of
from portal.mail.page import HOUSE_BRAND, brand_of, write_page
from receivables.domain.conversations.messages import fill
from receivables.store.mail.texts import mail_texts_of
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from portal.access.sign_in_mail import MailFile
    from portal.mail.page import MailPage
    from receivables.store.mail.texts import MailText
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a mail goes and what it is: ``key`` makes it unique, ``kind`` is one of `portal.mail.kinds.KINDS`.

    ``values`` fill the places of a supplier's own words (``societe`` is always there); ``unsubscribe_url`` is where one
    click ends mails like it.
    """

    kind: str
    key: str
    recipient: str
    invoice_id: UUID | None = None
    files: tuple[MailFile, ...] = ()
    held_by: str | None = None
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def keep_page(work: Work, page: MailPage, envelope: Envelope) -> UUID | None:
    """Put a mail into the book in the supplier's look and words; ``None`` where it was there before."""
    return keep_mail(work, mail_of(dress(work, page, envelope), envelope))


def mail_of(page: MailPage, envelope: Envelope) -> Mail:
    """The mail of a page that is ready."""
    text_body, html_body = write_page(page)
    return Mail(
        mail_key=envelope.key,
        recipient=envelope.recipient,
        subject=" ".join(page.subject.split()),
        text_body=text_body,
        html_body=html_body,
        invoice_id=envelope.invoice_id,
        files=envelope.files,
        held_by=envelope.held_by,
        reply_to=envelope.reply_to,
        kind=envelope.kind,
        unsubscribe_url=envelope.unsubscribe_url,
    )


def dress(work: Work, page: MailPage, envelope: Envelope) -> MailPage:
    """The page as its supplier sends it: its name and colour, and its own words where it has some for this kind."""
    brand, texts = brand_of(work), mail_texts_of(work)
    signed = texts.signature(page.language) if KINDS[envelope.kind].to == CUSTOMER else ""
    signature = tuple(line for line in signed.splitlines() if line.strip())
    why = why_of(envelope.kind, brand.name, page.language)
    dressed = replace(page, sender=replace(brand, signature=signature), why=why)
    own = texts.of(envelope.kind, page.language)
    if not KINDS[envelope.kind].is_worded or own.is_empty:
        return dressed
    return _worded(dressed, own, {"societe": brand.name, **envelope.values})


def as_house(page: MailPage, kind: str) -> MailPage:
    """The page as the house itself sends it: nobody's colour, nobody's words."""
    return replace(page, sender=HOUSE_BRAND, why=why_of(kind, HOUSE_BRAND.name, page.language))


def _worded(page: MailPage, own: MailText, values: Mapping[str, str]) -> MailPage:
    """What the house says of figures and links stays: own words take the place of the first paragraph only."""
    opening = _paragraphs(own.opening, values)
    return replace(
        page,
        subject=fill(own.subject, values) if own.subject else page.subject,
        paragraphs=(*opening, *page.paragraphs[1:]) if opening else page.paragraphs,
        closing=(*page.closing, *_paragraphs(own.closing, values)),
    )


def _paragraphs(words: str, values: Mapping[str, str]) -> tuple[str, ...]:
    lines = words.replace("\r\n", "\n").split("\n\n")
    return tuple(fill(each.strip(), values) for each in lines if each.strip())


def keep_mail(work: Work, mail: Mail) -> UUID | None:
    """Put a mail into the book; the same key is written once. Returns its id, ``None`` where it was there before."""
    mail_id = new_id()
    kept = work.execute(
        "INSERT INTO mails (supplier_id, mail_id, mail_key, recipient, subject, text_body, html_body, invoice_id, "
        "held_by, reply_to, kind, unsubscribe_url, state, created_at) VALUES (:supplier, :id, :key, :recipient, "
        ":subject, :text, :html, :invoice, :held_by, :reply_to, :kind, :unsubscribe, 'to_send', :at) "
        "ON CONFLICT (supplier_id, mail_key) DO NOTHING",
        id=mail_id,
        key=mail.mail_key,
        recipient=mail.recipient,
        subject=mail.subject,
        text=mail.text_body,
        html=mail.html_body,
        invoice=mail.invoice_id,
        held_by=mail.held_by,
        reply_to=mail.reply_to,
        kind=mail.kind,
        unsubscribe=mail.unsubscribe_url,
        at=now(),
    )
    if not kept:
        return None
    _keep_files(work, mail_id, mail.files)
    return mail_id


def keep_mails(work: Work, mails: Sequence[Mail]) -> int:
    """Put many mails without files into the book as one set; the same key is written once. Returns how many."""
    rows = [
        {
            "id": str(new_id()),
            "key": each.mail_key,
            "recipient": each.recipient,
            "subject": each.subject,
            "text": each.text_body,
            "html": each.html_body,
            "kind": each.kind,
        }
        for each in mails
    ]
    return work.execute(
        "INSERT INTO mails (supplier_id, mail_id, mail_key, recipient, subject, text_body, html_body, kind, "
        "state, created_at) SELECT :supplier, id, key, recipient, subject, text, html, kind, 'to_send', :at "
        "FROM jsonb_to_recordset(CAST(:mails AS jsonb)) "
        "AS given (id uuid, key text, recipient text, subject text, text text, html text, kind text) "
        "ON CONFLICT (supplier_id, mail_key) DO NOTHING",
        mails=to_json(rows),
        at=now(),
    )


def _keep_files(work: Work, mail_id: UUID, files: Sequence[MailFile]) -> None:
    for position, file in enumerate(files, start=1):
        work.execute(
            "INSERT INTO mail_files (supplier_id, mail_id, position, filename, mime, sha256, size_bytes) "
            "VALUES (:supplier, :mail, :position, :filename, :mime, :sha256, :size)",
            mail=mail_id,
            position=position,
            filename=file.filename,
            mime=file.mime,
            sha256=file.sha256,
            size=file.size_bytes,
        )
