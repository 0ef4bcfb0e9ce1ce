"""What Chorus Pro says of an invoice, as statuses of the life cycle.

Chorus Pro knows words of its own (*statuts de facture*); the mandate's table says which status each of them is:
external specification Chorus Pro 1.1, section 3.4 and case 6.35. ``MISE_EN_PAIEMENT`` is a payment order (211) without
an amount: Chorus Pro itself tells the State 212, so that a supplier never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import PARIS
from einvoice.document import SIREN_SCHEME, Identifier
from einvoice.lifecycle.message import (
    BUYER,
    PLATFORM,
    SELLER,
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusMessage,
    StatusParty,
    compose,
)
from einvoice.lifecycle.statuses import Phase, status

if TYPE_CHECKING:
    from datetime import date, datetime

SUSPENDED, REFUSED = "208", "210"
STATUSES = {
    "DEPOSEE": "200",
    "EN_COURS_ACHEMINEMENT": "201",
    "MISE_A_DISPOSITION": "203",
    "A_RECYCLER": "221",
    "SERVICE_FAIT": "204",
    "MANDATEE": "204",
    "COMPTABILISEE": "204",
    "SUSPENDUE": SUSPENDED,
    "COMPLETEE": "209",
    "REJETEE": REFUSED,
    "MISE_EN_PAIEMENT": "211",
}
"""Our code for each of Chorus Pro's; what is not here is kept under Chorus Pro's own word."""
REASONS = {SUSPENDED: "JUSTIF_ABS", REFUSED: "NON_CONFORME", "221": "ROUTAGE_ERR"}
"""The reason (MDT-113) that a status must carry; Chorus Pro only writes a comment, which is kept beside it."""


@dataclass(frozen=True, slots=True)
class ChorusInvoice:
    """An invoice as Chorus Pro lists it: ``cpp_id`` is its id there (*identifiantFactureCPP*)."""

    cpp_id: int
    number: str
    issued_on: date
    seller_siren: str
    buyer_siren: str | None = None
    buyer_name: str | None = None
    type_code: str = "380"


@dataclass(frozen=True, slots=True)
class ChorusStatus:
    """One line of an invoice's history there, with the instant at which it passed and the clerk's comment."""

    status_id: int
    word: str
    passed_at: datetime
    comment: str | None = None


def as_message(invoice: ChorusInvoice, passed: ChorusStatus) -> StatusMessage:
    """``passed`` as the life-cycle message that an approved platform would send."""
    code = STATUSES.get(passed.word, passed.word)
    seller = StatusParty(SELLER, (Identifier(invoice.seller_siren, SIREN_SCHEME),))
    buyer_ids = (Identifier(invoice.buyer_siren, SIREN_SCHEME),) if invoice.buyer_siren else ()
    by_platform = status(code).phase is Phase.TRANSMISSION
    reference = InvoiceReference(invoice.number, invoice.type_code, invoice.issued_on, seller)
    moment = passed.passed_at
    message_id = f"{invoice.number}_{code}_{moment.astimezone(PARIS):%Y%m%d%H%M%S}-{passed.status_id}#CPRO"
    recipient = StatusParty(
        SELLER, (Identifier(invoice.seller_siren, SIREN_SCHEME),), address=Identifier(invoice.seller_siren, "0225")
    )
    if not status(code).known:  # kept as it came, shown under its own word
        return StatusMessage(
            message_id=message_id,
            status=code,
            made_at=moment,
            invoice=reference,
            set_at=moment,
            recipients=(recipient,),
            details=_details(code, passed),
            label=passed.word,
        )
    return compose(
        code,
        message_id=message_id,
        invoice=reference,
        issuer=StatusParty(PLATFORM) if by_platform else StatusParty(BUYER, buyer_ids, invoice.buyer_name),
        recipients=(recipient,),
        made_at=moment,
        set_at=moment,
        details=_details(code, passed),
    )


def _details(code: str, passed: ChorusStatus) -> tuple[Detail, ...]:
    """Chorus Pro's own word and the comment: 204 stands for three different words there."""
    said = " : ".join(part for part in (passed.word, passed.comment) if part)
    reason = Reason(REASONS[code]) if code in REASONS else None
    return (Detail(1, reason, (Note(said),)),)
