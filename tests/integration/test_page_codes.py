"""The codes of the page as a phone sees them: the printed page is drawn and its QR codes are read back."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from page_documents import PAY_URL
from page_showcase import showcase

from einvoice.formats.page import render_page

if TYPE_CHECKING:
    from pathlib import Path

zxing = pytest.importorskip("zxingcpp", reason="install zxing-cpp to read the codes of the page")
pytestmark = pytest.mark.skipif(not shutil.which("pdftoppm"), reason="install poppler-utils to draw the page")

RESOLUTION_DPI = 100
"""A page held some way off."""


def codes_of(pdf: bytes, folder: Path) -> set[str]:
    """What the QR codes of all pages say."""
    (folder / "page.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", str(RESOLUTION_DPI), "-gray", "page.pdf", "page"], cwd=folder, check=True)
    return {code.text for page in sorted(folder.glob("page*.pgm")) for code in zxing.read_barcodes(picture(page))}


def picture(page: Path) -> memoryview:
    """A grey picture as the reader takes it: rows of bytes."""
    magic, size, _depth, pixels = page.read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    assert magic == b"P5"
    return memoryview(pixels).cast("B", shape=[height, width])


@pytest.mark.parametrize("kind", ["01-service", "09-sixty-lines", "12-extended"])
def test_the_printed_codes_lead_to_the_payment_and_fill_in_the_transfer(kind: str, tmp_path: Path) -> None:
    document, options = showcase()[kind]
    link, transfer = sorted(codes_of(render_page(document, **options), tmp_path), key=lambda text: text[:3] == "BCD")
    assert link == PAY_URL
    assert document.payment is not None
    lines = transfer.split("\n")
    assert lines[:4] == ["BCD", "002", "1", "SCT"]
    assert lines[5:7] == [document.payment.accounts[0].holder, document.payment.accounts[0].number]
    assert lines[7] == f"EUR{document.totals.payable.normalize():f}"
    assert lines[9] == document.payment.remittance


def test_a_foreign_currency_has_only_the_code_of_the_link(tmp_path: Path) -> None:
    document, options = showcase()["06-foreign-currency"]
    assert codes_of(render_page(document, **options), tmp_path) == {PAY_URL}


def test_a_credit_note_asks_for_no_transfer(tmp_path: Path) -> None:
    document, _ = showcase()["05-credit-note"]
    assert codes_of(render_page(document), tmp_path) == set()
