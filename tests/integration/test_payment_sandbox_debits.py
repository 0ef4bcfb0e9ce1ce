"""The payment sandbox: SEPA debits with their days, limits and returns; PayPal, Link and wallets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe
from payment_sandbox import running_sandbox
from sandbox_flows import DEBIT, Flows

from config import clock
from portal.sandboxes.payments.claims import ENDING_CODES, RETURNS
from portal.sandboxes.payments.ibans import UNSUPPORTED, WHATS, accounts_by_iban

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def flows() -> Iterator[Flows]:
    with running_sandbox() as sandbox:
        yield Flows(sandbox)


def debit(flows: Flows, iban: str, amount: int = 12_000) -> str:
    session = flows.session(amount, ("sepa_debit",))
    return str(flows.sandbox.pay(session.id, iban)["payment_intent"])


def checksum(iban: str) -> int:
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97


def test_the_published_accounts_are_well_formed_and_complete() -> None:
    known = accounts_by_iban()
    assert len(known) == 19 * len(WHATS)
    assert {iban for iban in [*known, *UNSUPPORTED] if checksum(iban) != 1} == set()
    countries = {iban[:2] for iban in known}
    assert {(country, what) for country in countries for what in WHATS} == {
        (iban[:2], what) for iban, what in known.items()
    }


@pytest.mark.parametrize(
    ("iban", "status", "code"),
    [
        ("FR1420041010050500013M02606", "succeeded", None),
        ("DE08370400440532013003", "succeeded", None),
        ("FR8420041010050500013M02607", "requires_payment_method", "insufficient_funds"),
        ("FR7920041010050500013M02600", "requires_payment_method", "insufficient_funds"),
        ("FR9720041010050000000343434", "requires_payment_method", "charge_exceeds_source_limit"),
        ("FR5920041010050000000121212", "requires_payment_method", "charge_exceeds_weekly_limit"),
        ("FR9720041010050000002222227", "requires_payment_method", "insufficient_funds"),
    ],
)
def test_each_account_ends_after_five_business_days_as_published(
    flows: Flows, iban: str, status: str, code: str | None
) -> None:
    payment = debit(flows, iban)
    assert flows.v1.payment_intents.retrieve(payment).status == "processing"
    flows.advance(4)
    assert flows.v1.payment_intents.retrieve(payment).status == "processing"
    flows.advance(4)
    read = flows.v1.payment_intents.retrieve(payment, params={"expand": ["latest_charge"]})
    assert isinstance(read.latest_charge, stripe.Charge)
    assert (read.status, read.latest_charge.failure_code) == (status, code)
    told = flows.events("checkout.session.async")
    assert told == [f"checkout.session.async_payment_{'succeeded' if status == 'succeeded' else 'failed'}"]


def test_delayed_accounts_take_at_least_three_minutes_more() -> None:
    with running_sandbox(settle_after_s=1.0) as sandbox:
        flows = Flows(sandbox)
        payment = debit(flows, "FR3020041010050500013M02609")
        sandbox.control("clock", advance_s=179)
        assert flows.v1.payment_intents.retrieve(payment).status == "processing"
        sandbox.control("clock", advance_s=3)
        assert flows.v1.payment_intents.retrieve(payment).status == "succeeded"


def test_a_debit_of_a_later_day_is_answered_five_business_days_after_it(flows: Flows) -> None:
    customer, method = flows.saved(DEBIT)

    def charge(days: int) -> str:
        day = (clock.now() + timedelta(days=days)).date().isoformat()
        options: Any = {"sepa_debit": {"target_date": day}}
        return flows.charge(customer, method, payment_method_options=options).id

    payment = charge(14)
    flows.advance(14)
    assert flows.v1.payment_intents.retrieve(payment).status == "processing"
    flows.advance(9)
    assert flows.v1.payment_intents.retrieve(payment).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="3 to 15 days"):
        charge(2)


def test_an_account_disputed_at_once_takes_the_money_back_with_its_fee_and_ends_its_mandate(flows: Flows) -> None:
    payment = flows.paid(10_000, "FR5720041010050500013M02608")
    dispute = flows.v1.disputes.list(params={"payment_intent": payment}).data[0]
    assert (dispute.status, dispute.reason, dispute.network_reason_code) == ("lost", "debit_not_authorized", "MD01")
    assert [(move.amount, move.fee, move.net) for move in dispute.balance_transactions] == [(-10_000, 750, -10_750)]
    assert flows.events("charge.dispute.", "mandate.") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "mandate.updated",
    ]


@pytest.mark.parametrize("code", sorted(RETURNS))
def test_any_debit_that_succeeded_can_come_back_with_a_code(flows: Flows, code: str) -> None:
    payment = flows.paid(5_000, DEBIT)
    dispute = flows.sandbox.control(f"returns/{payment}", code=code)
    assert (dispute["status"], dispute["reason"], dispute["network_reason_code"]) == ("lost", RETURNS[code], code)
    assert dispute["payment_method_details"] is None
    assert (flows.events("mandate.") == ["mandate.updated"]) is (code in ENDING_CODES)
    again = flows.sandbox.http.post(f"/_sandbox/returns/{payment}", json={"code": code})
    assert again.status_code == 400, "a debit comes back once"


def test_a_debit_still_under_way_or_a_card_is_not_returned(flows: Flows) -> None:
    for payment in (debit(flows, DEBIT), flows.paid()):
        assert flows.sandbox.http.post(f"/_sandbox/returns/{payment}", json={"code": "MD06"}).status_code == 400
    paid = flows.paid(5_000, DEBIT)
    assert flows.sandbox.http.post(f"/_sandbox/returns/{paid}", json={"code": "XX99"}).status_code == 400


def test_a_debit_above_ten_thousand_euros_is_not_offered(flows: Flows) -> None:
    assert flows.session(1_000_000, ("card", "sepa_debit")).payment_method_types == ["card", "sepa_debit"]
    assert flows.session(1_000_001, ("card", "sepa_debit")).payment_method_types == ["card"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        flows.session(1_000_001, ("sepa_debit",))
    assert refused.value.code == "amount_too_large"
    customer, method = flows.saved(DEBIT)
    with pytest.raises(stripe.InvalidRequestError):
        flows.charge(customer, method, 1_000_001)


@pytest.mark.parametrize(("iban", "code"), sorted(UNSUPPORTED.items())[:4])
def test_an_account_that_cannot_be_debited_makes_no_method(flows: Flows, iban: str, code: str) -> None:
    billing: Any = {"name": "N", "email": "n@example.fr"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        flows.v1.payment_methods.create(
            params={"type": "sepa_debit", "sepa_debit": {"iban": iban}, "billing_details": billing}
        )
    assert refused.value.code == code


@pytest.mark.parametrize("means", ["paypal", "link"])
def test_a_wallet_asks_on_its_own_page_and_a_no_takes_nothing(flows: Flows, means: str) -> None:
    session = flows.session(9_000, (means,))
    with httpx.Client(base_url=flows.sandbox.url) as payer:
        path = f"/pay/{session.id}"
        assert payer.post(path, data={"means": means}).headers["Location"] == f"{path}/confirm"
        asked = payer.get(f"{path}/confirm").text
        assert {"paypal": "PayPal", "link": "Link"}[means] in asked
        assert payer.post(f"{path}/confirm", data={"answer": "no"}).headers["Location"] == path
        assert flows.v1.charges.list().data == []
        payer.post(path, data={"means": means})
        payer.post(f"{path}/confirm", data={"answer": "yes"})
    charge = flows.v1.charges.list(params={"expand": ["data.balance_transaction"]}).data[0]
    assert charge.payment_method_details is not None
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    fee = {"paypal": 0, "link": 160}[means]
    assert (charge.payment_method_details.type, charge.balance_transaction.fee) == (means, fee)


def test_apple_pay_is_a_card_in_a_wallet(flows: Flows) -> None:
    flows.sandbox.pay(flows.session().id, "apple_pay")
    details = flows.v1.charges.list().data[0].payment_method_details
    assert details is not None
    assert details.card is not None
    assert details.card.wallet is not None
    assert details.card.wallet.type == "apple_pay"
