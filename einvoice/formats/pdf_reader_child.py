"""The process that opens a PDF from outside: PDF on standard input, one line of JSON and the XML on standard output.

Run by ``pdf_reader`` only. It sets its own limits before it loads the PDF library.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

CPU_LIMIT_S = 5
"""Processor time, in seconds: hundreds of times what an honest invoice takes."""
MEMORY_LIMIT_BYTES = 1024**3
"""Address space, in bytes: the interpreter and libraries map some 200 MiB, the rest is for the file."""
OPEN_FILES_LIMIT = 32
"""The interpreter's imports need a few at a time."""

INVOICE_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""Names by preference, compared without case (``ZUGFeRD-invoice.xml`` is ZUGFeRD 1's spelling)."""
ORDER_NAME = "order-x.xml"
_LEVEL_NAMESPACES = (
    "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    "urn:zugferd:pdfa:CrossIndustryDocument:invoice:2p0#",
    "urn:ferd:pdfa:CrossIndustryDocument:invoice:1p0#",
)
_RDF_DESCRIPTION = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
_DEEPEST_NAME_TREE = 32


class RefusedError(Exception):
    """The PDF yields no invoice: ``code`` is one of ``pdf_reader.SENTENCES``."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def main() -> None:
    """Read, answer, and turn every expected failure into its code."""
    _limit()
    try:
        head, xml = extract(sys.stdin.buffer.read(), int(sys.argv[1]))
    except RefusedError as refused:
        head, xml = {"code": refused.code, "detail": refused.detail}, b""
    except (MemoryError, RecursionError):
        head, xml = {"code": "pdf.reader_failed", "detail": "memory"}, b""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + xml)


def extract(pdf: bytes, most_xml_bytes: int) -> tuple[dict[str, Any], bytes]:
    """What ``pdf`` holds: the answer's head and the XML.

    Raises:
        RefusedError: the PDF is none, encrypted, damaged, or without an invoice.
        MemoryError: something in it unpacks beyond the memory limit.
    """
    import pikepdf  # noqa: PLC0415 # only after the limits are set

    if b"%PDF-" not in pdf[:1024]:
        raise RefusedError("pdf.not_a_pdf")
    try:
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            if opened.is_encrypted:
                raise RefusedError("pdf.encrypted")
            _refuse_repaired(opened)
            return _choose(opened, most_xml_bytes)
    except pikepdf.PasswordError as error:
        raise RefusedError("pdf.encrypted") from error
    except (pikepdf.PdfError, ValueError, TypeError, AttributeError, KeyError) as error:
        if "bad_alloc" in str(error):
            raise MemoryError from error
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
    """What the library says, without the name it gives to the stream."""
    return str(warning).rpartition(">: ")[2].strip()[:200]


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


def _name_tree(node: pikepdf.Object, depth: int = 0) -> Iterator[pikepdf.Object]:
    """The values of a name tree; deeper than any honest tree is damage, or a loop."""
    if depth > _DEEPEST_NAME_TREE:
        raise RefusedError("pdf.damaged", "the name tree of attached files has no end")
    names = list(node.get("/Names", []))
    yield from names[1::2]
    for kid in node.get("/Kids", []):
        yield from _name_tree(kid, depth + 1)


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


def _limit() -> None:
    """Bound time, memory and files; nothing is written to disk and no core is dumped."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_LIMIT_S),
        (resource.RLIMIT_AS, MEMORY_LIMIT_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_LIMIT),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


if __name__ == "__main__":
    main()
