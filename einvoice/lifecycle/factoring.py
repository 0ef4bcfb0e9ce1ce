"""What factoring (*affacturage*) says of an invoice: 225, 226, 227 and 228, with the account to be paid.

The account is told as one characteristic per value (MDG-43): kind ``CBB`` (bank details to change), the term of the
invoice that it replaces (MDT-206: BT-84 IBAN, BT-86 BIC, BT-85 holder), its name (MDT-211) and its value (MDT-214).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from einvoice.lifecycle.message import Datum, Detail, Note, StatusMessageError

if TYPE_CHECKING:
    from einvoice.document import Document

FACTORED, CHANGED_ACCOUNT, NOT_FACTORED = "225", "227", "228"
NEW_ACCOUNT = "CBB"
"""MDT-207: bank details to change (*coordonnées bancaires à modifier*)."""


@dataclass(frozen=True, slots=True)
class AccountToPay:
    """Where the buyer is to pay from now on: the holder's name, the IBAN, and the BIC where there is one."""

    holder: str
    iban: str
    bic: str | None = None


def read_account(holder: str, iban: str, bic: str | None = None) -> AccountToPay:
    """An account as people type it: spaces and small letters are no errors, a wrong check digit is.

    Raises:
        StatusMessageError: ``status.no_holder``, ``status.bad_iban`` or ``status.bad_bic``.
    """
    if not holder.strip():
        raise StatusMessageError(
            "status.no_holder",
            "The account to pay has no holder: give the name of the factor or of the new account's owner.",
            "Le compte à payer n'a pas de titulaire : donnez le nom de l'affactureur ou du titulaire du compte.",
        )
    try:
        read = IBAN(iban).compact
    except SchwiftyException as error:
        raise StatusMessageError(
            "status.bad_iban",
            f"{iban} is no IBAN; check it with the holder.",
            f"{iban} n'est pas un IBAN ; vérifiez-le auprès du titulaire.",
        ) from error
    try:
        return AccountToPay(holder.strip(), read, BIC(bic).compact if bic else None)
    except SchwiftyException as error:
        raise StatusMessageError(
            "status.bad_bic",
            f"{bic} is no BIC; check it with the holder.",
            f"{bic} n'est pas un BIC ; vérifiez-le auprès du titulaire.",
        ) from error


def account_detail(account: AccountToPay, note: str | None = None) -> Detail:
    """The account to pay, for 225 and 227: the buyer owes nobody else from here on (C. civ. art. 1346-5)."""
    values = (("BT-84", "IBAN", account.iban), ("BT-86", "BIC", account.bic), ("BT-85", "Titulaire", account.holder))
    data = tuple(Datum(NEW_ACCOUNT, term=term, name=name, text=text) for term, name, text in values if text)
    return Detail(1, notes=(Note(note),) if note else (), data=data)


def own_account(document: Document) -> AccountToPay | None:
    """The account that the invoice itself names, for 228: the buyer pays there again."""
    payment = document.payment
    if payment is None or not payment.accounts:
        return None
    account = payment.accounts[0]
    return AccountToPay(account.holder or document.seller.name, account.number, account.bic)
