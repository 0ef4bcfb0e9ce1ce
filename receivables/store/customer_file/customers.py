"""Customers in PostgreSQL: found by SIREN, VAT number or name, locked first and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.domain.parties import Customer, CustomerKind
from receivables.errors import NotFoundError
from receivables.store.invoicing.numbers import take_number
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.parties import CustomerFacts
    from receivables.store.work import Work

ALIAS_STANDS = (
    "(alias.opening_id IS NULL OR EXISTS (SELECT 1 FROM openings AS opening WHERE opening.supplier_id = :supplier "
    "AND opening.opening_id = alias.opening_id AND opening.state = 'booked'))"
)
"""The opening that gave a customer the code of the row ``alias`` was not undone."""
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


def customer_names(work: Work, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What these customers are called."""
    rows = work.rows(
        "SELECT customer_id, name FROM customers WHERE supplier_id = :supplier AND customer_id = ANY(:ids)",
        ids=list(customer_ids),
    )
    return {row["customer_id"]: row["name"] for row in rows}


def find_by_code(work: Work, account_code: str) -> Customer | None:
    """The customer of an auxiliary account, e.g. ``C00012``."""
    row = work.row(_SELECT + "WHERE supplier_id = :supplier AND account_code = upper(:code)", code=account_code)
    return _customer(row) if row else None


def find_or_create_customer(work: Work, facts: CustomerFacts, *, identify: bool = False) -> Customer:
    """The customer that ``facts`` speak of, opened with an auxiliary account where it is new; locked.

    ``identify``: one of this name that was taken over without a number is given this one. Only where the supplier
    itself speaks of its customer: never on the word of somebody who asks to be let in.
    """
    found = find_customer(work, facts)
    if found is None:
        serial = take_number(work, "customer", 0)  # serialises openings: two racers cannot open one customer twice
        found = find_customer(work, facts) or (_identified(work, facts) if identify else None)
        found = found or _create(work, facts, serial)
    lock_customers(work, [found.customer_id])
    return found


def open_customer(work: Work, facts: CustomerFacts) -> Customer:
    """A customer of its own, whoever else has this name: two accounts of the books before stay two."""
    return _create(work, facts, take_number(work, "customer", 0))


def find_customer(work: Work, facts: CustomerFacts) -> Customer | None:
    """The customer that ``facts`` speak of: by SIREN, else by VAT number, else by name and e-mail address."""
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


def _identified(work: Work, facts: CustomerFacts) -> Customer | None:
    """The customer of this name that was taken over without any identifier, which it is given now.

    A FEC tells names alone: without this its balance would stand on one account and the next invoice on another.
    """
    if not (facts.siren or facts.vat_id):
        return None
    rows = work.rows(
        "UPDATE customers AS told SET siren = :siren, vat_id = :vat_id, email = coalesce(:email, email), "
        "kind = :kind, language = :language, party = CAST(:party AS jsonb) WHERE supplier_id = :supplier "
        "AND customer_id = (SELECT min(named.customer_id::text)::uuid FROM customers AS named "
        "WHERE named.supplier_id = :supplier AND lower(named.name) = lower(:name) AND named.siren IS NULL "
        "AND named.vat_id IS NULL AND (named.email IS NULL OR named.email = :email) "
        "AND EXISTS (SELECT 1 FROM customer_aliases AS alias WHERE alias.supplier_id = :supplier "
        f"AND alias.customer_id = named.customer_id AND {ALIAS_STANDS}) HAVING count(*) = 1) "
        "RETURNING customer_id, account_code, name, siren, vat_id, email, kind, language",
        siren=facts.siren,
        vat_id=facts.vat_id,
        email=_address(facts),
        kind=facts.kind,
        language=facts.language,
        party=to_json(facts.party or {}),
        name=facts.name,
    )
    for row in rows:
        told = {"siren": facts.siren, "vat_id": facts.vat_id}
        work.audit("system", "customer.identified", str(row["customer_id"]), **told)
    return _customer(rows[0]) if rows else None


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
