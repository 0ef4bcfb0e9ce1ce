"""Our customers at the provider: opened once, with the account number that each of them alone transfers to."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from config.clock import now
from payments.gateways.port import CustomerAtProvider, TransferAccount
from receivables.store.customer_file.customers import get_customer
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from payments.gateways.port import Gateway
    from receivables.store.work import Work, Works


def customer_there(works: Works, supplier_id: UUID, account_id: UUID, customer_id: UUID, gateway: Gateway) -> str:
    """Our customer's reference at the provider behind an account; opened there on first use.

    Raises:
        GatewayError: the provider did not open it; asking again is safe.
        NotFoundError: ``customer.not_found``.
    """
    with works.begin(supplier_id) as work:
        known = _known(work, account_id, customer_id)
        customer = get_customer(work, customer_id)
    if known is not None:
        return known
    opened = gateway.open_customer(CustomerAtProvider(supplier_id, customer_id, customer.name, customer.email))
    with works.begin(supplier_id) as work:
        work.execute(
            "INSERT INTO provider_customers (supplier_id, account_id, customer_id, customer_ref, created_at) "
            "VALUES (:supplier, :account, :customer, :ref, :at) ON CONFLICT DO NOTHING",
            account=account_id,
            customer=customer_id,
            ref=opened,
            at=now(),
        )
        return _known(work, account_id, customer_id) or opened


def transfer_account_of(
    works: Works, supplier_id: UUID, account_id: UUID, customer_id: UUID, gateway: Gateway
) -> TransferAccount:
    """The account number (virtual IBAN) that one customer alone transfers to; kept, so that it is asked for once.

    Raises:
        GatewayError: the provider offers none, or did not answer.
    """
    with works.begin(supplier_id) as work:
        kept = work.scalar(
            "SELECT transfer_to FROM provider_customers WHERE supplier_id = :supplier AND account_id = :account "
            "AND customer_id = :customer",
            account=account_id,
            customer=customer_id,
        )
    if kept:
        return TransferAccount(**kept)
    customer_ref = customer_there(works, supplier_id, account_id, customer_id, gateway)
    told = gateway.transfer_account(customer_ref)
    with works.begin(supplier_id) as work:
        work.execute(
            "UPDATE provider_customers SET transfer_to = CAST(:told AS jsonb) WHERE supplier_id = :supplier "
            "AND account_id = :account AND customer_id = :customer",
            account=account_id,
            customer=customer_id,
            told=to_json(asdict(told)),
        )
    return told


def customers_behind(work: Work, account_id: UUID, customer_refs: Collection[str]) -> dict[str, UUID]:
    """Our customers by their references at the provider; what is another program's there is left out."""
    rows = work.rows(
        "SELECT customer_ref, customer_id FROM provider_customers WHERE supplier_id = :supplier "
        "AND account_id = :account AND customer_ref = ANY(:refs)",
        account=account_id,
        refs=list(customer_refs),
    )
    return {row["customer_ref"]: row["customer_id"] for row in rows}


def _known(work: Work, account_id: UUID, customer_id: UUID) -> str | None:
    found: str | None = work.scalar(
        "SELECT customer_ref FROM provider_customers WHERE supplier_id = :supplier AND account_id = :account "
        "AND customer_id = :customer",
        account=account_id,
        customer=customer_id,
    )
    return found
