"""A receipt letters the invoice, lowers the exposure and is announced once; a refund runs the road backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ledger_builders import attempt, issue, received, refunded

from receivables.domain.settlement.receipts import Outcome
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def balances(work: Work) -> dict[str, int]:
    rows = work.rows(
        "SELECT account, sum(debit_minor - credit_minor)::bigint AS balance FROM postings "
        "WHERE supplier_id = :supplier GROUP BY account"
    )
    return {row["account"]: row["balance"] for row in rows if row["balance"]}


def splits(work: Work, invoice_id: UUID) -> list[tuple[int, list[tuple[str, int]]]]:
    rows = work.rows(
        "SELECT amount_minor, split FROM collections WHERE supplier_id = :supplier AND invoice_id = :id "
        "ORDER BY sequence",
        id=invoice_id,
    )
    return [(row["amount_minor"], [(p["rate"], p["amount_minor"]) for p in row["split"]]) for row in rows]


def letters(work: Work) -> list[str]:
    rows = work.rows(
        "SELECT code FROM letterings WHERE supplier_id = :supplier AND lettering_id IN "
        "(SELECT lettering_id FROM receivable_items WHERE supplier_id = :supplier) ORDER BY code"
    )
    return [row["code"] for row in rows]


def test_a_full_payment_letters_in_upper_case_and_declares_each_rate_exactly(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        assert exposure_of(work, invoice.customer_id).total_minor == 10000
        assert record_facts(work, [received(paid, 10000)]) == [Outcome.POSTED]
        assert exposure_of(work, invoice.customer_id).total_minor == 0
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert letters(work) == ["AA"]
        assert splits(work, invoice.invoice_id) == [(10000, [("20", 6001), ("5.5", 3999)])]
        assert balances(work) == {"511500": 10000, "706000": -8792, "445710": -1208}


def test_several_events_about_one_payment_post_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        fact = received(attempt(work, invoice), 10000)
    for _ in range(3):
        with works.begin(supplier.supplier_id) as work:
            record_facts(work, [fact, fact])
    with works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM entries WHERE supplier_id = :supplier AND source_kind='receipt'") == 1
        assert work.scalar("SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND kind='cash.collected'") == 1


def test_seven_instalments_declare_the_invoice_to_the_cent(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        for number, amount in enumerate([1429] * 6 + [1426]):
            record_facts(work, [received(attempt(work, invoice, amount, minutes=number), amount)])
            codes = letters(work)
            assert codes == (["AA"] if number == 6 else ["aa"])
        parts = [part for _, split in splits(work, invoice.invoice_id) for part in split]
        assert sum(amount for rate, amount in parts if rate == "20") == 6001
        assert sum(amount for rate, amount in parts if rate == "5.5") == 3999


def test_a_refund_reopens_the_invoice_and_declares_the_same_split_negative(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        record_facts(work, [received(paid, 10000)])
        record_facts(work, [refunded(paid, 10000)])
        assert due_on_invoice(work, invoice.invoice_id).state == "due"
        assert exposure_of(work, invoice.customer_id).total_minor == 10000
        assert splits(work, invoice.invoice_id)[1] == (-10000, [("20", -6001), ("5.5", -3999)])
        assert letters(work) == ["AB"], "the receipt and its refund letter each other under a new code"
        assert balances(work) == {"411000": 10000, "706000": -8792, "445740": -1208}


def test_a_refund_before_its_payment_waits(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        assert record_facts(work, [refunded(paid, 4000)]) == [Outcome.WAITING]
        outcomes = record_facts(work, [refunded(paid, 4000), received(paid, 10000), refunded(paid, 4000)])
        assert outcomes == [Outcome.WAITING, Outcome.POSTED, Outcome.POSTED]
        assert due_on_invoice(work, invoice.invoice_id).open_minor == 4000
        assert letters(work) == ["aa"]


def test_paying_twice_leaves_a_credit_and_refunding_either_ends_the_same(works: Works, supplier: Supplier) -> None:
    for refund_first in (True, False):
        with works.begin(supplier.supplier_id) as work:
            invoice = issue(work)
            one, two = attempt(work, invoice, minutes=1), attempt(work, invoice, minutes=2)
            record_facts(work, [received(two, 10000)])
            record_facts(work, [received(one, 10000)])
            assert exposure_of(work, invoice.customer_id).credits_minor == 10000
            record_facts(work, [refunded(one if refund_first else two, 10000)])
            assert exposure_of(work, invoice.customer_id).total_minor == 0
            assert due_on_invoice(work, invoice.invoice_id).state == "paid"
            assert sum(amount for amount, _ in splits(work, invoice.invoice_id)) == 10000


def test_a_fact_of_an_unknown_attempt_is_named_as_such(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        mine = attempt(work, invoice)
    with works.begin(supplier.supplier_id) as work:
        foreign = received(type(mine)(int=mine.int ^ 1), 10000)
        assert record_facts(work, [foreign]) == [Outcome.UNKNOWN]


@pytest.mark.parametrize("table", ["entries", "postings", "allocations", "collections", "invoices"])
def test_the_books_refuse_change(works: Works, supplier: Supplier, table: str) -> None:
    with pytest.raises(Exception, match=r"permission denied|append-only"), works.begin(supplier.supplier_id) as work:
        work.execute(f"DELETE FROM {table} WHERE supplier_id = :supplier")  # noqa: S608 -- the names above
