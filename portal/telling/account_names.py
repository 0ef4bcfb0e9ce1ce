"""What an account and a journal of the books are called, beside their codes: nobody needs to know them by heart."""

from __future__ import annotations

from config.law import LawUnknownError, account_name
from receivables.domain.accounting.fec import JOURNALS


def name_account(number: str) -> str:
    """The official French name of an account; empty for one that a supplier opened beside the chart."""
    try:
        return account_name(number)
    except LawUnknownError:
        return ""


def name_journal(code: str) -> str:
    """The French name of a journal, as the file of entries (FEC) has it; empty for one that is not ours."""
    return JOURNALS.get(code, "")
