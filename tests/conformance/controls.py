"""Planted faults: one file per judge that it must refuse, or its silence about the others would prove nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.invoices import TODAY, case
from conformance.making import URL

from einvoice.composing.build import with_payment_link
from einvoice.formats.facturx import write_facturx
from einvoice.intake import prepare_own
from einvoice.rendering import write_xml

if TYPE_CHECKING:
    from pathlib import Path

    from einvoice.document import Document
    from einvoice.formats.profiles import Form
    from einvoice.validation.check import Validator

_TOTAL = {
    "cii": ("GrandTotalAmount>120.00", "GrandTotalAmount>121.00"),
    "facturx": ("GrandTotalAmount>120.00", "GrandTotalAmount>121.00"),
    "ubl": ('TaxInclusiveAmount currencyID="EUR">120.00', 'TaxInclusiveAmount currencyID="EUR">121.00'),
}
_NOTE = {"cii": ("<ram:SubjectCode>PMT<", "<ram:SubjectCode>AAI<"), "ubl": ("#PMT#", "#AAI#")}


@dataclass(frozen=True)
class Control:
    """A wrong file and the beginning of the error that the judge must name."""

    path: Path
    error: str


def plant_controls(folder: Path, validator: Validator) -> dict[str, Control]:
    """One wrong file by the kind of judge that must find it."""
    plain = case("control")
    request = json.dumps(plain.request, default=str).encode()
    document = prepare_own(request, plain.by, validator, TODAY).document
    xml = write_xml(document, None, "facturx", URL)
    pdf, wrong = (
        write_facturx(with_payment_link(document, URL), each, pay_url=URL)
        for each in (xml, _changed_xml(document, "facturx", _TOTAL))
    )
    no_prefix = _changed(
        pdf, b"<pdfaSchema:prefix>fx</pdfaSchema:prefix>", b"<pdfaSchema:prefiy>fx</pdfaSchema:prefiy>"
    )
    files = {
        "PDF/A": (no_prefix, "pdf", "3"),
        "PDF/UA": (_changed(pdf, b"pdfuaid:part>1<", b"pdfuaid:part>7<"), "pdf", "ua1"),
        "Mustang": (wrong, "pdf", "BR-CO-15"),
        "EN 16931 CII": (_changed_xml(document, "cii", _TOTAL), "xml", "BR-CO-15"),
        "EN 16931 UBL": (_changed_xml(document, "ubl", _TOTAL), "xml", "BR-CO-15"),
        "EXTENDED-CTC-FR CII": (_changed_xml(document, "cii", _TOTAL), "xml", "BR-FREXT-CO-15"),
        "EXTENDED-CTC-FR UBL": (_changed_xml(document, "ubl", _TOTAL), "xml", "BR-FREXT-CO-15"),
        "BR-FR Flux 2 CII": (_changed_xml(document, "cii", _NOTE), "xml", "BR-FR-05"),
        "BR-FR Flux 2 UBL": (_changed_xml(document, "ubl", _NOTE), "xml", "BR-FR-05"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    controls = {}
    for name, (content, suffix, error) in files.items():
        path = folder / f"control-{name.replace('/', '').replace(' ', '-')}.{suffix}"
        path.write_bytes(content)
        controls[name] = Control(path, error)
    return controls


def _changed_xml(document: Document, form: Form, change: dict[str, tuple[str, str]]) -> bytes:
    old, new = change[form]
    return _changed(write_xml(document, None, form, URL), old.encode(), new.encode())


def _changed(content: bytes, old: bytes, new: bytes) -> bytes:
    if old not in content:
        raise AssertionError(f"The fault cannot be planted: {old!r} is not in the file.")
    return content.replace(old, new)
