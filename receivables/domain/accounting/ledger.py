"""Double entry: an entry (écriture) balances by construction, in each currency."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from uuid import UUID

SALES_JOURNAL = "VE"
BANK_JOURNAL = "BQ"
OTHER_JOURNAL = "OD"
"""Opérations diverses: what moves without money or invoice."""
OPENING_JOURNAL = "AN"
"""À-nouveaux: what was open before these books began."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The accounts (plan comptable général) that postings use; rows of the law tables, by setting."""

    customers: str
    deposits: str
    provider_clearing: str
    goods: str
    services: str
    vat_due: str
    vat_pending: str
    rounding_loss: str
    rounding_gain: str
    bank: str
    cheques: str
    bills: str
    cash: str
    suspense: str
    transfers: str
    contested: str
    fees: str
    discounts: str
    doubtful: str
    interest: str
    indemnity: str
    exchange: str
    exchange_loss: str
    exchange_gain: str
    factor: str
    factor_commission: str
    factor_interest: str
    assigned_quietly: str
    opening: str

    def account(self, name: str) -> str:
        """The account of this name.

        Raises:
            ReceivablesError: ``chart.unknown_account``.
        """
        number = getattr(self, name, None) if name in self.__slots__ else None
        if not isinstance(number, str):
            raise ReceivablesError(
                "chart.unknown_account",
                f"The chart of accounts has no account called {name}.",
                f"Le plan comptable n'a pas de compte nommé {name}.",
            )
        return number


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry: a positive ``debit_minor`` or ``credit_minor``, never both."""

    posting_id: UUID
    account: str
    debit_minor: int
    credit_minor: int
    customer_id: UUID | None = None
    invoice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the books. ``source_kind`` and ``source_ref`` name the fact behind it: one entry per fact.

    ``document_on`` is the day of its document where that lies in a closed period, so that it is booked later.

    Raises:
        ReceivablesError: ``entry.unbalanced``.
    """

    entry_id: UUID
    journal: str
    booked_on: date
    source_kind: str
    source_ref: str
    document_ref: str
    label: str
    currency: str
    postings: tuple[Posting, ...]
    reverses_id: UUID | None = None
    document_on: date | None = None

    def __post_init__(self) -> None:
        gap = sum(posting.debit_minor - posting.credit_minor for posting in self.postings)
        if gap or not self.postings:
            raise ReceivablesError(
                "entry.unbalanced",
                f"The entry for {self.source_kind} {self.source_ref} is off by {gap} minor units.",
                f"L'écriture de {self.source_kind} {self.source_ref} n'est pas équilibrée : écart de {gap} centimes.",
            )


def booked_from(entry: Entry, first_open: date | None) -> Entry:
    """``entry`` on the first open day where its own is closed; its document keeps its day."""
    if first_open is None or entry.booked_on >= first_open:
        return entry
    return replace(entry, booked_on=first_open, document_on=entry.document_on or entry.booked_on)


def signed(posting_id: UUID, account: str, amount_minor: int, **owner: UUID | None) -> Posting:
    """A posting that debits a positive and credits a negative ``amount_minor``."""
    return Posting(posting_id, account, max(amount_minor, 0), max(-amount_minor, 0), **owner)


def mirrored(entry: Entry, new_id: Callable[[], UUID], **told: Any) -> Entry:
    """The entry that takes ``entry`` back, line by line; ``told`` changes what it says of itself."""
    postings = tuple(
        Posting(new_id(), each.account, each.credit_minor, each.debit_minor, each.customer_id, each.invoice_id)
        for each in entry.postings
    )
    told = {"document_on": None, **told}
    return replace(entry, entry_id=new_id(), postings=postings, reverses_id=entry.entry_id, **told)


def without_zeros(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """Leave out lines of nothing."""
    return tuple(posting for posting in postings if posting.debit_minor or posting.credit_minor)
