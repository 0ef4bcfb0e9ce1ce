"""Files of the archive, handed out as files: never run, never guessed at, never shown inside a page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response

from portal.access.headers import FILE_POLICY
from portal.evidence.bundle import MIME

if TYPE_CHECKING:
    from uuid import UUID

    from portal.evidence.bundle import Bundle
    from portal.wiring import Services
    from receivables.store.customer_file.overviews import DocumentLine
    from receivables.store.work import Work


def note_download(work: Work, person_id: UUID, document: DocumentLine | None) -> None:
    """Who took which file out of the house stands in the audit trail."""
    if document is not None:
        work.audit(f"person {person_id}", "document.fetched", document.sha256, filename=document.filename)


def send_document(services: Services, document: DocumentLine) -> Response:
    """The file as it was archived.

    Raises:
        ArchiveError: ``archive.missing`` or ``archive.corrupted``.
    """
    return send_bytes(services.archive.get(document.sha256), document.mime, document.filename)


def send_bundle(bundle: Bundle) -> Response:
    """An evidence bundle, with the hash of its manifest as its tag."""
    response = send_bytes(bundle.content, MIME, bundle.filename)
    response.headers["ETag"] = f'"{bundle.manifest_sha256}"'
    return response


def send_bytes(content: bytes, mime: str, filename: str) -> Response:
    """A file to keep, under a name that says what it is: no sign in it that turns the others round."""
    response = Response(content, content_type=mime)
    filename = "".join(sign for sign in filename if sign.isprintable())
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in filename)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
    )
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
