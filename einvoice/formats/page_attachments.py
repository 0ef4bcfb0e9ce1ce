"""Supporting documents (BG-24) as files inside the PDF: checked content, safe names, and how the page lists them."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.formats.page_errors import PageError
from einvoice.formats.page_meanings import SUPPORTING_DOCUMENTS
from einvoice.formats.page_wording import join
from einvoice.formats.pdf_reader_child import INVOICE_NAMES, ORDER_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from einvoice.document import Attachment
    from einvoice.formats.page_wording import Pair, Wording

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"
MOST_STEM = 80
"""Longest stem of a stored name, in characters, so that every file system can take the file."""
_ZIP = b"PK\x03\x04"
_ODS_FIRST = b"mimetype" + _ODS.encode()
_ODS_AT = 30
"""An ODS file is a zip whose first entry, stored, is its type: name and content begin at byte 30."""
_BINARY = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", _ZIP, b"\xd0\xcf\x11\xe0", b"GIF8", b"MZ", b"\x7fELF")
_UNSAFE = re.compile(r"[^A-Za-z0-9 ._+()-]+")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)")
_RESERVED = frozenset({*INVOICE_NAMES, ORDER_NAME})
_PREFIX = "piece-jointe-"
"""Before a name that readers would take for the invoice itself."""


class AttachmentError(PageError):
    """A supporting document cannot be embedded: ``attachment.type_differs`` or ``attachment.type_unknown``."""


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file of the PDF: the name it is stored under, its type and description, and its content."""

    name: str
    mime: str
    description: str
    content: bytes


def embed(attachments: Iterable[Attachment], say: Wording) -> list[EmbeddedFile]:
    """The files to embed, in the order of the document; equal attachments give equal names.

    Raises:
        AttachmentError: see its codes.
    """
    files: list[EmbeddedFile] = []
    taken = set(_RESERVED)
    for entry in attachments:
        if entry.content is None:
            continue
        mime = check_content(entry)
        name = _free(_safe_name(entry, mime), taken)
        taken.add(name.lower())
        description = join([say.coded(SUPPORTING_DOCUMENTS, entry.description), entry.reference])
        files.append(EmbeddedFile(name, mime, description, entry.content))
    return files


def describe_attachments(attachments: Iterable[Attachment], pay_url: str | None, say: Wording) -> list[Pair]:
    """The list on the page: file name or reference, then kind, reference, type, size and address.

    The pay link, which is an attachment without content too, is not printed a second time.
    """
    attachments = tuple(attachments)
    names = iter(embed(attachments, say))
    return [_describe(entry, next(names) if entry.content is not None else None, pay_url, say) for entry in attachments]


def check_content(entry: Attachment) -> str:
    """The type of an attachment (BT-125-1), if its content is of that type.

    Raises:
        AttachmentError: ``attachment.type_unknown`` for a type outside the list of EN 16931 (BT-125),
            ``attachment.type_differs`` where the first bytes are those of something else.
    """
    mime, content = (entry.mime or "").lower(), entry.content or b""
    shown = entry.filename or entry.reference
    if mime not in _TYPES:
        raise AttachmentError(
            "attachment.type_unknown",
            f"The attachment {shown!r} is of type {entry.mime or '(none)'!r}; an invoice may hold"
            f" {', '.join(sorted(_TYPES))}.",
            f"La pièce jointe {shown!r} est de type {entry.mime or '(aucun)'!r} ; une facture peut contenir"
            f" {', '.join(sorted(_TYPES))}.",
            term="BT-125",
        )
    if not _TYPES[mime][1](content):
        raise AttachmentError(
            "attachment.type_differs",
            f"The attachment {shown!r} is declared as {mime} but its content is something else. Attach the right file"
            " or correct its type.",
            f"La pièce jointe {shown!r} est déclarée {mime}, mais son contenu est autre chose. Joindre le bon fichier"
            " ou corriger son type.",
            term="BT-125",
        )
    return mime


def _describe(entry: Attachment, file: EmbeddedFile | None, pay_url: str | None, say: Wording) -> Pair:
    title = entry.filename or entry.reference
    renamed = file.name if file and file.name != entry.filename else None
    return [
        title,
        join(
            [
                say.coded(SUPPORTING_DOCUMENTS, entry.description),
                entry.reference if title != entry.reference else "",
                entry.mime,
                say.size(file.content) if file else "",
                say.named("attached_as", renamed),
                entry.url if entry.url != pay_url else "",
            ]
        ),
    ]


def _safe_name(entry: Attachment, mime: str) -> str:
    """An ASCII name that no file system misreads, with the suffix of its type."""
    base = (entry.filename or entry.reference).replace("\\", "/").rsplit("/", 1)[-1]
    suffixes = _TYPES[mime][0]
    stem, dot, suffix = base.rpartition(".")
    if not dot or suffix.lower() not in suffixes:
        stem, suffix = base, suffixes[0]
    stem = _UNSAFE.sub("_", unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()).strip(" .")
    stem = stem[:MOST_STEM].strip(" .") or "document"
    if _DEVICE.fullmatch(stem.split(".", maxsplit=1)[0]):
        stem = f"_{stem}"
    name = f"{stem}.{suffix.lower()}"
    return _PREFIX + name if name.lower() in _RESERVED else name


def _free(name: str, taken: set[str]) -> str:
    """``name``, or ``name-2``, ``name-3`` ... where it is taken (compared without case)."""
    stem, _, suffix = name.rpartition(".")
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{stem}-{number}.{suffix}"
    return free


def _is_pdf(content: bytes) -> bool:
    return b"%PDF-" in content[:1024]


def _is_png(content: bytes) -> bool:
    return content.startswith(b"\x89PNG\r\n\x1a\n")


def _is_jpeg(content: bytes) -> bool:
    return content.startswith(b"\xff\xd8\xff")


def _is_csv(content: bytes) -> bool:
    """Text: neither a known binary file nor a NUL in it; a table may be in any 8-bit character set, or in UTF-16."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return bool(content.strip()) and b"\0" not in content and not content.startswith(_BINARY)


def _is_xml(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") or content.startswith(
        (b"\xff\xfe<", b"\xfe\xff")
    )


def _is_xlsx(content: bytes) -> bool:
    """A zip of Office Open XML with a workbook; only its list of entries is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            return {"[Content_Types].xml", "xl/workbook.xml"} <= set(opened.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _is_ods(content: bytes) -> bool:
    return content.startswith(_ZIP) and content[_ODS_AT:].startswith(_ODS_FIRST)


_TYPES: dict[str, tuple[tuple[str, ...], Callable[[bytes], bool]]] = {
    "application/pdf": (("pdf",), _is_pdf),
    "application/xml": (("xml",), _is_xml),
    "image/jpeg": (("jpg", "jpeg"), _is_jpeg),
    "image/png": (("png",), _is_png),
    "text/csv": (("csv",), _is_csv),
    "text/xml": (("xml",), _is_xml),
    _ODS: (("ods",), _is_ods),
    _XLSX: (("xlsx",), _is_xlsx),
}
"""Types of BT-125 (BR-CL-24; the XML ones in EXTENDED only): suffixes, the usual one first, and how content looks."""
