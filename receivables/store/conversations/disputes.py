"""Disputes in PostgreSQL: their rows, their events, the turns of their invoices, and pauses of dunning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.conversations.disputes import (
    APPROVED,
    REFUSING,
    Dispute,
    DisputeEvent,
    EventKind,
    Origin,
    Scope,
    State,
    Turn,
)
from receivables.domain.told import Told
from receivables.errors import NotFoundError
from receivables.store.event_log import tell
from receivables.store.work import literally, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.conversations.disputes import Standing
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

MOST_PAUSE = timedelta(days=45)
"""All pauses of one invoice together: thirty banking days, the most that a supplier may set, and the days between."""
_NAMES = tuple(Dispute.__dataclass_fields__)
_COLUMNS = ", ".join(f"dispute.{name}" for name in _NAMES)
ENDED_BY = (
    "coalesce((SELECT '220' FROM replacements WHERE replacements.supplier_id = :supplier "
    "AND replaced_id = invoice.invoice_id), (SELECT '220' FROM opened_items AS opened JOIN openings "
    "USING (supplier_id, opening_id) WHERE opened.supplier_id = :supplier "
    "AND opened.invoice_id = invoice.invoice_id AND openings.state = 'undone'), "
    "(SELECT code FROM statuses AS status WHERE status.supplier_id = :supplier "
    "AND status.invoice_id = invoice.invoice_id AND (code = '220' OR code IN ('210', '213') "
    "AND EXISTS (SELECT 1 FROM dispute_events AS event JOIN disputes AS dispute USING (supplier_id, dispute_id) "
    "WHERE event.supplier_id = :supplier AND event.message_id = status.message_id "
    "AND dispute.invoice_id = invoice.invoice_id)) ORDER BY set_at, code LIMIT 1))"
)
"""The status after which nobody asks for the money of a row ``invoice``: 220 of a replaced one (and of one whose
taking over was undone), whether or not a platform was told, else the first of 210, 213 (acted on) and 220."""
CHOICES = {
    "open": "dispute.closed_at IS NULL",
    "late": "dispute.closed_at IS NULL AND least(dispute.close_due_on, "
    "CASE WHEN dispute.answered_at IS NULL THEN dispute.answer_due_on END) < :today",
    "info_needed": "dispute.state = 'info_needed'",
    "refused": "dispute.state = 'refused'",
    "closed": "dispute.closed_at IS NOT NULL",
    "all": "true",
}
"""What a list of disputes can be narrowed to."""


@dataclass(frozen=True, slots=True)
class DisputeLine:
    """A dispute in a list. ``disputed_minor`` is at most what is open on its invoice now."""

    dispute: Dispute
    number: str
    customer_name: str
    disputed_minor: int


def insert_dispute(work: Work, invoice: Invoice, reason: str, standing: Standing, dues: tuple[date, date]) -> UUID:
    """Write a new dispute; ``dues`` are the days of its first answer and of its outcome."""
    dispute_id = new_id()
    work.execute(
        "INSERT INTO disputes (supplier_id, dispute_id, customer_id, invoice_id, reason, scope, amount_minor, "
        "currency, line_ids, opened_from, state, owner, answer_due_on, close_due_on, opened_at, answered_at, "
        "closed_at, changed_at) VALUES (:supplier, :id, :customer, :invoice, :reason, :scope, :amount, :currency, "
        ":lines, :origin, :state, :owner, :answer_due, :close_due, :opened, :answered, :closed, :at)",
        id=dispute_id,
        customer=invoice.customer_id,
        invoice=invoice.invoice_id,
        reason=reason,
        currency=invoice.currency,
        **_standing(standing, dues),
    )
    data = {"dispute_id": dispute_id, "reason": reason, "currency": invoice.currency, **_told(standing)}
    tell(work, [Told("dispute.opened", data, invoice.customer_id, invoice.invoice_id)])
    return dispute_id


def update_dispute(work: Work, dispute: Dispute, standing: Standing, dues: tuple[date, date]) -> None:
    """Write where a dispute stands now, and tell it where that changed."""
    work.execute(
        "UPDATE disputes SET state = :state, scope = :scope, amount_minor = :amount, line_ids = :lines, "
        "opened_from = :origin, owner = :owner, answer_due_on = :answer_due, close_due_on = :close_due, "
        "opened_at = :opened, answered_at = :answered, closed_at = :closed, changed_at = :at "
        "WHERE supplier_id = :supplier AND dispute_id = :id",
        id=dispute.dispute_id,
        **_standing(standing, dues),
    )
    if (dispute.state, dispute.amount_minor) != (standing.state, standing.amount_minor):
        is_closed = dispute.closed_at is None and standing.closed_at is not None
        kind = "dispute.closed" if is_closed else "dispute.changed"
        data = {"dispute_id": dispute.dispute_id, "reason": dispute.reason, "currency": dispute.currency}
        tell(work, [Told(kind, data | _told(standing), dispute.customer_id, dispute.invoice_id)])


def append_event(work: Work, dispute_id: UUID, event: DisputeEvent) -> None:
    """Append to what was said and done; the caller holds the customer's lock."""
    work.execute(
        "INSERT INTO dispute_events (supplier_id, dispute_id, sequence, kind, actor, said, status_code, message_id, "
        "facts, happened_at) SELECT :supplier, :id, coalesce(max(sequence), 0) + 1, :kind, :actor, :said, :code, "
        ":message, CAST(:facts AS jsonb), :happened FROM dispute_events WHERE supplier_id = :supplier "
        "AND dispute_id = :id",
        id=dispute_id,
        kind=event.kind,
        actor=event.actor,
        said=event.said,
        code=event.status_code,
        message=event.message_id,
        facts=to_json(event.facts),
        happened=event.happened_at,
    )


def disputes_on(work: Work, invoice_id: UUID) -> list[Dispute]:
    """The disputes about an invoice, oldest first."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM disputes AS dispute WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND merged_into IS NULL ORDER BY opened_at, dispute_id",
        invoice=invoice_id,
    )
    return [_dispute(row) for row in rows]


def get_dispute(work: Work, dispute_id: UUID) -> Dispute:
    """One dispute, or the one that it turned out to be.

    Raises:
        NotFoundError: ``dispute.not_found``.
    """
    row = work.row(
        "WITH RECURSIVE way AS (SELECT dispute_id, merged_into FROM disputes WHERE supplier_id = :supplier "
        "AND dispute_id = :id UNION ALL SELECT next.dispute_id, next.merged_into FROM disputes AS next "
        "JOIN way ON next.dispute_id = way.merged_into WHERE next.supplier_id = :supplier) "
        f"SELECT {_COLUMNS} FROM disputes AS dispute JOIN way USING (dispute_id) "
        "WHERE dispute.supplier_id = :supplier AND dispute.merged_into IS NULL",
        id=dispute_id,
    )
    if row is None:
        raise NotFoundError("dispute.not_found", "There is no such dispute.", "Ce litige n'existe pas.")
    return _dispute(row)


def events_of(work: Work, invoice_id: UUID) -> dict[UUID, list[DisputeEvent]]:
    """What was said and done about each dispute of an invoice, in order, with what its merged ones held."""
    rows = work.rows(
        "WITH RECURSIVE root AS (SELECT dispute_id, dispute_id AS root_id FROM disputes "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice AND merged_into IS NULL "
        "UNION ALL SELECT joined.dispute_id, root.root_id FROM disputes AS joined "
        "JOIN root ON joined.merged_into = root.dispute_id WHERE joined.supplier_id = :supplier) "
        "SELECT root_id, kind, happened_at, actor, said, status_code, message_id, facts FROM dispute_events "
        "JOIN root USING (dispute_id) WHERE supplier_id = :supplier ORDER BY happened_at, dispute_id, sequence",
        invoice=invoice_id,
    )
    found: dict[UUID, list[DisputeEvent]] = {}
    for row in rows:
        found.setdefault(row["root_id"], []).append(_event(row))
    return found


def turns_of(work: Work, invoice_id: UUID) -> list[Turn]:
    """What was received about a whole invoice: approvals, and the refusals that were acted on."""
    rows = work.rows(
        "SELECT code, set_at AS at, message_id FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND direction = 'in' AND code = :approved UNION "
        "SELECT status_code, happened_at, message_id FROM dispute_events JOIN disputes "
        "USING (supplier_id, dispute_id) WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND kind = 'status' AND status_code = ANY(:refusing)",
        invoice=invoice_id,
        approved=APPROVED,
        refusing=sorted(REFUSING),
    )
    return [Turn(**row) for row in rows]


def list_disputes(
    work: Work,
    *,
    choice: str = "open",
    wanted: str = "",
    owner: str = "",
    customer_id: UUID | None = None,
    today: date | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[DisputeLine]:
    """Disputes, open ones first and the latest of them first; one more than ``limit`` where there are more."""
    conditions = ["dispute.supplier_id = :supplier", "dispute.merged_into IS NULL", CHOICES[choice]]
    if owner:
        conditions.append("dispute.owner = :owner")
    if customer_id is not None:
        conditions.append("dispute.customer_id = :customer")
    if wanted:
        conditions.append("(invoice.number ILIKE :wanted OR customer.name ILIKE :wanted)")
    if after is not None:
        conditions.append(
            "(dispute.closed_at IS NULL, dispute.opened_at, dispute.dispute_id) < (SELECT closed_at IS NULL, "
            "opened_at, dispute_id FROM disputes WHERE supplier_id = :supplier AND dispute_id = :after)"
        )
    rows = work.rows(
        f"SELECT {_COLUMNS}, invoice.number, customer.name AS customer_name, least(coalesce(dispute.amount_minor, "
        "invoice.payable_minor), coalesce((SELECT sum(open_minor) FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.invoice_id = dispute.invoice_id AND item.kind = 'invoice'), 0)"
        ")::bigint AS disputed_minor FROM disputes AS dispute JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = dispute.customer_id "
        f"WHERE {' AND '.join(conditions)} "
        "ORDER BY (dispute.closed_at IS NULL) DESC, dispute.opened_at DESC, dispute.dispute_id DESC LIMIT :limit",
        owner=owner,
        customer=customer_id,
        wanted=f"%{literally(wanted)}%",
        today=today,
        after=after,
        limit=limit + 1,
    )
    return [DisputeLine(_dispute(row), row["number"], row["customer_name"], row["disputed_minor"]) for row in rows]


def note_pause(work: Work, invoice_id: UUID, cause: str, source_ref: str, until_on: date) -> None:
    """Nobody is reminded of an invoice before ``until_on``; told twice by one source, it is one pause."""
    work.execute(
        "INSERT INTO dunning_pauses (supplier_id, invoice_id, cause, source_ref, until_on, created_at) "
        "VALUES (:supplier, :invoice, :cause, :source, :until, :at) ON CONFLICT DO NOTHING",
        invoice=invoice_id,
        cause=cause,
        source=source_ref,
        until=until_on,
        at=now(),
    )


def longest_pauses(work: Work, invoice_ids: Sequence[UUID], today: date) -> dict[UUID, tuple[date, str]]:
    """Until when nobody reminds of each of these invoices, and why; those without a pause are missing.

    All pauses together last at most :data:`MOST_PAUSE` from the day on which the first came in, by our own clock: a
    payment that is announced again and again, or for a day far away, is not waited for.
    """
    rows = work.rows(
        "SELECT DISTINCT ON (invoice_id) invoice_id, least(until_on, first_on + :most) AS until_on, cause FROM ("
        "SELECT invoice_id, until_on, cause, "
        "CAST(min(created_at) OVER (PARTITION BY invoice_id) AT TIME ZONE 'Europe/Paris' AS date) AS first_on "
        "FROM dunning_pauses WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)) AS told "
        "WHERE least(until_on, first_on + :most) > :today ORDER BY invoice_id, told.until_on DESC, cause",
        ids=list(invoice_ids),
        today=today,
        most=MOST_PAUSE.days,
    )
    return {row["invoice_id"]: (row["until_on"], row["cause"]) for row in rows}


def _told(standing: Standing) -> dict[str, Any]:
    """What the outside is told; without an amount the whole invoice is disputed."""
    told: dict[str, Any] = {"state": standing.state}
    return told if standing.amount_minor is None else told | {"amount_minor": standing.amount_minor}


def _standing(standing: Standing, dues: tuple[date, date]) -> dict[str, Any]:
    """The columns that say where a dispute stands."""
    at: datetime = now()
    return {
        "scope": standing.scope,
        "amount": standing.amount_minor,
        "lines": list(standing.line_ids),
        "origin": standing.origin,
        "state": standing.state,
        "owner": standing.owner,
        "answer_due": dues[0],
        "close_due": dues[1],
        "opened": standing.opened_at,
        "answered": standing.answered_at,
        "closed": standing.closed_at,
        "at": at,
    }


def _dispute(row: RowMapping) -> Dispute:
    values = {name: row[name] for name in _NAMES}
    values.update(
        scope=Scope(row["scope"]),
        line_ids=tuple(row["line_ids"]),
        opened_from=Origin(row["opened_from"]),
        state=State(row["state"]),
    )
    return Dispute(**values)


def _event(row: RowMapping) -> DisputeEvent:
    return DisputeEvent(
        EventKind(row["kind"]),
        row["happened_at"],
        row["actor"],
        row["said"],
        row["status_code"],
        row["message_id"],
        row["facts"],
    )
