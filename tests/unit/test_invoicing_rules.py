"""Invoices by hand: what was typed becomes a request, a refusal becomes a sentence at a field, dates come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.fr import tva as vat_numbers
from werkzeug.datastructures import MultiDict

from einvoice.composing.build import build_document
from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from einvoice.errors import EInvoiceError
from einvoice.request.reading import parse_request
from portal.invoicing.asking import ask_for, read_number
from portal.invoicing.buyers import french_vat_number
from portal.invoicing.faults import PLAIN, faults_of
from portal.invoicing.terms_choices import due_date
from portal.invoicing.typed import TypedBuyer, TypedDeposit, TypedInvoice, TypedLine, read_form, to_kept, to_typed
from portal.invoicing.vat_choices import NAMES, choice_for, is_choice, meaning_of, offered_choices, usual_choice
from receivables.domain.invoicing.recurrence import Rhythm, date_at, fill_in, first_from
from receivables.domain.settlement.payment_terms import CountedFrom, PaymentTerms
from receivables.store.work import to_json

TODAY = date(2026, 11, 22)
LYON = Address(line1="1 quai", postcode="69002", city="Lyon", country="FR")
SELLER = SellerProfile(name="Atelier", siren="732829320", address=LYON, vat_id="FR44732829320")
BUYER = TypedBuyer(name="Moreau", siren="552100554", line1="12 rue", postcode="69003", city="Lyon")
LINE = TypedLine("Pose", quantity="3", unit="H87", price="10", vat="S:20")
TYPED = TypedInvoice(buyer=BUYER, lines=(LINE,))
MONTH = PaymentTerms(30)


def asked(**changed: object) -> list[tuple[str, bool]]:
    return [(each.field, each.missing) for each in ask_for(replace(TYPED, **changed), MONTH, TODAY).faults]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 250,50", "1250.50"),
        ("1\u202f250.5 €", "1250.5"),
        ("20 %", "20"),
        ("-3", "-3"),
        ("1,2,3", None),
        ("", None),
        ("NaN", None),
        ("1e9", None),
    ],
    ids=["spaced", "narrow", "percent", "minus", "commas", "empty", "nan", "power"],
)
def test_numbers_are_read_as_people_write_them(text: str, number: str | None) -> None:
    assert read_number(text) == (Decimal(number) if number else None)


def test_gaps_are_missing_and_nonsense_is_a_mistake() -> None:
    assert asked() == []
    assert asked(lines=()) == [("line-0-name", True)]
    assert asked(lines=(replace(LINE, price=""),)) == [("line-0-price", True)]
    assert asked(lines=(replace(LINE, price="x"),)) == [("line-0-price", False)]
    assert asked(lines=(TypedLine(), replace(LINE, discount="120"))) == [("line-1-discount", False)]
    assert asked(buyer=replace(BUYER, siren="", city="")) == [("buyer-line1", True), ("buyer-siren", True)]
    assert asked(terms="on", due_on="2026-11-21") == [("due_on", False)]
    assert asked(period_start="2026-02-02", period_end="2026-02-01") == [("period_end", False)]
    assert asked(currency="USD") == [("rate", True)]


def test_a_discount_on_the_whole_falls_on_every_rate() -> None:
    lines = (LINE, replace(LINE, vat="S:10", price="20"))
    request = ask_for(replace(TYPED, lines=lines, discount="10"), MONTH, TODAY).request
    document = build_document(parse_request(to_json(request).encode()), SELLER, "F2026-1", TODAY)
    assert document.totals.with_vat == Decimal("91.80")  # 27 at 20 %, 54 at 10 %


def test_only_ticked_deposits_are_deducted_and_a_deposit_deducts_none() -> None:
    deposits = (TypedDeposit("D2026-1", "2026-10-01", "12", "yes"), TypedDeposit("D2026-2", "2026-10-02", "9"))
    typed = replace(TYPED, deposits=deposits)
    assert [each["number"] for each in ask_for(typed, MONTH, TODAY).request["deposits"]] == ["D2026-1"]
    assert "deposits" not in ask_for(replace(typed, kind="386"), MONTH, TODAY).request


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"buyer": replace(BUYER, siren="552100555")}, "buyer-siren"),
        ({"buyer": replace(BUYER, vat_id="FR00552100554")}, "buyer-vat_id"),
        ({"lines": (LINE, replace(LINE, vat="S:19"))}, "line-1-vat"),
        ({"lines": (TypedLine(), replace(LINE, vat="AE"))}, "buyer-vat_id"),
        ({"lines": (LINE, replace(LINE, vat="O"))}, "line-1-vat"),
        ({"lines": (replace(LINE, quantity="1,23456"),)}, "line-0-quantity"),
        ({"buyer": replace(BUYER, email="moreau")}, "buyer-email"),
        ({"buyer": replace(BUYER, country="XX")}, "buyer-country"),
    ],
    ids=["siren", "vat number", "rate", "reverse charge", "mixed", "precise", "mail", "country"],
)
def test_a_refusal_is_told_at_its_field_without_the_names_of_programs(changed: dict[str, object], field: str) -> None:
    made = ask_for(replace(TYPED, **changed), MONTH, TODAY)  # type: ignore[arg-type]
    with pytest.raises(EInvoiceError) as refused:
        build_document(parse_request(to_json(made.request).encode()), SELLER, "F2026-1", TODAY)
    fault = faults_of(refused.value, made.places)[0]
    assert fault.field == field
    assert not any(word in fault.sentence for word in ("BT-", "BR-", "lines[", "buyer.", "vat_category"))


def test_every_choice_of_vat_means_something_that_may_stand_on_an_invoice() -> None:
    for value in NAMES:
        category, rate, code = meaning_of(value)
        assert is_choice(value), value
        assert choice_for(category, Decimal(rate or 0), code) == value
    assert not is_choice("S:0")
    assert not is_choice("E:NOTHING")
    assert not is_choice("")
    assert {each.value for each in offered_choices(SELLER, ["S:7"])} >= {"S:20", "S:7", "AE"}


@pytest.mark.parametrize(
    ("seller", "buyer", "choice"),
    [
        (SELLER, BUYER, "S:20"),
        (replace(SELLER, vat_id=None), BUYER, "E:VATEX-FR-FRANCHISE"),
        (replace(SELLER, address=replace(LYON, postcode="97410", country="RE")), BUYER, "S:8.5"),
        (SELLER, TypedBuyer(kind="abroad", country="DE", vat_id="DE1"), "AE"),
        (SELLER, TypedBuyer(kind="abroad", country="DE"), "S:20"),
        (replace(SELLER, nature="goods"), TypedBuyer(kind="abroad", country="DE", vat_id="DE1"), "K"),
        (replace(SELLER, nature="goods"), TypedBuyer(kind="abroad", country="US"), "G"),
        (SELLER, TypedBuyer(kind="abroad", country="US"), "O"),
    ],
    ids=["home", "franchise", "overseas", "union", "union without number", "goods", "export", "service abroad"],
)
def test_the_usual_vat_follows_from_where_both_are(seller: SellerProfile, buyer: TypedBuyer, choice: str) -> None:
    assert usual_choice(seller, buyer) == choice


def test_due_dates_follow_the_choice() -> None:
    assert due_date("usual", "", PaymentTerms(30), TODAY) == date(2026, 12, 22)
    assert due_date("30m", "", MONTH, TODAY) == date(2026, 12, 31)
    assert due_date("usual", "", PaymentTerms(10, CountedFrom.MONTH_END), TODAY) == date(2026, 12, 10)
    assert due_date("on", "2026-12-24", MONTH, TODAY) == date(2026, 12, 24)
    assert due_date("on", "soon", MONTH, TODAY) is None


def test_the_form_keeps_what_it_has_no_field_for_and_who_a_known_buyer_is() -> None:
    form = MultiDict({"buyer-name": "Autre", "buyer-city": "Nice", "line-0-name": "A", "note": "x\x00y"})
    read = read_form(form, replace(TYPED, order="C1"), known_buyer=True)
    assert (read.buyer.name, read.buyer.city, read.order, read.note) == ("Moreau", "Nice", "C1", "xy")
    assert read_form(form, TYPED, known_buyer=False).buyer.name == "Autre"
    correcting = replace(TYPED, kind="384", corrects_number="F1")
    assert read_form(MultiDict({"kind": "380"}), correcting, known_buyer=True).kind == "384"


@given(st.builds(TypedLine, name=st.text(max_size=9), price=st.text(max_size=9), vat=st.sampled_from([*NAMES, "?"])))
@settings(max_examples=60, deadline=None)
def test_whatever_is_typed_is_kept_as_it_was_and_never_an_unforeseen_error(line: TypedLine) -> None:
    typed = replace(TYPED, lines=(line,))
    assert to_typed(to_kept(typed)) == typed
    made = ask_for(typed, MONTH, TODAY)
    if made.faults:
        return
    refused: list[EInvoiceError] = []
    try:
        build_document(parse_request(to_json(made.request).encode()), SELLER, "F2026-1", TODAY)
    except EInvoiceError as error:
        refused.append(error)
    assert all(faults_of(each, made.places) for each in refused)


def test_every_plain_sentence_is_about_a_code_that_is_raised() -> None:
    root = Path(__file__).resolve().parents[2]
    code = "".join(path.read_text() for name in ("einvoice", "portal") for path in (root / name).rglob("*.py"))
    raised = code.replace((root / "portal/invoicing/faults.py").read_text(), "")
    assert [each for each in PLAIN if f'"{each}"' not in raised] == []


@pytest.mark.parametrize("siren", ["732829320", "552100554"])
def test_the_vat_number_of_a_company_follows_from_its_siren(siren: str) -> None:
    assert vat_numbers.is_valid(french_vat_number(siren))
    assert french_vat_number(siren).endswith(siren)
    assert french_vat_number("123456789") == ""


def test_the_thirty_first_comes_back_where_a_month_has_one() -> None:
    first = date(2026, 1, 31)
    assert [date_at(first, Rhythm.MONTH, step).isoformat() for step in range(4)] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
    ]
    assert date_at(first, Rhythm.QUARTER, -1) == date(2025, 10, 31)
    assert date_at(date(2024, 2, 29), Rhythm.YEAR, 1) == date(2025, 2, 28)
    assert date_at(first, Rhythm.WEEK, 2) == date(2026, 2, 14)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.sampled_from(list(Rhythm)), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_dates_only_go_forward_and_a_pause_leaves_out_what_passed(first: date, rhythm: Rhythm, at: int) -> None:
    assert date_at(first, rhythm, at) < date_at(first, rhythm, at + 1)
    position = first_from(first, rhythm, 0, date_at(first, rhythm, at))
    assert position == at


def test_words_in_braces_are_those_of_the_date() -> None:
    said = fill_in("{mois}, {mois précédent}, {trimestre}, {année}, {période}", date(2026, 1, 1), Rhythm.MONTH)
    assert said == ("janvier 2026, décembre 2025, 1er trimestre 2026, 2026, du 1er janvier 2026 au 31 janvier 2026")
    assert fill_in("{month} {quarter} {other}", date(2026, 5, 1), Rhythm.YEAR) == "May 2026 Q2 2026 {other}"
