"""How long an import of invoices takes, line by line, on the whole house with its real rules.

``python tests/bench/imports.py 1000``: a table of so many invoices, read, judged, numbered, booked and their files
made and archived by the worker's own calls. Prints seconds of each part and of one invoice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.remove(str(Path(__file__).parent))  # a neighbour is called like a library

from builders import seller
from import_builders import csv_of, row
from story_builders import build_services

from config.database import Database, migrate
from config.embedded import EmbeddedPostgres
from config.settings import Settings
from einvoice.validation.schematron import SchematronEngine
from portal.background.duties import build_worker
from portal.documents.issuing import save_profile
from portal.imports.issuing import IMPORT
from portal.imports.planning import plan_import
from portal.jobs.jobs import start_job
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_to_end
from receivables.domain.events import INVOICE_ISSUED
from receivables.services.accounting.checks import run_checks
from receivables.services.accounting.sealing import seal_audit
from receivables.store.register import create_supplier


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("invoices", type=int, nargs="?", default=1000)
    count = parser.parse_args().invoices
    with tempfile.TemporaryDirectory() as folder, SchematronEngine() as engine:
        settings = Settings(data_dir=Path(folder), private_hosts_allowed=True)
        server = EmbeddedPostgres(settings.data_dir / "postgres")
        url = server.start("bench")
        migrate(url)
        services = build_services(settings, Database(url, settings), engine, Path(folder))
        try:
            print(json.dumps(measure(services, count)))
        finally:
            services.database.dispose()
            server.stop()


def measure(services, count):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 -- a script
    """Seconds of each part."""
    profile = seller()
    supplier = create_supplier(services.database, profile.siren, profile.name)
    with services.works.begin(supplier.supplier_id) as work:
        save_profile(work, profile, {})
    content = csv_of(*(row(f"CMD-{number}") for number in range(count)))
    began = time.perf_counter()
    with services.works.begin(supplier.supplier_id) as work:
        plan = plan_import(work, content, "factures.csv")
        job_id = start_job(
            work, IMPORT, "factures.csv", content_sha256=hashlib.sha256(content).hexdigest(),
            options={"kind": plan.kind, **plan.options}, actor="bench", lines=plan.lines,
        )  # fmt: skip
    read = time.perf_counter()
    job = run_to_end(services, supplier.supplier_id, job_id, KINDS, progress=lambda _job: None)
    issued = time.perf_counter()
    worker = build_worker(services)
    while worker.drain_outbox_of(supplier.supplier_id, INVOICE_ISSUED):
        continue
    produced = time.perf_counter()
    while services.works.run(supplier.supplier_id, seal_audit):
        continue
    with services.works.begin(supplier.supplier_id) as work:
        gaps = {each.code: each.gap for each in run_checks(work) if each.gap}
    return {
        "invoices": count,
        "done": job.done,
        "refused": job.refused,
        "read_s": round(read - began, 2),
        "issued_s": round(issued - read, 2),
        "files_s": round(produced - issued, 2),
        "issued_ms_each": round((issued - read) / count * 1000, 1),
        "gaps": gaps,
    }


if __name__ == "__main__":
    main()
