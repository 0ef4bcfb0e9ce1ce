"""Two at once: the same money written down twice, the same credit used twice; each with the bug that it must catch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import issue
from sqlalchemy.exc import IntegrityError
from test_paying import no_gap, transfer

from receivables.errors import ConflictError
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement import aiming, paying, receipts
from receivables.services.settlement.aiming import aim
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.paying import record_payment
from receivables.services.settlement.settling import load_settling

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def at_once(works: Works, supplier: Supplier, steps: list[Callable[[Work], object]]) -> list[Exception | None]:
    """Run each step in a transaction of its own, all at once; what each was refused with."""

    def run(step: Callable[[Work], object]) -> Exception | None:
        try:
            works.run(supplier.supplier_id, step)
        except (ConflictError, IntegrityError) as error:
            return error
        return None

    with ThreadPoolExecutor(len(steps)) as pool:
        return [each.result(30) for each in [pool.submit(run, step) for step in steps]]


def used_twice(works: Works, supplier: Supplier) -> tuple[UUID, list[Invoice], list[Exception | None]]:
    """Credit of 50.00 used in whole for each of two invoices, at once."""
    with works.begin(supplier.supplier_id) as work:
        first, *others = [issue(work) for _ in range(3)]
        paid = record_payment(work, transfer(first, 15000))
    steps = [lambda work, each=each: aim(work, paid, each.invoice_id, 5000, "payer") for each in others]
    return first.customer_id, others, at_once(works, supplier, steps)


def test_a_payment_written_down_twice_at_once_is_one(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
    refused = at_once(works, supplier, [lambda work: record_payment(work, transfer(invoice, 10000))] * 4)
    assert refused == [None] * 4
    with works.begin(supplier.supplier_id) as work:
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert available_credits(work, invoice.customer_id) == []
        no_gap(work)


def test_a_credit_used_for_two_invoices_at_once_goes_to_one(works: Works, supplier: Supplier) -> None:
    customer_id, invoices, refused = used_twice(works, supplier)
    assert sorted(isinstance(each, ConflictError) for each in refused) == [False, True]
    with works.begin(supplier.supplier_id) as work:
        assert sorted(due_on_invoice(work, each.invoice_id).open_minor for each in invoices) == [5000, 10000]
        assert available_credits(work, customer_id) == []
        no_gap(work)


def test_a_planted_use_without_the_lock_is_caught(
    works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Barrier(2)

    def load_together(work: Work, *about: Any) -> Any:
        loaded = load_settling(work, *about)
        meeting.wait(10)
        return loaded

    monkeypatch.setattr(aiming, "lock_customers", lambda *_: None)
    with works.begin(supplier.supplier_id) as work:
        first, *others = [issue(work) for _ in range(3)]
        paid = record_payment(work, transfer(first, 15000))
    monkeypatch.setattr(aiming, "load_settling", load_together)
    steps = [lambda work, each=each: aim(work, paid, each.invoice_id, 5000, "payer") for each in others]
    refused = at_once(works, supplier, steps)
    assert refused == [None, None], "both went through: nobody held the customer"
    with works.begin(supplier.supplier_id) as work, pytest.raises(AssertionError, match="I6"):
        no_gap(work)


def test_a_planted_record_without_the_lock_is_refused_by_the_tables(
    works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Barrier(2)

    def know_together(*_: Any) -> dict[str, Any]:
        meeting.wait(10)
        return {}

    for module in (paying, receipts):
        monkeypatch.setattr(module, "lock_customers", lambda *_: None)
    monkeypatch.setattr(paying, "_known", know_together)
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
    refused = at_once(works, supplier, [lambda work: record_payment(work, transfer(invoice, 10000))] * 2)
    assert sum(isinstance(each, IntegrityError) for each in refused) == 1
