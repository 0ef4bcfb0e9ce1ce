"""The files that are mutated: invoices of every kind that we write, pages with them inside, and samples of others."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from builders import credit_note, deposit, document, line
from hand_written_invoices import CII, UBL
from page_documents import PAY_URL, an_invoice, kinds_of_page

from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import write_facturx
from einvoice.formats.ubl import write_ubl

SHARED = Path(os.environ.get("QUITTANCE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
LARGEST_BYTES = 60_000
"""Samples beyond are left out: mutating 300 lines finds nothing that three lines do not, and takes a hundred times."""


@dataclass(frozen=True)
class Corpus:
    """Files by kind, each with its name; the order is stable, so that a seed tells the input."""

    xml: tuple[tuple[str, bytes], ...]
    pdf: tuple[tuple[str, bytes], ...]


def gather(*, with_samples: bool = True) -> Corpus:
    """Every file to mutate."""
    xml, pdf = _own_xml(), _own_pdf()
    if with_samples:
        xml += _samples(("samples/cii", "samples/ubl", "samples/refused", "samples/cdar"), "*.xml")
        pdf += _samples(("samples/facturx", "samples/refused"), "*.pdf")
    return Corpus(tuple(xml), tuple(pdf))


def _own_xml() -> list[tuple[str, bytes]]:
    documents = {
        "one line": document(),
        "two rates": document(line(), line(name="Lampe", vat_rate="5.5", net_price="19.90")),
        "credit note": credit_note(),
        "deposit": deposit(),
        **{name: kind for name, (kind, _) in kinds_of_page().items() if len(kind.lines) < 10},
    }
    found = [("hand-written.cii", CII.encode()), ("hand-written.ubl", UBL.encode())]
    for name, each in documents.items():
        found += [(f"{name}.cii", write_cii(each)), (f"{name}.ubl", write_ubl(each))]
    return found


def _own_pdf() -> list[tuple[str, bytes]]:
    page = an_invoice(1)
    cii = write_cii(page)
    return [
        ("ours.pdf", write_facturx(page, cii, pay_url=PAY_URL)),
        ("bare.pdf", bare_pdf({"factur-x.xml": cii})),
        ("two.pdf", bare_pdf({"factur-x.xml": cii, "xrechnung.xml": write_ubl(page), "plan.csv": b"a;b"})),
        ("packed.pdf", bare_pdf({"zugferd-invoice.xml": cii}, object_stream_mode=pikepdf.ObjectStreamMode.generate)),
        ("linear.pdf", bare_pdf({"factur-x.xml": CII.encode()}, linearize=True)),
    ]


def bare_pdf(files: dict[str, bytes], **saving: object) -> bytes:
    """A blank page with ``files`` attached."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    for name, content in files.items():
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)  # type: ignore[call-arg]
    output = io.BytesIO()
    pdf.save(output, static_id=True, **saving)  # type: ignore[arg-type]
    return output.getvalue()


def _samples(folders: tuple[str, ...], pattern: str) -> list[tuple[str, bytes]]:
    paths = sorted(path for folder in folders for path in (SHARED / folder).glob(pattern))
    return [(path.name, path.read_bytes()) for path in paths if path.stat().st_size <= LARGEST_BYTES]
