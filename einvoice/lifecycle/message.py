"""A life-cycle message (CDAR, *cycle de vie*) as immutable values, one field per MDT term of XP Z12-012.

One message speaks of one invoice (rule P1.14). Instants are aware UTC with whole seconds; on the wire they are local
French time without an offset (format 204), since the legal day of a receipt is a French day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.document import SIREN_SCHEME, Identifier
from einvoice.errors import EInvoiceError
from einvoice.lifecycle import statuses

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

BETWEEN_USERS = "urn.cpro.gouv.fr:1p0:CDV:invoice"
"""MDT-3 of messages between users and platforms (BR-FR-CDV-02)."""
REGULATED = "REGULATED"
"""MDT-2 of an invoice inside the mandate."""

SELLER, BUYER, PLATFORM, FACTOR = "SE", "BY", "WK", "DL"
"""Party roles (UNCL 3035)."""

CONFIDENTIAL = "226"
"""*Affacturée confidentiel*: the buyer and its platform must not hear of it."""
_MAY_HEAR = frozenset({PLATFORM, FACTOR, SELLER, "SR"})
"""To whom a confidential status may be addressed: a platform of ours, the factor, the seller and the seller's agent."""

MOST_NOTE = 10_000
"""Characters of all comments of a message that are shown; the message itself is kept whole."""
COLLECTED, REMAINING, PAID, DISCOUNT = "MEN", "RAP", "MPA", "ESC"
"""Kinds of amounts (MDT-207): montant encaissé, reste à payer, montant payé, escompte; all VAT included."""


class StatusMessageError(EInvoiceError):
    """A life-cycle message that cannot be read, written or composed: ``cdar.*`` or ``collected.*``."""


@dataclass(frozen=True, slots=True)
class StatusParty:
    """A party of the message: ``role`` (UNCL 3035), global ids (0002 = SIREN), and the electronic address (MDT-73)."""

    role: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    name: str | None = None
    address: Identifier | None = None

    @property
    def siren(self) -> str | None:
        """The first identifier of scheme 0002."""
        return next((i.value for i in self.identifiers if i.scheme == SIREN_SCHEME), None)


@dataclass(frozen=True, slots=True)
class InvoiceReference:
    """The invoice spoken of: BT-1, BT-3, BT-2 and its seller, as the message repeats them.

    ``deposited_at`` is MDT-95: for the seller the instant of 200 or 213. ``reference_type`` is MDT-97 (State copies).
    """

    number: str
    type_code: str | None = None
    issued_on: date | None = None
    seller: StatusParty | None = None
    deposited_at: datetime | None = None
    reference_type: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why (MDT-113, MDT-114) and what is asked for (MDT-121, MDT-122)."""

    code: str | None = None
    label: str | None = None
    action: str | None = None
    action_label: str | None = None


@dataclass(frozen=True, slots=True)
class StatusAmount:
    """An amount of the status: ``kind`` MDT-207, ``amount`` MDT-215 signed, ``rate`` MDT-224 in percent."""

    kind: str
    amount: Decimal
    currency: str | None = "EUR"
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Datum:
    """MDG-43, as it stands in the message: an amount, or a wrong (DIV) and an expected (DVA) value of the invoice.

    ``term`` is MDT-206 (e.g. BT-152), ``kind`` MDT-207, ``changed`` MDT-209, ``name`` MDT-211, ``location`` MDT-213,
    ``text`` the value as text, ``amount`` MDT-215, ``currency`` MDT-216, ``dated_on`` MDT-217, ``rate`` MDT-224 (%).
    """

    kind: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    rate: Decimal | None = None
    dated_on: date | None = None
    term: str | None = None
    changed: bool | None = None
    name: str | None = None
    location: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A comment (MDT-126) with its subject (MDT-127)."""

    text: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """MDG-37: one numbered detail of the status. ``sequence`` (MDT-124-2) is compulsory since BR-FR-CDV-16.

    ``status`` is MDT-115, where a detail speaks of another status than the message.
    """

    sequence: int | None = 1
    reason: Reason | None = None
    notes: tuple[Note, ...] = ()
    data: tuple[Datum, ...] = ()
    status: str | None = None


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """MDT-96: a file that travels in the message (between users only, never to the State: rule G7.49)."""

    content: bytes
    filename: str
    mime: str | None = None


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """A status of one invoice. ``message_id`` is MDT-4, ``made_at`` MDT-8, ``set_at`` MDT-78, ``status`` MDT-105.

    ``phase`` is MDT-77, ``document_status`` MDT-88, ``label`` MDT-106, ``name`` MDT-5. An unknown status is kept.
    """

    message_id: str
    status: str
    made_at: datetime
    invoice: InvoiceReference
    set_at: datetime | None = None
    sender: StatusParty = StatusParty(PLATFORM)
    issuer: StatusParty = StatusParty(PLATFORM)
    recipients: tuple[StatusParty, ...] = ()
    details: tuple[Detail, ...] = ()
    process: str | None = REGULATED
    guideline: str = BETWEEN_USERS
    name: str | None = None
    phase: str | None = None
    document_status: str | None = None
    label: str | None = None
    attachments: tuple[AttachedFile, ...] = ()

    @property
    def occurred_at(self) -> datetime:
        """When the status was set, or when the message was made where it does not say."""
        return self.set_at or self.made_at

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons of all details, in order."""
        return tuple(detail.reason for detail in self.details if detail.reason)

    @property
    def note(self) -> str | None:
        """All comments (MDT-126), one per line; None without any."""
        return "\n".join(note.text for detail in self.details for note in detail.notes)[:MOST_NOTE] or None

    @property
    def amounts(self) -> tuple[StatusAmount, ...]:
        """The amounts of all details, in order; data that hold no amount are left out."""
        return tuple(
            StatusAmount(datum.kind, datum.amount, datum.currency, datum.rate)
            for detail in self.details
            for datum in detail.data
            if datum.kind and datum.amount is not None
        )


def compose(
    status: str,
    *,
    message_id: str,
    invoice: InvoiceReference,
    issuer: StatusParty,
    recipients: tuple[StatusParty, ...],
    made_at: datetime,
    set_at: datetime,
    details: tuple[Detail, ...] = (),
    process: str = REGULATED,
    attachments: tuple[AttachedFile, ...] = (),
) -> StatusMessage:
    """A message for ``status`` with the phase (MDT-77), document status (MDT-88) and label that the table gives it.

    The sender names no platform, only its role WK: platforms are not named between users (XP Z12-014 annex B).

    Raises:
        StatusMessageError: ``cdar.unknown_status`` where the table has no phase for the code; ``cdar.confidential``
            where a confidential one is addressed to anybody on the buyer's side.
    """
    _check_addressed(status, message_id, recipients)
    known = statuses.status(status)
    if known.phase is None:
        raise StatusMessageError(
            "cdar.unknown_status",
            f"No message can be made for status {status}: it is not in the table of statuses.",
            f"Aucun message possible pour le statut {status} : il n'est pas dans la table des statuts.",
        )
    return StatusMessage(
        message_id=message_id,
        status=status,
        made_at=made_at.replace(microsecond=0),
        invoice=invoice,
        set_at=set_at.replace(microsecond=0),
        issuer=issuer,
        recipients=recipients,
        details=details,
        process=process,
        phase=known.phase.value,
        document_status=known.document_status,
        label=known.french,
        attachments=attachments,
    )


def _check_addressed(status: str, message_id: str, recipients: tuple[StatusParty, ...]) -> None:
    """Nobody on the buyer's side hears of a confidential status, whoever composes it."""
    others = sorted({each.role or "?" for each in recipients if each.role not in _MAY_HEAR})
    if status == CONFIDENTIAL and others:
        raise StatusMessageError(
            "cdar.confidential",
            f"Message {message_id} is confidential (226) and addressed to {', '.join(others)}: it may reach the "
            "factor (DL) or our own platform (WK), never the buyer. Nothing was made.",
            f"Le message {message_id} est confidentiel (226) et adressé à {', '.join(others)} : seuls l'affactureur "
            "(DL) et notre plateforme (WK) peuvent le recevoir, jamais l'acheteur. Rien n'a été créé.",
        )
