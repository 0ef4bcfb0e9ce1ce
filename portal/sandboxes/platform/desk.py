"""The platform at work: takes flows, judges them a little later, carries them to the other side, plays the rest."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from einvoice.platform.port import AckStatus
from portal.sandboxes.platform import register, replies
from portal.sandboxes.platform.agenda import Agenda
from portal.sandboxes.platform.declarations import Declarations, answer_report
from portal.sandboxes.platform.delivery import Route, carry, find_route, pass_on
from portal.sandboxes.platform.directory.book import DirectoryBook
from portal.sandboxes.platform.faults import FaultBox, FaultKind, Operation
from portal.sandboxes.platform.flows import DepositedInvoice, FlowStore, StoredFlow
from portal.sandboxes.platform.scenarios import Progress, Scenario, ScenarioBook
from portal.sandboxes.platform.tokens import TokenDesk
from portal.sandboxes.platform.webhooks import WebhookDesk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.lifecycle.message import StatusMessage
    from einvoice.platform.port import AckDetail
    from portal.sandboxes.platform.examination import Examination, Examiner
    from portal.sandboxes.platform.invoice_facts import InvoiceFacts
    from portal.sandboxes.platform.options import Extract, PlatformSandboxOptions

log = logging.getLogger(__name__)


class PlatformDesk:
    """Everything that the sandbox is, behind its web pages. Close it at the end."""

    def __init__(self, examiner: Examiner, options: PlatformSandboxOptions) -> None:
        self.options = options
        self.store = FlowStore(options.max_flows)
        self.tokens = TokenDesk(options.clients, options.token_lifetime_s)
        self.faults = FaultBox()
        self.webhooks = WebhookDesk(self.faults, enabled=options.call_webhooks)
        self.directory = DirectoryBook(options.clients)
        self.scenarios = ScenarioBook()
        self.declarations = Declarations(early=options.early_reports)
        self.closing = threading.Event()
        self.agenda = Agenda("sandbox-platform")
        self._examiner = examiner
        self._playing: dict[tuple[str, str, int], Progress] = {}

    @property
    def extract_xml(self) -> Extract:
        """Takes the XML out of a Factur-X."""
        return self._examiner.extract_xml

    def take(self, flow: StoredFlow) -> StoredFlow:
        """Store a flow that came in, and have it judged in its turn."""
        kept = self.store.add(flow)
        self.agenda.put(self.options.acknowledge_after_s, lambda: self._examine(kept))
        return kept

    def play(self, invoice: DepositedInvoice, played: replies.Play) -> StoredFlow | None:
        """Send a status in the name of a party whom the sandbox plays. Raises ``PlayError``."""
        flow = replies.play(self.store, invoice, played)
        self._deliver([flow] if flow else [])
        return flow

    def start_scenario(self, invoice: DepositedInvoice, scenario: Scenario) -> None:
        """Let ``scenario`` play the buyer of ``invoice`` from now on, in the place of any other."""
        invoice.scenario = scenario.name
        self._playing[invoice.facts.key] = Progress(scenario, list(scenario.steps))
        self._plan_next(invoice)

    def receive_from_outside(self, flow: StoredFlow, facts: InvoiceFacts, route: Route) -> DepositedInvoice:
        """An invoice of an invented supplier arrives for a client: it is in the books, and delivered."""
        with self.store.lock:
            invoice = DepositedInvoice(None, "", facts, self.store.present())
            self.store.invoices[facts.key] = invoice
        self._deliver(carry(self.store, invoice, route, flow))
        return invoice

    def examine(self, flow: StoredFlow) -> Examination:
        """What can be said of a file alone."""
        return self._examiner.examine(flow)

    def forget(self) -> None:
        """Empty the sandbox: flows, invoices, reports, and what was still to come. Faults and clients stay."""
        self.agenda.clear()
        self._playing.clear()
        self.scenarios.planned.clear()
        self.declarations.clear()
        self.store.clear()

    def close(self) -> None:
        """Stop the threads; flows that wait stay Pending."""
        self.closing.set()
        self.agenda.close()
        self.webhooks.close()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def _examine(self, flow: StoredFlow) -> None:
        examined = self._examiner.examine(flow)
        late = self.faults.strike(Operation.ACKNOWLEDGE)
        scenario = self._scenario_of(examined.facts)
        more_s = (late.hold_s if late else 0.0) + (scenario.acknowledge_after_s or 0.0 if scenario else 0.0)
        if more_s:
            self.agenda.put(more_s, lambda: self._acknowledge(flow, examined))
        else:
            self._acknowledge(flow, examined)

    def _acknowledge(self, flow: StoredFlow, examined: Examination) -> None:
        with self.store.lock:
            flow.facts, flow.message, flow.report = examined.facts, examined.message, examined.report
            flow.flow_type, flow.computed_rule = examined.flow_type, self._rule(examined)
            flow.profile = flow.profile or (examined.facts.profile if examined.facts else None)
            refusal, invoice = self._enter(flow, examined)
            details = (*examined.details, refusal) if refusal else examined.details
            accepted = examined.passes and refusal is None
            self.store.acknowledge(flow, AckStatus.OK if accepted else AckStatus.ERROR, details)
        self.webhooks.tell(flow)
        if not accepted:
            return
        if examined.facts and invoice:
            self._send_on(flow, invoice)
        elif examined.message and invoice:
            self._pass_on(flow, invoice, examined.message)
        elif examined.report:
            rejections = self.declarations.enter(examined.report)
            self._deliver([answer_report(self.store, flow, examined.report, rejections)])

    def _enter(self, flow: StoredFlow, examined: Examination) -> tuple[AckDetail | None, DepositedInvoice | None]:
        if not examined.passes:
            return None, None
        if examined.facts:
            refusal = register.enter_invoice(self.store, flow, examined.facts)
            return refusal, None if refusal else self.store.invoices[examined.facts.key]
        if examined.message:
            entered = register.enter_status(self.store, flow, examined.message)
            return (None, entered) if isinstance(entered, DepositedInvoice) else (entered, None)
        return None, None

    def _rule(self, examined: Examination) -> str:
        """The processing rule that the file itself shows."""
        if examined.facts is None:
            return "NotApplicable" if examined.message or examined.report else "Undefined"
        buyer = examined.facts.buyer
        if buyer.siren:
            company = self.directory.company(buyer.siren)
            return "B2G" if company and company.is_public else "B2B"
        return "B2BInt" if buyer.legal_id else "B2C"

    # --- what goes out -----------------------------------------------------------------------------------------------

    def _send_on(self, flow: StoredFlow, invoice: DepositedInvoice) -> None:
        facts = invoice.facts
        if facts.seller.siren:
            address = facts.seller.address.value if facts.seller.address else None
            self.directory.learn(facts.seller.siren, facts.seller.name, flow.owner, address)
        rule = flow.processing_rule or flow.computed_rule or "Undefined"
        strict = self.options.unknown_buyer == "rejected"
        route = find_route(self.directory, facts, rule, unknown_is_rejected=strict)
        scenario = self._scenario_of(facts)
        if scenario and scenario.way != "delivered" and route.way == "delivered":
            route = replace(route, way=scenario.way, reason=scenario.reason, receiver=None)
        self._deliver(carry(self.store, invoice, route, flow))
        if scenario and route.way == "delivered":
            self.start_scenario(invoice, scenario)

    def _pass_on(self, flow: StoredFlow, invoice: DepositedInvoice, message: StatusMessage) -> None:
        passed = pass_on(self.store, invoice, flow)
        self._deliver([passed] if passed else [])
        progress = self._playing.get(invoice.facts.key)
        if progress and progress.left and progress.left[0].wait_for == message.status:
            progress.left[0] = replace(progress.left[0], wait_for=None)
            self._plan_next(invoice)

    def _deliver(self, flows: Iterable[StoredFlow]) -> None:
        for flow in flows:
            fault = self.faults.strike(Operation.STATUS)
            if fault and fault.kind is FaultKind.OUT_OF_ORDER:
                flow.held_back = True
                self.agenda.put(fault.hold_s, lambda held=flow: self._release(held))  # type: ignore[misc]
                continue
            self.webhooks.tell(flow)
            if fault:
                self.webhooks.tell(replies.repeat(self.store, flow))

    def _release(self, flow: StoredFlow) -> None:
        self.store.release(flow)
        self.webhooks.tell(flow)

    # --- scenarios ---------------------------------------------------------------------------------------------------

    def _scenario_of(self, facts: InvoiceFacts | None) -> Scenario | None:
        if facts is None:
            return None
        company = self.directory.company(facts.buyer.siren)
        return self.scenarios.choose(facts, company, self.options.default_scenario)

    def _plan_next(self, invoice: DepositedInvoice) -> None:
        progress = self._playing.get(invoice.facts.key)
        if progress and progress.left and not progress.left[0].wait_for:
            self.agenda.put(progress.left[0].after_s, lambda: self._play_next(invoice, progress))

    def _play_next(self, invoice: DepositedInvoice, progress: Progress) -> None:
        if self._playing.get(invoice.facts.key) is not progress or not progress.left:
            return
        step = progress.left.pop(0)
        try:
            self.play(invoice, step.play_of(invoice.facts))
        except replies.PlayError as error:
            log.info("scenario %s of %s ends: %s", progress.scenario.name, invoice.facts.number, error)
            return
        self._plan_next(invoice)
