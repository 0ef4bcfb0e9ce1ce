"""Matching of invented bank lines against open items: precision, recall, and seconds beside a plain hash join.

    PYTHONPATH=tests LINES=100000 ITEMS=1000000 python -m bench.matching

Lines and open items are loaded by COPY; `decide` reads and scores the lines in batches as an import does. What it is
certain of is closed in the books by one UPDATE per batch, so that the next batch finds it paid; booking itself is
measured by bench.webhooks. After each tenth of the lines PostgreSQL joins the same lines with all open items by amount
and number (a hash join), so that a busy machine strikes both. Every wrong decision is printed; there must be none.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from bench.bank_life import DAY, Bank, Customer, Line, invent_customers
from chaos.cluster import temporary_cluster

from config.database import Database, migrate
from config.settings import Settings
from payments.banking.lines import lines_by_ids
from payments.matching.candidates import keep_payer_keys
from payments.matching.deciding import Decision, decide
from receivables.store.work import Work, Works, to_json

LINES = int(os.environ.get("LINES", "100000"))
ITEMS = int(os.environ.get("ITEMS", "1000000"))
SEED = int(os.environ.get("SEED", "2026"))
CUSTOMERS = max(ITEMS // 10, 10)
BATCH = 500
ROUNDS = 10
SUPPLIER = UUID("01990000-0000-7000-8000-00000000000a")
STATEMENT = UUID("01990000-0000-7000-8000-00000000000b")
MOST_PRINTED = 50

_LOAD = """
INSERT INTO suppliers (supplier_id, siren, name, created_at) VALUES ('{s}', '300000010', 'B', now());
INSERT INTO customers (supplier_id, customer_id, account_code, name, siren, kind, party, created_at)
    SELECT '{s}', customer_id, code, name, siren, 'business', '{{}}', now() FROM made_customers
    ;
INSERT INTO invoices (supplier_id, invoice_id, customer_id, number, issue_year, series, serial, origin, type_code,
    process, issued_on, due_on, currency, total_minor, prepaid_minor, payable_minor, vat_on_collection, vat_rows,
    document, routing, created_at)
    SELECT '{s}', invoice_id, customer_id, number, year, left(number, 1), serial, 'own',
    CASE WHEN credit THEN '381' ELSE '380' END, 'S1', due_on - 30, due_on, 'EUR', minor, 0, minor, false, '[]', '{{}}',
    'b2b', now() FROM made_items;
INSERT INTO receivable_items (supplier_id, posting_id, customer_id, invoice_id, reference, kind, debit, amount_minor,
    open_minor, currency, booked_on, due_on, ranked_at)
    SELECT '{s}', invoice_id, customer_id, invoice_id, number, CASE WHEN credit THEN 'credit_note' ELSE 'invoice' END,
    NOT credit, minor, minor, 'EUR', due_on - 30, due_on, now() FROM made_items;
INSERT INTO bank_lines (supplier_id, line_id, line_key, entry_key, statement_id, account, booked_on, value_on,
    amount_minor, currency, counterparty, counterparty_iban, remittance, structured_reference, charges_minor, state,
    created_at, changed_at)
    SELECT '{s}', line_id, key, key, '{t}', 'FR76', booked_on, booked_on, minor, 'EUR', payer, iban, text, rf, charges,
    'new', now(), now() FROM made_lines;
INSERT INTO confirmed_payers (supplier_id, confirmation_id, line_id, customer_id, payer_iban, payer_name, confirmed_by,
    weight, confirmed_at)
    SELECT '{s}', customer_id, customer_id, customer_id, iban, '', 'bench', 1, now() FROM made_customers WHERE known;
"""
_TABLES = """
SET session_replication_role = replica;
CREATE TEMP TABLE made_customers (customer_id uuid, code text, name text, siren text, iban text, known boolean);
CREATE TEMP TABLE made_items (invoice_id uuid, customer_id uuid, number text, year integer, serial integer,
    minor bigint, due_on date, credit boolean);
CREATE TEMP TABLE made_lines (line_id uuid, key text, booked_on date, minor bigint, payer text, iban text, text text,
    rf text, charges bigint);
"""


@dataclass
class Marks:
    """How the decisions compare with the truth."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    first: Counter[str] = field(default_factory=Counter)
    all: Counter[str] = field(default_factory=Counter)

    def mark(self, decision: Decision, truth: Line) -> None:
        """Note what became of one line."""
        self.all[truth.kind] += 1
        best = decision.readings[0] if decision.readings else None
        aims = dict(best.outcome.aims) if best else {}
        is_right = best is not None and best.customer_id == truth.customer_id and aims == truth.aims
        if decision.is_certain and is_right:
            self.right[truth.kind] += 1
        elif decision.is_certain:
            reasons = " ".join(each.code for each in best.reasons) if best else ""
            self.wrong.append(
                f"{truth.kind}: {truth.minor} {truth.payer!r} {truth.text!r} {truth.rf or ''} -> {reasons}"
            )
        if is_right or (truth.customer_id is None and not decision.is_certain):
            self.first[truth.kind] += 1


def load(url: str, customers: list[Customer], lines: list[tuple[UUID, Line]]) -> None:
    """Everything into PostgreSQL by COPY, as superuser with triggers off."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(_TABLES)
        with cursor.copy("COPY made_customers FROM STDIN") as copy:
            for each in customers:
                copy.write_row((each.customer_id, each.code, each.name, each.siren, each.iban, each.is_known_iban))
        with cursor.copy("COPY made_items FROM STDIN") as copy:
            for customer in customers:
                for each in customer.invoices:
                    copy.write_row(
                        (each.invoice_id, customer.customer_id, each.number, each.year, each.serial, each.minor,
                         each.due_on, each.is_credit)
                    )  # fmt: skip
        with cursor.copy("COPY made_lines FROM STDIN") as copy:
            for n, (line_id, line) in enumerate(lines):
                day = DAY + timedelta(days=n * 30 // len(lines))
                copy.write_row(
                    (line_id, f"L{n:07d}", day, line.minor, line.payer, line.iban, line.text, line.rf, line.charges)
                )
        cursor.execute(_LOAD.format(s=SUPPLIER, t=STATEMENT))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def close(work: Work, decisions: list[Decision]) -> None:
    """What is certain is open no more: the stand-in for booking."""
    taken: dict[UUID, int] = defaultdict(int)
    for outcome in (each.readings[0].outcome for each in decisions if each.is_certain):
        for invoice_id, minor in outcome.aims:
            taken[invoice_id] += minor
        for use in outcome.set_offs:
            taken[use.invoice_id] += use.amount_minor
            taken[use.source_id] += use.amount_minor
        if outcome.waiver:
            taken[outcome.waiver.invoice_id] += outcome.waiver.amount_minor
    work.execute(
        "UPDATE receivable_items AS item SET open_minor = open_minor - given.minor "
        "FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (id uuid, minor bigint) "
        "WHERE supplier_id = :supplier AND item.invoice_id = given.id",
        given=to_json([{"id": key, "minor": minor} for key, minor in taken.items()]),
    )


def join(work: Work, first: int, last: int) -> float:
    """Seconds of a plain hash join of these lines with every open item by amount and number."""
    work.execute("SET LOCAL enable_nestloop = off")
    work.execute("SET LOCAL enable_mergejoin = off")
    began = time.monotonic()
    work.scalar(
        "SELECT count(*) FROM bank_lines AS line JOIN receivable_items AS item ON item.supplier_id = :supplier "
        "AND item.open_minor = line.amount_minor AND item.reference = line.remittance "
        "WHERE line.supplier_id = :supplier AND line.line_key BETWEEN :first AND :last",
        first=f"L{first:07d}",
        last=f"L{last - 1:07d}",
    )
    return time.monotonic() - began


def run(works: Works, lines: list[tuple[UUID, Line]]) -> Marks:
    """Match and join in turns; print the figures."""
    marks, truths = Marks(), dict(lines)
    ids = [line_id for line_id, _ in lines]
    spent, ratios = 0.0, []
    step = max(LINES // ROUNDS, 1)
    for first in range(0, LINES, step):
        took = 0.0
        for at in range(first, min(first + step, LINES), BATCH):
            began = time.monotonic()
            with works.begin(SUPPLIER) as work:
                decisions = decide(work, lines_by_ids(work, ids[at : min(at + BATCH, first + step)]))
                took += time.monotonic() - began
                close(work, decisions)
            for each in decisions:
                marks.mark(each, truths[each.line.line_id])
        with works.begin(SUPPLIER) as work:
            plain = join(work, first, first + step)
        spent += took
        ratios.append(took / plain)
        print(f"{first + step:>7} lines: {took:.1f} s, hash join {plain:.2f} s, ratio {ratios[-1]:.1f}", flush=True)
    median = statistics.median(ratios)
    print(f"{spent:.1f} s for {LINES} lines, {spent / LINES * 1e3:.2f} ms each; median ratio {median:.1f}")
    return marks


def tell(marks: Marks) -> None:
    """Precision, recall, and the same by kind of line."""
    right, wrong, everything = sum(marks.right.values()), len(marks.wrong), sum(marks.all.values())
    theirs = everything - marks.all["stranger"]
    print(f"automatic: {right + wrong}, wrong {wrong}, precision {right / max(right + wrong, 1):.4%}")
    first = sum(marks.first.values()) - marks.first["stranger"]
    print(f"recall: automatic {right / theirs:.1%}, automatic or first proposal {first / theirs:.1%} of {theirs}")
    for kind, number in marks.all.most_common():
        booked, first_of = marks.right[kind] / number, marks.first[kind] / number
        print(f"  {kind:<20} {number:>6}  automatic {booked:>6.1%}  first {first_of:>6.1%}")
    for each in marks.wrong[:MOST_PRINTED]:
        print("WRONG", each)


def main() -> int:
    """Invent, load, match, tell; 1 where a decision was wrong."""
    chance = random.Random(SEED)
    customers = invent_customers(chance, CUSTOMERS, ITEMS)
    written = Bank(chance, customers).lines(LINES)
    lines = [(UUID(int=0x0199B00000007000 << 64 | 0x8 << 60 | n), line) for n, line in enumerate(written)]
    print(f"{LINES} lines, {ITEMS} open items, {CUSTOMERS} customers, seed {SEED}", flush=True)
    with temporary_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        url = cluster.database("matching")
        migrate(url)
        began = time.monotonic()
        load(cluster.superuser("matching"), customers, lines)
        print(f"loaded in {time.monotonic() - began:.0f} s", flush=True)
        database = Database(url, Settings(data_dir=Path(folder)))
        works = Works(database)
        began = time.monotonic()
        known = sum(works.run(SUPPLIER, keep_payer_keys) for _ in range(2))
        print(f"{known} names keyed in {time.monotonic() - began:.0f} s, once", flush=True)
        marks = run(works, lines)
        database.dispose()
    tell(marks)
    return 1 if marks.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
