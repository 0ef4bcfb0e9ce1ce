"""What late interest is reckoned from, in PostgreSQL: due parts, cash days, disputes, claims; read as one set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from receivables.domain.collecting.interest import CashIn, LateFacts
from receivables.domain.settlement.terms import Instalment
from receivables.store.accounting.periods import told_on
from receivables.store.collecting.claims import NOT_CLAIMS
from receivables.store.conversations.disputes import ENDED_BY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

MOST_LOOKED_AT = 500
"""Late invoices whose interest one page reckons, the latest due first."""


@dataclass(frozen=True, slots=True)
class LateInvoice:
    """An invoice with what its interest is reckoned from, and what was asked for or given up already (minor units)."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    customer_kind: str
    issued_on: date
    due_on: date
    currency: str
    payable_minor: int
    open_minor: int
    ended_by: str | None
    assigned: bool
    in_proceedings: bool
    facts: LateFacts
    claimed_minor: int
    """Asked for, less what was corrected since."""
    waived_of_claims_minor: int
    """Of that, given up."""
    given_up_minor: int
    """Given up without having been asked for."""
    indemnity_settled: bool
    """The 40 EUR were asked for, or given up."""


_PAID = (
    "SELECT jsonb_agg(jsonb_build_array(paid_on, minor) ORDER BY paid_on) FROM ("
    "SELECT sum(moved.amount_minor) AS minor, "
    f"CASE WHEN credit.kind IN ('discount', 'waiver', 'charge') THEN coalesce((SELECT max({told_on('cash')}) "
    "FROM receivable_items AS cash WHERE cash.supplier_id = :supplier AND cash.attempt_id = credit.attempt_id "
    f"AND cash.kind = 'receipt'), {told_on('credit')}) ELSE {told_on('credit')} END AS paid_on "
    "FROM receivable_items AS debit JOIN allocations AS moved ON moved.supplier_id = :supplier "
    "AND moved.debit_posting_id = debit.posting_id JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
    "AND credit.posting_id = moved.credit_posting_id WHERE debit.supplier_id = :supplier AND debit.kind = 'invoice' "
    "AND debit.invoice_id = invoice.invoice_id AND NOT {own} GROUP BY credit.supplier_id, credit.posting_id, 2 "
    "HAVING sum(moved.amount_minor) > 0) AS cash_in"
)
_OWN = (
    "(credit.kind = 'credit_note' AND EXISTS (SELECT 1 FROM named_invoices AS named "
    "WHERE named.supplier_id = :supplier AND named.invoice_id = credit.invoice_id AND named.kind = 'credits' "
    "AND named.number = invoice.number AND named.issue_year = invoice.issue_year))"
)
"""A credit note that was written for this very invoice: what it takes off was never owed."""
_CREDITED = (
    "SELECT coalesce(sum(moved.amount_minor), 0) FROM receivable_items AS debit JOIN allocations AS moved "
    "ON moved.supplier_id = :supplier AND moved.debit_posting_id = debit.posting_id JOIN receivable_items AS credit "
    "ON credit.supplier_id = :supplier AND credit.posting_id = moved.credit_posting_id "
    "WHERE debit.supplier_id = :supplier AND debit.kind = 'invoice' AND debit.invoice_id = invoice.invoice_id "
    f"AND {_OWN}"
)
_ACCEPTED = (
    "SELECT coalesce(sum(CAST(event.facts ->> 'amount_minor' AS bigint)), 0) FROM dispute_events AS event "
    "JOIN disputes AS dispute USING (supplier_id, dispute_id) WHERE event.supplier_id = :supplier "
    "AND dispute.invoice_id = invoice.invoice_id AND event.kind IN ('accepted', 'partly') "
    "AND dispute.state IN ('accepted', 'partly') AND dispute.merged_into IS NULL "
    "AND event.facts ->> 'credit_note_id' IS NULL"
)
"""What disputes were accepted for without a credit note of ours."""
_DISPUTED = (
    "SELECT coalesce(sum(coalesce(dispute.amount_minor, invoice.payable_minor)), 0) FROM disputes AS dispute "
    "WHERE dispute.supplier_id = :supplier AND dispute.invoice_id = invoice.invoice_id "
    "AND dispute.closed_at IS NULL AND dispute.merged_into IS NULL"
)
_ASKED = (
    "SELECT jsonb_build_array(coalesce(sum(interest_minor), 0), coalesce(sum(indemnity_minor), 0)) FROM claim_lines "
    "AS line WHERE line.supplier_id = :supplier AND line.late_id = invoice.invoice_id"
)
_WAIVED = (
    "SELECT jsonb_build_array(coalesce(sum(interest_minor) FILTER (WHERE kind = 'corrected'), 0), "
    "coalesce(sum(interest_minor) FILTER (WHERE kind = 'given_up' AND claim_id IS NOT NULL), 0), "
    "coalesce(sum(interest_minor) FILTER (WHERE kind = 'given_up' AND claim_id IS NULL), 0), "
    "coalesce(sum(indemnity_minor), 0)) FROM interest_waivers AS waiver WHERE waiver.supplier_id = :supplier "
    "AND waiver.late_id = invoice.invoice_id"
)
_PROCEEDINGS = (
    "SELECT min(opened_on) FROM insolvencies WHERE insolvencies.supplier_id = :supplier "
    "AND insolvencies.customer_id = invoice.customer_id AND insolvencies.state = 'open' "
    "AND opened_on > invoice.issued_on"
)
"""The opening of proceedings after which an earlier claim bears no interest any more (C. com. art. L622-28)."""


_FACTS = (
    "SELECT invoice.invoice_id, invoice.number, invoice.customer_id, customer.name AS customer_name, "
    "customer.kind AS customer_kind, invoice.issued_on, invoice.due_on, invoice.currency, invoice.payable_minor, "
    "coalesce(item.open_minor, 0)::bigint AS open_minor, "
    f"{ENDED_BY} AS ended_by, EXISTS (SELECT 1 FROM assignments WHERE assignments.supplier_id = :supplier "
    "AND assignments.invoice_id = invoice.invoice_id AND assignments.state = 'assigned') AS assigned, "
    f"({_PROCEEDINGS}) AS proceedings_on, ({_PAID.format(own=_OWN)}) AS paid, "
    f"(({_CREDITED}) + ({_ACCEPTED}))::bigint AS never_owed_minor, ({_DISPUTED})::bigint AS disputed_minor, "
    f"({_ASKED}) AS asked, ({_WAIVED}) AS waived, "
    "(SELECT jsonb_agg(jsonb_build_array(part.due_on, part.amount_minor) ORDER BY position) FROM instalments "
    "AS part WHERE part.supplier_id = :supplier AND part.invoice_id = invoice.invoice_id) AS parts "
    "FROM invoices AS invoice JOIN customers AS customer USING (supplier_id, customer_id) "
    "JOIN receivable_items AS item ON item.supplier_id = :supplier AND item.invoice_id = invoice.invoice_id "
    "AND item.kind = 'invoice' WHERE invoice.supplier_id = :supplier AND invoice.invoice_id = ANY({ids}) "
    f"AND {NOT_CLAIMS} ORDER BY invoice.due_on, invoice.number"
)
_LATE = (
    "SELECT item.invoice_id FROM receivable_items AS item JOIN invoices AS invoice USING (supplier_id, invoice_id) "
    "JOIN customers AS customer ON customer.supplier_id = :supplier AND customer.customer_id = item.customer_id "
    "WHERE item.supplier_id = :supplier AND item.kind = 'invoice' AND customer.kind <> 'consumer' "
    "AND (CAST(:customer AS uuid) IS NULL OR item.customer_id = :customer) "
    f"AND {NOT_CLAIMS} AND (item.due_on < :today OR EXISTS (SELECT 1 FROM instalments AS part "
    "WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id AND part.due_on < :today)) "
    "AND (item.open_minor > 0 OR EXISTS (SELECT 1 FROM allocations AS moved JOIN receivable_items AS credit "
    "ON credit.supplier_id = :supplier AND credit.posting_id = moved.credit_posting_id "
    "WHERE moved.supplier_id = :supplier AND moved.debit_posting_id = item.posting_id "
    "AND credit.booked_on > coalesce((SELECT min(part.due_on) FROM instalments AS part "
    "WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id), item.due_on))) "
    "ORDER BY item.due_on DESC, item.invoice_id DESC LIMIT :limit"
)
"""Invoices on which interest may have run and not all was asked for: open past their day, or paid after it."""


def late_invoices(work: Work, invoice_ids: Sequence[UUID]) -> list[LateInvoice]:
    """The facts of these invoices, as one set; credit notes and claims for interest are left out."""
    return [_late(row) for row in work.rows(_FACTS.format(ids=":ids"), ids=list(invoice_ids))]


def late_on(work: Work, today: date, customer_id: UUID | None = None) -> list[LateInvoice]:
    """The facts of the invoices that :func:`late_ids` names, in one statement."""
    rows = work.rows(_FACTS.format(ids=f"ARRAY({_LATE})"), today=today, customer=customer_id, limit=MOST_LOOKED_AT)
    return [_late(row) for row in rows]


def late_ids(work: Work, today: date, *, customer_id: UUID | None = None, limit: int = MOST_LOOKED_AT) -> list[UUID]:
    """Invoices on which interest may have run and not all was asked for: open past their day, or paid after it.

    The latest due first; what was settled whole by claims before is found again and comes to nothing.
    """
    rows = work.rows(_LATE, today=today, customer=customer_id, limit=limit)
    return [row["invoice_id"] for row in rows]


def _late(row: RowMapping) -> LateInvoice:
    parts = tuple(Instalment(date.fromisoformat(day), minor) for day, minor in row["parts"] or ())
    opened: date | None = row["proceedings_on"]
    interest, indemnity = row["asked"]
    corrected, of_claims, given_up, indemnity_waived = row["waived"]
    return LateInvoice(
        **{
            name: row[name]
            for name in (
                "invoice_id",
                "number",
                "customer_id",
                "customer_name",
                "customer_kind",
                "issued_on",
                "due_on",
                "currency",
                "payable_minor",
                "open_minor",
                "ended_by",
                "assigned",
            )
        },
        in_proceedings=opened is not None,
        facts=LateFacts(
            parts or (Instalment(row["due_on"], row["payable_minor"]),),
            tuple(CashIn(date.fromisoformat(day), minor) for day, minor in row["paid"] or ()),
            row["never_owed_minor"],
            row["disputed_minor"],
            until=opened - timedelta(days=1) if opened else None,
        ),
        claimed_minor=interest - corrected,
        waived_of_claims_minor=of_claims,
        given_up_minor=given_up,
        indemnity_settled=indemnity > 0 or indemnity_waived > 0,
    )
