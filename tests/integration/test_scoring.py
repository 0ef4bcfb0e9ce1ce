"""Scores from the books: one query for all customers, the same at a past day whenever it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import claim
from ledger_builders import customer_facts, issue

from config.clock import today
from receivables.domain.risk.score import formula_of, give_score
from receivables.domain.settlement.receipts import MoneyReturned
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.risk.scoring import (
    block,
    blocked_customers,
    history_of,
    keep_scores,
    latest_scores,
    score_on,
    score_yesterday,
)
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.journal import journal_of
from receivables.store.risk.payment_habits import Window, payment_facts

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.risk.score import PaymentFacts
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def billed(work: Work, days_ago: int, name: str = "Boulangerie Martin", siren: str = "732829320") -> Invoice:
    """An invoice of 100.00 that fell due so many days ago."""
    due_on = today() - timedelta(days=days_ago)
    return issue(work, customer=customer_facts(name, siren), issued_on=due_on - timedelta(days=30), due_on=due_on)


def paid(work: Work, invoice: Invoice, late: int, method: str = "transfer") -> None:
    """Money for an invoice, so many days after it fell due."""
    record_payment(
        work,
        RecordPayment(
            payment_ref=f"line-{invoice.number}-{late}",
            customer_id=invoice.customer_id,
            amount_minor=10_000,
            currency="EUR",
            received_on=invoice.due_on + timedelta(days=late),
            method=method,
            road="bank",
            counter="bank",
            aims={invoice.invoice_id: 10_000},
            actor="test",
        ),
    )


def six_paid(work: Work, lates: tuple[int, ...] = (0, 0, 0, 30, 30, 30), method: str = "transfer") -> UUID:
    """Six invoices, the oldest first, each paid so many days late."""
    for nth, late in enumerate(lates):
        invoice = billed(work, 160 - 20 * nth)
        paid(work, invoice, late, method)
    return invoice.customer_id


def test_a_score_is_made_of_lateness_and_trend_as_the_books_tell(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        customer_id = six_paid(work)
        dated = score_on(work, today())[customer_id]
    assert dated.facts.latest == (30, 30, 30, 0, 0, 0)
    assert dated.facts.weighed_minor == 60_000
    assert dated.facts.weighed_days == 30_000 * 30
    # 15 days on average: 10 points; three of three later than before: 25 points
    assert (dated.score.tenths, dated.score.letter) == (650, "C")


def test_what_is_overdue_counts_as_late_and_what_is_disputed_does_not(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        customer_id = six_paid(work, (0, 0, 0, 0, 0, 0))
        overdue, contested = billed(work, 60), billed(work, 60)
        claim(work, contested)
        facts = score_on(work, today())[customer_id].facts
    assert overdue.customer_id == customer_id
    assert (facts.weighed_minor, facts.weighed_days) == (70_000, 10_000 * 60)


def test_the_same_day_has_the_same_score_whatever_came_later(works: Works, supplier: Supplier) -> None:
    day = today()
    with works.begin(supplier.supplier_id) as work:
        customer_id = six_paid(work)
        keep_scores(work, day)
    later = datetime.combine(day + timedelta(days=1), time(12), tzinfo=UTC)
    with works.begin(supplier.supplier_id) as work, pytest.MonkeyPatch.context() as patched:
        move_clock(patched, later)
        late = billed(work, 90)
        paid(work, late, 88)  # told afterwards, for a day before
        block(work, customer_id, blocked=True, reason="Deux chèques volés", actor="test")
        kept = latest_scores(work, until=day)[customer_id]
        again = score_on(work, day)[customer_id]
        present = score_on(work, day + timedelta(days=1))[customer_id]
    assert again == kept
    assert present.facts.weighed_days > again.facts.weighed_days
    assert (again.score.letter, present.score.letter) == ("C", "E")


def move_clock(patched: pytest.MonkeyPatch, instant: datetime) -> None:
    """Everything is written down at this instant."""
    for module in (
        "receivables.services.risk.scoring",
        "receivables.services.settlement.settling",
        "receivables.services.settlement.paying",
        "receivables.services.invoicing.issuing",
        "receivables.store.settlement.books",
    ):
        patched.setattr(f"{module}.now", lambda: instant)


def test_all_customers_are_scored_by_one_query_and_kept_as_one_set(
    works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Window] = []

    def ask(work: Work, window: Window, *told: Any) -> dict[UUID, PaymentFacts]:
        asked.append(window)
        return payment_facts(work, window, *told)

    monkeypatch.setattr("receivables.services.risk.scoring.payment_facts", ask)
    with works.begin(supplier.supplier_id) as work:
        six_paid(work)
        for nth in range(40):
            billed(work, 5, f"Client {nth}", f"{100_000_000 + nth}")
        day = today()
        assert keep_scores(work, day) == 41
        assert keep_scores(work, day) == 0
        letters = [each.score.letter for each in latest_scores(work).values()]
    assert len(asked) == 2
    assert sorted(set(letters)) == ["C", "insufficient"]


def test_a_payment_that_came_back_is_forgotten_as_paid_and_counted_as_returned(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        customer_id = six_paid(work, method="card")
        give_back(work, customer_id)
        dated = score_on(work, today())[customer_id]
    assert (dated.facts.payments, dated.facts.returned, dated.facts.paid) == (6, 1, 5)


def give_back(work: Work, customer_id: UUID) -> None:
    """The bank takes the last payment back."""
    ref = work.scalar(
        "SELECT reference FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND kind = 'receipt' ORDER BY booked_on DESC LIMIT 1",
        customer=customer_id,
    )
    at = datetime.combine(today(), time(8), tzinfo=UTC)
    record_facts(work, [MoneyReturned(f"back-{ref}", ref, "chargeback", 10_000, "EUR", at)])


def test_a_score_that_falls_is_told_in_the_journal(works: Works, supplier: Supplier) -> None:
    day = today()
    with works.begin(supplier.supplier_id) as work:
        customer_id = six_paid(work, (0, 0, 0, 0, 0, 0))
        keep_scores(work, day - timedelta(days=1))
        assert history_of(work, customer_id) == []  # nobody was a customer then
        keep_scores(work, day)
        for _ in range(3):
            billed(work, 120)
        keep_scores(work, day + timedelta(days=1))
        told = [each for each in journal_of(work, customer_id, internal=True) if each.kind == "score.fell"]
    assert [(each.facts["class_before"], each.facts["class_after"]) for each in told] == [("A", "B")]


def test_the_chore_scores_yesterday_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        six_paid(work)
        assert score_yesterday(work) == 0  # customers of today are not yesterday's
        reached = work.scalar("SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = 'scores'")
    assert reached.astimezone(UTC).date() <= today()


def test_the_block_list_wants_a_reason_and_remembers_the_last_word(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        customer_id = billed(work, 1).customer_id
        with pytest.raises(ReceivablesError, match="Say why"):
            block(work, customer_id, blocked=True, reason=" ", actor="test")
        with pytest.raises(NotFoundError):
            block(work, supplier.supplier_id, blocked=True, reason="x", actor="test")
        block(work, customer_id, blocked=True, reason="Impayés répétés", actor="test")
        assert blocked_customers(work, [customer_id]) == {customer_id: "Impayés répétés"}
        block(work, customer_id, blocked=False, reason="Réglé", actor="test")
        assert blocked_customers(work, [customer_id]) == {}


def test_the_score_kept_is_the_score_of_its_facts(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        customer_id = six_paid(work)
        keep_scores(work, today())
        row = work.row("SELECT tenths, class FROM scores WHERE supplier_id = :supplier")
        kept = latest_scores(work, customer_ids=[customer_id])[customer_id]
    assert row is not None
    assert (row["tenths"], row["class"]) == (kept.score.tenths, kept.score.letter)
    assert give_score(kept.facts, formula_of(1)) == kept.score
