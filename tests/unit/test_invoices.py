"""The entry of an invoice: 411 against sales and VAT, mirrored for a credit note, to the cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_builders import issue_command

from config.clock import new_id
from config.law import accounts_on
from receivables.domain.accounting.ledger import Chart, Entry
from receivables.domain.invoicing.invoices import format_number, sales_entry, series_of
from receivables.domain.settlement.collected import VatRow

CHART = Chart(**accounts_on(date(2026, 10, 1)))


def booked(**changes: Any) -> dict[str, int]:
    """Account -> debit less credit."""
    entry = entry_of(**changes)
    assert entry is not None
    return {posting.account: posting.debit_minor - posting.credit_minor for posting in entry.postings}


def entry_of(**changes: Any) -> Entry | None:
    return sales_entry(
        issue_command(**changes), CHART, invoice_id=new_id(), customer_id=new_id(), number="F2026-00001", new_id=new_id
    )


@pytest.mark.parametrize(
    ("type_code", "series"), [("380", "F"), ("389", "F"), ("381", "A"), ("261", "A"), ("386", "D"), ("500", "D")]
)
def test_each_kind_has_its_series(type_code: str, series: str) -> None:
    assert series_of(type_code) == series
    assert format_number(series, 2026, 42) == f"{series}2026-00042"


def test_services_wait_for_their_vat_until_cash_comes() -> None:
    assert booked() == {"411000": 10000, "706000": -8792, "445740": -1208}


def test_goods_and_the_debits_option_owe_their_vat_at_once() -> None:
    assert booked(process="B1", vat_on_collection=False) == {"411000": 10000, "707000": -8792, "445710": -1208}


def test_a_credit_note_is_the_mirror() -> None:
    assert booked(type_code="381") == {"411000": -10000, "706000": 8792, "445740": 1208}


def test_what_was_prepaid_comes_out_of_the_deposits() -> None:
    assert booked(prepaid_minor=4000, payable_minor=6000)["419100"] == 4000


@pytest.mark.parametrize(("payable", "account", "amount"), [(10001, "758000", -1), (9999, "658000", 1)])
def test_a_rounding_has_its_own_account(payable: int, account: str, amount: int) -> None:
    assert booked(payable_minor=payable)[account] == amount


def test_a_negative_invoice_credits_the_customer() -> None:
    rows = (VatRow("S", Decimal(20), -1000, -200),)
    assert booked(vat_rows=rows, total_minor=-1200, payable_minor=-1200)["411000"] == -1200


def test_an_invoice_of_nothing_has_no_entry() -> None:
    assert entry_of(vat_rows=(VatRow("Z", Decimal(0), 0, 0),), total_minor=0, payable_minor=0) is None


@given(
    st.lists(st.tuples(st.integers(-1000, 100000), st.integers(-200, 20000)), min_size=1, max_size=4),
    st.integers(0, 5000),
    st.integers(-2, 2),
    st.sampled_from(["380", "381", "386"]),
    st.booleans(),
)
def test_every_entry_balances(
    table: list[tuple[int, int]],
    prepaid: int,
    rounding: int,
    type_code: str,
    on_collection: bool,  # noqa: FBT001 -- the table of cases hands it over
) -> None:
    rows = tuple(VatRow("S", Decimal(20), base, tax) for base, tax in table)
    total = sum(base + tax for base, tax in table)
    entry = entry_of(
        vat_rows=rows,
        total_minor=total,
        prepaid_minor=prepaid,
        payable_minor=total - prepaid + rounding,
        type_code=type_code,
        vat_on_collection=on_collection,
    )
    if entry is not None:
        assert sum(p.debit_minor - p.credit_minor for p in entry.postings) == 0
        assert sum(p.customer_id is not None for p in entry.postings) <= 1
