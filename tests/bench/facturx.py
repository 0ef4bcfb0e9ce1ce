"""Milliseconds of one Factur-X by step, against the pipeline that everybody builds first, in one interleaved run.

    PYTHONPATH=tests ROUNDS=20 PER=10 python -m bench.facturx

Ours: build the document, write CII, judge it (XSD, EN 16931, BR-FR, rules of the house), typeset PDF/A-3A and PDF/UA-1,
embed. The other: WeasyPrint prints an HTML page with the same words and codes as PDF/A-3B, ``facturx`` embeds the same
CII by ``generate_from_binary`` with its defaults, and the two Schematron sets are compiled and run for each invoice:
once by a fresh Saxon processor in the process that is there, once in a fresh process.

CPU is that of this process, of the Schematron worker (read from the scheduler) and of ended children. WeasyPrint is no
part of the product: ``.venv/bin/uv pip install weasyprint`` installs it, and without it only our half is measured.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import one_shot
from builders import TODAY, line, request, seller

from einvoice.composing.build import build_document
from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import conformance_level, declare
from einvoice.formats.page import render_page
from einvoice.formats.page_qr import draw_link, draw_transfer
from einvoice.formats.page_view import describe
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.standards import Demand, Kind, Standards, Syntax
from einvoice.validation.verdict import Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Document

ROUNDS = int(os.environ.get("ROUNDS", "20"))
PER = int(os.environ.get("PER", "10"))
"""Of ours for one of theirs."""
LINES = [line(), line(name="Lampe", vat_rate="5.5", net_price="19.90"), line(name="Visite", net_price="80.00")]
PAY_URL = "https://payer.example/p/8Jq2vZ0cTn5yWk3RfHs6"
TOTAL = "one Factur-X"
PAGE = "page and container"
IN_PROCESS = "Schematron: fresh processor, compile, run"
FRESH = "Schematron: fresh process, compile, run"


def cpu_of(pid: int) -> float:
    """CPU seconds of all threads of a process, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@dataclass
class Meter:
    """Wall and CPU milliseconds of every step of every invoice."""

    engine: SchematronEngine
    wall: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def cpu_s(self) -> float:
        workers = sum(cpu_of(pid) for pid in self.engine.worker_pids)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + workers + ended.ru_utime + ended.ru_stime

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began, used = time.perf_counter(), self.cpu_s()
        yield
        self.cpu[name].append(1000 * (self.cpu_s() - used))
        self.wall[name].append(1000 * (time.perf_counter() - began))

    def forget(self) -> None:
        """After the warm-up."""
        self.wall.clear()
        self.cpu.clear()


class MeteredValidator(Validator):
    """The product's validator, with a watch on every layer."""

    def __init__(self, engine: SchematronEngine, meter: Meter) -> None:
        super().__init__(engine)
        self.meter = meter

    def _run_one(self, demand: Demand, document: Any) -> Report:
        with self.meter.step(f"  {demand.kind.name} {demand.layer}: {demand.name}"):
            return super()._run_one(demand, document)


def ours(number: int, validator: MeteredValidator) -> bytes:
    """One Factur-X of ours."""
    meter = validator.meter
    with meter.step(TOTAL):
        with meter.step("build the document"):
            document = build_document(request(*LINES), seller(), f"F2026-{number:05d}", TODAY)
        with meter.step("write CII"):
            cii = write_cii(document)
        with meter.step("judge"):
            report = validator.check_invoice(cii)
        assert report.verdict is Verdict.VALID, report.fatal
        with meter.step("typeset PDF/A-3A, PDF/UA-1 with the XML"):
            page = render_page(document, pay_url=PAY_URL, xml=cii)
        with meter.step("declare Factur-X in the container"):
            return declare(page, conformance_level(document.profile))


# -- the other pipeline --------------------------------------------------------------------------------------------


STYLE = (
    "@page{size:A4;margin:2cm}body{font-family:'Source Sans Pro',sans-serif;font-size:9pt}"
    "table{width:100%;border-collapse:collapse}td{border-bottom:1px solid #ccc;padding:4px}svg,img{width:3cm}"
)


def html_page(document: Document) -> str:
    """Every word and both QR codes of our page, in plain tables."""
    view = describe(document, PAY_URL, "fr")
    codes = [draw_link(PAY_URL), draw_transfer(document)]
    pictures = "".join(
        f'<img alt="QR" src="data:image/svg+xml;base64,{base64.b64encode(each.encode()).decode()}">'
        for each in codes
        if each
    )
    return (
        f"<html lang=fr><head><title>Facture {document.number}</title><style>{STYLE}</style></head><body>"
        f"<h1>Facture {document.number}</h1>{as_html(view)}{pictures}</body></html>"
    )


def as_html(part: Any) -> str:
    """Texts as paragraphs, rows of texts as rows of a table."""
    if isinstance(part, dict):
        return "".join(as_html(each) for each in part.values())
    if isinstance(part, list):
        if part and all(isinstance(each, list) and all(isinstance(c, str) for c in each) for each in part):
            rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in part)
            return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
        return "".join(as_html(each) for each in part)
    return f"<p>{html.escape(str(part))}</p>" if part else ""


def theirs(document: Document, cii: bytes, stylesheets: list[str], meter: Meter) -> bytes:
    """One Factur-X of the other pipeline; the judgement is measured in both ways, outside the sum."""
    import facturx  # noqa: PLC0415 - loaded only where it is compared with
    import weasyprint  # noqa: PLC0415 - same: no part of the product

    with meter.step(PAGE):
        with meter.step("WeasyPrint"):
            page: bytes = weasyprint.HTML(string=html_page(document)).write_pdf(pdf_variant="pdf/a-3b")
        with meter.step("facturx.generate_from_binary"):
            file: bytes = facturx.generate_from_binary(page, cii)
    with meter.step(IN_PROCESS):
        one_shot.judge(cii, stylesheets)
    with meter.step(FRESH):
        command = [sys.executable, one_shot.__file__, *stylesheets]
        subprocess.run(command, input=cii, check=True)
    return file


# -- the table -----------------------------------------------------------------------------------------------------


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def show(title: str, meter: Meter) -> None:
    print(f"\n{title}: {len(next(iter(meter.wall.values())))} invoices of {len(LINES)} lines")
    print(f"{'step':60}{'wall p50':>10}{'p99':>10}{'CPU p50':>10}{'p99':>10}  ms")
    for name, wall in meter.wall.items():
        cpu = meter.cpu[name]
        cells = (quantile(wall, 0.5), quantile(wall, 0.99), quantile(cpu, 0.5), quantile(cpu, 0.99))
        print(f"{name[:59]:60}" + "".join(f"{each:10.2f}" for each in cells))


def stylesheets_of(standards: Standards) -> list[str]:
    """What the French check of a CII runs."""
    demands = standards.demanded(Syntax.CII, french=True)
    return [str(standards.artefact(each).path) for each in demands if each.kind is Kind.XSLT]


def show_ratios(own: Meter, other: Meter) -> None:
    """Ours against theirs, with the judgement in the process that is there or in one of its own."""
    for name in (IN_PROCESS, FRESH):
        for what, mine, his in (("wall", own.wall, other.wall), ("CPU", own.cpu, other.cpu)):
            sums = [page + judged for page, judged in zip(his[PAGE], his[name], strict=True)]
            p50, p99 = (quantile(sums, share) / quantile(mine[TOTAL], share) for share in (0.5, 0.99))
            middle = quantile(sums, 0.5)
            print(f"{name}: {middle:.0f} ms {what} in all; ours is {p50:.1f} times as fast at p50, {p99:.1f} at p99")


def main() -> int:
    """Measure both in turn and print the tables and the ratios."""
    compared = importlib.util.find_spec("weasyprint") is not None
    with SchematronEngine() as engine, SchematronEngine() as nobody:
        own, other = Meter(engine), Meter(nobody)
        validator = MeteredValidator(engine, own)
        document = build_document(request(*LINES), seller(), "F2026-00000", TODAY)
        cii, stylesheets = write_cii(document), stylesheets_of(Standards())

        def round_of(number: int) -> None:
            for each in range(PER):
                ours(number * PER + each, validator)
            if compared:
                theirs(document, cii, stylesheets, other)

        round_of(0)
        own.forget()
        other.forget()
        for number in range(1, ROUNDS + 1):
            round_of(number)
    show("ours", own)
    print(f"{1000 / quantile(own.cpu[TOTAL], 0.5):.0f} Factur-X per second and core, judged once in one syntax")
    if not compared:
        print("\nWeasyPrint is not installed (.venv/bin/uv pip install weasyprint): nothing to compare with.")
        return 0
    show("WeasyPrint, factur-x, one-shot Schematron", other)
    show_ratios(own, other)
    return 0


if __name__ == "__main__":
    sys.exit(main())
