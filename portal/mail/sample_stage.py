"""For whom samples of mails are made, and the names and sums that stand in all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from config.clock import today
from portal.words import catalogue, day, money

NOBODY = UUID(int=0)
NUMBER, OTHER_NUMBER, NOTE = "F2026-0042", "F2026-0045", "N2026-0003"
MINOR, OTHER_MINOR = 123456, 48000
CUSTOMER, AUTHOR = "Boulangerie Pichon", "Claire Martin"
EMAIL = "claire.martin@example.com"


@dataclass(frozen=True, slots=True)
class Stage:
    """For whom a sample is made: the supplier's name, the reader's language, the portal's address, its setting.

    ``reader``: whose digest it is, ``all``, ``own`` or ``sales``.
    """

    supplier: str
    spoken: str
    portal: str
    attaches: bool = False
    reader: str = ""

    @property
    def link(self) -> str:
        """Where the links of samples lead: to a page that says nothing of anybody."""
        return f"{self.portal}/"

    def money(self, minor: int) -> str:
        """An amount in euros."""
        return money(minor, "EUR", self.spoken)

    def day(self, days: int = 0) -> str:
        """A day from today."""
        return day(today() + timedelta(days=days), self.spoken)

    def speak(self, text: str) -> str:
        """A text in the reader's language."""
        return catalogue(self.spoken).gettext(text)
