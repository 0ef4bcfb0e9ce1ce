"""The layer *container*: whether a PDF carries its invoice as Factur-X wants it (Factur-X 1.08, chapter 6, BR-HYBRID).

The PDF is opened in a child process only, by readers of their own, so that files which are merely looked at never wait
in front of those that are issued. What is judged are the file's claims and its structure. That every font and colour
in it keeps to PDF/A-3 is not: the layer's reason says so (veraPDF is the judge for that).
"""

from __future__ import annotations

import atexit
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einvoice.formats.facturx import CONFORMANCE_LEVELS
from einvoice.formats.pdf_reader import PdfError, ask_readers, readers_of
from einvoice.validation import file_rules
from einvoice.validation.file_rules import file_finding
from einvoice.validation.verdict import Finding, Layer, LayerResult, Report, RuleSet, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.validation.invoice_facts import InvoiceFacts

READERS = 2
"""PDFs looked at, at once, by one of our processes."""
LEVELS = frozenset({*CONFORMANCE_LEVELS.values(), "XRECHNUNG"})
"""Values of ``fx:ConformanceLevel`` (Factur-X 1.08, 6.3.1)."""

_REASON = "Its claims and structure were judged; whether fonts, colours and tags keep to PDF/A-3 is for veraPDF to say."
_REASON_FR = (
    "Ses déclarations et sa structure ont été jugées ; la conformité PDF/A-3 des polices, des couleurs et des balises "
    "relève de veraPDF."
)
_RULE_OF_ERROR = {
    "pdf.damaged": "QT-PDF-DAMAGED",
    "pdf.not_a_pdf": "QT-PDF-DAMAGED",
    "pdf.encrypted": "QT-PDF-ENCRYPTED",
    "pdf.too_large": "QT-PDF-SIZE",
}
"""What these say about the file; any other error of the reader says something about us, and nothing about the file."""
_PRESENT_NAMES = frozenset({"factur-x.xml", "xrechnung.xml"})
_DATA_ONLY = frozenset({"MINIMUM", "BASIC WL"})
_XRECHNUNG = "#compliant#urn:xeinkauf.de:kosit:xrechnung"


@dataclass(frozen=True, slots=True)
class AttachedInvoice:
    """One invoice file in the PDF: by which ways it is reached, and what is said of it.

    ``checksum`` is whether the stated one fits, ``None`` where none is stated.
    """

    name: str
    in_tree: bool
    associated: bool
    relationship: str | None
    subtype: str | None
    dated: bool
    checksum: bool | None


@dataclass(frozen=True, slots=True)
class Container:
    """What the child saw: see ``pdf_inspection``. ``terms`` are the Factur-X properties of the XMP metadata."""

    xml: bytes
    encrypted: bool
    damage: str | None
    order: bool
    invoices: tuple[AttachedInvoice, ...]
    active: tuple[str, ...]
    xmp: str
    part: str | None
    conformance: str | None
    terms: dict[str, str | None] | None
    schemas: dict[str, str]


def look_into(pdf: bytes) -> Container:
    """What is in ``pdf``, seen by a child process.

    Raises:
        PdfError: it cannot be looked at; :func:`unreadable` makes a report of it.
    """
    told, xml = ask_readers(_READERS, pdf)
    fields: dict[str, Any] = {name: told[name] for name in told if name != "bytes"}
    invoices = tuple(AttachedInvoice(**each) for each in fields.pop("invoices"))
    return Container(xml=xml, invoices=invoices, active=tuple(fields.pop("active")), **fields)


def unreadable(error: PdfError) -> Report:
    """The report on a PDF that could not be looked at: invalid where that is the file's fault, else not checked."""
    rule = _RULE_OF_ERROR.get(error.code)
    if rule is None:
        layer = LayerResult(Layer.CONTAINER, Verdict.NOT_CHECKED, rule_set(), error.sentence, error.sentence_fr)
        return Report((layer,), ())
    finding = file_finding(rule, Layer.CONTAINER)
    return Report((LayerResult(Layer.CONTAINER, Verdict.INVALID, rule_set(), _REASON, _REASON_FR),), (finding,))


def judge_container(container: Container, invoice: InvoiceFacts | None) -> Report:
    """The layer's report; ``invoice`` is the CII inside, ``None`` where it is none or cannot be parsed."""
    findings = tuple(_findings(container, invoice))
    fatal = any(finding.severity is Severity.FATAL for finding in findings)
    outcome = Verdict.INVALID if fatal else Verdict.VALID
    return Report((LayerResult(Layer.CONTAINER, outcome, rule_set(), _REASON, _REASON_FR),), findings)


@cache
def rule_set() -> RuleSet:
    """Ourselves, identified by the digest of this file and of the rules' texts."""
    sources = [Path(__file__), Path(file_rules.__file__)]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    return RuleSet("Quittance, Factur-X 1.08 (BR-HYBRID)", "1", digest.hexdigest())


def _findings(container: Container, invoice: InvoiceFacts | None) -> Iterator[Finding]:
    if container.damage is not None:
        yield _found("QT-PDF-DAMAGED")
    if container.encrypted:
        yield _found("QT-PDF-ENCRYPTED")
    if container.active:
        yield _found("QT-PDF-ACTION", found=", ".join(each.removeprefix("/") for each in container.active))
    yield from _claim(container)
    if not container.invoices:
        yield _found("QT-PDF-ORDER" if container.order else "QT-PDF-ATTACHED")
        return
    if len(container.invoices) > 1:
        yield _found("QT-PDF-SEVERAL", found=", ".join(each.name for each in container.invoices))
    yield from _attachment(container.invoices[0], invoice)
    if container.xmp == "read":
        yield from _terms(container, invoice)


def _claim(container: Container) -> Iterator[Finding]:
    """PDF/A-3, or PDF/A-4f where the file is PDF 2.0 (BR-HYBRID-02)."""
    if container.xmp != "read":
        yield _found("QT-PDF-XMP")
        return
    stated = f"PDF/A-{container.part}{container.conformance or ''}" if container.part else "PDF"
    if container.part != "3" and stated.upper() != "PDF/A-4F":
        yield _found("QT-PDF-A", found=stated)


def _attachment(file: AttachedInvoice, invoice: InvoiceFacts | None) -> Iterator[Finding]:
    if file.name not in _PRESENT_NAMES:
        yield _found("QT-PDF-NAME", found=file.name)
    if not file.in_tree:
        yield _found("QT-PDF-TREE")
    if not file.associated:
        yield _found("QT-PDF-AF")
    yield from _relationship(file.relationship, invoice)
    if file.subtype is None:
        yield _found("QT-PDF-MIME")
    elif file.subtype != "text/xml":
        yield _found("QT-PDF-MIME-KIND", found=file.subtype)
    if not file.dated:
        yield _found("QT-PDF-DATE")
    if file.checksum is False:
        yield _found("QT-PDF-CHECKSUM")


def _relationship(stated: str | None, invoice: InvoiceFacts | None) -> Iterator[Finding]:
    """The table of Factur-X 6.2.2; between French parties the platforms expect Alternative or Source."""
    if stated is None:
        yield _found("QT-PDF-RELATION")
        return
    if invoice is None:
        expected: tuple[str, ...] = ("Alternative", "Source", "Data")
    elif level_of(invoice) in _DATA_ONLY:
        expected = ("Data",)
    else:
        expected = ("Alternative", "Source") if invoice.between_french_parties else ("Alternative", "Source", "Data")
    if stated not in expected:
        yield _found(
            "QT-PDF-RELATION-KIND", found=stated, expected=" or ".join(expected), expected_fr=" ou ".join(expected)
        )


def _terms(container: Container, invoice: InvoiceFacts | None) -> Iterator[Finding]:
    """The Factur-X properties of the metadata, and their description."""
    terms = container.terms or {}
    missing = [f"fx:{name}" for name in ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel")
               if not terms.get(name)]  # fmt: skip
    if missing:
        yield _found("QT-PDF-FX", found=", ".join(missing))
    namespace = terms.get("namespace")
    if namespace and namespace not in container.schemas:
        yield _found("QT-PDF-EXTENSION")
    kind, name = terms.get("DocumentType"), terms.get("DocumentFileName")
    if kind and kind != "INVOICE":
        yield _found("QT-PDF-TYPE", found=kind)
    if name and name != container.invoices[0].name:
        yield _found("QT-PDF-DECLARED-NAME", found=name)
    yield from _versions(terms, invoice)


def _versions(terms: dict[str, str | None], invoice: InvoiceFacts | None) -> Iterator[Finding]:
    version, level = terms.get("Version"), terms.get("ConformanceLevel")
    # XRECHNUNG states the version of the data instead (Factur-X 1.08, chapter 7.7)
    if version and version != "1.0" and level != "XRECHNUNG":
        yield _found("QT-PDF-VERSION", found=version)
    if level and level not in LEVELS:
        yield _found("QT-PDF-LEVEL", found=level)
    if invoice is None:
        return
    stated = level_of(invoice)
    if level in LEVELS and stated is not None and level != stated:
        yield _found("QT-PDF-LEVEL-DIFFERS", found=str(level), expected=stated, expected_fr=stated)
    if "XRECHNUNG" in {level, stated} and invoice.between_french_parties:
        yield _found("QT-PDF-XRECHNUNG")


def level_of(invoice: InvoiceFacts) -> str | None:
    """``fx:ConformanceLevel`` that BT-24 stands for, or ``None`` where Factur-X has no word for it."""
    specification = invoice.specification or ""
    return "XRECHNUNG" if _XRECHNUNG in specification else CONFORMANCE_LEVELS.get(specification)


def _found(rule: str, found: str = "", expected: str = "", expected_fr: str = "") -> Finding:
    return file_finding(rule, Layer.CONTAINER, found=found, expected=expected, expected_fr=expected_fr)


_READERS = readers_of("einvoice.formats.pdf_inspection", READERS)
atexit.register(_READERS.close)
