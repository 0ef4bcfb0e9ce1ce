"""I16: accounts that money passes through are empty where the story is over, and a planted fault shows."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from ledger_builders import issue
from treasury_builders import FEE_MINOR, PAID_AT, charge_fee, fill_some_treasury, pay

from config.secrets import Keyring
from payments.clearing.checks import prove_clearing
from receivables.domain.settlement.receipts import ContestWon, MoneyReturned, PayoutBanked, PayoutFailed, PayoutPaid
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from treasury_builders import Treasure

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

KEYRING = Keyring(b"a root secret for tests, 32 bytes.")


@pytest.fixture
def treasure(works: Works, supplier: Supplier) -> Treasure:
    """Money everywhere: a payout at the bank, one on its way, a payment contested."""
    with works.begin(supplier.supplier_id) as work:
        return fill_some_treasury(work, KEYRING, supplier.reference)


def gaps(work: Work) -> dict[str, tuple[int, int]]:
    """Looked at and gap of every check."""
    return {each.code: (each.looked_at, each.gap) for each in prove_clearing(work)}


def decide(work: Work, treasure: Treasure, state: str) -> None:
    work.execute(
        "UPDATE provider_disputes SET state = :state WHERE supplier_id = :supplier AND dispute_ref = :ref",
        state=state,
        ref=treasure.dispute_ref,
    )


def test_what_is_closed_leaves_nothing_behind(works: Works, supplier: Supplier, treasure: Treasure) -> None:
    with works.begin(supplier.supplier_id) as work:
        assert gaps(work) == {"I16-511": (1, 0), "I16-580": (1, 0), "I16-467": (0, 0)}
        record_facts(work, [ContestWon(treasure.dispute_ref, f"pi_{supplier.reference}2", 10000, "EUR", PAID_AT)])
        decide(work, treasure, "won")
        assert gaps(work)["I16-467"] == (1, 0)


def test_a_dispute_that_is_lost_leaves_467_through_the_return(
    works: Works, supplier: Supplier, treasure: Treasure
) -> None:
    with works.begin(supplier.supplier_id) as work:
        decide(work, treasure, "lost")
        assert gaps(work)["I16-467"] == (1, 10000), "lost, and the money still stands on 467"
        lost = MoneyReturned(
            treasure.dispute_ref, f"pi_{supplier.reference}2", "chargeback", 10000, "EUR", PAID_AT, counter="contested"
        )
        record_facts(work, [lost])
        assert gaps(work)["I16-467"] == (1, 0)


@pytest.mark.usefixtures("treasure")
def test_a_fee_that_is_booked_twice_is_found(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        charge_fee(work, f"txn_{supplier.reference}0", FEE_MINOR)
        assert gaps(work)["I16-511"] == (1, FEE_MINOR)


@pytest.mark.usefixtures("treasure")
def test_a_fee_beside_any_movement_is_found(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        charge_fee(work, "fee_of_nobody", 25)
        assert gaps(work)["I16-511"] == (1, 25)


def test_a_payout_that_is_called_banked_without_its_line_is_found(
    works: Works, supplier: Supplier, treasure: Treasure
) -> None:
    with works.begin(supplier.supplier_id) as work:
        work.execute(
            "UPDATE payouts SET state = 'banked' WHERE supplier_id = :supplier AND payout_ref = :ref",
            ref=treasure.paid_ref,
        )
        assert gaps(work)["I16-580"] == (2, 10000 - FEE_MINOR)


def test_a_refund_that_the_books_never_heard_of_is_found(works: Works, supplier: Supplier, treasure: Treasure) -> None:
    """The provider paid 5.00 less than the books think: the payout took less from 511 than its payment put there."""
    ref, net = f"po_{supplier.reference}3", 10000 - 500
    with works.begin(supplier.supplier_id) as work:
        pay(work, treasure.account_id, issue(work), f"pi_{supplier.reference}9")
        for movement, kind, object_ref, gross in (
            ("txn_p", "payment", f"pi_{supplier.reference}9", 10000),
            ("txn_r", "refund", "re_unheard", -500),
        ):
            work.execute(
                "INSERT INTO provider_movements (supplier_id, account_id, movement_ref, kind, object_ref, gross_minor, "
                "fee_minor, currency, payout_ref, moved_at, told_at) VALUES (:supplier, :account, :ref, :kind, "
                ":object, :gross, 0, 'EUR', :payout, :at, :at)",
                account=treasure.account_id,
                ref=movement,
                kind=kind,
                object=object_ref,
                gross=gross,
                payout=ref,
                at=PAID_AT,
            )
        work.execute(
            "INSERT INTO payouts (supplier_id, payout_ref, account_id, amount_minor, currency, state, arrival_on, "
            "created_at, changed_at) VALUES (:supplier, :ref, :account, :net, 'EUR', 'banked', :on, :at, :at)",
            ref=ref,
            account=treasure.account_id,
            net=net,
            on=date(2026, 10, 17),
            at=PAID_AT,
        )
        record_facts(work, [PayoutPaid(ref, net, 0, "EUR", PAID_AT), PayoutBanked(ref, net, "EUR", date(2026, 10, 17))])
        assert gaps(work)["I16-511"] == (2, 500)


def test_a_payout_that_came_back_leaves_580(works: Works, supplier: Supplier, treasure: Treasure) -> None:
    with works.begin(supplier.supplier_id) as work:
        record_facts(work, [PayoutFailed(treasure.paid_ref, 10000 - FEE_MINOR, "EUR", PAID_AT)])
        work.execute(
            "UPDATE payouts SET state = 'failed' WHERE supplier_id = :supplier AND payout_ref = :ref",
            ref=treasure.paid_ref,
        )
        assert gaps(work)["I16-580"] == (2, 0)
