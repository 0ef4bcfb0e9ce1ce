"""Customers in PostgreSQL: found by SIREN, VAT number or name, locked first and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.domain.parties import Customer, CustomerKind
from receivables.errors import NotFoundError
from receivables.store.numbers import take_number

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.parties import CustomerFacts
    from receivables.store.work import Work

_SELECT = "SELECT customer_id, account_code, name, siren, vat_id, email, kind, language FROM customers "


def lock_customers(work: Work, customer_ids: Iterable[UUID]) -> None:
    """Lock customers in ascending order, before anything else: the one lock order of the house."""
    ids = sorted(set(customer_ids))
    if ids:
        work.rows(
            "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND customer_id = ANY(:ids) "
            "ORDER BY customer_id FOR NO KEY UPDATE",
            ids=ids,
        )


def get_customer(work: Work, customer_id: UUID) -> Customer:
    """One customer.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    row = work.row(_SELECT + "WHERE supplier_id = :supplier AND customer_id = :id", id=customer_id)
    if row is None:
        raise NotFoundError("customer.not_found", "There is no such customer.", "Ce client n'existe pas.")
    return _customer(row)


def find_by_code(work: Work, account_code: str) -> Customer | None:
    """The customer of an auxiliary account, e.g. ``C00012``."""
    row = work.row(_SELECT + "WHERE supplier_id = :supplier AND account_code = upper(:code)", code=account_code)
    return _customer(row) if row else None


def find_or_create_customer(work: Work, facts: CustomerFacts) -> Customer:
    """The customer that ``facts`` speak of, opened with an auxiliary account where it is new; locked."""
    found = _find(work, facts)
    if found is None:
        serial = take_number(work, "customer", 0)  # serialises openings: two racers cannot open one customer twice
        found = _find(work, facts) or _create(work, facts, serial)
    lock_customers(work, [found.customer_id])
    return found


def _find(work: Work, facts: CustomerFacts) -> Customer | None:
    if facts.siren:
        row = work.row(_SELECT + "WHERE supplier_id = :supplier AND siren = :siren", siren=facts.siren)
    elif facts.vat_id:
        row = work.row(
            _SELECT + "WHERE supplier_id = :supplier AND siren IS NULL AND vat_id = :vat_id ORDER BY account_code",
            vat_id=facts.vat_id,
        )
    else:
        row = work.row(
            _SELECT
            + "WHERE supplier_id = :supplier AND siren IS NULL AND vat_id IS NULL AND lower(name) = lower(:name)"
            " AND email IS NOT DISTINCT FROM :email ORDER BY account_code",
            name=facts.name,
            email=_address(facts),
        )
    return _customer(row) if row else None


def _create(work: Work, facts: CustomerFacts, serial: int) -> Customer:
    customer = Customer(
        new_id(), f"C{serial:05d}", facts.name, facts.kind, facts.siren, facts.vat_id, _address(facts), facts.language
    )
    work.insert(
        "customers",
        [
            {
                "customer_id": customer.customer_id,
                "account_code": customer.account_code,
                "name": facts.name,
                "siren": facts.siren,
                "vat_id": facts.vat_id,
                "email": customer.email,
                "kind": facts.kind,
                "party": facts.party or {},
                "language": facts.language,
                "created_at": now(),
            }
        ],
    )
    return customer


def _address(facts: CustomerFacts) -> str | None:
    """The e-mail address as kept: in lower case, so that one person stays one customer."""
    return facts.email.lower() if facts.email else None


def _customer(row: RowMapping) -> Customer:
    return Customer(
        row["customer_id"],
        row["account_code"],
        row["name"],
        CustomerKind(row["kind"]),
        row["siren"],
        row["vat_id"],
        row["email"],
        row["language"],
    )
