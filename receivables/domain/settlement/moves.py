"""Open credit that was moved to another account, as facts about money: there, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.settlement.receipts import Fact, MoneyReceived, MoneyReturned, MoneyReturnFailed, Transferred

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

EURO = "EUR"


@dataclass(frozen=True, slots=True)
class Move:
    """Credit of the payment ``payment_ref`` that another account has: of another customer, or in another currency.

    ``books_minor`` is what the books held the foreign amount for, in cents of euro; none within one currency.
    """

    move_id: UUID
    from_attempt: UUID
    to_attempt: UUID
    from_customer: UUID
    to_customer: UUID
    amount_minor: int
    currency: str
    into_minor: int
    into_currency: str
    books_minor: int | None
    reason: str | None
    actor: str
    payment_ref: str

    @property
    def ref(self) -> str:
        """The key of both its sides."""
        return f"move/{self.move_id}"

    @property
    def counter(self) -> str:
        """The account of the chart over which it goes."""
        return "transfers" if self.books_minor is None else "exchange"

    @property
    def gain_minor(self) -> int:
        """Cents of euro that the exchange gains (756), or loses below zero (656)."""
        if self.books_minor is None:
            return 0
        euro_minor = self.amount_minor if self.currency == EURO else self.into_minor
        return euro_minor - self.books_minor if self.currency == EURO else self.books_minor - euro_minor


def there(move: Move, at: datetime, on: date) -> list[Fact]:
    """The credit leaves the one account and comes to the other, at an instant of the legal day ``on``."""
    return [
        MoneyReturned(move.ref, move.payment_ref, "transfer", move.amount_minor, move.currency, at, move.counter),
        MoneyReceived(move.ref, move.to_attempt, move.into_minor, move.into_currency, at, "transfer", move.counter),
        *_difference(move, on, move.gain_minor, ""),
    ]


def back(move: Move, at: datetime, on: date) -> list[Fact]:
    """The credit is where it came from again; what it paid is open."""
    return [
        MoneyReturnFailed(move.ref, move.payment_ref, move.amount_minor, move.currency, at, move.counter),
        MoneyReturned(
            f"{move.ref}/back", move.ref, "reallocation", move.into_minor, move.into_currency, at, move.counter
        ),
        *_difference(move, on, -move.gain_minor, "/back"),
    ]


def _difference(move: Move, on: date, gain_minor: int, suffix: str) -> list[Fact]:
    """What the exchange gains is on the account between the two: it goes where gains and losses are."""
    if not gain_minor:
        return []
    source, target = ("exchange_gain", "exchange") if gain_minor > 0 else ("exchange", "exchange_loss")
    if suffix:  # taken back: out of the account that it went to
        source, target = ("exchange", "exchange_gain") if gain_minor < 0 else ("exchange_loss", "exchange")
    return [Transferred(f"{move.ref}/difference{suffix}", abs(gain_minor), EURO, on, source, target)]
