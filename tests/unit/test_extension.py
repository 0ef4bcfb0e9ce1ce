"""The French extension: its terms raise the level, and what it cannot hold is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import builders
import pytest
from builders import line
from invoice_kinds import EXTENDED, RATE, THIRD

from einvoice.document import CurrencyExchange, LineReference, Note
from einvoice.errors import BuildError
from einvoice.formats.profiles import BASIC_WL_ID, EN16931_ID, FACTURX_EXTENDED_ID, extended_terms

GROUP = {"name": "Lot", "kind": "GROUP", "line_id": "1"}


def nested(level: int) -> dict[str, Any]:
    """A group in a group in a group ..."""
    return {"name": "Lot", "kind": "GROUP", "line_id": f"G{level}", "parent_line": f"G{level - 1}" if level else None}


def refused(code: str, *lines: dict[str, Any], **changes: Any) -> BuildError:
    with pytest.raises(BuildError) as caught:
        builders.document(*lines, **changes)
    assert caught.value.code == code
    assert caught.value.sentence != caught.value.sentence_fr
    return caught.value


@pytest.mark.parametrize(
    ("profile", "specification"),
    [(None, EN16931_ID), ("en16931", EN16931_ID), ("extended", FACTURX_EXTENDED_ID), ("basicwl", BASIC_WL_ID)],
)
def test_the_level_is_en16931_unless_another_is_asked_for(profile: str | None, specification: str) -> None:
    assert builders.document(profile=profile).profile == specification


@pytest.mark.parametrize("name", EXTENDED)
def test_a_term_of_the_extension_raises_the_level(name: str) -> None:
    document = EXTENDED[name]()
    assert document.profile == FACTURX_EXTENDED_ID
    assert extended_terms(document)


@pytest.mark.parametrize("profile", ["en16931", "basicwl"])
def test_a_level_that_is_too_small_is_refused_with_the_terms(profile: str) -> None:
    error = refused("invoice.profile_too_small", payer=THIRD, profile=profile)
    assert (error.term, error.place) == ("BT-24", "profile")
    assert "EXT-FR-FE-BG-02" in error.sentence


def test_the_rate_of_exchange_is_a_term_of_its_own_in_extended_only() -> None:
    assert builders.document(currency="USD", vat_exchange_rate=RATE).exchange is None
    exchange = builders.document(currency="USD", vat_exchange_rate=RATE, profile="extended").exchange
    assert isinstance(exchange, CurrencyExchange)
    assert (exchange.source, exchange.target, exchange.rate) == ("USD", "EUR", Decimal("0.9234"))


def test_a_group_comes_to_its_details_and_counts_once() -> None:
    inner = {"name": "Sous-lot", "kind": "GROUP", "line_id": "2", "parent_line": "1"}
    document = builders.document(
        GROUP,
        inner,
        line(line_id="3", kind="DETAIL", parent_line="2"),
        line(line_id="4", kind="DETAIL", parent_line="1", net_price="10"),
        {"name": "Info", "kind": "INFORMATION"},
    )
    assert [each.net_amount for each in document.lines] == [
        Decimal("120.00"),
        Decimal("100.00"),
        Decimal("100.00"),
        Decimal("20.00"),
        Decimal("0.00"),
    ]
    assert document.totals.lines == Decimal("120.00")
    assert [row.taxable for row in document.vat] == [Decimal("120.00")]
    assert document.lines[0].vat_category is None


@pytest.mark.parametrize(
    ("lines", "code", "place"),
    [
        ((line(line_id="1"), line(line_id="1")), "invoice.line_number_twice", "lines[1].line_id"),
        ((line(line_id="2"), line()), "invoice.line_number_twice", "lines[1].line_id"),
        ((line(parent_line="9"),), "invoice.parent_line_unknown", "lines[0].parent_line"),
        ((line(), line(parent_line="1")), "invoice.parent_line_unknown", "lines[1].parent_line"),
        (({**GROUP, "parent_line": "1"}, line()), "invoice.parent_line_unknown", "lines[0].parent_line"),
        ((*(nested(level) for level in range(25)), line()), "invoice.parent_line_unknown", "lines[21].parent_line"),
        ((GROUP,), "invoice.no_counting_line", "lines"),
    ],
)
def test_lines_that_do_not_hang_together_are_refused(lines: tuple[dict[str, Any], ...], code: str, place: str) -> None:
    assert refused(code, *lines).place == place


def test_the_references_of_a_line_are_carried_over() -> None:
    (found,) = EXTENDED["references by line"]().lines
    assert (found.order_number, found.order_line) == ("PO1", "3")
    assert found.sales_order == LineReference("SO1", "1")
    assert found.more_notes == (Note("Selon devis", "AAI"),)
    assert (
        refused("invoice.bad_number", line(preceding_invoice={"number": "F 1", "issue_date": "2026-10-01"})).place
        == "lines[0].preceding_invoice.number"
    )
