"""Files of messages: kept like every document, and belonging to no invoice's list of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import today
from einvoice.archive.retention import retain_until
from einvoice.keeping import keep_document
from portal.documents.attachments import FORM
from receivables.store.customer_file.overviews import DocumentLine

if TYPE_CHECKING:
    from uuid import UUID

    from portal.documents.attachments import Attachments
    from portal.wiring import Services
    from receivables.store.work import Work


def keep_message_files(services: Services, work: Work, attachments: Attachments) -> tuple[UUID, ...]:
    """Archive the files of a message; returns the ids of the documents.

    Only the message says whose they are: what is kept on an invoice is for whoever may see the invoice.

    Raises:
        ArchiveError: the archive does not take them.
    """
    if not attachments.files:
        return ()
    until = retain_until(work, today())
    kept = []
    for file in attachments.files:
        services.archive.put(file.content, until)
        kept.append(keep_document(work, None, FORM, file, None, until=until))
    return tuple(kept)


def find_message_file(work: Work, document_id: UUID) -> DocumentLine | None:
    """The document behind a file of a message."""
    row = work.row(
        "SELECT document_id, form, filename, mime, sha256, size_bytes, created_at FROM documents "
        "WHERE supplier_id = :supplier AND document_id = :document AND invoice_id IS NULL",
        document=document_id,
    )
    return DocumentLine(**row) if row else None


def plain_name(filename: str) -> str:
    """The name that a file came with: kept files carry the beginning of their hash before it."""
    head, dash, rest = filename.partition("-")
    return rest if dash and len(head) == 8 and set(head) <= set("0123456789abcdef") else filename  # noqa: PLR2004 -- as kept
