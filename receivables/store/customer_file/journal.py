"""The journal of an account: what was said and done about a customer, in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.told import Told, kind_of_journal, told_of_journal
from receivables.store.event_log import tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work

MOST_READ = 100


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """Something that was said or done: ``kind`` says which words tell it, ``facts`` what fills them.

    ``shown``: whether the customer may read it as well.
    """

    customer_id: UUID
    kind: str
    actor: str
    shown: bool
    facts: dict[str, Any] = field(default_factory=dict)
    invoice_id: UUID | None = None
    happened_at: datetime | None = None
    """The present where it is not given."""


def note_event(work: Work, event: AccountEvent) -> None:
    """Write one event down."""
    note_events(work, [event])


def note_events(work: Work, events: Sequence[AccountEvent]) -> None:
    """Write events down, as one set; those that concern the outside go into its log as well."""
    at = now()
    work.insert(
        "account_events",
        [
            {
                "event_id": new_id(),
                "customer_id": event.customer_id,
                "invoice_id": event.invoice_id,
                "kind": event.kind,
                "actor": event.actor,
                "shown": event.shown,
                "facts": event.facts,
                "happened_at": event.happened_at or at,
            }
            for event in events
        ],
    )
    tell(
        work,
        [
            Told(kind, told_of_journal(kind, event.facts), event.customer_id, event.invoice_id, event.happened_at)
            for event in events
            if (kind := kind_of_journal(event.kind))
        ],
    )


def journal_of(
    work: Work,
    customer_id: UUID,
    *,
    internal: bool,
    invoice_id: UUID | None = None,
    limit: int = MOST_READ,
) -> list[AccountEvent]:
    """The newest events of an account, or of one invoice of it; ``internal`` adds what the customer may not read."""
    rows = work.rows(
        "SELECT customer_id, kind, actor, shown, facts, invoice_id, happened_at FROM account_events "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND (:internal OR shown) "
        "AND (CAST(:invoice AS uuid) IS NULL OR invoice_id = :invoice) "
        "ORDER BY happened_at DESC, event_id DESC LIMIT :limit",
        customer=customer_id,
        internal=internal,
        invoice=invoice_id,
        limit=limit,
    )
    return [AccountEvent(**row) for row in rows]
