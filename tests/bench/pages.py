"""Pages per second and their 99th percentile with few and with many invoices, as a ratio to an empty Flask route.

    PYTHONPATH=tests INVOICES=1000,1000000 SLICE_S=2 ROUNDS=2 python -m bench.pages

The portal itself serves every page behind its own server: sessions, access, rights, row-level security, templates. One
process answers ``CLIENTS`` connections of ``wrk``, with as many threads; slices of a Flask route that does nothing, in
the same process, alternate with slices of each page, and a ratio is of neighbours in time. Invoices are written as sets
into the books' tables, fifty to a customer, nine of ten paid. The last line names the pages that are more than
``MOST_TIMES`` times slower with the largest base than with the smallest.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from chaos.cluster import temporary_cluster
from chaos.crash import SECRET, _free_port, _wait_for
from flask import Flask
from psycopg import sql

from config.database import Database, migrate
from config.settings import Settings
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.serve import build_web as build_portal
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

    from chaos.cluster import Cluster

SIZES = tuple(int(each) for each in os.environ.get("INVOICES", "1000,1000000").split(","))
SLICE_S = float(os.environ.get("SLICE_S", "2"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))
CLIENTS = int(os.environ.get("CLIENTS", "4"))
PER_CUSTOMER = 50
MOST_TIMES = 2.0
PAGES = {
    "customer, home": ("customer", "/c/"),
    "customer, invoices": ("customer", "/c/invoices"),
    "customer, invoices to pay": ("customer", "/c/invoices?show=to_pay"),
    "customer, search": ("customer", "/c/invoices?q=F2026-"),
    "supplier, invoices": ("owner", "/s/invoices"),
    "supplier, invoices late": ("owner", "/s/invoices?show=late"),
    "supplier, invoices paid": ("owner", "/s/invoices?show=paid"),
    "supplier, search a number": ("owner", "/s/invoices?q=F2026-000123"),
    "supplier, search a name": ("owner", "/s/invoices?q=Client 7"),
    "supplier, home": ("owner", "/s/"),
    "supplier, customer": ("owner", "/s/customers/{customer}"),
    "supplier, event log": ("owner", "/s/webhooks/events"),
}
_FILL = (
    """INSERT INTO customers (supplier_id, customer_id, account_code, name, email, kind, party, created_at)
SELECT :supplier, md5('c' || n)::uuid, 'C' || n, 'Client ' || n, 'c' || n || '@example.fr', 'business', '{}', now()
FROM generate_series(0, :customers) AS n""",
    """INSERT INTO invoices (supplier_id, invoice_id, customer_id, number, issue_year, series, serial, origin,
type_code, process, issued_on, due_on, currency, total_minor, prepaid_minor, payable_minor, vat_on_collection, vat_rows,
document,
routing, created_at) SELECT :supplier, md5('i' || n)::uuid, md5('c' || n % :customers)::uuid,
'F2026-' || lpad(n::text, 7, '0'), 2026, 'F', n, 'own', '380', 'S1', current_date - (n * 700 / :invoices)::int,
current_date - (n * 700 / :invoices)::int + 30, 'EUR', 12000, 0, 12000, true,
'[{"category": "S", "rate": "20", "taxable_minor": 10000, "tax_minor": 2000}]', '{}', 'b2b', now()
FROM generate_series(1, :invoices) AS n""",
    """INSERT INTO receivable_items (supplier_id, posting_id, customer_id, invoice_id, reference, kind, debit,
amount_minor, open_minor, currency, booked_on, due_on, ranked_at) SELECT supplier_id, md5('p' || number)::uuid,
customer_id, invoice_id, number, 'invoice', true, 12000, CASE WHEN serial % 10 = 1 THEN 12000 ELSE 0 END, 'EUR',
issued_on, due_on, now() FROM invoices WHERE supplier_id = :supplier""",
    """INSERT INTO receivable_items (supplier_id, posting_id, customer_id, attempt_id, reference, kind, debit,
amount_minor, open_minor, currency, booked_on, due_on, ranked_at) SELECT supplier_id, md5('r' || number)::uuid,
customer_id, md5('a' || number)::uuid, 'pi_' || number, 'receipt', false, 12000, 0, 'EUR', due_on, due_on, now()
FROM invoices WHERE supplier_id = :supplier AND serial % 10 <> 1""",
    """INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state) SELECT supplier_id,
md5('a' || number)::uuid, invoice_id, 12000, 'released' FROM invoices
WHERE supplier_id = :supplier AND serial % 10 <> 1""",
    """INSERT INTO collections (supplier_id, invoice_id, sequence, entry_id, kind, amount_minor, currency, split,
collected_on, created_at) SELECT supplier_id, invoice_id, 1, md5('e' || number)::uuid, 'cash', 12000, 'EUR',
'[{"rate": "20", "amount_minor": 12000}]', due_on, now() FROM invoices
WHERE supplier_id = :supplier AND serial % 10 <> 1""",
    """INSERT INTO event_log (supplier_id, event_id, kind, customer_id, invoice_id, data, happened_at, position)
SELECT supplier_id, md5('v' || number)::uuid, 'invoice.issued', customer_id, invoice_id,
jsonb_build_object('number', number, 'total_minor', 12000), now(), serial FROM invoices
WHERE supplier_id = :supplier""",
)
_COUNT = """SELECT count_standings(%(supplier)s, array_agg(customer_id), (now() AT TIME ZONE 'Europe/Paris')::date)
FROM customers WHERE supplier_id = %(supplier)s"""
"""What the database counts whenever a line changes, had its triggers been on."""

_INDEXES = """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(ARRAY['invoices', 'receivable_items', 'reservations', 'collections', 'event_log']::regclass[])
AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice of ``wrk`` measured."""

    per_s: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the rounds of one page; ``ratio`` is to the empty route's rate (``empty``) beside it."""

    per_s: float
    p99_ms: float
    ratio: float
    empty: float


def fill(superuser_url: str, supplier_id: UUID, invoices: int) -> None:
    """The rows of a supplier with so many invoices, written with triggers off and indexes built afterwards."""
    values = {"supplier": supplier_id, "invoices": invoices, "customers": max(invoices // PER_CUSTOMER, 1)}
    with psycopg.connect(superuser_url) as connection:
        for setting in ("session_replication_role = replica", "maintenance_work_mem = '512MB'", "jit = off"):
            connection.execute(f"SET {setting}".encode())
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        for statement in _FILL:
            connection.execute(re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%")).encode(), values)
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute("SELECT set_config('app.supplier_id', %s, true)", (str(supplier_id),))
        connection.execute(_COUNT, {"supplier": supplier_id})
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def build_web() -> WSGIApplication:
    """What the server loads: the portal, and beside it in the same process a Flask that has one route and no more."""
    bare = Flask("bare")
    bare.add_url_rule("/empty", view_func=lambda: "nothing")
    portal = build_portal()
    return lambda environ, start: (bare if environ["PATH_INFO"] == "/empty" else portal)(environ, start)


@contextmanager
def served(environment: dict[str, str]) -> Iterator[int]:
    """Both behind the server of ``quittance web``, in one process; its port."""
    port = _free_port()
    program = (
        "from granian import Granian; from granian.constants import Interfaces; "
        f"Granian('bench.pages:build_web', factory=True, interface=Interfaces.WSGI, port={port}, workers=1, "
        f"blocking_threads={CLIENTS}, log_enabled=False).serve()"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **environment})
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def measure(port: int, path: str, cookie: str, seconds: float) -> Slice:
    """One slice of ``wrk``; every answer is a page, or the bench ends."""
    command = ["wrk", "-t", "1", "-c", str(CLIENTS), "-d", f"{seconds:.0f}s", "--latency", "--timeout", "30s"]
    told = subprocess.run(
        [*command, "-H", f"Cookie: session={cookie}", f"http://127.0.0.1:{port}{path}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rate, p99 = re.search(r"Requests/sec:\s+([\d.]+)", told), re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    if "Non-2xx" in told or "Socket errors" in told or rate is None or p99 is None:
        raise SystemExit(f"{path} was not answered:\n{told}")
    measured = Slice(float(rate[1]), float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]])
    time.sleep(1.5 * measured.p99_ms / 1000)  # what wrk left unanswered must not stand in the way of the next slice
    return measured


def measure_all(cluster: Cluster, folder: Path, invoices: int) -> dict[str, Row]:
    """Every page over a base of this size."""
    name = f"pages_{invoices}"
    url = cluster.database(name)
    migrate(url)
    settings = Settings(database_url=url, data_dir=folder, secret_key=SECRET)  # type: ignore[arg-type]
    database = Database(url, settings)
    supplier_id = create_supplier(database, "732829320", "Bench").supplier_id
    fill(cluster.superuser(name), supplier_id, invoices)
    customer_id = UUID(hashlib.md5(b"c7").hexdigest())  # noqa: S324 -- the id that the rows above were given
    cookies = {}
    for role, whose in ((Role.OWNER, None), (Role.CUSTOMER, customer_id)):
        person = add_person(database, f"{role}@bench.example", "Bench")
        add_membership(database, person.person_id, supplier_id, role, whose)
        cookies[str(role)] = open_session(database, settings, person.person_id)
    database.dispose()
    environment = {
        "DATABASE_URL": url,
        "QUITTANCE_SECRET_KEY": SECRET,
        "QUITTANCE_DATA_DIR": str(folder),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    with served(environment) as port:
        rows = {}
        for title, (who, path) in PAGES.items():
            address = path.format(customer=customer_id).replace(" ", "%20")
            measure(port, address, cookies[who], max(SLICE_S, 3))  # what is read once for all takes its time
            pairs = [
                (measure(port, "/empty", "", 1), measure(port, address, cookies[who], SLICE_S)) for _ in range(ROUNDS)
            ]
            rows[title] = Row(
                statistics.median(page.per_s for _, page in pairs),
                statistics.median(page.p99_ms for _, page in pairs),
                statistics.median(page.per_s / nothing.per_s for nothing, page in pairs),
                statistics.median(nothing.per_s for nothing, _ in pairs),
            )
            _tell(invoices, title, rows[title])
    return rows


def _tell(invoices: int, title: str, row: Row) -> None:
    sys.stdout.write(
        f"{invoices:>9} | {title:<26} | {row.per_s:>8.1f} | {row.p99_ms:>8.1f} | {row.ratio:>8.4f} | "
        f"{row.empty:>7.0f}\n"
    )
    sys.stdout.flush()


def main() -> int:
    """Print a row per size and page; 1 where the large base makes a page much slower than the small one."""
    if shutil.which("wrk") is None:
        sys.stdout.write("This bench needs wrk (apt-get install wrk).\n")
        return 2
    sys.stdout.write(" invoices | page                       |   page/s |   p99 ms | to empty | empty/s\n")
    with tempfile.TemporaryDirectory(prefix="quittance-bench-") as folder, temporary_cluster() as cluster:
        found = {size: measure_all(cluster, Path(folder), size) for size in SIZES}
    small, large = found[min(SIZES)], found[max(SIZES)]
    slower = {title: small[title].ratio / large[title].ratio for title in PAGES}
    late = [f"{title} ({times:.1f} times)" for title, times in slower.items() if times > MOST_TIMES]
    sys.stdout.write(f"slower with {max(SIZES)} invoices than {MOST_TIMES:g} times: {', '.join(late) or 'none'}\n")
    return bool(late)


if __name__ == "__main__":
    sys.exit(main())
