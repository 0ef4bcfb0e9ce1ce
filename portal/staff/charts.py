"""The age of what is owed as one bar: drawn as SVG, so that the page needs no style of its own."""

from __future__ import annotations

from dataclasses import dataclass

from portal.words import gettext, money, note_text

WIDTH = 1000
GAP = 4
LEAST = 6
NAMES = (
    note_text("Non échu"),
    note_text("1 à 30 jours"),
    note_text("31 à 60 jours"),
    note_text("61 à 90 jours"),
    note_text("Plus de 90 jours"),
)


@dataclass(frozen=True, slots=True)
class Slice:
    """One age: its name, amount, and where its bar begins and how wide it is (of 1000)."""

    name: str
    amount: str
    minor: int
    x: int
    width: int


def age_chart(amounts_minor: list[int], currency: str) -> list[Slice]:
    """The slices of the bar; an age with little is still seen."""
    whole = sum(amounts_minor)
    shown = sum(1 for amount in amounts_minor if amount)
    room = WIDTH - GAP * max(shown - 1, 0)
    slices, x = [], 0
    for name, amount in zip(NAMES, amounts_minor, strict=True):
        width = min(max(room * amount // whole, LEAST), WIDTH - x) if amount else 0
        slices.append(Slice(gettext(name), money(amount, currency), amount, x, width))
        x += width + GAP if amount else 0
    return slices
