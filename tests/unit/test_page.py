"""The readable page: its words, what it refuses, and that it is the same file every time."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pikepdf
import pytest
from page_documents import LOGO, PAY_URL, an_invoice
from page_files import JPEG, PNG, a_png
from page_reading import squeeze, structure_of, text_of

from config.typeset import TypesetError, compile_pdf
from einvoice.document import (
    AllowanceCharge,
    Note,
    PrecedingInvoice,
    TaxPoint,
    Totals,
    VatBreakdown,
)
from einvoice.formats.page import (
    PageError,
    check_characters,
    choose_colours,
    contrast,
    draw_transfer,
    read_logo,
    render_page,
)
from einvoice.formats.page_figures import printable

if TYPE_CHECKING:
    from pathlib import Path


# -- kinds and mentions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_code", "french", "english"),
    [
        ("380", "Facture", "Invoice"),
        ("381", "Avoir", "Credit note"),
        ("384", "Facture rectificative", "Corrective invoice"),
        ("386", "Facture d'acompte", "Deposit invoice"),
        ("503", "Avoir d'acompte", "Deposit credit note"),
    ],
)
def test_the_title_says_the_kind_of_document(type_code: str, french: str, english: str) -> None:
    document = an_invoice(1, type_code=type_code)
    for language, title in (("fr", french), ("en", english)):
        with pikepdf.open(io.BytesIO(render_page(document, language=language))) as pdf:  # type: ignore[arg-type]
            assert str(pdf.docinfo["/Title"]) == f"{title} F-2026-004217"


def test_a_credit_note_asks_for_no_money_and_names_its_invoice() -> None:
    document = an_invoice(type_code="381", preceding=(PrecedingInvoice("F-2026-004001", date(2026, 10, 2)),))
    text = text_of(render_page(document, pay_url=PAY_URL))
    assert "Àvotrecrédit" in text
    assert "F-2026-004001du02/10/2026" in text
    assert "Consulterenligne" in text
    assert "Payer360" not in text
    assert draw_transfer(document) is None


def test_services_on_debits_carry_the_compulsory_mention_and_goods_do_not() -> None:
    services = text_of(render_page(an_invoice(1, process="S1", tax_point=TaxPoint.INVOICE)))
    assert squeeze("Catégorie de l'opération Prestation de services") in services
    assert squeeze("Option pour le paiement de la taxe d'après les débits") in services
    goods = text_of(render_page(an_invoice(1, process="B1", tax_point=TaxPoint.INVOICE)))
    assert squeeze("Livraison de biens") in goods
    assert "débits" not in goods


def test_notes_stand_under_their_french_titles() -> None:
    notes = (Note("40 euros", "PMT"), Note("taux BCE + 10 points", "PMD"), Note("aucun", "AAB"), Note("B2B", "BAR"))
    text = text_of(render_page(an_invoice(1, notes=notes)))
    for expected in ("Indemnité de recouvrement 40 euros", "Pénalités de retard taux", "Escompte aucun"):
        assert squeeze(expected) in text
    assert squeeze("Traitement : entre professionnels en France (B2B)") in text


def test_an_exemption_names_its_reason_and_code() -> None:
    row = VatBreakdown(Decimal(100), Decimal(0), "AE", Decimal(0), "Autoliquidation", "VATEX-EU-AE")
    text = text_of(render_page(an_invoice(1, vat=(row,))))
    assert squeeze("Exonération de TVA (AE) Autoliquidation (VATEX-EU-AE)") in text


def test_a_self_billed_invoice_says_so() -> None:
    assert "Autofacturation" in text_of(render_page(an_invoice(1, type_code="389")))


def test_the_way_from_lines_to_the_amount_due_is_shown_with_signs() -> None:
    document = an_invoice(
        1,
        allowances_charges=(
            AllowanceCharge(False, Decimal(10), Decimal(100), Decimal(10), "Fidélité", "95", "S", Decimal(20)),  # noqa: FBT003 # BG-20
            AllowanceCharge(True, Decimal(5), reason="Transport", vat_category="S", vat_rate=Decimal(20)),  # noqa: FBT003 # BG-21
        ),
        totals=Totals(Decimal(100), Decimal(95), Decimal(114), Decimal("63.99"), Decimal(10), Decimal(5), Decimal(19),
                      None, Decimal(50), Decimal("-0.01")),
    )  # fmt: skip
    text = text_of(render_page(document))
    for expected in (
        "Remise (95) · Fidélité · 10 % sur 100,00", "Remises\u221210,00 €", "Frais5,00 €", "Total HT95,00 €",
        "Total TTC114,00 €", "Déjà payé\u221250,00 €", "Arrondi\u22120,01 €", "À payer63,99 €",
    ):  # fmt: skip
        assert squeeze(expected) in text


# -- what comes from outside stays text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "markup", ['#panic("x")', "*gras* _ital_", "$x^2$", "<script>alert(1)</script>", "\\#let", "@ref"]
)
def test_markup_in_customer_data_is_only_text(markup: str) -> None:
    document = an_invoice(1)
    buyer = replace(document.buyer, name=markup)
    line = replace(document.lines[0], name=markup, description=markup)
    text = text_of(render_page(replace(document, buyer=buyer, lines=(line,), payment_terms=markup)))
    assert text.count(squeeze(markup)) == 4


def test_latin_greek_and_cyrillic_letters_are_shown() -> None:
    name = "Œuvre à l'€ — Łódź, Ελλάδα, Жуковский, Ïñţérñåţîöñåļ №½"
    document = an_invoice(1)
    assert squeeze(name) in text_of(render_page(replace(document, buyer=replace(document.buyer, name=name))))


def test_a_character_without_a_glyph_is_named_with_its_place() -> None:
    document = an_invoice(1)
    with pytest.raises(PageError) as caught:
        render_page(replace(document, buyer=replace(document.buyer, name="Société 漢字")))
    assert caught.value.code == "page.missing_glyph"
    assert "'漢' (U+6F22), '字' (U+5B57)" in caught.value.sentence
    assert "Société 漢字" in caught.value.sentence_fr
    assert caught.value.place == "buyer.name"


@pytest.mark.parametrize("strange", ["東", "😀", "فاتورة", "₿", "ไทย"])
def test_alphabets_that_the_font_lacks_are_refused_before_the_number(strange: str) -> None:
    document = an_invoice(1)
    line = replace(document.lines[0], name=f"Étiquette {strange}")
    with pytest.raises(PageError) as caught:
        check_characters(replace(document, lines=(line,)))
    assert caught.value.code == "page.missing_glyph"
    assert f"U+{ord(strange[0]):04X}" in caught.value.sentence
    assert f"Étiquette {strange}" in caught.value.sentence_fr
    assert caught.value.place == "lines[0].name"


def test_a_control_character_is_named_by_its_number() -> None:
    with pytest.raises(PageError, match=r"U\+0007"):
        render_page(an_invoice(1, payment_terms="a\x07b"))


def test_invisible_format_characters_do_not_reach_the_page() -> None:
    assert printable("Re\u0301gion\u202e\u200b\ufeff\tNord\r\nSud") == "Région Nord\nSud"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "payer.fr", "https://a b", "https://é.fr", "https://x/" + "a" * 400]
)
def test_a_link_that_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(PageError) as caught:
        render_page(an_invoice(1), pay_url=url)
    assert caught.value.code == "page.bad_link"


@pytest.mark.parametrize(
    "logo",
    [
        "no xml",
        "<html/>",
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        '<svg xmlns="http://www.w3.org/2000/svg">' + "<g/>" * 200_000 + "</svg>",
        '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><text>Atelier</text></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="https://exemple.fr/a.png"/></svg>',
    ],
)
def test_a_logo_that_is_no_plain_svg_is_refused(logo: str) -> None:
    with pytest.raises(PageError) as caught:
        render_page(an_invoice(1), logo_svg=logo)
    assert caught.value.code == "page.bad_logo"


@pytest.mark.parametrize("content", [a_png(40, 20), a_png(300, 60, alpha=False), JPEG, LOGO.encode()])
def test_a_logo_may_be_png_jpeg_or_svg(content: bytes) -> None:
    elements = structure_of(render_page(an_invoice(1), logo_svg=read_logo(content)))
    figures = [attributes["/Alt"] for kind, attributes in elements if kind == "/Figure"]
    assert figures[0] == an_invoice(1).seller.name
    assert len(figures) == 2  # the other is the code of the transfer


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"\xff\xfe\xfa", PNG[:20], JPEG[:30], a_png(5000, 1), PNG + bytes(400_000),
     JPEG.replace(b"\x00\x01\x00\x01\x01\x01\x11", b"\x00\x01\x00\x01\x04\x01\x11")],
)  # fmt: skip
def test_an_image_that_the_page_cannot_hold_is_refused(content: bytes) -> None:
    with pytest.raises(PageError) as caught:
        read_logo(content)
    assert caught.value.code == "page.bad_logo"


@pytest.mark.parametrize("colour", ["red", "#12345", "#0f766e; }", ""])
def test_a_colour_that_is_none_is_refused(colour: str) -> None:
    with pytest.raises(PageError) as caught:
        render_page(an_invoice(1), colour=colour)
    assert caught.value.code == "page.bad_colour"


@pytest.mark.parametrize("colour", ["#0f766e", "#facc15", "#ffffff", "#000000", "#7c3aed", "#999999"])
def test_text_stays_readable_on_any_colour(colour: str) -> None:
    colours = choose_colours(colour)
    assert contrast(colours["accent"], colours["on_accent"]) >= 4.5
    assert contrast(colours["ink"], "#ffffff") >= 4.5


def test_another_language_is_refused() -> None:
    with pytest.raises(PageError) as caught:
        render_page(an_invoice(1), language="de")  # type: ignore[arg-type]
    assert caught.value.code == "page.bad_language"


# -- the same file every time --------------------------------------------------------------------------------------


def test_the_same_invoice_gives_the_same_bytes_in_any_thread() -> None:
    document = an_invoice(4)
    with ThreadPoolExecutor(3) as pool:
        futures = [
            pool.submit(render_page, replace(document, number=f"F-{n % 2}"), pay_url=PAY_URL, logo_svg=LOGO)
            for n in range(8)
        ]
        files = [future.result() for future in futures]
    assert len(set(files[0::2])) == len(set(files[1::2])) == 1
    assert files[0] != files[1]


def test_the_same_template_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    template = tmp_path / "letter.typ"
    template.write_text('#set document(title: "T")\n#set text(font: "Source Sans Pro")\n#sys.inputs.name')
    script = (
        "import sys, pathlib, config.typeset as t;"
        f"sys.stdout.buffer.write(t.compile_pdf(pathlib.Path({str(template)!r}), {{'name': 'Œuvre'}}))"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    assert compile_pdf(template, {"name": "Œuvre"}) == other


def test_a_template_cannot_read_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "templates"
    folder.mkdir()
    template = folder / "letter.typ"
    template.write_text('#set document(title: "T")\n#set text(font: "Source Sans Pro")\n#read("../secret.txt")')
    with pytest.raises(TypesetError) as caught:
        compile_pdf(template, {})
    assert caught.value.code == "page.not_set"
