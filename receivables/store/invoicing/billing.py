"""What is asked of the books before an invoice is written: whom it may be for, and which deposits it may deduct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from receivables.domain.invoicing.invoices import CLAIM, CLAIM_CREDIT
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.work import literally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

MOST_SHOWN = 20
"""Customers offered at once: who is not among them is found by name, number or SIREN."""
MOST_DEPOSITS = 20
_LAST = (
    "SELECT invoice_id, number, issued_on, total_minor, currency FROM invoices AS told "
    "WHERE told.supplier_id = :supplier AND told.customer_id = customer.customer_id AND told.origin = 'own' "
    "AND told.type_code IN ('380', '386', '384') ORDER BY told.issued_on DESC, told.invoice_id DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class KnownBuyer:
    """A customer to choose, with the last invoice that we wrote for it."""

    customer_id: UUID
    name: str
    account_code: str
    siren: str | None
    city: str | None
    invoice_id: UUID | None
    number: str | None
    issued_on: date | None
    total_minor: int | None
    currency: str | None


def find_buyers(work: Work, wanted: str) -> list[KnownBuyer]:
    """Customers whose name, account or SIREN holds ``wanted``, those invoiced last first; one more than shown."""
    rows = work.rows(
        "SELECT customer.customer_id, customer.name, account_code, siren, party ->> 'city' AS city, last.invoice_id, "
        "last.number, last.issued_on, last.total_minor, last.currency FROM customers AS customer "
        f"LEFT JOIN LATERAL ({_LAST}) AS last ON true "
        "WHERE customer.supplier_id = :supplier AND (:wanted = '' OR customer.name ILIKE :like "
        "OR account_code ILIKE :like OR siren LIKE :digits) "
        "ORDER BY last.issued_on DESC NULLS LAST, lower(customer.name) LIMIT :most",
        wanted=wanted,
        like=f"%{literally(wanted)}%",
        digits=f"{literally(''.join(wanted.split()))}%",
        most=MOST_SHOWN + 1,
    )
    return [KnownBuyer(**row) for row in rows]


def customer_with_siren(work: Work, siren: str) -> UUID | None:
    """The customer that has this SIREN."""
    found: UUID | None = work.scalar(
        "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND siren = :siren", siren=siren
    )
    return found


def last_invoice(work: Work, customer_id: UUID) -> Invoice | None:
    """The last invoice that names this customer in full, ours or a finished one."""
    found = work.scalar(
        "SELECT invoice_id FROM invoices WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND type_code <> ALL(:claims) AND document -> 'document' IS NOT NULL "
        "ORDER BY issued_on DESC, invoice_id DESC LIMIT 1",
        customer=customer_id,
        claims=[CLAIM, CLAIM_CREDIT],
    )
    return get_invoice(work, found) if found else None


def party_of(work: Work, customer_id: UUID) -> dict[str, Any]:
    """What the file of a customer says of where it is."""
    found = work.scalar(
        "SELECT party FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=customer_id
    )
    return dict(found or {})


def deposits_left(work: Work, customer_id: UUID, currency: str) -> Sequence[RowMapping]:
    """Deposit invoices (386) of a customer that no later invoice names: neither deducted nor taken back.

    ``total_minor`` is what each asks for, ``open_minor`` what of that is not paid.
    """
    return work.rows(
        "SELECT deposit.invoice_id, number, issued_on, total_minor, coalesce((SELECT sum(open_minor) "
        "FROM receivable_items AS item WHERE item.supplier_id = :supplier AND item.invoice_id = deposit.invoice_id), 0)"
        "::bigint AS open_minor FROM invoices AS deposit WHERE deposit.supplier_id = :supplier "
        "AND customer_id = :customer AND type_code = '386' AND currency = :currency "
        "AND NOT EXISTS (SELECT 1 FROM invoices AS final WHERE final.supplier_id = :supplier "
        "AND final.customer_id = deposit.customer_id AND final.invoice_id > deposit.invoice_id "
        "AND final.document -> 'document' -> 'preceding' @> jsonb_build_array(jsonb_build_object('number', "
        "deposit.number))) ORDER BY issued_on, number LIMIT :most",
        customer=customer_id,
        currency=currency,
        most=MOST_DEPOSITS,
    )
