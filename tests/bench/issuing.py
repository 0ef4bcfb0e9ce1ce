"""CPU of one issued Factur-X, and which step takes how much: reading, building, judging, numbering, typesetting.

    PYTHONPATH=tests N=40 python -m bench.issuing

CPU milliseconds per invoice of this process and of the child that judges (Schematron); PostgreSQL is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from builders import SELLER_SIREN, buyer, line, seller
from chaos.cluster import temporary_cluster

from config.settings import Settings
from einvoice import intake, production
from einvoice.archive import Archive
from einvoice.validation.check import Validator
from portal.documents import issuing
from portal.documents.issuing import IssueOptions, issue_content, save_profile
from portal.wiring import Services, build_services
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

N = int(os.environ.get("N", "40"))
NUMBERING = "number and book"
WARM = 5
"""Invoices before the count: stylesheets are compiled at first use."""


class Meter:
    """CPU seconds of this process and its children, per step; a step inside another is not counted twice."""

    def __init__(self) -> None:
        self.used_s: dict[str, float] = defaultdict(float)
        self.phase = "before numbering"
        self._inside: list[float] = []
        self._judge: psutil.Process | None = None

    def now_s(self) -> float:
        """CPU of this process and of the judge; looked up once, because the search itself costs milliseconds."""
        if self._judge is None or not self._judge.is_running():
            found = [each for each in psutil.Process().children() if "schematron" in " ".join(each.cmdline())]
            self._judge = found[0] if found else None
        judging = sum(self._judge.cpu_times()[:2]) if self._judge else 0.0
        return time.process_time() + judging

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count what is used inside under ``name``."""
        began = self.now_s()
        self._inside.append(0.0)
        try:
            yield
        finally:
            used = self.now_s() - began
            self.used_s[name] += used - self._inside.pop()
            if self._inside:
                self._inside[-1] += used

    def watch(self, owner: ModuleType | type, name: str, step: str) -> None:
        """Count every call of ``owner.name``; ``{phase}`` in ``step`` says whether the number was given."""
        call: Callable[..., Any] = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            with self.step(step.format(phase=self.phase)):
                answer = call(*arguments, **named)
            if step == NUMBERING:
                self.phase = "after numbering"
            return answer

        setattr(owner, name, watched)


def watch_steps(meter: Meter) -> None:
    """Put the meter around the steps that issuing goes through."""
    meter.watch(intake, "parse_request", "read and build")
    meter.watch(issuing, "parse_request", "read and build")
    meter.watch(intake, "build_document", "read and build")
    meter.watch(intake, "write_xml", "write CII and UBL {phase}")
    meter.watch(production, "write_xml", "write CII and UBL {phase}")
    meter.watch(Validator, "check_invoice", "judge {phase} (XSD, Schematron)")
    meter.watch(issuing, "issue_prepared", NUMBERING)
    meter.watch(production, "write_facturx", "typeset PDF/A-3 and embed")
    meter.watch(Archive, "put", "archive")


def content(number: int) -> bytes:
    """Our JSON for an invoice of three lines at two rates."""
    lines = [line(), line(name="Lampe", vat_rate="5.5", net_price="19.90"), line(name="Visite", net_price="80.00")]
    return json.dumps({"buyer": buyer(), "lines": lines, "buyer_reference": f"BC-{number}"}, default=str).encode()


def issue_all(services: Services, meter: Meter) -> float:
    """Issue ``WARM`` invoices, then ``N`` that count; returns their CPU seconds."""
    supplier = create_supplier(services.database, SELLER_SIREN, "Atelier Lumière SARL")
    with services.works.begin(supplier.supplier_id) as work:
        save_profile(work, seller())
    began = 0.0
    for number in range(WARM + N):
        if number == WARM:
            meter.used_s.clear()
            began = meter.now_s()
        meter.phase = "before numbering"
        issue_content(services, content(number), f"{number}.json", IssueOptions(supplier=SELLER_SIREN))
    return meter.now_s() - began


def main() -> int:
    """Measure and print the table."""
    meter = Meter()
    watch_steps(meter)
    with temporary_cluster() as cluster, tempfile.TemporaryDirectory(prefix="quittance-issuing-") as folder:
        settings = Settings(
            database_url=cluster.database("issuing"),
            data_dir=Path(folder),
            secret_key="bench-" * 8,  # type: ignore[arg-type]
        )
        services = build_services(settings)
        try:
            total_s = issue_all(services, meter)
        finally:
            services.close()
    print(f"{N} invoices of three lines (Factur-X, CII and UBL each), {1000 * total_s / N:.1f} ms CPU per invoice")
    steps = {**meter.used_s, "the rest": total_s - sum(meter.used_s.values())}
    for name, used_s in sorted(steps.items(), key=lambda each: -each[1]):
        print(f"{1000 * used_s / N:8.1f} ms {used_s / total_s:6.1%}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
