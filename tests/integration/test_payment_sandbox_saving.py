"""The payment sandbox: customers, saved means of payment, charges with nobody there, mandates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe
from payment_sandbox import running_sandbox
from sandbox_flows import CARD, DEBIT, Flows

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKS_ALWAYS, ASKS_ONCE, FAILS_LATER = "4000002760003184", "4000002500003155", "4000000000000341"


@pytest.fixture
def flows() -> Iterator[Flows]:
    with running_sandbox() as sandbox:
        yield Flows(sandbox)


def test_a_customer_is_changed_field_by_field(flows: Flows) -> None:
    customer = flows.v1.customers.create(params={"name": "Avant", "metadata": {"a": "1", "b": "2"}})
    changed = flows.v1.customers.update(customer.id, params={"name": "Après", "metadata": {"b": "", "c": "3"}})
    assert changed.metadata is not None
    assert (changed.name, changed.metadata.to_dict()) == ("Après", {"a": "1", "c": "3"})
    flows.v1.customers.update(customer.id, params={"name": "Après"})
    assert flows.events("customer.") == ["customer.created", "customer.updated"], "no event where nothing changed"


def test_a_card_is_saved_by_paying_and_charged_later_without_its_holder(flows: Flows) -> None:
    customer = flows.customer()
    session = flows.session(customer=customer, payment_intent_data={"setup_future_usage": "off_session"})
    assert flows.sandbox.pay(session.id, ASKS_ONCE, confirm=True)["outcome"] == "succeeded"
    saved = flows.v1.payment_methods.list(params={"customer": customer, "type": "card"}).data
    assert [(one.card.last4 if one.card else "", one.customer) for one in saved] == [("3155", customer)]
    assert flows.charge(customer, saved[0].id).status == "succeeded"
    assert flows.events("payment_method.") == ["payment_method.attached"]


def test_a_method_is_saved_where_it_alone_is_asked_for(flows: Flows) -> None:
    customer = flows.customer()
    options: Any = {"sepa_debit": {"setup_future_usage": "off_session"}}
    for means in (CARD, DEBIT):
        session = flows.session(methods=("card", "sepa_debit"), customer=customer, payment_method_options=options)
        flows.sandbox.pay(session.id, means)
    assert [one.type for one in flows.v1.customers.payment_methods.list(customer).data] == ["sepa_debit"]


def test_automatic_methods_take_what_is_saved_and_exclude_a_list(flows: Flows) -> None:
    customer, method = flows.saved(DEBIT)
    automatic = {"enabled": True, "allow_redirects": "never"}
    payment = flows.charge(customer, method, automatic_payment_methods=automatic)
    assert (payment.status, "paypal" in payment.payment_method_types) == ("processing", False)
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        flows.charge(customer, method, automatic_payment_methods=automatic, allowed_payment_method_types=["sepa_debit"])


def test_a_payment_that_was_not_to_be_saved_leaves_nothing_with_the_customer(flows: Flows) -> None:
    customer = flows.customer()
    flows.paid(customer=customer)
    assert flows.v1.customers.payment_methods.list(customer).data == []
    assert flows.events("payment_method.") == []


def test_a_card_that_always_asks_fails_with_nobody_there_and_says_so(flows: Flows) -> None:
    customer, method = flows.saved(ASKS_ALWAYS)
    with pytest.raises(stripe.CardError) as refused:
        flows.charge(customer, method)
    error = refused.value.error
    assert error is not None
    assert (refused.value.http_status, error.code, error.decline_code) == (
        402,
        "authentication_required",
        "authentication_required",
    )
    assert error.payment_intent is not None
    read = flows.v1.payment_intents.retrieve(error.payment_intent.id)
    assert (read.status, flows.events("payment_intent.")[-1]) == (
        "requires_payment_method",
        "payment_intent.payment_failed",
    )


def test_a_merchant_can_have_every_card_confirmed(flows: Flows) -> None:
    options: Any = {"card": {"request_three_d_secure": "any"}}
    session = flows.session(payment_method_options=options)
    assert flows.sandbox.pay(session.id, CARD)["outcome"] == "confirm"
    assert flows.sandbox.pay(session.id, CARD, confirm=True)["outcome"] == "succeeded"


def test_a_card_can_be_saved_and_fail_whenever_it_is_charged(flows: Flows) -> None:
    customer, method = flows.saved(FAILS_LATER)
    with pytest.raises(stripe.CardError):
        flows.charge(customer, method)


def test_saving_a_debit_gives_a_mandate_that_every_charge_names(flows: Flows) -> None:
    customer, method = flows.saved(DEBIT)
    setup = flows.v1.setup_intents.list(params={"customer": customer}).data[0]
    mandate = flows.v1.mandates.retrieve(str(setup.mandate))
    assert (setup.status, mandate.status, mandate.payment_method) == ("succeeded", "active", method)
    assert mandate.payment_method_details.sepa_debit is not None
    payment = flows.charge(customer, method)
    charge = flows.v1.charges.retrieve(str(payment.latest_charge))
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.sepa_debit is not None
    assert (payment.status, charge.payment_method_details.sepa_debit.mandate) == ("processing", mandate.id)
    session = flows.v1.checkout.sessions.list().data[0]
    assert (session.mode, session.payment_status, session.amount_total) == ("setup", "no_payment_required", None)


def test_a_refused_question_saves_nothing(flows: Flows) -> None:
    customer = flows.customer()
    params: Any = {"mode": "setup", "customer": customer, "success_url": "https://shop.example/ok"}
    session = flows.v1.checkout.sessions.create(params=params)
    assert flows.sandbox.pay(session.id, ASKS_ONCE, confirm=False)["outcome"] == "declined"
    assert flows.v1.customers.payment_methods.list(customer).data == []
    assert flows.v1.checkout.sessions.retrieve(session.id).status == "open", "the payer may try another one"
    assert flows.events("setup_intent.")[-1] == "setup_intent.setup_failed"


def test_a_forgotten_method_cannot_be_charged_and_its_mandate_ends(flows: Flows) -> None:
    customer, method = flows.saved(DEBIT)
    mandate = str(flows.v1.setup_intents.list().data[0].mandate)
    assert flows.v1.payment_methods.detach(method).customer is None
    assert flows.v1.mandates.retrieve(mandate).status == "inactive"
    for act in (
        lambda: flows.charge(customer, method),
        lambda: flows.v1.payment_methods.attach(method, params={"customer": customer}),
        lambda: flows.v1.payment_methods.detach(method),
    ):
        with pytest.raises(stripe.InvalidRequestError):
            act()
    assert flows.events("payment_method.", "mandate.") == [
        "payment_method.attached",
        "payment_method.detached",
        "mandate.updated",
    ]


def test_a_mandate_that_the_payer_revoked_is_told_once_and_stops_charges(flows: Flows) -> None:
    customer, method = flows.saved(DEBIT)
    mandate = str(flows.v1.setup_intents.list().data[0].mandate)
    for _ in range(2):
        flows.sandbox.control(f"mandates/{mandate}/end")
    assert flows.events("mandate.") == ["mandate.updated"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        flows.charge(customer, method)
    assert refused.value.code == "payment_intent_mandate_invalid"


def test_a_method_of_one_customer_does_not_pay_for_another(flows: Flows) -> None:
    _, method = flows.saved(CARD)
    with pytest.raises(stripe.InvalidRequestError, match="different Customer"):
        flows.charge(flows.customer("Autre"), method)


def test_an_account_is_saved_by_api_and_the_providers_test_names_work(flows: Flows) -> None:
    customer = flows.customer()
    billing: Any = {"name": "Lefèvre", "email": "l@example.fr"}
    made = flows.v1.payment_methods.create(
        params={"type": "sepa_debit", "sepa_debit": {"iban": DEBIT}, "billing_details": billing}
    )
    flows.v1.payment_methods.attach(made.id, params={"customer": customer})
    named = flows.v1.payment_methods.attach("pm_sepaDebit_failed_de", params={"customer": customer})
    assert named.sepa_debit is not None
    assert (named.id != "pm_sepaDebit_failed_de", named.sepa_debit.country) == (True, "DE")
    listed = flows.v1.customers.payment_methods.list(customer, params={"type": "sepa_debit"}).data
    assert {one.id for one in listed} == {made.id, named.id}
