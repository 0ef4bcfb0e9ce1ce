"""The readable view of an invoice received: the PDF that came, or our own page of an invoice that is XML alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from einvoice.errors import EInvoiceError
from einvoice.formats.page import PageError, render_page
from einvoice.intake import read_finished
from einvoice.keeping import PDF_MIME, XML_MIME
from einvoice.receiving.purchases import UNREADABLE

if TYPE_CHECKING:
    from einvoice.archive import ArchivePort
    from einvoice.document import Document
    from einvoice.formats.page import Language
    from einvoice.receiving.purchases import Purchase

MOST_LINES = 2000
"""Lines of a page that is set while somebody waits: ten pages take half a second."""


class ViewError(EInvoiceError):
    """There is no such view of this file: ``purchase.no_view``."""


def readable_view(archive: ArchivePort, purchase: Purchase, language: Language) -> bytes:
    """The PDF in which a person reads an invoice received.

    Raises:
        ViewError: ``purchase.no_view``.
        ArchiveError: ``archive.missing`` or ``archive.corrupted``.
    """
    content = archive.get(purchase.sha256)
    if purchase.mime == PDF_MIME:
        return content
    document = _read(content, purchase)[0]
    if len(document.lines) > MOST_LINES:
        raise _no_view(
            f"it has {len(document.lines)} lines, too many to set here",
            f"elle compte {len(document.lines)} lignes, trop pour être mises en page ici",
        )
    try:
        return _rendered(document, language)
    except PageError as error:
        raise _no_view(error.sentence, error.sentence_fr) from error


def xml_of(archive: ArchivePort, purchase: Purchase) -> bytes:
    """The structured data: the file itself, or the XML inside the PDF, taken out by a child process.

    Raises:
        ViewError: ``purchase.no_view``.
        ArchiveError: ``archive.missing`` or ``archive.corrupted``.
    """
    content = archive.get(purchase.sha256)
    return content if purchase.mime == XML_MIME else _read(content, purchase)[1]


def _rendered(document: Document, language: Language) -> bytes:
    """Our page; a supporting document that is not what it says stays in the file alone."""
    try:
        return render_page(document, language=language)
    except PageError as error:
        if not error.code.startswith("attachment."):
            raise
    bare = tuple(replace(each, content=None) for each in document.attachments)
    return render_page(replace(document, attachments=bare), language=language)


def _read(content: bytes, purchase: Purchase) -> tuple[Document, bytes]:
    if purchase.form == UNREADABLE:
        raise _no_view("it is no invoice that can be read", "ce n'est pas une facture lisible")
    try:
        found = read_finished(content)
    except (EInvoiceError, ValueError) as error:
        said = error.sentence_fr if isinstance(error, EInvoiceError) else str(error)
        raise _no_view(str(error), said) from error
    if found is None:
        raise _no_view("it is no invoice that can be read", "ce n'est pas une facture lisible")
    return found[0], found[1].xml


def _no_view(why: str, why_fr: str) -> ViewError:
    return ViewError(
        "purchase.no_view",
        f"This view cannot be made: {why}. Download the original.",
        f"Cette vue ne peut pas être faite : {why_fr}. Téléchargez l'original.",
    )
