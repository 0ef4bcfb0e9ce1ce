"""Texts of banks, made plain: capitals without accents, as the narrow character sets of old formats leave them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "€": " EUR "})


@lru_cache(maxsize=65_536)
def plain(text: str) -> str:
    """``text`` in ASCII capitals; what separates words and numbers stays."""
    if text.isascii():
        return text.upper()
    spread = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(each if each.isascii() else " " for each in spread if not unicodedata.combining(each)).upper()


@lru_cache(maxsize=262_144)
def compact(text: str) -> str:
    """Only the letters and digits of ``text``, as the key of an invoice number."""
    return "".join(each for each in plain(text) if each.isalnum())


def is_one_slip(typed: str, meant: str) -> bool:
    """Whether ``typed`` is ``meant`` with one sign wrong, left out, too many, or two neighbours exchanged."""
    if typed == meant or abs(len(typed) - len(meant)) > 1:
        return False
    intact = min(len(typed), len(meant)) // 2 - 1  # one slip leaves at least one end whole: most pairs stop here
    if intact > 0 and typed[:intact] != meant[:intact] and typed[-intact:] != meant[-intact:]:
        return False
    first = next((at for at, pair in enumerate(zip(typed, meant, strict=False)) if pair[0] != pair[1]), None)
    if first is None:
        return True
    rest_typed, rest_meant = typed[first:], meant[first:]
    if len(typed) > len(meant):
        return rest_typed[1:] == rest_meant
    if len(typed) < len(meant):
        return rest_typed == rest_meant[1:]
    swapped = rest_typed[:2] == rest_meant[1::-1] and rest_typed[2:] == rest_meant[2:]
    return swapped or rest_typed[1:] == rest_meant[1:]
