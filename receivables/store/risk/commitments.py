"""Orders and deliveries in PostgreSQL: their versions, which invoices are for them, what is left of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.domain.risk.commitments import Billing, Commitment
from receivables.errors import NotFoundError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.risk.commitments import NamedCommitment
    from receivables.store.work import Work

PAGE = 50
_TOLD = (
    "SELECT commitment_id, customer_id, kind, reference, order_reference, buyer_reference, currency, version, "
    "amount_minor, weight_percent, began_on, state, left_minor, created_at, changed_at FROM commitments "
    "WHERE supplier_id = :supplier "
)
_NOTES = ", ".join(f"'{each}'" for each in sorted(CREDIT_NOTES))
_BILLED = (
    "SELECT coalesce(replaced.by_id, billed.invoice_id) AS invoice_id, billed.kind, billed.reference, "
    "billed.amount_minor, invoice.number, invoice.issued_on, invoice.total_minor "
    "FROM billed_references AS billed LEFT JOIN LATERAL (WITH RECURSIVE chain AS ("
    "SELECT billed.invoice_id AS by_id, 0 AS step UNION ALL SELECT next.by_id, step + 1 FROM chain "
    "JOIN replacements AS next ON next.supplier_id = :supplier AND next.replaced_id = chain.by_id) "
    "SELECT by_id FROM chain ORDER BY step DESC LIMIT 1) AS replaced ON true "
    "JOIN invoices AS invoice ON invoice.supplier_id = :supplier "
    "AND invoice.invoice_id = coalesce(replaced.by_id, billed.invoice_id) "
    "WHERE billed.supplier_id = :supplier AND billed.customer_id = :customer AND NOT billed.deposit "
    f"AND invoice.customer_id = :customer AND invoice.type_code NOT IN ({_NOTES}) AND invoice.currency = :currency "
)
"""An invoice that was replaced passes what it was for on to the one that took its place."""


@dataclass(frozen=True, slots=True)
class Told:
    """An order or a delivery as it stands; ``left_minor`` is what nothing took of it yet."""

    commitment_id: UUID
    customer_id: UUID
    kind: str
    reference: str
    order_reference: str | None
    buyer_reference: str | None
    currency: str
    version: int
    amount_minor: int
    weight_percent: int
    began_on: date
    state: str
    left_minor: int
    created_at: datetime
    changed_at: datetime


def find_commitment(work: Work, kind: str, reference: str) -> Told | None:
    """The order or delivery of this reference."""
    row = work.row(_TOLD + "AND kind = :kind AND reference = :reference", kind=kind, reference=reference)
    return Told(**row) if row else None


def get_commitment(work: Work, kind: str, reference: str) -> Told:
    """The order or delivery of this reference.

    Raises:
        NotFoundError: ``order.not_found`` or ``delivery.not_found``.
    """
    found = find_commitment(work, kind, reference)
    if found is None:
        raise NotFoundError(
            f"{kind}.not_found",
            f"There is no {kind} {reference!r}.",
            f"Il n'y a pas de {'commande' if kind == 'order' else 'livraison'} {reference!r}.",
        )
    return found


def list_commitments(
    work: Work,
    kind: str,
    *,
    customer_id: UUID | None = None,
    left_only: bool = False,
    after: UUID | None = None,
    limit: int = PAGE,
) -> list[Told]:
    """Orders or deliveries, the last told first; one more than ``limit`` where there are more."""
    rows = work.rows(
        _TOLD + "AND kind = :kind AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer) "
        "AND (NOT :left_only OR left_minor > 0) AND (CAST(:after AS uuid) IS NULL OR commitment_id < :after) "
        "ORDER BY commitment_id DESC LIMIT :limit",
        kind=kind,
        customer=customer_id,
        left_only=left_only,
        after=after,
        limit=limit + 1,
    )
    return [Told(**row) for row in rows]


def name_commitments(
    work: Work, invoice: Invoice, named: Iterable[NamedCommitment], rows: Mapping[str, object]
) -> None:
    """Keep which orders and deliveries an invoice is for; what was named before stays as it was."""
    work.insert(
        "billed_references",
        [
            {
                "invoice_id": invoice.invoice_id,
                "customer_id": invoice.customer_id,
                "kind": each.kind,
                "reference": each.reference,
                **rows,
            }
            for each in dict.fromkeys(named)
        ],
        on_conflict="ON CONFLICT (supplier_id, invoice_id, kind, reference) DO NOTHING",
    )


def references_of(work: Work, invoice_ids: Iterable[UUID]) -> set[str]:
    """The references that these invoices name."""
    rows = work.rows(
        "SELECT DISTINCT reference FROM billed_references WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
        ids=list(invoice_ids),
    )
    return {row["reference"] for row in rows}


def load_around(
    work: Work, customer_id: UUID, currency: str, references: Iterable[str]
) -> tuple[list[Commitment], list[Billing]]:
    """Everything that competes with what these references name: orders, their deliveries, the invoices for them."""
    commitments: dict[UUID, Commitment] = {}
    billings: dict[tuple[UUID, str, str], Billing] = {}
    known: set[str] = set()
    todo = set(references)
    while todo:
        known |= todo
        for row in work.rows(
            _TOLD + "AND customer_id = :customer AND currency = :currency "
            "AND (kind IN ('order', 'delivery') AND reference = ANY(:refs) OR order_reference = ANY(:refs) "
            "OR buyer_reference = ANY(:refs))",
            customer=customer_id,
            currency=currency,
            refs=sorted(todo),
        ):
            commitments[row["commitment_id"]] = commitment_of(row)
        ids = list(dict.fromkeys(each.invoice_id for each in billings.values()))
        for row in work.rows(
            _BILLED + "AND (billed.reference = ANY(:refs) OR billed.invoice_id = ANY(:ids))",
            customer=customer_id,
            currency=currency,
            refs=sorted(todo),
            ids=ids,
        ):
            billings[row["invoice_id"], row["kind"], row["reference"]] = Billing(**row)
        near = {each.reference for each in billings.values()}
        for each in commitments.values():
            near |= {each.reference, each.order_reference or each.reference, each.buyer_reference or each.reference}
        fresh = {each.invoice_id for each in billings.values()} - set(ids)
        todo = (near - known) or (_named_by(work, fresh) - known)
    return list(commitments.values()), list(billings.values())


def _named_by(work: Work, invoice_ids: set[UUID]) -> set[str]:
    return references_of(work, invoice_ids) if invoice_ids else set()


def load_as_of(work: Work, customer_id: UUID, currency: str, day: date) -> tuple[list[Commitment], list[Billing]]:
    """The customer's orders and deliveries as they were on ``day``, and the invoices for them that had been issued."""
    rows = work.rows(
        "SELECT DISTINCT ON (commitment_id) commitment_id, kind, reference, version.order_reference, "
        "version.buyer_reference, version.amount_minor, version.weight_percent, began_on, version.state "
        "FROM commitment_versions AS version JOIN commitments AS told USING (supplier_id, commitment_id) "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND currency = :currency "
        "AND version.effective_on <= :day ORDER BY commitment_id, version.version DESC",
        customer=customer_id,
        currency=currency,
        day=day,
    )
    billed = work.rows(_BILLED + "AND invoice.issued_on <= :day", customer=customer_id, currency=currency, day=day)
    return [commitment_of(row) for row in rows], [Billing(**row) for row in billed]


def write_left(work: Work, left: Mapping[UUID, int]) -> None:
    """Bring what is left up to date, as one set."""
    if left:
        rows = [{"commitment_id": key, "left_minor": value} for key, value in left.items()]
        work.execute(
            "UPDATE commitments AS told SET left_minor = given.left_minor "
            "FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (commitment_id uuid, left_minor bigint) "
            "WHERE told.supplier_id = :supplier AND told.commitment_id = given.commitment_id "
            "AND told.left_minor <> given.left_minor",
            rows=to_json(rows),
        )


def commitment_of(row: RowMapping) -> Commitment:
    """A row as the plan needs it."""
    return Commitment(
        row["commitment_id"],
        row["kind"],
        row["reference"],
        row["amount_minor"],
        row["began_on"],
        row["state"] == "closed",
        row["order_reference"],
        row["buyer_reference"],
        row["weight_percent"],
    )


def versions_of(work: Work, commitment_id: UUID) -> Sequence[RowMapping]:
    """Every version of an order or delivery that was told, the first first."""
    return work.rows(
        "SELECT version, amount_minor, weight_percent, order_reference, buyer_reference, state, reason, effective_on, "
        "told_by, told_at FROM commitment_versions WHERE supplier_id = :supplier AND commitment_id = :id "
        "ORDER BY version",
        id=commitment_id,
    )
