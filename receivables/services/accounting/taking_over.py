"""Take over what was open before these books began: customers, à-nouveaux, payments without use, number series."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from config.law import accounts_on
from receivables.domain.accounting.ledger import Chart
from receivables.domain.accounting.opening import OPENING, ItemKind, check_item, opening_entry, sums_of
from receivables.domain.invoicing.invoices import Origin, Routing
from receivables.domain.money import Money
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.risk.insolvency import follow_doubtful
from receivables.services.risk.watching import watch_limits
from receivables.services.settlement.paying import RecordPayment, record_payments
from receivables.store.accounting.openings import (
    alias_customers,
    customer_named,
    customers_by_alias,
    insert_opening,
    standing_numbers,
)
from receivables.store.customer_file.customers import find_or_create_customer, lock_customers, open_customer
from receivables.store.invoicing.invoices import vat_rows_to_json
from receivables.store.invoicing.numbers import series_states
from receivables.store.settlement.books import write_entries, write_items
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.accounting.opening import NewOpening, OpenItem, Sums
    from receivables.store.invoicing.numbers import SeriesState
    from receivables.store.work import Work

MAX_ITEMS = 20_000
"""Open items of one opening: one transaction writes them all."""
MOST_SERIAL = 10**8
ROUTINGS = {"consumer": Routing.B2C, "public": Routing.B2G, "business": Routing.B2B}


def check_opening(work: Work, opening: NewOpening) -> list[tuple[OpenItem | None, ReceivablesError]]:
    """Everything that keeps an opening from being booked, item by item and as a whole; changes nothing."""
    if len(opening.items) > MAX_ITEMS:
        return [(None, _too_many(len(opening.items)))]
    faults: list[tuple[OpenItem | None, ReceivablesError]] = []
    known = standing_numbers(work, [each for each in opening.items if each.kind is not ItemKind.PAYMENT])
    seen: set[tuple[str, int]] = set()
    years = sorted({each.issued_on.year for each in opening.items})
    coming = [each for year in years for each in series_states(work, year)]
    for item in opening.items:
        try:
            check_item(item, opening.opened_on)
        except ReceivablesError as error:
            faults.append((item, error))
        if item.kind is not ItemKind.PAYMENT:
            key = item.reference, item.issued_on.year
            if key in known or key in seen:
                faults.append((item, _known(item)))
            elif behind := next((each for each in coming if each.will_give(item.reference, key[1])), None):
                faults.append((item, _to_come(item, behind)))
            seen.add(key)
    faults += [(None, each) for each in _gaps(opening)]
    return faults


def book_opening(work: Work, opening: NewOpening) -> UUID:
    """Book an opening whole, or nothing of it.

    Raises:
        ConflictError: ``opening.known_number``, ``opening.file_known``.
        ReceivablesError: ``opening.unbalanced``, ``opening.too_many``, and those of ``check_item``.
    """
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"opening:{work.supplier_id}")
    opening_id = insert_opening(work, opening, [_told(each) for each in sums_of(opening.items)])
    if faults := check_opening(work, opening):
        raise faults[0][1]
    customers = _customers(work, opening.items, opening_id)
    lock_customers(work, customers.values())
    rows = _write_documents(work, opening, opening_id, customers)
    rows += _write_payments(work, opening, opening_id, customers)
    work.insert("opened_items", rows)
    _start_letters(work, opening, customers)
    ids = sorted(set(customers.values()))
    follow_doubtful(work, ids)
    watch_limits(work, ids)
    work.audit(opening.actor, "opening.made", str(opening_id), filename=opening.filename, items=len(opening.items))
    return opening_id


def opening_of(work: Work, opening_id: UUID) -> RowMapping:
    """An opening as it was booked.

    Raises:
        NotFoundError: ``opening.unknown``.
    """
    row = work.row("SELECT * FROM openings WHERE supplier_id = :supplier AND opening_id = :opening", opening=opening_id)
    if row is None:
        raise NotFoundError("opening.unknown", "There is no such opening.", "Cette reprise n'existe pas.")
    return row


def start_series(work: Work, series: str, year: int, last_number: int, actor: str) -> None:
    """Let a number series go on behind the last number that it gave elsewhere this year.

    Raises:
        ConflictError: ``series.in_use``: it has given numbers here.
        ReceivablesError: ``series.bad_start``.
    """
    if not 0 < last_number < MOST_SERIAL:
        raise ReceivablesError(
            "series.bad_start",
            "The last number is a whole number above zero.",
            "Le dernier numéro est un nombre entier supérieur à zéro.",
        )
    fresh = work.execute(
        "INSERT INTO number_series (supplier_id, series, year, last_number) "
        "VALUES (:supplier, :series, :year, :last) ON CONFLICT (supplier_id, series, year) DO UPDATE "
        "SET last_number = excluded.last_number WHERE number_series.last_number = 0",  # worded, none given yet
        series=series,
        year=year,
        last=last_number,
    )
    if not fresh:
        raise ConflictError(
            "series.in_use",
            f"Series {series} of {year} has given numbers here: it goes on from them.",
            f"La série {series} de {year} a déjà donné des numéros ici : elle continue d'elle-même.",
        )
    work.execute(
        "INSERT INTO series_starts (supplier_id, series, year, last_number, set_by, set_at) "
        "VALUES (:supplier, :series, :year, :last, :actor, :at)",
        series=series,
        year=year,
        last=last_number,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "series.started", f"{series}{year}", last_number=last_number)


def _too_many(count: int) -> ReceivablesError:
    return ReceivablesError(
        "opening.too_many",
        f"The file has {count} open items; at most {MAX_ITEMS} are opened at once. Cut it in parts.",
        f"Le fichier a {count} lignes ouvertes ; au plus {MAX_ITEMS} sont reprises à la fois. Découpez-le.",
    )


def _known(item: OpenItem) -> ConflictError:
    return ConflictError(
        "opening.known_number",
        f"{item.reference} of {item.issued_on.year} is in these books already, or twice in the file.",
        f"{item.reference} de {item.issued_on.year} est déjà dans ces livres, ou deux fois dans le fichier.",
    )


def _to_come(item: OpenItem, state: SeriesState) -> ConflictError:
    return ConflictError(
        "opening.number_to_come",
        f"{item.reference} is a number that series {state.series} will give here (its next is {state.next_number}). "
        "First say which number that series gave last, or write this item under another reference.",
        f"{item.reference} est un numéro que la série {state.series} donnera ici (son prochain est "
        f"{state.next_number}). Indiquez d'abord le dernier numéro donné par cette série, ou reprenez cette pièce sous "
        "une autre référence.",
    )


def _gaps(opening: NewOpening) -> list[ReceivablesError]:
    """Currencies whose items do not come to what the books before say."""
    found = {each.currency: each.balance_minor for each in sums_of(opening.items)}
    return [
        _unbalanced(Money(found.get(currency, 0), currency), Money(stated, currency))
        for currency, stated in sorted(opening.stated_minor.items())
        if found.get(currency, 0) != stated
    ]


def _unbalanced(found: Money, stated: Money) -> ReceivablesError:
    gap = Money(found.minor - stated.minor, found.currency)
    return ReceivablesError(
        "opening.unbalanced",
        f"The items come to {found}, the stated balance of 411 is {stated}: a gap of {gap}.",
        f"Les lignes font {found}, le solde annoncé du 411 est de {stated} : un écart de {gap}.",
    )


def _told(sums: Sums) -> dict[str, Any]:
    return {
        "currency": sums.currency,
        "lines": sums.lines,
        "debit_minor": sums.debit_minor,
        "credit_minor": sums.credit_minor,
        "waiting_vat_minor": sums.waiting_vat_minor,
    }


def _name(item: OpenItem) -> str:
    return item.code or item.customer.name


def _customers(work: Work, items: Sequence[OpenItem], opening_id: UUID) -> dict[str, UUID]:
    """The customer of each account: known by its code there, else found or opened by what is told of it.

    A code is written down before the next account is looked at, so that two accounts of one name stay two customers.
    """
    known = customers_by_alias(work, [each.code for each in items if each.code])
    alias_customers(work, known, opening_id)
    found: dict[str, UUID] = {}
    for item in items:
        name = _name(item)
        if name in found:
            continue
        found[name] = known.get(item.code or "") or _customer(work, item)
        if item.code and item.code not in known:
            alias_customers(work, {item.code: found[name]}, opening_id)
    return found


def _customer(work: Work, item: OpenItem) -> UUID:
    facts = item.customer
    if facts.siren or facts.vat_id:
        return find_or_create_customer(work, facts, identify=True).customer_id
    return customer_named(work, facts, coded=item.code is not None) or open_customer(work, facts).customer_id


def _write_documents(
    work: Work, opening: NewOpening, opening_id: UUID, customers: Mapping[str, UUID]
) -> list[dict[str, Any]]:
    """Invoices and credit notes with their entries and their lines on 411, each kind of row as one set."""
    chart, at = Chart(**accounts_on(opening.opened_on)), now()
    invoices, entries, lines, rows, audits = [], [], [], [], []
    for position, item in enumerate(opening.items, 1):
        if item.kind is ItemKind.PAYMENT:
            continue
        invoice_id, customer_id = new_id(), customers[_name(item)]
        entry = opening_entry(
            item, chart, opened_on=opening.opened_on, invoice_id=invoice_id, customer_id=customer_id, new_id=new_id
        )
        posting_id = next(each.posting_id for each in entry.postings if each.customer_id)
        entries.append(entry)
        invoices.append(_invoice(item, opening_id, invoice_id, customer_id, at))
        lines.append(_line(item, posting_id, invoice_id, customer_id, opening.opened_on))
        rows.append(_row(item, opening_id, position, customer_id, invoice_id=invoice_id))
        told = {"number": item.reference}
        audits.append({"actor": opening.actor, "act": "opening.booked", "object": str(invoice_id), "details": told})
    work.insert("invoices", invoices)
    write_entries(work, entries)
    write_items(work, lines)
    work.audit_all(audits)
    return rows


def _invoice(item: OpenItem, opening_id: UUID, invoice_id: UUID, customer_id: UUID, at: datetime) -> dict[str, Any]:
    """Its row: what was collected before is its prepaid part, and only a declared one is told of later receipts."""
    return {
        "invoice_id": invoice_id,
        "customer_id": customer_id,
        "number": item.reference,
        "issue_year": item.issued_on.year,
        "origin": Origin.OPENING,
        "type_code": item.type_code,
        "process": item.process,
        "issued_on": item.issued_on,
        "due_on": item.due_on,
        "currency": item.currency,
        "total_minor": item.total_minor,
        "prepaid_minor": item.collected_minor,
        "payable_minor": item.open_minor,
        "vat_on_collection": item.vat_on_collection,
        "vat_rows": vat_rows_to_json(item.vat_rows),
        "document": item.document or {},
        "routing": ROUTINGS[item.customer.kind] if item.declared else Routing.OUT_OF_SCOPE,
        "opening_id": opening_id,
        "created_at": at,
    }


def _line(item: OpenItem, posting_id: UUID, invoice_id: UUID, customer_id: UUID, opened_on: date) -> dict[str, Any]:
    return {
        "posting_id": posting_id,
        "customer_id": customer_id,
        "invoice_id": invoice_id,
        "reference": item.reference,
        "kind": item.kind,
        "debit": item.kind is ItemKind.INVOICE,
        "amount_minor": item.open_minor,
        "open_minor": item.open_minor,
        "currency": item.currency,
        "booked_on": opened_on,
        "due_on": item.due_on,
        "ranked_at": datetime.combine(item.issued_on, time(), tzinfo=UTC),
    }


def _row(item: OpenItem, opening_id: UUID, position: int, customer_id: UUID, **became: UUID) -> dict[str, Any]:
    return {
        "opening_id": opening_id,
        "position": position,
        "customer_id": customer_id,
        "kind": item.kind,
        "reference": item.reference,
        "open_minor": item.open_minor,
        "currency": item.currency,
        **became,
    }


def _write_payments(
    work: Work, opening: NewOpening, opening_id: UUID, customers: Mapping[str, UUID]
) -> list[dict[str, Any]]:
    """Money without use, as payments by hand that lie on the account of the opening."""
    found = [(position, each) for position, each in enumerate(opening.items, 1) if each.kind is ItemKind.PAYMENT]
    attempts = record_payments(
        work,
        [
            RecordPayment(
                payment_ref=f"AN-{opening_id.hex[-12:]}-{position}",
                customer_id=customers[_name(item)],
                amount_minor=item.open_minor,
                currency=item.currency,
                received_on=opening.opened_on,
                method="transfer",
                road="hand",
                counter=OPENING,
                aims={},
                actor=opening.actor,
            )
            for position, item in found
        ],
    )
    return [
        _row(item, opening_id, position, customers[_name(item)], attempt_id=attempt_id)
        for (position, item), attempt_id in zip(found, attempts, strict=True)
    ]


def _start_letters(work: Work, opening: NewOpening, customers: Mapping[str, UUID]) -> None:
    """Count letter codes on from those that were given elsewhere, so that no code means two things in its year."""
    rows = [
        {"customer_id": customers[name], "year": year, "count": count}
        for (name, year), count in sorted((opening.letters or {}).items())
        if count and name in customers
    ]
    work.execute(
        "INSERT INTO letter_counters (supplier_id, customer_id, year, balanced, partial) "
        "SELECT :supplier, customer_id, year, max(count), max(count) FROM jsonb_to_recordset(CAST(:rows AS jsonb)) "
        "AS given (customer_id uuid, year integer, count integer) GROUP BY customer_id, year "
        "ON CONFLICT (supplier_id, customer_id, year) DO UPDATE SET "
        "balanced = greatest(letter_counters.balanced, excluded.balanced), "
        "partial = greatest(letter_counters.partial, excluded.partial)",
        rows=to_json(rows),
    )
