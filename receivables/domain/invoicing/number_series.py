"""How numbers of invoices are worded: prefix, year, and a count without gaps (CGI ann. II art. 242 nonies A, I 7°)."""

from __future__ import annotations

import re
from dataclasses import dataclass

OWN_SERIES = ("F", "A", "D", "N", "NA")
"""Our series: invoices, credit notes (avoirs), deposits, claims for late interest, credit notes on these."""
USUAL_DIGITS = 5
LEAST_DIGITS, MOST_DIGITS = 4, 9
_PREFIX = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,9}[A-Z0-9])?")


@dataclass(frozen=True, slots=True)
class NumberWording:
    """``F`` with 5 digits words the 42nd number of 2026 as ``F2026-00042``.

    Two prefixes never word the same number in one year: what follows the last dash is the number, what stands before it
    is prefix and year. Every number made so is one that platforms accept (BR-FR-01: 35 characters, BR-FR-02).
    """

    prefix: str
    digits: int = USUAL_DIGITS

    def number(self, year: int, serial: int) -> str:
        """The number; one that needs more digits has them."""
        return f"{self.prefix}{year}-{serial:0{self.digits}d}"


def is_prefix(text: str) -> bool:
    """Whether ``text`` may begin numbers: 1 to 11 capital letters, figures and dashes, no dash at either end."""
    return _PREFIX.fullmatch(text) is not None
