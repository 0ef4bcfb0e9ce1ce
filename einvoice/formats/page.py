"""The readable page (*lisible*) of an invoice: one PDF that is PDF/A-3A and PDF/UA-1, with its way to pay.

Everything shown comes from the document (see ``page_view``) plus what the caller offers: pay link, logo, colour.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from config.typeset import TypesetError, compile_pdf, draw_pages, name_characters
from einvoice.formats.page_attachments import embed
from einvoice.formats.page_errors import PageError
from einvoice.formats.page_figures import printable
from einvoice.formats.page_logo import check_logo, read_logo
from einvoice.formats.page_qr import INK, draw_link, draw_transfer
from einvoice.formats.page_view import describe
from einvoice.formats.page_wording import Wording
from einvoice.formats.page_words import LANGUAGES
from einvoice.formats.profiles import BASIC_WL_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Document

__all__ = [
    "DEFAULT_COLOUR",
    "Language",
    "PageError",
    "check_characters",
    "check_link",
    "check_logo",
    "choose_colours",
    "contrast",
    "draw_page_pictures",
    "draw_transfer",
    "read_logo",
    "render_page",
]

Language = Literal["fr", "en"]

TEMPLATE = Path(__file__).parent / "templates" / "invoice.typ"
CHARACTERS = TEMPLATE.with_name("characters.typ")
DEFAULT_COLOUR = "#0f766e"
"""A calm green on which white text has a contrast of 5.5 (WCAG asks for 4.5)."""
MAX_LINK_LENGTH = 300
"""Longest pay link, in characters: a longer one makes a QR code of 25 mm that phones cannot read."""
READABLE_CONTRAST = 4.5
"""WCAG 2.2 criterion 1.4.3, contrast of text on its ground."""
WHITE = "#ffffff"

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LONG_WORD = re.compile(r"\S{30}")
"""What may be wider than its column: only then does the template look for it, which takes a tenth of its time."""
_LINK = re.compile(r"https?://[!-~]+")

_known_characters: set[str] = set()
"""Characters that the font was seen to show, in this process."""


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
    Supporting documents with content (BT-125) become files of the PDF and stand in the page's list of them; ``xml`` is
    attached as ``factur-x.xml`` (see ``facturx.write_facturx``, which also writes the metadata).

    Raises:
        PageError: see its codes.
    """
    view, data = _say_page(document, pay_url, logo_svg, colour, language)
    files = embed(document.attachments, Wording(language, document.currency))
    view["files"] = [[file.name, file.mime, file.description] for file in files]
    data["view"] = json.dumps(view, ensure_ascii=False)
    if xml is not None:
        data["xml"] = _decode(xml)
        # An XML without lines is data of the page, not an alternative to it (Factur-X 1.08, 6.2.2).
        data["relationship"] = "data" if document.profile == BASIC_WL_ID else "alternative"
    try:
        return compile_pdf(TEMPLATE, data, files=[file.content for file in files])
    except TypesetError as error:
        raise _explain(error, view, document) from error


def draw_page_pictures(
    document: Document,
    *,
    pay_url: str | None = None,
    logo_svg: str | None = None,
    colour: str = DEFAULT_COLOUR,
    language: Language = "fr",
    most: int = 1,
) -> list[bytes]:
    """The first pages of :func:`render_page` as pictures (PNG), to be looked at while an invoice is written.

    Raises:
        PageError: see its codes.
    """
    view, data = _say_page(document, pay_url, logo_svg, colour, language)
    data["view"] = json.dumps(view | {"files": []}, ensure_ascii=False)
    try:
        return draw_pages(TEMPLATE, data, most)
    except TypesetError as error:
        raise _explain(error, view, document) from error


def _say_page(
    document: Document, pay_url: str | None, logo_svg: str | None, colour: str, language: Language
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the page says, and the drawings on it."""
    if language not in LANGUAGES:
        raise PageError(
            "page.bad_language",
            f"{language!r} is no language of the page; choose 'fr' or 'en'.",
            f"{language!r} n'est pas une langue de la page ; choisir 'fr' ou 'en'.",
        )
    view = describe(document, pay_url, language)
    view["colour"] = choose_colours(colour)
    view["long_words"] = any(_LONG_WORD.search(text) for text in _texts(view) if text != pay_url)
    data: dict[str, str] = {}
    if pay_url is not None:
        data["qr_link"] = draw_link(check_link(pay_url))
    if (transfer := draw_transfer(document)) is not None:
        data["qr_sepa"] = transfer
    if logo_svg is not None:
        data["logo"] = check_logo(logo_svg)
    return view, data


def check_characters(document: Document, language: Language = "fr") -> None:
    """Make sure that the page can show every character of ``document`` and hold its files, without setting the page.

    Asked before an invoice is numbered. Characters seen once are known from then on, so that it costs next to nothing.

    Raises:
        PageError: ``page.missing_glyph``, ``attachment.type_differs`` or ``attachment.type_unknown``.
    """
    view = describe(document, None, language)
    fresh = set("".join(_texts(view))) - _known_characters
    if not fresh:
        return
    try:
        compile_pdf(CHARACTERS, {"text": " ".join(sorted(fresh))})
    except TypesetError as error:
        raise _explain(error, view, document) from error
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


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 # WCAG's constants
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _explain(error: TypesetError, view: dict[str, Any], document: Document) -> PageError:
    """The typesetter's refusal, with the field and the text in which the first missing character stands."""
    if not error.characters:
        return PageError(error.code, str(error), f"La page n'a pas pu être composée : {error}")
    named = name_characters(error.characters)
    place, where = next(_fields_with(document, error.characters[0]), ("", ""))
    where = where or next((text for text in _texts(view) if error.characters[0] in text), "")
    field = f" ({place})" if place else ""
    return PageError(
        error.code,
        f"The page's font cannot show {named}, in {where!r}{field}. Use Latin, Greek or Cyrillic letters.",
        f"La police de la page n'a pas {named}, dans {where!r}{field}. Employer l'alphabet latin, grec ou cyrillique.",
        place=place or None,
    )


def _fields_with(value: Any, character: str, path: str = "") -> Iterator[tuple[str, str]]:
    """The path and the text of every field below ``value`` in which ``character`` stands: ``lines[0].name``."""
    if isinstance(value, str):
        if character in printable(value):
            yield path, value
    elif isinstance(value, tuple):
        for number, below in enumerate(value):
            yield from _fields_with(below, character, f"{path}[{number}]")
    elif is_dataclass(value):
        for term in fields(value):
            yield from _fields_with(getattr(value, term.name), character, f"{path}.{term.name}".lstrip("."))


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
