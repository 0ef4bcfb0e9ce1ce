"""What a call names: a customer by account or id, an invoice by id, an amount in a currency."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from portal.api.answers import CallRefusedError
from receivables.domain.money import Money
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from receivables.store.work import Work


def customer_of(work: Work, named: str) -> UUID:
    """The customer with this account (``C00012``) or id.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    try:
        wanted: UUID | None = UUID(named)
    except ValueError:
        wanted = None
    found: UUID | None = work.scalar(
        "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND customer_id = :id"
        if wanted
        else "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND account_code = :code",
        **({"id": wanted} if wanted else {"code": named}),
    )
    if found is None:
        raise NotFoundError("customer.not_found", f"There is no customer {named}.", f"Il n'y a pas de client {named}.")
    return found


def code_of(work: Work, customer_id: UUID) -> str:
    """The account code of a customer that exists."""
    found: str = work.scalar(
        "SELECT account_code FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=customer_id
    )
    return found


def above_zero(given: str, currency: str) -> int:
    """An amount in minor units.

    Raises:
        CallRefusedError: ``request.bad_amount``.
        MoneyError: ``money.not_a_number``, ``money.too_precise``.
    """
    minor = Money.of(given, currency).minor
    if minor <= 0:
        raise CallRefusedError(400, "request.bad_amount", "amount is above zero.", "amount est supérieur à zéro.")
    return minor
