"""What an account of the books is called, beside its number: nobody needs to know the chart of accounts by heart."""

from __future__ import annotations

from config.law import LawUnknownError, account_name


def name_account(number: str) -> str:
    """The official French name of an account; empty for one that a supplier opened beside the chart."""
    try:
        return account_name(number)
    except LawUnknownError:
        return ""
