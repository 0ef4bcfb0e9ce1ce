"""Undo an opening: every à-nouveau reversed and lettered with its reversal, while nothing came of it yet."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from receivables.domain.accounting.ledger import Entry, mirrored
from receivables.domain.accounting.opening import OPENING
from receivables.domain.settlement.receipts import MoneyReturned
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.taking_over import opening_of
from receivables.services.invoicing.correcting import CORRECTED, REVERSAL
from receivables.services.risk.insolvency import follow_doubtful
from receivables.services.risk.watching import watch_limits
from receivables.services.settlement.paying import noon
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.store.customer_file.customers import lock_customers
from receivables.store.settlement.books import entry_of, write_entries, write_items

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

_TOLD = 5
"""Items in use that a refusal names."""


def undo_opening(work: Work, opening_id: UUID, reason: str, actor: str) -> None:
    """Take an opening back as it was booked: by entries the other way round, on today's date.

    Raises:
        NotFoundError: ``opening.unknown``.
        ConflictError: ``opening.undone`` or ``opening.in_use``: something was paid, disputed, promised, credited since.
        ReceivablesError: ``opening.no_reason``.
    """
    if not reason.strip():
        raise ReceivablesError(
            "opening.no_reason", "Say why this opening is undone.", "Dites pourquoi cette reprise est annulée."
        )
    opening = opening_of(work, opening_id)
    rows = _rows(work, opening_id)
    lock_customers(work, (row["customer_id"] for row in rows))
    if opening["state"] != "booked" or not _mark(work, opening_id, reason, actor):
        raise ConflictError("opening.undone", "This opening was undone before.", "Cette reprise a déjà été annulée.")
    _refuse_used(work, opening_id)
    _reverse(work, [row for row in rows if row["invoice_id"]], actor)
    _give_back(work, [row for row in rows if row["attempt_id"]])
    ids = sorted({row["customer_id"] for row in rows})
    follow_doubtful(work, ids, actor)
    watch_limits(work, ids)
    work.audit(actor, "opening.undone", str(opening_id), reason=reason.strip(), items=len(rows))


def _rows(work: Work, opening_id: UUID) -> Sequence[RowMapping]:
    return work.rows(
        "SELECT customer_id, invoice_id, attempt_id, reference, open_minor, currency FROM opened_items "
        "WHERE supplier_id = :supplier AND opening_id = :opening ORDER BY position",
        opening=opening_id,
    )


def _mark(work: Work, opening_id: UUID, reason: str, actor: str) -> int:
    return work.execute(
        "UPDATE openings SET state = 'undone', undone_by = :actor, undone_reason = :reason, undone_at = :at "
        "WHERE supplier_id = :supplier AND opening_id = :opening AND state = 'booked'",
        opening=opening_id,
        actor=actor,
        reason=reason.strip(),
        at=now(),
    )


def _refuse_used(work: Work, opening_id: UUID) -> None:
    """Refuse where something speaks of an item since, which would stand on nothing.

    Money (also what was given back), a credit, a payment on its way, a dispute, a promise, a plan or a claim.
    """
    used = work.rows(
        "SELECT opened.reference FROM opened_items AS opened WHERE opened.supplier_id = :supplier "
        "AND opening_id = :opening AND (EXISTS (SELECT 1 FROM receivable_items AS item WHERE "
        "item.supplier_id = :supplier AND item.open_minor < item.amount_minor "
        "AND (item.invoice_id = opened.invoice_id OR item.attempt_id = opened.attempt_id)) "
        "OR EXISTS (SELECT 1 FROM reservations AS held WHERE held.supplier_id = :supplier "
        "AND held.invoice_id = opened.invoice_id AND held.state IN ('open', 'processing')) "
        "OR EXISTS (SELECT 1 FROM collections AS moved WHERE moved.supplier_id = :supplier "
        "AND moved.invoice_id = opened.invoice_id) "
        "OR EXISTS (SELECT 1 FROM disputes WHERE disputes.supplier_id = :supplier "
        "AND disputes.invoice_id = opened.invoice_id AND state IN ('open', 'info_needed')) "
        "OR EXISTS (SELECT 1 FROM plan_invoices JOIN plans USING (supplier_id, plan_id) WHERE supplier_id = :supplier "
        "AND plan_invoices.invoice_id = opened.invoice_id AND state IN ('proposed', 'accepted')) "
        "OR EXISTS (SELECT 1 FROM promised_invoices JOIN promises USING (supplier_id, promise_id) "
        "WHERE supplier_id = :supplier AND promised_invoices.invoice_id = opened.invoice_id AND state = 'pending') "
        "OR EXISTS (SELECT 1 FROM claim_lines WHERE claim_lines.supplier_id = :supplier "
        "AND claim_lines.late_id = opened.invoice_id)) "
        "ORDER BY position LIMIT :most",
        opening=opening_id,
        most=_TOLD,
    )
    if used:
        told = ", ".join(row["reference"] for row in used)
        raise ConflictError(
            "opening.in_use",
            f"These are in use since (money, a dispute, a promise, a plan or a claim): {told}. What is used is "
            "corrected by a credit note, not undone.",
            f"Ces lignes ont servi depuis (paiement, litige, promesse, échéancier ou intérêts) : {told}. Ce qui a "
            "servi se corrige par un avoir, il ne s'annule plus.",
        )


def _reverse(work: Work, rows: Sequence[RowMapping], actor: str) -> None:
    day = today()
    entries: list[Entry] = []
    lines: list[dict[str, Any]] = []
    for row in rows:
        entry = entry_of(work, row["invoice_id"])
        if entry is None:  # every opened invoice has one: it moved what is open
            raise LookupError(row["reference"])
        back = mirrored(entry, new_id, source_kind=REVERSAL, booked_on=day)
        entries.append(back)
        lines += [_line(row, each.posting_id, each.debit_minor > 0, day) for each in back.postings if each.customer_id]
    if not entries:
        return
    write_entries(work, entries)
    write_items(work, lines)
    work.audit_all(
        [
            {
                "actor": actor,
                "act": "reversal.booked",
                "object": each.source_ref,
                "details": {"entry_id": each.entry_id},
            }
            for each in entries
        ]
    )
    about = [row["invoice_id"] for row in rows]
    settling = load_settling(work, about)
    settle(settling, about, Cause(CORRECTED, CORRECTED, day))
    write_settling(work, settling, "core")


def _line(row: RowMapping, posting_id: UUID, debit: bool, day: date) -> dict[str, Any]:  # noqa: FBT001 -- a column
    return {
        "posting_id": posting_id,
        "customer_id": row["customer_id"],
        "invoice_id": row["invoice_id"],
        "attempt_id": None,
        "reference": row["reference"],
        "kind": REVERSAL,
        "debit": debit,
        "amount_minor": row["open_minor"],
        "open_minor": row["open_minor"],
        "currency": row["currency"],
        "booked_on": day,
        "due_on": day,
        "ranked_at": datetime.combine(day, time(), tzinfo=UTC),
        "lettering_id": None,
    }


def _give_back(work: Work, rows: Sequence[RowMapping]) -> None:
    """Payments without use go back to the account of the opening, from which they came."""
    refs = work.rows(
        "SELECT attempt_id, payment_ref FROM payment_attempts WHERE supplier_id = :supplier AND attempt_id = ANY(:ids)",
        ids=[row["attempt_id"] for row in rows],
    )
    payment_refs = {row["attempt_id"]: row["payment_ref"] for row in refs}
    record_facts(
        work,
        [
            MoneyReturned(
                return_ref=f"{payment_refs[row['attempt_id']]}-undone",
                payment_ref=payment_refs[row["attempt_id"]],
                kind="return",
                amount_minor=row["open_minor"],
                currency=row["currency"],
                returned_at=noon(today()),
                counter=OPENING,
            )
            for row in rows
        ],
    )
