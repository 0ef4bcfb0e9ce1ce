"""The supplier's logo: SVG as it is, PNG and JPEG wrapped into one, so that one kind of drawing reaches the page."""

from __future__ import annotations

import base64
import re
import struct

from lxml import etree

from config.safe_xml import UnsafeXmlError, parse, to_bytes
from einvoice.formats.page_errors import PageError

MAX_LOGO_BYTES = 512 * 1024
"""Largest logo, in bytes of SVG: it is stored again in every invoice."""
MAX_IMAGE_BYTES = 360 * 1024
"""Largest PNG or JPEG, in bytes: base 64 and the wrapping make a third more of it."""
MAX_IMAGE_SIDE = 4000
"""Longest side, in pixels: an image of a few bytes can unpack to gigabytes."""
SVG = "http://www.w3.org/2000/svg"
_LINKS = frozenset({"href", "src"})
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_INLINE = re.compile(r"\s*(#|data:image/(png|jpeg);base64,)")
_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)", re.IGNORECASE)
_REACHING = re.compile(r"@import|image-set\(|image\(|src\(|\\", re.IGNORECASE)
"""What else a style reaches out with; a backslash could spell any of it."""
_UNWANTED = frozenset({"script", "foreignObject", "text", "animate", "set"})
"""Elements that a printed page cannot show, or shows otherwise than the supplier's screen."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers SOFn, which hold height, width and the number of colour components."""
_CMYK = 4


def read_logo(content: bytes) -> str:
    """A logo file (SVG, PNG or JPEG) as the SVG that ``render_page`` and the supplier's profile take.

    Raises:
        PageError: ``page.bad_logo``.
    """
    if content.startswith(_PNG):
        return _wrap(content, "png", *_size_of_png(content))
    if content.startswith(_JPEG):
        return _wrap(content, "jpeg", *_size_of_jpeg(content))
    try:
        return check_logo(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _bad("The logo is neither SVG, PNG nor JPEG.", "Le logo n'est ni SVG, ni PNG, ni JPEG.") from error


def check_logo(svg: str) -> str:
    """``svg`` parsed and written again: no DOCTYPE, entity, script, text or address from outside reaches the page.

    Raises:
        PageError: ``page.bad_logo``.
    """
    try:
        root = parse(svg.encode(), max_bytes=MAX_LOGO_BYTES)
    except UnsafeXmlError as error:
        raise _bad(
            f"The logo is no SVG that we accept. {error}",
            "Le logo n'est pas un SVG lisible ; l'exporter à nouveau en SVG simple, en PNG ou en JPEG.",
        ) from error
    if root.tag != f"{{{SVG}}}svg":
        raise _bad(
            f"The logo's root element is {root.tag!r}, not svg in the SVG namespace; export it again as SVG.",
            f"L'élément racine du logo est {root.tag!r}, et non svg ; l'exporter à nouveau en SVG.",
        )
    for element in root.iter(etree.Element):
        _check_element(element)
    return to_bytes(root).decode()


def _check_element(element: etree._Element) -> None:
    name = etree.QName(element).localname
    if name in _UNWANTED:
        raise _bad(
            f"The logo holds a <{name}>; export it as SVG with text turned into paths and without script.",
            f"Le logo contient un <{name}> ; l'exporter en SVG avec les textes convertis en tracés, sans script.",
        )
    for attribute, value in element.items():
        if attribute.lower().startswith("on"):
            raise _bad(
                f"The logo runs a script ({attribute}); export it as SVG without script.",
                f"Le logo lance un script ({attribute}) ; l'exporter en SVG sans script.",
            )
        where = etree.QName(attribute)
        is_link = where.localname.lower() in _LINKS
        if (is_link and not _INLINE.match(value)) or (not is_link and not where.namespace and _reaches_out(value)):
            raise _outside(value)
    if name == "style" and _reaches_out("".join(element.itertext())):
        raise _outside("".join(element.itertext()))


def _reaches_out(style: str) -> bool:
    """Whether a style, or an attribute that is read like one, fetches something from elsewhere."""
    return bool(_REACHING.search(style)) or not all(_INLINE.match(each) for each in _URL.findall(style))


def _outside(value: str) -> PageError:
    return _bad(
        f"The logo refers to {value[:80]!r}; embed that image in the SVG.",
        f"Le logo renvoie à {value[:80]!r} ; incorporer cette image dans le SVG.",
    )


def _wrap(content: bytes, kind: str, width: int, height: int) -> str:
    if len(content) > MAX_IMAGE_BYTES or not 0 < max(width, height) <= MAX_IMAGE_SIDE or min(width, height) <= 0:
        raise _bad(
            f"The logo has {len(content)} bytes and {width} x {height} pixels; at most {MAX_IMAGE_BYTES} bytes and"
            f" {MAX_IMAGE_SIDE} pixels a side are possible.",
            f"Le logo a {len(content)} octets et {width} x {height} pixels ; au plus {MAX_IMAGE_BYTES} octets et"
            f" {MAX_IMAGE_SIDE} pixels de côté sont possibles.",
        )
    data = base64.b64encode(content).decode()
    return (
        f'<svg xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}"><image width="{width}" height="{height}"'
        f' xlink:href="data:image/{kind};base64,{data}"/></svg>'
    )


def _size_of_png(content: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header chunk (ISO/IEC 15948, 11.2.2)."""
    try:
        width, height = struct.unpack(">II", content[16:24])
    except struct.error as error:
        raise _bad("The PNG is cut off.", "Le PNG est tronqué.") from error
    return width, height


def _size_of_jpeg(content: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the frame header (ITU-T T.81, B.2.2); CMYK has no place in this PDF/A."""
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:  # noqa: PLR2004 # every marker begins so
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in _FRAMES:
            height, width, components = struct.unpack(">HHB", content[at + 5 : at + 10])
            if components == _CMYK:
                raise _bad("The JPEG is in CMYK; save it as RGB.", "Le JPEG est en CMJN ; l'enregistrer en RVB.")
            return width, height
        at += 2 + length
    raise _bad("The JPEG is cut off.", "Le JPEG est tronqué.")


def _bad(english: str, french: str) -> PageError:
    return PageError("page.bad_logo", english, french)
