"""How an invoice is to be paid (BG-16 to BG-19): as the request says, else a transfer to the seller's account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.composing.mentions import FACTORED_TYPES
from einvoice.composing.parties import check_account, check_iban
from einvoice.document import PaymentInstructions
from einvoice.errors import BuildError
from einvoice.formats.payment_reference import remittance_of
from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from einvoice.composing.seller import SellerProfile
    from einvoice.document import CreditAccount
    from einvoice.request.model import InvoiceRequest, PaymentRequest

_TRANSFER, _SEPA = "30", "58"
_TRANSFERS = frozenset({_TRANSFER, _SEPA})
"""BT-81 of transfers, which need an account (BR-61)."""


def payment_of(request: InvoiceRequest, seller: SellerProfile, number: str) -> PaymentInstructions | None:
    """BG-16: as stated, else a transfer to the profile's account; none on a credit note or without account.

    A transfer of another currency than the euro is no SEPA transfer.
    """
    given = request.payment
    transfer = _SEPA if request.currency == "EUR" else _TRANSFER
    if given is None:
        if request.type_code in CREDIT_NOTES:
            return None
        if request.type_code in FACTORED_TYPES:
            raise _factor_account_missing(request)
        if seller.iban is None:
            return None
        account = check_account(seller.iban, seller.bic, seller.holder or seller.name, "seller")
        return PaymentInstructions(transfer, remittance=remittance_of(number), accounts=(account,))
    means = given.means_code or transfer
    debited = check_iban(given.debited_iban, "payment.debited_iban", "BT-91") if given.debited_iban else None
    return PaymentInstructions(
        means_code=means,
        means_text=given.means_text,
        remittance=given.remittance or (remittance_of(number) if means in _TRANSFERS else number),
        accounts=_accounts(request, given, means, seller),
        mandate_reference=given.mandate_reference,
        creditor_id=given.creditor_id,
        debited_account=debited,
    )


def _accounts(
    request: InvoiceRequest, given: PaymentRequest, means: str, seller: SellerProfile
) -> tuple[CreditAccount, ...]:
    """BG-17: the account given, else the profile's; that of a factored invoice is the factor's own.

    Raises:
        BuildError: ``invoice.account_missing``, ``invoice.factor_account_missing``, ``party.bad_iban`` ...
    """
    transfer = means in _TRANSFERS
    factor = request.payee if request.type_code in FACTORED_TYPES else None
    if given.iban:
        holder = given.holder or (factor.name if factor else seller.name)
        account = check_account(given.iban, given.bic, holder, "payment")
        own = "".join((seller.iban or "").split()).upper()
        if factor and account.number == own:
            raise _factor_account_missing(request)
        return (account,)
    if not transfer:
        return ()
    if factor:
        raise _factor_account_missing(request)
    if seller.iban is None:
        raise BuildError(
            "invoice.account_missing",
            f"payment.iban (BT-84) is missing: means {means} is a transfer and needs an account (BR-61).",
            f"payment.iban (BT-84) manque : le moyen {means} est un virement et demande un compte (BR-61).",
            term="BT-84",
            place="payment.iban",
        )
    return (check_account(seller.iban, seller.bic, seller.holder or seller.name, "payment"),)


def _factor_account_missing(request: InvoiceRequest) -> BuildError:
    factor = request.payee.name if request.payee else ""
    return BuildError(
        "invoice.factor_account_missing",
        f"payment.iban (BT-84) must be the account of the factor {factor}: your own would be paid in vain on a "
        f"factored document (type {request.type_code}). Give payment with the factor's iban.",
        f"payment.iban (BT-84) doit être le compte de l'affactureur {factor} : un paiement sur le vôtre ne serait pas "
        f"libératoire pour un document affacturé (type {request.type_code}). Indiquez payment avec l'iban de "
        "l'affactureur.",
        term="BT-84",
        place="payment.iban",
    )
