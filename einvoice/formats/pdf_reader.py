"""The invoice XML inside a PDF from outside, read in a child process.

A PDF from a stranger is opened only by ``pdf_reader_child`` in a process of its own, forked for this one file by
``pdf_reader_server``, with limits on time, memory and files and none of our secrets: a fault in the PDF library can
then cost one answer and nothing else.
"""

from __future__ import annotations

import atexit
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.safe_xml import MAX_BYTES as MAX_XML_BYTES
from einvoice.errors import EInvoiceError
from einvoice.validation.worker_pool import PoolBusyError, PoolClosedError, WorkerPool
from einvoice.validation.worker_process import WorkerDiedError

MAX_PDF_BYTES = 20 * 1024 * 1024
"""Largest PDF read, in bytes: what the platforms accept with attachments."""
TIMEOUT_S = 10.0
"""Longest wait for one file, in seconds: an invoice takes some thousandths of one."""
GRACE_S = 2.0
"""Added to it, in seconds, before the server itself counts as hung."""
START_ALLOWANCE_S = 30.0
"""Added for the first file of a server, which starts then: 0.2 s alone, much more on a machine under load."""
QUEUE_TIMEOUT_S = 30.0
"""Longest wait for other threads' files, in seconds."""
READERS = 2
"""Files read at once by one of our processes: one that takes all its time holds up nobody else."""

SENTENCES = {
    "pdf.not_a_pdf": (
        "This file is no PDF. Send a Factur-X PDF, or the XML itself.",
        "Ce fichier n'est pas un PDF. Envoyer un PDF Factur-X, ou le XML lui-même.",
    ),
    "pdf.too_large": (
        f"The PDF or the XML in it is larger than {MAX_PDF_BYTES // 1024 // 1024} MiB. Send it without attachments.",
        f"Le PDF ou son XML dépasse {MAX_PDF_BYTES // 1024 // 1024} Mio. L'envoyer sans pièces jointes.",
    ),
    "pdf.encrypted": (
        "The PDF is encrypted. Send it without password and restrictions, as PDF/A demands.",
        "Le PDF est chiffré. L'envoyer sans mot de passe ni restriction, comme PDF/A l'exige.",
    ),
    "pdf.damaged": (
        "The PDF is damaged: it may have been cut in transit. Send it again.",
        "Le PDF est endommagé : il a pu être coupé en chemin. L'envoyer à nouveau.",
    ),
    "pdf.no_invoice_inside": (
        "The PDF holds no invoice XML (factur-x.xml). Send a Factur-X PDF, or the XML itself.",
        "Le PDF ne contient pas de facture XML (factur-x.xml). Envoyer un PDF Factur-X, ou le XML lui-même.",
    ),
    "pdf.order_not_invoice": (
        "The PDF holds an Order-X order, which is no invoice. Send the invoice.",
        "Le PDF contient une commande Order-X, et non une facture. Envoyer la facture.",
    ),
    "pdf.reader_failed": (
        "The PDF could not be read within the limits of time and memory. Send the XML itself.",
        "Le PDF n'a pas pu être lu dans les limites de temps et de mémoire. Envoyer le XML lui-même.",
    ),
    "pdf.reader_busy": (
        "Too many PDFs are being read just now. Send it again in a minute, or the XML itself.",
        "Trop de PDF sont en cours de lecture. Le renvoyer dans une minute, ou envoyer le XML lui-même.",
    ),
}
"""What each code says, in English and in French."""

WARNINGS = {
    "pdf.several_invoices": (
        "The PDF holds several invoice XML files; the best known name was taken.",
        "Le PDF contient plusieurs factures XML ; le nom le plus courant a été retenu.",
    ),
    "pdf.no_profile": (
        "The PDF's metadata name no Factur-X profile.",
        "Les métadonnées du PDF n'indiquent aucun profil Factur-X.",
    ),
    "pdf.other_name_declared": (
        "The PDF's metadata name another XML file than the one it holds.",
        "Les métadonnées du PDF indiquent un autre fichier XML que celui qu'il contient.",
    ),
}
"""What is odd but does not stop the reading, in English and in French."""


class PdfError(EInvoiceError):
    """A PDF from which no invoice can be taken; the codes are the keys of ``SENTENCES``."""

    def __init__(self, code: str, detail: str = "") -> None:
        english, french = SENTENCES[code]
        super().__init__(code, english, french)
        if detail:
            self.add_note(detail)  # for the log: a library's word says nothing to whoever sent the file


@dataclass(frozen=True, slots=True)
class ExtractedXml:
    """The XML in a PDF: its file name, its bytes, ``fx:ConformanceLevel`` of the metadata, codes of ``WARNINGS``."""

    filename: str
    xml: bytes
    profile_xmp: str | None
    warnings: tuple[str, ...]


def extract_invoice_xml(pdf: bytes) -> ExtractedXml:
    """Take the invoice XML out of ``pdf``, byte for byte; whether it is a correct invoice is for others to judge.

    Raises:
        PdfError: see ``SENTENCES``.
    """
    found, xml = ask_readers(_READERS, pdf)
    return ExtractedXml(found["filename"], xml, found["profile"], tuple(found["warnings"]))


def ask_readers(readers: WorkerPool, pdf: bytes) -> tuple[dict[str, Any], bytes]:
    """What a child of one of ``readers`` tells of ``pdf``, and the invoice XML.

    Raises:
        PdfError: see ``SENTENCES``.
    """
    if len(pdf) > MAX_PDF_BYTES:
        raise PdfError("pdf.too_large")
    head, separator, xml = _ask_child(readers, pdf).partition(b"\n")
    try:
        found: dict[str, Any] = json.loads(head)
    except ValueError as error:
        raise PdfError("pdf.reader_failed") from error
    if code := found.get("code"):
        raise PdfError(code, str(found.get("detail", "")))
    if not separator or len(xml) != found["bytes"]:
        raise PdfError("pdf.reader_failed")
    return found, xml


def _ask_child(readers: WorkerPool, pdf: bytes) -> bytes:
    """The child's answer: one line of JSON, then the XML."""
    try:
        return readers.ask(pdf, within_s=QUEUE_TIMEOUT_S, timeout_s=TIMEOUT_S + GRACE_S, first_s=START_ALLOWANCE_S)
    except (PoolBusyError, PoolClosedError) as error:
        raise PdfError("pdf.reader_busy") from error
    except (OSError, WorkerDiedError) as error:
        raise PdfError("pdf.reader_failed", str(error)) from error


def readers_of(module: str, size: int) -> WorkerPool:
    """Up to ``size`` servers that run ``module`` in a child for each PDF."""
    command = [sys.executable, "-m", module, str(MAX_XML_BYTES), str(round(TIMEOUT_S * 1000))]
    return WorkerPool(command, size=size, folder=Path(__file__).resolve().parents[2])


_READERS = readers_of("einvoice.formats.pdf_reader_server", READERS)
atexit.register(_READERS.close)
