"""Files of the archive, handed out as files: never run, never guessed at, never shown inside a page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response

from portal.access.headers import FILE_POLICY

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.store.overviews import DocumentLine


def send_document(services: Services, document: DocumentLine) -> Response:
    """The file as it was archived.

    Raises:
        ArchiveError: ``archive.missing`` or ``archive.corrupted``.
    """
    response = Response(services.archive.get(document.sha256), content_type=document.mime)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in document.filename)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(document.filename, safe='')}"
    )
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
