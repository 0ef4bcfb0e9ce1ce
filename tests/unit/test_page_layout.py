"""Pages of every length: heads, sums carried forward, totals, links, and the order in which they are read out."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pikepdf
import pypdf
import pytest
from page_documents import LOGO, PAY_URL, an_invoice
from page_reading import furthest_right, pages_of, squeeze, structure_of, text_of

from einvoice.document import Totals
from einvoice.formats.page import render_page
from einvoice.formats.page_figures import write_amount

if TYPE_CHECKING:
    from pathlib import Path


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
    assert "A" * 150 in text_of(pdf)
    assert furthest_right(pdf) < 595


@pytest.mark.parametrize("lines", [3, 40, 200])
def test_a_page_that_ends_within_the_lines_carries_their_sum_to_the_next(lines: int) -> None:
    pages = pages_of(render_page(an_invoice(lines), pay_url=PAY_URL))
    seen = 0
    for page, following in zip(pages, [*pages[1:], ""], strict=True):
        seen += page.count("heures")
        carried = squeeze(f"À reporter {write_amount(Decimal(100 * seen), 'EUR', 'fr')}")
        assert (carried in page) == (0 < seen < lines)
        assert (carried.removeprefix("À").replace("reporter", "Report") in following) == (0 < seen < lines)
    assert seen == lines
    assert sum("Àreporter" in page for page in pages) == (
        0 if lines == 3 else len(pages) - 1 - ("heures" not in pages[-1])
    )


def test_groups_and_information_are_not_carried_forward() -> None:
    document = an_invoice(60)
    first = replace(document.lines[0], kind="GROUP")
    pages = pages_of(render_page(replace(document, lines=(first, *document.lines[1:]))))
    assert squeeze(f"À reporter {write_amount(Decimal(100 * (pages[0].count('heures') - 1)), 'EUR', 'fr')}") in pages[0]


@pytest.mark.parametrize("lines", range(11, 36, 3))
def test_the_totals_never_stand_without_a_line(lines: int) -> None:
    pages = pages_of(render_page(an_invoice(lines), pay_url=PAY_URL))
    (closing,) = [page for page in pages if "VentilationdelaTVA" in page]
    assert "heures" in closing
    assert squeeze("Total TTC") in closing


def test_fifteen_hundred_lines_fit_on_fifty_pages() -> None:
    pages = pages_of(render_page(an_invoice(1500)))
    assert len(pages) <= 50
    assert sum(page.count("heures") for page in pages) == 1500
    assert f"page{len(pages)}/{len(pages)}" in pages[-1]


def test_long_texts_tiny_prices_and_huge_amounts_stay_whole() -> None:
    huge, tiny = Decimal("12345678901234.56"), Decimal("0.000001")
    line = replace(
        an_invoice(1).lines[0],
        name="Étude " * 40,
        description="Une phrase de la description, assez longue. " * 50,
        note="x" * 2000,
        net_price=tiny,
        quantity=Decimal("12345678901.2345"),
        net_amount=huge,
    )
    document = an_invoice(1, totals=Totals(huge, huge, huge, huge, vat=Decimal(0)))
    buyer = replace(document.buyer, name="Société " * 20)
    pdf = render_page(replace(document, lines=(line, line, line), buyer=buyer), pay_url=PAY_URL)
    text = text_of(pdf)
    split = len(pypdf.PdfReader(io.BytesIO(pdf)).pages) - 1  # sentences with the foot of a page in between
    assert 150 - split <= text.count(squeeze("Une phrase de la description, assez longue.")) <= 150
    assert text.count(squeeze("12 345 678 901 234,56")) >= 4
    assert text.count("0,000001") == 3
    assert text.count(squeeze("Société " * 20)) == 1
    assert furthest_right(pdf) < 595


# -- for those who listen to it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_file_says_its_language_and_its_title_is_a_heading(language: Any) -> None:
    pdf = render_page(an_invoice(2), pay_url=PAY_URL, language=language)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert str(opened.Root.Lang).startswith(language)
        assert bool(opened.Root.ViewerPreferences.DisplayDocTitle)
    kinds = [kind for kind, _ in structure_of(pdf)]
    assert kinds.count("/H1") == 1
    assert kinds.index("/H1") < kinds.index("/Table")


def test_drawings_have_words_and_tables_have_heads() -> None:
    elements = structure_of(render_page(an_invoice(2), pay_url=PAY_URL, logo_svg=LOGO))
    alternatives = [attributes.get("/Alt", "") for kind, attributes in elements if kind == "/Figure"]
    assert len(alternatives) == 3
    assert all(alternatives)
    assert any(PAY_URL in words for words in alternatives)
    kinds = [kind for kind, _ in elements]
    assert kinds.count("/THead") == kinds.count("/Table") == 2
    assert kinds.count("/TH") >= 9


def test_the_page_reads_from_the_sender_to_the_small_print(tmp_path: Path) -> None:
    """The order of ``pdftotext`` without layout, which is that of the file, and so of a screen reader."""
    (tmp_path / "page.pdf").write_bytes(render_page(an_invoice(2), pay_url=PAY_URL))
    command = ["pdftotext", "-raw", str(tmp_path / "page.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    order = ["Facture\n", "Émetteur", "Facturé à", "Échéance", "Désignation", "Prestation 1", "Prestation 2",
             "Ventilation de la TVA", "Total HT", "Total TTC", "Régler cette facture", "IBAN", "Catégorie",
             "Données de la facture"]  # fmt: skip
    places = [text.index(word) for word in order]
    assert places == sorted(places)
