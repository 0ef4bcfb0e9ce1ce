"""Every check of the books says zero on a true house and catches its planted fault."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from catalogue import superuser
from declarant_builders import declare_by_hand
from dispute_builders import receive, status_message
from ledger_builders import attempt, customer_facts, issue, received, refunded

from config.clock import now, today
from einvoice.reporting.periods import ReportKind, period_of
from receivables.domain.invoicing.invoices import NamedInvoice, Routing
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.accounting.checks import CHECKS, NOT_SHOWN, run_checks, state_hash
from receivables.services.accounting.sealing import seal_audit
from receivables.services.risk.insolvency import NewInsolvency, note_insolvency
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from config.embedded import EmbeddedPostgres
    from receivables.store.register import Supplier
    from receivables.store.work import Works

FAULTS: dict[str, list[str]] = {
    "I3": [
        "INSERT INTO inbox (supplier_id, source, external_id, body, state) VALUES (%(s)s, 'x', '1', '', 'buried')",
        "UPDATE outbox SET state = 'buried', reason = NULL WHERE supplier_id = %(s)s",
    ],
    "I4": [
        "UPDATE receivable_items SET reference = 'pi_other' WHERE supplier_id = %(s)s AND kind = 'receipt'",
        "DELETE FROM receivable_items WHERE supplier_id = %(s)s AND kind = 'refund'",
    ],
    "I5": [
        "UPDATE postings SET debit_minor = debit_minor + 1 WHERE supplier_id = %(s)s AND debit_minor > 0",
        "DELETE FROM postings WHERE supplier_id = %(s)s AND account LIKE '7%%'",
        "DELETE FROM postings WHERE supplier_id = %(s)s",
    ],
    "I6": [
        "UPDATE receivable_items SET open_minor = open_minor - 1 WHERE supplier_id = %(s)s AND open_minor > 0",
        "DELETE FROM receivable_items WHERE supplier_id = %(s)s AND kind = 'invoice'",
        "DELETE FROM allocations WHERE supplier_id = %(s)s",
        (
            "UPDATE postings SET debit_minor = debit_minor + 5 WHERE supplier_id = %(s)s AND account LIKE '411%%' "
            "AND debit_minor > 0"
        ),
    ],
    "I7": [
        "UPDATE letterings SET balanced = true WHERE supplier_id = %(s)s",
        "UPDATE allocations SET amount_minor = -amount_minor WHERE supplier_id = %(s)s",
        (
            "INSERT INTO lettering_ends SELECT supplier_id, lettering_id, 'planted', now() FROM receivable_items "
            "WHERE supplier_id = %(s)s AND lettering_id IS NOT NULL LIMIT 1"
        ),
        "UPDATE receivable_items SET lettering_id = NULL WHERE supplier_id = %(s)s",
    ],
    "I7-AIM": [
        "UPDATE reservations SET amount_minor = 1 WHERE supplier_id = %(s)s",
        "DELETE FROM reservations WHERE supplier_id = %(s)s",
    ],
    "I8": [
        "UPDATE receivable_items SET open_minor = open_minor - 7 WHERE supplier_id = %(s)s AND open_minor > 7",
        "UPDATE postings SET customer_id = NULL WHERE supplier_id = %(s)s AND account LIKE '411%%'",
        "UPDATE receivable_items SET currency = 'USD' WHERE supplier_id = %(s)s AND open_minor > 0",
    ],
    "I8-FLIGHT": [
        "UPDATE reservations SET state = 'released' WHERE supplier_id = %(s)s AND state = 'processing'",
        "UPDATE payment_attempts SET state = 'failed' WHERE supplier_id = %(s)s AND state = 'processing'",
    ],
    "I8-DOUBTFUL": [
        "UPDATE postings SET debit_minor = debit_minor + 5 WHERE supplier_id = %(s)s AND account LIKE '416%%'",
        "UPDATE insolvencies SET state = 'ended' WHERE supplier_id = %(s)s",
    ],
    "I8-STANDING": [
        "UPDATE customer_standings SET due_minor = due_minor + 1 WHERE supplier_id = %(s)s",
        "UPDATE customer_standings SET older_minor = older_minor - 1 WHERE supplier_id = %(s)s",
        "UPDATE customer_standings SET turns_on = 'infinity' WHERE supplier_id = %(s)s AND due_minor > 0",
        "DELETE FROM customer_standings WHERE supplier_id = %(s)s",
        "UPDATE receivable_items SET open_minor = 0 WHERE supplier_id = %(s)s AND open_minor > 0",
    ],
    "I9": [
        "DELETE FROM outbox WHERE supplier_id = %(s)s AND kind = 'cash.collected'",
        (
            "INSERT INTO outbox (supplier_id, kind, event_key, payload) SELECT supplier_id, 'cash.collected', "
            "invoice_id || '/99', '{}' FROM invoices WHERE supplier_id = %(s)s"
        ),
        (
            "INSERT INTO statuses (supplier_id, invoice_id, message_id, code, direction, set_at, created_at) "
            "SELECT supplier_id, invoice_id, 'F1_212_2026101410000' || n || '-1#380_20261001', '212', 'out', "
            "now(), now() "
            "FROM invoices, generate_series(1, 2) AS n WHERE supplier_id = %(s)s"
        ),
    ],
    "I5-BACK": [
        (
            "UPDATE postings SET account = '706001' WHERE supplier_id = %(s)s AND account LIKE '706%%' AND entry_id IN "
            "(SELECT entry_id FROM entries WHERE supplier_id = %(s)s AND source_kind = 'reversal')"
        ),
        "UPDATE entries SET reverses_id = NULL WHERE supplier_id = %(s)s",
        "UPDATE receivable_items SET open_minor = open_minor + 1 WHERE supplier_id = %(s)s AND kind = 'reversal'",
    ],
    "I10": [
        "UPDATE collections SET amount_minor = amount_minor + 1 WHERE supplier_id = %(s)s AND kind = 'set_off'",
        "UPDATE collections SET kind = 'cash' WHERE supplier_id = %(s)s AND kind = 'set_off'",
        "DELETE FROM collections WHERE supplier_id = %(s)s AND kind = 'set_off' AND amount_minor < 0",
        "UPDATE collections SET amount_minor = -amount_minor WHERE supplier_id = %(s)s AND kind = 'set_off'",
        "UPDATE collections SET amount_minor = amount_minor + 1 WHERE supplier_id = %(s)s",
        "DELETE FROM collections WHERE supplier_id = %(s)s",
        "UPDATE collections SET split = '[]' WHERE supplier_id = %(s)s",
        "UPDATE invoices SET payable_minor = 1 WHERE supplier_id = %(s)s",
    ],
    "I10-RATE": [
        (
            """UPDATE collections SET split = '[{"rate": "20", "amount_minor": 6000}, """
            """{"rate": "5.5", "amount_minor": 4000}]' WHERE supplier_id = %(s)s AND amount_minor = 10000"""
        ),
    ],
    "I10-VAT": [
        (
            "UPDATE postings SET debit_minor = debit_minor - 1 WHERE supplier_id = %(s)s AND account LIKE '44574%%' "
            "AND debit_minor > 0"
        ),
        (
            "UPDATE postings SET account = '706000' WHERE supplier_id = %(s)s AND account LIKE '44571%%' "
            "AND credit_minor > 0"
        ),
        (
            "DELETE FROM postings WHERE supplier_id = %(s)s AND account LIKE '4457%%' AND entry_id IN "
            "(SELECT entry_id FROM entries WHERE supplier_id = %(s)s AND source_kind = 'return')"
        ),
    ],
    "I11": [
        (
            "UPDATE report_lines SET amount_minor = amount_minor + 1, amount_eur_minor = amount_eur_minor + 1 "
            "WHERE supplier_id = %(s)s AND amount_minor IS NOT NULL"
        ),
        "UPDATE report_lines SET rate = 10 WHERE supplier_id = %(s)s AND rate = 20 AND amount_minor IS NOT NULL",
        "DELETE FROM report_lines WHERE supplier_id = %(s)s AND amount_minor < 0",
        "UPDATE collections SET collected_on = '2026-09-30' WHERE supplier_id = %(s)s",
        "UPDATE invoices SET routing = 'out_of_scope' WHERE supplier_id = %(s)s",
    ],
    "I11-SALES": [
        "UPDATE report_lines SET taxable_minor = taxable_minor + 1 WHERE supplier_id = %(s)s AND taxable_minor > 0",
        "DELETE FROM report_lines WHERE supplier_id = %(s)s AND taxable_minor < 0",
        "UPDATE invoices SET type_code = '380' WHERE supplier_id = %(s)s AND routing = 'b2c'",
        "UPDATE invoices SET issued_on = '2026-09-30' WHERE supplier_id = %(s)s AND routing = 'b2c'",
    ],
    "I11-ROADS": [
        (
            "INSERT INTO statuses (supplier_id, invoice_id, message_id, code, direction, set_at, created_at) "
            "SELECT supplier_id, invoice_id, 'F1_212_20261014100000-1#380_20261001', '212', 'out', now(), now() "
            "FROM invoices WHERE supplier_id = %(s)s AND routing = 'b2c'"
        ),
        (
            "INSERT INTO report_lines SELECT supplier_id, report_id, line + 100, block, invoice_id, sequence, "
            "happened_on, category, rate, taxable_minor, tax_minor, tax_eur_minor, amount_minor, amount_eur_minor, "
            "currency, untold FROM report_lines WHERE supplier_id = %(s)s"
        ),
    ],
    "I12": [
        "UPDATE audit_rows SET actor = 'somebody' WHERE supplier_id = %(s)s",
        "DELETE FROM audit_rows WHERE supplier_id = %(s)s",
    ],
    "I14": [
        "UPDATE number_series SET last_number = last_number + 1 WHERE supplier_id = %(s)s AND series = 'F'",
        "UPDATE invoices SET serial = serial + 100 WHERE supplier_id = %(s)s",
    ],
    "I17": [
        "UPDATE disputes SET amount_minor = 10001, scope = 'amount' WHERE supplier_id = %(s)s",
        "UPDATE dispute_events SET message_id = 'another' WHERE supplier_id = %(s)s AND kind = 'status'",
    ],
    "I15": [
        "ALTER TABLE reservations ADD CONSTRAINT planted FOREIGN KEY (attempt_id) REFERENCES planted_keys NOT VALID"
    ],
}


@pytest.fixture
def books(works: Works, supplier: Supplier) -> Works:
    """An invoice paid in full, one in part, one refunded, one in flight, one credited, one replaced; all sealed."""
    with works.begin(supplier.supplier_id) as work:
        contested = issue(work)
        receive(work, contested, status_message(contested, "207", "QTE_ERR"))
        record_facts(work, [received(attempt(work, issue(work)), 10000)])
        record_facts(work, [received(attempt(work, issue(work), 4000), 4000)])
        paid = attempt(work, issue(work))
        record_facts(work, [received(paid, 10000), refunded(paid, 10000)])
        record_facts(work, [AttemptMoved(attempt(work, issue(work)), AttemptState.PROCESSING, "pi_flying")])
        issue(work, type_code="381", names=(NamedInvoice(issue(work).number, 2026),))
        issue(work, type_code="384", names=(NamedInvoice(issue(work).number, 2026),))
        fallen = issue(work, customer=customer_facts("En redressement", None), issued_on=today() - timedelta(days=30))
        opened = today() - timedelta(days=5)
        note_insolvency(work, NewInsolvency(fallen.customer_id, "redressement", opened, "BODACC", "anne"))
    with works.begin(supplier.supplier_id) as work:
        consumer = attempt(work, issue(work, routing=Routing.B2C))
        record_facts(work, [received(consumer, 10000), refunded(consumer, 2500)])
        issue(work, routing=Routing.B2C, type_code="381", vat_rows=(VatRow("S", Decimal(20), 1000, 200),))
        for kind in ReportKind:
            declare_by_hand(work, period_of("quarterly", kind, date(2026, 10, 1)))
    works.run(supplier.supplier_id, seal_audit)
    return works


def gaps(works: Works, supplier: Supplier) -> dict[str, int]:
    with works.begin(supplier.supplier_id) as work:
        return {finding.code: finding.gap for finding in run_checks(work)}


def test_a_true_house_has_no_gap_and_every_check_looked_at_something(books: Works, supplier: Supplier) -> None:
    with books.begin(supplier.supplier_id) as work:
        findings = run_checks(work)
    assert {each.code: each.gap for each in findings if each.gap} == {}
    assert all(each.looked_at > 0 for each in findings)
    assert {each.code for each in findings} == set(FAULTS)


def test_a_house_of_nothing_has_no_gap(works: Works, supplier: Supplier) -> None:
    assert not any(gaps(works, supplier).values())


def test_every_check_has_a_planted_fault_and_the_rest_are_proved_elsewhere() -> None:
    assert {check.code for check in CHECKS} | {"I12"} == set(FAULTS)
    assert not NOT_SHOWN.keys() & FAULTS.keys()


@pytest.mark.parametrize(
    ("code", "fault"), [(code, fault) for code, faults in FAULTS.items() for fault in faults if code != "I15"]
)
def test_a_planted_fault_is_caught(
    books: Works, supplier: Supplier, postgres: EmbeddedPostgres, code: str, fault: str
) -> None:
    with superuser(postgres) as connection:
        assert connection.execute(fault, {"s": supplier.supplier_id}).rowcount > 0, "the fault was planted"
    assert gaps(books, supplier)[code] > 0


def test_a_planted_reference_across_suppliers_is_caught(
    books: Works, supplier: Supplier, postgres: EmbeddedPostgres
) -> None:
    with superuser(postgres) as connection:
        connection.execute("CREATE TABLE planted_keys (id uuid PRIMARY KEY)")
        connection.execute(FAULTS["I15"][0])
    try:
        assert gaps(books, supplier)["I15"] == 1
    finally:
        with superuser(postgres) as connection:
            connection.execute("ALTER TABLE reservations DROP CONSTRAINT planted")
            connection.execute("DROP TABLE planted_keys")
    assert gaps(books, supplier)["I15"] == 0


def test_the_same_instalment_twice_in_one_second_is_no_fault(works: Works, supplier: Supplier) -> None:
    """Two movements may look alike to the cent and the second: they are told apart by their number."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        work.execute(
            "INSERT INTO statuses (supplier_id, invoice_id, message_id, code, direction, set_at, created_at) "
            "SELECT :supplier, :id, 'F1_212_20261014100000-' || n || '#380_20261001', '212', 'out', :at, :at "
            "FROM generate_series(1, 2) AS n",
            id=invoice.invoice_id,
            at=now(),
        )
    assert gaps(works, supplier)["I9"] == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE receivable_items SET open_minor = open_minor - 1 WHERE supplier_id = %(s)s AND open_minor > 0",
        "UPDATE postings SET account = '512000' WHERE supplier_id = %(s)s AND account = '511500'",
        "UPDATE allocations SET amount_minor = amount_minor - 1 WHERE supplier_id = %(s)s AND amount_minor > 1",
        """UPDATE collections SET split = '[{"rate": "20", "amount_minor": 1}]' WHERE supplier_id = %(s)s""",
        "UPDATE payment_attempts SET state = 'failed' WHERE supplier_id = %(s)s AND state = 'succeeded'",
    ],
)
def test_the_fingerprint_sees_every_part_of_the_state(
    books: Works, supplier: Supplier, postgres: EmbeddedPostgres, change: str
) -> None:
    def fingerprint() -> str:
        with books.begin(supplier.supplier_id) as work:
            return state_hash(work)

    before = fingerprint()
    assert fingerprint() == before
    with superuser(postgres) as connection:
        connection.execute(change, {"s": supplier.supplier_id})
    assert fingerprint() != before


def test_the_fingerprint_knows_nothing_of_letters_and_ids(works: Works, supplier: Supplier, postgres: Any) -> None:
    with works.begin(supplier.supplier_id) as work:
        record_facts(work, [received(attempt(work, issue(work)), 10000)])
    with works.begin(supplier.supplier_id) as work:
        before = state_hash(work)
    with superuser(postgres) as connection:
        connection.execute("UPDATE letterings SET code = 'ZZ' WHERE supplier_id = %s", (supplier.supplier_id,))
    with works.begin(supplier.supplier_id) as work:
        assert state_hash(work) == before
