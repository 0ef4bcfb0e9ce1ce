"""Builders for the tests of exports: a supplier with a true SIREN, and a small year of its books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ledger_builders import attempt, customer_facts, issue
from stdnum.fr import siren as siren_numbers

from config.clock import new_id
from portal.exports.kept import Wish, ask_export, keep_file
from receivables.domain.accounting.fec import write_fec
from receivables.domain.accounting.fec_checking import check_fec
from receivables.domain.settlement.receipts import FeeCharged, MoneyReceived, MoneyReturned, PayoutPaid
from receivables.services.accounting.closing import accounting_years
from receivables.services.accounting.fec import fec_of
from receivables.services.settlement.receipts import record_facts
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from portal_house import House

    from config.database import Database
    from receivables.domain.accounting.fec_checking import Verdict
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work


def french_supplier(database: Database) -> Supplier:
    """A supplier whose SIREN has its check digit."""
    digits = f"{new_id().int % 10**8:08d}"
    siren = next(f"{digits}{each}" for each in range(10) if siren_numbers.is_valid(f"{digits}{each}"))
    return create_supplier(database, siren, f"Fournisseur {siren}")


def at(day: date) -> datetime:
    """Noon of a day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def paid(work: Work, invoice: Invoice, day: date, amount_minor: int | None = None, *, currency: str = "EUR") -> UUID:
    """A payment of an invoice on a day."""
    amount = amount_minor or invoice.payable_minor
    attempt_id = attempt(work, invoice, amount, currency=currency)
    record_facts(work, [MoneyReceived(f"pi_{attempt_id.hex}", attempt_id, amount, currency, at(day), "card")])
    return attempt_id


def returned(work: Work, attempt_id: UUID, day: date, amount_minor: int) -> None:
    """The money of an attempt goes back on a day."""
    ref = f"pi_{attempt_id.hex}"
    record_facts(work, [MoneyReturned(f"re_{attempt_id.hex}", ref, "refund", amount_minor, "EUR", at(day))])


@dataclass(frozen=True, slots=True)
class Year:
    """What :func:`small_year` put into the books."""

    paid: Invoice
    part_paid: Invoice
    open: Invoice
    attempt_id: UUID


def small_year(work: Work, year: int = 2025) -> Year:
    """An invoice paid, one paid in part, one open; a payout with its fees, and a fee of the bank."""
    first = issue(work, issued_on=date(year, 1, 10), due_on=date(year, 2, 9))
    second = issue(work, issued_on=date(year, 1, 20), due_on=date(year, 2, 19))
    third = issue(
        work,
        issued_on=date(year, 3, 5),
        due_on=date(year, 4, 4),
        customer=customer_facts("Łódź & Fils\t| SARL", "552100554"),
    )
    attempt_id = paid(work, first, date(year, 2, 3))
    paid(work, second, date(year, 2, 4), 4_000)
    record_facts(work, [PayoutPaid(f"po_{year}", 13_600, 400, "EUR", at(date(year, 2, 6)))])
    record_facts(work, [FeeCharged(f"fee_{year}", 250, "EUR", date(year, 2, 28), "bank")])
    return Year(first, second, third, attempt_id)


def written(work: Work, year: int, encoding: str = "iso8859-15") -> tuple[str, bytes]:
    """The FEC of the accounting year that ends in ``year``: its name and its bytes."""
    wanted = next(each for each in accounting_years(work) if each.ends_on.year == year)
    out, fec = BytesIO(), fec_of(work, wanted)
    write_fec(out, fec.lines, encoding)
    return fec.name, out.getvalue()


def rows_of(content: bytes) -> list[Mapping[str, str]]:
    """A FEC as mappings."""
    heading, *lines = content.decode("iso8859-15").rstrip("\r\n").split("\r\n")
    return [dict(zip(heading.split("\t"), line.split("\t"), strict=True)) for line in lines]


def verdict_on(work: Work, year: int) -> Verdict:
    """What the checker says of our own file."""
    return check_fec(*written(work, year))


def values(rows: list[Mapping[str, str]], *names: str) -> list[tuple[Any, ...]]:
    """Some fields of each line."""
    return [tuple(row[name] for name in names) for row in rows]


_EXPORTS: dict[UUID, dict[str, UUID]] = {}


def export_things(house: House) -> dict[str, UUID]:
    """A file that the owner asked for, and one that the customer asked for, both ready to be fetched; made once."""
    if house.supplier.supplier_id in _EXPORTS:
        return _EXPORTS[house.supplier.supplier_id]
    made = _EXPORTS.setdefault(house.supplier.supplier_id, {})
    with house.services.works.begin(house.supplier.supplier_id) as work:
        for name, who, kind, customer_id in (
            ("export", "owner", "journal", None),
            ("own_export", "customer", "customer_data", house.customer_id),
        ):
            wish = Wish(kind, {}, "fr", house.people[who].person_id, customer_id)
            made[name] = ask_export(work, wish, "2026-09-30 csv")
            keep_file(work, made[name], BytesIO(b"Journal;Montant\r\n"), "journal.csv", "text/csv")
        work.execute(
            "UPDATE jobs SET state = 'finished', done = 1, finished_at = now() "
            "WHERE supplier_id = :supplier AND kind = 'export'"
        )
    return made
