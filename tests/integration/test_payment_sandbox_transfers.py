"""The payment sandbox: transfers to an account number of one customer alone, and the money that lies there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe
from payment_sandbox import running_sandbox
from sandbox_flows import Flows

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def flows() -> Iterator[Flows]:
    with running_sandbox() as sandbox:
        yield Flows(sandbox)


def lying(flows: Flows, customer: str) -> int:
    available = flows.v1.customers.cash_balance.retrieve(customer).available
    return dict(available.to_dict())["eur"] if available else 0


def movements(flows: Flows, customer: str) -> list[tuple[str, int, int]]:
    listed = flows.v1.customers.cash_balance_transactions.list(customer).data
    return [(one.type, one.net_amount, one.ending_balance) for one in reversed(listed)]


def instructions(payment: stripe.PaymentIntent) -> Any:
    assert payment.next_action is not None
    return payment.next_action.display_bank_transfer_instructions


def test_every_customer_has_an_account_number_of_its_own_that_never_changes(flows: Flows) -> None:
    wanted: Any = {
        "currency": "eur",
        "funding_type": "bank_transfer",
        "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "FR"}},
    }
    ibans = []
    first, second = flows.customer("Un"), flows.customer("Deux")
    for customer in (first, second, first):
        told = flows.v1.customers.funding_instructions.create(customer, params=wanted)
        address = told.bank_transfer.financial_addresses[0].iban
        assert address is not None
        ibans.append(address.iban)
        assert (address.country, len(address.iban)) == ("FR", 27)
        digits = "".join(str(int(sign, 36)) for sign in address.iban[4:] + address.iban[:4])
        assert int(digits) % 97 == 1
    assert (ibans[0] == ibans[2], ibans[0] == ibans[1]) == (True, False)


def test_the_exact_transfer_pays_and_costs_half_a_percent(flows: Flows) -> None:
    customer = flows.customer()
    asked = flows.claim(customer, 40_000)
    told = instructions(asked)
    assert (asked.status, told.amount_remaining, told.type) == ("requires_action", 40_000, "eu_bank_transfer")
    flows.transfer(customer, 40_000, told.reference)
    read = flows.v1.payment_intents.retrieve(asked.id, params={"expand": ["latest_charge.balance_transaction"]})
    assert isinstance(read.latest_charge, stripe.Charge)
    assert isinstance(read.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert (read.status, read.amount_received, read.latest_charge.balance_transaction.fee) == ("succeeded", 40_000, 200)
    assert movements(flows, customer) == [("funded", 40_000, 40_000), ("applied_to_payment", -40_000, 0)]
    assert flows.events("customer_cash", "payment_intent.", "cash_balance") == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "customer_cash_balance_transaction.created",
        "customer_cash_balance_transaction.created",
        "payment_intent.succeeded",
    ]


def test_too_little_funds_a_part_and_the_rest_pays(flows: Flows) -> None:
    customer = flows.customer()
    asked = flows.claim(customer, 10_000)
    flows.transfer(customer, 4_000)
    partly = flows.v1.payment_intents.retrieve(asked.id)
    assert (partly.status, partly.amount_received, instructions(partly).amount_remaining) == (
        "requires_action",
        0,
        6_000,
    )
    flows.transfer(customer, 6_000)
    assert flows.v1.payment_intents.retrieve(asked.id).amount_received == 10_000
    assert flows.events("payment_intent.partially") == ["payment_intent.partially_funded"]


def test_too_much_leaves_the_excess_with_the_customer(flows: Flows) -> None:
    customer = flows.customer()
    asked = flows.claim(customer, 10_000)
    flows.transfer(customer, 12_500)
    assert (flows.v1.payment_intents.retrieve(asked.id).status, lying(flows, customer)) == ("succeeded", 2_500)
    assert flows.events("cash_balance.") == ["cash_balance.funds_available"]


def test_a_transfer_without_any_open_payment_lies_there_until_it_is_claimed(flows: Flows) -> None:
    customer = flows.customer()
    flows.transfer(customer, 7_000, "VIR GARAGE")
    assert (lying(flows, customer), flows.v1.charges.list().data) == (7_000, [])
    claimed = flows.claim(customer, 5_000)
    assert (claimed.status, lying(flows, customer)) == ("succeeded", 2_000)
    assert "payment_intent.requires_action" not in flows.events()
    partly = flows.claim(customer, 3_000)
    assert (partly.status, instructions(partly).amount_remaining, lying(flows, customer)) == (
        "requires_action",
        1_000,
        0,
    )


def test_a_transfer_goes_to_the_payment_it_names_then_to_its_amount_then_to_the_oldest(flows: Flows) -> None:
    customer = flows.customer()
    payments = [flows.claim(customer, amount) for amount in (3_000, 2_000, 1_000)]
    flows.transfer(customer, 500, f"facture {instructions(payments[2]).reference.lower()}")
    flows.transfer(customer, 2_000)
    flows.transfer(customer, 100)
    left = [flows.v1.payment_intents.retrieve(one.id) for one in payments]
    assert [one.status for one in left] == ["requires_action", "succeeded", "requires_action"]
    assert (instructions(left[0]).amount_remaining, instructions(left[2]).amount_remaining) == (2_900, 500)


def test_one_transfer_pays_several_payments(flows: Flows) -> None:
    customer = flows.customer()
    payments = [flows.claim(customer, amount).id for amount in (3_000, 2_000)]
    flows.transfer(customer, 5_000)
    assert [flows.v1.payment_intents.retrieve(one).status for one in payments] == ["succeeded", "succeeded"]


def test_cancelling_gives_what_was_transferred_back_to_the_customer(flows: Flows) -> None:
    customer = flows.customer()
    asked = flows.claim(customer, 10_000)
    flows.transfer(customer, 4_000)
    flows.v1.payment_intents.cancel(asked.id)
    assert (lying(flows, customer), movements(flows, customer)[-1]) == (4_000, ("unapplied_from_payment", 4_000, 4_000))


def test_a_checkout_by_transfer_is_completed_unpaid_and_paid_when_the_money_is_there(flows: Flows) -> None:
    customer = flows.customer()
    session = flows.session(8_000, ("customer_balance",), customer=customer)
    assert flows.sandbox.pay(session.id, "transfer")["outcome"] == "transfer"
    read = flows.v1.checkout.sessions.retrieve(session.id)
    assert (read.status, read.payment_status) == ("complete", "unpaid")
    page = flows.sandbox.http.get(f"/pay/{session.id}").text
    told = instructions(flows.v1.payment_intents.retrieve(str(read.payment_intent)))
    assert told.reference in page
    flows.transfer(customer, 8_000)
    assert flows.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert flows.events("checkout.") == ["checkout.session.completed", "checkout.session.async_payment_succeeded"]


def test_a_checkout_by_transfer_wants_a_customer_and_a_country(flows: Flows) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        flows.session(8_000, ("customer_balance",))
    assert refused.value.param == "customer"
    with pytest.raises(stripe.InvalidRequestError, match="eu_bank_transfer"):
        flows.session(8_000, ("customer_balance",), customer=flows.customer(), payment_method_options={})


def test_what_lies_there_can_be_sent_back_and_may_come_back(flows: Flows) -> None:
    customer = flows.customer()
    flows.transfer(customer, 6_000)
    wanted: Any = {"origin": "customer_balance", "customer": customer, "amount": 6_000, "currency": "eur"}
    refund = flows.v1.refunds.create(params=wanted)
    assert (refund.status, refund.charge, lying(flows, customer)) == ("pending", None, 0)
    with pytest.raises(stripe.InvalidRequestError):
        flows.v1.refunds.create(params=wanted)
    flows.sandbox.control(f"refunds/{refund.id}/fail", reason="unknown")
    assert lying(flows, customer) == 6_000
    assert flows.v1.balance_transactions.list().data == [], "it never was the account's own money"
