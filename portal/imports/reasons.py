"""Why an invoice of a table is refused, for whoever fills in tables: no path of a program, the row where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from portal.invoicing.faults import faults_of
from portal.words import gettext, speaking
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from einvoice.errors import EInvoiceError

MOST_TOLD = 5
"""Sentences about one invoice; what is left shows when these are put right."""
_LINE = re.compile(r"line-(\d+)-")


def in_plain(error: EInvoiceError, rows: Sequence[int]) -> ReceivablesError:
    """The same refusal under its code, in words for people; ``rows`` are the rows of the file, line by line."""
    with speaking("en"):
        english = _sentences(error, rows)
    with speaking("fr"):
        return ReceivablesError(error.code, english, _sentences(error, rows))


def _sentences(error: EInvoiceError, rows: Sequence[int]) -> str:
    told = []
    for fault in faults_of(error, rows)[:MOST_TOLD]:
        row = _LINE.match(fault.field)
        named = gettext("Ligne %(row)s du fichier : ") % {"row": row[1]} if row and len(rows) > 1 else ""
        told.append(f"{named}{fault.sentence}")
    return " ".join(told)
