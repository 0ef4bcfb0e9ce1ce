"""The XML of an invoice with its payment link, for each form: written from the model, or patched as received.

A finished invoice is never rewritten in its own syntax: the link is inserted and everything else stays. In the other
syntax it is written from the model, and only where nothing is lost on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from config import safe_xml
from einvoice.composing.build import LINK_PREFIX, is_payable_here, with_payment_link
from einvoice.document import Attachment
from einvoice.errors import EInvoiceError, LinkNotCarriedError
from einvoice.formats.cii import write_cii
from einvoice.formats.link import add_payment_link
from einvoice.formats.profiles import in_form
from einvoice.formats.reader import read_xml
from einvoice.formats.semantics import difference
from einvoice.formats.ubl import write_ubl

if TYPE_CHECKING:
    from einvoice.document import Document
    from einvoice.formats.profiles import Form

Syntax = Literal["cii", "ubl"]
SYNTAXES: dict[Form, Syntax] = {"facturx": "cii", "cii": "cii", "ubl": "ubl"}
"""The XML inside each form."""
WRITERS = {"cii": write_cii, "ubl": write_ubl}
MOST_NAMED = 5
"""Terms named in a refusal: enough to see what it is about."""


class LossyConversionError(EInvoiceError):
    """The other syntax cannot carry everything that the file says (``invoice.conversion_loses``)."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished invoice as it came: its XML, its syntax, and the XPaths of values that the model does not carry."""

    xml: bytes
    syntax: Syntax
    beside: tuple[str, ...] = ()


def write_xml(document: Document, finished: Finished | None, form: Form, url: str) -> bytes:
    """The XML of the invoice in ``form``, with ``url`` in BG-24 (BT-124).

    Raises:
        LossyConversionError: ``invoice.conversion_loses``.
    """
    syntax = SYNTAXES[form]
    if finished is not None and finished.syntax == syntax:
        return _patched(document, finished, url)
    document = in_form(document, form)
    if finished is None:
        return WRITERS[syntax](with_payment_link(document, url))
    linked = document
    if is_payable_here(document):
        link = Attachment(LINK_PREFIX + document.number, url=url)
        linked = replace(document, attachments=(*document.attachments, link))
    lost = finished.beside
    if not lost:
        written = WRITERS[syntax](linked)
        lost = tuple(each.path for each in difference(linked, read_xml(safe_xml.parse(written)).document))
        if not lost:
            return written
    named = ", ".join(lost[:MOST_NAMED]) + (" ..." if len(lost) > MOST_NAMED else "")
    raise LossyConversionError(
        "invoice.conversion_loses",
        f"Written as {syntax.upper()} this invoice would lose {named}. Ask for {finished.syntax.upper()} instead.",
        f"Écrite en {syntax.upper()}, cette facture perdrait {named}. Demandez plutôt {finished.syntax.upper()}.",
    )


def _patched(document: Document, finished: Finished, url: str) -> bytes:
    """The file as received, with the link where its profile has a place for it; else the page alone carries it."""
    if not is_payable_here(document):
        return finished.xml
    try:
        return add_payment_link(safe_xml.parse(finished.xml), url, LINK_PREFIX + document.number)
    except LinkNotCarriedError:
        return finished.xml
