"""The delivery log: every flow to a platform with what is known of it, and how each platform account fares. Read only.

A flow waits through its row of the outbox (``flow.planned``): when it is tried next, and why the last try failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from receivables.store.work import literally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
"""Flows of a list that are shown at once."""
STATES: dict[str, tuple[str, ...] | None] = {
    "all": None,
    "waiting": ("to_send", "in_doubt"),
    "sent": ("sent",),
    "accepted": ("accepted",),
    "refused": ("refused",),
}
"""What the log can be narrowed to: the states behind each choice."""
OPEN_STATES = ("to_send", "in_doubt", "sent")
"""A flow in one of these is not settled: its platform is still needed."""
_SHORTEST_ID = 6
"""Characters of a tracking id from which on a search compares them: fewer would find half the log."""


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One flow. ``number`` is of the invoice or of the declaration; ``remarks`` are those of the acknowledgement.

    ``waits_for`` is why the last try failed and ``next_try_at`` when the next one is, while it waits; ``buried`` says
    that nobody tries any more.
    """

    tracking_id: str
    kind: str
    state: str
    attempt: int
    sends: int
    account_id: UUID
    platform: str
    invoice_id: UUID | None
    subject_id: UUID | None
    number: str | None
    flow_ref: str | None
    remarks: tuple[dict[str, str], ...]
    document_id: UUID
    form: str
    filename: str
    mime: str
    sha256: str
    size_bytes: int
    planned_at: datetime
    submitted_at: datetime | None
    changed_at: datetime
    next_try_at: datetime | None
    waits_for: str | None
    buried: bool

    @property
    def waits(self) -> bool:
        """Whether it is still to be sent."""
        return self.state in ("to_send", "in_doubt")

    @property
    def sent_at(self) -> datetime | None:
        """When the platform took it, by its own clock where it said so."""
        if self.submitted_at or self.waits:
            return self.submitted_at
        return self.changed_at if self.state == "sent" else None

    @property
    def acknowledged_at(self) -> datetime | None:
        """When we learnt that it is accepted or refused."""
        return self.changed_at if self.state in ("accepted", "refused") else None


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One platform account: how it is reached (without its secret), how it fares, and how many flows it has.

    ``opened_at`` is since when the circuit breaker lets nothing pass, ``failure`` what the last failing call met, and
    ``answered_at`` the last time that it answered.
    """

    account_id: UUID
    label: str
    driver: dict[str, Any]
    active: bool
    serves: str
    created_at: datetime
    closed_at: datetime | None
    failures: int
    opened_at: datetime | None
    failure: str | None
    answered_at: datetime | None
    is_called_back: bool
    waiting: int
    sent: int
    accepted: int
    refused: int

    @property
    def unsettled(self) -> int:
        """Flows that still need this platform."""
        return self.waiting + self.sent


_FLOW = (
    "SELECT flow.tracking_id, flow.kind, flow.state, flow.attempt, flow.sends, flow.account_id, "
    "account.label AS platform, flow.invoice_id, flow.subject_id, "
    "coalesce(invoice.number, report.number, received.number) AS number, flow.flow_ref, "
    "coalesce(flow.refusal, '[]'::jsonb) AS remarks, flow.document_id, document.form, document.filename, "
    "document.mime, document.sha256, document.size_bytes, flow.created_at AS planned_at, flow.submitted_at, "
    "flow.changed_at, fact.next_try_at, fact.reason AS waits_for, coalesce(fact.state = 'buried', false) AS buried "
    "FROM platform_flows AS flow "
    "JOIN platform_accounts AS account USING (supplier_id, account_id) "
    "JOIN documents AS document USING (supplier_id, document_id) "
    "LEFT JOIN invoices AS invoice ON invoice.supplier_id = flow.supplier_id "
    "AND invoice.invoice_id = flow.invoice_id "
    "LEFT JOIN reports AS report ON report.supplier_id = flow.supplier_id AND report.report_id = flow.subject_id "
    "LEFT JOIN received_invoices AS received ON received.supplier_id = flow.supplier_id "
    "AND received.received_id = flow.subject_id "
    "LEFT JOIN outbox AS fact ON fact.supplier_id = flow.supplier_id AND fact.kind = 'flow.planned' "
    "AND fact.event_key = flow.tracking_id AND fact.state <> 'done' "
    "WHERE flow.supplier_id = :supplier "
)


def list_flows(
    work: Work,
    *,
    narrowed: str = "all",
    kind: str | None = None,
    wanted: str = "",
    after: str | None = None,
    limit: int = PAGE,
) -> list[FlowLine]:
    """Flows, the last moved first; ``wanted`` is part of a number or the beginning of a tracking id or flow id.

    ``after`` is the tracking id of the last flow of the page before. One more than ``limit`` is returned where there
    are more.
    """
    conditions, values = [], dict[str, Any]()
    if (states := STATES[narrowed]) is not None:
        conditions.append("flow.state = ANY(:states)")
        values["states"] = list(states)
    if kind is not None:
        conditions.append("flow.kind = :kind")
        values["kind"] = kind
    if wanted:
        conditions.append(
            "(coalesce(invoice.number, report.number, received.number) ILIKE '%' || :wanted || '%' "
            "OR length(:plain) >= :least AND (starts_with(flow.tracking_id, :plain) "
            "OR starts_with(flow.flow_ref, :plain)))"
        )
        values |= {"wanted": literally(wanted), "plain": wanted, "least": _SHORTEST_ID}
    if after is not None:
        conditions.append(
            "(flow.changed_at, flow.tracking_id) < (SELECT changed_at, tracking_id FROM platform_flows "
            "WHERE supplier_id = :supplier AND tracking_id = :after)"
        )
        values["after"] = after
    where = "".join(f"AND {each} " for each in conditions)
    rows = work.rows(
        f"{_FLOW}{where}ORDER BY flow.changed_at DESC, flow.tracking_id DESC LIMIT :limit",
        limit=limit + 1,
        **values,
    )
    return [_line(row) for row in rows]


def find_flow_line(work: Work, tracking_id: str) -> FlowLine | None:
    """One flow, or ``None``."""
    row = work.row(f"{_FLOW}AND flow.tracking_id = :tracking", tracking=tracking_id)
    return _line(row) if row else None


def attempts_of(work: Work, line: FlowLine) -> list[FlowLine]:
    """Every attempt at the same file, the latest first: more than one where a refused flow was planned anew."""
    rows = work.rows(
        f"{_FLOW}AND flow.document_id = :document AND flow.kind = :kind ORDER BY flow.attempt DESC",
        document=line.document_id,
        kind=line.kind,
    )
    return [_line(row) for row in rows]


def list_accounts(work: Work) -> list[AccountLine]:
    """Every platform account that is not closed, the active ones first."""
    rows = work.rows(
        "SELECT account.account_id, label, account.driver, active, serves, account.created_at, closed_at, "
        "coalesce(calls.failures, 0) AS failures, calls.opened_at, "
        "calls.reason AS failure, "
        "greatest(CASE WHEN calls.failures = 0 THEN calls.changed_at END, flows.answered_at, trial.tried_at) "
        "AS answered_at, hook.is_called_back, coalesce(flows.waiting, 0) AS waiting, coalesce(flows.sent, 0) AS sent, "
        "coalesce(flows.accepted, 0) AS accepted, coalesce(flows.refused, 0) AS refused "
        "FROM platform_accounts AS account LEFT JOIN platform_calls AS calls USING (supplier_id, account_id) "
        "LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE state IN ('to_send', 'in_doubt')) AS waiting, "
        "count(*) FILTER (WHERE state = 'sent') AS sent, count(*) FILTER (WHERE state = 'accepted') AS accepted, "
        "count(*) FILTER (WHERE state = 'refused') AS refused, "
        "max(changed_at) FILTER (WHERE state IN ('sent', 'accepted', 'refused')) AS answered_at "
        "FROM platform_flows AS flow WHERE flow.supplier_id = account.supplier_id "
        "AND flow.account_id = account.account_id) AS flows ON true "
        "LEFT JOIN LATERAL (SELECT max(tried_at) AS tried_at FROM platform_trials AS tried "
        "WHERE tried.supplier_id = account.supplier_id AND tried.account_id = account.account_id "
        """AND tried.steps @> '[{"step": "search", "outcome": "passed"}]') AS trial ON true """
        "CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM platform_hooks AS held "
        "WHERE held.supplier_id = account.supplier_id AND held.account_id = account.account_id "
        "AND held.state = 'live') AS is_called_back) AS hook "
        "WHERE account.supplier_id = :supplier AND closed_at IS NULL ORDER BY active DESC, account.created_at DESC"
    )
    return [AccountLine(**row) for row in rows]


def statuses_of(work: Work, invoice_id: UUID) -> Sequence[RowMapping]:
    """The statuses of an invoice in the order in which they were set: code, direction, set_at, note, flow_ref."""
    return work.rows(
        "SELECT code, direction, set_at, note, flow_ref FROM statuses WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice ORDER BY set_at, created_at",
        invoice=invoice_id,
    )


@dataclass(frozen=True, slots=True)
class Journey:
    """How far an invoice came: its latest flow, the codes of its statuses, its 212, and the declaration that holds it.

    ``collected`` are the states of the flows of its 212; ``declared_in`` is the number of the declaration (Flux 10).
    """

    flow_state: str | None
    tracking_id: str | None
    codes: tuple[str, ...]
    collected: tuple[str, ...]
    declared_in: str | None


def journey_of(work: Work, invoice_id: UUID) -> Journey:
    """How far an invoice came at its platform, or in the declarations."""
    flow = work.row(
        "SELECT state, tracking_id FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND kind = 'invoice' ORDER BY attempt DESC, created_at DESC LIMIT 1",
        invoice=invoice_id,
    )
    collected = work.rows(
        "SELECT flow.state FROM platform_flows AS flow JOIN documents USING (supplier_id, document_id) "
        "WHERE flow.supplier_id = :supplier AND flow.invoice_id = :invoice AND kind = 'status' "
        "AND strpos(filename, '-212-') > 0 AND NOT EXISTS (SELECT 1 FROM platform_flows AS later "
        "WHERE later.supplier_id = :supplier AND later.document_id = flow.document_id "
        "AND later.attempt > flow.attempt) ORDER BY flow.created_at",
        invoice=invoice_id,
    )
    declared = work.scalar(
        "SELECT number FROM report_lines JOIN reports USING (supplier_id, report_id) WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND kind = 'transactions' ORDER BY reports.created_at DESC LIMIT 1",
        invoice=invoice_id,
    )
    return Journey(
        flow["state"] if flow else None,
        flow["tracking_id"] if flow else None,
        tuple(row["code"] for row in statuses_of(work, invoice_id)),
        tuple(row["state"] for row in collected),
        declared,
    )


def _line(row: RowMapping) -> FlowLine:
    remarks = tuple(each for each in row["remarks"] if isinstance(each, dict))
    return FlowLine(**{**row, "remarks": remarks})
