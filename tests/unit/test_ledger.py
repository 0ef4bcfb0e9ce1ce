"""An entry balances by construction."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import pytest

from config.clock import new_id
from config.law import LawUnknownError, accounts_on
from receivables.domain.accounting.ledger import Chart, Entry, Posting, signed, without_zeros
from receivables.errors import ReceivablesError


def entry(*amounts: int) -> Entry:
    postings = tuple(signed(new_id(), "411000", amount) for amount in amounts)
    return Entry(new_id(), "VE", date(2026, 10, 1), "invoice", "1", "F1", "a label", "EUR", postings)


def test_an_entry_that_balances_stands() -> None:
    assert [(p.debit_minor, p.credit_minor) for p in entry(100, -80, -20).postings] == [(100, 0), (0, 80), (0, 20)]


@pytest.mark.parametrize("amounts", [(100, -99), (1,), ()])
def test_an_entry_off_by_a_cent_or_empty_is_refused_with_its_fact(amounts: tuple[int, ...]) -> None:
    with pytest.raises(ReceivablesError, match="invoice 1") as refused:
        entry(*amounts)
    assert refused.value.code == "entry.unbalanced"


def test_lines_of_nothing_are_left_out() -> None:
    some, none = Posting(new_id(), "411000", 5, 0), Posting(new_id(), "707000", 0, 0)
    assert without_zeros([some, none]) == (some,)


def test_the_chart_of_accounts_is_dated_law() -> None:
    chart = Chart(**accounts_on(date(2026, 10, 1)))
    assert len({getattr(chart, field.name) for field in fields(chart)}) == len(fields(chart))
    assert chart.customers.startswith("411")
    with pytest.raises(LawUnknownError, match=r"accounts\.toml"):
        accounts_on(date(1999, 12, 31))
