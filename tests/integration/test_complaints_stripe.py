"""What users of other software complain about, at the provider: one test for each, under the complaint's number."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from payment_sandbox import an_order, running_sandbox
from stripe_builders import IBAN, Desk

from config.clock import new_id
from payments.clearing.comparison import compare_providers
from payments.gateways.port import FactKind, GatewayRefusedError
from payments.reactions import facts_behind
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState, MoneyReceived
from receivables.services.accounting.checks import state_hash
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.paying import NewPayment, begin_payment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from payment_sandbox import Sandbox

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Works


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(automatic_payouts=False) as running:
        yield running


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    return Desk(works, supplier, sandbox)


def debit(desk: Desk, invoice: Invoice, amount_minor: int = 10000) -> tuple[UUID, str]:
    """A SEPA debit for an invoice, under way at the provider; its attempt and payment."""
    attempt_id = new_id()
    with desk.works.begin(desk.supplier.supplier_id) as work:
        begin_payment(
            work,
            NewPayment(
                attempt_id=attempt_id,
                customer_id=invoice.customer_id,
                road="provider",
                method="sepa_debit",
                amount_minor=amount_minor,
                currency="EUR",
                aims={invoice.invoice_id: amount_minor},
                account_id=desk.account_id,
            ),
        )
    order = an_order(
        supplier_id=desk.supplier.supplier_id,
        attempt_id=attempt_id,
        amount=Money(amount_minor),
        methods=("sepa_debit",),
    )
    checkout = desk.gateway.open_checkout(order)
    return attempt_id, str(desk.sandbox.pay(checkout.session_id, IBAN)["payment_intent"])


@pytest.mark.parametrize("seed", range(4))
def test_complaint_1_any_subset_of_lost_webhooks_leaves_the_same_books_after_one_pull(desk: Desk, seed: int) -> None:
    """Paid and paid out at the provider, and the software has nothing: which webhooks came must not matter."""
    chance = random.Random(seed)
    paid, refunded, disputed = desk.issue(), desk.issue(), desk.issue()
    desk.paid(paid)
    desk.gateway.refund(desk.paid(refunded), Money(4000), "key")
    desk.sandbox.control(f"disputes/{desk.paid(disputed)}")
    (payout,) = desk.sandbox.control("payouts", pending=True)["payouts"]
    desk.sandbox.control(f"payouts/{payout['id']}/arrive")
    bodies = desk.sandbox.delivered()
    came = [body for body in bodies if chance.random() < (0, 0.3, 0.6, 1)[seed]]
    chance.shuffle(came)
    desk.hear(came)
    desk.pull()
    desk.hear([])
    fees = 3 * 175 + 1500
    assert desk.balances() == {
        "customers": 4000,
        "contested": 10000,
        "transfers": 16000 - fees,
        "fees": fees,
    }
    assert [desk.state(each) for each in (paid, refunded, disputed)] == ["paid", "part_paid", "paid"]
    assert compare_providers(desk.works, desk.supplier.supplier_id, desk.gateway_for) == 0
    with desk.works.begin(desk.supplier.supplier_id) as work:
        before = state_hash(work)
    desk.hear(bodies)
    desk.pull()
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert state_hash(work) == before, "what comes late changes nothing"


def test_complaint_3_a_debit_under_way_is_never_paid(desk: Desk) -> None:
    invoice = desk.issue()
    attempt_id, payment = debit(desk, invoice)
    told = desk.sandbox.told()
    assert told
    for fact in told:  # no road from processing to money
        assert not any(isinstance(each, MoneyReceived) for each in facts_behind(fact))
        for each in facts_behind(fact):
            assert isinstance(each, AttemptMoved)
            assert each.state is AttemptState.PROCESSING
    desk.hear()
    assert desk.state(invoice) != "paid"
    assert desk.balances() == {"customers": 10000}
    with desk.works.begin(desk.supplier.supplier_id) as work:
        due = due_on_invoice(work, invoice.invoice_id)
    assert (due.in_flight_minor, due.payable_minor) == (10000, 0)
    desk.sandbox.control(f"settle/{payment}")
    desk.hear()
    assert desk.state(invoice) == "paid"
    assert desk.rows(
        "SELECT state FROM payment_attempts WHERE attempt_id = :id AND supplier_id = :supplier", id=attempt_id
    ) == [{"state": "succeeded"}]


def test_complaint_12_a_returned_debit_reopens_the_invoice_with_its_fee_whatever_comes_first(desk: Desk) -> None:
    invoice = desk.issue()
    _, payment = debit(desk, invoice)
    desk.sandbox.control(f"settle/{payment}")
    dispute = desk.sandbox.control(f"returns/{payment}", code="AM04")["id"]
    bodies = desk.sandbox.delivered()
    desk.hear(bodies[::-1])
    desk.hear([])
    assert desk.balances() == {"customers": 10000}, "received, taken back, owed again: never booked the wrong way round"
    assert desk.state(invoice) == "due"
    assert desk.inbox() == {"done": len(bodies)}
    undone = desk.rows("SELECT cause FROM allocations WHERE supplier_id = :supplier AND amount_minor < 0")
    assert [row["cause"] for row in undone] == ["return"], "un-lettered, with the reason"
    told = desk.rows(
        "SELECT kind, amount_minor, reason FROM collections WHERE supplier_id = :supplier ORDER BY sequence"
    )
    assert [row["amount_minor"] for row in told] == [10000, -10000], "a negative 212 takes the first one back"
    (row,) = desk.rows("SELECT dispute_ref, state, reason FROM provider_disputes WHERE supplier_id = :supplier")
    assert (row["dispute_ref"], row["state"], row["reason"]) == (dispute, "lost", "insufficient_funds")
    (payout,) = desk.sandbox.control("payouts", pending=True)["payouts"]
    assert payout["amount"] == -785, "there is less than nothing: the provider collects its fees"
    desk.sandbox.control(f"payouts/{payout['id']}/arrive")
    desk.hear()
    assert desk.balances()["fees"] == 35 + 750, "the debit's fee and the return's"
    assert compare_providers(desk.works, desk.supplier.supplier_id, desk.gateway_for) == 0


def test_complaint_13_refund_webhooks_in_duplicate_book_once_and_nothing_cannot_be_refunded(desk: Desk) -> None:
    invoice = desk.issue()
    desk.press(invoice)
    session = desk.attempts()[-1]["session_ref"]
    declined = desk.sandbox.pay(session, "4000000000000002")["payment_intent"]
    with pytest.raises(GatewayRefusedError):
        desk.gateway.refund(declined, Money(100), "key-0")
    payment = desk.sandbox.pay(session)["payment_intent"]
    refund = desk.gateway.refund(payment, Money(4000), "key-1")
    assert desk.gateway.refund(payment, Money(4000), "key-1") == refund, "the same order refunds once"
    with pytest.raises(GatewayRefusedError):
        desk.gateway.refund(payment, Money(6001), "key-2")
    bodies = desk.sandbox.delivered()
    for _ in range(3):
        desk.hear(bodies)
        desk.pull()
    returns = [ref for kind, ref in desk.entries().elements() if kind == "return"]
    assert returns == [refund]
    assert desk.balances() == {"provider_clearing": 6000, "customers": 4000}
    desk.sandbox.control(f"refunds/{refund}/fail")
    desk.hear()
    desk.hear(desk.sandbox.delivered()[::-1])
    assert desk.balances() == {"provider_clearing": 10000}
    assert desk.state(invoice) == "paid"
    assert FactKind.REFUND_FAILED in {fact.kind for fact in desk.sandbox.told()}


def test_complaint_20_money_under_way_keeps_its_room_and_is_moved_by_the_same_road_when_found_late(desk: Desk) -> None:
    """A pending payment and a credit together must not pay an invoice twice; what is found late is booked alike."""
    invoice = desk.issue()
    _, payment = debit(desk, invoice)
    desk.hear()
    desk.sandbox.fault("drop", times=100)
    customer = desk.customer_ref(invoice)
    desk.sandbox.control("transfers", customer=customer, amount=10000)  # a credit beside it
    desk.pull()
    desk.pull()
    assert desk.balances() == {"provider_clearing": 10000}, "the transfer is open credit beside the open invoice"
    left = desk.rows("SELECT open_minor FROM receivable_items WHERE supplier_id = :supplier AND kind = 'receipt'")
    assert left == [{"open_minor": 10000}], "the debit that is under way keeps the invoice's room"
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert due_on_invoice(work, invoice.invoice_id).payable_minor == 0
    desk.sandbox.control(f"settle/{payment}")
    desk.pull()
    desk.sandbox.http.delete("/_sandbox/faults")
    assert desk.state(invoice) == "paid"
    assert desk.balances() == {"provider_clearing": 20000, "customers": -10000}, "no negative invoice: a credit"
    rows = desk.rows("SELECT kind, open_minor FROM receivable_items WHERE supplier_id = :supplier ORDER BY kind")
    assert sorted((row["kind"], row["open_minor"]) for row in rows) == [
        ("invoice", 0),
        ("receipt", 0),
        ("receipt", 10000),
    ]
