"""The journals and the ageing as lists: every line of the books between two days, and what is open by customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.law import account_name
from receivables.domain.accounting.fec import label_of, number_of
from receivables.services.accounting.statements import AGES, open_lines
from receivables.store.streams import stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of an entry, in minor units of ``currency``; ``number`` is empty until the entry is validated."""

    journal: str
    number: str
    booked_on: date
    document_on: date
    account: str
    account_name: str
    auxiliary: str
    auxiliary_name: str
    piece: str
    label: str
    debit_minor: int
    credit_minor: int
    currency: str
    letters: str


@dataclass(slots=True)
class AgeLine:
    """What a customer has open in one currency by how old it is, in minor units; credits apart, below zero."""

    customer_id: UUID
    account_code: str
    customer_name: str
    currency: str
    ages: dict[str, int]

    @property
    def total_minor(self) -> int:
        """The balance of its account."""
        return sum(self.ages.values())


def journal_lines(work: Work, since: date, until: date) -> Iterator[JournalLine]:
    """Every line booked between two days, both included, as it comes; upper-case letters are those of full groups."""
    rows = stream(
        work,
        "SELECT entry.journal, serial, entry.booked_on, coalesce(entry.document_on, entry.booked_on) AS document_on, "
        "account, account_code, customer.name, document_ref, source_kind, source_ref, label, "
        "debit_minor, credit_minor, posting.currency, code FROM entries AS entry "
        "JOIN postings AS posting ON posting.supplier_id = :supplier AND posting.entry_id = entry.entry_id "
        "LEFT JOIN entry_numbers AS given ON given.supplier_id = :supplier AND given.entry_id = entry.entry_id "
        "LEFT JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = posting.customer_id "
        "LEFT JOIN receivable_items AS item ON item.supplier_id = :supplier AND item.posting_id = posting.posting_id "
        "LEFT JOIN letterings AS lettering ON lettering.supplier_id = :supplier "
        "AND lettering.lettering_id = item.lettering_id "
        "WHERE entry.supplier_id = :supplier AND entry.booked_on BETWEEN :since AND :until "
        "ORDER BY entry.booked_on, entry.journal, entry.created_at, entry.entry_id, posting.posting_id",
        since=since,
        until=until,
    )
    for row in rows:
        yield JournalLine(
            journal=row["journal"],
            number=number_of(row["journal"], row["serial"]) if row["serial"] else "",
            booked_on=row["booked_on"],
            document_on=row["document_on"],
            account=row["account"],
            account_name=account_name(row["account"]),
            auxiliary=row["account_code"] or "",
            auxiliary_name=row["name"] or "",
            piece=row["document_ref"].strip() or row["source_ref"],
            label=label_of(row["source_kind"], row["label"].strip()),
            debit_minor=row["debit_minor"],
            credit_minor=row["credit_minor"],
            currency=row["currency"],
            letters=row["code"] or "",
        )


def ageing(work: Work, day: date) -> list[AgeLine]:
    """The ageing balance (balance âgée) on a day, by customer and currency; the sum is the balance of account 411."""
    found: dict[tuple[UUID, str], AgeLine] = {}
    for line in open_lines(work, day):
        key = line.customer_id, line.currency
        ages = found.setdefault(
            key,
            AgeLine(
                *key[:1], line.account_code, line.customer_name, line.currency, dict.fromkeys((*AGES, "credit"), 0)
            ),
        ).ages
        ages[line.age(day)] += line.open_minor
    return list(found.values())
