"""Standing agreements: a customer lets invoices be collected when they fall due, by a mandate or a saved method.

Each collection is announced fourteen days before, once. While one is announced or under way there is no second one of
the same invoice; one that failed is told and left to people. `collecting` charges what is due.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from payments.debits.mandates import find_mandate
from payments.debits.planning import amount_to_collect, cancel_debits, plan_debit
from payments.debits.settings import NOTICE_DAYS
from payments.errors import PaymentError
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.collecting.claims import NOT_CLAIMS
from receivables.store.customer_file.customers import lock_customers
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

log = logging.getLogger("quittance.autopay")

ACTOR = "autopay"
AHEAD = timedelta(days=NOTICE_DAYS + 2)
"""A collection is announced a little earlier than it has to be, so that a worker that stood still loses no day."""
MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Autopay:
    """A customer's agreement: by ``mandate_id``, or by ``method_ref`` at the provider account ``account_id``."""

    autopay_id: UUID
    customer_id: UUID
    mandate_id: UUID | None
    account_id: UUID | None
    method_ref: str | None
    state: str
    agreed_by: str
    agreed_at: datetime
    ended_by: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ToldCollection:
    """A collection to announce, or one that failed: what its mail says."""

    announcement_id: UUID
    invoice_id: UUID
    customer_id: UUID
    number: str
    amount_minor: int
    currency: str
    collect_on: date
    label: str
    reason: str | None


_COLUMNS = (
    "autopay_id, customer_id, mandate_id, account_id, method_ref, state, agreed_by, agreed_at, ended_by, ended_at"
)


def autopay_of(work: Work, customer_id: UUID) -> Autopay | None:
    """The agreement of a customer that holds now."""
    row = work.row(
        f"SELECT {_COLUMNS} FROM autopay WHERE supplier_id = :supplier AND customer_id = :customer AND state = 'on'",
        customer=customer_id,
    )
    return Autopay(**row) if row else None


def agree(
    work: Work,
    customer_id: UUID,
    actor: str,
    evidence: dict[str, Any],
    *,
    mandate_id: UUID | None = None,
    method: tuple[UUID, str] | None = None,
) -> Autopay:
    """Collect what falls due from now on, by a mandate or a saved method; an earlier agreement gives way.

    ``evidence`` says what was shown, to whom, when and from where.

    Raises:
        PaymentError: ``autopay.no_means``: the mandate or method may not be used, or is another customer's.
    """
    lock_customers(work, [customer_id])
    if not _may_use(work, customer_id, mandate_id, method):
        raise PaymentError(
            "autopay.no_means",
            "This mandate or payment method cannot be used: choose another one, or sign a mandate.",
            "Ce mandat ou ce moyen de paiement n'est pas utilisable : choisissez-en un autre, ou signez un mandat.",
        )
    end_autopay(work, customer_id, actor)
    autopay_id = new_id()
    work.execute(
        "INSERT INTO autopay (supplier_id, autopay_id, customer_id, mandate_id, account_id, method_ref, state, "
        "agreed_by, agreed_at, evidence) VALUES (:supplier, :id, :customer, :mandate, :account, :method, 'on', :actor, "
        ":at, CAST(:evidence AS jsonb))",
        id=autopay_id,
        customer=customer_id,
        mandate=mandate_id,
        account=method[0] if method else None,
        method=method[1] if method else None,
        actor=actor,
        at=now(),
        evidence=to_json(evidence),
    )
    work.audit(actor, "autopay.agreed", str(autopay_id), customer=str(customer_id))
    found = autopay_of(work, customer_id)
    assert found is not None  # noqa: S101 -- just written
    return found


def end_autopay(work: Work, customer_id: UUID, actor: str) -> int:
    """End a customer's agreement at once, with what was announced under it; returns how many collections that were.

    A collection that lies with the bank or the provider already goes on: it is shown as under way.
    """
    lock_customers(work, [customer_id])
    found = autopay_of(work, customer_id)
    if found is None:
        return 0
    work.execute(
        "UPDATE autopay SET state = 'off', ended_by = :actor, ended_at = :at WHERE supplier_id = :supplier "
        "AND autopay_id = :id",
        id=found.autopay_id,
        actor=actor,
        at=now(),
    )
    rows = work.rows(
        "SELECT announcement_id, debit_id FROM collections_announced WHERE supplier_id = :supplier "
        "AND autopay_id = :id AND state = 'announced' AND attempt_id IS NULL",
        id=found.autopay_id,
    )
    cancel_debits(work, {row["debit_id"]: "autopay_off" for row in rows if row["debit_id"]})
    for row in rows:
        move_announcement(work, row["announcement_id"], "withdrawn", "autopay_off")
    work.audit(actor, "autopay.ended", str(found.autopay_id), withdrawn=len(rows))
    return len(rows)


def announce_collections(work: Work) -> int:
    """Plan the collection of invoices that fall due soon under an agreement; returns how many are new.

    Under a mandate the planned debit's own announcement tells the payer.
    """
    count = 0
    for row in _falling_due(work):
        lock_customers(work, [row["customer_id"]])
        amount, due = amount_to_collect(work, row["invoice_id"]), due_on_invoice(work, row["invoice_id"])
        if amount <= 0 or due.next_due_on > today() + AHEAD or _was_collected(work, row["invoice_id"], due.next_due_on):
            continue
        try:
            debit_id, day = _plan(work, row, due.next_due_on)
        except PaymentError as error:  # the mandate lapsed or is blocked: shown to both sides with the mandate itself
            log.info("Not collected: %s", error, extra={"supplier": str(work.supplier_id)})
            continue
        _announce(work, row, amount, day, debit_id)
        count += 1
    return count


def collections_to_tell(work: Work, *, failed: bool = False) -> list[ToldCollection]:
    """Collections by saved methods that are not announced yet; or, of all means, those that ``failed`` lately."""
    condition = (
        "told.state = 'failed' AND told.changed_at > :since"
        if failed
        else "told.state = 'announced' AND told.told_at IS NULL AND told.debit_id IS NULL"
    )
    rows = work.rows(
        "SELECT announcement_id, told.invoice_id, invoice.customer_id, invoice.number, told.amount_minor, "
        "invoice.currency, told.collect_on, coalesce(method.label, '') AS label, told.reason "
        "FROM collections_announced AS told JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "JOIN autopay AS agreed USING (supplier_id, autopay_id) LEFT JOIN saved_methods AS method "
        "ON method.supplier_id = :supplier AND method.account_id = agreed.account_id "
        f"AND method.method_ref = agreed.method_ref WHERE told.supplier_id = :supplier AND {condition} "
        "ORDER BY announced_at LIMIT :limit",
        since=now() - timedelta(days=2),
        limit=MOST_AT_ONCE,
    )
    return [ToldCollection(**row) for row in rows]


def note_told(work: Work, announcement_ids: Sequence[UUID]) -> None:
    """The payers of these collections have been told."""
    work.execute(
        "UPDATE collections_announced SET told_at = coalesce(told_at, :at) WHERE supplier_id = :supplier "
        "AND announcement_id = ANY(:ids)",
        ids=list(announcement_ids),
        at=now(),
    )


def _may_use(work: Work, customer_id: UUID, mandate_id: UUID | None, method: tuple[UUID, str] | None) -> bool:
    if (mandate_id is None) == (method is None):
        return False
    if mandate_id is not None:
        mandate = find_mandate(work, mandate_id, customer_id=customer_id)
        return not mandate.once and mandate.stands_on(today()) in ("usable", "to_confirm")
    return bool(method) and bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM saved_methods WHERE supplier_id = :supplier AND account_id = :account "
            "AND method_ref = :method AND customer_id = :customer AND state = 'usable')",
            account=method[0] if method else None,
            method=method[1] if method else None,
            customer=customer_id,
        )
    )


def _falling_due(work: Work) -> Sequence[RowMapping]:
    """Open invoices of customers who agreed, without a collection that is announced or failed before.

    They agreed to pay invoices: a claim for late interest is never collected by itself.
    """
    return work.rows(
        "SELECT agreed.autopay_id, agreed.mandate_id, agreed.customer_id, item.invoice_id "
        "FROM autopay AS agreed JOIN receivable_items AS item ON item.supplier_id = :supplier "
        "AND item.customer_id = agreed.customer_id AND item.kind = 'invoice' AND item.open_minor > 0 "
        "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = item.invoice_id "
        f"WHERE agreed.supplier_id = :supplier AND agreed.state = 'on' AND {NOT_CLAIMS} "
        "AND (invoice.due_on <= :until OR EXISTS ("
        "SELECT 1 FROM instalments AS part WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id "
        "AND part.due_on <= :until)) AND NOT EXISTS (SELECT 1 FROM collections_announced AS told "
        "WHERE told.supplier_id = :supplier AND told.invoice_id = item.invoice_id "
        "AND told.state IN ('announced', 'failed')) "
        "AND NOT EXISTS (SELECT 1 FROM debits WHERE debits.supplier_id = :supplier "
        "AND debits.invoice_id = item.invoice_id AND debits.state IN ('planned', 'notified', 'in_file', 'sent')) "
        "AND NOT EXISTS (SELECT 1 FROM reservations AS flight WHERE flight.supplier_id = :supplier "
        "AND flight.invoice_id = item.invoice_id AND flight.state = 'processing') "
        "ORDER BY agreed.customer_id, invoice.due_on, item.invoice_id LIMIT :limit",
        until=today() + AHEAD,
        limit=MOST_AT_ONCE,
    )


def _was_collected(work: Work, invoice_id: UUID, next_due_on: date) -> bool:
    """Whether this part of an invoice was collected before: what came back since is left to people."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM collections_announced WHERE supplier_id = :supplier "
            "AND invoice_id = :invoice AND state = 'collected' AND collect_on >= :day)",
            invoice=invoice_id,
            day=next_due_on,
        )
    )


def _plan(work: Work, row: RowMapping, due_on: date) -> tuple[UUID | None, date]:
    """The debit behind a collection, where it is one of ours, and its day."""
    if row["mandate_id"] is None:
        return None, max(due_on, today() + timedelta(days=NOTICE_DAYS))
    debit_id = plan_debit(work, row["invoice_id"], ACTOR, chosen_by="rule", mandate_id=row["mandate_id"])
    day: date = work.scalar(
        "SELECT collect_on FROM debits WHERE supplier_id = :supplier AND debit_id = :id", id=debit_id
    )
    return debit_id, day


def _announce(work: Work, row: RowMapping, amount_minor: int, day: date, debit_id: UUID | None) -> None:
    work.execute(
        "INSERT INTO collections_announced (supplier_id, announcement_id, autopay_id, invoice_id, amount_minor, "
        "collect_on, state, debit_id, announced_at, changed_at) VALUES (:supplier, :id, :autopay, :invoice, :amount, "
        ":day, 'announced', :debit, :at, :at)",
        id=new_id(),
        autopay=row["autopay_id"],
        invoice=row["invoice_id"],
        amount=amount_minor,
        day=day,
        debit=debit_id,
        at=now(),
    )


def move_announcement(work: Work, announcement_id: UUID, state: str, reason: str | None) -> None:
    """Write what became of an announced collection."""
    work.execute(
        "UPDATE collections_announced SET state = :state, reason = :reason, changed_at = :at "
        "WHERE supplier_id = :supplier AND announcement_id = :id AND state = 'announced'",
        id=announcement_id,
        state=state,
        reason=reason,
        at=now(),
    )


def collections_of(work: Work, customer_id: UUID, *, limit: int = 20) -> Sequence[RowMapping]:
    """What was announced to a customer, newest first: number, amount, day, state and reason."""
    return work.rows(
        "SELECT announcement_id, told.invoice_id, invoice.number, told.amount_minor, invoice.currency, "
        "coalesce(debit.collect_on, told.collect_on) AS collect_on, told.state, told.reason "
        "FROM collections_announced AS told JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "LEFT JOIN debits AS debit ON debit.supplier_id = :supplier AND debit.debit_id = told.debit_id "
        "WHERE told.supplier_id = :supplier AND invoice.customer_id = :customer "
        "ORDER BY told.announced_at DESC, announcement_id DESC LIMIT :limit",
        customer=customer_id,
        limit=limit,
    )


def methods_saved(work: Work, customer_id: UUID) -> Sequence[RowMapping]:
    """Methods that a customer saved with a provider and that may be used: account, reference, kind and label."""
    return work.rows(
        "SELECT account_id, method_ref, kind, label, saved_at FROM saved_methods WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND state = 'usable' ORDER BY saved_at DESC",
        customer=customer_id,
    )
