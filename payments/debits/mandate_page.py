"""The mandate as a document (PDF): what was agreed to, by whom and when; the same input gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from config.typeset import compile_pdf
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import date

    from payments.debits.wording import MandateWords

TEMPLATE = Path(__file__).parent / "templates" / "mandate.typ"
_SIGNED = {
    "fr": ("Signature électronique", "Mentions conservées comme preuve"),
    "en": ("Electronic signature", "Kept as evidence"),
}


def draw_mandate(words: MandateWords, signature: tuple[tuple[str, str], ...], text_sha256: str, day: date) -> bytes:
    """The signed mandate as PDF/A; ``signature`` says who, when and from where, as pairs of name and value.

    Raises:
        TypesetError: ``page.missing_glyph``: a name has characters that the font lacks.
    """
    heading, kept = _SIGNED[words.language]
    view = {
        "language": words.language,
        "title": words.title,
        "facts": words.facts,
        "paragraphs": words.paragraphs,
        "heading": heading,
        "kept": kept,
        "signature": signature,
        "sha256": text_sha256,
        "day": (day.year, day.month, day.day),
    }
    return compile_pdf(TEMPLATE, {"view": to_json(view)})
