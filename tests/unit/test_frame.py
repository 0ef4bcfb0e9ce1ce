"""The *cadre de facturation* follows from facts; who states another one is told which and why."""

from __future__ import annotations

import json
from typing import Any

import builders
import pytest
from builders import write_request

from einvoice.errors import BuildError
from einvoice.request.reading import InvalidRequestError, parse_request

DEPOSIT = {"number": "D2026-00001", "issue_date": "2026-09-01", "amount": "60.00"}
PRECEDING = [{"number": "F1", "issue_date": "2026-09-01"}]


@pytest.mark.parametrize(
    ("changes", "process"),
    [
        ({"deposits": [DEPOSIT]}, "S4"),
        ({"deposits": [{**DEPOSIT, "amount": "120"}]}, "S4"),
        ({"deposits": [DEPOSIT], "prepaid_amount": "60"}, "S4"),
        ({"prepaid_amount": "120"}, "S2"),
        ({"prepaid_amount": "60"}, "S1"),
        ({"prepaid_amount": "119.99", "rounding_amount": "-0.01"}, "S1"),  # BR-FR-CO-09 wants BT-113 = BT-112
        ({"type_code": "386", "prepaid_amount": "120"}, "S1"),
        ({"type_code": "381", "preceding_invoices": PRECEDING, "prepaid_amount": "120"}, "S1"),
    ],
)
def test_the_figure_says_which_money_came_before(changes: dict[str, Any], process: str) -> None:
    assert builders.document(**changes).process == process


@pytest.mark.parametrize(
    ("changes", "process"),
    [
        ({}, "S1"),
        ({}, "S3"),
        ({}, "S5"),
        ({}, "S6"),
        ({}, "S7"),
        ({"prepaid_amount": "120"}, "S7"),
        ({"deposits": [DEPOSIT]}, "S4"),
        ({"prepaid_amount": "120"}, "S2"),
        ({"type_code": "386", "prepaid_amount": "120"}, "S2"),
        ({"prepaid_amount": "120", "preceding_invoices": PRECEDING}, "S2"),
    ],
)
def test_a_stated_frame_that_agrees_is_kept(changes: dict[str, Any], process: str) -> None:
    assert builders.document(process=process, **changes).process == process


@pytest.mark.parametrize(
    ("changes", "stated", "derived"),
    [
        ({}, "B1", "S1"),
        ({}, "M1", "S1"),
        ({}, "S2", "S1"),
        ({}, "S4", "S1"),
        ({"prepaid_amount": "60"}, "S2", "S1"),
        ({"prepaid_amount": "120"}, "S1", "S2"),
        ({"prepaid_amount": "120"}, "S4", "S2"),
        ({"deposits": [DEPOSIT]}, "S1", "S4"),
        ({"deposits": [DEPOSIT]}, "S5", "S4"),
        ({"deposits": [{**DEPOSIT, "amount": "120"}]}, "S2", "S4"),
        ({"type_code": "386"}, "S4", "S1"),
        ({"type_code": "381", "preceding_invoices": PRECEDING, "prepaid_amount": "120"}, "S2", "S1"),
    ],
)
def test_a_stated_frame_against_the_facts_is_refused_with_the_derived_one(
    changes: dict[str, Any], stated: str, derived: str
) -> None:
    with pytest.raises(BuildError) as caught:
        builders.document(process=stated, **changes)
    error = caught.value
    assert (error.code, error.term, error.place) == ("invoice.process_contradicts_facts", "BT-23", "process")
    for sentence in (error.sentence, error.sentence_fr):
        assert stated in sentence
        assert derived in sentence


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("process", "S8", ("several sellers", "multi-vendeurs")),
        ("process", "B9", ("two-way", "bidirectionnelle")),
        ("process", "S4 ", ("must be one of", "doit valoir l'un de")),
        ("type_code", "389", ("your customer draws it up", "c'est votre client qui l'établit")),
        ("type_code", "261", ("your customer draws it up", "c'est votre client qui l'établit")),
        ("type_code", "999", ("503 or 262", "503 ou 262")),
    ],
)
def test_what_a_seller_does_not_issue_is_refused_with_who_does(field: str, value: str, words: tuple[str, str]) -> None:
    content = json.loads(write_request(builders.request())) | {field: value}
    with pytest.raises(InvalidRequestError) as caught:
        parse_request(json.dumps(content).encode())
    assert caught.value.place == field
    assert words[0] in caught.value.sentence
    assert words[1] in caught.value.sentence_fr
    assert " or " not in caught.value.sentence_fr
