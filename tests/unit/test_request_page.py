"""Every example of the page on our JSON is accepted, and does what the page says."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from pydantic_core import from_json

from einvoice.composing.build import build_document
from einvoice.kept import profile_from_json
from einvoice.request.reading import parse_request
from portal.documents.crediting import read_order

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```json\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


ORDERS = [block for block in blocks("request.md") if "reason" in json.loads(block)]
"""Bodies that credit an invoice; all others are parts of an invoice."""
PARTS = [block for block in blocks("request.md") if block not in ORDERS]
BEFORE_ITS_DAYS = date(2026, 11, 2)
"""The page names days, and nobody may pay before an invoice is issued."""


@pytest.mark.parametrize("example", ORDERS, ids=lambda example: example[:30])
def test_every_order_to_credit_is_understood(example: str) -> None:
    order = read_order(example.encode())
    assert order.reason
    assert order.lines or order.amount


@pytest.mark.parametrize("example", PARTS, ids=lambda example: example[:30])
def test_every_example_builds_an_invoice(example: str) -> None:
    smallest, profile = blocks("issuing.md")
    changes = json.loads(example)
    request = parse_request(json.dumps({**json.loads(smallest), **changes}).encode())
    document = build_document(request, profile_from_json(from_json(profile)), "F2026-00001", BEFORE_ITS_DAYS)
    assert document.totals.with_vat > 0
    assert set(changes) <= request.model_fields_set


def test_the_page_has_an_example_of_every_theme() -> None:
    assert len(PARTS) >= 7
