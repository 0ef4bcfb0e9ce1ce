"""What the outside may know of: kinds of events with their fields, as they stand in the log, the API and webhooks.

An event says that something happened, to whom and for how much. It carries no word that somebody wrote and no name:
whoever needs more asks the API, with the rights that they have there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

_INVOICE = ("number", "type_code", "total_minor", "payable_minor", "currency", "issued_on", "due_on")
_MOVED = ("sequence", "by", "amount_minor", "open_minor", "currency", "collected_on")
_PAYMENT = ("attempt_id", "payment_ref", "amount_minor", "currency", "booked_on")
_DISPUTE = ("dispute_id", "reason", "state", "amount_minor", "currency")
_PROMISE = ("promise_id", "amount_minor", "kept_minor", "currency", "promised_on")
_PLAN = ("plan_id", "amount_minor", "left_minor", "currency", "position", "part_minor", "due_on", "last_on")
_LIMIT = ("kind", "exposure_minor", "limit_minor", "amount_minor", "currency", "group")
_DEROGATION = ("amount_minor", "currency", "expires_on")
_INSOLVENCY = ("kind", "published_on", "ended_on")

KINDS: dict[str, tuple[str, ...]] = {
    "invoice.issued": _INVOICE,
    "invoice.files_made": ("number", "forms"),
    "invoice.replaced": ("number", "by_id", "by_number"),
    "invoice.status": ("number", "code", "direction", "reasons"),
    "invoice.overdue": ("number", "due_on", "open_minor", "currency"),
    "invoice.paid": _MOVED,
    "invoice.part_paid": _MOVED,
    "invoice.payment_reversed": _MOVED,
    "payment.received": _PAYMENT,
    "payment.returned": _PAYMENT,
    "payment.in_flight": ("attempt_id", "payment_ref"),
    "payment.failed": ("attempt_id", "payment_ref"),
    "dispute.opened": _DISPUTE,
    "dispute.changed": _DISPUTE,
    "dispute.closed": _DISPUTE,
    "message.received": ("number",),
    "message.sent": ("number",),
    "promise.made": _PROMISE,
    "promise.kept": _PROMISE,
    "promise.partly": _PROMISE,
    "promise.broken": _PROMISE,
    "promise.withdrawn": _PROMISE,
    "plan.proposed": _PLAN,
    "plan.accepted": _PLAN,
    "plan.refused": _PLAN,
    "plan.withdrawn": _PLAN,
    "plan.late": _PLAN,
    "plan.kept": _PLAN,
    "plan.broken": _PLAN,
    "plan.expired": _PLAN,
    "plan.reopened": _PLAN,
    "reminder.sent": ("level", "channel", "invoices"),
    "claim.made": ("number", "amount_minor", "currency", "invoices"),
    "credit.over_limit": _LIMIT,
    "credit.back_within": _LIMIT,
    "limit.set": _LIMIT,
    "limit.ended": _LIMIT,
    "derogation.asked": _DEROGATION,
    "derogation.agreed": _DEROGATION,
    "derogation.refused": _DEROGATION,
    "score.fell": ("before", "after", "class_before", "class_after"),
    "insolvency.noted": _INSOLVENCY,
    "insolvency.published": _INSOLVENCY,
    "insolvency.converted": _INSOLVENCY,
    "insolvency.ended": _INSOLVENCY,
}
"""Every kind with the fields of its data that may be there beside ``customer_id`` and ``invoice_id``."""
_FROM_JOURNAL = {"dunning.sent": "reminder.sent"}
"""Lines of a customer's journal that have another name outside; the others of the same name keep theirs."""
_LIMIT_SET = "limit.set."


@dataclass(frozen=True, slots=True)
class Told:
    """One event: amounts of ``data`` are whole cents of its ``currency``, days are ISO 8601."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    customer_id: UUID | None = None
    invoice_id: UUID | None = None
    happened_at: datetime | None = None
    """The present where it is not given."""

    def __post_init__(self) -> None:
        """Nothing leaves that is not in the table of kinds."""
        strange = self.data.keys() - KINDS[self.kind]
        if strange:
            raise ValueError(f"An event {self.kind} does not say {', '.join(sorted(strange))}.")


def kind_of_journal(kind: str) -> str | None:
    """The kind by which a line of a customer's journal is told outside; ``None``: it stays inside."""
    if kind.startswith(_LIMIT_SET):
        return "limit.set"
    kind = _FROM_JOURNAL.get(kind, kind)
    return kind if kind in KINDS else None


def told_of_journal(kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Of the facts of a journal line those that are ids, days, codes and amounts."""
    return {name: facts[name] for name in KINDS[kind] if facts.get(name) not in (None, "")}
