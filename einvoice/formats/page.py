"""The readable page (*lisible*) of an invoice: one PDF that is PDF/A-3A and PDF/UA-1, with its way to pay.

Everything shown comes from the document (see ``page_view``) plus what the caller offers: pay link, logo, colour.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import segno
from segno.helpers import make_epc_qr

from config.safe_xml import UnsafeXmlError, parse, to_bytes
from config.typeset import TypesetError, compile_pdf, name_characters
from einvoice.errors import EInvoiceError
from einvoice.formats.page_figures import compact, is_iban, printable
from einvoice.formats.page_view import describe
from einvoice.formats.page_words import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Document

Language = Literal["fr", "en"]

TEMPLATE = Path(__file__).parent / "templates" / "invoice.typ"
CHARACTERS = TEMPLATE.with_name("characters.typ")
DEFAULT_COLOUR = "#0f766e"
"""A calm green on which white text has a contrast of 5.5 (WCAG asks for 4.5)."""
MAX_LOGO_BYTES = 512 * 1024
"""Largest logo, in bytes of SVG: it is stored again in every invoice."""
MAX_LINK_LENGTH = 300
"""Longest pay link, in characters: a longer one makes a QR code of 25 mm that phones cannot read."""
SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
READABLE_CONTRAST = 4.5
"""WCAG 2.2 criterion 1.4.3, contrast of text on its ground."""
INK = "#14181f"
WHITE = "#ffffff"

TRANSFER_MEANS = frozenset({"30", "42", "58"})
"""BT-81 codes of a transfer that the buyer makes; a debit (49, 59) must not be paid twice."""
SEPA_MOST = Decimal("999999999.99")
SEPA_NAME_LENGTH = 70
"""Limits of EPC069-12, in euros and in characters."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LINK = re.compile(r"https?://[!-~]+")
_STRUCTURED_REFERENCE = re.compile(r"RF\d{2}[A-Z0-9]{1,21}")


_known_characters: set[str] = set()
"""Characters that the font was seen to show, in this process."""


class PageError(EInvoiceError):
    """No page can be made of this.

    Codes: ``page.bad_link``, ``page.bad_colour``, ``page.bad_logo``, ``page.bad_language``, ``page.xml_not_utf8``
    for what the caller offers, ``page.missing_glyph`` for a character of the document, ``page.not_set`` otherwise.
    """


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
        PageError: see its codes.
    """
    if language not in LANGUAGES:
        raise PageError(
            "page.bad_language",
            f"{language!r} is no language of the page; choose 'fr' or 'en'.",
            f"{language!r} n'est pas une langue de la page ; choisir 'fr' ou 'en'.",
        )
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
    try:
        return compile_pdf(TEMPLATE, data)
    except TypesetError as error:
        raise _explain(error, view) from error


def check_characters(document: Document, language: Language = "fr") -> None:
    """Make sure that the page can show every character of ``document``, without setting the page.

    Asked before an invoice is numbered. Characters seen once are known from then on, so that it costs next to nothing.

    Raises:
        PageError: ``page.missing_glyph``.
    """
    view = describe(document, None, language)
    fresh = set("".join(_texts(view))) - _known_characters
    if not fresh:
        return
    try:
        compile_pdf(CHARACTERS, {"text": " ".join(sorted(fresh))})
    except TypesetError as error:
        raise _explain(error, view) from error
    _known_characters.update(fresh)


def check_link(url: str) -> str:
    """``url`` itself, if it is one that a reader may safely follow.

    Raises:
        PageError: ``page.bad_link``.
    """
    if not _LINK.fullmatch(url) or len(url) > MAX_LINK_LENGTH:
        raise PageError(
            "page.bad_link",
            f"The pay link {url[:MAX_LINK_LENGTH]!r} is no http(s) address of at most {MAX_LINK_LENGTH} ASCII"
            " characters; check the public URL.",
            f"Le lien de paiement {url[:MAX_LINK_LENGTH]!r} n'est pas une adresse http(s) d'au plus {MAX_LINK_LENGTH}"
            " caractères ASCII ; vérifier l'adresse publique.",
        )
    return url


def check_logo(svg: str) -> str:
    """``svg`` parsed and written again, so that neither a DOCTYPE nor an entity reaches the page.

    Raises:
        PageError: ``page.bad_logo``.
    """
    try:
        root = parse(svg.encode(), max_bytes=MAX_LOGO_BYTES)
    except UnsafeXmlError as error:
        raise PageError(
            "page.bad_logo",
            f"The logo is no SVG that we accept. {error}",
            f"Le logo n'est pas un SVG accepté. {error}",
        ) from error
    if root.tag != SVG_ROOT:
        raise PageError(
            "page.bad_logo",
            f"The logo's root element is {root.tag!r}, not svg in the SVG namespace; export it again as SVG.",
            f"L'élément racine du logo est {root.tag!r}, et non svg ; l'exporter à nouveau en SVG.",
        )
    return to_bytes(root).decode()


def choose_colours(colour: str) -> dict[str, str]:
    """The accent colour, the text colour that is readable on it, and the accent's stand-in for text on white.

    Raises:
        PageError: ``page.bad_colour``.
    """
    if not _COLOUR.fullmatch(colour):
        raise PageError(
            "page.bad_colour",
            f"{colour!r} is no colour; write it as #rrggbb.",
            f"{colour!r} n'est pas une couleur ; l'écrire #rrvvbb.",
        )
    readable = contrast(colour, WHITE) >= READABLE_CONTRAST
    return {"accent": colour, "on_accent": WHITE if readable else INK, "ink": colour if readable else INK}


def contrast(first: str, second: str) -> float:
    """The contrast of two ``#rrggbb`` colours, from 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def draw_transfer(document: Document) -> str | None:
    """The EPC069-12 code (version 002, UTF-8, level M) of the SEPA transfer that pays ``document``, as SVG.

    None where there is nothing to transfer (no IBAN, another currency, a debit, a credit note, an amount out of range)
    and where a term does not fit into the code, e.g. a reference of more than 140 characters: a shortened one would
    not be matched. The page prints the bank details in any case.
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
    try:
        code = make_epc_qr(
            name=_one_line(account.holder or payee.name)[:SEPA_NAME_LENGTH],
            iban=compact(account.number),
            amount=payable,
            bic=compact(account.bic) if account.bic else None,
            reference=reference if structured else None,
            text=None if structured else _one_line(payment.remittance or document.number),
            encoding="utf-8",
        )
    except ValueError:
        return None
    return _draw(code)


def _one_line(text: str) -> str:
    """``text`` without line breaks: in EPC069-12 a line is a field, so that a break in a name would be another IBAN."""
    return " ".join(printable(text).split())


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


def _explain(error: TypesetError, view: dict[str, Any]) -> PageError:
    """The typesetter's refusal, with the text in which the first missing character stands."""
    if not error.characters:
        return PageError(error.code, str(error), f"La page n'a pas pu être composée : {error}")
    named = name_characters(error.characters)
    where = next((text for text in _texts(view) if error.characters[0] in text), "")
    return PageError(
        error.code,
        f"The page's font cannot show {named}, in {where!r}. Use Latin, Greek or Cyrillic letters.",
        f"La police de la page n'a pas {named}, dans {where!r}. Employer l'alphabet latin, grec ou cyrillique.",
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text below ``value``."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)


def _decode(xml: bytes) -> str:
    try:
        return xml.decode()
    except UnicodeDecodeError as error:
        raise PageError(
            "page.xml_not_utf8",
            "The XML to attach is not UTF-8; write it again as UTF-8.",
            "Le XML à joindre n'est pas en UTF-8 ; l'écrire à nouveau en UTF-8.",
        ) from error
