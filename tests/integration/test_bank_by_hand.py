"""Money that nobody asked for in this way: never refused, never lost; and papers that come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts, issue
from statement_builders import IBAN, OTHER_IBAN, Paper, Told, camt, cfonb

from payments.banking.accounts import accept_account
from payments.banking.by_hand import HandReceipt, bounce, get_receipt, record_by_hand, warnings_on
from payments.banking.checks import check_bank
from payments.banking.deposits import get_deposit, make_deposit
from payments.banking.importing import BankFile, import_file
from payments.banking.lines import LineFilter, get_line, list_lines
from payments.banking.remittances import record_list
from payments.banking.undoing import bring_back, set_aside, take_for_return
from payments.errors import PaymentError
from payments.matching.confirming import Part, confirm_line, undo_match
from receivables.services.accounting.checks import run_checks
from receivables.services.collecting.chasing import chase_state
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.paying import spread
from receivables.services.settlement.waiving import Waiver

if TYPE_CHECKING:
    from uuid import UUID

    from payments.banking.by_hand import KeptReceipt
    from payments.banking.lines import BankLine
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 11, 12)


@pytest.fixture
def supplier_id(works: Works, supplier: Supplier) -> UUID:
    """A supplier whose account is known."""
    with works.begin(supplier.supplier_id) as work:
        accept_account(work, IBAN, "test")
    return supplier.supplier_id


@pytest.fixture
def invoice(works: Works, supplier_id: UUID) -> Invoice:
    """An invoice of 100.00."""
    with works.begin(supplier_id) as work:
        return issue(work)


def paper(invoice: Invoice, **changes: object) -> HandReceipt:
    """A cheque of 100.00 for the invoice."""
    plain = HandReceipt("cheque", invoice.customer_id, 10_000, "EUR", DAY, "CHQ-1", {invoice.invoice_id: 10_000})
    return replace(plain, **changes)  # type: ignore[arg-type]


def write(works: Works, supplier_id: UUID, receipt: HandReceipt) -> KeptReceipt:
    """Write a payment down."""
    with works.begin(supplier_id) as work:
        return record_by_hand(work, receipt, "anne")


def bring(works: Works, supplier_id: UUID, *told: Told) -> list[BankLine]:
    """The bank tells movements; their lines as they stand."""
    import_file(works, supplier_id, BankFile("releve", camt(Paper(DAY, 0, told)), "test"))
    with works.begin(supplier_id) as work:
        return list_lines(work, LineFilter(size=1_000))[0]


def balance(work: Work, account: str) -> int:
    """Debits less credits of an account, in minor units."""
    return int(
        work.scalar(
            "SELECT coalesce(sum(debit_minor - credit_minor), 0) FROM postings WHERE supplier_id = :supplier "
            "AND account LIKE :account",
            account=f"{account}%",
        )
    )


def left(works: Works, supplier_id: UUID, invoice: Invoice) -> int:
    """What an invoice still asks for, in minor units."""
    with works.begin(supplier_id) as work:
        return due_on_invoice(work, invoice.invoice_id).open_minor


def credit(works: Works, supplier_id: UUID, invoice: Invoice) -> list[tuple[int, str]]:
    """What the customer has to their credit."""
    with works.begin(supplier_id) as work:
        return [(each.open_minor, each.currency) for each in available_credits(work, invoice.customer_id)]


def check(works: Works, supplier_id: UUID) -> None:
    """Every invariant holds, and the bank is in the books."""
    with works.begin(supplier_id) as work:
        assert [(each.code, each.gap) for each in [*run_checks(work), *check_bank(work)] if each.gap] == []


def test_a_cheque_goes_from_5112_to_512_when_the_bank_says_so(
    works: Works, supplier_id: UUID, invoice: Invoice
) -> None:
    kept = write(works, supplier_id, paper(invoice))
    with works.begin(supplier_id) as work:
        assert (balance(work, "5112"), balance(work, "411"), balance(work, "512")) == (10_000, 0, 0)
        slip = make_deposit(work, "cheque", [kept.receipt_id], reference="B7", deposited_on=DAY, actor="anne")
    (line,) = bring(works, supplier_id, Told(10_000, DAY, "", text="REMISE CHEQUES B7"))
    assert (line.state, line.reason) == ("matched", "deposit:B7")
    with works.begin(supplier_id) as work:
        assert (balance(work, "5112"), balance(work, "512"), balance(work, "471")) == (0, 10_000, 0)
        assert get_deposit(work, slip.deposit_id).line_id == line.line_id
        assert get_receipt(work, kept.receipt_id).state == "banked"
    check(works, supplier_id)


def test_a_bill_is_on_its_way_until_the_bank_brings_its_money(
    works: Works, supplier_id: UUID, invoice: Invoice
) -> None:
    """No 212 and no VAT on collection for a promise; not chased meanwhile, and exposure all the same."""
    kept = write(works, supplier_id, paper(invoice, kind="bill", reference="LCR-9", due_on=date(2026, 12, 31)))
    with works.begin(supplier_id) as work:
        assert (balance(work, "411"), exposure_of(work, invoice.customer_id).in_flight_minor) == (10_000, 10_000)
        assert chase_state(work, invoice.invoice_id, DAY).chaseable_minor == 0
        assert not work.rows("SELECT 1 FROM collections WHERE supplier_id = :supplier")
        make_deposit(work, "bill", [kept.receipt_id], reference="L1", deposited_on=DAY, actor="anne")
    (line,) = bring(works, supplier_id, Told(10_000, DAY, "", text="ENCAISSEMENT LCR L1"))
    assert (line.state, left(works, supplier_id, invoice)) == ("matched", 0)
    with works.begin(supplier_id) as work:
        assert work.scalar("SELECT collected_on FROM collections WHERE supplier_id = :supplier") == line.booked_on
        assert (balance(work, "512"), balance(work, "411"), balance(work, "5113")) == (10_000, 0, 0)
    check(works, supplier_id)


def test_a_bill_that_nobody_paid_on_its_day_leaves_its_slip_and_is_chased_again(
    works: Works, supplier_id: UUID, invoice: Invoice
) -> None:
    with works.begin(supplier_id) as work:
        other = issue(work)
    first = write(works, supplier_id, paper(invoice, kind="bill", reference="L1", due_on=DAY))
    aims = {other.invoice_id: 10_000}
    second = write(works, supplier_id, paper(other, kind="bill", reference="L2", due_on=DAY, aims=aims))
    with works.begin(supplier_id) as work:
        ids = [first.receipt_id, second.receipt_id]
        make_deposit(work, "bill", ids, reference="R1", deposited_on=DAY, actor="anne")
        bounce(work, first.receipt_id, reason="impayé à l'échéance", returned_on=DAY, actor="anne")
        assert chase_state(work, invoice.invoice_id, DAY).chaseable_minor == 10_000
    (line,) = bring(works, supplier_id, Told(10_000, DAY, "", text="ENCAISSEMENT LCR R1"))
    assert (line.state, left(works, supplier_id, invoice), left(works, supplier_id, other)) == ("matched", 10_000, 0)
    check(works, supplier_id)


def test_a_bill_that_nobody_will_pay_is_chased_again_and_told_to_nobody(
    works: Works, supplier_id: UUID, invoice: Invoice
) -> None:
    kept = write(works, supplier_id, paper(invoice, kind="bill", reference="LCR-9", due_on=date(2026, 12, 31)))
    with works.begin(supplier_id) as work:
        bounce(work, kept.receipt_id, reason="refus d'acceptation", returned_on=DAY, actor="anne")
        assert chase_state(work, invoice.invoice_id, DAY).chaseable_minor == 10_000
        assert not work.rows("SELECT 1 FROM collections WHERE supplier_id = :supplier")
    check(works, supplier_id)


def test_a_cheque_that_the_bank_takes_back_reopens_its_invoice_and_the_fee_is_ours(
    works: Works, supplier_id: UUID, invoice: Invoice
) -> None:
    kept = write(works, supplier_id, paper(invoice))
    with works.begin(supplier_id) as work:
        make_deposit(work, "cheque", [kept.receipt_id], reference="B7", deposited_on=DAY, actor="anne")
    credited = Told(10_000, DAY, "", text="REMISE CHEQUES B7")
    lines = bring(works, supplier_id, credited, Told(-11_500, DAY, "", text="CHEQUE IMPAYE SANS PROVISION"))
    back = next(line for line in lines if line.amount_minor < 0)
    assert back.state == "not_ours"
    with works.begin(supplier_id) as work:
        take_for_return(
            work, back.line_id, kept.payment_ref, "bounced", fee_minor=1_500, reason="sans provision", actor="anne"
        )
    assert left(works, supplier_id, invoice) == 10_000
    with works.begin(supplier_id) as work:
        assert get_line(work, back.line_id).state == "returned"
        assert get_receipt(work, kept.receipt_id).state == "bounced"
        assert (balance(work, "512"), balance(work, "627")) == (-1_500, 1_500)
        with pytest.raises(PaymentError) as refused:
            take_for_return(work, back.line_id, kept.payment_ref, "bounced", reason="encore", actor="anne")
    assert refused.value.code == "bank.is_something"
    check(works, supplier_id)


def test_more_than_was_paid_cannot_come_back(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    kept = write(works, supplier_id, paper(invoice))
    (back,) = bring(works, supplier_id, Told(-10_001, DAY, "", text="IMPAYE"))
    with works.begin(supplier_id) as work, pytest.raises(PaymentError, match="More cannot go back"):
        take_for_return(work, back.line_id, kept.payment_ref, "bounced", reason="x", actor="anne")


def test_a_cheque_that_still_lies_here_may_bounce(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    kept = write(works, supplier_id, paper(invoice))
    with works.begin(supplier_id) as work:
        bounce(work, kept.receipt_id, reason="opposition", returned_on=DAY, actor="anne")
        assert balance(work, "5112") == 0
    assert left(works, supplier_id, invoice) == 10_000
    check(works, supplier_id)


def test_a_foreign_transfer_settles_its_invoice_less_the_charges_that_banks_kept(
    works: Works, supplier_id: UUID
) -> None:
    with works.begin(supplier_id) as work:
        invoice = issue(work, vat_on_collection=False)
    received = paper(
        invoice,
        kind="transfer",
        amount_minor=8_500,
        aims={invoice.invoice_id: 8_500},
        account=IBAN,
        waiver=Waiver("charge", 1_500, invoice.invoice_id),
        drawer="ACME INC",
    )
    write(works, supplier_id, received)
    assert left(works, supplier_id, invoice) == 0
    with works.begin(supplier_id) as work:
        assert (balance(work, "512"), balance(work, "627")) == (8_500, 1_500)
    check(works, supplier_id)
    later = date(2026, 11, 13)
    kept = import_file(
        works,
        supplier_id,
        BankFile("r", cfonb(Paper(later, 0, (Told(8_500, later, "ACME INC", text="TRF FROM ABROAD"),))), "test"),
    )
    assert kept[0].fresh_lines == 0, "the statement's line is the one that was typed"
    check(works, supplier_id)


def test_an_overpayment_is_the_customers_credit(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    """Complaint 8: the excess is neither refused nor lost."""
    write(works, supplier_id, paper(invoice, amount_minor=12_500))
    assert left(works, supplier_id, invoice) == 0
    assert credit(works, supplier_id, invoice) == [(2_500, "EUR")]
    check(works, supplier_id)


def test_a_double_payment_is_the_customers_credit(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    told = Told(10_000, DAY, "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E1", bank_ref="B1")
    again = replace(told, end_to_end="E2", bank_ref="B2")
    first, second = sorted(bring(works, supplier_id, told, again), key=lambda line: line.state)
    assert (first.state, left(works, supplier_id, invoice)) == ("matched", 0)
    assert second.state in {"proposed", "unidentified"}
    with works.begin(supplier_id) as work:
        confirm_line(work, second.line_id, [Part(invoice.customer_id, 10_000, {})], "anne")
    assert credit(works, supplier_id, invoice) == [(10_000, "EUR")]
    check(works, supplier_id)


def test_money_after_a_payment_was_undone_lands_on_the_customer_again(
    works: Works, supplier_id: UUID, invoice: Invoice
) -> None:
    """Complaint 9: late money, after whatever happened before, always finds its customer."""
    told = Told(10_000, DAY, "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E1", bank_ref="B1")
    (line,) = bring(works, supplier_id, told)
    with works.begin(supplier_id) as work:
        undo_match(work, line.line_id, "anne", "mauvais client")
    check(works, supplier_id)
    assert left(works, supplier_id, invoice) == 10_000
    with works.begin(supplier_id) as work:
        confirm_line(work, line.line_id, [Part(invoice.customer_id, 10_000, {invoice.invoice_id: 10_000})], "anne")
    assert left(works, supplier_id, invoice) == 0
    check(works, supplier_id)


def test_a_part_leaves_the_rest_open_everywhere(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    """Complaint 11: a part payment is never shown as paid."""
    write(works, supplier_id, paper(invoice, amount_minor=4_000, aims={invoice.invoice_id: 4_000}))
    assert left(works, supplier_id, invoice) == 6_000
    with works.begin(supplier_id) as work:
        assert spread(work, invoice.customer_id, 10_000, "EUR", DAY) == {invoice.invoice_id: 6_000}
    check(works, supplier_id)


def test_money_in_another_currency_is_credit_in_its_own(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    write(works, supplier_id, paper(invoice, kind="cash", currency="USD", aims={invoice.invoice_id: 10_000}))
    assert left(works, supplier_id, invoice) == 10_000
    assert credit(works, supplier_id, invoice) == [(10_000, "USD")]
    check(works, supplier_id)


def test_unknown_money_may_be_set_aside_and_brought_back_as_often_as_one_likes(works: Works, supplier_id: UUID) -> None:
    (line,) = bring(works, supplier_id, Told(777, DAY, "TRESOR PUBLIC", text="REMB TVA"))
    for _ in range(2):
        with works.begin(supplier_id) as work:
            set_aside(work, line.line_id, "remboursement de TVA", "anne")
            assert (balance(work, "512"), balance(work, "471")) == (0, 0)
        check(works, supplier_id)
        with works.begin(supplier_id) as work:
            bring_back(work, line.line_id, "c'est un client", "anne")
            assert (balance(work, "512"), balance(work, "471")) == (777, -777)
        check(works, supplier_id)


def test_cash_is_warned_about_above_a_thousand(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    with works.begin(supplier_id) as work:
        assert warnings_on(work, paper(invoice, kind="cash", amount_minor=100_000)) == []
        ((english, french),) = warnings_on(work, paper(invoice, kind="cash", amount_minor=100_001))
    assert "D112-3" in english
    assert "professionnel" in french


def test_the_same_paper_is_one_payment(works: Works, supplier_id: UUID, invoice: Invoice) -> None:
    first = write(works, supplier_id, paper(invoice))
    assert write(works, supplier_id, paper(invoice, amount_minor=5_000)) == first
    check(works, supplier_id)


def test_a_list_names_invoices_or_follows_the_law(works: Works, supplier_id: UUID) -> None:
    with works.begin(supplier_id) as work:
        old = issue(work, due_on=date(2026, 10, 10))
        new = issue(work, due_on=date(2026, 10, 20))
        other = issue(work, customer=customer_facts("Café de la Gare", "552100554"))
    rows = (
        "Type;Client;Montant;Date;Référence;Factures\r\n"
        f"Chèque;732829320;30,00;12/11/2026;C1;{new.number}\r\n"
        f"LCR;552100554;100,00;12/11/2026;C2;\r\n"
        "Espèces;Boulangerie Martin;1 20,00;2026-11-12;C3;\r\n"
        "Chèque;732829320;10,00;31/02/2026;C4;\r\n"
    )
    results = record_list(works, supplier_id, rows.encode("cp1252"), "anne")
    assert [each.state for each in results] == ["recorded", "refused", "recorded", "refused"]
    assert results[1].sentence_fr == "Un effet a une échéance."
    assert results[3].sentence_fr.startswith("l. 5 : 2026-02-31")
    assert (left(works, supplier_id, old), left(works, supplier_id, new)) == (0, 5_000)
    assert left(works, supplier_id, other) == 10_000
    again = record_list(works, supplier_id, rows.encode("utf-8"), "anne")
    assert [each.state for each in again] == ["known", "refused", "known", "refused"]
    check(works, supplier_id)


@pytest.mark.parametrize("content", [b"", b"a;b\r\n1;2\r\n", b'type;"client', "\ufeff".encode()])
def test_a_file_that_is_no_list_is_refused_whole(works: Works, supplier_id: UUID, content: bytes) -> None:
    with pytest.raises(PaymentError) as refused:
        record_list(works, supplier_id, content, "anne")
    assert refused.value.code in {"list.columns", "list.not_readable"}
