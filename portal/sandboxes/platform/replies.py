"""The statuses that come back to the sender: the platform's own, and those of a buyer who is played by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import PARIS, today
from einvoice.document import SIREN_SCHEME, Identifier
from einvoice.lifecycle import reasons
from einvoice.lifecycle.cdar import write_cdar
from einvoice.lifecycle.message import (
    BUYER,
    PAID,
    PLATFORM,
    SELLER,
    Datum,
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusMessage,
    StatusParty,
    compose,
)
from einvoice.lifecycle.statuses import Phase, closed_by, status
from einvoice.platform.port import AckStatus, Direction, Syntax
from portal.sandboxes.platform.flows import DepositedInvoice, FlowStore, InvoiceStatus, StoredFlow

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

ROUTED = ("200", "202", "203")
"""What both platforms say of an invoice that arrives."""
PLAYABLE = ("204", "205", "206", "207", "208", "210", "211")
"""What a buyer may say."""


class PlayError(ValueError):
    """The buyer cannot say this of this invoice; the sentences say why."""

    def __init__(self, sentence: str, sentence_fr: str) -> None:
        super().__init__(sentence)
        self.sentence_fr = sentence_fr


@dataclass(frozen=True, slots=True)
class Play:
    """What the buyer says: ``status``, with a reason (MDT-113), a comment (MDT-126) or an amount paid (211)."""

    status: str
    reason: str | None = None
    comment: str | None = None
    amount: Decimal | None = None


def route(store: FlowStore, invoice: DepositedInvoice) -> list[StoredFlow]:
    """The statuses 200, 202, 203 of an invoice just accepted. A seller without SIREN gets none: it has no address."""
    if not invoice.facts.seller.siren:
        return []
    return [_emit(store, invoice, code, ()) for code in ROUTED]


def play(store: FlowStore, invoice: DepositedInvoice, played: Play) -> StoredFlow:
    """A status of the buyer, sent to the seller.

    Raises:
        PlayError: not a buyer's status, no reason or one that does not fit, or the invoice is closed.
    """
    if played.status not in PLAYABLE:
        codes = ", ".join(PLAYABLE)
        raise PlayError(
            f"A buyer sets one of {codes}, not {played.status}.",
            f"Un acheteur pose l'un des statuts {codes}, pas {played.status}.",
        )
    allowed = reasons.ALLOWED.get(played.status, frozenset())
    if (played.reason or status(played.status).needs_reason) and played.reason not in allowed:
        codes = ", ".join(sorted(allowed)) or "-"
        raise PlayError(
            f"Status {played.status} needs one of these reasons: {codes}.",
            f"Le statut {played.status} demande l'un de ces motifs : {codes}.",
        )
    with store.lock:
        closing = closed_by([held.code for held in invoice.statuses])
        if closing:
            raise PlayError(
                f"The invoice is closed by status {closing}.", f"La facture est close par le statut {closing}."
            )
        return _emit(store, invoice, played.status, _details(invoice, played))


def repeat(store: FlowStore, flow: StoredFlow) -> StoredFlow:
    """The same message once more as a flow of its own, as platforms sometimes deliver twice."""
    return store.add(
        StoredFlow(
            owner=flow.owner,
            name=flow.name,
            syntax=flow.syntax,
            direction=flow.direction,
            content=flow.content,
            profile=flow.profile,
            flow_type=flow.flow_type,
            status=flow.status,
            message=flow.message,
        )
    )


def _details(invoice: DepositedInvoice, played: Play) -> tuple[Detail, ...]:
    reason = Reason(played.reason, reasons.reason(played.reason).french) if played.reason else None
    notes = (Note(played.comment),) if played.comment else ()
    data = (Datum(PAID, played.amount, invoice.facts.currency, dated_on=today()),) if played.amount else ()
    return (Detail(1, reason, notes, data),) if reason or notes or data else ()


def _emit(store: FlowStore, invoice: DepositedInvoice, code: str, details: tuple[Detail, ...]) -> StoredFlow:
    with store.lock:
        flow = store.add(
            StoredFlow(
                owner=invoice.owner,
                name=f"{invoice.facts.number}_CDV-{code}.xml",
                syntax=Syntax.CDAR.value,
                direction=Direction.IN,
                content=b"",
                flow_type="CustomerInvoiceLC",
                status=AckStatus.OK,
                profile="Undefined",
            )
        )
        message = _message(invoice, code, details, flow.submitted_at)
        flow.content, flow.message = write_cdar(message), message
        invoice.statuses.append(InvoiceStatus(code, message.occurred_at, message.note))
        return flow


def _message(invoice: DepositedInvoice, code: str, details: tuple[Detail, ...], at: datetime) -> StatusMessage:
    facts = invoice.facts
    seller_id = (Identifier(facts.seller.siren, SIREN_SCHEME),) if facts.seller.siren else ()
    buyer_id = (facts.buyer.legal_id,) if facts.buyer.legal_id else ()
    by_platform = status(code).phase is Phase.TRANSMISSION
    number_of = len(invoice.statuses) + 1
    return compose(
        code,
        message_id=(
            f"{facts.number}_{code}_{at.astimezone(PARIS):%Y%m%d%H%M%S}-{number_of}"
            f"#{facts.type_code}_{facts.issued_on:%Y%m%d}"
        ),
        invoice=InvoiceReference(
            facts.number,
            facts.type_code,
            facts.issued_on,
            StatusParty(SELLER, seller_id),
            invoice.deposited_at.replace(microsecond=0),
        ),
        issuer=StatusParty(PLATFORM) if by_platform else StatusParty(BUYER, buyer_id, facts.buyer.name),
        recipients=(StatusParty(SELLER, seller_id, facts.seller.name, facts.seller.reachable_at),),
        made_at=at,
        set_at=at,
        details=details,
    )
