"""Who pays what is planned from the facts alone; letters follow the groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receivables.domain.settlement.lettering import Item, Sheet, group_of, letter_code, lettering_day, plan_changes

if TYPE_CHECKING:
    from collections.abc import Iterable

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
CUSTOMER = UUID(int=1)


def an_id(kind: int, number: int) -> UUID:
    return UUID(int=kind << 64 | number)


@dataclass
class Table:
    """Invoices, attempts and what came in, by small numbers."""

    sheet: Sheet = field(default_factory=Sheet)

    def invoice(self, number: int, amount: int, day: int = 1) -> None:
        self._add(an_id(1, number), "invoice", amount, f"F{number}", invoice=an_id(2, number), day=day)

    def attempt(self, number: int, parts: dict[int, int]) -> None:
        for invoice, amount in parts.items():
            self.sheet.add_target(an_id(3, number), an_id(2, invoice), amount)

    def receipt(self, attempt: int, amount: int, ref: int = 0) -> None:
        self._add(an_id(4, attempt * 10 + ref), "receipt", amount, f"pi_{attempt}_{ref}", attempt=attempt)

    def refund(self, attempt: int, amount: int, ref: int = 0) -> None:
        self._add(an_id(5, attempt * 10 + ref), "refund", amount, f"re_{attempt}_{ref}", attempt=attempt)

    def settle(self, attempt: int) -> None:
        for pair, delta in plan_changes(self.sheet, self.sheet.targets[an_id(3, attempt)]):
            self.sheet.change(pair, delta)

    def state(self) -> dict[tuple[str, str], int]:
        items = self.sheet.items
        return {
            (items[debit].reference, items[credit].reference): amount
            for (debit, credit), amount in self.sheet.pairs.items()
            if amount
        }

    def open(self) -> dict[str, int]:
        return {item.reference: item.open_minor for item in self.sheet.items.values()}

    def _add(
        self,
        posting_id: UUID,
        kind: str,
        amount: int,
        reference: str,
        *,
        invoice: UUID | None = None,
        attempt: int | None = None,
        day: int = 1,
    ) -> None:
        self.sheet.add_item(
            Item(
                posting_id,
                CUSTOMER,
                kind,
                kind in {"invoice", "refund"},
                amount,
                amount,
                reference,
                date(2026, 10, day),
                date(2026, 10, day),
                START + timedelta(minutes=attempt or 0),
                "EUR",
                invoice,
                an_id(3, attempt) if attempt is not None else None,
            )
        )


def test_a_payment_settles_what_it_was_for_and_no_more() -> None:
    table = Table()
    table.invoice(1, 100)
    table.attempt(1, {1: 100})
    table.receipt(1, 130)
    table.settle(1)
    assert table.state() == {("F1", "pi_1_0"): 100}
    assert table.open() == {"F1": 0, "pi_1_0": 30}


def test_of_two_payments_the_one_begun_first_settles_whichever_comes_first() -> None:
    ends = []
    for order in ((1, 2), (2, 1)):
        table = Table()
        table.invoice(1, 100)
        table.attempt(1, {1: 100})
        table.attempt(2, {1: 100})
        for attempt in order:
            table.receipt(attempt, 100)
            table.settle(attempt)
        ends.append(table.state())
    assert ends == [{("F1", "pi_1_0"): 100}] * 2


def test_a_refund_frees_the_invoice_for_the_payment_that_waited() -> None:
    table = Table()
    table.invoice(1, 100)
    for attempt in (1, 2):
        table.attempt(attempt, {1: 100})
        table.receipt(attempt, 100)
        table.settle(attempt)
    table.refund(1, 100)
    table.settle(1)
    assert table.state() == {("re_1_0", "pi_1_0"): 100, ("F1", "pi_2_0"): 100}


def test_more_sent_back_than_came_in_stays_owed_the_same_in_any_order() -> None:
    ends = []
    for order in ((0, 1), (1, 0)):
        table = Table()
        table.invoice(1, 100)
        table.attempt(1, {1: 100})
        table.receipt(1, 100)
        for ref in order:
            table.refund(1, 80, ref)
            table.settle(1)
        ends.append(table.open())
    assert ends[0] == ends[1] == {"F1": 100, "pi_1_0": 0, "re_1_0": 0, "re_1_1": 60}


def test_a_refund_is_taken_once_where_one_attempt_was_paid_twice() -> None:
    table = Table()
    table.invoice(1, 100)
    table.attempt(1, {1: 100})
    table.receipt(1, 100, 0)
    table.receipt(1, 100, 1)
    table.refund(1, 100)
    table.settle(1)
    assert table.open() == {"F1": 0, "pi_1_0": 0, "pi_1_1": 0, "re_1_0": 0}


def test_a_credit_note_keeps_what_it_settled() -> None:
    table = Table()
    table.invoice(1, 100)
    table._add(an_id(6, 1), "credit_note", 40, "A1", invoice=an_id(2, 99))
    table.sheet.change((an_id(1, 1), an_id(6, 1)), 40)
    table.attempt(1, {1: 100})
    table.receipt(1, 100)
    table.settle(1)
    assert table.state() == {("F1", "A1"): 40, ("F1", "pi_1_0"): 60}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9))
def test_any_order_of_receipts_and_refunds_over_several_invoices_ends_the_same(seed: int) -> None:
    chance = Random(seed)
    invoices = {number: chance.randint(1, 200) for number in range(1, chance.randint(2, 4))}
    attempts = {
        number: {
            i: chance.randint(1, invoices[i]) for i in chance.sample(list(invoices), chance.randint(1, len(invoices)))
        }
        for number in range(1, chance.randint(2, 5))
    }
    steps = [(a, "receipt", chance.randint(1, 300), 0) for a in attempts]
    steps += [(a, "refund", chance.randint(1, 200), ref) for a in attempts for ref in range(chance.randint(0, 2))]
    ends = []
    for _ in range(3):
        chance.shuffle(steps)
        table = Table()
        for number, amount in invoices.items():
            table.invoice(number, amount)
        for number, parts in attempts.items():
            table.attempt(number, parts)
        for attempt, kind, amount, ref in steps:
            (table.receipt if kind == "receipt" else table.refund)(attempt, amount, ref)
            table.settle(attempt)
            _check_sums(table)
        ends.append((table.state(), table.open()))
    assert ends[0] == ends[1] == ends[2]


def _check_sums(table: Table) -> None:
    used: dict[UUID, int] = {}
    for pair, amount in table.sheet.pairs.items():
        assert amount >= 0
        for posting_id in pair:
            used[posting_id] = used.get(posting_id, 0) + amount
    for posting_id, item in table.sheet.items.items():
        assert item.open_minor == item.amount_minor - used.get(posting_id, 0) >= 0


@pytest.mark.parametrize(
    ("count", "code"),
    [
        (1, "AA"),
        (2, "AB"),
        (26, "AZ"),
        (27, "BA"),
        (676, "ZZ"),
        (677, "AAA"),
        (676 + 26**3, "ZZZ"),
        (677 + 26**3, "AAAA"),
    ],
)
def test_codes_count_from_AA_to_ZZ_and_on(count: int, code: str) -> None:  # noqa: N802 -- the codes are upper case
    assert letter_code(count, balanced=True) == code
    assert letter_code(count, balanced=False) == code.lower()


def test_no_code_is_given_twice() -> None:
    codes = [letter_code(count, balanced=True) for count in range(1, 20_000)]
    assert len(set(codes)) == len(codes)


def test_a_group_is_what_standing_allocations_join() -> None:
    table = Table()
    table.invoice(1, 100, day=3)
    table.invoice(2, 100, day=5)
    table.invoice(3, 100)
    table.attempt(1, {1: 50, 2: 50})
    table.receipt(1, 100)
    table.settle(1)
    group = group_of(table.sheet, an_id(1, 1))
    assert references(table, group) == {"F1", "F2", "pi_1_0"}
    assert lettering_day(table.sheet.items[p] for p in group) == date(2026, 10, 5)
    table.sheet.change((an_id(1, 1), an_id(4, 10)), -50)
    assert references(table, group_of(table.sheet, an_id(1, 1))) == {"F1"}


def references(table: Table, group: Iterable[UUID]) -> set[str]:
    return {table.sheet.items[posting_id].reference for posting_id in group}
