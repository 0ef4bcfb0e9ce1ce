"""The statuses that the sandbox makes itself: the platforms' own, and those of parties whom nobody else plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import PARIS, now, today
from einvoice.document import SIREN_SCHEME, Identifier
from einvoice.lifecycle import reasons
from einvoice.lifecycle.cdar import write_cdar
from einvoice.lifecycle.message import (
    BUYER,
    COLLECTED,
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
SUPPLIER_PLAYABLE = ("209", "212", "220", "227")
"""What an invented supplier may say to the client that bought from it."""


class PlayError(ValueError):
    """The party cannot say this of this invoice; the sentences say why."""

    def __init__(self, sentence: str, sentence_fr: str) -> None:
        super().__init__(sentence)
        self.sentence_fr = sentence_fr


@dataclass(frozen=True, slots=True)
class Play:
    """What a party says: ``status``, a reason (MDT-113), a comment (MDT-126), an amount paid (211), an action asked."""

    status: str
    reason: str | None = None
    comment: str | None = None
    amount: Decimal | None = None
    action: str | None = None


def play(store: FlowStore, invoice: DepositedInvoice, played: Play) -> StoredFlow | None:
    """A status of a party whom the sandbox plays, sent to the other one; None where nobody receives it.

    Raises:
        PlayError: not a status of that party, no reason or one that does not fit, or the invoice is closed.
    """
    playable = PLAYABLE if invoice.owner else SUPPLIER_PLAYABLE
    if played.status not in playable:
        codes, party, party_fr = ", ".join(playable), *_PARTIES[bool(invoice.owner)]
        raise PlayError(
            f"{party} sets one of {codes}, not {played.status}.",
            f"{party_fr} pose l'un des statuts {codes}, pas {played.status}.",
        )
    allowed = reasons.ALLOWED.get(played.status, frozenset())
    if (played.reason or status(played.status).needs_reason) and played.reason not in allowed:
        codes = ", ".join(sorted(allowed)) or "-"
        raise PlayError(
            f"Status {played.status} needs one of these reasons: {codes}.",
            f"Le statut {played.status} demande l'un de ces motifs : {codes}.",
        )
    with store.lock:
        closing = closed_by(invoice.codes)
        if closing:
            raise PlayError(
                f"The invoice is closed by status {closing}.", f"La facture est close par le statut {closing}."
            )
        return emit(store, invoice, played.status, details_of(invoice, played))


_PARTIES = {True: ("A buyer", "Un acheteur"), False: ("This supplier", "Ce fournisseur")}


def repeat(store: FlowStore, flow: StoredFlow) -> StoredFlow:
    """The same file once more as a flow of its own, as platforms sometimes deliver twice."""
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
            facts=flow.facts,
            computed_rule=flow.computed_rule,
        )
    )


def details_of(invoice: DepositedInvoice, played: Play) -> tuple[Detail, ...]:
    """The details (MDG-37) of what a party says; a 212 tells the whole total by VAT rate."""
    reason = None
    if played.reason:
        reason = Reason(played.reason, reasons.reason(played.reason).french, played.action)
    notes = (Note(played.comment),) if played.comment else ()
    facts = invoice.facts
    data: tuple[Datum, ...] = ()
    if played.status == "212":
        data = tuple(Datum(COLLECTED, total, facts.currency, rate) for rate, total in facts.by_rate.items())
    elif played.amount:
        data = (Datum(PAID, played.amount, facts.currency, dated_on=today()),)
    return (Detail(1, reason, notes, data),) if reason or notes or data else ()


def emit(store: FlowStore, invoice: DepositedInvoice, code: str, details: tuple[Detail, ...] = ()) -> StoredFlow | None:
    """Note a status of the invoice, and make the flow that tells it; None where no client is to be told."""
    to_seller = code not in SUPPLIER_PLAYABLE
    receiver = invoice.owner if to_seller else invoice.buyer_owner
    with store.lock:
        if receiver is None:
            invoice.statuses.append(InvoiceStatus(code, now(), _first_note(details)))
            return None
        flow = store.add(
            StoredFlow(
                owner=receiver,
                name=f"{invoice.facts.number}_CDV-{code}.xml",
                syntax=Syntax.CDAR.value,
                direction=Direction.IN,
                content=b"",
                flow_type="CustomerInvoiceLC" if to_seller else "SupplierInvoiceLC",
                status=AckStatus.OK,
                profile="Undefined",
                computed_rule="NotApplicable",
            )
        )
        message = _message(invoice, code, details, flow.submitted_at)
        flow.content, flow.message = write_cdar(message), message
        invoice.statuses.append(InvoiceStatus(code, message.occurred_at, message.note))
        return flow


def _first_note(details: tuple[Detail, ...]) -> str | None:
    return next((note.text for detail in details for note in detail.notes), None)


def _message(invoice: DepositedInvoice, code: str, details: tuple[Detail, ...], at: datetime) -> StatusMessage:
    facts = invoice.facts
    seller_id = (Identifier(facts.seller.siren, SIREN_SCHEME),) if facts.seller.siren else ()
    buyer_id = (facts.buyer.legal_id,) if facts.buyer.legal_id else ()
    seller = StatusParty(SELLER, seller_id, facts.seller.name, facts.seller.reachable_at)
    buyer = StatusParty(BUYER, buyer_id, facts.buyer.name, facts.buyer.reachable_at)
    by_seller = code in SUPPLIER_PLAYABLE
    issuer, recipient = (seller, buyer) if by_seller else (buyer, seller)
    if status(code).phase is Phase.TRANSMISSION:
        issuer = StatusParty(PLATFORM)
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
        issuer=StatusParty(issuer.role, issuer.identifiers, issuer.name),
        recipients=(recipient,),
        made_at=at,
        set_at=at,
        details=details,
    )
