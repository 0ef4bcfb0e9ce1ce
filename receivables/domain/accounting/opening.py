"""Going live (reprise des soldes): what was open before these books began, booked once as à-nouveaux.

Each open item is one entry of the journal AN on the day of opening: what is open of it on 411, against the account of
the opening balance (890), which comes to nothing once every account of the balance was opened (PCG art. 932-1). Where
VAT waits for the money, the part of it that is still owed stands on 44574 again, as it did in the books before. What
was collected before is never told again: it is the invoice's prepaid part, behind which all later splits go on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from receivables.domain.accounting.ledger import OPENING_JOURNAL, Chart, Entry, Posting, signed, without_zeros
from receivables.domain.settlement.collected import split_movement
from receivables.domain.settlement.lettering import letter_code
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.domain.parties import CustomerFacts
    from receivables.domain.settlement.collected import VatRow

OPENING = "opening"
"""Source kind of the entries, and the name of the account of the chart (890)."""
_LETTERS_IN_ALPHABET = 26
_LONGEST_CODE = 5


class ItemKind(StrEnum):
    """What is open."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    """Money of the customer's that pays nothing yet (règlement non affecté)."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One open item as the books before know it; amounts are minor units, above zero.

    ``open_minor`` is what is left of ``total_minor``. ``code`` is the customer's account there (compte auxiliaire).
    ``declared``: the State was told of the sale under the mandate, so that it is told of later receipts too.
    """

    customer: CustomerFacts
    code: str | None
    kind: ItemKind
    reference: str
    issued_on: date
    due_on: date
    total_minor: int
    open_minor: int
    currency: str = "EUR"
    vat_rows: tuple[VatRow, ...] = ()
    vat_on_collection: bool = False
    declared: bool = False
    type_code: str = "380"
    process: str | None = None
    document: dict[str, Any] | None = None
    place: int = 0
    """Its line in the file, for people."""

    @property
    def signed_minor(self) -> int:
        """What it adds to account 411."""
        return self.open_minor if self.kind is ItemKind.INVOICE else -self.open_minor

    @property
    def collected_minor(self) -> int:
        """What was collected or used of it before."""
        return self.total_minor - self.open_minor

    @property
    def is_vat_told(self) -> bool:
        """Whether its VAT is known, be it without its rates; that of a payment is nothing to know."""
        return self.kind is ItemKind.PAYMENT or any(row.category or row.tax_minor for row in self.vat_rows)

    @property
    def waiting_vat_minor(self) -> int:
        """VAT within the open part that falls due when it is collected (CGI art. 269-2 c)."""
        if not self.vat_on_collection or self.kind is ItemKind.PAYMENT:
            return 0
        return split_movement(self.vat_rows, self.collected_minor, self.total_minor, self.total_minor).vat_minor


def check_item(item: OpenItem, opened_on: date) -> None:
    """Refuse what cannot have been open on the day of opening.

    Raises:
        ReceivablesError: ``opening.bad_amount``, ``opening.issued_later``, ``opening.vat_differs``,
            ``opening.vat_unknown``.
    """
    if not 0 < item.open_minor <= item.total_minor:
        raise ReceivablesError(
            "opening.bad_amount",
            f"{item.reference}: the open part is above zero and at most the total.",
            f"{item.reference} : le reste dû est supérieur à zéro et au plus égal au total.",
        )
    if item.issued_on > opened_on:
        raise ReceivablesError(
            "opening.issued_later",
            f"{item.reference} is of {item.issued_on}, after the opening on {opened_on}: issue it here.",
            f"{item.reference} est du {item.issued_on}, après l'ouverture du {opened_on} : émettez-la ici.",
        )
    if item.vat_rows and sum(row.gross_minor for row in item.vat_rows) != item.total_minor:
        raise ReceivablesError(
            "opening.vat_differs",
            f"{item.reference}: the bases and their VAT do not come to the total.",
            f"{item.reference} : les bases et leur TVA ne font pas le total.",
        )
    rates_needed = item.declared and not all(row.category for row in item.vat_rows)
    if item.vat_on_collection and (rates_needed or not any(row.tax_minor for row in item.vat_rows)):
        raise ReceivablesError(
            "opening.vat_unknown",
            f"{item.reference}: its VAT waits for the money, so its rate must be told; its amount is enough where no "
            "receipt of it is declared from here.",
            f"{item.reference} : sa TVA attend l'encaissement, il faut donc en dire le taux ; son montant suffit si "
            "ses encaissements ne se déclarent pas d'ici.",
        )


def opening_entry(
    item: OpenItem,
    chart: Chart,
    *,
    opened_on: date,
    invoice_id: UUID,
    customer_id: UUID,
    new_id: Callable[[], UUID],
) -> Entry:
    """The à-nouveau of an invoice or credit note: 411 against 890, with 44574 where VAT waits."""
    sense = -1 if item.kind is ItemKind.CREDIT_NOTE else 1
    waiting = item.waiting_vat_minor

    def line(account: str, amount_minor: int, **owner: UUID) -> Posting:
        return signed(new_id(), account, sense * amount_minor, invoice_id=invoice_id, **owner)

    return Entry(
        entry_id=new_id(),
        journal=OPENING_JOURNAL,
        booked_on=opened_on,
        source_kind=OPENING,
        source_ref=str(invoice_id),
        document_ref=item.reference,
        label=item.customer.name,
        currency=item.currency,
        postings=without_zeros(
            (
                line(chart.customers, item.open_minor, customer_id=customer_id),
                line(chart.vat_pending, -waiting),
                line(chart.opening, waiting - item.open_minor),
            )
        ),
        document_on=item.issued_on,
    )


@dataclass(frozen=True, slots=True)
class NewOpening:
    """An opening to be booked: its day, its file, what was chosen, and what the other books say 411 comes to.

    ``stated_minor`` is by currency, debit less credit; an opening that differs from it by a cent is not booked.
    """

    opened_on: date
    source: str
    filename: str
    file_sha256: str
    options: Mapping[str, Any]
    items: Sequence[OpenItem]
    stated_minor: Mapping[str, int]
    actor: str
    letters: Mapping[tuple[str, int], int] | None = None
    """How many letter codes an account (by its code or name) gave in a year, so that none is given again."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What is opened in one currency, in minor units: debits and credits on 411, and VAT that waits on 44574."""

    currency: str
    lines: int
    debit_minor: int
    credit_minor: int
    waiting_vat_minor: int

    @property
    def balance_minor(self) -> int:
        """The balance of 411."""
        return self.debit_minor - self.credit_minor


def sums_of(items: Iterable[OpenItem]) -> list[Sums]:
    """The sums of an opening by currency."""
    found: dict[str, Sums] = {}
    for item in items:
        before = found.get(item.currency, Sums(item.currency, 0, 0, 0, 0))
        sense = -1 if item.kind is ItemKind.CREDIT_NOTE else 1
        found[item.currency] = replace(
            before,
            lines=before.lines + 1,
            debit_minor=before.debit_minor + max(item.signed_minor, 0),
            credit_minor=before.credit_minor + max(-item.signed_minor, 0),
            waiting_vat_minor=before.waiting_vat_minor + sense * item.waiting_vat_minor,
        )
    return [found[currency] for currency in sorted(found)]


def letter_count(code: str) -> int:
    """How many codes a series has given whose last one is ``code``: AA is 1; 0 where it is none of ours."""
    letters = code.strip().upper()
    if not 2 <= len(letters) <= _LONGEST_CODE or not (letters.isascii() and letters.isalpha()):  # noqa: PLR2004 -- AA is the first
        return 0
    shorter = sum(_LETTERS_IN_ALPHABET**width for width in range(2, len(letters)))
    place = 0
    for letter in letters:
        place = place * _LETTERS_IN_ALPHABET + ord(letter) - ord("A")
    count = shorter + place + 1
    return count if letter_code(count, balanced=True) == letters else 0
