"""What a sale or a receipt adds to a declaration: category, sense, rate, EUR, and what is left out and why."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_builders import DAY, TWO_RATES, movement, paid_invoice, sale

from einvoice.reporting.euros import euros_of, spread
from einvoice.reporting.lines import Block, ReportLine, Untold, below_zero, differences, totals_of
from einvoice.reporting.receipts import Movement, lines_of_movements, rates_of_the_buyer
from einvoice.reporting.sales import Sale, lines_of_sale
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.settlement.collected import VatRow

OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))
DOLLARS = {"totals": {"vat_accounting": "9.20"}, "accounting_currency": "EUR"}
"""BT-111 of 9.20 EUR."""


def sums(lines: Any) -> dict[tuple[str | None, str], tuple[int | None, int | None]]:
    return {(each.category, f"{each.rate}"): (each.taxable_minor, each.tax_minor) for each in lines}


def told(sold: Sale) -> dict[tuple[str | None, str], tuple[int | None, int | None]]:
    return sums(lines_of_sale(sold))


def test_services_are_tps1_and_goods_tlb1_by_rate() -> None:
    assert told(sale()) == {("TPS1", "20"): (5001, 1000), ("TPS1", "5.5"): (3791, 208)}
    assert told(sale(process="B2")) == {("TLB1", "20"): (5001, 1000), ("TLB1", "5.5"): (3791, 208)}
    assert {each.block for each in lines_of_sale(sale())} == {Block.CONSUMER_SALES}


def test_a_credit_note_takes_off() -> None:
    assert told(sale(type_code="381")) == {("TPS1", "20"): (-5001, -1000), ("TPS1", "5.5"): (-3791, -208)}


@pytest.mark.parametrize("category", ["G", "K", "O", "AE"])
def test_what_bears_no_vat_in_france_is_tnt1(category: str) -> None:
    assert told(sale(vat_rows=(VatRow(category, Decimal(0), 900, 0),))) == {("TNT1", "0"): (900, 0)}


def test_an_exempt_sale_keeps_its_nature() -> None:
    assert told(sale(vat_rows=(VatRow("E", Decimal(0), 900, 0),))) == {("TPS1", "0"): (900, 0)}


def mixed(*lines: tuple[str, str, str], natures: dict[str, str], **changes: Any) -> Sale:
    rows = [
        {"line_id": number, "net_amount": net, "vat_category": "S", "vat_rate": rate} for number, rate, net in lines
    ]
    return sale(process="M1", document={"lines": rows}, natures=natures, **changes)


def test_goods_and_services_in_one_invoice_are_split_by_their_lines() -> None:
    natures = {"1": "goods", "2": "services", "3": "services"}
    sold = mixed(("1", "20", "30.00"), ("2", "20", "20.01"), ("3", "5.5", "37.91"), natures=natures)
    assert told(sold) == {
        ("TLB1", "20"): (3000, 600),
        ("TPS1", "20"): (2001, 400),
        ("TPS1", "5.5"): (3791, 208),
    }


def test_a_mixed_invoice_whose_lines_do_not_tell_is_left_out_whole() -> None:
    lines = lines_of_sale(mixed(("1", "20", "50.01"), ("2", "5.5", "37.91"), natures={}))
    assert {each.untold for each in lines} == {Untold.NO_NATURE}
    assert sums(lines) == {(None, "20"): (5001, 1000), (None, "5.5"): (3791, 208)}
    assert totals_of(lines) == ()


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(-(10**9), 10**9))
def test_a_split_over_natures_loses_no_cent(goods: int, services: int, tax: int) -> None:
    lines = [
        {"line_id": "1", "net_amount": f"{goods / 100:.2f}", "vat_category": "S", "vat_rate": "20"},
        {"line_id": "2", "net_amount": f"{services / 100:.2f}", "vat_category": "S", "vat_rate": "20"},
    ]
    row = VatRow("S", Decimal(20), goods + services - 7, tax)
    natures = {"1": "goods", "2": "services"}
    parts = lines_of_sale(sale(process="M1", document={"lines": lines}, natures=natures, vat_rows=(row,)))
    assert sum(each.taxable_minor or 0 for each in parts) == row.taxable_minor
    assert sum(each.tax_minor or 0 for each in parts) == tax


def test_the_margin_is_on_no_invoice_and_is_never_guessed() -> None:
    rows = (VatRow("E", Decimal(0), 900, 0),)
    (line,) = lines_of_sale(sale(vat_rows=rows, document={"vat": [{"exemption_code": "VATEX-EU-F"}]}))
    assert (line.category, line.untold) == ("TMA1", Untold.NO_MARGIN)


def test_vat_in_euro_is_that_of_the_document() -> None:
    lines = lines_of_sale(sale(currency="USD", vat_rows=(VatRow("S", Decimal(20), 5000, 1000),), document=DOLLARS))
    assert [(each.tax_minor, each.tax_eur_minor, each.untold) for each in lines] == [(1000, 920, None)]


def test_a_sale_in_dollars_without_vat_in_euro_is_left_out() -> None:
    (line,) = lines_of_sale(sale(currency="USD", vat_rows=(VatRow("S", Decimal(20), 5000, 1000),)))
    assert (line.untold, line.tax_eur_minor) == (Untold.NO_EURO, None)


def test_no_vat_at_all_is_no_vat_in_euro_too() -> None:
    rows = (VatRow("G", Decimal(0), 5000, 0),)
    (line,) = lines_of_sale(sale(currency="USD", vat_rows=rows, routing=Routing.B2B_INTERNATIONAL))
    assert (line.block, line.category, line.tax_eur_minor, line.untold) == (Block.FOREIGN_SALE, "G", 0, None)


@given(st.integers(0, 10**9), st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=6))
def test_what_is_spread_sums_to_the_whole(total: int, weights: list[int]) -> None:
    assert sum(spread(total, weights)) == total


def test_the_rate_of_exchange_counts_decimals_of_both_currencies() -> None:
    exchange = {"exchange": {"source": "JPY", "target": "EUR", "rate": "0.0061"}}
    assert euros_of(exchange, "JPY", 1000).of(10_000) == 6100
    assert euros_of(DOLLARS, "USD", 1000).factor == Fraction(92, 100)
    assert euros_of({}, "USD", 1000).of(1) is None


def receipts(*movements: Movement, **changes: Any) -> list[ReportLine]:
    return lines_of_movements(paid_invoice(**changes), movements, *OCTOBER)


def test_receipts_are_declared_per_movement_day_and_rate() -> None:
    found = receipts(movement(1, DAY, ("20", 6001), ("5.5", 3999)), movement(2, DAY, ("20", -100)))
    assert [(each.sequence, f"{each.rate}", each.amount_eur_minor) for each in found] == [
        (1, "20", 6001),
        (1, "5.5", 3999),
        (2, "20", -100),
    ]
    assert {each.block for each in found} == {Block.CONSUMER_RECEIPTS}


def test_a_movement_of_another_period_is_not_declared_in_this_one() -> None:
    found = receipts(movement(1, date(2026, 9, 30), ("20", 1)), movement(2, date(2026, 11, 1), ("20", 2)))
    assert found == []


def test_reverse_charged_receipts_are_not_declared() -> None:
    rows = (VatRow("AE", Decimal(0), 5000, 0), VatRow("S", Decimal(20), 5000, 1000))
    assert rates_of_the_buyer(rows) == {Decimal(0)}
    found = receipts(movement(1, DAY, ("0", 5000), ("20", 6000)), vat_rows=rows, routing=Routing.B2B_INTERNATIONAL)
    assert [(each.block, f"{each.rate}", each.amount_minor) for each in found] == [(Block.FOREIGN_RECEIPT, "20", 6000)]


def test_receipts_in_another_currency_without_a_rate_are_left_out() -> None:
    (line,) = receipts(movement(1, DAY, ("20", 6000)), currency="USD")
    assert (line.untold, line.amount_minor, line.amount_eur_minor) == (Untold.NO_EURO, 6000, None)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=12))
def test_receipts_in_dollars_come_to_what_their_sum_comes_to(amounts: list[int]) -> None:
    """Rounded one by one they would drift away by a cent here and there."""
    movements = [movement(place, DAY, ("20", amount)) for place, amount in enumerate(amounts, start=1)]
    rows = (VatRow("S", Decimal(20), 5000, 1000),)
    found = receipts(*movements, currency="USD", document=DOLLARS, vat_rows=rows)
    whole = euros_of(DOLLARS, "USD", 1000).of(sum(amounts))
    assert sum(each.amount_eur_minor or 0 for each in found) == whole


def test_what_differs_between_two_versions_is_told_line_by_line() -> None:
    before = receipts(movement(1, DAY, ("20", 100)), movement(2, DAY, ("20", 50)))
    after = receipts(movement(1, DAY, ("20", 100)), movement(2, DAY, ("20", 60)))
    found = differences(before, after)
    assert [each.amount_minor for each in found.removed] == [50]
    assert [each.amount_minor for each in found.added] == [60]
    assert not differences(after, list(reversed(after)))


def test_only_what_is_netted_below_zero_is_said_to_be() -> None:
    refunded = (movement(1, DAY, ("20", 100)), movement(2, DAY, ("20", -100)))
    assert not below_zero(receipts(*refunded))
    assert below_zero(receipts(*refunded, movement(3, DAY, ("20", -1))))


def test_totals_are_by_block_category_and_rate() -> None:
    lines = (*lines_of_sale(sale()), *lines_of_sale(sale(2, vat_rows=TWO_RATES[:1])))
    counted = Counter({(f"{each.rate}", each.taxable_minor, each.count) for each in totals_of(lines)})
    assert counted == Counter({("20", 10002, 2): 1, ("5.5", 3791, 1): 1})
