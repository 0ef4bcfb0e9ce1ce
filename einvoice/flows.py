"""Flows (*flux*) to platforms: planned in the transaction that decides them, sent once each, whatever fails.

The tracking id is deterministic, and a flow that may have been sent is asked for by it before it is sent again. A flow
belongs to the platform account that it was planned for, also after the supplier has changed to another platform.

States: ``to_send`` has certainly not left; ``in_doubt`` may have; ``sent`` is at the platform, which has not judged it
yet; ``accepted`` and ``refused`` are its judgement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from config.clock import now
from einvoice.platform.port import (
    AckStatus,
    ProcessingRule,
    Profile,
)
from receivables.domain.events import Event
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.platform.port import FlowState
    from receivables.store.work import Work

FLOW_PLANNED = "flow.planned"
"""The event (outbox) by which the worker hears that a flow waits to be sent."""
ASK_AFTER = timedelta(seconds=2)
"""A platform needs a moment to judge what it has been given."""


class FlowKind(StrEnum):
    """What a flow is."""

    INVOICE = "invoice"
    STATUS = "status"
    """A status of an invoice of ours: 212, 209, 220, ..."""
    REPORT = "report"
    """A declaration (Flux 10)."""
    BUYER_STATUS = "buyer_status"
    """A status that we, as the buyer, set on an invoice received."""


@dataclass(frozen=True, slots=True)
class PlannedFlow:
    """A flow to be sent: its document is kept; ``subject_id`` is a declaration or an invoice received."""

    tracking_id: str
    kind: FlowKind
    account_id: UUID
    document_id: UUID
    invoice_id: UUID | None = None
    subject_id: UUID | None = None
    attempt: int = 1
    processing_rule: ProcessingRule | None = None
    profile: Profile | None = None


def plan_flow(work: Work, flow: PlannedFlow) -> None:
    """Note that ``flow`` is to be sent, and announce it to the worker; planned twice, it is one flow."""
    work.execute(
        "INSERT INTO platform_flows (supplier_id, tracking_id, account_id, invoice_id, subject_id, kind, document_id, "
        "state, attempt, told, created_at, changed_at) VALUES (:supplier, :tracking, :account, :invoice, :subject, "
        ":kind, :document, 'to_send', :attempt, CAST(:told AS jsonb), :at, :at) "
        "ON CONFLICT (supplier_id, tracking_id) DO NOTHING",
        tracking=flow.tracking_id,
        account=flow.account_id,
        invoice=flow.invoice_id,
        subject=flow.subject_id,
        kind=flow.kind,
        document=flow.document_id,
        attempt=flow.attempt,
        told=to_json({"processing_rule": flow.processing_rule, "profile": flow.profile}),
        at=now(),
    )
    announce_flow(work, flow.tracking_id)


def announce_flow(work: Work, tracking_id: str) -> None:
    """Have the worker send a planned flow; announced twice, it is one fact."""
    work.emit([Event(FLOW_PLANNED, tracking_id, {"tracking_id": tracking_id})])


def acknowledge(work: Work, tracking_id: str, state: FlowState) -> None:
    """Note what the platform answered about a flow that it has: accepted or refused, with its remarks."""
    if state.status is AckStatus.PENDING:
        return
    remarks: list[dict[str, Any]] = [
        {"level": each.level, "item": each.item, "reason": each.reason, "message": each.message}
        for each in state.details
    ]
    work.execute(
        "UPDATE platform_flows SET state = :state, refusal = CAST(:remarks AS jsonb), changed_at = :at "
        "WHERE supplier_id = :supplier AND tracking_id = :tracking AND state = 'sent'",
        state="accepted" if state.status is AckStatus.OK else "refused",
        remarks=to_json(remarks) if remarks else None,
        tracking=tracking_id,
        at=now(),
    )
