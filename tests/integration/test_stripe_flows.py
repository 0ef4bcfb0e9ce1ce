"""Every flow of Stripe through its client, over HTTP, into the books: what each fact does, in whatever order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from payment_sandbox import an_order, running_sandbox
from stripe_builders import IBAN, Desk

from config.clock import new_id
from payments.autopay.agreements import methods_saved
from payments.errors import PaymentError
from payments.gateways.port import (
    DisputeEvidence,
    FactKind,
    Gateway,
    GatewayDeclinedError,
    GatewayRefusedError,
    SavedCharge,
)
from payments.providers.customers import transfer_account_of
from payments.providers.disputes import answer_dispute
from payments.providers.saved import SavedMethod, end_method, find_method
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import Outcome
from receivables.services.settlement.paying import NewPayment, begin_payment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from payment_sandbox import Sandbox

    from payments.gateways.port import CheckoutOrder
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(automatic_payouts=False) as running:
        yield running


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    sandbox.delivered()
    sandbox.receiver.received.clear()
    return Desk(works, supplier, sandbox)


@pytest.fixture
def invoice(desk: Desk) -> Invoice:
    return desk.issue()


def kept_methods(work: Work, customer_id: UUID) -> list[SavedMethod]:
    return [
        find_method(work, customer_id, each["account_id"], each["method_ref"])
        for each in methods_saved(work, customer_id)
    ]


def _order_of(desk: Desk, invoice: Invoice, methods: tuple[str, ...], **changes: Any) -> CheckoutOrder:
    """The order of a payment that was begun for the whole invoice."""
    attempt_id = new_id()
    with desk.works.begin(desk.supplier.supplier_id) as work:
        begin_payment(
            work,
            NewPayment(
                attempt_id=attempt_id,
                customer_id=invoice.customer_id,
                road="provider",
                method=methods[0],
                amount_minor=10000,
                currency="EUR",
                aims={invoice.invoice_id: 10000},
                account_id=desk.account_id,
            ),
        )
    supplier_id = desk.supplier.supplier_id
    return an_order(supplier_id=supplier_id, attempt_id=attempt_id, amount=Money(10000), methods=methods, **changes)


def test_the_adapter_is_a_whole_gateway(desk: Desk) -> None:
    assert isinstance(desk.gateway, Gateway)


def test_a_checkout_offers_cards_debits_transfers_and_wallets(desk: Desk, invoice: Invoice) -> None:
    methods = ("card", "sepa_debit", "transfer", "paypal", "link")
    assert set(methods) == desk.gateway.methods
    order = an_order(methods=methods, customer_ref=desk.customer_ref(invoice), save_method=True)
    session = desk.sandbox.http.get(f"/v1/checkout/sessions/{desk.gateway.open_checkout(order).session_id}").json()
    assert session["payment_method_types"] == ["card", "sepa_debit", "customer_balance", "paypal", "link"]
    assert session["customer"] == desk.customer_ref(invoice)
    assert session["customer_email"] is None, "Stripe takes the customer or the address, never both"


def test_a_transfer_without_a_customer_is_refused_before_it_is_sent(desk: Desk) -> None:
    with pytest.raises(GatewayRefusedError) as refused:
        desk.gateway.open_checkout(an_order(methods=("transfer",)))
    assert refused.value.code == "gateway.customer_needed"


def test_a_customer_is_opened_once_also_under_a_new_name(desk: Desk, invoice: Invoice) -> None:
    first = desk.customer_ref(invoice)
    assert desk.customer_ref(invoice) == first
    told = desk.sandbox.http.get(f"/v1/customers/{first}").json()
    assert told["name"] == "Boulangerie Martin"
    assert told["metadata"]["customer_id"] == str(invoice.customer_id)


def test_a_disputed_card_payment_lies_on_467_until_it_is_won(desk: Desk, invoice: Invoice) -> None:
    payment = desk.paid(invoice)
    dispute = desk.sandbox.control(f"disputes/{payment}", reason="product_not_received")["id"]
    desk.hear()
    assert desk.balances() == {"contested": 10000}, "the provider has the money, 411 stays lettered"
    assert desk.state(invoice) == "paid"
    (row,) = desk.rows("SELECT * FROM provider_disputes WHERE supplier_id = :supplier")
    assert (row["state"], row["reason"], row["amount_minor"]) == ("open", "product_not_received", 10000)
    assert row["answer_until"] is not None
    desk.sandbox.control(f"disputes/{dispute}", won=True)
    desk.hear()
    assert desk.balances() == {"provider_clearing": 10000}
    (row,) = desk.rows("SELECT state FROM provider_disputes WHERE supplier_id = :supplier")
    assert row["state"] == "won"


def test_a_lost_dispute_is_the_payers_debt_again(desk: Desk, invoice: Invoice) -> None:
    payment = desk.paid(invoice)
    dispute = desk.sandbox.control(f"disputes/{payment}")["id"]
    desk.sandbox.control(f"disputes/{dispute}", won=False)
    desk.hear()
    assert desk.balances() == {"customers": 10000}
    assert desk.state(invoice) == "due"


def test_a_disputes_events_in_any_order_end_in_the_same_books(desk: Desk, invoice: Invoice) -> None:
    payment = desk.paid(invoice)
    dispute = desk.sandbox.control(f"disputes/{payment}")["id"]
    desk.sandbox.control(f"disputes/{dispute}", won=False)
    bodies = desk.sandbox.delivered()
    random.Random(5).shuffle(bodies)
    bodies.sort(key=lambda body: b"charge.dispute.closed" not in body)
    for body in bodies:  # closed comes before created, and both before the payment
        desk.hear([body])
    desk.hear([])
    assert desk.balances() == {"customers": 10000}
    assert desk.inbox() == {"done": len(bodies)}
    (row,) = desk.rows("SELECT state FROM provider_disputes WHERE supplier_id = :supplier")
    assert row["state"] == "lost"


def test_evidence_is_handed_in_once(desk: Desk, invoice: Invoice) -> None:
    payment = desk.paid(invoice)
    dispute = desk.sandbox.control(f"disputes/{payment}")["id"]
    desk.hear()
    evidence = DisputeEvidence("La livraison est signée.", "preuves.pdf", b"%PDF-1.7 proof")
    answer_dispute(desk.works, desk.supplier.supplier_id, dispute, evidence, "anna", desk.gateway_for)
    told = desk.sandbox.http.get(f"/v1/disputes/{dispute}").json()
    assert told["evidence"]["uncategorized_text"] == "La livraison est signée."
    assert told["evidence"]["uncategorized_file"].startswith("file_")
    assert told["status"] == "under_review"
    (row,) = desk.rows("SELECT state, answered_by FROM provider_disputes WHERE supplier_id = :supplier")
    assert row == {"state": "answered", "answered_by": "anna"}
    with pytest.raises(PaymentError) as refused:
        answer_dispute(desk.works, desk.supplier.supplier_id, dispute, evidence, "anna", desk.gateway_for)
    assert refused.value.code == "dispute.answered"
    with pytest.raises(GatewayRefusedError) as twice:
        desk.gateway.answer_dispute(dispute, evidence)
    assert twice.value.code == "gateway.answered"
    desk.hear()
    (row,) = desk.rows("SELECT state FROM provider_disputes WHERE supplier_id = :supplier")
    assert row["state"] == "answered", "the event about our own answer does not open it again"


def test_a_file_that_no_bank_takes_is_refused_before_it_is_sent(desk: Desk) -> None:
    with pytest.raises(GatewayRefusedError) as refused:
        desk.gateway.answer_dispute("dp_any", DisputeEvidence("", "big.pdf", bytes(4_500_001)))
    assert refused.value.code == "gateway.file_too_large"


def test_a_virtual_iban_is_the_customers_alone_and_asked_for_once(desk: Desk, invoice: Invoice) -> None:
    def ask() -> str:
        return transfer_account_of(
            desk.works, desk.supplier.supplier_id, desk.account_id, invoice.customer_id, desk.gateway
        ).iban

    iban = ask()
    assert iban.startswith("FR")
    desk.sandbox.fault("http_500", times=1)
    assert ask() == iban, "kept: the provider is not asked again"
    desk.sandbox.http.delete("/_sandbox/faults")


def test_a_transfer_to_the_virtual_iban_pays_the_oldest_invoice_first(desk: Desk) -> None:
    older, newer = desk.issue(), desk.issue()
    customer = desk.customer_ref(older)
    desk.sandbox.control("transfers", customer=customer, amount=15000)
    desk.hear()  # the cash is told, and claimed
    desk.hear()  # the payment that took it is told
    assert desk.state(older) == "paid"
    assert desk.balances() == {"provider_clearing": 15000, "customers": 5000}
    assert desk.gateway.cash_of(customer) == {}
    (attempt,) = desk.rows("SELECT method, chosen_by, state FROM payment_attempts WHERE supplier_id = :supplier")
    assert attempt == {"method": "transfer", "chosen_by": "law", "state": "succeeded"}
    assert desk.state(newer) != "paid"


def test_a_transfer_told_twice_is_taken_once(desk: Desk) -> None:
    invoice = desk.issue()
    desk.sandbox.control("transfers", customer=desk.customer_ref(invoice), amount=10000)
    bodies = desk.sandbox.delivered()
    desk.hear(bodies)
    desk.pull()
    desk.hear(bodies)
    desk.hear()
    assert desk.balances() == {"provider_clearing": 10000}
    assert len(desk.rows("SELECT 1 FROM payment_attempts WHERE supplier_id = :supplier")) == 1


def test_a_transfer_that_a_checkout_waits_for_is_that_checkouts(desk: Desk, invoice: Invoice) -> None:
    customer = desk.customer_ref(invoice)
    order = _order_of(desk, invoice, ("transfer",), customer_ref=customer)
    told = desk.sandbox.pay(desk.gateway.open_checkout(order).session_id, "transfer")
    desk.hear()
    assert desk.balances() == {"customers": 10000}, "told where to transfer to is no money"
    desk.sandbox.control("transfers", customer=customer, amount=10000)
    desk.hear()
    desk.hear()
    assert desk.state(invoice) == "paid"
    assert desk.balances() == {"provider_clearing": 10000}
    receipts = [ref for kind, ref in desk.entries() if kind == "receipt"]
    assert receipts == [told["payment_intent"]], "the provider matched it: nothing was left to claim"


def test_a_transfer_is_left_to_the_provider_while_it_may_match_it(desk: Desk) -> None:
    invoice = desk.issue()
    desk.sandbox.control("transfers", customer=desk.customer_ref(invoice), amount=10000)
    desk.hear(matching_s=60)
    assert desk.gateway.cash_of(desk.customer_ref(invoice)) == {"EUR": 10000}
    (hint,) = desk.rows("SELECT state, reason FROM outbox WHERE supplier_id = :supplier AND kind = 'cash.funded'")
    assert hint["state"] == "new"
    assert hint["reason"].startswith("payment.matching")
    desk.hear()
    assert desk.gateway.cash_of(desk.customer_ref(invoice)) == {}


def test_cash_that_is_not_there_is_not_claimed(desk: Desk, invoice: Invoice) -> None:
    customer = desk.customer_ref(invoice)
    with pytest.raises(GatewayRefusedError) as refused:
        desk.gateway.claim_cash(desk.supplier.supplier_id, customer, new_id(), Money(500))
    assert refused.value.code == "gateway.no_cash"
    desk.sandbox.control("transfers", customer=customer, amount=500)
    assert desk.gateway.cash_of(customer) == {"EUR": 500}, "the payment given up does not take it later"


def _saved(desk: Desk, invoice: Invoice, method: str, number: str) -> str:
    """A method kept while an invoice was paid; returns its reference."""
    order = _order_of(desk, invoice, (method,), customer_ref=desk.customer_ref(invoice), save_method=True)
    told = desk.sandbox.pay(desk.gateway.open_checkout(order).session_id, number, confirm=True)
    if method == "sepa_debit":
        desk.sandbox.control(f"settle/{told['payment_intent']}")
    desk.hear()
    with desk.works.begin(desk.supplier.supplier_id) as work:
        (kept,) = kept_methods(work, invoice.customer_id)
    assert kept.kind == method
    return kept.method_ref


def test_a_card_is_kept_with_a_label_that_its_owner_knows(desk: Desk, invoice: Invoice) -> None:
    _saved(desk, invoice, "card", "4242424242424242")
    (row,) = desk.rows("SELECT label, state FROM saved_methods WHERE supplier_id = :supplier")
    assert row["label"].startswith("Visa •••• 4242, ")
    assert row["state"] == "usable"


def test_a_kept_account_is_debited_with_nobody_there(desk: Desk, invoice: Invoice) -> None:
    method = _saved(desk, invoice, "sepa_debit", IBAN)
    charge = SavedCharge(desk.supplier.supplier_id, new_id(), desk.customer_ref(invoice), method, "F-2", Money(4200))
    payment = desk.gateway.charge_saved(charge)
    assert desk.gateway.charge_saved(charge) == payment, "the same attempt charges once"
    (fact,) = desk.gateway.fetch_payment(payment)
    assert (fact.kind, fact.attempt_id, fact.amount) == (FactKind.PROCESSING, charge.attempt_id, Money(4200))
    desk.sandbox.control(f"settle/{payment}", decline="insufficient_funds")
    failed = [fact for fact in desk.sandbox.told() if fact.kind is FactKind.FAILED and fact.payment_ref == payment]
    assert payment in {fact.object_ref for fact in failed}, "nobody can try again: the payment is over"
    assert {fact.failure_code for fact in failed} == {"insufficient_funds"}


def test_the_mandate_behind_a_kept_account_is_noted_and_its_end_ends_the_method(desk: Desk, invoice: Invoice) -> None:
    method = _saved(desk, invoice, "sepa_debit", IBAN)
    desk.hear()
    (row,) = desk.rows("SELECT mandate_ref, state FROM saved_methods WHERE supplier_id = :supplier")
    assert row["mandate_ref"].startswith("mandate_")
    desk.sandbox.control(f"mandates/{row['mandate_ref']}/end")
    desk.hear()
    (row,) = desk.rows("SELECT method_ref, state, reason FROM saved_methods WHERE supplier_id = :supplier")
    assert (row["method_ref"], row["state"], row["reason"]) == (method, "ended", "mandate_inactive")


def test_a_kept_card_that_asks_its_owner_is_declined_and_leaves_nothing_open(desk: Desk, invoice: Invoice) -> None:
    method = _saved(desk, invoice, "card", "4000002760003184")
    charge = SavedCharge(desk.supplier.supplier_id, new_id(), desk.customer_ref(invoice), method, "F-2", Money(4200))
    with pytest.raises(GatewayDeclinedError):
        desk.gateway.charge_saved(charge)
    payments = desk.sandbox.http.get("/v1/payment_intents", params={"limit": 10}).json()["data"]
    (left,) = [each for each in payments if each["metadata"].get("attempt_id") == str(charge.attempt_id)]
    assert left["status"] == "canceled"


def test_an_ended_method_never_comes_back_whichever_is_told_first(desk: Desk, invoice: Invoice) -> None:
    _saved(desk, invoice, "card", "4242424242424242")
    with desk.works.begin(desk.supplier.supplier_id) as work:
        (kept,) = kept_methods(work, invoice.customer_id)
    end_method(desk.works, desk.supplier.supplier_id, kept, "payer", desk.gateway_for)
    end_method(desk.works, desk.supplier.supplier_id, kept, "payer", desk.gateway_for)
    bodies = desk.sandbox.delivered()
    with desk.works.begin(desk.supplier.supplier_id) as work:
        work.execute("UPDATE inbox SET state = 'new' WHERE supplier_id = :supplier")
    desk.hear(bodies[::-1])
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert kept_methods(work, invoice.customer_id) == []
    charge = SavedCharge(
        desk.supplier.supplier_id, new_id(), desk.customer_ref(invoice), kept.method_ref, "F", Money(100)
    )
    with pytest.raises((GatewayRefusedError, GatewayDeclinedError)):
        desk.gateway.charge_saved(charge)


def test_a_payment_without_an_attempt_is_the_known_customers_credit(desk: Desk, invoice: Invoice) -> None:
    customer = desk.customer_ref(invoice)
    made = desk.sandbox.http.post(
        "/v1/payment_intents",
        data={
            "amount": 700,
            "currency": "eur",
            "customer": customer,
            "confirm": "true",
            "payment_method": "pm_card_visa",
        },
    ).json()
    desk.hear()
    assert desk.balances() == {"provider_clearing": 700, "customers": 9300}
    assert [ref for kind, ref in desk.entries() if kind == "receipt"] == [made["id"]]
    assert desk.inbox()["buried"] == 0
    desk.pull()
    assert len(desk.rows("SELECT 1 FROM payment_attempts WHERE supplier_id = :supplier")) == 1


def test_a_payment_that_names_our_supplier_alone_waits_on_471_and_calls_a_human(desk: Desk) -> None:
    desk.sandbox.http.post(
        "/v1/payment_intents",
        data={
            "amount": 700,
            "currency": "eur",
            "confirm": "true",
            "payment_method": "pm_card_visa",
            "metadata[supplier_id]": str(desk.supplier.supplier_id),
        },
    )
    desk.hear()
    assert desk.balances() == {"provider_clearing": 700, "suspense": -700}
    reasons = desk.rows("SELECT reason FROM inbox WHERE supplier_id = :supplier AND state = 'buried'")
    assert reasons
    assert all(row["reason"].startswith("payment.unidentified") for row in reasons)


def test_another_programs_payment_and_dispute_stay_out_of_the_books(desk: Desk) -> None:
    made = desk.sandbox.http.post(
        "/v1/payment_intents",
        data={"amount": 900, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"},
    ).json()
    desk.sandbox.control(f"disputes/{made['id']}")
    desk.hear()
    assert desk.balances() == {}
    assert desk.rows("SELECT 1 FROM provider_disputes WHERE supplier_id = :supplier") == []


def test_money_in_another_currency_is_the_customers_credit_in_it(desk: Desk, invoice: Invoice) -> None:
    customer = desk.customer_ref(invoice)
    desk.sandbox.http.post(
        "/v1/payment_intents",
        data={
            "amount": 700,
            "currency": "chf",
            "customer": customer,
            "confirm": "true",
            "payment_method": "pm_card_visa",
        },
    )
    desk.hear()
    rows = desk.rows(
        "SELECT currency, open_minor FROM receivable_items WHERE supplier_id = :supplier AND kind = 'receipt'"
    )
    assert rows == [{"currency": "CHF", "open_minor": 700}]
    assert desk.inbox()["buried"] == 0
    assert desk.state(invoice) == "due"


def test_pulling_finds_disputes_methods_payouts_and_cash_that_no_webhook_told(desk: Desk, invoice: Invoice) -> None:
    desk.sandbox.fault("drop", times=200)
    customer = desk.customer_ref(invoice)
    order = _order_of(desk, invoice, ("card",), customer_ref=customer, save_method=True)
    payment = desk.sandbox.pay(desk.gateway.open_checkout(order).session_id)["payment_intent"]
    desk.sandbox.control(f"disputes/{payment}")
    other = desk.issue()
    desk.sandbox.control("transfers", customer=customer, amount=10000)
    outcomes = desk.pull()
    desk.pull()
    desk.sandbox.http.delete("/_sandbox/faults")
    assert outcomes[Outcome.POSTED] >= 2
    assert desk.balances() == {"contested": 10000, "provider_clearing": 10000}
    assert desk.state(other) == "paid"
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert len(kept_methods(work, invoice.customer_id)) == 1
