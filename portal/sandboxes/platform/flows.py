"""What the sandbox holds: flows, invoices and their statuses, in memory, behind one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from einvoice.platform.port import AckDetail, AckStatus, Direction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.lifecycle.message import StatusMessage
    from portal.sandboxes.platform.invoice_facts import InvoiceFacts
    from portal.sandboxes.platform.report_facts import ReportFacts


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class StoredFlow:
    """A flow as the platform keeps it. ``owner`` is the client and the organisation that it acts for."""

    owner: str
    name: str
    syntax: str
    direction: Direction
    content: bytes
    tracking_id: str | None = None
    processing_rule: str | None = None
    profile: str | None = None
    sha256: str | None = None
    flow_type: str = "Undefined"
    status: AckStatus = AckStatus.PENDING
    details: tuple[AckDetail, ...] = ()
    flow_id: str = ""
    sequence: int = 0
    submitted_at: datetime = _NEVER
    updated_at: datetime = _NEVER
    message: StatusMessage | None = None
    facts: InvoiceFacts | None = None
    report: ReportFacts | None = None
    computed_rule: str | None = None
    """The processing rule that the platform found itself."""
    held_back: bool = False
    """Not delivered yet (fault ``out_of_order``): no search shows it."""

    @property
    def position(self) -> tuple[datetime, int]:
        """Where the flow stands in a search: by time of change, then by arrival."""
        return self.updated_at, self.sequence


@dataclass(slots=True)
class InvoiceStatus:
    """One status of an invoice, for the page."""

    code: str
    set_at: datetime
    note: str | None = None


@dataclass(slots=True)
class DepositedInvoice:
    """An invoice that the platform accepted, with everything said of it since.

    ``owner`` is the client that sent it (None: an invented supplier), ``buyer_owner`` the one that receives it (None:
    a buyer whom nobody plays but the sandbox).
    """

    owner: str | None
    flow_id: str
    facts: InvoiceFacts
    deposited_at: datetime
    statuses: list[InvoiceStatus] = field(default_factory=list)
    collected: Decimal = Decimal(0)
    """Sum of all 212 accepted, VAT included."""
    buyer_owner: str | None = None
    buyer_flow_id: str | None = None
    scenario: str | None = None
    """The scenario that plays with it."""

    @property
    def codes(self) -> list[str]:
        """The statuses so far, in their order."""
        return [held.code for held in self.statuses]


class SandboxFullError(Exception):
    """The sandbox holds as many flows as it may; empty it."""


class FlowStore:
    """All state of the sandbox. Take ``lock`` around anything that reads and then writes."""

    def __init__(self, max_flows: int) -> None:
        self.lock = threading.RLock()
        self._max_flows = max_flows
        self._flows: dict[str, StoredFlow] = {}
        self._tracked: dict[tuple[str, str], StoredFlow] = {}
        self._skew = timedelta(0)
        self._sequence = 0
        self._latest = _NEVER
        self.invoices: dict[tuple[str, str, int], DepositedInvoice] = {}
        """Accepted invoices by seller, number and year: the key of uniqueness (DOUBLON)."""
        self.message_ids: set[tuple[str, str]] = set()
        """Owner and MDT-4 of life-cycle messages accepted."""

    def add(self, flow: StoredFlow) -> StoredFlow:
        """Keep a new flow; gives it its id and its times.

        Raises:
            SandboxFullError: there are ``max_flows`` already.
        """
        with self.lock:
            if len(self._flows) >= self._max_flows:
                raise SandboxFullError(f"The sandbox holds {self._max_flows} flows; empty it first.")
            self._sequence += 1
            flow.flow_id, flow.sequence = str(new_id()), self._sequence
            flow.submitted_at = flow.updated_at = self._tick()
            self._flows[flow.flow_id] = flow
            if flow.tracking_id:
                self._tracked.setdefault((flow.owner, flow.tracking_id), flow)
            return flow

    def acknowledge(self, flow: StoredFlow, status: AckStatus, details: Iterable[AckDetail] = ()) -> None:
        """Set the acknowledgement; the change moves the flow to the end of every search."""
        with self.lock:
            flow.status, flow.details, flow.updated_at = status, tuple(details), self._tick()

    def get(self, flow_id: str) -> StoredFlow | None:
        """The flow of this id."""
        with self.lock:
            return self._flows.get(flow_id)

    def tracked(self, owner: str, tracking_id: str) -> StoredFlow | None:
        """The flow that ``owner`` sent under this tracking id."""
        with self.lock:
            return self._tracked.get((owner, tracking_id))

    def release(self, flow: StoredFlow) -> None:
        """Deliver a flow that was held back; it arrives now."""
        with self.lock:
            flow.held_back, flow.updated_at = False, self._tick()

    def present(self) -> datetime:
        """The platform's time."""
        with self.lock:
            return self._tick()

    def set_skew(self, seconds: float) -> None:
        """Let the platform's clock be wrong by so much: every time it tells from now on is."""
        with self.lock:
            self._skew, self._latest = timedelta(seconds=seconds), _NEVER

    @property
    def skew_s(self) -> float:
        """How wrong the platform's clock is, in seconds."""
        return self._skew.total_seconds()

    def ordered(self) -> list[StoredFlow]:
        """All flows, the least recently changed first."""
        with self.lock:
            return sorted(self._flows.values(), key=lambda flow: flow.position)

    def invoice(self, number: str, seller: str | None = None) -> DepositedInvoice | None:
        """The accepted invoice of this number, of this seller where one is given."""
        with self.lock:
            found = (
                invoice
                for (siren, of, _), invoice in reversed(self.invoices.items())
                if of == number and seller in {None, siren}
            )
            return next(found, None)

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._flows.clear()
            self._tracked.clear()
            self.invoices.clear()
            self.message_ids.clear()

    def _tick(self) -> datetime:
        """The platform's time in whole milliseconds, as it is shown; going back only where its clock is set."""
        present = now() + self._skew
        cut = present.replace(microsecond=present.microsecond // 1000 * 1000)
        self._latest = max(self._latest, cut)
        return self._latest


def iso(instant: datetime) -> str:
    """``instant`` in UTC with milliseconds, as the API writes it."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def flow_json(flow: StoredFlow) -> dict[str, Any]:
    """The norm's ``Flow``."""
    acknowledgement: dict[str, Any] = {"status": flow.status.value}
    if flow.details:
        acknowledgement["details"] = [
            {"level": d.level, "item": d.item, "reasonCode": d.reason, "reasonMessage": d.message} for d in flow.details
        ]
    content = {
        "flowId": flow.flow_id,
        "submittedAt": iso(flow.submitted_at),
        "updatedAt": iso(flow.updated_at),
        "trackingId": flow.tracking_id,
        "name": flow.name,
        "flowSyntax": flow.syntax,
        "flowProfile": flow.profile or "Undefined",
        "processingRule": flow.processing_rule or flow.computed_rule or "Undefined",
        "processingRuleSource": "Input" if flow.processing_rule else "Computed",
        "flowType": flow.flow_type,
        "flowDirection": flow.direction.value,
        "acknowledgement": acknowledgement,
    }
    return {name: value for name, value in content.items() if value is not None}
