"""Factur-X: the readable page and its CII in one PDF/A-3 file (Factur-X 1.09, chapter on the container).

The typesetter attaches the XML itself; what it cannot write are the Factur-X properties of the XMP metadata. They
are inserted into its plain metadata stream, and the cross-reference table is moved along. Every anchor of that
rewrite is asserted, so that an upgrade of the typesetter fails here and not at the customer's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from config.safe_xml import UnsafeXmlError, parse
from einvoice.errors import EInvoiceError
from einvoice.formats.page import DEFAULT_COLOUR, render_page

if TYPE_CHECKING:
    from einvoice.document import Document
    from einvoice.formats.page import Language

ATTACHMENT_NAME = "factur-x.xml"
NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
CONFORMANCE_LEVELS = {
    "urn:factur-x.eu:1p0:minimum": "MINIMUM",
    "urn:factur-x.eu:1p0:basicwl": "BASIC WL",
    "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic": "BASIC",
    "urn:cen.eu:en16931:2017": "EN 16931",
    "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended": "EXTENDED",
}
"""``fx:ConformanceLevel`` by BT-24. EXTENDED-CTC-FR is a profile of plain CII and UBL, not of this container."""

_PROPERTIES = {
    "DocumentFileName": "Name of the embedded XML invoice file",
    "DocumentType": "Type of the embedded document",
    "Version": "Version of the Factur-X XML schema",
    "ConformanceLevel": "Conformance level of the embedded Factur-X data",
}
_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_METADATA = re.compile(rb"<</Length (\d+)/Type/Metadata/Subtype/XML>>\nstream\n")
_TABLE = re.compile(rb"\nxref\n0 (\d+)\n((?:\d{10} \d{5} [fn] ?\r?\n)+)trailer\n")
_ENTRY_LENGTH = 20
_END = re.compile(rb"startxref\n(\d+)\n%%EOF\n?\Z")
_BAG = b"<pdfaExtension:schemas><rdf:Bag>"
_ROOT_END = b"</rdf:RDF>"


class FacturXError(EInvoiceError):
    """No Factur-X file can be made of this.

    Codes: ``facturx.unknown_profile``, ``facturx.not_cii``, ``facturx.profile_differs``, and
    ``facturx.container_changed`` when the typesetter writes another file structure than the one known here.
    """


def write_facturx(
    document: Document,
    cii: bytes,
    *,
    pay_url: str | None = None,
    logo_svg: str | None = None,
    colour: str = DEFAULT_COLOUR,
    language: Language = "fr",
) -> bytes:
    """The Factur-X file of ``document`` with ``cii`` attached; equal arguments give equal bytes.

    Raises:
        FacturXError: see its codes.
        PageError: see ``page.render_page``.
    """
    level = conformance_level(document.profile)
    _check_profile(cii, document.profile)
    page = render_page(document, pay_url=pay_url, xml=cii, logo_svg=logo_svg, colour=colour, language=language)
    return declare(page, level)


def conformance_level(profile: str) -> str:
    """``fx:ConformanceLevel`` of the profile named by BT-24.

    Raises:
        FacturXError: ``facturx.unknown_profile``.
    """
    if profile not in CONFORMANCE_LEVELS:
        raise FacturXError(
            "facturx.unknown_profile",
            f"BT-24 {profile!r} is no Factur-X profile. Send this document as plain CII or UBL, or choose one of"
            f" {', '.join(CONFORMANCE_LEVELS.values())}.",
            f"BT-24 {profile!r} n'est pas un profil Factur-X. Envoyer ce document en CII ou UBL, ou choisir l'un de"
            f" {', '.join(CONFORMANCE_LEVELS.values())}.",
        )
    return CONFORMANCE_LEVELS[profile]


def declare(pdf: bytes, level: str) -> bytes:
    """``pdf`` with the Factur-X extension schema and its four properties in the XMP metadata.

    The file ends with a line feed: without it a seal added later breaks PDF/A (ISO 19005-3, 6.1.9).

    Raises:
        FacturXError: ``facturx.container_changed``.
    """
    at, start, length = _find_metadata(pdf)
    old = pdf[start : start + length]
    if old.count(_BAG) != 1 or old.count(_ROOT_END) != 1:
        raise _changed("the XMP has no single extension schema bag and RDF root")
    new = old.replace(_BAG, _BAG + _extension_schema()).replace(_ROOT_END, _properties(level) + _ROOT_END)
    dictionary = pdf[at:start].replace(b"/Length %d/" % length, b"/Length %d/" % len(new))
    body = pdf[:at] + dictionary + new + pdf[start + length :]
    return _move_table(body, pdf, start, len(body) - len(pdf))


def _find_metadata(pdf: bytes) -> tuple[int, int, int]:
    """Where the one XMP stream object's dictionary and its content begin, and the content's length in bytes."""
    found = list(_METADATA.finditer(pdf))
    if len(found) != 1:
        raise _changed(f"{len(found)} plain metadata streams instead of one")
    start, length = found[0].end(), int(found[0][1])
    if not pdf[start + length :].lstrip(b"\r\n").startswith(b"endstream"):
        raise _changed("the metadata stream has another length than it says")
    return found[0].start(), start, length


def _move_table(body: bytes, original: bytes, metadata_at: int, growth: int) -> bytes:
    """Add ``growth`` to every offset behind the metadata, in the cross-reference table and in ``startxref``."""
    end, tables = _END.search(original), list(_TABLE.finditer(original))
    if end is None or len(tables) != 1:
        raise _changed(f"{len(tables)} cross-reference tables instead of one, or another end of file")
    table = tables[0]
    if int(end[1]) != table.start() + 1 or len(table[2]) != _ENTRY_LENGTH * int(table[1]):
        raise _changed("startxref does not point to a table of the length it says")
    entries = [table[2][at : at + _ENTRY_LENGTH] for at in range(0, len(table[2]), _ENTRY_LENGTH)]
    moved = b"".join(_move_entry(entry, original, metadata_at, growth) for entry in entries)
    first, last = table.start(2) + growth, table.end(2) + growth
    tail = b"startxref\n%d\n%%%%EOF\n" % (int(end[1]) + growth)
    return body[:first] + moved + body[last : end.start() + growth] + tail


def _move_entry(entry: bytes, original: bytes, metadata_at: int, growth: int) -> bytes:
    offset = int(entry[:10])
    if entry[17:18] != b"n":
        return entry
    if not re.match(rb"\d+ \d+ obj", original[offset : offset + 24]):
        raise _changed(f"the cross-reference table points to byte {offset}, where no object begins")
    return b"%010d" % (offset + growth if offset > metadata_at else offset) + entry[10:]


def _extension_schema() -> bytes:
    """The description of the Factur-X properties that PDF/A demands (ISO 19005-3, 6.6.2.3)."""
    rows = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        for name, meaning in _PROPERTIES.items()
    )
    return (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{rows}</rdf:Seq></pdfaSchema:property></rdf:li>"
    ).encode()


def _properties(level: str) -> bytes:
    return (
        f'<rdf:Description rdf:about="" xmlns:fx="{NAMESPACE}">'
        f"<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{ATTACHMENT_NAME}</fx:DocumentFileName>"
        f"<fx:Version>1.0</fx:Version><fx:ConformanceLevel>{escape(level)}</fx:ConformanceLevel></rdf:Description>"
    ).encode()


def _check_profile(cii: bytes, profile: str) -> None:
    """Refuse an XML that is no CII invoice, or that names another profile (BT-24) than the document."""
    try:
        root = parse(cii)
    except UnsafeXmlError as error:
        raise FacturXError(
            "facturx.not_cii", f"The XML to attach cannot be read. {error}", f"Le XML à joindre est illisible. {error}"
        ) from error
    if root.tag != f"{{{_RSM}}}CrossIndustryInvoice":
        raise FacturXError(
            "facturx.not_cii",
            f"Factur-X holds CII; the XML to attach begins with {root.tag!r}. Write the invoice as CII.",
            f"Factur-X contient du CII ; le XML à joindre commence par {root.tag!r}. Écrire la facture en CII.",
        )
    path = f"{{{_RSM}}}ExchangedDocumentContext/{{{_RAM}}}GuidelineSpecifiedDocumentContextParameter/{{{_RAM}}}ID"
    named = (root.findtext(path) or "").strip()
    if named != profile:
        raise FacturXError(
            "facturx.profile_differs",
            f"The CII names profile {named!r} and the document {profile!r}; write it again.",
            f"Le CII indique le profil {named!r} et le document {profile!r} ; l'écrire à nouveau.",
        )


def _changed(what: str) -> FacturXError:
    return FacturXError(
        "facturx.container_changed",
        f"The PDF from the typesetter is not built as expected: {what}. Pin the typst version that worked, or adapt"
        " einvoice/formats/facturx.py.",
        f"Le PDF du compositeur n'est pas construit comme attendu : {what}. Revenir à la version de typst qui"
        " convenait, ou adapter einvoice/formats/facturx.py.",
    )
