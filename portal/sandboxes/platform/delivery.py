"""The way of an invoice to its buyer, and of a status to the other party."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from einvoice.document import FRENCH_ADDRESS_SCHEME
from einvoice.platform.port import AckStatus, Direction
from portal.sandboxes.platform.flows import StoredFlow
from portal.sandboxes.platform.replies import ROUTED, Play, details_of, emit

if TYPE_CHECKING:
    from portal.sandboxes.platform.directory.book import DirectoryBook
    from portal.sandboxes.platform.directory.entries import Company, Line
    from portal.sandboxes.platform.flows import DepositedInvoice, FlowStore
    from portal.sandboxes.platform.invoice_facts import InvoiceFacts

Way = Literal["delivered", "not_transmitted", "rejected", "deposited"]
CARRIED = frozenset({"B2B", "B2G"})
"""Processing rules under which a platform carries the invoice to the buyer; others only tell the State."""
TO_BUYER = frozenset({"209", "211", "212", "220", "225", "227", "228"})
"""What a seller says that its buyer hears. 226 (factored confidentially) never reaches the buyer or its platform."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where an invoice goes. ``reason`` and ``comment`` say why it does not arrive; ``receiver`` is a client."""

    way: Way
    reason: str | None = None
    comment: str | None = None
    receiver: str | None = None
    company: Company | None = None


def find_route(book: DirectoryBook, facts: InvoiceFacts, rule: str, *, unknown_is_rejected: bool) -> Route:
    """The route of an accepted invoice, by its address (BT-49) or its buyer's SIREN."""
    if rule not in CARRIED:
        return Route("deposited")
    address = facts.buyer.reachable_at
    if address and address.scheme != FRENCH_ADDRESS_SCHEME:
        return Route("delivered")
    given = address.value if address else ""
    company = book.at(given) or book.company(facts.buyer.siren)
    if company:
        return _route_to(company, given, facts)
    if unknown_is_rejected:
        return Route("rejected", "DEST_INC", "The directory does not know this buyer.")
    return Route("delivered")


def _route_to(company: Company, address: str, facts: InvoiceFacts) -> Route:
    """The route to a buyer that the directory knows."""
    line = company.line_at(address)
    if line is None and company.lines:
        return Route("rejected", "REJ_ADR", f"{company.name} has no address {address}.", company=company)
    if line is None or line.status in {"Disabled", "Upcoming"} or (line.platform == "DFH" and not company.is_public):
        return Route("not_transmitted", "NON_TRANSMISE", "No platform receives for this buyer.", company=company)
    gap = _public_gap(company, line, facts)
    if gap:
        return Route("rejected", "REJ_CONT_B2G", gap, company=company)
    return Route("delivered", receiver=company.owner, company=company)


def _public_gap(company: Company, line: Line, facts: InvoiceFacts) -> str | None:
    """What a public buyer asks for and the invoice does not say."""
    facility = next((each for each in company.facilities if each.siret == line.siret), None)
    demands = facility.demands if facility else None
    if demands is None or not company.is_public:
        return None
    code = next((each for each in company.codes if each.identifier == line.routing), None)
    if (demands.commitment or (code and code.needs_commitment)) and not facts.order:
        return "The buyer asks for its legal commitment (BT-13)."
    if demands.service_code and not line.routing:
        return "The buyer asks for a service code in the address."
    if demands.commitment_or_service and not (facts.order or line.routing):
        return "The buyer asks for its legal commitment (BT-13) or a service code."
    return None


def carry(store: FlowStore, invoice: DepositedInvoice, route: Route, sent: StoredFlow) -> list[StoredFlow]:
    """Send the invoice on its way: the flows that tell of it, to the buyer's client and to the seller's."""
    flows: list[StoredFlow | None] = []
    with store.lock:
        if route.way == "delivered" and route.receiver:
            invoice.buyer_owner = route.receiver
            received = hand_over(store, sent, route.receiver)
            invoice.buyer_flow_id = received.flow_id
            flows.append(received)
        if invoice.facts.seller.siren:  # without a SIREN the seller has no address for statuses
            flows += [_tell(store, invoice, code, route) for code in _codes(route)]
        return [flow for flow in flows if flow]


def _codes(route: Route) -> tuple[str, ...]:
    if route.way == "rejected":
        return ("200", "213")
    return ROUTED if route.way == "delivered" else ("200",)


def _tell(store: FlowStore, invoice: DepositedInvoice, code: str, route: Route) -> StoredFlow | None:
    explained = "213" if route.way == "rejected" else "200"
    if code == explained and route.reason:
        return emit(store, invoice, code, details_of(invoice, Play(code, route.reason, route.comment)))
    return emit(store, invoice, code)


def hand_over(store: FlowStore, sent: StoredFlow, receiver: str) -> StoredFlow:
    """The invoice as its buyer receives it: the very file that the seller sent."""
    return store.add(
        StoredFlow(
            owner=receiver,
            name=sent.name,
            syntax=sent.syntax,
            direction=Direction.IN,
            content=sent.content,
            sha256=sent.sha256,
            profile=sent.profile,
            flow_type="SupplierInvoice",
            status=AckStatus.OK,
            facts=sent.facts,
            computed_rule=sent.processing_rule or sent.computed_rule,
        )
    )


def pass_on(store: FlowStore, invoice: DepositedInvoice, sent: StoredFlow) -> StoredFlow | None:
    """The status ``sent`` as the other party receives it; None where nobody reads there, or it is confidential."""
    message = sent.message
    if message is None:
        return None
    by_buyer = sent.flow_type == "SupplierInvoiceLC"
    receiver = invoice.owner if by_buyer else invoice.buyer_owner
    if receiver is None or not (by_buyer or message.status in TO_BUYER):
        return None
    return store.add(
        StoredFlow(
            owner=receiver,
            name=sent.name,
            syntax=sent.syntax,
            direction=Direction.IN,
            content=sent.content,
            sha256=sent.sha256,
            flow_type="CustomerInvoiceLC" if by_buyer else "SupplierInvoiceLC",
            status=AckStatus.OK,
            message=message,
            computed_rule="NotApplicable",
        )
    )
