"""What the child of a ``pdf_reader_server`` tells of a whole Factur-X container from outside: facts, and the XML.

Never called in a process that has anything to lose. It judges nothing: ``einvoice.validation.container`` does.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from einvoice.formats import pdf_reader_server
from einvoice.formats.pdf_reader_child import (
    _LEVEL_NAMESPACES,
    _RDF_DESCRIPTION,
    INVOICE_NAMES,
    ORDER_NAME,
    RefusedError,
    _cause,
    _content,
    _name_tree,
    open_pdf,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf
    from lxml import etree

_PDFA = "{http://www.aiim.org/pdfa/ns/id/}"
_SCHEMA = "{http://www.aiim.org/pdfa/ns/schema#}"
_RDF_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_TERMS = ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel")
_ACTIVE = frozenset({"/JavaScript", "/Launch"})
"""Actions that run something (ISO 19005-3, 6.5.1 forbids them and others)."""
_DEEPEST_ACTION = 16
_MOST_FILES = 200
"""Attached files looked at: far more than an invoice has."""
_MOST_CHARACTERS = 200


def inspect(pdf: bytes, most_xml_bytes: int) -> tuple[dict[str, Any], bytes]:
    """The facts of ``pdf`` and its invoice XML, empty where there is none.

    Raises:
        RefusedError: it cannot be looked at: no PDF, a password, damage from the start, an XML too large.
        MemoryError: something in it unpacks beyond the memory limit.
    """
    with open_pdf(pdf) as opened:
        if damage := opened.get_warnings():
            raise RefusedError("pdf.damaged", _cause(damage[0]))
        files = list(_attached_files(opened))
        invoices = [each for each in files if each["name"].lower() in INVOICE_NAMES]
        invoices.sort(key=lambda each: INVOICE_NAMES.index(each["name"].lower()))
        xml = _content(invoices[0]["stream"]) if invoices else b""
        if len(xml) > most_xml_bytes:
            raise RefusedError("pdf.too_large")
        facts = {
            "bytes": len(xml),
            "encrypted": opened.is_encrypted,
            "order": any(each["name"].lower() == ORDER_NAME for each in files),
            "invoices": [_facts_of_file(each) for each in invoices],
            "active": sorted(set(_active_content(opened))),
            **_metadata(opened),
        }
        late = opened.get_warnings()  # objects are read only when they are looked at
        return {**facts, "damage": _cause(late[0]) if late else None}, xml


def _attached_files(opened: pikepdf.Pdf) -> Iterator[dict[str, Any]]:
    """Every attached file once, and by which of the two ways it is reached."""
    names = opened.Root.get("/Names")
    tree = None if names is None else names.get("/EmbeddedFiles")
    in_tree = list(_name_tree(tree)) if tree is not None else []
    associated = list(opened.Root.get("/AF", []))
    seen: dict[Any, dict[str, Any]] = {}
    for way, specifications in (("in_tree", in_tree), ("associated", associated)):
        for specification in specifications[:_MOST_FILES]:
            embedded = specification.get("/EF")
            stream = None if embedded is None else embedded.get("/F", embedded.get("/UF"))
            if stream is None:
                continue
            name = str(specification.get("/UF", specification.get("/F", "")))[:_MOST_CHARACTERS]
            found = seen.setdefault(
                stream.objgen,
                {"name": name, "specification": specification, "stream": stream, "in_tree": False, "associated": False},
            )
            found[way] = True
    yield from seen.values()


def _facts_of_file(file: dict[str, Any]) -> dict[str, Any]:
    parameters = file["stream"].get("/Params", {})
    stated = parameters.get("/CheckSum")
    # MD5 is what ISO 32000-1, table 46 asks for; it proves nothing against ill will.
    own = hashlib.md5(_content(file["stream"]), usedforsecurity=False).digest()
    return {
        "name": file["name"],
        "in_tree": file["in_tree"],
        "associated": file["associated"],
        "relationship": _name(file["specification"].get("/AFRelationship")),
        "subtype": _name(file["stream"].get("/Subtype")),
        "dated": "/ModDate" in parameters,
        # sixteen bytes, which some write as hexadecimal text (all of the forum's own samples)
        "checksum": None if stated is None else bytes(stated) == own or bytes(stated).lower() == own.hex().encode(),
    }


def _name(value: Any) -> str | None:
    return None if value is None else str(value).removeprefix("/")[:_MOST_CHARACTERS]


def _active_content(opened: pikepdf.Pdf) -> Iterator[str]:
    """The kinds of forbidden actions anywhere in the file."""
    names = opened.Root.get("/Names")
    if names is not None and "/JavaScript" in names:
        yield "/JavaScript"
    for thing in opened.objects:
        yield from _actions_of(thing, _DEEPEST_ACTION)


def _actions_of(thing: Any, depth: int) -> Iterator[str]:
    import pikepdf  # noqa: PLC0415 # only after the limits are set

    if isinstance(thing, pikepdf.Array):
        for each in list(thing)[:_MOST_FILES] if depth < _DEEPEST_ACTION else ():
            yield from _actions_of(each, depth - 1)
        return
    if depth <= 0 or not isinstance(thing, pikepdf.Dictionary):
        return
    kind = thing.get("/S")
    if isinstance(kind, pikepdf.Name) and str(kind) in _ACTIVE:
        yield str(kind)
    for key in ("/A", "/OpenAction", "/Next"):
        inner = thing.get(key)
        if inner is not None and not inner.is_indirect:  # an indirect one is met by itself
            yield from _actions_of(inner, depth - 1)
    triggers = thing.get("/AA")
    if isinstance(triggers, pikepdf.Dictionary):
        for inner in triggers.values():
            yield from _actions_of(inner, depth - 1)


def _metadata(opened: pikepdf.Pdf) -> dict[str, Any]:
    """What the XMP metadata claim: PDF/A part and conformance, the Factur-X terms, the extension schemas."""
    from config.safe_xml import UnsafeXmlError, parse  # noqa: PLC0415 # lxml too only after the limits are set

    nothing: dict[str, Any] = {"xmp": "absent", "part": None, "conformance": None, "terms": None, "schemas": {}}
    metadata = opened.Root.get("/Metadata")
    if metadata is None:
        return nothing
    try:
        root = parse(_content(metadata).strip(b"\x00 \r\n\t"))
    except UnsafeXmlError:
        return nothing | {"xmp": "unreadable"}
    return {
        "xmp": "read",
        "part": _value(root, f"{_PDFA}part"),
        "conformance": _value(root, f"{_PDFA}conformance"),
        "terms": _terms(root),
        "schemas": dict(_schemas(root)),
    }


def _terms(root: etree._Element) -> dict[str, str | None] | None:
    for namespace in _LEVEL_NAMESPACES:
        terms = {term: _value(root, f"{{{namespace}}}{term}") for term in _TERMS}
        if any(terms.values()):
            return terms | {"namespace": namespace}
    return None


def _value(root: etree._Element, name: str) -> str | None:
    """A property of the document, written as an element or as an attribute."""
    for description in root.iter(_RDF_DESCRIPTION):
        value = description.findtext(name) or description.get(name)
        if value and value.strip():
            return value.strip()[:_MOST_CHARACTERS]
    return None


def _schemas(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Namespace and prefix of every extension schema that is described (ISO 19005-3, 6.6.2.3)."""
    for item in (*root.iter(_RDF_ITEM), *root.iter(_RDF_DESCRIPTION)):
        uri = item.findtext(f"{_SCHEMA}namespaceURI") or item.get(f"{_SCHEMA}namespaceURI")
        if uri:
            prefix = item.findtext(f"{_SCHEMA}prefix") or item.get(f"{_SCHEMA}prefix") or ""
            yield uri.strip()[:_MOST_CHARACTERS], prefix.strip()[:_MOST_CHARACTERS]


if __name__ == "__main__":
    timeout_s = int(sys.argv[2]) / 1000
    with suppress(BrokenPipeError):  # nobody is left to answer
        pdf_reader_server.main(int(sys.argv[1]), timeout_s, inspect)
