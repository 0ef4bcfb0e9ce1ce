"""What a form says, field by field, with what is wrong and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from flask import request

from portal.words import gettext
from portal.words import number as show_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_CHARACTERS = 500
UNPROCESSABLE = 422


@dataclass(slots=True)
class Typed:
    """The values of a form by field, and its faults by field; the fault of no field stands under ``""``."""

    values: Mapping[str, str]
    faults: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Typed:
        """What was sent, without blanks at the ends; line ends as LF."""
        return cls({name: value.replace("\r\n", "\n").strip() for name, value in request.form.items()})

    def get(self, name: str, usual: str = "") -> str:
        """What stands in a field."""
        return self.values.get(name, usual)

    def text(self, name: str, most: int = MOST_CHARACTERS) -> str | None:
        """The text of a field, ``None`` where it is empty; too long a text is a fault."""
        given = self.get(name)
        if len(given) > most:
            self.faults[name] = gettext("Au plus %(most)s caractères.") % {"most": most}
        return given[:most] or None

    def need(self, name: str, most: int = MOST_CHARACTERS) -> str:
        """The text of a field that may not be empty."""
        given = self.text(name, most)
        if given is None:
            self.faults[name] = gettext("Ce champ est nécessaire.")
        return given or ""

    def choice(self, name: str, known: Iterable[str]) -> str:
        """One of the known values."""
        given = self.get(name)
        if given not in known:
            self.faults[name] = gettext("Choisissez dans la liste.")
        return given

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number, ``None`` where the field is empty or wrong."""
        given = self.get(name)
        if not given:
            return None
        fits = given.isascii() and given.isdecimal() and len(given) <= len(str(most))
        if not fits or not least <= int(given) <= most:
            told = {"least": least, "most": most}
            self.faults[name] = gettext("Donnez un nombre entier de %(least)s à %(most)s.") % told
            return None
        return int(given)

    def decimal(self, name: str, most: Decimal, places: int) -> Decimal | None:
        """A decimal number of 0 to ``most``, ``None`` where the field is empty or wrong; comma or point."""
        given = "".join(self.get(name).split()).replace(",", ".")
        if not given:
            return None
        try:
            number = (
                Decimal(given) if all(char.isascii() and (char.isdigit() or char == ".") for char in given) else None
            )
        except InvalidOperation:
            number = None
        if number is None or number > most or -int(number.as_tuple().exponent) > places:
            told = {"most": show_number(most), "places": places}
            self.faults[name] = (
                gettext("Donnez un nombre de 0 à %(most)s, avec au plus %(places)s décimales : par exemple 12,50.")
                % told
            )
            return None
        return number


def written(number: Decimal | None) -> str:
    """A number as a form shows it: with a comma, and nothing where there is none."""
    return "" if number is None else f"{number:f}".replace(".", ",")
