"""Time of thousands of invoices of one customer, issued in one transaction and paid in batches: the nth as the first.

    PYTHONPATH=tests INVOICES=1000,4000 python -m bench.one_customer

Seconds are the CPU time of PostgreSQL's process for that connection, so that other programs count little; the ratio is
that of one invoice in the largest number to one in the smallest: 1 where the time grows as the number does.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.cluster import temporary_cluster
from ledger_builders import issue, received

from config.clock import new_id, now, today
from config.database import Database, migrate
from config.settings import Settings
from receivables.services.accounting.checks import run_checks
from receivables.services.settlement.receipts import record_facts
from receivables.store.register import create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

SIZES = tuple(int(each) for each in os.environ.get("INVOICES", "1000,4000").split(","))
BATCH = 200
MINOR = 100_00


def cpu_s(work: Work) -> float:
    """CPU time that the server's process of this connection has used so far, in seconds."""
    process = work.scalar("SELECT pg_backend_pid()")
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def issue_many(works: Works, supplier_id: UUID, number: int) -> tuple[list[Invoice], float]:
    """So many invoices in one transaction, due on sixty days around today; and the seconds."""
    with works.begin(supplier_id) as work:
        began, day = cpu_s(work), today()
        found = [issue(work, issued_on=day, due_on=day + timedelta(days=max(nth % 60, 1))) for nth in range(number)]
        return found, cpu_s(work) - began


def attempts_for(work: Work, invoices: list[Invoice]) -> list[UUID]:
    """An attempt to pay each of them, as sets."""
    account_id, ids, at = new_id(), [new_id() for _ in invoices], now()
    work.execute(
        "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, sealed_key, sealed_webhook_secret, "
        "created_at) VALUES (:supplier, :id, 'stripe', false, '', '', :at)",
        id=account_id,
        at=at,
    )
    work.execute(
        "INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, account_id, amount_minor, currency, "
        "state, expires_at, created_at, changed_at) SELECT :supplier, id, :customer, :account, :minor, 'EUR', 'open', "
        ":at, :at, :at FROM unnest(CAST(:ids AS uuid[])) AS id",
        ids=ids,
        customer=invoices[0].customer_id,
        account=account_id,
        minor=MINOR,
        at=at,
    )
    work.execute(
        "INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state) SELECT :supplier, "
        "attempt, invoice, :minor, 'released' FROM unnest(CAST(:ids AS uuid[]), CAST(:invoices AS uuid[])) "
        "AS told (attempt, invoice)",
        ids=ids,
        invoices=[each.invoice_id for each in invoices],
        minor=MINOR,
    )
    return ids


def pay_many(works: Works, supplier_id: UUID, ids: list[UUID]) -> float:
    """Pay them as the worker does, a batch to a transaction; the seconds."""
    spent = 0.0
    for first in range(0, len(ids), BATCH):
        with works.begin(supplier_id) as work:
            began = cpu_s(work)
            record_facts(work, [received(each, MINOR) for each in ids[first : first + BATCH]])
            spent += cpu_s(work) - began
    return spent


def main() -> None:
    """Print one row per size, the ratios, and whether the kept standings are right."""
    out = sys.stdout.write
    out("invoices | issued s | paid s | wrong standings\n")
    of_one: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, temporary_cluster() as cluster:
        url = cluster.database("one_customer")
        migrate(url)
        database = Database(url, Settings(data_dir=Path(folder), idle_transaction_timeout_ms=600_000))
        works = Works(database)
        for number in SIZES:
            supplier_id = create_supplier(database, f"BENCH {number}", "Bench").supplier_id
            invoices, issued = issue_many(works, supplier_id, number)
            with works.begin(supplier_id) as work:
                ids = attempts_for(work, invoices)
            paid = pay_many(works, supplier_id, ids)
            with works.begin(supplier_id) as work:
                wrong = next(each.gap for each in run_checks(work) if each.code == "I8-STANDING")
            out(f"{number:>8} | {issued:>8.1f} | {paid:>6.1f} | {wrong:>15}\n")
            sys.stdout.flush()
            of_one.append((issued / number, paid / number))
        out(
            "ratio    | {:>8.2f} | {:>6.2f} |\n".format(
                *(last / first for first, last in zip(*of_one[:: len(of_one) - 1], strict=True))
            )
        )
        database.dispose()


if __name__ == "__main__":
    main()
