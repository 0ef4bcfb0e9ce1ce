"""The other files of a flow: the invoice in another syntax, and a page to read it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.formats.page import render_page
from einvoice.formats.profiles import in_form
from einvoice.formats.reader import read_xml
from einvoice.platform.port import Syntax
from einvoice.rendering import WRITERS

if TYPE_CHECKING:
    from portal.sandboxes.platform.flows import StoredFlow
    from portal.sandboxes.platform.options import Extract

PDF, XML = "application/pdf", "application/xml"
INVOICES = frozenset({Syntax.CII.value, Syntax.UBL.value, Syntax.FACTUR_X.value})


class NoConversionError(ValueError):
    """The flow has no such file; the sentence says why."""


def convert(flow: StoredFlow, extract_xml: Extract) -> tuple[bytes, str]:
    """The invoice in another syntax, and its file name: a Factur-X as its XML, CII as UBL and UBL as CII.

    Raises:
        NoConversionError: the flow is no invoice, or our model cannot write it in the other syntax.
    """
    _check_invoice(flow)
    if flow.syntax == Syntax.FACTUR_X:
        return _xml_of(flow, extract_xml), f"{_stem(flow)}.xml"
    form: Literal["ubl", "cii"] = "ubl" if flow.syntax == Syntax.CII else "cii"
    try:
        document = read_xml(safe_xml.parse(flow.content)).document
        return WRITERS[form](in_form(document, form)), f"{_stem(flow)}-{form}.xml"
    except (EInvoiceError, safe_xml.UnsafeXmlError) as error:
        raise NoConversionError(f"The invoice cannot be written as {form.upper()}: {error}") from error


def show(flow: StoredFlow) -> tuple[bytes, str]:
    """A PDF to read the invoice on: the Factur-X itself, or a page made of the XML.

    Raises:
        NoConversionError: the flow is no invoice, or no page can be made of it.
    """
    _check_invoice(flow)
    if flow.syntax == Syntax.FACTUR_X:
        return flow.content, flow.name
    try:
        document = read_xml(safe_xml.parse(flow.content)).document
        return render_page(document), f"{_stem(flow)}.pdf"
    except (EInvoiceError, safe_xml.UnsafeXmlError) as error:
        raise NoConversionError(f"No page can be made of the invoice: {error}") from error


def _check_invoice(flow: StoredFlow) -> None:
    if flow.syntax not in INVOICES or flow.facts is None:
        raise NoConversionError("Only an invoice that could be read has other files.")


def _xml_of(flow: StoredFlow, extract_xml: Extract) -> bytes:
    try:
        return extract_xml(flow.content)
    except Exception as error:  # the extraction is injected: whatever it raises, there is no XML
        raise NoConversionError(f"The PDF holds no usable invoice: {error}") from error


def _stem(flow: StoredFlow) -> str:
    return flow.name.rpartition(".")[0] or flow.name
