"""Every piece of evidence in a bank line, read from what banks and payers write."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from payments.matching.amounts import OpenItem, explain, only_sum
from payments.matching.asking import shown_payer
from payments.matching.names import Likeness, likeness, payer_of
from payments.matching.numbers import Strength, is_slip_of, read_mentions
from payments.matching.points import EVIDENCE, reason
from payments.matching.references import account_codes, creditor_references, own_payment_ids, sirens
from payments.matching.texts import is_one_slip, plain

DAY = date(2026, 11, 12)


def strength(text: str, number: str = "F202600042", tail: str = "42", year: int = 2026) -> Strength:
    return max((each.strength(number, tail, year) for each in read_mentions(text)), default=Strength.NONE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("REGLT F2026-00042", Strength.FULL),
        ("F 2026 00042", Strength.FULL),
        ("f2026.00042 merci", Strength.FULL),
        ("F2O26-OOO42", Strength.FULL),
        ("F2026-00 042", Strength.FULL),
        ("202600042", Strength.YEARED),
        ("2026/42", Strength.YEARED),
        ("FA 26/42", Strength.YEARED),
        ("FACT 42", Strength.WORDED),
        ("FACTURES 41, 42 ET 43", Strength.WORDED),
        ("F2026-00040 A 43", Strength.YEARED),
        ("N°42", Strength.WORDED),
        ("F2025-00042", Strength.NONE),
        ("LE 12/10/2026", Strength.NONE),
        ("1 042,00 EUR", Strength.NONE),
        ("CDE 42", Strength.NONE),
    ],
)
def test_an_invoice_number_is_read_however_it_is_written(text: str, expected: Strength) -> None:
    assert strength(text) == expected


def test_a_bare_number_of_three_figures_is_weak_evidence() -> None:
    assert strength("VIR 118", number="F202600118", tail="118") is Strength.BARE


def test_a_range_names_every_invoice_of_it() -> None:
    tails = {each.tail for each in read_mentions("F2026-118 a 121") if each.year == 2026}
    assert {"118", "119", "120", "121"} <= tails


def test_a_range_of_a_thousand_is_no_range() -> None:
    assert "500" not in {each.tail for each in read_mentions("F2026-118 a 1121")}


def test_a_number_with_one_sign_wrong_is_a_slip_and_with_two_is_not() -> None:
    (*_, typed) = read_mentions("FACT F2026-00421")
    assert is_slip_of(typed.wholes, "F202600412")
    assert is_slip_of(typed.wholes, "F202600422")
    assert not is_slip_of(typed.wholes, "F202600533")
    assert is_one_slip("ABC", "AC")
    assert all(is_one_slip(wrong, "F202600412") for wrong in one_sign_wrong("F202600412"))
    assert not is_one_slip("ABC", "ABC")


def one_sign_wrong(right: str) -> set[str]:
    """Every way to leave a sign out, double it, mistype it, or exchange two neighbours."""
    found = set()
    for at in range(len(right)):
        found |= {right[:at] + right[at + 1 :], right[:at] + right[at] + right[at:], right[:at] + "7" + right[at + 1 :]}
        found.add(right[:at] + right[at + 1 : at + 2] + right[at] + right[at + 2 :])
    return found - {right}


def test_a_creditor_reference_counts_only_with_its_check_digits() -> None:
    assert "F202600042" in creditor_references("REF RF37 F202 6000 42 MERCI") or "F202600042" in creditor_references(
        f"REF {_rf('F202600042')}"
    )
    assert "F202600042" in creditor_references(f"REF {' '.join(_fours(_rf('F202600042')))} MERCI")
    assert "F202600043" not in creditor_references(_rf("F202600042").replace("42", "43"))


def _rf(body: str) -> str:
    figures = "".join(str(int(each, 36)) for each in f"{body}RF00")
    return f"RF{98 - int(figures) % 97:02d}{body}"


def _fours(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def test_our_own_payment_id_is_found_with_dashes_and_without() -> None:
    own = UUID("0199c000-1234-7000-8000-0000000000ab")
    assert own_payment_ids(str(own)) == {own}
    assert own_payment_ids(f"PAY {own.hex}") == {own}


def test_account_and_siren_are_read_and_a_wrong_check_digit_is_not() -> None:
    assert account_codes("CLIENT C-00042") == {"C00042"}
    assert sirens("SIRET 732 829 320 00074") == {"732829320"}
    assert sirens("TVA FR44732829320") == {"732829320"}
    assert sirens("SIREN 732829321") == set()


@pytest.mark.parametrize(
    ("counterparty", "remittance", "expected"),
    [
        ("VIR SEPA RECU /DE DUPONT SA", "", "DUPONT SA"),
        ("VIR INST MARTIN SAS", "", "MARTIN SAS"),
        ("", "VIR SEPA RECU /DE DUPONT SA /MOTIF F26-12", "DUPONT SA"),
        ("De Laval Équipements", "", "DE LAVAL EQUIPEMENTS"),
        ("", "FACTURE 12", ""),
    ],
)
def test_the_payer_is_found_behind_the_words_of_the_bank(counterparty: str, remittance: str, expected: str) -> None:
    assert payer_of(counterparty, remittance) == expected


@pytest.mark.parametrize(
    ("payer", "customer", "expected"),
    [
        ("SARL DUPONT ET FILS", "Dupont & Fils SARL", Likeness.SAME),
        ("MARTIN JEAN", "Jean Martin", Likeness.SAME),
        ("BOULANGERIE PATISSERIE LEFEVR", "Boulangerie Pâtisserie Lefèvre SARL", Likeness.CUT),
        ("DUPOND ET FILS", "Dupont et Fils", Likeness.CLOSE),
        ("GARAGE MODERNE LEROY", "Garage Leroy et Associés", Likeness.ALIKE),
        ("DURAND", "Dupont", Likeness.OTHER),
        ("", "Dupont", Likeness.UNTOLD),
    ],
)
def test_a_name_is_as_like_as_people_would_say(payer: str, customer: str, expected: Likeness) -> None:
    assert likeness(payer, customer) is expected


def item(minor: int, days: int, number: str = "F") -> OpenItem:
    due_on = DAY + timedelta(days=days)
    return OpenItem("invoice", UUID(int=minor * 1000 + days + 500), f"{number}{minor}", minor, due_on, DAY)


def test_one_invoice_of_the_amount_is_better_than_two_alike() -> None:
    (only,) = explain([item(100, -9), item(250, -5)], [], 100, DAY)
    assert only.code == "sum.one"
    alike = explain([item(100, -9), item(100, -5)], [], 100, DAY)
    assert [each.code for each in alike] == ["sum.alike", "sum.alike"]
    assert alike[0].items[0].due_on < alike[1].items[0].due_on


def test_everything_everything_due_and_the_oldest_are_told_apart() -> None:
    items = [item(100, -9), item(250, -5), item(400, 9), item(800, 30)]
    assert explain(items, [], 1550, DAY)[0].code == "sum.total"
    assert explain(items, [], 350, DAY)[0].code == "sum.due"
    assert explain(items, [], 750, DAY)[0].code == "sum.oldest"


def test_the_oldest_are_not_certain_where_others_make_the_same_sum() -> None:
    items = [item(100, -9), item(250, -5), item(251, 9), item(250, 12), item(800, 30)]
    assert explain(items, [], 350, DAY)[0].code == "sum.oldest_or"
    assert explain(items[:3], [], 350, DAY)[0].code == "sum.due"


def test_a_credit_note_that_was_deducted_is_found() -> None:
    credit = OpenItem("credit_note", UUID(int=1), "A1", 30, DAY, DAY)
    (found,) = explain([item(100, -9), item(250, -5)], [credit], 220, DAY)
    assert (found.code, found.items[0].open_minor, found.credits) == ("sum.credits", 250, (credit,))


def test_a_sum_counts_only_where_no_second_one_has_it() -> None:
    assert only_sum([item(100, 1), item(250, 2), item(430, 3)], 530) == (item(100, 1), item(430, 3))
    assert only_sum([item(100, 1), item(200, 2), item(300, 3)], 300) is None


def test_a_search_among_many_equal_amounts_gives_up_instead_of_guessing() -> None:
    assert only_sum([item(100 + n, n) for n in range(24)], 611) is None


def test_a_customer_sees_a_foreign_name_only_by_its_first_letters() -> None:
    assert shown_payer("DUPONT SA", "Dupont SAS") == "DUPONT SA"
    assert shown_payer("DURAND HOLDING", "Dupont SAS") == "DU…"


def test_every_reason_has_words_in_both_languages() -> None:
    for code, told in EVIDENCE.items():
        assert told.french, code
        assert told.english, code
        assert "%s" not in reason(code, "F2026-1").words("fr")


def test_texts_of_banks_are_plain_capitals() -> None:
    assert plain("Œuvre n° 5 à Nîmes €") == "OEUVRE N  5 A NIMES  EUR "
