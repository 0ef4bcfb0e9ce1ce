"""The address of its own from which a supplier writes, in PostgreSQL; at most one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- a field's type
from typing import TYPE_CHECKING
from uuid import UUID  # noqa: TC003 -- a field's type

from config.clock import now

if TYPE_CHECKING:
    from receivables.store.work import Work

ASKED, PROVEN, LOST, ENDED = "asked", "proven", "lost", "ended"
_SENDER = (
    "SELECT sender_id, address, selector, sealed_key, public_key, state, fault, spf, dmarc, asked_at, checked_at, "
    "next_check_at, proven_at, lost_at FROM mail_senders WHERE supplier_id = :supplier AND state <> 'ended'"
)


@dataclass(frozen=True, slots=True)
class Sender:
    """An address and its key; ``public_key`` is base 64 of what the DNS has to say, ``fault`` is of the last look.

    ``spf`` and ``dmarc`` are what the domain says of itself, ``None`` where it says nothing.
    """

    sender_id: UUID
    address: str
    selector: str
    sealed_key: bytes
    public_key: str
    state: str
    fault: str | None
    spf: str | None
    dmarc: str | None
    asked_at: datetime
    checked_at: datetime | None
    next_check_at: datetime
    proven_at: datetime | None
    lost_at: datetime | None

    @property
    def domain(self) -> str:
        """Whose DNS proves it."""
        return self.address.rpartition("@")[2]


def sender_of(work: Work, *, lock: bool = False) -> Sender | None:
    """The supplier's own address, proven or not; ``lock`` holds it until this work ends."""
    row = work.row(_SENDER + (" FOR UPDATE" if lock else ""))
    return Sender(**{**row, "sealed_key": bytes(row["sealed_key"])}) if row else None


def keep_sender(work: Work, sender: Sender, actor: str) -> None:
    """Take an address; the one of before is given up."""
    end_sender(work)
    work.execute(
        "INSERT INTO mail_senders (supplier_id, sender_id, address, selector, sealed_key, public_key, state, asked_by, "
        "asked_at, next_check_at) VALUES (:supplier, :id, :address, :selector, :sealed, :public, 'asked', :actor, "
        ":at, :next)",
        id=sender.sender_id,
        address=sender.address,
        selector=sender.selector,
        sealed=sender.sealed_key,
        public=sender.public_key,
        actor=actor,
        at=sender.asked_at,
        next=sender.next_check_at,
    )


def note_sender(work: Work, sender: Sender) -> None:
    """Write down what a look found: state, fault, hints and times."""
    work.execute(
        "UPDATE mail_senders SET state = :state, fault = :fault, spf = :spf, dmarc = :dmarc, checked_at = :checked, "
        "next_check_at = :next, proven_at = :proven, lost_at = :lost "
        "WHERE supplier_id = :supplier AND sender_id = :id AND state <> 'ended'",
        id=sender.sender_id,
        state=sender.state,
        fault=sender.fault,
        spf=sender.spf,
        dmarc=sender.dmarc,
        checked=sender.checked_at or now(),
        next=sender.next_check_at,
        proven=sender.proven_at,
        lost=sender.lost_at,
    )


def end_sender(work: Work) -> bool:
    """Give the supplier's own address up; whether there was one."""
    return bool(
        work.execute("UPDATE mail_senders SET state = 'ended' WHERE supplier_id = :supplier AND state <> 'ended'")
    )
