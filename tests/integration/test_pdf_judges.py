"""Independent judges of our files: veraPDF for PDF/A-3A, PDF/A-3B and PDF/UA-1.

``QUITTANCE_VERAPDF_JAR`` names the jar ``org.verapdf.apps:greenfield-apps`` from Maven Central; Java runs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from page_documents import LOGO, PAY_URL, an_invoice, kinds_of_page
from page_files import FILES, JPEG, PNG
from page_showcase import showcase

from einvoice.document import Attachment
from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import write_facturx
from einvoice.formats.page import read_logo, render_page

if TYPE_CHECKING:
    from einvoice.document import Document

JAR = os.environ.get("QUITTANCE_VERAPDF_JAR", "")

pytestmark = pytest.mark.skipif(
    not (JAR and Path(JAR).is_file() and shutil.which("java")),
    reason="set QUITTANCE_VERAPDF_JAR to veraPDF's greenfield-apps jar and install Java to run this judge",
)


def judge(folder: Path, flavour: str) -> dict[str, str]:
    """VeraPDF's verdict (PASS or FAIL) on every file of ``folder``, by file name."""
    answer = subprocess.run(
        ["java", "-cp", JAR, "org.verapdf.apps.GreenfieldCliWrapper", "--format", "text", "--flavour", flavour, folder],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    ).stdout
    lines = [line.split() for line in answer.splitlines() if line.startswith(("PASS", "FAIL"))]
    return {Path(line[1]).name: line[0] for line in lines}


def judged_documents() -> dict[str, tuple[Document, dict[str, Any]]]:
    """Each kind of page, the showcase, every type of attachment and of logo, and documents of many pages."""
    attachments = tuple(
        Attachment(f"P-{n}", "DOCUMENT_ANNEXE", None, content, mime, f"pièce {n}")
        for n, (mime, content) in enumerate(FILES.items())
    )
    return {
        **kinds_of_page(),
        **showcase(),
        "attachments": (an_invoice(2, attachments=attachments), {"pay_url": PAY_URL}),
        "png logo": (an_invoice(2), {"logo_svg": read_logo(PNG)}),
        "jpeg logo": (an_invoice(2), {"logo_svg": read_logo(JPEG)}),
        "svg logo": (an_invoice(2), {"logo_svg": LOGO, "colour": "#ffffff"}),
        "400 lines": (an_invoice(400), {"pay_url": PAY_URL}),
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each kind of page as Factur-X, and one plain page."""
    folder = tmp_path_factory.mktemp("judged")
    for kind, (document, options) in judged_documents().items():
        pdf = write_facturx(document, write_cii(document), **options)
        (folder / f"{kind.replace(' ', '-')}.pdf").write_bytes(pdf)
    document, options = next(iter(kinds_of_page().values()))
    (folder / "plain.pdf").write_bytes(render_page(document, **options))
    return folder


@pytest.mark.parametrize("flavour", ["3a", "3b", "ua1"])
def test_verapdf_passes_every_kind_of_page(files: Path, flavour: str) -> None:
    verdicts = judge(files, flavour)
    assert len(verdicts) == len(judged_documents()) + 1
    assert set(verdicts.values()) == {"PASS"}, verdicts


def test_verapdf_fails_a_file_whose_extension_schema_is_missing(files: Path, tmp_path: Path) -> None:
    """The control: the same file with its schema description renamed is caught."""
    good = (files / "credit-note.pdf").read_bytes()
    wrong = good.replace(b"<pdfaSchema:prefix>fx<", b"<pdfaSchema:prefiy>fx<").replace(
        b"fx</pdfaSchema:prefix>", b"fx</pdfaSchema:prefiy>"
    )
    assert len(wrong) == len(good)
    assert wrong != good
    (tmp_path / "wrong.pdf").write_bytes(wrong)
    assert judge(tmp_path, "3a") == {"wrong.pdf": "FAIL"}
