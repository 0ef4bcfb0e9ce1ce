"""The platform at work: takes flows, acknowledges them a little later in a thread of its own, sends statuses back."""

from __future__ import annotations

import logging
import queue
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now
from einvoice.platform.port import AckStatus
from portal.sandboxes.platform import register, replies
from portal.sandboxes.platform.faults import FaultBox, Operation
from portal.sandboxes.platform.flows import DepositedInvoice, FlowStore, SandboxFullError, StoredFlow
from portal.sandboxes.platform.tokens import TokenDesk
from portal.sandboxes.platform.webhooks import WebhookDesk

if TYPE_CHECKING:
    from einvoice.platform.port import AckDetail
    from portal.sandboxes.platform.examination import Examination, Examiner
    from portal.sandboxes.platform.options import PlatformSandboxOptions

log = logging.getLogger(__name__)


class PlatformDesk:
    """Everything that the sandbox is, behind its web pages. Close it at the end."""

    def __init__(self, examiner: Examiner, options: PlatformSandboxOptions) -> None:
        self.options = options
        self.store = FlowStore(options.max_flows)
        self.tokens = TokenDesk(options.clients, options.token_lifetime_s)
        self.faults = FaultBox()
        self.webhooks = WebhookDesk()
        self.closing = threading.Event()
        self._examiner = examiner
        self._delay = timedelta(seconds=options.acknowledge_after_s)
        self._waiting: queue.SimpleQueue[StoredFlow | None] = queue.SimpleQueue()
        self._clerk = threading.Thread(target=self._work, name="sandbox-platform", daemon=True)
        self._clerk.start()

    def take(self, flow: StoredFlow) -> StoredFlow:
        """Store a flow that came in, and have it acknowledged in its turn."""
        kept = self.store.add(flow)
        self._waiting.put(kept)
        return kept

    def play(self, invoice: DepositedInvoice, played: replies.Play) -> StoredFlow:
        """Send a status in the buyer's name. Raises ``PlayError``."""
        flow = replies.play(self.store, invoice, played)
        self._deliver([flow])
        return flow

    def close(self) -> None:
        """Stop the threads; flows that wait stay Pending."""
        self.closing.set()
        self._waiting.put(None)
        self._clerk.join(timeout=5)
        self.webhooks.close()

    def _work(self) -> None:
        while (flow := self._waiting.get()) is not None:
            left_s = (flow.submitted_at + self._delay - now()).total_seconds()
            if self.closing.wait(max(0.0, left_s)):
                return
            try:
                self._acknowledge(flow)
            except SandboxFullError as error:
                log.warning("a status is not sent back: %s", error)

    def _acknowledge(self, flow: StoredFlow) -> None:
        examined = self._examiner.examine(flow)
        with self.store.lock:
            flow.facts, flow.message, flow.flow_type = examined.facts, examined.message, examined.flow_type
            refusal = self._enter(flow, examined)
            details = (*examined.details, refusal) if refusal else examined.details
            accepted = examined.passes and refusal is None
            self.store.acknowledge(flow, AckStatus.OK if accepted else AckStatus.ERROR, details)
            invoice = self.store.invoices.get(examined.facts.key) if accepted and examined.facts else None
        self.webhooks.tell(flow)
        if invoice:
            self._deliver(replies.route(self.store, invoice))

    def _enter(self, flow: StoredFlow, examined: Examination) -> AckDetail | None:
        if not examined.passes:
            return None
        if examined.facts:
            return register.enter_invoice(self.store, flow, examined.facts)
        if examined.message:
            return register.enter_status(self.store, flow, examined.message)
        return None

    def _deliver(self, flows: list[StoredFlow]) -> None:
        for flow in flows:
            self.webhooks.tell(flow)
            if self.faults.strike(Operation.STATUS):
                self.webhooks.tell(replies.repeat(self.store, flow))
