"""Indicators over the books of a year: the time of a figure, of the board and of the forecast, beside a plain SQL sum.

    PYTHONPATH=tests INVOICES=50000 python -m bench.indicators

Invoices of fourteen months, their payments by each customer's own habit and their allocations are written as sets, as
superuser with triggers off. Every figure is taken in turn with the plain sum of the same 411 lines, so that a busy
machine strikes both; medians of the ratios are printed. The board of a past day is checked against the sum of the
entries before anything is timed.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from chaos.cluster import temporary_cluster

from config.clock import today
from config.database import Database, migrate
from config.settings import Settings
from receivables.services.measuring.forecasting import back_test, forecast_cash
from receivables.services.measuring.indicator_views import trend
from receivables.services.measuring.indicators import indicators
from receivables.store.measuring.measures import sum_measures
from receivables.store.measuring.scopes import Scope
from receivables.store.work import Work, Works

if TYPE_CHECKING:
    from collections.abc import Callable

INVOICES = int(os.environ.get("INVOICES", "50000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SUPPLIER = UUID("01990000-0000-7000-8000-0000000000c1")
CUSTOMERS = max(INVOICES // 25, 5)
MONTHS_DAYS = 420
PAST_DAYS = 45

LOAD = """
SET session_replication_role = replica;
SELECT setseed(0.2026);
CREATE FUNCTION pg_temp.made(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('0199' || kind || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
CREATE TEMP TABLE habits AS SELECT n AS customer, (random() * random() * 60)::integer - 4 AS late
    FROM generate_series(0, {customers} - 1) AS n;
CREATE TEMP TABLE sold AS SELECT n, n % {customers} AS customer,
    DATE '{today}' - ({days} * (1 - sqrt(random())))::integer AS issued_on,
    (5000 + 300000 * random() * random())::bigint AS minor, random() AS luck FROM generate_series(1, {count}) AS n;
CREATE TEMP TABLE timed AS SELECT sold.*, issued_on + 30 AS due_on,
    issued_on + 30 + late + ((luck - 0.5) * 14)::integer AS paid_on FROM sold JOIN habits USING (customer);
CREATE TEMP TABLE made AS SELECT timed.*, paid_on <= DATE '{today}' AND luck < 0.97 AS is_paid FROM timed;
INSERT INTO customers (supplier_id, customer_id, account_code, name, kind, party, created_at)
    SELECT UUID '{s}', pg_temp.made('c000', n), 'C' || n, 'Client ' || n, 'business', '{{}}', now()
    FROM generate_series(0, {customers} - 1) AS n;
INSERT INTO invoices (supplier_id, invoice_id, customer_id, number, issue_year, series, serial, origin, type_code,
    process, issued_on, due_on, currency, total_minor, prepaid_minor, payable_minor, vat_on_collection, vat_rows,
    document, routing, created_at)
    SELECT UUID '{s}', pg_temp.made('1000', n), pg_temp.made('c000', customer), 'F-' || n, 2026, 'F', n, 'own',
    '380', 'S1', issued_on, due_on, 'EUR', minor, 0, minor, true, '[]', '{{}}', 'b2b', now() FROM made;
INSERT INTO entries (supplier_id, entry_id, journal, booked_on, source_kind, source_ref, document_ref, label,
    created_at) SELECT UUID '{s}', pg_temp.made('e000', n), 'VE', issued_on, 'invoice', n::text, 'F-' || n, 'x',
    now() FROM made UNION ALL SELECT UUID '{s}', pg_temp.made('e001', n), 'BQ', paid_on, 'receipt', n::text,
    'F-' || n, 'x', now() FROM made WHERE is_paid;
INSERT INTO postings (supplier_id, posting_id, entry_id, account, customer_id, invoice_id, debit_minor, credit_minor,
    currency) SELECT UUID '{s}', pg_temp.made('2001', n), pg_temp.made('e000', n), '411000',
    pg_temp.made('c000', customer), pg_temp.made('1000', n), minor, 0, 'EUR' FROM made
    UNION ALL SELECT UUID '{s}', pg_temp.made('2002', n), pg_temp.made('e001', n), '411000',
    pg_temp.made('c000', customer), NULL, 0, minor, 'EUR' FROM made WHERE is_paid;
INSERT INTO receivable_items (supplier_id, posting_id, customer_id, invoice_id, reference, kind, debit, amount_minor,
    open_minor, currency, booked_on, due_on, ranked_at)
    SELECT UUID '{s}', pg_temp.made('2001', n), pg_temp.made('c000', customer), pg_temp.made('1000', n), 'F-' || n,
    'invoice', true, minor, CASE WHEN is_paid THEN 0 ELSE minor END, 'EUR',
    issued_on, due_on, now() FROM made UNION ALL
    SELECT UUID '{s}', pg_temp.made('2002', n), pg_temp.made('c000', customer), NULL, 'pi-' || n, 'receipt', false,
    minor, 0, 'EUR', paid_on, paid_on, now() FROM made WHERE is_paid;
INSERT INTO allocations (supplier_id, allocation_id, customer_id, debit_posting_id, credit_posting_id, amount_minor,
    cause, effective_on, created_at) SELECT UUID '{s}', pg_temp.made('a000', n), pg_temp.made('c000', customer),
    pg_temp.made('2001', n), pg_temp.made('2002', n), minor, 'receipt', greatest(issued_on, paid_on), now()
    FROM made WHERE is_paid;
INSERT INTO disputes (supplier_id, dispute_id, customer_id, invoice_id, reason, scope, amount_minor, currency,
    opened_from, state, owner, answer_due_on, close_due_on, opened_at, changed_at)
    SELECT UUID '{s}', pg_temp.made('d000', n), pg_temp.made('c000', customer), pg_temp.made('1000', n),
    (ARRAY['QTE_ERR', 'PU_ERR', 'LIVR_INCOMP', 'CMD_ERR'])[1 + n % 4], 'amount', minor / 3, 'EUR', 'portal', 'open',
    'sales', due_on, due_on + 15, now() - interval '9 days', now() FROM made
    WHERE luck > 0.9995 OR (paid_on > DATE '{today}' AND luck > 0.985);
"""
PLAIN = (
    "SELECT sum(CASE WHEN debit THEN amount_minor ELSE -amount_minor END) FROM receivable_items "
    "WHERE supplier_id = :supplier AND booked_on <= :on"
)
ENTRIES = (
    "SELECT sum(debit_minor - credit_minor) FROM postings JOIN entries USING (supplier_id, entry_id) "
    "WHERE supplier_id = :supplier AND customer_id IS NOT NULL AND booked_on <= :on"
)


def load(url: str) -> None:
    """The supplier and its year of business."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO suppliers (supplier_id, siren, name, created_at) VALUES (%s, '300000012', 'Atelier', now())",
            [SUPPLIER],
        )
        filled = LOAD.format(s=SUPPLIER, customers=CUSTOMERS, count=INVOICES, days=MONTHS_DAYS, today=today())
        connection.execute(filled)  # type: ignore[arg-type] -- made of constants and numbers
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def timed(works: Works, figure: Callable[[Work], object]) -> tuple[float, float]:
    """Seconds of a figure, and of the plain sum in the same transaction; both warm."""
    with works.begin(SUPPLIER) as work:
        began = time.monotonic()
        work.scalar(PLAIN, on=today())
        plain = time.monotonic()
        figure(work)
        return time.monotonic() - plain, plain - began


def check(works: Works) -> None:
    """What is open on a past day is the sum of the entries up to it."""
    past = Scope(today() - timedelta(days=PAST_DAYS))
    with works.begin(SUPPLIER) as work:
        sums = sum_measures(work, ["receivable", "credits"], past)
        entries = work.scalar(ENTRIES, on=past.on)
    assert sums["receivable"].minor - sums["credits"].minor == entries, (sums, entries)
    print(f"{INVOICES} invoices, {CUSTOMERS} customers; open on {past.on}: {entries / 100:,.2f}, as the entries say")


def run(works: Works) -> None:
    """Every figure in turn with the plain sum."""
    now, past = Scope(today()), Scope(today() - timedelta(days=PAST_DAYS))
    figures: dict[str, Callable[[Work], object]] = {
        "open receivables": lambda work: sum_measures(work, ["receivable"], now),
        f"the same {PAST_DAYS} days ago": lambda work: sum_measures(work, ["receivable"], past),
        "average lateness": lambda work: sum_measures(work, ["paid_late"], now),
        "the whole board": lambda work: indicators(work, now),
        "twelve month ends": lambda work: trend(work, now),
        "forecast": lambda work: forecast_cash(work, now),
    }
    for name, figure in figures.items():
        pairs = [timed(works, figure) for _ in range(ROUNDS + 1)][1:]
        took, plain = (statistics.median(each) for each in zip(*pairs, strict=True))
        ratio = statistics.median(figure_s / plain_s for figure_s, plain_s in pairs)
        print(f"{name:<24} {took * 1e3:>8.1f} ms, plain sum {plain * 1e3:.1f} ms, ratio {ratio:.1f}", flush=True)
    with works.begin(SUPPLIER) as work:
        test = back_test(work, now)
    came = sum(test.came_minor)
    print(
        f"back-test over four weeks: {came / 100:,.0f} came; missed by {test.missed_minor / came:.1%}, "
        f"by due dates alone {test.missed_by_due_day_minor / came:.1%}"
    )


def main() -> None:
    """Load, check, measure."""
    with temporary_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        url = cluster.embedded.start("indicators")
        migrate(url)
        load(cluster.superuser("indicators"))
        works = Works(Database(url, Settings(data_dir=Path(folder))))
        check(works)
        run(works)
        works.database.dispose()


if __name__ == "__main__":
    main()
