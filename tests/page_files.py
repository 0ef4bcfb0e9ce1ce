"""One small file of each type that an invoice may hold (BT-125)."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib

import pikepdf


def a_png(width: int, height: int, *, alpha: bool = True) -> bytes:
    """A PNG of one colour, half transparent where ``alpha``."""
    pixel = b"\x1d\x4e\xd8\x80" if alpha else b"\x1d\x4e\xd8"
    rows = b"".join(b"\0" + pixel * width for _ in range(height))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def a_zip(entries: dict[str, str]) -> bytes:
    """A zip with these entries, stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in entries.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def a_plain_pdf() -> bytes:
    """A PDF with one empty page."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    buffer = io.BytesIO()
    pdf.save(buffer, deterministic_id=True)
    return buffer.getvalue()


PNG = a_png(40, 20)
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////"
    "////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxD/2Q=="
)
"""One grey pixel."""
ODS = "application/vnd.oasis.opendocument.spreadsheet"
FILES = {
    "application/pdf": a_plain_pdf(),
    "application/xml": '<?xml version="1.0" encoding="UTF-8"?>\n<métré/>'.encode(),
    "image/jpeg": JPEG,
    "image/png": PNG,
    "text/csv": "réf;quantité\nPP-850;6\n".encode(),
    ODS: a_zip({"mimetype": ODS, "content.xml": "<office/>"}),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": a_zip(
        {"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"}
    ),
}
"""By MIME type, in the order of the types."""
