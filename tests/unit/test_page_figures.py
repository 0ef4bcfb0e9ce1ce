"""Figures, identifiers and the code of a transfer, as the page writes them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pypdf
import pytest
import zxingcpp
from page_documents import IBAN, an_invoice
from page_reading import text_of

from einvoice.codelists.units import label as unit_word
from einvoice.document import (
    CreditAccount,
    Identifier,
    PaymentInstructions,
    Totals,
)
from einvoice.formats.page import (
    draw_transfer,
    render_page,
)
from einvoice.formats.page_figures import (
    group_account,
    group_registration,
    write_amount,
    write_day,
    write_number,
    write_percent,
    write_quantity,
    write_size,
)
from einvoice.formats.payment_reference import rf_reference

# -- the code of a SEPA transfer -----------------------------------------------------------------------------------


MODULES = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+Z")
"""Dark rectangles of the drawing: left, top, width and height in modules."""
SCALE, QUIET = 4, 4


def read_code(svg: str | None) -> zxingcpp.Barcode:
    """The code of a drawing, read from its dots."""
    assert svg is not None
    side = (int(svg.split('width="')[1].split('"')[0]) + 2 * QUIET) * SCALE
    dots = bytearray(b"\xff" * side * side)
    for left, top, wide, high in (map(int, found) for found in MODULES.findall(svg)):
        for row in range((top + QUIET) * SCALE, (top + QUIET + high) * SCALE):
            start = row * side + (left + QUIET) * SCALE
            dots[start : start + wide * SCALE] = bytes(wide * SCALE)
    found = zxingcpp.read_barcode(memoryview(dots).cast("B", shape=[side, side]), text_mode=zxingcpp.TextMode.HexECI)
    assert found is not None
    return found


def payload_of(svg: str | None) -> str:
    """What a banking app reads, as UTF-8."""
    return read_code(svg).bytes.decode()


def test_the_transfer_code_holds_what_epc069_12_asks_for() -> None:
    expected = f"BCD\n002\n1\nSCT\nAGRIFRPPXXX\nAtelier Méridien SAS\n{IBAN}\nEUR360\n\n\nF2026004217"
    assert payload_of(draw_transfer(an_invoice(3))) == expected


def test_a_structured_reference_and_a_holder_of_its_own_go_into_the_code() -> None:
    account = CreditAccount("FR76 3000 6000 0112 3456 7890 189", "Affactureur\nSA")
    payment = PaymentInstructions("30", None, "RF18 5390 0754 7034", (account,))
    document = an_invoice(3, payment=payment, totals=Totals(Decimal(1), Decimal(1), Decimal(1), Decimal("1234.5")))
    assert payload_of(draw_transfer(document)) == (
        f"BCD\n002\n1\nSCT\n\nAffactureur SA\n{IBAN}\nEUR1234.5\n\nRF18539007547034"
    )


def test_the_reference_of_the_invoice_s_number_is_structured_in_the_code_and_grouped_on_the_page() -> None:
    reference = rf_reference("F-2026-004217")
    payment = replace(an_invoice(3).payment, remittance=reference)  # type: ignore[type-var]
    document = an_invoice(3, payment=payment)
    expected = f"BCD\n002\n1\nSCT\nAGRIFRPPXXX\nAtelier Méridien SAS\n{IBAN}\nEUR360\n\n{reference}"
    assert payload_of(draw_transfer(document)) == expected
    pages = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render_page(document))).pages)
    assert "RF31 F202 6004 217" in pages.replace("\u00a0", " ")


def test_a_reference_with_wrong_check_digits_is_free_text_and_a_long_name_is_cut() -> None:
    account = CreditAccount(IBAN, "Société " * 12)
    document = an_invoice(3, payment=PaymentInstructions("58", None, "RF19539007547034", (account,)))
    name = ("Société " * 12)[:70]
    assert payload_of(draw_transfer(document)) == (
        f"BCD\n002\n1\nSCT\n\n{name.strip()}\n{IBAN}\nEUR360\n\n\nRF19539007547034"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "USD"},
        {"payment": None},
        {"payment": PaymentInstructions("59", None, "X", (CreditAccount(IBAN),))},
        {"payment": PaymentInstructions("58", None, "X", (CreditAccount("12345"),))},
        {"payment": PaymentInstructions("58", None, "X" * 141, (CreditAccount(IBAN),))},
        {"totals": Totals(Decimal(1), Decimal(1), Decimal(1), Decimal(0))},
        {"totals": Totals(Decimal(1), Decimal(1), Decimal(1), Decimal(1000000000))},
    ],
)
def test_where_nothing_can_be_transferred_there_is_no_code(changes: dict[str, Any]) -> None:
    document = an_invoice(3, **changes)
    assert draw_transfer(document) is None
    assert render_page(document).startswith(b"%PDF-")


@pytest.mark.parametrize(("name", "head"), [("Atelier Méridien", b"]Q2\\000026BCD"), ("Atelier", b"]Q1BCD")])
def test_the_code_is_of_level_m_and_names_its_character_set_where_it_needs_one(name: str, head: bytes) -> None:
    payment = PaymentInstructions("58", None, "X", (CreditAccount(IBAN, name),))
    code = read_code(draw_transfer(an_invoice(3, payment=payment)))
    assert code.ec_level == "M"
    assert bytes.fromhex(code.text).startswith(head)


# -- figures -------------------------------------------------------------------------------------------------------


def test_french_figures_have_narrow_spaces_and_commas() -> None:
    assert write_amount(Decimal("1234567.5"), "EUR", "fr") == "1\u00a0234\u00a0567,50\u00a0€"
    assert write_number(Decimal("-1E+3"), "EUR", "fr") == "-1\u00a0000,00"
    assert write_percent(Decimal("5.50"), "fr") == "5,5\u00a0%"
    assert write_day(date(2026, 2, 1), "fr") == "01/02/2026"


def test_english_figures_have_commas_and_points() -> None:
    assert write_amount(Decimal("-1234.5"), "EUR", "en") == "-€1,234.50"
    assert write_percent(Decimal("5.50"), "en") == "5.5%"
    assert write_day(date(2026, 2, 1), "en") == "1 Feb 2026"


def test_no_figure_is_rounded() -> None:
    assert write_number(Decimal("0.123456"), "EUR", "fr") == "0,123456"
    assert write_number(Decimal("1200.50"), "JPY", "fr") == "1\u00a0200,5"
    assert write_quantity(Decimal("2.500"), "fr") == "2,5"


def test_units_are_words_in_the_right_number() -> None:
    assert unit_word("HUR", "fr", Decimal("1.5")) == "heure"
    assert unit_word("HUR", "en", Decimal("1.5")) == "hours"
    assert unit_word("DAY", "fr", Decimal(2)) == "jours"
    assert unit_word("XYZ", "fr", Decimal(2)) == "XYZ"


def test_a_file_s_size_is_short() -> None:
    assert [write_size(size, "fr") for size in (0, 999, 1000, 12_345, 3_100_000)] == [
        "0\u00a0octets", "999\u00a0octets", "1\u00a0ko", "12,3\u00a0ko", "3,1\u00a0Mo",
    ]  # fmt: skip
    assert write_size(12_345, "en") == "12.3\u00a0kB"


def test_identifiers_are_grouped_for_the_eye() -> None:
    assert group_registration("55210055400013").split("\u00a0") == ["552", "100", "554", "00013"]
    assert group_account("fr76 30006000011234567890189").replace("\u00a0", " ") == "FR76 3000 6000 0112 3456 7890 189"
    assert group_registration("A-17") == "A-17"
    assert group_account("12345") == "12345"


def test_an_identifier_says_its_scheme() -> None:
    seller = replace(
        an_invoice(1).seller, legal_id=Identifier("552100554", "0002"), identifiers=(Identifier("X9", "0199"),)
    )
    text = text_of(render_page(an_invoice(1, seller=seller)))
    assert "SIREN552100554" in text
    assert "LEIX9" in text
