"""Lettering by hand: several lines in one gesture, a small rest given up, suggestions that are never taken alone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from ledger_builders import issue

from receivables.domain.settlement.suggestions import OpenLine, suggest
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.lettering_by_hand import LetterLines, key_of, letter_lines, open_account
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.services.settlement.setting_off import UndoSetOff, undo_set_off
from receivables.store.settlement.letterings import lettered_pairs

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 10, 14)


def unnamed(work: Work, invoice: Invoice, minor: int, ref: str) -> UUID:
    """Money of a customer that names no invoice."""
    command = RecordPayment(ref, invoice.customer_id, minor, "EUR", DAY, "transfer", "bank", "bank", {}, "Lea")
    return record_payment(work, command)


def chosen(work: Work, invoices: list[Invoice], *, waive: bool = False) -> LetterLines:
    """Every credit of the customer with these invoices."""
    (account,) = open_account(work, invoices[0].customer_id)
    keys = tuple(key_of(credit) for credit in account.credits)
    return LetterLines(invoices[0].customer_id, tuple(each.invoice_id for each in invoices), keys, "Lea", waive)


def test_two_credits_pay_three_invoices_in_one_gesture_the_oldest_first(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoices = [issue(work, due_on=date(2026, 10, day)) for day in (20, 10, 30)]
        unnamed(work, invoices[0], 12_000, "bank:1")
        unnamed(work, invoices[0], 9_000, "bank:2")
        assert letter_lines(work, chosen(work, invoices)) == 21_000
        left = [due_on_invoice(work, each.invoice_id).open_minor for each in invoices]
        assert left == [0, 0, 9_000]
        pairs = lettered_pairs(work, invoices[0].customer_id, limit=10)
        assert sorted(pair.minor for pair in pairs) == [1_000, 2_000, 8_000, 10_000]
        assert [(each.code, each.gap) for each in run_checks(work) if each.gap] == []


def test_this_990_pays_the_1000_in_one_gesture_of_the_screen(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        unnamed(work, invoice, 9_900, "bank:1")
        letter_lines(work, chosen(work, [invoice], waive=True))
        assert due_on_invoice(work, invoice.invoice_id).open_minor == 0
        (pair,) = lettered_pairs(work, invoice.customer_id, limit=10)
        assert (pair.code, pair.balanced) == ("AA", True)
        assert [(each.code, each.gap) for each in run_checks(work) if each.gap] == []


def test_a_line_that_somebody_used_meanwhile_is_told_and_nothing_is_half_done(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice, other = issue(work), issue(work)
        unnamed(work, invoice, 10_000, "bank:1")
        command = chosen(work, [invoice])
        letter_lines(work, chosen(work, [other]))
        with pytest.raises(ConflictError, match="not open any more"):
            letter_lines(work, command)
        with pytest.raises(ReceivablesError, match="Choose at least"):
            letter_lines(work, LetterLines(invoice.customer_id, (), (), "Lea"))


def test_a_credit_note_is_lettered_by_hand_and_taken_back(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        note = issue(work, type_code="381")
        assert letter_lines(work, chosen(work, [invoice])) == 10_000
        (pair,) = lettered_pairs(work, invoice.customer_id, limit=10)
        assert pair.credit_note_id == note.invoice_id
        undo_set_off(work, UndoSetOff(invoice.invoice_id, note.invoice_id, "Lea", "wrong one"))
        assert due_on_invoice(work, invoice.invoice_id).open_minor == 10_000
        assert lettered_pairs(work, invoice.customer_id, limit=10) == []


def line(key: str, minor: int, day: int = 1, reference: str = "") -> OpenLine:
    """An open line of October."""
    return OpenLine(key, reference or key, minor, date(2026, 10, day))


def test_a_reference_comes_before_an_amount_and_an_amount_before_a_sum() -> None:
    debits = [line("F1", 100), line("F2", 100), line("F3", 60), line("F4", 40), line("F5", 7)]
    credits_ = [line("a", 100, reference="VIR F2 MERCI"), line("b", 100), line("c", 107)]
    assert [(each.why, each.credit_keys, each.debit_keys) for each in suggest(debits, credits_)] == [
        ("named", ("a",), ("F2",)),
        ("same_amount", ("b",), ("F1",)),
        ("sum_of_invoices", ("c",), ("F3", "F4", "F5")),
    ]


def test_two_sets_that_add_up_are_a_guess_and_no_suggestion() -> None:
    assert suggest([line("F1", 30), line("F2", 70), line("F3", 70)], [line("a", 100)]) == []


def test_several_credits_may_pay_one_invoice() -> None:
    found = suggest([line("F1", 100)], [line("a", 30), line("b", 70), line("c", 55)])
    assert [(each.why, each.credit_keys, each.minor) for each in found] == [("sum_of_credits", ("a", "b"), 100)]
