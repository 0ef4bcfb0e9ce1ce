"""What the levels of reminders are called: nobody is reminded "at level 2"."""

from __future__ import annotations

from portal.words import gettext, note_text

LEVELS = {
    0: note_text("Rappel avant échéance"),
    1: note_text("Relance courtoise"),
    2: note_text("Relance ferme"),
    3: note_text("Mise en garde"),
    4: note_text("Mise en demeure"),
    5: note_text("Dernière offre"),
    6: note_text("Contentieux"),
}


def level_words(level: int) -> str:
    """What a level is called, in the reader's language."""
    return gettext(LEVELS[level])
