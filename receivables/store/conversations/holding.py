"""Messages that wait for a word of the customer's own mailbox: written behind a pay link, maybe by a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

HELD_FOR = timedelta(days=2)
MOST_HELD_A_DAY = 3
"""Per invoice: each writes a mail to the customer."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message that is not said yet; ``recipient`` is the address on record that was asked."""

    held_id: UUID
    customer_id: UUID
    invoice_id: UUID
    author: str
    recipient: str
    said: str
    language: str = "fr"


def hold_message(work: Work, held: Held, token_hash: bytes) -> Held:
    """Keep a message until it is confirmed by its token; its id is given here.

    Raises:
        ReceivablesError: ``message.too_many``.
    """
    at = now()
    lately = work.scalar(
        "SELECT count(*) FROM held_messages WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND held_at > :since",
        invoice=held.invoice_id,
        since=at - timedelta(days=1),
    )
    if lately >= MOST_HELD_A_DAY:
        raise ReceivablesError(
            "message.too_many",
            f"{MOST_HELD_A_DAY} messages wait for a confirmation already: confirm them from the mails you were sent.",
            f"{MOST_HELD_A_DAY} messages attendent déjà : confirmez-les depuis les courriels reçus.",
        )
    held_id = new_id()
    work.execute(
        "INSERT INTO held_messages (supplier_id, held_id, customer_id, invoice_id, token_hash, author, recipient, "
        "said, held_at, expires_at) VALUES (:supplier, :id, :customer, :invoice, :hash, :author, :recipient, :said, "
        ":at, :until)",
        id=held_id,
        customer=held.customer_id,
        invoice=held.invoice_id,
        hash=token_hash,
        author=held.author,
        recipient=held.recipient,
        said=held.said,
        at=at,
        until=at + HELD_FOR,
    )
    return Held(held_id, held.customer_id, held.invoice_id, held.author, held.recipient, held.said, held.language)


def find_held(work: Work, token_hash: bytes, *, lock: bool = False) -> Held | None:
    """The message that waits behind a token; ``None`` once it was said or refused, or its time is over."""
    row = work.row(
        "SELECT held_id, customer_id, invoice_id, author, recipient, said FROM held_messages "
        "WHERE supplier_id = :supplier AND token_hash = :hash AND state = 'held' AND expires_at > :at"
        + (" FOR UPDATE" if lock else ""),
        hash=token_hash,
        at=now(),
    )
    return Held(**row) if row else None


def settle_held(work: Work, held_id: UUID, state: str) -> None:
    """Note that it was said, or refused."""
    work.execute(
        "UPDATE held_messages SET state = :state, settled_at = :at WHERE supplier_id = :supplier AND held_id = :id",
        id=held_id,
        state=state,
        at=now(),
    )
