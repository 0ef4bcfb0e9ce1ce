"""Payment in instalments and early-payment discounts: from our JSON to BT-9, BT-20 and the figures of the books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from builders import request, seller

from einvoice.composing.build import build_document
from einvoice.composing.instalments import discount_in, instalments_in
from einvoice.errors import BuildError
from receivables.domain.settlement.terms import EarlyDiscount, Instalment, due_by, next_part

DAY = date(2026, 11, 2)
PARTS = [{"due_on": "2026-12-02", "amount": "70.00"}, {"due_on": "2027-01-02", "amount": "50.00"}]


def test_the_first_day_is_bt_9_and_all_of_them_stand_in_bt_20() -> None:
    asked = request(instalments=PARTS, payment_terms="Merci.")
    document = build_document(asked, seller(), "F2026-00001", DAY)
    assert document.due_on == date(2026, 12, 2)
    assert document.payment_terms == (
        "Paiement en 2 échéances : 70,00 EUR le 02/12/2026 ; 50,00 EUR le 02/01/2027. Merci."
    )
    assert instalments_in(asked) == (Instalment(date(2026, 12, 2), 7000), Instalment(date(2027, 1, 2), 5000))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"instalments": PARTS[:1]}, "invoice.wrong_instalments"),
        ({"instalments": [*PARTS, {"due_on": "2027-02-02", "amount": "0.01"}]}, "invoice.wrong_instalments"),
        ({"instalments": [PARTS[1], PARTS[0]]}, "invoice.wrong_instalments"),
        ({"instalments": [{**PARTS[0], "due_on": "2026-11-01"}, PARTS[1]]}, "invoice.wrong_instalments"),
        ({"instalments": [PARTS[0], {**PARTS[1], "due_on": "2026-12-02"}]}, "invoice.wrong_instalments"),
        ({"instalments": PARTS, "due_date": "2026-12-31"}, "invoice.due_contradicts_instalments"),
    ],
)
def test_instalments_that_do_not_make_up_the_invoice_are_refused_with_the_place(
    changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(BuildError) as refused:
        build_document(request(**changes), seller(), "F2026-00001", DAY)
    assert refused.value.code == code
    assert refused.value.place in {"instalments", "due_date"}


def test_earlier_instalments_are_settled_first() -> None:
    parts = (Instalment(date(2026, 12, 2), 7000), Instalment(date(2027, 1, 2), 5000))
    assert due_by(parts, date(2026, 12, 1), 0) == 0
    assert due_by(parts, date(2026, 12, 2), 3000) == 4000
    assert due_by(parts, date(2027, 1, 2), 8000) == 4000
    assert next_part(parts, 7000) == Instalment(date(2027, 1, 2), 5000)
    assert next_part(parts, 7001) == Instalment(date(2027, 1, 2), 4999)
    assert next_part(parts, 12000) is None


def test_a_discount_of_the_terms_is_kept_as_figures() -> None:
    terms = {"discount_percent": "2", "discount_days": 8}
    asked = request(terms=terms)
    document = build_document(asked, seller(), "F2026-00001", DAY)
    assert discount_in(asked, seller(), document) == EarlyDiscount(Decimal(2), date(2026, 11, 10))
    worded = request(terms=terms, notes=[{"text": "Pas d'escompte.", "subject": "AAB"}])
    assert discount_in(worded, seller(), build_document(worded, seller(), "F2026-00001", DAY)) is None
    parts = request(terms=terms, instalments=PARTS)
    assert discount_in(parts, seller(), build_document(parts, seller(), "F2026-00001", DAY)) is None


@pytest.mark.parametrize(("amount", "percent", "expected"), [(10000, "2", 200), (12345, "1.5", 185), (33, "1.5", 0)])
def test_a_discount_is_rounded_to_the_nearest_cent(amount: int, percent: str, expected: int) -> None:
    assert EarlyDiscount(Decimal(percent), DAY).of(amount) == expected
