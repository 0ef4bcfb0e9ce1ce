"""What comes back from platforms: acknowledgements by asking, statuses through the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.lifecycle.cdar import read_cdar
from einvoice.platform.port import Direction, PlatformRefusedError, Syntax
from einvoice.submission import note_status
from receivables.store.inbox import Settlement, accept
from receivables.store.invoices import find_by_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from einvoice.platform.port import FlowState, Platform
    from receivables.store.inbox import Message
    from receivables.store.work import Work, Works

SOURCE = "platform"
WATERMARK = "platform.search"
OVERLAP = timedelta(hours=12)
"""Windows overlap: items that share a time stamp with the watermark are seen again, and known by their flow id."""
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Poller:
    """Asks every supplier's platform for news. A webhook would only be a hint to do this sooner."""

    works: Works
    platform_for: Callable[[Work], tuple[UUID, Platform] | None]

    def poll(self, supplier_id: UUID) -> int:
        """Put the statuses that came in since the last look into the inbox; returns how many were new.

        Raises:
            PlatformError: the platform did not answer, or not for every status: the look is repeated from there.
        """
        with self.works.begin(supplier_id) as work:
            connected = self.platform_for(work)
            since: datetime = work.scalar(
                "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name", name=WATERMARK
            )
        if connected is None:
            return 0
        after = since - OVERLAP if since else BEGINNING
        flows = self._incoming(connected[1], after)
        with self.works.begin(supplier_id) as work:
            fresh = _unknown(work, flows)
        stored = 0
        failure: PlatformRefusedError | None = None
        for flow in fresh:
            try:
                body = connected[1].fetch(flow.flow_id)
            except PlatformRefusedError as error:  # one lost file must not hide the others; it is asked for again
                failure = failure or error
                continue
            with self.works.begin(supplier_id) as work:
                stored += accept(work, SOURCE, [(flow.flow_id, body)])
        if failure:
            raise failure
        if flows:
            with self.works.begin(supplier_id) as work:
                _reach(work, max(flow.updated_at for flow in flows))
        return stored

    @staticmethod
    def _incoming(platform: Platform, after: datetime) -> list[FlowState]:
        flows: list[FlowState] = []
        cursor: str | None = None
        while True:
            page = platform.search(after, cursor, direction=Direction.IN)
            flows += page.flows
            cursor = page.next_cursor
            if cursor is None:
                return flows


def receive_statuses(work: Work, messages: Sequence[Message]) -> list[Settlement]:
    """Append the statuses in ``messages`` to their invoices; what cannot be placed is kept for a human."""
    return [_receive(work, message) for message in messages]


def _receive(work: Work, message: Message) -> Settlement:
    try:
        status = read_cdar(safe_xml.parse(message.body))
    except (EInvoiceError, safe_xml.UnsafeXmlError) as error:
        return Settlement(message.inbox_id, "buried", f"{error.code}: {error}")
    seller = status.invoice.seller.siren if status.invoice.seller else None
    ours = work.scalar("SELECT siren FROM suppliers WHERE supplier_id = :supplier")
    if seller is not None and seller != ours:
        return Settlement(
            message.inbox_id,
            "buried",
            f"status.other_seller: status {status.status} for {status.invoice.number} of {seller}; we are {ours}. "
            "Check which company this platform account belongs to.",
        )
    issued_on = status.invoice.issued_on
    invoice = find_by_number(work, status.invoice.number, issued_on.year) if issued_on else None
    if invoice is None:
        return Settlement(
            message.inbox_id,
            "buried",
            f"status.unknown_invoice: status {status.status} for {status.invoice.number}, which we never issued.",
        )
    note_status(work, invoice.invoice_id, status, direction="in", flow_ref=message.external_id)
    return Settlement(message.inbox_id, "done")


def _unknown(work: Work, flows: Sequence[FlowState]) -> list[FlowState]:
    """Life-cycle messages that are not in the inbox yet."""
    statuses = [flow for flow in flows if flow.syntax == Syntax.CDAR]
    rows = work.rows(
        "SELECT external_id FROM inbox WHERE supplier_id = :supplier AND source = :source AND external_id = ANY(:ids)",
        source=SOURCE,
        ids=[flow.flow_id for flow in statuses],
    )
    known = {row["external_id"] for row in rows}
    return [flow for flow in statuses if flow.flow_id not in known]


def _reach(work: Work, instant: datetime) -> None:
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=WATERMARK,
        at=instant,
    )
