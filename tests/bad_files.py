"""Everything that somebody hands in and that is no invoice we may issue, with the code that it must get."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pikepdf
from builders import buyer, line
from hand_written_invoices import CII, UBL

if TYPE_CHECKING:
    from collections.abc import Callable


def pdf_without_xml() -> bytes:
    """A correct PDF page with nothing attached."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        out = BytesIO()
        pdf.save(out)
    return out.getvalue()


def own(*lines: dict[str, Any], **changes: Any) -> bytes:
    """Our JSON."""
    return json.dumps({"buyer": buyer(), "lines": list(lines) or [line()], **changes}, default=str).encode()


def cii(*pairs: tuple[str, str]) -> bytes:
    """The hand-written CII with replacements that must apply."""
    text = CII
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text.encode()


BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "text.txt": (lambda: b"Dear Sirs, please find attached", "file.unknown_kind"),
    "empty.xml": (lambda: b"  \n", "file.empty"),
    "picture.png": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(50), "file.unknown_kind"),
    "no-invoice.xml": (lambda: b"<html><body>Invoice</body></html>", "invoice.not_an_invoice"),
    "doctype.xml": (
        lambda: CII.replace("?>", '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', 1).encode(),
        "xml.doctype",
    ),
    "half.xml": (lambda: CII.encode()[:2000], "xml.not_well_formed"),
    "no-xml.pdf": (pdf_without_xml, "pdf.no_invoice_inside"),
    "half.pdf": (lambda: pdf_without_xml()[:200], "pdf."),
    "only-a-head.pdf": (lambda: b"%PDF-1.7\n", "pdf."),
    "wrong-total.xml": (
        lambda: cii(("<ram:GrandTotalAmount>288.00<", "<ram:GrandTotalAmount>289.00<")),
        "invoice.invalid",
    ),
    "wrong-total.ubl.xml": (lambda: UBL.replace(">288.00<", ">289.00<").encode(), "invoice.invalid"),
    "no-penalty-note.xml": (lambda: cii(("<ram:SubjectCode>PMD<", "<ram:SubjectCode>AAI<")), "invoice.invalid"),
    "decimal-comma.xml": (lambda: cii((">80.00<", ">80,00<")), "invoice."),
    "not-json.json": (lambda: b'{"buyer": ', "request.not_json"),
    "no-lines.json": (lambda: json.dumps({"buyer": buyer(), "lines": []}).encode(), "request.invalid"),
    "unknown-field.json": (lambda: own(colour="red"), "request.invalid"),
    "float-price.json": (lambda: own(line(net_price=1e400)), "request."),
    "wrong-total.json": (lambda: own(totals={"payable": "119.99"}), "invoice.wrong_total"),
    "wrong-siren.json": (lambda: own(buyer=buyer(siren="552100555")), "party.bad_siren"),
    "no-xml-character.json": (lambda: own(line(name="a\u0000b")), ""),
    "half-a-character.json": (lambda: own(line(name="a\ud800b")), ""),
    "beyond-all-money.json": (lambda: own(line(net_price="9" * 30, quantity="9" * 10)), ""),
    "a-list.json": (lambda: b"[1, 2]", "file.unknown_kind"),
    "markup-[-in-name].json": (lambda: own(buyer=buyer(siren="[/red][bold]x")), "party.bad_siren"),
}
"""By file name: how it is made, and the code (or how it begins) that refuses it."""
