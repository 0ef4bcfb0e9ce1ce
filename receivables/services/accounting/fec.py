"""The FEC of an accounting year from the books: validated entries, in EUR, with the letters of groups that balance.

Our books are those of sales, receipts and what corrects them, not the whole accounting of a company: there are no
opening balances, and an accountant's program imports the file beside its own journals (docs/exports.md).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.law import account_name
from receivables.domain.accounting.euros import EUR, converted, quoted_factor, stated_factor
from receivables.domain.accounting.fec import FecLine, file_name, label_of, number_of
from receivables.errors import ReceivablesError
from receivables.store.invoicing.rates import rates_for
from receivables.store.streams import stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from fractions import Fraction
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.accounting.years import AccountingYear
    from receivables.store.work import Work

MOST_TOLD = 10
"""Missing rates that a refusal names."""

_GROUPS = (
    "SELECT lettering_id, code, lettering.year, max(entry.booked_on) AS day FROM letterings AS lettering "
    "JOIN receivable_items AS item USING (supplier_id, lettering_id) "
    "JOIN postings AS posting USING (supplier_id, posting_id) JOIN entries AS entry USING (supplier_id, entry_id) "
    "LEFT JOIN entry_numbers AS given USING (supplier_id, entry_id) WHERE supplier_id = :supplier AND balanced "
    "GROUP BY lettering_id, code, lettering.year HAVING bool_and(coalesce(given.year_ends_on = :ends, false)) "
    "AND count(DISTINCT posting.account) = 1 AND sum(posting.debit_minor - posting.credit_minor) = 0"
)
"""Groups that balance, on one account, whose entries are all in the file, with the day of their latest line."""
_STRADDLING = (
    "SELECT count(*) FROM (SELECT lettering_id FROM letterings JOIN receivable_items USING (supplier_id, lettering_id) "
    "JOIN postings USING (supplier_id, posting_id) JOIN entry_numbers AS given USING (supplier_id, entry_id) "
    "WHERE supplier_id = :supplier AND balanced AND given.year_ends_on = :ends GROUP BY lettering_id "
    f"EXCEPT SELECT lettering_id FROM ({_GROUPS}) AS inside) AS outside"
)


@dataclass(slots=True)
class Fec:
    """The file of one accounting year: its name, its lines as they come, and what a reader has to know of it.

    ``unvalidated`` entries of the year are left out; ``straddling`` groups of letters have lines outside of the file,
    ``uneven`` ones do not balance in EUR: neither carries letters.
    """

    name: str
    siren: str
    year: AccountingYear
    lines: Iterator[FecLine]
    unvalidated: int
    straddling: int
    uneven: int


@dataclass(slots=True)
class _Foreign:
    """Lines in other currencies in cents of EUR, and the groups of letters that do not balance in them."""

    cents: dict[UUID, int] = field(default_factory=dict)
    uneven: set[UUID] = field(default_factory=set)


def fec_of(work: Work, year: AccountingYear) -> Fec:
    """The FEC of an accounting year; its lines are read while the work is open.

    Raises:
        ReceivablesError: ``fec.no_siren``, or ``fec.rate_unknown``, which names currencies and days.
        LawUnknownError: an account has no name.
    """
    siren = work.scalar("SELECT siren FROM suppliers WHERE supplier_id = :supplier")
    name = file_name(siren, year.ends_on)
    foreign = _in_euros(work, year)
    unvalidated = work.scalar(
        "SELECT count(*) FROM entries AS entry WHERE supplier_id = :supplier AND booked_on BETWEEN :starts AND :ends "
        "AND NOT EXISTS (SELECT 1 FROM entry_numbers AS given WHERE given.supplier_id = :supplier "
        "AND given.entry_id = entry.entry_id)",
        starts=year.starts_on,
        ends=year.ends_on,
    )
    straddling = work.scalar(_STRADDLING, ends=year.ends_on)
    return Fec(name, siren, year, _lines(work, year, foreign), unvalidated, straddling, len(foreign.uneven))


def _lines(work: Work, year: AccountingYear, foreign: _Foreign) -> Iterator[FecLine]:
    """In the order of validation, each entry's lines together (LPF art. A47 A-1, VII: ordre chronologique)."""
    rows = stream(
        work,
        f"WITH groups AS MATERIALIZED ({_GROUPS}) "
        "SELECT given.journal, serial, validated_on, entry.booked_on, entry.document_on, source_kind, source_ref, "
        "document_ref, label, posting.posting_id, account, debit_minor, credit_minor, posting.currency, "
        "account_code, customer.name, "
        "groups.lettering_id, groups.code, groups.year AS letter_year, groups.day AS lettered_on "
        "FROM entry_numbers AS given JOIN entries AS entry USING (supplier_id, entry_id) "
        "JOIN postings AS posting USING (supplier_id, entry_id) "
        "LEFT JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = posting.customer_id "
        "LEFT JOIN receivable_items AS item ON item.supplier_id = :supplier AND item.posting_id = posting.posting_id "
        "LEFT JOIN groups ON groups.lettering_id = item.lettering_id "
        "WHERE given.supplier_id = :supplier AND given.year_ends_on = :ends "
        "ORDER BY validated_on, given.journal, serial, posting.posting_id",
        ends=year.ends_on,
    )
    for row in rows:
        yield _line(row, year, foreign)


def _line(row: RowMapping, year: AccountingYear, foreign: _Foreign) -> FecLine:
    signed = row["debit_minor"] - row["credit_minor"]
    in_euros = row["currency"] == EUR
    cents = signed if in_euros else foreign.cents[row["posting_id"]]
    lettered = row["lettering_id"] is not None and row["lettering_id"] not in foreign.uneven
    return FecLine(
        journal=row["journal"],
        number=number_of(row["journal"], row["serial"]),
        booked_on=row["booked_on"],
        account=row["account"],
        account_name=account_name(row["account"]),
        auxiliary=row["account_code"] or "",
        auxiliary_name=row["name"] or "",
        piece=row["document_ref"].strip() or row["source_ref"],
        piece_on=row["document_on"] or row["booked_on"],
        label=label_of(row["source_kind"], row["label"].strip()),
        debit_minor=cents if signed > 0 else 0,
        credit_minor=-cents if signed < 0 else 0,
        letters=_letters(row["code"], row["letter_year"], year) if lettered else "",
        lettered_on=row["lettered_on"] if lettered else None,
        validated_on=row["validated_on"],
        foreign_minor=None if in_euros else signed,
        currency="" if in_euros else row["currency"],
    )


def _letters(code: str, letter_year: int, year: AccountingYear) -> str:
    """The code; with its year where the accounting year has letters of two, which begin with AA both."""
    return code if year.starts_on.year == year.ends_on.year else f"{code}{letter_year % 100:02d}"


def _in_euros(work: Work, year: AccountingYear) -> _Foreign:
    """Convert what is in another currency: an invoice by its own data, anything else by the rate of its day."""
    rows = work.rows(
        "SELECT entry.entry_id, source_kind, source_ref, coalesce(entry.document_on, entry.booked_on) AS day, "
        "posting.posting_id, "
        "posting.currency, debit_minor - credit_minor AS minor, posting.customer_id IS NOT NULL AS is_customer, "
        "item.lettering_id, posting.account FROM entry_numbers AS given JOIN entries AS entry "
        "USING (supplier_id, entry_id) JOIN postings AS posting USING (supplier_id, entry_id) "
        "LEFT JOIN receivable_items AS item "
        "ON item.supplier_id = :supplier AND item.posting_id = posting.posting_id "
        "WHERE given.supplier_id = :supplier AND given.year_ends_on = :ends AND posting.currency <> :euro "
        "ORDER BY entry.entry_id, posting.posting_id",
        ends=year.ends_on,
        euro=EUR,
    )
    entries: defaultdict[UUID, list[RowMapping]] = defaultdict(list)
    for row in rows:
        entries[row["entry_id"]].append(row)
    factors = _factors(work, [lines[0] for lines in entries.values()])
    found = _Foreign()
    sums: defaultdict[UUID, int] = defaultdict(int)
    for entry_id, lines in entries.items():
        cents = converted([row["minor"] for row in lines], factors[entry_id], [row["is_customer"] for row in lines])
        for row, value in zip(lines, cents, strict=True):
            found.cents[row["posting_id"]] = value
            if row["lettering_id"]:
                sums[row["lettering_id"]] += value
    found.uneven = {lettering_id for lettering_id, total in sums.items() if total}
    return found


def _factors(work: Work, entries: Sequence[RowMapping]) -> dict[UUID, Fraction]:
    """Cents per minor unit of each entry's currency.

    Raises:
        ReceivablesError: ``fec.rate_unknown``.
    """
    stated = _stated(work, [each["source_ref"] for each in entries if each["source_kind"] in {"invoice", "reversal"}])
    quoted = rates_for(work, sorted({(each["currency"], each["day"]) for each in entries}))
    found: dict[UUID, Fraction] = {}
    missing: set[tuple[str, date]] = set()
    for entry in entries:
        key = entry["currency"], entry["day"]
        factor = stated.get(entry["source_ref"]) or (quoted_factor(quoted[key], key[0]) if key in quoted else None)
        if factor is None:
            missing.add(key)
        else:
            found[entry["entry_id"]] = factor
    if missing:
        raise _rates_missing(missing)
    return found


def _stated(work: Work, invoice_ids: list[str]) -> dict[str, Fraction]:
    """By invoice what its own document says its currency comes to (BT-167, or BT-110 beside BT-111)."""
    rows = work.rows(
        "SELECT invoice_id::text AS ref, currency, document, coalesce((SELECT sum((vat ->> 'tax_minor')"
        "::bigint) FROM jsonb_array_elements(vat_rows) AS vat), 0)::bigint AS vat_minor FROM invoices "
        "WHERE supplier_id = :supplier AND invoice_id = ANY(CAST(:ids AS uuid[]))",
        ids=invoice_ids,
    )
    found = {row["ref"]: stated_factor(row["document"], row["currency"], abs(row["vat_minor"])) for row in rows}
    return {ref: factor for ref, factor in found.items() if factor}


def _rates_missing(missing: set[tuple[str, date]]) -> ReceivablesError:
    told = ", ".join(f"{currency} {day}" for currency, day in sorted(missing)[:MOST_TOLD])
    more = max(len(missing) - MOST_TOLD, 0)
    return ReceivablesError(
        "fec.rate_unknown",
        f"No rate in EUR is known for {told}{f' and {more} more' if more else ''}: give a table of rates "
        "(quittance books rates), then make the file again.",
        f"Aucun taux en EUR n'est connu pour {told}{f' et {more} autres' if more else ''} : donnez une table de taux, "
        "puis refaites le fichier.",
    )
