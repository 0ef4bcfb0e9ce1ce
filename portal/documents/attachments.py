"""Files that people hand in with a dispute or an answer: few, small, of types known by their content, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from config.clock import today
from einvoice.archive.retention import retain_until
from einvoice.keeping import KeptFile, keep_document
from portal.validation.uploads import clean_name
from portal.words import gettext

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from werkzeug.datastructures import FileStorage

    from portal.wiring import Services
    from receivables.store.work import Work

MOST_FILES = 3
MOST_BYTES = 5 * 1024 * 1024
"""Of one file: a photograph of a phone, or a scanned delivery note."""
MOST_FORM_BYTES = MOST_FILES * MOST_BYTES + 1024 * 1024
"""Of a form with its files; a little more than they may come to, so that too large a file is told beside its form."""
FORM = "attachment"
_KINDS = {
    b"%PDF-": ("application/pdf", (".pdf",)),
    b"\x89PNG\r\n\x1a\n": ("image/png", (".png",)),
    b"\xff\xd8\xff": ("image/jpeg", (".jpg", ".jpeg")),
}
"""By its first bytes: the type of a file and how its name may end."""
_PREFIX = 8


class AttachmentError(Exception):
    """A file that is not taken; the text says why and what to do, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """Files that were judged and are not kept yet."""

    files: tuple[KeptFile, ...] = ()


def read_attachments(given: Iterable[FileStorage]) -> Attachments:
    """The files of a form; an empty field is none.

    Raises:
        AttachmentError: too many, too large, empty, or of a type that we do not take.
    """
    files = [each for each in given if each.filename]
    if len(files) > MOST_FILES:
        raise AttachmentError(gettext("Joignez au plus %(most)s fichiers.") % {"most": MOST_FILES})
    return Attachments(tuple(_read(each) for each in files))


def keep_attachments(services: Services, work: Work, invoice_id: UUID, attachments: Attachments) -> tuple[UUID, ...]:
    """Archive the files and note them on their invoice; returns the ids of the documents.

    Raises:
        ArchiveError: the archive does not take them.
    """
    until = retain_until(work, today())
    kept = []
    for file in attachments.files:
        services.archive.put(file.content, until)
        kept.append(keep_document(work, invoice_id, FORM, file, None, until=until))
    return tuple(kept)


def _read(given: FileStorage) -> KeptFile:
    name = clean_name(given.filename) or gettext("fichier sans nom")
    content = given.read(MOST_BYTES + 1)
    if not content:
        raise AttachmentError(gettext("« %(name)s » est vide.") % {"name": name})
    if len(content) > MOST_BYTES:
        told = {"name": name, "most": MOST_BYTES // 1024**2}
        raise AttachmentError(gettext("« %(name)s » dépasse %(most)s Mo. Envoyez-le en plus petit.") % told)
    kind = next((kind for magic, kind in _KINDS.items() if content.startswith(magic)), None)
    if kind is None:
        said = gettext(
            "« %(name)s » n'est ni un PDF, ni une image PNG ou JPEG. Enregistrez-le sous l'un de ces formats."
        )
        raise AttachmentError(said % {"name": name})
    mime, endings = kind
    if PurePath(name).suffix.lower() not in endings:
        name += endings[0]
    plain = KeptFile(content, name, mime)
    return KeptFile(content, f"{plain.sha256[:_PREFIX]}-{name}", mime)  # two files of one name are two documents
