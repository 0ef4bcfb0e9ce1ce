"""What Stripe's objects say, shape by shape: recorded as the library's types describe them, nothing sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from payments.gateways.port import FactKind, GatewayRefusedError
from payments.gateways.stripe_facts import READERS, facts_of_event, payment_facts
from payments.gateways.stripe_later_facts import dispute_facts, label_of, mandate_facts, payout_facts
from payments.gateways.stripe_movements import movement_of
from payments.gateways.stripe_reading import Telling
from payments.reactions import facts_behind
from receivables.domain.settlement.receipts import ContestWon, MoneyContested, MoneyReturned

TOLD = Telling(datetime(2026, 11, 22, 12, tzinfo=UTC), livemode=False)


def a_dispute(**changes: Any) -> dict[str, Any]:
    return {
        "id": "dp_1",
        "object": "dispute",
        "amount": 10000,
        "currency": "eur",
        "charge": "py_1",
        "payment_intent": "pi_1",
        "created": 1_795_000_000,
        "reason": "insufficient_funds",
        "status": "needs_response",
        "metadata": {},
        "payment_method_details": None,
        "evidence_details": {"due_by": 1_796_000_000},
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, [FactKind.DISPUTED, FactKind.DISPUTE_LOST]),
        ({"status": "lost"}, [FactKind.DISPUTED, FactKind.DISPUTE_LOST]),
        (
            {"payment_method_details": {"type": "sepa_debit"}, "reason": "general"},
            [FactKind.DISPUTED, FactKind.DISPUTE_LOST],
        ),
        ({"payment_method_details": {"type": "card"}, "reason": "fraudulent"}, [FactKind.DISPUTED]),
        ({"payment_method_details": {"type": "card"}, "status": "under_review"}, [FactKind.DISPUTED]),
        ({"payment_method_details": {"type": "paypal"}, "status": "lost"}, [FactKind.DISPUTED, FactKind.DISPUTE_LOST]),
        ({"payment_method_details": {"type": "card"}, "status": "won"}, [FactKind.DISPUTED, FactKind.DISPUTE_WON]),
        ({"payment_method_details": {"type": "card"}, "status": "warning_needs_response"}, []),
        ({"payment_method_details": {"type": "card"}, "status": "warning_closed"}, []),
        ({"payment_method_details": {"type": "card"}, "status": "prevented"}, []),
    ],
)
def test_a_bank_debits_dispute_is_lost_on_arrival_and_an_inquiry_is_none(
    changes: dict[str, Any], kinds: list[FactKind]
) -> None:
    assert [fact.kind for fact in dispute_facts(a_dispute(**changes), TOLD)] == kinds


def test_a_return_has_no_answer_and_its_day_is_the_disputes() -> None:
    taken, lost = dispute_facts(a_dispute(), TOLD)
    assert {taken.answer_until, lost.answer_until} == {None}
    assert lost.occurred_at == datetime.fromtimestamp(1_795_000_000, UTC)
    card = a_dispute(payment_method_details={"type": "card"}, reason="fraudulent")
    assert dispute_facts(card, TOLD)[0].answer_until == datetime.fromtimestamp(1_796_000_000, UTC)


def test_each_dispute_fact_brings_what_has_to_be_booked_before_it() -> None:
    lost = facts_behind(dispute_facts(a_dispute(), TOLD)[1])
    assert [type(fact) for fact in lost] == [MoneyContested, MoneyReturned]
    assert isinstance(lost[1], MoneyReturned)
    assert (lost[1].kind, lost[1].counter) == ("return", "contested")
    card = {"payment_method_details": {"type": "card"}, "reason": "fraudulent"}
    won = facts_behind(dispute_facts(a_dispute(status="won", **card), TOLD)[1])
    assert [type(fact) for fact in won] == [MoneyContested, ContestWon]
    chargeback = facts_behind(dispute_facts(a_dispute(status="lost", **card), TOLD)[1])[1]
    assert isinstance(chargeback, MoneyReturned)
    assert chargeback.kind == "chargeback"


def a_movement(**changes: Any) -> dict[str, Any]:
    return {
        "id": "txn_1",
        "amount": 10000,
        "fee": 175,
        "currency": "eur",
        "created": 1_795_000_000,
        "available_on": 1_795_200_000,
        "reporting_category": "charge",
        "source": {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"},
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ("payment", "pi_1", 10000, 175)),
        ({"source": {"id": "ch_1", "object": "charge", "payment_intent": None}}, ("payment", "ch_1", 10000, 175)),
        ({"reporting_category": "refund", "amount": -500, "fee": 0, "source": "re_1"}, ("refund", "re_1", -500, 0)),
        (
            {"reporting_category": "refund_failure", "amount": 500, "fee": 0, "source": "re_1"},
            ("refund_failed", "re_1", 500, 0),
        ),
        (
            {
                "reporting_category": "dispute",
                "amount": -10000,
                "fee": 1500,
                "source": {"id": "dp_1", "object": "dispute"},
            },
            ("dispute", "dp_1", -10000, 1500),
        ),
        (
            {"reporting_category": "dispute_reversal", "fee": -1500, "source": {"id": "dp_1", "object": "dispute"}},
            ("dispute_won", "dp_1", 10000, -1500),
        ),
        ({"reporting_category": "fee", "amount": -900, "fee": 0, "source": None}, ("fee", "txn_1", 0, 900)),
        ({"reporting_category": "network_cost", "amount": -12, "fee": 0, "source": None}, ("fee", "txn_1", 0, 12)),
        ({"reporting_category": "payout", "amount": -9825, "fee": 0, "source": "po_1"}, ("payout", "po_1", -9825, 0)),
        (
            {"reporting_category": "payout_reversal", "amount": 9825, "fee": 0, "source": "po_1"},
            ("payout_failed", "po_1", 9825, 0),
        ),
        ({"reporting_category": "risk_reserved_funds", "source": None}, ("other", "txn_1", 10000, 175)),
    ],
)
def test_a_movement_is_read_by_its_category_and_keeps_the_net(changes: dict[str, Any], told: tuple[Any, ...]) -> None:
    raw = a_movement(**changes)
    movement = movement_of(raw, None)
    assert (movement.kind, movement.object_ref, movement.gross_minor, movement.fee_minor) == told
    assert movement.gross_minor - movement.fee_minor == raw["amount"] - raw["fee"]


def test_a_movement_in_a_currency_of_other_units_is_refused() -> None:
    with pytest.raises(GatewayRefusedError):
        movement_of(a_movement(currency="isk"), None)


@pytest.mark.parametrize(
    ("method", "label"),
    [
        (
            {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_month": 3, "exp_year": 2030}},
            "Visa •••• 4242, 03/2030",
        ),
        (
            {
                "type": "card",
                "card": {
                    "brand": "visa",
                    "display_brand": "cartes_bancaires",
                    "last4": "1001",
                    "exp_month": 12,
                    "exp_year": 2031,
                },
            },
            "Cartes Bancaires •••• 1001, 12/2031",
        ),
        ({"type": "sepa_debit", "sepa_debit": {"country": "FR", "last4": "2606"}}, "FR •••• 2606"),
        ({"type": "link", "link": {"email": "a@b.example"}}, "a@b.example"),
        ({"type": "paypal", "paypal": {"payer_email": "a@b.example"}}, "a@b.example"),
        ({"type": "revolut_pay"}, "revolut_pay"),
    ],
)
def test_a_kept_method_is_named_as_its_owner_knows_it(method: dict[str, Any], label: str) -> None:
    assert label_of(method) == label


def test_a_mandate_that_is_active_says_nothing() -> None:
    mandate = {"id": "mandate_1", "status": "active", "payment_method": "pm_1", "payment_method_details": None}
    assert mandate_facts(mandate, TOLD) == ()
    (ended,) = mandate_facts({**mandate, "status": "inactive"}, TOLD)
    assert (ended.kind, ended.method_ref, ended.mandate_ref) == (FactKind.METHOD_ENDED, "pm_1", "mandate_1")


def test_whose_a_forgotten_method_was_is_only_in_the_event() -> None:
    (fact,) = facts_of_event(
        {
            "id": "evt_1",
            "object": "event",
            "type": "payment_method.detached",
            "created": 1_795_000_000,
            "livemode": False,
            "data": {
                "object": {"id": "pm_1", "type": "link", "customer": None, "link": {"email": "a@b.example"}},
                "previous_attributes": {"customer": "cus_1"},
            },
        }
    )
    assert (fact.kind, fact.customer_ref, fact.method_ref) == (FactKind.METHOD_ENDED, "cus_1", "pm_1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", FactKind.PAYOUT_PAID),
        ("in_transit", FactKind.PAYOUT_PAID),
        ("paid", FactKind.PAYOUT_PAID),
        ("failed", FactKind.PAYOUT_FAILED),
        ("canceled", FactKind.PAYOUT_FAILED),
    ],
)
def test_a_payout_is_a_hint_and_books_nothing_by_itself(status: str, kind: FactKind) -> None:
    (fact,) = payout_facts({"id": "po_1", "amount": 9825, "currency": "eur", "status": status}, TOLD)
    assert fact.kind is kind
    assert facts_behind(fact) == ()


def test_a_payment_that_nobody_can_try_again_ends_with_its_first_failure() -> None:
    payment = {
        "id": "pi_1",
        "status": "requires_payment_method",
        "amount": 100,
        "currency": "eur",
        "metadata": {"tries": "one"},
        "latest_charge": "py_1",
        "payment_method_types": ["sepa_debit"],
        "last_payment_error": {"code": "payment_intent_payment_attempt_failed", "charge": "py_1"},
    }
    assert payment_facts(payment, TOLD)[0].object_ref == "pi_1"
    assert payment_facts({**payment, "metadata": {}}, TOLD)[0].object_ref == "py_1"


def test_every_event_type_fits_two_requests() -> None:
    assert 20 < len(READERS) <= 40, "the provider lists 20 types in a request"
