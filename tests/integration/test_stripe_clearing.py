"""Money from the provider to the bank: movements, payouts with fees, and the comparison whose gap has to be nothing."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from payment_sandbox import running_sandbox
from stripe_builders import Desk

from config.clock import new_id, now, today
from payments.clearing.checks import prove_clearing
from payments.clearing.comparison import compare_providers
from payments.clearing.movements import pull_movements
from payments.clearing.payouts import follow_payouts, keep_payout, recognise_payout
from payments.gateways.port import ToldPayout
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import MoneyReceived, MoneyUnidentified
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payment_sandbox import Sandbox

    from receivables.store.register import Supplier
    from receivables.store.work import Works


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """An account of its own: its balance is compared."""
    with running_sandbox(automatic_payouts=False) as running:
        yield running


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    return Desk(works, supplier, sandbox)


def compare(desk: Desk) -> int:
    return compare_providers(desk.works, desk.supplier.supplier_id, desk.gateway_for)


def follow(desk: Desk) -> int:
    return follow_payouts(desk.works, desk.supplier.supplier_id, desk.gateway_for)


def compared(desk: Desk, kind: str) -> list[dict[str, Any]]:
    """The rows of a kind, the latest day first."""
    return desk.rows(
        "SELECT * FROM provider_comparisons WHERE supplier_id = :supplier AND kind = :kind ORDER BY compared_on DESC",
        kind=kind,
    )


def payout(desk: Desk, *, arrive: bool = True) -> str:
    """Pay everything out, all of it available at once."""
    (made,) = desk.sandbox.control("payouts", pending=True)["payouts"]
    if arrive:
        desk.sandbox.control(f"payouts/{made['id']}/arrive")
    return str(made["id"])


def line(desk: Desk, amount_minor: int, **changes: Any) -> Any:
    """A line of the bank's, with what recognising asks of one."""
    fields = {
        "line_id": new_id(),
        "amount_minor": amount_minor,
        "currency": "EUR",
        "booked_on": _arrival(desk),
        "counterparty": "STRIPE PAYMENTS EUROPE",
        "remittance": "STRIPE E5F7",
        "structured_reference": None,
        "counter": "bank",
    }
    return SimpleNamespace(**{**fields, **changes})


def _arrival(desk: Desk) -> date:
    rows = desk.rows("SELECT arrival_on FROM payouts WHERE supplier_id = :supplier ORDER BY created_at DESC LIMIT 1")
    return rows[0]["arrival_on"] if rows else today()


def recognise(desk: Desk, told: Any) -> str | None:
    with desk.works.begin(desk.supplier.supplier_id) as work:
        return recognise_payout(work, told)


def test_a_payout_takes_its_fees_and_brings_511_and_580_to_zero(desk: Desk) -> None:
    first, second = desk.issue(), desk.issue()
    payment = desk.paid(first)
    desk.paid(second)
    desk.gateway.refund(payment, Money(2500), "key")
    desk.hear()
    ref = payout(desk)
    desk.hear()
    fee = 2 * 175  # 1.5 % of 100.00 plus 25 cents, twice; a refund gives no fee back
    assert desk.balances() == {"customers": 2500, "transfers": 17500 - fee, "fees": fee}
    (row,) = desk.rows("SELECT * FROM payouts WHERE supplier_id = :supplier")
    assert (row["payout_ref"], row["amount_minor"], row["fee_minor"], row["gap_minor"], row["state"]) == (
        ref,
        17500 - fee,
        fee,
        0,
        "paid",
    )
    assert recognise(desk, line(desk, 17500 - fee)) == ref
    assert desk.balances() == {"customers": 2500, "bank": 17500 - fee, "fees": fee}
    assert desk.rows("SELECT state FROM payouts WHERE supplier_id = :supplier") == [{"state": "banked"}]
    assert compare(desk) == 0


def test_a_payout_counts_once_however_often_and_by_how_many_it_is_told(desk: Desk) -> None:
    desk.paid(desk.issue())
    desk.hear()
    payout(desk)
    bodies = desk.sandbox.delivered()
    for _ in range(3):
        desk.hear(bodies)
        desk.pull()
        follow(desk)
    assert desk.balances() == {"transfers": 9825, "fees": 175}
    assert sorted(kind for kind, _ in desk.entries().elements()) == ["payout", "receipt"]


def test_two_who_follow_the_same_payout_at_once_book_it_once(desk: Desk) -> None:
    desk.paid(desk.issue())
    desk.hear()
    ref = payout(desk)
    (told,) = desk.gateway.payouts_since(now() - timedelta(days=1))
    parts = list(desk.gateway.movements_of(ref))
    start, booked = Barrier(8), []

    def keep() -> None:
        start.wait()
        kept = desk.works.run(desk.supplier.supplier_id, lambda work: keep_payout(work, desk.account_id, told, parts))
        booked.append(kept)

    threads = [Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(booked) == [False] * 7 + [True]
    assert desk.balances() == {"transfers": 9825, "fees": 175}


def test_a_payout_that_its_movements_do_not_explain_stays_open_with_its_gap(desk: Desk) -> None:
    desk.paid(desk.issue())
    desk.hear()
    ref = payout(desk)
    (told,) = desk.gateway.payouts_since(now() - timedelta(days=1))
    more = ToldPayout(ref, Money(9900), told.state, True, told.arrival_on, told.descriptor, told.told_at)  # noqa: FBT003
    parts = list(desk.gateway.movements_of(ref))
    desk.works.run(desk.supplier.supplier_id, lambda work: keep_payout(work, desk.account_id, more, parts))
    assert desk.rows("SELECT gap_minor FROM payouts WHERE supplier_id = :supplier") == [{"gap_minor": 75}]
    assert desk.balances() == {"provider_clearing": 10000}


def test_a_payout_that_came_back_is_with_the_provider_again_and_goes_with_the_next(desk: Desk) -> None:
    desk.paid(desk.issue())
    ref = payout(desk)
    desk.sandbox.control(f"payouts/{ref}/fail")
    desk.hear()
    assert desk.balances() == {"provider_clearing": 9825, "fees": 175}
    assert compare(desk) == 0
    desk.paid(desk.issue())
    payout(desk)
    desk.hear()
    assert desk.balances() == {"transfers": 2 * 9825, "fees": 2 * 175}
    states = desk.rows("SELECT state FROM payouts WHERE supplier_id = :supplier ORDER BY created_at, payout_ref")
    assert sorted(row["state"] for row in states) == ["failed", "paid"]
    assert compare(desk) == 0
    assert recognise(desk, line(desk, 2 * 9825)) is not None
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert [finding for finding in prove_clearing(work) if finding.gap] == []


def test_a_payout_by_hand_is_not_traced_and_takes_the_fees_that_nobody_took(desk: Desk) -> None:
    desk.paid(desk.issue())
    desk.hear()
    desk.sandbox.control("clock", days=7)
    made = desk.sandbox.http.post("/v1/payouts", data={"amount": 5000, "currency": "eur"})
    assert made.is_success, made.text
    follow(desk)
    (row,) = desk.rows("SELECT automatic, gap_minor, fee_minor FROM payouts WHERE supplier_id = :supplier")
    assert row == {"automatic": False, "gap_minor": None, "fee_minor": 175}
    assert desk.balances() == {"provider_clearing": 4825, "transfers": 5000, "fees": 175}


def test_a_dispute_and_its_fee_leave_with_the_payout(desk: Desk) -> None:
    payment = desk.paid(desk.issue())
    desk.paid(desk.issue())
    dispute = desk.sandbox.control(f"disputes/{payment}")["id"]
    desk.sandbox.control(f"disputes/{dispute}", won=False)
    payout(desk)
    desk.hear()
    assert desk.balances() == {"customers": 10000, "transfers": 10000 - 350 - 1500, "fees": 350 + 1500}
    assert compare(desk) == 0


def test_the_balance_of_the_books_is_the_providers_at_every_step(desk: Desk) -> None:
    assert compare(desk) == 0
    payment = desk.paid(desk.issue())
    desk.hear()
    assert compare(desk) == 0
    assert compared(desk, "balance")[0]["provider_minor"] == 9825
    desk.gateway.refund(payment, Money(1000), "key")
    desk.hear()
    assert compare(desk) == 0
    dispute = desk.sandbox.control(f"disputes/{desk.paid(desk.issue())}")["id"]
    desk.hear()
    assert compare(desk) == 0
    desk.sandbox.control(f"disputes/{dispute}", won=True)
    desk.hear()
    assert compare(desk) == 0
    payout(desk)
    desk.hear()
    assert compare(desk) == 0
    assert compared(desk, "balance")[0]["provider_minor"] == 0
    (payments,) = compared(desk, "payment")
    assert (payments["provider_count"], payments["provider_minor"]) == (2, 20000)
    assert (payments["books_count"], payments["books_minor"], payments["differing"]) == (2, 20000, [])


def test_a_payment_that_the_books_do_not_have_is_named_with_what_differs(desk: Desk) -> None:
    assert compare(desk) == 0, "the account is empty when it is connected"
    payment = desk.paid(desk.issue())
    assert compare(desk) == 2, "the payment, and the balance"
    (row,) = compared(desk, "payment")
    assert (row["provider_count"], row["books_count"]) == (1, 0)
    assert row["differing"] == [
        {"ref": payment, "provider_minor": 10000, "books_minor": None, "why": "missing_in_books"}
    ]
    (balance,) = compared(desk, "balance")
    assert balance["provider_minor"] - balance["books_minor"] == 10000
    desk.hear()
    assert compare(desk) == 0
    assert compared(desk, "payment")[0]["differing"] == [], "told late, healed"


def test_a_receipt_that_the_provider_does_not_know_is_named(desk: Desk) -> None:
    payment = desk.paid(desk.issue())
    desk.hear()
    assert compare(desk) == 0
    invented = desk.issue()
    desk.press(invented)
    attempt = desk.attempts()[-1]
    _invent(desk, attempt["attempt_id"])
    assert compare(desk) == 2
    (row,) = compared(desk, "payment")
    assert [each["ref"] for each in row["differing"]] == ["pi_invented"]
    assert row["differing"][0]["why"] == "missing_at_provider"
    assert payment not in str(row["differing"])


def _invent(desk: Desk, attempt_id: Any) -> None:
    """A receipt that no provider told."""
    with desk.works.begin(desk.supplier.supplier_id) as work:
        record_facts(work, [MoneyReceived("pi_invented", attempt_id, 10000, "EUR", now(), "card")])


def test_a_payout_that_is_not_explained_yet_waits_and_is_no_gap(desk: Desk) -> None:
    desk.paid(desk.issue())
    desk.hear()
    ref = payout(desk, arrive=False)
    assert compare(desk) == 0
    assert [each["why"] for each in compared(desk, "payout")[0]["differing"]] == ["waiting"]
    assert desk.balances() == {"provider_clearing": 10000}
    desk.sandbox.control(f"payouts/{ref}/arrive")
    desk.hear()
    assert compare(desk) == 0
    assert compared(desk, "payout")[0]["differing"] == []
    assert desk.balances() == {"transfers": 9825, "fees": 175}


def test_what_was_there_before_the_account_is_the_opening_balance(
    works: Works, supplier: Any, sandbox: Sandbox
) -> None:
    sandbox.http.post(
        "/v1/payment_intents",
        data={"amount": 5000, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"},
    )
    sandbox.control("clock", days=3)
    desk = Desk(works, supplier, sandbox)
    desk.sandbox.delivered()
    desk.sandbox.receiver.received.clear()
    with works.begin(supplier.supplier_id) as work:
        work.execute(
            "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at)",
            name=f"provider.movements/{desk.account_id}",
            at=now() + timedelta(days=2),
        )
    compare(desk)
    assert compared(desk, "opening")[0]["provider_minor"] == 4900
    assert compared(desk, "balance")[0]["differing"] == []


def test_movements_are_kept_once(desk: Desk) -> None:
    desk.paid(desk.issue())
    assert pull_movements(desk.works, desk.supplier.supplier_id, desk.account_id, desk.gateway) == 1
    assert pull_movements(desk.works, desk.supplier.supplier_id, desk.account_id, desk.gateway) == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount_minor": 9824}, "a cent less"),
        ({"currency": "CHF"}, "another currency"),
        ({"counterparty": "MARTIN SARL", "remittance": "VIR F-2026-0001"}, "a customer's transfer of the same amount"),
        ({"booked_on": date(2020, 1, 1)}, "years before"),
    ],
)
def test_a_line_that_only_looks_like_a_payout_is_none(desk: Desk, changes: dict[str, Any], why: str) -> None:
    desk.paid(desk.issue())
    desk.hear()
    payout(desk)
    desk.hear()
    fields = {"amount_minor": 9825, **changes}
    assert recognise(desk, line(desk, **fields)) is None, why
    assert desk.balances() == {"transfers": 9825, "fees": 175}


def test_a_payouts_line_that_waited_on_471_comes_from_there(desk: Desk) -> None:
    desk.paid(desk.issue())
    desk.hear()
    payout(desk)
    desk.hear()
    with desk.works.begin(desk.supplier.supplier_id) as work:
        record_facts(work, [MoneyUnidentified("line:1", 9825, "EUR", today())])
    assert recognise(desk, line(desk, 9825, counter="suspense")) is not None
    assert desk.balances() == {"bank": 9825, "fees": 175}
