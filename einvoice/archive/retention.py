"""How long a legal document is kept: the one place that knows.

Accounting documents and vouchers are kept for ten years (C. com. art. L123-22) from the close of the accounting year
to which they belong. Tax law asks for six years from the last operation or from the date of the document (LPF art.
L102 B), which ends earlier; the longer duty counts.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from einvoice.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receivables.store.work import Work

KEPT_YEARS = 10
"""C. com. art. L123-22."""
YEAR_END = "accounting_year_end"
"""In a supplier's profile: the last day of its accounting year as ``MM-DD``; absent: 31 December."""
FIRST_YEAR_END = "first_accounting_year_end"
"""In a supplier's profile: the close of its first accounting year, as a date, where it is longer than twelve months."""
PROFILE_FIELDS = frozenset({YEAR_END, FIRST_YEAR_END})
_MONTH_DAY = re.compile(r"(\d{2})-(\d{2})")
_LEAP_YEAR = 2024


@dataclass(frozen=True, slots=True)
class YearEnd:
    """The last day of an accounting year; the last day of a month stays the last one in every year."""

    month: int = 12
    day: int = 31

    @classmethod
    def read(cls, text: str) -> YearEnd:
        """``MM-DD``.

        Raises:
            BuildError: ``profile.bad_year_end``.
        """
        found = _MONTH_DAY.fullmatch(text)
        month, day = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 1 <= month <= 12 or not 1 <= day <= monthrange(_LEAP_YEAR, month)[1]:  # noqa: PLR2004 -- months
            raise BuildError(
                "profile.bad_year_end",
                f"{YEAR_END} is {text!r}: give the last day of the accounting year as MM-DD, e.g. 06-30.",
                f"{YEAR_END} vaut {text!r} : donnez le dernier jour de l'exercice sous la forme MM-JJ, p. ex. 06-30.",
            )
        return cls(month, day)

    def in_year(self, year: int) -> date:
        """The close that falls in a calendar year."""
        last = monthrange(year, self.month)[1]
        ends_month = self.day >= monthrange(_LEAP_YEAR - 1, self.month)[1]
        return date(year, self.month, last if ends_month else self.day)


def retention_end(day: date, year_end: YearEnd | None = None, first_close: date | None = None) -> date:
    """The last day on which a document of ``day`` must be there: ten years from the close of its accounting year."""
    if first_close is not None and day <= first_close:
        return YearEnd(first_close.month, first_close.day).in_year(first_close.year + KEPT_YEARS)
    closing = year_end or YearEnd()
    year = day.year if day <= closing.in_year(day.year) else day.year + 1
    return closing.in_year(year + KEPT_YEARS)


def check_year_ends(profile: Mapping[str, Any]) -> tuple[YearEnd | None, date | None]:
    """The two fields of a supplier's profile that say when its accounting years end.

    Raises:
        BuildError: ``profile.bad_year_end``.
    """
    year_end, first = profile.get(YEAR_END), profile.get(FIRST_YEAR_END)
    try:
        first_close = date.fromisoformat(str(first)) if first else None
    except ValueError as error:
        raise BuildError(
            "profile.bad_year_end",
            f"{FIRST_YEAR_END} is {first!r}: give the close of the first accounting year as a date, e.g. 2027-12-31.",
            f"{FIRST_YEAR_END} vaut {first!r} : donnez la clôture du premier exercice, p. ex. 2027-12-31.",
        ) from error
    return (YearEnd.read(str(year_end)) if year_end else None), first_close


def retain_until(work: Work, day: date) -> date:
    """:func:`retention_end` by the accounting year of this work's supplier."""
    profile = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    return retention_end(day, *check_year_ends(profile))
