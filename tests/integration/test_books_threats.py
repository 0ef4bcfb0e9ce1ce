"""The books under attack: everybody at once on one credit, claim, plan or limit, and what is somebody else's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from credit_builders import limit, order
from ledger_builders import customer_facts, issue
from promise_builders import click, owed, pay, plan_for

from config.clock import new_id, today
from receivables.domain.collecting.plans import PlanState
from receivables.domain.collecting.promises import Source
from receivables.errors import ConflictError, NotFoundError
from receivables.services.accounting.checks import run_checks
from receivables.services.collecting import forgoing
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.forgoing import waive_claim, waive_running
from receivables.services.collecting.planning import agree_to_plan, sign_plan
from receivables.services.collecting.reckoning import set_terms
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.derogating import AskDerogation, agree_derogation, ask_derogation
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.lettering_by_hand import LetterLines, key_of, letter_lines, open_account
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.store.collecting.claims import InterestTerms, get_claim
from receivables.store.collecting.plans import get_plan
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from config.database import Database
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

AT_ONCE = 8


class Desk:
    """A supplier, and what happens there at the same moment."""

    def __init__(self, works: Works, supplier: Supplier) -> None:
        self.works, self.supplier_id = works, supplier.supplier_id

    def do(self, act: Callable[[Work], Any]) -> Any:
        return self.works.run(self.supplier_id, act)

    def at_once(self, act: Callable[[Work, int], Any], count: int = AT_ONCE) -> list[Any]:
        """What each caller is answered: a value, or the code of the refusal."""
        start = threading.Barrier(count)

        def call(number: int) -> Any:
            start.wait()
            try:
                return self.do(lambda work: act(work, number))
            except Exception as error:  # noqa: BLE001 -- whatever it is, is what the caller is answered
                return getattr(error, "code", None) or repr(error)[:200]

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(call, range(count)))

    def gaps(self) -> list[str]:
        found: list[str] = self.do(lambda work: [each.code for each in run_checks(work) if each.gap])
        return found


@pytest.fixture
def desk(works: Works, supplier: Supplier) -> Iterator[Desk]:
    made = Desk(works, supplier)
    yield made
    assert made.gaps() == []


def unnamed(work: Work, customer_id: UUID, minor: int) -> UUID:
    """Money that names no invoice: credit."""
    ref = f"bank:{new_id()}"
    return record_payment(
        work, RecordPayment(ref, customer_id, minor, "EUR", today(), "transfer", "bank", "bank", {}, "Lea")
    )


def a_claim(work: Work) -> UUID:
    """A claim for late interest on an invoice of its own."""
    set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "test")
    late = issue(work, issued_on=date(2026, 5, 1), due_on=date(2026, 5, 31))
    return make_claim(work, MakeClaim(late.customer_id, (late.invoice_id,), date(2026, 8, 15), "test")).claim_id


# --- the same thing by everybody at once -----------------------------------------------------------------------------


def test_two_collectors_who_letter_the_same_credit_use_it_once(desk: Desk) -> None:
    invoices = [desk.do(lambda work: owed(work, 5_000)) for _ in range(AT_ONCE)]
    customer_id = invoices[0].customer_id
    desk.do(lambda work: unnamed(work, customer_id, 5_000))
    (account,) = desk.do(lambda work: open_account(work, customer_id))
    key = key_of(account.credits[0])

    def letter(work: Work, number: int) -> int:
        return letter_lines(work, LetterLines(customer_id, (invoices[number].invoice_id,), (key,), f"person {number}"))

    told = desk.at_once(letter)
    assert sorted(map(str, told)) == ["5000", *["lettering.not_open"] * (AT_ONCE - 1)]
    assert desk.do(lambda work: available_credits(work, customer_id)) == []


def waived_at_once(desk: Desk) -> tuple[list[Any], int, int]:
    """What everybody is told who gives up half of a claim and a cent, and what is left of it; and what it was."""
    claim_id = desk.do(a_claim)
    whole = desk.do(lambda work: get_claim(work, claim_id)).open_minor
    told = desk.at_once(
        lambda work, number: waive_claim(work, claim_id, whole // 2 + 1, reason="geste", actor=f"person {number}")
    )
    return told, desk.do(lambda work: get_claim(work, claim_id)).open_minor, whole


def test_a_claim_that_everybody_gives_up_at_once_is_given_up_once(desk: Desk) -> None:
    told, left, whole = waived_at_once(desk)
    assert told.count("claim.more_than_open") == AT_ONCE - 1
    assert left == whole - (whole // 2 + 1)


def test_without_the_lock_the_same_claim_is_given_up_more_than_once(
    works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is real: with the lock taken out, what the test above watches goes wrong."""
    meet = threading.Barrier(AT_ONCE)

    def no_lock(_work: Work, _ids: list[UUID]) -> None:
        meet.wait(timeout=10)

    desk = Desk(works, supplier)
    monkeypatch.setattr(forgoing, "lock_customers", no_lock)
    told, _, _ = waived_at_once(desk)
    assert told.count("claim.more_than_open") < AT_ONCE - 1


def test_a_claim_is_not_given_up_and_paid_for_more_than_it_is(desk: Desk) -> None:
    claim_id = desk.do(a_claim)
    claim = desk.do(lambda work: get_claim(work, claim_id))

    def either(work: Work, number: int) -> Any:
        if number % 2:
            return waive_claim(work, claim_id, None, reason="geste", actor="person a")
        return pay(work, claim.customer_id, {claim_id: claim.open_minor})

    told = desk.at_once(either, 2)
    left = desk.do(lambda work: get_claim(work, claim_id)).open_minor
    free = sum(each.open_minor for each in desk.do(lambda work: available_credits(work, claim.customer_id)))
    assert left == 0
    if told[1] == "claim.more_than_open":
        assert free == 0
    else:
        assert free == claim.open_minor  # given up first: the money is the customer's credit


def test_what_has_run_is_given_up_once(desk: Desk) -> None:
    def late(work: Work) -> UUID:
        set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "test")
        return issue(work, issued_on=date(2026, 5, 1), due_on=date(2026, 5, 31)).invoice_id

    late_id = desk.do(late)
    told = desk.at_once(
        lambda work, number: waive_running(work, late_id, date(2026, 8, 15), reason="geste", actor=f"person {number}")
    )
    assert told.count("claim.nothing") == AT_ONCE - 1


def test_a_plan_is_accepted_once_and_not_over_money_that_landed_before(desk: Desk) -> None:
    invoice = desk.do(lambda work: owed(work, 90_000))
    plan = desk.do(lambda work: plan_for(work, [invoice], source=Source.COLLECTOR))

    def either(work: Work, number: int) -> Any:
        if number == 0:
            return pay(work, invoice.customer_id, {invoice.invoice_id: 90_000})
        return sign_plan(work, plan.plan_id, click()).state

    told = desk.at_once(either)
    accepted = told.count(PlanState.ACCEPTED)
    assert accepted <= 1, told
    assert set(map(str, told[1:])) <= {"accepted", "plan.decided", "plan.changed", "plan.out_of_date"}, told
    assert desk.do(lambda work: due_on_invoice(work, invoice.invoice_id)).open_minor == 0
    assert desk.do(lambda work: get_plan(work, plan.plan_id)).state is not PlanState.REFUSED


def test_orders_at_the_limit_all_count_and_are_told_exceeded(desk: Desk) -> None:
    """Facts are never refused: each is kept once, and the limit that they exceed together is told."""
    customer_id = desk.do(lambda work: issue(work, total_minor=10_000, payable_minor=10_000).customer_id)
    before = desk.do(lambda work: exposure_of(work, customer_id, "EUR", None)).total_minor
    desk.do(lambda work: limit(work, customer_id, before + 10_000))
    told = desk.at_once(lambda work, number: order(work, customer_id, 8_000, f"CMD-{number}").reference, 4)
    assert sorted(told) == ["CMD-0", "CMD-1", "CMD-2", "CMD-3"]
    after = desk.do(lambda work: exposure_of(work, customer_id, "EUR", None)).total_minor
    assert after > before + 10_000
    events = desk.do(
        lambda work: work.scalar(
            "SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND kind = 'credit.limit_exceeded'"
        )
    )
    assert events == 1


def test_one_order_told_by_everybody_at_once_is_one_order(desk: Desk) -> None:
    customer_id = desk.do(lambda work: issue(work).customer_id)
    told = desk.at_once(lambda work, _number: order(work, customer_id, 8_000, "CMD-X").commitment_id)
    assert len(set(told)) == 1
    same = desk.at_once(lambda work, number: order(work, customer_id, 9_000 + number, "CMD-Y", version=1).amount_minor)
    assert same.count("order.version_taken") == AT_ONCE - 1


def test_a_derogation_is_agreed_to_by_somebody_else_and_once(desk: Desk) -> None:
    customer_id = desk.do(lambda work: issue(work).customer_id)
    wish = AskDerogation(customer_id, 5_000, today() + timedelta(days=5), "chantier", "person a")
    derogation_id = desk.do(lambda work: ask_derogation(work, wish))
    told = desk.at_once(lambda work, number: agree_derogation(work, derogation_id, "person a" if number % 2 else "b"))
    assert told.count(None) == 1
    assert {str(each) for each in told if each} <= {"derogation.four_eyes", "derogation.decided"}


# --- what is somebody else's ------------------------------------------------------------------------------------------


def test_foreign_lines_are_not_lettered_with_ones_own(desk: Desk, database: Database) -> None:
    ours = desk.do(lambda work: owed(work, 5_000))
    theirs = desk.do(lambda work: owed(work, 5_000, customer=customer_facts("Garage du Port", "552100554")))
    desk.do(lambda work: unnamed(work, theirs.customer_id, 5_000))
    (account,) = desk.do(lambda work: open_account(work, theirs.customer_id))
    key = key_of(account.credits[0])
    command = LetterLines(ours.customer_id, (ours.invoice_id,), (key,), "person a")
    with pytest.raises(ConflictError):
        desk.do(lambda work: letter_lines(work, command))
    with pytest.raises(ConflictError):
        desk.do(lambda work: letter_lines(work, LetterLines(ours.customer_id, (theirs.invoice_id,), (key,), "a")))
    other = Desk(desk.works, create_supplier(database, f"{new_id().int % 10**9:09d}", "Voisin"))
    foreign = LetterLines(theirs.customer_id, (theirs.invoice_id,), (key,), "person b")
    with pytest.raises((ConflictError, NotFoundError)):
        other.do(lambda work: letter_lines(work, foreign))
    plan = desk.do(lambda work: plan_for(work, [ours], source=Source.COLLECTOR))
    with pytest.raises(NotFoundError):
        other.do(lambda work: sign_plan(work, plan.plan_id, click()))
    with pytest.raises(ConflictError):
        desk.do(lambda work: agree_to_plan(work, plan.plan_id, "person a"))
