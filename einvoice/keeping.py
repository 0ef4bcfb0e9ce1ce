"""Files that are kept: noted in the database, archived write-once under their fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from einvoice.validation.verdict import Report
    from receivables.store.work import Work

XML_MIME = "application/xml"
PDF_MIME = "application/pdf"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file to keep, as it was received or made."""

    content: bytes
    filename: str
    mime: str

    @property
    def sha256(self) -> str:
        """Its address in the archive."""
        return hashlib.sha256(self.content).hexdigest()


def has_files(work: Work, invoice_id: UUID, forms: Sequence[str]) -> bool:
    """Whether a file of any of these forms is kept with an invoice."""
    found = work.scalar(
        "SELECT EXISTS (SELECT 1 FROM documents WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND form = ANY(:forms))",
        invoice=invoice_id,
        forms=list(forms),
    )
    return bool(found)


def keep_document(
    work: Work, invoice_id: UUID | None, form: str, file: KeptFile, report: Report | None, *, until: date
) -> UUID:
    """Note a file that is archived to the end of ``until``; returns its id, the known one for the same file again.

    ``invoice_id`` is the invoice of ours that it belongs to, ``None`` for declarations and invoices received. Put the
    content into the archive before the transaction ends.
    """
    known: UUID | None = work.scalar(
        "SELECT document_id FROM documents WHERE supplier_id = :supplier AND invoice_id IS NOT DISTINCT FROM :invoice "
        "AND form = :form AND filename = :filename AND (invoice_id IS NOT NULL OR sha256 = :sha)",
        invoice=invoice_id,
        form=form,
        filename=file.filename,
        sha=file.sha256,
    )
    if known is not None:
        return known
    document_id = new_id()
    written = work.execute(
        "INSERT INTO documents (supplier_id, document_id, invoice_id, form, filename, mime, sha256, size_bytes, "
        "report, retain_until, created_at) VALUES (:supplier, :id, :invoice, :form, :filename, :mime, :sha, :size, "
        "CAST(:report AS jsonb), :until, :at) ON CONFLICT (supplier_id, invoice_id, form, filename) DO NOTHING",
        id=document_id,
        invoice=invoice_id,
        form=form,
        filename=file.filename,
        mime=file.mime,
        sha=file.sha256,
        size=len(file.content),
        report=report.to_json() if report else None,
        until=until,
        at=now(),
    )
    return document_id if written else keep_document(work, invoice_id, form, file, report, until=until)
