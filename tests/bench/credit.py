"""Time of a credit decision in a house with few and with many open lines, as a ratio to ``SELECT 1``.

    PYTHONPATH=tests LINES=1000,1000000 ROUNDS=300 python -m bench.credit

Open invoices are written as sets straight into the books' tables, fifty to a customer, with limits, orders and money in
flight; one *hot* customer owes ``HOT`` of them, and has a line of its own below. Each round takes
another customer and does, on one connection and in one transaction, a ``SELECT 1`` and a decision: read, decide, keep.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from chaos.cluster import temporary_cluster
from sqlalchemy import text

from config.database import Database, migrate
from config.settings import Settings
from receivables.services.risk.deciding import AskDecision, decide_credit
from receivables.store.register import create_supplier
from receivables.store.work import Work, Works

if TYPE_CHECKING:
    from uuid import UUID

SIZES = tuple(int(each) for each in os.environ.get("LINES", "1000,20000").split(","))
ROUNDS = int(os.environ.get("ROUNDS", "300"))
HOT = int(os.environ.get("HOT", "2000"))
PER_CUSTOMER = 50
WARM = 30
FILL = (
    """INSERT INTO customers (supplier_id, customer_id, account_code, name, kind, party, created_at)
SELECT :supplier, md5('c' || n)::uuid, 'C' || n, 'Client ' || n, 'business', '{}', now()
FROM generate_series(0, :customers) AS n""",
    """INSERT INTO invoices (supplier_id, invoice_id, customer_id, number, issue_year, origin, type_code, process,
issued_on, due_on, currency, total_minor, prepaid_minor, payable_minor, vat_on_collection, vat_rows, document, routing,
created_at) SELECT :supplier, md5('i' || n)::uuid,
md5('c' || CASE WHEN n <= :hot THEN 0 ELSE 1 + n % :customers END)::uuid, 'F' || n, 2026, 'finished', '380', 'S1',
current_date - 30, current_date - 45 + n % 60, 'EUR', 10000, 0, 10000, false, '[]', '{}', 'b2b', now()
FROM generate_series(1, :lines) AS n""",
    """INSERT INTO entries (supplier_id, entry_id, journal, booked_on, source_kind, source_ref, document_ref, label,
created_at) SELECT :supplier, md5('e' || n)::uuid, 'VE', current_date - 30, 'invoice', n::text, 'F' || n, 'bench', now()
FROM generate_series(1, :lines) AS n""",
    """INSERT INTO postings (supplier_id, posting_id, entry_id, account, customer_id, invoice_id, debit_minor,
credit_minor, currency) SELECT :supplier, md5('p' || number)::uuid, md5('e' || substr(number, 2))::uuid, '411000',
customer_id, invoice_id, 10000, 0, 'EUR' FROM invoices WHERE supplier_id = :supplier""",
    """INSERT INTO receivable_items (supplier_id, posting_id, customer_id, invoice_id, reference, kind, debit,
amount_minor, open_minor, currency, booked_on, due_on, ranked_at) SELECT :supplier, md5('p' || number)::uuid,
customer_id, invoice_id, number, 'invoice', true, 10000, 10000, 'EUR', issued_on, due_on, now()
FROM invoices WHERE supplier_id = :supplier""",
    """INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, road, amount_minor, currency, state,
expires_at, created_at, changed_at, flew_at) SELECT :supplier, md5('a' || number)::uuid, customer_id, 'debit', 10000,
'EUR', 'processing', now(), now(), now(), now() FROM invoices WHERE supplier_id = :supplier AND number LIKE '%7'""",
    """INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state)
SELECT :supplier, md5('a' || number)::uuid, invoice_id, 10000, 'processing' FROM invoices
WHERE supplier_id = :supplier AND number LIKE '%7'""",
    """INSERT INTO commitments (supplier_id, commitment_id, customer_id, kind, reference, currency, version,
amount_minor, weight_percent, began_on, state, left_minor, created_at, changed_at) SELECT :supplier,
md5('o' || n)::uuid, md5('c' || 1 + n % :customers)::uuid, 'order', 'CMD-' || n, 'EUR', 1, 30000, 100, current_date,
'open', 30000, now(), now() FROM generate_series(1, greatest(:lines / 20, 20)) AS n""",
    """INSERT INTO credit_limits (supplier_id, limit_id, kind, customer_id, currency, amount_minor, valid_from, reason,
set_by, set_at) SELECT :supplier, md5('l' || account_code)::uuid, 'internal', customer_id, 'EUR', 60000000,
current_date, 'bench', 'bench', now() FROM customers WHERE supplier_id = :supplier""",
)


def fill(superuser_url: str, supplier_id: UUID, lines: int) -> int:
    """Open lines of one supplier, written with triggers off; returns how many customers owe them."""
    customers = max((lines - min(HOT, lines // 4)) // PER_CUSTOMER, 1)
    values = {"supplier": supplier_id, "lines": lines, "customers": customers, "hot": min(HOT, lines // 4)}
    with psycopg.connect(superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in FILL:
            connection.execute(re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%")), values)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return customers


def customer(work: Work, number: int) -> UUID:
    """The customer of this number; 0 is the hot one."""
    found: UUID = work.scalar("SELECT md5('c' || CAST(:number AS text))::uuid", number=number)
    return found


def measure(works: Works, supplier_id: UUID, customers: int, rounds: int, *, hot: bool) -> tuple[float, float]:
    """95th percentile in milliseconds of ``SELECT 1`` and of a decision, each on the same connection."""
    plain, decided = [], []
    for number in range(-WARM, rounds):
        with works.begin(supplier_id) as work:
            who = customer(work, 0 if hot else 1 + (number * 7919) % customers)
            began = time.perf_counter()
            work.connection.execute(text("SELECT 1")).scalar()
            middle = time.perf_counter()
            decide_credit(work, AskDecision(who, 12345, "bench"))
            ended = time.perf_counter()
        if number >= 0:
            plain.append((middle - began) * 1000)
            decided.append((ended - middle) * 1000)
    return statistics.quantiles(plain, n=20)[18], statistics.quantiles(decided, n=20)[18]


def main() -> None:
    """Print one row per size and sort of customer."""
    out = sys.stdout.write
    out("open lines | customer with     | SELECT 1 p95 ms | decision p95 ms | ratio\n")
    with tempfile.TemporaryDirectory() as folder, temporary_cluster() as cluster:
        for lines in SIZES:
            url = cluster.database(f"credit_{lines}")
            migrate(url)
            database = Database(url, Settings(data_dir=Path(folder)))
            works, supplier = Works(database), create_supplier(database, "732829320", "Bench")
            customers = fill(cluster.superuser(f"credit_{lines}"), supplier.supplier_id, lines)
            for hot in (False, True):
                plain, decided = measure(works, supplier.supplier_id, customers, ROUNDS, hot=hot)
                owed = f"{min(HOT, lines // 4) if hot else min(PER_CUSTOMER, lines)} open lines"
                out(f"{lines:>10} | {owed:<17} | {plain:>15.3f} | {decided:>15.3f} | {decided / plain:>5.1f}\n")
                sys.stdout.flush()
            database.dispose()


if __name__ == "__main__":
    main()
