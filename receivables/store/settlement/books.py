"""The books in PostgreSQL: entries, receivable items, allocations and letterings, written as sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.clock import now
from receivables.domain.accounting.ledger import Entry, Posting, booked_from
from receivables.domain.settlement.lettering import Item, Sheet, last_of
from receivables.store.accounting.periods import first_open_day
from receivables.store.settlement.settlements import load_aims
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

_ITEM_COLUMNS = (
    "posting_id, customer_id, kind, debit, amount_minor, open_minor, reference, booked_on, due_on, ranked_at, "
    "currency, invoice_id, attempt_id, lettering_id"
)

_ENTRY_FIELDS = ("entry_id", "journal", "booked_on", "source_kind", "source_ref", "document_ref", "label", "currency")


def write_entries(work: Work, entries: Sequence[Entry]) -> None:
    """Append entries and their postings; the database checks their balance again at commit.

    An entry whose day lies in a closed period is booked on the first open day (see docs/exports.md).
    """
    if not entries:
        return
    at, first_open = now(), first_open_day(work)
    entries = [booked_from(entry, first_open) for entry in entries]
    work.insert(
        "entries",
        [
            {
                "entry_id": entry.entry_id,
                "journal": entry.journal,
                "booked_on": entry.booked_on,
                "source_kind": entry.source_kind,
                "source_ref": entry.source_ref,
                "document_ref": entry.document_ref,
                "label": entry.label,
                "reverses_id": entry.reverses_id,
                "document_on": entry.document_on,
                "created_at": at,
            }
            for entry in entries
        ],
    )
    work.insert(
        "postings",
        [
            {
                "posting_id": posting.posting_id,
                "entry_id": entry.entry_id,
                "account": posting.account,
                "customer_id": posting.customer_id,
                "invoice_id": posting.invoice_id,
                "debit_minor": posting.debit_minor,
                "credit_minor": posting.credit_minor,
                "currency": entry.currency,
            }
            for entry in entries
            for posting in entry.postings
        ],
    )


def write_items(work: Work, items: Sequence[Mapping[str, Any]]) -> None:
    """Add lines of account 411 to the open items, on the days of their entries."""
    if items:
        first_open = first_open_day(work)
        work.insert("receivable_items", [_on_open_day(item, first_open) for item in items])


def _on_open_day(item: Mapping[str, Any], first_open: date | None) -> Mapping[str, Any]:
    return item if first_open is None or item["booked_on"] >= first_open else {**item, "booked_on": first_open}


def update_items(work: Work, items: Iterable[Item]) -> None:
    """Bring open amounts and letterings of ``items`` up to date, as one set."""
    changed = [
        {"posting_id": item.posting_id, "open_minor": item.open_minor, "lettering_id": item.lettering_id}
        for item in items
    ]
    if changed:
        work.execute(
            "UPDATE receivable_items AS item SET open_minor = given.open_minor, lettering_id = given.lettering_id "
            "FROM jsonb_to_recordset(CAST(:changed AS jsonb)) AS given "
            "(posting_id uuid, open_minor bigint, lettering_id uuid) "
            "WHERE item.supplier_id = :supplier AND item.posting_id = given.posting_id",
            changed=to_json(changed),
        )


def entry_of(work: Work, invoice_id: UUID) -> Entry | None:
    """The sales entry of an invoice, or the one by which it was taken over, or ``None`` where it moved nothing."""
    rows = work.rows(
        "SELECT entry.*, posting_id, account, debit_minor, credit_minor, customer_id, posting.invoice_id, currency "
        "FROM entries AS entry JOIN postings AS posting USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
        "AND source_kind IN ('invoice', 'opening') AND source_ref = :ref ORDER BY posting_id",
        ref=str(invoice_id),
    )
    if not rows:
        return None
    first = rows[0]
    told = {name: first[name] for name in _ENTRY_FIELDS}
    lines = tuple(Posting(**{name: row[name] for name in Posting.__dataclass_fields__}) for row in rows)
    return Entry(**told, postings=lines)


def entries_of_lines(work: Work, posting_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The entry behind each line of 411."""
    if not posting_ids:
        return {}
    rows = work.rows(
        "SELECT posting_id, entry_id FROM postings WHERE supplier_id = :supplier AND posting_id = ANY(:ids)",
        ids=list(posting_ids),
    )
    return {row["posting_id"]: row["entry_id"] for row in rows}


def known_sources(work: Work, kind: str, refs: Sequence[str]) -> set[str]:
    """Which of these facts are already booked."""
    if not refs:  # most batches have no returns
        return set()
    rows = work.rows(
        "SELECT source_ref FROM entries WHERE supplier_id = :supplier AND source_kind = :kind "
        "AND source_ref = ANY(:refs)",
        kind=kind,
        refs=list(refs),
    )
    return {row["source_ref"] for row in rows}


def load_sheet(work: Work, invoice_ids: Iterable[UUID], attempt_ids: Iterable[UUID] = ()) -> Sheet:
    """The sheet around invoices and payments: all that competes with them, their lines, the rest of their groups.

    What the payments ``attempt_ids`` are for is among the invoices; a payment may be for none.
    """
    sheet = Sheet()
    aims: dict[tuple[UUID, UUID], int] = {}
    followers: dict[UUID, UUID] = {}
    known: set[UUID] = set()
    attempts = set(attempt_ids)
    todo = set(invoice_ids)
    while todo:  # payments for several invoices, credit notes and corrections join them
        _add_targets(work, sheet, list(todo))
        near = load_aims(work, list(todo), aims, followers)
        known |= todo
        todo = (sheet.attempts_by_invoice.keys() | near) - known
    for (note, invoice), amount in aims.items():
        sheet.add_set_off(note, last_of(followers, invoice), amount)
    rows = work.rows(
        f"SELECT {_ITEM_COLUMNS} FROM receivable_items WHERE supplier_id = :supplier AND "
        "invoice_id = ANY(:invoices) "
        f"UNION SELECT {_ITEM_COLUMNS} FROM receivable_items WHERE supplier_id = :supplier AND "
        "attempt_id = ANY(:attempts)",
        invoices=list(known),
        attempts=list(attempts | sheet.targets.keys()),
    )
    _add(sheet, rows)
    _add_rest_of_groups(work, sheet)
    _add_pairs(work, sheet)
    return sheet


def _add_targets(work: Work, sheet: Sheet, invoices: list[UUID]) -> None:
    """What the payments for ``invoices`` are for: as begun, and as changed by choice since."""
    rows = work.rows(
        "WITH near AS (SELECT attempt_id FROM reservations WHERE supplier_id = :supplier "
        "AND invoice_id = ANY(:invoices) UNION SELECT attempt_id FROM aim_choices WHERE supplier_id = :supplier "
        "AND invoice_id = ANY(:invoices)) "
        "SELECT attempt_id, invoice_id, amount_minor, state FROM reservations JOIN near USING (attempt_id) "
        "WHERE supplier_id = :supplier UNION ALL SELECT attempt_id, invoice_id, sum(amount_minor)::bigint, 'chosen' "
        "FROM aim_choices JOIN near USING (attempt_id) WHERE supplier_id = :supplier GROUP BY attempt_id, invoice_id",
        invoices=invoices,
    )
    fresh = {row["attempt_id"] for row in rows} - sheet.targets.keys()
    for row in rows:
        if row["attempt_id"] in fresh:
            sheet.add_target(row["attempt_id"], row["invoice_id"], row["amount_minor"])
        if row["state"] == "processing":
            sheet.flying.add(row["attempt_id"])


def _add_rest_of_groups(work: Work, sheet: Sheet) -> None:
    letterings = {item.lettering_id for item in sheet.items.values() if item.lettering_id}
    if letterings:
        rows = work.rows(
            f"SELECT {_ITEM_COLUMNS} FROM receivable_items WHERE supplier_id = :supplier "
            "AND lettering_id = ANY(:letterings)",
            letterings=list(letterings),
        )
        _add(sheet, [row for row in rows if row["posting_id"] not in sheet.items])


def _add_pairs(work: Work, sheet: Sheet) -> None:
    lettered = [posting_id for posting_id, item in sheet.items.items() if item.open_minor < item.amount_minor]
    if not lettered:
        return
    rows = work.rows(
        "SELECT debit_posting_id, credit_posting_id, sum(amount_minor)::bigint AS amount_minor FROM allocations "
        "WHERE supplier_id = :supplier AND (debit_posting_id = ANY(:ids) OR credit_posting_id = ANY(:ids)) "
        "GROUP BY debit_posting_id, credit_posting_id HAVING sum(amount_minor) <> 0",
        ids=lettered,
    )
    for row in rows:
        sheet.set_pair((row["debit_posting_id"], row["credit_posting_id"]), row["amount_minor"])


def _add(sheet: Sheet, rows: Sequence[RowMapping]) -> None:
    for row in rows:
        sheet.add_item(Item(**row))
