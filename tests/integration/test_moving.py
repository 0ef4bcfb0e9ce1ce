"""Open credit moved to another customer or into another currency: every joint works on, and back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ledger_builders import MORNING, customer_facts, issue

from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import MoneyReturned
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.moving import (
    ExchangeCredit,
    TransferCredit,
    exchange_credit,
    transfer_credit,
    undo_move,
)
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.services.settlement.receipts import record_facts
from receivables.store.settlement.moves import moves_of_customer

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 10, 14)


def paid_by_parent(work: Work, amount_minor: int = 15_000) -> tuple[Invoice, Invoice, UUID]:
    """A parent with an invoice of 100.00 that it pays with more, a child with another; the parent's payment."""
    parent = issue(work, customer=customer_facts("Groupe Martin", "552100554"))
    child = issue(work)
    command = RecordPayment(
        "bank:parent",
        parent.customer_id,
        amount_minor,
        "EUR",
        DAY,
        "transfer",
        "bank",
        "bank",
        {parent.invoice_id: 10_000},
        "Lea",
    )
    return parent, child, record_payment(work, command)


def proved(work: Work) -> None:
    """Every invariant of the core holds."""
    assert [(each.code, each.gap) for each in run_checks(work) if each.gap] == []


def balances(work: Work) -> dict[tuple[str, str], int]:
    """What stands on each account, by currency, without those at nothing."""
    rows = work.rows(
        "SELECT account, currency, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
        "WHERE supplier_id = :supplier GROUP BY 1, 2 HAVING sum(debit_minor - credit_minor) <> 0"
    )
    return {(row["account"], row["currency"]): row["minor"] for row in rows}


def transfer(child: Invoice, payment: UUID, amount_minor: int = 5_000) -> TransferCredit:
    """The parent pays for the child."""
    aims = {child.invoice_id: amount_minor}
    return TransferCredit(payment, child.customer_id, amount_minor, "Lea", "la mère paie pour la fille", aims)


def test_a_parent_pays_for_its_child_and_the_cash_is_told_on_the_childs_invoice(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        parent, child, payment = paid_by_parent(work)
        transfer_credit(work, transfer(child, payment))
        assert due_on_invoice(work, child.invoice_id).open_minor == 5_000
        assert available_credits(work, parent.customer_id) == []
        told = work.rows(
            "SELECT amount_minor, collected_on FROM collections WHERE supplier_id = :supplier AND invoice_id = :id",
            id=child.invoice_id,
        )
        assert [tuple(row.values()) for row in told] == [(5_000, DAY)]
        assert ("580000", "EUR") not in balances(work)
        proved(work)


def test_what_was_moved_comes_back_when_the_payment_behind_it_does(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        parent, child, payment = paid_by_parent(work)
        transfer_credit(work, transfer(child, payment))
        record_facts(work, [MoneyReturned("bounced:1", "bank:parent", "return", 15_000, "EUR", MORNING, "bank")])
        assert due_on_invoice(work, child.invoice_id).open_minor == 10_000
        assert due_on_invoice(work, parent.invoice_id).open_minor == 10_000
        told = work.rows(
            "SELECT amount_minor FROM collections WHERE supplier_id = :supplier AND invoice_id = :id ORDER BY sequence",
            id=child.invoice_id,
        )
        assert [row["amount_minor"] for row in told] == [5_000, -5_000]
        assert moves_of_customer(work, parent.customer_id) == []
        assert ("580000", "EUR") not in balances(work)
        proved(work)


def test_a_part_that_goes_back_undoes_only_what_it_needs(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        _, child, payment = paid_by_parent(work, 16_000)
        transfer_credit(work, transfer(child, payment))
        record_facts(work, [MoneyReturned("refund:1", "bank:parent", "refund", 1_000, "EUR", MORNING, "bank")])
        assert due_on_invoice(work, child.invoice_id).open_minor == 5_000
        proved(work)


def test_a_move_is_undone_with_a_reason_and_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        parent, child, payment = paid_by_parent(work)
        transfer_credit(work, transfer(child, payment))
        (move,) = moves_of_customer(work, child.customer_id)
        with pytest.raises(ReceivablesError, match="Say why"):
            undo_move(work, move.move_id, "Lea", " ")
        undo_move(work, move.move_id, "Lea", "wrong child")
        assert due_on_invoice(work, child.invoice_id).open_minor == 10_000
        assert [each.open_minor for each in available_credits(work, parent.customer_id)] == [5_000]
        with pytest.raises(NotFoundError):
            undo_move(work, move.move_id, "Lea", "again")
        proved(work)


def test_more_than_is_open_cannot_be_moved_and_nothing_is_half_done(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        parent, child, payment = paid_by_parent(work)
        with pytest.raises(ConflictError, match=r"50\.00 EUR of this payment"):
            transfer_credit(work, transfer(child, payment, 5_001))
        with pytest.raises(ReceivablesError, match="already"):
            transfer_credit(work, TransferCredit(payment, parent.customer_id, 5_000, "Lea", "mine"))
        proved(work)


@pytest.mark.parametrize(("books_minor", "account"), [(9_200, "656000"), (8_800, "756000")])
def test_euros_pay_an_invoice_in_dollars_and_the_difference_is_a_loss_or_a_gain(
    works: Works, supplier: Supplier, books_minor: int, account: str
) -> None:
    with works.begin(supplier.supplier_id) as work:
        dollars = issue(work, currency="USD", vat_on_collection=False, vat_rows=(VatRow("G", Decimal(0), 10_000, 0),))
        command = RecordPayment(
            "bank:usd", dollars.customer_id, 9_000, "EUR", DAY, "transfer", "bank", "bank", {}, "Lea"
        )
        payment = record_payment(work, command)
        exchange_credit(work, ExchangeCredit(payment, dollars.invoice_id, 9_000, 10_000, books_minor, "Lea"))
        assert due_on_invoice(work, dollars.invoice_id).open_minor == 0
        assert abs(balances(work)[account, "EUR"]) == 200
        assert balances(work)["478000", "USD"] == 10_000
        assert balances(work)["478000", "EUR"] == -books_minor
        proved(work)
        record_facts(work, [MoneyReturned("bounced:1", "bank:usd", "return", 9_000, "EUR", MORNING, "bank")])
        assert due_on_invoice(work, dollars.invoice_id).open_minor == 10_000
        assert not {"478000", "656000", "756000"} & {number for number, _ in balances(work)}
        proved(work)
