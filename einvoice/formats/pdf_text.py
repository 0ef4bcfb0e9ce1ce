"""The words of a PDF from outside, line by line: read in a child process, as everything in a stranger's PDF.

The library that finds the words is slow and has had its faults; in the child they cost one answer and nothing else.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from einvoice.formats import pdf_reader_server
from einvoice.formats.pdf_reader import ask_readers, readers_of
from einvoice.formats.pdf_reader_child import RefusedError

if TYPE_CHECKING:
    from pypdf import PdfReader

READERS = 1
"""Advices are few: one server is enough, and it starts with the first of them."""
MOST_PAGES = 30
"""Pages read: an advice of a hundred invoices has three."""
MOST_TEXT_BYTES = 1024 * 1024

_READERS = readers_of("einvoice.formats.pdf_text", READERS)


def read_pdf_lines(pdf: bytes) -> list[str]:
    """The lines of ``pdf`` as they stand on its pages; none where it holds pictures of words only.

    Raises:
        PdfError: ``pdf.not_a_pdf``, ``pdf.encrypted``, ``pdf.damaged``, ``pdf.too_large``, ``pdf.reader_failed``,
            ``pdf.reader_busy``.
    """
    _, told = ask_readers(_READERS, pdf)
    return [line.strip() for line in told.decode(errors="replace").splitlines() if line.strip()]


def tell_lines(pdf: bytes, most_bytes: int) -> tuple[dict[str, Any], bytes]:
    """What the child answers: the text of the first pages, cut where it is longer than any advice.

    Raises:
        RefusedError: it is no PDF, needs a password, or is damaged.
    """
    if b"%PDF-" not in pdf[:1024]:
        raise RefusedError("pdf.not_a_pdf")
    from pypdf import PdfReader  # noqa: PLC0415 -- only after the limits are set
    from pypdf.errors import PyPdfError  # noqa: PLC0415 -- same

    try:
        reader = PdfReader(io.BytesIO(pdf))
        if reader.is_encrypted:
            raise RefusedError("pdf.encrypted")
        text = _text(reader)
    except (PyPdfError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise RefusedError("pdf.damaged", type(error).__name__) from error
    told = text.encode(errors="replace")[: min(most_bytes, MOST_TEXT_BYTES)]
    return {"bytes": len(told)}, told


def _text(reader: PdfReader) -> str:
    pages = (reader.pages[at] for at in range(min(len(reader.pages), MOST_PAGES)))
    return "\n".join(page.extract_text(extraction_mode="layout") for page in pages)


if __name__ == "__main__":
    timeout_s = int(sys.argv[2]) / 1000
    with suppress(BrokenPipeError):  # nobody is left to answer
        pdf_reader_server.main(int(sys.argv[1]), timeout_s, tell_lines)
