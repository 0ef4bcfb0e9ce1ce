"""The one typesetting engine: a typst template and its data become a PDF, byte-identical for equal input.

Data reach a template as strings only (``sys.inputs``), so that markup in a customer's name stays text, and files to
attach as bytes that it never looks into. The only fonts are those of the package ``font-source-sans-pro``: system fonts
would make the same invoice differ from one machine to the next.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import font_source_sans_pro
import typst
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FONT = "Source Sans Pro"
"""The family every template must name."""
ARCHIVE_STANDARDS: tuple[typst.PDFStandard, ...] = ("a-3a", "ua-1")
"""PDF/A-3A (ISO 19005-3, tagged, with attachments) and PDF/UA-1 (ISO 14289-1, accessible) in one file."""
FIXED_TIMESTAMP_S = 0
"""What typst takes for "now" (Unix seconds): a template that sets no date must not read the clock."""

PICTURE_PPI = 110
"""Pixels per inch of a picture of a page: its smallest print is read on a screen without enlarging."""
PICTURE_COLOURS = 32
"""A page is flat colours: so many take a quarter of the bytes, and nobody sees the difference."""

_UNSHOWN = re.compile(r'the text `"(.*?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
_threads = threading.local()


class TypesetError(ValueError):
    """A page that cannot be set; ``code`` is stable, ``characters`` are those that the font lacks."""

    def __init__(self, code: str, sentence: str, characters: tuple[str, ...] = ()) -> None:
        super().__init__(sentence)
        self.code = code
        self.characters = characters


def compile_pdf(
    template: Path,
    data: Mapping[str, str],
    *,
    files: Sequence[bytes] = (),
    standards: Sequence[typst.PDFStandard] = ARCHIVE_STANDARDS,
) -> bytes:
    """Set ``template`` with ``data`` and return the PDF.

    The template sees its own folder and nothing else; ``files`` are ``files/0``, ``files/1`` ... in it. Safe from any
    thread: each has its own compiler, and typst releases the interpreter lock while it works.

    Raises:
        TypesetError: ``page.missing_glyph`` names the characters that the font lacks; ``page.not_set`` is any
            other refusal of typst, with its message.
    """
    if not files:
        return _compile(template, data, standards)
    with TemporaryDirectory(prefix="quittance-page-") as folder:
        copy = Path(folder) / template.name
        copy.write_bytes(template.read_bytes())
        (copy.parent / "files").mkdir()
        for number, content in enumerate(files):
            (copy.parent / "files" / str(number)).write_bytes(content)
        return _compile(copy, data, standards)


def draw_pages(template: Path, data: Mapping[str, str], most: int) -> list[bytes]:
    """The first pages of ``template`` with ``data``, ``most`` of them, each as a PNG; attached files are left out.

    Raises:
        TypesetError: ``page.not_set``: typst refuses, with its message.
    """
    try:
        drawn = _compiler().compile(
            input=template,
            root=template.parent,
            sys_inputs=dict(data),
            format="png",
            ppi=PICTURE_PPI,
            timestamp=FIXED_TIMESTAMP_S,
        )
    except typst.TypstError as error:
        raise _explain(error, template) from error
    pages = [drawn] if isinstance(drawn, bytes) else list(drawn or ())
    return [_lighter(page) for page in pages[:most]]


def _lighter(picture: bytes) -> bytes:
    """``picture`` in few colours."""
    with Image.open(BytesIO(picture)) as drawn:
        few = drawn.convert("RGB").quantize(PICTURE_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    written = BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


def _compile(template: Path, data: Mapping[str, str], standards: Sequence[typst.PDFStandard]) -> bytes:
    try:
        pdf = _compiler().compile(
            input=template,
            root=template.parent,
            sys_inputs=dict(data),
            pdf_standards=list(standards),
            timestamp=FIXED_TIMESTAMP_S,
        )
    except typst.TypstError as error:
        raise _explain(error, template) from error
    if not isinstance(pdf, bytes):
        raise TypesetError("page.not_set", f"typst returned no PDF for {template.name}.")
    return pdf


def _compiler() -> typst.Compiler:
    """This thread's compiler: a compiler keeps the inputs of its last run, so that two threads cannot share one."""
    found: typst.Compiler | None = getattr(_threads, "compiler", None)
    if found is None:
        found = _threads.compiler = typst.Compiler(font_paths=_fonts())
    return found


@cache
def _fonts() -> typst.Fonts:
    """The font set, read once per process."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_source_sans_pro.font_directory]
    )


def _explain(error: typst.TypstError, template: Path) -> TypesetError:
    """Our error for typst's: under PDF/A it refuses each character without a glyph, and its diagnostic lists them."""
    unshown = "".join(_UNSHOWN.findall(error.diagnostic or ""))
    characters = tuple(dict.fromkeys(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), unshown)))
    if not characters:
        return TypesetError("page.not_set", f"typst refuses {template.name}: {error.message}")
    return TypesetError(
        "page.missing_glyph",
        f"The font {FONT} cannot show {name_characters(characters)}. Use Latin, Greek or Cyrillic letters.",
        characters,
    )


def name_characters(characters: Sequence[str]) -> str:
    """Characters so that a reader can find them, even invisible ones: ``'漢' (U+6F22)``."""
    return ", ".join(f"{character!r} (U+{ord(character):04X})" for character in characters)
