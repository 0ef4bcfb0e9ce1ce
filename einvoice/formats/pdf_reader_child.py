"""What the child of ``pdf_reader_server`` does with the one PDF from outside that it opens.

Never called in a process that has anything to lose: see ``pdf_reader_server`` for the limits around it.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

INVOICE_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""Names by preference, compared without case (``ZUGFeRD-invoice.xml`` is ZUGFeRD 1's spelling)."""
ORDER_NAME = "order-x.xml"
_LEVEL_NAMESPACES = (
    "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    "urn:zugferd:pdfa:CrossIndustryDocument:invoice:2p0#",
    "urn:zugferd:pdfa:CrossIndustryDocument:invoice:1p0#",
    "urn:ferd:pdfa:CrossIndustryDocument:invoice:1p0#",
)
_RDF_DESCRIPTION = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
_DEEPEST_NAME_TREE = 32
_MOST_NODES = 10_000
_STREAM_NAME = re.compile(r"\bstream <_io\.BytesIO object at 0x[0-9a-f]+>")


class RefusedError(Exception):
    """The PDF yields no invoice: ``code`` is one of ``pdf_reader.SENTENCES``."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def extract(pdf: bytes, most_xml_bytes: int) -> tuple[dict[str, Any], bytes]:
    """What ``pdf`` holds: the answer's head and the XML.

    Raises:
        RefusedError: the PDF is none, encrypted, damaged, or without an invoice.
        MemoryError: something in it unpacks beyond the memory limit.
    """
    with open_pdf(pdf) as opened:
        if opened.is_encrypted:
            raise RefusedError("pdf.encrypted")
        _refuse_repaired(opened)
        return _choose(opened, most_xml_bytes)


@contextmanager
def open_pdf(pdf: bytes) -> Iterator[pikepdf.Pdf]:
    """``pdf`` opened; what the library raises while it is looked at becomes a code.

    Raises:
        RefusedError: it is no PDF, needs a password, or is damaged.
        MemoryError: something in it unpacks beyond the memory limit.
    """
    import pikepdf  # noqa: PLC0415 # only after the limits are set

    if b"%PDF-" not in pdf[:1024]:
        raise RefusedError("pdf.not_a_pdf")
    try:
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            yield opened
    except pikepdf.PasswordError as error:
        raise RefusedError("pdf.encrypted") from error
    except RecursionError:
        raise
    except (pikepdf.PdfError, RuntimeError, ValueError, TypeError, AttributeError, LookupError) as error:
        if "bad_alloc" in str(error):
            raise MemoryError from error
        if "encryption" in str(error):  # a kind of encryption, or a broken one, that the library does not know
            raise RefusedError("pdf.encrypted") from error
        raise RefusedError("pdf.damaged", _cause(error)) from error


def _choose(opened: pikepdf.Pdf, most_xml_bytes: int) -> tuple[dict[str, Any], bytes]:
    """The invoice among the attached files: the best known name first."""
    files = list(_attached_files(opened))
    names = [name.lower() for name, _ in files]
    known = [name for name in INVOICE_NAMES if name in names]
    if not known:
        raise RefusedError("pdf.order_not_invoice" if ORDER_NAME in names else "pdf.no_invoice_inside")
    filename, specification = files[names.index(known[0])]
    xml = _content(specification)
    if len(xml) > most_xml_bytes:
        raise RefusedError("pdf.too_large")
    profile, declared = _read_metadata(opened)
    _refuse_repaired(opened)
    several = sum(name in INVOICE_NAMES for name in names) > 1
    warnings = [
        *(["pdf.several_invoices"] if several else []),
        *(["pdf.no_profile"] if profile is None else []),
        *(["pdf.other_name_declared"] if declared and declared.lower() != filename.lower() else []),
    ]
    return {"filename": filename, "bytes": len(xml), "profile": profile, "warnings": warnings}, xml


def _refuse_repaired(opened: pikepdf.Pdf) -> None:
    """A file that the library had to repair has lost something; it says so in warnings only."""
    if warnings := opened.get_warnings():
        raise RefusedError("pdf.damaged", _cause(warnings[0]))


def _cause(warning: object) -> str:
    """What the library says, without the name it gives to the stream; our own stumbling over a structure is no news."""
    if isinstance(warning, TypeError | AttributeError | LookupError):
        return "a part of it is not what it should be"
    return _STREAM_NAME.sub("", str(warning)).strip(" ,:")[:200]


def _attached_files(opened: pikepdf.Pdf) -> Iterator[tuple[str, pikepdf.Object]]:
    """Name and file specification of every attached file, each once: the name tree, then associated files (/AF)."""
    seen: set[tuple[int, int]] = set()
    names = opened.Root.get("/Names")
    tree = None if names is None else names.get("/EmbeddedFiles")
    found = [*(_name_tree(tree) if tree is not None else []), *opened.Root.get("/AF", [])]
    for specification in found:
        embedded = specification.get("/EF")
        stream = None if embedded is None else embedded.get("/F", embedded.get("/UF"))
        if stream is None or stream.objgen in seen:
            continue
        seen.add(stream.objgen)
        yield str(specification.get("/UF", specification.get("/F", ""))), stream


def _name_tree(root: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """The values of a name tree; deeper or larger than any honest tree is damage, a loop, or a bomb."""
    nodes, level = 0, [root]
    for _ in range(_DEEPEST_NAME_TREE):
        for node in level:
            yield from list(node.get("/Names", []))[1::2]
        nodes += len(level)
        kids = (kid for node in level for kid in node.get("/Kids", []))
        level = list(islice(kids, _MOST_NODES - nodes + 1))
        if not level:
            return
        if nodes + len(level) > _MOST_NODES:
            break
    raise RefusedError("pdf.damaged", "the name tree of attached files has no end")


def _content(stream: pikepdf.Object) -> bytes:
    """The decompressed content; a decompression bomb meets the memory limit."""
    return bytes(stream.read_bytes())


def _read_metadata(opened: pikepdf.Pdf) -> tuple[str | None, str | None]:
    """``ConformanceLevel`` and ``DocumentFileName`` of the XMP metadata, as elements or as attributes."""
    from config.safe_xml import UnsafeXmlError, parse  # noqa: PLC0415 # lxml too only after the limits are set

    metadata = opened.Root.get("/Metadata")
    if metadata is None:
        return None, None
    try:
        root = parse(_content(metadata).strip(b"\x00 \r\n\t"))
    except UnsafeXmlError:
        return None, None
    for namespace in _LEVEL_NAMESPACES:
        for description in root.iter(_RDF_DESCRIPTION):
            level, name = (
                description.findtext(f"{{{namespace}}}{term}") or description.get(f"{{{namespace}}}{term}")
                for term in ("ConformanceLevel", "DocumentFileName")
            )
            if level:
                return level.strip(), name.strip() if name else None
    return None, None
