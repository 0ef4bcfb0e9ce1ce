"""Accounts of payers: an IBAN checked, its BIC derived, kept sealed; only its last characters are ever shown."""

from __future__ import annotations

from dataclasses import dataclass

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from payments.errors import PaymentError

PURPOSE = "mandate-iban"
"""What mandates' account numbers are sealed for."""
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Account:
    """An account within SEPA; ``bic`` is derived from the IBAN where the bank is known."""

    iban: str
    bic: str | None

    @property
    def last4(self) -> str:
        """All of it that is ever shown."""
        return self.iban[-_SHOWN:]


def read_iban(given: str) -> Account:
    """An IBAN as people type it: country, length, check digits and the bank's own key are checked.

    Raises:
        PaymentError: ``debit.bad_iban``, ``debit.iban_outside_sepa``.
    """
    try:
        iban = IBAN("".join(given.split()), validate_bban=True)
    except SchwiftyException as error:
        raise PaymentError(
            "debit.bad_iban",
            "This is not a correct IBAN: one of its characters is wrong or missing. Copy it from a bank statement.",
            "Cet IBAN n'est pas correct : un caractère est faux ou manque. Recopiez-le d'un RIB.",
        ) from error
    if not iban.in_sepa_zone:
        raise PaymentError(
            "debit.iban_outside_sepa",
            f"Accounts in {iban.country_code} cannot be debited: they are outside the SEPA area.",
            f"Un compte en {iban.country_code} ne peut pas être prélevé : il est hors de la zone SEPA.",
        )
    return Account(str(iban), str(iban.bic) if iban.bic else None)
