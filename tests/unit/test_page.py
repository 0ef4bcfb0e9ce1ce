"""The readable page: its words and figures, and that no term of the document is missing from it."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import pikepdf
import pypdf
import pytest
import segno
from page_documents import IBAN, LOGO, PAY_URL, an_invoice

from config.typeset import TypesetError, compile_pdf
from einvoice import document as model
from einvoice.document import (
    AllowanceCharge,
    CreditAccount,
    Document,
    Identifier,
    Note,
    PaymentInstructions,
    PrecedingInvoice,
    TaxPoint,
    Totals,
    VatBreakdown,
)
from einvoice.formats import page_words
from einvoice.formats.page import PageError, choose_colours, contrast, draw_transfer, render_page
from einvoice.formats.page_figures import (
    group_account,
    group_registration,
    printable,
    write_amount,
    write_country,
    write_day,
    write_number,
    write_percent,
    write_quantity,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def text_of(pdf: bytes) -> str:
    """The text of all pages without any white space, as a search that ignores layout sees it."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return squeeze("".join(page.extract_text() for page in pages))


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


# -- every term is shown -------------------------------------------------------------------------------------------


class FullDocument:
    """Builds a document with every term of the model set to a value that occurs nowhere else."""

    fixed: dict[tuple[str, str], Any] = {  # noqa: RUF012 # a table, never changed
        ("Document", "currency"): "EUR",
        ("Document", "accounting_currency"): "USD",
        ("Address", "country"): "PT",
        ("Line", "origin_country"): "IT",
        ("Line", "unit"): "MTK",
        ("Line", "price_base_unit"): "KWH",
        ("Document", "tax_point"): TaxPoint.PAYMENT,
    }

    def __init__(self) -> None:
        self.counter = count(11)

    def build(self, kind: type) -> Any:
        hints = get_type_hints(kind, vars(model) | {"date": date, "Decimal": Decimal})
        values: dict[str, Any] = {}
        for term in fields(kind):
            key = (kind.__name__, term.name)
            values[term.name] = self.fixed[key] if key in self.fixed else self.value(term.name, hints[term.name])
        return kind(**values)

    def value(self, name: str, hint: Any) -> Any:
        if get_origin(hint) is UnionType:
            hint = next(kind for kind in get_args(hint) if kind is not NoneType)
        if get_origin(hint) is tuple:
            return (self.value(name, get_args(hint)[0]), self.value(name, get_args(hint)[0]))
        n = next(self.counter)
        simple = {
            str: f"{name}~{n}~",
            Decimal: Decimal(f"{7000 + n}.{n % 89 + 10}"),
            date: date(2026, 1, 1) + timedelta(days=n),
            bool: bool(n % 2),
            bytes: b"content",
        }
        return simple[hint] if hint in simple else self.build(hint)


def full_document() -> Document:
    """Every term set; VAT terms of allowances and charges exist at document level only (BG-20, BG-21)."""
    document: Document = FullDocument().build(Document)
    lines = tuple(
        replace(
            line,
            allowances_charges=tuple(
                replace(entry, vat_category=None, vat_rate=None) for entry in line.allowances_charges
            ),
        )
        for line in document.lines
    )
    return replace(document, lines=lines)


def leaves(value: Any, owner: str = "", name: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every term below ``value``: its group, its name, its value."""
    if is_dataclass(value):
        for term in fields(value):
            yield from leaves(getattr(value, term.name), type(value).__name__, term.name)
    elif isinstance(value, tuple):
        for below in value:
            yield from leaves(below, owner, name)
    else:
        yield owner, name, value


def shown_as(name: str, value: Any, language: str) -> str:  # noqa: PLR0911 # one return per way of showing
    """How the page must show one term."""
    if name in {"country", "origin_country"}:
        return write_country(value, language)
    if name in {"unit", "price_base_unit"}:
        return page_words.unit_word(value, Decimal(2), language)
    if isinstance(value, TaxPoint):
        return page_words.choose(page_words.TAX_POINTS[value.value], language)
    if isinstance(value, date):
        return write_day(value, language)
    if name in {"percent", "rate", "vat_rate"}:
        return write_percent(value, language)
    if name in {"quantity", "price_base_quantity"}:
        return write_quantity(value, language)
    if name == "vat_accounting":
        return write_amount(value, "USD", language)
    if isinstance(value, Decimal):
        return write_number(value, "EUR", language)
    return str(value)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_term_of_the_document_is_shown(language: Any) -> None:
    document = full_document()
    text = text_of(render_page(document, language=language))

    terms = list(leaves(document))
    assert len(terms) > 150
    assert {(owner, name) for owner, name, value in terms if value is None} == {
        ("AllowanceCharge", "vat_category"), ("AllowanceCharge", "vat_rate"),
    }  # fmt: skip
    missing = [
        (owner, name, value)
        for owner, name, value in terms
        if not isinstance(value, (bool, bytes, NoneType))  # a sign, and a file whose name, type and place are shown
        and squeeze(shown_as(name, value, language)) not in text
    ]
    assert missing == []


def test_a_term_that_the_page_leaves_out_would_be_found_missing() -> None:
    """The control of the test above: the same search in a page without the terms finds them missing."""
    document = full_document()
    text = text_of(render_page(replace(document, contract_reference=None, lines=document.lines[:1])))
    assert squeeze(str(document.contract_reference)) not in text
    assert squeeze(document.lines[1].name) not in text
    assert squeeze(document.lines[0].name) in text


def test_sub_lines_say_where_they_stand_and_that_groups_are_not_added_up() -> None:
    group, detail, _ = an_invoice(3).lines
    group = replace(group, kind="GROUP", quantity=None, unit=None, net_price=None, vat_category=None, vat_rate=None)
    text = text_of(render_page(replace(an_invoice(3), lines=(group, replace(detail, kind="DETAIL", parent_line="1")))))
    assert squeeze("Prestation 1 Regroupement, non additionné 100,00") in text
    assert squeeze("Détail · sous la ligne 1") in text


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
    assert "F-2026-004001·02/10/2026" in text
    assert "Consulterenligne" in text
    assert "Payer360" not in text
    assert draw_transfer(document) is None


def test_services_on_debits_carry_the_compulsory_mention_and_goods_do_not() -> None:
    services = text_of(render_page(an_invoice(1, process="S1", tax_point=TaxPoint.INVOICE)))
    assert squeeze("Catégorie de l'opération : Prestation de services") in services
    assert squeeze("Option pour le paiement de la taxe d'après les débits") in services
    goods = text_of(render_page(an_invoice(1, process="B1", tax_point=TaxPoint.INVOICE)))
    assert squeeze("Livraison de biens") in goods
    assert "débits" not in goods


def test_notes_stand_under_their_french_titles() -> None:
    notes = (Note("40 euros", "PMT"), Note("taux BCE + 10 points", "PMD"), Note("aucun", "AAB"), Note("B2B", "BAR"))
    text = text_of(render_page(an_invoice(1, notes=notes)))
    for expected in ("Indemnité de recouvrement : 40 euros", "Pénalités de retard : taux", "Escompte : aucun"):
        assert squeeze(expected) in text
    assert squeeze("Traitement : B2B") in text


def test_an_exemption_names_its_reason_and_code() -> None:
    row = VatBreakdown(Decimal(100), Decimal(0), "AE", Decimal(0), "Autoliquidation", "VATEX-EU-AE")
    text = text_of(render_page(an_invoice(1, vat=(row,))))
    assert squeeze("Exonération de TVA (AE) : Autoliquidation (VATEX-EU-AE)") in text


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


def test_without_a_link_there_is_no_button() -> None:
    with pikepdf.open(io.BytesIO(render_page(an_invoice(1)))) as pdf:
        assert [page for page in pdf.pages if "/Annots" in page] == []


def test_the_button_and_the_printed_address_lead_to_the_pay_link() -> None:
    with pikepdf.open(io.BytesIO(render_page(an_invoice(1), pay_url=PAY_URL))) as pdf:
        links = [str(link.A.URI) for page in pdf.pages for link in page.get("/Annots", [])]
    assert set(links) == {PAY_URL}
    assert len(links) >= 2


def test_two_hundred_lines_repeat_the_head_of_the_table_on_every_page() -> None:
    pdf = pypdf.PdfReader(io.BytesIO(render_page(an_invoice(200), pay_url=PAY_URL)))
    assert len(pdf.pages) > 4
    pages = [squeeze(page.extract_text()) for page in pdf.pages]
    assert all("DésignationQuantité" in page for page in pages if "heures" in page)
    assert all(f"page{number}/{len(pages)}" in page for number, page in enumerate(pages, 1))
    assert sum(page.count("heures") for page in pages) == 200


def test_a_word_longer_than_its_column_stays_on_the_page() -> None:
    line = replace(an_invoice(1).lines[0], name="A" * 150)
    pdf = render_page(replace(an_invoice(1), lines=(line,)))
    boxes: list[float] = []
    pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text(
        visitor_text=lambda text, user, matrix, _font, _size: (
            boxes.append(user[4] + matrix[4]) if text.strip() else None
        )
    )
    assert "A" * 150 in text_of(pdf)
    assert max(boxes) < 595


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
    ],
)
def test_a_logo_that_is_no_plain_svg_is_refused(logo: str) -> None:
    with pytest.raises(PageError) as caught:
        render_page(an_invoice(1), logo_svg=logo)
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


# -- the code of a SEPA transfer -----------------------------------------------------------------------------------


def same_code(payload: str) -> str:
    return str(segno.make_qr(payload.encode(), error="m", boost_error=False).svg_inline(border=0, dark="#14181f"))


def test_the_transfer_code_holds_what_epc069_12_asks_for() -> None:
    expected = f"BCD\n002\n1\nSCT\nAGRIFRPPXXX\nAtelier Méridien SAS\n{IBAN}\nEUR360\n\n\nF2026004217"
    assert draw_transfer(an_invoice(3)) == same_code(expected)


def test_a_structured_reference_and_a_holder_of_its_own_go_into_the_code() -> None:
    account = CreditAccount("FR76 3000 6000 0112 3456 7890 189", "Affactureur\nSA")
    payment = PaymentInstructions("30", None, "RF18 5390 0754 7034", (account,))
    document = an_invoice(3, payment=payment, totals=Totals(Decimal(1), Decimal(1), Decimal(1), Decimal("1234.5")))
    assert draw_transfer(document) == same_code(
        f"BCD\n002\n1\nSCT\n\nAffactureur SA\n{IBAN}\nEUR1234.5\n\nRF18539007547034"
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


# -- figures -------------------------------------------------------------------------------------------------------


def test_french_figures_have_narrow_spaces_and_commas() -> None:
    assert write_amount(Decimal("1234567.5"), "EUR", "fr") == "1\u202f234\u202f567,50\u00a0€"
    assert write_number(Decimal("-1E+3"), "EUR", "fr") == "-1\u202f000,00"
    assert write_percent(Decimal("5.50"), "fr") == "5,5\u202f%"
    assert write_day(date(2026, 2, 1), "fr") == "01/02/2026"


def test_english_figures_have_commas_and_points() -> None:
    assert write_amount(Decimal("-1234.5"), "EUR", "en") == "-€1,234.50"
    assert write_percent(Decimal("5.50"), "en") == "5.5%"
    assert write_day(date(2026, 2, 1), "en") == "1 Feb 2026"


def test_no_figure_is_rounded() -> None:
    assert write_number(Decimal("0.123456"), "EUR", "fr") == "0,123456"
    assert write_number(Decimal("1200.50"), "JPY", "fr") == "1\u202f200,5"
    assert write_quantity(Decimal("2.500"), "fr") == "2,5"


def test_units_are_words_in_the_right_number() -> None:
    assert page_words.unit_word("HUR", Decimal("1.5"), "fr") == "heure"
    assert page_words.unit_word("HUR", Decimal("1.5"), "en") == "hours"
    assert page_words.unit_word("DAY", Decimal(2), "fr") == "jours"
    assert page_words.unit_word("XYZ", Decimal(2), "fr") == "XYZ"


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
