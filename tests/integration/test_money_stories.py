"""Whole stories of money through several parts at once: provider, bank, debits, matching, refunds, books, chasing.

At each step every proof holds: the core's invariants, the accounts that money passes through, and the bank.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from checkout_builders import KEYRING
from debit_builders import announce, debit_of, in_file, set_up, signed
from gocardless_sandbox import KEY, SECRET, running_gocardless
from ledger_builders import customer_facts, issue
from payment_sandbox import an_order, running_sandbox
from sandbox_flows import DEBIT
from statement_builders import IBAN, OTHER_IBAN, Paper, Told, camt, cfonb
from stripe_builders import Desk

from config.clock import legal_day, new_id, today
from einvoice.cash_movement import COMMENTS
from payments.accounts import open_account
from payments.banking.accounts import accept_account
from payments.banking.by_hand import HandReceipt, record_by_hand
from payments.banking.deposits import make_deposit
from payments.banking.importing import BankFile, import_file
from payments.banking.lines import LineFilter, list_lines
from payments.banking.recognising import recognise_late_payouts
from payments.banking.undoing import take_for_return
from payments.clearing.payouts import follow_payouts
from payments.debits.transfers import make_transfer_file
from payments.gateways.stripe_reading import instant
from payments.matching.confirming import Part, confirm_line, undo_match
from payments.paying.told import payments_of
from payments.proving import prove_money
from payments.reactions import receive_events
from payments.refunds.orders import NewRefund, agree_refund, ask_refund, get_refund
from payments.refunds.sending import transfers_to_make
from portal.background.worker import Worker
from receivables.domain.invoicing.invoices import NamedInvoice
from receivables.domain.money import Money
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.terms import Instalment
from receivables.services.collecting.chasing import chase_state
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.aiming import aim
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.paying import NewPayment, begin_payment
from receivables.services.settlement.waiving import Waiver
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from gocardless_sandbox import GoCardlessSandbox
    from payment_sandbox import Sandbox

    from payments.banking.lines import BankLine
    from payments.gateways.port import Gateway
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


class Books:
    """One supplier's books, looked at from all sides; every look proves the money first."""

    def __init__(self, works: Works, supplier_id: UUID) -> None:
        self.works, self.supplier_id = works, supplier_id
        with works.begin(supplier_id) as work:
            accept_account(work, IBAN, "test")

    def issue(self, **changes: Any) -> Invoice:
        """An invoice of 100.00, VAT on collection at two rates."""
        with self.works.begin(self.supplier_id) as work:
            return issue(work, **changes)

    def bring(self, *told: Told, day: date | None = None, form: Any = camt) -> list[BankLine]:
        """The bank tells movements; the lines of this file, in the order told."""
        paper = Paper(day or told[0].day, 0, told)
        (kept,) = import_file(self.works, self.supplier_id, BankFile("releve", form(paper), "test"))
        with self.works.begin(self.supplier_id) as work:
            lines = list_lines(work, LineFilter(statement_id=kept.statement_id, size=100))[0]
        self.prove()
        return sorted(lines, key=lambda line: [each.minor for each in told].index(line.amount_minor))

    def prove(self) -> None:
        """No gap anywhere."""
        with self.works.begin(self.supplier_id) as work:
            assert [(each.code, each.gap) for each in prove_money(work) if each.gap] == []

    def balances(self) -> dict[str, int]:
        """Debits less credits by the first three figures (four of 511 and 445); accounts of sales are left out."""
        with self.works.begin(self.supplier_id) as work:
            rows = work.rows(
                "SELECT CASE WHEN account LIKE '511%' THEN left(account, 4) ELSE left(account, 3) END AS account, "
                "sum(debit_minor - credit_minor)::bigint AS minor FROM postings WHERE supplier_id = :supplier "
                "AND account NOT LIKE '70%' AND account NOT LIKE '445%' GROUP BY 1 HAVING "
                "sum(debit_minor - credit_minor) <> 0 ORDER BY 1"
            )
        self.prove()
        return {row["account"]: row["minor"] for row in rows}

    def vat(self) -> dict[str, int]:
        """Debits less credits of VAT that is due, and of VAT that waits for collection."""
        with self.works.begin(self.supplier_id) as work:
            rows = work.rows(
                "SELECT left(account, 5) AS account, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
                "WHERE supplier_id = :supplier AND account LIKE '4457%' GROUP BY 1 ORDER BY 1"
            )
        return {row["account"]: row["minor"] for row in rows}

    def state(self, invoice: Invoice) -> tuple[str, int, int]:
        """Where an invoice stands: its state, what is open, what may be chased today."""
        self.prove()
        with self.works.begin(self.supplier_id) as work:
            due = due_on_invoice(work, invoice.invoice_id)
            return due.state, due.open_minor, chase_state(work, invoice.invoice_id, today()).chaseable_minor

    def told(self, invoice: Invoice) -> list[tuple[int, str | None]]:
        """The movements that are told as 212, with their reason."""
        with self.works.begin(self.supplier_id) as work:
            rows = work.rows(
                "SELECT amount_minor, reason FROM collections WHERE supplier_id = :supplier AND invoice_id = :id "
                "ORDER BY sequence",
                id=invoice.invoice_id,
            )
        return [(row["amount_minor"], row["reason"]) for row in rows]

    def exposure(self, invoice: Invoice) -> int:
        """What is at risk with the invoice's customer."""
        with self.works.begin(self.supplier_id) as work:
            return exposure_of(work, invoice.customer_id).total_minor

    def credit(self, invoice: Invoice) -> list[tuple[str, int, str]]:
        """What the invoice's customer has to their credit."""
        with self.works.begin(self.supplier_id) as work:
            return [
                (each.kind, each.open_minor, each.currency) for each in available_credits(work, invoice.customer_id)
            ]


@pytest.fixture
def books(works: Works, supplier: Supplier) -> Books:
    return Books(works, supplier.supplier_id)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(automatic_payouts=False) as running:
        yield running


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    opened = Desk(works, supplier, sandbox)
    with works.begin(supplier.supplier_id) as work:
        work.execute(
            "UPDATE gateway_accounts SET settings = CAST(:told AS jsonb) WHERE supplier_id = :supplier",
            told='{"methods": ["card", "sepa_debit", "transfer"]}',
        )
    return opened


def payout(desk: Desk) -> tuple[int, date]:
    """Everything that lies with the provider is paid out, below zero where it is owed; amount and day of arrival."""
    (made,) = desk.sandbox.control("payouts", pending=True)["payouts"]
    desk.sandbox.control(f"payouts/{made['id']}/arrive")
    return made["amount"], legal_day(instant(made["arrival_date"]))


def test_a_card_is_paid_out_charged_back_and_lost_and_the_provider_takes_its_money_from_the_bank(
    desk: Desk, books: Books
) -> None:
    invoice = books.issue()
    payment = desk.paid(invoice)
    desk.hear()
    amount, day = payout(desk)
    desk.hear()
    (line,) = books.bring(Told(amount, day, "STRIPE PAYMENTS EUROPE", text="STRIPE A1B2"), form=cfonb)
    assert (line.state, books.state(invoice)) == ("payout", ("paid", 0, 0))
    assert books.balances() == {"512": 9825, "627": 175}
    dispute = desk.sandbox.control(f"disputes/{payment}")["id"]
    desk.hear()
    assert books.balances()["467"] == 10000
    assert books.state(invoice) == ("paid", 0, 0)
    desk.sandbox.control(f"disputes/{dispute}", won=False)
    desk.hear()
    assert books.state(invoice) == ("due", 10000, 10000)
    assert (books.told(invoice), books.exposure(invoice)) == ([(10000, None), (-10000, "chargeback")], 10000)
    taken, day = payout(desk)
    assert taken < -10000, "with the fee of the dispute"
    (line,) = books.bring(Told(taken, day, "STRIPE PAYMENTS EUROPE", text="STRIPE C3D4"), form=cfonb)
    assert line.state == "not_ours", "the bank was faster than the provider"
    follow_payouts(desk.works, books.supplier_id, desk.gateway_for)
    desk.hear()
    with desk.works.begin(books.supplier_id) as work:
        assert recognise_late_payouts(work) == 1
    assert books.balances() == {"411": 10000, "512": 9825 + taken, "627": -9825 - taken}


def test_a_transfer_is_matched_by_itself_comes_back_and_is_matched_again(books: Books) -> None:
    invoice, day = books.issue(), date(2026, 11, 10)
    first = Told(10000, day, "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E1", bank_ref="B1")
    (line,) = books.bring(first)
    assert (line.state, books.state(invoice)[0]) == ("matched", "paid")
    (back,) = books.bring(Told(-10000, date(2026, 11, 12), "BOULANGERIE MARTIN", text="RAPPEL VIREMENT", bank_ref="B2"))
    with books.works.begin(books.supplier_id) as work:
        take_for_return(work, back.line_id, line.payment_ref, "bounced", reason="rappel de la banque", actor="anne")
    assert books.state(invoice) == ("due", 10000, 10000)
    assert books.told(invoice) == [(10000, None), (-10000, "bounced")]
    again = Told(10000, date(2026, 11, 17), "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E2")
    (line,) = books.bring(again)
    assert (line.state, books.state(invoice)[0], books.balances()) == ("matched", "paid", {"512": 10000})


def test_a_match_taken_back_never_was_a_payment_of_that_customer(books: Books) -> None:
    invoice, day = books.issue(), date(2026, 11, 10)
    other = books.issue(customer=customer_facts("Café de la Gare", "552100554"))
    (line,) = books.bring(Told(10000, day, "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E1"))
    with books.works.begin(books.supplier_id) as work:
        undo_match(work, line.line_id, "anne", "mauvais client")
        assert payments_of(work, invoice.customer_id) == [], "nobody tells them of an unpaid payment"
    assert books.told(invoice) == [(10000, None), (-10000, "reallocation")]
    assert books.balances() == {"411": 20000, "471": -10000, "512": 10000}
    with books.works.begin(books.supplier_id) as work:
        confirm_line(work, line.line_id, [Part(other.customer_id, 10000, {other.invoice_id: 10000})], "anne")
    assert (books.state(other)[0], books.state(invoice)[0]) == ("paid", "due")
    assert books.balances() == {"411": 10000, "512": 10000}


def test_a_debit_credited_with_its_batch_and_refunded_by_the_payers_bank_asks_before_it_reminds(books: Books) -> None:
    with books.works.begin(books.supplier_id) as work:
        set_up(work)
    due = today() - timedelta(days=10)
    first, second = (books.issue(issued_on=due - timedelta(days=30), due_on=due) for _ in range(2))
    with books.works.begin(books.supplier_id) as work:
        signed(work, first.customer_id)
        announce(work, first)
        told = chase_state(work, first.invoice_id, today())
        assert [hold.why for hold in told.holds] == ["announced"], "who was told of a debit is not reminded"
    with books.works.begin(books.supplier_id) as work:
        work.execute("UPDATE debits SET collect_on = :day, told_for = :day WHERE supplier_id = :supplier", day=today())
        in_file(work, second)
        parts = {
            debit["batch_ref"] + "-" + debit["sequence"]: debit
            for debit in (debit_of(work, first), debit_of(work, second))
        }
    assert books.state(first) == ("in_flight", 10000, 0)
    assert books.exposure(first) == 20000, "on its way is still at risk"
    moves = [Told(10000, today(), "REMISE PRLV", batch=ref, bank_ref=f"R{n}") for n, ref in enumerate(parts)]
    books.bring(*moves)
    assert (books.state(first)[0], books.state(second)[0], books.exposure(first)) == ("paid", "paid", 0)
    with books.works.begin(books.supplier_id) as work:
        reference = debit_of(work, first)["end_to_end_id"]
    (back,) = books.bring(
        Told(-10450, today(), "BOULANGERIE MARTIN", end_to_end=reference, return_code="MD06", bank_ref="R9")
    )
    assert back.state == "returned"
    assert books.state(first) == ("due", 10000, 0), "the payer is asked first"
    assert books.told(first) == [(10000, None), (-10000, "return")]
    assert books.balances() == {"411": 10000, "512": 9550, "627": 450}


def test_a_discount_goes_back_with_the_money_and_only_cash_is_told(books: Books) -> None:
    invoice, day = books.issue(), date(2026, 11, 10)
    (line,) = books.bring(Told(9800, day, "INCONNU SARL", text="REGLEMENT", bank_ref="B1"))
    waived = Waiver("discount", 200, invoice.invoice_id)
    part = Part(invoice.customer_id, 9800, {invoice.invoice_id: 9800}, waiver=waived)
    with books.works.begin(books.supplier_id) as work:
        confirm_line(work, line.line_id, [part], "anne")
    assert books.state(invoice) == ("paid", 0, 0)
    assert books.vat() == {"44571": -1184, "44574": 0}, "of 98.00; what was given up never falls due"
    assert books.balances() == {"512": 9800, "665": 176}
    (back,) = books.bring(Told(-9800, date(2026, 11, 12), "INCONNU SARL", text="RETOUR VIREMENT", bank_ref="B2"))
    with books.works.begin(books.supplier_id) as work:
        take_for_return(work, back.line_id, payment_ref(books, line), "bounced", reason="compte clos", actor="anne")
    assert books.state(invoice) == ("due", 10000, 10000)
    assert books.told(invoice) == [(9800, None), (-9800, "bounced")]
    assert books.vat() == {"44571": 0, "44574": -1208}
    assert books.balances() == {"411": 10000}


def test_two_payers_of_one_invoice_leave_a_credit_that_goes_back_by_transfer(desk: Desk, books: Books) -> None:
    invoice, day = books.issue(), today()
    desk.paid(invoice)
    desk.hear()
    (line,) = books.bring(Told(10000, day, "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E1"))
    assert books.balances() == {"471": -10000, "5115": 10000, "512": 10000}
    with books.works.begin(books.supplier_id) as work:
        set_up(work)
        (attempt_id,) = confirm_line(work, line.line_id, [Part(invoice.customer_id, 10000)], "anne")
    assert (books.credit(invoice), books.exposure(invoice)) == ([("receipt", 10000, "EUR")], -10000)
    with books.works.begin(books.supplier_id) as work:
        wish = NewRefund(new_id(), attempt_id, 10000, "transfer", "Payée deux fois", "anne", transfer_iban=OTHER_IBAN)
        if ask_refund(work, wish).state == "to_agree":
            agree_refund(work, wish.order_id, "paul")
        make_transfer_file(work, transfers_to_make(work), "paul")
        sent = get_refund(work, wish.order_id).refund_ref
    gone = Told(-10000, day, "BOULANGERIE MARTIN", OTHER_IBAN, "REMBOURSEMENT", sent, bank_ref="B2")
    (out,) = books.bring(gone, form=cfonb)
    assert out.state == "refunded"
    with books.works.begin(books.supplier_id) as work:
        assert get_refund(work, wish.order_id).state == "done"
    assert books.state(invoice) == ("paid", 0, 0)
    assert books.told(invoice) == [(10000, None)], "the second payment never was one of the invoice"
    assert (books.credit(invoice), books.balances()) == ([], {"5115": 10000})
    returned = Told(10000, day + timedelta(days=1), "BOULANGERIE MARTIN", OTHER_IBAN, "RETOUR", sent, bank_ref="B3")
    (back,) = books.bring(returned)
    assert (back.state, back.reason) == ("refunded", "refund.came_back"), (
        "the refund came back: the customer's credit again, not a new payment"
    )
    assert (books.credit(invoice), books.balances()) == (
        [("receipt", 10000, "EUR")],
        {"411": -10000, "5115": 10000, "512": 10000},
    )
    with books.works.begin(books.supplier_id) as work:
        assert get_refund(work, wish.order_id).state == "failed"


def test_cheques_go_to_the_bank_and_one_bounces_there_with_a_fee(books: Books) -> None:
    invoices, day = [books.issue() for _ in range(2)], date(2026, 11, 10)
    with books.works.begin(books.supplier_id) as work:
        kept = [
            record_by_hand(
                work,
                HandReceipt("cheque", each.customer_id, 10000, "EUR", day, f"CHQ{n}", {each.invoice_id: 10000}),
                "anne",
            )
            for n, each in enumerate(invoices)
        ]
        make_deposit(work, "cheque", [each.receipt_id for each in kept], reference="B7", deposited_on=day, actor="anne")
    assert books.balances() == {"5112": 20000}
    books.bring(Told(20000, day, text="REMISE CHEQUES B7", bank_ref="B1"), form=cfonb)
    assert books.balances() == {"512": 20000}
    (back,) = books.bring(Told(-11500, date(2026, 11, 16), text="CHEQUE IMPAYE", bank_ref="B2"), form=cfonb)
    with books.works.begin(books.supplier_id) as work:
        take_for_return(
            work, back.line_id, kept[0].payment_ref, "bounced", fee_minor=1500, reason="sans provision", actor="anne"
        )
    assert [books.state(each)[:2] for each in invoices] == [("due", 10000), ("paid", 0)]
    assert books.balances() == {"411": 10000, "512": 8500, "627": 1500}


def test_part_payments_settle_instalments_in_their_order(books: Books) -> None:
    parts = tuple(Instalment(date(2026, month, 30), 2500) for month in (9, 10, 11, 12))
    invoice = books.issue(instalments=parts, issued_on=date(2026, 9, 1), due_on=parts[0].due_on)
    for number, (minor, name) in enumerate(((2500, "ECHEANCE 1"), (4000, "ACOMPTE"))):
        told = Told(minor, date(2026, 11, 10 + number), "BOULANGERIE MARTIN", OTHER_IBAN, f"{name} {invoice.number}")
        (line,) = books.bring(told)
        if line.state != "matched":
            with books.works.begin(books.supplier_id) as work:
                confirm_line(
                    work, line.line_id, [Part(invoice.customer_id, minor, {invoice.invoice_id: minor})], "anne"
                )
    with books.works.begin(books.supplier_id) as work:
        due = due_on_invoice(work, invoice.invoice_id, date(2026, 11, 22))
    assert (due.state, due.open_minor, due.due_now_minor, due.next_due_on) == ("part_paid", 3500, 0, parts[2].due_on)
    assert books.state(invoice)[2] == 3500, "whether it is late, the caller knows"
    assert books.told(invoice) == [(2500, None), (4000, None)]


def test_dollars_for_an_invoice_in_euros_are_a_credit_in_dollars(books: Books) -> None:
    invoice = books.issue()
    with books.works.begin(books.supplier_id) as work:
        record_by_hand(
            work,
            HandReceipt(
                "transfer",
                invoice.customer_id,
                11000,
                "USD",
                date(2026, 11, 10),
                "WIRE 1",
                {invoice.invoice_id: 11000},
                account=IBAN,
            ),
            "anne",
        )
    assert books.state(invoice) == ("due", 10000, 10000)
    assert (books.credit(invoice), books.exposure(invoice)) == ([("receipt", 11000, "USD")], 10000)


def test_a_credit_note_after_the_payment_gives_it_back_as_credit_and_the_refund_ends_it(
    desk: Desk, books: Books
) -> None:
    invoice = books.issue()
    payment = desk.paid(invoice)
    desk.hear()
    rows = (VatRow("S", Decimal(20), 2500, 500), VatRow("S", Decimal("5.5"), 1896, 104))
    note = books.issue(
        type_code="381",
        vat_rows=rows,
        total_minor=5000,
        payable_minor=5000,
        names=(NamedInvoice(invoice.number, 2026),),
    )
    assert books.state(invoice) == ("paid", 0, 0)
    assert books.credit(invoice) == [("credit_note", 5000, "EUR")]
    desk.gateway.refund(payment, Money(5000), "half")
    desk.hear()
    assert books.state(invoice) == ("credited", 0, 0) or books.state(invoice) == ("paid", 0, 0)
    assert books.told(invoice) == [(10000, None), (-5000, "refund"), (5000, "set_off")]
    assert books.told(note) == [(-5000, "set_off")]
    assert (books.credit(invoice), books.exposure(invoice), books.balances()) == ([], 0, {"5115": 5000})


def test_a_correction_takes_over_a_part_payment_and_ends_what_was_waived(books: Books) -> None:
    invoice, day = books.issue(), date(2026, 11, 10)
    (line,) = books.bring(Told(9990, day, "INCONNU SARL", text="REGLEMENT", bank_ref="B1"))
    part = Part(invoice.customer_id, 9990, {invoice.invoice_id: 9990}, waiver=Waiver("waiver", 10, invoice.invoice_id))
    with books.works.begin(books.supplier_id) as work:
        confirm_line(work, line.line_id, [part], "anne")
    assert books.state(invoice) == ("paid", 0, 0)
    rows = (VatRow("S", Decimal(20), 5001, 1000), VatRow("S", Decimal("5.5"), 4739, 260))
    correction = books.issue(
        type_code="384",
        vat_rows=rows,
        total_minor=11000,
        payable_minor=11000,
        names=(NamedInvoice(invoice.number, 2026),),
    )
    assert books.state(correction) == ("part_paid", 1010, 1010)
    assert books.told(invoice) == [(9990, None), (-9990, "correction")]
    assert books.told(correction) == [(9990, "correction")]
    assert books.balances() == {"411": 1010, "512": 9990}


def test_money_that_nobody_knew_is_told_with_the_day_on_which_it_came(books: Books) -> None:
    invoice, day = books.issue(), date(2026, 11, 3)
    (line,) = books.bring(Told(10000, day, "COMPTE JOINT DURAND", text="REGLEMENT", bank_ref="B1"))
    assert (line.state in {"unidentified", "proposed"}, books.balances()["471"]) == (True, -10000)
    with books.works.begin(books.supplier_id) as work:
        confirm_line(work, line.line_id, [Part(invoice.customer_id, 10000, {invoice.invoice_id: 10000})], "anne")
        assert work.scalar("SELECT collected_on FROM collections WHERE supplier_id = :supplier") == day
    assert (books.state(invoice)[0], books.balances()) == ("paid", {"512": 10000})


def test_a_proposed_transfer_is_not_chased_until_somebody_looked_at_it(books: Books) -> None:
    invoice, day = books.issue(), date(2026, 11, 3)
    (line,) = books.bring(Told(6000, day, "BOULANGERIE MARTIN", OTHER_IBAN, f"ACOMPTE {invoice.number}"))
    assert line.state == "proposed"
    assert books.state(invoice) == ("due", 10000, 4000)
    with books.works.begin(books.supplier_id) as work:
        confirm_line(work, line.line_id, [Part(invoice.customer_id, 6000)], "anne")
    assert books.state(invoice) == ("due", 10000, 10000), "a person said that it is for something else"


def test_too_much_on_a_virtual_account_number_is_used_for_the_next_invoice_by_choice(desk: Desk, books: Books) -> None:
    first = books.issue()
    desk.sandbox.control("transfers", customer=desk.customer_ref(first), amount=15000)
    desk.hear()  # the cash is told, and claimed
    desk.hear()  # the payment that took it is told
    assert (books.state(first), books.credit(first)) == (("paid", 0, 0), [("receipt", 5000, "EUR")])
    second = books.issue()
    assert books.state(second) == ("due", 10000, 10000), "nothing is set against a new invoice by itself"
    with books.works.begin(books.supplier_id) as work:
        (credit,) = available_credits(work, first.customer_id)
        assert credit.attempt_id is not None
        aim(work, credit.attempt_id, second.invoice_id, 5000, "payer")
    assert (books.state(second), books.credit(first)) == (("part_paid", 5000, 5000), [])
    assert books.told(second) == [(5000, "reallocation")]
    amount, day = payout(desk)
    desk.hear()
    (line,) = books.bring(Told(amount, day, "STRIPE", text="STRIPE VIREMENT"))
    assert line.state == "payout"
    assert books.balances() == {"411": 5000, "512": amount, "627": 15000 - amount}


def test_one_money_told_by_provider_and_bank_counts_once_also_when_the_bank_was_faster(
    desk: Desk, books: Books
) -> None:
    invoice = books.issue()
    desk.paid(invoice)
    desk.hear()
    amount, day = payout(desk)
    (line,) = books.bring(Told(amount, day, "STRIPE", text="STRIPE A1B2"))
    assert (line.state, books.balances()) == ("unidentified", {"471": -amount, "5115": 10000, "512": amount})
    desk.hear()
    with desk.works.begin(books.supplier_id) as work:
        assert recognise_late_payouts(work) == 1
    assert books.balances() == {"512": amount, "627": 10000 - amount}
    assert books.told(invoice) == [(10000, None)]


def test_a_debit_through_a_provider_that_its_payer_took_back_is_asked_about_first(desk: Desk, books: Books) -> None:
    invoice = books.issue()
    desk.press(invoice, method="sepa_debit")
    payment = str(desk.sandbox.pay(desk.attempts()[-1]["session_ref"], DEBIT)["payment_intent"])
    desk.hear()
    assert (books.state(invoice), books.exposure(invoice)) == (("in_flight", 10000, 0), 10000)
    desk.sandbox.control(f"settle/{payment}")
    desk.hear()
    assert (books.state(invoice), books.exposure(invoice)) == (("paid", 0, 0), 0)
    desk.sandbox.control(f"returns/{payment}", code="MD06")
    desk.hear()
    assert books.state(invoice) == ("due", 10000, 0), "disputed: nobody reminds before the payer said why"
    assert books.told(invoice) == [(10000, None), (-10000, "return")]


def test_a_transfer_while_a_debit_is_on_its_way_ends_as_the_customers_credit(desk: Desk, books: Books) -> None:
    invoice = books.issue()
    desk.press(invoice, method="sepa_debit")
    payment = str(desk.sandbox.pay(desk.attempts()[-1]["session_ref"], DEBIT)["payment_intent"])
    desk.hear()
    (line,) = books.bring(Told(10000, today(), "BOULANGERIE MARTIN", OTHER_IBAN, f"FACTURE {invoice.number}", "E1"))
    with books.works.begin(books.supplier_id) as work:
        if line.state != "matched":
            confirm_line(work, line.line_id, [Part(invoice.customer_id, 10000, {invoice.invoice_id: 10000})], "anne")
        exposure = exposure_of(work, invoice.customer_id)
    assert (exposure.invoiced_minor, exposure.in_flight_minor, exposure.total_minor) == (0, 0, 0)
    assert books.state(invoice) == ("paid", 0, 0)
    desk.sandbox.control(f"settle/{payment}")
    desk.hear()
    assert (books.state(invoice), books.exposure(invoice)) == (("paid", 0, 0), -10000)
    assert sum(minor for minor, _ in books.told(invoice)) == 10000
    desk.sandbox.control(f"returns/{payment}", code="AM04")
    desk.hear()
    assert (books.state(invoice), books.exposure(invoice)) == (("paid", 0, 0), 0)


def test_a_payment_that_fails_after_it_was_paid_out_is_taken_from_the_next_payout(
    works: Works, supplier: Supplier, books: Books
) -> None:
    with running_gocardless() as sandbox:
        till = GoCardlessTill(works, supplier, sandbox)
        first, second = books.issue(), books.issue()
        late = till.paid(first)
        sandbox.control("payouts", status="paid")
        till.hear()
        assert books.state(first) == ("paid", 0, 0)
        (told,) = till.payouts()
        net = told["amount_minor"]
        (line,) = books.bring(Told(net, told["arrival_on"], "GOCARDLESS", text=f"GOCARDLESS {told['descriptor']}"))
        assert (line.state, books.balances()) == ("payout", {"411": 10000, "512": net, "627": 10000 - net})
        sandbox.scenario("payment_late_failure", late)
        till.hear()
        assert books.state(first)[:2] == ("due", 10000)
        assert [minor for minor, _ in books.told(first)] == [10000, -10000]
        till.paid(second)
        till.hear()
        till.paid(second)  # twice: the second one is credit, and outweighs what failed
        sandbox.control("payouts", status="paid")
        till.hear()
        assert (books.state(second), books.exposure(second)) == (("paid", 0, 0), 0)
        less = till.payouts()[-1]
        (line,) = books.bring(
            Told(less["amount_minor"], less["arrival_on"], "GOCARDLESS", text=f"GC {less['descriptor']}")
        )
        assert line.state == "payout"
        bank = net + less["amount_minor"]
        assert books.balances() == {"512": bank, "627": 20000 - bank}, "what failed is open, what was paid twice credit"


class GoCardlessTill:
    """A supplier with a GoCardless account: instant payments, webhooks, payouts."""

    def __init__(self, works: Works, supplier: Supplier, sandbox: GoCardlessSandbox) -> None:
        self.works, self.supplier, self.sandbox = works, supplier, sandbox
        with works.begin(supplier.supplier_id) as work:
            self.account_id = open_account(
                work,
                KEYRING,
                provider="gocardless",
                key=KEY,
                webhook_secret=SECRET,
                base_url=sandbox.url,
                live=False,
            )

    def gateway_for(self, work: Work, account_id: UUID | None = None) -> Gateway:
        del work, account_id
        return self.sandbox.gateway

    def paid(self, invoice: Invoice) -> str:
        """An instant payment of an invoice that is confirmed."""
        attempt_id = new_id()
        with self.works.begin(self.supplier.supplier_id) as work:
            begin_payment(
                work,
                NewPayment(
                    attempt_id=attempt_id,
                    customer_id=invoice.customer_id,
                    road="provider",
                    method="instant",
                    amount_minor=10000,
                    currency="EUR",
                    aims={invoice.invoice_id: 10000},
                    account_id=self.account_id,
                ),
            )
        order = an_order(
            supplier_id=self.supplier.supplier_id, attempt_id=attempt_id, amount=Money(10000), methods=("instant",)
        )
        opened = self.sandbox.gateway.open_checkout(order)
        payment = str(self.sandbox.pay(opened.session_id)["links"]["payment_request_payment"])
        self.sandbox.scenario("payment_confirmed", payment)
        return payment

    def hear(self) -> None:
        """Everything told so far is posted, and the payouts are followed."""
        with self.works.begin(self.supplier.supplier_id) as work:
            accept(work, "gocardless", self.sandbox.events())
            work.execute("UPDATE inbox SET next_try_at = now() WHERE supplier_id = :supplier")
        handlers = {"gocardless": lambda work, messages: receive_events(work, messages, self.gateway_for)}
        Worker(self.works, handlers, {}).drain_inbox_of(self.supplier.supplier_id)
        follow_payouts(self.works, self.supplier.supplier_id, self.gateway_for)

    def payouts(self) -> list[dict[str, Any]]:
        """The payouts that are known, oldest first."""
        with self.works.begin(self.supplier.supplier_id) as work:
            rows = work.rows(
                "SELECT amount_minor, arrival_on, descriptor, state FROM payouts WHERE supplier_id = :supplier "
                "ORDER BY created_at"
            )
            return [dict(row) for row in rows]


@pytest.mark.parametrize("kind", ["refund", "return", "chargeback", "bounced", "reallocation"])
def test_a_negative_212_says_why_in_words_of_its_own(kind: str) -> None:
    """A cheque without funds is no choice of ours to use the money elsewhere."""
    assert COMMENTS[kind]
    assert kind == "reallocation" or COMMENTS[kind] != COMMENTS["receipt"]


def payment_ref(books: Books, line: BankLine) -> str:
    """The key of the receipt that a line is."""
    with books.works.begin(books.supplier_id) as work:
        return str(
            work.scalar(
                "SELECT reference FROM receivable_items WHERE supplier_id = :supplier AND kind = 'receipt' "
                "AND reference LIKE :key",
                key=f"line:{line.line_id}%",
            )
        )
