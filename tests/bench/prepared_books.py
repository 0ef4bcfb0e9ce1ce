"""Books prepared for a bench as sets: invoices that wait for their payment, one attempt each, and the webhooks to come.

Written in SQL as superuser with triggers off, because a hundred thousand invoices issued one by one would take longer
than the bench; the rows are those that issuing and a checkout leave behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from sqlalchemy import text

from config.clock import now
from payments.accounts import open_account
from payments.gateways.signatures import sign
from portal.sandboxes.payments.shapes import payment_intent
from receivables.services.accounting.sealing import seal_audit
from receivables.store.work import Work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.secrets import Keyring
    from receivables.store.work import Works

SUPPLIER = UUID("01990000-0000-7000-8000-000000000001")
SECRET = "whsec_bench_0123456789abcdef"
CUSTOMERS = 2_000
AMOUNT = 12_000
AUDITED_TOGETHER = 2_000
"""Audit rows per transaction: sealing compares the rows of one transaction with each other."""
BEGAN = 1_790_000_000

_PREPARE = f"""
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.made(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('0199' || kind || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO customers (supplier_id, customer_id, account_code, name, kind, party, created_at)
    SELECT '{SUPPLIER}', pg_temp.made('c000', n), 'C' || n, 'Client ' || n, 'business', '{{}}', now()
    FROM generate_series(0, {CUSTOMERS} - 1) AS n;
INSERT INTO invoices (supplier_id, invoice_id, customer_id, number, issue_year, series, serial, origin, type_code,
    process, issued_on, due_on, currency, total_minor, prepaid_minor, payable_minor, vat_on_collection, vat_rows,
    document, routing, created_at)
    SELECT '{SUPPLIER}', pg_temp.made('1000', n), pg_temp.made('c000', n %% {CUSTOMERS}), 'F2026-' || n, 2026, 'F', n,
    'own', '380', 'S1', '2026-09-01', '2026-10-01', 'EUR', {AMOUNT}, 0, {AMOUNT}, true,
    '[{{"category": "S", "rate": "20", "taxable_minor": 10000, "tax_minor": 2000}}]', '{{}}', 'b2b', now()
    FROM generate_series(1, %(count)s) AS n;
INSERT INTO entries (supplier_id, entry_id, journal, booked_on, source_kind, source_ref, document_ref, label,
    created_at)
    SELECT '{SUPPLIER}', pg_temp.made('e000', n), 'VE', '2026-09-01', 'invoice', pg_temp.made('1000', n),
    'F2026-' || n, 'Client', now() FROM generate_series(1, %(count)s) AS n;
INSERT INTO postings (supplier_id, posting_id, entry_id, account, customer_id, invoice_id, debit_minor, credit_minor,
    currency)
    SELECT '{SUPPLIER}', pg_temp.made(line.kind, n), pg_temp.made('e000', n), line.account,
    CASE WHEN line.debit > 0 THEN pg_temp.made('c000', n %% {CUSTOMERS}) END, pg_temp.made('1000', n), line.debit,
    line.credit, 'EUR' FROM generate_series(1, %(count)s) AS n,
    (VALUES ('2001', '411000', {AMOUNT}, 0), ('2002', '706000', 0, 10000), ('2003', '445740', 0, 2000))
    AS line (kind, account, debit, credit);
INSERT INTO receivable_items (supplier_id, posting_id, customer_id, invoice_id, reference, kind, debit, amount_minor,
    open_minor, currency, booked_on, due_on, ranked_at)
    SELECT '{SUPPLIER}', pg_temp.made('2001', n), pg_temp.made('c000', n %% {CUSTOMERS}), pg_temp.made('1000', n),
    'F2026-' || n, 'invoice', true, {AMOUNT}, {AMOUNT}, 'EUR', '2026-09-01', '2026-10-01', '2026-09-01'
    FROM generate_series(1, %(count)s) AS n;
INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, account_id, amount_minor, currency, state,
    expires_at, created_at, changed_at)
    SELECT '{SUPPLIER}', pg_temp.made('a000', n), pg_temp.made('c000', n %% {CUSTOMERS}), %(account)s, {AMOUNT}, 'EUR',
    'open', now(), now(), now() FROM generate_series(1, %(count)s) AS n;
INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state)
    SELECT '{SUPPLIER}', pg_temp.made('a000', n), pg_temp.made('1000', n), {AMOUNT}, 'open'
    FROM generate_series(1, %(count)s) AS n;
INSERT INTO number_series (supplier_id, series, year, last_number) VALUES ('{SUPPLIER}', 'F', 2026, %(count)s);
"""  # noqa: S608 -- every value joined in is a constant of this module


def prepare_books(works: Works, keyring: Keyring, superuser_url: str, count: int) -> None:
    """One supplier with ``count`` invoices of 120.00, spread over its customers, each with an open attempt."""
    with works.database.register() as connection:
        connection.execute(
            text("INSERT INTO suppliers (supplier_id, siren, name, created_at) VALUES (:id, '300000000', 'B', :at)"),
            {"id": SUPPLIER, "at": now()},
        )
    with works.begin(SUPPLIER) as work:
        account = open_account(
            work,
            keyring,
            provider="stripe",
            key="sk_test_bench",
            webhook_secret=SECRET,
            base_url="http://127.0.0.1:9",
            live=False,
        )
    with psycopg.connect(superuser_url) as superuser, psycopg.ClientCursor(superuser) as cursor:
        cursor.execute(_PREPARE, {"count": count, "account": account})
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute("VACUUM ANALYZE")
    for first in range(1, count + 1, AUDITED_TOGETHER):
        numbers = range(first, min(first + AUDITED_TOGETHER, count + 1))
        rows = [{"actor": "bench", "act": "invoice.issued", "object": made(1, n), "details": {}} for n in numbers]
        works.run(SUPPLIER, partial(Work.audit_all, rows=rows))
    while works.run(SUPPLIER, seal_audit):
        continue


def made(kind: int, number: int) -> str:
    """The id of invoice (1) or attempt (0xa) ``number``."""
    return f"0199{kind:x}000-0000-7000-8000-{number:012x}"


def webhook(number: int) -> bytes:
    """The event that tells of the payment of invoice ``number``: a PaymentIntent with every documented field."""
    metadata = {"supplier_id": str(SUPPLIER), "attempt_id": made(0xA, number)}
    payment = payment_intent(
        f"pi_bench{number:08d}",
        BEGAN,
        amount=AMOUNT,
        currency="eur",
        methods=["card"],
        params={"metadata": metadata, "description": f"F2026-{number}"},
    )
    paid = payment | {"status": "succeeded", "amount_received": AMOUNT, "latest_charge": f"ch_bench{number:08d}"}
    event = {
        "id": f"evt_bench{number:08d}",
        "object": "event",
        "api_version": "2026-10-28",
        "created": BEGAN,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "payment_intent.succeeded",
        "data": {"object": paid},
    }
    return json.dumps(event).encode()


@dataclass(slots=True)
class Magazine:
    """Webhooks not yet sent, in the order of their numbers."""

    used: int
    count: int

    def load(self, path: Path, rounds: int) -> None:
        """Sign the next ``rounds`` webhooks now and write them, two lines each: signature, body."""
        at = now()
        with path.open("wb") as file:
            for body in self._next(rounds):
                file.write(sign(SECRET, body, at).encode() + b"\n" + body + b"\n")

    def _next(self, rounds: int) -> Iterator[bytes]:
        last = self.used + rounds
        if last > self.count:
            raise SystemExit(f"Prepare more invoices: {self.count} are not enough.")
        yield from (webhook(number) for number in range(self.used + 1, last + 1))
        self.used = last
