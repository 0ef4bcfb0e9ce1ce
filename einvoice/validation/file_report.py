"""A file as somebody hands it in: which kind it is, and the report on all of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from einvoice.validation.standards import INVOICE_SYNTAXES, Syntax
from einvoice.validation.verdict import Layer, Verdict

if TYPE_CHECKING:
    from einvoice.validation.verdict import Report

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PDF_WITHIN = 1024
"""A PDF may begin with other bytes, readers look this far."""
_ARCHIVES = (b"PK", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_OFFICE = (b"\xd0\xcf\x11\xe0", b"{\\rtf")
_OFFICE_PARTS = (b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis")
_ARCHIVE_HEAD, _ARCHIVE_LIST = 4096, 65536
"""Where an archive names what is in it, in bytes from its beginning and from its end."""
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM", b"RIFF")


class FileKind(StrEnum):
    """The kinds of files that people hand in."""

    FACTURX = "facturx"
    """A PDF with an invoice inside."""
    PDF = "pdf"
    """A PDF without one."""
    CII = "cii"
    UBL_INVOICE = "ubl-invoice"
    UBL_CREDIT_NOTE = "ubl-credit-note"
    CDAR = "cdar"
    """A life-cycle message."""
    FLUX10 = "flux10"
    """An e-reporting file."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FileReport:
    """The report on a file. ``xml`` is what was judged, ``None`` where there was none; it is kept in memory only."""

    filename: str
    kind: FileKind
    report: Report
    xml: bytes | None = None

    @property
    def verdict(self) -> Verdict:
        """That of the report."""
        return self.report.verdict

    @property
    def is_invoice(self) -> bool:
        """Whether there is an invoice or a credit note in it."""
        return self.kind is FileKind.FACTURX or self.kind in {str(each) for each in INVOICE_SYNTAXES}

    @property
    def french(self) -> bool:
        """Whether the French rules were demanded."""
        return any(result.layer is Layer.BR_FR for result in self.report.layers)


def is_pdf(content: bytes) -> bool:
    """Whether a PDF reader would take it, and an XML parser would not."""
    return b"%PDF-" in content[:_PDF_WITHIN] and not is_xml(content)


def is_xml(content: bytes) -> bool:
    """Whether it begins as XML, in any encoding with a byte order mark."""
    start = content.lstrip()[:3]
    return start.startswith((b"<", *_BYTE_ORDER_MARKS))


def rule_of_other_kind(content: bytes) -> str:
    """The rule that refuses what is neither XML nor PDF, by what it seems to be."""
    start = content.lstrip()[:8]
    if not start:
        return "file.empty"
    if start.startswith(_ARCHIVES):
        names = content[:_ARCHIVE_HEAD] + content[-_ARCHIVE_LIST:]
        return "file.office" if any(part in names for part in _OFFICE_PARTS) else "file.archive"
    if start.startswith(_OFFICE):
        return "file.office"
    if start.startswith(_PICTURES):
        return "file.picture"
    return "file.json" if start[:1] in {b"{", b"["} else "file.unknown_kind"


def kind_of(syntax: Syntax | None) -> FileKind:
    """The kind of a plain XML file."""
    return FileKind.UNKNOWN if syntax is None else FileKind(str(syntax))
