"""Whose statements are read: the supplier's own accounts, and those that somebody said yes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now
from payments.errors import PaymentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from receivables.store.work import Work


class UnknownAccountError(PaymentError):
    """A file tells of accounts that nobody said are ours; nothing was imported."""

    def __init__(self, accounts: list[str]) -> None:
        named = ", ".join(accounts)
        super().__init__(
            "bank.unknown_account",
            f"The file is about {named}, which is not known as an account of yours. Is it? Say yes, then import again.",
            f"Le fichier concerne {named}, qui n'est pas connu comme un de vos comptes. L'est-il ? Dites oui, puis "
            "recommencez.",
        )
        self.accounts = accounts


def known_accounts(work: Work) -> set[str]:
    """Accounts whose statements may be read: of the profile, of transfers now or before, and those accepted."""
    rows = work.rows(
        "SELECT account FROM statement_accounts WHERE supplier_id = :supplier UNION SELECT iban FROM bank_accounts "
        "WHERE supplier_id = :supplier AND state IN ('confirmed', 'active', 'retired') UNION "
        "SELECT replace(profile->>'iban', ' ', '') FROM supplier_profiles WHERE supplier_id = :supplier "
        "AND profile->>'iban' IS NOT NULL"
    )
    return {row["account"] for row in rows}


def check_accounts(work: Work, accounts: Iterable[str]) -> None:
    """Nothing is imported from accounts that nobody said are ours.

    Raises:
        UnknownAccountError: ``bank.unknown_account``.
    """
    unknown = sorted(set(accounts) - known_accounts(work))
    if unknown:
        raise UnknownAccountError(unknown)


def accept_account(work: Work, account: str, actor: str, label: str = "") -> None:
    """Somebody says that an account is the supplier's: its statements may be read from now on.

    Raises:
        PaymentError: ``bank.wrong_account``.
    """
    plain = "".join(account.split()).upper()
    if not plain or len(plain) > 34:  # noqa: PLR2004 -- the longest IBAN
        raise PaymentError(
            "bank.wrong_account",
            "An account is an IBAN or a number of at most 34 characters.",
            "Un compte est un IBAN ou un numéro de 34 caractères au plus.",
        )
    fresh = work.execute(
        "INSERT INTO statement_accounts (supplier_id, account, label, accepted_by, accepted_at) "
        "VALUES (:supplier, :account, :label, :actor, :at) ON CONFLICT DO NOTHING",
        account=plain,
        label=label,
        actor=actor,
        at=now(),
    )
    if fresh:
        work.audit(actor, "bank.account_accepted", plain)
