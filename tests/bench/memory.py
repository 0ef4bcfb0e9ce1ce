"""Memory of one process that makes invoice after invoice, and of its Schematron worker: it must stay flat.

    PYTHONPATH=tests N=10000 python -m bench.memory

Each invoice is built, written, judged, typeset and put into its container, with its own number, customer and amounts.
The resident memory is read every tenth of the run; the slope is that of the second half (least squares), because the
first one fills caches: compiled stylesheets, fonts, the allocator's pools.
"""

from __future__ import annotations

import os
import sys
import time
from decimal import Decimal

import psutil
from builders import TODAY, buyer, line, request, seller

from einvoice.composing.build import build_document
from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import write_facturx
from einvoice.validation.check import Validator
from einvoice.validation.schematron import RECYCLE_AFTER, SchematronEngine
from einvoice.validation.verdict import Verdict

N = int(os.environ.get("N", "300"))
LOOKS = int(os.environ.get("LOOKS", "10"))
WARM = 20


def make(number: int, validator: Validator) -> int:
    """One invoice from facts to file; returns the file's bytes."""
    lines = [line(name=f"Prestation {number}.{each}", quantity=Decimal(1 + each)) for each in range(1 + number % 5)]
    asked = request(*lines, buyer=buyer(name=f"Client {number} SAS"), buyer_reference=f"BC-{number}")
    document = build_document(asked, seller(), f"F2026-{number:06d}", TODAY)
    cii = write_cii(document)
    report = validator.check_invoice(cii)
    assert report.verdict is Verdict.VALID, report
    return len(write_facturx(document, cii, pay_url=f"https://payer.example/p/{number}"))


def slope_of(points: list[tuple[int, int]]) -> float:
    """Bytes per thousand invoices, by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 1000 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def main() -> int:
    """Make the invoices and print what was resident when."""
    process = psutil.Process()
    own: list[tuple[int, int]] = []
    worker: list[tuple[int, int]] = []
    began = time.process_time()
    print(f"{'invoices':>9}{'process MiB':>13}{'worker MiB':>12}{'ms CPU each':>13}", flush=True)
    with SchematronEngine() as engine:
        validator = Validator(engine)
        for number in range(WARM):
            make(number, validator)
        for number in range(1, N + 1):
            make(number, validator)
            if number % max(1, N // LOOKS) == 0:
                pid = engine.worker_pid
                own.append((number, process.memory_info().rss))
                worker.append((number, psutil.Process(pid).memory_info().rss if pid else 0))
                each = 1000 * (time.process_time() - began) / (number + WARM)
                print(f"{number:9}{own[-1][1] / 2**20:13.1f}{worker[-1][1] / 2**20:12.1f}{each:13.1f}", flush=True)
    for name, points in (("process", own), ("worker", worker)):
        half = points[len(points) // 2 :]
        late, whole = slope_of(half), slope_of(points)
        print(f"{name}: {late:+,.0f} bytes per thousand invoices in the second half, {whole:+,.0f} in all")
    print(f"(the worker is renewed every {RECYCLE_AFTER} checks)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
