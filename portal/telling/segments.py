"""What a segment of customers is called: three come with the house, every other is named by its supplier."""

from __future__ import annotations

from portal.words import gettext, note_text

_NAMES = {
    "standard": note_text("Sans segment"),
    "consumer": note_text("Particuliers"),
    "public": note_text("Secteur public"),
}


def name_segment(segment: str) -> str:
    """The name of a segment in the reader's language; the supplier's own word where it is theirs."""
    return gettext(_NAMES[segment]) if segment in _NAMES else segment
