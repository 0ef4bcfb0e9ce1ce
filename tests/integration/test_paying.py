"""Payments by every road: written down once, for what the payer says, never refused, used and given up by choice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import MORNING, customer_facts, issue

from config.clock import new_id
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import (
    AttemptMoved,
    AttemptState,
    ContestWon,
    FeeCharged,
    MoneyContested,
    MoneyReceived,
    MoneyReturned,
    MoneyUnidentified,
    Outcome,
    PayoutBanked,
    PayoutFailed,
    PayoutPaid,
    Transferred,
)
from receivables.domain.settlement.terms import Instalment
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.aiming import aim, unaim
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.paying import (
    NewPayment,
    RecordPayment,
    begin_payment,
    record_payment,
    record_payments,
    spread,
)
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.waiving import RULE, Waiver, keep_rest, tolerance_of, waive
from receivables.store.customer_file.overviews import list_customers

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAY = date(2026, 10, 14)


def transfer(invoice: Invoice, amount: int, ref: str = "bank:1", **changes: Any) -> RecordPayment:
    """A line of the bank's, for an invoice."""
    values: dict[str, Any] = {
        "payment_ref": ref,
        "customer_id": invoice.customer_id,
        "amount_minor": amount,
        "currency": "EUR",
        "received_on": DAY,
        "method": "transfer",
        "road": "bank",
        "counter": "bank",
        "aims": {invoice.invoice_id: min(amount, invoice.payable_minor)},
        "actor": "Lea",
    }
    return RecordPayment(**{**values, **changes})


def balance(work: Work, account: str) -> int:
    minor: int = work.scalar(
        "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM postings WHERE supplier_id = :supplier "
        "AND account = :account",
        account=account,
    )
    return minor


def told(work: Work, invoice: Invoice) -> list[int]:
    rows = work.rows(
        "SELECT amount_minor FROM collections WHERE supplier_id = :supplier AND invoice_id = :id ORDER BY sequence",
        id=invoice.invoice_id,
    )
    return [row["amount_minor"] for row in rows]


def no_gap(work: Work) -> None:
    work.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert [finding for finding in run_checks(work) if finding.gap] == []


def test_a_transfer_is_written_down_once_at_the_bank_and_pays_its_invoice(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        first = record_payment(work, transfer(invoice, 10000))
        assert record_payment(work, transfer(invoice, 10000)) == first
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert balance(work, "512000") == 10000
        assert told(work, invoice) == [10000]
        no_gap(work)


def test_one_payment_for_several_invoices_letters_each_with_its_amount(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        one, two = issue(work), issue(work)
        aims = {one.invoice_id: 10000, two.invoice_id: 2500}
        record_payment(work, transfer(one, 12500, aims=aims))
        assert [due_on_invoice(work, each.invoice_id).open_minor for each in (one, two)] == [0, 7500]
        no_gap(work)


def test_too_much_stays_as_credit_and_pays_the_next_invoice_by_choice_only(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = record_payment(work, transfer(invoice, 13000))
        later = issue(work)
        assert due_on_invoice(work, later.invoice_id).open_minor == 10000
        (credit,) = available_credits(work, invoice.customer_id)
        assert (credit.kind, credit.open_minor, credit.attempt_id) == ("receipt", 3000, paid)
        aim(work, paid, later.invoice_id, 3000, "payer")
        assert due_on_invoice(work, later.invoice_id).open_minor == 7000
        assert available_credits(work, invoice.customer_id) == []
        assert told(work, later) == [3000]
        no_gap(work)
        with pytest.raises(ConflictError, match=r"has 0\.00 EUR left"):
            aim(work, paid, later.invoice_id, 1, "payer")


def test_an_allocation_is_taken_back_with_a_reason_and_tells_it_with_the_opposite_sign(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        wrong, right = issue(work), issue(work)
        paid = record_payment(work, transfer(wrong, 10000))
        with pytest.raises(ReceivablesError, match="Say why"):
            unaim(work, paid, wrong.invoice_id, None, actor="Lea", reason=" ")
        assert unaim(work, paid, wrong.invoice_id, None, actor="Lea", reason="mauvaise facture") == 10000
        aim(work, paid, right.invoice_id, 10000, "Lea")
        assert [due_on_invoice(work, each.invoice_id).open_minor for each in (wrong, right)] == [10000, 0]
        assert (told(work, wrong), told(work, right)) == ([10000, -10000], [10000])
        no_gap(work)


def test_money_without_an_invoice_is_the_customers_credit_and_may_go_back(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        record_payment(work, transfer(invoice, 4000, aims={}))
        assert exposure_of(work, invoice.customer_id).total_minor == 6000
        back = MoneyReturned("out:1", "bank:1", "refund", 4000, "EUR", MORNING, "bank")
        assert record_facts(work, [back]) == [Outcome.POSTED]
        assert (balance(work, "512000"), exposure_of(work, invoice.customer_id).total_minor) == (0, 10000)
        assert available_credits(work, invoice.customer_id) == []
        no_gap(work)


def test_a_payment_for_another_customers_invoice_is_refused_and_asks_for_a_split(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        mine = issue(work)
        theirs = issue(work, customer=customer_facts("Garage du Pont", "552100554"))
        with pytest.raises(ReceivablesError, match="split the payment"):
            record_payment(work, transfer(mine, 10000, aims={theirs.invoice_id: 10000}))
        with pytest.raises(NotFoundError):
            record_payment(work, transfer(mine, 10000, aims={new_id(): 10000}))
        assert balance(work, "512000") == 0


def test_unidentified_money_waits_on_471_until_somebody_knows_whose_it_is(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        unknown = MoneyUnidentified("bank:7", 10000, "EUR", DAY)
        assert record_facts(work, [unknown, unknown]) == [Outcome.POSTED, Outcome.KNOWN]
        assert (balance(work, "512000"), balance(work, "471000")) == (10000, -10000)
        record_payment(work, transfer(invoice, 10000, "bank:7", counter="suspense"))
        assert (balance(work, "512000"), balance(work, "471000")) == (10000, 0)
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        no_gap(work)


def test_an_amount_alone_pays_what_is_due_oldest_first(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        newer = issue(work, due_on=date(2026, 10, 31))
        older = issue(work, due_on=date(2026, 10, 5))
        part = spread(work, newer.customer_id, 12000, "EUR", DAY)
        assert list(part.items()) == [(older.invoice_id, 10000), (newer.invoice_id, 2000)]
        assert spread(work, newer.customer_id, 99999, "EUR", DAY) == {older.invoice_id: 10000, newer.invoice_id: 10000}


def test_due_instalments_of_all_invoices_come_before_the_rest_of_any(works: Works, supplier: Supplier) -> None:
    parts = (Instalment(date(2026, 10, 2), 3000), Instalment(date(2027, 3, 1), 7000))
    with works.begin(supplier.supplier_id) as work:
        older = issue(work, due_on=date(2027, 3, 1), instalments=parts)
        newer = issue(work, due_on=date(2026, 10, 5))
        later = issue(work, due_on=date(2027, 1, 5))
        customer = newer.customer_id

        def spread_of(minor: int) -> dict[UUID, int]:
            return spread(work, customer, minor, "EUR", DAY)

        assert spread_of(5000) == {older.invoice_id: 3000, newer.invoice_id: 2000}
        assert spread_of(14000) == {older.invoice_id: 3000, newer.invoice_id: 10000, later.invoice_id: 1000}
        assert spread_of(24000) == {older.invoice_id: 4000, newer.invoice_id: 10000, later.invoice_id: 10000}
        assert sum(spread_of(99999).values()) == 30000


def test_our_own_debit_on_its_way_is_reserved_and_falls_back_when_it_is_rejected(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        attempt_id = new_id()
        aims = {invoice.invoice_id: 10000}
        begin_payment(
            work,
            NewPayment(attempt_id, invoice.customer_id, "debit", "sepa_debit", 10000, "EUR", aims, state="processing"),
        )
        due = due_on_invoice(work, invoice.invoice_id)
        assert (due.state, due.in_flight_minor, told(work, invoice)) == ("in_flight", 10000, [])
        record_facts(work, [AttemptMoved(attempt_id, AttemptState.FAILED, "E2E1", "AM04")])
        assert due_on_invoice(work, invoice.invoice_id).state == "due"
        no_gap(work)


def given_up(works: Works, supplier: Supplier, kind: str, *, on_collection: bool) -> None:
    rows = (VatRow("S", Decimal(20), 83333, 16667),)
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, vat_rows=rows, total_minor=100000, payable_minor=100000, vat_on_collection=on_collection)
        paid = record_payment(work, transfer(invoice, 99000))
        waive(work, paid, Waiver(kind, 1000, invoice.invoice_id), "Lea")
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert told(work, invoice) == [99000]
        loss = {"discount": "665000", "waiver": "658000", "charge": "627000"}[kind]
        assert balance(work, loss) == (833 if on_collection else 1000)
        assert balance(work, "445740") == 0
        no_gap(work)
        back = MoneyReturned("out:1", "bank:1", "bounced", 99000, "EUR", MORNING, "bank")
        record_facts(work, [back])
        due = due_on_invoice(work, invoice.invoice_id)
        assert (due.open_minor, told(work, invoice)) == (100000, [99000, -99000])
        assert balance(work, loss) == 0
        assert balance(work, "445740") == (-16667 if on_collection else 0)
        no_gap(work)


@pytest.mark.parametrize("kind", ["discount", "waiver", "charge"])
@pytest.mark.parametrize("on_collection", [True, False])
def test_this_990_pays_the_1000_in_one_gesture_and_comes_back_with_its_payment(
    works: Works, supplier: Supplier, kind: str, *, on_collection: bool
) -> None:
    given_up(works, supplier, kind, on_collection=on_collection)


def test_a_rule_gives_up_cents_only_and_nothing_of_what_is_disputed(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = record_payment(work, transfer(invoice, 9850))
        assert tolerance_of(work).max_minor == 100
        with pytest.raises(ConflictError, match=r"more than the 1\.00 EUR"):
            waive(work, paid, Waiver("waiver", 150, invoice.invoice_id), RULE)
        waive(work, paid, Waiver("waiver", 100, invoice.invoice_id), RULE)
        with pytest.raises(ConflictError, match=r"0\.50 EUR of the invoice is open"):
            waive(work, paid, Waiver("waiver", 51, invoice.invoice_id), "Lea")
        no_gap(work)


def test_cents_too_much_may_be_kept_and_more_is_the_payers(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = record_payment(work, transfer(invoice, 10150))
        with pytest.raises(ConflictError, match="is the payer's"):
            keep_rest(work, paid, 150, "Lea")
        keep_rest(work, paid, 50, "Lea")
        assert (balance(work, "758000"), available_credits(work, invoice.customer_id)[0].open_minor) == (-50, 100)
        record_facts(work, [MoneyReturned("out:2", "bank:1", "return", 10150, "EUR", MORNING, "bank")])
        assert (balance(work, "758000"), due_on_invoice(work, invoice.invoice_id).open_minor) == (0, 10000)
        assert available_credits(work, invoice.customer_id) == []
        no_gap(work)


def card(work: Work, invoice: Invoice) -> tuple[UUID, str]:
    """A payment by card that the provider has."""
    attempt_id = new_id()
    begin_payment(
        work, NewPayment(attempt_id, invoice.customer_id, "hand", "card", 10000, "EUR", {invoice.invoice_id: 10000})
    )
    record_facts(work, [MoneyReceived("pi_1", attempt_id, 10000, "EUR", MORNING, "card")])
    return attempt_id, "pi_1"


@pytest.mark.parametrize("order", [0, 1])
def test_a_lost_dispute_takes_the_money_through_467_whichever_word_comes_first(
    works: Works, supplier: Supplier, order: int
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        card(work, invoice)
        facts = [
            MoneyContested("dp_1", "pi_1", 10000, "EUR", MORNING),
            MoneyReturned("dp_1", "pi_1", "chargeback", 10000, "EUR", MORNING, "contested"),
        ]
        record_facts(work, facts[::-1] if order else facts)
        assert (balance(work, "511500"), balance(work, "467000")) == (0, 0)
        assert due_on_invoice(work, invoice.invoice_id).open_minor == 10000
        no_gap(work)


def test_contested_money_is_at_risk_again_until_the_dispute_is_decided(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        attempt_id, payment_ref = card(work, invoice)
        assert exposure_of(work, invoice.customer_id).total_minor == 0
        work.execute(
            "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, sealed_key, "
            "sealed_webhook_secret, created_at) VALUES (:supplier, :account, 'stripe', false, '', '', now())",
            account=(account := new_id()),
        )
        work.execute(
            "INSERT INTO provider_disputes (supplier_id, dispute_ref, account_id, payment_ref, attempt_id, "
            "amount_minor, currency, reason, state, opened_at, changed_at) "
            "VALUES (:supplier, 'dp_1', :account, :payment, :attempt, 10000, 'EUR', 'fraudulent', 'open', now(), "
            "now())",
            account=account,
            payment=payment_ref,
            attempt=attempt_id,
        )
        exposure = exposure_of(work, invoice.customer_id)
        assert (exposure.contested_minor, exposure.total_minor) == (10000, 10000)
        (line,) = list_customers(work, DAY)
        assert line.exposure_minor == 10000
        work.execute("UPDATE provider_disputes SET state = 'won' WHERE supplier_id = :supplier")
        assert exposure_of(work, invoice.customer_id).total_minor == 0


def test_a_dispute_won_is_nothing_even_where_nobody_told_of_its_beginning(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        card(work, invoice)
        record_facts(work, [ContestWon("dp_1", "pi_1", 10000, "EUR", MORNING)])
        late = MoneyContested("dp_1", "pi_1", 10000, "EUR", MORNING)
        assert record_facts(work, [late]) == [Outcome.KNOWN]
        assert (balance(work, "511500"), balance(work, "467000")) == (10000, 0)
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"


def test_a_payout_empties_the_clearing_account_fees_and_all_and_the_bank_closes_it(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        card(work, issue(work))
        record_facts(
            work,
            [
                PayoutBanked("po_1", 9825, "EUR", DAY),
                PayoutPaid("po_1", 9825, 175, "EUR", MORNING),
                PayoutPaid("po_2", 100, 0, "EUR", MORNING),
                PayoutFailed("po_2", 100, "EUR", MORNING),
            ],
        )
        accounts = ("511500", "580000", "512000", "627000")
        assert [balance(work, account) for account in accounts] == [0, 0, 9825, 175]
        no_gap(work)


def test_fees_and_moves_between_our_accounts_are_booked_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        fee = FeeCharged("fee:1", 750, "EUR", DAY, "bank")
        slip = Transferred("remise:1", 5000, "EUR", DAY, "cheques", "bank")
        assert record_facts(work, [fee, fee, slip]) == [Outcome.POSTED, Outcome.KNOWN, Outcome.POSTED]
        assert [balance(work, each) for each in ("627000", "511200", "512000")] == [750, -5000, 4250]


def test_many_payments_are_written_down_as_one_set_and_a_repeated_one_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoices = [issue(work) for _ in range(3)]
        commands = [transfer(each, 10000, f"bank:{n}") for n, each in enumerate(invoices)]
        paid = record_payments(work, [*commands, commands[0]])
        assert len(set(paid)) == 3
        assert paid[0] == paid[3]
        assert balance(work, "512000") == 30000
        no_gap(work)
