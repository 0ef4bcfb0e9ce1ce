"""The readable page (*lisible*) of an invoice: one PDF that is PDF/A-3A and PDF/UA-1, with its way to pay.

Everything shown comes from the document (see ``page_view``) plus what the caller offers: pay link, logo, colour.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import segno
from segno.helpers import make_epc_qr

from config.safe_xml import UnsafeXmlError, parse, to_bytes
from config.typeset import compile_pdf
from einvoice.formats.page_figures import compact, is_iban, printable
from einvoice.formats.page_view import describe

if TYPE_CHECKING:
    from einvoice.document import Document

Language = Literal["fr", "en"]

TEMPLATE = Path(__file__).parent / "templates" / "invoice.typ"
DEFAULT_COLOUR = "#0f766e"
"""A calm green on which white text has a contrast of 5.5 (WCAG asks for 4.5)."""
MAX_LOGO_BYTES = 512 * 1024
"""Largest logo, in bytes of SVG: it is stored again in every invoice."""
SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
READABLE_CONTRAST = 4.5
"""WCAG 2.2 criterion 1.4.3, contrast of text on its ground."""
INK = "#14181f"
WHITE = "#ffffff"

TRANSFER_MEANS = frozenset({"30", "42", "58"})
"""BT-81 codes of a transfer that the buyer makes; a debit (49, 59) must not be paid twice."""
SEPA_MOST = Decimal("999999999.99")
SEPA_NAME_LENGTH = 70
SEPA_TEXT_LENGTH = 140
"""Limits of EPC069-12."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LINK = re.compile(r"https?://[!-~]+")
_STRUCTURED_REFERENCE = re.compile(r"RF\d{2}[A-Z0-9]{1,21}")


class PageError(ValueError):
    """An argument from which no page can be made; ``code`` is stable, the sentence says what to do."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def render_page(
    document: Document,
    *,
    pay_url: str | None = None,
    xml: bytes | None = None,
    logo_svg: str | None = None,
    colour: str = DEFAULT_COLOUR,
    language: Language = "fr",
) -> bytes:
    """The PDF of ``document``; equal arguments give equal bytes.

    ``pay_url`` becomes a button, a printed address and a QR code; a SEPA transfer in euros gets its EPC069-12 code.
    ``xml`` is attached as ``factur-x.xml`` (see ``facturx.write_facturx``, which also writes the metadata).

    Raises:
        PageError: ``page.bad_link``, ``page.bad_colour``, ``page.bad_logo``, ``page.bad_language``,
            ``page.xml_not_utf8``.
        TypesetError: ``page.missing_glyph`` or ``page.not_set``.
    """
    if language not in {"fr", "en"}:
        raise PageError("page.bad_language", f"{language!r} is no language of the page; choose 'fr' or 'en'.")
    view = describe(document, pay_url, language)
    view["colour"] = choose_colours(colour)
    data = {"view": json.dumps(view, ensure_ascii=False)}
    if pay_url is not None:
        data["qr_link"] = _draw(segno.make_qr(check_link(pay_url), error="m"))
    if (transfer := draw_transfer(document)) is not None:
        data["qr_sepa"] = transfer
    if logo_svg is not None:
        data["logo"] = check_logo(logo_svg)
    if xml is not None:
        data["xml"] = _decode(xml)
    return compile_pdf(TEMPLATE, data)


def check_link(url: str) -> str:
    """``url`` itself, if it is one that a reader may safely follow.

    Raises:
        PageError: ``page.bad_link``.
    """
    if not _LINK.fullmatch(url):
        raise PageError("page.bad_link", f"The pay link {url!r} is no http(s) address in ASCII; check the public URL.")
    return url


def check_logo(svg: str) -> str:
    """``svg`` parsed and written again, so that neither a DOCTYPE nor an entity reaches the page.

    Raises:
        PageError: ``page.bad_logo``.
    """
    try:
        root = parse(svg.encode(), max_bytes=MAX_LOGO_BYTES)
    except UnsafeXmlError as error:
        raise PageError("page.bad_logo", f"The logo is no SVG that we accept. {error}") from error
    if root.tag != SVG_ROOT:
        raise PageError("page.bad_logo", f"The logo's root element is {root.tag}, not svg in the SVG namespace.")
    return to_bytes(root).decode()


def choose_colours(colour: str) -> dict[str, str]:
    """The accent colour, the text colour that is readable on it, and the accent's stand-in for text on white.

    Raises:
        PageError: ``page.bad_colour``.
    """
    if not _COLOUR.fullmatch(colour):
        raise PageError("page.bad_colour", f"{colour!r} is no colour; write it as #rrggbb.")
    readable = contrast(colour, WHITE) >= READABLE_CONTRAST
    return {"accent": colour, "on_accent": WHITE if readable else INK, "ink": colour if readable else INK}


def contrast(first: str, second: str) -> float:
    """The contrast of two ``#rrggbb`` colours, from 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def draw_transfer(document: Document) -> str | None:
    """The EPC069-12 code (version 002, UTF-8, level M) of the SEPA transfer that pays ``document``, as SVG.

    None where there is nothing to transfer: no IBAN, another currency, a debit, a credit note, an amount out of range.
    """
    payment, payable = document.payment, document.totals.payable
    if document.currency != "EUR" or document.is_credit_note or not 0 < payable <= SEPA_MOST:
        return None
    if payment is None or payment.means_code not in TRANSFER_MEANS:
        return None
    account = next((account for account in payment.accounts if is_iban(account.number)), None)
    if account is None:
        return None
    payee = document.payee or document.seller
    reference = compact(payment.remittance or "")
    structured = _STRUCTURED_REFERENCE.fullmatch(reference) is not None
    return _draw(
        make_epc_qr(
            name=printable(account.holder or payee.name)[:SEPA_NAME_LENGTH],
            iban=compact(account.number),
            amount=payable,
            bic=compact(account.bic) if account.bic else None,
            reference=reference if structured else None,
            text=None if structured else printable(payment.remittance or document.number)[:SEPA_TEXT_LENGTH],
            encoding="utf-8",
        )
    )


def _draw(code: segno.QRCode) -> str:
    """A QR code as SVG, without border: the page leaves the quiet zone."""
    return str(code.svg_inline(border=0, dark=INK))


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 # WCAG's constants
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _decode(xml: bytes) -> str:
    try:
        return xml.decode()
    except UnicodeDecodeError as error:
        raise PageError("page.xml_not_utf8", "The XML to attach is not UTF-8; write it again as UTF-8.") from error
